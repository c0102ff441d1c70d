// Recorded graphs as text.

#include <xgrad/graph/grad.hpp>

#include <xgrad/graph/op.hpp>
#include <xgrad/graph/parameter.hpp>
#include <xgrad/graph/print.hpp>
#include <xgrad/ops/activation.hpp>
#include <xgrad/ops/product.hpp>
#include <xgrad/ops/random.hpp>

#include <catch2/catch.hpp>

using namespace xgrad;
using Catch::Matchers::Contains;

namespace {

Tensor named(const char* name, const Shape& shape = {2, 2}) { return zeros(shape).eval().named(name); }

}  // namespace

TEST_CASE("a formula has the brackets that its operators need and no others") {
  const Tensor a = named("a"), b = named("b"), c = named("c");
  CHECK(formula(a + b + c) == "a + b + c");
  CHECK(formula(a + (b + c)) == "a + b + c");
  CHECK(formula(a - (b - c)) == "a - (b - c)");
  CHECK(formula((a - b) - c) == "a - b - c");
  CHECK(formula((a + b) * c) == "(a + b) * c");
  CHECK(formula(a / (b * c)) == "a / (b * c)");
  CHECK(formula(-a * b) == "-a * b");
  CHECK(formula(-(a * b)) == "-(a * b)");
  CHECK(formula(matmul(a, matmul(b, c))) == "a @ (b @ c)");
  CHECK(formula(matmul(matmul(a, b), c)) == "a @ b @ c");
  CHECK(formula(a * matmul(b, c)) == "a * (b @ c)");
  CHECK(formula(2 * a + 0.1) == "2 * a + 0.1");
}

TEST_CASE("what a formula uses twice has a line of its own") {
  const Tensor x = named("x");
  const Tensor s = sigmoid(x * 3);
  CHECK(formula(s * (1 - s)) == "t1 = sigmoid(x * 3)\nt1 * (1 - t1)");
  const Tensor z = (x * 3).named("z");
  CHECK(formula(sigmoid(z)) == "z = x * 3\nsigmoid(z)");
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
