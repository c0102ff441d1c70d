#pragma once
/// Convolutional layers over 1, 2 and 3 axes in space: plain, transposed, depthwise and separable.

#include <xgrad/nn/activations.hpp>
#include <xgrad/nn/initializers.hpp>
#include <xgrad/nn/layer.hpp>
#include <xgrad/ops/convolution.hpp>

#include <optional>

namespace xgrad {

/// In Keras's argument order, which is the order C++ asks for.
struct ConvLayerOptions {
  EachAxis strides = 1;
  std::string padding = "valid";              ///< or "same"; Conv1D also "causal"
  std::string data_format = "channels_last";  ///< or "channels_first"
  EachAxis dilation_rate = 1;
  std::int64_t groups = 1;  ///< of channels that are convolved apart from each other
  ActivationFunction activation = {};
  bool use_bias = true;
  initializers::Initializer kernel_initializer = "glorot_uniform";
  initializers::Initializer bias_initializer = "zeros";
  regularizers::Regularizer kernel_regularizer = {};
  regularizers::Regularizer bias_regularizer = {};
  regularizers::Regularizer activity_regularizer = {};
  constraints::Constraint kernel_constraint = {};
  constraints::Constraint bias_constraint = {};
  Shape input_shape = {};  ///< of one input, without the batch: builds the layer at once
  std::string name = {};
  std::optional<DType> dtype = {};  ///< of the weights; by default the input's if it is floating, else float32
};

struct ConvTransposeLayerOptions {
  EachAxis strides = 1;
  std::string padding = "valid";  ///< or "same"
  EachAxis output_padding = {};   ///< see conv_transpose
  std::string data_format = "channels_last";
  EachAxis dilation_rate = 1;
  ActivationFunction activation = {};
  bool use_bias = true;
  initializers::Initializer kernel_initializer = "glorot_uniform";
  initializers::Initializer bias_initializer = "zeros";
  regularizers::Regularizer kernel_regularizer = {};
  regularizers::Regularizer bias_regularizer = {};
  regularizers::Regularizer activity_regularizer = {};
  constraints::Constraint kernel_constraint = {};
  constraints::Constraint bias_constraint = {};
  Shape input_shape = {};
  std::string name = {};
  std::optional<DType> dtype = {};
};

struct DepthwiseConvLayerOptions {
  EachAxis strides = 1;
  std::string padding = "valid";
  std::int64_t depth_multiplier = 1;  ///< results for each channel
  std::string data_format = "channels_last";
  EachAxis dilation_rate = 1;
  ActivationFunction activation = {};
  bool use_bias = true;
  initializers::Initializer depthwise_initializer = "glorot_uniform";
  initializers::Initializer bias_initializer = "zeros";
  regularizers::Regularizer depthwise_regularizer = {};
  regularizers::Regularizer bias_regularizer = {};
  regularizers::Regularizer activity_regularizer = {};
  constraints::Constraint depthwise_constraint = {};
  constraints::Constraint bias_constraint = {};
  Shape input_shape = {};
  std::string name = {};
  std::optional<DType> dtype = {};
};

struct SeparableConvLayerOptions {
  EachAxis strides = 1;
  std::string padding = "valid";
  std::string data_format = "channels_last";
  EachAxis dilation_rate = 1;
  std::int64_t depth_multiplier = 1;
  ActivationFunction activation = {};
  bool use_bias = true;
  initializers::Initializer depthwise_initializer = "glorot_uniform";
  initializers::Initializer pointwise_initializer = "glorot_uniform";
  initializers::Initializer bias_initializer = "zeros";
  regularizers::Regularizer depthwise_regularizer = {};
  regularizers::Regularizer pointwise_regularizer = {};
  regularizers::Regularizer bias_regularizer = {};
  regularizers::Regularizer activity_regularizer = {};
  constraints::Constraint depthwise_constraint = {};
  constraints::Constraint pointwise_constraint = {};
  constraints::Constraint bias_constraint = {};
  Shape input_shape = {};
  std::string name = {};
  std::optional<DType> dtype = {};
};

/// What convolutional layers share. Built by the first call or by `input_shape`; copies share the weights, whenever
/// they are made.
class ConvLayer {
 public:
  /// Throws ShapeError for another rank or number of channels than the layer was made for.
  Tensor operator()(const Tensor& x) const { return call_alone(*this, x); }
  Tensor operator()(const Tensor& x, Call& call) const;
  void each(Visit visit);
  Config get_config() const;

  /// Makes the weights, if they are not there yet, for inputs with so many channels.
  void build(std::int64_t channels, DType dtype, Generator& generator) const;
  bool built() const;
  /// Undefined until built; the bias also without use_bias. Of SeparableConv the depthwise kernel.
  const Parameter& kernel() const;
  const Parameter& pointwise_kernel() const;  ///< of SeparableConv
  const Parameter& bias() const;

  std::string_view kind_name() const;
  const std::string& name() const;
  const Shape& input_shape() const;

 protected:
  struct State;
  explicit ConvLayer(Shared<State> state);
  static ConvLayer read(std::string_view kind, const Config& config);

 private:
  Shared<State> state_;
};

/// activation(conv(x, kernel) + bias): (batch, ...space, channels) -> (batch, ...space, filters). The kernel is
/// (...kernel_size, channels / groups, filters).
template <int N>
class Conv : public ConvLayer {
 public:
  /// Throws ValueError for filters or a kernel_size below 1, filters that groups do not divide, other words for padding
  /// or data_format, and strides together with a dilation_rate, both above 1.
  Conv(std::int64_t filters, EachAxis kernel_size, ConvLayerOptions options = {});
  static Conv from_config(const Config& config) { return Conv(read(kind(), config)); }
  static std::string_view kind();

 private:
  explicit Conv(ConvLayer layer) : ConvLayer(std::move(layer)) {}
};
using Conv1D = Conv<1>;
using Conv2D = Conv<2>;
using Conv3D = Conv<3>;

/// activation(conv_transpose(x, kernel) + bias). The kernel is (...kernel_size, filters, channels).
template <int N>
class ConvTranspose : public ConvLayer {
 public:
  ConvTranspose(std::int64_t filters, EachAxis kernel_size, ConvTransposeLayerOptions options = {});
  static ConvTranspose from_config(const Config& config) { return ConvTranspose(read(kind(), config)); }
  static std::string_view kind();

 private:
  explicit ConvTranspose(ConvLayer layer) : ConvLayer(std::move(layer)) {}
};
using Conv1DTranspose = ConvTranspose<1>;
using Conv2DTranspose = ConvTranspose<2>;
using Conv3DTranspose = ConvTranspose<3>;

/// activation(depthwise_conv(x, kernel) + bias). The kernel is (...kernel_size, channels, depth_multiplier).
template <int N>
class DepthwiseConv : public ConvLayer {
 public:
  explicit DepthwiseConv(EachAxis kernel_size, DepthwiseConvLayerOptions options = {});
  static DepthwiseConv from_config(const Config& config) { return DepthwiseConv(read(kind(), config)); }
  static std::string_view kind();

 private:
  explicit DepthwiseConv(ConvLayer layer) : ConvLayer(std::move(layer)) {}
};
using DepthwiseConv1D = DepthwiseConv<1>;
using DepthwiseConv2D = DepthwiseConv<2>;

/// activation(separable_conv(x, depthwise, pointwise) + bias). The kernels are (...kernel_size, channels,
/// depth_multiplier) and (...1, channels * depth_multiplier, filters).
template <int N>
class SeparableConv : public ConvLayer {
 public:
  SeparableConv(std::int64_t filters, EachAxis kernel_size, SeparableConvLayerOptions options = {});
  static SeparableConv from_config(const Config& config) { return SeparableConv(read(kind(), config)); }
  static std::string_view kind();

 private:
  explicit SeparableConv(ConvLayer layer) : ConvLayer(std::move(layer)) {}
};
using SeparableConv1D = SeparableConv<1>;
using SeparableConv2D = SeparableConv<2>;

// Keras's other names.
using Convolution1D = Conv1D;
using Convolution1DTranspose = Conv1DTranspose;
using Convolution2D = Conv2D;
using Convolution2DTranspose = Conv2DTranspose;
using Convolution3D = Conv3D;
using Convolution3DTranspose = Conv3DTranspose;
using SeparableConvolution1D = SeparableConv1D;
using SeparableConvolution2D = SeparableConv2D;

}  // namespace xgrad
