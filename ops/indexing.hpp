#pragma once
/// Choosing by index, by mask and by condition. Negative indices count from the end; one out of range is an error when
/// values are computed, with its position and the place of the call.

#include <xgrad/graph/basic.hpp>

namespace xgrad {

/// x[..., indices, ...] along an axis: the axis is replaced by the shape of `indices` (an integer tensor). Negative
/// indices count from the end. An index out of range is an error when values are computed, with the place of this call.
Tensor take(const Arg& x, const Arg& indices, int axis = 0);

/// out[i, j, k] = x[i, indices[i, j, k], k] for the middle one of three axes: for each line along the axis its own
/// indices. Both have the same rank, and their other axes broadcast together.
Tensor take_along_axis(const Arg& x, const Arg& indices, int axis = -1);
/// x with values[i, j, k] at [i, indices[i, j, k], k]: what NumPy's put_along_axis leaves in x. Indices and values
/// broadcast, the values' dtype fits into x's. Of several values of one place the last stays and gets the gradient.
Tensor put_along_axis(const Arg& x, const Arg& indices, const Arg& values, int axis = -1);

/// The indices of the elements that are not zero (NaN is not), in row-major order: int64 vectors, one an axis. Computes
/// x at this call, for the result's shape depends on its values; so do all functions down to `extract`.
std::vector<Tensor> nonzero(const Arg& x);
/// nonzero, as NumPy's where with one argument.
std::vector<Tensor> where(const Arg& condition);
/// The places of the elements that are not zero in x read as a vector: int64.
Tensor flatnonzero(const Arg& x);
/// nonzero as rows: int64 of shape (number, x.rank()).
Tensor argwhere(const Arg& x);
/// x[mask]: the elements or slices of x where the mask, shaped like x's first axes, is not zero: shape (number, ...).
Tensor boolean_mask(const Arg& x, const Arg& mask);
/// The slices along an axis where the vector `condition` is not zero; it may be shorter than the axis.
Tensor compress(const Arg& condition, const Arg& x, int axis = 0);
/// The elements of x where `condition`, of as many elements, is not zero.
Tensor extract(const Arg& condition, const Arg& x);

/// What `choose` does with an index that names no choice.
enum class Outside : std::uint8_t {
  raise,  ///< a ValueError when values are computed
  clip,   ///< takes the first or the last choice
};
/// choices[indices[i]][i]: indices (integers 0 ... n-1) and all choices broadcast together; choices promote.
Tensor choose(const Arg& indices, std::span<const Tensor> choices, Outside mode = Outside::raise);
/// For each element the choice of the first condition that is not zero, or `otherwise`: NumPy's select. Conditions and
/// choices broadcast together, choices promote. Throws ValueError unless there are as many of both, at least one.
Tensor select(std::span<const Tensor> conditions, std::span<const Tensor> choices, const Arg& otherwise = 0);

/// (..., classes): 1 where the last index equals x, else 0; a row of zeros where x is outside 0 ... classes-1 (Keras).
Tensor one_hot(const Arg& x, std::int64_t classes, DType dtype = float32);

/// x, checked when values are computed: every element must lie in 0 ... classes-1, else a ValueError names the
/// element, its position and the place of this call. `what` names the thing in the message ("label").
Tensor check_labels(const Arg& x, std::int64_t classes, std::string_view what = "label");

}  // namespace xgrad
