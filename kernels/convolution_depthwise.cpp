#include <xgrad/kernels/convolution_parts.hpp>
#include <xgrad/kernels/pool.hpp>
#include <xgrad/kernels/tile.hpp>

#include <cstring>

namespace xgrad::kernels {
namespace {

constexpr std::int64_t most_pieces = 16;
constexpr std::int64_t least_products = 1 << 14;  // of a piece

/// Channel c's results are c * times ... c * times + times - 1.
struct Channels {
  std::int64_t count, times;
};

/// y[c * times + m] += x[c] * w[c * times + m]
template <class T>
[[gnu::always_inline]] inline void add_to_y(const Channels& s, const T* x, const T* w, T* __restrict y) {
  if (s.times == 1) {
    for (std::int64_t i = 0; i < s.count; ++i) y[i] += x[i] * w[i];
    return;
  }
  for (std::int64_t i = 0; i < s.count; ++i)
    for (std::int64_t m = 0; m < s.times; ++m) y[i * s.times + m] += x[i] * w[i * s.times + m];
}

/// x[c] += sum over m of g[c * times + m] * w[c * times + m]
template <class T>
[[gnu::always_inline]] inline void add_to_x(const Channels& s, const T* g, const T* w, T* __restrict x) {
  if (s.times == 1) {
    for (std::int64_t i = 0; i < s.count; ++i) x[i] += g[i] * w[i];
    return;
  }
  for (std::int64_t i = 0; i < s.count; ++i)
    for (std::int64_t m = 0; m < s.times; ++m) x[i] += g[i * s.times + m] * w[i * s.times + m];
}

/// What one piece does: outputs [begin, end) of `result` (rows of y, or of w's gradient), images of x.
template <class T>
struct Work {
  ConvolutionOf result;
  const Convolution* c;
  const T *a, *b;
  T* out;
};

/// All taps of outputs [begin, end): `out` is y, or x (cleared here, whole images), or one part of w (cleared here).
template <class T>
[[gnu::always_inline]] inline void loops(const Work<T>& work, std::int64_t begin, std::int64_t end) {
  const Convolution& c = *work.c;
  const Channels s{c.in_channels, c.out_channels / c.in_channels};
  std::int64_t at[4], rest = begin;
  for (std::size_t axis = 3; axis-- > 0;) {
    at[axis + 1] = rest % c.out[axis];
    rest /= c.out[axis];
  }
  at[0] = rest;
  for (std::int64_t row = begin; row < end; ++row) {
    const TapRange z = taps_inside(c, 0, at[1]), y = taps_inside(c, 1, at[2]), x = taps_inside(c, 2, at[3]);
    T* y_row = work.out + row * c.out_channels;
    if (work.result == ConvolutionOf::y) std::memset(y_row, 0, static_cast<std::size_t>(c.out_channels) * sizeof(T));
    for (std::int64_t tz = z.first; tz < z.last; ++tz) {
      for (std::int64_t ty = y.first; ty < y.last; ++ty) {
        const std::int64_t line =
            ((at[0] * c.in[0] + z.start + tz * c.dilation[0]) * c.in[1] + y.start + ty * c.dilation[1]) * c.in[2];
        for (std::int64_t tx = x.first; tx < x.last; ++tx) {
          const std::int64_t place = (line + x.start + tx * c.dilation[2]) * c.in_channels;
          const std::int64_t tap = ((tz * c.taps[1] + ty) * c.taps[2] + tx) * c.out_channels;
          switch (work.result) {
            case ConvolutionOf::y: add_to_y(s, work.a + place, work.b + tap, y_row); break;
            case ConvolutionOf::x: add_to_x(s, work.a + row * c.out_channels, work.b + tap, work.out + place); break;
            case ConvolutionOf::w:
              add_to_y(s, work.a + place, work.b + row * c.out_channels, work.out + tap);
              break;
          }
        }
      }
    }
    for (std::size_t axis = 3; axis > 0 && ++at[axis] == c.out[axis - 1]; --axis) at[axis] = 0;
    if (at[1] == 0 && at[2] == 0 && at[3] == 0) ++at[0];
  }
}

template <class T>
void loops_baseline(const Work<T>& work, std::int64_t begin, std::int64_t end) {
  loops(work, begin, end);
}
template <class T>
[[gnu::target("avx2")]] void loops_avx2(const Work<T>& work, std::int64_t begin, std::int64_t end) {
  loops(work, begin, end);
}

Pieces pieces_of(ConvolutionOf result, const Convolution& c) {
  const std::int64_t products = std::max<std::int64_t>(1, volume(c.taps) * c.out_channels);
  if (result == ConvolutionOf::x) return {c.batch, least_products / (products * volume(c.out)), most_pieces};
  return {c.batch * volume(c.out), (least_products + products - 1) / products, most_pieces};
}

template <class T>
void run(ConvolutionOf result, const Convolution& c, const T* a, const T* b, T* out, T* scratch) {
  static const bool wide = std::strcmp(instruction_set(), "baseline") != 0;
  const auto loops_here = wide ? loops_avx2<T> : loops_baseline<T>;
  const Pieces pieces = pieces_of(result, c);
  const std::int64_t places = volume(c.out), image = volume(c.in) * c.in_channels;
  const std::int64_t weights = volume(c.taps) * c.out_channels;
  parallel(pieces.number, [&](std::int64_t piece) {
    const std::int64_t begin = pieces.begin(piece), end = pieces.begin(piece + 1);
    Work<T> work{result, &c, a, b, out};
    if (result == ConvolutionOf::x) {
      std::fill(out + begin * image, out + end * image, T{});
      return loops_here(work, begin * places, end * places);
    }
    if (result == ConvolutionOf::w) {
      work.out = pieces.number == 1 ? out : scratch + piece * weights;
      std::fill_n(work.out, weights, T{});
    }
    loops_here(work, begin, end);
  });
  if (result == ConvolutionOf::w && pieces.number > 1) add_up(scratch, pieces.number, weights, out);
}

}  // namespace

std::size_t depthwise_scratch(ConvolutionOf result, const Convolution& c) {
  if (result != ConvolutionOf::w) return 0;
  return static_cast<std::size_t>(pieces_of(result, c).number * volume(c.taps) * c.out_channels) * size_of(c.type);
}

void convolve_depthwise(ConvolutionOf result, const Convolution& c, const float* a, const float* b, float* out,
                        float* scratch) {
  run(result, c, a, b, out, scratch);
}
void convolve_depthwise(ConvolutionOf result, const Convolution& c, const double* a, const double* b, double* out,
                        double* scratch) {
  run(result, c, a, b, out, scratch);
}

}  // namespace xgrad::kernels
