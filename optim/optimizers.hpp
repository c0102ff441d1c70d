#pragma once
/// The optimizers, with Keras's names, definitions and defaults. Options stand in Keras's argument order; those that
/// all have in common are described at `Common`. Numbers out of range are a ValueError.

#include <xgrad/optim/optimizer.hpp>

#include <optional>

namespace xgrad::optimizers {

// In the formulas g is the gradient, w the Parameter, t = 1, 2, ... the step.

struct SGDOptions {
  LearningRate learning_rate = .01;
  double momentum = 0;
  bool nesterov = false;
  double weight_decay = 0;
  double clipnorm = 0;
  double clipvalue = 0;
  double global_clipnorm = 0;
  bool use_ema = false;
  double ema_momentum = .99;
  std::int64_t ema_overwrite_frequency = 0;
  double loss_scale_factor = 0;
  std::int64_t gradient_accumulation_steps = 0;
};

/// w -= learning_rate * g. With momentum: m = momentum * m - learning_rate * g, w += m; with nesterov
/// w += momentum * m - learning_rate * g. Each optimizer can be made from options, from a learning rate alone, and
/// built at once for Parameters.
class SGD : public Optimizer {
 public:
  SGD(const SGDOptions& options = {});
  explicit SGD(LearningRate learning_rate);
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
  bool use_ema = false;
  double ema_momentum = .99;
  std::int64_t ema_overwrite_frequency = 0;
  double loss_scale_factor = 0;
  std::int64_t gradient_accumulation_steps = 0;
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
  bool use_ema = false;
  double ema_momentum = .99;
  std::int64_t ema_overwrite_frequency = 0;
  double loss_scale_factor = 0;
  std::int64_t gradient_accumulation_steps = 0;
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

struct AdamWOptions {
  LearningRate learning_rate = .001;
  double weight_decay = .004;
  double beta_1 = .9;
  double beta_2 = .999;
  double epsilon = 1e-7;
  bool amsgrad = false;
  double clipnorm = 0;
  double clipvalue = 0;
  double global_clipnorm = 0;
  bool use_ema = false;
  double ema_momentum = .99;
  std::int64_t ema_overwrite_frequency = 0;
  double loss_scale_factor = 0;
  std::int64_t gradient_accumulation_steps = 0;
};

/// Adam with decay of the weights (Loshchilov and Hutter 2019).
class AdamW : public Optimizer {
 public:
  AdamW(const AdamWOptions& options = {});
  explicit AdamW(LearningRate learning_rate);
  explicit AdamW(std::span<const Parameter> parameters, const AdamWOptions& options = {});
};

struct AdamaxOptions {
  LearningRate learning_rate = .001;
  double beta_1 = .9;
  double beta_2 = .999;
  double epsilon = 1e-7;
  double weight_decay = 0;
  double clipnorm = 0;
  double clipvalue = 0;
  double global_clipnorm = 0;
  bool use_ema = false;
  double ema_momentum = .99;
  std::int64_t ema_overwrite_frequency = 0;
  double loss_scale_factor = 0;
  std::int64_t gradient_accumulation_steps = 0;
};

/// m as Adam's; u = max(beta_2 u, |g|); w -= learning_rate m / ((1 - beta_1^t) (u + epsilon)). (Kingma and Ba 2015.)
class Adamax : public Optimizer {
 public:
  Adamax(const AdamaxOptions& options = {});
  explicit Adamax(LearningRate learning_rate);
  explicit Adamax(std::span<const Parameter> parameters, const AdamaxOptions& options = {});
};

struct NadamOptions {
  LearningRate learning_rate = .001;
  double beta_1 = .9;
  double beta_2 = .999;
  double epsilon = 1e-7;
  double weight_decay = 0;
  double clipnorm = 0;
  double clipvalue = 0;
  double global_clipnorm = 0;
  bool use_ema = false;
  double ema_momentum = .99;
  std::int64_t ema_overwrite_frequency = 0;
  double loss_scale_factor = 0;
  std::int64_t gradient_accumulation_steps = 0;
};

/// Adam with Nesterov's momentum: with u_t = beta_1 (1 - 0.96^t / 2) and their product p_t, m' = u_(t+1) m / (1 -
/// p_(t+1))
/// + (1 - u_t) g / (1 - p_t); w -= learning_rate m' / (sqrt(v / (1 - beta_2^t)) + epsilon). (Dozat 2016.)
class Nadam : public Optimizer {
 public:
  Nadam(const NadamOptions& options = {});
  explicit Nadam(LearningRate learning_rate);
  explicit Nadam(std::span<const Parameter> parameters, const NadamOptions& options = {});
};

struct AdagradOptions {
  LearningRate learning_rate = .001;
  double initial_accumulator_value = .1;
  double epsilon = 1e-7;
  double weight_decay = 0;
  double clipnorm = 0;
  double clipvalue = 0;
  double global_clipnorm = 0;
  bool use_ema = false;
  double ema_momentum = .99;
  std::int64_t ema_overwrite_frequency = 0;
  double loss_scale_factor = 0;
  std::int64_t gradient_accumulation_steps = 0;
};

/// a += g^2; w -= learning_rate g / sqrt(a + epsilon). (Duchi, Hazan and Singer 2011.)
class Adagrad : public Optimizer {
 public:
  Adagrad(const AdagradOptions& options = {});
  explicit Adagrad(LearningRate learning_rate);
  explicit Adagrad(std::span<const Parameter> parameters, const AdagradOptions& options = {});
};

struct AdadeltaOptions {
  LearningRate learning_rate = .001;
  double rho = .95;
  double epsilon = 1e-7;
  double weight_decay = 0;
  double clipnorm = 0;
  double clipvalue = 0;
  double global_clipnorm = 0;
  bool use_ema = false;
  double ema_momentum = .99;
  std::int64_t ema_overwrite_frequency = 0;
  double loss_scale_factor = 0;
  std::int64_t gradient_accumulation_steps = 0;
};

/// a = rho a + (1 - rho) g^2; d = -g sqrt(s + epsilon) / sqrt(a + epsilon); s = rho s + (1 - rho) d^2; w +=
/// learning_rate d. (Zeiler 2012.)
class Adadelta : public Optimizer {
 public:
  Adadelta(const AdadeltaOptions& options = {});
  explicit Adadelta(LearningRate learning_rate);
  explicit Adadelta(std::span<const Parameter> parameters, const AdadeltaOptions& options = {});
};

struct AdafactorOptions {
  LearningRate learning_rate = .001;
  double beta_2_decay = -.8;
  double epsilon_1 = 1e-30;
  double epsilon_2 = 1e-3;
  double clip_threshold = 1;
  bool relative_step = true;
  double weight_decay = 0;
  double clipnorm = 0;
  double clipvalue = 0;
  double global_clipnorm = 0;
  bool use_ema = false;
  double ema_momentum = .99;
  std::int64_t ema_overwrite_frequency = 0;
  double loss_scale_factor = 0;
  std::int64_t gradient_accumulation_steps = 0;
};

/// Adam without momentum, whose v is kept as the means of its rows and columns where there are two axes or more; steps
/// are of the order of the weights' root mean square. As in Keras the rate is at most 1 / sqrt(t), with relative_step
/// or without. (Shazeer and Stern 2018.)
class Adafactor : public Optimizer {
 public:
  Adafactor(const AdafactorOptions& options = {});
  explicit Adafactor(LearningRate learning_rate);
  explicit Adafactor(std::span<const Parameter> parameters, const AdafactorOptions& options = {});
};

struct FtrlOptions {
  LearningRate learning_rate = .001;
  double learning_rate_power = -.5;
  double initial_accumulator_value = .1;
  double l1_regularization_strength = 0;
  double l2_regularization_strength = 0;
  double l2_shrinkage_regularization_strength = 0;
  double beta = 0;
  double weight_decay = 0;
  double clipnorm = 0;
  double clipvalue = 0;
  double global_clipnorm = 0;
  bool use_ema = false;
  double ema_momentum = .99;
  std::int64_t ema_overwrite_frequency = 0;
  double loss_scale_factor = 0;
  std::int64_t gradient_accumulation_steps = 0;
};

/// Follow the regularized leader: the weights that all gradients so far, linearised, and the penalties ask for.
/// (McMahan et al. 2013.)
class Ftrl : public Optimizer {
 public:
  Ftrl(const FtrlOptions& options = {});
  explicit Ftrl(LearningRate learning_rate);
  explicit Ftrl(std::span<const Parameter> parameters, const FtrlOptions& options = {});
};

struct LionOptions {
  LearningRate learning_rate = .001;
  double beta_1 = .9;
  double beta_2 = .99;
  double weight_decay = 0;
  double clipnorm = 0;
  double clipvalue = 0;
  double global_clipnorm = 0;
  bool use_ema = false;
  double ema_momentum = .99;
  std::int64_t ema_overwrite_frequency = 0;
  double loss_scale_factor = 0;
  std::int64_t gradient_accumulation_steps = 0;
};

/// w -= learning_rate sign(beta_1 m + (1 - beta_1) g), then m = beta_2 m + (1 - beta_2) g. (Chen et al. 2023.)
class Lion : public Optimizer {
 public:
  Lion(const LionOptions& options = {});
  explicit Lion(LearningRate learning_rate);
  explicit Lion(std::span<const Parameter> parameters, const LionOptions& options = {});
};

struct LambOptions {
  LearningRate learning_rate = .001;
  double beta_1 = .9;
  double beta_2 = .999;
  double epsilon = 1e-7;
  double weight_decay = 0;
  double clipnorm = 0;
  double clipvalue = 0;
  double global_clipnorm = 0;
  bool use_ema = false;
  double ema_momentum = .99;
  std::int64_t ema_overwrite_frequency = 0;
  double loss_scale_factor = 0;
  std::int64_t gradient_accumulation_steps = 0;
};

/// Adam's step u = m / (1 - beta_1^t) / (sqrt(v / (1 - beta_2^t)) + epsilon), made as long as the weights are:
/// w -= learning_rate |w| / |u| u, or learning_rate u where one of the norms is 0. (You et al. 2020.)
class Lamb : public Optimizer {
 public:
  Lamb(const LambOptions& options = {});
  explicit Lamb(LearningRate learning_rate);
  explicit Lamb(std::span<const Parameter> parameters, const LambOptions& options = {});
};

struct MuonOptions {
  LearningRate learning_rate = .001;
  double adam_beta_1 = .9;
  double adam_beta_2 = .999;
  double adam_weight_decay = .004;
  double epsilon = 1e-7;
  double weight_decay = .004;
  double clipnorm = 0;
  double clipvalue = 0;
  double global_clipnorm = 0;
  bool use_ema = false;
  double ema_momentum = .99;
  std::int64_t ema_overwrite_frequency = 0;
  double loss_scale_factor = 0;
  std::int64_t gradient_accumulation_steps = 0;
  std::vector<std::string> exclude_layers = {};  ///< regular expressions for names that AdamW updates
  bool exclude_embeddings = true;                ///< AdamW updates what has "embedding" in its name
  double muon_a = 3.4445;
  double muon_b = -4.775;
  double muon_c = 2.0315;
  double adam_lr_ratio = 1;
  double momentum = .95;
  std::int64_t ns_steps = 5;
  bool nesterov = true;
  std::optional<double> rms_rate = .2;  ///< none: steps are not scaled
};

/// Matrices follow their momentum made orthogonal by Newton and Schulz's iteration x = a x + (b x x' + c (x x')^2) x,
/// with steps of rms_rate sqrt(the longer side); everything else follows AdamW. (Jordan et al. 2024.)
class Muon : public Optimizer {
 public:
  Muon(const MuonOptions& options = {});
  explicit Muon(LearningRate learning_rate);
  explicit Muon(std::span<const Parameter> parameters, const MuonOptions& options = {});
};

struct ScheduleFreeAdamWOptions {
  LearningRate learning_rate = .0025;
  double beta_1 = .9;
  double beta_2 = .999;
  double epsilon = 1e-8;
  std::int64_t warmup_steps = 0;
  double weight_decay = 0;
  double clipnorm = 0;
  double clipvalue = 0;
  double global_clipnorm = 0;
  bool use_ema = false;
  double ema_momentum = .99;
  std::int64_t ema_overwrite_frequency = 0;
  double loss_scale_factor = 0;
  std::int64_t gradient_accumulation_steps = 0;
};

/// z -= learning_rate g / (sqrt(v / (1 - beta_2^t)) + epsilon); x is the mean of all z, and w = (1 - beta_1) z + beta_1
/// x. Needs no schedule; the rate rises over warmup_steps. (Defazio et al. 2024.)
class ScheduleFreeAdamW : public Optimizer {
 public:
  ScheduleFreeAdamW(const ScheduleFreeAdamWOptions& options = {});
  explicit ScheduleFreeAdamW(LearningRate learning_rate);
  explicit ScheduleFreeAdamW(std::span<const Parameter> parameters, const ScheduleFreeAdamWOptions& options = {});
};

struct LossScaleOptions {
  double initial_scale = 32768;
  std::int64_t dynamic_growth_steps = 2000;
};

/// What a LossScaleOptimizer was made with.
struct LossScaled {
  Optimizer inner;
  LossScaleOptions options;
};

/// Another optimizer, copied, for losses times a scale that grows until gradients overflow: `scale_loss` multiplies,
/// and updates divide. After dynamic_growth_steps updates the scale doubles; gradients that are not finite halve it and
/// change nothing else. Updates are recorded after their gradients are computed, to look at them.
class LossScaleOptimizer : public Optimizer {
 public:
  /// Throws ValueError unless initial_scale > 0 and dynamic_growth_steps > 0.
  explicit LossScaleOptimizer(const Optimizer& inner_optimizer, const LossScaleOptions& options = {});
  double dynamic_scale() const { return scaling().scale; }
};

/// Which Parameters follow which optimizer: by name ("dense/kernel"), or by a regular expression for all of the name
/// ("encoder/.*"). A name that is given itself counts before expressions.
class OptimizerMap {
 public:
  explicit OptimizerMap(Optimizer default_optimizer,
                        std::initializer_list<std::pair<std::string, Optimizer>> optimizer_map = {});
  /// Throws ValueError for a name that is there already.
  void set(const std::string& name, Optimizer optimizer);
  const Optimizer& default_optimizer() const { return default_; }
  const std::vector<std::pair<std::string, Optimizer>>& entries() const { return map_; }

 private:
  Optimizer default_;
  std::vector<std::pair<std::string, Optimizer>> map_;
};

struct MultiOptions {
  double loss_scale_factor = 0;
};

/// What a MultiOptimizer was made with.
struct Mapped {
  OptimizerMap map;
  MultiOptions options;
};

/// Several optimizers, each for the Parameters that the map gives to it. Its learning rate is that of the default one.
class MultiOptimizer : public Optimizer {
 public:
  /// Throws ValueError for optimizers with a loss scale, MultiOptimizers among them, and texts that are no regular
  /// expression; a Parameter that two expressions match is an error when it is built.
  explicit MultiOptimizer(const OptimizerMap& optimizer_map, const MultiOptions& options = {});
};

}  // namespace xgrad::optimizers
