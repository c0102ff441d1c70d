#pragma once
/// Metrics that count hits and misses: precision, recall, areas under curves, F scores, intersections over unions.

#include <xgrad/nn/metrics.hpp>

#include <vector>

namespace xgrad::metrics {

// A prediction is positive where it is above a threshold. Labels are true where they are not 0. All elements count,
// each with the weight of its sample. What 0 is divided by is 0.

struct CountOptions {
  std::vector<double> thresholds = {.5};  ///< from 0 to 1; one result for each
  std::string name = {};
};

struct TruePositives : Metric {
  TruePositives(CountOptions options = {});
};

struct TrueNegatives : Metric {
  TrueNegatives(CountOptions options = {});
};

struct FalsePositives : Metric {
  FalsePositives(CountOptions options = {});
};

struct FalseNegatives : Metric {
  FalseNegatives(CountOptions options = {});
};

struct PrecisionOptions {
  /// One result for each; empty: 0.5, or with top_k none, so that all of the top k are positive.
  std::vector<double> thresholds = {};
  std::optional<std::int64_t> top_k = {};     ///< only the k largest of a row can be positive
  std::optional<std::int64_t> class_id = {};  ///< only this column counts
  std::string name = {};
};

/// True positives by all that were taken for positive.
struct Precision : Metric {
  Precision(PrecisionOptions options = {});
};

/// True positives by all that are positive.
struct Recall : Metric {
  Recall(PrecisionOptions options = {});
};

struct AtOptions {
  std::int64_t num_thresholds = 200;
  std::optional<std::int64_t> class_id = {};
  std::string name = {};
};

/// What the metrics at a given value of another were made with.
struct AtMetric {
  double at;
  AtOptions options;
};

/// The largest sensitivity (recall) among thresholds at which the specificity is at least this. Throws ValueError, as
/// the others, unless it is between 0 and 1.
struct SensitivityAtSpecificity : Metric {
  explicit SensitivityAtSpecificity(double specificity, AtOptions options = {});
};

/// The largest specificity (true negatives by all negatives) where the sensitivity is at least this.
struct SpecificityAtSensitivity : Metric {
  explicit SpecificityAtSensitivity(double sensitivity, AtOptions options = {});
};

struct PrecisionAtRecall : Metric {
  explicit PrecisionAtRecall(double recall, AtOptions options = {});
};

struct RecallAtPrecision : Metric {
  explicit RecallAtPrecision(double precision, AtOptions options = {});
};

struct AUCOptions {
  std::int64_t num_thresholds = 200;               ///< evenly spaced, those just below 0 and above 1 among them
  std::string curve = "ROC";                       ///< or "PR", "PRGAIN"
  std::string summation_method = "interpolation";  ///< or "minoring", "majoring"
  std::string name = {};
  std::vector<double> thresholds = {};     ///< instead of num_thresholds
  bool multi_label = false;                ///< an area for each column, of which the weighted mean is the result
  std::int64_t num_labels = 0;             ///< of multi_label; 0: as many as the first batch has
  std::vector<double> label_weights = {};  ///< of the columns
  bool from_logits = false;
};

/// The area under the curve of recall over the false positive rate (ROC), of precision over recall (PR; interpolated
/// after Davis and Goadrich 2006), or of their gains (PRGAIN; Flach and Kull 2015), as a sum over thresholds.
struct AUC : Metric {
  /// Throws ValueError for other words, fewer than two thresholds, thresholds outside [0, 1], and num_labels without
  /// multi_label.
  AUC(AUCOptions options = {});
};

struct FBetaOptions {
  std::string average = {};  ///< "micro", "macro", "weighted"; empty: one number a column
  double beta = 1;
  std::optional<double> threshold = {};  ///< y_pred above it is positive; none: each row's largest number is
  std::string name = {};
};

/// (1 + beta^2) precision recall / (beta^2 precision + recall), with 1e-7 added to each divisor, over rows of classes.
struct FBetaScore : Metric {
  FBetaScore(FBetaOptions options = {});
};

struct F1Options {
  std::string average = {};
  std::optional<double> threshold = {};
  std::string name = {};
};

struct F1Score : Metric {
  F1Score(F1Options options = {});
};

struct MeanIoUOptions {
  std::string name = {};
  std::optional<std::int64_t> ignore_class = {};  ///< labels that do not count
  bool sparse_y_true = true;  ///< labels; otherwise the largest number along the axis names the class
  bool sparse_y_pred = true;
  int axis = -1;
};
using IoUOptions = MeanIoUOptions;

/// What metrics of numbered classes were made with.
template <class Options>
struct ClassMetric {
  std::int64_t num_classes;
  std::vector<std::int64_t> target_class_ids;
  Options options;
};

/// The mean over these classes of intersection by union: hits by all that are of the class or taken for it (plus 1e-7).
/// Classes that did not occur do not count, nor do labels outside 0 ... num_classes-1. Weights are not rounded to whole
/// numbers, as Keras does unless told otherwise.
struct IoU : Metric {
  /// Throws ValueError for class numbers out of range.
  IoU(std::int64_t num_classes, const std::vector<std::int64_t>& target_class_ids, IoUOptions options = {});
};

/// IoU of all classes.
struct MeanIoU : Metric {
  explicit MeanIoU(std::int64_t num_classes, MeanIoUOptions options = {});
};

struct BinaryIoUOptions {
  std::vector<std::int64_t> target_class_ids = {0, 1};
  double threshold = .5;
  std::string name = {};
};

/// IoU of the classes 0 and 1, where y_pred is 1 from the threshold on.
struct BinaryIoU : Metric {
  BinaryIoU(BinaryIoUOptions options = {});
};

struct OneHotIoUOptions {
  std::string name = {};
  std::optional<std::int64_t> ignore_class = {};
  bool sparse_y_pred = false;
  int axis = -1;
};

/// IoU of labels in rows of one-hot numbers.
struct OneHotIoU : Metric {
  OneHotIoU(std::int64_t num_classes, const std::vector<std::int64_t>& target_class_ids, OneHotIoUOptions options = {});
};

struct OneHotMeanIoU : Metric {
  explicit OneHotMeanIoU(std::int64_t num_classes, OneHotIoUOptions options = {});
};

}  // namespace xgrad::metrics
