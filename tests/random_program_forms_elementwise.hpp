#pragma once
// Elementwise functions with arguments besides tensors, as random programs call them.

#include <xgrad/ops/bitwise.hpp>
#include <xgrad/ops/elementwise.hpp>
#include <xgrad/ops/special.hpp>

namespace random_program {

inline Tensor nan_to_num_of(const Arg& x) { return nan_to_num(x); }
inline Tensor trigamma(const Arg& x) { return polygamma(1, x); }
inline Tensor tenths(const Arg& x) { return xgrad::round(x, 1); }
inline Tensor half_way(const Arg& a, const Arg& b) { return xgrad::lerp(a, b, 0.5); }

}  // namespace random_program
