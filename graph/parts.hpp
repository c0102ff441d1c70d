#pragma once
/// Operations that cut parts out of arrays, join parts, or share an input with their like: what the engine and the
/// planner make of that. Internal to graph/ and ops/.

#include <xgrad/graph/op.hpp>

namespace xgrad {

/// The gradient reaching one input from several calls of one operation that read it (each says as which of its inputs),
/// where that is less work than each call's rule and adding up. `g` are the gradients reaching the results. Undefined:
/// each by its own rule.
using Together = Tensor (*)(std::span<const Applied> calls, std::span<const Tensor> g);

/// A part of an array: where it begins along each axis, and its step.
struct Region {
  std::int64_t start[max_rank] = {}, step[max_rank] = {};
};

/// Stands in `number` of these operations, which launches have no other use for, and tells them from others: a copy of
/// the Op alone must not keep it.
double parts_mark(const Applied& call);

/// A launch with rules about parts.
struct PartsOp : Op {
  Together together = nullptr;
  /// The result is this part of the first input, which its readers may read in place.
  Region (*cut)(const Applied& call) = nullptr;
  /// Input k becomes this part of the result, which may be computed there; the parts are all of it. `run` leaves out
  /// inputs that lie in their places.
  Region (*joined)(const Applied& call, int k) = nullptr;
};

/// Null for an operation without such rules.
inline const PartsOp* parts_of(const Op& op) {
  return op.kind == Kind::launch && op.number == parts_mark ? static_cast<const PartsOp*>(&op) : nullptr;
}

}  // namespace xgrad
