#include <xgrad/nn/fields.hpp>
#include <xgrad/nn/made.hpp>
#include <xgrad/nn/metrics_confusion.hpp>
#include <xgrad/nn/saving.hpp>
#include <xgrad/nn/visit.hpp>
#include <xgrad/optim/names.hpp>

namespace xgrad {

namespace {

Config object_of(std::string_view class_name, Config config) {
  return Config::object({{"class_name", class_name}, {"config", std::move(config)}});
}

/// One type of objects: how its config is written from what it was made with, and read back.
template <class Base>
struct Type {
  std::string_view name;
  Config (*write)(const Base& object);
  Base (*read)(std::string_view name, const Config& config);
};

/// The type of this name. Throws ValueError with the near misses.
template <class Base>
const Type<Base>& find_type(const char* what, std::span<const Type<Base>> types, std::string_view name) {
  std::vector<std::string_view> known;
  for (const Type<Base>& type : types) {
    if (type.name == name) return type;
    known.push_back(type.name);
  }
  throw_unknown_name(what, name, known);
}

// --- losses

using namespace losses;

void describe(Fields&, LossOptions&) {}
void describe(Fields& f, CosineSimilarityOptions& o) { f("axis", o.axis); }
void describe(Fields& f, HuberOptions& o) { f("delta", o.delta); }
void describe(Fields& f, losses::BinaryCrossentropyOptions& o) {
  f("from_logits", o.from_logits);
  f("label_smoothing", o.label_smoothing);
  f("axis", o.axis);
}
void describe(Fields& f, BinaryFocalCrossentropyOptions& o) {
  f("apply_class_balancing", o.apply_class_balancing);
  f("alpha", o.alpha);
  f("gamma", o.gamma);
  f("from_logits", o.from_logits);
  f("label_smoothing", o.label_smoothing);
  f("axis", o.axis);
}
void describe(Fields& f, CategoricalFocalCrossentropyOptions& o) {
  f("alpha", o.alpha);
  f("gamma", o.gamma);
  f("from_logits", o.from_logits);
  f("label_smoothing", o.label_smoothing);
  f("axis", o.axis);
}
void describe(Fields& f, losses::SparseCategoricalCrossentropyOptions& o) {
  f("from_logits", o.from_logits);
  f("ignore_class", o.ignore_class);
  f("axis", o.axis);
}
void describe(Fields& f, CategoricalGeneralizedCrossEntropyOptions& o) { f("q", o.q); }
void describe(Fields& f, DiceOptions& o) { f("axis", o.axis); }
void describe(Fields& f, TverskyOptions& o) {
  f("alpha", o.alpha);
  f("beta", o.beta);
  f("axis", o.axis);
}
void describe(Fields& f, CircleLossOptions& o) {
  f("gamma", o.gamma);
  f("margin", o.margin);
  f("remove_diagonal", o.remove_diagonal);
}

template <class L, class O = LossOptions>
constexpr Type<Loss> loss_type{kind_of<L>(),
                               [](const Loss& loss) {
                                 O options = *loss.made().options<O>();
                                 std::string reduction(loss.reduction().name()), name = loss.name();
                                 return written([&](Fields& f) {
                                   describe(f, options);
                                   f("reduction", reduction);
                                   f("name", name);
                                 });
                               },
                               [](std::string_view kind, const Config& config) -> Loss {
                                 O options;
                                 std::string reduction(options.reduction.name());
                                 read_config(kind, config, [&](Fields& f) {
                                   describe(f, options);
                                   f("reduction", reduction);
                                   f("name", options.name);
                                 });
                                 options.reduction = Reduction(reduction);
                                 return L(options);
                               }};

constexpr Type<Loss> loss_types[] = {
    loss_type<losses::MeanSquaredError>,
    loss_type<losses::MeanAbsoluteError>,
    loss_type<losses::MeanAbsolutePercentageError>,
    loss_type<losses::MeanSquaredLogarithmicError>,
    loss_type<HalfSquaredError>,
    loss_type<LogCosh>,
    loss_type<losses::Hinge>,
    loss_type<losses::SquaredHinge>,
    loss_type<losses::CategoricalHinge>,
    loss_type<losses::KLDivergence>,
    loss_type<losses::Poisson>,
    loss_type<CTC>,
    loss_type<losses::CosineSimilarity, CosineSimilarityOptions>,
    loss_type<Huber, HuberOptions>,
    loss_type<losses::BinaryCrossentropy, losses::BinaryCrossentropyOptions>,
    loss_type<losses::CategoricalCrossentropy, losses::CategoricalCrossentropyOptions>,
    loss_type<BinaryFocalCrossentropy, BinaryFocalCrossentropyOptions>,
    loss_type<CategoricalFocalCrossentropy, CategoricalFocalCrossentropyOptions>,
    loss_type<losses::SparseCategoricalCrossentropy, losses::SparseCategoricalCrossentropyOptions>,
    loss_type<CategoricalGeneralizedCrossEntropy, CategoricalGeneralizedCrossEntropyOptions>,
    loss_type<Dice, DiceOptions>,
    loss_type<Tversky, TverskyOptions>,
    loss_type<Circle, CircleLossOptions>,
};

// --- metrics

using namespace metrics;

void describe(Fields&, MetricOptions&) {}
void describe(Fields& f, BinaryAccuracyOptions& o) { f("threshold", o.threshold); }
void describe(Fields& f, TopKOptions& o) { f("k", o.k); }
void describe(Fields& f, SparseTopKOptions& o) {
  f("k", o.k);
  f("from_sorted_ids", o.from_sorted_ids);
}
void describe(Fields& f, metrics::BinaryCrossentropyOptions& o) {
  f("from_logits", o.from_logits);
  f("label_smoothing", o.label_smoothing);
}
void describe(Fields& f, metrics::CategoricalCrossentropyOptions& o) {
  f("from_logits", o.from_logits);
  f("label_smoothing", o.label_smoothing);
  f("axis", o.axis);
}
void describe(Fields& f, metrics::SparseCategoricalCrossentropyOptions& o) {
  f("from_logits", o.from_logits);
  f("ignore_class", o.ignore_class);
  f("axis", o.axis);
}
void describe(Fields& f, AxisOptions& o) { f("axis", o.axis); }
void describe(Fields& f, R2ScoreOptions& o) {
  f("class_aggregation", o.class_aggregation);
  f("num_regressors", o.num_regressors);
}
void describe(Fields& f, CountOptions& o) { f("thresholds", o.thresholds); }
void describe(Fields& f, PrecisionOptions& o) {
  f("thresholds", o.thresholds);
  f("top_k", o.top_k);
  f("class_id", o.class_id);
}
void describe(Fields& f, AtOptions& o) {
  f("num_thresholds", o.num_thresholds);
  f("class_id", o.class_id);
}
void describe(Fields& f, AUCOptions& o) {
  f("num_thresholds", o.num_thresholds);
  f("curve", o.curve);
  f("summation_method", o.summation_method);
  f("thresholds", o.thresholds);
  f("multi_label", o.multi_label);
  f("num_labels", o.num_labels);
  f("label_weights", o.label_weights);
  f("from_logits", o.from_logits);
}
void describe(Fields& f, FBetaOptions& o) {
  f("average", o.average);
  f("beta", o.beta);
  f("threshold", o.threshold);
}
void describe(Fields& f, F1Options& o) {
  f("average", o.average);
  f("threshold", o.threshold);
}
void describe(Fields& f, MeanIoUOptions& o) {
  f("ignore_class", o.ignore_class);
  f("sparse_y_true", o.sparse_y_true);
  f("sparse_y_pred", o.sparse_y_pred);
  f("axis", o.axis);
}
void describe(Fields& f, BinaryIoUOptions& o) {
  f("target_class_ids", o.target_class_ids);
  f("threshold", o.threshold);
}
void describe(Fields& f, OneHotIoUOptions& o) {
  f("ignore_class", o.ignore_class);
  f("sparse_y_pred", o.sparse_y_pred);
  f("axis", o.axis);
}

template <class M, class O = MetricOptions>
constexpr Type<Metric> metric_type{kind_of<M>(),
                                   [](const Metric& metric) {
                                     O options = *metric.made().options<O>();
                                     std::string name = metric.name();
                                     return written([&](Fields& f) {
                                       describe(f, options);
                                       f("name", name);
                                     });
                                   },
                                   [](std::string_view kind, const Config& config) -> Metric {
                                     O options;
                                     read_config(kind, config, [&](Fields& f) {
                                       describe(f, options);
                                       f("name", options.name);
                                     });
                                     return M(options);
                                   }};

/// A metric at a value of another.
template <class M>
constexpr Type<Metric> at_type{kind_of<M>(),
                               [](const Metric& metric) {
                                 AtMetric made = *metric.made().options<AtMetric>();
                                 std::string name = metric.name();
                                 return written([&](Fields& f) {
                                   f("at", made.at);
                                   describe(f, made.options);
                                   f("name", name);
                                 });
                               },
                               [](std::string_view kind, const Config& config) -> Metric {
                                 AtMetric made{.at = config.at("at").real(), .options = {}};
                                 read_config(kind, config, [&](Fields& f) {
                                   f("at", made.at);
                                   describe(f, made.options);
                                   f("name", made.options.name);
                                 });
                                 return M(made.at, made.options);
                               }};

/// A metric of numbered classes, of all of them or of some.
template <class M, class O>
constexpr Type<Metric> class_type{
    kind_of<M>(),
    [](const Metric& metric) {
      ClassMetric<O> made = *metric.made().options<ClassMetric<O>>();
      std::string name = metric.name();
      return written([&](Fields& f) {
        f("num_classes", made.num_classes);
        if constexpr (std::is_constructible_v<M, std::int64_t, std::vector<std::int64_t>, O>)
          f("target_class_ids", made.target_class_ids);
        describe(f, made.options);
        f("name", name);
      });
    },
    [](std::string_view kind, const Config& config) -> Metric {
      ClassMetric<O> made{.num_classes = config.at("num_classes").integer(), .target_class_ids = {}, .options = {}};
      read_config(kind, config, [&](Fields& f) {
        f("num_classes", made.num_classes);
        if constexpr (std::is_constructible_v<M, std::int64_t, std::vector<std::int64_t>, O>)
          f("target_class_ids", made.target_class_ids);
        describe(f, made.options);
        f("name", made.options.name);
      });
      if constexpr (std::is_constructible_v<M, std::int64_t, std::vector<std::int64_t>, O>)
        return M(made.num_classes, made.target_class_ids, made.options);
      else
        return M(made.num_classes, made.options);
    }};

constexpr Type<Metric> metric_types[] = {
    metric_type<Accuracy>,
    metric_type<BinaryAccuracy, BinaryAccuracyOptions>,
    metric_type<CategoricalAccuracy>,
    metric_type<SparseCategoricalAccuracy>,
    metric_type<TopKCategoricalAccuracy, TopKOptions>,
    metric_type<SparseTopKCategoricalAccuracy, SparseTopKOptions>,
    metric_type<metrics::MeanSquaredError>,
    metric_type<metrics::MeanAbsoluteError>,
    metric_type<metrics::MeanAbsolutePercentageError>,
    metric_type<metrics::MeanSquaredLogarithmicError>,
    metric_type<LogCoshError>,
    metric_type<metrics::Hinge>,
    metric_type<metrics::SquaredHinge>,
    metric_type<metrics::CategoricalHinge>,
    metric_type<metrics::KLDivergence>,
    metric_type<metrics::Poisson>,
    metric_type<metrics::BinaryCrossentropy, metrics::BinaryCrossentropyOptions>,
    metric_type<metrics::CategoricalCrossentropy, metrics::CategoricalCrossentropyOptions>,
    metric_type<metrics::SparseCategoricalCrossentropy, metrics::SparseCategoricalCrossentropyOptions>,
    metric_type<RootMeanSquaredError>,
    metric_type<metrics::CosineSimilarity, AxisOptions>,
    metric_type<PearsonCorrelation, AxisOptions>,
    metric_type<ConcordanceCorrelation, AxisOptions>,
    metric_type<R2Score, R2ScoreOptions>,
    metric_type<TruePositives, CountOptions>,
    metric_type<TrueNegatives, CountOptions>,
    metric_type<FalsePositives, CountOptions>,
    metric_type<FalseNegatives, CountOptions>,
    metric_type<Precision, PrecisionOptions>,
    metric_type<Recall, PrecisionOptions>,
    at_type<SensitivityAtSpecificity>,
    at_type<SpecificityAtSensitivity>,
    at_type<PrecisionAtRecall>,
    at_type<RecallAtPrecision>,
    metric_type<AUC, AUCOptions>,
    metric_type<FBetaScore, FBetaOptions>,
    metric_type<F1Score, F1Options>,
    class_type<IoU, IoUOptions>,
    class_type<MeanIoU, MeanIoUOptions>,
    metric_type<BinaryIoU, BinaryIoUOptions>,
    class_type<OneHotIoU, OneHotIoUOptions>,
    class_type<OneHotMeanIoU, OneHotIoUOptions>,
};

}  // namespace

Config loss_config(const Loss& loss) {
  if (!loss.defined()) return {};
  if (!loss.made().type().empty()) {
    const Type<Loss>& type = find_type<Loss>("loss", loss_types, loss.made().type());
    return object_of(type.name, type.write(loss));
  }
  if (loss.name().empty())
    throw ValueError("[config] expected a loss of the library, or one of your own with a name, which CustomObjects " +
                     std::string("finds again: Loss(function, {.name = \"...\"}); got a function without a name"));
  return loss.name();
}

Loss loss_from_config(const Config& config, const CustomObjects& custom) {
  if (config.is_nothing()) return {};
  if (config.kind() == Config::Kind::text) {
    if (const Loss* own = custom.find_loss(config.text())) return *own;
    return Loss(config.text());
  }
  const std::string& name = config.at("class_name").text();
  return find_type<Loss>("loss", loss_types, name).read(name, config.at("config"));
}

Config metric_config(const Metric& metric) {
  if (const auto* named = metric.made().options<NamedMetric>()) return named->text;
  if (metric.made().type().empty()) return metric.name();
  const Type<Metric>& type = find_type<Metric>("metric", metric_types, metric.made().type());
  return object_of(type.name, type.write(metric));
}

Metric metric_from_config(const Config& config, const CustomObjects& custom) {
  if (config.kind() == Config::Kind::text) {
    if (const auto* own = custom.find_metric(config.text())) return (*own)();
    return Metric(config.text());
  }
  const std::string& name = config.at("class_name").text();
  return find_type<Metric>("metric", metric_types, name).read(name, config.at("config"));
}

}  // namespace xgrad
