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

/// x as the matrix whose rows are output places and whose columns are taps times channels of one slice: those of a
/// group, or a part of them.
template <class T>
class Columns {
 public:
  Columns(const Convolution& c, std::int64_t parts) :
      c_(c), channels_(c.in_channels / c.groups / parts), width_(volume(c.taps) * channels_) {
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

  /// Copies rows of a slice into `to`.
  void gather(const T* x, std::int64_t slice, std::int64_t begin, std::int64_t end, T* to) const {
    walk(begin, end, [&](std::int64_t place, std::int64_t count, std::int64_t column, std::int64_t row) {
      T* target = to + row * width_ + column;
      if (place < 0)
        std::fill_n(target, count, T{});
      else
        std::copy_n(x + place + slice * channels_, count, target);
    });
  }
  /// Adds rows to where they came from.
  void scatter(const T* from, std::int64_t slice, std::int64_t begin, std::int64_t end, T* x) const {
    if (vector_bytes() > 16) return scatter_avx2(from, slice, begin, end, x);
    scatter_here(from, slice, begin, end, x);
  }

 private:
  [[gnu::always_inline]] void scatter_here(const T* from, std::int64_t slice, std::int64_t begin, std::int64_t end,
                                           T* x) const {
    const auto add = [&](std::int64_t place, std::int64_t count, std::int64_t column, std::int64_t row)
                         __attribute__((always_inline)) {
      if (place < 0) return;
      const T* source = from + row * width_ + column;
      T* __restrict target = x + place + slice * channels_;
      for (std::int64_t i = 0; i < count; ++i) target[i] += source[i];
    };
    walk(begin, end, add);
  }
  [[gnu::target("avx2")]] void scatter_avx2(const T* from, std::int64_t slice, std::int64_t begin, std::int64_t end,
                                            T* x) const {
    scatter_here(from, slice, begin, end, x);
  }

  /// f(place in x or -1, elements, column, row) for each run of elements that lie together on both sides.
  template <class F>
  [[gnu::always_inline]] void walk(std::int64_t begin, std::int64_t end, F&& f) const {
    const std::int64_t step = c_.dilation[2] * c_.in_channels, taps = c_.taps[2];
    const bool together = channels_ == c_.in_channels && c_.dilation[2] == 1;
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
  std::int64_t channels_, width_, rows_;
  bool as_it_is_;
};

/// How the work of one of the three is cut: pieces of rows (of images for x) times parts of the channels of a group,
/// each with memory of its own. Channels are cut where there are few pieces of rows.
template <class T>
struct Cut {
  Cut(ConvolutionOf result, const Convolution& c) :
      outputs(c.out_channels / c.groups), weights(volume(c.taps) * (c.in_channels / c.groups) * c.out_channels),
      rows(rows_of(result, c)), parts(parts_of(result, c)), columns(c, parts) {}

  Pieces rows_of(ConvolutionOf result, const Convolution& c) const {
    if (result == ConvolutionOf::x) return {c.batch, 1, most_pieces};
    std::int64_t most = most_pieces;
    if (result == ConvolutionOf::w) {
      const auto bytes = static_cast<std::int64_t>(sizeof(T)) * std::max<std::int64_t>(1, weights);
      most = std::clamp<std::int64_t>(most_partial_bytes / bytes, 1, most_pieces);
    }
    return {c.batch * volume(c.out), Columns<T>(c, 1).rows_a_block(), most};
  }
  std::int64_t parts_of(ConvolutionOf result, const Convolution& c) const {
    if (result == ConvolutionOf::y || c.groups > 1) return 1;
    std::int64_t number = most_pieces / 2 / rows.number;
    while (number > 1 && (c.in_channels % number != 0 || c.in_channels / number < 16)) --number;
    return std::max<std::int64_t>(1, number);
  }
  std::int64_t pieces() const { return rows.number * parts; }
  std::int64_t elements(ConvolutionOf result) const {
    return pieces() * columns.block() + (result == ConvolutionOf::w ? rows.number * weights : 0);
  }

  std::int64_t outputs, weights;
  Pieces rows;
  std::int64_t parts;
  Columns<T> columns;
};

/// Calls f(column, row, count) for the columns of a slice whose rows of w lie together: all, or with parts of the
/// channels those of each tap.
template <class F>
void for_taps(const Convolution& c, std::int64_t parts, std::int64_t channels, std::int64_t part, F&& f) {
  const std::int64_t taps = volume(c.taps);
  if (parts == 1) return f(0, 0, taps * channels);
  for (std::int64_t tap = 0; tap < taps; ++tap) f(tap * channels, tap * c.in_channels + part * channels, channels);
}

/// Calls f(begin, end) for the blocks of rows of a piece.
template <class F>
void for_blocks(std::int64_t begin, std::int64_t end, std::int64_t rows, F&& f) {
  for (std::int64_t row = begin; row < end; row += rows) f(row, std::min(end, row + rows));
}

template <class T>
void forward(const Convolution& c, const T* x, const T* w, T* y, T* scratch) {
  const Cut<T> cut(ConvolutionOf::y, c);
  const Columns<T>& columns = cut.columns;
  parallel(cut.rows.number, [&](std::int64_t piece) {
    T* block = scratch + piece * columns.block();
    for_blocks(cut.rows.begin(piece), cut.rows.begin(piece + 1), columns.rows_a_block(),
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

/// Zeros for one part of the channels of an image.
template <class T>
void clear(T* image, std::int64_t places, std::int64_t channels, std::int64_t parts, std::int64_t part) {
  const std::int64_t width = channels / parts;
  if (parts == 1)
    std::fill_n(image, places * channels, T{});
  else
    for (std::int64_t place = 0; place < places; ++place)
      std::fill_n(image + place * channels + part * width, width, T{});
}

template <class T>
void transposed(const Convolution& c, const T* g, const T* w, T* x, T* scratch) {
  const Cut<T> cut(ConvolutionOf::x, c);
  const Columns<T>& columns = cut.columns;
  const std::int64_t inside = volume(c.in), places = volume(c.out), channels = columns.channels();
  const auto one_slice = [&](std::int64_t n, std::int64_t slice, std::int64_t group, T* block) {
    for_blocks(n * places, (n + 1) * places, columns.rows_a_block(), [&](std::int64_t begin, std::int64_t end) {
      T* to = columns.as_it_is() ? x + begin * c.in_channels + slice * channels : block;
      for_taps(c, cut.parts, channels, slice, [&](std::int64_t column, std::int64_t row, std::int64_t count) {
        multiply_block({.transpose_b = true,
                        .m = end - begin,
                        .n = count,
                        .k = cut.outputs,
                        .lda = c.out_channels,
                        .ldb = c.out_channels,
                        .ldc = columns.as_it_is() ? c.in_channels : columns.width()},
                       g + begin * c.out_channels + group * cut.outputs,
                       w + row * c.out_channels + group * cut.outputs, to + column);
      });
      if (!columns.as_it_is()) columns.scatter(block, slice, begin, end, x);
    });
  };
  parallel(cut.pieces(), [&](std::int64_t piece) {
    T* block = scratch + piece * columns.block();
    const std::int64_t part = piece % cut.parts, rows = piece / cut.parts;
    for (std::int64_t n = cut.rows.begin(rows); n < cut.rows.begin(rows + 1); ++n) {
      if (!columns.as_it_is()) clear(x + n * inside * c.in_channels, inside, c.in_channels, cut.parts, part);
      for (std::int64_t group = 0; group < c.groups; ++group) one_slice(n, part + group, group, block);
    }
  });
}

template <class T>
void of_weights(const Convolution& c, const T* x, const T* g, T* w, T* scratch) {
  const Cut<T> cut(ConvolutionOf::w, c);
  const Columns<T>& columns = cut.columns;
  const std::int64_t channels = columns.channels();
  T* sums = scratch + cut.pieces() * columns.block();
  parallel(cut.pieces(), [&](std::int64_t piece) {
    T* block = scratch + piece * columns.block();
    const std::int64_t part = piece % cut.parts, rows = piece / cut.parts, first = cut.rows.begin(rows);
    T* sum = cut.rows.number == 1 ? w : sums + rows * cut.weights;
    for_blocks(first, cut.rows.begin(rows + 1), columns.rows_a_block(), [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t group = 0; group < c.groups; ++group) {
        const std::int64_t slice = part + group;
        if (!columns.as_it_is()) columns.gather(x, slice, begin, end, block);
        const T* from = columns.as_it_is() ? x + begin * c.in_channels + slice * channels : block;
        for_taps(c, cut.parts, channels, slice, [&](std::int64_t column, std::int64_t row, std::int64_t count) {
          multiply_block({.transpose_a = true,
                          .m = count,
                          .n = cut.outputs,
                          .k = end - begin,
                          .lda = columns.as_it_is() ? c.in_channels : columns.width(),
                          .ldb = c.out_channels,
                          .ldc = c.out_channels,
                          .add = begin > first},
                         from + column, g + begin * c.out_channels + group * cut.outputs,
                         sum + row * c.out_channels + group * cut.outputs);
        });
      }
    });
  });
  if (cut.rows.number > 1) add_up(sums, cut.rows.number, cut.weights, w);
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
  if (is_wide(result, c)) return convolve_wide(result, c, a, b, out, scratch);
  switch (result) {
    case ConvolutionOf::y: return forward(c, a, b, out, scratch);
    case ConvolutionOf::x: return transposed(c, a, b, out, scratch);
    case ConvolutionOf::w: return of_weights(c, a, b, out, scratch);
  }
}

}  // namespace

int vector_bytes() {
  static const int bytes = [] {
    const char* name = instruction_set();
    return std::strcmp(name, "avx512") == 0 ? 64 : std::strcmp(name, "avx2") == 0 ? 32 : 16;
  }();
  return bytes;
}

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
  if (is_wide(result, c)) return wide_scratch(result, c);
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
