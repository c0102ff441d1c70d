// What errors say, and that nothing changes when one is thrown.

#include "planned.hpp"

#include <xgrad/graph/grad.hpp>
#include <xgrad/graph/parameter.hpp>
#include <xgrad/graph/plan.hpp>
#include <xgrad/graph/op.hpp>
#include <xgrad/ops/activation.hpp>
#include <xgrad/ops/elementwise.hpp>
#include <xgrad/ops/indexing.hpp>
#include <xgrad/ops/product.hpp>
#include <xgrad/ops/reduce.hpp>
#include <xgrad/ops/shape.hpp>

#include <catch2/catch.hpp>

using namespace xgrad;
using Catch::Matchers::Contains;

namespace {
using Floats = std::vector<float>;
Floats floats(const Tensor& t) { return t.to_vector<float>(); }

/// The message of the exception f throws.
template <class F>
std::string message(F&& f) {
  try {
    f();
  } catch (const Error& error) {
    return error.what();
  }
  return "nothing was thrown";
}

std::string line(int number) { return "graph_errors_test.cpp:" + std::to_string(number); }
}  // namespace

TEST_CASE("a shape error names the operation, both shapes, the names and the line") {
  const Tensor x = zeros({2, 3}).named("images"), y = zeros({4, 5}).named("weights");
  const std::string product = message([&] { matmul(x, y); });
  CHECK_THAT(product, Contains(line(__LINE__ - 1)));
  CHECK_THAT(product, Contains("matmul") && Contains("(2, 3)") && Contains("(4, 5)"));
  CHECK_THAT(product, Contains("images") && Contains("weights"));
  const std::string sum = message([&] { x + y; });
  CHECK_THAT(sum, Contains(line(__LINE__ - 1)) && Contains("add") && Contains("(2, 3)") && Contains("(4, 5)"));
}

TEST_CASE("an error inside a composition names it and the user's line, and the layer it happened in") {
  const NameScope model("model"), layer("dense_1");
  const Tensor x = zeros({2, 3});
  const std::string text = message([&] { log_softmax(x, 5); });
  CHECK_THAT(text, Contains(line(__LINE__ - 1)) && Contains("log_softmax") && Contains("5"));
  const std::string inner = message([&] { clip(x, zeros({4}), 1); });
  CHECK_THAT(inner, Contains(line(__LINE__ - 1)) && Contains("clip") && Contains("model/dense_1"));
}

TEST_CASE("an undefined tensor is an error wherever it is used") {
  const Tensor nothing;
  CHECK_THROWS_AS(nothing + 1, ValueError);
  CHECK_THROWS_AS(matmul(ones({1, 1}), nothing), ValueError);
  CHECK_THROWS_AS(nothing.shape(), ValueError);
  CHECK_THROWS_AS(nothing.eval(), ValueError);
  CHECK_THROWS_AS(nothing.item(), ValueError);
  CHECK_THROWS_AS(nothing.backward(), ValueError);
  CHECK_THROWS_AS(grad(nothing, ones({1})), ValueError);
  CHECK_THROWS_AS(grad(sum(ones({1})), nothing), ValueError);
  CHECK_THROWS_AS(eval({nothing}), ValueError);
  CHECK_THROWS_AS(to_string(nothing), ValueError);
  CHECK_THROWS_AS(Parameter(nothing, "w"), ValueError);
  CHECK_THROWS_AS(Parameter().value(), ValueError);
  CHECK_THROWS_AS(Parameter().assign(1), ValueError);
  CHECK_THROWS_AS(Parameter() * 2, ValueError);
  const Parameter p(ones({1}), "p");
  CHECK_THROWS_AS(p.assign(nothing), ValueError);
  CHECK(floats(p) == Floats{1});
}

TEST_CASE("rank 8 works and rank 9 is a clear error") {
  const Tensor x = ones({1, 1, 2, 1, 1, 1, 1, 3});
  CHECK(sum(x * 2).item() == 12);
  CHECK(floats(grad(sum(square(x)), x)) == Floats(6, 2));
  CHECK_THROWS_AS(ones({1, 1, 1, 1, 1, 1, 1, 1, 1}), ShapeError);
  CHECK_THROWS_AS(expand_dims(x, 0), ShapeError);
  CHECK_THROWS_AS(stack({x, x}), ShapeError);
  CHECK_THAT(message([] { ones({1, 1, 1, 1, 1, 1, 1, 1, 1}); }), Contains("8"));
}

TEST_CASE("gradients of what has none, and by what has none, say so") {
  const Tensor x = tensor({1, 2});
  CHECK_THROWS_AS(grad(x * 2, x), ShapeError);
  CHECK_THROWS_AS(grad(sum(cast(x, int64)), x), DTypeError);
  CHECK_THROWS_AS(grad(sum(x), cast(x, int32)), DTypeError);
  CHECK_THROWS_AS(grad(sum(x), x, {.seed = ones({3})}), ShapeError);
  CHECK_THROWS_AS(grad(sum(x), tensor({5}), {.unused = Unused::error}), GradientError);
  CHECK(floats(grad(sum(x), tensor({5}))) == Floats{0});
}

TEST_CASE("assigning another shape or dtype is an error that names the Parameter and both") {
  const Parameter p(ones({2, 3}), "kernel");
  const std::string text = message([&] { p.assign(ones({3, 2})); });
  CHECK_THAT(text, Contains("kernel") && Contains("(2, 3)") && Contains("(3, 2)") && Contains(line(__LINE__ - 1)));
  CHECK_THROWS_AS(p.assign(ones({2, 3}, {.dtype = float64})), DTypeError);
  p.assign(4);
  CHECK(floats(p) == Floats(6, 4));
}

TEST_CASE("an index out of range is reported at evaluation, with the place it was recorded") {
  const Planned planned;
  const Tensor x = tensor({1, 2, 3}), at = tensor({0, 3}, {.dtype = int64});
  const Tensor y = take(x, at);
  const int recorded = __LINE__ - 1;
  const std::string text = message([&] { y.eval(); });
  CHECK_THAT(text, Contains("take") && Contains("3") && Contains(line(recorded)));
  const Tensor labels = check_labels(tensor({0, 10}, {.dtype = int64}), 10);
  const int checked = __LINE__ - 1;
  CHECK_THAT(message([&] { labels.eval(); }), Contains("label") && Contains("10") && Contains(line(checked)));
}

TEST_CASE("two checks of one tensor are both made") {
  const Planned planned;
  const Tensor x = tensor({1, 5}, {.dtype = int64});
  const Tensor loose = check_labels(x, 10), strict = check_labels(x, 3);
  CHECK_THROWS_AS(eval({loose, strict}), ValueError);
  CHECK_THROWS_AS(sum(loose + strict).eval(), ValueError);
  CHECK(sum(loose).item() == 6);
}

TEST_CASE("after a failed evaluation every object is as it was, and the loop goes on") {
  const Planned planned;
  const Parameter w(tensor({1, 2, 3, 4}), "w"), count(tensor({0}), "count", false);
  const Tensor weights_before = w.value();
  const Tensor x = tensor({1, 1, 2, 2});
  const auto step = [&](std::int64_t label) {
    const Tensor labels = check_labels(tensor(std::vector<std::int64_t>{0, label}, {2}), 4);
    const Tensor loss = sum(take(w.value() * x, labels));
    w.assign(w - 0.5 * grad(loss, w));
    count.assign(count + 1);
    return loss;
  };
  const Tensor good = step(1);
  CHECK(good.item() == 3);
  CHECK(floats(w) == Floats{0.5, 1.5, 3, 4});

  Tensor bad = step(7);
  for (int again = 0; again < 2; ++again) {
    CHECK_THROWS_AS(bad.item(), ValueError);
    CHECK_FALSE(bad.computed());
    CHECK_FALSE(w.value().computed());
  }
  // Whatever is asked for, the pending update is due with it.
  CHECK_THROWS_AS((x + 1).eval(), ValueError);
  w.revert();
  count.revert();
  CHECK(floats(w) == Floats{0.5, 1.5, 3, 4});
  CHECK(floats(count) == Floats{1});
  CHECK_THROWS_AS(bad.item(), ValueError);
  bad = Tensor();  // held, it would be due with the next update of w

  CHECK(step(2).item() == 0.5 + 6);
  CHECK(floats(w) == Floats{0, 1.5, 2, 4});
  CHECK(floats(count) == Floats{2});
  CHECK(floats(weights_before) == Floats{1, 2, 3, 4});
}

TEST_CASE("a failed step that would have taken over memory leaves it untouched") {
  const Planned planned;
  // The update of w does not depend on the check, and could run before it.
  const Parameter w(full({1000}, 1.5), "w");
  for (int k = 0; k < 3; ++k) {
    const Tensor label = check_labels(tensor(std::vector<std::int64_t>{k == 1 ? 9 : 1}, {1}), 4);
    w.assign(w * 2);
    if (k == 1) {
      CHECK_THROWS_AS(label.eval(), ValueError);
      w.revert();
      CHECK(floats(w) == Floats(1000, 3));
    } else {
      label.eval();
    }
  }
  CHECK(floats(w) == Floats(1000, 6));
}

TEST_CASE("in eager mode a mistake is reported on its own line") {
  set_eager(true);
  const std::string text = message([] { take(tensor({1, 2}), tensor({5}, {.dtype = int64})); });
  set_eager(false);
  CHECK_THAT(text, Contains("take") && Contains(line(__LINE__ - 2)));
}

TEST_CASE("names change nothing but what is printed") {
  const Tensor x = tensor({1, 2}).named("x");
  CHECK(x.name() == "x");
  const Tensor y = x * 2;
  CHECK(y.name().empty());
  CHECK(&y.named("y") == &y);
  CHECK(y.name() == "y");
  CHECK(floats(grad(sum(y), x)) == Floats{2, 2});
}
