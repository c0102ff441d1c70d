#pragma once
/// Windows: weights that fall off towards both ends of n samples, symmetric, 1 for a single one. Computed in float64;
/// n of 0 or less gives none.

#include <xgrad/graph/basic.hpp>

namespace xgrad {

/// 1 - |2 k / (n - 1) - 1|, a triangle that is 0 at the ends.
Tensor bartlett(std::int64_t n, TensorOptions options = {});
/// 0.42 - 0.5 cos(2 pi k / (n - 1)) + 0.08 cos(4 pi k / (n - 1)).
Tensor blackman(std::int64_t n, TensorOptions options = {});
/// 0.54 - 0.46 cos(2 pi k / (n - 1)).
Tensor hamming(std::int64_t n, TensorOptions options = {});
/// 0.5 - 0.5 cos(2 pi k / (n - 1)).
Tensor hanning(std::int64_t n, TensorOptions options = {});
/// i0(beta sqrt(1 - (2 k / (n - 1) - 1)^2)) / i0(beta): near a rectangle for beta = 0, narrower the larger it is.
/// Differentiable by beta, a scalar.
Tensor kaiser(std::int64_t n, const Arg& beta, TensorOptions options = {});

}  // namespace xgrad
