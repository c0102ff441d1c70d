#include <catch2/catch.hpp>
#include <xgrad/data/sequences.hpp>
#include <xgrad/nn/preprocessing.hpp>
#include <xgrad/nn/saving.hpp>
#include <xgrad/nn/sequential.hpp>
#include <xgrad/nn/text.hpp>
#include <xgrad/nn/tools.hpp>
#include <xgrad/ops/random.hpp>
#include <xgrad/ops/reduce.hpp>
#include <xgrad/ops/shape.hpp>

#include <cmath>
#include <set>

using namespace xgrad;
using Words = std::vector<std::string>;

namespace {

constexpr TensorOptions doubles{.dtype = float64}, integers{.dtype = int64};

std::vector<double> values(const Tensor& t) { return t.to_vector<double>(); }

Tensor drawn(const Shape& shape, std::uint64_t seed) {
  Generator generator(seed);
  return normal(shape, 0, 1, {.generator = &generator});
}

}  // namespace

TEST_CASE("Normalization adapts to data") {
  Normalization layer;
  CHECK_THROWS_WITH(layer(ones({2, 2})), Catch::Contains("adapted"));
  layer.adapt(tensor({{1, 10}, {2, 20}, {3, 60}}, doubles));
  const std::vector<double> expected = {-1.22474487139, -.925820099773, 0,
                                        -.462910049886, 1.22474487139,  1.38873014966};
  const std::vector<double> found = values(layer(tensor({{1, 10}, {2, 20}, {3, 60}}, doubles)));
  for (std::size_t i = 0; i < 6; ++i) CHECK(found[i] == Approx(expected[i]).epsilon(1e-10).margin(1e-12));
  Normalization all({.axis = {}});
  all.adapt(tensor({{1, 3}, {5, 7}}, doubles));
  CHECK(all.mean() == std::vector<double>{4});
  CHECK(all.variance() == std::vector<double>{5});
  const Normalization back = Normalization::from_config(layer.get_config().set("invert", true));
  CHECK(values(back(layer(tensor({{7, 8}}, doubles))))[1] == Approx(8));
  CHECK_THROWS_WITH(layer(ones({2, 3})), Catch::Contains("2 means"));
  CHECK_THROWS_WITH(Normalization({.mean = {1}}), Catch::Contains("variances"));
  // It is saved with a model.
  Sequential model{layer, Dense(1)};
  model(ones({1, 2}));
  const Layer again = layer_from_config(layer_config(model.get_layer(0)));
  CHECK(values(again(ones({1, 2}))) == values(layer(ones({1, 2}))));
}

TEST_CASE("Discretization finds quantiles as Keras does") {
  std::vector<double> data;
  for (int i = 0; i < 250; ++i) data.push_back(static_cast<double>((i * 37) % 101) / 7);
  Discretization five({.num_bins = 5});
  five.adapt(tensor(data, {250}));
  // keras.layers.Discretization(num_bins=5).adapt, version 3.15.1
  const std::vector<double> expected = {2.714285612, 5.571428776, 8.571428299, 11.4285717};
  REQUIRE(five.bin_boundaries().size() == expected.size());
  for (std::size_t i = 0; i < expected.size(); ++i)
    CHECK(five.bin_boundaries()[i] == Approx(expected[i]).epsilon(1e-6));
  Discretization four({.num_bins = 4, .epsilon = .1});
  data.resize(30);
  four.adapt(tensor(data, {30}));
  const std::vector<double> coarse = {3, 6.714285851, 10.28571415};
  REQUIRE(four.bin_boundaries().size() == coarse.size());
  for (std::size_t i = 0; i < coarse.size(); ++i) CHECK(four.bin_boundaries()[i] == Approx(coarse[i]).epsilon(1e-6));
  const Discretization given({.bin_boundaries = {0, 1}, .output_mode = "one_hot"});
  CHECK(values(given(tensor({-1, 0.5, 3}))) == std::vector<double>{1, 0, 0, 0, 1, 0, 0, 0, 1});
  CHECK_THROWS_WITH(Discretization({}), Catch::Contains("bin_boundaries"));
  CHECK_THROWS_WITH(Discretization({.bin_boundaries = {1, 0}}), Catch::Contains("rising"));
}

TEST_CASE("CategoryEncoding counts, and refuses tokens out of range") {
  const CategoryEncoding count(4, {.output_mode = "count"});
  CHECK(values(count(tensor({{0, 1, 1}}, integers), tensor({{.5, 1, 2}}))) == std::vector<double>{.5, 3, 0, 0});
  CHECK_THROWS_WITH(count(tensor({{4}}, integers)).eval(), Catch::Contains("0 to 3, got 4"));
  CHECK_THROWS_WITH(CategoryEncoding(3, {.output_mode = "multi_hit"}), Catch::Contains("did you mean 'multi_hot'"));
}

TEST_CASE("IntegerLookup gives places in a vocabulary") {
  IntegerLookup lookup({.mask_token = 0});
  lookup.adapt(tensor({5, 7, 7, 0, 9, 5, 7, 11}, integers));
  CHECK(lookup.get_vocabulary() == std::vector<std::int64_t>{0, -1, 7, 5, 11, 9});
  CHECK(lookup(tensor({{7, 9}, {0, 100}}, integers)).to_vector<std::int64_t>() ==
        std::vector<std::int64_t>{2, 5, 0, 1});
  const IntegerLookup back = IntegerLookup::from_config(lookup.get_config().set("invert", true));
  CHECK(back(tensor({2, 5, 1, 77}, integers)).to_vector<std::int64_t>() == std::vector<std::int64_t>{7, 9, -1, -1});
  IntegerLookup some({.max_tokens = 3});
  some.adapt(tensor({5, 7, 7, 9, 5, 7}, integers));
  CHECK(some.get_vocabulary() == std::vector<std::int64_t>{-1, 7, 5});
  const IntegerLookup strict({.num_oov_indices = 0, .vocabulary = {3, 1}, .output_mode = "multi_hot"});
  CHECK(values(strict(tensor({{1, 1}}, integers))) == std::vector<double>{0, 1});
  CHECK_THROWS_AS(strict(tensor({{2, 1}}, integers)).eval(), ValueError);
  CHECK_THROWS_WITH(IntegerLookup({.vocabulary = {1, 1}}), Catch::Contains("twice"));
  CHECK_THROWS_WITH(IntegerLookup()(ones({1}, integers)), Catch::Contains("vocabulary"));
}

TEST_CASE("StringLookup gives places, rows and words") {
  StringLookup lookup;
  lookup.adapt(Words{"a", "c", "d", "d", "c", "b"});
  // Equally frequent words stand in reverse alphabetical order, as in Keras.
  CHECK(lookup.get_vocabulary() == Words{"[UNK]", "d", "c", "b", "a"});
  CHECK(lookup(Words{"a", "z", "d"}).to_vector<std::int64_t>() == std::vector<std::int64_t>{4, 0, 1});
  CHECK(lookup.invert(tensor({1, 4, 9}, integers)) == Words{"d", "a", "[UNK]"});
  const StringLookup counts({.vocabulary = {"x", "y"}, .output_mode = "count"});
  CHECK(values(counts(std::vector<Words>{{"x", "x", "q"}, {"y"}})) == std::vector<double>{1, 2, 0, 0, 0, 1});
  const StringLookup weighted({.vocabulary = {"x", "y"}, .idf_weights = {.25, .75}, .output_mode = "tf_idf"});
  CHECK(values(weighted(Words{"x", "y", "y", "q"})) == std::vector<double>{.5, .25, 1.5});
  const StringLookup several({.num_oov_indices = 3, .vocabulary = {"x"}});
  CHECK(several(Words{"x"}).item() == 3);
  CHECK(several(Words{"unknown"}).item() < 3);
  const StringLookup strict({.num_oov_indices = 0, .vocabulary = {"x"}});
  CHECK_THROWS_WITH(strict(Words{"z"}), Catch::Contains("'z'"));
  CHECK_THROWS_WITH(StringLookup({.vocabulary = {"x", "x"}}), Catch::Contains("'x' twice"));
  CHECK(StringLookup::from_config(counts.get_config()).get_config() == counts.get_config());
}

TEST_CASE("TextVectorization makes rows of numbers from texts") {
  TextVectorization text({.max_tokens = 6, .output_sequence_length = 4});
  text.adapt({"The cat, the DOG!", "the cat sat."});
  CHECK(text.get_vocabulary() == Words{"", "[UNK]", "the", "cat", "sat", "dog"});
  CHECK(text({"The bird sat", "a b c d e"}).to_vector<std::int64_t>() ==
        std::vector<std::int64_t>{2, 1, 4, 0, 1, 1, 1, 1});
  TextVectorization grams({.standardize = "", .ngrams = 2, .output_mode = "count"});
  CHECK(grams.words_of("A b c") == Words{"A", "b", "c", "A b", "b c"});
  grams.adapt({"A b", "A"});
  CHECK(grams.get_vocabulary() == Words{"[UNK]", "A", "b", "A b"});
  CHECK(values(grams({"A A b"})) == std::vector<double>{1, 2, 1, 1});
  CHECK(TextVectorization({.split = "character"}).words_of("aé") == Words{"a", "é"});
  TextVectorization weighted({.output_mode = "tf_idf"});
  weighted.adapt({"a b", "a"});
  CHECK(values(weighted({"a b"}))[1] == Approx(std::log(1 + 2.0 / 3)));
  CHECK(TextVectorization::from_config(text.get_config()).get_vocabulary() == text.get_vocabulary());
  CHECK_THROWS_WITH(TextVectorization({.split = "whitespaces"}), Catch::Contains("did you mean 'whitespace'"));
}

TEST_CASE("hashes are the same every time and within the bins") {
  const Hashing hashing(5);
  std::set<std::int64_t> seen;
  for (int i = 0; i < 100; ++i) {
    const std::int64_t bin = hashing.bin_of("word" + std::to_string(i));
    CHECK((bin >= 0 && bin < 5));
    seen.insert(bin);
  }
  CHECK(seen.size() == 5);
  CHECK(hashing(Words{"a", "b", "a"}).to_vector<std::int64_t>()[0] == hashing.bin_of("a"));
  const Hashing masked(5, {.mask_value = ""});
  CHECK(masked.bin_of("") == 0);
  for (int i = 0; i < 20; ++i) CHECK(masked.bin_of(std::to_string(i)) > 0);
  CHECK(Hashing(100, {.salt = {1}}).bin_of("a") != Hashing(100, {.salt = {2}}).bin_of("a"));
  const HashedCrossing crossing(1000);
  const std::vector<std::int64_t> crossed =
      crossing({Words{"ab", "a", "ab"}, Words{"c", "bc", "c"}}).to_vector<std::int64_t>();
  CHECK(crossed[0] == crossed[2]);
  CHECK(crossed[0] != crossed[1]);
  CHECK_THROWS_WITH(crossing({Words{"a"}, Words{"b", "c"}}), Catch::Contains("equal length"));
  CHECK_THROWS_WITH(Hashing(0), Catch::Contains("above 0"));
}

TEST_CASE("sequences become rows, windows and folds") {
  using Lists = std::vector<std::vector<std::int64_t>>;
  CHECK(values(pad_sequences(Lists{{1}, {2, 3}, {4, 5, 6}})) == std::vector<double>{0, 0, 1, 0, 2, 3, 4, 5, 6});
  CHECK(values(pad_sequences(Lists{{1}, {2, 3}, {4, 5, 6}},
                             {.maxlen = 2, .padding = "post", .truncating = "post", .value = 9})) ==
        std::vector<double>{1, 9, 2, 3, 4, 5});
  CHECK_THROWS_WITH(pad_sequences(Lists{{1}}, {.padding = "front"}), Catch::Contains("'front'"));
  const Tensor series = arange(10);
  const data::Windows w = timeseries_dataset_from_array(series, slice_axis(series, 0, {3}), 3, {.sequence_stride = 2});
  CHECK(values(w.x) == std::vector<double>{0, 1, 2, 2, 3, 4, 4, 5, 6, 6, 7, 8});
  CHECK(values(w.y) == std::vector<double>{3, 5, 7, 9});
  CHECK(timeseries_dataset_from_array(series, {}, 3, {.sampling_rate = 2}).x.shape() == Shape{6, 3});
  CHECK_THROWS_WITH(timeseries_dataset_from_array(series, {}, 0), Catch::Contains("sequence_length"));
  std::set<std::int64_t> tested;
  for (const data::Fold& fold : data::k_fold(11, 3, 1)) {
    CHECK(fold.train.size() + fold.test.size() == 11);
    for (const std::int64_t i : fold.test) CHECK(tested.insert(i).second);
  }
  CHECK(tested.size() == 11);
  CHECK_THROWS_WITH(data::k_fold(3, 4), Catch::Contains("from 2 to 3"));
}

TEST_CASE("split_dataset divides rows by shares or numbers") {
  const Dataset data{arange(10), arange(10) * 2};
  const auto [left, right] = split_dataset(data, {.left_size = .8});
  CHECK(left.x[0].dim(0) == 8);
  CHECK(values(right.y[0]) == std::vector<double>{16, 18});
  const auto [a, b] = split_dataset(data, {.right_size = 3, .shuffle = true, .seed = 1});
  CHECK(a.x[0].dim(0) == 7);
  CHECK(values(b.x[0] * 2) == values(b.y[0]));
  CHECK_THROWS_WITH(split_dataset(data, {.left_size = 1.5}), Catch::Contains("1.5"));
  CHECK_THROWS_WITH(split_dataset(data, {.left_size = 10}), Catch::Contains("1 row or more"));
  CHECK_THROWS_WITH(split_dataset(data, {}), Catch::Contains("neither"));
}

TEST_CASE("the learning-rate finder proposes a rate and leaves the model as it was") {
  set_random_seed(1);
  Sequential model{Dense(8, {.activation = "tanh", .input_shape = {3}}), Dropout(.1), Dense(1)};
  model.compile({.optimizer = optimizers::Adam(.123), .loss = "mse"});
  const Tensor x = drawn({64, 3}, 2), y = sum(x, -1, true);
  const std::vector<double> before = values(model.get_weights()[0]);
  const LearningRates found = find_learning_rate(model, x, y);
  CHECK(values(model.get_weights()[0]) == before);
  CHECK(model.optimizer().learning_rate() == .123);
  CHECK(model.optimizer().iterations() == 0);
  CHECK(found.suggestion > 1e-5);
  CHECK(found.suggestion < 1);
  CHECK(found.rates.size() == found.losses.size());
  CHECK_THROWS_WITH(find_learning_rate(model, x, y, {.start = 1, .end = .1}), Catch::Contains("start < end"));
}

TEST_CASE("cross-validation trains a model for each fold") {
  int made = 0;
  const auto make = [&] {
    ++made;
    set_random_seed(3);
    Model model = Sequential{Dense(1, {.input_shape = {2}})};
    model.compile({.optimizer = optimizers::SGD(.1), .loss = "mse", .metrics = {"mae"}});
    return model;
  };
  const Tensor x = drawn({40, 2}, 4), y = sum(x, -1, true);
  const CrossValidation result = cross_validate(make, x, y, {.k = 4, .seed = 1, .fit = {.epochs = 20, .verbose = 0}});
  CHECK(made == 4);
  CHECK(result.folds.size() == 4);
  CHECK(result.mean["loss"] < .05);
  CHECK(result.deviation.contains("mae"));
}
