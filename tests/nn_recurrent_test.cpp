#include "reference_cases.hpp"

#include <catch2/catch.hpp>
#include <xgrad/graph/capture.hpp>
#include <xgrad/nn/conv_recurrent.hpp>
#include <xgrad/nn/core_layers.hpp>
#include <xgrad/nn/dense.hpp>
#include <xgrad/nn/recurrent.hpp>
#include <xgrad/nn/saving.hpp>
#include <xgrad/nn/sequential.hpp>
#include <xgrad/nn/wrapper_layers.hpp>
#include <xgrad/ops/creation.hpp>
#include <xgrad/ops/elementwise.hpp>
#include <xgrad/ops/product.hpp>
#include <xgrad/ops/random.hpp>
#include <xgrad/ops/reduce.hpp>
#include <xgrad/ops/shape.hpp>

#include <sstream>

using namespace xgrad;
using reference::Json;

namespace {

std::vector<double> values(const Tensor& t) { return t.to_vector<double>(); }

Tensor drawn(const Shape& shape, std::uint64_t seed, DType dtype = float64) {
  Generator generator(seed);
  return normal(shape, 0, 1, {.dtype = dtype, .generator = &generator});
}

/// -.5 ... .5 in this shape.
Tensor ramp(const Shape& shape) {
  std::vector<double> numbers;
  for (std::int64_t i = 0; i < shape.size(); ++i)
    numbers.push_back(-.5 + static_cast<double>(i) / static_cast<double>(shape.size() - 1));
  return tensor(numbers, shape, {.dtype = float64});
}

template <class L>
void set_ramps(L& layer, const Tensor& x) {
  layer(x);
  for (const NamedParameter& weight : weights(layer)) weight.parameter.assign(ramp(weight.parameter.shape()));
  eval({});
}

void check_close(const std::vector<double>& found, const std::vector<double>& expected, double tolerance) {
  REQUIRE(found.size() == expected.size());
  for (std::size_t i = 0; i < found.size(); ++i) CHECK(std::fabs(found[i] - expected[i]) < tolerance);
}

/// One case in one dtype: outputs of all calls, and gradients by inputs and weights.
void check_case(const Json& one, DType dtype, double tolerance) {
  const auto numbers = [&](const Json& json) { return cast(reference::tensor_of(json), dtype); };
  const Layer layer = layer_from_config(
      Config::parse(Json{{"class_name", one.at("class_name")}, {"config", one.at("config")}}.dump()));
  std::vector<Tensor> xs;
  for (const Json& x : one.at("in")) xs.push_back(numbers(x));
  const Tensor mask = one.contains("mask") ? reference::tensor_of(one.at("mask")) : Tensor();
  {
    const NoGrad no_grad;
    Call build{.dry = true};
    layer(xs, build);
  }
  Layer named = layer;
  std::vector<Tensor> own;
  const std::vector<NamedParameter> all = weights(named);
  REQUIRE(all.size() == one.at("weights").size());
  for (std::size_t i = 0; i < all.size(); ++i) all[i].parameter.assign(numbers(one.at("weights")[i]));
  eval({});
  for (const NamedParameter& weight : all) own.push_back(weight.parameter);
  std::vector<Tensor> outs;
  for (const Json& expected : one.at("calls")) {
    Call call{.mask = mask};
    outs = layer(xs, call);
    REQUIRE(outs.size() == expected.size());
    for (std::size_t i = 0; i < outs.size(); ++i) {
      CHECK(outs[i].shape() == reference::shape_of(expected[i].at("shape")));
      CHECK(outs[i].dtype() == dtype);
      reference::check_reals("value", outs[i], reference::reals_of(expected[i].at("values")), tolerance);
    }
  }
  if (!one.contains("seeds")) return;
  std::vector<Tensor> wanted = xs, seeds;
  wanted.insert(wanted.end(), own.begin(), own.end());
  for (const Json& seed : one.at("seeds")) seeds.push_back(numbers(seed));
  const std::vector<Tensor> found = vjp(outs, wanted, seeds, Unused::zero);
  for (std::size_t i = 0; i < found.size(); ++i) {
    INFO("gradient " << i);
    const Json& expected = i < xs.size() ? one.at("grads")[i] : one.at("weight_grads")[i - xs.size()];
    reference::check_reals("gradient", found[i], reference::reals_of(expected.at("values")), 10 * tolerance);
  }
}

Json all_cases() {
  std::ifstream stream(std::filesystem::path(XGRAD_TEST_FILES).parent_path() / "reference" / "keras_recurrent.json");
  REQUIRE(stream.good());
  return Json::parse(stream).at("cases");
}

}  // namespace

TEST_CASE("recurrent layers give Keras's and PyTorch's values and gradients") {
  std::set<std::string> seen;
  std::size_t number = 0;
  for (const Json& one : all_cases()) {
    const std::string name = one.at("class_name");
    INFO("case " << number++ << ": " << name << " " << one.at("config").dump());
    seen.insert(name);
    check_case(one, float64, 1e-10);
    check_case(one, float32, 2e-5);
  }
  CHECK(seen == std::set<std::string>{"RNN", "SimpleRNN", "LSTM", "GRU", "Bidirectional", "TimeDistributed",
                                       "ConvLSTM1D", "ConvLSTM2D", "ConvLSTM3D"});
}

TEST_CASE("recurrent layers give the golden numbers of ramps") {
  const Tensor x = ramp({2, 3, 2});
  const auto golden = [&](auto layer, const std::vector<double>& expected) {
    set_ramps(layer, x);
    check_close(values(layer(x)), expected, 1e-12);
  };
  golden(SimpleRNN(2), {-0.254458276276, 0.675166942092, -0.360720595950, 0.797704352398});
  golden(LSTM(2), {0.0371636537815, 0.0982945210592, 0.0485868927459, 0.145548250803});
  golden(GRU(2), {0.0480455350516, 0.154860364528, 0.214930596973, 0.413805990524});
  golden(GRU(2, {.reset_after = false}), {0.290658752460, 0.421664476290, 0.449458314810, 0.617115083764});
  LSTM begun(3, {.input_shape = {4, 2}});
  CHECK(values(begun.cell().bias()) == std::vector<double>{0, 0, 0, 1, 1, 1, 0, 0, 0, 0, 0, 0});
  LSTM flat(3, {.unit_forget_bias = false, .input_shape = {4, 2}});
  CHECK(values(flat.cell().bias()) == std::vector<double>(12, 0));
}

TEST_CASE("a recurrent kernel begins orthogonal") {
  set_random_seed(2);
  const LSTM layer(8, {.input_shape = {4, 2}, .dtype = float64});
  const Tensor kernel = layer.cell().recurrent_kernel();
  CHECK(kernel.shape() == Shape{8, 32});
  check_close(values(matmul(kernel, matrix_transpose(kernel))), values(eye(8, 8, 0, {.dtype = float64})), 1e-12);
}

TEST_CASE("a recurrent layer comes back from its config the same") {
  for (const Json& one : all_cases()) {
    INFO(one.at("class_name") << " " << one.at("config").dump());
    const Layer layer = layer_from_config(
        Config::parse(Json{{"class_name", one.at("class_name")}, {"config", one.at("config")}}.dump()));
    const Config config = layer_config(layer);
    const Layer again = layer_from_config(Config::parse(config.to_json()));
    CHECK(layer_config(again) == config);
    Json unknown = one.at("config");
    unknown["no_such_option"] = 1;
    CHECK_THROWS_WITH(
        layer_from_config(Config::parse(Json{{"class_name", one.at("class_name")}, {"config", unknown}}.dump())),
        Catch::Contains("no_such_option"));
  }
}

TEST_CASE("dropout of a recurrent layer takes one mask through all steps, and rests outside training") {
  const Tensor x = ones({1, 4, 200}, {.dtype = float64});
  // The states do not count, so each step shows the mask of its inputs.
  SimpleRNN inputs(200, {.activation = "linear", .kernel_initializer = initializers::Identity(),
                         .recurrent_initializer = "zeros", .dropout = .25, .seed = 3, .return_sequences = true});
  Call training{.training = true}, rest;
  const std::vector<double> steps = values(inputs(x, training));
  double kept = 0;
  for (std::size_t i = 0; i < 200; ++i) {
    CHECK((steps[i] == 0 || steps[i] == Approx(1 / .75)));
    kept += steps[i];
    for (std::size_t t = 1; t < 4; ++t) CHECK(steps[200 * t + i] == steps[i]);
  }
  CHECK(kept / 200 == Approx(1).margin(.1));
  CHECK(values(inputs(x, training)) != steps);
  CHECK(values(inputs(x, rest)) == values(x));
  // Now the inputs do not count: a unit whose state is dropped stays behind in each step.
  SimpleRNN states(100, {.activation = "linear", .kernel_initializer = "zeros",
                         .recurrent_initializer = initializers::Identity(), .recurrent_dropout = .5, .seed = 4});
  const std::vector<Tensor> begun = {x, ones({1, 100}, {.dtype = float64})};
  const std::vector<double> after = values(states(begun, training)[0]);
  for (const double v : after) CHECK((v == 0 || v == 16));
  for (const bool recurrent : {false, true}) {
    const double rate = recurrent ? .3 : 0;
    for (const Layer& layer : {Layer(LSTM(3, {.dropout = .3, .recurrent_dropout = rate})),
                               Layer(GRU(3, {.dropout = .3, .recurrent_dropout = rate})),
                               Layer(GRU(3, {.dropout = .3, .recurrent_dropout = rate, .reset_after = false}))}) {
      Call once{.training = true}, twice{.training = true}, test;
      const Tensor data = drawn({2, 3, 4}, 5);
      const Tensor a = layer(data, once), b = layer(data, twice), c = layer(data, test), d = layer(data, test);
      CHECK(values(a) != values(b));
      CHECK(values(c) == values(d));
    }
  }
}

TEST_CASE("a stateful layer goes on where it ended, until its state is reset") {
  set_random_seed(4);
  const Tensor x = drawn({2, 6, 3}, 6);
  const LSTM whole(4, {.seed = 1, .return_sequences = true});
  LSTM layer(4, {.seed = 1, .return_sequences = true, .stateful = true});
  const std::vector<double> all = values(whole(x));
  std::vector<Tensor> same;
  for (const Parameter& p : {whole.cell().kernel(), whole.cell().recurrent_kernel(), whole.cell().bias()})
    same.push_back(p);
  const Tensor first = slice_axis(x, 1, {0, 2}), rest = slice_axis(x, 1, {2, 6});
  layer(first);
  layer.cell().kernel().assign(same[0]);
  layer.cell().recurrent_kernel().assign(same[1]);
  layer.cell().bias().assign(same[2]);
  layer.reset_state();
  const auto parts = [&] {
    const Tensor a = layer(first), b = layer(rest);
    return values(concatenate({a, b}, 1));
  };
  CHECK(parts() == all);
  CHECK(layer.states().size() == 2);
  CHECK(parts() != all);
  const std::vector<Tensor> kept = layer.states();
  layer.reset_state();
  CHECK(parts() == all);
  layer.reset_state(kept);
  CHECK(values(layer.states()[1]) == values(kept[1]));
  CHECK_THROWS_WITH(layer(slice_axis(x, 0, {0, 1})), Catch::Contains("batches of 2 samples") && Catch::Contains("(1"));
  CHECK_THROWS_WITH(layer.reset_state(std::vector<Tensor>{kept[0]}), Catch::Contains("2 states, got 1"));
  CHECK_THROWS_WITH(layer.reset_state(std::vector<Tensor>{kept[0], x}), Catch::Contains("(2, 6, 3)"));
  // A clone begins anew, and does not share states.
  LSTM other = clone(layer);
  other(first);
  CHECK(values(layer.states()[1]) == values(kept[1]));
  CHECK(values(other.states()[1]) != values(kept[1]));
}

TEST_CASE("looking at shapes changes no state, nor does a step that fails") {
  set_random_seed(8);
  GRU gru(3, {.stateful = true});
  Sequential model{gru, Dense(2)};
  model.compile({.optimizer = "sgd", .loss = "mse"});
  const Tensor x = drawn({4, 5, 2}, 9), y = zeros({4, 2});
  model.fit(x, y, {.batch_size = 2, .verbose = 0, .shuffle = false});
  const std::vector<double> state = values(gru.states()[0]);
  const Tensor in = Input({5, 2});
  static_cast<void>(gru(in));
  CHECK_THROWS_AS(model.fit(x, zeros({4, 3}), {.batch_size = 2, .verbose = 0}), Error);
  eval({});
  CHECK(values(gru.states()[0]) == state);
  model.predict(x, {.batch_size = 2});
  CHECK(values(gru.states()[0]) != state);
  // What is saved goes on from there.
  const std::string path = (std::filesystem::temp_directory_path() / "xgrad_stateful.xgrad").string();
  model.save(path);
  Model again = load_model(path);
  CHECK(values(again.predict(x, {.batch_size = 2})) == values(model.predict(x, {.batch_size = 2})));
  std::filesystem::remove(path);
}

TEST_CASE("masks flow from an embedding through recurrent layers to the loss") {
  set_random_seed(5);
  // What stands behind the end of a sample counts nowhere: neither in its output nor in the loss.
  Sequential model{Embedding(9, 4, {.mask_zero = true, .dtype = float64}),
                   Bidirectional(LSTM(3, {.return_sequences = true})), GRU(3, {.return_sequences = true}),
                   TimeDistributed(Dense(1))};
  model.compile({.optimizer = optimizers::SGD(0.0), .loss = "mse", .metrics = {"mae"}});
  const Tensor longer = tensor({{3, 5, 1, 0, 0}}, {.dtype = int64}), shorter = tensor({{3, 5, 1}}, {.dtype = int64});
  const Tensor y = drawn({1, 5, 1}, 3);
  const Logs padded = model.evaluate(longer, y), plain = model.evaluate(shorter, slice_axis(y, 1, {0, 3}));
  CHECK(padded["loss"] == Approx(plain["loss"]).epsilon(1e-12));
  CHECK(padded["mae"] == Approx(plain["mae"]).epsilon(1e-12));
  // The same as a graph of layers, one of which gives its states.
  const Tensor words = Input({5}, {.dtype = int64});
  const Tensor embedded = Embedding(9, 4, {.mask_zero = true, .dtype = float64})(words);
  const std::vector<Tensor> read = LSTM(3, {.return_state = true})({embedded});
  REQUIRE(read.size() == 3);
  const Tensor written = LSTM(3, {.return_sequences = true})({embedded, read[1], read[2]})[0];
  Model graph(words, {read[0], written});
  const Tensor other = tensor({{3, 5, 1, 0, 0}, {3, 5, 1, 7, 7}}, {.dtype = int64});
  const std::vector<Tensor> out = graph.predict(Tensors{other});
  const std::vector<double> last = values(out[0]), steps = values(out[1]);
  CHECK(std::vector(last.begin(), last.begin() + 3) != std::vector(last.begin() + 3, last.end()));
  CHECK(std::vector(steps.begin() + 6, steps.begin() + 9) == std::vector(steps.begin() + 9, steps.begin() + 12));
  CHECK(std::vector(steps.begin() + 6, steps.begin() + 9) == std::vector(steps.begin() + 12, steps.begin() + 15));
}

TEST_CASE("a model of recurrent layers is saved and loaded bit for bit") {
  set_random_seed(6);
  const std::string path = (std::filesystem::temp_directory_path() / "xgrad_recurrent.xgrad").string();
  Sequential model{Bidirectional(LSTM(3, {.recurrent_dropout = .2, .return_sequences = true})),
                   RNN(StackedRNNCells({GRUCell(4), SimpleRNNCell(3)}), {.return_sequences = true}),
                   TimeDistributed(Dense(2)), LSTM(2, {.kernel_regularizer = regularizers::l2(1e-3),
                                                       .recurrent_constraint = constraints::UnitNorm()})};
  model.compile({.optimizer = "adam", .loss = "mse"});
  const Tensor x = drawn({8, 4, 3}, 7, float32), y = zeros({8, 2});
  const auto more = [&](Model& m) {
    return m.fit(x, y, {.batch_size = 4, .epochs = 2, .verbose = 0, .shuffle = false})["loss"].back();
  };
  more(model);
  model.save(path);
  Model again = load_model(path);
  CHECK(values(again.predict(x)) == values(model.predict(x)));
  again.compile({.optimizer = "adam", .loss = "mse"});
  CHECK(more(again) == more(model));
  std::ostringstream text;
  again.summary(text);
  for (const char* name : {"Bidirectional", "RNN", "TimeDistributed", "LSTM"})
    CHECK(text.str().find(name) != std::string::npos);
  const auto* last = again.get_layer("lstm").get_if<LSTM>();
  REQUIRE(last);
  for (const double norm : values(sum(square(last->cell().recurrent_kernel()), 0))) CHECK(norm == Approx(1));
  std::filesystem::remove(path);
}

namespace {

/// Remembers a share of what it was, with a number that is trained.
struct Leaky {
  Parameter keep = Parameter(Tensor(.5, {.dtype = float64}), "keep");
  CellStep operator()(const Tensor& x, std::span<const Tensor> states, Call&) const {
    const Tensor h = keep * states[0] + (1 - keep) * x;
    return {h, {h}};
  }
  std::vector<std::int64_t> state_size() const { return {2}; }
  void each(Visit visit) { visit("keep", keep); }
  Config get_config() const { return Config::object(); }
  static Leaky from_config(const Config&) { return {}; }
};

}  // namespace

TEST_CASE("a cell of one's own is a layer, alone and under others") {
  const Tensor x = tensor({{{1, 2}, {3, 4}}}, {.dtype = float64});
  RNN layer(Leaky{}, {.return_sequences = true});
  check_close(values(layer(x)), {.5, 1, 1.75, 2.5}, 1e-15);
  CHECK(parameters(layer).size() == 1);
  CHECK(grad(sum(layer(x)), parameters(layer)).at(0).item() == Approx(-1 - 2 + (.5 - 3) + (1 - 4) + .5 * -1 + .5 * -2));
  const RNN stacked(StackedRNNCells({Leaky{}, GRUCell(3)}));
  CHECK(stacked(x).shape() == Shape{1, 3});
  const Layer again = layer_from_config(layer_config(Layer(layer)), CustomObjects().cell<Leaky>());
  CHECK(values(again(x)) == values(layer(x)));
  CHECK_THROWS_WITH(layer_from_config(layer_config(Layer(layer))), Catch::Contains("Leaky"));
  Call call;
  const std::vector<Tensor> state = {zeros({1, 2}, {.dtype = float64})};
  CHECK(values(Leaky{}(squeeze(slice_axis(x, 1, {0, 1}), 1), state, call).output) == std::vector<double>{.5, 1});
}

TEST_CASE("a captured step of a recurrent layer gives the bits of a recorded one") {
  set_random_seed(11);
  LSTM layer(5, {.input_shape = {4, 3}, .dtype = float64});
  const std::vector<Parameter> own = parameters(layer);
  const auto step = [&](const Tensor& x) {
    const std::vector<Tensor> g = grad(sum(square(layer(x))), std::span<const Parameter>(own));
    return std::array<Tensor, 3>{g[0], g[1], g[2]};
  };
  auto captured = capture(step);
  for (std::uint64_t seed = 1; seed < 4; ++seed) {
    const Tensor x = drawn({2, 4, 3}, seed);
    const auto a = step(x), b = captured(x);
    for (std::size_t i = 0; i < 3; ++i) CHECK(values(a[i]) == values(b[i]));
  }
}

TEST_CASE("a convolutional LSTM with channels first, with dropout, and what does not fit it") {
  set_random_seed(12);
  const Tensor x = drawn({2, 3, 4, 5, 2}, 12);
  ConvLSTM2D last(2, {2, 3}, {.seed = 1}), first(2, {2, 3}, {.data_format = "channels_first", .seed = 1});
  const Tensor moved = transpose(x, {0, 1, 4, 2, 3});
  last(x);
  first(moved);
  first.kernel().assign(last.kernel());
  first.recurrent_kernel().assign(last.recurrent_kernel());
  check_close(values(transpose(first(moved), {0, 2, 3, 1})), values(last(x)), 1e-14);
  CHECK(values(last.bias()) == std::vector<double>{0, 0, 1, 1, 0, 0, 0, 0});
  // Sample 0 ends after two steps.
  Call masked{.mask = tensor({{1., 1., 0.}, {1., 1., 1.}}, {.dtype = bool_})};
  const std::vector<double> held = values(last(x, masked)), full = values(last(x));
  const std::vector<double> ended = values(last(slice_axis(x, 1, {0, 2})));
  const auto one = static_cast<std::ptrdiff_t>(held.size() / 2);
  CHECK(std::vector(held.begin(), held.begin() + one) == std::vector(ended.begin(), ended.begin() + one));
  CHECK(std::vector(held.begin() + one, held.end()) == std::vector(full.begin() + one, full.end()));
  ConvLSTM1D dropped(2, 2, {.dropout = .4, .recurrent_dropout = .4});
  Call training{.training = true}, again{.training = true}, rest;
  const Tensor line = drawn({2, 3, 6, 2}, 13);
  CHECK(values(dropped(line, training)) != values(dropped(line, again)));
  CHECK(values(dropped(line, rest)) == values(dropped(line)));
  CHECK_THROWS_WITH(last(ones({2, 3, 4, 5, 3})), Catch::Contains("[ConvLSTM2D]") && Catch::Contains("2 channels"));
  CHECK_THROWS_WITH(last(ones({2, 3, 4, 5})), Catch::Contains("2 axes in space"));
  CHECK_THROWS_WITH(last(ones({2, 3, 1, 5, 2})), Catch::Contains("fits into"));
  CHECK_THROWS_WITH(ConvLSTM2D(0, 2), Catch::Contains("above 0"));
  CHECK_THROWS_WITH(ConvLSTM2D(2, 2, {.strides = 2, .dilation_rate = 2}), Catch::Contains("beside a dilation_rate"));
  CHECK_THROWS_WITH(ConvLSTM2D(2, 2, {.padding = "causal"}), Catch::Contains("padding"));
}

TEST_CASE("recurrent layers say what does not fit") {
  const Tensor x = ones({2, 3, 4});
  CHECK_THROWS_WITH(LSTM(0), Catch::Contains("[LSTMCell]") && Catch::Contains("above 0, got 0"));
  CHECK_THROWS_WITH(GRU(2, {.dropout = 1.5}), Catch::Contains("got 1.5"));
  CHECK_THROWS_WITH(LSTM(2, {.name = "reader"})(ones({2, 3})),
                    Catch::Contains("[LSTM 'reader']") && Catch::Contains("(2, 3)"));
  CHECK_THROWS_WITH(LSTM(2)(ones({2, 0, 4})), Catch::Contains("at least one step"));
  const LSTM built(2, {.input_shape = {3, 5}});
  CHECK_THROWS_WITH(built(x), Catch::Contains("5 features") && Catch::Contains("got 4"));
  CHECK_THROWS_WITH(LSTM(2)({x, ones({2, 2})}), Catch::Contains("2 states to begin with, got 1"));
  CHECK_THROWS_WITH(LSTM(2)({x, ones({2, 2}), ones({2, 3})}), Catch::Contains("state 1") && Catch::Contains("(2, 3)"));
  Call masked{.mask = ones({2, 4}, {.dtype = bool_})}, call;
  CHECK_THROWS_WITH(GRU(2)(x, masked), Catch::Contains("mask (batch, steps)") && Catch::Contains("(2, 4)"));
  CHECK_THROWS_WITH(GRU(2, {.return_state = true})(x), Catch::Contains("{x}"));
  CHECK_THROWS_WITH(RNN(StackedRNNCells({})), Catch::Contains("at least one cell"));
  CHECK_THROWS_WITH(Bidirectional(Dense(2)), Catch::Contains("recurrent layer") && Catch::Contains("Dense"));
  CHECK_THROWS_WITH(Bidirectional(LSTM(2), {.merge_mode = "con"}), Catch::Contains("concat"));
  CHECK_THROWS_WITH(Bidirectional(LSTM(2), {.backward_layer = GRU(2)}), Catch::Contains("go_backwards"));
  const GRU other(2, {.return_sequences = true, .go_backwards = true});
  CHECK_THROWS_WITH(Bidirectional(LSTM(2), {.backward_layer = other}), Catch::Contains("return_sequences"));
  CHECK_THROWS_WITH(Bidirectional(LSTM(2))({x, ones({2, 2})}), Catch::Contains("either direction"));
  CHECK_THROWS_WITH(Bidirectional(LSTM(2), {.merge_mode = {}})(x, call), Catch::Contains("one output"));
  CHECK_THROWS_WITH(TimeDistributed(Dense(2))(ones({2, 3})), Catch::Contains("(2, 3)"));
  CHECK_THROWS_WITH(LSTMCell(2)(ones({2, 3}), {}, call), Catch::Contains("2 states, got 0"));
  CHECK_THROWS_WITH(LSTM(2, {.batch_size = -1}), Catch::Contains("batch_size"));
}
