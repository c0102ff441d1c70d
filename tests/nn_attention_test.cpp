// Attention layers against Keras, and what they promise besides.

#include "reference_cases.hpp"

#include <xgrad/nn/attention_layers.hpp>
#include <xgrad/nn/core_layers.hpp>
#include <xgrad/nn/dense.hpp>
#include <xgrad/nn/model.hpp>
#include <xgrad/nn/reshape_layers.hpp>
#include <xgrad/nn/saving.hpp>
#include <xgrad/nn/shape_layers.hpp>
#include <xgrad/ops/creation.hpp>
#include <xgrad/ops/elementwise.hpp>
#include <xgrad/ops/random.hpp>
#include <xgrad/ops/reduce.hpp>
#include <xgrad/ops/shape.hpp>

using namespace xgrad;
using Catch::Contains;
using reference::Json;

namespace {

std::vector<double> values(const Tensor& t) { return t.to_vector<double>(); }

Tensor drawn(const Shape& shape, std::uint64_t seed, DType dtype = float64) {
  Generator generator(seed);
  return normal(shape, 0, 1, {.dtype = dtype, .generator = &generator}).eval();
}

Json all_cases() {
  std::ifstream stream(std::filesystem::path(XGRAD_TEST_FILES).parent_path() / "reference" / "keras_attention.json");
  REQUIRE(stream.good());
  return Json::parse(stream).at("cases");
}

Layer layer_of(const Json& one) {
  return layer_from_config(
      Config::parse(Json{{"class_name", one.at("class_name")}, {"config", one.at("config")}}.dump()));
}

/// The typed layer inside, called with arguments.
AttentionResult attend(const Layer& layer, const Tensor& query, const Tensor& value, const AttentionArguments& more) {
  Call call;
  if (const auto* a = layer.get_if<Attention>()) return a->with_scores(query, value, more, call);
  if (const auto* a = layer.get_if<AdditiveAttention>()) return a->with_scores(query, value, more, call);
  if (const auto* a = layer.get_if<MultiHeadAttention>()) return a->with_scores(query, value, more, call);
  return layer.get_if<GroupQueryAttention>()->with_scores(query, value, more, call);
}

}  // namespace

TEST_CASE("attention layers give Keras's results, scores and gradients of inputs and weights") {
  std::size_t number = 0;
  for (const Json& one : all_cases()) {
    INFO("case " << number++ << ": " << one.at("class_name") << " " << one.at("config").dump() << " "
                 << one.at("flags").dump());
    Layer layer = layer_of(one);
    const auto input = [&](const char* name) {
      return one.at("in").contains(name) ? reference::tensor_of(one.at("in").at(name)) : Tensor();
    };
    const Tensor query = input("query"), value = input("value");
    const AttentionArguments more{.key = input("key"),
                                  .query_mask = input("query_mask"),
                                  .value_mask = input("value_mask"),
                                  .key_mask = input("key_mask"),
                                  .attention_mask = input("attention_mask"),
                                  .use_causal_mask = one.at("flags").contains("use_causal_mask")};
    attend(layer, query, value, more);
    const std::vector<NamedParameter> own = weights(layer);
    REQUIRE(own.size() == one.at("weights").size());
    for (std::size_t i = 0; i < own.size(); ++i) {
      CHECK(own[i].parameter.shape() == reference::shape_of(one.at("weights")[i].at("shape")));
      own[i].parameter.assign(reference::tensor_of(one.at("weights")[i]));
    }
    eval({});
    const AttentionResult result = attend(layer, query, value, more);
    REQUIRE(result.output.shape() == reference::shape_of(one.at("out").at("shape")));
    REQUIRE(result.scores.shape() == reference::shape_of(one.at("scores").at("shape")));
    const auto weighted = [&](const Tensor& x, int k) {
      return sum(x * tensor(reference::reals_of(one.at("seeds")[static_cast<std::size_t>(k)]), x.shape()));
    };
    const Tensor total = weighted(result.output, 0) + weighted(result.scores, 1);
    std::vector<Tensor> xs{query, value};
    std::vector<std::string> names{"query", "value"};
    if (more.key.defined()) {
      xs.push_back(more.key);
      names.emplace_back("key");
    }
    for (const NamedParameter& weight : own) xs.push_back(weight.parameter.value());
    const std::vector<Tensor> grads = grad(total, std::span<const Tensor>(xs));
    reference::check_reals("output", result.output, reference::reals_of(one.at("out").at("values")), 1e-10);
    reference::check_reals("scores", result.scores, reference::reals_of(one.at("scores").at("values")), 1e-10);
    for (std::size_t i = 0; i < grads.size(); ++i) {
      const Json& wanted = i < names.size() ? one.at("grads").at(names[i]) : one.at("weight_grads")[i - names.size()];
      const std::vector<double> numbers = reference::reals_of(wanted), found = values(grads[i]);
      INFO("gradient " << i);
      REQUIRE(found.size() == numbers.size());
      // What cancels (the bias of the keys) is compared with 1.
      for (std::size_t k = 0; k < found.size(); ++k)
        CHECK(std::fabs(found[k] - numbers[k]) <= 1e-10 * std::max(1., std::fabs(numbers[k])));
    }
  }
  CHECK(number >= 50);
}

TEST_CASE("multi-head attention of ramps") {
  // NumPy's values for two heads of two, every weight linspace(-.5, .5).
  const auto ramp = [](const Shape& shape) {
    return reshape(linspace(-.5, .5, shape.size(), true, {.dtype = float64}), shape);
  };
  MultiHeadAttention layer(2, 2);
  const Tensor x = ramp({1, 3, 4});
  layer(x, x);
  for (const NamedParameter& weight : weights(layer)) weight.parameter.assign(ramp(weight.parameter.shape()));
  const double expected[] = {-0.100978893837,  0.264963980317, 0.630906854471, 0.996849728625,
                             -0.0995476819249, 0.266394960101, 0.632337602128, 0.998280244154,
                             -0.0981177088421, 0.267824622461, 0.633766953763, 0.999709285066};
  const std::vector<double> found = values(layer(x, x));
  for (std::size_t i = 0; i < 12; ++i) CHECK(found[i] == Approx(expected[i]).epsilon(1e-11));
}

TEST_CASE("attention layers come back from their configs the same") {
  for (const Json& one : all_cases()) {
    INFO(one.at("class_name") << " " << one.at("config").dump());
    const Config config = layer_config(layer_of(one));
    CHECK(layer_config(layer_from_config(Config::parse(config.to_json()))) == config);
    const Config given = Config::parse(one.at("config").dump());
    for (const auto& [key, value] : given.entries()) CHECK(config.at("config").at(key) == value);
  }
  const MultiHeadAttention layer(2, 3, {.kernel_regularizer = regularizers::l2(.1), .bias_constraint = "non_neg"});
  const Config config = layer_config(layer);
  CHECK(layer_config(layer_from_config(config)) == config);
}

TEST_CASE("what comes later changes no bit of what causal attention made before") {
  const Tensor x = drawn({2, 7, 8}, 1, float32);
  const auto changed = concatenate({slice_axis(x, 1, {0, 5}), slice_axis(x, 1, {5, 7}) * 100}, 1);
  const auto first = [](const Tensor& y) { return values(slice_axis(y, 1, {0, 5})); };
  const AttentionArguments causal{.use_causal_mask = true};
  const auto check = [&](const auto& layer) {
    CHECK(first(layer(x, x, causal)) == first(layer(changed, changed, causal)));
    CHECK(first(layer(x, x)) != first(layer(changed, changed)));
  };
  check(MultiHeadAttention(2, 4));
  check(GroupQueryAttention(4, 4, 2));
  check(Attention());
  check(AdditiveAttention());
}

TEST_CASE("dropout of attention acts in training alone and comes from its seed") {
  const Tensor x = drawn({2, 6, 8}, 2, float32);
  MultiHeadAttention layer(2, 4, {.dropout = .5, .seed = 3});
  Call rest, training{.training = true};
  const std::vector<double> plain = values(layer(x, x, {}, rest));
  CHECK(values(layer(x, x, {}, rest)) == plain);
  const std::vector<double> dropped = values(layer(x, x, {}, training));
  CHECK(dropped != plain);
  CHECK(values(layer(x, x, {}, training)) != dropped);
  const auto first_dropped = [&] {
    Call call{.training = true};
    Attention again({.dropout = .5, .seed = 9});
    return values(again(x, x, {}, call));
  };
  CHECK(first_dropped() == first_dropped());
  // Twice what is kept, so that the mean stays.
  Attention once({.dropout = .5, .seed = 9});
  const Tensor scores =
      once.with_scores(zeros({1, 1, 1}), ones({1, 64, 1}), {.key = zeros({1, 64, 1})}, training).scores;
  for (const double w : values(scores * 64)) CHECK((w == 0 || w == 2));
}

TEST_CASE("attention is a step of a model, with its masks and flags, and is saved with them bit for bit") {
  const Tensor q = Input({5, 4}, {.name = "q"}), v = Input({6, 4}, {.name = "v"});
  const Tensor m = Input({6}, {.dtype = bool_, .name = "m"});
  const MultiHeadAttention heads(2, 3, {.dropout = .1, .name = "heads"});
  const AttentionResult both = heads.with_scores(q, v, {.value_mask = m, .use_causal_mask = true});
  const Tensor again = heads(q, q);  // the same weights, with other arguments
  Model model({q, v, m}, {Dense(2)(both.output), both.scores, again});
  CHECK(model.names() == std::vector<std::string>{"heads", "dense"});
  const Tensor query = drawn({3, 5, 4}, 1, float32), value = drawn({3, 6, 4}, 2, float32);
  const Tensor mask = greater(drawn({3, 6}, 3, float32), -.5);
  const Tensors out = model.predict({query, value, mask});
  REQUIRE(out.size() == 3);
  CHECK(out[1].shape() == Shape{3, 2, 5, 6});
  const AttentionResult direct = heads.with_scores(query, value, {.value_mask = mask, .use_causal_mask = true});
  CHECK(values(out[1]) == values(direct.scores));
  CHECK(values(out[2]) == values(heads(query, query)));
  const std::string path = (std::filesystem::temp_directory_path() / "xgrad_attention.xgrad").string();
  model.save(path);
  Model loaded = load_model(path);
  std::filesystem::remove(path);
  const Tensors same = loaded.predict({query, value, mask});
  for (std::size_t i = 0; i < 3; ++i) CHECK(values(same[i]) == values(out[i]));
  std::ostringstream text;
  model.summary(text);
  CHECK(text.str().find("MultiHeadAttention") != std::string::npos);
  // Lists as in Keras.
  Model listed(q, Attention()({q, q, q}));
  CHECK(listed.predict(query).shape() == Shape{3, 5, 4});
}

TEST_CASE("the masks of inputs join in attention") {
  Embedding embedding(5, 4, {.mask_zero = true, .dtype = float64});
  const MultiHeadAttention heads(2, 3);
  const Tensor tokens = tensor({{1, 2, 0, 0}, {3, 0, 0, 0}}, {.dtype = int64});
  Call call;
  const Tensor x = embedding(tokens, call), mask = call.mask;
  call.masks = {mask, mask};
  const Tensor xs[] = {x, x};
  const std::vector<Tensor> out = heads(std::span<const Tensor>(xs), call);
  CHECK(values(out[0]) == values(heads(x, x, {.query_mask = mask, .value_mask = mask})));
  CHECK(values(call.mask) == values(mask));
  // Steps that do not count: their embeddings do not matter.
  const Tensor other = where(expand_dims(mask, -1), x, 7.);
  const Tensor a = heads(x, x, {.value_mask = mask}), b = heads(x, other, {.value_mask = mask});
  CHECK(values(a) == values(b));
  CHECK(values(heads(x, x)) != values(heads(x, other)));
  const Tensor attended = Attention()(x, x, {.query_mask = mask, .value_mask = mask});
  for (const double y : values(slice_axis(slice_axis(attended, 0, {1, 2}), 1, {1, 4}))) CHECK(y == 0);
}

TEST_CASE("regularizers and constraints of attention reach every kernel and bias") {
  MultiHeadAttention layer(2, 3, {.kernel_regularizer = regularizers::l2(1), .bias_regularizer = regularizers::l1(1)});
  const Tensor x = drawn({1, 3, 4}, 4);
  layer(x, x);
  CHECK(penalties(layer).size() == 8);
  double squares = 0;
  for (const NamedParameter& weight : weights(layer)) squares += sum(square(weight.parameter.value())).item();
  double penalty = 0;
  for (const Tensor& p : penalties(layer)) penalty += p.item();
  CHECK(penalty == Approx(squares));
  std::vector<std::string> names;
  for (const NamedParameter& weight : weights(layer)) names.push_back(weight.name);
  CHECK(names == std::vector<std::string>{"query/kernel", "query/bias", "key/kernel", "key/bias", "value/kernel",
                                          "value/bias", "attention_output/kernel", "attention_output/bias"});
}

TEST_CASE("attention layers say what does not fit") {
  const Tensor x = ones({2, 3, 4});
  CHECK_THROWS_WITH(MultiHeadAttention(0, 2), Contains("[MultiHeadAttention] expected num_heads above 0, got 0"));
  CHECK_THROWS_WITH(MultiHeadAttention(2, 2, {.value_dim = 0, .name = "a"}),
                    Contains("[MultiHeadAttention 'a'] expected value_dim above 0"));
  CHECK_THROWS_WITH(MultiHeadAttention(2, 2, {.dropout = 2}), Contains("a dropout between 0 and 1, got 2"));
  CHECK_THROWS_WITH(MultiHeadAttention(2, 2, {.sliding_window = 0}), Contains("a sliding_window above 0"));
  CHECK_THROWS_WITH(MultiHeadAttention(2, 2, {.output_shape = {3, 0}}), Contains("output_shape"));
  CHECK_THROWS_WITH(GroupQueryAttention(2, 3, 2), Contains("divide num_query_heads, got 2 and 3"));
  CHECK_THROWS_WITH(Attention({.score_mode = "dto"}), Contains("did you mean 'dot'"));
  const MultiHeadAttention heads(2, 2, {.name = "a"});
  CHECK_THROWS_WITH(heads(ones({2, 4}), ones({2, 4})), Contains("at least 3 axes, got (2, 4)"));
  CHECK_THROWS_WITH(heads(x, ones({3, 3, 4})), Contains("[MultiHeadAttention 'a']") && Contains("(3, 3, 4)"));
  CHECK_THROWS_WITH(heads(x, x, {.key = ones({2, 5, 4})}), Contains("value and key that differ in their features"));
  CHECK_THROWS_WITH(heads(x, x, {.value_mask = ones({2, 4})}),
                    Contains("a value_mask of shape (batch, 3), got (2, 4)"));
  CHECK_THROWS_WITH(heads(x, x, {.attention_mask = ones({2, 3, 4})}),
                    Contains("an attention_mask of shape (batch, 3, 3), got (2, 3, 4)"));
  CHECK_THROWS_WITH(heads({x}), Contains("expected 2 to 3 inputs (query, value, key), got 1"));
  CHECK_THROWS_WITH(MultiHeadAttention(2, 2, {.attention_axes = {2}})(x, x), Contains("between the batch"));
  const Tensor grid = ones({2, 3, 3, 4});
  CHECK_THROWS_WITH(heads(grid, grid, {.use_causal_mask = true}), Contains("along one axis"));
  CHECK_THROWS_WITH(Attention()(x, ones({2, 5, 3})), Contains("equally many features"));
  CHECK_THROWS_WITH(Attention()(ones({2, 4}), ones({2, 4})), Contains("3 axes"));
  CHECK_THROWS_WITH(AdditiveAttention()(x, ones({1, 5, 4})), Contains("one batch"));
  heads(x, x);
  CHECK_THROWS_WITH(heads(ones({2, 3, 5}), x), Contains("query") && Contains("(2, 3, 5)"));
}
