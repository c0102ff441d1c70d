#pragma once
/// Reductions over a mask of axes. Internal to graph/, ops/ and diff/.

#include <xgrad/graph/op.hpp>

namespace xgrad {

/// Whether elements of shape `from` repeat to fill `to`.
bool repeats_to(const Shape& from, const Shape& to);

/// Records a reduction: attribute 0 is the mask counted from the end, attribute 1 says whether folded axes stay.
Tensor fold(const Op& op, const Arg& x, std::uint32_t mask, bool keepdims);
/// The shape rule of such an operation: folded axes go, or get length 1; the dtype stays.
void infer_fold(Recording& call);
/// The folded axes counted from the front, as the planner asks for them.
std::uint32_t folded_axes(const Applied& call);
/// A tensor shaped like a reduction's result, with the folded axes back as length 1.
Tensor keep_axes(const Applied& call, const Tensor& folded);
/// New axes of length 1 where the mask, counted from the end of the result, says.
Tensor expand_axes(const Arg& x, std::uint32_t mask);
/// sum over the axes of a mask, for dtypes that keep theirs.
Tensor sum_over(const Arg& x, std::uint32_t mask, bool keepdims);

}  // namespace xgrad
