#pragma once
/// Gathering by index.

#include <xgrad/graph/basic.hpp>

namespace xgrad {

/// x[..., indices, ...] along an axis: the axis is replaced by the shape of `indices` (an integer tensor). Negative
/// indices count from the end. An index out of range is an error when values are computed, with the place of this call.
Tensor take(const Arg& x, const Arg& indices, int axis = 0);

/// (..., classes): 1 where the last index equals x, else 0; a row of zeros where x is outside 0 ... classes-1 (Keras).
Tensor one_hot(const Arg& x, std::int64_t classes, DType dtype = float32);

/// x, checked when values are computed: every element must lie in 0 ... classes-1, else a ValueError names the
/// element, its position and the place of this call. `what` names the thing in the message ("label").
Tensor check_labels(const Arg& x, std::int64_t classes, std::string_view what = "label");

}  // namespace xgrad
