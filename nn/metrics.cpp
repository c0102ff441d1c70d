#include <xgrad/graph/basic.hpp>
#include <xgrad/graph/grad.hpp>
#include <xgrad/nn/losses.hpp>
#include <xgrad/nn/metrics.hpp>
#include <xgrad/nn/pairs.hpp>
#include <xgrad/ops/elementwise.hpp>
#include <xgrad/ops/reduce.hpp>
#include <xgrad/ops/shape.hpp>
#include <xgrad/optim/names.hpp>

namespace xgrad::metrics {

namespace {

using Plain = Tensor (*)(const Tensor&, const Tensor&);

Tensor default_binary_accuracy(const Tensor& y_true, const Tensor& y_pred) { return binary_accuracy(y_true, y_pred); }

constexpr Named<Plain> table[] = {
    {"accuracy", accuracy},
    {"acc", accuracy},
    {"binary_accuracy", default_binary_accuracy},
    {"categorical_accuracy", categorical_accuracy},
    {"sparse_categorical_accuracy", sparse_categorical_accuracy},
    {"mean_squared_error", losses::mean_squared_error},
    {"mse", losses::mean_squared_error},
    {"MSE", losses::mean_squared_error},
    {"mean_absolute_error", losses::mean_absolute_error},
    {"mae", losses::mean_absolute_error},
    {"MAE", losses::mean_absolute_error},
};

std::string or_default(std::string name, std::string_view other) { return name.empty() ? std::string(other) : name; }

}  // namespace

Mean::Mean(std::string_view name) : name_(name), state_(new State) { reset_state(); }

void Mean::update_state(const Tensor& values, const Tensor& sample_weight) {
  const NoGrad no_grad;
  Tensor total, count;
  if (sample_weight.defined()) {
    const Tensor weights = broadcast_like(weights_for(name_, sample_weight, values), values);
    total = sum(values * weights);
    count = sum(weights);
  } else {
    total = sum(values);
    count = Tensor(static_cast<double>(values.size()), {.dtype = float64});
  }
  const Tensor new_total = state_->total + cast(total, float64);
  const Tensor new_count = state_->count + cast(count, float64);
  state_->total.assign(new_total);
  state_->count.assign(new_count);
}

double Mean::result() const {
  const double count = state_->count.value().item();
  return count == 0 ? 0 : state_->total.value().item() / count;
}

void Mean::reset_state() {
  revert();
  // New Parameters have their values at once, where assigning would leave something to compute.
  state_->total = Parameter(Tensor(0.0, {.dtype = float64}), name_ + "/total", false);
  state_->count = Parameter(Tensor(0.0, {.dtype = float64}), name_ + "/count", false);
}

void Mean::revert() {
  if (!state_->total.defined()) return;
  state_->total.revert();
  state_->count.revert();
}

Metric::Metric(std::string_view name) : Metric(name, find_named(table, "metric", name)) {}

void Metric::update_state(const Tensor& y_true, const Tensor& y_pred, const Tensor& sample_weight) {
  const NoGrad no_grad;
  mean_.update_state(values_(y_true, y_pred), sample_weight);
}

Tensor binary_accuracy(const Tensor& y_true, const Tensor& y_pred, double threshold) {
  const Pair y = same_shape("binary_accuracy", y_true, y_pred);
  const Tensor right = equal(y.y_true, cast(y.y_pred >= threshold, y.y_pred.dtype()));
  if (right.rank() < 2) return right;
  // One number in a row needs no mean, and counts stay exact.
  return right.dim(-1) == 1 ? squeeze(right, -1) : mean(right, -1);
}

Tensor categorical_accuracy(const Tensor& y_true, const Tensor& y_pred) {
  if (y_true.rank() == 0 || y_true.shape() != y_pred.shape())
    throw ShapeError("[categorical_accuracy] expected y_true and y_pred of one shape with a last axis of classes, " +
                     std::string("got ") + to_string(y_true.shape()) + " and " + to_string(y_pred.shape()));
  return equal(argmax(y_true), argmax(y_pred));
}

Tensor sparse_categorical_accuracy(const Tensor& y_true, const Tensor& y_pred) {
  const Pair y = labels_and_rows("sparse_categorical_accuracy", y_true, y_pred);
  return equal(cast(y.y_true, int64), argmax(y.y_pred));
}

Tensor accuracy(const Tensor& y_true, const Tensor& y_pred) {
  const bool rows = y_pred.rank() >= 2 || y_true.rank() < y_pred.rank();
  if (!rows || y_pred.dim(-1) == 1) return binary_accuracy(y_true, y_pred);
  if (y_true.rank() < y_pred.rank() || y_true.dim(-1) == 1) return sparse_categorical_accuracy(y_true, y_pred);
  return categorical_accuracy(y_true, y_pred);
}

Accuracy::Accuracy(MetricOptions o) : Metric(or_default(std::move(o.name), "accuracy"), accuracy) {}
BinaryAccuracy::BinaryAccuracy(BinaryAccuracyOptions o)
    : Metric(or_default(std::move(o.name), "binary_accuracy"),
             [threshold = o.threshold](const Tensor& y_true, const Tensor& y_pred) {
               return binary_accuracy(y_true, y_pred, threshold);
             }) {}
CategoricalAccuracy::CategoricalAccuracy(MetricOptions o)
    : Metric(or_default(std::move(o.name), "categorical_accuracy"), categorical_accuracy) {}
SparseCategoricalAccuracy::SparseCategoricalAccuracy(MetricOptions o)
    : Metric(or_default(std::move(o.name), "sparse_categorical_accuracy"), sparse_categorical_accuracy) {}
MeanSquaredError::MeanSquaredError(MetricOptions o)
    : Metric(or_default(std::move(o.name), "mean_squared_error"), losses::mean_squared_error) {}
MeanAbsoluteError::MeanAbsoluteError(MetricOptions o)
    : Metric(or_default(std::move(o.name), "mean_absolute_error"), losses::mean_absolute_error) {}

}  // namespace xgrad::metrics
