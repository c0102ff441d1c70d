#pragma once
/// Gathers, scatters and permutations.

#include <xgrad/kernels/dtype.hpp>
#include <xgrad/kernels/tile.hpp>

#include <cstddef>
#include <cstdint>

namespace xgrad::kernels {

/// Position of the first index that is outside [-count, count) (or [0, count) if `negative_ok` is false), or -1.
std::int64_t find_bad_index(DType index_type, const void* indices, std::int64_t length, std::int64_t count,
                            bool negative_ok);

/// out[o, j, :] = in[o, indices[j], :], `inner_bytes` bytes a slice; negative indices count from the end. Indices are
/// valid.
void gather(DType index_type, const void* in, const void* indices, void* out, std::int64_t outer, std::int64_t count,
            std::int64_t length, std::size_t inner_bytes);

/// out[o, indices[j], :] += in[o, j, :], out zeroed first, j ascending: the order, and so the bits, is fixed. Any
/// dtype; integers wrap around, bool is "or".
void scatter_add(DType type, DType index_type, const void* in, const void* indices, void* out, std::int64_t outer,
                 std::int64_t count, std::int64_t length, std::int64_t inner);

/// What happens where elements meet: the later one replaces the earlier, or both become one. Integers wrap around, bool
/// adds as "or" and multiplies as "and", NaN wins over numbers.
enum class Combine : std::uint8_t { set, add, multiply, minimum, maximum };

/// out[places[j], :] is combined with in[j, :], j ascending: the order, and so the bits, is fixed. `out` has `count`
/// slices and holds what is combined with; places are from 0 to count - 1.
void scatter(Combine combine, DType type, const void* in, const std::int64_t* places, void* out, std::int64_t count,
             std::int64_t length, std::int64_t inner);

/// Index tuples (batches, length, width) as places in an array (batches, lengths[0], ..., lengths[width - 1]). Returns
/// the position of the first index out of range among all, or -1; negative ones count from the end.
std::int64_t flatten_indices(DType index_type, const void* indices, const std::int64_t* lengths, std::int64_t width,
                             std::int64_t batches, std::int64_t length, std::int64_t* places);

/// out[o, j, i] = in[o, indices[o, j, i], i], elements of `bytes` bytes (1, 4 or 8). Indices are valid.
void gather_along(DType index_type, const void* in, const void* indices, void* out, std::int64_t outer,
                  std::int64_t count, std::int64_t length, std::int64_t inner, std::size_t bytes);

/// out[o, indices[o, j, i], i] is combined with in[o, j, i], j ascending; `combine` is set or add.
void scatter_along(Combine combine, DType type, DType index_type, const void* in, const void* indices, void* out,
                   std::int64_t outer, std::int64_t count, std::int64_t length, std::int64_t inner);

/// A uniformly random permutation of 0 ... count-1 (Fisher-Yates on the draw's Philox stream, without modulo bias).
void permutation(Draw draw, std::int64_t* out, std::int64_t count);

}  // namespace xgrad::kernels
