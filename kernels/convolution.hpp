#pragma once
/// Convolutions of arrays with channels last, and the two linear maps that are their derivatives.

#include <xgrad/kernels/dtype.hpp>

#include <array>
#include <cstddef>
#include <cstdint>

namespace xgrad::kernels {

/// Lengths along three axes in space; fewer axes have ones in front.
using Three = std::array<std::int64_t, 3>;

/// The sizes of a convolution of x (batch, in, in_channels) with w (taps, in_channels / groups, out_channels), which
/// gives y (batch, out, out_channels), all contiguous: y[n, o, c] = sum over taps t and channels i of c's group of
/// x[n, o * stride + t * dilation - before, i] w[t, i, c]. Places outside of x count as zeros.
struct Convolution {
  DType type = DType::float32;  ///< float32 or float64
  std::int64_t batch = 0, groups = 1, in_channels = 0, out_channels = 0;
  Three in{1, 1, 1}, taps{1, 1, 1}, out{1, 1, 1}, stride{1, 1, 1}, dilation{1, 1, 1}, before{0, 0, 0};
};

/// Which of the three arrays of a convolution is computed from the other two.
enum class ConvolutionOf : std::uint8_t {
  y,  ///< the convolution: a = x, b = w
  x,  ///< its transpose in x: a = y's gradient, b = w
  w,  ///< its transpose in w: a = x, b = y's gradient
};

/// Bytes of memory that `convolve` works in; a function of the sizes alone.
std::size_t convolve_scratch(ConvolutionOf result, const Convolution& sizes);

/// Sums have one order, which follows from the sizes, whatever the number of threads.
void convolve(ConvolutionOf result, const Convolution& sizes, const void* a, const void* b, void* out, void* scratch);

}  // namespace xgrad::kernels
