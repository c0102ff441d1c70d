#pragma once
/// Normalizing layers: BatchNormalization, LayerNormalization, RMSNormalization, GroupNormalization, UnitNormalization,
/// SpectralNormalization.

#include <xgrad/nn/initializers.hpp>
#include <xgrad/nn/layer.hpp>

namespace xgrad {

struct CustomObjects;

struct BatchNormalizationOptions {
  int axis = -1;
  double momentum = .99;
  double epsilon = 1e-3;
  bool center = true;
  bool scale = true;
  initializers::Initializer beta_initializer = "zeros";
  initializers::Initializer gamma_initializer = "ones";
  initializers::Initializer moving_mean_initializer = "zeros";
  initializers::Initializer moving_variance_initializer = "ones";
  regularizers::Regularizer beta_regularizer = {};
  regularizers::Regularizer gamma_regularizer = {};
  constraints::Constraint beta_constraint = {};
  constraints::Constraint gamma_constraint = {};
  std::string name = {};
  std::optional<DType> dtype = {};
};

/// gamma (x - mean) / sqrt(variance + epsilon) + beta, each channel of `axis` by itself. In training mean and variance
/// (divided by n) are those of the batch (of the steps that count, if there is a mask), and the moving ones follow
/// them: moving = moving * momentum + batch * (1 - momentum). Otherwise, and when frozen, the moving ones are used.
/// (Ioffe and Szegedy 2015.)
class BatchNormalization {
 public:
  /// Throws ValueError unless 0 <= momentum <= 1 and epsilon > 0.
  explicit BatchNormalization(BatchNormalizationOptions options = {});
  Tensor operator()(const Tensor& x) const { return call_alone(*this, x); }
  Tensor operator()(const Tensor& x, Call& call) const;
  void each(Visit visit);
  const std::string& name() const;
  const Parameter& gamma() const;
  const Parameter& beta() const;
  const Parameter& moving_mean() const;
  const Parameter& moving_variance() const;
  Config get_config() const;
  static BatchNormalization from_config(const Config& config);

 private:
  struct State;
  Shared<State> state_;
};

struct LayerNormalizationOptions {
  Axes axis = -1;
  double epsilon = 1e-3;
  bool center = true;
  bool scale = true;
  initializers::Initializer beta_initializer = "zeros";
  initializers::Initializer gamma_initializer = "ones";
  regularizers::Regularizer beta_regularizer = {};
  regularizers::Regularizer gamma_regularizer = {};
  constraints::Constraint beta_constraint = {};
  constraints::Constraint gamma_constraint = {};
  std::string name = {};
  std::optional<DType> dtype = {};
};

/// gamma (x - mean) / sqrt(variance + epsilon) + beta with mean and variance over `axis` of each sample. (Ba, Kiros and
/// Hinton 2016.)
class LayerNormalization {
 public:
  explicit LayerNormalization(LayerNormalizationOptions options = {});
  Tensor operator()(const Tensor& x) const { return call_alone(*this, x); }
  Tensor operator()(const Tensor& x, Call& call) const;
  void each(Visit visit);
  const std::string& name() const;
  Config get_config() const;
  static LayerNormalization from_config(const Config& config);

 private:
  struct State;
  Shared<State> state_;
};

struct RMSNormalizationOptions {
  Axes axis = -1;
  double epsilon = 1e-6;
  std::string name = {};
  std::optional<DType> dtype = {};
};

/// scale * x / sqrt(mean(x^2) + epsilon) over `axis`. (Zhang and Sennrich 2019.)
class RMSNormalization {
 public:
  explicit RMSNormalization(RMSNormalizationOptions options = {});
  Tensor operator()(const Tensor& x) const { return call_alone(*this, x); }
  Tensor operator()(const Tensor& x, Call& call) const;
  void each(Visit visit);
  const std::string& name() const;
  Config get_config() const;
  static RMSNormalization from_config(const Config& config);

 private:
  struct State;
  Shared<State> state_;
};

struct GroupNormalizationOptions {
  std::int64_t groups = 32;  ///< -1: one for each channel (instance normalization)
  int axis = -1;
  double epsilon = 1e-3;
  bool center = true;
  bool scale = true;
  initializers::Initializer beta_initializer = "zeros";
  initializers::Initializer gamma_initializer = "ones";
  regularizers::Regularizer beta_regularizer = {};
  regularizers::Regularizer gamma_regularizer = {};
  constraints::Constraint beta_constraint = {};
  constraints::Constraint gamma_constraint = {};
  std::string name = {};
  std::optional<DType> dtype = {};
};

/// As LayerNormalization, over groups of channels with all other axes but the batch. (Wu and He 2018.)
class GroupNormalization {
 public:
  explicit GroupNormalization(GroupNormalizationOptions options = {});
  Tensor operator()(const Tensor& x) const { return call_alone(*this, x); }
  /// Throws ValueError unless the groups divide the channels.
  Tensor operator()(const Tensor& x, Call& call) const;
  void each(Visit visit);
  const std::string& name() const;
  Config get_config() const;
  static GroupNormalization from_config(const Config& config);

 private:
  struct State;
  Shared<State> state_;
};

struct UnitNormalizationOptions {
  Axes axis = -1;
  std::string name = {};
};

/// x / |x| over `axis`; 0 stays 0.
struct UnitNormalization {
  explicit UnitNormalization(UnitNormalizationOptions options = {});
  Tensor operator()(const Tensor& x) const { return call_alone(*this, x); }
  Tensor operator()(const Tensor& x, Call& call) const;
  Config get_config() const;
  static UnitNormalization from_config(const Config& config);

  Axes axis;
  std::string name;
};

struct SpectralNormalizationOptions {
  int power_iterations = 1;
  std::string name = {};
};

/// A layer with its kernel (or embeddings) divided by the largest singular value, as power iterations estimate it from
/// a vector u that is kept and moves on in training. No gradient goes through the singular vectors. (Miyato, Kataoka,
/// Koyama and Yoshida 2018.)
class SpectralNormalization {
 public:
  /// Throws ValueError for fewer than one iteration.
  explicit SpectralNormalization(Layer layer, SpectralNormalizationOptions options = {});
  Tensor operator()(const Tensor& x) const { return call_alone(*this, x); }
  /// Throws ValueError for a layer without a kernel or embeddings.
  Tensor operator()(const Tensor& x, Call& call) const;
  void each(Visit visit);
  const std::string& name() const;
  Config get_config() const;
  static SpectralNormalization from_config(const Config& config, const CustomObjects& custom);

 private:
  struct State;
  Shared<State> state_;
};

}  // namespace xgrad
