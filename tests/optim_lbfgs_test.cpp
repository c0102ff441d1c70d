#include <xgrad/ops/activation.hpp>
#include <xgrad/ops/elementwise.hpp>
#include <xgrad/ops/product.hpp>
#include <xgrad/ops/reduce.hpp>
#include <xgrad/ops/shape.hpp>
#include <xgrad/optim/lbfgs.hpp>

#include "reference_cases.hpp"

using namespace xgrad;
using namespace xgrad::optimizers;

namespace {

using Values = std::vector<double>;
constexpr TensorOptions doubles{.dtype = float64};

Tensor rosenbrock(const Tensor& x) {
  const Tensor a = slice_axis(x, 0, {0, x.dim(0) - 1}), b = slice_axis(x, 0, {1, x.dim(0)});
  return sum(100 * square(b - square(a)) + square(1 - a));
}

Parameter hard_start(DType dtype = float64) { return Parameter(tensor({-1.2, 1, -.5, 2}, {.dtype = dtype}), "x"); }

}  // namespace

TEST_CASE("L-BFGS finds the bottom of Rosenbrock's valley") {
  const Parameter x = hard_start();
  LBFGS lbfgs({.tolerance_gradient = 1e-9});
  const LBFGSResult result = lbfgs.minimize([&] { return rosenbrock(x); }, std::span(&x, 1));
  CHECK(result.converged);
  CHECK(result.reason == "tolerance_gradient");
  CHECK(result.iterations < 60);
  CHECK(result.evaluations < 100);
  CHECK(result.loss < 1e-18);
  for (const double value : x.value().to_vector<double>()) CHECK(value == Approx(1).epsilon(1e-9));
}

TEST_CASE("L-BFGS solves a quadratic of condition 300 to ten digits in some thirty steps") {
  const Parameter x(zeros({6}, doubles), "x");
  const Tensor scale = tensor({1, 3, 10, 30, 100, 300}, doubles), target = tensor({1, -1, 2, -2, 3, -3}, doubles);
  LBFGS lbfgs({.history_size = 20, .tolerance_gradient = 1e-10});
  const LBFGSResult result = lbfgs.minimize([&] { return sum(scale * square(x - target)) / 2; }, std::span(&x, 1));
  CHECK(result.converged);
  CHECK(result.iterations <= 30);
  const Values found = x.value().to_vector<double>(), expected = target.to_vector<double>();
  for (std::size_t i = 0; i < 6; ++i) CHECK(found[i] == Approx(expected[i]).epsilon(1e-10));
}

TEST_CASE("L-BFGS fits a logistic regression to the numbers of Newton's method") {
  std::ifstream stream(std::filesystem::path(XGRAD_TEST_FILES).parent_path() / "reference" / "lbfgs_values.json");
  REQUIRE(stream.good());
  const reference::Json all = reference::Json::parse(stream);
  const Tensor x = tensor(reference::reals_of(all.at("x")), {20, 4}),
               y = tensor(reference::reals_of(all.at("y")), {20});
  for (const DType dtype : {float64, float32}) {
    const Parameter w(zeros({4}, {.dtype = dtype}), "w"), b(zeros({}, {.dtype = dtype}), "b");
    const auto loss = [&] {
      const Tensor z = matmul(x, cast(w, float64)) + b;
      return mean(softplus(z) - z * y) + .01 * (sum(square(w)) + square(b));
    };
    LBFGS lbfgs({.tolerance_gradient = dtype == float64 ? 1e-11 : 1e-6, .tolerance_change = 0});
    const LBFGSResult result = lbfgs.minimize(loss, std::vector{w, b});
    CHECK(result.loss == Approx(all.at("loss").get<double>()).epsilon(dtype == float64 ? 1e-12 : 1e-6));
    const Values expected = reference::reals_of(all.at("w"));
    Values found = w.value().to_vector<double>();
    found.push_back(b.value().item());
    for (std::size_t i = 0; i < 5; ++i) CHECK(found[i] == Approx(expected[i]).epsilon(dtype == float64 ? 1e-9 : 1e-4));
  }
}

TEST_CASE("L-BFGS that is stopped, saved and loaded takes the steps it would have taken") {
  const Parameter whole = hard_start(), parts = hard_start();
  LBFGS straight({.max_iterations = 12}), before({.max_iterations = 5}), after({.max_iterations = 7});
  straight.minimize([&] { return rosenbrock(whole); }, std::span(&whole, 1));
  before.minimize([&] { return rosenbrock(parts); }, std::span(&parts, 1));
  after.load_state(before.state());
  const LBFGSResult result = after.minimize([&] { return rosenbrock(parts); }, std::span(&parts, 1));
  CHECK(result.iterations == 7);
  CHECK(result.reason == "max_iterations");
  CHECK_FALSE(result.converged);
  CHECK(parts.value().to_vector<double>() == whole.value().to_vector<double>());
  NamedTensors torn = before.state();
  torn.pop_back();
  CHECK_THROWS_WITH(after.load_state(torn), Catch::Contains("as many steps as changes"));
  torn = before.state();
  torn[0].first = "stride/0";
  CHECK_THROWS_WITH(after.load_state(torn), Catch::Contains("'stride/0'"));
}

TEST_CASE("L-BFGS goes around places where the loss is not a number") {
  const Parameter x(tensor({20}, doubles), "x");
  // Defined above 0 alone, and steep far out: first steps overshoot.
  const LBFGSResult result = LBFGS().minimize([&] { return sum(x - log(x) * 3 + square(x) / 50); }, std::span(&x, 1));
  CHECK(result.converged);
  const double root = (-1 + std::sqrt(1 + 4 * 3.0 / 25)) / (2.0 / 25);
  CHECK(x.value().item() == Approx(root).epsilon(1e-6));
}

TEST_CASE("wrong use of L-BFGS says what was expected, and leaves the Parameters as they were") {
  CHECK_THROWS_WITH(LBFGS({.history_size = 0}), Catch::Contains("[lbfgs]") && Catch::Contains("history_size"));
  CHECK_THROWS_WITH(LBFGS({.max_iterations = -1}), Catch::Contains("max_iterations"));
  CHECK_THROWS_WITH(LBFGS({.curvature = 1}), Catch::Contains("curvature"));
  LBFGS lbfgs;
  const Parameter x = hard_start();
  const Values before = x.value().to_vector<double>();
  CHECK_THROWS_WITH(lbfgs.minimize([&] { return square(x); }, std::span(&x, 1)), Catch::Contains("one element"));
  CHECK_THROWS_AS(lbfgs.minimize([&] { return sum(log(x)); }, std::span(&x, 1)), NumericError);
  int calls = 0;
  CHECK_THROWS_WITH(lbfgs.minimize(
                        [&] {
                          if (++calls == 4) throw ValueError("enough");
                          return rosenbrock(x);
                        },
                        std::span(&x, 1)),
                    Catch::Contains("enough"));
  CHECK(x.value().to_vector<double>() == before);
  CHECK(lbfgs.state().empty());
  CHECK_THROWS_WITH(lbfgs.minimize([&] { return rosenbrock(x); }, std::vector<Parameter>{}),
                    Catch::Contains("expected Parameters"));
}
