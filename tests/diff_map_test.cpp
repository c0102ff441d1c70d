#include <xgrad/diff/map.hpp>
#include <xgrad/diff/transforms.hpp>
#include <xgrad/diff/vmap.hpp>
#include <xgrad/graph/basic.hpp>
#include <xgrad/graph/plan.hpp>
#include <xgrad/graph/print.hpp>
#include <xgrad/graph/rerecord.hpp>
#include <xgrad/ops/activation.hpp>
#include <xgrad/ops/elementwise.hpp>
#include <xgrad/ops/random.hpp>
#include <xgrad/ops/special.hpp>

#include <catch2/catch.hpp>

#include <cmath>

using namespace xgrad;

namespace {

using Values = std::vector<double>;

Tensor spread(std::int64_t n, double low, double high, DType dtype = float64) {
  Values values(static_cast<std::size_t>(n));
  for (std::size_t i = 0; i < values.size(); ++i)
    values[i] = low + (high - low) * (static_cast<double>(i) + 0.37) / static_cast<double>(n);
  return tensor(values, Shape{n}, {.dtype = dtype});
}

void check_close(const Tensor& found, const Tensor& expected, double tolerance) {
  REQUIRE(to_string(found.shape()) == to_string(expected.shape()));
  REQUIRE(found.dtype() == expected.dtype());
  const Values a = found.to_vector<double>(), b = expected.to_vector<double>();
  for (std::size_t i = 0; i < a.size(); ++i) {
    if (std::isnan(b[i]) || std::isinf(b[i])) {
      CHECK((std::isnan(b[i]) ? std::isnan(a[i]) : a[i] == b[i]));
      continue;
    }
    INFO("entry " << i << ": " << a[i] << ", expected " << b[i]);
    CHECK(std::fabs(a[i] - b[i]) <= tolerance * std::max(1e-3, std::fabs(b[i])));
  }
}

/// The largest error of a function of packs in ulps of its type.
template <class T, class F, class Exact>
double ulps(F f, Exact exact, double low, double high) {
  const Tensor x = spread(100'003, low, high, dtype_of<T>);
  const auto in = x.to_vector<T>(), out = map(f, x).template to_vector<T>();
  double most = 0;
  for (std::size_t i = 0; i < in.size(); ++i) {
    const long double right = exact(static_cast<long double>(in[i]));
    const T near = static_cast<T>(right);
    const T ulp = std::nextafter(std::fabs(near), std::numeric_limits<T>::infinity()) - std::fabs(near);
    most = std::max(most, static_cast<double>(std::fabs(static_cast<long double>(out[i]) - right) / ulp));
  }
  return most;
}

template <class T>
void check_accuracy() {
  const bool single = sizeof(T) == 4;
  CHECK(ulps<T>([](auto x) { return exp(x); }, [](long double x) { return std::exp(x); }, single ? -87 : -700,
                single ? 88 : 700) < 2);
  CHECK(ulps<T>([](auto x) { return exp(x); }, [](long double x) { return std::exp(x); }, -1, 1) < 2);
  CHECK(ulps<T>([](auto x) { return log(x); }, [](long double x) { return std::log(x); }, 1e-30, 3) < 2);
  CHECK(ulps<T>([](auto x) { return log(x); }, [](long double x) { return std::log(x); }, 1, 1e30) < 2);
  CHECK(ulps<T>([](auto x) { return tanh(x); }, [](long double x) { return std::tanh(x); }, -10, 10) < 3);
  CHECK(ulps<T>([](auto x) { return expm1(x); }, [](long double x) { return std::expm1(x); }, -3, 3) < 3);
  CHECK(ulps<T>([](auto x) { return log1p(x); }, [](long double x) { return std::log1p(x); }, -0.9, 3) < 3);
  CHECK(ulps<T>([](auto x) { return sqrt(x); }, [](long double x) { return std::sqrt(x); }, 0, 3) <= 0.5001);
  CHECK(ulps<T>([](auto x) { return sigmoid(x); }, [](long double x) { return 1 / (1 + std::exp(-x)); }, -20, 20) < 4);
}

const auto own_mish = [](auto x) { return x * tanh(softplus(x)); };

}  // namespace

TEST_CASE("functions of packs are within a few ulps of the exact values") {
  check_accuracy<float>();
  check_accuracy<double>();
}

TEST_CASE("functions of packs treat the ends of the number line as the operations do") {
  const double inf = std::numeric_limits<double>::infinity(), nan = std::numeric_limits<double>::quiet_NaN();
  for (const DType dtype : {float32, float64}) {
    const Tensor x =
        tensor({0.0, -0.0, inf, -inf, nan, -1.0, 1e-40, 1e-310, 1000, -1000, -745, -100}, {.dtype = dtype});
    check_close(map([](auto a) { return exp(a); }, x), exp(x), 1e-6);
    check_close(map([](auto a) { return log(a); }, x), log(x), 1e-6);
    check_close(map([](auto a) { return tanh(a); }, x), tanh(x), 1e-6);
    check_close(map([](auto a) { return sqrt(a); }, x), sqrt(x), 1e-6);
    check_close(map([](auto a) { return expm1(a); }, x), expm1(x), 1e-6);
    check_close(map([](auto a) { return log1p(a); }, x), log1p(x), 1e-6);
    check_close(map([](auto a) { return sigmoid(a); }, x), sigmoid(x), 1e-6);
    check_close(map([](auto a) { return abs(a); }, x), abs(x), 1e-6);
  }
}

TEST_CASE("a mapped function has the derivatives of its composition, to fourth order and in both modes") {
  const Tensor x = spread(103, -3, 3);
  const auto by_hand = [](const Tensor& t) { return t * tanh(softplus(t)); };
  Tensor y = map<"mish">(own_mish, x), z = by_hand(x);
  check_close(y, z, 1e-13);
  const Tensor v = spread(103, -1, 2);
  check_close(jvp(Arg(y), std::span(&x, 1), std::span(&v, 1)), jvp(Arg(z), std::span(&x, 1), std::span(&v, 1)), 1e-13);
  for (int order = 1; order <= 4; ++order) {
    y = grad(sum(y), x);
    z = grad(sum(z), x);
    check_close(y, z, 1e-10);
  }
  CHECK_THROWS_WITH(grad(sum(y), x), Catch::Contains("[mish]") && Catch::Contains("of that order"));
}

TEST_CASE("every function for packs has the derivatives of the operation of its name") {
  const Tensor x = spread(37, 0.1, 2.5);
  const auto compare = [&](auto f, auto g) {
    Tensor y = map(f, x), z = g(x);
    for (int order = 0; order < 3; ++order) {
      check_close(y, z, 1e-9);
      y = grad(sum(y), x);
      z = grad(sum(z), x);
    }
  };
  compare([](auto a) { return exp(a); }, [](const Tensor& a) { return exp(a); });
  compare([](auto a) { return expm1(a); }, [](const Tensor& a) { return expm1(a); });
  compare([](auto a) { return log(a); }, [](const Tensor& a) { return log(a); });
  compare([](auto a) { return log1p(a); }, [](const Tensor& a) { return log1p(a); });
  compare([](auto a) { return sqrt(a); }, [](const Tensor& a) { return sqrt(a); });
  compare([](auto a) { return tanh(a); }, [](const Tensor& a) { return tanh(a); });
  compare([](auto a) { return sigmoid(a); }, [](const Tensor& a) { return sigmoid(a); });
  compare([](auto a) { return softplus(a); }, [](const Tensor& a) { return softplus(a); });
  compare([](auto a) { return sin(a); }, [](const Tensor& a) { return sin(a); });
  compare([](auto a) { return cos(a); }, [](const Tensor& a) { return cos(a); });
  compare([](auto a) { return tan(0.4 * a); }, [](const Tensor& a) { return tan(0.4 * a); });
  compare([](auto a) { return atan(a); }, [](const Tensor& a) { return arctan(a); });
  compare([](auto a) { return sinh(a); }, [](const Tensor& a) { return sinh(a); });
  compare([](auto a) { return cosh(a); }, [](const Tensor& a) { return cosh(a); });
  compare([](auto a) { return erf(a); }, [](const Tensor& a) { return erf(a); });
  compare([](auto a) { return pow(a, 2.5); }, [](const Tensor& a) { return power(a, 2.5); });
  compare([](auto a) { return pow(a, a); }, [](const Tensor& a) { return power(a, a); });
  compare([](auto a) { return abs(a - 1) * square(a); }, [](const Tensor& a) { return abs(a - 1) * square(a); });
  compare([](auto a) { return 1 / a - a / 3 + 2 * a - (1 - a) + (a - 2) / a; },
          [](const Tensor& a) { return 1 / a - a / 3 + 2 * a - (1 - a) + (a - 2) / a; });
  compare([](auto a) { return select(a < 1, a * a, 2 * a); },
          [](const Tensor& a) { return where(less(a, 1), a * a, 2 * a); });
  compare([](auto a) { return maximum(a, 2 - a) + minimum(a, a * a) + relu(a - 1); },
          [](const Tensor& a) { return maximum(a, 2 - a) + minimum(a, a * a) + relu(a - 1); });
}

TEST_CASE("several arguments broadcast, numbers take the dtype, and mixed derivatives agree") {
  const auto f = [](auto a, auto b, auto c) { return sin(a * b) + c * a * b * b; };
  const auto g = [](const Tensor& a, const Tensor& b, const Tensor& c) { return sin(a * b) + c * a * b * b; };
  const Tensor a = reshape(spread(6, -1, 1), {2, 3}), b = spread(3, 0.5, 2), c = tensor(1.5, {.dtype = float64});
  const Tensor xs[] = {a, b, c};
  const Tensor y = map(f, a, b, c), z = g(a, b, c);
  check_close(y, z, 1e-14);
  check_close(map(f, a, b, 1.5), z, 1e-14);
  const std::vector<Tensor> dy = grad(sum(y * y), std::span(xs)), dz = grad(sum(z * z), std::span(xs));
  for (std::size_t k = 0; k < 3; ++k) check_close(dy[k], dz[k], 1e-12);
  const auto hy = hessian(sum(y * y), std::span(xs)), hz = hessian(sum(z * z), std::span(xs));
  for (std::size_t i = 0; i < 3; ++i)
    for (std::size_t j = 0; j < 3; ++j) check_close(hy[i][j], hz[i][j], 1e-11);
  CHECK(map(f, zeros({0, 3}), zeros({3}), 1).size() == 0);
  CHECK(map(f, 1, 2, 3).item() == Approx(std::sin(2.) + 12));
  CHECK(map([](auto x) { return x / 2; }, tensor({1, 2}, {.dtype = int64})).dtype() == float32);
  CHECK_THROWS_AS(map(f, zeros({2}), zeros({3}), 1), ShapeError);
  CHECK_THROWS_AS(map([](auto x) { return x; }, Tensor()), ValueError);
}

TEST_CASE("lengths around a pack and results without neighbours are the same bits") {
  const Tensor whole = map(own_mish, spread(1000, -2, 2, float32));
  const Values expected = whole.to_vector<double>();
  const Values all = spread(1000, -2, 2, float32).to_vector<double>();
  for (const std::int64_t n : {1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 31, 33}) {
    const Values part(all.begin(), all.begin() + n);
    const Values found = map(own_mish, tensor(part, Shape{n}, {.dtype = float32})).to_vector<double>();
    for (std::size_t i = 0; i < found.size(); ++i) CHECK(found[i] == expected[i]);
  }
}

TEST_CASE("a function of scalars may branch, and one of plain numbers has no derivative") {
  const Tensor x = spread(9, -1, 1);
  const auto leaky = [](scalar auto a) {
    using std::exp;
    return a > 0 ? a : decltype(a)(0.1 * exp(a));
  };
  const Tensor y = map<"leaky">(leaky, x);
  check_close(y, where(greater(x, 0), x, 0.1 * exp(x)), 1e-14);
  check_close(grad(sum(y), x), where(greater(x, 0), 1, 0.1 * exp(x)), 1e-14);
  const auto plain = [](double a) { return std::cbrt(a); };
  check_close(map(plain, x), cbrt(x), 1e-14);
  check_close(map(plain, spread(9, -1, 1, float32)), cbrt(spread(9, -1, 1, float32)), 1e-6);
  CHECK_THROWS_AS(grad(sum(map(plain, x)), x), GradientError);
}

TEST_CASE("what a function captures is its own") {
  const Tensor x = spread(5, 0, 1);
  const auto scaled = [&](double factor) { return map([factor](auto a) { return factor * a * a; }, x); };
  const Tensor both = scaled(2) + 10 * scaled(3);
  check_close(both, 32 * x * x, 1e-14);
  check_close(grad(sum(both), x), 64 * x, 1e-14);
  check_close(grad(sum(scaled(5)), x), 10 * x, 1e-14);
}

TEST_CASE("mapped functions print by name, record again and go through vmap") {
  const Tensor x = spread(3, -1, 1).named("x");
  const Tensor y = map<"mish">(own_mish, x);
  CHECK(formula(y) == "mish(x)");
  CHECK(dump(grad(sum(y), x)).find("mish") != std::string::npos);
  CHECK(to_dot(y).find("mish") != std::string::npos);
  const Tensor longer = spread(7, -1, 1, float32);
  check_close(rerecord(y, {{x, longer}}), map(own_mish, longer), 1e-7);
  const Tensor rows = reshape(spread(12, -2, 2), {4, 3});
  const auto f = [&](const Tensor& a) { return map([](auto p, auto q) { return p * exp(q); }, a, x); };
  check_close(vmap(f)(rows), rows * exp(x), 1e-13);
  const auto g = [&](const Tensor& a) { return grad(sum(f(a)), x); };
  check_close(vmap(g)(rows), rows * exp(x), 1e-13);
}
