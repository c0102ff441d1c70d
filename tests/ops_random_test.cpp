#include <xgrad/graph/grad.hpp>
#include <xgrad/ops/elementwise.hpp>
#include <xgrad/ops/random.hpp>
#include <xgrad/ops/reduce.hpp>

#include <catch2/catch.hpp>

#include <algorithm>
#include <cmath>
#include <map>
#include <vector>

using namespace xgrad;

namespace {

struct Moments {
  double mean = 0, variance = 0, skew = 0, kurtosis = 0, least = 0, most = 0;
};

Moments moments(const Tensor& x) {
  const std::vector<double> v = x.to_vector<double>();
  const double n = static_cast<double>(v.size());
  Moments m;
  for (const double value : v) m.mean += value / n;
  for (const double value : v) m.variance += (value - m.mean) * (value - m.mean) / n;
  for (const double value : v) {
    m.skew += std::pow((value - m.mean) / std::sqrt(m.variance), 3) / n;
    m.kurtosis += std::pow((value - m.mean) / std::sqrt(m.variance), 4) / n;
  }
  const auto [least, most] = std::minmax_element(v.begin(), v.end());
  m.least = *least;
  m.most = *most;
  return m;
}

constexpr std::int64_t n = 200000;

}  // namespace

TEST_CASE("uniform numbers fill their range evenly, without the upper bound") {
  for (const DType dtype : {float32, float64}) {
    Generator generator(5);
    const Tensor u = uniform({n}, -1, 3, {.dtype = dtype, .generator = &generator});
    const Moments m = moments(u);
    CHECK(m.mean == Approx(1).margin(0.02));
    CHECK(m.variance == Approx(16.0 / 12).margin(0.02));
    CHECK(m.least >= -1);
    CHECK(m.most < 3);
    std::vector<int> cells(20);
    for (const double v : u.to_vector<double>()) ++cells[static_cast<std::size_t>((v + 1) * 5)];
    double chi = 0;
    for (const int count : cells) chi += std::pow(count - n / 20.0, 2) / (n / 20.0);
    CHECK(chi < 43.8);  // one in a thousand at 19 degrees of freedom
  }
  // A range that float32 can hardly resolve still leaves its upper bound out.
  const Tensor narrow = uniform({10000}, 1, 1 + 2.4e-7);
  for (const float v : narrow.to_vector<float>()) CHECK(v < static_cast<float>(1 + 2.4e-7));
}

TEST_CASE("normal numbers have the moments of the normal distribution") {
  Generator generator(11);
  const Moments m = moments(normal({n}, 2, 3, {.generator = &generator}));
  CHECK(m.mean == Approx(2).margin(0.03));
  CHECK(std::sqrt(m.variance) == Approx(3).margin(0.03));
  CHECK(m.skew == Approx(0).margin(0.03));
  CHECK(m.kurtosis == Approx(3).margin(0.06));
  const Moments like = moments(normal_like(zeros({n}, {.dtype = float64}), &generator));
  CHECK(like.mean == Approx(0).margin(0.01));
  CHECK(like.variance == Approx(1).margin(0.02));
}

TEST_CASE("a uniform draw of exactly 0 gives a finite normal number") {
  // Among this many float32 draws of 24 bits one is 0 for this seed.
  const Shape many{std::int64_t{1} << 23};
  Generator zeros_in(9), same(9);
  REQUIRE(min(uniform(many, 0, 1, {.generator = &zeros_in})).item() == 0);
  CHECK(sum(logical_not(isfinite(normal(many, 0, 1, {.generator = &same})))).item() == 0);
}

TEST_CASE("truncated normal numbers stay within two standard deviations and have the cut distribution's moments") {
  for (const DType dtype : {float32, float64}) {
    Generator generator(3);
    const Moments m = moments(truncated_normal({n}, 1, 0.5, {.dtype = dtype, .generator = &generator}));
    CHECK(m.least >= 0);
    CHECK(m.most <= 2);
    CHECK(m.most > 1.98);
    CHECK(m.mean == Approx(1).margin(0.005));
    // The variance of a normal variable cut at two standard deviations is 0.7737413 of the whole one's.
    CHECK(m.variance == Approx(0.25 * 0.7737413).margin(0.002));
    CHECK(m.kurtosis == Approx(2.3654).margin(0.03));
  }
}

TEST_CASE("the inverse of the normal distribution is good to double precision") {
  Generator generator(8), same(8);
  const Tensor drawn = truncated_normal({2000}, 0, 1, {.dtype = float64, .generator = &generator});
  const Tensor from = uniform({2000}, 0, 1, {.dtype = float64, .generator = &same});
  const std::vector<double> x = drawn.to_vector<double>(), u = from.to_vector<double>();
  for (std::size_t i = 0; i < x.size(); ++i) {
    const double expected = (u[i] - 0.5) * 0.95449973610364158560 + 0.5;
    const double found = 0.5 * std::erfc(-x[i] / std::sqrt(2.0));
    CHECK(std::fabs(found - expected) <= 4e-16);
  }
}

TEST_CASE("bernoulli draws ones with its probability") {
  Generator generator(2);
  for (const double p : {0.0, 0.1, 0.5, 0.9, 1.0}) {
    const Tensor x = bernoulli({n}, p, {.generator = &generator});
    CHECK(mean(x).item() == Approx(p).margin(0.004));
    CHECK(moments(x).least >= 0);
  }
  const Tensor like = bernoulli_like(zeros({n}, {.dtype = float64}), 0.3, &generator);
  CHECK(like.dtype() == float64);
  CHECK(mean(like).item() == Approx(0.3).margin(0.004));
}

TEST_CASE("a permutation holds each number once, and every order is about equally frequent") {
  Generator generator(4);
  std::vector<std::int64_t> order = permutation(1000, &generator).to_vector<std::int64_t>();
  CHECK(!std::is_sorted(order.begin(), order.end()));
  std::sort(order.begin(), order.end());
  for (std::int64_t i = 0; i < 1000; ++i) CHECK(order[static_cast<std::size_t>(i)] == i);
  std::map<std::vector<std::int64_t>, int> seen;
  for (int k = 0; k < 6000; ++k) ++seen[permutation(3, &generator).to_vector<std::int64_t>()];
  CHECK(seen.size() == 6);
  for (const auto& [which, count] : seen) CHECK(std::abs(count - 1000) < 130);
}

TEST_CASE("the same seed gives the same numbers, other draws other ones, and each draw takes its number") {
  Generator a(7), b(7);
  const std::vector<double> first = uniform({100}, 0, 1, {.generator = &a}).to_vector<double>();
  CHECK(first == uniform({100}, 0, 1, {.generator = &b}).to_vector<double>());
  CHECK(first != uniform({100}, 0, 1, {.generator = &a}).to_vector<double>());
  CHECK(a.next() == 2);
  normal({3}, 0, 1, {.generator = &a});
  CHECK(a.next() == 4);
  truncated_normal({3}, 0, 1, {.generator = &a});
  bernoulli({3}, 0.5, {.generator = &a});
  permutation(3, &a);
  uniform_like(zeros({3}), &a);
  bernoulli_like(zeros({3}), 0.5, &a);
  CHECK(a.next() == 9);
  normal_like(zeros({3}), &a);
  CHECK(a.next() == 11);
  set_random_seed(7);
  CHECK(first == uniform({100}).to_vector<double>());
}

TEST_CASE("one draw has one value for all its readers") {
  const Tensor u = uniform({1000});
  const Tensor difference = sum(abs(square(u) - u * u));
  CHECK(difference.item() == 0);
  const Tensor x = ones({1000}, {.dtype = float64}), mask = bernoulli_like(x, 0.5);
  const Tensor y = x * mask;
  CHECK(grad(sum(y), x).to_vector<double>() == mask.to_vector<double>());
  CHECK(y.to_vector<double>() == mask.to_vector<double>());
  const Tensor p = permutation(50), q = permutation(50);
  CHECK(p.to_vector<double>() != q.to_vector<double>());
}
