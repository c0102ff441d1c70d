#include <catch2/catch.hpp>
#include <xgrad/graph/grad.hpp>
#include <xgrad/nn/sequential.hpp>
#include <xgrad/ops/activation.hpp>
#include <xgrad/ops/elementwise.hpp>
#include <xgrad/ops/product.hpp>
#include <xgrad/ops/reduce.hpp>
#include <xgrad/ops/shape.hpp>

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <sstream>

using namespace xgrad;

namespace {

constexpr TensorOptions doubles{.dtype = float64};

std::vector<double> values(const Tensor& t) { return t.to_vector<double>(); }

/// A layer of one's own, and a model with a shared sublayer.
struct Scale {
  Parameter factor{Tensor(2.0), "factor"};
  Tensor operator()(const Tensor& x) const { return x * factor; }
  void each(Visit visit) { visit("factor", factor); }
};

struct Twice {
  Dense shared{3, {.activation = "tanh"}};
  Scale scale;
  std::vector<Dense> more{Dense(3), Dense(1)};
  Tensor operator()(const Tensor& x, Call& call) const {
    Tensor y = scale(shared(shared(x, call), call));
    for (const Dense& layer : more) y = layer(y, call);
    return y;
  }
  void each(Visit visit) {
    visit("shared", shared);
    visit("again", shared);
    visit("scale", scale);
    visit("more", more);
  }
};

std::vector<std::string> names_of(auto& model) {
  std::vector<std::string> out;
  for (const NamedParameter& weight : weights(model)) out.push_back(weight.name);
  return out;
}

std::string temporary(const char* name) { return (std::filesystem::temp_directory_path() / name).string(); }

}  // namespace

TEST_CASE("each names every Parameter once, by its path") {
  Twice model;
  CHECK(names_of(model) == std::vector<std::string>{"scale/factor"});
  Call call;
  model(zeros({2, 3}), call);
  CHECK(names_of(model) == std::vector<std::string>{"shared/kernel", "shared/bias", "scale/factor", "more/0/kernel",
                                                     "more/0/bias", "more/1/kernel", "more/1/bias"});
  CHECK(count_params(model) == 12 + 1 + 12 + 4);
  model.scale.factor.set_trainable(false);
  CHECK(parameters(model).size() == 6);
}

TEST_CASE("a clone has its own Parameters and keeps what is shared inside it") {
  Twice model;
  Call call;
  const Tensor x = ones({2, 3});
  model(x, call);
  Twice copy = clone(model);
  CHECK(values(copy(x, call)) == values(model(x, call)));
  CHECK(names_of(copy) == names_of(model));
  const std::vector<double> before = values(model(x, call));
  for (const Parameter& p : parameters(copy)) p.assign(zeros(p.shape()));
  CHECK(values(copy(x, call)) == std::vector<double>{0, 0});
  CHECK(values(model(x, call)) == before);

  Sequential first{Dense(2, {.input_shape = {3}}), Dropout(.5, {.seed = 1}), Sequential{Dense(1)}};
  Sequential second = clone(first);
  Sequential same = first;
  second.set_weights(std::vector{zeros({3, 2}), zeros({2}), zeros({2, 1}), zeros({1})});
  CHECK(values(second(x)) == std::vector<double>{0, 0});
  CHECK(values(first(x)) == values(same(x)));
  CHECK(values(first(x)) != values(second(x)));
  second.add(Dense(4));
  CHECK(first.size() == 3);
  CHECK(second.size() == 4);
  same.add(Dense(4));
  CHECK(first.size() == 4);
}

TEST_CASE("a hand-written loop trains a struct of one's own") {
  set_random_seed(1);
  Twice model;
  Call call{.training = true};
  const Tensor x = reshape(arange(30, doubles), {10, 3}) / 30;
  const Tensor y = sum(x, 1, true);
  model(x, call);
  optimizers::Adam adam(parameters(model), {.learning_rate = .02});
  double first = 0, last = 0;
  for (int i = 0; i < 300; ++i) {
    auto [loss, grads] = value_and_grad([&] { return mean(square(model(x, call) - y)); },
                                        std::span<const Parameter>(adam.parameters()));
    adam.apply(adam.parameters(), grads);
    last = loss.item();
    if (i == 0) first = last;
  }
  CHECK(last < first / 100);
}

TEST_CASE("Sequential names its layers and builds them as soon as shapes are known") {
  Sequential model{Flatten({.input_shape = {28, 28}}), Dense(128, {.activation = "relu"}), Dropout(.2),
                   Dense(10, {.activation = "softmax", .name = "digits"}), relu, [](const Tensor& x) { return x; }};
  CHECK(model.names() ==
        std::vector<std::string>{"flatten", "dense", "dropout", "digits", "function", "function_1"});
  CHECK(names_of(model) ==
        std::vector<std::string>{"dense/kernel", "dense/bias", "digits/kernel", "digits/bias"});
  CHECK(count_params(model) == 101770);
  CHECK(model.get_layer("dense").get_if<Dense>()->units() == 128);
  CHECK_THROWS_WITH(model.get_layer("densee"), Catch::Contains("did you mean 'dense'"));
  CHECK_THROWS_AS(model.get_layer(6), ValueError);
  CHECK_THROWS_WITH(model.add(Dense(3, {.name = "digits"})), Catch::Contains("'digits' twice"));
  model.pop();
  CHECK(model.size() == 5);
  CHECK_THROWS_AS(Sequential().pop(), ValueError);
}

TEST_CASE("a network of course widths has the numbers of parameters one counts by hand") {
  Sequential regression{Dense(5, {.activation = "relu", .input_shape = {8}}), Dense(5, {.activation = "relu"}),
                        Dense(1)};
  CHECK(count_params(regression) == 81);
  Sequential digits{Dense(784, {.activation = "relu", .input_shape = {784}}), Dense(100, {.activation = "relu"}),
                    Dense(10, {.activation = "softmax"})};
  CHECK(count_params(digits) == 694950);
}

TEST_CASE("layers without an activation are one linear layer") {
  Sequential model{Dense(2, {.input_shape = {2}, .dtype = float64}), Dense(1)};
  model.set_weights({tensor({{1, 2}, {3, 4}}, doubles), tensor({.5, -.5}, doubles),
                     reshape(tensor({1, -1}, doubles), {2, 1}), tensor({2}, doubles)});
  CHECK(values(model(tensor({{1, 2}, {3, 4}}, doubles))) == std::vector<double>{0, -4});
}

TEST_CASE("nested models and lambdas that take a Call are layers") {
  Sequential inner{Dense(4), Dropout(.5)};
  Sequential model{inner, [](const Tensor& x, Call& call) { return call.training ? x * 0 : x; }, Dense(1)};
  const Tensor x = ones({2, 3});
  CHECK(model(x).shape() == Shape{2, 1});
  CHECK(names_of(model) == std::vector<std::string>{"sequential/dense/kernel", "sequential/dense/bias", "dense/kernel",
                                                     "dense/bias"});
  Call call{.training = true};
  CHECK(values(model(x, call)) == std::vector<double>{0, 0});
}

TEST_CASE("an error inside a Sequential names the layer") {
  Sequential model{Dense(4, {.input_shape = {3}}), Dense(2)};
  CHECK_THROWS_WITH(model(zeros({2, 5})), Catch::Contains("in dense") && Catch::Contains("(2, 5)"));
  CHECK_THROWS_WITH((Sequential{Input({3}), Dense(4, {.input_shape = {5}, .name = "wide"})}),
                    Catch::Contains("wide") && Catch::Contains("5 features"));
}

TEST_CASE("set_weights replaces all weights or none") {
  Sequential model{Dense(2, {.input_shape = {2}})};
  const std::vector<double> before = values(model.get_weights()[0]);
  CHECK_THROWS_WITH(model.set_weights({zeros({2, 2})}),
                    Catch::Contains("expected 2 tensors") && Catch::Contains("got 1"));
  CHECK_THROWS_WITH(model.set_weights({zeros({2, 2}), zeros({3})}), Catch::Contains("dense/bias"));
  CHECK(values(model.get_weights()[0]) == before);
  model.set_weights({ones({2, 2}), tensor({1, 2}, doubles)});
  CHECK(values(model.get_weights()[1]) == std::vector<double>{1, 2});
  CHECK_THROWS_WITH(Sequential{Dense(2)}.set_weights({zeros({2, 2})}), Catch::Contains("not built"));
}

TEST_CASE("saved weights come back bit for bit, with the state of the generators") {
  const std::string path = temporary("xgrad_nn_model_test.safetensors");
  set_random_seed(5);
  const auto make = [] {
    return Sequential{Dense(8, {.activation = "tanh", .input_shape = {3}}), Dropout(.5), Dense(2)};
  };
  Sequential model = make();
  Call training{.training = true};
  const Tensor x = reshape(arange(12, {.dtype = float32}), {4, 3});
  eval({model(x, training)});
  model.save_weights(path);
  Sequential other = make();
  CHECK(values(other.predict(x)) != values(model.predict(x)));
  other.load_weights(path);
  CHECK(values(other.predict(x)) == values(model.predict(x)));
  CHECK(values(other(x, training)) == values(model(x, training)));

  Sequential wider{Dense(9, {.input_shape = {3}}), Dense(2)};
  const std::vector<double> before = values(wider.get_weights()[0]);
  CHECK_THROWS_WITH(wider.load_weights(path), Catch::Contains("dense/kernel") && Catch::Contains("(3, 9)") &&
                                                  Catch::Contains("(3, 8)"));
  CHECK(values(wider.get_weights()[0]) == before);
  Sequential renamed{Dense(8, {.input_shape = {3}, .name = "dens"}), Dense(2)};
  CHECK_THROWS_WITH(renamed.load_weights(path), Catch::Contains("did you mean 'dense"));
  Sequential shorter{Dense(8, {.input_shape = {3}})};
  CHECK_THROWS_WITH(shorter.load_weights(path), Catch::Contains("dense_1/"));
  CHECK_THROWS_WITH(Sequential{Dense(8)}.load_weights(path), Catch::Contains("input_shape"));
  std::remove(path.c_str());
  CHECK_THROWS_AS(model.load_weights(path), IoError);
}

TEST_CASE("a full disk while saving is an error") {
  Sequential model{Dense(8, {.input_shape = {3}})};
  CHECK_THROWS_AS(model.save_weights("/dev/full/weights"), IoError);
}

TEST_CASE("a summary shows layers, shapes and numbers of parameters") {
  Sequential model{Flatten({.input_shape = {28, 28}}), Dense(128, {.activation = "relu"}), Dropout(.2), Dense(10)};
  std::ostringstream out;
  model.summary(out);
  const std::string text = out.str();
  for (const char* part : {"flatten (Flatten)", "(None, 784)", "dense (Dense)", "(None, 128)", "100,480",
                           "dense_1 (Dense)", "1,290",
                           "Total params: 101,770 (397.54 KB)", "Trainable params: 101,770"})
    CHECK_THAT(text, Catch::Contains(part));
  std::ostringstream own;
  Model(Twice()).summary(own);
  CHECK(kind_of<std::vector<int>>() == "vector");
  CHECK(kind_of<decltype(&relu)>() == "Function");
  CHECK_THAT(own.str(), Catch::Contains("shared (Dense)") && Catch::Contains("scale (Scale)") &&
                            Catch::Contains("not built"));
}

TEST_CASE("calling a built model changes nothing about it") {
  Sequential model{Dense(4, {.input_shape = {3}})};
  std::ostringstream before, after;
  model.summary(before);
  model(zeros({2, 5, 3}));
  model.summary(after);
  CHECK(before.str() == after.str());
}

TEST_CASE("predict gives one output a row, whatever the batch size") {
  Sequential model{Dense(3, {.activation = "tanh", .input_shape = {2}})};
  const Tensor x = reshape(arange(14, {.dtype = float32}), {7, 2}) / 14;
  const std::vector<double> expected = values(model(x));
  for (const std::int64_t batch : {1, 3, 7, 100}) {
    const std::vector<double> got = values(model.predict(x, {.batch_size = batch}));
    REQUIRE(got.size() == expected.size());
    for (std::size_t i = 0; i < got.size(); ++i) CHECK(got[i] == Approx(expected[i]).epsilon(1e-6));
  }
  CHECK(model.predict(zeros({0, 2})).shape() == Shape{0, 3});
  CHECK_THROWS_AS(model.predict(Tensor(1.0)), ShapeError);
  CHECK_THROWS_AS(model.predict(x, {.batch_size = 0}), ValueError);
}
