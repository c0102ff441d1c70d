#pragma once
/// Pieces reductions are made of. Internal to ops/.

#include <xgrad/graph/fold.hpp>
#include <xgrad/ops/reduce.hpp>
#include <xgrad/ops/shape_parts.hpp>

namespace xgrad {

/// x with the axes of a mask (counted from the end) moved behind the others and made one axis, the last; for an empty
/// mask a new axis of length 1.
Tensor folded_last(const Tensor& x, std::uint32_t mask);

}  // namespace xgrad
