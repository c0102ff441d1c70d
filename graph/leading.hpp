#pragma once
/// Recording a graph again with a new leading axis: what vmap, Jacobians and per-example gradients stand on.

#include <xgrad/graph/op.hpp>
#include <xgrad/graph/rerecord.hpp>

namespace xgrad {

/// A stand-in for a value that is only known later: it has a shape and a dtype, and asking for its value throws
/// ValueError with the reason `why`.
Tensor placeholder(const Shape& shape, DType dtype, std::string_view why);

/// While it lives, this thread only records, for graphs over placeholders: XGRAD_EAGER and the bound on pending work
/// wait, and no evaluation computes what is recorded here unless it is asked for.
class RecordOnly {
 public:
  RecordOnly();
  ~RecordOnly();
  RecordOnly(const RecordOnly&) = delete;
  RecordOnly& operator=(const RecordOnly&) = delete;

 private:
  bool eager_;
};

/// While it lives, XGRAD_EAGER waits for values to be asked for on this thread: for those who look at a graph as it was
/// recorded, since what is computed may let go of its inputs.
class Later {
 public:
  Later();
  ~Later();
  Later(const Later&) = delete;
  Later& operator=(const Later&) = delete;

 private:
  bool eager_;
};

/// The floating-point tensors from outside a RecordOnly that y, recorded inside, was recorded from.
std::vector<Tensor> closed_over(const Tensor& y);

/// Whether x was recorded from nothing, or has let go of what it was recorded from.
bool is_leaf(const Tensor& x);

/// x with axes of length 1 behind the first, so that `rank` axes follow it: what broadcasting needs where other tensors
/// have no leading axis.
Tensor behind_leading(const Tensor& x, int rank);

/// x repeated `count` times along a new leading axis.
Tensor repeat_leading(const Tensor& x, std::int64_t count);

/// Records `outputs` once more with each `from` replaced by a `to` that has one more axis, of length `count`, in front
/// (ShapeError if it has not). Every result has that axis too: what depends on no `from` is repeated along it. Draws
/// shaped like a replaced tensor differ from place to place, others are the same in each. An operation through which no
/// leading axis passes is left to `apart`. Nothing is computed. Throws GradientError where a history that would be
/// needed has ended, and ShapeError where a result would have more than 8 axes.
std::vector<Tensor> with_leading_axis(std::span<const Tensor> outputs, std::span<const Substitution> substitutions,
                                      std::int64_t count, Lead apart);

}  // namespace xgrad
