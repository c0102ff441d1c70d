#include <xgrad/kernels/convolution_parts.hpp>
#include <xgrad/kernels/pool.hpp>

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

/// One of the three: from a and b to y, x, or one part of w's sums.
template <class T>
struct Work {
  ConvolutionOf result;
  const Convolution* c;
  const T *a, *b;
  T* out;
};

/// All taps of the places [begin, end). x (whole images) and w start from zeros.
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

// ---- one result a channel: sums stay in registers

template <class T, int bytes>
struct Vectors {
  typedef T One __attribute__((vector_size(bytes), aligned(alignof(T)), may_alias));
  static constexpr std::int64_t lanes = bytes / sizeof(T);
};

/// A strip of channels: `count` vectors side by side.
template <class T, int bytes, int count>
struct Strip {
  using V = typename Vectors<T, bytes>::One;
  V sums[count];
  /// sums += a * b
  [[gnu::always_inline]] void add(const T* a, const T* b) {
#pragma GCC unroll 4
    for (int i = 0; i < count; ++i) sums[i] += reinterpret_cast<const V*>(a)[i] * reinterpret_cast<const V*>(b)[i];
  }
  [[gnu::always_inline]] void load(const T* from) {
#pragma GCC unroll 4
    for (int i = 0; i < count; ++i) sums[i] = reinterpret_cast<const V*>(from)[i];
  }
  [[gnu::always_inline]] void store(T* to) const {
#pragma GCC unroll 4
    for (int i = 0; i < count; ++i) reinterpret_cast<V*>(to)[i] = sums[i];
  }
};

/// Calls f(first channel, strip of zeros) for strips of channels: four vectors, one, and the last channels singly.
template <class T, int bytes, class F>
[[gnu::always_inline]] inline void for_strips(std::int64_t channels, F&& f) {
  constexpr std::int64_t lanes = Vectors<T, bytes>::lanes;
  std::int64_t first = 0;
  for (; first + 4 * lanes <= channels; first += 4 * lanes) f(first, Strip<T, bytes, 4>{});
  for (; first + lanes <= channels; first += lanes) f(first, Strip<T, bytes, 1>{});
  for (; first < channels; ++first) f(first, Strip<T, static_cast<int>(sizeof(T)), 1>{});
}

/// y at the places [begin, end); with `turned` the taps of w stand in reverse order, which makes it the gradient by x.
template <class T, int bytes>
[[gnu::always_inline]] inline void single_y(const Convolution& c, const T* x, const T* w, T* y, bool turned,
                                            std::int64_t begin, std::int64_t end) {
  const std::int64_t channels = c.in_channels, last_tap = volume(c.taps) - 1;
  for (std::int64_t row = begin; row < end; ++row) {
    const std::int64_t ox = row % c.out[2], oy = row / c.out[2] % c.out[1];
    const std::int64_t oz = row / (c.out[2] * c.out[1]) % c.out[0], image = row / volume(c.out);
    const TapRange z = taps_inside(c, 0, oz), ys = taps_inside(c, 1, oy), xs = taps_inside(c, 2, ox);
    const auto strip = [&](std::int64_t first, auto sum) __attribute__((always_inline)) {
      for (std::int64_t tz = z.first; tz < z.last; ++tz) {
        for (std::int64_t ty = ys.first; ty < ys.last; ++ty) {
          const std::int64_t line =
              ((image * c.in[0] + z.start + tz * c.dilation[0]) * c.in[1] + ys.start + ty * c.dilation[1]) * c.in[2];
          for (std::int64_t tx = xs.first; tx < xs.last; ++tx) {
            const std::int64_t place = (line + xs.start + tx * c.dilation[2]) * channels + first;
            const std::int64_t tap = (tz * c.taps[1] + ty) * c.taps[2] + tx;
            const std::int64_t at = (turned ? last_tap - tap : tap) * channels + first;
            sum.add(x + place, w + at);
          }
        }
      }
      sum.store(y + row * channels + first);
    };
    for_strips<T, bytes>(channels, strip);
  }
}

/// Adds the places of the lines [begin, end) to w's gradient.
template <class T, int bytes>
[[gnu::always_inline]] inline void single_w(const Convolution& c, const T* x, const T* g, T* w, std::int64_t begin,
                                            std::int64_t end) {
  const std::int64_t channels = c.in_channels;
  for (std::int64_t number = begin; number < end; ++number) {
    const std::int64_t oy = number % c.out[1], oz = number / c.out[1] % c.out[0];
    const std::int64_t image = number / (c.out[0] * c.out[1]);
    const TapRange z = taps_inside(c, 0, oz), ys = taps_inside(c, 1, oy);
    for (std::int64_t tz = z.first; tz < z.last; ++tz) {
      for (std::int64_t ty = ys.first; ty < ys.last; ++ty) {
        const std::int64_t line =
            ((image * c.in[0] + z.start + tz * c.dilation[0]) * c.in[1] + ys.start + ty * c.dilation[1]) * c.in[2];
        for (std::int64_t tx = 0; tx < c.taps[2]; ++tx) {
          // Places whose window has this tap inside of x.
          const std::int64_t from = tx * c.dilation[2] - c.before[2], room = c.in[2] - 1 - from;
          const std::int64_t low = from >= 0 ? 0 : (-from + c.stride[2] - 1) / c.stride[2];
          const std::int64_t high = room < 0 ? 0 : std::min(c.out[2], room / c.stride[2] + 1);
          T* to = w + ((tz * c.taps[1] + ty) * c.taps[2] + tx) * channels;
          const auto strip = [&](std::int64_t first, auto sum) __attribute__((always_inline)) {
            sum.load(to + first);
            for (std::int64_t ox = low; ox < high; ++ox)
              sum.add(x + (line + from + ox * c.stride[2]) * channels + first,
                      g + (number * c.out[2] + ox) * channels + first);
            sum.store(to + first);
          };
          for_strips<T, bytes>(channels, strip);
        }
      }
    }
  }
}

/// `loops` in general; with one result a channel what stays in registers where there is such a way.
template <class T, int bytes>
[[gnu::always_inline]] inline void all_loops(const Work<T>& work, std::int64_t begin, std::int64_t end) {
  const Convolution& c = *work.c;
  if (c.out_channels != c.in_channels) return loops(work, begin, end);
  if (work.result == ConvolutionOf::y) return single_y<T, bytes>(c, work.a, work.b, work.out, false, begin, end);
  if (work.result == ConvolutionOf::w)
    return single_w<T, bytes>(c, work.a, work.b, work.out, begin / c.out[2], end / c.out[2]);
  if (c.stride != Three{1, 1, 1}) return loops(work, begin, end);
  Convolution turned = c;
  std::swap(turned.in, turned.out);
  for (std::size_t axis = 0; axis < 3; ++axis)
    turned.before[axis] = (c.taps[axis] - 1) * c.dilation[axis] - c.before[axis];
  const std::int64_t places = volume(c.out);
  single_y<T, bytes>(turned, work.a, work.b, work.out, true, begin / places * volume(c.in),
                     end / places * volume(c.in));
}

template <class T>
void loops_baseline(const Work<T>& work, std::int64_t begin, std::int64_t end) {
  all_loops<T, 16>(work, begin, end);
}
template <class T>
[[gnu::target("avx2")]] void loops_avx2(const Work<T>& work, std::int64_t begin, std::int64_t end) {
  all_loops<T, 32>(work, begin, end);
}
template <class T>
[[gnu::target("avx512f")]] void loops_avx512(const Work<T>& work, std::int64_t begin, std::int64_t end) {
  all_loops<T, 64>(work, begin, end);
}

Pieces pieces_of(ConvolutionOf result, const Convolution& c) {
  const std::int64_t products = std::max<std::int64_t>(1, volume(c.taps) * c.out_channels);
  if (result == ConvolutionOf::x) return {c.batch, least_products / (products * volume(c.out)), most_pieces};
  // Whole lines along the last axis.
  return {c.batch * c.out[0] * c.out[1], least_products / (products * c.out[2]), most_pieces};
}

template <class T>
void run(ConvolutionOf result, const Convolution& c, const T* a, const T* b, T* out, T* scratch) {
  const int bytes = vector_bytes();
  const auto loops_here = bytes == 64 ? loops_avx512<T> : bytes == 32 ? loops_avx2<T> : loops_baseline<T>;
  const Pieces pieces = pieces_of(result, c);
  const std::int64_t places = volume(c.out), image = volume(c.in) * c.in_channels;
  const std::int64_t weights = volume(c.taps) * c.out_channels;
  parallel(pieces.number, [&](std::int64_t piece) {
    const std::int64_t begin = pieces.begin(piece), end = pieces.begin(piece + 1);
    Work<T> work{result, &c, a, b, out};
    if (result == ConvolutionOf::x) {
      if (c.stride != Three{1, 1, 1} || c.out_channels != c.in_channels)
        std::fill(out + begin * image, out + end * image, T{});
      return loops_here(work, begin * places, end * places);
    }
    if (result == ConvolutionOf::w) {
      work.out = pieces.number == 1 ? out : scratch + piece * weights;
      std::fill_n(work.out, weights, T{});
    }
    loops_here(work, begin * c.out[2], end * c.out[2]);
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
