#pragma once
/// Convolutions of two vectors.

#include <xgrad/kernels/dtype.hpp>

#include <cstdint>

namespace xgrad::kernels {

/// out[n] = sum over k of a[n - k] v[k], n = 0 ... a_length + v_length - 2; both have at least one element. The sum
/// runs over ascending k for each n, so its bits do not depend on threads. Any dtype; integers wrap around, bool is
/// "or" of "and".
void convolve_full(DType type, const void* a, std::int64_t a_length, const void* v, std::int64_t v_length, void* out);

/// out[n] = sum over k of a[n + k] v[k], n = 0 ... a_length - v_length, ascending k; 1 <= v_length <= a_length.
void correlate_valid(DType type, const void* a, std::int64_t a_length, const void* v, std::int64_t v_length, void* out);

}  // namespace xgrad::kernels
