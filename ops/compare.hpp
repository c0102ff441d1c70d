#pragma once
/// Comparing tensors as wholes, and nearly. The results are bool and have no derivative.

#include <xgrad/graph/basic.hpp>

namespace xgrad {

/// How near is close (NumPy's defaults).
struct Closeness {
  double rtol = 1e-5;      ///< part of |b|
  double atol = 1e-8;      ///< and so much anyway
  bool equal_nan = false;  ///< whether NaN is close to NaN
};

/// |a - b| <= atol + rtol |b|, elementwise with broadcasting; infinities are close to themselves alone. b is the value
/// to compare with: the two sides are not treated alike. Integers and bool are compared as float64.
Tensor isclose(const Arg& a, const Arg& b, Closeness closeness = {});
/// Whether all elements are close (a scalar; true for no elements).
Tensor allclose(const Arg& a, const Arg& b, Closeness closeness = {});

/// Whether two tensors have one shape and equal elements (a scalar). 0 equals -0, NaN equals nothing unless asked for.
Tensor array_equal(const Arg& a, const Arg& b, bool equal_nan = false);
/// Whether two tensors can be broadcast together and have equal elements then (a scalar).
Tensor array_equiv(const Arg& a, const Arg& b);

}  // namespace xgrad
