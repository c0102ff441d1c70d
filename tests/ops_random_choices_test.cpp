// Random integers, classes, orders and choices.

#include <xgrad/graph/grad.hpp>
#include <xgrad/graph/rerecord.hpp>
#include <xgrad/ops/elementwise.hpp>
#include <xgrad/ops/random.hpp>
#include <xgrad/ops/reduce.hpp>
#include <xgrad/ops/shape.hpp>

#include <catch2/catch.hpp>

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

using namespace xgrad;

namespace {

using Integers = std::vector<std::int64_t>;

Integers integers(const Tensor& x) { return x.to_vector<std::int64_t>(); }
Tensor doubles(const std::vector<double>& values) {
  return tensor(values, Shape{static_cast<std::int64_t>(values.size())});
}

/// Pearson's statistic in standard deviations, about.
double surprise(const std::map<std::int64_t, double>& probabilities, const Integers& x) {
  std::map<std::int64_t, double> counts;
  for (const std::int64_t v : x) {
    REQUIRE(probabilities.count(v) == 1);
    ++counts[v];
  }
  double chi = 0;
  for (const auto& [v, p] : probabilities) {
    const double expected = p * static_cast<double>(x.size());
    if (expected == 0)
      CHECK(counts[v] == 0);
    else
      chi += (counts[v] - expected) * (counts[v] - expected) / expected;
  }
  const double freedom = static_cast<double>(probabilities.size()) - 1;
  return (chi - freedom) / std::sqrt(2 * freedom);
}

}  // namespace

TEST_CASE("random integers are even over their range, of any size") {
  Generator generator(12);
  std::map<std::int64_t, double> even;
  for (std::int64_t k = -3; k < 10; ++k) even[k] = 1.0 / 13;
  CHECK(std::fabs(surprise(even, integers(randint({100000}, -3, 10, {.generator = &generator})))) < 3.5);
  std::map<std::int64_t, double> bits = {{0, 0.5}, {1, 0.5}};
  const Tensor coin = randint({100000}, 0, 1, {.dtype = bool_, .generator = &generator, .endpoint = true});
  CHECK(coin.dtype() == bool_);
  CHECK(std::fabs(surprise(bits, integers(coin))) < 3.5);

  // Three fifths of 2^63: half of the words are rejected, and the range is met evenly all the same.
  const std::int64_t most = INT64_MAX / 5 * 3;
  Integers fifths;
  for (const std::int64_t v : integers(randint({100000}, -most, most, {.generator = &generator})))
    fifths.push_back(static_cast<std::int64_t>(std::floor(static_cast<double>(v) / static_cast<double>(most) * 5)));
  std::map<std::int64_t, double> tenths;
  for (std::int64_t k = -5; k < 5; ++k) tenths[k] = 0.1;
  CHECK(std::fabs(surprise(tenths, fifths)) < 3.5);

  const Integers all = integers(randint({4096}, INT64_MIN, INT64_MAX, {.generator = &generator, .endpoint = true}));
  CHECK(std::set<std::int64_t>(all.begin(), all.end()).size() == 4096);
  std::int64_t negative = 0, odd = 0;
  for (const std::int64_t v : all) negative += v < 0, odd += v & 1;
  CHECK(std::abs(negative - 2048) < 130);
  CHECK(std::abs(odd - 2048) < 130);
  const Integers top = integers(randint({64}, INT64_MAX - 1, INT64_MAX, {.generator = &generator, .endpoint = true}));
  CHECK(std::set<std::int64_t>(top.begin(), top.end()) == std::set<std::int64_t>{INT64_MAX - 1, INT64_MAX});
  CHECK(integers(randint({2}, INT64_MIN, INT64_MIN + 1)) == Integers{INT64_MIN, INT64_MIN});
}

TEST_CASE("classes are drawn with their logits' probabilities, row by row") {
  Generator generator(13);
  const double inf = std::numeric_limits<double>::infinity();
  const Tensor logits = log(tensor({{0.1, 0.2, 0.3, 0.4}, {5, 0, 4, 1}}, {.dtype = float64}));
  const Tensor drawn = categorical(logits, 100000, &generator);
  CHECK(drawn.shape() == Shape{2, 100000});
  const Integers x = integers(drawn);
  const auto half = x.begin() + 100000;
  CHECK(std::fabs(surprise({{0, 0.1}, {1, 0.2}, {2, 0.3}, {3, 0.4}}, Integers(x.begin(), half))) < 3.5);
  CHECK(std::fabs(surprise({{0, 0.5}, {1, 0}, {2, 0.4}, {3, 0.1}}, Integers(half, x.end()))) < 3.5);
  CHECK(integers(categorical(doubles({-inf, -700, -inf}), 5)) == Integers(5, 1));
  const Tensor again = categorical(logits, 7, &generator), wider = zeros({5, 4}, {.dtype = float64});
  CHECK(rerecord(again, {{logits, wider}}).eval().shape() == Shape{5, 7});
}

TEST_CASE("a shuffle is a permutation of slices, whose gradients go back to where they came from") {
  Generator generator(14);
  const Tensor x = cast(reshape(arange(12), {3, 4}), float64);
  const Tensor y = shuffle(x, 1, &generator);
  const std::vector<double> values = y.to_vector<double>();
  std::vector<double> first(values.begin(), values.begin() + 4);
  for (std::size_t i = 0; i < 4; ++i) CHECK(values[8 + i] == first[i] + 8);
  std::sort(first.begin(), first.end());
  CHECK(first == std::vector<double>{0, 1, 2, 3});
  const Tensor weights = doubles({1, 2, 3, 4});
  const std::vector<double> g = grad(sum(y * weights), x).to_vector<double>();
  for (std::size_t i = 0; i < 4; ++i) CHECK(g[static_cast<std::size_t>(values[i])] == static_cast<double>(i + 1));
  CHECK(rerecord(shuffle(x, 1, &generator), {{x, zeros({2, 9})}}).eval().shape() == Shape{2, 9});
  std::map<Integers, int> seen;
  for (int k = 0; k < 6000; ++k) ++seen[integers(shuffle(arange(3), 0, &generator))];
  CHECK(seen.size() == 6);
  for (const auto& [order, count] : seen) CHECK(std::abs(count - 1000) < 130);
}

TEST_CASE("choices with and without replacement have the probabilities asked for") {
  Generator generator(15);
  const auto with = [&](ChoiceOptions options) {
    options.generator = &generator;
    return options;
  };
  CHECK(std::fabs(surprise({{0, 0.25}, {1, 0.25}, {2, 0.25}, {3, 0.25}}, integers(choice(4, {40000}, with({}))))) <
        3.5);
  const Tensor p = doubles({1, 0, 3, 4});
  CHECK(std::fabs(surprise({{0, 0.125}, {1, 0}, {2, 0.375}, {3, 0.5}}, integers(choice(4, {40000}, with({.p = p}))))) <
        3.5);

  const Integers some = integers(choice(50, {5, 10}, with({.replace = false})));
  CHECK(std::set<std::int64_t>(some.begin(), some.end()).size() == 50);

  // Two of three without replacement: i first, then j among the others.
  const double weights[] = {0.2, 0.3, 0.5};
  std::map<std::int64_t, double> pairs;
  for (int i = 0; i < 3; ++i)
    for (int j = 0; j < 3; ++j)
      if (i != j) pairs[3 * i + j] = weights[i] * weights[j] / (1 - weights[i]);
  Integers drawn;
  const Tensor q = doubles({0.2, 0.3, 0.5});
  for (int k = 0; k < 6000; ++k) {
    const Integers two = integers(choice(3, {2}, with({.replace = false, .p = q})));
    drawn.push_back(3 * two[0] + two[1]);
  }
  CHECK(std::fabs(surprise(pairs, drawn)) < 3.5);
  CHECK(integers(choice(4, {4}, with({.replace = false, .p = p})))[3] == 1);

  const Tensor x = tensor({{1., 2., 3.}, {4., 5., 6.}}, {.dtype = float64});
  const Tensor columns = choice(x, {2, 2}, with({.axis = 1}));
  CHECK(columns.shape() == Shape{2, 2, 2});
  CHECK(sum(grad(sum(columns), x)).item() == 8);
}

TEST_CASE("each draw takes one number of its generator") {
  Generator a(7);
  const RandomOptions options{.generator = &a};
  exponential({2}, 1, options);
  laplace({2}, 0, 1, options);
  logistic({2}, 0, 1, options);
  gumbel({2}, 0, 1, options);
  cauchy({2}, 0, 1, options);
  gamma({2}, 3, 1, options);
  CHECK(a.next() == 6);
  beta({2}, 3, 1, options);
  CHECK(a.next() == 8);
  dirichlet({2}, doubles({3, 1}), options);
  poisson({2}, 3, {.generator = &a});
  binomial({2}, 3, 0.5, {.generator = &a});
  randint({2}, 0, 5, {.generator = &a});
  categorical(doubles({3, 1}), 5, &a);
  shuffle(doubles({3, 1}), 0, &a);
  choice(5, {2}, {.generator = &a});
  CHECK(a.next() == 15);
}
