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

/// A uniformly random permutation of 0 ... count-1 (Fisher-Yates on the draw's Philox stream, without modulo bias).
void permutation(Draw draw, std::int64_t* out, std::int64_t count);

}  // namespace xgrad::kernels
