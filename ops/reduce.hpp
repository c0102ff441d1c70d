#pragma once
/// Reductions over axes.

#include <xgrad/graph/basic.hpp>

namespace xgrad {

/// Arithmetic mean over axes; integers and bool become float32. NaN for an empty mean.
Tensor mean(const Arg& x, Axes axes = {}, bool keepdims = false);
/// Mean squared distance from the mean: sum((x - mean)^2) / (n - ddof).
Tensor var(const Arg& x, Axes axes = {}, bool keepdims = false, int ddof = 0);
inline Tensor variance(const Arg& x, Axes axes = {}, bool keepdims = false) { return var(x, axes, keepdims); }
/// sqrt(var)
Tensor std(const Arg& x, Axes axes = {}, bool keepdims = false, int ddof = 0);

/// Largest element over axes; NaN wins. Equal largest elements share the gradient equally. Throws ShapeError if an axis
/// that is folded has length 0.
Tensor max(const Arg& x, Axes axes = {}, bool keepdims = false);
/// Smallest element over axes, as max.
Tensor min(const Arg& x, Axes axes = {}, bool keepdims = false);

/// Index (int64) of the first largest element along an axis; the first NaN wins. No derivative.
Tensor argmax(const Arg& x, int axis = -1, bool keepdims = false);
/// Index (int64) of the first smallest element along an axis.
Tensor argmin(const Arg& x, int axis = -1, bool keepdims = false);

}  // namespace xgrad
