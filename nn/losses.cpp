#include <xgrad/graph/op.hpp>
#include <xgrad/nn/losses.hpp>
#include <xgrad/nn/pairs.hpp>
#include <xgrad/ops/activation.hpp>
#include <xgrad/ops/elementwise.hpp>
#include <xgrad/ops/indexing.hpp>
#include <xgrad/ops/reduce.hpp>
#include <xgrad/ops/shape.hpp>
#include <xgrad/optim/names.hpp>

namespace xgrad::losses {

namespace {

constexpr double epsilon = 1e-7;

/// The mean over the last axis: one loss for each sample.
Tensor by_sample(const Tensor& x) { return x.rank() == 0 ? x : mean(x, -1); }

void check_smoothing(const char* where, double smoothing) {
  if (!(smoothing >= 0 && smoothing <= 1))
    throw ValueError("[" + std::string(where) + "] expected label_smoothing between 0 and 1, got " +
                     number_text(smoothing));
}

/// ln p of rows of probabilities or logits.
Tensor log_probabilities(const Tensor& y_pred, bool from_logits) {
  if (from_logits) return log_softmax(y_pred);
  return log(clip(y_pred / sum(y_pred, -1, true), epsilon, 1 - epsilon));
}

void need_classes(const char* where, const Tensor& y_pred) {
  if (y_pred.rank() == 0)
    throw ShapeError("[" + std::string(where) + "] expected y_pred with a last axis of classes, got a scalar");
}

Loss by_name(std::string_view name) {
  using Maker = Loss (*)();
  constexpr Maker mse = [] { return Loss(MeanSquaredError()); };
  constexpr Maker mae = [] { return Loss(MeanAbsoluteError()); };
  constexpr Maker binary = [] { return Loss(BinaryCrossentropy()); };
  constexpr Maker categorical = [] { return Loss(CategoricalCrossentropy()); };
  constexpr Maker sparse = [] { return Loss(SparseCategoricalCrossentropy()); };
  constexpr Named<Maker> table[] = {
      {"mean_squared_error", mse},
      {"mse", mse},
      {"MSE", mse},
      {"MeanSquaredError", mse},
      {"mean_absolute_error", mae},
      {"mae", mae},
      {"MAE", mae},
      {"MeanAbsoluteError", mae},
      {"binary_crossentropy", binary},
      {"BinaryCrossentropy", binary},
      {"categorical_crossentropy", categorical},
      {"CategoricalCrossentropy", categorical},
      {"sparse_categorical_crossentropy", sparse},
      {"SparseCategoricalCrossentropy", sparse},
  };
  return find_named(table, "loss", name)();
}

LossOptions named(LossOptions options, std::string_view name) {
  if (options.name.empty()) options.name = name;
  return options;
}

}  // namespace

Reduction::Reduction(std::string_view name) {
  constexpr Named<Kind> table[] = {
      {"sum_over_batch_size", Kind::sum_over_batch_size},
      {"mean", Kind::sum_over_batch_size},
      {"mean_with_sample_weight", Kind::mean_with_sample_weight},
      {"sum", Kind::sum},
      {"none", Kind::none},
  };
  kind_ = find_named(table, "reduction", name);
}

Tensor reduce(const Tensor& losses, const Reduction& reduction, const Tensor& sample_weight) {
  Tensor values = losses;
  Tensor weights;
  if (sample_weight.defined()) {
    weights = weights_for("loss", sample_weight, losses);
    values = losses * weights;
  }
  switch (reduction.kind()) {
    case Reduction::Kind::none: return values;
    case Reduction::Kind::sum: return sum(values);
    case Reduction::Kind::mean_with_sample_weight:
      if (weights.defined()) return sum(values) / sum(broadcast_like(weights, values));
      break;
    default: break;
  }
  return values.rank() == 0 ? values : mean(values);
}

Tensor mean_squared_error(const Tensor& y_true, const Tensor& y_pred) {
  const Pair y = same_shape("mean_squared_error", y_true, y_pred);
  return by_sample(square(y.y_true - y.y_pred));
}

Tensor mean_absolute_error(const Tensor& y_true, const Tensor& y_pred) {
  const Pair y = same_shape("mean_absolute_error", y_true, y_pred);
  return by_sample(abs(y.y_true - y.y_pred));
}

Tensor binary_crossentropy(const Tensor& y_true, const Tensor& y_pred, const CrossentropyOptions& options) {
  check_smoothing("binary_crossentropy", options.label_smoothing);
  const Pair pair = same_shape("binary_crossentropy", y_true, y_pred);
  const double s = options.label_smoothing;
  const Tensor y = s > 0 ? pair.y_true * (1 - s) + s / 2 : pair.y_true;
  if (options.from_logits) return by_sample(softplus(pair.y_pred) - pair.y_pred * y);
  const Tensor p = clip(pair.y_pred, epsilon, 1 - epsilon);
  return -by_sample(y * log(p) + (1 - y) * log(1 - p));
}

Tensor categorical_crossentropy(const Tensor& y_true, const Tensor& y_pred, const CrossentropyOptions& options) {
  check_smoothing("categorical_crossentropy", options.label_smoothing);
  need_classes("categorical_crossentropy", y_pred);
  if (y_true.shape() != y_pred.shape())
    throw ShapeError("[categorical_crossentropy] expected y_true as rows of " + std::to_string(y_pred.dim(-1)) +
                     " numbers like y_pred " + to_string(y_pred.shape()) + ", got " + to_string(y_true.shape()) +
                     " (labels as integers need sparse_categorical_crossentropy, or to_categorical)");
  const Pair pair = same_shape("categorical_crossentropy", y_true, y_pred);
  const double s = options.label_smoothing;
  const Tensor y = s > 0 ? pair.y_true * (1 - s) + s / static_cast<double>(y_pred.dim(-1)) : pair.y_true;
  return -sum(y * log_probabilities(pair.y_pred, options.from_logits), -1);
}

Tensor sparse_categorical_crossentropy(const Tensor& y_true, const Tensor& y_pred, bool from_logits,
                                       std::optional<std::int64_t> ignore_class) {
  need_classes("sparse_categorical_crossentropy", y_pred);
  const Pair pair = labels_and_rows("sparse_categorical_crossentropy", y_true, y_pred);
  const std::int64_t classes = pair.y_pred.dim(-1);
  Tensor labels = pair.y_true;
  Tensor ignored;
  if (ignore_class) {
    // In int64, where every class has its own number.
    labels = cast(labels, int64);
    ignored = equal(labels, *ignore_class);
    labels = where(ignored, 0, labels);
  }
  {
    const NameScope scope("sparse_categorical_crossentropy");
    labels = check_labels(Arg(labels, Location()), classes);  // without this line of the library
  }
  // A choice, not a product: classes ruled out by a logit of -inf must not make a NaN.
  const Tensor chosen = one_hot(labels, classes, pair.y_pred.dtype());
  const Tensor losses = -sum(where(chosen, log_probabilities(pair.y_pred, from_logits), 0), -1);
  return ignore_class ? where(ignored, 0, losses) : losses;
}

Loss::Loss(std::string_view name) : Loss(by_name(name)) {}

Tensor Loss::operator()(const Tensor& y_true, const Tensor& y_pred, const Tensor& sample_weight) const {
  if (!samples_) throw ValueError("[loss] expected a loss, got one that was never given");
  const Tensor losses = samples_(y_true, y_pred);
  if (!ignored_) {
    // One axis alone is the batch when samples have weights of their own.
    if (losses.rank() == 0 && sample_weight.defined() && sample_weight.rank() == 1 && y_true.rank() == 1 &&
        y_pred.rank() == 1)
      return reduce(samples_(expand_dims(y_true, -1), expand_dims(y_pred, -1)), reduction_, sample_weight);
    return reduce(losses, reduction_, sample_weight);
  }
  const Tensor labels = cast(labels_and_rows(name_, y_true, y_pred).y_true, int64);
  const Tensor counted = cast(not_equal(labels, *ignored_), losses.dtype());
  const bool averaged = reduction_.kind() == Reduction::Kind::sum_over_batch_size ||
                        reduction_.kind() == Reduction::Kind::mean_with_sample_weight;
  if (!averaged) return reduce(losses, reduction_, sample_weight);
  Tensor weights = counted;
  Tensor divisor = sum(counted);
  if (sample_weight.defined()) {
    weights = counted * weights_for(name_, sample_weight, losses);
    if (reduction_.kind() == Reduction::Kind::mean_with_sample_weight) divisor = sum(weights);
  }
  // Nothing to count is no loss, not 0 / 0.
  return sum(losses * weights) / where(divisor > 0, divisor, 1);
}

MeanSquaredError::MeanSquaredError(LossOptions options)
    : Loss(mean_squared_error, named(std::move(options), "mean_squared_error")) {}

MeanAbsoluteError::MeanAbsoluteError(LossOptions options)
    : Loss(mean_absolute_error, named(std::move(options), "mean_absolute_error")) {}

BinaryCrossentropy::BinaryCrossentropy(BinaryCrossentropyOptions o)
    : Loss(
          [options = CrossentropyOptions{o.from_logits, o.label_smoothing}](const Tensor& y_true,
                                                                            const Tensor& y_pred) {
            return binary_crossentropy(y_true, y_pred, options);
          },
          named({o.reduction, std::move(o.name)}, "binary_crossentropy")) {
  check_smoothing("BinaryCrossentropy", o.label_smoothing);
}

CategoricalCrossentropy::CategoricalCrossentropy(CategoricalCrossentropyOptions o)
    : Loss(
          [options = CrossentropyOptions{o.from_logits, o.label_smoothing}](const Tensor& y_true,
                                                                            const Tensor& y_pred) {
            return categorical_crossentropy(y_true, y_pred, options);
          },
          named({o.reduction, std::move(o.name)}, "categorical_crossentropy")) {
  check_smoothing("CategoricalCrossentropy", o.label_smoothing);
}

SparseCategoricalCrossentropy::SparseCategoricalCrossentropy(SparseCategoricalCrossentropyOptions o)
    : Loss(
          [from_logits = o.from_logits, ignore = o.ignore_class](const Tensor& y_true, const Tensor& y_pred) {
            return sparse_categorical_crossentropy(y_true, y_pred, from_logits, ignore);
          },
          named({o.reduction, std::move(o.name)}, "sparse_categorical_crossentropy"), o.ignore_class) {}

}  // namespace xgrad::losses
