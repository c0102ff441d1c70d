#include "planned.hpp"

#include <catch2/catch.hpp>
#include <xgrad/graph/grad.hpp>
#include <xgrad/graph/plan.hpp>
#include <xgrad/graph/rerecord.hpp>
#include <xgrad/nn/saving.hpp>
#include <xgrad/nn/sequential.hpp>
#include <xgrad/ops/elementwise.hpp>
#include <xgrad/ops/random.hpp>
#include <xgrad/ops/reduce.hpp>
#include <xgrad/ops/shape.hpp>

#include <sstream>

using namespace xgrad;

namespace {

std::vector<double> values(const Tensor& t) { return t.to_vector<double>(); }

Tensor drawn(const Shape& shape, std::uint64_t seed) {
  Generator generator(seed);
  return normal(shape, 0, 1, {.generator = &generator});
}

/// Joins lists along the last axis.
struct Joined {
  Tensor operator()(std::span<const Tensor> xs, Call&) const { return concatenate(xs, -1); }
  Tensor operator()(std::span<const Tensor> xs) const { return call_alone(*this, xs); }
  Tensor operator()(std::initializer_list<Tensor> xs) const {
    return (*this)(std::span<const Tensor>(xs.begin(), xs.size()));
  }
  Config get_config() const { return Config::object(); }
  static Joined from_config(const Config&) { return {}; }
};

/// Two results of one input.
struct Halves {
  std::vector<Tensor> operator()(const Tensor& x, Call&) const { return split(x, 2, -1); }
};

}  // namespace

TEST_CASE("a symbolic tensor has a shape and no value") {
  const Tensor x = Input({3}, {.name = "x"});
  CHECK(is_symbolic(x));
  CHECK(x.shape() == Shape{2, 3});
  const Tensor y = exp(x) + 1;
  CHECK(is_symbolic(y));
  CHECK_FALSE(is_symbolic(ones({2, 3})));
  CHECK_THROWS_WITH(y.eval(), Catch::Contains("Model({inputs}, {outputs})"));
  CHECK_THROWS_AS(x.item(), ValueError);
  Parameter p(ones({2, 3}), "p");
  CHECK_THROWS_WITH(p.assign(y), Catch::Contains("placeholder"));
  // What is held of it disturbs no evaluation, also if it was recorded from a Parameter that is replaced.
  const Tensor z = x * p;
  p.assign(p + 1);
  eval({});
  CHECK(values(p.value())[0] == 2);
  CHECK(values(rerecord(y, {{x, zeros({1, 3})}})) == std::vector<double>{2, 2, 2});
}

TEST_CASE("a functional model gives what its layers give") {
  set_random_seed(1);
  Dense hidden(4, {.activation = "relu"}), out(2);
  const Tensor x = Input({3});
  Model model(x, out(hidden(x)));
  const Tensor data = drawn({5, 3}, 2);
  Call call;
  CHECK(values(model(data)) == values(out(hidden(data, call), call)));
  CHECK(values(model.predict(data, {.batch_size = 2})) == values(model(data)));
  CHECK(count_params(model) == 3 * 4 + 4 + 4 * 2 + 2);
  CHECK(model.names() == std::vector<std::string>{"dense", "dense_1"});
  CHECK(model.output_names() == std::vector<std::string>{"dense_1"});
  CHECK(model.kind_name() == "Functional");
  CHECK(model.input_shape() == Shape{3});
  CHECK_THROWS_WITH(model(ones({5, 4})), Catch::Contains("(batch, 3)"));
}

TEST_CASE("operations between layers are recorded again for each batch, with the newest Parameters") {
  Parameter scale(Tensor(2.0), "scale");
  const Tensor x = Input({3});
  Dense dense(3, {.kernel_initializer = "ones"});
  const Tensor h = dense(x);
  Model model(x, (h + x) * scale - mean(x, -1, true));
  const Tensor data = drawn({4, 3}, 3);
  const auto expected = [&](double s) {
    Call call;
    return values((dense(data, call) + data) * s - mean(data, -1, true));
  };
  CHECK(values(model(data)) == expected(2));
  scale.assign(Tensor(3.0));
  CHECK(values(model(data)) == expected(3));
  CHECK(weights(model).size() == 3);
  model.compile({.optimizer = optimizers::SGD(.1), .loss = "mse"});
  model.fit(data, ones({4, 3}), {.batch_size = 3, .epochs = 2, .verbose = 0});
  CHECK(scale.value().item() != 3);
  Model copy = clone(model);
  scale.assign(Tensor(0.0));
  CHECK(values(copy(data)) != values(model(data)));
}

TEST_CASE("models have several inputs and outputs, by order or by name") {
  set_random_seed(4);
  const Tensor a = Input({3}, {.name = "a"}), b = Input({2}, {.name = "b"});
  const Tensor joined = Joined()({Dense(4)(a), Dense(4)(b)});
  const Tensor price = Dense(1, {.name = "price"})(joined);
  const Tensor kind = Dense(3, {.activation = "softmax", .name = "kind"})(joined);
  Model model({a, b}, {price, kind});
  CHECK(model.input_names() == std::vector<std::string>{"a", "b"});
  CHECK(model.output_names() == std::vector<std::string>{"price", "kind"});
  const Tensor xa = drawn({6, 3}, 5), xb = drawn({6, 2}, 6);
  const Tensor yp = ones({6, 1}), yk = tensor({0, 1, 2, 0, 1, 2}, {.dtype = int64});
  model.compile({.optimizer = "sgd",
                 .loss = {{"price", "mse"}, {"kind", "sparse_categorical_crossentropy"}},
                 .loss_weights = {{"kind", .5}},
                 .metrics = {{"kind", {"accuracy"}}}});
  const Logs logs = model.evaluate({xa, xb}, {yp, yk});
  CHECK(logs["loss"] == Approx(logs["price_loss"] + .5 * logs["kind_loss"]));
  CHECK(logs.contains("kind_accuracy"));
  const Logs by_name = model.evaluate({{"b", xb}, {"a", xa}}, {{"kind", yk}, {"price", yp}});
  CHECK(by_name["loss"] == logs["loss"]);
  const History history =
      model.fit({xa, xb}, {yp, yk}, {.batch_size = 3, .epochs = 3, .verbose = 0, .validation_split = .3});
  CHECK(history["loss"].back() < history["loss"].front());
  CHECK(history.contains("val_price_loss"));
  const std::vector<Tensor> predicted = model.predict({xa, xb});
  REQUIRE(predicted.size() == 2);
  CHECK(predicted[1].shape() == Shape{6, 3});

  CHECK_THROWS_WITH(model.fit({xa}, {yp, yk}), Catch::Contains("[fit] expected 2 inputs ('a', 'b'), got 1"));
  CHECK_THROWS_WITH(model.fit({xa, xb}, {yp}), Catch::Contains("each of the model's 2 outputs, got 1"));
  CHECK_THROWS_WITH(model.fit({{"a", xa}, {"bb", xb}}, {yp, yk}), Catch::Contains("did you mean 'b'"));
  CHECK_THROWS_WITH(model.compile({.loss = {{"prise", "mse"}}}), Catch::Contains("did you mean 'price'"));
  CHECK_THROWS_WITH(model.compile({.loss = {"mse"}}), Catch::Contains("each of 2 outputs"));
  CHECK_THROWS_WITH(model.predict(xa), Catch::Contains("expected 2 inputs"));
  CHECK_THROWS_WITH(model.fit({xa, xb}, {yp, yk}, {.sample_weight = {ones({6}), ones({6}), ones({6})}}),
                    Catch::Contains("sample_weight"));
}

TEST_CASE("a layer that is called twice is shared") {
  set_random_seed(7);
  const Tensor a = Input({3}), b = Input({3});
  Dense shared(4);
  Model model({a, b}, Dense(1)(shared(a) - shared(b)));
  CHECK(model.names() == std::vector<std::string>{"dense", "dense_1"});
  CHECK(count_params(model) == 3 * 4 + 4 + 4 + 1);
  const Tensor x = drawn({2, 3}, 8);
  // Equal inputs leave the last layer's bias alone.
  CHECK(values(model({x, x})[0]) == std::vector<double>{0, 0});
}

TEST_CASE("models are layers of models, and a layer may have several results") {
  set_random_seed(9);
  const Tensor x = Input({4});
  const std::vector<Tensor> halves = Layer(Halves())({x});
  REQUIRE(halves.size() == 2);
  Sequential inner{Dense(3, {.activation = "tanh"}), Dense(2)};
  Model model(x, Joined()({inner(halves[0]), inner(halves[1])}));
  CHECK(model.names() == std::vector<std::string>{"halves", "sequential", "joined"});
  const Tensor data = drawn({5, 4}, 10);
  const Tensor expected = concatenate({inner(slice_axis(data, 1, {0, 2})), inner(slice_axis(data, 1, {2, 4}))}, -1);
  CHECK(values(model(data)) == values(expected));
  const Tensor outer = Input({4});
  Model around(outer, Dense(1)(model(outer)));
  CHECK(around.predict(data).shape() == Shape{5, 1});
  CHECK(weights(around)[0].name == "functional/sequential/dense/kernel");
  std::ostringstream text;
  around.summary(text, {.expand_nested = true});
  CHECK_THAT(text.str(), Catch::Contains("Connected to") && Catch::Contains("functional (Functional)") &&
                             Catch::Contains("sequential (Sequential)") && Catch::Contains("(None, 4)"));
}

TEST_CASE("layers in a functional model hear of training, and draw anew each step") {
  const Tensor x = Input({100});
  Model model(x, Dropout(.5)(x));
  Call call{.training = true};
  const Tensor data = ones({1, 100});
  const std::vector<double> first = values(model(data, call)), second = values(model(data, call));
  CHECK(first != second);
  CHECK(values(model(data)) == values(data));
}

TEST_CASE("a functional model trains like a Sequential of the same layers, with as many plans") {
  const Planned planned;
  const auto make = [](bool functional) {
    set_random_seed(11);
    if (!functional)
      return Model(
          Sequential{Dense(6, {.activation = "relu", .input_shape = {3}}), Dropout(.2, {.seed = 5}), Dense(1)});
    const Tensor x = Input({3});
    return Model(x, Dense(1)(Dropout(.2, {.seed = 5})(Dense(6, {.activation = "relu"})(x))));
  };
  const Tensor x = drawn({10, 3}, 12), y = drawn({10, 1}, 13);
  eval({x, y});
  const auto train = [&](Model model) {
    model.compile({.optimizer = "adam", .loss = "mse"});
    clear_plan_cache();
    reset_plan_cache_stats();
    model.fit(x, y, {.batch_size = 4, .epochs = 3, .verbose = 0, .seed = 1});
    CHECK(plan_cache_stats().misses == 2);
    std::vector<double> out;
    for (const Tensor& w : model.get_weights())
      for (const double v : values(w)) out.push_back(v);
    return out;
  };
  CHECK(train(make(true)) == train(make(false)));
}

TEST_CASE("outputs that do not follow from the inputs are errors") {
  const Tensor x = Input({3}, {.name = "x"}), other = Input({3}, {.name = "other"});
  CHECK_THROWS_WITH(Model(x, Dense(2)(x + other)), Catch::Contains("'other'") && Catch::Contains("not among"));
  CHECK_THROWS_WITH(Model(x, Tensor(ones({2, 3}))), Catch::Contains("no Input"));
  CHECK_THROWS_WITH(Model(Tensor(ones({2, 3})), x), Catch::Contains("symbolic"));
  CHECK_THROWS_WITH(Model({x, x}, x), Catch::Contains("twice"));
  CHECK_THROWS_WITH(Joined()({x, Input({3, 2})}), Catch::Contains("concatenate"));
  CHECK_THROWS_WITH(Model({x, other}, {Dense(1, {.name = "d"})(x), Dense(1, {.name = "d"})(other)}),
                    Catch::Contains("different names, got 'd' twice"));
  // A part of a graph is a model too.
  const Tensor h = Dense(2)(x), y = Dense(1)(h);
  CHECK(Model(h, y).names().size() == 1);
  CHECK(Model(x, {h, y}).output_names() == std::vector<std::string>{"dense", "dense_1"});
}

TEST_CASE("train_on_batch, test_on_batch and predict_on_batch do one step") {
  const Tensor x = ones({2, 1}, {.dtype = float64}), y = zeros({2, 1}, {.dtype = float64});
  Sequential model{Dense(1, {.use_bias = false, .kernel_initializer = "ones", .input_shape = {1}, .dtype = float64})};
  CHECK_THROWS_WITH(model.train_on_batch(x, y), Catch::Contains("compile"));
  model.compile({.optimizer = optimizers::SGD(.25), .loss = "mse", .weighted_metrics = {"mae"}});
  CHECK(model.train_on_batch(x, y, {.sample_weight = tensor({1, 3}, {.dtype = float64})})["loss"] == 2);
  CHECK(model.predict_on_batch(x).to_vector<double>() == std::vector<double>{0, 0});
  // The mean of both batches, until the metrics are reset.
  CHECK(model.test_on_batch(x, y)["loss"] == 1);
  model.reset_metrics();
  CHECK(model.test_on_batch(x, y)["mae"] == 0);
  CHECK(model.optimizer().iterations() == 1);
}

TEST_CASE("a train step of one's own runs in one plan and gives the logs") {
  const Planned planned;
  struct Pair {
    Dense a{1, {.kernel_initializer = "ones"}}, b{1, {.kernel_initializer = "ones"}};
    Tensor operator()(const Tensor& x, Call& call) const { return b(a(x, call), call); }
    void each(Visit visit) {
      visit("a", a);
      visit("b", b);
    }
  };
  Pair pair;
  Model model(pair);
  model.compile({});
  optimizers::SGD first(.1), second(.01);
  model.set_train_step([&](const Dataset& batch) -> StepLogs {
    Call call{.training = true};
    const Tensor loss = mean(square(pair(batch.x[0], call)));
    const std::vector<Parameter> pa = parameters(pair.a), pb = parameters(pair.b);
    const auto da = grad(loss, std::span<const Parameter>(pa)), db = grad(loss, std::span<const Parameter>(pb));
    first.record(pa, da);
    second.record(pb, db);
    return {{"loss", loss}, {"norm", sum(square(da[0]))}};
  });
  const Tensor x = drawn({8, 2}, 14);
  model(x);
  clear_plan_cache();
  reset_plan_cache_stats();
  const History history = model.fit(x, Tensors(), {.batch_size = 4, .epochs = 5, .verbose = 0});
  CHECK(plan_cache_stats().misses <= 2);
  CHECK(history["loss"].back() < history["loss"].front());
  CHECK(history.contains("norm"));
  CHECK(second.iterations() == 10);
}

TEST_CASE("batches may come from a function") {
  Sequential model{Dense(1, {.input_shape = {2}})};
  model.compile({.optimizer = optimizers::SGD(.05), .loss = "mse"});
  int asked = 0;
  const BatchSource source{[&](std::int64_t epoch, std::int64_t step) -> std::optional<Dataset> {
    ++asked;
    if (step == 3) return {};
    const Tensor x = drawn({4, 2}, static_cast<std::uint64_t>(epoch * 3 + step));
    return Dataset{x, sum(x, -1, true)};
  }};
  const History history = model.fit(source, {.epochs = 8, .verbose = 0, .validation_source = source});
  CHECK(history["loss"].back() < history["loss"].front() / 2);
  CHECK(history.contains("val_loss"));
  CHECK(model.optimizer().iterations() == 24);
  CHECK(model.evaluate(source, {.steps = 2})["loss"] > 0);
  CHECK_THROWS_WITH(model.fit(source, {.validation_split = .5}), Catch::Contains("source"));
}

TEST_CASE("steps_per_epoch cuts epochs, and the rows go on where they stopped") {
  Sequential model{Dense(1, {.input_shape = {1}})};
  model.compile({.optimizer = optimizers::SGD(0.0), .loss = "mse"});
  const Tensor x = ones({6, 1}), y = zeros({6, 1});
  const History h = model.fit(x, y,
                              {.batch_size = 2,
                               .epochs = 4,
                               .verbose = 0,
                               .validation_split = 0,
                               .validation_data = {x, y},
                               .steps_per_epoch = 2,
                               .validation_freq = {2}});
  CHECK(model.optimizer().iterations() == 8);
  CHECK(h["val_loss"].size() == 2);
  CHECK_THROWS_WITH(model.fit(x, y, {.steps_per_epoch = -1}), Catch::Contains("steps_per_epoch"));
  CHECK_THROWS_WITH(model.fit(x, y, {.validation_freq = {0}}), Catch::Contains("validation_freq"));
  CHECK_THROWS_WITH(model.fit(x, y, {.validation_split = 1.5}), Catch::Contains("validation_split"));
}

TEST_CASE("frozen layers are not trained") {
  Sequential model{Dense(3, {.input_shape = {2}}), Dense(1)};
  set_trainable(model.get_layer("dense"), false);
  const std::vector<double> before = values(model.get_weights()[0]), last = values(model.get_weights()[2]);
  model.compile({.optimizer = "sgd", .loss = "mse"});
  model.fit(drawn({8, 2}, 15), ones({8, 1}), {.verbose = 0});
  CHECK(values(model.get_weights()[0]) == before);
  CHECK(values(model.get_weights()[2]) != last);
  std::ostringstream text;
  model.summary(text);
  CHECK_THAT(text.str(), Catch::Contains("Non-trainable params: 9"));
  Dense unbuilt(2);
  CHECK_THROWS_WITH(set_trainable(unbuilt, false), Catch::Contains("built"));
}
