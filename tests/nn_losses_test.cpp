#include "planned.hpp"

#include <catch2/catch.hpp>
#include <xgrad/graph/grad.hpp>
#include <xgrad/nn/losses.hpp>
#include <xgrad/nn/metrics.hpp>
#include <xgrad/nn/regularizers.hpp>
#include <xgrad/ops/elementwise.hpp>

#include <cmath>
#include <limits>

using namespace xgrad;
using namespace xgrad::losses;

namespace {

constexpr TensorOptions doubles{.dtype = float64};

const Tensor yt = tensor({{0, 1}, {.5, .25}, {1, 0}}, doubles);
const Tensor yp = tensor({{.1, .8}, {.4, .5}, {.7, .2}}, doubles);
const Tensor labels = tensor({1, 2, 0}, {.dtype = int64});
const Tensor one_hots = tensor({{0, 1, 0}, {0, 0, 1}, {1, 0, 0}}, doubles);
const Tensor p = tensor({{.05, .95, 0}, {.1, .8, .1}, {.7, .2, .1}}, doubles);

void check(const Tensor& loss, double expected) {
  CHECK(loss.dtype() == float64);
  CHECK(loss.item() == Approx(expected).epsilon(1e-11));
}

void check_all(const Tensor& values, const std::vector<double>& expected) {
  const std::vector<double> v = values.to_vector<double>();
  REQUIRE(v.size() == expected.size());
  for (std::size_t i = 0; i < v.size(); ++i) CHECK(v[i] == Approx(expected[i]).epsilon(1e-11));
}

}  // namespace

TEST_CASE("the mean squared error has the values of its definition under every reduction") {
  check(MeanSquaredError()(yt, yp), .0420833333333333);
  check_all(MeanSquaredError({.reduction = "none"})(yt, yp), {.025, .03625, .065});
  check(MeanSquaredError({.reduction = "sum"})(yt, yp), .12625);
  const Tensor weights = tensor({1, 2, 3}, doubles);
  check(MeanSquaredError()(yt, yp, weights), .0975);
  check(MeanSquaredError({.reduction = "mean_with_sample_weight"})(yt, yp, weights), .04875);
  check(MeanSquaredError({.reduction = "mean"})(yt, yp), .0420833333333333);
}

TEST_CASE("the mean squared error of vectors has its gradient") {
  const Tensor pred = tensor({2.5, 0, 2, 8}, doubles);
  const Tensor loss = MeanSquaredError()(tensor({3, -.5, 2, 7}, doubles), pred);
  check(loss, .375);
  check_all(grad(loss, pred), {-.25, .25, 0, .5});
}

TEST_CASE("the mean absolute error has the value of its definition") {
  check(MeanAbsoluteError()(yt, yp), .191666666666667);
}

TEST_CASE("binary cross-entropy has its values from probabilities, smoothed labels and logits") {
  check(BinaryCrossentropy()(yt, yp), .385837986767);
  check(BinaryCrossentropy({.label_smoothing = .1})(yt, yp), .434313913101);
  check(BinaryCrossentropy({.from_logits = true})(yt, yp), .646485746811);
}

TEST_CASE("binary cross-entropy stays finite at both ends") {
  const Tensor y = tensor({1, 0}, doubles);
  CHECK(BinaryCrossentropy()(y, tensor({0, 1}, doubles)).item() == Approx(-std::log(1e-7)).epsilon(1e-9));
  check(BinaryCrossentropy({.from_logits = true})(y, tensor({-1000, 1000}, doubles)), 1000);
  const Tensor z = tensor({-1000, 1000}, doubles);
  check_all(grad(BinaryCrossentropy({.from_logits = true})(y, z), z), {-.5, .5});
}

TEST_CASE("categorical cross-entropy has its values from probabilities, smoothed labels and logits") {
  check(CategoricalCrossentropy()(yt, yp), .307169746090);
  check(CategoricalCrossentropy()(one_hots, p), .903517777107);
  check(CategoricalCrossentropy({.label_smoothing = .1})(one_hots, p), 1.12718969835);
  check(CategoricalCrossentropy({.from_logits = true})(one_hots, p), .913913215037);
}

TEST_CASE("sparse categorical cross-entropy equals the categorical one, whatever holds the labels") {
  check(SparseCategoricalCrossentropy()(labels, p), .903517777107);
  check(SparseCategoricalCrossentropy({.from_logits = true})(labels, p), .913913215037);
  for (const DType dtype : {uint8, int32, int64, float32, float64}) {
    check(SparseCategoricalCrossentropy()(cast(labels, dtype), p), .903517777107);
    check(SparseCategoricalCrossentropy()(reshape(cast(labels, dtype), {3, 1}), p), .903517777107);
  }
}

TEST_CASE("sparse categorical cross-entropy works on sequences") {
  const Tensor rows = reshape(p, {1, 3, 3});
  check(SparseCategoricalCrossentropy()(reshape(labels, {1, 3}), rows), .903517777107);
}

TEST_CASE("a class to ignore is left out of the mean, even outside the range") {
  const Tensor some = tensor({1, -1, 0}, {.dtype = int64});
  check(SparseCategoricalCrossentropy({.ignore_class = -1})(some, p), -(std::log(.95) + std::log(.7)) / 2);
  const Tensor nothing = tensor({-1, -1, -1}, {.dtype = int64});
  check(SparseCategoricalCrossentropy({.ignore_class = -1})(nothing, p), 0);
}

TEST_CASE("logits of minus infinity rule a class out without a NaN") {
  const double inf = std::numeric_limits<double>::infinity();
  const Tensor z = tensor({{0, 0, -inf}}, doubles);
  const Tensor loss = SparseCategoricalCrossentropy({.from_logits = true})(tensor({0}, {.dtype = int64}), z);
  check(loss, std::log(2));
  check_all(grad(loss, z), {-.5, .5, 0});
}

TEST_CASE("the derivative of cross-entropy of logits is softmax minus target") {
  const Tensor z = tensor({{1, 2, 3}}, doubles);
  const Tensor loss = SparseCategoricalCrossentropy({.from_logits = true})(tensor({2}, {.dtype = int64}), z);
  const double sum = std::exp(1) + std::exp(2) + std::exp(3);
  check_all(grad(loss, z), {std::exp(1) / sum, std::exp(2) / sum, std::exp(3) / sum - 1});
}

TEST_CASE("a label out of range is an error when the loss is computed") {
  const Planned planned;
  const Tensor loss = SparseCategoricalCrossentropy()(tensor({1, 3, 0}, {.dtype = int64}), p);
  CHECK_THROWS_AS(loss.item(), ValueError);
  CHECK_THROWS_WITH(loss.item(), Catch::Contains("label") && Catch::Contains("3"));
}

TEST_CASE("a target of rank one fits predictions of one column") {
  check(MeanSquaredError()(tensor({1, 2}, doubles), reshape(tensor({1.5, 2}, doubles), {2, 1})), .125);
  check(MeanSquaredError()(reshape(tensor({1, 2}, doubles), {2, 1}), tensor({1.5, 2}, doubles)), .125);
}

TEST_CASE("sample weights of vectors weight their elements") {
  const Tensor y = tensor({0, 0}, doubles), q = tensor({1, 2}, doubles);
  check(MeanSquaredError()(y, q, tensor({1, .5}, doubles)), 1.5);
}

TEST_CASE("losses say which shapes do not fit") {
  CHECK_THROWS_WITH(MeanSquaredError()(zeros({4, 3}), zeros({4, 2})),
                    Catch::Contains("[mean_squared_error]") && Catch::Contains("(4, 3)") && Catch::Contains("(4, 2)"));
  CHECK_THROWS_WITH(CategoricalCrossentropy()(labels, p), Catch::Contains("sparse_categorical_crossentropy"));
  CHECK_THROWS_AS(SparseCategoricalCrossentropy()(zeros({4}), p), ShapeError);
  CHECK_THROWS_AS(MeanSquaredError()(yt, yp, zeros({2})), ShapeError);
  CHECK_THROWS_AS(BinaryCrossentropy({.label_smoothing = 2}), ValueError);
}

TEST_CASE("losses are found by Keras's names") {
  check(Loss("mse")(yt, yp), .0420833333333333);
  check(Loss("mean_absolute_error")(yt, yp), .191666666666667);
  check(Loss("binary_crossentropy")(yt, yp), .385837986767);
  check(Loss("categorical_crossentropy")(one_hots, p), .903517777107);
  check(Loss("sparse_categorical_crossentropy")(labels, p), .903517777107);
  CHECK_THROWS_WITH(Loss("mean_squared_eror"), Catch::Contains("did you mean 'mean_squared_error'"));
  CHECK_THROWS_WITH(Reduction("meen"), Catch::Contains("did you mean 'mean'"));
}

TEST_CASE("any callable is a loss") {
  const Loss own = [](const Tensor& a, const Tensor& b) { return abs(a - b); };
  check(own(yt, yp), .191666666666667);
}

TEST_CASE("regularizers have the values of their definitions") {
  const Tensor w = tensor({{1, -2}, {3, .5}}, doubles);
  check(regularizers::l1(.01)(w), .065);
  check(regularizers::l2(.01)(w), .1425);
  check(regularizers::l1_l2(.01, .01)(w), .2075);
  check(regularizers::Regularizer("l1")(w), .065);
  check(regularizers::Regularizer("l2")(w), .1425);
  check(regularizers::L2{.01}(tensor({.55, .45}, doubles)), .00505);
  CHECK_FALSE(static_cast<bool>(regularizers::Regularizer()));
  CHECK_THROWS_WITH(regularizers::Regularizer("l3"), Catch::Contains("[regularizer]") && Catch::Contains("'l2'"));
}

TEST_CASE("accuracies are running means") {
  metrics::BinaryAccuracy binary;
  binary.update_state(tensor({0, 1, 1, 0, 1}), tensor({.1, .7, .4, .6, .9}));
  CHECK(binary.result() == Approx(.6).epsilon(1e-15));
  binary.update_state(tensor({0}), tensor({.1}));
  CHECK(binary.result() == Approx(4.0 / 6).epsilon(1e-15));
  binary.reset_state();
  CHECK(binary.result() == 0);

  metrics::CategoricalAccuracy categorical;
  categorical.update_state(one_hots, p);
  CHECK(categorical.result() == Approx(2.0 / 3).epsilon(1e-15));
  metrics::SparseCategoricalAccuracy sparse;
  sparse.update_state(labels, p);
  CHECK(sparse.result() == Approx(2.0 / 3).epsilon(1e-15));
}

TEST_CASE("accuracy chooses by the shapes") {
  const auto of = [](const Tensor& t, const Tensor& q) {
    metrics::Metric m = "accuracy";
    m.update_state(t, q);
    return m.result();
  };
  CHECK(of(labels, p) == Approx(2.0 / 3));
  CHECK(of(reshape(labels, {3, 1}), p) == Approx(2.0 / 3));
  CHECK(of(cast(labels, uint8), p) == Approx(2.0 / 3));
  CHECK(of(one_hots, p) == Approx(2.0 / 3));
  CHECK(of(tensor({0, 1, 1, 0}), reshape(tensor({.1, .7, .4, .2}), {4, 1})) == .75);
  CHECK(of(tensor({0, 1, 1, 0}), tensor({.1, .7, .4, .2})) == .75);
}

TEST_CASE("the threshold of binary accuracy does not count as positive") {
  metrics::BinaryAccuracy m({.threshold = .25});
  m.update_state(tensor({0, 1}), tensor({.25, .2}));
  CHECK(m.result() == .5);
}

TEST_CASE("errors as metrics, weights and means are weighted running means") {
  metrics::MeanAbsoluteError mae;
  mae.update_state(tensor({1, 4, 3}, doubles), tensor({2, 4, 4}, doubles));
  CHECK(mae.result() == Approx(2.0 / 3));
  metrics::Metric mse = "mse";
  mse.update_state(yt, yp);
  CHECK(mse.result() == Approx(.0420833333333333).epsilon(1e-11));
  metrics::Mean mean;
  CHECK(mean.result() == 0);
  mean.update_state(tensor({1, 3}), tensor({3, 1}));
  mean.update_state(tensor({5}));
  CHECK(mean.result() == Approx(11.0 / 5));
  CHECK_THROWS_WITH(metrics::Metric("acuracy"), Catch::Contains("did you mean 'accuracy'"));
}
