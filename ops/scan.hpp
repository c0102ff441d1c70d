#pragma once
/// Running sums, products and extremes along an axis, and differences of neighbours.

#include <xgrad/graph/basic.hpp>

namespace xgrad {

/// y_k = x_0 + ... + x_k along an axis, added one after another; by default along the flattened x, as NumPy's. With
/// `reverse`, y_k = x_k + ... + x_(n-1). A scalar gives one element. Integers and bool become int64 and wrap; what
/// follows a NaN is NaN. Throws ShapeError for an axis out of range or more than one.
Tensor cumsum(const Arg& x, Axes axis = {}, bool reverse = false);
/// y_k = x_0 * ... * x_k, as cumsum. The derivative is right where elements are 0, to any order.
Tensor cumprod(const Arg& x, Axes axis = {}, bool reverse = false);
/// y_k = max(x_0 ... x_k), as cumsum (PyTorch's cummax without the indices, NumPy's maximum.accumulate). The dtype
/// stays. From the first NaN on everything is NaN. The gradient goes to the last of equal elements so far, as
/// PyTorch's.
Tensor cummax(const Arg& x, Axes axis = {}, bool reverse = false);
/// y_k = min(x_0 ... x_k), as cummax.
Tensor cummin(const Arg& x, Axes axis = {}, bool reverse = false);
/// y_k = log(e^x_0 + ... + e^x_k), as cumsum (PyTorch's name), without leaving the logarithm: -inf while every x is
/// -inf, inf from the first inf on. Integers become float32. Kept relative to the running maximum and added in double.
Tensor logcumsumexp(const Arg& x, Axes axis = {}, bool reverse = false);

/// cumsum where NaN counts as 0. The derivative at a NaN is 0.
Tensor nancumsum(const Arg& x, Axes axis = {});
/// cumprod where NaN counts as 1. The derivative at a NaN is 0.
Tensor nancumprod(const Arg& x, Axes axis = {});

/// x[1:] - x[:-1] along an axis, n times over; nothing is left of an axis of n elements or fewer. For bool, whether
/// neighbours differ. uint8 wraps. Throws ValueError for n < 0, ShapeError for a scalar.
Tensor diff(const Arg& x, int n = 1, int axis = -1);

/// r_k = terms_k + factors_k * r_(k-1) along an axis, with 0 before the first: the linear recurrence behind exponential
/// averages, cumprod and discounted sums (JAX's associative_scan of such steps). With `reverse`, r_k follows from
/// r_(k+1). The arguments broadcast; integers become float32. Derivatives of any order in both.
Tensor linear_recurrence(const Arg& factors, const Arg& terms, int axis = -1, bool reverse = false);

}  // namespace xgrad
