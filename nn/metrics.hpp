#pragma once
/// Metrics: numbers that describe all batches seen since `reset_state`, kept and computed in double precision.

#include <xgrad/graph/basic.hpp>
#include <xgrad/graph/parameter.hpp>
#include <xgrad/optim/shared.hpp>

#include <optional>
#include <string>

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

/// A running weighted sum, otherwise as Mean.
class Sum {
 public:
  explicit Sum(std::string_view name = "sum");

  const std::string& name() const { return name_; }
  void update_state(const Tensor& values, const Tensor& sample_weight = {});
  double result() const;
  void reset_state();
  void revert();

 private:
  struct Total : Counted {
    Counted* copy() const override { return new Total(*this); }
    Parameter value;
  };
  std::string name_;
  Shared<Total> total_;
};

/// Whether a metric is better when it grows.
enum class Direction : std::uint8_t { unknown, up, down };

/// What a metric is made of: totals that batches add to, and what the totals say.
struct Recipe {
  std::string name;
  /// What a batch (y_true, y_pred, sample_weight or an undefined tensor) adds to each total. Shapes are those of the
  /// first batch.
  Function<std::vector<Tensor>(const Tensor&, const Tensor&, const Tensor&)> sums;
  /// The result from the totals, which are float64. Empty: the first by the second, or 0 where that is 0.
  Function<Tensor(std::span<const Tensor>)> finish = {};
  Direction direction = Direction::unknown;
};

/// A metric over batches. From Keras's name ("accuracy", "auc", "mae", ...; an unknown one is a ValueError that lists
/// the near misses), from a name and any callable (y_true, y_pred) whose mean it is, from a Recipe, or one of the
/// objects below. Copies share the state.
class Metric {
 public:
  using Values = Function<Tensor(const Tensor&, const Tensor&)>;
  Metric(std::string_view name);
  Metric(const char* name) : Metric(std::string_view(name)) {}
  Metric(const std::string& name) : Metric(std::string_view(name)) {}
  Metric(std::string_view name, Values values, Direction direction = Direction::unknown);
  Metric(Recipe recipe);

  const std::string& name() const;
  Direction direction() const;
  /// What it was made with, under a name of the library or its type; nothing for a callable or a Recipe.
  const Made& made() const;
  /// Throws ShapeError, naming the metric, if y_true, y_pred and the weights do not fit.
  void update_state(const Tensor& y_true, const Tensor& y_pred, const Tensor& sample_weight = {});
  /// The number; where there are several (one a class or threshold), their mean. 0 before the first update.
  double result() const;
  /// The number or numbers, float64.
  Tensor results() const;
  /// Starts anew, at once.
  void reset_state();
  /// Gives up updates that have not been computed.
  void revert();

 protected:
  void made_with(Made made);

 private:
  struct State;
  Shared<State> state_;
};

/// y_true == (y_pred > threshold), averaged over the last axis
Tensor binary_accuracy(const Tensor& y_true, const Tensor& y_pred, double threshold = .5);
/// Whether the largest numbers of both rows stand in the same place
Tensor categorical_accuracy(const Tensor& y_true, const Tensor& y_pred);
/// Whether the largest number of the row stands at the label
Tensor sparse_categorical_accuracy(const Tensor& y_true, const Tensor& y_pred);
/// One of these by the shapes: rows of one number (or no rows) are binary, one label for a row of several is sparse,
/// equal shapes are categorical. What "accuracy" stands for.
Tensor accuracy(const Tensor& y_true, const Tensor& y_pred);
/// Whether fewer than k numbers of the row are larger than that at the place of y_true's largest
Tensor top_k_categorical_accuracy(const Tensor& y_true, const Tensor& y_pred, std::int64_t k = 5);
/// The same from labels; with `from_sorted_ids` whether the label is among the first k numbers of the row.
Tensor sparse_top_k_categorical_accuracy(const Tensor& y_true, const Tensor& y_pred, std::int64_t k = 5,
                                         bool from_sorted_ids = false);
/// Covariance by the product of the standard deviations along an axis; NaN where one of them is 0.
Tensor pearson_correlation(const Tensor& y_true, const Tensor& y_pred, int axis = -1);
/// 2 covariance / (both variances + squared distance of the means + 1e-7) along an axis (Lin 1989).
Tensor concordance_correlation(const Tensor& y_true, const Tensor& y_pred, int axis = -1);

struct MetricOptions {
  std::string name = {};
};

/// A metric that the text stands for and no type, like the accuracy by shapes.
struct NamedMetric {
  std::string text;
};

/// The mean of any function of (y_true, y_pred): Metric(name, function) by Keras's name.
struct MeanMetricWrapper : Metric {
  MeanMetricWrapper(Values fn, MetricOptions options = {});
};

/// How often y_true == y_pred. (The text "accuracy" is one of the accuracies below, by the shapes.)
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

struct TopKOptions {
  std::int64_t k = 5;
  std::string name = {};
};

struct TopKCategoricalAccuracy : Metric {
  TopKCategoricalAccuracy(TopKOptions options = {});
};

struct SparseTopKOptions {
  std::int64_t k = 5;
  std::string name = {};
  bool from_sorted_ids = false;
};

struct SparseTopKCategoricalAccuracy : Metric {
  SparseTopKCategoricalAccuracy(SparseTopKOptions options = {});
};

// Means of losses.

struct MeanSquaredError : Metric {
  MeanSquaredError(MetricOptions options = {});
};

struct MeanAbsoluteError : Metric {
  MeanAbsoluteError(MetricOptions options = {});
};

struct MeanAbsolutePercentageError : Metric {
  MeanAbsolutePercentageError(MetricOptions options = {});
};

struct MeanSquaredLogarithmicError : Metric {
  MeanSquaredLogarithmicError(MetricOptions options = {});
};

struct LogCoshError : Metric {
  LogCoshError(MetricOptions options = {});
};

struct Hinge : Metric {
  Hinge(MetricOptions options = {});
};

struct SquaredHinge : Metric {
  SquaredHinge(MetricOptions options = {});
};

struct CategoricalHinge : Metric {
  CategoricalHinge(MetricOptions options = {});
};

struct KLDivergence : Metric {
  KLDivergence(MetricOptions options = {});
};

struct Poisson : Metric {
  Poisson(MetricOptions options = {});
};

struct BinaryCrossentropyOptions {
  std::string name = {};
  bool from_logits = false;
  double label_smoothing = 0;
};

struct BinaryCrossentropy : Metric {
  BinaryCrossentropy(BinaryCrossentropyOptions options = {});
};

struct CategoricalCrossentropyOptions {
  std::string name = {};
  bool from_logits = false;
  double label_smoothing = 0;
  int axis = -1;
};

struct CategoricalCrossentropy : Metric {
  CategoricalCrossentropy(CategoricalCrossentropyOptions options = {});
};

struct SparseCategoricalCrossentropyOptions {
  std::string name = {};
  bool from_logits = false;
  std::optional<std::int64_t> ignore_class = {};
  int axis = -1;
};

/// Samples of the class to ignore count as 0, as in Keras.
struct SparseCategoricalCrossentropy : Metric {
  SparseCategoricalCrossentropy(SparseCategoricalCrossentropyOptions options = {});
};

/// The square root of the mean of all squared errors.
struct RootMeanSquaredError : Metric {
  RootMeanSquaredError(MetricOptions options = {});
};

struct AxisOptions {
  std::string name = {};
  int axis = -1;
};

/// The mean cosine, not its negative.
struct CosineSimilarity : Metric {
  CosineSimilarity(AxisOptions options = {});
};

struct PearsonCorrelation : Metric {
  PearsonCorrelation(AxisOptions options = {});
};

struct ConcordanceCorrelation : Metric {
  ConcordanceCorrelation(AxisOptions options = {});
};

struct R2ScoreOptions {
  /// "uniform_average", "variance_weighted_average", or empty for one number a column
  std::string class_aggregation = "uniform_average";
  std::int64_t num_regressors = 0;  ///< above 0: adjusted for so many, if there are more samples than that
  std::string name = {};
};

/// 1 - sum((y_true - y_pred)^2) / sum((y_true - mean)^2) of each column over all batches; 0 where that is infinite. As
/// in Keras, the number of samples that the adjustment takes is that of all elements.
struct R2Score : Metric {
  R2Score(R2ScoreOptions options = {});
};

}  // namespace xgrad::metrics
