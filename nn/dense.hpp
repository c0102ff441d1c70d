#pragma once
/// Dense: the fully connected layer.

#include <xgrad/nn/activations.hpp>
#include <xgrad/nn/initializers.hpp>
#include <xgrad/nn/layer.hpp>

#include <optional>

namespace xgrad {

/// In Keras's argument order, which is the order C++ asks for.
struct DenseOptions {
  ActivationFunction activation = {};
  bool use_bias = true;
  initializers::Initializer kernel_initializer = "glorot_uniform";
  initializers::Initializer bias_initializer = "zeros";
  regularizers::Regularizer kernel_regularizer = {};
  regularizers::Regularizer bias_regularizer = {};
  regularizers::Regularizer activity_regularizer = {};
  constraints::Constraint kernel_constraint = {};
  constraints::Constraint bias_constraint = {};
  Shape input_shape = {};            ///< of one input, without the batch: builds the layer at once
  std::string name = {};
  std::optional<DType> dtype = {};  ///< of the weights; by default the input's if it is floating, else float32
};

/// activation(x . kernel + bias) over the last axis of x, at any rank: (..., in) -> (..., units). The kernel is (in,
/// units), the bias (units,). Built by the first call or by `input_shape`; copies share the weights, whenever they are
/// made.
class Dense {
 public:
  /// Throws ValueError unless units > 0.
  explicit Dense(std::int64_t units, DenseOptions options = {});

  /// Throws ShapeError unless the last axis of x has the length the kernel was built for.
  Tensor operator()(const Tensor& x) const;
  Tensor operator()(const Tensor& x, Call& call) const;
  void each(Visit visit);
  Config get_config() const;
  static Dense from_config(const Config& config);

  /// Makes the weights, if they are not there yet, for inputs with this last length.
  void build(std::int64_t inputs, DType dtype, Generator& generator) const;
  bool built() const;
  /// Undefined until built; the bias also without use_bias.
  const Parameter& kernel() const;
  const Parameter& bias() const;

  std::int64_t units() const;
  const std::string& name() const;
  const Shape& input_shape() const;

 private:
  struct State;
  Shared<State> state_;
};

}  // namespace xgrad
