#include <xgrad/nn/metrics_confusion.hpp>
#include <xgrad/nn/pairs.hpp>
#include <xgrad/ops/elementwise.hpp>
#include <xgrad/ops/indexing.hpp>
#include <xgrad/ops/reduce.hpp>
#include <xgrad/ops/scatter.hpp>
#include <xgrad/ops/shape.hpp>
#include <xgrad/optim/names.hpp>

namespace xgrad::metrics {

namespace {

constexpr double epsilon = 1e-7;

std::string or_default(std::string name, std::string_view other) { return name.empty() ? std::string(other) : name; }

enum class Average : std::uint8_t { none, micro, macro, weighted };

Recipe fbeta_recipe(FBetaOptions o, const char* name) {
  const std::string label = or_default(std::move(o.name), name);
  constexpr Named<Average> words[] = {
      {"", Average::none}, {"micro", Average::micro}, {"macro", Average::macro}, {"weighted", Average::weighted}};
  const Average average = find_named(words, label + " average", o.average);
  if (!(o.beta > 0)) throw ValueError("[" + label + "] expected beta above 0, got " + number_text(o.beta));
  if (o.threshold && !(*o.threshold > 0 && *o.threshold <= 1))
    throw ValueError("[" + label + "] expected a threshold above 0, at most 1, got " + number_text(*o.threshold));
  Recipe recipe{.name = label, .sums = {}, .direction = Direction::up};
  recipe.sums = [label, average, threshold = o.threshold](const Tensor& y_true, const Tensor& y_pred,
                                                          const Tensor& sample_weight) {
    if (y_pred.rank() != 2 || y_true.shape() != y_pred.shape())
      throw ShapeError("[" + label + "] expected y_true and y_pred as rows (batch, classes) of one shape, got " +
                       to_string(y_true.shape()) + " and " + to_string(y_pred.shape()));
    const Tensor t = cast(y_true, float64), given = cast(y_pred, float64);
    // A row of zeros has no largest number.
    const Tensor positive =
        threshold ? given > *threshold : logical_and(given >= max(given, -1, true), abs(given) > 1e-9);
    const Tensor p = cast(positive, float64);
    const Tensor w = sample_weight.defined() ? cast(weights_for(label, sample_weight, t), float64) : Tensor();
    const Axes axis = average == Average::micro ? Axes() : Axes(0);
    const auto total = [&](const Tensor& x) { return sum(w.defined() ? x * w : x, axis); };
    return std::vector<Tensor>{total(p * t), total(p * (1 - t)), total((1 - p) * t), total(t)};
  };
  recipe.finish = [average, squared = o.beta * o.beta](std::span<const Tensor> s) {
    const Tensor precision = s[0] / (s[0] + s[1] + epsilon), recall = s[0] / (s[0] + s[2] + epsilon);
    const Tensor score = precision * recall / (squared * precision + recall + epsilon) * (1 + squared);
    if (average == Average::none) return score;
    if (average == Average::weighted) return sum(score * (s[3] / (sum(s[3]) + epsilon)));
    return mean(score);
  };
  return recipe;
}

/// A class number for each element, in one row.
Tensor classes_of(const Tensor& y, bool sparse, int axis) {
  return reshape(cast(sparse ? y : argmax(y, axis), int64), {-1});
}

Recipe iou_recipe(std::int64_t num_classes, std::vector<std::int64_t> targets, IoUOptions o, const char* name) {
  const std::string label = or_default(std::move(o.name), name);
  if (num_classes < 1)
    throw ValueError("[" + label + "] expected num_classes of 1 or more, got " + std::to_string(num_classes));
  if (targets.empty()) throw ValueError("[" + label + "] expected target_class_ids, got none");
  for (const std::int64_t target : targets)
    if (target < 0 || target >= num_classes)
      throw ValueError("[" + label + "] expected target_class_ids from 0 to " + std::to_string(num_classes - 1) +
                       ", got " + std::to_string(target));
  Recipe recipe{.name = label, .sums = {}, .direction = Direction::up};
  recipe.sums = [=](const Tensor& y_true, const Tensor& y_pred, const Tensor& sample_weight) {
    const Tensor t = classes_of(y_true, o.sparse_y_true, o.axis), p = classes_of(y_pred, o.sparse_y_pred, o.axis);
    if (t.size() != p.size())
      throw ShapeError("[" + label + "] expected as many labels as predictions, got y_true " +
                       to_string(y_true.shape()) + " and y_pred " + to_string(y_pred.shape()));
    const auto inside = [&](const Tensor& x) { return logical_and(x >= 0, x < num_classes); };
    Tensor counted = logical_and(inside(t), inside(p));
    if (o.ignore_class) counted = logical_and(counted, not_equal(t, *o.ignore_class));
    Tensor w = ones(t.shape(), {.dtype = float64});
    if (sample_weight.defined()) {
      // Of the samples, or of each element.
      const Tensor labels = o.sparse_y_true ? y_true : argmax(y_true, o.axis);
      const Tensor given = broadcast_like(weights_for(label, sample_weight, cast(labels, float64)), labels);
      w = cast(reshape(given, {-1}), float64);
    }
    const Tensor place = where(counted, t * num_classes + p, 0);
    const Tensor sums = segment_sum(where(counted, w, 0), place, num_classes * num_classes);
    return std::vector<Tensor>{reshape(sums, {num_classes, num_classes})};
  };
  recipe.finish = [targets = std::move(targets)](std::span<const Tensor> s) {
    const Tensor hits = diagonal(s[0]);
    const Tensor all = sum(s[0], 0) + sum(s[0], 1) - hits;
    const Tensor chosen = tensor(targets, {static_cast<std::int64_t>(targets.size())});
    const Tensor intersection = take(hits, chosen), united = take(all, chosen);
    const Tensor occurs = united > 1e-9;
    return sum(where(occurs, intersection / (united + epsilon), 0)) / (sum(cast(occurs, float64)) + epsilon);
  };
  return recipe;
}

std::vector<std::int64_t> all_classes(std::int64_t n) {
  std::vector<std::int64_t> out;
  for (std::int64_t i = 0; i < n; ++i) out.push_back(i);
  return out;
}

IoUOptions one_hot_options(OneHotIoUOptions o) {
  return {std::move(o.name), o.ignore_class, false, o.sparse_y_pred, o.axis};
}

Recipe binary_iou_recipe(BinaryIoUOptions o) {
  Recipe recipe = iou_recipe(2, std::move(o.target_class_ids), {.name = std::move(o.name)}, "binary_io_u");
  recipe.sums = [threshold = o.threshold, sums = std::move(recipe.sums)](const Tensor& y_true, const Tensor& y_pred,
                                                                         const Tensor& sample_weight) {
    return sums(y_true, cast(y_pred >= threshold, int64), sample_weight);
  };
  return recipe;
}

}  // namespace

FBetaScore::FBetaScore(FBetaOptions o) : Metric(fbeta_recipe(o, "fbeta_score")) { made_with({"FBetaScore", o}); }
F1Score::F1Score(F1Options o)
    : Metric(fbeta_recipe({o.average, 1, o.threshold, o.name}, "f1_score")) { made_with({"F1Score", o}); }

IoU::IoU(std::int64_t num_classes, const std::vector<std::int64_t>& target_class_ids, IoUOptions o)
    : Metric(iou_recipe(num_classes, target_class_ids, o, "io_u")) {
  made_with({"IoU", ClassMetric{num_classes, target_class_ids, o}});
}
MeanIoU::MeanIoU(std::int64_t num_classes, MeanIoUOptions o)
    : Metric(iou_recipe(num_classes, all_classes(num_classes), o, "mean_io_u")) {
  made_with({"MeanIoU", ClassMetric{num_classes, {}, o}});
}
BinaryIoU::BinaryIoU(BinaryIoUOptions o) : Metric(binary_iou_recipe(o)) { made_with({"BinaryIoU", o}); }
OneHotIoU::OneHotIoU(std::int64_t num_classes, const std::vector<std::int64_t>& target_class_ids, OneHotIoUOptions o)
    : Metric(iou_recipe(num_classes, target_class_ids, one_hot_options(o), "one_hot_io_u")) {
  made_with({"OneHotIoU", ClassMetric{num_classes, target_class_ids, o}});
}
OneHotMeanIoU::OneHotMeanIoU(std::int64_t num_classes, OneHotIoUOptions o)
    : Metric(iou_recipe(num_classes, all_classes(num_classes), one_hot_options(o), "one_hot_mean_io_u")) {
  made_with({"OneHotMeanIoU", ClassMetric{num_classes, {}, o}});
}

}  // namespace xgrad::metrics
