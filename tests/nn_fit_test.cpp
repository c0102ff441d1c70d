#include "planned.hpp"

#include <catch2/catch.hpp>
#include <xgrad/graph/grad.hpp>
#include <xgrad/graph/plan.hpp>
#include <xgrad/nn/sequential.hpp>
#include <xgrad/ops/elementwise.hpp>
#include <xgrad/ops/random.hpp>
#include <xgrad/ops/reduce.hpp>
#include <xgrad/ops/shape.hpp>

#include <cmath>
#include <limits>
#include <sstream>

using namespace xgrad;

namespace {

constexpr TensorOptions doubles{.dtype = float64};

std::vector<double> values(const Tensor& t) { return t.to_vector<double>(); }

Tensor linspace(double from, double to, const Shape& shape, DType dtype = float64) {
  const double step = shape.size() > 1 ? (to - from) / static_cast<double>(shape.size() - 1) : 0;
  std::vector<double> v;
  for (std::int64_t i = 0; i < shape.size(); ++i) v.push_back(from + step * static_cast<double>(i));
  return tensor(v, shape, {.dtype = dtype});
}

void check_close(const std::vector<double>& got, const std::vector<double>& expected) {
  REQUIRE(got.size() == expected.size());
  for (std::size_t i = 0; i < got.size(); ++i) CHECK(got[i] == Approx(expected[i]).epsilon(1e-10));
}

/// Two clouds of points that a line divides, and their labels.
Dataset clouds(std::int64_t n) {
  Generator generator(17);
  const Tensor noise = normal({n, 2}, 0, 1, {.generator = &generator});
  return {noise, cast(slice_axis(noise, 1, {0, 1}) + slice_axis(noise, 1, {1, 2}) > 0, int64)};
}

}  // namespace

TEST_CASE("fit gives the numbers of a regression calculated by hand") {
  Sequential model{Dense(5, {.activation = "relu", .input_shape = {8}, .dtype = float64}),
                   Dense(5, {.activation = "relu"}), Dense(1)};
  CHECK(count_params(model) == 81);
  std::vector<Tensor> start;
  for (const Tensor& w : model.get_weights()) start.push_back(linspace(-.5, .5, w.shape()));
  // One number of a linspace is its start.
  model.set_weights(start);
  const Tensor x = linspace(-1, 1, {4, 8}), y = linspace(1, 4, {4});
  check_close(values(model.predict(x)), {.0454533705542, .182020264682, .261424731183, .338270264682});

  model.compile({.optimizer = "adam", .loss = "mean_squared_error", .metrics = {"mae"}});
  CHECK(model.evaluate(x, y)["loss"] == Approx(6.28106718583).epsilon(1e-10));
  const History history = model.fit(x, y, {.batch_size = 2, .epochs = 3, .verbose = 0, .shuffle = false});
  check_close(history["loss"], {6.2636436171, 6.19553757419, 6.13033083883});
  check_close(values(model.predict(x)), {.0850361593141, .218737501874, .302721442265, .384781745725});
  CHECK(history.epochs() == std::vector<int>{0, 1, 2});
  CHECK(history.names() == std::vector<std::string>{"loss", "mae"});
}

TEST_CASE("fit gives the numbers of the XOR network calculated by hand") {
  Sequential model{Dense(2, {.activation = "sigmoid", .input_shape = {2}, .dtype = float64}),
                   Dense(1, {.activation = "sigmoid"})};
  model.set_weights({tensor({{.15, .25}, {.2, .3}}, doubles), tensor({.35, .35}, doubles),
                     reshape(tensor({.4, .45}, doubles), {2, 1}), tensor({.6}, doubles)});
  const Tensor x = tensor({{0, 0}, {0, 1}, {1, 0}, {1, 1}}, doubles), y = tensor({0, 1, 1, 0}, doubles);
  check_close(values(model.predict(x)), {.750002372507, .759384670224, .757593165249, .766240339686});
  model.compile({.optimizer = optimizers::SGD(.5), .loss = "mse"});
  const History history = model.fit(x, y, {.batch_size = 4, .epochs = 3, .verbose = 0});
  check_close(history["loss"], {.316571156846, .308428546580, .300697178941});
  std::vector<double> weights;
  for (const Tensor& w : model.get_weights())
    for (const double v : values(w)) weights.push_back(v);
  check_close(weights, {.14456303788, .244458783236, .1944869126, .294366826964, .33807498828, .337011070367,
                        .31338830208, .360591231051, .461417660404});
}

TEST_CASE("fit equals the hand-written loop bit for bit") {
  const auto make = [] {
    set_random_seed(4);
    return Sequential{Dense(6, {.activation = "tanh", .input_shape = {3}}), Dense(1)};
  };
  const Tensor x = linspace(-1, 1, {8, 3}, float32), y = linspace(0, 1, {8, 1}, float32);
  Sequential fitted = make(), by_hand = make();
  fitted.compile({.optimizer = optimizers::Adam(.01), .loss = "mse"});
  fitted.fit(x, y, {.batch_size = 4, .epochs = 5, .verbose = 0, .shuffle = false});
  optimizers::Adam adam(parameters(by_hand), {.learning_rate = .01});
  const losses::MeanSquaredError mse;
  for (int step = 0; step < 10; ++step) {
    const Range rows = step % 2 == 0 ? Range{0, 4} : Range{4, 8};
    Call call{.training = true};
    adam.minimize(mse(slice_axis(y, 0, rows), by_hand(slice_axis(x, 0, rows), call)));
  }
  for (std::size_t i = 0; i < 4; ++i) CHECK(values(fitted.get_weights()[i]) == values(by_hand.get_weights()[i]));
}

TEST_CASE("fit learns to tell two clouds apart") {
  set_random_seed(2);
  const Dataset data = clouds(400);
  Sequential model{Dense(8, {.activation = "relu"}), Dense(2, {.activation = "softmax"})};
  model.compile({.optimizer = optimizers::Adam(.02),
                 .loss = "sparse_categorical_crossentropy",
                 .metrics = {"accuracy"}});
  const History history =
      model.fit(data.x, data.y, {.epochs = 20, .verbose = 0, .validation_split = .25, .seed = 1});
  CHECK(history["accuracy"].size() == 20);
  CHECK(history["val_accuracy"].back() > .93);
  CHECK(history["loss"].back() < history["loss"].front() / 2);
  const Logs logs = model.evaluate(data.x, data.y);
  CHECK(logs["accuracy"] > .95);
  CHECK_THROWS_WITH(history["val_acuracy"], Catch::Contains("did you mean 'val_accuracy'"));
}

TEST_CASE("fit learns XOR with a struct of one's own") {
  struct Net {
    Dense hidden{8, {.activation = "tanh"}}, out{1, {.activation = "sigmoid"}};
    Tensor operator()(const Tensor& x, Call& call) const { return out(hidden(x, call), call); }
    void each(Visit visit) {
      visit("hidden", hidden);
      visit("out", out);
    }
  };
  set_random_seed(3);
  Net net;
  Model model(net);
  model.compile({.optimizer = optimizers::Adam(.05), .loss = "binary_crossentropy", .metrics = {"accuracy"}});
  const Tensor x = tensor({{0, 0}, {0, 1}, {1, 0}, {1, 1}}), y = tensor({0, 1, 1, 0});
  const History history = model.fit(x, y, {.batch_size = 4, .epochs = 300, .verbose = 0});
  CHECK(history["accuracy"].back() == 1);
  CHECK(history["loss"].back() < .1);
  // The struct shares its layers with the model made of it.
  Call call;
  CHECK(values(net(x, call)) == values(model(x)));
}

TEST_CASE("an epoch with a smaller last batch makes two plans, the next makes none") {
  const Planned planned;
  set_random_seed(6);
  Sequential model{Rescaling(1.0 / 255, {.input_shape = {6}}),
                   Dense(8, {.activation = "relu", .kernel_regularizer = "l2"}), Dropout(.2),
                   Dense(3, {.activation = "softmax"})};
  // A rate that starts as the weight decay, becomes 1, then a half.
  const schedules::PiecewiseConstantDecay rates({0, 1, 2}, {.01, 1.0, .5, .001});
  model.compile({.optimizer = optimizers::Adam({.learning_rate = rates, .weight_decay = .01}),
                 .loss = "sparse_categorical_crossentropy",
                 .metrics = {"accuracy"}});
  const Tensor x = cast(linspace(0, 255, {22, 6}), uint8);
  std::vector<std::int64_t> labels;
  for (int i = 0; i < 22; ++i) labels.push_back(i % 3);
  const Tensor y = tensor(labels, {22});
  eval({x, y});
  clear_plan_cache();
  reset_plan_cache_stats();
  model.fit(x, y, {.batch_size = 4, .epochs = 1, .verbose = 0});
  CHECK(plan_cache_stats().misses == 2);
  model.fit(x, y, {.batch_size = 4, .epochs = 3, .verbose = 0});
  CHECK(plan_cache_stats().misses == 2);
  CHECK(plan_cache_stats().hits == 4 * 6 - 2);
}

TEST_CASE("same seed, same weights; another seed, others") {
  const Dataset data = clouds(100);
  const auto train = [&](std::uint64_t seed) {
    set_random_seed(seed);
    Sequential model{Dense(4, {.activation = "relu"}), Dropout(.3), Dense(2, {.activation = "softmax"})};
    model.compile({.optimizer = "adam", .loss = "sparse_categorical_crossentropy"});
    model.fit(data.x, data.y, {.epochs = 2, .verbose = 0});
    return values(model.get_weights()[0]);
  };
  CHECK(train(1) == train(1));
  CHECK(train(1) != train(2));
}

TEST_CASE("validation data is evaluated and not trained on") {
  Sequential model{Dense(1, {.input_shape = {1}, .dtype = float64})};
  model.set_weights({reshape(tensor({1}, doubles), {1, 1}), tensor({0}, doubles)});
  model.compile({.optimizer = optimizers::SGD(0.0), .loss = "mse"});
  const Tensor x = linspace(0, 3, {4, 1}), y = tensor({0, 1, 0, 0}, doubles);
  // The last quarter: x = 3, y = 0.
  History h = model.fit(x, y, {.verbose = 0, .validation_split = .25});
  CHECK(h["loss"][0] == Approx(4.0 / 3));
  CHECK(h["val_loss"][0] == Approx(9));
  h = model.fit(x, y, {.verbose = 0, .validation_data = {full({1, 1}, 5, doubles), tensor({4}, doubles)}});
  CHECK(h["val_loss"][0] == Approx(1));
}

TEST_CASE("penalties are part of the loss and its gradient, never of the metrics") {
  Sequential model{Dense(1, {.use_bias = false, .kernel_regularizer = regularizers::l2(.5),
                             .activity_regularizer = regularizers::l1(.25), .input_shape = {1}, .dtype = float64})};
  model.set_weights({reshape(tensor({2}, doubles), {1, 1})});
  model.compile({.optimizer = optimizers::SGD(.1), .loss = "mse", .metrics = {"mse"}});
  const Tensor x = reshape(tensor({1, 1}, doubles), {2, 1}), y = tensor({2, 2}, doubles);
  const History h = model.fit(x, y, {.verbose = 0});
  CHECK(h["mse"][0] == 0);
  CHECK(h["loss"][0] == Approx(.5 * 4 + .25 * 4));
  CHECK(model.get_weights()[0].item() == Approx(2 - .1 * (2 + .5)));
}

TEST_CASE("sample and class weights count in the loss") {
  Sequential model{Dense(1, {.use_bias = false, .kernel_initializer = "ones", .input_shape = {1}, .dtype = float64})};
  model.compile({.optimizer = optimizers::SGD(0.0), .loss = "mse"});
  const Tensor x = reshape(tensor({1, 2, 3}, doubles), {3, 1}), y = tensor({0, 1, 1}, doubles);
  History h = model.fit(x, y, {.verbose = 0, .sample_weight = tensor({1, 2, 3}, doubles)});
  CHECK(h["loss"][0] == Approx((1 + 2 + 12) / 3.0));
  h = model.fit(x, y, {.verbose = 0, .class_weight = {{0, 10.0}}});
  CHECK(h["loss"][0] == Approx((10 + 1 + 4) / 3.0));
  CHECK(model.evaluate(x, y, {.sample_weight = tensor({0, 0, 1}, doubles)})["loss"] == Approx(4 / 3.0));
}

TEST_CASE("the loss of an epoch is the mean over samples, not over batches") {
  Sequential model{Dense(1, {.use_bias = false, .kernel_initializer = "ones", .input_shape = {1}, .dtype = float64})};
  model.compile({.optimizer = optimizers::SGD(0.0), .loss = "mse"});
  const Tensor x = reshape(tensor({0, 0, 3}, doubles), {3, 1}), y = tensor({0, 0, 0}, doubles);
  CHECK(model.fit(x, y, {.batch_size = 2, .verbose = 0, .shuffle = false})["loss"][0] == Approx(3));
}

TEST_CASE("layers hear whether they are trained or evaluated") {
  std::string heard;
  Sequential model{Dense(1, {.input_shape = {1}}), [&heard](const Tensor& x, Call& call) {
                     heard += call.training ? 't' : 'e';
                     return x;
                   }};
  model.compile({.optimizer = "sgd", .loss = "mse"});
  heard.clear();
  model.fit(ones({4, 1}), ones({4}), {.batch_size = 2, .verbose = 0, .validation_split = .25});
  // One pass that checks the shapes, two steps, one batch of validation.
  CHECK(heard == "ette");
  heard.clear();
  model.evaluate(ones({4, 1}), ones({4}));
  model.predict(ones({4, 1}));
  CHECK(heard == "eee");
}

TEST_CASE("initial_epoch goes on counting") {
  Sequential model{Dense(1, {.input_shape = {1}})};
  model.compile({.optimizer = "sgd", .loss = "mse"});
  const History h = model.fit(ones({4, 1}), ones({4}), {.epochs = 5, .verbose = 0, .initial_epoch = 3});
  CHECK(h.epochs() == std::vector<int>{3, 4});
  CHECK(model.optimizer().iterations() == 2);
}

TEST_CASE("fit shows a line an epoch in a file") {
  Sequential model{Dense(1, {.input_shape = {1}})};
  model.compile({.optimizer = "sgd", .loss = "mse", .metrics = {"mae"}});
  std::ostringstream out;
  model.fit(ones({4, 1}), ones({4}), {.epochs = 2, .validation_split = .5, .out = &out});
  CHECK_THAT(out.str(), Catch::Contains("Epoch 2/2") && Catch::Contains("loss: ") && Catch::Contains("mae: ") &&
                            Catch::Contains("val_loss: "));
  CHECK(out.str().find('\r') == std::string::npos);
}

TEST_CASE("a Parameter used but not named by each is an error that names it") {
  struct Forgetful {
    Dense named{2}, forgotten{1, {.name = "forgotten"}};
    Tensor operator()(const Tensor& x, Call& call) const { return forgotten(named(x, call), call); }
    void each(Visit visit) { visit("named", named); }
  };
  Model model{Forgetful()};
  model.compile({.optimizer = "sgd", .loss = "mse"});
  CHECK_THROWS_WITH(model.fit(ones({4, 3}), ones({4}), {.verbose = 0}),
                    Catch::Contains("forgotten/kernel") && Catch::Contains("each()"));
}

TEST_CASE("a model without parameters warns") {
  Sequential model{[](const Tensor& x) { return x * 2; }};
  model.compile({.optimizer = "sgd", .loss = "mse"});
  std::ostringstream out;
  const History h = model.fit(ones({4, 1}), ones({4, 1}), {.verbose = 0, .out = &out});
  CHECK_THAT(out.str(), Catch::Contains("no parameters"));
  CHECK(h["loss"][0] == 1);
}

TEST_CASE("a loss that is not finite names the epoch and the batch") {
  Sequential model{Dense(1, {.input_shape = {1}})};
  model.compile({.optimizer = "sgd", .loss = "mse"});
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const Tensor x = reshape(tensor({1, 1, nan, 1}), {4, 1});
  CHECK_THROWS_AS(model.fit(x, ones({4}), {.batch_size = 2, .verbose = 0, .shuffle = false}), NumericError);
  Sequential other{Dense(1, {.input_shape = {1}})};
  other.compile({.optimizer = "sgd", .loss = "mse"});
  CHECK_THROWS_WITH(other.fit(x, ones({4}), {.batch_size = 2, .verbose = 0, .shuffle = false}),
                    Catch::Contains("NaN") && Catch::Contains("epoch 1") && Catch::Contains("batch 2 of 2"));
}

TEST_CASE("a label out of range is an error that leaves the weights as they were") {
  Sequential model{Dense(3, {.activation = "softmax", .input_shape = {2}})};
  model.compile({.optimizer = "adam", .loss = "sparse_categorical_crossentropy", .metrics = {"accuracy"}});
  const std::vector<double> before = values(model.get_weights()[0]);
  CHECK_THROWS_AS(model.fit(ones({4, 2}), tensor({0, 1, 2, 3}, {.dtype = int64}), {.verbose = 0}), ValueError);
  CHECK(values(model.get_weights()[0]) == before);
  CHECK(model.optimizer().iterations() == 0);
  model.fit(ones({4, 2}), tensor({0, 1, 2, 1}, {.dtype = int64}), {.verbose = 0});
  CHECK(values(model.get_weights()[0]) != before);
}

TEST_CASE("fit says which shapes do not fit, before anything is trained") {
  Sequential model{Dense(3, {.activation = "softmax", .input_shape = {8}})};
  const Tensor x = ones({6, 8}), y = zeros({6}, {.dtype = int64});
  CHECK_THROWS_WITH(model.fit(x, y), Catch::Contains("[fit]") && Catch::Contains("compile"));
  CHECK_THROWS_WITH(model.evaluate(x, y), Catch::Contains("[evaluate]"));
  model.compile({.optimizer = "sgd", .loss = "sparse_categorical_crossentropy"});
  CHECK_THROWS_WITH(model.fit(x, zeros({5})), Catch::Contains("equally many rows") && Catch::Contains("(6, 8)") &&
                                                  Catch::Contains("(5,)"));
  CHECK_THROWS_WITH(model.fit(ones({6, 7}), y), Catch::Contains("8 features") && Catch::Contains("dense"));
  CHECK_THROWS_WITH(model.fit(x, zeros({6, 3})), Catch::Contains("one label for each row"));
  CHECK_THROWS_WITH(model.fit(x, y, {.sample_weight = ones({5})}), Catch::Contains("sample_weight"));
  CHECK_THROWS_AS(model.fit(Tensor(1.0), y), ShapeError);
  CHECK_THROWS_AS(model.fit(zeros({0, 8}), zeros({0}, {.dtype = int64})), ValueError);
  CHECK_THROWS_AS(model.fit(Tensor(), y), ValueError);
  CHECK_THROWS_AS(model.fit(x, y, {.batch_size = 0}), ValueError);
  CHECK_THROWS_AS(model.fit(x, y, {.validation_split = 1}), ValueError);
  CHECK_THROWS_AS(model.fit(x, y, {.validation_split = .99}), ValueError);
  CHECK_THROWS_AS(model.fit(x, y, {.verbose = 7}), ValueError);
  CHECK(model.optimizer().iterations() == 0);
  CHECK_THROWS_WITH((model.compile({.optimizer = "adan", .loss = "mse"})), Catch::Contains("did you mean 'adam'"));
  model.compile({.optimizer = "sgd"});
  CHECK_THROWS_WITH(model.fit(x, y), Catch::Contains("expected a loss"));
}

TEST_CASE("messages say how the usual mistakes are mended") {
  const auto compiled = [] {
    Sequential model{Dense(3, {.activation = "softmax"})};
    model.compile({.loss = "sparse_categorical_crossentropy"});
    return model;
  };
  const Tensor y = zeros({6}, {.dtype = int64});
  CHECK_THROWS_WITH(compiled().fit(ones({6}), y, {.verbose = 0}), Catch::Contains("expand_dims(x, -1)"));
  CHECK_THROWS_WITH(compiled().fit(ones({6, 2, 4}), y, {.verbose = 0}), Catch::Contains("Flatten"));
  CHECK_THROWS_WITH(compiled().fit(ones({6, 8}), zeros({6, 3}), {.verbose = 0}), Catch::Contains("categorical form"));
  Sequential model = compiled();
  model.fit(ones({6, 8}), y, {.verbose = 0});
  CHECK_THROWS_WITH(model.predict(ones({6, 2, 4})), Catch::Contains("a Flatten layer before it fits"));
  CHECK_THROWS_WITH(Dropout(20), Catch::Contains("between 0 and 1, got 20"));
  // The library's own lines help nobody.
  CHECK_THROWS_WITH(model.fit(ones({6, 8}), y + 12, {.verbose = 0}),
                    Catch::Contains("0 to 2, got 12") && !Catch::Contains(".cpp"));
}
