#pragma once
/// Metrics: running weighted means over the batches seen since `reset_state`.

#include <xgrad/graph/parameter.hpp>
#include <xgrad/optim/shared.hpp>

namespace xgrad::metrics {

/// A running weighted mean. Its state, total and count, are float64 Parameters that are not trainable: updates are
/// recorded and computed with the next evaluation on this thread. Copies share the state.
class Mean {
 public:
  explicit Mean(std::string_view name = "mean");

  const std::string& name() const { return name_; }
  /// total += sum(values * weights), count += sum(weights). Weights of lower rank get axes at the end.
  void update_state(const Tensor& values, const Tensor& sample_weight = {});
  /// total / count, or 0 before the first update. Nothing is computed if the updates are.
  double result() const;
  /// Starts anew, at once.
  void reset_state();
  /// Gives up updates that have not been computed.
  void revert();

 private:
  struct State : Counted {
    Counted* copy() const override { return new State(*this); }
    Parameter total, count;
  };
  std::string name_;
  Shared<State> state_;
};

/// The mean over batches of a function of (y_true, y_pred). From Keras's name ("accuracy", "mae", ...; an unknown one
/// is a ValueError that lists the near misses), from a name and any callable, or one of the objects below. Copies share
/// the state.
class Metric {
 public:
  using Values = Function<Tensor(const Tensor&, const Tensor&)>;
  Metric(std::string_view name);
  Metric(const char* name) : Metric(std::string_view(name)) {}
  Metric(const std::string& name) : Metric(std::string_view(name)) {}
  Metric(std::string_view name, Values values) : values_(std::move(values)), mean_(name) {}

  const std::string& name() const { return mean_.name(); }
  void update_state(const Tensor& y_true, const Tensor& y_pred, const Tensor& sample_weight = {});
  double result() const { return mean_.result(); }
  void reset_state() { mean_.reset_state(); }
  void revert() { mean_.revert(); }

 private:
  Values values_;
  Mean mean_;
};

/// y_true == (y_pred >= threshold), averaged over the last axis
Tensor binary_accuracy(const Tensor& y_true, const Tensor& y_pred, double threshold = .5);
/// Whether the largest numbers of both rows stand in the same place
Tensor categorical_accuracy(const Tensor& y_true, const Tensor& y_pred);
/// Whether the largest number of the row stands at the label
Tensor sparse_categorical_accuracy(const Tensor& y_true, const Tensor& y_pred);
/// One of these by the shapes: rows of one number (or no rows) are binary, one label for a row of several is sparse,
/// equal shapes are categorical.
Tensor accuracy(const Tensor& y_true, const Tensor& y_pred);

struct MetricOptions {
  std::string name = {};
};

struct Accuracy : Metric {
  Accuracy(MetricOptions options = {});
};

struct BinaryAccuracyOptions {
  std::string name = {};
  double threshold = .5;
};

struct BinaryAccuracy : Metric {
  BinaryAccuracy(BinaryAccuracyOptions options = {});
};

struct CategoricalAccuracy : Metric {
  CategoricalAccuracy(MetricOptions options = {});
};

struct SparseCategoricalAccuracy : Metric {
  SparseCategoricalAccuracy(MetricOptions options = {});
};

struct MeanSquaredError : Metric {
  MeanSquaredError(MetricOptions options = {});
};

struct MeanAbsoluteError : Metric {
  MeanAbsoluteError(MetricOptions options = {});
};

}  // namespace xgrad::metrics
