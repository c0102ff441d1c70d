#pragma once
/// Functions that move elements without computing with them.

#include <xgrad/graph/basic.hpp>

namespace xgrad {

/// Axes in reverse order.
Tensor transpose(const Arg& x);
/// Axis i of the result is axis axes[i] of x. Throws ShapeError unless `axes` is a permutation.
Tensor transpose(const Arg& x, std::initializer_list<int> axes);
Tensor transpose(const Arg& x, std::span<const int> axes);
inline Tensor permute_dims(const Arg& x, std::initializer_list<int> axes) { return transpose(x, axes); }
/// x with axes `source` at the places `destination` of the result; the others keep their order. Throws ShapeError for
/// axes out of range, given twice, or not equally many.
Tensor moveaxis(const Arg& x, Axes source, Axes destination);
/// The last two axes exchanged. Throws ShapeError for fewer.
Tensor matrix_transpose(const Arg& x);
/// x with two axes exchanged.
Tensor swapaxes(const Arg& x, int axis1, int axis2);

/// A new axis of length 1 at `axis` of the result.
Tensor expand_dims(const Arg& x, int axis);
/// x without these axes of length 1 (all of them by default). Throws ShapeError if one is longer.
Tensor squeeze(const Arg& x, Axes axes = {});

/// Joins tensors along an axis; the others must agree. Mixed dtypes promote.
Tensor concatenate(std::initializer_list<Arg> tensors, int axis = 0);
Tensor concatenate(std::span<const Tensor> tensors, int axis = 0, Location where = Location::current());
/// Joins tensors of one shape along a new axis.
Tensor stack(std::span<const Tensor> tensors, int axis = 0, Location where = Location::current());
Tensor stack(std::initializer_list<Arg> tensors, int axis = 0);

inline constexpr std::int64_t to_end = INT64_MAX;

/// start:stop:step along one axis with Python's rules: negative positions count from the end, steps may be negative
/// (then the default stop is before the first element), what lies outside is cut off.
struct Range {
  std::int64_t start = 0;
  std::int64_t stop = to_end;
  std::int64_t step = 1;
};
/// x[ranges[0], ranges[1], ...]; axes without a range are kept whole.
Tensor slice(const Arg& x, std::initializer_list<Range> ranges);
Tensor slice(const Arg& x, std::span<const Range> ranges);
/// x[..., start:stop:step, ...] along one axis.
Tensor slice_axis(const Arg& x, int axis, Range range);

/// 0, 1, ..., n-1 (or start, start + step, ... below stop) as int64 or another dtype.
Tensor arange(std::int64_t stop, TensorOptions options = {.dtype = int64});
Tensor arange(double start, double stop, double step, TensorOptions options = {},
              Location where = Location::current());

}  // namespace xgrad
