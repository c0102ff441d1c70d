#pragma once
// Internal to kernels/.
/// What the ways to compute a convolution share.

#include <xgrad/kernels/convolution.hpp>

#include <algorithm>

namespace xgrad::kernels {

inline std::int64_t volume(const Three& lengths) { return lengths[0] * lengths[1] * lengths[2]; }

/// Places along one axis: the taps [first, last) for which an output place reads inside of x.
struct TapRange {
  std::int64_t start = 0, first = 0, last = 0;
};
inline TapRange taps_inside(const Convolution& c, std::size_t axis, std::int64_t out) {
  TapRange range;
  range.start = out * c.stride[axis] - c.before[axis];
  const std::int64_t d = c.dilation[axis];
  range.first = range.start >= 0 ? 0 : std::min(c.taps[axis], (-range.start + d - 1) / d);
  const std::int64_t room = c.in[axis] - range.start;
  range.last = room <= 0 ? 0 : std::min(c.taps[axis], (room + d - 1) / d);
  range.last = std::max(range.first, range.last);
  return range;
}

/// Channels that only meet themselves: one input channel a group.
inline bool is_depthwise(const Convolution& c) { return c.groups == c.in_channels && c.groups > 1; }
std::size_t depthwise_scratch(ConvolutionOf result, const Convolution& c);
void convolve_depthwise(ConvolutionOf result, const Convolution& c, const float* a, const float* b, float* out,
                        float* scratch);
void convolve_depthwise(ConvolutionOf result, const Convolution& c, const double* a, const double* b, double* out,
                        double* scratch);

/// So few channels that windows are read where they are, for y and w: copying their few numbers would be the work.
inline bool is_narrow(ConvolutionOf result, const Convolution& c) {
  return result != ConvolutionOf::x && c.groups == 1 && c.in_channels <= 4 && volume(c.taps) * c.in_channels <= 256;
}
std::size_t narrow_scratch(ConvolutionOf result, const Convolution& c);
void convolve_narrow(ConvolutionOf result, const Convolution& c, const float* x, const float* other, float* out,
                     void* scratch);
void convolve_narrow(ConvolutionOf result, const Convolution& c, const double* x, const double* other, double* out,
                     void* scratch);

/// Windows of several taps over enough channels for whole vectors, for y, and for x with stride 1.
bool is_wide(ConvolutionOf result, const Convolution& c);
std::size_t wide_scratch(ConvolutionOf result, const Convolution& c);
void convolve_wide(ConvolutionOf result, const Convolution& c, const float* a, const float* w, float* out,
                   void* scratch);
void convolve_wide(ConvolutionOf result, const Convolution& c, const double* a, const double* w, double* out,
                   void* scratch);

/// Vectors of the instruction set that was chosen, in bytes.
int vector_bytes();

/// Cuts `count` things into at most `most` pieces of at least `least`; a function of its arguments alone.
struct Pieces {
  Pieces(std::int64_t count, std::int64_t least, std::int64_t most)
      : count(count), number(std::clamp<std::int64_t>(count / std::max<std::int64_t>(1, least), 1, most)) {}
  std::int64_t begin(std::int64_t piece) const { return count / number * piece + std::min(piece, count % number); }
  std::int64_t count, number;
};

/// Adds `number` arrays of `length` elements, `length` apart, in their order: into `out`.
template <class T>
void add_up(const T* parts, std::int64_t number, std::int64_t length, T* out);

}  // namespace xgrad::kernels
