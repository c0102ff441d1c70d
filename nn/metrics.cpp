#include <xgrad/graph/grad.hpp>
#include <xgrad/nn/losses.hpp>
#include <xgrad/nn/metrics_confusion.hpp>
#include <xgrad/nn/pairs.hpp>
#include <xgrad/ops/elementwise.hpp>
#include <xgrad/ops/indexing.hpp>
#include <xgrad/ops/reduce.hpp>
#include <xgrad/ops/shape.hpp>
#include <xgrad/optim/names.hpp>

namespace xgrad::metrics {

namespace {

std::string or_default(std::string name, std::string_view other) { return name.empty() ? std::string(other) : name; }

/// Values and weights summed up: the parts of a weighted mean.
std::vector<Tensor> weighted(const std::string& name, const Tensor& values, const Tensor& sample_weight) {
  const Tensor v = cast(values, float64);
  if (!sample_weight.defined()) return {sum(v), Tensor(static_cast<double>(values.size()), {.dtype = float64})};
  const Tensor weights = broadcast_like(weights_for(name, sample_weight, v), v);
  return {sum(v * weights), sum(weights)};
}

Tensor zeros_now(const Shape& shape) {
  return tensor(std::vector<double>(static_cast<std::size_t>(shape.size())), shape);
}

void need_rows(const char* where, const Tensor& y_true, const Tensor& y_pred) {
  if (y_true.rank() == 0 || y_true.shape() != y_pred.shape())
    throw ShapeError("[" + std::string(where) +
                     "] expected y_true and y_pred of one shape with a last axis of classes, " + "got " +
                     to_string(y_true.shape()) + " and " + to_string(y_pred.shape()));
}

/// Whether fewer than k numbers of the row are larger than that at the label; a NaN there is not among the largest.
Tensor among_largest(const char* where, const Tensor& labels, const Tensor& rows, std::int64_t k) {
  if (k < 1) throw ValueError("[" + std::string(where) + "] expected k of 1 or more, got " + std::to_string(k));
  const Tensor checked = check_labels(Arg(labels, Location()), rows.dim(-1));
  const Tensor at_label = take_along_axis(rows, expand_dims(checked, -1), -1);
  const Tensor larger = count_nonzero(rows > at_label, -1);
  return logical_and(less(larger, k), logical_not(isnan(squeeze(at_label, -1))));
}

template <class M>
Metric make() {
  return M();
}

template <Tensor (*function)(const Tensor&, const Tensor&)>
Metric mean_of() {
  return Metric("", function, Direction::down);
}

Tensor huber(const Tensor& y_true, const Tensor& y_pred) { return losses::huber(y_true, y_pred); }
Tensor binary_focal(const Tensor& y_true, const Tensor& y_pred) {
  return losses::binary_focal_crossentropy(y_true, y_pred);
}
Tensor categorical_focal(const Tensor& y_true, const Tensor& y_pred) {
  return losses::categorical_focal_crossentropy(y_true, y_pred);
}

Metric by_name(std::string_view name) {
  using Maker = Metric (*)();
  constexpr Maker by_shape = [] { return Metric("accuracy", accuracy, Direction::up); };
  constexpr Named<Maker> table[] = {
      {"accuracy", by_shape},
      {"acc", by_shape},
      {"binary_accuracy", make<BinaryAccuracy>},
      {"categorical_accuracy", make<CategoricalAccuracy>},
      {"sparse_categorical_accuracy", make<SparseCategoricalAccuracy>},
      {"top_k_categorical_accuracy", make<TopKCategoricalAccuracy>},
      {"sparse_top_k_categorical_accuracy", make<SparseTopKCategoricalAccuracy>},
      {"mean_squared_error", make<MeanSquaredError>},
      {"mse", make<MeanSquaredError>},
      {"mean_absolute_error", make<MeanAbsoluteError>},
      {"mae", make<MeanAbsoluteError>},
      {"mean_absolute_percentage_error", make<MeanAbsolutePercentageError>},
      {"mape", make<MeanAbsolutePercentageError>},
      {"mean_squared_logarithmic_error", make<MeanSquaredLogarithmicError>},
      {"msle", make<MeanSquaredLogarithmicError>},
      {"root_mean_squared_error", make<RootMeanSquaredError>},
      {"log_cosh_error", make<LogCoshError>},
      {"log_cosh", make<LogCoshError>},
      {"cosine_similarity", make<CosineSimilarity>},
      {"hinge", make<Hinge>},
      {"squared_hinge", make<SquaredHinge>},
      {"categorical_hinge", make<CategoricalHinge>},
      {"kl_divergence", make<KLDivergence>},
      {"kld", make<KLDivergence>},
      {"poisson", make<Poisson>},
      {"binary_crossentropy", make<BinaryCrossentropy>},
      {"bce", make<BinaryCrossentropy>},
      {"categorical_crossentropy", make<CategoricalCrossentropy>},
      {"sparse_categorical_crossentropy", make<SparseCategoricalCrossentropy>},
      {"r2_score", make<R2Score>},
      {"pearson_correlation", make<PearsonCorrelation>},
      {"concordance_correlation", make<ConcordanceCorrelation>},
      {"true_positives", make<TruePositives>},
      {"true_negatives", make<TrueNegatives>},
      {"false_positives", make<FalsePositives>},
      {"false_negatives", make<FalseNegatives>},
      {"precision", make<Precision>},
      {"recall", make<Recall>},
      {"auc", make<AUC>},
      {"f1_score", make<F1Score>},
      {"f_beta_score", make<FBetaScore>},
      {"fbeta_score", make<FBetaScore>},
      {"binary_io_u", make<BinaryIoU>},
      {"binary_iou", make<BinaryIoU>},
      {"huber", mean_of<huber>},
      {"binary_focal_crossentropy", mean_of<binary_focal>},
      {"categorical_focal_crossentropy", mean_of<categorical_focal>},
  };
  return find_named(table, "metric", name)();
}

}  // namespace

Mean::Mean(std::string_view name) : name_(name), state_(new State) { reset_state(); }

void Mean::update_state(const Tensor& values, const Tensor& sample_weight) {
  const NoGrad no_grad;
  const std::vector<Tensor> parts = weighted(name_, values, sample_weight);
  const Tensor total = state_->total + parts[0], count = state_->count + parts[1];
  state_->total.assign(total);
  state_->count.assign(count);
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

Sum::Sum(std::string_view name) : name_(name), total_(new Total) { reset_state(); }

void Sum::update_state(const Tensor& values, const Tensor& sample_weight) {
  const NoGrad no_grad;
  const Tensor total = total_->value + weighted(name_, values, sample_weight)[0];
  total_->value.assign(total);
}

double Sum::result() const { return total_->value.value().item(); }

void Sum::reset_state() {
  revert();
  total_->value = Parameter(Tensor(0.0, {.dtype = float64}), name_ + "/total", false);
}

void Sum::revert() {
  if (total_->value.defined()) total_->value.revert();
}

struct Metric::State : Counted {
  explicit State(Recipe recipe) : recipe(std::move(recipe)) {}
  Counted* copy() const override { return new State(*this); }

  Recipe recipe;
  Made made;
  std::vector<Parameter> totals;  // made by the first batch, which says how many and of which shapes
};

Metric::Metric(Recipe recipe) : state_(new State(std::move(recipe))) {
  if (!state_->recipe.sums)
    throw ValueError("[" + state_->recipe.name + "] expected a Recipe that says what a batch adds, got none");
}

Metric::Metric(std::string_view name) : Metric(by_name(name)) {
  state_->recipe.name = name;
  if (state_->made.type().empty()) state_->made = Made("", NamedMetric{std::string(name)});
}

void Metric::made_with(Made made) { state_->made = std::move(made); }
const Made& Metric::made() const { return state_->made; }

Metric::Metric(std::string_view name, Values values, Direction direction)
    : Metric(Recipe{
          .name = std::string(name),
          .sums =
              [values = std::move(values), name = std::string(name)](
                  const Tensor& y_true, const Tensor& y_pred,
                  const Tensor& sample_weight) {  // One axis alone is the batch when samples have weights of their own.
                const bool vectors =
                    sample_weight.defined() && sample_weight.rank() == 1 && y_true.rank() == 1 && y_pred.rank() == 1;
                Tensor v = values(y_true, y_pred);
                if (vectors && v.rank() == 0) v = values(expand_dims(y_true, -1), expand_dims(y_pred, -1));
                return weighted(name, v, sample_weight);
              },
          .direction = direction}) {}

const std::string& Metric::name() const { return state_->recipe.name; }
Direction Metric::direction() const { return state_->recipe.direction; }

void Metric::update_state(const Tensor& y_true, const Tensor& y_pred, const Tensor& sample_weight) {
  const NoGrad no_grad;
  State& s = *state_;
  const std::vector<Tensor> parts = s.recipe.sums(y_true, y_pred, sample_weight);
  if (s.totals.empty())
    for (std::size_t i = 0; i < parts.size(); ++i)
      s.totals.emplace_back(zeros_now(parts[i].shape()), name() + "/" + std::to_string(i), false);
  if (parts.size() != s.totals.size())
    throw ValueError("[" + name() + "] expected " + std::to_string(s.totals.size()) + " parts of a batch, got " +
                     std::to_string(parts.size()));
  std::vector<Tensor> totals;
  for (std::size_t i = 0; i < parts.size(); ++i) {
    if (parts[i].shape() != s.totals[i].shape())
      throw ShapeError("[" + name() + "] expected batches like the first, whose totals are " +
                       to_string(s.totals[i].shape()) + ", got one with " + to_string(parts[i].shape()));
    totals.push_back(s.totals[i] + cast(parts[i], float64));
  }
  for (std::size_t i = 0; i < parts.size(); ++i) s.totals[i].assign(totals[i]);
}

double Metric::result() const {
  const State& s = *state_;
  if (s.totals.empty()) return 0;
  if (!s.recipe.finish) {
    const double count = s.totals[1].value().item();
    return count == 0 ? 0 : s.totals[0].value().item() / count;
  }
  const NoGrad no_grad;
  const Tensor out = results();
  return out.size() == 1 ? out.item() : mean(out).item();
}

Tensor Metric::results() const {
  const State& s = *state_;
  if (s.totals.empty() || !s.recipe.finish) return Tensor(s.totals.empty() ? 0 : result(), {.dtype = float64});
  const NoGrad no_grad;
  std::vector<Tensor> totals;
  for (const Parameter& total : s.totals) totals.push_back(total.value());
  const Tensor out = s.recipe.finish(totals);
  return cast(out, float64).eval();
}

void Metric::reset_state() {
  revert();
  // New Parameters have their values at once, where assigning would leave something to compute.
  for (Parameter& total : state_->totals) total = Parameter(zeros_now(total.shape()), total.name(), false);
}

void Metric::revert() {
  for (const Parameter& total : state_->totals) total.revert();
}

Tensor binary_accuracy(const Tensor& y_true, const Tensor& y_pred, double threshold) {
  const Pair y = same_shape("binary_accuracy", y_true, y_pred);
  const Tensor right = equal(y.y_true, cast(y.y_pred > threshold, y.y_pred.dtype()));
  if (right.rank() < 2) return right;
  // One number in a row needs no mean, and counts stay exact.
  return right.dim(-1) == 1 ? squeeze(right, -1) : mean(cast(right, float64), -1);
}

Tensor categorical_accuracy(const Tensor& y_true, const Tensor& y_pred) {
  need_rows("categorical_accuracy", y_true, y_pred);
  return equal(argmax(y_true, -1), argmax(y_pred, -1));
}

Tensor sparse_categorical_accuracy(const Tensor& y_true, const Tensor& y_pred) {
  const Pair y = labels_and_rows("sparse_categorical_accuracy", y_true, y_pred);
  return equal(cast(y.y_true, int64), argmax(y.y_pred, -1));
}

Tensor accuracy(const Tensor& y_true, const Tensor& y_pred) {
  const bool rows = y_pred.rank() >= 2 || y_true.rank() < y_pred.rank();
  if (!rows || y_pred.dim(-1) == 1) return binary_accuracy(y_true, y_pred);
  if (y_true.rank() < y_pred.rank() || y_true.dim(-1) == 1) return sparse_categorical_accuracy(y_true, y_pred);
  return categorical_accuracy(y_true, y_pred);
}

Tensor top_k_categorical_accuracy(const Tensor& y_true, const Tensor& y_pred, std::int64_t k) {
  need_rows("top_k_categorical_accuracy", y_true, y_pred);
  return among_largest("top_k_categorical_accuracy", argmax(y_true, -1), y_pred, k);
}

Tensor sparse_top_k_categorical_accuracy(const Tensor& y_true, const Tensor& y_pred, std::int64_t k,
                                         bool from_sorted_ids) {
  constexpr const char* where = "sparse_top_k_categorical_accuracy";
  if (k < 1) throw ValueError("[" + std::string(where) + "] expected k of 1 or more, got " + std::to_string(k));
  if (!from_sorted_ids) {
    const Pair y = labels_and_rows(where, y_true, y_pred);
    return among_largest(where, cast(y.y_true, int64), y.y_pred, k);
  }
  const Pair y = labels_and_rows(where, y_true, y_pred);
  const Tensor first = slice_axis(cast(y_pred, int64), -1, {0, std::min(k, y_pred.dim(-1))});
  return any(equal(expand_dims(cast(y.y_true, int64), -1), first), -1);
}

Tensor pearson_correlation(const Tensor& y_true, const Tensor& y_pred, int axis) {
  const Pair y = same_shape("pearson_correlation", y_true, y_pred);
  const Tensor t = y.y_true - mean(y.y_true, axis, true), p = y.y_pred - mean(y.y_pred, axis, true);
  return mean((t / xgrad::std(t, axis, true)) * (p / xgrad::std(p, axis, true)), axis);
}

Tensor concordance_correlation(const Tensor& y_true, const Tensor& y_pred, int axis) {
  const Pair y = same_shape("concordance_correlation", y_true, y_pred);
  const Tensor mean_true = mean(y.y_true, axis, true), mean_pred = mean(y.y_pred, axis, true);
  const Tensor divisor = var(y.y_true, axis, true) + var(y.y_pred, axis, true) + square(mean_true - mean_pred) + 1e-7;
  return mean(2 * (y.y_true - mean_true) * (y.y_pred - mean_pred) / divisor, axis);
}

namespace {

Tensor same(const Tensor& y_true, const Tensor& y_pred) {
  const Pair y = same_shape("accuracy", y_true, y_pred);
  return equal(y.y_true, y.y_pred);
}

}  // namespace

MeanMetricWrapper::MeanMetricWrapper(Values fn, MetricOptions o)
    : Metric(or_default(std::move(o.name), "mean_metric_wrapper"), std::move(fn)) {}
Accuracy::Accuracy(MetricOptions o) : Metric(or_default(std::move(o.name), "accuracy"), same, Direction::up) {
  made_with({"Accuracy", o});
}
BinaryAccuracy::BinaryAccuracy(BinaryAccuracyOptions o)
    : Metric(
          or_default(std::move(o.name), "binary_accuracy"),
          [threshold = o.threshold](const Tensor& y_true, const Tensor& y_pred) {
            return binary_accuracy(y_true, y_pred, threshold);
          },
          Direction::up) {
  made_with({"BinaryAccuracy", o});
  if (!(o.threshold >= 0 && o.threshold <= 1))
    throw ValueError("[BinaryAccuracy] expected a threshold between 0 and 1, got " + number_text(o.threshold));
}
CategoricalAccuracy::CategoricalAccuracy(MetricOptions o)
    : Metric(or_default(std::move(o.name), "categorical_accuracy"), categorical_accuracy, Direction::up) {
  made_with({"CategoricalAccuracy", o});
}
SparseCategoricalAccuracy::SparseCategoricalAccuracy(MetricOptions o)
    : Metric(or_default(std::move(o.name), "sparse_categorical_accuracy"), sparse_categorical_accuracy, Direction::up) {
  made_with({"SparseCategoricalAccuracy", o});
}
TopKCategoricalAccuracy::TopKCategoricalAccuracy(TopKOptions o)
    : Metric(
          or_default(std::move(o.name), "top_k_categorical_accuracy"),
          [k = o.k](const Tensor& y_true, const Tensor& y_pred) {
            return top_k_categorical_accuracy(y_true, y_pred, k);
          },
          Direction::up) { made_with({"TopKCategoricalAccuracy", o}); }
SparseTopKCategoricalAccuracy::SparseTopKCategoricalAccuracy(SparseTopKOptions o)
    : Metric(
          or_default(std::move(o.name), "sparse_top_k_categorical_accuracy"),
          [k = o.k, sorted = o.from_sorted_ids](const Tensor& y_true, const Tensor& y_pred) {
            return sparse_top_k_categorical_accuracy(y_true, y_pred, k, sorted);
          },
          Direction::up) { made_with({"SparseTopKCategoricalAccuracy", o}); }

MeanSquaredError::MeanSquaredError(MetricOptions o)
    : Metric(or_default(std::move(o.name), "mean_squared_error"), losses::mean_squared_error, Direction::down) {
  made_with({"MeanSquaredError", o});
}
MeanAbsoluteError::MeanAbsoluteError(MetricOptions o)
    : Metric(or_default(std::move(o.name), "mean_absolute_error"), losses::mean_absolute_error, Direction::down) {
  made_with({"MeanAbsoluteError", o});
}
MeanAbsolutePercentageError::MeanAbsolutePercentageError(MetricOptions o)
    : Metric(or_default(std::move(o.name), "mean_absolute_percentage_error"), losses::mean_absolute_percentage_error,
             Direction::down) { made_with({"MeanAbsolutePercentageError", o}); }
MeanSquaredLogarithmicError::MeanSquaredLogarithmicError(MetricOptions o)
    : Metric(or_default(std::move(o.name), "mean_squared_logarithmic_error"), losses::mean_squared_logarithmic_error,
             Direction::down) { made_with({"MeanSquaredLogarithmicError", o}); }
LogCoshError::LogCoshError(MetricOptions o)
    : Metric(or_default(std::move(o.name), "logcosh"), losses::log_cosh, Direction::down) {
  made_with({"LogCoshError", o});
}
Hinge::Hinge(MetricOptions o) : Metric(or_default(std::move(o.name), "hinge"), losses::hinge, Direction::down) {
  made_with({"Hinge", o});
}
SquaredHinge::SquaredHinge(MetricOptions o)
    : Metric(or_default(std::move(o.name), "squared_hinge"), losses::squared_hinge, Direction::down) {
  made_with({"SquaredHinge", o});
}
CategoricalHinge::CategoricalHinge(MetricOptions o)
    : Metric(or_default(std::move(o.name), "categorical_hinge"), losses::categorical_hinge, Direction::down) {
  made_with({"CategoricalHinge", o});
}
KLDivergence::KLDivergence(MetricOptions o)
    : Metric(or_default(std::move(o.name), "kl_divergence"), losses::kl_divergence, Direction::down) {
  made_with({"KLDivergence", o});
}
Poisson::Poisson(MetricOptions o)
    : Metric(or_default(std::move(o.name), "poisson"), losses::poisson, Direction::down) { made_with({"Poisson", o}); }
BinaryCrossentropy::BinaryCrossentropy(BinaryCrossentropyOptions o)
    : Metric(
          or_default(std::move(o.name), "binary_crossentropy"),
          [options = losses::CrossentropyOptions{o.from_logits, o.label_smoothing}](const Tensor& y_true,
                                                                                    const Tensor& y_pred) {
            return losses::binary_crossentropy(y_true, y_pred, options);
          },
          Direction::down) {
  made_with({"BinaryCrossentropy", o});
  check_smoothing("BinaryCrossentropy", o.label_smoothing);
}
CategoricalCrossentropy::CategoricalCrossentropy(CategoricalCrossentropyOptions o)
    : Metric(
          or_default(std::move(o.name), "categorical_crossentropy"),
          [options = losses::CrossentropyOptions{o.from_logits, o.label_smoothing, o.axis}](const Tensor& y_true,
                                                                                            const Tensor& y_pred) {
            return losses::categorical_crossentropy(y_true, y_pred, options);
          },
          Direction::down) {
  made_with({"CategoricalCrossentropy", o});
  check_smoothing("CategoricalCrossentropy", o.label_smoothing);
}
SparseCategoricalCrossentropy::SparseCategoricalCrossentropy(SparseCategoricalCrossentropyOptions o)
    : Metric(
          or_default(std::move(o.name), "sparse_categorical_crossentropy"),
          [from_logits = o.from_logits, ignore = o.ignore_class, axis = o.axis](const Tensor& y_true,
                                                                                const Tensor& y_pred) {
            return losses::sparse_categorical_crossentropy(y_true, y_pred, from_logits, ignore, axis);
          },
          Direction::down) { made_with({"SparseCategoricalCrossentropy", o}); }

RootMeanSquaredError::RootMeanSquaredError(MetricOptions o)
    : Metric(Recipe{.name = or_default(std::move(o.name), "root_mean_squared_error"),
                    .sums =
                        [](const Tensor& y_true, const Tensor& y_pred, const Tensor& sample_weight) {
                          const Pair y = same_shape("root_mean_squared_error", y_true, y_pred);
                          return weighted("root_mean_squared_error", square(y.y_pred - y.y_true), sample_weight);
                        },
                    .finish = [](std::span<const Tensor> t) { return sqrt(ratio(t[0], t[1])); },
                    .direction = Direction::down}) { made_with({"RootMeanSquaredError", o}); }

CosineSimilarity::CosineSimilarity(AxisOptions o)
    : Metric(
          or_default(std::move(o.name), "cosine_similarity"),
          [axis = o.axis](const Tensor& y_true, const Tensor& y_pred) {
            return -losses::cosine_similarity(y_true, y_pred, axis);
          },
          Direction::up) { made_with({"CosineSimilarity", o}); }
PearsonCorrelation::PearsonCorrelation(AxisOptions o)
    : Metric(
          or_default(std::move(o.name), "pearson_correlation"),
          [axis = o.axis](const Tensor& y_true, const Tensor& y_pred) {
            return pearson_correlation(y_true, y_pred, axis);
          },
          Direction::up) { made_with({"PearsonCorrelation", o}); }
ConcordanceCorrelation::ConcordanceCorrelation(AxisOptions o)
    : Metric(
          or_default(std::move(o.name), "concordance_correlation"),
          [axis = o.axis](const Tensor& y_true, const Tensor& y_pred) {
            return concordance_correlation(y_true, y_pred, axis);
          },
          Direction::up) { made_with({"ConcordanceCorrelation", o}); }

namespace {

Recipe r2_recipe(const R2ScoreOptions& o) {
  constexpr Named<int> words[] = {{"", 0}, {"uniform_average", 1}, {"variance_weighted_average", 2}};
  const int how = find_named(words, "R2Score class_aggregation", o.class_aggregation);
  if (o.num_regressors < 0)
    throw ValueError("[R2Score] expected num_regressors of 0 or more, got " + std::to_string(o.num_regressors));
  Recipe recipe{.name = or_default(o.name, "r2_score"), .sums = {}, .direction = Direction::up};
  recipe.sums = [name = recipe.name](const Tensor& y_true, const Tensor& y_pred, const Tensor& sample_weight) {
    const Pair pair = same_shape(name, y_true, y_pred);
    if (pair.y_pred.rank() != 2)
      throw ShapeError("[" + name + "] expected y_true and y_pred as rows (batch, columns), got " +
                       to_string(pair.y_pred.shape()));
    const Tensor t = cast(pair.y_true, float64), p = cast(pair.y_pred, float64);
    const Tensor w =
        sample_weight.defined() ? broadcast_like(cast(weights_for(name, sample_weight, t), float64), t) : ones_like(t);
    return std::vector<Tensor>{sum(t * w, 0), sum(square(t) * w, 0), sum(square(t - p) * w, 0), sum(w, 0),
                               Tensor(static_cast<double>(t.size()), {.dtype = float64})};
  };
  recipe.finish = [how, regressors = static_cast<double>(o.num_regressors)](std::span<const Tensor> s) {
    const Tensor total = s[1] - s[0] * (s[0] / s[3]);
    Tensor score = 1 - s[2] / total;
    score = where(isinf(score), 0, score);
    if (how == 1) score = mean(score);
    if (how == 2) score = sum(total * score) / sum(total);
    if (regressors == 0) return score;
    const Tensor left = s[4] - 1 - regressors;
    return where(left > 0, 1 - (1 - score) * (s[4] - 1) / left, score);
  };
  return recipe;
}

}  // namespace

R2Score::R2Score(R2ScoreOptions o) : Metric(r2_recipe(o)) { made_with({"R2Score", o}); }

}  // namespace xgrad::metrics
