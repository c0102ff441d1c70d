// Losses as functions and as classes: the cases of tests/reference/make_keras_losses.py, and what wrong use says.

#include <xgrad/nn/losses.hpp>
#include <xgrad/ops/elementwise.hpp>
#include <xgrad/ops/shape.hpp>

#include "reference_cases.hpp"

using namespace xgrad;

namespace {

using namespace losses;
using In = std::span<const Tensor>;
using Values = std::vector<double>;

const reference::Calls functions = {
    {"mean_squared_error", [](In x) { return mean_squared_error(x[0], x[1]); }},
    {"mean_absolute_error", [](In x) { return mean_absolute_error(x[0], x[1]); }},
    {"mean_absolute_percentage_error", [](In x) { return mean_absolute_percentage_error(x[0], x[1]); }},
    {"mean_squared_logarithmic_error", [](In x) { return mean_squared_logarithmic_error(x[0], x[1]); }},
    {"half_squared_error", [](In x) { return half_squared_error(x[0], x[1]); }},
    {"huber", [](In x) { return huber(x[0], x[1]); }},
    {"huber 0.15", [](In x) { return huber(x[0], x[1], .15); }},
    {"log_cosh", [](In x) { return log_cosh(x[0], x[1]); }},
    {"cosine_similarity", [](In x) { return cosine_similarity(x[0], x[1]); }},
    {"cosine_similarity axis 0", [](In x) { return cosine_similarity(x[0], x[1], 0); }},
    {"kl_divergence", [](In x) { return kl_divergence(x[0], x[1]); }},
    {"poisson", [](In x) { return poisson(x[0], x[1]); }},
    {"hinge", [](In x) { return hinge(x[0], x[1]); }},
    {"hinge binary", [](In x) { return hinge(x[0], x[1]); }},
    {"hinge other", [](In x) { return hinge(x[0], x[1]); }},
    {"squared_hinge", [](In x) { return squared_hinge(x[0], x[1]); }},
    {"categorical_hinge", [](In x) { return categorical_hinge(x[0], x[1]); }},
    {"binary_crossentropy", [](In x) { return binary_crossentropy(x[0], x[1]); }},
    {"binary_crossentropy smooth", [](In x) { return binary_crossentropy(x[0], x[1], {.label_smoothing = .1}); }},
    {"binary_crossentropy logits", [](In x) { return binary_crossentropy(x[0], x[1], {.from_logits = true}); }},
    {"binary_crossentropy axis 0", [](In x) { return binary_crossentropy(x[0], x[1], {.axis = 0}); }},
    {"binary_focal_crossentropy", [](In x) { return binary_focal_crossentropy(x[0], x[1]); }},
    {"binary_focal_crossentropy all",
     [](In x) {
       return binary_focal_crossentropy(
           x[0], x[1], {.apply_class_balancing = true, .alpha = .3, .gamma = 1.5, .label_smoothing = .2});
     }},
    {"binary_focal_crossentropy logits",
     [](In x) { return binary_focal_crossentropy(x[0], x[1], {.from_logits = true}); }},
    {"categorical_crossentropy", [](In x) { return categorical_crossentropy(x[0], x[1]); }},
    {"categorical_crossentropy smooth",
     [](In x) { return categorical_crossentropy(x[0], x[1], {.label_smoothing = .1}); }},
    {"categorical_crossentropy logits",
     [](In x) { return categorical_crossentropy(x[0], x[1], {.from_logits = true}); }},
    {"categorical_crossentropy axis 0", [](In x) { return categorical_crossentropy(x[0], x[1], {.axis = 0}); }},
    {"categorical_focal_crossentropy", [](In x) { return categorical_focal_crossentropy(x[0], x[1]); }},
    {"categorical_focal_crossentropy all",
     [](In x) {
       return categorical_focal_crossentropy(x[0], x[1], {.alpha = .3, .gamma = 1.5, .label_smoothing = .2});
     }},
    {"categorical_focal_crossentropy logits",
     [](In x) { return categorical_focal_crossentropy(x[0], x[1], {.from_logits = true}); }},
    {"sparse_categorical_crossentropy", [](In x) { return sparse_categorical_crossentropy(x[0], x[1]); }},
    {"sparse_categorical_crossentropy logits", [](In x) { return sparse_categorical_crossentropy(x[0], x[1], true); }},
    {"sparse_categorical_crossentropy ignore",
     [](In x) { return sparse_categorical_crossentropy(x[0], x[1], false, 2); }},
    {"sparse_categorical_crossentropy axis 1",
     [](In x) { return sparse_categorical_crossentropy(x[0], x[1], false, {}, 1); }},
    {"categorical_generalized_cross_entropy", [](In x) { return categorical_generalized_cross_entropy(x[0], x[1]); }},
    {"categorical_generalized_cross_entropy 0.8",
     [](In x) { return categorical_generalized_cross_entropy(x[0], x[1], .8); }},
    {"dice", [](In x) { return dice(x[0], x[1]); }},
    {"dice axes",
     [](In x) {
       return dice(x[0], x[1], {1, 2});
     }},
    {"tversky", [](In x) { return tversky(x[0], x[1]); }},
    {"tversky axes",
     [](In x) {
       return tversky(x[0], x[1], .3, .7, {1, 2});
     }},
    {"circle", [](In x) { return circle(x[0], x[1]); }},
    {"circle diagonal", [](In x) { return circle(x[0], x[1], {.remove_diagonal = false, .gamma = 3, .margin = .2}); }},
    {"circle reference",
     [](In x) {
       const Tensor others = stop_gradient(slice_axis(x[1], 0, {0, 3})) * .9;
       return circle(x[0], x[1],
                     {.ref_labels = tensor({1, 2, 2}, {.dtype = int64}),
                      .ref_embeddings = others,
                      .remove_diagonal = false,
                      .gamma = 4});
     }},
    {"ctc", [](In x) { return ctc(x[0], x[1]); }},
};

constexpr const char* reductions[] = {"sum_over_batch_size", "mean", "mean_with_sample_weight", "sum", "none"};

template <int i>
void add_reduction(reference::Calls& calls) {
  static const std::string name = reductions[i];
  calls["reduction " + name] = [](In x) { return MeanSquaredError({.reduction = name})(x[0], x[1]); };
  calls["reduction " + name + " weights"] = [](In x) {
    return MeanSquaredError({.reduction = name})(x[0], x[1], x[2]);
  };
  calls["reduction " + name + " mask"] = [](In x) {
    return MeanSquaredError({.reduction = name})(x[0], x[1], x[2], x[3]);
  };
}

/// What each name is called with: two-column numbers, unless labels are needed.
struct NamedLoss {
  const char* name;
  const char* kind;
};
constexpr NamedLoss keras_losses[] = {
    {"binary_crossentropy", "BinaryCrossentropy"},
    {"binary_focal_crossentropy", "BinaryFocalCrossentropy"},
    {"categorical_crossentropy", "CategoricalCrossentropy"},
    {"categorical_focal_crossentropy", "CategoricalFocalCrossentropy"},
    {"categorical_generalized_cross_entropy", "CategoricalGeneralizedCrossEntropy"},
    {"categorical_hinge", "CategoricalHinge"},
    {"circle", "Circle"},
    {"cosine_similarity", "CosineSimilarity"},
    {"ctc", "CTC"},
    {"dice", "Dice"},
    {"hinge", "Hinge"},
    {"huber", "Huber"},
    {"kl_divergence", "KLDivergence"},
    {"log_cosh", "LogCosh"},
    {"mean_absolute_error", "MeanAbsoluteError"},
    {"mean_absolute_percentage_error", "MeanAbsolutePercentageError"},
    {"mean_squared_error", "MeanSquaredError"},
    {"mean_squared_logarithmic_error", "MeanSquaredLogarithmicError"},
    {"poisson", "Poisson"},
    {"sparse_categorical_crossentropy", "SparseCategoricalCrossentropy"},
    {"squared_hinge", "SquaredHinge"},
    {"tversky", "Tversky"},
};

}  // namespace

TEST_CASE("losses give Keras's numbers and derivatives, with every reduction, weights and masks") {
  reference::Calls calls = functions;
  add_reduction<0>(calls);
  add_reduction<1>(calls);
  add_reduction<2>(calls);
  add_reduction<3>(calls);
  add_reduction<4>(calls);
  calls["ignoring class"] = [](In x) { return SparseCategoricalCrossentropy({.ignore_class = 2})(x[0], x[1], x[2]); };
  calls["circle class"] = [](In x) { return Circle({.gamma = 3})(x[0], x[1]); };
  reference::check_reference("keras_losses.json", calls);
}

TEST_CASE("a loss by name is the mean of its function, in double and in single precision") {
  std::ifstream stream(std::filesystem::path(XGRAD_TEST_FILES).parent_path() / "reference" / "keras_losses.json");
  REQUIRE(stream.good());
  const reference::Json all = reference::Json::parse(stream);
  for (const auto& [name, kind] : keras_losses) {
    INFO(name);
    bool found = false;
    for (const reference::Json& one : all.at("cases")) {
      if (one.at("call") != name) continue;
      found = true;
      const Tensor y_true = reference::tensor_of(one.at("in")[0]), y_pred = reference::tensor_of(one.at("in")[1]);
      const Values samples = reference::reals_of(one.at("out").at("values"));
      double mean = 0;
      for (const double loss : samples) mean += loss / static_cast<double>(samples.size());
      CHECK(Loss(name)(y_true, y_pred).item() == Approx(mean).epsilon(1e-12));
      CHECK(Loss(kind)(y_true, y_pred).item() == Approx(mean).epsilon(1e-12));
      const Tensor single = Loss(name)(y_true, cast(y_pred, float32));
      CHECK(single.dtype() == float32);
      CHECK(single.item() == Approx(mean).epsilon(1e-5));
    }
    CHECK(found);
  }
}

TEST_CASE("short names mean what they mean in Keras") {
  for (const auto& [alias, name] :
       {std::pair{"mse", "mean_squared_error"}, std::pair{"MAE", "mean_absolute_error"},
        std::pair{"mape", "mean_absolute_percentage_error"}, std::pair{"MSLE", "mean_squared_logarithmic_error"},
        std::pair{"bce", "binary_crossentropy"}, std::pair{"KLD", "kl_divergence"}})
    CHECK(Loss(alias).name() == name);
  CHECK(Loss("huber").name() == "huber_loss");
}

TEST_CASE("half of the squared error has the error as its derivative") {
  const Tensor y_pred = tensor({{.1, .8}, {.4, .5}}), y_true = tensor({{0, 1}, {.5, .25}});
  const Values slope = grad(sum(half_squared_error(y_true, y_pred)), y_pred).to_vector<double>();
  const Values error = (y_pred - y_true).to_vector<double>();
  for (std::size_t i = 0; i < 4; ++i) CHECK(slope[i] == Approx(error[i]));
  CHECK(HalfSquaredError({.reduction = "sum"})(tensor({{1}}), tensor({{.566479055968}})).item() ==
        Approx(.5 * .433520944032 * .433520944032));
}

TEST_CASE("losses stay finite and have finite gradients at the edge of what they take") {
  const Tensor zeros_and_ones = tensor({{0, 1}, {1, 0}}, {.dtype = float64});
  for (const char* name : {"binary_crossentropy", "binary_focal_crossentropy", "categorical_crossentropy",
                           "categorical_focal_crossentropy", "kl_divergence", "poisson", "cosine_similarity",
                           "log_cosh", "huber", "mape", "msle", "dice", "tversky"}) {
    INFO(name);
    for (const Tensor& y_pred : {zeros_and_ones, 1 - zeros_and_ones}) {
      const Tensor p = y_pred + 0;
      const Tensor loss = Loss(name)(zeros_and_ones, p);
      CHECK(std::isfinite(loss.item()));
      for (const double slope : grad(loss, p).to_vector<double>()) CHECK(std::isfinite(slope));
    }
  }
  // Vectors of zeros have no direction, but a gradient that is no NaN.
  const Tensor nothing = zeros({2, 3}, {.dtype = float64});
  for (const double slope : grad(Loss("cosine_similarity")(ones({2, 3}), nothing), nothing).to_vector<double>())
    CHECK(std::isfinite(slope));
  // Alone with its label, a vector has no pair of one kind.
  const Tensor vectors = tensor({{.6, .8}, {1, 0}}, {.dtype = float64});
  const Tensor alone = circle(tensor({1, 2}), vectors);
  CHECK(alone.to_vector<double>() == Values{0, 0});
  for (const double slope : grad(sum(alone), vectors).to_vector<double>()) CHECK(slope == 0);
}

TEST_CASE("a loss of nothing that counts is 0") {
  const Tensor y_true = tensor({{1, 2}, {3, 4}}), y_pred = tensor({{1, 2}, {__builtin_nan(""), 4}});
  const Tensor none = zeros({2}), first = tensor({1, 0});
  CHECK(MeanSquaredError()(y_true, y_pred, {}, none).item() == 0);
  CHECK(MeanSquaredError({.reduction = "mean_with_sample_weight"})(y_true, y_pred, {}, none).item() == 0);
  CHECK(MeanSquaredError()(y_true, y_pred, {}, first).item() == 0);
  CHECK(SparseCategoricalCrossentropy({.ignore_class = 1})(tensor({1, 1}), tensor({{.5, .5}, {.5, .5}})).item() == 0);
}

TEST_CASE("the way to spell labels that there is no time for costs much, not NaN") {
  const Tensor logits = zeros({1, 2, 3}, {.dtype = float64});
  const Tensor loss = ctc(tensor({{1, 1}}), logits);
  CHECK(loss.item() > 1e4);
  for (const double slope : grad(sum(loss), logits).to_vector<double>()) CHECK(std::isfinite(slope));
  // Nothing to spell: all blanks.
  CHECK(ctc(tensor({{0, 0}}), logits).item() == Approx(2 * std::log(3.0)));
}

TEST_CASE("wrong use of losses names the loss, the argument and what was expected") {
  const Tensor two = zeros({4, 2}), three = zeros({4, 3}), labels = tensor({0, 1, 2, 0});
  CHECK_THROWS_WITH(Loss("cosine_similarty"), Catch::Contains("[loss]") && Catch::Contains("'cosine_similarity'"));
  CHECK_THROWS_WITH(Loss("Hubr"), Catch::Contains("did you mean 'huber'"));
  CHECK_THROWS_WITH(Reduction("avg"), Catch::Contains("[reduction]") && Catch::Contains("'mean'"));
  for (const auto& [name, kind] : keras_losses) {
    if (std::string_view(name) == "circle" || std::string_view(name) == "ctc") continue;
    INFO(name);
    CHECK_THROWS_WITH(Loss(name)(two, three),
                      Catch::Contains("[" + std::string(name) + "]") && Catch::Contains("(4, 2)"));
  }
  CHECK_THROWS_WITH(huber(two, two, -1), Catch::Contains("[huber]") && Catch::Contains("delta"));
  CHECK_THROWS_WITH(categorical_generalized_cross_entropy(labels, three, 1), Catch::Contains("q between 0 and 1"));
  CHECK_THROWS_WITH(BinaryFocalCrossentropy({.label_smoothing = 2}), Catch::Contains("label_smoothing"));
  CHECK_THROWS_WITH(CategoricalGeneralizedCrossEntropy({.q = 0}), Catch::Contains("q between 0 and 1"));
  CHECK_THROWS_WITH(circle(labels, zeros({3, 2})), Catch::Contains("[circle]") && Catch::Contains("(4,)"));
  CHECK_THROWS_WITH(circle(labels, labels), Catch::Contains("rows of vectors"));
  CHECK_THROWS_WITH(ctc(labels, three), Catch::Contains("[ctc]") && Catch::Contains("(4, 3)"));
  CHECK_THROWS_WITH(ctc(tensor({{5}}), zeros({1, 2, 3})).eval(), Catch::Contains("label") && Catch::Contains("5"));
  CHECK_THROWS_WITH(categorical_generalized_cross_entropy(tensor({7}), zeros({1, 3})).eval(), Catch::Contains("7"));
  CHECK_THROWS_WITH(Loss("mse")(two, two, ones({3})), Catch::Contains("sample_weight") && Catch::Contains("(3,)"));
  CHECK_THROWS_WITH(Loss("mse")(two, two, {}, ones({3})), Catch::Contains("mask") && Catch::Contains("(3,)"));
  CHECK_THROWS_AS(categorical_crossentropy(three, three, {.axis = 2}).eval(), ShapeError);
}
