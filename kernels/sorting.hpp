#pragma once
/// Orders along an axis, and places in sorted arrays. Arrays are (outer, count, inner), row-major, and the middle axis
/// is sorted. -0 equals 0.

#include <xgrad/kernels/dtype.hpp>

#include <cstdint>

namespace xgrad::kernels {

/// out[o, j, i] is the place of the j-th smallest (`descending`: largest) of in[o, :, i]. Equal elements keep their
/// order. NaN comes after all numbers, in either direction.
void argsort(DType type, const void* in, std::int64_t* out, std::int64_t outer, std::int64_t count, std::int64_t inner,
             bool descending);

/// out[o, j, i] is the place of the j-th largest of in[o, :, i] for j < k <= count; of equal elements the first comes
/// first, NaN counts as larger than all numbers. `out` is (outer, k, inner).
void arg_top(DType type, const void* in, std::int64_t* out, std::int64_t outer, std::int64_t count, std::int64_t inner,
             std::int64_t k);

/// out[r, j] is the number of elements of the ascending row sorted[r, :] (`count` of them) that are less than
/// values[r, j], or with `right` not greater; NaN counts as larger than all numbers and equal to itself.
void search_sorted(DType type, const void* sorted, const void* values, std::int64_t* out, std::int64_t rows,
                   std::int64_t count, std::int64_t length, bool right);

}  // namespace xgrad::kernels
