// Distributions against SciPy's quantiles and probabilities, and the derivatives of those with parameters.

#include <xgrad/kernels/draws.hpp>
#include <xgrad/kernels/pool.hpp>
#include <xgrad/ops/elementwise.hpp>
#include <xgrad/ops/random.hpp>
#include <xgrad/ops/reduce.hpp>
#include <xgrad/ops/shape.hpp>

#include "reference_cases.hpp"

#include <algorithm>
#include <cstring>

using namespace xgrad;

namespace {

using In = std::span<const Tensor>;
using Values = std::vector<double>;

constexpr std::int64_t n = 100000;

nlohmann::json distributions() {
  std::ifstream stream(std::filesystem::path(XGRAD_TEST_FILES).parent_path() / "reference" / "random_values.json");
  REQUIRE(stream.good());
  return nlohmann::json::parse(stream);
}

/// n numbers of a family; parameters p.
Values drawn(const std::string& name, const Values& p, RandomOptions options) {
  const auto numbers = [&]() -> Tensor {
    const CountOptions counts{.generator = options.generator};
    if (name == "uniform") return uniform({n}, p[0], p[1], options);
    if (name == "normal") return normal({n}, p[0], p[1], options);
    if (name == "exponential") return exponential({n}, p[0], options);
    if (name == "laplace") return laplace({n}, p[0], p[1], options);
    if (name == "logistic") return logistic({n}, p[0], p[1], options);
    if (name == "gumbel") return gumbel({n}, p[0], p[1], options);
    if (name == "cauchy") return cauchy({n}, p[0], p[1], options);
    if (name == "gamma") return gamma({n}, p[0], p[1], options);
    if (name == "beta") return beta({n}, p[0], p[1], options);
    if (name == "poisson") return poisson({n}, p[0], counts);
    if (name == "binomial") return binomial({n}, static_cast<std::int64_t>(p[0]), p[1], counts);
    REQUIRE(name == "dirichlet");
    // Each coordinate of a Dirichlet variable is a beta variable.
    const Tensor x = dirichlet({n}, tensor({p[0], 0.25, p[1] - 0.25}, {.dtype = float64}), options);
    return reshape(slice_axis(x, 1, {0, 1}), {n});
  };
  return numbers().to_vector<double>();
}

/// Pearson's statistic of counts against probabilities, as a normal number (Wilson and Hilferty).
double surprise(const std::vector<double>& counts, const Values& probabilities) {
  double chi = 0;
  for (std::size_t k = 0; k < counts.size(); ++k) {
    const double expected = probabilities[k] * static_cast<double>(n);
    chi += (counts[k] - expected) * (counts[k] - expected) / expected;
  }
  const double freedom = static_cast<double>(counts.size()) - 1, v = 2 / (9 * freedom);
  return (std::cbrt(chi / freedom) - (1 - v)) / std::sqrt(v);
}

/// P(a, z) of the gamma distribution by its series.
double gamma_function(double a, double z) {
  double term = 1 / a, sum = term;
  for (double k = a + 1; term > 1e-18 * sum; ++k) sum += term *= z / k;
  return sum * std::exp(a * std::log(z) - z - std::lgamma(a));
}
/// z with P(a, z) = p, from a start nearby.
double gamma_quantile(double a, double p, double z) {
  for (int k = 0; k < 60; ++k) z -= (gamma_function(a, z) - p) / std::exp((a - 1) * std::log(z) - z - std::lgamma(a));
  return z;
}

template <kernels::GammaSlope which>
Tensor slope(In x) {
  std::vector<double> out(static_cast<std::size_t>(x[0].size()));
  kernels::log_gamma_slope(which, x[0].data<double>().data(), x[1].data<double>().data(), out.data(), x[0].size());
  return tensor(out, x[0].shape());
}

Tensor doubles(const Values& values) { return tensor(values, Shape{static_cast<std::int64_t>(values.size())}); }

}  // namespace

TEST_CASE("continuous families fill the cells between SciPy's quantiles evenly") {
  const nlohmann::json all = distributions();
  for (const auto& one : all.at("continuous")) {
    const std::string name = one.at("name");
    const Values parameters = one.at("parameters"), quantiles = one.at("quantiles");
    for (const DType dtype : {float32, float64}) {
      Generator generator(2026);
      const Values x = drawn(name, parameters, {.dtype = dtype, .generator = &generator});
      std::vector<double> counts(quantiles.size() + 1);
      CHECK(std::all_of(x.begin(), x.end(), [](double v) { return std::isfinite(v); }));
      for (const double v : x) {
        ++counts[static_cast<std::size_t>(std::upper_bound(quantiles.begin(), quantiles.end(), v) - quantiles.begin())];
      }
      INFO(name << " " << parameters[0] << " " << name_of(dtype));
      CHECK(std::fabs(surprise(counts, Values(counts.size(), 1.0 / static_cast<double>(counts.size())))) < 3.3);
    }
  }
}

TEST_CASE("counts have SciPy's probabilities") {
  const nlohmann::json all = distributions();
  for (const auto& one : all.at("discrete")) {
    const std::string name = one.at("name");
    const Values parameters = one.at("parameters"), last = one.at("last"), probabilities = one.at("probabilities");
    Generator generator(7);
    std::vector<double> counts(last.size() + 1);
    for (const double v : drawn(name, parameters, {.generator = &generator}))
      ++counts[static_cast<std::size_t>(std::lower_bound(last.begin(), last.end(), v) - last.begin())];
    INFO(name << " " << parameters[0]);
    CHECK(std::fabs(surprise(counts, probabilities)) < 3.3);
  }
}

TEST_CASE("moments of families are those of the distributions") {
  Generator generator(3);
  const RandomOptions options{.dtype = float64, .generator = &generator};
  const auto check = [](const Tensor& x, double mean_of, double variance_of) {
    const double spread = std::sqrt(variance_of / static_cast<double>(n));
    CHECK(std::fabs(mean(x).item() - mean_of) < 4 * spread);
    CHECK(var(x).item() == Approx(variance_of).epsilon(0.05));
  };
  check(exponential({n}, 3, options), 3, 9);
  check(laplace({n}, 1, 2, options), 1, 8);
  check(logistic({n}, 1, 2, options), 1, 4 * 9.869604401089358 / 3);
  check(gumbel({n}, 1, 2, options), 1 + 2 * 0.5772156649015329, 4 * 9.869604401089358 / 6);
  check(gamma({n}, 2.5, 2, options), 5, 10);
  check(beta({n}, 2, 3, options), 0.4, 0.04);
  check(cast(poisson({n}, 123.4, {.generator = &generator}), float64), 123.4, 123.4);
  check(cast(binomial({n}, 1000, 0.3, {.generator = &generator}), float64), 300, 210);
}

TEST_CASE("tiny shape parameters do not underflow in beta and dirichlet variables") {
  Generator generator(5);
  const Values x = beta({10000}, 1e-4, 1e-4, {.generator = &generator}).to_vector<double>();
  double ones = 0;
  for (const double v : x) {
    CHECK_FALSE(!(v >= 0 && v <= 1));
    ones += v > 0.5;
  }
  CHECK(ones == Approx(5000).margin(200));
  const Tensor d = dirichlet({1000}, doubles({1e-3, 1e-3, 1e-3}), {.dtype = float64, .generator = &generator});
  for (const double total : sum(d, 1).to_vector<double>()) CHECK(total == Approx(1).epsilon(1e-12));
}

TEST_CASE("draws with rejection are the same for any number of threads, and each element is its own") {
  const int before = kernels::num_threads();
  const auto draws = [] {
    Generator generator(11);
    const RandomOptions options{.dtype = float64, .generator = &generator};
    Values all;
    for (const Tensor& x :
         {gamma({20000}, 0.4, 1, options), cast(poisson({20000}, 55, {.generator = &generator}), float64),
          cast(binomial({20000}, 99, 0.4, {.generator = &generator}), float64),
          cast(randint({20000}, -3, 9, {.generator = &generator}), float64)}) {
      const Values part = x.to_vector<double>();
      all.insert(all.end(), part.begin(), part.end());
    }
    return all;
  };
  kernels::set_num_threads(1);
  const Values one = draws();
  kernels::set_num_threads(3);
  CHECK(one == draws());
  kernels::set_num_threads(before);
  Generator a(11), b(11);
  const Values few = gamma({10}, 0.4, 1, {.dtype = float64, .generator = &a}).to_vector<double>();
  const Values many = gamma({20000}, 0.4, 1, {.dtype = float64, .generator = &b}).to_vector<double>();
  CHECK(std::equal(few.begin(), few.end(), many.begin()));
}

TEST_CASE("gamma variables' derivatives agree with mpmath") {
  using kernels::GammaSlope;
  reference::check_reference("random_values.json", {{"by_alpha", slope<GammaSlope::by_alpha>},
                                                    {"by_alpha_twice", slope<GammaSlope::by_alpha_twice>},
                                                    {"by_alpha_and_l", slope<GammaSlope::by_alpha_and_l>}});
}

TEST_CASE("a gamma variable moves with its parameters so that its place in the distribution stays") {
  Generator generator(9);
  const Values alphas = {0.3, 0.8, 1, 2.5, 7, 20};
  const Tensor alpha = doubles(alphas), scale = doubles({1, 2, 3, 1, 2, 3});
  const Tensor x = gamma({6}, alpha, scale, {.dtype = float64, .generator = &generator});
  const auto [by_alpha, by_scale] = grad(x, {alpha, scale}, {.seed = ones_like(x)});
  const Tensor twice = grad(by_alpha, alpha, {.seed = ones_like(x)});
  const Tensor mixed = grad(by_alpha, scale, {.seed = ones_like(x)});
  const Values values = x.to_vector<double>(), scales = scale.to_vector<double>();
  const Values first = by_alpha.to_vector<double>(), second = twice.to_vector<double>();
  for (std::size_t i = 0; i < 6; ++i) {
    const double a = alphas[i], z = values[i] / scales[i], p = gamma_function(a, z), step = 1e-3 * a;
    const double up = gamma_quantile(a + step, p, z), down = gamma_quantile(a - step, p, z);
    INFO("alpha " << a << ", z " << z);
    CHECK(first[i] == Approx(scales[i] * (up - down) / (2 * step)).epsilon(1e-4));
    CHECK(second[i] == Approx(scales[i] * (up - 2 * z + down) / (step * step)).epsilon(1e-3));
    CHECK(by_scale.to_vector<double>()[i] == Approx(z).epsilon(1e-14));
    CHECK(mixed.to_vector<double>()[i] == Approx(first[i] / scales[i]).epsilon(1e-14));
  }
  CHECK_THROWS_WITH(grad(twice, alpha, {.seed = ones_like(x)}), Catch::Contains("[gamma] expected derivatives"));
  const std::vector<Tensor> moving = {alpha}, along = {ones_like(alpha)};
  reference::check_reals("forward", jvp(x, moving, along), first);
}

TEST_CASE("the mean of derivatives is the derivative of the mean") {
  Generator generator(21);
  const RandomOptions options{.dtype = float64, .generator = &generator};
  const Tensor a = doubles({1.5}), b = doubles({2.5});
  const Tensor x = gamma({n}, a, 2, options);
  CHECK(grad(mean(x), a).item() == Approx(2).epsilon(0.02));
  CHECK(grad(mean(log(x)), a).item() == Approx(0.9348022005446793).epsilon(0.02));  // trigamma(1.5)
  const Tensor y = beta({n}, a, b, options);
  const auto [by_a, by_b] = grad(mean(y), {a, b});
  CHECK(by_a.item() == Approx(2.5 / 16).epsilon(0.02));
  CHECK(by_b.item() == Approx(-1.5 / 16).epsilon(0.02));
  const Tensor alpha = doubles({1, 2, 3});
  const Tensor d = grad(mean(slice_axis(dirichlet({n}, alpha, options), 1, {0, 1})), alpha);
  const Values expected = {5.0 / 36, -1.0 / 36, -1.0 / 36};
  for (std::size_t i = 0; i < 3; ++i) CHECK(d.to_vector<double>()[i] == Approx(expected[i]).epsilon(0.05));
}
