#include "reference_cases.hpp"

#include <xgrad/ops/elementwise.hpp>
#include <xgrad/ops/special.hpp>

using namespace xgrad;
using In = std::span<const Tensor>;

namespace {

template <Tensor (*function)(const Arg&)>
Tensor one(In x) {
  return function(x[0]);
}

std::vector<double> grid(double low, double high, int n) {
  std::vector<double> values;
  for (int i = 0; i <= n; ++i) values.push_back(low + (high - low) * i / n);
  return values;
}

Tensor vector_of(const std::vector<double>& values, DType dtype = float64) {
  return tensor(values, Shape{static_cast<std::int64_t>(values.size())}, {.dtype = dtype});
}

double largest(const Tensor& x) {
  double most = 0;
  for (const double v : x.to_vector<double>()) most = std::max(most, std::fabs(v));
  return most;
}

}  // namespace

TEST_CASE("special functions have SciPy's values and exact derivatives") {
  reference::check_reference("special_values.json", {{"erf", one<xgrad::erf>},
                                                     {"erfc", one<xgrad::erfc>},
                                                     {"erfinv", one<erfinv>},
                                                     {"lgamma", one<xgrad::lgamma>},
                                                     {"digamma", one<digamma>},
                                                     {"polygamma_1", [](In x) { return polygamma(1, x[0]); }},
                                                     {"polygamma_4", [](In x) { return polygamma(4, x[0]); }},
                                                     {"i0", one<i0>},
                                                     {"i0e", one<i0e>},
                                                     {"i1", one<i1>},
                                                     {"i1e", one<i1e>},
                                                     {"xlogy", [](In x) { return xlogy(x[0], x[1]); }}});
}

TEST_CASE("erf and erfc add up to one, and the inverse gives back what erf was given") {
  const Tensor x = vector_of(grid(-6, 6, 997));
  CHECK(largest(xgrad::erf(x) + xgrad::erfc(x) - 1) < 3e-16);
  const Tensor y = vector_of(grid(-0.999999, 0.999999, 1001));
  CHECK(largest(xgrad::erf(erfinv(y)) - y) < 4e-16);
}

TEST_CASE("gamma functions obey their recurrences on both sides of zero") {
  const Tensor x = vector_of(grid(-40.37, 60.13, 499));
  CHECK(largest((digamma(x + 1) - digamma(x) - 1 / x) / (1 + xgrad::abs(digamma(x)))) < 1e-12);
  for (const int n : {1, 2, 3, 7}) {
    INFO("order " << n);
    double factorial = 1;
    for (int k = 2; k <= n; ++k) factorial *= -k;
    const Tensor step = -factorial * xgrad::power(x, -n - 1), value = polygamma(n, x);
    CHECK(largest((polygamma(n, x + 1) - value - step) / (xgrad::abs(value) + xgrad::abs(step))) < 1e-11);
  }
}

TEST_CASE("polygamma far to the left takes no longer and stays accurate") {
  const Tensor x = vector_of({-1e9 + 0.25, -12345.75});
  const std::vector<double> found = polygamma(1, x).to_vector<double>();
  // psi_1(x) is nearly pi^2 / sin(pi x)^2 there, less psi_1(1 - x).
  CHECK(std::fabs(found[0] - (2 * M_PI * M_PI - 1e-9)) < 1e-11);
  CHECK(std::fabs(found[1] - (2 * M_PI * M_PI - 1 / 12346.25)) < 1e-11);
  CHECK(std::isfinite(polygamma(70, vector_of({-1e9 + 0.25})).item()));
}

TEST_CASE("Bessel functions satisfy their differential equation at every order of derivative taken here") {
  // x^2 y'' + x y' - x^2 y = 0 for order 0.
  const Tensor x = vector_of(grid(-35, 35, 210));
  const Tensor y = i0(x), first = grad(sum(y), x), second = grad(sum(first), x), third = grad(sum(second), x);
  CHECK(largest((x * x * second + x * first - x * x * y) / (1 + x * x * y)) < 1e-13);
  // Differentiated once more: x^2 y''' + 3 x y'' + y' - x^2 y' - 2 x y = 0.
  CHECK(largest((x * x * third + 3 * x * second + first - x * x * first - 2 * x * y) / (1 + x * x * y)) < 1e-12);
  const Tensor zero = vector_of({0});
  const Tensor slope = grad(i1(zero), zero);
  CHECK(slope.item() == 0.5);
  CHECK(grad(slope, zero).item() == 0);
  CHECK(std::fabs(grad(grad(slope, zero), zero).item() - 0.375) < 1e-15);
}

TEST_CASE("scaled Bessel functions stay finite where the others overflow") {
  const Tensor x = vector_of({700, 713, 1e5, -1e5});
  const std::vector<double> plain = i0(x).to_vector<double>(), scaled = i0e(x).to_vector<double>();
  CHECK(std::isfinite(plain[1]));
  CHECK(std::isinf(plain[2]));
  for (const double v : scaled) CHECK((v > 0 && v < 1));
  CHECK(scaled[2] == scaled[3]);
}

TEST_CASE("float32 results are the float64 ones, rounded") {
  for (Tensor (*const f)(const Arg&) : {xgrad::lgamma, digamma, i0, i0e, i1, i1e}) {
    const Tensor x = vector_of(grid(0.1, 20, 300), float32);
    const std::vector<float> single = f(x).to_vector<float>(), from_double = f(cast(x, float64)).to_vector<float>();
    CHECK(single == from_double);
  }
}
