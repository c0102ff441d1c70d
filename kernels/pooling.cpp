#include <xgrad/kernels/pooling.hpp>

#include <xgrad/kernels/convolution_parts.hpp>
#include <xgrad/kernels/pool.hpp>

#include <cstring>
#include <limits>
#include <type_traits>

namespace xgrad::kernels {
namespace {

constexpr std::int64_t strip = 64;                // channels at a time: their running results stay in registers' reach
constexpr std::int64_t elements_a_chunk = 1 << 15;

template <class T>
struct Work {
  MaxPool what;
  const Convolution* c;
  const T *x, *other;
  T* out;
};

template <class T>
using Number = std::conditional_t<sizeof(T) == 4, std::int32_t, std::int64_t>;

/// One window: calls f(number, place) for its taps inside of x, in order.
template <class F>
[[gnu::always_inline]] inline void for_taps(const Convolution& c, std::int64_t image, const TapRange& z,
                                            const TapRange& y, const TapRange& x, F&& f) {
  std::int64_t number = 0;
  for (std::int64_t tz = z.first; tz < z.last; ++tz) {
    for (std::int64_t ty = y.first; ty < y.last; ++ty) {
      const std::int64_t line =
          ((image * c.in[0] + z.start + tz * c.dilation[0]) * c.in[1] + y.start + ty * c.dilation[1]) * c.in[2];
      for (std::int64_t tx = x.first; tx < x.last; ++tx)
        f(number++, (line + x.start + tx * c.dilation[2]) * c.in_channels);
    }
  }
}

/// Windows of the rows [begin, end) of lines of output places along the last axis.
template <class T>
[[gnu::always_inline]] inline void loops(const Work<T>& work, std::int64_t begin, std::int64_t end) {
  const Convolution& c = *work.c;
  const std::int64_t channels = c.in_channels;
  for (std::int64_t line = begin; line < end; ++line) {
    const std::int64_t oy = line % c.out[1], oz = line / c.out[1] % c.out[0], image = line / c.out[1] / c.out[0];
    const TapRange z = taps_inside(c, 0, oz), y = taps_inside(c, 1, oy);
    for (std::int64_t ox = 0; ox < c.out[2]; ++ox) {
      const TapRange x = taps_inside(c, 2, ox);
      const std::int64_t row = (line * c.out[2] + ox) * channels;
      for (std::int64_t first = 0; first < channels; first += strip) {
        const std::int64_t count = std::min(strip, channels - first);
        T best[strip];
        Number<T> which[strip];
        for (std::int64_t i = 0; i < count; ++i) best[i] = -std::numeric_limits<T>::infinity();
        if (work.what == MaxPool::values) {
          for_taps(c, image, z, y, x, [&](std::int64_t, std::int64_t place) {
            const T* from = work.x + place + first;
            for (std::int64_t i = 0; i < count; ++i)
              best[i] = (from[i] > best[i]) | (from[i] != from[i]) ? from[i] : best[i];
          });
          std::memcpy(work.out + row + first, best, static_cast<std::size_t>(count) * sizeof(T));
          continue;
        }
        for (std::int64_t i = 0; i < count; ++i) which[i] = -1;
        for_taps(c, image, z, y, x, [&](std::int64_t number, std::int64_t place) {
          const T* from = work.x + place + first;
          const auto here = static_cast<Number<T>>(number);
          for (std::int64_t i = 0; i < count; ++i) {
            const bool known = best[i] == best[i];
            const bool better = known & ((from[i] > best[i]) | (from[i] != from[i]) | (which[i] < 0));
            best[i] = better ? from[i] : best[i];
            which[i] = better ? here : which[i];
          }
        });
        if (work.what == MaxPool::put) {
          const T* g = work.other + row + first;
          for_taps(c, image, z, y, x, [&](std::int64_t number, std::int64_t place) {
            T* to = work.out + place + first;
            const auto here = static_cast<Number<T>>(number);
            for (std::int64_t i = 0; i < count; ++i) to[i] += which[i] == here ? g[i] : T{0};
          });
        } else {
          for (std::int64_t i = 0; i < count; ++i) best[i] = 0;
          for_taps(c, image, z, y, x, [&](std::int64_t number, std::int64_t place) {
            const T* from = work.other + place + first;
            const auto here = static_cast<Number<T>>(number);
            for (std::int64_t i = 0; i < count; ++i) best[i] = which[i] == here ? from[i] : best[i];
          });
          std::memcpy(work.out + row + first, best, static_cast<std::size_t>(count) * sizeof(T));
        }
      }
    }
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

template <class T>
void run(MaxPool what, const Convolution& c, const T* x, const T* other, T* out) {
  const auto loops_here = vector_bytes() > 16 ? loops_avx2<T> : loops_baseline<T>;
  const Work<T> work{what, &c, x, other, out};
  const std::int64_t image = volume(c.in) * c.in_channels, lines = c.out[0] * c.out[1];
  if (what == MaxPool::put) {
    // Windows may overlap, so an image belongs to one thread.
    const std::int64_t together = std::max<std::int64_t>(1, elements_a_chunk / std::max<std::int64_t>(1, image));
    parallel((c.batch + together - 1) / together, [&](std::int64_t chunk) {
      const std::int64_t begin = chunk * together, end = std::min(c.batch, begin + together);
      for (std::int64_t n = begin; n < end; ++n) {
        std::memset(out + n * image, 0, static_cast<std::size_t>(image) * sizeof(T));
        loops_here(work, n * lines, (n + 1) * lines);
      }
    });
    return;
  }
  const std::int64_t each = std::max<std::int64_t>(1, c.out[2] * c.in_channels * volume(c.taps));
  const std::int64_t together = std::max<std::int64_t>(1, elements_a_chunk / each), all = c.batch * lines;
  parallel((all + together - 1) / together, [&](std::int64_t chunk) {
    loops_here(work, chunk * together, std::min(all, (chunk + 1) * together));
  });
}

}  // namespace

void max_pool(MaxPool what, const Convolution& c, const void* x, const void* other, void* out) {
  if (c.type == DType::float64)
    run(what, c, static_cast<const double*>(x), static_cast<const double*>(other), static_cast<double*>(out));
  else
    run(what, c, static_cast<const float*>(x), static_cast<const float*>(other), static_cast<float*>(out));
}

}  // namespace xgrad::kernels
