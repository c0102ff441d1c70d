// Metrics over three batches: the results of tests/reference/make_keras_metrics.py, and what wrong use says.

#include <xgrad/nn/metrics_confusion.hpp>
#include <xgrad/ops/elementwise.hpp>
#include <xgrad/ops/shape.hpp>

#include "reference_cases.hpp"

using namespace xgrad;

namespace {

using namespace metrics;
using Maker = Metric (*)();

const std::map<std::string, Maker> makers = {
    {"MeanSquaredError", [] { return Metric("MeanSquaredError"); }},
    {"RootMeanSquaredError", [] { return Metric("root_mean_squared_error"); }},
    {"MeanAbsoluteError", [] { return Metric(MeanAbsoluteError()); }},
    {"MeanAbsolutePercentageError", [] { return Metric("mape"); }},
    {"MeanSquaredLogarithmicError", [] { return Metric("msle"); }},
    {"LogCoshError", [] { return Metric(LogCoshError()); }},
    {"CosineSimilarity", [] { return Metric("cosine_similarity"); }},
    {"CosineSimilarity axis 0", [] { return Metric(CosineSimilarity({.axis = 0})); }},
    {"Hinge", [] { return Metric("hinge"); }},
    {"SquaredHinge", [] { return Metric("squared_hinge"); }},
    {"CategoricalHinge", [] { return Metric("categorical_hinge"); }},
    {"KLDivergence", [] { return Metric("kl_divergence"); }},
    {"Poisson", [] { return Metric("poisson"); }},
    {"R2Score", [] { return Metric("r2_score"); }},
    {"R2Score none", [] { return Metric(R2Score({.class_aggregation = ""})); }},
    {"R2Score variance",
     [] { return Metric(R2Score({.class_aggregation = "variance_weighted_average", .num_regressors = 2})); }},
    {"PearsonCorrelation", [] { return Metric("pearson_correlation"); }},
    {"ConcordanceCorrelation", [] { return Metric("ConcordanceCorrelation"); }},
    {"BinaryAccuracy", [] { return Metric("binary_accuracy"); }},
    {"BinaryAccuracy single", [] { return Metric("binary_accuracy"); }},
    {"BinaryAccuracy 0.3", [] { return Metric(BinaryAccuracy({.threshold = .3})); }},
    {"BinaryCrossentropy", [] { return Metric("bce"); }},
    {"BinaryCrossentropy all", [] { return Metric(BinaryCrossentropy({.from_logits = true, .label_smoothing = .1})); }},
    {"Accuracy", [] { return Metric(Accuracy()); }},
    {"CategoricalAccuracy", [] { return Metric("categorical_accuracy"); }},
    {"CategoricalCrossentropy", [] { return Metric("categorical_crossentropy"); }},
    {"CategoricalCrossentropy all",
     [] { return Metric(CategoricalCrossentropy({.from_logits = true, .label_smoothing = .1})); }},
    {"TopKCategoricalAccuracy", [] { return Metric(TopKCategoricalAccuracy({.k = 2})); }},
    {"SparseCategoricalAccuracy", [] { return Metric("sparse_categorical_accuracy"); }},
    {"SparseCategoricalCrossentropy", [] { return Metric("sparse_categorical_crossentropy"); }},
    {"SparseCategoricalCrossentropy logits",
     [] { return Metric(SparseCategoricalCrossentropy({.from_logits = true})); }},
    {"SparseTopKCategoricalAccuracy", [] { return Metric(SparseTopKCategoricalAccuracy({.k = 2})); }},
    {"SparseTopKCategoricalAccuracy sorted",
     [] { return Metric(SparseTopKCategoricalAccuracy({.k = 2, .from_sorted_ids = true})); }},
    {"TruePositives", [] { return Metric("true_positives"); }},
    {"TrueNegatives", [] { return Metric("true_negatives"); }},
    {"FalsePositives", [] { return Metric("false_positives"); }},
    {"FalseNegatives", [] { return Metric("false_negatives"); }},
    {"Precision", [] { return Metric("precision"); }},
    {"Recall", [] { return Metric("recall"); }},
    {"AUC", [] { return Metric("auc"); }},
    {"TruePositives single", [] { return Metric("TruePositives"); }},
    {"TrueNegatives single", [] { return Metric("TrueNegatives"); }},
    {"FalsePositives single", [] { return Metric("FalsePositives"); }},
    {"FalseNegatives single", [] { return Metric("FalseNegatives"); }},
    {"Precision single", [] { return Metric("Precision"); }},
    {"Recall single", [] { return Metric("Recall"); }},
    {"AUC single", [] { return Metric("AUC"); }},
    {"TruePositives thresholds",
     [] {
       return Metric(TruePositives({.thresholds = {.2, .55, .8}}));
     }},
    {"FalseNegatives thresholds",
     [] {
       return Metric(FalseNegatives({.thresholds = {.2, .55, .8}}));
     }},
    {"Precision thresholds",
     [] {
       return Metric(Precision({.thresholds = {.2, .55, .8}}));
     }},
    {"Recall thresholds",
     [] {
       return Metric(Recall({.thresholds = {.2, .55, .8}}));
     }},
    {"TruePositives even",
     [] {
       return Metric(TruePositives({.thresholds = {0, .25, .5, .75, 1}}));
     }},
    {"FalseNegatives even",
     [] {
       return Metric(FalseNegatives({.thresholds = {0, .25, .5, .75, 1}}));
     }},
    {"Precision even",
     [] {
       return Metric(Precision({.thresholds = {0, .25, .5, .75, 1}}));
     }},
    {"Recall even",
     [] {
       return Metric(Recall({.thresholds = {0, .25, .5, .75, 1}}));
     }},
    {"Precision top 2", [] { return Metric(Precision({.top_k = 2})); }},
    {"Recall top 2", [] { return Metric(Recall({.top_k = 2})); }},
    {"Precision class 1", [] { return Metric(Precision({.class_id = 1})); }},
    {"Recall class 1", [] { return Metric(Recall({.class_id = 1})); }},
    {"Precision top 2 class 0", [] { return Metric(Precision({.thresholds = {.2}, .top_k = 2, .class_id = 0})); }},
    {"Recall top 2 class 0", [] { return Metric(Recall({.thresholds = {.2}, .top_k = 2, .class_id = 0})); }},
    {"SensitivityAtSpecificity", [] { return Metric(SensitivityAtSpecificity(.6)); }},
    {"SpecificityAtSensitivity", [] { return Metric(SpecificityAtSensitivity(.6)); }},
    {"PrecisionAtRecall", [] { return Metric(PrecisionAtRecall(.6)); }},
    {"RecallAtPrecision", [] { return Metric(RecallAtPrecision(.6)); }},
    {"SensitivityAtSpecificity few",
     [] { return Metric(SensitivityAtSpecificity(.4, {.num_thresholds = 7, .class_id = 1})); }},
    {"SpecificityAtSensitivity few",
     [] { return Metric(SpecificityAtSensitivity(.4, {.num_thresholds = 7, .class_id = 1})); }},
    {"PrecisionAtRecall few", [] { return Metric(PrecisionAtRecall(.4, {.num_thresholds = 7, .class_id = 1})); }},
    {"RecallAtPrecision few", [] { return Metric(RecallAtPrecision(.4, {.num_thresholds = 7, .class_id = 1})); }},
    {"SensitivityAtSpecificity one", [] { return Metric(SensitivityAtSpecificity(.4, {.num_thresholds = 1})); }},
    {"SpecificityAtSensitivity one", [] { return Metric(SpecificityAtSensitivity(.4, {.num_thresholds = 1})); }},
    {"PrecisionAtRecall one", [] { return Metric(PrecisionAtRecall(.4, {.num_thresholds = 1})); }},
    {"RecallAtPrecision one", [] { return Metric(RecallAtPrecision(.4, {.num_thresholds = 1})); }},
    {"AUC thresholds",
     [] {
       return Metric(AUC({.thresholds = {.6, .1, .35}}));
     }},
    {"AUC label weights",
     [] {
       return Metric(AUC({.label_weights = {1, .5, 2}}));
     }},
    {"AUC labels weighted",
     [] {
       return Metric(AUC({.thresholds = {.2, .7}, .multi_label = true, .num_labels = 3, .label_weights = {1, .5, 2}}));
     }},
    {"AUC logits", [] { return Metric(AUC({.from_logits = true})); }},
    {"AUC edges", [] { return Metric(AUC({.num_thresholds = 5})); }},
    {"Precision edges",
     [] {
       return Metric(Precision({.thresholds = {0, .25, .5, .75, 1}}));
     }},
    {"F1Score none", [] { return Metric("f1_score"); }},
    {"F1Score micro", [] { return Metric(F1Score({.average = "micro"})); }},
    {"F1Score macro", [] { return Metric(F1Score({.average = "macro"})); }},
    {"F1Score weighted", [] { return Metric(F1Score({.average = "weighted"})); }},
    {"FBetaScore none", [] { return Metric(FBetaScore({.beta = 2, .threshold = .5})); }},
    {"FBetaScore micro", [] { return Metric(FBetaScore({.average = "micro", .beta = 2, .threshold = .5})); }},
    {"FBetaScore macro", [] { return Metric(FBetaScore({.average = "macro", .beta = 2, .threshold = .5})); }},
    {"FBetaScore weighted", [] { return Metric(FBetaScore({.average = "weighted", .beta = 2, .threshold = .5})); }},
    {"IoU",
     [] {
       return Metric(IoU(4, {1, 3}));
     }},
    {"IoU ignore",
     [] {
       return Metric(IoU(4, {1, 3}, {.ignore_class = 0}));
     }},
    {"MeanIoU", [] { return Metric(MeanIoU(4)); }},
    {"BinaryIoU", [] { return Metric("BinaryIoU"); }},
    {"BinaryIoU 0", [] { return Metric(BinaryIoU({.target_class_ids = {0}, .threshold = .3})); }},
    {"OneHotIoU",
     [] {
       return Metric(OneHotIoU(4, {0, 2}));
     }},
    {"OneHotMeanIoU", [] { return Metric(OneHotMeanIoU(4)); }},
};

Metric maker_of_auc(const std::string& name) {
  const std::size_t first = name.find(' '), second = name.find(' ', first + 1);
  const std::string curve = name.substr(first + 1, second - first - 1), what = name.substr(second + 1);
  if (what == "labels") return AUC({.num_thresholds = 20, .curve = curve, .multi_label = true, .num_labels = 3});
  return AUC({.num_thresholds = 20, .curve = curve, .summation_method = what});
}

Metric made(std::string name) {
  if (const std::size_t at = name.rfind(" weights"); at != std::string::npos && at + 8 == name.size()) name.resize(at);
  for (const char* curve : {"AUC ROC ", "AUC PR ", "AUC PRGAIN "})
    if (name.rfind(curve, 0) == 0) return maker_of_auc(name);
  // "AUC label weights" is a name of its own, and so is the same with weights.
  const auto found = makers.find(name == "AUC label" ? "AUC label weights" : name);
  INFO(name);
  REQUIRE(found != makers.end());
  return found->second();
}

reference::Json reference_values() {
  std::ifstream stream(std::filesystem::path(XGRAD_TEST_FILES).parent_path() / "reference" / "keras_metrics.json");
  REQUIRE(stream.good());
  return reference::Json::parse(stream);
}

template <class M>
void update(M& metric, const reference::Json& batch, DType dtype) {
  std::vector<Tensor> in;
  for (const reference::Json& one : batch) in.push_back(reference::tensor_of(one));
  if constexpr (std::is_same_v<M, Metric>)
    metric.update_state(in[0], cast(in[1], dtype), in.size() > 2 ? in[2] : Tensor());
  else
    metric.update_state(in[0], in.size() > 1 ? in[1] : Tensor());
}

}  // namespace

TEST_CASE("metrics give Keras's numbers after every batch, with and without weights") {
  const reference::Json all = reference_values();
  std::set<std::string> seen;
  for (const reference::Json& one : all.at("cases")) {
    const std::string name = one.at("call");
    INFO(name);
    if (name.rfind("Mean", 0) == 0 && makers.count(name) == 0 && (name == "Mean" || name == "Mean weights")) {
      Mean mean;
      for (std::size_t i = 0; i < one.at("batches").size(); ++i) {
        update(mean, one.at("batches")[i], float64);
        CHECK(mean.result() == Approx(one.at("results")[i].at("values")[0].get<double>()).epsilon(1e-12));
      }
      continue;
    }
    if (name == "Sum" || name == "Sum weights") {
      Sum sum;
      for (std::size_t i = 0; i < one.at("batches").size(); ++i) {
        update(sum, one.at("batches")[i], float64);
        CHECK(sum.result() == Approx(one.at("results")[i].at("values")[0].get<double>()).epsilon(1e-12));
      }
      sum.reset_state();
      CHECK(sum.result() == 0);
      continue;
    }
    Metric metric = made(name);
    seen.insert(metric.name());
    CHECK(metric.result() == 0);
    // Twice: a metric that was reset knows nothing of what it had seen.
    for (int round = 0; round < 2; ++round) {
      for (std::size_t i = 0; i < one.at("batches").size(); ++i) {
        INFO("round " << round << ", batch " << i);
        update(metric, one.at("batches")[i], float64);
        const reference::Json& expected = one.at("results")[i];
        const Tensor found = metric.results();
        CHECK(found.dtype() == float64);
        REQUIRE(found.shape() == reference::shape_of(expected.at("shape")));
        const std::vector<double> values = reference::reals_of(expected.at("values"));
        // A number near 0 is what is left of larger ones.
        const std::vector<double> results = found.to_vector<double>();
        for (std::size_t k = 0; k < values.size(); ++k)
          CHECK(results[k] == Approx(values[k]).epsilon(1e-11).margin(1e-13));
        if (values.size() == 1) CHECK(metric.result() == results[0]);
      }
      metric.reset_state();
    }
  }
  CHECK(seen.size() > 40);
}

TEST_CASE("metrics of single precision predictions are those of double precision") {
  const reference::Json all = reference_values();
  for (const reference::Json& one : all.at("cases")) {
    const std::string name = one.at("call");
    if (name.rfind("Sum", 0) == 0 || name == "Mean" || name == "Mean weights") continue;
    INFO(name);
    Metric metric = made(name);
    for (const reference::Json& batch : one.at("batches")) update(metric, batch, float32);
    const std::vector<double> values = reference::reals_of(one.at("results").back().at("values"));
    const std::vector<double> results = metric.results().to_vector<double>();
    for (std::size_t k = 0; k < values.size(); ++k) CHECK(results[k] == Approx(values[k]).epsilon(1e-5).margin(1e-6));
  }
}

TEST_CASE("an update that is given up leaves no trace, and copies of a metric are one metric") {
  Metric auc = "auc", copy = auc;
  const Tensor y = tensor({0, 1, 1, 0}), p = tensor({.2, .7, .4, .6});
  auc.update_state(y, p);
  CHECK(copy.result() == Approx(.75));
  copy.update_state(y, 1 - p);
  auc.revert();
  CHECK(auc.result() == Approx(.75));
}

TEST_CASE("metrics say which way is better") {
  for (const char* name : {"accuracy", "auc", "precision", "f1_score", "r2_score", "cosine_similarity", "binary_iou"})
    CHECK(Metric(name).direction() == Direction::up);
  for (const char* name : {"mse", "mae", "kld", "binary_crossentropy", "hinge", "root_mean_squared_error", "huber"})
    CHECK(Metric(name).direction() == Direction::down);
  CHECK(Metric("true_positives").direction() == Direction::unknown);
}

TEST_CASE("several results are one number as their mean") {
  Metric f1 = "f1_score";
  f1.update_state(tensor({{1, 0}, {0, 1}, {1, 0}}), tensor({{.9, .1}, {.8, .2}, {.7, .3}}));
  const std::vector<double> both = f1.results().to_vector<double>();
  REQUIRE(both.size() == 2);
  CHECK(f1.result() == Approx((both[0] + both[1]) / 2));
}

TEST_CASE("a metric of one's own says what a batch adds and what the totals mean") {
  Metric spread(Recipe{.name = "spread",
                       .sums =
                           [](const Tensor& y_true, const Tensor& y_pred, const Tensor&) {
                             const Tensor e = y_pred - y_true;
                             return std::vector<Tensor>{sum(e), sum(square(e)), Tensor(static_cast<double>(e.size()))};
                           },
                       .finish = [](std::span<const Tensor> t) { return t[1] / t[2] - square(t[0] / t[2]); }});
  spread.update_state(tensor({0, 0}), tensor({1, 2}));
  spread.update_state(tensor({0, 0}), tensor({3, 4}));
  CHECK(spread.result() == Approx(1.25));
  CHECK(Metric("double", [](const Tensor&, const Tensor& y_pred) { return 2 * y_pred; }).name() == "double");
  CHECK_THROWS_WITH(Metric(Recipe{.name = "empty", .sums = {}}), Catch::Contains("[empty]"));
}

TEST_CASE("wrong use of metrics names the metric, the argument and what was expected") {
  const Tensor two = zeros({4, 2}), three = zeros({4, 3}), row = zeros({4});
  CHECK_THROWS_WITH(Metric("precison"), Catch::Contains("[metric]") && Catch::Contains("'precision'"));
  CHECK_THROWS_WITH(Metric("F1Scor"), Catch::Contains("'f1_score'"));
  CHECK_THROWS_WITH(Precision({.thresholds = {1.5}}), Catch::Contains("[precision]") && Catch::Contains("1.5"));
  CHECK_THROWS_WITH(Precision({.top_k = 0}), Catch::Contains("top_k"));
  CHECK_THROWS_WITH(Recall({.class_id = -1}), Catch::Contains("[recall]") && Catch::Contains("class_id"));
  CHECK_THROWS_WITH(TruePositives({.thresholds = {}}), Catch::Contains("at least one threshold"));
  CHECK_THROWS_WITH(PrecisionAtRecall(1.5), Catch::Contains("recall between 0 and 1"));
  CHECK_THROWS_WITH(SensitivityAtSpecificity(.5, {.num_thresholds = 0}), Catch::Contains("num_thresholds"));
  CHECK_THROWS_WITH(AUC({.num_thresholds = 1}), Catch::Contains("[auc]") && Catch::Contains("num_thresholds"));
  CHECK_THROWS_WITH(AUC({.curve = "RCO"}), Catch::Contains("did you mean 'ROC'"));
  CHECK_THROWS_WITH(AUC({.summation_method = "minor"}), Catch::Contains("'minoring'"));
  CHECK_THROWS_WITH(AUC({.num_labels = 3}), Catch::Contains("multi_label"));
  CHECK_THROWS_WITH(F1Score({.average = "mean"}), Catch::Contains("average"));
  CHECK_THROWS_WITH(F1Score({.threshold = 0}), Catch::Contains("threshold"));
  CHECK_THROWS_WITH(FBetaScore({.beta = 0}), Catch::Contains("beta above 0"));
  CHECK_THROWS_WITH(IoU(3, {3}), Catch::Contains("[io_u]") && Catch::Contains("from 0 to 2"));
  CHECK_THROWS_WITH(MeanIoU(0), Catch::Contains("num_classes"));
  CHECK_THROWS_WITH(R2Score({.class_aggregation = "uniform"}), Catch::Contains("'uniform_average'"));
  CHECK_THROWS_WITH(R2Score({.num_regressors = -1}), Catch::Contains("num_regressors"));
  CHECK_THROWS_WITH(BinaryAccuracy({.threshold = 2}), Catch::Contains("threshold"));

  CHECK_THROWS_WITH(Metric("precision").update_state(two, three),
                    Catch::Contains("[precision]") && Catch::Contains("(4, 2)") && Catch::Contains("(4, 3)"));
  CHECK_THROWS_WITH(Precision({.class_id = 5}).update_state(two, two), Catch::Contains("class 5"));
  CHECK_THROWS_WITH(Precision({.top_k = 5}).update_state(two, two), Catch::Contains("top_k = 5"));
  CHECK_THROWS_WITH(Precision({.top_k = 1}).update_state(row, row), Catch::Contains("rows"));
  CHECK_THROWS_WITH(Metric("auc").update_state(two, two, zeros({3})), Catch::Contains("sample_weight"));
  CHECK_THROWS_WITH(AUC({.multi_label = true}).update_state(row, row), Catch::Contains("multi_label"));
  CHECK_THROWS_WITH(AUC({.multi_label = true, .num_labels = 3}).update_state(two, two), Catch::Contains("3 labels"));
  CHECK_THROWS_WITH(Metric("f1_score").update_state(row, row), Catch::Contains("[f1_score]"));
  CHECK_THROWS_WITH(Metric("r2_score").update_state(row, row), Catch::Contains("[r2_score]"));
  CHECK_THROWS_WITH(MeanIoU(2).update_state(row, zeros({3})), Catch::Contains("as many labels"));
  CHECK_THROWS_WITH(TopKCategoricalAccuracy({.k = 0}).update_state(two, two), Catch::Contains("k of 1 or more"));
  Metric mixed = "f1_score";
  mixed.update_state(two, two);
  CHECK_THROWS_WITH(mixed.update_state(three, three), Catch::Contains("batches like the first"));
}
