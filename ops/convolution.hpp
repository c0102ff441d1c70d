#pragma once
/// Convolution and pooling over one, two or three axes in space, as keras.ops has them: (batch, ...space, channels), or
/// (batch, channels, ...space) with data_format "channels_first". float32 and float64; integers become float32. All are
/// differentiable in each operand, any number of times.

#include <xgrad/ops/shape.hpp>

#include <string>

namespace xgrad {

/// One number for all axes in space, or one for each; or nothing, where options have a default of their own.
class EachAxis {
 public:
  EachAxis() = default;
  EachAxis(std::int64_t all) : all_(all), given_(true) {}
  EachAxis(std::initializer_list<std::int64_t> each) : each_(each), given_(true) {}
  explicit EachAxis(std::vector<std::int64_t> each) : each_(std::move(each)), given_(true) {}
  bool given() const { return given_; }
  /// One for each of n axes. Throws ValueError, naming `where` and `what`, for another number of them or one below
  /// `least`.
  std::vector<std::int64_t> of(int n, std::string_view where, std::string_view what, std::int64_t least = 1,
                               const Location& place = Location()) const;

 private:
  std::int64_t all_ = 1;
  std::vector<std::int64_t> each_;
  bool given_ = false;
};

/// "valid": none. "same": as many zeros as make the result ceil(length / stride) long, the odd one behind. "causal"
/// (one axis): all before, so that no result depends on what comes later. Or numbers for each axis.
class ConvPadding {
 public:
  ConvPadding(const char* word) : word_(word) {}
  ConvPadding(std::string_view word) : word_(word) {}
  ConvPadding(const std::string& word) : word_(word) {}
  ConvPadding(std::initializer_list<Padding> each) : each_(each) {}
  explicit ConvPadding(std::vector<Padding> each) : each_(std::move(each)) {}

  const std::string& word() const { return word_; }  ///< empty for numbers
  const std::vector<Padding>& each() const { return each_; }

 private:
  std::string word_;
  std::vector<Padding> each_;
};

/// In Keras's argument order, which is the order C++ asks for.
struct ConvOptions {
  EachAxis strides = 1;
  ConvPadding padding = "valid";
  std::string_view data_format = "channels_last";  ///< or "channels_first"
  EachAxis dilation_rate = 1;
};

/// y[n, o, c] = sum over taps t and channels i of x[n, o * stride + t * dilation - before, i] kernel[t, i, c], where x
/// is 0 outside. kernel: (...taps, in_channels / groups, out_channels); how many groups there are follows from it.
/// Throws ShapeError if ranks or channels do not fit, or nothing is left of an axis.
Tensor conv(const Arg& x, const Arg& kernel, const ConvOptions& options = {});

struct ConvTransposeOptions {
  EachAxis strides = 1;
  ConvPadding padding = "valid";  ///< or "same", or numbers that are cut off
  EachAxis output_padding = {};   ///< by default as much as makes "same" length * stride long
  std::string_view data_format = "channels_last";
  EachAxis dilation_rate = 1;
  std::int64_t groups = 1;
};

/// The transpose of the linear map that conv is in x. kernel: (...taps, out_channels / groups, in_channels). Each
/// length becomes, with k = (taps - 1) * dilation + 1,
///   "valid": (length - 1) * stride + max(k, stride), or with output_padding p (length - 1) * stride + k + p,
///   "same": length * stride, or with output_padding p (length - 1) * stride + k % 2 + p,
///   numbers: (length - 1) * stride + k - before - behind + p.
Tensor conv_transpose(const Arg& x, const Arg& kernel, const ConvTransposeOptions& options = {});

/// Each channel convolved by itself with multiplier kernels of its own: kernel (...taps, in_channels, multiplier), the
/// results of channel i are channels i * multiplier and following.
Tensor depthwise_conv(const Arg& x, const Arg& kernel, const ConvOptions& options = {});
/// depthwise_conv, then a product with the pointwise kernel (...ones, in_channels * multiplier, out_channels).
Tensor separable_conv(const Arg& x, const Arg& depthwise_kernel, const Arg& pointwise_kernel,
                      const ConvOptions& options = {});

struct PoolOptions {
  EachAxis strides = {};          ///< by default the pool's size
  ConvPadding padding = "valid";  ///< or "same", or numbers; what is added never counts
  std::string_view data_format = "channels_last";
};

/// The largest element of each window; NaN wins. The gradient goes to the first of equal ones.
Tensor max_pool(const Arg& x, const EachAxis& pool_size, const PoolOptions& options = {});
/// The mean of each window, over the elements inside of x.
Tensor average_pool(const Arg& x, const EachAxis& pool_size, const PoolOptions& options = {});

/// Pools over output_size windows for each axis: window i from floor(i n / size) to ceil((i + 1) n / size).
Tensor adaptive_max_pool(const Arg& x, const EachAxis& output_size, std::string_view data_format = "channels_last");
Tensor adaptive_average_pool(const Arg& x, const EachAxis& output_size, std::string_view data_format = "channels_last");

struct UnfoldOptions {
  EachAxis dilation = 1;
  EachAxis padding = 0;  ///< zeros on both sides
  EachAxis stride = 1;
};

/// The windows of images (batch, channels, rows, columns) as columns: (batch, channels * taps, places). A convolution
/// is its kernel's matrix times these. Throws ShapeError unless x has four axes and is not empty.
Tensor unfold(const Arg& x, const EachAxis& kernel_size, const UnfoldOptions& options = {});
/// The transpose of unfold: columns (batch, channels * taps, places) added where they came from in images (batch,
/// channels, ...output_size). Throws ShapeError unless there are as many places as windows.
Tensor fold(const Arg& x, const EachAxis& output_size, const EachAxis& kernel_size, const UnfoldOptions& options = {});

/// Blocks of rows and columns as channels: (batch, rows, columns, channels) -> (batch, rows / b, columns / b, b * b *
/// channels), or with channels first (batch, channels * b * b, ...). Throws ShapeError unless b divides the lengths.
Tensor space_to_depth(const Arg& x, std::int64_t block_size, std::string_view data_format = "channels_last");
/// The reverse of space_to_depth, also called pixel shuffle.
Tensor depth_to_space(const Arg& x, std::int64_t block_size, std::string_view data_format = "channels_last");

}  // namespace xgrad
