#pragma once
/// Pieces reductions are made of. Internal to ops/.

#include <xgrad/graph/fold.hpp>
#include <xgrad/ops/reduce.hpp>
#include <xgrad/ops/shape_parts.hpp>

namespace xgrad {

/// x with the axes of a mask (counted from the end) moved behind the others and made one axis, the last; for an empty
/// mask a new axis of length 1.
Tensor folded_last(const Tensor& x, std::uint32_t mask);

/// NumPy's ways to place a quantile among sorted elements.
enum class Method : std::int64_t {
  linear,
  lower,
  higher,
  nearest,
  midpoint,
  inverted_cdf,
  averaged_inverted_cdf,
  closest_observation,
  interpolated_inverted_cdf,
  hazen,
  weibull,
  median_unbiased,
  normal_unbiased
};
/// Throws ValueError for another name.
Method method_named(const char* name, std::string_view method, const Location& where);
/// The shares from 0 to 1 of quantiles given from 0 to `whole`; throws ValueError for others and for none.
std::vector<double> shares_of(const char* name, std::span<const double> q, double whole, const Location& where);

}  // namespace xgrad
