#include <xgrad/kernels/convolution.hpp>

#include <xgrad/kernels/convolution_parts.hpp>
#include <xgrad/kernels/pool.hpp>
#include <xgrad/kernels/products.hpp>
#include <xgrad/kernels/tile.hpp>

#include <cstring>

namespace xgrad::kernels {
namespace {

constexpr std::int64_t column_bytes = 128 << 10;  // of one block of columns: it stays in the second cache
constexpr std::int64_t most_pieces = 16;
constexpr std::int64_t most_partial_bytes = 16 << 20;

/// x as the matrix whose rows are output places and whose columns are taps times channels of one group.
template <class T>
class Columns {
 public:
  explicit Columns(const Convolution& c) :
      c_(c), places_(volume(c.out)), channels_(c.in_channels / c.groups), width_(volume(c.taps) * channels_) {
    as_it_is_ = volume(c.taps) == 1 && c.out == c.in && c.stride == Three{1, 1, 1} && c.before == Three{0, 0, 0};
    const auto bytes = static_cast<std::int64_t>(sizeof(T)) * std::max<std::int64_t>(1, width_);
    rows_ = std::max<std::int64_t>(16, column_bytes / bytes / 16 * 16);
  }

  std::int64_t width() const { return width_; }
  std::int64_t channels() const { return channels_; }
  std::int64_t rows_a_block() const { return rows_; }
  /// Elements of a block of columns.
  std::int64_t block() const { return as_it_is_ ? 0 : rows_ * width_; }
  /// A row is the channels of one place, so no copy is needed.
  bool as_it_is() const { return as_it_is_; }

  /// Copies rows of a group into `to`.
  void gather(const T* x, std::int64_t group, std::int64_t begin, std::int64_t end, T* to) const {
    walk(begin, end, [&](std::int64_t place, std::int64_t count, std::int64_t column, std::int64_t row) {
      T* target = to + row * width_ + column;
      if (place < 0)
        std::fill_n(target, count, T{});
      else
        std::copy_n(x + place + group * channels_, count, target);
    });
  }
  /// Adds rows to where they came from.
  void scatter(const T* from, std::int64_t group, std::int64_t begin, std::int64_t end, T* x) const {
    static const bool wide = std::strcmp(instruction_set(), "baseline") != 0;
    if (wide) return scatter_avx2(from, group, begin, end, x);
    scatter_here(from, group, begin, end, x);
  }

 private:
  [[gnu::always_inline]] void scatter_here(const T* from, std::int64_t group, std::int64_t begin, std::int64_t end,
                                           T* x) const {
    const auto add = [&](std::int64_t place, std::int64_t count, std::int64_t column, std::int64_t row)
                         __attribute__((always_inline)) {
      if (place < 0) return;
      const T* source = from + row * width_ + column;
      T* __restrict target = x + place + group * channels_;
      for (std::int64_t i = 0; i < count; ++i) target[i] += source[i];
    };
    walk(begin, end, add);
  }
  [[gnu::target("avx2")]] void scatter_avx2(const T* from, std::int64_t group, std::int64_t begin, std::int64_t end,
                                            T* x) const {
    scatter_here(from, group, begin, end, x);
  }

  /// f(place in x or -1, elements, column, row) for each run of elements that lie together on both sides.
  template <class F>
  [[gnu::always_inline]] void walk(std::int64_t begin, std::int64_t end, F&& f) const {
    const std::int64_t step = c_.dilation[2] * c_.in_channels, taps = c_.taps[2];
    const bool together = c_.groups == 1 && c_.dilation[2] == 1;
    std::int64_t at[4], rest = begin;
    for (std::size_t axis = 3; axis-- > 0;) {
      at[axis + 1] = rest % c_.out[axis];
      rest /= c_.out[axis];
    }
    at[0] = rest;
    for (std::int64_t row = 0; row < end - begin; ++row) {
      const TapRange z = taps_inside(c_, 0, at[1]), y = taps_inside(c_, 1, at[2]), x = taps_inside(c_, 2, at[3]);
      std::int64_t column = 0;
      for (std::int64_t tz = 0; tz < c_.taps[0]; ++tz) {
        for (std::int64_t ty = 0; ty < c_.taps[1]; ++ty, column += taps * channels_) {
          if (tz < z.first || tz >= z.last || ty < y.first || ty >= y.last || x.first >= x.last) {
            f(-1, taps * channels_, column, row);
            continue;
          }
          const std::int64_t line =
              ((at[0] * c_.in[0] + z.start + tz * c_.dilation[0]) * c_.in[1] + y.start + ty * c_.dilation[1]) *
              c_.in[2];
          const std::int64_t place = (line + x.start) * c_.in_channels;
          if (x.first > 0) f(-1, x.first * channels_, column, row);
          if (together) {
            f(place + x.first * step, (x.last - x.first) * channels_, column + x.first * channels_, row);
          } else {
            for (std::int64_t tx = x.first; tx < x.last; ++tx)
              f(place + tx * step, channels_, column + tx * channels_, row);
          }
          if (x.last < taps) f(-1, (taps - x.last) * channels_, column + x.last * channels_, row);
        }
      }
      for (std::size_t axis = 3; axis > 0 && ++at[axis] == c_.out[axis - 1]; --axis) at[axis] = 0;
      if (at[1] == 0 && at[2] == 0 && at[3] == 0) ++at[0];
    }
  }

  const Convolution& c_;
  std::int64_t places_, channels_, width_, rows_;
  bool as_it_is_;
};

/// How the work of one of the three is cut: pieces run in any order, each with memory of its own.
template <class T>
struct Cut {
  explicit Cut(ConvolutionOf result, const Convolution& c) :
      columns(c), outputs(c.out_channels / c.groups), weights(columns.width() * c.out_channels),
      pieces(result == ConvolutionOf::x ? c.batch : c.batch * volume(c.out),
             result == ConvolutionOf::x ? 1 : columns.rows_a_block(), most_pieces_of(result)) {}

  std::int64_t most_pieces_of(ConvolutionOf result) const {
    if (result != ConvolutionOf::w) return most_pieces;
    const auto bytes = static_cast<std::int64_t>(sizeof(T)) * std::max<std::int64_t>(1, weights);
    return std::clamp<std::int64_t>(most_partial_bytes / bytes, 1, most_pieces);
  }
  std::int64_t elements(ConvolutionOf result) const {
    return pieces.number * (columns.block() + (result == ConvolutionOf::w ? weights : 0));
  }

  Columns<T> columns;
  std::int64_t outputs, weights;
  Pieces pieces;
};

/// Calls f(begin, end) for the blocks of rows of a piece.
template <class F>
void for_blocks(std::int64_t begin, std::int64_t end, std::int64_t rows, F&& f) {
  for (std::int64_t row = begin; row < end; row += rows) f(row, std::min(end, row + rows));
}

template <class T>
void forward(const Convolution& c, const T* x, const T* w, T* y, T* scratch) {
  const Cut<T> cut(ConvolutionOf::y, c);
  const Columns<T>& columns = cut.columns;
  parallel(cut.pieces.number, [&](std::int64_t piece) {
    T* block = scratch + piece * columns.block();
    for_blocks(cut.pieces.begin(piece), cut.pieces.begin(piece + 1), columns.rows_a_block(),
               [&](std::int64_t begin, std::int64_t end) {
                 for (std::int64_t group = 0; group < c.groups; ++group) {
                   if (!columns.as_it_is()) columns.gather(x, group, begin, end, block);
                   multiply_block({.m = end - begin,
                                   .n = cut.outputs,
                                   .k = columns.width(),
                                   .lda = columns.as_it_is() ? c.in_channels : columns.width(),
                                   .ldb = c.out_channels,
                                   .ldc = c.out_channels},
                                  columns.as_it_is() ? x + begin * c.in_channels + group * columns.channels() : block,
                                  w + group * cut.outputs, y + begin * c.out_channels + group * cut.outputs);
                 }
               });
  });
}

template <class T>
void transposed(const Convolution& c, const T* g, const T* w, T* x, T* scratch) {
  const Cut<T> cut(ConvolutionOf::x, c);
  const Columns<T>& columns = cut.columns;
  const std::int64_t image = volume(c.in) * c.in_channels, places = volume(c.out);
  parallel(cut.pieces.number, [&](std::int64_t piece) {
    T* block = scratch + piece * columns.block();
    for (std::int64_t n = cut.pieces.begin(piece); n < cut.pieces.begin(piece + 1); ++n) {
      if (!columns.as_it_is()) std::fill_n(x + n * image, image, T{});
      for_blocks(n * places, (n + 1) * places, columns.rows_a_block(), [&](std::int64_t begin, std::int64_t end) {
        for (std::int64_t group = 0; group < c.groups; ++group) {
          multiply_block({.transpose_b = true,
                          .m = end - begin,
                          .n = columns.width(),
                          .k = cut.outputs,
                          .lda = c.out_channels,
                          .ldb = c.out_channels,
                          .ldc = columns.as_it_is() ? c.in_channels : columns.width()},
                         g + begin * c.out_channels + group * cut.outputs, w + group * cut.outputs,
                         columns.as_it_is() ? x + begin * c.in_channels + group * columns.channels() : block);
          if (!columns.as_it_is()) columns.scatter(block, group, begin, end, x);
        }
      });
    }
  });
}

template <class T>
void of_weights(const Convolution& c, const T* x, const T* g, T* w, T* scratch) {
  const Cut<T> cut(ConvolutionOf::w, c);
  const Columns<T>& columns = cut.columns;
  T* parts = scratch + cut.pieces.number * columns.block();
  parallel(cut.pieces.number, [&](std::int64_t piece) {
    T* block = scratch + piece * columns.block();
    T* part = cut.pieces.number == 1 ? w : parts + piece * cut.weights;
    const std::int64_t first = cut.pieces.begin(piece);
    for_blocks(first, cut.pieces.begin(piece + 1), columns.rows_a_block(), [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t group = 0; group < c.groups; ++group) {
        if (!columns.as_it_is()) columns.gather(x, group, begin, end, block);
        multiply_block({.transpose_a = true,
                        .m = columns.width(),
                        .n = cut.outputs,
                        .k = end - begin,
                        .lda = columns.as_it_is() ? c.in_channels : columns.width(),
                        .ldb = c.out_channels,
                        .ldc = c.out_channels,
                        .add = begin > first},
                       columns.as_it_is() ? x + begin * c.in_channels + group * columns.channels() : block,
                       g + begin * c.out_channels + group * cut.outputs, part + group * cut.outputs);
      }
    });
  });
  if (cut.pieces.number > 1) add_up(parts, cut.pieces.number, cut.weights, w);
}

std::int64_t results(ConvolutionOf result, const Convolution& c) {
  switch (result) {
    case ConvolutionOf::y: return c.batch * volume(c.out) * c.out_channels;
    case ConvolutionOf::x: return c.batch * volume(c.in) * c.in_channels;
    default: return volume(c.taps) * (c.in_channels / c.groups) * c.out_channels;
  }
}

/// Whether there is nothing to add up.
bool is_nothing(const Convolution& c) {
  return c.batch * volume(c.out) * c.out_channels * c.in_channels * volume(c.taps) == 0;
}

template <class T>
void convolve_typed(ConvolutionOf result, const Convolution& c, const T* a, const T* b, T* out, T* scratch) {
  if (is_nothing(c)) {
    std::fill_n(out, results(result, c), T{});
    return;
  }
  if (is_depthwise(c)) return convolve_depthwise(result, c, a, b, out, scratch);
  if (is_narrow(result, c)) return convolve_narrow(result, c, a, b, out, scratch);
  switch (result) {
    case ConvolutionOf::y: return forward(c, a, b, out, scratch);
    case ConvolutionOf::x: return transposed(c, a, b, out, scratch);
    case ConvolutionOf::w: return of_weights(c, a, b, out, scratch);
  }
}

}  // namespace

template <class T>
void add_up(const T* parts, std::int64_t number, std::int64_t length, T* out) {
  constexpr std::int64_t together = 4096;
  parallel((length + together - 1) / together, [&](std::int64_t chunk) {
    const std::int64_t begin = chunk * together, end = std::min(length, begin + together);
    std::copy(parts + begin, parts + end, out + begin);
    for (std::int64_t part = 1; part < number; ++part)
      for (std::int64_t i = begin; i < end; ++i) out[i] += parts[part * length + i];
  });
}
template void add_up(const float* parts, std::int64_t number, std::int64_t length, float* out);
template void add_up(const double* parts, std::int64_t number, std::int64_t length, double* out);

std::size_t convolve_scratch(ConvolutionOf result, const Convolution& c) {
  if (is_nothing(c)) return 0;
  if (is_depthwise(c)) return depthwise_scratch(result, c);
  if (is_narrow(result, c)) return narrow_scratch(result, c);
  return c.type == DType::float64 ? static_cast<std::size_t>(Cut<double>(result, c).elements(result)) * sizeof(double)
                                  : static_cast<std::size_t>(Cut<float>(result, c).elements(result)) * sizeof(float);
}

void convolve(ConvolutionOf result, const Convolution& c, const void* a, const void* b, void* out, void* scratch) {
  if (c.type == DType::float64)
    convolve_typed(result, c, static_cast<const double*>(a), static_cast<const double*>(b), static_cast<double*>(out),
                   static_cast<double*>(scratch));
  else
    convolve_typed(result, c, static_cast<const float*>(a), static_cast<const float*>(b), static_cast<float*>(out),
                   static_cast<float*>(scratch));
}

}  // namespace xgrad::kernels
