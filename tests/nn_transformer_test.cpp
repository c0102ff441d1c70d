// Transformer blocks against PyTorch, encodings of positions against KerasHub and NumPy, and what they promise besides.

#include "reference_cases.hpp"

#include <xgrad/nn/core_layers.hpp>
#include <xgrad/nn/dense.hpp>
#include <xgrad/nn/model.hpp>
#include <xgrad/nn/position_layers.hpp>
#include <xgrad/nn/saving.hpp>
#include <xgrad/nn/sequential.hpp>
#include <xgrad/nn/shape_layers.hpp>
#include <xgrad/nn/transformer_layers.hpp>
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

Json part_of_file(const char* part) {
  std::ifstream stream(std::filesystem::path(XGRAD_TEST_FILES).parent_path() / "reference" / "transformer.json");
  REQUIRE(stream.good());
  return Json::parse(stream).at(part);
}

Layer layer_of(const Json& one) {
  return layer_from_config(
      Config::parse(Json{{"class_name", one.at("class_name")}, {"config", one.at("config")}}.dump()));
}

}  // namespace

TEST_CASE("transformer blocks give PyTorch's results and gradients of inputs and weights") {
  std::size_t number = 0;
  for (const Json& one : part_of_file("cases")) {
    INFO("case " << number++ << ": " << one.at("class_name") << " " << one.at("config").dump() << " causal "
                 << one.at("causal"));
    Layer layer = layer_of(one);
    const auto input = [&](const char* name) {
      return one.at("in").contains(name) ? reference::tensor_of(one.at("in").at(name)) : Tensor();
    };
    const Tensor x = input("x"), encoded = input("encoded");
    const auto run = [&] {
      Call call;
      if (const auto* encoder = layer.get_if<TransformerEncoder>())
        return (*encoder)(x, TransformerEncoderArguments{.padding_mask = input("padding_mask")}, call);
      return (*layer.get_if<TransformerDecoder>())(x, encoded,
                                                   {.decoder_padding_mask = input("padding_mask"),
                                                    .encoder_padding_mask = input("encoded_mask"),
                                                    .use_causal_mask = one.at("causal").get<bool>()},
                                                   call);
    };
    run();
    const std::vector<NamedParameter> own = weights(layer);
    REQUIRE(own.size() == one.at("weights").size());
    for (std::size_t i = 0; i < own.size(); ++i) {
      CHECK(own[i].parameter.shape() == reference::shape_of(one.at("weights")[i].at("shape")));
      own[i].parameter.assign(reference::tensor_of(one.at("weights")[i]));
    }
    eval({});
    const Tensor out = run();
    std::vector<Tensor> xs{x};
    if (encoded.defined()) xs.push_back(encoded);
    const std::size_t inputs = xs.size();
    for (const NamedParameter& weight : own) xs.push_back(weight.parameter.value());
    const Tensor seed = tensor(reference::reals_of(one.at("seed")), out.shape());
    const std::vector<Tensor> grads = grad(out, std::span<const Tensor>(xs), {.seed = seed});
    reference::check_reals("output", out, reference::reals_of(one.at("out").at("values")), 1e-10);
    for (std::size_t i = 0; i < grads.size(); ++i) {
      const Json& wanted = i == 0       ? one.at("grads").at("x")
                           : i < inputs ? one.at("grads").at("encoded")
                                        : one.at("weight_grads")[i - inputs];
      INFO("gradient " << (i < inputs ? "of input" : own[i - inputs].name));
      const std::vector<double> numbers = reference::reals_of(wanted), found = values(grads[i]);
      REQUIRE(found.size() == numbers.size());
      for (std::size_t k = 0; k < found.size(); ++k)
        CHECK(std::fabs(found[k] - numbers[k]) <= 1e-10 * std::max(1., std::fabs(numbers[k])));
    }
  }
  CHECK(number == 12);
}

TEST_CASE("encodings of positions are KerasHub's and NumPy's") {
  std::size_t number = 0;
  for (const Json& one : part_of_file("positions")) {
    INFO("case " << number++ << ": " << one.at("class_name") << " " << one.at("config").dump() << " "
                 << one.at("arguments").dump());
    Layer layer = layer_of(one);
    const Json& given = one.at("arguments");
    const Tensor x = reference::tensor_of(one.at("in"));
    PositionArguments arguments;
    if (given.contains("start_index")) arguments.start_index = given.at("start_index");
    if (given.contains("positions")) {
      const auto places = reference::integers_of(given.at("positions"));
      const auto count = static_cast<std::int64_t>(places.size()), length = x.dim(1);
      arguments.positions = count == length ? tensor(places, {length}) : tensor(places, {count / length, length});
    }
    Call call;
    const auto* rotary = layer.get_if<RotaryEmbedding>();
    const Tensor y =
        rotary ? (*rotary)(x, arguments, call) : (*layer.get_if<SinePositionEncoding>())(x, arguments, call);
    REQUIRE(y.shape() == x.shape());
    reference::check_reals("output", y, reference::reals_of(one.at("out").at("values")), one.at("tolerance"));
    CHECK(layer_config(layer_from_config(Config::parse(layer_config(layer).to_json()))) == layer_config(layer));
  }
  CHECK(number == 14);
}

TEST_CASE("products of rotated queries and keys depend on the distance of their positions alone") {
  const RotaryEmbedding rotary;
  const Tensor q = broadcast_to(drawn({1, 1, 8}, 1), {1, 6, 8}), k = broadcast_to(drawn({1, 1, 8}, 2), {1, 6, 8});
  const auto products = [&](std::int64_t start) {
    const Tensor a = rotary(q, {.start_index = start}), b = rotary(k, {.start_index = start});
    return values(sum(expand_dims(a, 2) * expand_dims(b, 1), -1));
  };
  const std::vector<double> here = products(0), there = products(1000);
  for (std::size_t i = 0; i < here.size(); ++i) CHECK(here[i] == Approx(there[i]).margin(1e-9));
  for (std::size_t i = 0; i + 1 < 6; ++i) CHECK(here[i * 6 + i] == Approx(here[(i + 1) * 6 + i + 1]));
  CHECK(here[0] != Approx(here[1]));
}

TEST_CASE("a table of positions gives its rows and learns them") {
  PositionEmbedding table(7, {.dtype = float64});
  const Tensor x = zeros({2, 4, 3}, {.dtype = float64});
  const Tensor y = table(x, {.start_index = 2});
  const Parameter rows = weights(table)[0].parameter;
  CHECK(rows.shape() == Shape{7, 3});
  CHECK(values(slice_axis(y, 0, {1, 2})) == values(slice_axis(rows.value(), 0, {2, 6})));
  const Tensor places = tensor({{6, 0, 0, 1}, {1, 2, 3, 4}}, {.dtype = int64});
  const Tensor chosen = table(x, {.positions = places});
  CHECK(values(slice_axis(slice_axis(chosen, 0, {0, 1}), 1, {0, 1})) == values(slice_axis(rows.value(), 0, {6, 7})));
  const std::vector<double> g = values(grad(sum(chosen), rows));
  CHECK(g == std::vector<double>{2, 2, 2, 2, 2, 2, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0, 0, 0, 1, 1, 1});
  CHECK_THROWS_WITH(table(zeros({2, 8, 3})), Contains("[PositionEmbedding]") && Contains("positions 0 to 6"));
  CHECK_THROWS_WITH(table(x, {.positions = places + 5}).eval(), Contains("position") && Contains("11"));
  CHECK_THROWS_WITH(table(x, {.positions = zeros({3}, {.dtype = int64})}), Contains("(4,) or (batch, 4)"));
  CHECK_THROWS_WITH(table(zeros({2, 4, 5})), Contains("3 features"));
  CHECK_THROWS_WITH(PositionEmbedding(0), Contains("sequence_length above 0"));
  CHECK_THROWS_WITH(RotaryEmbedding()(zeros({2, 4, 5})), Contains("even number of features"));
  CHECK_THROWS_WITH(RotaryEmbedding({.rope_type = "yarm"}), Contains("did you mean 'yarn'"));
  CHECK_THROWS_WITH(RotaryEmbedding({.sequence_axis = 2})(zeros({2, 4, 6})), Contains("different axes"));
  CHECK_THROWS_WITH(SinePositionEncoding({.max_wavelength = 0}), Contains("above 0, got 0"));
}

TEST_CASE("what comes later changes no bit of what a decoder made before") {
  const TransformerDecoder decoder(16, 2, {.activation = "gelu", .normalize_first = true});
  const Tensor x = drawn({2, 7, 8}, 1, float32), encoded = drawn({2, 5, 8}, 3, float32);
  const Tensor changed = concatenate({slice_axis(x, 1, {0, 5}), slice_axis(x, 1, {5, 7}) + 50}, 1);
  const auto first = [](const Tensor& y) { return values(slice_axis(y, 1, {0, 5})); };
  CHECK(first(decoder(x)) == first(decoder(changed)));
  const TransformerDecoder cross(16, 2);
  CHECK(first(cross(x, encoded)) == first(cross(changed, encoded)));
  CHECK(first(cross(x, encoded, {.use_causal_mask = false})) !=
        first(cross(changed, encoded, {.use_causal_mask = false})));
  CHECK(values(cross(x, encoded)) != values(cross(x, encoded * 2)));
}

TEST_CASE("steps that do not count change no others in an encoder") {
  const TransformerEncoder encoder(16, 2);
  const Tensor x = drawn({2, 5, 8}, 1, float32);
  const Tensor mask = tensor({{1, 1, 1, 0, 0}, {1, 1, 1, 1, 0}}, {.dtype = bool_});
  const Tensor other = where(expand_dims(mask, -1), x, 9.f);
  const auto counted = [&](const Tensor& y) { return values(where(expand_dims(mask, -1), y, 0)); };
  CHECK(counted(encoder(x, {.padding_mask = mask})) == counted(encoder(other, {.padding_mask = mask})));
  CHECK(counted(encoder(x)) != counted(encoder(other)));
  Call call;
  call.mask = mask;
  CHECK(values(encoder(x, call)) == values(encoder(x, {.padding_mask = mask})));
  CHECK(values(call.mask) == values(mask));
  const AttentionResult both = encoder.with_scores(x, {.padding_mask = mask});
  CHECK(both.scores.shape() == Shape{2, 2, 5, 5});
  for (const double w : values(slice_axis(both.scores, -1, {4, 5}))) CHECK(w == 0);
}

TEST_CASE("transformers are trained, saved with their arguments and come back bit for bit") {
  set_random_seed(2);
  const Tensor tokens = Input({6}, {.dtype = int64, .name = "tokens"});
  const Tensor source = Input({4, 8}, {.name = "source"}), padding = Input({4}, {.dtype = bool_, .name = "padding"});
  const Tensor h = TokenAndPositionEmbedding(9, 6, 8, {.mask_zero = true})(tokens);
  const Tensor encoded = TransformerEncoder(12, 2, {.dropout = .1})(source, {.padding_mask = padding});
  const Tensor decoded =
      TransformerDecoder(12, 2, {.dropout = .1, .activation = "gelu"})(h, encoded, {.encoder_padding_mask = padding});
  Model model({tokens, source, padding}, Dense(9)(decoded));
  model.compile(
      {.optimizer = optimizers::Adam(.01), .loss = losses::SparseCategoricalCrossentropy({.from_logits = true})});
  Generator generator(5);
  const Tensor t = randint({16, 6}, 0, 9, {.generator = &generator}).eval();
  const Tensor s = drawn({16, 4, 8}, 6, float32), p = greater(drawn({16, 4}, 7), -1).eval();
  const auto loss = [&] { return model.evaluate({t, s, p}, t, {.verbose = 0})["loss"]; };
  const double before = loss();
  model.fit({t, s, p}, t, {.batch_size = 8, .epochs = 30, .verbose = 0});
  CHECK(loss() < before / 2);
  const std::string path = (std::filesystem::temp_directory_path() / "xgrad_transformer.xgrad").string();
  model.save(path);
  Model loaded = load_model(path);
  std::filesystem::remove(path);
  CHECK(values(loaded.predict({t, s, p})[0]) == values(model.predict({t, s, p})[0]));
  std::ostringstream text;
  model.summary(text);
  CHECK(text.str().find("TransformerDecoder") != std::string::npos);
  // Sequential hands one tensor on.
  Sequential stack{Input({6, 8}), TransformerEncoder(12, 2), TransformerDecoder(12, 2), Dense(1)};
  CHECK(stack.predict(drawn({3, 6, 8}, 8, float32)).shape() == Shape{3, 6, 1});
}

TEST_CASE("transformer blocks say what does not fit") {
  CHECK_THROWS_WITH(TransformerEncoder(0, 2), Contains("[TransformerEncoder] expected intermediate_dim above 0"));
  CHECK_THROWS_WITH(TransformerDecoder(4, 0, {.name = "d"}), Contains("[TransformerDecoder 'd'] expected num_heads"));
  CHECK_THROWS_WITH(TransformerEncoder(4, 2, {.dropout = -1}), Contains("dropout between 0 and 1"));
  CHECK_THROWS_WITH(TransformerEncoder(4, 2, {.layer_norm_epsilon = 0}), Contains("layer_norm_epsilon above 0"));
  const TransformerEncoder encoder(4, 2);
  CHECK_THROWS_WITH(encoder(ones({2, 4})), Contains("(batch, length, features), got (2, 4)"));
  CHECK_THROWS_WITH(encoder(ones({2, 4, 1})), Contains("at least as many features as heads (2)"));
  encoder(ones({2, 3, 4}));
  CHECK_THROWS_WITH(encoder(ones({2, 3, 6})), Contains("expected 4 features, got (2, 3, 6)"));
  CHECK_THROWS_WITH(encoder(ones({2, 3, 4}), {.padding_mask = ones({2, 4})}),
                    Contains("value_mask of shape (batch, 3)"));
  const TransformerDecoder decoder(4, 2);
  decoder(ones({2, 3, 4}));
  CHECK_THROWS_WITH(decoder(ones({2, 3, 4}), ones({2, 5, 4})), Contains("no encoder_sequence, as in the first call"));
}

TEST_CASE("masks of embeddings flow through a model into attention and out of it") {
  set_random_seed(4);
  TokenAndPositionEmbedding embed(9, 6, 8, {.mask_zero = true});
  TransformerEncoder encoder(12, 2);
  TransformerDecoder decoder(12, 2);
  MultiHeadAttention heads(2, 4);
  const Tensor t = Input({6}, {.dtype = int64});
  const Tensor h = embed(t), encoded = encoder(h);
  Model model(t, {encoded, decoder(h, encoded), heads(h, h)});
  const Tensor tokens = tensor({{1, 2, 3, 0, 0, 0}, {4, 5, 6, 7, 8, 0}}, {.dtype = int64});
  const std::vector<Tensor> found = model.predict(Tensors(tokens));
  Call call;
  const Tensor x = embed(tokens, call), mask = call.mask;
  const Tensor y = encoder(x, {.padding_mask = mask});
  CHECK(values(found[0]) == values(y));
  CHECK(values(found[1]) == values(decoder(x, y, {.decoder_padding_mask = mask, .encoder_padding_mask = mask})));
  CHECK(values(found[2]) == values(heads(x, x, {.query_mask = mask, .value_mask = mask})));
  CHECK(values(found[0]) != values(encoder(x)));
  // Losses count what the mask leaves: the same whatever is asked for elsewhere.
  Model trained(t, Dense(1)(encoded));
  trained.compile({.optimizer = "sgd", .loss = "mse"});
  const Tensor wanted = expand_dims(cast(mask, float32), -1);
  CHECK(trained.evaluate(tokens, wanted)["loss"] ==
        trained.evaluate(tokens, where(equal(wanted, 0), 100., wanted))["loss"]);
}
