#include <xgrad/kernels/moves.hpp>

#include <xgrad/kernels/pool.hpp>

#include <algorithm>
#include <array>
#include <cstring>
#include <stdexcept>
#include <string>

namespace xgrad::kernels {
namespace {

constexpr std::size_t most_dimensions = 8;
constexpr std::int64_t bytes_a_chunk = 256 << 10;
constexpr std::int64_t block = 64;  // side of a transposed block: both it and its result fit the first cache

/// The bits of an element whose type is not known here.
template <class Bits>
struct [[gnu::may_alias]] Element {
  Bits bits;
};

struct Dimension {
  std::int64_t length = 1, from = 0, to = 0;  // steps in elements
};

/// The copy after dropping, merging and ordering dimensions: dims[0 .. count-1] outside, then rows and columns.
struct Plan {
  std::array<Dimension, most_dimensions> dims{};
  std::size_t count = 0;
  Dimension rows, cols;
};

/// Whether one step of `outer` is all of `inner`, on both sides.
bool continues(const Dimension& outer, const Dimension& inner) {
  return outer.to == inner.to * inner.length && outer.from == inner.from * inner.length;
}

using Element1 = Element<std::uint8_t>;
using Element4 = Element<std::uint32_t>;
using Element8 = Element<std::uint64_t>;

/// Vectors of 16 bytes; GCC turns shuffles of them into single instructions.
typedef std::uint8_t Bytes __attribute__((vector_size(16), aligned(1), may_alias));
typedef std::uint32_t Words __attribute__((vector_size(16), aligned(1), may_alias));
typedef std::uint64_t Longs __attribute__((vector_size(16), aligned(1), may_alias));

/// A vector's elements in the opposite order.
[[gnu::always_inline]] inline void turn_around(const Element1* from, Element1* to) {
  const Bytes v = *reinterpret_cast<const Bytes*>(from);
  *reinterpret_cast<Bytes*>(to) = __builtin_shufflevector(v, v, 15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0);
}
[[gnu::always_inline]] inline void turn_around(const Element4* from, Element4* to) {
  const Words v = *reinterpret_cast<const Words*>(from);
  *reinterpret_cast<Words*>(to) = __builtin_shufflevector(v, v, 3, 2, 1, 0);
}
[[gnu::always_inline]] inline void turn_around(const Element8* from, Element8* to) {
  const Longs v = *reinterpret_cast<const Longs*>(from);
  *reinterpret_cast<Longs*>(to) = __builtin_shufflevector(v, v, 1, 0);
}

/// to[i] = from[-i].
template <class T>
void reverse_row(const T* from, T* to, std::int64_t length) {
  constexpr std::int64_t side = 16 / sizeof(T), line = 4 * side;
  std::int64_t i = 0;
  // A line of the source is read upwards, as the hardware foresees it.
  for (; i + line <= length; i += line)
    for (std::int64_t j = 3; j >= 0; --j) turn_around(from - i - (j + 1) * side + 1, to + i + j * side);
  for (; i + side <= length; i += side) turn_around(from - i - side + 1, to + i);
  for (; i < length; ++i) to[i] = from[-i];
}

template <class T>
void copy_row(const T* from, T* to, const Dimension& d) {
  if (d.from == 1 && d.to == 1) {
    if (d.length >= 16) {
      copy_bytes(to, from, static_cast<std::size_t>(d.length) * sizeof(T));
    } else {
      for (std::int64_t i = 0; i < d.length; ++i) to[i] = from[i];
    }
  } else if (d.from == 0 && d.to == 1) {
    std::fill_n(to, d.length, *from);
  } else if (d.from == -1 && d.to == 1) {
    reverse_row(from, to, d.length);
  } else if (d.to == 1) {
    for (std::int64_t i = 0; i < d.length; ++i) to[i] = from[i * d.from];
  } else {
    for (std::int64_t i = 0; i < d.length; ++i) to[i * d.to] = from[i * d.from];
  }
}

[[gnu::always_inline]] inline void swap_square(const Element4* from, std::int64_t from_step, Element4* to,
                                               std::int64_t to_step) {
  const auto row = [&](int i) { return *reinterpret_cast<const Words*>(from + i * from_step); };
  const auto store = [&](int i, Words value) { *reinterpret_cast<Words*>(to + i * to_step) = value; };
  const Words a = row(0), b = row(1), c = row(2), d = row(3);
  const Words ab_low = __builtin_shufflevector(a, b, 0, 4, 1, 5);
  const Words ab_high = __builtin_shufflevector(a, b, 2, 6, 3, 7);
  const Words cd_low = __builtin_shufflevector(c, d, 0, 4, 1, 5);
  const Words cd_high = __builtin_shufflevector(c, d, 2, 6, 3, 7);
  store(0, __builtin_shufflevector(ab_low, cd_low, 0, 1, 4, 5));
  store(1, __builtin_shufflevector(ab_low, cd_low, 2, 3, 6, 7));
  store(2, __builtin_shufflevector(ab_high, cd_high, 0, 1, 4, 5));
  store(3, __builtin_shufflevector(ab_high, cd_high, 2, 3, 6, 7));
}

[[gnu::always_inline]] inline void swap_square(const Element8* from, std::int64_t from_step, Element8* to,
                                               std::int64_t to_step) {
  const Longs a = *reinterpret_cast<const Longs*>(from);
  const Longs b = *reinterpret_cast<const Longs*>(from + from_step);
  *reinterpret_cast<Longs*>(to) = __builtin_shufflevector(a, b, 0, 2);
  *reinterpret_cast<Longs*>(to + to_step) = __builtin_shufflevector(a, b, 1, 3);
}

/// Sixteen rows of sixteen bytes: interleaving the halves four times turns rows into columns.
[[gnu::always_inline]] inline void swap_square(const Element1* from, std::int64_t from_step, Element1* to,
                                               std::int64_t to_step) {
  Bytes rows[16], mixed[16];
  for (int i = 0; i < 16; ++i) {
    rows[i] = *reinterpret_cast<const Bytes*>(from + i * from_step);
  }
  for (int round = 0; round < 4; ++round) {
    for (int i = 0; i < 8; ++i) {
      mixed[2 * i] = __builtin_shufflevector(rows[i], rows[i + 8], 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22,
                                             7, 23);
      mixed[2 * i + 1] = __builtin_shufflevector(rows[i], rows[i + 8], 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29,
                                                 14, 30, 15, 31);
    }
    std::copy_n(mixed, 16, rows);
  }
  for (int i = 0; i < 16; ++i) {
    *reinterpret_cast<Bytes*>(to + i * to_step) = rows[i];
  }
}

/// to[j * to_step + i] = from[i * from_step + j] for i < rows, j < cols, both at most `block`.
/// Goes through a small buffer, whose rows are written out whole: target rows a power of two apart share cache sets.
template <class T>
void swap_block(const T* from, std::int64_t from_step, T* to, std::int64_t to_step, std::int64_t rows,
                std::int64_t cols) {
  constexpr std::int64_t side = 16 / sizeof(T);  // elements of a vector
  alignas(64) std::array<T, block * block> swapped;
  const std::int64_t whole_rows = rows / side * side;
  const std::int64_t whole_cols = cols / side * side;
  for (std::int64_t i = 0; i < whole_rows; i += side) {
    for (std::int64_t j = 0; j < whole_cols; j += side) {
      swap_square(from + i * from_step + j, from_step, swapped.data() + j * block + i, block);
    }
  }
  const auto rest = [&](std::int64_t i0, std::int64_t i1, std::int64_t j0, std::int64_t j1) {
    for (std::int64_t i = i0; i < i1; ++i) {
      for (std::int64_t j = j0; j < j1; ++j) {
        swapped[static_cast<std::size_t>(j * block + i)] = from[i * from_step + j];
      }
    }
  };
  rest(0, whole_rows, whole_cols, cols);
  rest(whole_rows, rows, 0, cols);
  for (std::int64_t j = 0; j < cols; ++j) {
    std::memcpy(to + j * to_step, swapped.data() + j * block, static_cast<std::size_t>(rows) * sizeof(T));
  }
}

/// Rows r0 to r1 and columns c0 to c1 of one matrix.
template <class T>
void copy_matrix(const Plan& plan, const T* from, T* to, std::int64_t r0, std::int64_t r1, std::int64_t c0,
                 std::int64_t c1) {
  from += r0 * plan.rows.from + c0 * plan.cols.from;
  to += r0 * plan.rows.to + c0 * plan.cols.to;
  const std::int64_t rows = r1 - r0;
  const std::int64_t cols = c1 - c0;
  if (plan.rows.from == 1 && plan.cols.to == 1 && rows > 1 && cols > 1) {
    for (std::int64_t j = 0; j < cols; j += block) {
      for (std::int64_t i = 0; i < rows; i += block) {
        swap_block(from + j * plan.cols.from + i, plan.cols.from, to + i * plan.rows.to + j, plan.rows.to,
                   std::min(block, cols - j), std::min(block, rows - i));
      }
    }
    return;
  }
  const Dimension row{cols, plan.cols.from, plan.cols.to};
  for (std::int64_t i = 0; i < rows; ++i) copy_row(from + i * plan.rows.from, to + i * plan.rows.to, row);
}

/// Numbers of pieces each matrix is cut into, so that a piece is about a chunk's worth.
struct Cuts {
  std::int64_t rows = 1, cols = 1;
};

Cuts cuts_of(const Plan& plan, std::int64_t bytes) {
  const std::int64_t elements = bytes_a_chunk / bytes;
  const std::int64_t all = plan.rows.length * plan.cols.length;
  Cuts cuts;
  if (all <= 2 * elements) return cuts;
  const std::int64_t pieces = all / elements;
  cuts.rows = std::min(pieces, (plan.rows.length + block - 1) / block);
  if (cuts.rows < pieces) cuts.cols = std::min(pieces / cuts.rows, (plan.cols.length + block - 1) / block);
  return cuts;
}

std::int64_t cut_at(std::int64_t length, std::int64_t index, std::int64_t pieces) {
  return index == pieces ? length : length / pieces * index + length % pieces * index / pieces;
}

template <class T>
void run(const Plan& plan, const T* from, T* to) {
  std::int64_t matrices = 1;
  for (std::size_t d = 0; d < plan.count; ++d) matrices *= plan.dims[d].length;
  const Cuts cuts = cuts_of(plan, sizeof(T));
  const std::int64_t pieces = matrices * cuts.rows * cuts.cols;
  const std::int64_t piece_bytes =
      std::max<std::int64_t>(1, plan.rows.length * plan.cols.length / (cuts.rows * cuts.cols)) *
      static_cast<std::int64_t>(sizeof(T));
  const std::int64_t together = std::max<std::int64_t>(1, bytes_a_chunk / piece_bytes);
  parallel((pieces + together - 1) / together, [&](std::int64_t chunk) {
    const std::int64_t begin = chunk * together;
    const std::int64_t end = std::min(pieces, begin + together);
    std::array<std::int64_t, most_dimensions> index{};
    const T* source = from;
    T* target = to;
    std::int64_t rest = begin / (cuts.rows * cuts.cols);
    for (std::size_t d = plan.count; d-- > 0;) {
      index[d] = rest % plan.dims[d].length;
      rest /= plan.dims[d].length;
      source += index[d] * plan.dims[d].from;
      target += index[d] * plan.dims[d].to;
    }
    std::int64_t cut = begin % (cuts.rows * cuts.cols);
    for (std::int64_t piece = begin; piece < end; ++piece) {
      const std::int64_t r = cut / cuts.cols;
      const std::int64_t c = cut % cuts.cols;
      copy_matrix(plan, source, target, cut_at(plan.rows.length, r, cuts.rows),
                  cut_at(plan.rows.length, r + 1, cuts.rows), cut_at(plan.cols.length, c, cuts.cols),
                  cut_at(plan.cols.length, c + 1, cuts.cols));
      if (++cut < cuts.rows * cuts.cols) continue;
      cut = 0;
      for (std::size_t d = plan.count; d-- > 0;) {
        source += plan.dims[d].from;
        target += plan.dims[d].to;
        if (++index[d] < plan.dims[d].length) break;
        index[d] = 0;
        source -= plan.dims[d].from * plan.dims[d].length;
        target -= plan.dims[d].to * plan.dims[d].length;
      }
    }
  });
}

/// The offsets move the bases to the element that comes first after turning negative steps of the target around.
Plan plan_of(std::span<const std::int64_t> shape, std::span<const std::int64_t> from, std::span<const std::int64_t> to,
             std::int64_t& from_offset, std::int64_t& to_offset) {
  std::array<Dimension, most_dimensions> dims{};
  std::size_t count = 0;
  for (std::size_t d = 0; d < shape.size(); ++d) {
    if (shape[d] == 1) continue;
    Dimension dim{shape[d], from[d], to[d]};
    if (dim.to < 0) {
      from_offset += (dim.length - 1) * dim.from;
      to_offset += (dim.length - 1) * dim.to;
      dim.from = -dim.from;
      dim.to = -dim.to;
    }
    dims[count++] = dim;
  }
  std::stable_sort(dims.begin(), dims.begin() + static_cast<std::ptrdiff_t>(count),
                   [](const Dimension& a, const Dimension& b) { return a.to > b.to; });
  std::size_t merged = 0;
  for (std::size_t d = 0; d < count; ++d) {
    if (merged > 0 && continues(dims[merged - 1], dims[d])) {
      dims[merged - 1] = {dims[merged - 1].length * dims[d].length, dims[d].from, dims[d].to};
    } else {
      dims[merged++] = dims[d];
    }
  }
  Plan plan;
  if (merged > 0) plan.cols = dims[--merged];
  if (merged > 0) {
    // A dimension along which the source is contiguous makes the rows: then whole blocks are transposed.
    std::size_t rows = merged - 1;
    if (plan.cols.to == 1 && plan.cols.from != 1 && plan.cols.from != 0) {
      for (std::size_t d = 0; d < merged; ++d) {
        if (dims[d].from == 1) rows = d;
      }
    }
    plan.rows = dims[rows];
    std::copy(dims.begin() + static_cast<std::ptrdiff_t>(rows) + 1, dims.begin() + static_cast<std::ptrdiff_t>(merged),
              dims.begin() + static_cast<std::ptrdiff_t>(rows));
    --merged;
  }
  plan.dims = dims;
  plan.count = merged;
  return plan;
}

/// Calls f with an element of that size.
template <class F>
void with_element(std::size_t bytes, const char* function, F&& f) {
  switch (bytes) {
    case 1: return f(Element<std::uint8_t>{});
    case 4: return f(Element<std::uint32_t>{});
    case 8: return f(Element<std::uint64_t>{});
    default:
      throw std::invalid_argument(std::string(function) + ": expected elements of 1, 4 or 8 bytes, got " +
                                  std::to_string(bytes));
  }
}

}  // namespace

void copy_bytes(void* target, const void* source, std::size_t bytes) {
  constexpr std::size_t least = 1 << 10, most = 1 << 20, step = 4 * sizeof(Bytes);
  if (bytes < least || bytes > most) {
    std::memcpy(target, source, bytes);
    return;
  }
  // The C library's string instruction is ten times slower where the two sides are aligned differently.
  auto* to = static_cast<std::byte*>(target);
  const auto* from = static_cast<const std::byte*>(source);
  const auto block = [](const std::byte* in, std::byte* out) {
    const Bytes* v = reinterpret_cast<const Bytes*>(in);
    Bytes* w = reinterpret_cast<Bytes*>(out);
    const Bytes a = v[0], b = v[1], c = v[2], d = v[3];
    w[0] = a;
    w[1] = b;
    w[2] = c;
    w[3] = d;
  };
  block(from, to);
  // Then at whole lines of the target; the last block may overlap the one before.
  for (std::size_t i = step - reinterpret_cast<std::uintptr_t>(to) % step; i + step <= bytes; i += step)
    block(from + i, to + i);
  block(from + bytes - step, to + bytes - step);
}

void copy_strided(std::size_t bytes, std::span<const std::int64_t> shape, const void* source,
                  std::span<const std::int64_t> source_strides, void* target,
                  std::span<const std::int64_t> target_strides) {
  if (shape.size() > most_dimensions || source_strides.size() != shape.size() ||
      target_strides.size() != shape.size()) {
    throw std::invalid_argument("copy_strided: expected at most 8 dimensions and a stride for each, got " +
                                std::to_string(shape.size()) + " dimensions, " +
                                std::to_string(source_strides.size()) + " and " +
                                std::to_string(target_strides.size()) + " strides");
  }
  if (std::find(shape.begin(), shape.end(), 0) != shape.end()) return;
  std::int64_t from_offset = 0;
  std::int64_t to_offset = 0;
  const Plan plan = plan_of(shape, source_strides, target_strides, from_offset, to_offset);
  with_element(bytes, "copy_strided", [&]<class T>(T) {
    run(plan, static_cast<const T*>(source) + from_offset, static_cast<T*>(target) + to_offset);
  });
}

void fill(std::size_t bytes, void* target, const void* value, std::int64_t count) {
  if (count <= 0) return;
  with_element(bytes, "fill", [&]<class T>(T element) {
    std::memcpy(&element, value, sizeof element);
    const std::int64_t length = bytes_a_chunk / static_cast<std::int64_t>(sizeof(T));
    auto* out = static_cast<T*>(target);
    parallel((count + length - 1) / length, [&](std::int64_t chunk) {
      std::fill_n(out + chunk * length, std::min(length, count - chunk * length), element);
    });
  });
}

}  // namespace xgrad::kernels
