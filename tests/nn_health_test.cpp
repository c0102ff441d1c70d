// Gradient checks of layers, losses and models; gradient health; the checking mode.

#include <xgrad/nn/gradcheck.hpp>
#include <xgrad/nn/health.hpp>
#include <xgrad/nn/sequential.hpp>

#include <xgrad/diff/finite.hpp>
#include <xgrad/graph/grad.hpp>
#include <xgrad/ops/elementwise.hpp>
#include <xgrad/ops/random.hpp>

#include <catch2/catch.hpp>

#include <sstream>

using namespace xgrad;
using Catch::Matchers::Contains;

namespace {

Tensor numbers(const Shape& shape, double first = -0.9, double step = 0.137) {
  std::vector<double> values;
  for (std::int64_t i = 0; i < shape.size(); ++i) values.push_back(first + step * static_cast<double>((i * 5) % 13));
  return tensor(values, shape, {.dtype = float32});
}

/// A layer that hands on half of the gradient it should.
struct Halved {
  Dense inside{3};
  Tensor operator()(const Tensor& x, Call& call) const {
    const Tensor y = inside(x, call);
    return 0.5 * y + stop_gradient(0.5 * y);
  }
  void each(Visit visit) { visit("inside", inside); }
};

}  // namespace

TEST_CASE("layers are checked by their input and weights") {
  set_random_seed(3);
  const Dense layer(3, {.activation = "tanh", .kernel_regularizer = "l2"});
  const GradcheckReport dense = gradcheck(layer, numbers({4, 5}));
  INFO(dense);
  CHECK(dense.passed());
  CHECK(dense.shadow);
  // 12 outputs and a penalty, by 20 inputs, 15 kernel and 3 bias elements; forward mode; second order.
  CHECK(dense.compared == 13 * 38 + 3 + 38);
  const GradcheckReport halved = gradcheck(Halved{}, numbers({4, 5}));
  INFO(halved);
  CHECK(halved.verdict == Verdict::failed);
  REQUIRE_FALSE(halved.culprits.empty());
  CHECK(halved.culprits[0].operation == "stop_gradient");
  CHECK_THAT(halved.culprits[0].place, Contains("nn_health_test.cpp"));
}

TEST_CASE("losses are checked by their predictions") {
  const Tensor y = tensor({{0, 1}, {1, 0}, {1, 1}}), p = tensor({{0.2, 0.7}, {0.9, 0.4}, {0.6, 0.5}});
  for (const char* name : {"mse", "mae", "binary_crossentropy", "categorical_crossentropy"}) {
    const GradcheckReport report = gradcheck(losses::Loss(name), y, p);
    INFO(name << "\n" << report);
    CHECK(report.passed());
    CHECK(report.worst.input == "y_pred");
  }
}

TEST_CASE("a whole compiled model is checked weight by weight") {
  set_random_seed(5);
  const DenseOptions relu_l2{.activation = "relu", .kernel_regularizer = "l2"};
  Sequential model{Dense(5, relu_l2), Dense(5, {.activation = "relu"}), Dense(1)};
  model.compile({.optimizer = "adam", .loss = "mse"});
  const Tensor x = numbers({6, 8}), y = numbers({6, 1});
  const GradcheckReport report = gradcheck(model, x, y);
  INFO(report);
  CHECK(report.passed());
  CHECK(report.full);
  CHECK(report.compared == 81 + 3 + 81);
  CHECK_THAT(report.worst.input, Contains("dense"));
}

TEST_CASE("health names the layer whose gradient vanishes") {
  set_random_seed(1);
  Sequential deep;
  for (int i = 0; i < 8; ++i) deep.add(Dense(4, {.activation = "sigmoid"}));
  deep.add(Dense(1));
  deep.compile({.optimizer = "sgd", .loss = "mse"});
  const Tensor x = numbers({10, 3}), y = numbers({10, 1});
  const HealthReport sigmoid = gradient_health(deep, x, y);
  INFO(sigmoid);
  CHECK(sigmoid.layers.size() == 9);
  REQUIRE_FALSE(sigmoid.healthy());
  CHECK(sigmoid.findings[0].layer == "dense");
  CHECK(sigmoid.findings[0].problem == "vanishing");
  CHECK_THAT(sigmoid.findings[0].remedy, Contains("relu"));
  CHECK(sigmoid.layers[0].gradient_norm < 1e-3 * sigmoid.layers[8].gradient_norm);
  CHECK(sigmoid.layers[0].units == 4);
  CHECK(sigmoid.layers[8].units == 0);

  Sequential shallow{Dense(4, {.activation = "tanh"}), Dense(1)};
  shallow.compile({.optimizer = "sgd", .loss = "mse"});
  CHECK(gradient_health(shallow, x, y).healthy());
}

TEST_CASE("health counts dead and saturated units and finds exploding gradients") {
  const Tensor x = numbers({10, 3}), y = numbers({10, 1});
  Sequential model{Dense(4, {.activation = "relu"}), Dense(4, {.activation = "sigmoid"}), Dense(1)};
  model.compile({.optimizer = "sgd", .loss = "mse"});
  model.compute_loss(x, y);
  std::vector<Tensor> values = model.get_weights();
  values[1] = tensor({-100, -100, -100, 1}, {.dtype = float32});  // three units never fire
  values[3] = tensor({50, -50, 0, 50}, {.dtype = float32});
  model.set_weights(values);
  const HealthReport report = gradient_health(model, x, y);
  INFO(report);
  CHECK(report.layers[0].dead == 0.75);
  CHECK(report.layers[1].saturated == 0.75);
  CHECK_THAT(report.text(), Contains("dense: dead, 75 % of 4 units"));
  CHECK_THAT(report.text(), Contains("dense_1: saturated, 75 % of 4 units"));

  Sequential linear;
  for (int i = 0; i < 6; ++i) linear.add(Dense(3, {.kernel_initializer = initializers::Constant(5.0)}));
  linear.add(Dense(1));
  linear.compile({.optimizer = "sgd", .loss = "mse"});
  const HealthReport large = gradient_health(linear, x, y);
  INFO(large);
  REQUIRE_FALSE(large.healthy());
  CHECK_THAT(large.text(), Contains("exploding") && Contains("clipnorm"));
}

TEST_CASE("the monitor logs norms in fit and tells findings once") {
  set_random_seed(1);
  Sequential deep;
  for (int i = 0; i < 8; ++i) deep.add(Dense(4, {.activation = "sigmoid"}));
  deep.add(Dense(1));
  deep.compile({.optimizer = "sgd", .loss = "mse"});
  const Tensor x = numbers({10, 3}), y = numbers({10, 1});
  std::ostringstream out;
  callbacks::GradientMonitor monitor(x, y);
  const History history = deep.fit(x, y, {.epochs = 3, .verbose = 0, .callbacks = {monitor}, .out = &out});
  CHECK(history["gradient_norm/dense"].size() == 3);
  CHECK_THAT(out.str(), Contains("dense: vanishing"));
  const std::string text = out.str();
  CHECK(text.find("dense: vanishing") == text.rfind("dense: vanishing"));
  CHECK_FALSE(monitor.report().healthy());
  CHECK_THROWS_AS(callbacks::GradientMonitor(x, y, {.every = 0}), ValueError);
}

TEST_CASE("the checking mode stops at the first NaN and names operation and layer") {
  set_random_seed(2);
  Sequential model{Dense(3), [](const Tensor& t) { return log(t); }, Dense(1)};
  model.compile({.optimizer = "sgd", .loss = "mse"});
  const Tensor x = numbers({6, 2}), y = numbers({6, 1});
  model.compute_loss(x, y);
  const std::vector<double> before = model.get_weights()[0].to_vector<double>();
  model.enable_check_numerics();
  CHECK_THROWS_WITH(model.fit(x, y, {.verbose = 0}), Contains("came from log") && Contains("nn_health_test.cpp"));
  CHECK(model.get_weights()[0].to_vector<double>() == before);

  Sequential fine{Dense(3, {.activation = "relu"}), Dense(1)};
  fine.compile({.optimizer = "sgd", .loss = "mse"});
  fine.enable_check_numerics();
  const History history = fine.fit(x, y, {.epochs = 2, .verbose = 0});
  CHECK(history["loss"][1] < history["loss"][0]);
  CHECK_THROWS_AS(check_finite({log(zeros({1}))}), NumericError);
  CHECK_NOTHROW(check_finite({exp(zeros({1}))}));
}
