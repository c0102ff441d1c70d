#pragma once
/// Identity, Lambda, Masking, ActivityRegularization, Embedding and EinsumDense.

#include <xgrad/nn/activations.hpp>
#include <xgrad/nn/initializers.hpp>
#include <xgrad/nn/layer.hpp>

namespace xgrad {

struct CustomObjects;

struct PlainOptions {
  std::string name = {};
};

/// x
struct Identity {
  explicit Identity(PlainOptions options = {}) : name(std::move(options.name)) {}
  Tensor operator()(const Tensor& x) const { return call_alone(*this, x); }
  Tensor operator()(const Tensor& x, Call&) const { return x; }
  Config get_config() const;
  static Identity from_config(const Config& config);

  std::string name;
};

struct LambdaOptions {
  std::string function_name = {};  ///< under which CustomObjects hold the function when the model is loaded
  std::string name = {};
};

/// A function as a layer that can be saved by name. (Any function is a layer without it, but one that cannot.)
class Lambda {
 public:
  explicit Lambda(Function<Tensor(const Tensor&)> function, LambdaOptions options = {});
  Tensor operator()(const Tensor& x) const { return call_alone(*this, x); }
  Tensor operator()(const Tensor& x, Call& call) const;
  const std::string& name() const { return options_.name; }
  /// Throws ValueError without a function_name.
  Config get_config() const;
  static Lambda from_config(const Config& config, const CustomObjects& custom);

 private:
  Function<Tensor(const Tensor&)> function_;
  LambdaOptions options_;
};

struct MaskingOptions {
  double mask_value = 0;
  std::string name = {};
};

/// Steps of (batch, steps, ...) whose numbers are all mask_value do not count: they become 0, and layers and losses
/// behind leave them out.
struct Masking {
  explicit Masking(MaskingOptions options = {});
  Tensor operator()(const Tensor& x) const { return call_alone(*this, x); }
  Tensor operator()(const Tensor& x, Call& call) const;
  Config get_config() const;
  static Masking from_config(const Config& config);

  double mask_value;
  std::string name;
};

struct ActivityRegularizationOptions {
  double l1 = 0;
  double l2 = 0;
  std::string name = {};
};

/// x, and l1 * sum(|x|) + l2 * sum(x^2) into the loss.
struct ActivityRegularization {
  explicit ActivityRegularization(ActivityRegularizationOptions options = {});
  Tensor operator()(const Tensor& x) const { return call_alone(*this, x); }
  Tensor operator()(const Tensor& x, Call& call) const;
  Config get_config() const;
  static ActivityRegularization from_config(const Config& config);

  double l1, l2;
  std::string name;
};

struct EmbeddingOptions {
  initializers::Initializer embeddings_initializer = "uniform";
  regularizers::Regularizer embeddings_regularizer = {};
  constraints::Constraint embeddings_constraint = {};
  bool mask_zero = false;  ///< 0 stands for no step: it does not count
  std::string name = {};
  DType dtype = float32;
};

/// Integers 0 ... input_dim-1 of any shape (...) as the rows of a table: (..., output_dim). An integer out of range is
/// a ValueError when values are computed.
class Embedding {
 public:
  /// Throws ValueError unless both numbers are above 0.
  Embedding(std::int64_t input_dim, std::int64_t output_dim, EmbeddingOptions options = {});
  Tensor operator()(const Tensor& x) const { return call_alone(*this, x); }
  Tensor operator()(const Tensor& x, Call& call) const;
  void each(Visit visit);
  const std::string& name() const;
  const Parameter& embeddings() const;  ///< undefined until built
  Config get_config() const;
  static Embedding from_config(const Config& config);

 private:
  struct State;
  Shared<State> state_;
};

struct EinsumDenseOptions {
  ActivationFunction activation = {};
  std::string bias_axes = {};  ///< letters of the result that the bias has; empty: no bias
  initializers::Initializer kernel_initializer = "glorot_uniform";
  initializers::Initializer bias_initializer = "zeros";
  regularizers::Regularizer kernel_regularizer = {};
  regularizers::Regularizer bias_regularizer = {};
  regularizers::Regularizer activity_regularizer = {};
  constraints::Constraint kernel_constraint = {};
  constraints::Constraint bias_constraint = {};
  std::string name = {};
  std::optional<DType> dtype = {};
};

/// activation(einsum(equation, x, kernel) + bias): "abc,cd->abd" is Dense on three axes, "...x,xy->...y" on any. The
/// lengths of letters that x has not come from output_shape (without the batch; -1 where x says it).
class EinsumDense {
 public:
  /// Throws ValueError for an equation that is not "x,kernel->result" or a bias axis that the result has not.
  EinsumDense(std::string equation, std::vector<std::int64_t> output_shape, EinsumDenseOptions options = {});
  Tensor operator()(const Tensor& x) const { return call_alone(*this, x); }
  Tensor operator()(const Tensor& x, Call& call) const;
  void each(Visit visit);
  const std::string& name() const;
  const Parameter& kernel() const;
  const Parameter& bias() const;
  Config get_config() const;
  static EinsumDense from_config(const Config& config);

 private:
  struct State;
  Shared<State> state_;
};

}  // namespace xgrad
