/// Layers for words, integers and numbers against Keras's own results (reference/keras_text.json).
#include <catch2/catch.hpp>
#include <xgrad/nn/fingerprints.hpp>
#include <xgrad/nn/preprocessing.hpp>
#include <xgrad/nn/text.hpp>
#include <xgrad/ops/shape.hpp>

#include <fstream>
#include <map>

using namespace xgrad;
using Words = std::vector<std::string>;

namespace {

const Config& reference() {
  static const Config all = [] {
    const std::string path = std::string(XGRAD_TEST_FILES) + "/../reference/keras_text.json";
    std::ifstream file(path);
    INFO(path);
    REQUIRE(file.good());
    return Config::parse(std::string(std::istreambuf_iterator<char>(file), {}), path);
  }();
  return all;
}

bool holds_text(const Config& x) {
  const std::vector<Config>& list = x.list();
  return list.empty() ||
         (list[0].kind() == Config::Kind::list ? holds_text(list[0]) : list[0].kind() == Config::Kind::text);
}

Words words_of(const Config& x) {
  Words out;
  for (const Config& word : x.list()) out.push_back(word.text());
  return out;
}
std::vector<Words> rows_of(const Config& x) {
  std::vector<Words> out;
  for (const Config& row : x.list()) out.push_back(words_of(row));
  return out;
}
bool nested(const Config& x) { return x.list()[0].kind() == Config::Kind::list; }

void flatten(const Config& x, std::vector<double>& out) {
  if (x.kind() == Config::Kind::list)
    for (const Config& item : x.list()) flatten(item, out);
  else
    out.push_back(x.real());
}
bool whole(const Config& x) {
  return x.kind() == Config::Kind::list ? whole(x.list()[0]) : x.kind() == Config::Kind::integer;
}

Tensor tensor_of(const Config& x) {
  std::vector<double> values;
  flatten(x, values);
  Shape shape;
  for (const Config* at = &x; at->kind() == Config::Kind::list; at = &at->list()[0])
    shape.append(static_cast<std::int64_t>(at->list().size()));
  if (!whole(x)) return tensor(values, shape, {.dtype = float64});
  return tensor(std::vector<std::int64_t>(values.begin(), values.end()), shape);
}

/// Keras's config in the form of ours: options that may be one number or none are lists here.
Config ours(const Config& config) {
  Config out = Config::object();
  for (const auto& [key, value] : config.entries()) {
    if (key == "invert" && value.boolean() && config.contains("vocabulary") &&
        config.at("vocabulary").list()[0].kind() == Config::Kind::text)
      continue;  // a call of its own
    const bool list = key == "axis" || key == "salt";
    if (list && value.is_nothing())
      out.set(key, std::vector<Config>{});
    else if (list && value.kind() == Config::Kind::integer)
      out.set(key, std::vector<Config>{value});
    else if ((key == "standardize" || key == "split") && value.is_nothing())
      out.set(key, "");
    else
      out.set(key, value);
  }
  return out;
}

void check_result(const Config& one, const Tensor& y) {
  CHECK(y.shape() == one.at("shape").shape());
  std::vector<double> expected;
  flatten(one.at("y"), expected);
  const std::vector<double> found = y.to_vector<double>();
  REQUIRE(found.size() == expected.size());
  for (std::size_t i = 0; i < found.size(); ++i) {
    INFO("element " << i);
    CHECK(found[i] == Approx(expected[i]).epsilon(2e-6).margin(1e-7));
  }
}

/// Keras numbers are exact where they are whole.
void check_words(const Config& one) {
  const Config& x = one.at("x");
  const std::string& layer = one.at("layer").text();
  const Config config = ours(one.at("config"));
  if (layer == "Hashing") {
    const Hashing hashing = Hashing::from_config(config);
    CHECK(Hashing::from_config(hashing.get_config()).get_config() == hashing.get_config());
    return check_result(one, holds_text(x) ? hashing(words_of(x)) : hashing(tensor_of(x)));
  }
  if (layer == "HashedCrossing") {
    const HashedCrossing crossing = HashedCrossing::from_config(config);
    std::vector<HashedCrossing::Column> columns;
    for (const Config& column : x.list())
      columns.push_back(holds_text(column) ? HashedCrossing::Column(words_of(column))
                                           : HashedCrossing::Column(tensor_of(column)));
    return check_result(one, crossing(columns));
  }
  if (layer == "StringLookup") {
    StringLookup lookup = StringLookup::from_config(config);
    if (one.contains("adapt")) lookup.adapt(rows_of(one.at("adapt")));
    if (one.contains("vocabulary")) CHECK(lookup.get_vocabulary() == words_of(one.at("vocabulary")));
    if (one.contains("words")) {
      CHECK(lookup.invert(tensor_of(x)) == words_of(one.at("words")));
      return;
    }
    return check_result(one, nested(x) ? lookup(rows_of(x)) : lookup(words_of(x)));
  }
  TextVectorization vectorization = TextVectorization::from_config(config);
  if (one.contains("adapt")) vectorization.adapt(words_of(one.at("adapt")));
  CHECK(vectorization.get_vocabulary() == words_of(one.at("vocabulary")));
  check_result(one, vectorization(words_of(x)));
}

template <class L>
L adapted(const Config& one) {
  L layer = L::from_config(ours(one.at("config")));
  if constexpr (requires { layer.adapt(Tensor()); })
    if (one.contains("adapt")) layer.adapt(tensor_of(one.at("adapt")));
  CHECK(L::from_config(layer.get_config()).get_config() == layer.get_config());
  return layer;
}

}  // namespace

TEST_CASE("layers for words and tokens give Keras's numbers") {
  std::map<std::string, int> seen;
  int number = 0;
  for (const Config& one : reference().at("cases").list()) {
    const std::string& layer = one.at("layer").text();
    INFO("case " << number++ << ": " << layer << " " << one.at("config").to_json());
    ++seen[layer];
    if (layer == "IntegerLookup") {
      const auto lookup = adapted<IntegerLookup>(one);
      if (one.contains("vocabulary")) {
        std::vector<double> expected;
        flatten(one.at("vocabulary"), expected);
        CHECK(lookup.get_vocabulary() == std::vector<std::int64_t>(expected.begin(), expected.end()));
      }
      check_result(one, lookup(tensor_of(one.at("x"))));
    } else if (layer == "CategoryEncoding") {
      const auto encoding = adapted<CategoryEncoding>(one);
      const Tensor x = tensor_of(one.at("x"));
      check_result(one, one.contains("count_weights") ? encoding(x, tensor_of(one.at("count_weights"))) : encoding(x));
    } else if (layer == "Discretization") {
      check_result(one, adapted<Discretization>(one)(tensor_of(one.at("x"))));
    } else if (layer == "Normalization") {
      check_result(one, adapted<Normalization>(one)(tensor_of(one.at("x"))));
    } else {
      check_words(one);
    }
  }
  CHECK(seen.size() == 8);
  for (const auto& [layer, cases] : seen) CHECK(cases >= 5);
}

TEST_CASE("SipHash gives the value that its authors published") {
  std::string text;
  for (int i = 0; i < 15; ++i) text += static_cast<char>(i);
  CHECK(sip_hash(text, 0x0706050403020100, 0x0f0e0d0c0b0a0908) == 0xa129ca6149be45e5);
}

TEST_CASE("texts of different lengths are rows of their own") {
  TextVectorization layer({.vocabulary = {"the", "fox"}});
  const std::vector<Tensor> rows = layer.ragged({"the quick fox", "", "Fox!"});
  REQUIRE(rows.size() == 3);
  CHECK(rows[0].to_vector<std::int64_t>() == std::vector<std::int64_t>{2, 1, 3});
  CHECK(rows[1].shape() == Shape{0});
  CHECK(rows[2].to_vector<std::int64_t>() == std::vector<std::int64_t>{3});
  TextVectorization counts({.output_mode = "count", .vocabulary = {"the"}});
  CHECK_THROWS_WITH(counts.ragged({"the"}), Catch::Contains("'int'") && Catch::Contains("'count'"));
}

TEST_CASE("layers for words refuse what they cannot hash or look up") {
  CHECK_THROWS_WITH(Hashing(3, {.salt = {1, 2, 3}}), Catch::Contains("one number or two"));
  CHECK_THROWS_AS(Hashing(3)(tensor({1.5})), DTypeError);
  CHECK_THROWS_AS(HashedCrossing::Column(ones({2, 2}, {.dtype = int64})), ShapeError);
  CHECK_THROWS_WITH(HashedCrossing(3)({Words{"a"}}), Catch::Contains("two columns"));
  CHECK_THROWS_WITH(HashedCrossing(3)({Words{"a"}, Words{"a", "b"}}), Catch::Contains("equal length"));
  CHECK_THROWS_WITH(StringLookup({.mask_token = "m", .vocabulary = {"a", "m"}}), Catch::Contains("'m'"));
  CHECK(StringLookup({.mask_token = "m", .vocabulary = {"m", "[UNK]", "a"}}).get_vocabulary() ==
        Words{"m", "[UNK]", "a"});
  CHECK_THROWS_WITH(IntegerLookup({.vocabulary = {5, -1}}), Catch::Contains("-1"));
}
