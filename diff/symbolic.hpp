#pragma once
/// Symbolic views: simplifying a recorded graph, putting other values in, and asking whether two are the same.

#include <xgrad/graph/print.hpp>
#include <xgrad/graph/rerecord.hpp>

namespace xgrad {

/// The graph recorded again in fewer operations. What it computes stays the same for every value, infinities, NaN and
/// zeros included, up to rounding, the sign of zero, and overflow of intermediate values: x * 1, x + 0, x - 0, x / 1
/// and x ^ 1 are x; signs and numbers are gathered (-a * b is -(a * b), 0.5 * (2 * x) is x); x * x is x ^ 2; reshapes,
/// casts, transposes and reductions that change nothing go; equal parts become one; and affine maps with known weights
/// are joined, (x @ A + a) @ B to x @ (A @ B) + a @ B: two linear Dense layers are one. Names and Parameters stay.
Tensor simplify(const Tensor& y);

/// y with other leaves or parts: rerecord(y, {{x, other}, ...}).
Tensor substitute(const Tensor& y, std::initializer_list<Substitution> substitutions);

struct SameOptions {
  int points = 8;          ///< at which values are compared where structure does not decide
  double tolerance = 1e-9; ///< of the largest value
  std::uint64_t seed = 1;
};

/// Whether a and b are the same function of the leaves they share: equal after `simplify`, operation by operation, or
/// else equal in value at random points near the leaves' values, in float64. Integer and bool leaves keep their values.
/// Shapes must be equal.
bool same(const Tensor& a, const Tensor& b, const SameOptions& options = {});

}  // namespace xgrad
