// The gradient check: what it lets pass, what it finds, and what it says.

#include <xgrad/diff/gradcheck.hpp>

#include <xgrad/ops/activation.hpp>
#include <xgrad/ops/convolution.hpp>
#include <xgrad/ops/elementwise.hpp>
#include <xgrad/ops/indexing.hpp>
#include <xgrad/ops/linalg.hpp>
#include <xgrad/ops/product.hpp>
#include <xgrad/ops/random.hpp>
#include <xgrad/ops/reduce.hpp>
#include <xgrad/ops/scatter.hpp>
#include <xgrad/ops/shape.hpp>
#include <xgrad/ops/sorting.hpp>
#include <xgrad/ops/special.hpp>

#include <catch2/catch.hpp>

#include <sstream>

using namespace xgrad;
using Catch::Matchers::Contains;

namespace {

Tensor points(const Shape& shape, double first = -0.83, double step = 0.217, DType dtype = float64) {
  std::vector<double> values;
  for (std::int64_t i = 0; i < shape.size(); ++i) values.push_back(first + step * static_cast<double>((i * 7) % 11));
  return tensor(values, shape, {.dtype = dtype});
}

}  // namespace

TEST_CASE("right derivatives pass, to the second order and in forward mode") {
  const Tensor x = points({3, 4}), w = points({4, 2}, 0.4);
  const auto network = [](const Tensor& a, const Tensor& b) { return sum(square(tanh(matmul(a, b)))); };
  const GradcheckReport report = gradcheck(network, {x, w});
  INFO(report);
  CHECK(report.passed());
  CHECK(report.exit_code() == 0);
  CHECK(report.full);
  CHECK(report.compared == 20 + 3 + 20);
  CHECK(report.worst.absolute_error <= report.worst.allowed);
  CHECK(report.worst.allowed < 1e-8);

  const auto rows = [](const Tensor& a) { return softmax(a) * log_softmax(a * 2); };
  const GradcheckReport jacobian = gradcheck(rows, {x});
  INFO(jacobian);
  CHECK(jacobian.passed());
  CHECK(jacobian.compared == 12 * 12 + 3 + 12);
}

TEST_CASE("a gradient that was cut is found, with the line that cut it") {
  const Tensor x = points({3}).named("x");
  const auto mistaken = [](const Tensor& t) { return sum(t * stop_gradient(exp(t))); };
  const GradcheckReport report = gradcheck(mistaken, {x});
  INFO(report);
  CHECK(report.verdict == Verdict::failed);
  CHECK(report.exit_code() == 1);
  REQUIRE(report.culprits.size() == 1);
  CHECK(report.culprits[0].operation == "stop_gradient");
  CHECK_THAT(report.culprits[0].formula, Contains("stop_gradient(exp(x)"));
  CHECK_THAT(report.culprits[0].place, Contains("diff_gradcheck_test.cpp"));
  CHECK(report.worst.input == "x");
  CHECK(report.worst.index.size() == 1);
  // A softmax stops the gradient of its maximum, which has none: that is no culprit.
  CHECK(gradcheck([](const Tensor& t) { return sum(softmax(t) * t); }, {x}).passed());
}

TEST_CASE("a step across a kink is made smaller, and at a kink the interval of subgradients counts") {
  const Tensor near = tensor({1e-5, -1e-5, 0.3}, {.dtype = float64}), on = tensor({0.0, 0.5, -1.0}, {.dtype = float64});
  const auto f = [](const Tensor& t) { return sum(abs(t) * 2 + maximum(t, 0) + relu(t)); };
  const GradcheckReport close = gradcheck(f, {near});
  INFO(close);
  CHECK(close.passed());
  CHECK(close.steps_avoided >= 2);
  CHECK(close.kink_count == 0);
  const GradcheckReport there = gradcheck(f, {on});
  INFO(there);
  CHECK(there.passed());
  REQUIRE(there.kink_count > 0);
  CHECK(there.kinks[0].index == std::vector<std::int64_t>{0});
  CHECK(there.kinks[0].left == Approx(-2));
  CHECK(there.kinks[0].right == Approx(4));
  CHECK_THAT(there.text(), Contains("accepted as subgradients"));
}

TEST_CASE("ties of max, sort and clip are kinks") {
  const Tensor tied = tensor({{1, 1, 0.5}, {2, -1, 2}}, {.dtype = float64});
  const auto check = [&](const char* name, auto f, const Tensor& x) {
    const GradcheckReport report = gradcheck(f, {x});
    INFO(name << "\n" << report);
    CHECK(report.passed());
    CHECK(report.kink_count > 0);
  };
  check("max", [](const Tensor& t) { return sum(square(max(t, 1))); }, tied);
  check("sort", [](const Tensor& t) { return sum(sort(t, 1) * tensor({1, 2, 4}, {.dtype = float64})); }, tied);
  check("clip", [](const Tensor& t) { return sum(clip(t, 1, 2)); }, tied);
  check("minimum", [](const Tensor& t) { return sum(minimum(t, 1) * t); }, tied);
}

TEST_CASE("ties of pools and of scattered elements are kinks") {
  const Tensor x = tensor({{1, 1, 0, 2, 2, 2}}, {.dtype = float64});
  const auto pool = [](const Tensor& t) { return sum(max_pool(reshape(t, {1, 6, 1}), 3, {.strides = 1}) * 0.7); };
  const auto scatter = [](const Tensor& t) {
    const Tensor flat = reshape(t, {-1}), places = tensor({{0}, {1}, {1}, {0}}, {.dtype = int64});
    return sum(scatter_max(slice(flat, {{.stop = 2}}), places, slice(flat, {{.start = 2}})) * 1.3);
  };
  for (const GradcheckReport& report : {gradcheck(pool, {x}), gradcheck(scatter, {x})}) {
    INFO(report);
    CHECK(report.passed());
    CHECK(report.kink_count > 0);
  }
}

TEST_CASE("steps do not cross poles") {
  const Tensor x = tensor({-4787.4, -38.3, -0.6, 12.5}, {.dtype = float64}), a = tensor({0.7}, {.dtype = float64});
  const auto poles = [&](const Tensor& t) { return sum(lgamma(x * t)) + sum(tan(x * t)); };
  const GradcheckReport report = gradcheck(poles, {a}, {.order = 1});
  INFO(report);
  CHECK(report.passed());
  CHECK(report.steps_avoided > 0);
}

TEST_CASE("a kink or a jump that no operation shows is not decided, and beside it mistakes are found") {
  // The branch is the program's own.
  const auto bent = [](const Tensor& t) { return t.item() > 0 ? 2 * t : -t; };
  const auto broken = [](const Tensor& t) { return t.item() > 0 ? t + 1 : t; };
  const Tensor zero(0.0, {.dtype = float64});
  const GradcheckReport kink = gradcheck(bent, {zero}), jump = gradcheck(broken, {zero});
  INFO(kink << jump);
  CHECK(kink.verdict != Verdict::failed);
  CHECK(kink.kink_count > 0);
  CHECK(jump.verdict == Verdict::undecided);
  CHECK(jump.jump_count == 1);
  CHECK(gradcheck(bent, {Tensor(1e-5, {.dtype = float64})}).passed());
  CHECK(gradcheck(broken, {Tensor(-1e-5, {.dtype = float64})}).passed());

  const auto halved = [](const Tensor& t) {
    const Tensor first = slice(t, {{.stop = 1}}), rest = slice(t, {{.start = 1}});
    const Tensor y = first.item() > 0 ? 2 * first : -first;
    return sum(y) + sum(rest * stop_gradient(rest));
  };
  CHECK(gradcheck(halved, {tensor({0, 0.7, -0.4}, {.dtype = float64})}).verdict == Verdict::failed);
}

TEST_CASE("a function chosen by the sign of zeros is not called wrong") {
  for (const double c : {0.0, 0.75}) {
    const auto chosen = [=](const Tensor& t) { return sum(where(signbit(t), t, c) * sin(t + 1)); };
    const auto moved = [=](const Tensor& t, const Tensor& s) {
      return sum(where(signbit(t * 0 - s), 2 * t, c + s * t));
    };
    const Tensor t = tensor({0.0, -0.0, 1.0, -1.0, 0.3}, {.dtype = float64});
    for (const GradcheckReport& report : {gradcheck(chosen, {t}), gradcheck(moved, {t, -t})}) {
      INFO(c << "\n" << report);
      CHECK(report.verdict != Verdict::failed);
    }
  }
}

TEST_CASE("quotients that converge slowly, or whose terms cancel, allow for it") {
  const Tensor zero = tensor({0, 0.4}, {.dtype = float64});
  const auto root = [](const Tensor& t) { return sum(power(abs(t), 1.4)) + sum(power(t, 1.4)); };
  const auto cancels = [](const Tensor& t) {
    const Tensor w = tensor({0.1, 0.7, -0.8, 0.3, -0.3 + 1e-13}, {.dtype = float64});
    return sum(reshape(t, {2, 1}) * w) / 3;
  };
  const auto steep = [](const Tensor& t) { return sum(cbrt(minimum(t, tensor({0.0, 0.4}, {.dtype = float64})))); };
  for (const GradcheckReport& report :
       {gradcheck(root, {zero}, {.order = 1}), gradcheck(cancels, {zero}), gradcheck(steep, {zero}, {.order = 1})}) {
    INFO(report);
    CHECK(report.verdict != Verdict::failed);
  }
}

TEST_CASE("float32 is checked as float64, with the numbers that are put into arrays") {
  const Tensor x = points({4}, -0.83, 0.217, float32);
  const auto put = [](const Tensor& t) {
    const Tensor all = put_along_axis(t, argsort(t), broadcast_like(0.25, t));
    return sum(square(all + put_along_axis(t, tensor({2}, {.dtype = int64}), broadcast_to(0.5, {1}))));
  };
  const GradcheckReport report = gradcheck(put, {x});
  INFO(report);
  CHECK(report.passed());
}

TEST_CASE("float32 is checked as float64") {
  const Tensor x = points({2, 3}, -0.83, 0.217, float32), w = points({3, 2}, 0.2, 0.1, float32);
  const GradcheckReport report = gradcheck(
      [&](const Tensor& a) { return mean(square(sigmoid(matmul(a, w)) - 0.3)); }, {x});
  INFO(report);
  CHECK(report.passed());
  CHECK(report.shadow);
  CHECK(report.worst.allowed < 1e-8);
}

TEST_CASE("two calls that differ are told apart from wrong derivatives") {
  const Tensor x = points({4});
  const GradcheckReport drawn = gradcheck([](const Tensor& t) { return sum(t * bernoulli_like(t, 0.5)); }, {x});
  CHECK(drawn.verdict == Verdict::failed);
  CHECK_FALSE(drawn.deterministic);
  CHECK_THAT(drawn.text(), Contains("draws random numbers") && Contains("uniform"));
  const Tensor recorded = sum(square(x) * bernoulli_like(x, 0.5));
  CHECK(gradcheck_recorded(recorded, std::vector<Tensor>{x}).passed());
}

TEST_CASE("values that are not finite are laid at an operation's door") {
  const GradcheckReport report = gradcheck([](const Tensor& t) { return sum(log(t)); }, {tensor({1, -1})});
  CHECK(report.verdict == Verdict::failed);
  REQUIRE(report.culprits.size() == 1);
  CHECK(report.culprits[0].operation == "log");
}

TEST_CASE("the fast mode finds the worst element by halving") {
  const Tensor x = points({40, 30}).named("x");
  std::vector<double> spot(1200, 0.0);
  spot[17 * 30 + 5] = 1;
  const Tensor where_wrong = tensor(spot, {40, 30});
  const GradcheckReport report = gradcheck(
      [&](const Tensor& t) { return sum(square(t)) + sum(where_wrong * t * stop_gradient(exp(t))); }, {x});
  INFO(report);
  CHECK_FALSE(report.full);
  CHECK(report.verdict == Verdict::failed);
  CHECK(report.worst.index == std::vector<std::int64_t>{17, 5});
  CHECK(gradcheck([](const Tensor& t) { return sum(square(t)); }, {x}).passed());
}

TEST_CASE("what cannot be checked is said") {
  const Tensor x = tensor({0.5, 2.0}, {.dtype = float64});
  CHECK_THROWS_AS(gradcheck([](const Tensor& t) { return cast(t, int64); }, {x}), DTypeError);
  CHECK_THROWS_AS(gradcheck([](const Tensor& t) { return t; }, {tensor({1, 2}, {.dtype = int64})}), ValueError);
  CHECK_THROWS_AS(gradcheck([](const Tensor& t) { return t; }, {x, x}), ValueError);
  CHECK_THROWS_AS(gradcheck([](const Tensor& t) { return t; }, {x}, {.order = 3}), ValueError);
  const Tensor zero = tensor({0.0}, {.dtype = float64});
  const GradcheckReport jump = gradcheck([](const Tensor& t) { return sum(sign(t)); }, {zero});
  INFO(jump);
  CHECK(jump.verdict == Verdict::undecided);
  CHECK(jump.exit_code() == 2);
  CHECK(jump.jump_count == 1);
}
