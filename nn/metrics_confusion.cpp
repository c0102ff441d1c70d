#include <xgrad/nn/metrics_confusion.hpp>
#include <xgrad/nn/pairs.hpp>
#include <xgrad/ops/activation.hpp>
#include <xgrad/ops/elementwise.hpp>
#include <xgrad/ops/indexing.hpp>
#include <xgrad/ops/reduce.hpp>
#include <xgrad/ops/scan.hpp>
#include <xgrad/ops/scatter.hpp>
#include <xgrad/ops/shape.hpp>
#include <xgrad/ops/sorting.hpp>
#include <xgrad/optim/names.hpp>

#include <algorithm>
#include <cmath>

namespace xgrad::metrics {

namespace {

constexpr double epsilon = 1e-7;

std::string or_default(std::string name, std::string_view other) { return name.empty() ? std::string(other) : name; }

/// What a prediction is compared with, and what of it counts.
struct Cut {
  std::string name;
  std::vector<double> thresholds;
  bool even = false;  ///< thresholds i / (n - 1), but for 1e-7 at both ends
  std::optional<std::int64_t> top_k = {};
  std::optional<std::int64_t> class_id = {};
  bool by_label = false;  ///< counts for each column
  std::vector<double> label_weights = {};
};

bool evenly_spaced(const std::vector<double>& thresholds) {
  const std::size_t n = thresholds.size();
  if (n < 3) return false;
  for (std::size_t i = 0; i < n; ++i) {
    const double even = static_cast<double>(i) / static_cast<double>(n - 1);
    if (std::fabs(thresholds[i] - even) > epsilon + 1e-5 * even) return false;
  }
  return true;
}

void check_thresholds(const std::string& name, const std::vector<double>& thresholds) {
  for (const double t : thresholds)
    if (!(t >= 0 && t <= 1))
      throw ValueError("[" + name + "] expected thresholds between 0 and 1, got " + number_text(t));
}

/// Counts at each threshold: shape (thresholds), or (thresholds, columns).
struct Counts {
  Tensor true_positives, true_negatives, false_positives, false_negatives;
};

/// The weights of samples that are predicted above each threshold: (thresholds, columns) from two of (elements,
/// columns).
Tensor above(const Cut& cut, const Tensor& p, const Tensor& weights) {
  const auto n = static_cast<std::int64_t>(cut.thresholds.size());
  if (!cut.even) {
    const Tensor t = tensor(cut.thresholds, {n, 1, 1});
    return sum(where(expand_dims(p, 0) > t, expand_dims(weights, 0), 0), 1);
  }
  // Each element's last threshold below it; 0 stands for none, and all that are smaller are below it too.
  const std::int64_t columns = p.dim(1);
  Tensor below = ceil(clip(p, 0, 1) * static_cast<double>(n - 1));
  if (cut.thresholds.front() < 0) below = maximum(below, 1);
  const Tensor column = reshape(arange(columns), {1, columns});
  const Tensor place = reshape(cast(below, int64) * columns + column, {-1});
  const Tensor sums = reshape(segment_sum(reshape(weights, {-1}), place, (n + 1) * columns), {n + 1, columns});
  return cumsum(slice_axis(sums, 0, {1, n + 1}), 0, true);
}

Counts counts_of(const Cut& cut, const Tensor& y_true, const Tensor& y_pred, const Tensor& sample_weight) {
  const Pair pair = same_shape(cut.name, y_true, y_pred);
  Tensor t = cast(pair.y_true, float64), p = cast(pair.y_pred, float64);
  const auto need_rows = [&](const char* why) {
    if (p.rank() < 2)
      throw ShapeError("[" + cut.name + "] expected y_pred as rows (batch, classes) for " + why + ", got " +
                       to_string(y_pred.shape()));
  };
  Tensor w;
  if (sample_weight.defined()) w = cast(weights_for(cut.name, sample_weight, p), float64);
  if (cut.top_k) {
    need_rows("top_k");
    if (*cut.top_k > p.dim(-1))
      throw ShapeError("[" + cut.name + "] expected rows of at least top_k = " + std::to_string(*cut.top_k) +
                       " numbers, got " + to_string(y_pred.shape()));
    const Tensor chosen = any(one_hot(top_k(p, *cut.top_k).indices, p.dim(-1), bool_), -2);
    p = where(chosen, p, -1e10);
  }
  if (cut.class_id) {
    need_rows("class_id");
    if (*cut.class_id >= p.dim(-1))
      throw ShapeError("[" + cut.name + "] expected rows with a class " + std::to_string(*cut.class_id) + ", got " +
                       to_string(y_pred.shape()));
    const Range column{*cut.class_id, *cut.class_id + 1};
    t = slice_axis(t, -1, column);
    p = slice_axis(p, -1, column);
    if (w.defined() && w.dim(-1) != 1) w = slice_axis(w, -1, column);
  }
  w = w.defined() ? broadcast_like(w, p) : ones_like(p);
  if (!cut.label_weights.empty() && !cut.by_label) {
    const auto labels = static_cast<std::int64_t>(cut.label_weights.size());
    if (p.rank() == 0 || p.dim(-1) != labels)
      throw ShapeError("[" + cut.name + "] expected a column for each of " + std::to_string(labels) +
                       " label_weights, got y_pred " + to_string(y_pred.shape()));
    w = w * tensor(cut.label_weights, {labels});
  }
  if (cut.by_label && p.rank() != 2)
    throw ShapeError("[" + cut.name + "] expected y_pred as rows (batch, labels) for multi_label, got " +
                     to_string(y_pred.shape()));
  const std::int64_t columns = cut.by_label ? p.dim(1) : 1;
  const Shape flat{cut.by_label ? p.dim(0) : p.size(), columns};
  const Tensor is_true = reshape(not_equal(t, 0), flat);
  p = reshape(p, flat);
  w = reshape(w, flat);
  const Tensor positives = where(is_true, w, 0), negatives = where(is_true, 0, w);
  Counts out;
  out.true_positives = above(cut, p, positives);
  out.false_positives = above(cut, p, negatives);
  out.false_negatives = sum(positives, 0, true) - out.true_positives;
  out.true_negatives = sum(negatives, 0, true) - out.false_positives;
  if (!cut.by_label)
    for (Tensor* count : {&out.true_positives, &out.false_positives, &out.false_negatives, &out.true_negatives})
      *count = squeeze(*count, 1);
  return out;
}

using Count = Tensor Counts::*;

/// A recipe whose totals are these counts.
Recipe counting(Cut cut, std::vector<Count> which, Function<Tensor(std::span<const Tensor>)> finish,
                Direction direction) {
  Recipe recipe{.name = cut.name, .sums = {}, .finish = std::move(finish), .direction = direction};
  recipe.sums = [cut = std::move(cut), which = std::move(which)](const Tensor& y_true, const Tensor& y_pred,
                                                                 const Tensor& sample_weight) {
    const Counts counts = counts_of(cut, y_true, y_pred, sample_weight);
    std::vector<Tensor> out;
    for (const Count count : which) out.push_back(counts.*count);
    return out;
  };
  return recipe;
}

/// One number alone is a scalar.
Tensor scalar_or_all(const Tensor& x) { return x.size() == 1 ? reshape(x, {}) : x; }

Recipe count_recipe(CountOptions o, const char* name, Count which) {
  const std::string label = or_default(std::move(o.name), name);
  if (o.thresholds.empty()) throw ValueError("[" + label + "] expected at least one threshold, got none");
  check_thresholds(label, o.thresholds);
  const bool even = evenly_spaced(o.thresholds);
  return counting(
      {.name = label, .thresholds = std::move(o.thresholds), .even = even}, {which},
      [](std::span<const Tensor> t) { return scalar_or_all(t[0]); }, Direction::unknown);
}

Recipe precision_recipe(PrecisionOptions o, const char* name, Count other) {
  const std::string label = or_default(std::move(o.name), name);
  check_thresholds(label, o.thresholds);
  if (o.top_k && *o.top_k < 1)
    throw ValueError("[" + label + "] expected top_k of 1 or more, got " + std::to_string(*o.top_k));
  if (o.class_id && *o.class_id < 0)
    throw ValueError("[" + label + "] expected class_id of 0 or more, got " + std::to_string(*o.class_id));
  if (o.thresholds.empty()) o.thresholds = {o.top_k ? -1e10 : .5};
  const bool even = evenly_spaced(o.thresholds);
  return counting(
      {.name = label, .thresholds = std::move(o.thresholds), .even = even, .top_k = o.top_k, .class_id = o.class_id},
      {&Counts::true_positives, other},
      [](std::span<const Tensor> t) { return scalar_or_all(ratio(t[0], t[0] + t[1])); }, Direction::up);
}

std::vector<double> even_thresholds(std::int64_t n) {
  std::vector<double> out;
  for (std::int64_t i = 0; i < n; ++i) out.push_back(static_cast<double>(i) / static_cast<double>(n - 1));
  return out;
}

Tensor recall_of(std::span<const Tensor> t) { return ratio(t[0], t[0] + t[3]); }
Tensor precision_of(std::span<const Tensor> t) { return ratio(t[0], t[0] + t[2]); }
Tensor specificity_of(std::span<const Tensor> t) { return ratio(t[1], t[1] + t[2]); }

const std::vector<Count> all_counts = {&Counts::true_positives, &Counts::true_negatives, &Counts::false_positives,
                                       &Counts::false_negatives};

/// The largest of one number where another is at least `least`.
Recipe at_recipe(const char* what, double least, AtOptions o, const char* name,
                 Tensor (*limited)(std::span<const Tensor>), Tensor (*wanted)(std::span<const Tensor>)) {
  const std::string label = or_default(std::move(o.name), name);
  if (!(least >= 0 && least <= 1))
    throw ValueError("[" + label + "] expected " + what + " between 0 and 1, got " + number_text(least));
  if (o.num_thresholds < 1)
    throw ValueError("[" + label + "] expected num_thresholds of 1 or more, got " + std::to_string(o.num_thresholds));
  if (o.class_id && *o.class_id < 0)
    throw ValueError("[" + label + "] expected class_id of 0 or more, got " + std::to_string(*o.class_id));
  const bool one = o.num_thresholds == 1;
  const auto finish = [=](std::span<const Tensor> t) {
    return max(where(limited(t) >= least, maximum(wanted(t), 0), 0));
  };
  return counting({.name = label,
                   .thresholds = one ? std::vector{.5} : even_thresholds(o.num_thresholds),
                   .even = !one,
                   .class_id = o.class_id},
                  all_counts, finish, Direction::up);
}

Tensor earlier(const Tensor& x) { return slice_axis(x, 0, {0, x.dim(0) - 1}); }
Tensor later(const Tensor& x) { return slice_axis(x, 0, {1, x.dim(0)}); }

/// The areas under precision over recall between thresholds, each interpolated between its ends.
Tensor interpolated_precision(std::span<const Tensor> t) {
  const Tensor &tp = t[0], positive = t[0] + t[2];
  const Tensor step = earlier(tp) - later(tp), all = earlier(positive) - later(positive);
  const Tensor slope = ratio(step, maximum(all, 0));
  const Tensor intercept = later(tp) - slope * later(positive);
  const Tensor both = logical_and(earlier(positive) > 0, later(positive) > 0);
  const Tensor growth = where(both, ratio(earlier(positive), later(positive)), 1);
  return ratio(slope * (step + intercept * log(growth)), maximum(later(tp) + later(t[3]), 0));
}

enum class Curve : std::uint8_t { roc, pr, gain };
enum class Heights : std::uint8_t { interpolation, minoring, majoring };

Tensor areas(std::span<const Tensor> t, Curve curve, Heights heights) {
  if (curve == Curve::pr && heights == Heights::interpolation) return interpolated_precision(t);
  Tensor x, y;
  if (curve == Curve::roc) {
    x = ratio(t[2], t[2] + t[1]);
    y = recall_of(t);
  } else if (curve == Curve::pr) {
    x = recall_of(t);
    y = precision_of(t);
  } else {
    const Tensor scale = ratio(t[0] + t[3], t[1] + t[2]);
    const Tensor none = equal(t[0], 0);
    x = maximum(where(none, 0, 1 - scale * ratio(t[3], t[0])), 0);
    y = where(none, 1, 1 - scale * ratio(t[2], t[0]));
  }
  const Tensor height = heights == Heights::interpolation ? (earlier(y) + later(y)) / 2
                        : heights == Heights::minoring    ? minimum(earlier(y), later(y))
                                                          : maximum(earlier(y), later(y));
  return (earlier(x) - later(x)) * height;
}

Recipe auc_recipe(AUCOptions o) {
  const std::string label = or_default(std::move(o.name), "auc");
  constexpr Named<Curve> curves[] = {{"ROC", Curve::roc}, {"roc", Curve::roc},     {"PR", Curve::pr},
                                     {"pr", Curve::pr},   {"PRGAIN", Curve::gain}, {"prgain", Curve::gain}};
  constexpr Named<Heights> methods[] = {
      {"interpolation", Heights::interpolation}, {"minoring", Heights::minoring}, {"majoring", Heights::majoring}};
  const Curve curve = find_named(curves, label + " curve", o.curve);
  const Heights heights = find_named(methods, label + " summation_method", o.summation_method);
  check_thresholds(label, o.thresholds);
  std::vector<double> thresholds = o.thresholds;
  bool even = true;
  if (!thresholds.empty()) {
    std::sort(thresholds.begin(), thresholds.end());
    thresholds.insert(thresholds.begin(), 0);
    thresholds.push_back(1);
    even = evenly_spaced(thresholds);
  } else {
    if (o.num_thresholds < 2)
      throw ValueError("[" + label + "] expected num_thresholds of 2 or more, got " + std::to_string(o.num_thresholds));
    thresholds = even_thresholds(o.num_thresholds);
  }
  thresholds.front() = -epsilon;
  thresholds.back() = 1 + epsilon;
  if (o.num_labels != 0 && !o.multi_label)
    throw ValueError("[" + label + "] expected num_labels only with multi_label, got " + std::to_string(o.num_labels));
  const auto finish = [=, multi_label = o.multi_label, weights = o.label_weights](std::span<const Tensor> t) {
    const Tensor area = sum(areas(t, curve, heights), 0);
    if (!multi_label) return area;
    if (weights.empty()) return mean(area);
    const Tensor w = tensor(weights, {static_cast<std::int64_t>(weights.size())});
    return ratio(sum(area * w), sum(w));
  };
  Recipe recipe = counting({.name = label,
                            .thresholds = std::move(thresholds),
                            .even = even,
                            .by_label = o.multi_label,
                            .label_weights = o.label_weights},
                           all_counts, finish, Direction::up);
  const auto labels = o.num_labels != 0 ? o.num_labels : static_cast<std::int64_t>(o.label_weights.size());
  recipe.sums = [label, labels, logits = o.from_logits, multi = o.multi_label, sums = std::move(recipe.sums)](
                    const Tensor& y_true, const Tensor& y_pred, const Tensor& sample_weight) {
    if (multi && labels != 0 && y_pred.rank() == 2 && y_pred.dim(1) != labels)
      throw ShapeError("[" + label + "] expected " + std::to_string(labels) + " labels a row, got y_pred " +
                       to_string(y_pred.shape()));
    return sums(y_true, logits ? sigmoid(y_pred) : y_pred, sample_weight);
  };
  return recipe;
}

}  // namespace

TruePositives::TruePositives(CountOptions o)
    : Metric(count_recipe(o, "true_positives", &Counts::true_positives)) { made_with({"TruePositives", o}); }
TrueNegatives::TrueNegatives(CountOptions o)
    : Metric(count_recipe(o, "true_negatives", &Counts::true_negatives)) { made_with({"TrueNegatives", o}); }
FalsePositives::FalsePositives(CountOptions o)
    : Metric(count_recipe(o, "false_positives", &Counts::false_positives)) { made_with({"FalsePositives", o}); }
FalseNegatives::FalseNegatives(CountOptions o)
    : Metric(count_recipe(o, "false_negatives", &Counts::false_negatives)) { made_with({"FalseNegatives", o}); }

Precision::Precision(PrecisionOptions o)
    : Metric(precision_recipe(o, "precision", &Counts::false_positives)) { made_with({"Precision", o}); }
Recall::Recall(PrecisionOptions o) : Metric(precision_recipe(o, "recall", &Counts::false_negatives)) {
  made_with({"Recall", o});
}

SensitivityAtSpecificity::SensitivityAtSpecificity(double specificity, AtOptions o)
    : Metric(at_recipe("specificity", specificity, o, "sensitivity_at_specificity", specificity_of,
                       recall_of)) { made_with({"SensitivityAtSpecificity", AtMetric{specificity, o}}); }
SpecificityAtSensitivity::SpecificityAtSensitivity(double sensitivity, AtOptions o)
    : Metric(at_recipe("sensitivity", sensitivity, o, "specificity_at_sensitivity", recall_of,
                       specificity_of)) { made_with({"SpecificityAtSensitivity", AtMetric{sensitivity, o}}); }
PrecisionAtRecall::PrecisionAtRecall(double recall, AtOptions o)
    : Metric(at_recipe("recall", recall, o, "precision_at_recall", recall_of, precision_of)) {
  made_with({"PrecisionAtRecall", AtMetric{recall, o}});
}
RecallAtPrecision::RecallAtPrecision(double precision, AtOptions o)
    : Metric(at_recipe("precision", precision, o, "recall_at_precision", precision_of, recall_of)) {
  made_with({"RecallAtPrecision", AtMetric{precision, o}});
}

AUC::AUC(AUCOptions o) : Metric(auc_recipe(o)) { made_with({"AUC", o}); }

}  // namespace xgrad::metrics
