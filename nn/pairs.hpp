#pragma once
/// Bringing targets and predictions into one form: what losses and metrics begin with. Internal to nn/.

#include <xgrad/graph/basic.hpp>

namespace xgrad {

struct Pair {
  Tensor y_true, y_pred;
};

/// Both with one shape: a last axis of length 1 that only one has is given to the other. y_true takes y_pred's dtype,
/// which is floating. Throws ShapeError, naming `where`, if the shapes still differ.
Pair same_shape(std::string_view where, const Tensor& y_true, const Tensor& y_pred);

/// Throws ValueError unless 0 <= smoothing <= 1.
void check_smoothing(std::string_view where, double smoothing);

/// Labels as integers, with the shape of y_pred without its last axis. Throws ShapeError if they do not fit.
Pair labels_and_rows(std::string_view where, const Tensor& y_true, const Tensor& y_pred);

/// a / b, and 0 where b is 0.
Tensor ratio(const Tensor& a, const Tensor& b);

/// x divided by its 2-norm along an axis; what is shorter than 1e-7 is divided by that.
Tensor normalized(const Tensor& x, Axes axis);

/// Weights with axes of length 1 added at the end up to the rank of `values`, in its dtype. Throws ShapeError if they
/// do not broadcast over it.
Tensor weights_for(std::string_view where, const Tensor& weights, const Tensor& values);

}  // namespace xgrad
