#include <xgrad/graph/basic.hpp>
#include <xgrad/nn/pairs.hpp>
#include <xgrad/ops/elementwise.hpp>
#include <xgrad/ops/shape.hpp>

namespace xgrad {

namespace {

std::string label(std::string_view where) { return "[" + std::string(where) + "] "; }

Tensor floating(const Tensor& x) { return is_floating(x.dtype()) ? x : cast(x, float32); }

}  // namespace

Pair same_shape(std::string_view where, const Tensor& y_true, const Tensor& y_pred) {
  Tensor t = y_true;
  Tensor p = floating(y_pred);
  if (t.rank() == p.rank() + 1 && t.dim(-1) == 1)
    p = expand_dims(p, -1);
  else if (p.rank() == t.rank() + 1 && p.dim(-1) == 1)
    t = expand_dims(t, -1);
  if (t.shape() != p.shape())
    throw ShapeError(label(where) + "expected y_true and y_pred of one shape, got y_true " + to_string(y_true.shape()) +
                     " and y_pred " + to_string(y_pred.shape()));
  return {cast(t, p.dtype()), p};
}

void check_smoothing(std::string_view where, double smoothing) {
  if (!(smoothing >= 0 && smoothing <= 1))
    throw ValueError(label(where) + "expected label_smoothing between 0 and 1, got " + number_text(smoothing));
}

Pair labels_and_rows(std::string_view where, const Tensor& y_true, const Tensor& y_pred) {
  Tensor t = y_true;
  if (y_pred.rank() > 0 && t.rank() == y_pred.rank() && t.dim(-1) == 1) t = squeeze(t, -1);
  bool fits = y_pred.rank() > 0 && t.rank() == y_pred.rank() - 1;
  for (int i = 0; fits && i < t.rank(); ++i) fits = t.dim(i) == y_pred.dim(i);
  if (!fits)
    throw ShapeError(label(where) + "expected one label for each row of y_pred " + to_string(y_pred.shape()) +
                     ", got y_true " + to_string(y_true.shape()) +
                     (y_true.shape() == y_pred.shape() ? " (rows of one-hot numbers need the categorical form)"
                      : y_pred.rank() > t.rank() + 1   ? " (does the model need a Flatten layer?)"
                                                       : ""));
  if (is_floating(t.dtype()) || t.dtype() == bool_) t = cast(t, int64);
  return {t, floating(y_pred)};
}

Tensor ratio(const Tensor& a, const Tensor& b) {
  const Tensor none = equal(b, 0);
  return where(none, 0, a / where(none, 1, b));
}

Tensor normalized(const Tensor& x, Axes axis) {
  const Tensor squares = sum(square(x), axis, true);
  // Both sides of the choice stay finite, so that zeros have a gradient.
  const Tensor is_long = squares > 1e-14;
  return x * where(is_long, 1 / sqrt(where(is_long, squares, 1)), 1e7);
}

Tensor weights_for(std::string_view where, const Tensor& weights, const Tensor& values) {
  Tensor w = weights;
  if (w.rank() == values.rank() + 1 && w.dim(-1) == 1) w = squeeze(w, -1);
  bool fits = w.rank() <= values.rank();
  for (int i = 0; fits && i < w.rank(); ++i) fits = w.dim(i) == 1 || w.dim(i) == values.dim(i);
  if (!fits)
    throw ShapeError(label(where) + "expected sample_weight to fit values of shape " + to_string(values.shape()) +
                     ", got " + to_string(weights.shape()));
  while (w.rank() > 0 && w.rank() < values.rank()) w = expand_dims(w, -1);
  return cast(w, is_floating(values.dtype()) ? values.dtype() : float32);
}

}  // namespace xgrad
