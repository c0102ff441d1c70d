#include <xgrad/kernels/moves.hpp>

#include <xgrad/kernels/pool.hpp>
#include <xgrad/kernels/tile.hpp>

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <limits>
#include <stdexcept>
#include <string>
#include <string_view>
#include <type_traits>

namespace xgrad::kernels {
namespace {

constexpr std::int64_t strip_bytes = 4096;    // columns folded together: the running row stays in the first cache
constexpr std::int64_t bytes_a_chunk = 256 << 10;
constexpr std::int64_t most_chunks = 64;

template <Fold fold, class T>
[[gnu::always_inline]] inline T combine(T a, T x) {
  if constexpr (fold == Fold::sum) {
    return static_cast<T>(a + x);
  } else if constexpr (std::is_floating_point_v<T>) {
    const bool better = fold == Fold::max ? x > a : x < a;
    return better | (x != x) ? x : a;
  } else {
    return (fold == Fold::max ? x > a : x < a) ? x : a;
  }
}

/// Folds `rows` more rows, `step` apart, of `width` columns into `out`, one after another: eight at a time, in that
/// order.
template <Fold fold, class T>
[[gnu::always_inline]] inline void fold_wide(const T* in, std::int64_t step, std::int64_t rows, std::int64_t width,
                                             T* __restrict out) {
  std::int64_t r = 0;
  for (; r + 8 <= rows; r += 8) {
    const T* row = in + r * step;
    for (std::int64_t i = 0; i < width; ++i) {
      T value = out[i];
      value = combine<fold>(value, row[i]);
      value = combine<fold>(value, row[step + i]);
      value = combine<fold>(value, row[2 * step + i]);
      value = combine<fold>(value, row[3 * step + i]);
      value = combine<fold>(value, row[4 * step + i]);
      value = combine<fold>(value, row[5 * step + i]);
      value = combine<fold>(value, row[6 * step + i]);
      value = combine<fold>(value, row[7 * step + i]);
      out[i] = value;
    }
  }
  for (; r < rows; ++r) {
    const T* row = in + r * step;
    for (std::int64_t i = 0; i < width; ++i) out[i] = combine<fold>(out[i], row[i]);
  }
}

/// The same for few columns: `lanes` of them stay in registers. Reads `lanes` elements of each row, wanted or not.
template <Fold fold, int lanes, class T>
[[gnu::always_inline]] inline void fold_narrow(const T* in, std::int64_t step, std::int64_t rows, std::int64_t width,
                                               T* __restrict out) {
  std::array<T, lanes> sums{};
  std::copy_n(out, width, sums.data());
  for (std::int64_t r = 0; r < rows; ++r) {
    const T* row = in + r * step;
    for (std::size_t i = 0; i < lanes; ++i) sums[i] = combine<fold>(sums[i], row[i]);
  }
  std::copy_n(sums.data(), width, out);
}

/// `readable` is how many elements there are from the first of the rows to the end of the array.
template <Fold fold, class T>
[[gnu::always_inline]] inline void fold_any(const T* in, std::int64_t step, std::int64_t rows, std::int64_t width,
                                            std::int64_t readable, T* __restrict out) {
  constexpr int lanes = 32 / sizeof(T);
  std::int64_t done = 0;
  if (width <= 2 * lanes) {
    const std::int64_t read = width <= lanes ? lanes : 2 * lanes;
    if (readable >= read) done = step > 0 ? std::min(rows, (readable - read) / step + 1) : rows;
    if (width <= lanes) fold_narrow<fold, lanes>(in, step, done, width, out);
    else fold_narrow<fold, 2 * lanes>(in, step, done, width, out);
  }
  fold_wide<fold>(in + done * step, step, rows - done, width, out);
}

template <class T>
using FoldMore = void (*)(const T* in, std::int64_t step, std::int64_t rows, std::int64_t width, std::int64_t readable,
                          T* out);

template <Fold fold, class T>
[[gnu::target("avx2")]] void fold_avx2(const T* in, std::int64_t step, std::int64_t rows, std::int64_t width,
                                       std::int64_t readable, T* out) {
  fold_any<fold>(in, step, rows, width, readable, out);
}

template <Fold fold, class T>
[[gnu::target("avx512f,avx512vl,avx512bw,avx512dq,prefer-vector-width=512")]] void fold_avx512(
    const T* in, std::int64_t step, std::int64_t rows, std::int64_t width, std::int64_t readable, T* out) {
  fold_any<fold>(in, step, rows, width, readable, out);
}

template <Fold fold, class T>
void fold_baseline(const T* in, std::int64_t step, std::int64_t rows, std::int64_t width, std::int64_t readable,
                   T* out) {
  fold_any<fold>(in, step, rows, width, readable, out);
}

bool has_avx2() {
  static const bool has = __builtin_cpu_supports("avx2") != 0;
  return has;
}

template <Fold fold, class T>
FoldMore<T> fold_more_here() {
  static const bool wide = std::string_view(instruction_set()) == "avx512";
  return wide ? fold_avx512<fold, T> : has_avx2() ? fold_avx2<fold, T> : fold_baseline<fold, T>;
}

/// Results of blocks that wait for a neighbour. Folding equal ranks at once gives the tree that folds neighbours level
/// by level, with room for one row a level.
template <Fold fold, class T>
class Tree {
 public:
  /// `rows` has room for rows_of_tree(blocks) * width elements.
  Tree(T* rows, std::int64_t width) : rows_(rows), width_(width) {}

  /// Where the next result is to be written, before `add`.
  T* next() { return rows_ + depth_ * width_; }

  void add() {
    int rank = 0;
    for (; depth_ > 0 && ranks_[static_cast<std::size_t>(depth_ - 1)] == rank; ++rank) join(--depth_);
    ranks_[static_cast<std::size_t>(depth_++)] = rank;
  }

  /// The fold of all that was added.
  const T* result() {
    while (depth_ > 1) join(--depth_ - 1);
    return rows_;
  }

 private:
  void join(int left) {
    T* a = rows_ + left * width_;
    const T* b = a + width_;
    for (std::int64_t i = 0; i < width_; ++i) a[i] = combine<fold>(a[i], b[i]);
  }

  T* rows_;
  std::int64_t width_;
  int depth_ = 0;
  std::array<int, 64> ranks_{};
};

std::int64_t divide_up(std::int64_t a, std::int64_t b) { return (a + b - 1) / b; }

/// How many tasks are a chunk's worth.
std::int64_t tasks_together(std::int64_t bytes_a_task) {
  return std::max<std::int64_t>(1, bytes_a_chunk / std::max<std::int64_t>(1, bytes_a_task));
}

/// Calls f(chunk, first, last) for ranges of tasks, so that a range is about a chunk's worth.
template <class F>
void parallel_tasks(std::int64_t tasks, std::int64_t bytes_a_task, F&& f) {
  const std::int64_t together = tasks_together(bytes_a_task);
  parallel(divide_up(tasks, together), [&](std::int64_t chunk) {
    f(chunk, chunk * together, std::min(tasks, (chunk + 1) * together));
  });
}

std::int64_t rows_of_tree(std::int64_t blocks) { return std::bit_width(static_cast<std::uint64_t>(blocks)) + 1; }

/// How the work of fold_middle is cut.
struct FoldCut {
  std::int64_t strip = 0, strips = 0, blocks_a_part = 1, parts = 1;
  std::int64_t bytes_a_part = 0, bytes_to_join = 0;  ///< that a task of either pass reads
  std::int64_t room = 0, room_to_join = 0;           ///< elements that a chunk of either pass works in
  std::int64_t partial = 0;                          ///< elements that the first pass leaves for the second

  FoldCut(std::int64_t outer, std::int64_t count, std::int64_t inner, std::int64_t size) {
    strip = std::min(inner, strip_bytes / size);
    strips = divide_up(inner, strip);
    const std::int64_t blocks = divide_up(count, fold_rows);
    // Few columns and many rows: parts of 2^p blocks are subtrees of the one tree, so the order stays the same.
    blocks_a_part = std::bit_ceil(static_cast<std::uint64_t>(blocks));
    while (outer * strips * divide_up(blocks, blocks_a_part) < most_chunks &&
           blocks_a_part / 2 * fold_rows * strip * size >= bytes_a_chunk) {
      blocks_a_part /= 2;
    }
    parts = divide_up(blocks, blocks_a_part);
    bytes_a_part = std::min(count, blocks_a_part * fold_rows) * strip * size;
    bytes_to_join = parts * strip * size;
    if (blocks_a_part > 1) room = rows_of_tree(blocks_a_part) * strip;
    if (parts > 1) room_to_join = rows_of_tree(parts) * strip;
    if (parts > 1) partial = outer * parts * inner;
  }
  std::int64_t scratch(std::int64_t outer) const {
    const std::int64_t chunks = divide_up(outer * parts * strips, tasks_together(bytes_a_part));
    const std::int64_t chunks_to_join = divide_up(outer * strips, tasks_together(bytes_to_join));
    return partial + std::max(chunks * room, chunks_to_join * room_to_join);
  }
};

template <Fold fold, class T>
void fold_typed(const T* in, T* out, std::int64_t outer, std::int64_t count, std::int64_t inner, T* scratch) {
  const FoldMore<T> fold_more = fold_more_here<fold, T>();
  const FoldCut cut(outer, count, inner, sizeof(T));
  const std::int64_t strip = cut.strip, strips = cut.strips, parts = cut.parts;
  T* const results = parts > 1 ? scratch : out;
  T* const trees = scratch + cut.partial;

  const auto fold_parts = [&](std::int64_t chunk, std::int64_t first, std::int64_t last) {
    for (std::int64_t task = first; task < last; ++task) {
      const std::int64_t column = task % strips * strip;
      const std::int64_t part = task / strips % parts;
      const std::int64_t o = task / strips / parts;
      const std::int64_t width = std::min(strip, inner - column);
      const std::int64_t row0 = part * cut.blocks_a_part * fold_rows;
      const std::int64_t row1 = std::min(count, row0 + cut.blocks_a_part * fold_rows);
      T* result = results + (o * parts + part) * inner + column;
      const auto fold_block_at = [&](std::int64_t row, T* to) {
        const std::int64_t at = (o * count + row) * inner + column;
        const std::int64_t next = at + inner;
        std::copy_n(in + at, width, to);
        fold_more(in + next, inner, std::min(fold_rows, row1 - row) - 1, width, outer * count * inner - next, to);
      };
      if (row1 - row0 <= fold_rows) {
        fold_block_at(row0, result);
        continue;
      }
      Tree<fold, T> tree(trees + chunk * cut.room, width);
      for (std::int64_t row = row0; row < row1; row += fold_rows) {
        fold_block_at(row, tree.next());
        tree.add();
      }
      std::copy_n(tree.result(), width, result);
    }
  };
  parallel_tasks(outer * parts * strips, cut.bytes_a_part, fold_parts);
  if (parts == 1) return;
  parallel_tasks(outer * strips, cut.bytes_to_join, [&](std::int64_t chunk, std::int64_t first, std::int64_t last) {
    for (std::int64_t task = first; task < last; ++task) {
      const std::int64_t column = task % strips * strip;
      const std::int64_t o = task / strips;
      const std::int64_t width = std::min(strip, inner - column);
      Tree<fold, T> tree(trees + chunk * cut.room_to_join, width);
      for (std::int64_t part = 0; part < parts; ++part) {
        std::copy_n(scratch + (o * parts + part) * inner + column, width, tree.next());
        tree.add();
      }
      std::copy_n(tree.result(), width, out + o * inner + column);
    }
  });
}

template <Fold fold, class T>
void fold_tile(const void* in, std::int64_t rows, std::int64_t width, bool begins, void* out) {
  static const FoldMore<T> fold_more = fold_more_here<fold, T>();
  const T* from = static_cast<const T*>(in);
  T* to = static_cast<T*>(out);
  if (begins) {
    std::copy_n(from, width, to);
    from += width;
    --rows;
  }
  fold_more(from, width, rows, width, rows * width, to);
}

template <Fold fold, class T>
void join_typed(T* rows, T* out, std::int64_t blocks, std::int64_t inner) {
  constexpr auto size = static_cast<std::int64_t>(sizeof(T));
  const std::int64_t strip = std::min(inner, strip_bytes / size);
  parallel_tasks(divide_up(inner, strip), blocks * strip * size, [&](std::int64_t, std::int64_t first, auto last) {
    for (std::int64_t column = first * strip; column < std::min(inner, last * strip); column += strip) {
      const std::int64_t width = std::min(strip, inner - column);
      for (std::int64_t step = 1; step < blocks; step *= 2)
        for (std::int64_t block = 0; block + step < blocks; block += 2 * step) {
          T* a = rows + block * inner + column;
          const T* b = a + step * inner;
          for (std::int64_t i = 0; i < width; ++i) a[i] = combine<fold>(a[i], b[i]);
        }
      std::copy_n(rows + column, width, out + column);
    }
  });
}

// ---- the place of the largest or smallest

template <Fold fold, class T>
[[gnu::always_inline]] inline bool is_better(T x, T best) {
  if constexpr (std::is_floating_point_v<T>) {
    return (fold == Fold::max ? x > best : x < best) | ((x != x) & (best == best));
  } else {
    return fold == Fold::max ? x > best : x < best;
  }
}

constexpr std::int64_t arg_strip = 512;

/// Columns side by side. Index is int32 where it suffices, as wide as most elements.
template <Fold fold, class Index, class T>
[[gnu::always_inline]] inline void arg_columns(const T* in, std::int64_t step, std::int64_t count, std::int64_t width,
                                               std::int64_t* out) {
  std::array<T, arg_strip> best;
  std::array<Index, arg_strip> place{};
  std::copy_n(in, width, best.data());
  for (std::int64_t row = 1; row < count; ++row) {
    const T* x = in + row * step;
    const auto here = static_cast<Index>(row);
    for (std::size_t i = 0; i < static_cast<std::size_t>(width); ++i) {
      const bool better = is_better<fold>(x[i], best[i]);
      best[i] = better ? x[i] : best[i];
      place[i] = better ? here : place[i];
    }
  }
  for (std::size_t i = 0; i < static_cast<std::size_t>(width); ++i) out[i] = static_cast<std::int64_t>(place[i]);
}

/// The largest (or smallest) of a contiguous piece, or NaN.
template <Fold fold, class T>
[[gnu::always_inline]] inline T best_of(const T* in, std::int64_t count) {
  constexpr std::int64_t lanes = 128 / sizeof(T);
  T best = in[0];
  std::int64_t done = 0;
  if (count >= lanes) {
    std::array<T, lanes> folded;
    std::copy_n(in, lanes, folded.data());
    for (done = lanes; done + lanes <= count; done += lanes) {
      for (std::int64_t i = 0; i < lanes; ++i) {
        T& value = folded[static_cast<std::size_t>(i)];
        value = combine<fold>(value, in[done + i]);
      }
    }
    for (std::size_t half = lanes / 2; half > 0; half /= 2) {
      for (std::size_t i = 0; i < half; ++i) folded[i] = combine<fold>(folded[i], folded[i + half]);
    }
    best = folded[0];
  }
  for (; done < count; ++done) best = combine<fold>(best, in[done]);
  return best;
}

/// One contiguous row: the best of each piece, then a search in the piece that has the best of all.
template <Fold fold, class T>
[[gnu::always_inline]] inline std::int64_t arg_row(const T* in, std::int64_t count) {
  constexpr std::int64_t piece = 16384 / sizeof(T);
  constexpr std::int64_t stride = 64;
  std::int64_t place = 0;
  T best = best_of<fold>(in, std::min(piece, count));
  for (std::int64_t begin = piece; begin < count; begin += piece) {
    const T found = best_of<fold>(in + begin, std::min(piece, count - begin));
    if (!is_better<fold>(found, best)) continue;
    best = found;
    place = begin;
  }
  const auto is_it = [&](T x) { return (x == best) | ((x != x) & (best != best)); };
  for (; place + stride <= count; place += stride) {
    int hits = 0;
    for (std::int64_t i = 0; i < stride; ++i) hits += is_it(in[place + i]);
    if (hits != 0) break;
  }
  while (!is_it(in[place])) ++place;
  return place;
}

/// Rows first to last if inner is 1, else strips.
template <Fold fold, class T>
[[gnu::always_inline]] inline void arg_tasks(const T* in, std::int64_t* out, std::int64_t count, std::int64_t inner,
                                             std::int64_t first, std::int64_t last) {
  const std::int64_t strips = (inner + arg_strip - 1) / arg_strip;
  for (std::int64_t task = first; task < last; ++task) {
    if (inner == 1) {
      out[task] = arg_row<fold>(in + task * count, count);
      continue;
    }
    const std::int64_t column = task % strips * arg_strip;
    const std::int64_t o = task / strips;
    const std::int64_t width = std::min(arg_strip, inner - column);
    const T* from = in + o * count * inner + column;
    std::int64_t* to = out + o * inner + column;
    if (sizeof(T) <= 4 && count <= std::numeric_limits<std::int32_t>::max()) {
      arg_columns<fold, std::int32_t>(from, inner, count, width, to);
    } else {
      arg_columns<fold, std::int64_t>(from, inner, count, width, to);
    }
  }
}

template <Fold fold, class T>
[[gnu::target("avx2")]] void arg_avx2(const T* in, std::int64_t* out, std::int64_t count, std::int64_t inner,
                                      std::int64_t first, std::int64_t last) {
  arg_tasks<fold>(in, out, count, inner, first, last);
}

template <Fold fold, class T>
void arg_baseline(const T* in, std::int64_t* out, std::int64_t count, std::int64_t inner, std::int64_t first,
                  std::int64_t last) {
  arg_tasks<fold>(in, out, count, inner, first, last);
}

template <Fold fold, class T>
void arg_typed(const T* in, std::int64_t* out, std::int64_t outer, std::int64_t count, std::int64_t inner) {
  const auto run = has_avx2() ? arg_avx2<fold, T> : arg_baseline<fold, T>;
  const std::int64_t task_bytes = count * std::min(inner, arg_strip) * static_cast<std::int64_t>(sizeof(T));
  parallel_tasks(outer * divide_up(inner, arg_strip), task_bytes,
                 [&](std::int64_t, std::int64_t first, std::int64_t last) { run(in, out, count, inner, first, last); });
}

/// Calls f with an element of the type to compute with: wrapping sums are those of unsigned integers, a bool is a byte.
template <class F>
void with_fold_type(DType type, bool wraps, F&& f) {
  with_dtype(type, [&]<class T>(T) {
    if constexpr (std::is_same_v<T, bool>) {
      f(std::uint8_t{});
    } else if constexpr (std::is_signed_v<T> && std::is_integral_v<T>) {
      if (wraps) return f(std::make_unsigned_t<T>{});
      f(T{});
    } else {
      f(T{});
    }
  });
}

void check_sizes(const char* function, std::int64_t outer, std::int64_t count, std::int64_t inner, bool empty_ok) {
  if (outer >= 0 && inner >= 0 && count >= (empty_ok || outer == 0 || inner == 0 ? 0 : 1)) return;
  throw std::invalid_argument(std::string(function) +
                              ": expected sizes of at least 0 and something to choose from, got " +
                              std::to_string(outer) + " x " + std::to_string(count) + " x " + std::to_string(inner));
}

}  // namespace

std::size_t fold_scratch(DType type, std::int64_t outer, std::int64_t count, std::int64_t inner) {
  if (outer <= 0 || count <= fold_rows || inner <= 0) return 0;
  const auto size = static_cast<std::int64_t>(size_of(type));
  return static_cast<std::size_t>(FoldCut(outer, count, inner, size).scratch(outer) * size);
}

void fold_middle(Fold fold, DType type, const void* in, void* out, std::int64_t outer, std::int64_t count,
                 std::int64_t inner, void* scratch) {
  check_sizes("fold_middle", outer, count, inner, fold == Fold::sum);
  if (fold == Fold::sum && type == DType::bool_) {
    throw std::invalid_argument("fold_middle: expected numbers to sum, got bool (the largest of bools is their 'or')");
  }
  if (outer == 0 || inner == 0) return;
  if (count == 0) {
    std::memset(out, 0, static_cast<std::size_t>(outer * inner) * size_of(type));
    return;
  }
  with_fold_type(type, fold == Fold::sum, [&]<class T>(T) {
    const auto* from = static_cast<const T*>(in);
    auto* to = static_cast<T*>(out);
    switch (fold) {
      case Fold::sum: return fold_typed<Fold::sum>(from, to, outer, count, inner, static_cast<T*>(scratch));
      case Fold::max: return fold_typed<Fold::max>(from, to, outer, count, inner, static_cast<T*>(scratch));
      case Fold::min: return fold_typed<Fold::min>(from, to, outer, count, inner, static_cast<T*>(scratch));
    }
  });
}

FoldTile fold_tile_of(Fold fold, DType type) {
  FoldTile result = nullptr;
  with_fold_type(type, fold == Fold::sum, [&]<class T>(T) {
    result = fold == Fold::sum   ? fold_tile<Fold::sum, T>
             : fold == Fold::max ? fold_tile<Fold::max, T>
                                 : fold_tile<Fold::min, T>;
  });
  return result;
}

void join_blocks(Fold fold, DType type, void* blocks, void* out, std::int64_t count, std::int64_t inner) {
  with_fold_type(type, fold == Fold::sum, [&]<class T>(T) {
    auto* rows = static_cast<T*>(blocks);
    auto* to = static_cast<T*>(out);
    switch (fold) {
      case Fold::sum: return join_typed<Fold::sum>(rows, to, count, inner);
      case Fold::max: return join_typed<Fold::max>(rows, to, count, inner);
      case Fold::min: return join_typed<Fold::min>(rows, to, count, inner);
    }
  });
}

void arg_fold(Fold fold, DType type, const void* in, std::int64_t* out, std::int64_t outer, std::int64_t count,
              std::int64_t inner) {
  check_sizes("arg_fold", outer, count, inner, false);
  if (fold == Fold::sum) throw std::invalid_argument("arg_fold: expected max or min, got sum");
  if (outer == 0 || inner == 0) return;
  with_fold_type(type, false, [&]<class T>(T) {
    const auto* from = static_cast<const T*>(in);
    if (fold == Fold::max) return arg_typed<Fold::max>(from, out, outer, count, inner);
    arg_typed<Fold::min>(from, out, outer, count, inner);
  });
}

}  // namespace xgrad::kernels
