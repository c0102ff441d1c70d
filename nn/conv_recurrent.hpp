#pragma once
/// Recurrent layers whose products are convolutions: ConvLSTM1D, ConvLSTM2D, ConvLSTM3D.

#include <xgrad/nn/recurrent.hpp>
#include <xgrad/ops/convolution.hpp>

namespace xgrad {

/// In Keras's argument order.
struct ConvLSTMOptions {
  EachAxis strides = 1;                       ///< of the inputs' convolution
  std::string padding = "valid";              ///< or "same"; of the inputs' convolution
  std::string data_format = "channels_last";  ///< or "channels_first"
  EachAxis dilation_rate = 1;
  ActivationFunction activation = "tanh";
  ActivationFunction recurrent_activation = "sigmoid";
  bool use_bias = true;
  initializers::Initializer kernel_initializer = "glorot_uniform";
  initializers::Initializer recurrent_initializer = "orthogonal";
  initializers::Initializer bias_initializer = "zeros";
  bool unit_forget_bias = true;
  regularizers::Regularizer kernel_regularizer = {};
  regularizers::Regularizer recurrent_regularizer = {};
  regularizers::Regularizer bias_regularizer = {};
  regularizers::Regularizer activity_regularizer = {};
  constraints::Constraint kernel_constraint = {};
  constraints::Constraint recurrent_constraint = {};
  constraints::Constraint bias_constraint = {};
  double dropout = 0;
  double recurrent_dropout = 0;
  std::optional<std::uint64_t> seed = {};
  bool return_sequences = false;
  bool return_state = false;
  bool go_backwards = false;
  bool stateful = false;
  bool zero_output_for_mask = false;
  Shape input_shape = {};  ///< (steps, ...space, channels): builds the layer at once
  std::int64_t batch_size = 0;
  std::string name = {};
  std::optional<DType> dtype = {};
};

/// The layers of all numbers of axes.
class ConvLSTM : public RNN {
 public:
  Tensor operator()(const Tensor& x) const { return call_alone(*this, x); }
  std::vector<Tensor> operator()(std::span<const Tensor> xs) const { return call_all(*this, xs); }
  std::vector<Tensor> operator()(std::initializer_list<Tensor> xs) const {
    return (*this)(std::span<const Tensor>(xs.begin(), xs.size()));
  }
  using RNN::operator();
  std::string_view kind_name() const;
  /// Undefined until built; the bias also without use_bias.
  const Parameter& kernel() const;
  const Parameter& recurrent_kernel() const;
  const Parameter& bias() const;

 protected:
  ConvLSTM(int axes, std::int64_t filters, const EachAxis& kernel_size, ConvLSTMOptions options);
  static ConvLSTM read(int axes, const Config& config);
};

/// The LSTM whose products are convolutions: in z = conv(x, kernel) + conv(h, recurrent_kernel, same) + bias the
/// channels are the parts i, f, c, o. x is (batch, steps, ...space, channels), the output (batch, ...space, filters) or
/// that of all steps. (Shi et al. 2015.) Throws ValueError unless filters > 0, for strides beside dilation, and for
/// rates of dropout outside [0, 1).
template <int axes>
class ConvLSTMOver : public ConvLSTM {
 public:
  ConvLSTMOver(std::int64_t filters, const EachAxis& kernel_size, ConvLSTMOptions options = {})
      : ConvLSTM(axes, filters, kernel_size, std::move(options)) {}
  static ConvLSTM from_config(const Config& config) { return read(axes, config); }
};
using ConvLSTM1D = ConvLSTMOver<1>;
using ConvLSTM2D = ConvLSTMOver<2>;
using ConvLSTM3D = ConvLSTMOver<3>;

}  // namespace xgrad
