#pragma once
/// The optimizers, with Keras's names, definitions and defaults. Options stand in Keras's argument order.

#include <xgrad/optim/optimizer.hpp>

namespace xgrad::optimizers {

struct SGDOptions {
  LearningRate learning_rate = .01;
  double momentum = 0;
  bool nesterov = false;
  double weight_decay = 0;
  double clipnorm = 0;
  double clipvalue = 0;
  double global_clipnorm = 0;
};

/// w -= learning_rate * g. With momentum: m = momentum * m - learning_rate * g, w += m; with nesterov
/// w += momentum * m - learning_rate * g.
class SGD : public Optimizer {
 public:
  SGD(const SGDOptions& options = {});
  explicit SGD(LearningRate learning_rate);
  /// Built for these Parameters.
  explicit SGD(std::span<const Parameter> parameters, const SGDOptions& options = {});
};

struct RMSpropOptions {
  LearningRate learning_rate = .001;
  double rho = .9;
  double momentum = 0;
  double epsilon = 1e-7;
  bool centered = false;
  double weight_decay = 0;
  double clipnorm = 0;
  double clipvalue = 0;
  double global_clipnorm = 0;
};

/// v = rho * v + (1 - rho) * g^2; w -= learning_rate * g / sqrt(v + epsilon). Centered, the square of the gradients'
/// mean is taken off v; with momentum the steps are summed up as momentum * m + step.
class RMSprop : public Optimizer {
 public:
  RMSprop(const RMSpropOptions& options = {});
  explicit RMSprop(LearningRate learning_rate);
  explicit RMSprop(std::span<const Parameter> parameters, const RMSpropOptions& options = {});
};

struct AdamOptions {
  LearningRate learning_rate = .001;
  double beta_1 = .9;
  double beta_2 = .999;
  double epsilon = 1e-7;
  bool amsgrad = false;
  double weight_decay = 0;
  double clipnorm = 0;
  double clipvalue = 0;
  double global_clipnorm = 0;
};

/// m += (1 - beta_1) (g - m); v += (1 - beta_2) (g^2 - v); w -= alpha * m / (sqrt(v) + epsilon), where alpha =
/// learning_rate * sqrt(1 - beta_2^t) / (1 - beta_1^t): epsilon is not corrected. With amsgrad the largest v so far
/// stands for v. (Kingma and Ba 2015; Reddi, Kale and Kumar 2018.)
class Adam : public Optimizer {
 public:
  Adam(const AdamOptions& options = {});
  explicit Adam(LearningRate learning_rate);
  explicit Adam(std::span<const Parameter> parameters, const AdamOptions& options = {});
};

}  // namespace xgrad::optimizers
