// Convolutions of images with few channels: a row of the matrix of columns would be a handful of numbers, so its rows
// are never made; windows are read where they are.
#include <xgrad/kernels/convolution_parts.hpp>
#include <xgrad/kernels/pool.hpp>

#include <cstring>

namespace xgrad::kernels {
namespace {

constexpr std::int64_t most_pieces = 16;
constexpr std::int64_t places_together = 6, columns_together = 6;

template <class T, int bytes>
struct Vectors {
  typedef T One __attribute__((vector_size(bytes), aligned(alignof(T)), may_alias));
  static constexpr int lanes = bytes / sizeof(T);
  static constexpr std::int64_t width = 2 * lanes;  // results of a place at a time
};

/// Sizes and where columns lie relative to a window's first element.
struct Narrow {
  const Convolution* c;
  std::int64_t columns, padded;  ///< taps times channels; results, rounded up to whole vectors
  const std::int64_t* offsets;
};

/// y of `count` places, `step` elements apart in x, for one block of results: T is summed over columns in order.
template <class T, int bytes, int count>
[[gnu::always_inline]] inline void places(const Narrow& n, const T* x, std::int64_t step, const std::int64_t* offsets,
                                          const T* w, T* y, std::int64_t y_step, std::int64_t results) {
  using V = Vectors<T, bytes>;
  typename V::One sums[count][2] = {};
  for (std::int64_t k = 0; k < n.columns; ++k) {
    const auto* row = reinterpret_cast<const typename V::One*>(w + k * n.padded);
    const typename V::One first = row[0], second = row[1];
    const T* from = x + offsets[k];
#pragma GCC unroll 6
    for (int i = 0; i < count; ++i) {
      const T value = from[i * step];
      sums[i][0] += value * first;
      sums[i][1] += value * second;
    }
  }
  for (int i = 0; i < count; ++i) {
    if (results == V::width) {
      auto* to = reinterpret_cast<typename V::One*>(y + i * y_step);
      to[0] = sums[i][0];
      to[1] = sums[i][1];
    } else {
      T all[V::width];
      std::memcpy(all, sums[i], sizeof all);
      std::copy_n(all, results, y + i * y_step);
    }
  }
}

/// part[k][:] += x at column k times g[:], over `places` places in order, for `count` columns and one block of results.
template <class T, int bytes, int count>
[[gnu::always_inline]] inline void columns(const Narrow& n, const T* x, std::int64_t step, const std::int64_t* offsets,
                                           const T* g, std::int64_t g_step, std::int64_t number, T* part) {
  using V = Vectors<T, bytes>;
  typename V::One sums[count][2];
  for (int k = 0; k < count; ++k) {
    const auto* row = reinterpret_cast<const typename V::One*>(part + k * n.padded);
    sums[k][0] = row[0];
    sums[k][1] = row[1];
  }
  for (std::int64_t i = 0; i < number; ++i) {
    const auto* slopes = reinterpret_cast<const typename V::One*>(g + i * g_step);
    const typename V::One first = slopes[0], second = slopes[1];
    const T* from = x + i * step;
#pragma GCC unroll 6
    for (int k = 0; k < count; ++k) {
      const T value = from[offsets[k]];
      sums[k][0] += value * first;
      sums[k][1] += value * second;
    }
  }
  for (int k = 0; k < count; ++k) {
    auto* row = reinterpret_cast<typename V::One*>(part + k * n.padded);
    row[0] = sums[k][0];
    row[1] = sums[k][1];
  }
}

/// What one line of outputs reads: places [first, last) have all their taps inside of x.
struct Line {
  std::int64_t image = 0, first = 0, last = 0, start = 0;  ///< start: the window of place 0 in x
  TapRange z, y;
};
inline Line line_at(const Convolution& c, std::int64_t number) {
  Line line;
  line.image = number / (c.out[0] * c.out[1]);
  line.z = taps_inside(c, 0, number / c.out[1] % c.out[0]);
  line.y = taps_inside(c, 1, number % c.out[1]);
  line.start = (((line.image * c.in[0] + line.z.start) * c.in[1] + line.y.start) * c.in[2] - c.before[2]) *
               c.in_channels;
  const bool whole = line.z.first == 0 && line.z.last == c.taps[0] && line.y.first == 0 && line.y.last == c.taps[1];
  if (!whole) return line;
  const std::int64_t reach = (c.taps[2] - 1) * c.dilation[2], room = c.in[2] - 1 - reach + c.before[2];
  line.first = std::min(c.out[2], std::max<std::int64_t>(0, (c.before[2] + c.stride[2] - 1) / c.stride[2]));
  line.last = room < 0 ? line.first : std::clamp(room / c.stride[2] + 1, line.first, c.out[2]);
  return line;
}

/// The columns of one place at the edge.
template <class T>
inline void edge_columns(const Narrow& n, const Line& line, std::int64_t place, const T* x, T* to) {
  const Convolution& c = *n.c;
  const TapRange across = taps_inside(c, 2, place);
  std::fill_n(to, n.columns, T{});
  for (std::int64_t tz = line.z.first; tz < line.z.last; ++tz)
    for (std::int64_t ty = line.y.first; ty < line.y.last; ++ty)
      for (std::int64_t tx = across.first; tx < across.last; ++tx) {
        const std::int64_t tap = (tz * c.taps[1] + ty) * c.taps[2] + tx;
        const std::int64_t at = line.start + place * c.stride[2] * c.in_channels + n.offsets[tap * c.in_channels];
        std::copy_n(x + at, c.in_channels, to + tap * c.in_channels);
      }
}

template <class T>
struct Work {
  const Narrow* n;
  const T *x, *other;           ///< other: padded weights, or y's gradient with rows of `padded`
  T* out;                       ///< y, or a part of w
  T* edge;                      ///< one row of columns
  T* rows;                      ///< a line of y's gradient with padded rows; null if none are needed
  const std::int64_t* in_order; ///< 0, 1, 2, ...: offsets of a row of columns
};

template <class T, int bytes>
[[gnu::always_inline]] inline void forward_lines(const Work<T>& work, std::int64_t begin, std::int64_t end) {
  using V = Vectors<T, bytes>;
  const Narrow& n = *work.n;
  const Convolution& c = *n.c;
  const std::int64_t step = c.stride[2] * c.in_channels;
  for (std::int64_t number = begin; number < end; ++number) {
    const Line line = line_at(c, number);
    T* y = work.out + number * c.out[2] * c.out_channels;
    for (std::int64_t place = 0; place < c.out[2];) {
      const bool inside = place >= line.first && place < line.last;
      const bool many = inside && place + places_together <= line.last;
      if (!inside) edge_columns(n, line, place, work.x, work.edge);
      const T* x = inside ? work.x + (line.start + place * step) : work.edge;
      const std::int64_t* offsets = inside ? n.offsets : work.in_order;
      for (std::int64_t block = 0; block < n.padded; block += V::width) {
        const std::int64_t results = std::min(V::width, c.out_channels - block);
        T* to = y + place * c.out_channels + block;
        if (many)
          places<T, bytes, places_together>(n, x, step, offsets, work.other + block, to, c.out_channels, results);
        else
          places<T, bytes, 1>(n, x, step, offsets, work.other + block, to, c.out_channels, results);
      }
      place += many ? places_together : 1;
    }
  }
}

template <class T, int bytes>
[[gnu::always_inline]] inline void weight_lines(const Work<T>& work, std::int64_t begin, std::int64_t end) {
  using V = Vectors<T, bytes>;
  const Narrow& n = *work.n;
  const Convolution& c = *n.c;
  const std::int64_t step = c.stride[2] * c.in_channels;
  for (std::int64_t number = begin; number < end; ++number) {
    const Line line = line_at(c, number);
    const T* g = work.other + number * c.out[2] * c.out_channels;
    std::int64_t g_step = c.out_channels;
    if (work.rows) {
      for (std::int64_t place = 0; place < c.out[2]; ++place)
        std::copy_n(g + place * c.out_channels, c.out_channels, work.rows + place * n.padded);
      g = work.rows;
      g_step = n.padded;
    }
    const auto add = [&](const T* x, const std::int64_t* offsets, std::int64_t place, std::int64_t count)
                         __attribute__((always_inline)) {
      for (std::int64_t block = 0; block < n.padded; block += V::width) {
        std::int64_t k = 0;
        for (; k + columns_together <= n.columns; k += columns_together)
          columns<T, bytes, columns_together>(n, x, step, offsets + k, g + place * g_step + block, g_step, count,
                                              work.out + k * n.padded + block);
        for (; k + 3 <= n.columns; k += 3)
          columns<T, bytes, 3>(n, x, step, offsets + k, g + place * g_step + block, g_step, count,
                               work.out + k * n.padded + block);
        for (; k < n.columns; ++k)
          columns<T, bytes, 1>(n, x, step, offsets + k, g + place * g_step + block, g_step, count,
                               work.out + k * n.padded + block);
      }
    };
    for (std::int64_t place = 0; place < c.out[2];) {
      if (place == line.first && line.last > line.first) {
        add(work.x + (line.start + place * step), n.offsets, place, line.last - line.first);
        place = line.last;
        continue;
      }
      edge_columns(n, line, place, work.x, work.edge);
      add(work.edge, work.in_order, place, 1);
      ++place;
    }
  }
}

template <class T>
using Lines = void (*)(const Work<T>& work, std::int64_t begin, std::int64_t end);

template <class T>
void forward_baseline(const Work<T>& work, std::int64_t begin, std::int64_t end) {
  forward_lines<T, 16>(work, begin, end);
}
template <class T>
void weights_baseline(const Work<T>& work, std::int64_t begin, std::int64_t end) {
  weight_lines<T, 16>(work, begin, end);
}
template <class T>
[[gnu::target("avx2")]] void forward_avx2(const Work<T>& work, std::int64_t begin, std::int64_t end) {
  forward_lines<T, 32>(work, begin, end);
}
template <class T>
[[gnu::target("avx2")]] void weights_avx2(const Work<T>& work, std::int64_t begin, std::int64_t end) {
  weight_lines<T, 32>(work, begin, end);
}
template <class T>
[[gnu::target("avx512f")]] void forward_avx512(const Work<T>& work, std::int64_t begin, std::int64_t end) {
  forward_lines<T, 64>(work, begin, end);
}
template <class T>
[[gnu::target("avx512f")]] void weights_avx512(const Work<T>& work, std::int64_t begin, std::int64_t end) {
  weight_lines<T, 64>(work, begin, end);
}

/// How memory is laid out: offsets, the order of numbers, padded weights, and for each piece a row of columns, a padded
/// line, and a part of w.
struct Layout {
  Layout(ConvolutionOf result, const Convolution& c) :
      columns(volume(c.taps) * c.in_channels),
      lines(c.batch * c.out[0] * c.out[1]),
      pieces(lines, std::max<std::int64_t>(1, 256 / c.out[2]), most_pieces) {
    const auto width = static_cast<std::int64_t>(2 * static_cast<std::size_t>(vector_bytes()) / size_of(c.type));
    padded = (c.out_channels + width - 1) / width * width;
    row = columns;
    line = result == ConvolutionOf::w && padded != c.out_channels ? c.out[2] * padded : 0;
    weights = columns * padded;
    const std::int64_t each = row + line + (result == ConvolutionOf::w ? weights : 0);
    bytes = static_cast<std::size_t>(2 * columns) * sizeof(std::int64_t) +
            static_cast<std::size_t>(weights + pieces.number * each) * size_of(c.type);
  }
  std::int64_t columns, lines, padded, row, line, weights;
  Pieces pieces;
  std::size_t bytes;
};

template <class T>
void run(ConvolutionOf result, const Convolution& c, const T* x, const T* other, T* out, void* scratch) {
  const Layout layout(result, c);
  auto* offsets = static_cast<std::int64_t*>(scratch);
  std::int64_t* in_order = offsets + layout.columns;
  T* whole = reinterpret_cast<T*>(in_order + layout.columns);
  T* rows = whole + layout.weights;
  T* line = rows + layout.pieces.number * layout.row;
  T* parts = line + layout.pieces.number * layout.line;
  for (std::int64_t k = 0; k < layout.columns; ++k) {
    const std::int64_t tap = k / c.in_channels, tx = tap % c.taps[2], ty = tap / c.taps[2] % c.taps[1];
    const std::int64_t tz = tap / c.taps[2] / c.taps[1];
    offsets[k] = ((tz * c.dilation[0] * c.in[1] + ty * c.dilation[1]) * c.in[2] + tx * c.dilation[2]) * c.in_channels +
                 k % c.in_channels;
    in_order[k] = k;
  }
  const Narrow narrow{&c, layout.columns, layout.padded, offsets};
  const int bytes = vector_bytes();
  if (result == ConvolutionOf::y) {
    std::fill_n(whole, layout.weights, T{});
    for (std::int64_t k = 0; k < layout.columns; ++k)
      std::copy_n(other + k * c.out_channels, c.out_channels, whole + k * layout.padded);
  }
  const Lines<T> forward = bytes == 64 ? forward_avx512<T> : bytes == 32 ? forward_avx2<T> : forward_baseline<T>;
  const Lines<T> weights = bytes == 64 ? weights_avx512<T> : bytes == 32 ? weights_avx2<T> : weights_baseline<T>;
  parallel(layout.pieces.number, [&](std::int64_t piece) {
    Work<T> work{.n = &narrow, .x = x, .other = whole, .out = out, .edge = rows + piece * layout.row, .rows = nullptr,
                 .in_order = in_order};
    const std::int64_t begin = layout.pieces.begin(piece), end = layout.pieces.begin(piece + 1);
    if (result == ConvolutionOf::y) return forward(work, begin, end);
    work.other = other;
    work.out = parts + piece * layout.weights;
    if (layout.line > 0) {
      work.rows = line + piece * layout.line;
      std::fill_n(work.rows, layout.line, T{});
    }
    std::fill_n(work.out, layout.weights, T{});
    weights(work, begin, end);
  });
  if (result != ConvolutionOf::w) return;
  add_up(parts, layout.pieces.number, layout.weights, whole);
  for (std::int64_t k = 0; k < layout.columns; ++k)
    std::copy_n(whole + k * layout.padded, c.out_channels, out + k * c.out_channels);
}

}  // namespace

std::size_t narrow_scratch(ConvolutionOf result, const Convolution& c) { return Layout(result, c).bytes; }

void convolve_narrow(ConvolutionOf result, const Convolution& c, const float* x, const float* other, float* out,
                     void* scratch) {
  run(result, c, x, other, out, scratch);
}
void convolve_narrow(ConvolutionOf result, const Convolution& c, const double* x, const double* other, double* out,
                     void* scratch) {
  run(result, c, x, other, out, scratch);
}

}  // namespace xgrad::kernels
