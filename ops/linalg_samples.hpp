#pragma once
/// Samples that the rows of linear algebra share. Internal to ops/.

#include <xgrad/graph/grad.hpp>
#include <xgrad/ops/shape.hpp>
#include <xgrad/ops/table.hpp>

namespace xgrad {

/// A symmetric positive definite matrix with well separated eigenvalues, from any square one.
inline Tensor definite(const Tensor& x) {
  const std::int64_t n = x.dim(-1);
  std::vector<double> diagonal(static_cast<std::size_t>(n * n), 0.0);
  for (std::int64_t i = 0; i < n; ++i)
    diagonal[static_cast<std::size_t>(i * (n + 1))] = 2.0 + 3.0 * static_cast<double>(i);
  return 0.3 * (x + swapaxes(x, -1, -2)) + tensor(diagonal, Shape{n, n});
}

/// A sample of one tensor.
inline Sample one(const Shape& shape) { return {{{.shape = shape}}}; }
inline std::vector<Sample> square_samples() {
  return {one({3, 3}),
          one({1, 1}),
          one({2, 2, 2}),
          one({0, 2, 2}),
          {{{.shape = {3, 3}, .strided = true}}},
          {{{.shape = {2, 2, 2}, .broadcast = true}}}};
}

inline Tensor matrix() { return tensor({{1., 2.}, {3., 4.}}, {.dtype = float64}); }
inline Tensor not_finite() { return tensor({{1., __builtin_nan("")}, {__builtin_nan(""), 4.}}, {.dtype = float64}); }

inline Tensor derivative(Tensor (*f)(const Tensor&), const Tensor& x) { return grad(sum(f(x)), x); }

inline constexpr const char* no_scalar = "scalars and vectors are refused";

}  // namespace xgrad
