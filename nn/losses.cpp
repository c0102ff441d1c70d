#include <xgrad/nn/losses.hpp>
#include <xgrad/nn/pairs.hpp>
#include <xgrad/ops/elementwise.hpp>
#include <xgrad/ops/reduce.hpp>
#include <xgrad/ops/shape.hpp>
#include <xgrad/optim/names.hpp>

namespace xgrad::losses {

namespace {

template <class L>
Loss make() {
  return L();
}

Loss by_name(std::string_view name) {
  using Maker = Loss (*)();
  constexpr Named<Maker> table[] = {
      {"mean_squared_error", make<MeanSquaredError>},
      {"mse", make<MeanSquaredError>},
      {"mean_absolute_error", make<MeanAbsoluteError>},
      {"mae", make<MeanAbsoluteError>},
      {"mean_absolute_percentage_error", make<MeanAbsolutePercentageError>},
      {"mape", make<MeanAbsolutePercentageError>},
      {"mean_squared_logarithmic_error", make<MeanSquaredLogarithmicError>},
      {"msle", make<MeanSquaredLogarithmicError>},
      {"half_squared_error", make<HalfSquaredError>},
      {"huber", make<Huber>},
      {"log_cosh", make<LogCosh>},
      {"cosine_similarity", make<CosineSimilarity>},
      {"hinge", make<Hinge>},
      {"squared_hinge", make<SquaredHinge>},
      {"categorical_hinge", make<CategoricalHinge>},
      {"kl_divergence", make<KLDivergence>},
      {"kld", make<KLDivergence>},
      {"poisson", make<Poisson>},
      {"binary_crossentropy", make<BinaryCrossentropy>},
      {"bce", make<BinaryCrossentropy>},
      {"binary_focal_crossentropy", make<BinaryFocalCrossentropy>},
      {"categorical_crossentropy", make<CategoricalCrossentropy>},
      {"categorical_focal_crossentropy", make<CategoricalFocalCrossentropy>},
      {"categorical_generalized_cross_entropy", make<CategoricalGeneralizedCrossEntropy>},
      {"sparse_categorical_crossentropy", make<SparseCategoricalCrossentropy>},
      {"dice", make<Dice>},
      {"tversky", make<Tversky>},
      {"circle", make<Circle>},
      {"ctc", make<CTC>},
      {"margin", make<Margin>},
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

std::string_view Reduction::name() const {
  constexpr std::string_view names[] = {"sum_over_batch_size", "mean_with_sample_weight", "sum", "none"};
  return names[static_cast<int>(kind_)];
}

Tensor reduce(const Tensor& losses, const Reduction& reduction, const Tensor& sample_weight) {
  Tensor values = losses;
  Tensor weights;
  if (sample_weight.defined()) {
    weights = weights_for("loss", sample_weight, losses);
    values = losses * weights;
  }
  switch (reduction.kind()) {
    case Reduction::Kind::none:
      return values;
    case Reduction::Kind::sum:
      return sum(values);
    case Reduction::Kind::mean_with_sample_weight:
      if (weights.defined()) return sum(values) / sum(broadcast_like(weights, values));
      break;
    default:
      break;
  }
  return values.rank() == 0 ? values : mean(values);
}

Loss::Loss(std::string_view name) : Loss(by_name(name)) {}

Tensor Loss::operator()(const Tensor& y_true, const Tensor& y_pred, const Tensor& sample_weight,
                        const Tensor& mask) const {
  if (!samples_) throw ValueError("[loss] expected a loss, got one that was never given");
  const Tensor losses = samples_(y_true, y_pred);
  if (!counts_ && !mask.defined()) {
    // One axis alone is the batch when samples have weights of their own.
    if (losses.rank() == 0 && sample_weight.defined() && sample_weight.rank() == 1 && y_true.rank() == 1 &&
        y_pred.rank() == 1)
      return reduce(samples_(expand_dims(y_true, -1), expand_dims(y_pred, -1)), reduction_, sample_weight);
    return reduce(losses, reduction_, sample_weight);
  }
  Tensor counted = counts_ ? cast(counts_(y_true, losses), losses.dtype()) : Tensor();
  if (mask.defined()) {
    if (mask.shape() != losses.shape())
      throw ShapeError("[" + name_ + "] expected a mask of the losses' shape " + to_string(losses.shape()) + ", got " +
                       to_string(mask.shape()));
    const Tensor given = cast(not_equal(mask, 0), losses.dtype());
    counted = counted.defined() ? counted * given : given;
  }
  Tensor weights = counted;
  if (sample_weight.defined()) weights = counted * weights_for(name_, sample_weight, losses);
  // A masked loss that is not finite must not make a NaN of 0 times infinity.
  const Tensor weighted = where(equal(counted, 0), 0, losses) * weights;
  Tensor divisor;
  switch (reduction_.kind()) {
    case Reduction::Kind::none:
      return weighted;
    case Reduction::Kind::sum:
      return sum(weighted);
    case Reduction::Kind::mean_with_sample_weight:
      divisor = sum(weights);
      break;
    default:
      divisor = sum(counted);
      break;
  }
  // Nothing to count is no loss, not 0 / 0.
  return sum(weighted) / where(equal(divisor, 0), 1, divisor);
}

MeanSquaredError::MeanSquaredError(LossOptions options)
    : Loss(mean_squared_error, named(std::move(options), "mean_squared_error")) {
  made_ = Made("MeanSquaredError", options);
}
MeanAbsoluteError::MeanAbsoluteError(LossOptions options)
    : Loss(mean_absolute_error, named(std::move(options), "mean_absolute_error")) {
  made_ = Made("MeanAbsoluteError", options);
}
MeanAbsolutePercentageError::MeanAbsolutePercentageError(LossOptions options)
    : Loss(mean_absolute_percentage_error, named(std::move(options), "mean_absolute_percentage_error")) {
  made_ = Made("MeanAbsolutePercentageError", options);
}
MeanSquaredLogarithmicError::MeanSquaredLogarithmicError(LossOptions options)
    : Loss(mean_squared_logarithmic_error, named(std::move(options), "mean_squared_logarithmic_error")) {
  made_ = Made("MeanSquaredLogarithmicError", options);
}
HalfSquaredError::HalfSquaredError(LossOptions options)
    : Loss(half_squared_error, named(std::move(options), "half_squared_error")) {
  made_ = Made("HalfSquaredError", options);
}
LogCosh::LogCosh(LossOptions options) : Loss(log_cosh, named(std::move(options), "log_cosh")) {
  made_ = Made("LogCosh", options);
}
Hinge::Hinge(LossOptions options) : Loss(hinge, named(std::move(options), "hinge")) { made_ = Made("Hinge", options); }
SquaredHinge::SquaredHinge(LossOptions options) : Loss(squared_hinge, named(std::move(options), "squared_hinge")) {
  made_ = Made("SquaredHinge", options);
}
CategoricalHinge::CategoricalHinge(LossOptions options)
    : Loss(categorical_hinge, named(std::move(options), "categorical_hinge")) {
  made_ = Made("CategoricalHinge", options);
}
KLDivergence::KLDivergence(LossOptions options) : Loss(kl_divergence, named(std::move(options), "kl_divergence")) {
  made_ = Made("KLDivergence", options);
}
Poisson::Poisson(LossOptions options) : Loss(poisson, named(std::move(options), "poisson")) {
  made_ = Made("Poisson", options);
}
CTC::CTC(LossOptions options) : Loss(ctc, named(std::move(options), "ctc")) { made_ = Made("CTC", options); }

CosineSimilarity::CosineSimilarity(CosineSimilarityOptions o)
    : Loss([axis = o.axis](const Tensor& y_true,
                           const Tensor& y_pred) { return cosine_similarity(y_true, y_pred, axis); },
           named({o.reduction, std::move(o.name)}, "cosine_similarity")) { made_ = Made("CosineSimilarity", o); }

Huber::Huber(HuberOptions o)
    : Loss([delta = o.delta](const Tensor& y_true, const Tensor& y_pred) { return huber(y_true, y_pred, delta); },
           named({o.reduction, std::move(o.name)}, "huber_loss")) { made_ = Made("Huber", o); }

BinaryCrossentropy::BinaryCrossentropy(BinaryCrossentropyOptions o)
    : Loss([options = CrossentropyOptions{o.from_logits, o.label_smoothing, o.axis}](
               const Tensor& y_true, const Tensor& y_pred) { return binary_crossentropy(y_true, y_pred, options); },
           named({o.reduction, std::move(o.name)}, "binary_crossentropy")) {
  made_ = Made("BinaryCrossentropy", o);
  check_smoothing("BinaryCrossentropy", o.label_smoothing);
}

CategoricalCrossentropy::CategoricalCrossentropy(CategoricalCrossentropyOptions o)
    : Loss(
          [options = CrossentropyOptions{o.from_logits, o.label_smoothing, o.axis}](
              const Tensor& y_true, const Tensor& y_pred) { return categorical_crossentropy(y_true, y_pred, options); },
          named({o.reduction, std::move(o.name)}, "categorical_crossentropy")) {
  made_ = Made("CategoricalCrossentropy", o);
  check_smoothing("CategoricalCrossentropy", o.label_smoothing);
}

BinaryFocalCrossentropy::BinaryFocalCrossentropy(BinaryFocalCrossentropyOptions o)
    : Loss(
          [options = BinaryFocalOptions{o.apply_class_balancing, o.alpha, o.gamma, o.from_logits, o.label_smoothing,
                                        o.axis}](const Tensor& y_true, const Tensor& y_pred) {
            return binary_focal_crossentropy(y_true, y_pred, options);
          },
          named({o.reduction, std::move(o.name)}, "binary_focal_crossentropy")) {
  made_ = Made("BinaryFocalCrossentropy", o);
  check_smoothing("BinaryFocalCrossentropy", o.label_smoothing);
}

CategoricalFocalCrossentropy::CategoricalFocalCrossentropy(CategoricalFocalCrossentropyOptions o)
    : Loss([options = CategoricalFocalOptions{o.alpha, o.gamma, o.from_logits, o.label_smoothing, o.axis}](
               const Tensor& y_true,
               const Tensor& y_pred) { return categorical_focal_crossentropy(y_true, y_pred, options); },
           named({o.reduction, std::move(o.name)}, "categorical_focal_crossentropy")) {
  made_ = Made("CategoricalFocalCrossentropy", o);
  check_smoothing("CategoricalFocalCrossentropy", o.label_smoothing);
}

namespace {

Function<Tensor(const Tensor&, const Tensor&)> without(std::optional<std::int64_t> ignored) {
  if (!ignored) return {};
  return [ignored = *ignored](const Tensor& y_true, const Tensor& losses) {
    return not_equal(cast(reshape_like(y_true, losses), int64), ignored);
  };
}

}  // namespace

SparseCategoricalCrossentropy::SparseCategoricalCrossentropy(SparseCategoricalCrossentropyOptions o)
    : Loss(
          [from_logits = o.from_logits, ignore = o.ignore_class, axis = o.axis](const Tensor& y_true,
                                                                                const Tensor& y_pred) {
            return sparse_categorical_crossentropy(y_true, y_pred, from_logits, ignore, axis);
          },
          named({o.reduction, std::move(o.name)}, "sparse_categorical_crossentropy"), without(o.ignore_class)) {
  made_ = Made("SparseCategoricalCrossentropy", o);
}

CategoricalGeneralizedCrossEntropy::CategoricalGeneralizedCrossEntropy(CategoricalGeneralizedCrossEntropyOptions o)
    : Loss([q = o.q](const Tensor& y_true,
                     const Tensor& y_pred) { return categorical_generalized_cross_entropy(y_true, y_pred, q); },
           named({o.reduction, std::move(o.name)}, "categorical_generalized_cross_entropy")) {
  made_ = Made("CategoricalGeneralizedCrossEntropy", o);
  if (!(o.q > 0 && o.q < 1))
    throw ValueError("[CategoricalGeneralizedCrossEntropy] expected q between 0 and 1, got " + number_text(o.q));
}

Margin::Margin(MarginOptions o)
    : Loss([m_plus = o.m_plus, m_minus = o.m_minus, lambda = o.lambda](
               const Tensor& y_true, const Tensor& y_pred) { return margin(y_true, y_pred, m_plus, m_minus, lambda); },
           named({o.reduction, std::move(o.name)}, "margin")) {}

Dice::Dice(DiceOptions o)
    : Loss([axis = o.axis](const Tensor& y_true, const Tensor& y_pred) { return dice(y_true, y_pred, axis); },
           named({o.reduction, std::move(o.name)}, "dice")) { made_ = Made("Dice", o); }

Tversky::Tversky(TverskyOptions o)
    : Loss([alpha = o.alpha, beta = o.beta, axis = o.axis](
               const Tensor& y_true, const Tensor& y_pred) { return tversky(y_true, y_pred, alpha, beta, axis); },
           named({o.reduction, std::move(o.name)}, "tversky")) { made_ = Made("Tversky", o); }

Circle::Circle(CircleLossOptions o)
    : Loss([options = CircleOptions{.remove_diagonal = o.remove_diagonal, .gamma = o.gamma, .margin = o.margin}](
               const Tensor& y_true, const Tensor& y_pred) { return circle(y_true, y_pred, options); },
           named({o.reduction, std::move(o.name)}, "circle"),
           [](const Tensor&, const Tensor& losses) { return losses > 0; }) { made_ = Made("Circle", o); }

}  // namespace xgrad::losses
