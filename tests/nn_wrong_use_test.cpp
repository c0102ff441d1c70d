/// Wrong use says what was expected, what came, and where: one case for each way to go wrong.
#include <catch2/catch.hpp>
#include <xgrad/nn/callbacks.hpp>
#include <xgrad/nn/core_layers.hpp>
#include <xgrad/nn/saving.hpp>
#include <xgrad/nn/sequential.hpp>
#include <xgrad/ops/shape.hpp>

using namespace xgrad;
using Catch::Contains;

namespace {

Model network(const char* loss = "mse") {
  Sequential model{Dense(4, {.activation = "relu", .input_shape = {3}, .name = "hidden"}), Dense(2, {.name = "out"})};
  model.compile({.optimizer = "sgd", .loss = loss});
  return model;
}

Model two_outputs() {
  const Tensor x = Input({3});
  return Model({x}, {{"price", Dense(1, {.name = "price"})(x)}, {"kind", Dense(2, {.name = "kind"})(x)}});
}

const FitOptions silent{.verbose = 0};
Tensor x() { return ones({6, 3}); }
Tensor y() { return ones({6, 2}); }

}  // namespace

TEST_CASE("an unknown name is an error that lists the near ones") {
  Model model = network();
  CHECK_THROWS_WITH(model.compile({.optimizer = "adma"}), Contains("optimizer") && Contains("did you mean 'adam'"));
  CHECK_THROWS_WITH(model.compile({.loss = "mea_squared_error"}), Contains("loss") && Contains("mean_squared_error"));
  CHECK_THROWS_WITH(model.compile({.loss = "mse", .metrics = {"acuracy"}}), Contains("metric") && Contains("accuracy"));
  CHECK_THROWS_WITH(Dense(2, {.activation = "rleu"}), Contains("activation") && Contains("did you mean 'relu'"));
  CHECK_THROWS_WITH(Dense(2, {.kernel_initializer = "he_norml"}), Contains("initializer") && Contains("he_normal"));
  CHECK_THROWS_WITH(model.get_layer("hiden"), Contains("did you mean 'hidden'"));
  CHECK_THROWS_WITH(two_outputs().compile({.loss = {{"prise", "mse"}, {"kind", "mse"}}}),
                    Contains("compile") && Contains("did you mean 'price'"));
  CHECK_THROWS_WITH(callbacks::EarlyStopping({.mode = "up"}), Contains("'auto', 'min' or 'max', got 'up'"));
}

TEST_CASE("shapes that do not fit name the layer and both shapes") {
  Model model = network();
  CHECK_THROWS_WITH(model.fit(ones({6, 4}), y(), silent), Contains("hidden") && Contains("(6, 4)") && Contains("3"));
  CHECK_THROWS_WITH(model.predict(ones({6, 4})), Contains("hidden") && Contains("(6, 4)"));
  CHECK_THROWS_WITH(model.fit(x(), ones({6, 3}), silent), Contains("(6, 3)") && Contains("(6, 2)"));
  CHECK_THROWS_WITH(model.fit(x(), ones({5, 2}), silent),
                    Contains("[fit]") && Contains("(6, 3)") && Contains("(5, 2)"));
  CHECK_THROWS_WITH(two_outputs()(ones({6, 4})), Contains("(batch, 3)") && Contains("(6, 4)"));
}

TEST_CASE("a label out of range says which are allowed, and changes nothing") {
  Model model = network("sparse_categorical_crossentropy");
  model(x());
  const std::vector<double> before = model.get_weights()[0].to_vector<double>();
  Tensor labels = tensor({0, 1, 0, 2, 1, 0});
  CHECK_THROWS_WITH(model.fit(x(), labels, silent), Contains("0 to 1, got 2"));
  CHECK_THROWS_WITH(model.evaluate(x(), tensor({0, 1, 0, -1, 1, 0})), Contains("got -1"));
  CHECK(model.get_weights()[0].to_vector<double>() == before);
}

TEST_CASE("a wrong number of outputs, losses or targets is counted") {
  Model model = two_outputs();
  CHECK_THROWS_WITH(model.compile({.loss = {losses::Loss("mse"), "mse", "mae"}}),
                    Contains("2 outputs") && Contains("'price', 'kind'") && Contains("got 3"));
  CHECK_THROWS_WITH(model.compile({.loss = "mse", .loss_weights = {.5}}), Contains("loss weight") && Contains("got 1"));
  model.compile({.loss = "mse"});
  CHECK_THROWS_WITH(model.fit(x(), ones({6, 1}), silent), Contains("2 outputs") && Contains("got 1 tensor"));
  Model one = network();
  CHECK_THROWS_WITH(one.fit(x(), {y(), y()}, silent), Contains("1 output") && Contains("got 2 tensors"));
  CHECK_THROWS_WITH(one.fit({x(), x()}, y(), silent), Contains("1 input") && Contains("2"));
}

TEST_CASE("sample weights of the wrong length say both lengths") {
  Model model = network();
  FitOptions options = silent;
  options.sample_weight = ones({5});
  CHECK_THROWS_WITH(model.fit(x(), y(), options), Contains("sample_weight") && Contains("(6, 3)") && Contains("(5,)"));
  CHECK_THROWS_WITH(model.train_on_batch(x(), y(), {.sample_weight = ones({5})}), Contains("sample_weight"));
  CHECK_THROWS_WITH(model.evaluate(x(), y(), {.sample_weight = ones({7})}),
                    Contains("sample_weight") && Contains("(7,)"));
}

TEST_CASE("a validation split of 1.5, and other options out of range, are refused") {
  Model model = network();
  const auto with = [&](auto change) {
    FitOptions options = silent;
    change(options);
    model.fit(x(), y(), options);
  };
  CHECK_THROWS_WITH(with([](FitOptions& o) { o.validation_split = 1.5; }),
                    Contains("validation_split") && Contains("0 to below 1") && Contains("1.5"));
  CHECK_THROWS_WITH(with([](FitOptions& o) { o.validation_split = -.1; }), Contains("validation_split"));
  CHECK_THROWS_WITH(with([](FitOptions& o) { o.batch_size = 0; }), Contains("batch_size") && Contains("0"));
  CHECK_THROWS_WITH(with([](FitOptions& o) { o.epochs = -1; }), Contains("epochs"));
  CHECK_THROWS_WITH(with([](FitOptions& o) { o.validation_freq = {0}; }), Contains("validation_freq"));
}

TEST_CASE("what is forgotten is asked for") {
  Sequential model{Dense(2, {.input_shape = {3}})};
  CHECK_THROWS_WITH(model.fit(x(), y(), silent), Contains("[fit]") && Contains("call compile first"));
  CHECK_THROWS_WITH(model.evaluate(x(), y()), Contains("[evaluate]") && Contains("call compile first"));
  CHECK_THROWS_WITH(model.train_on_batch(x(), y()), Contains("[train_on_batch]") && Contains("call compile first"));
  CHECK_THROWS_WITH(model.optimizer(), Contains("call compile first"));
  CHECK_THROWS_WITH(model.get_compile_config(), Contains("call compile first"));
  model.compile({.optimizer = "sgd"});
  CHECK_THROWS_WITH(model.fit(x(), y(), silent), Contains("a loss: compile({.loss = ...})"));
  // Weights that are not there yet.
  Sequential unbuilt{Dense(2)};
  CHECK_THROWS_WITH(unbuilt.save_weights("never"), Contains("not built"));
  CHECK_THROWS_WITH(unbuilt.load_weights("never"), Contains("no weights yet"));
  CHECK_THROWS_WITH(unbuilt.save("never"), Contains("not built"));
  CHECK_THROWS_WITH(unbuilt.set_weights({ones({3, 2}), ones({2})}), Contains("not built"));
  CHECK_THROWS_WITH(set_trainable(unbuilt, false), Contains("not there yet"));
  // Predicting builds the layers for the rows it is given, as in Keras; without rows it says so.
  CHECK(unbuilt.predict(x()).shape() == Shape{6, 2});
  CHECK_THROWS_WITH(Sequential{Dense(2)}.predict(Tensor()), Contains("[predict]"));
}
