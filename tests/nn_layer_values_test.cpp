#include "reference_cases.hpp"

#include <catch2/catch.hpp>
#include <xgrad/graph/grad.hpp>
#include <xgrad/nn/activation_layers.hpp>
#include <xgrad/nn/core_layers.hpp>
#include <xgrad/nn/merge_layers.hpp>
#include <xgrad/nn/noise_layers.hpp>
#include <xgrad/nn/normalization.hpp>
#include <xgrad/nn/reshape_layers.hpp>
#include <xgrad/nn/saving.hpp>
#include <xgrad/nn/sequential.hpp>
#include <xgrad/ops/elementwise.hpp>
#include <xgrad/ops/linalg.hpp>
#include <xgrad/ops/random.hpp>
#include <xgrad/ops/reduce.hpp>
#include <xgrad/ops/shape.hpp>

using namespace xgrad;
using reference::Json;

namespace {

std::vector<double> values(const Tensor& t) { return t.to_vector<double>(); }

Tensor drawn(const Shape& shape, std::uint64_t seed, DType dtype = float64) {
  Generator generator(seed);
  return normal(shape, 0, 1, {.dtype = dtype, .generator = &generator});
}

Json all_cases() {
  Json all = Json::array();
  for (const char* file : {"keras_layers.json", "torch_layers.json"}) {
    std::ifstream stream(std::filesystem::path(XGRAD_TEST_FILES).parent_path() / "reference" / file);
    REQUIRE(stream.good());
    const Json found = Json::parse(stream);
    for (const Json& one : found.at("cases")) all.push_back(one);
  }
  return all;
}

Tensor in_dtype(const Tensor& x, DType dtype) { return is_floating(x.dtype()) ? cast(x, dtype) : x; }

/// Whether a config has all that another says, also inside.
bool holds(const Config& whole, const Config& part) {
  if (part.kind() == Config::Kind::object) {
    for (const auto& [key, value] : part.entries())
      if (!whole.contains(key) || !holds(whole.at(key), value)) return false;
    return true;
  }
  if (part.kind() != Config::Kind::list) return whole == part;
  if (whole.list().size() != part.list().size()) return false;
  for (std::size_t i = 0; i < part.list().size(); ++i)
    if (!holds(whole.list()[i], part.list()[i])) return false;
  return true;
}

/// One case in one dtype: values, gradient and what training leaves behind.
void check_case(const Json& one, DType dtype, double tolerance) {
  Config config = Config::parse(one.at("config").dump());
  if (config.contains("dtype")) config.set("dtype", dtype);
  Layer layer =
      layer_from_config(Config::object({{"class_name", one.at("class_name").get<std::string>()}, {"config", config}}));
  std::vector<Tensor> xs;
  for (const Json& x : one.at("in")) xs.push_back(in_dtype(reference::tensor_of(x), dtype));
  const bool training = one.at("training").get<bool>();
  {
    Call build;
    layer(xs, build);
  }
  const std::vector<NamedParameter> own = weights(layer);
  REQUIRE(own.size() == one.at("weights").size());
  for (std::size_t i = 0; i < own.size(); ++i)
    own[i].parameter.assign(in_dtype(reference::tensor_of(one.at("weights")[i]), dtype));
  eval({});
  Call call{.training = training};
  const Tensor out = layer(xs, call)[0];
  CHECK(out.shape() == reference::shape_of(one.at("out").at("shape")));
  if (one.value("single", false)) tolerance = std::max(tolerance, 2e-6);
  const bool own_dtype = one.at("class_name") == "CategoryEncoding" || !is_floating(out.dtype());
  CHECK((own_dtype || out.dtype() == dtype));
  // Where a side is drawn, the result is Keras's for one of both.
  Json expected = one.at("out");
  if (one.contains("other")) {
    const auto distance = [&](const Json& side) {
      return max(abs(out - in_dtype(reference::tensor_of(side), dtype))).item();
    };
    if (distance(one.at("other")) < distance(expected)) expected = one.at("other");
  }
  std::vector<Tensor> slopes;
  if (one.contains("weight_grads")) {
    std::vector<Parameter> trained;
    for (const NamedParameter& weight : own)
      if (weight.parameter.trainable()) trained.push_back(weight.parameter);
    REQUIRE(trained.size() == one.at("weight_grads").size());
    slopes = grad(out, trained, {.seed = in_dtype(reference::tensor_of(one.at("seed")), dtype)});
  }
  std::vector<Tensor> grads;
  if (one.contains("grad")) {
    const Tensor seed = in_dtype(reference::tensor_of(one.at("seed")), dtype);
    grads = grad(out, std::span<const Tensor>(xs).first(1), {.seed = seed});
  }
  reference::check_reals("value", out, reference::reals_of(expected.at("values")), tolerance);
  if (!grads.empty())
    reference::check_reals("gradient", grads[0], reference::reals_of(one.at("grad").at("values")), 10 * tolerance);
  for (std::size_t i = 0; i < slopes.size(); ++i)
    reference::check_reals("gradient of a weight", slopes[i],
                           reference::reals_of(one.at("weight_grads")[i].at("values")), 10 * tolerance);
  if (!one.contains("after")) return;
  std::size_t next = 0;
  for (const NamedParameter& weight : own) {
    if (weight.parameter.trainable()) continue;
    reference::check_reals("state", weight.parameter.value(),
                           reference::reals_of(one.at("after").at(next++).at("values")), tolerance);
  }
  CHECK(next == one.at("after").size());
}

}  // namespace

TEST_CASE("layers give Keras's and PyTorch's values, gradients and moving statistics") {
  std::set<std::string> seen;
  std::size_t number = 0;
  for (const Json& one : all_cases()) {
    const std::string name = one.at("class_name");
    INFO("case " << number++ << ": " << name << " " << one.at("config").dump());
    seen.insert(name);
    check_case(one, float64, 1e-10);
    check_case(one, float32, 1e-5);
  }
  // Every layer of the table has a case, but those that need something that JSON does not hold, or have their own file.
  std::set<std::string> elsewhere = {
      "Input", "Lambda",    "IntegerLookup", "RandomFlip", "RandomCrop",    "RandomContrast",  "RandomErasing",
      "RNN",   "SimpleRNN", "LSTM",          "GRU",        "Bidirectional", "TimeDistributed", "RateCoding"};
  elsewhere.insert({"ConvLSTM1D", "ConvLSTM2D", "ConvLSTM3D"});
  // Several inputs with masks: nn_attention_test.
  elsewhere.insert({"Attention", "AdditiveAttention", "MultiHeadAttention", "GroupQueryAttention"});
  elsewhere.insert({"SinePositionEncoding", "PositionEmbedding", "TokenAndPositionEmbedding", "RotaryEmbedding",
                    "TransformerEncoder", "TransformerDecoder"});
  for (const auto& [name, maker] : library_layers().makers()) {
    INFO(name);
    CHECK((seen.contains(name) || elsewhere.contains(name)));
  }
}

TEST_CASE("a layer comes back from its config the same") {
  for (const Json& one : all_cases()) {
    const std::string name = one.at("class_name");
    INFO(name << " " << one.at("config").dump());
    const Layer layer =
        layer_from_config(Config::parse(Json{{"class_name", name}, {"config", one.at("config")}}.dump()));
    CHECK(layer.kind_name() == name);
    const Config config = layer_config(layer);
    const Layer again = layer_from_config(Config::parse(config.to_json()));
    CHECK(layer_config(again) == config);
    const Config given = Config::parse(one.at("config").dump());
    CHECK(holds(config.at("config"), given));
    Json unknown = one.at("config");
    unknown["no_such_option"] = 1;
    CHECK_THROWS_WITH(layer_from_config(Config::parse(Json{{"class_name", name}, {"config", unknown}}.dump())),
                      Catch::Contains("no_such_option"));
  }
}

TEST_CASE("layers called on symbolic tensors are steps of a model") {
  const Tensor x = Input({4, 6});
  const Tensor flat = Flatten()(LayerNormalization()(Add()({Dense(6)(x), x})));
  const Tensor y = Concatenate()({flat, Flatten()(UpSampling1D(2)(Cropping1D(1)(x)))});
  Model model(x, Dense(2)(ReLU()(y)));
  CHECK(model.names() == std::vector<std::string>{"dense", "add", "layer_normalization", "flatten", "cropping1d",
                                                  "up_sampling1d", "flatten_1", "concatenate", "re_lu", "dense_1"});
  const Tensor data = drawn({5, 4, 6}, 1, float32);
  CHECK(model.predict(data).shape() == Shape{5, 2});
  const std::string path = (std::filesystem::temp_directory_path() / "xgrad_layers.xgrad").string();
  model.save(path);
  CHECK(values(load_model(path).predict(data)) == values(model.predict(data)));
  std::filesystem::remove(path);
}

TEST_CASE("noise keeps mean and variance where it should, and rests outside training") {
  const Tensor x = drawn({400, 50}, 2);
  const auto moments = [&](Layer layer) {
    Call call{.training = true}, rest;
    CHECK(values(layer(x, rest)) == values(x));
    const Tensor y = layer(x, call);
    CHECK(values(layer(x, call)) != values(y));
    return std::pair(mean(y).item(), var(y).item());
  };
  const auto [alpha_mean, alpha_variance] = moments(AlphaDropout(.3, {.seed = 11}));
  CHECK(std::fabs(alpha_mean) < .03);
  CHECK(alpha_variance == Approx(1).margin(.05));
  const auto [product_mean, product_variance] = moments(GaussianDropout(.2, {.seed = 12}));
  CHECK(std::fabs(product_mean) < .03);
  CHECK(product_variance == Approx(1 + .25).margin(.05));
  const auto [sum_mean, sum_variance] = moments(GaussianNoise(.5, {.seed = 13}));
  CHECK(std::fabs(sum_mean) < .03);
  CHECK(sum_variance == Approx(1.25).margin(.05));
  Call call{.training = true};
  const Tensor dropped = SpatialDropout2D(.5, {.seed = 4})(ones({8, 3, 3, 16}), call);
  const std::vector<double> by_channel = values(sum(dropped, {1, 2}));
  for (const double v : by_channel) CHECK((v == 0 || v == 18));
  CHECK_THROWS_WITH(GaussianDropout(1), Catch::Contains("below 1"));
  CHECK_THROWS_WITH(SpatialDropout2D(.1)(ones({2, 2}), call), Catch::Contains("4 axes"));
  CHECK_THROWS_WITH(SpatialDropout2D(.1, {.data_format = "last"}), Catch::Contains("channels_last"));
}

TEST_CASE("batch normalization follows the batches of fit, and rests when frozen") {
  set_random_seed(3);
  BatchNormalization norm({.momentum = .5});
  Sequential model{Input({3}, {.dtype = float64}), norm, Dense(1)};
  model.compile({.optimizer = optimizers::SGD(.01), .loss = "mse"});
  const Tensor x = drawn({8, 3}, 4) * 2 + 5;
  model.fit(x, ones({8, 1}), {.batch_size = 8, .epochs = 20, .verbose = 0});
  const std::vector<double> moving = values(norm.moving_mean()), batch = values(mean(x, 0));
  for (std::size_t i = 0; i < 3; ++i) CHECK(moving[i] == Approx(batch[i]).epsilon(1e-4));
  CHECK(parameters(model).size() == 4);
  set_trainable(model, false);
  model.fit(x + 10, ones({8, 1}), {.verbose = 0});
  CHECK(values(norm.moving_mean()) == moving);
  set_trainable(model, true);
  CHECK(parameters(model).size() == 4);
  // A step that fails leaves the moving statistics as they were.
  Sequential labels{Input({3}, {.dtype = float64}), norm, Dense(2, {.activation = "softmax"})};
  labels.compile({.optimizer = "sgd", .loss = "sparse_categorical_crossentropy"});
  CHECK_THROWS_AS(labels.fit(x, full({8}, 7, {.dtype = int64}), {.verbose = 0}), ValueError);
  eval({});
  CHECK(values(norm.moving_mean()) == moving);
  CHECK_THROWS_WITH(model.predict(drawn({2, 4}, 5)), Catch::Contains("3") && Catch::Contains("(2, 4)"));
  CHECK_THROWS_WITH(BatchNormalization({.momentum = 2}), Catch::Contains("momentum"));
}

TEST_CASE("spectral normalization divides by the largest singular value") {
  set_random_seed(6);
  Dense dense(5, {.use_bias = false, .dtype = float64});
  SpectralNormalization layer(dense, {.power_iterations = 100});
  const Tensor x = drawn({3, 4}, 7);
  Call call{.training = true};
  const Tensor y = layer(x, call);
  const double largest = norm(dense.kernel().value(), 2).item();
  const std::vector<double> found = values(y), plain = values(dense(x));
  for (std::size_t i = 0; i < found.size(); ++i) CHECK(found[i] == Approx(plain[i] / largest).epsilon(1e-9));
  Call rest;
  const std::vector<double> later = values(layer(x, rest));
  for (std::size_t i = 0; i < found.size(); ++i) CHECK(later[i] == Approx(found[i]).epsilon(1e-9));
  // Scaling the kernel changes nothing, so the gradient is orthogonal to it.
  const Tensor g = grad(sum(square(layer(x, rest))), dense.kernel());
  CHECK(std::fabs(sum(g * dense.kernel()).item()) < 1e-9);
  SpectralNormalization plain_layer(Flatten{});
  CHECK_THROWS_WITH(plain_layer(x, call), Catch::Contains("kernel"));
  const Layer again = layer_from_config(layer_config(Layer(layer)));
  CHECK(layer_config(again) == layer_config(Layer(layer)));
}

TEST_CASE("masks flow from Masking and Embedding to the loss and the metrics") {
  // Two steps of three count: the mean is theirs.
  Sequential model{Masking({.mask_value = -1}), Dense(1, {.use_bias = false, .kernel_initializer = "ones"})};
  const Tensor x = tensor({{{1}, {2}, {-1}}}, {.dtype = float64}), y = zeros({1, 3, 1}, {.dtype = float64});
  model.compile({.optimizer = optimizers::SGD(0.0), .loss = "mse", .metrics = {"mae"}});
  const Logs logs = model.evaluate(x, y);
  CHECK(logs["loss"] == Approx(2.5));
  CHECK(logs["mae"] == Approx(1.5));
  Call call;
  Embedding embedding(4, 2, {.mask_zero = true});
  embedding(tensor({{1, 0, 3}}, {.dtype = int64}), call);
  CHECK(values(call.mask) == std::vector<double>{1, 0, 1});
  Flatten()(ones({1, 3, 2}), call);
  CHECK_FALSE(call.mask.defined());
  CHECK_THROWS_WITH(embedding(tensor({{1, 4}}, {.dtype = int64})).eval(), Catch::Contains("0 to 3, got 4"));
  CHECK_THROWS_WITH(Embedding(0, 2), Catch::Contains("above 0"));
}

TEST_CASE("layers say what does not fit") {
  Call call;
  CHECK_THROWS_WITH(Reshape({3, -1}, {.name = "r"})(ones({2, 4})),
                    Catch::Contains("[Reshape 'r']") && Catch::Contains("(2, 4)"));
  CHECK_THROWS_WITH(Reshape({-1, -1}), Catch::Contains("at most one"));
  CHECK_THROWS_WITH(Permute({1, 3}), Catch::Contains("permutation"));
  CHECK_THROWS_WITH(RepeatVector(2)(ones({2})), Catch::Contains("2 axes"));
  CHECK_THROWS_WITH(Cropping1D(2)(ones({1, 4, 1})), Catch::Contains("4 elements to crop"));
  CHECK_THROWS_WITH(Cropping2D({{1, 2}, {3, 4}, {5, 6}}), Catch::Contains("2 axes"));
  CHECK_THROWS_WITH(ZeroPadding2D(-1), Catch::Contains("0 or more"));
  CHECK_THROWS_WITH(UpSampling2D(2, {.interpolation = "bilinaer"}), Catch::Contains("did you mean 'bilinear'"));
  CHECK_THROWS_WITH(UpSampling1D(2, {.interpolation = "bilinear"}), Catch::Contains("'nearest'"));
  CHECK_THROWS_WITH(Add()({ones({2, 3})}), Catch::Contains("two inputs or more, got 1"));
  CHECK_THROWS_WITH(Subtract()({ones({2, 3}), ones({2, 4})}), Catch::Contains("(2, 3), (2, 4)"));
  CHECK_THROWS_WITH(Concatenate({.axis = 1})({ones({2, 3}), ones({3, 3})}), Catch::Contains("[Concatenate]"));
  CHECK_THROWS_WITH(Dot(1)({ones({2, 3}), ones({2, 4})}), Catch::Contains("one length"));
  CHECK_THROWS_WITH(GroupNormalization({.groups = 3})(ones({2, 4})), Catch::Contains("3 groups divide, got 4"));
  CHECK_THROWS_WITH(EinsumDense("ab,bc", {3}), Catch::Contains("ab,bc->ac"));
  CHECK_THROWS_WITH(EinsumDense("ab,bc->ac", {3}, {.bias_axes = "d"}), Catch::Contains("'d'"));
  CHECK_THROWS_WITH(EinsumDense("ab,bc->ac", {3})(ones({2, 3, 4})), Catch::Contains("2 axes"));
  CHECK_THROWS_WITH(LayerNormalization({.epsilon = 0}), Catch::Contains("epsilon"));
  CHECK_THROWS_WITH(Lambda({}), Catch::Contains("function"));
  LayerNormalization norm;
  norm(ones({2, 3}), call);
  CHECK_THROWS_WITH(norm(ones({2, 4}), call), Catch::Contains("(3,)") && Catch::Contains("(2, 4)"));
  const Lambda twice([](const Tensor& x) { return x * 2; }, {.function_name = "twice"});
  const Layer again = layer_from_config(layer_config(Layer(twice)),
                                        CustomObjects().function("twice", [](const Tensor& x) { return x * 2; }));
  CHECK(values(again(ones({1, 1}))) == std::vector<double>{2});
  CHECK_THROWS_WITH(layer_from_config(layer_config(Layer(twice))), Catch::Contains("'twice'"));
}
