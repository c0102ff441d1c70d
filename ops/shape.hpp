#pragma once
/// Functions that move elements without computing with them.

#include <xgrad/graph/basic.hpp>

#include <vector>

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
/// New axes of length 1 at these places of the result.
Tensor expand_dims(const Arg& x, std::initializer_list<int> axes);
/// x without these axes of length 1 (all of them by default). Throws ShapeError if one is longer.
Tensor squeeze(const Arg& x, Axes axes = {});

/// The elements in row-major order as a vector.
Tensor ravel(const Arg& x);
/// Axes `start` to `end` (both of them) as one: PyTorch's flatten. Of a scalar a vector of one element.
Tensor flatten(const Arg& x, int start = 0, int end = -1);
/// A scalar as a vector of one element; others as they are.
Tensor atleast_1d(const Arg& x);
/// At least two axes: a vector becomes a row.
Tensor atleast_2d(const Arg& x);
/// At least three axes: (n) becomes (1, n, 1), (m, n) becomes (m, n, 1).
Tensor atleast_3d(const Arg& x);
/// The tensors broadcast to their common shape. Throws ShapeError if there is none.
std::vector<Tensor> broadcast_arrays(std::span<const Tensor> tensors, Location where = Location::current());
std::vector<Tensor> broadcast_arrays(std::initializer_list<Arg> tensors);

/// Joins tensors along an axis; the others must agree. Mixed dtypes promote.
Tensor concatenate(std::initializer_list<Arg> tensors, int axis = 0);
Tensor concatenate(std::span<const Tensor> tensors, int axis = 0, Location where = Location::current());
/// Joins tensors of one shape along a new axis.
Tensor stack(std::span<const Tensor> tensors, int axis = 0, Location where = Location::current());
Tensor stack(std::initializer_list<Arg> tensors, int axis = 0);

/// Joins along the second axis, vectors along their only one; scalars count as vectors.
Tensor hstack(std::span<const Tensor> tensors, Location where = Location::current());
Tensor hstack(std::initializer_list<Arg> tensors);
/// Joins along the first axis; vectors count as rows.
Tensor vstack(std::span<const Tensor> tensors, Location where = Location::current());
Tensor vstack(std::initializer_list<Arg> tensors);
/// Joins along the third axis, as atleast_3d makes it.
Tensor dstack(std::span<const Tensor> tensors, Location where = Location::current());
Tensor dstack(std::initializer_list<Arg> tensors);
/// Joins along the second axis; vectors count as columns.
Tensor column_stack(std::span<const Tensor> tensors, Location where = Location::current());
Tensor column_stack(std::initializer_list<Arg> tensors);

/// Cuts an axis into so many equal sections. Throws ShapeError if it does not divide, ValueError for no section.
std::vector<Tensor> split(const Arg& x, int sections, int axis = 0);
/// Cuts an axis before these positions: x[:i0], x[i0:i1], ..., x[ik:], with the rules of Range.
std::vector<Tensor> split(const Arg& x, std::initializer_list<std::int64_t> positions, int axis = 0);
/// split; where it does not divide, the first sections are one longer.
std::vector<Tensor> array_split(const Arg& x, int sections, int axis = 0);
/// split along the second axis, the first of a vector.
std::vector<Tensor> hsplit(const Arg& x, int sections);
/// split along the first axis of two or more.
std::vector<Tensor> vsplit(const Arg& x, int sections);
/// split along the third axis.
std::vector<Tensor> dsplit(const Arg& x, int sections);
/// The slices along an axis, without it: as many as it is long.
std::vector<Tensor> unstack(const Arg& x, int axis = 0);

/// x repeated repeats[i] times along axis i; fewer repeats count from the last axis, more make new axes before the
/// first. Throws ValueError for a negative number.
Tensor tile(const Arg& x, std::initializer_list<std::int64_t> repeats);
/// Each element (or slice along an axis) `repeats` times, one after another; by default of the flattened x. Throws
/// ValueError for a negative number, ShapeError for more than one axis.
Tensor repeat(const Arg& x, std::int64_t repeats, Axes axis = {});
/// The i-th element along the axis repeats[i] times. Throws ShapeError unless there is one number for each.
Tensor repeat(const Arg& x, std::span<const std::int64_t> repeats, Axes axis = {});
Tensor repeat(const Arg& x, std::initializer_list<std::int64_t> repeats, Axes axis = {});

/// x with the order of elements reversed along axes, by default all.
Tensor flip(const Arg& x, Axes axes = {});
Tensor fliplr(const Arg& x);  ///< flip along the second axis
Tensor flipud(const Arg& x);  ///< flip along the first axis
/// x turned by k times 90 degrees from the first of two axes towards the second.
Tensor rot90(const Arg& x, int k = 1, Axes axes = {0, 1});
/// x moved `shift` steps along an axis; what leaves at the end enters at the start. By default along the flattened x.
Tensor roll(const Arg& x, std::int64_t shift, Axes axis = {});
/// roll by shifts[i] along axes[i], for each. Throws ShapeError unless there are equally many.
Tensor roll(const Arg& x, std::initializer_list<std::int64_t> shifts, std::initializer_list<int> axes);

/// How many elements `pad` adds before and behind an axis.
struct Padding {
  std::int64_t before = 0, behind = 0;
};
/// x with elements added at the ends of each axis: mode "constant" adds `value` (converted to x's dtype; it may be a
/// Tensor with a derivative), "edge" repeats the end, "reflect" mirrors at it without repeating it, "symmetric" mirrors
/// repeating it, "wrap" goes on at the other end; paddings longer than the axis go on mirroring or wrapping. One
/// Padding counts for all axes. Throws ValueError for a negative one or another mode, ShapeError for a wrong number of
/// them, and for an empty axis with modes that need an element.
Tensor pad(const Arg& x, std::initializer_list<Padding> paddings, std::string_view mode = "constant",
           const Arg& value = 0);
Tensor pad(const Arg& x, std::span<const Padding> paddings, std::string_view mode = "constant", const Arg& value = 0);

/// x with zeros above the k-th diagonal of the last two axes (k > 0 is above the main one).
Tensor tril(const Arg& x, std::int64_t k = 0);
/// x with zeros below the k-th diagonal of the last two axes.
Tensor triu(const Arg& x, std::int64_t k = 0);
/// The diagonal x[i, i + offset] of two axes as the last axis of the result, the two axes gone.
Tensor diagonal(const Arg& x, std::int64_t offset = 0, int axis1 = 0, int axis2 = 1);
/// Sum over diagonal(x, offset, axis1, axis2). bool and uint8 become int64.
Tensor trace(const Arg& x, std::int64_t offset = 0, int axis1 = 0, int axis2 = 1);
/// Of a vector the matrix with it as k-th diagonal and zeros elsewhere, of a matrix its k-th diagonal.
Tensor diag(const Arg& x, std::int64_t k = 0);
/// diag of the flattened x: always a matrix.
Tensor diagflat(const Arg& x, std::int64_t k = 0);
/// x with `value` (broadcast) at x[i, i, ..., i]: a new tensor, where NumPy writes into x. More than two axes must be
/// equally long.
Tensor fill_diagonal(const Arg& x, const Arg& value);

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
