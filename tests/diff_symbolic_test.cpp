// Simplifying, substituting and comparing recorded graphs.

#include <xgrad/diff/symbolic.hpp>

#include <xgrad/graph/grad.hpp>
#include <xgrad/graph/parameter.hpp>
#include <xgrad/ops/activation.hpp>
#include <xgrad/ops/elementwise.hpp>
#include <xgrad/ops/product.hpp>
#include <xgrad/ops/reduce.hpp>
#include <xgrad/ops/shape.hpp>

#include <catch2/catch.hpp>

#include <cmath>
#include <limits>

using namespace xgrad;

namespace {

constexpr double inf = std::numeric_limits<double>::infinity(), nan_ = std::numeric_limits<double>::quiet_NaN();
const std::vector<double> edges = {0.0, -0.0, 1.0, -1.0, 0.5, -2.5, 3e-7, -1e150, 1e150, inf, -inf, nan_};

/// Every pair of edge values and some random ones.
std::pair<Tensor, Tensor> pairs() {
  std::vector<double> a, b;
  for (const double x : edges)
    for (const double y : edges) {
      a.push_back(x);
      b.push_back(y);
    }
  for (int i = 0; i < 100; ++i) {
    a.push_back(std::sin(12.9898 * i) * 3);
    b.push_back(std::cos(78.233 * i) * 2);
  }
  const auto n = static_cast<std::int64_t>(a.size());
  return {tensor(a, Shape{n}).named("a"), tensor(b, Shape{n}).named("b")};
}

void check_equal(const Tensor& y, const Tensor& simple) {
  const std::vector<double> p = y.to_vector<double>(), q = simple.to_vector<double>();
  REQUIRE(p.size() == q.size());
  for (std::size_t i = 0; i < p.size(); ++i) {
    INFO("element " << i << ": " << p[i] << " and " << q[i]);
    const bool equal = p[i] == q[i] || (std::isnan(p[i]) && std::isnan(q[i])) ||
                       std::fabs(p[i] - q[i]) <= 4e-16 * std::fabs(p[i]);
    CHECK(equal);
  }
}

std::size_t length(const Tensor& y) {
  std::size_t lines = 0;
  for (const char c : dump(y)) lines += c == '\n';
  return lines;
}

}  // namespace

TEST_CASE("a simplified graph has the same values, edge values included") {
  const auto [a, b] = pairs();
  struct Rule {
    Tensor y;
    const char* code;
  };
  const Rule rules[] = {{a * 1, "a"},
                        {1 * a, "a"},
                        {a / 1, "a"},
                        {a - 0, "a"},
                        {a + 0, "a"},
                        {0 + a, "a"},
                        {0 - a, "-a"},
                        {power(a, 1), "a"},
                        {-(-a), "a"},
                        {a * -1, "-a"},
                        {-a * b, "-(a * b)"},
                        {a * -b, "-(a * b)"},
                        {-a * -b, "a * b"},
                        {a + -b, "a - b"},
                        {-a + b, "b - a"},
                        {a - -b, "a + b"},
                        {-a / b, "-(a / b)"},
                        {0.5 * (2 * a), "a"},
                        {2 * a / 2, "a"},
                        {3 * (2 * a), "6 * a"},
                        {(2 * a) * (3 * b), "6 * a * b"},
                        {a * a, "square(a)"},
                        {power(a, 2), "square(a)"},
                        {square(-a), "square(a)"},
                        {square(abs(a)), "square(a)"},
                        {abs(-a), "abs(a)"},
                        {abs(abs(a)), "abs(a)"},
                        {abs(square(a)), "square(a)"},
                        {maximum(a, a), "a"},
                        {minimum(a, a), "a"},
                        {where(less(a, b), a, a), "a"},
                        {reshape(a, a.shape()), "a"},
                        {reshape(reshape(a, {-1, 4}), a.shape()), "a"},
                        {broadcast_like(a, b), "a"},
                        {(a + b) * 1 - 0, "a + b"}};
  for (const Rule& rule : rules) {
    INFO(formula(rule.y, FormulaStyle::code));
    const Tensor simple = simplify(rule.y);
    CHECK(formula(simple, FormulaStyle::code) == rule.code);
    check_equal(rule.y, simple);
  }
}

TEST_CASE("what is not the same for every value is left alone") {
  const auto [a, b] = pairs();
  for (const Tensor& y : {a * 0, a - a, a / a, exp(log(a)), sqrt(square(a)), (a + b) - b, a / b * b, power(a, 0.5)}) {
    const Tensor simple = simplify(y);
    INFO(formula(y, FormulaStyle::code));
    CHECK(formula(simple, FormulaStyle::code) == formula(y, FormulaStyle::code));
  }
}

TEST_CASE("equal parts become one, draws and names stay") {
  const Tensor x = tensor({0.5, 1.5}, {.dtype = float64}).named("x");
  const Tensor y = exp(x * 3) + exp(x * 3);
  CHECK(length(simplify(y)) == 5);
  CHECK(formula(simplify(y), FormulaStyle::code) == "t1 = exp(x * 3)\nt1 + t1");
  const Tensor z = (x * 1).named("z");
  CHECK(simplify(z + 0).name() == "z");
  CHECK(formula(simplify(2 * (z + 0))) == "2 · z");
  CHECK_THROWS_AS(simplify(Tensor()), ValueError);
}

TEST_CASE("gradients become shorter and stay right") {
  const Tensor x = tensor({{0.3, -0.8}, {1.2, 0.1}}, {.dtype = float64}).named("x");
  const Tensor w = tensor({{0.5, 0.2}, {-0.4, 0.9}}, {.dtype = float64}).named("w");
  const Tensor loss = sum(square(tanh(matmul(x, w)) - 0.25)) / 2;
  const Tensor dw = grad(loss, w);
  const Tensor simple = simplify(dw);
  INFO(dump(dw) << dump(simple));
  CHECK(length(simple) < length(dw));
  check_equal(dw, simple);
}

TEST_CASE("two linear Dense layers simplify to one") {
  const Tensor x = tensor({{1, 2}, {3, 4}}, {.dtype = float64}).named("x");
  const Parameter w1(tensor({{1, 2}, {3, 4}}, {.dtype = float64}), "W1");
  const Parameter b1(tensor({.5, -.5}, {.dtype = float64}), "b1");
  const Parameter w2(tensor({{1}, {-1}}, {.dtype = float64}), "W2"), b2(tensor({2}, {.dtype = float64}), "b2");
  const Tensor y = matmul(matmul(x, w1) + b1, w2) + b2;
  const Tensor one = simplify(y);
  CHECK(formula(one) == "x @ (W1 @ W2) + b1 @ W2 + b2");
  CHECK(one.to_vector<double>() == std::vector<double>{0, -4});
  CHECK(y.to_vector<double>() == one.to_vector<double>());
  // Kernel and bias of the one layer.
  CHECK(matmul(w1, w2).to_vector<double>() == std::vector<double>{-1, -1});
  CHECK((matmul(b1, w2) + b2).to_vector<double>() == std::vector<double>{3});
  CHECK(same(y, matmul(x, matmul(w1, w2)) + (matmul(b1, w2) + b2)));
  // With an activation in between they are two.
  CHECK(formula(simplify(matmul(tanh(matmul(x, w1) + b1), w2) + b2)) == "tanh(x @ W1 + b1) @ W2 + b2");
}

TEST_CASE("a recorded graph is evaluated with other values") {
  const Tensor x = tensor({1.0, 2.0}, {.dtype = float64}), y = square(x) + 1;
  CHECK(substitute(y, {{x, tensor({3.0, 4.0, 5.0}, {.dtype = float64})}}).to_vector<double>() ==
        std::vector<double>{10, 17, 26});
}

TEST_CASE("same says whether two graphs are one function") {
  const Tensor x = tensor({0.3, -1.2, 2.0}, {.dtype = float64}), z = tensor({1.0, 0.4, -0.6}, {.dtype = float64});
  CHECK(same(x * z + x, x * (z + 1)));
  CHECK(same(2 * tanh(x) / (1 + square(tanh(x))), tanh(2 * x)));
  CHECK(same(sigmoid(x) * (1 - sigmoid(x)), grad(sum(sigmoid(x)), x)));
  CHECK(same(2 * sigmoid(2 * x) - 1, tanh(x)));
  CHECK_FALSE(same(x * z, x + z));
  CHECK_FALSE(same(x, x * 1.0001));
  // Equal at the leaves' own values, not elsewhere.
  const Tensor two(2.0, {.dtype = float64, .name = "two"});
  CHECK_FALSE(same(two * two, two + two));
  CHECK_FALSE(same(x, sum(x)));
  CHECK_THROWS_AS(same(x, Tensor()), ValueError);
}
