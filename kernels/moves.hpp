#pragma once
/// Copies and reductions over dimensions other than the last.

#include <xgrad/kernels/dtype.hpp>

#include <cstddef>
#include <cstdint>
#include <span>

namespace xgrad::kernels {

/// std::memcpy, fast also where the two sides are aligned differently. They do not overlap.
void copy_bytes(void* target, const void* source, std::size_t bytes);

/// Copies a strided array (strides in elements, any sign, 0 repeats) into another, element by element of `shape`.
/// Both bases point at the element with index 0 in every dimension. Collapses what is contiguous, blocks transposes,
/// uses the pool. `bytes` is the element's size (1, 4 or 8). At most 8 dimensions; an empty shape copies one element.
void copy_strided(std::size_t bytes, std::span<const std::int64_t> shape, const void* source,
                  std::span<const std::int64_t> source_strides, void* target,
                  std::span<const std::int64_t> target_strides);

/// Sets `count` elements to the value at `value`.
void fill(std::size_t bytes, void* target, const void* value, std::int64_t count);

enum class Fold : std::uint8_t { sum, max, min };

/// Rows of a block of `fold_middle`, and how many blocks there are.
inline constexpr std::int64_t fold_rows = 64;
constexpr std::int64_t fold_blocks(std::int64_t rows) { return (rows + fold_rows - 1) / fold_rows; }

/// out[o, i] = fold over j of in[o, j, i], inner > 1 (the last dimension goes through the tile machine). The order is
/// a function of `count` alone: blocks of 64 are folded one after another, then the blocks' results pairwise.
/// count == 0 gives the sum 0. NaN wins max and min. Integer sums wrap around in their own type.
/// Throws std::invalid_argument for the max or min of nothing and for sums of bool. Allocates nothing: works in
/// `fold_scratch` bytes at `scratch`, which more than fold_rows rows need.
void fold_middle(Fold fold, DType type, const void* in, void* out, std::int64_t outer, std::int64_t count,
                 std::int64_t inner, void* scratch);
std::size_t fold_scratch(DType type, std::int64_t outer, std::int64_t count, std::int64_t inner);

/// fold_middle in two parts, for those who have the rows one tile after another: folds `rows` contiguous rows of
/// `width` columns into `out`, the first of a block (`begins`) or more of it; then the blocks' results, which are
/// overwritten, into one row. The bits are those of fold_middle.
using FoldTile = void (*)(const void* in, std::int64_t rows, std::int64_t width, bool begins, void* out);
FoldTile fold_tile_of(Fold fold, DType type);
/// For those who fold by themselves: `width` numbers that folding x into gives x, bit by bit. Floats only.
using FoldStart = void (*)(std::int64_t width, void* out);
FoldStart fold_start_of(Fold fold, DType type);
void join_blocks(Fold fold, DType type, void* blocks, void* out, std::int64_t count, std::int64_t inner);

/// out[o, i] = index of the largest (or smallest) of in[o, :, i]: the first one; the first NaN wins. int64.
void arg_fold(Fold fold, DType type, const void* in, std::int64_t* out, std::int64_t outer, std::int64_t count,
              std::int64_t inner);

}  // namespace xgrad::kernels
