#pragma once
/// Gathering and scattering by index tuples, and sums over segments. A tuple is the last axis of an integer tensor
/// (..., k) and chooses an element of the first k axes, a slice if there are more. Negative indices count from the end.
/// An index out of range is an error when values are computed, with its position and the place of the call.

#include <xgrad/graph/basic.hpp>

namespace xgrad {

/// The elements or slices that the tuples choose: shape indices.shape[:-1] + x.shape[k:] (TensorFlow's gather_nd). The
/// first `batch_dims` axes of both are the same ones: tuples choose within their own part of the batch.
Tensor gather_nd(const Arg& x, const Arg& indices, int batch_dims = 0);

/// Zeros of this shape with `values` added where the tuples say (Keras's scatter, TensorFlow's scatter_nd): what comes
/// to one place is summed. values: indices.shape[:-1] + shape[k:], or what broadcasts to that.
Tensor scatter(const Arg& indices, const Arg& values, const Shape& shape);

/// x with the elements or slices that the tuples choose replaced by `updates` (Keras's scatter_update, TensorFlow's
/// tensor_scatter_nd_update). updates: indices.shape[:-1] + x.shape[k:], or what broadcasts to that, of a dtype that
/// fits into x's. Of several updates of one place the last one stays and gets the gradient.
Tensor scatter_update(const Arg& x, const Arg& indices, const Arg& updates);
/// x with updates added; several at one place are added in their order, so the bits are always the same.
Tensor scatter_add(const Arg& x, const Arg& indices, const Arg& updates);
/// x with updates multiplied. Second derivatives by two updates of one place of which one is 0 are left out.
Tensor scatter_multiply(const Arg& x, const Arg& indices, const Arg& updates);
/// The larger of x and all updates of a place; NaN wins. Equal largest ones share the gradient equally.
Tensor scatter_max(const Arg& x, const Arg& indices, const Arg& updates);
/// The smaller of x and all updates of a place; NaN wins. Equal smallest ones share the gradient equally.
Tensor scatter_min(const Arg& x, const Arg& indices, const Arg& updates);

/// Sums of the slices of `data` with the same segment number: shape (segments, ...) with segment_ids.shape replaced by
/// the number of segments; a segment without slices is 0 (Keras). segment_ids (integers 0 ... segments-1, any order)
/// has the shape of data's first axes. Without a number of segments (-1) it is the largest id plus 1, for which the
/// ids are computed at this call. An id out of range is an error when values are computed.
Tensor segment_sum(const Arg& data, const Arg& segment_ids, std::int64_t num_segments = -1);
/// Largest elements by segment, as segment_sum; NaN wins, equal largest ones share the gradient equally. A segment
/// without slices is -inf, or the smallest integer.
Tensor segment_max(const Arg& data, const Arg& segment_ids, std::int64_t num_segments = -1);

/// Smallest elements by segment, as segment_max. A segment without slices is inf, or the largest integer.
Tensor segment_min(const Arg& data, const Arg& segment_ids, std::int64_t num_segments = -1);
/// Products by segment, as segment_sum and scatter_multiply. A segment without slices is 1.
Tensor segment_prod(const Arg& data, const Arg& segment_ids, std::int64_t num_segments = -1);

}  // namespace xgrad
