// Recorded graphs as text.

#include "planned.hpp"

#include <xgrad/graph/grad.hpp>

#include <xgrad/graph/op.hpp>
#include <xgrad/graph/parameter.hpp>
#include <xgrad/graph/print.hpp>
#include <xgrad/ops/activation.hpp>
#include <xgrad/ops/elementwise.hpp>
#include <xgrad/ops/product.hpp>
#include <xgrad/ops/random.hpp>

#include <catch2/catch.hpp>

using namespace xgrad;
using Catch::Matchers::Contains;

namespace {

const Planned planned;

Tensor named(const char* name, const Shape& shape = {2, 2}) { return zeros(shape).eval().named(name); }

std::string code(const Tensor& y) { return formula(y, FormulaStyle::code); }

}  // namespace

TEST_CASE("a formula has the brackets that its operators need and no others") {
  const Tensor a = named("a"), b = named("b"), c = named("c");
  CHECK(code(a + b + c) == "a + b + c");
  CHECK(code(a + (b + c)) == "a + b + c");
  CHECK(code(a - (b - c)) == "a - (b - c)");
  CHECK(code((a - b) - c) == "a - b - c");
  CHECK(code((a + b) * c) == "(a + b) * c");
  CHECK(code(a / (b * c)) == "a / (b * c)");
  CHECK(code(-a * b) == "-a * b");
  CHECK(code(-(a * b)) == "-(a * b)");
  CHECK(code(matmul(a, matmul(b, c))) == "a @ (b @ c)");
  CHECK(code(matmul(matmul(a, b), c)) == "a @ b @ c");
  CHECK(code(a * matmul(b, c)) == "a * (b @ c)");
  CHECK(code(2 * a + 0.1) == "2 * a + 0.1");
}

TEST_CASE("what a formula uses twice has a line of its own") {
  const Tensor x = named("x");
  const Tensor s = sigmoid(x * 3);
  CHECK(code(s * (1 - s)) == "t1 = sigmoid(x * 3)\nt1 * (1 - t1)");
  const Tensor z = (x * 3).named("z");
  CHECK(code(sigmoid(z)) == "z = x * 3\nsigmoid(z)");
  CHECK(formula(grad(sum(x * x), x)).find("x") != std::string::npos);
  CHECK_THROWS_AS(formula(Tensor()), ValueError);
}

TEST_CASE("a dump names operation, inputs, shape, type, layer and line of each node") {
  const Parameter w(zeros({2, 3}), "w");
  Tensor y;
  {
    const NameScope scope("dense");
    y = matmul(named("x", {4, 2}), w).named("y");
  }
  const std::string text = dump(y);
  CHECK_THAT(text, Contains("= matmul %") && Contains("(4, 3) float32 'y' in dense (graph_print_test.cpp:"));
  CHECK_THAT(text, Contains("leaf x") && Contains("w"));
  CHECK_THAT(dump(broadcast_like(Tensor(1.0), y)), Contains("'s shape"));
  CHECK_THAT(to_dot(y), Contains("digraph") && Contains("y: matmul (4, 3)") && Contains("->"));
}

TEST_CASE("formulas are written as mathematics") {
  const Tensor a = named("a"), b = named("b"), c = named("c");
  CHECK(formula(a + b * 1 - 0) == "a + b");
  CHECK(formula(a - (b - c)) == "a - (b - c)");
  CHECK(formula(-(a - b) * c) == "-(a - b) · c");
  CHECK(formula(0.5 * (2 * a) * b) == "a · b");
  CHECK(formula(3 * a * (b * (1 - b))) == "3 · a · b (1 - b)");
  CHECK(formula(square(a - b) / 2) == "(a - b)² / 2");
  CHECK(formula(a / (b * c)) == "a / (b · c)");
  CHECK(formula(a / (b + c)) == "a / (b + c)");
  CHECK(formula(power(a, 3) + power(b, a)) == "a³ + b^a");
  CHECK(formula(a + -b) == "a - b");
  CHECK(formula(matmul(a + b, c)) == "(a + b) @ c");
  CHECK(formula(sigmoid(a) * (1 - sigmoid(a))) == "σ(a) · (1 - σ(a))");
  // It stops at what has a name, and writes what it is asked for.
  const Tensor z = (a * b + c).named("z");
  CHECK(formula(tanh(z)) == "tanh(z)");
  CHECK(formula(z) == "a · b + c");
  CHECK_THROWS_AS(formula(Tensor()), ValueError);
}

TEST_CASE("formulas are set in LaTeX") {
  const Tensor w1 = named("w1"), eta = named("eta"), rate = named("learning_rate");
  CHECK(latex(w1 - eta * w1) == "w_{1} - \\eta \\cdot w_{1}");
  CHECK(latex(square(w1 - eta) / 2) == "\\frac{\\left(w_{1} - \\eta\\right)^{2}}{2}");
  CHECK(latex(sqrt(rate)) == "\\sqrt{\\mathrm{learning\\_rate}}");
  CHECK(latex(sigmoid(w1)) == "\\sigma\\left(w_{1}\\right)");
  CHECK_THROWS_AS(latex(Tensor()), ValueError);
}

TEST_CASE("the two-neuron network's derivatives are written as in the course notes") {
  const auto scalar = [](double v, const char* name) { return Tensor(v, {.dtype = float64, .name = name}); };
  const Tensor x1 = scalar(0.1, "x1"), t = scalar(0.25, "T");
  const Parameter w1(Tensor(0.15, {.dtype = float64}), "w1"), b1(Tensor(0.4, {.dtype = float64}), "b1");
  const Parameter w2(Tensor(0.45, {.dtype = float64}), "w2"), b2(Tensor(0.65, {.dtype = float64}), "b2");
  const Tensor z1 = (x1 * w1 + b1).named("z1"), a1 = sigmoid(z1).named("a1");
  const Tensor z2 = (a1 * w2 + b2).named("z2"), a2 = sigmoid(z2).named("a2");
  const Tensor e = square(t - a2) / 2;
  CHECK(formula(e) == "(T - a2)² / 2");
  const auto [dw1, db1, dw2, db2] = grad(e, {w1, b1, w2, b2});
  CHECK(formula(dw2) == "-(T - a2) · a2 (1 - a2) · a1");
  CHECK(formula(db2) == "-(T - a2) · a2 (1 - a2)");
  CHECK(formula(dw1) == "-(T - a2) · a2 (1 - a2) · w2 · a1 (1 - a1) · x1");
  CHECK(formula(db1) == "-(T - a2) · a2 (1 - a2) · w2 · a1 (1 - a1)");
  CHECK(latex(dw2) == "-\\left(T - a_{2}\\right) \\cdot a_{2} \\left(1 - a_{2}\\right) \\cdot a_{1}");
  const Tensor by_hand = -(t - a2) * (a2 * (1 - a2)) * w2 * (a1 * (1 - a1)) * x1;
  CHECK(dw1.item() == Approx(by_hand.item()).epsilon(1e-15));
  CHECK(dw2.item() == Approx((-(t - a2) * a2 * (1 - a2) * a1).item()).epsilon(1e-15));
  CHECK(db2.item() == Approx((-(t - a2) * a2 * (1 - a2)).item()).epsilon(1e-15));
  CHECK(db1.item() == Approx((-(t - a2) * a2 * (1 - a2) * w2 * a1 * (1 - a1)).item()).epsilon(1e-15));
  CHECK(dw1.item() == Approx(0.001021395881476340).epsilon(1e-13));
}
