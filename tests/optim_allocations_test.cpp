// Recorded training steps with an optimizer allocate nothing once they have run a few times.

#include "planned.hpp"
#include "replaced_new.hpp"

#include <xgrad/graph/parameter.hpp>
#include <xgrad/graph/plan.hpp>
#include <xgrad/ops/activation.hpp>
#include <xgrad/ops/elementwise.hpp>
#include <xgrad/ops/product.hpp>
#include <xgrad/ops/reduce.hpp>
#include <xgrad/optim/optimizers.hpp>

#include <catch2/catch.hpp>

using namespace xgrad;

namespace {

#ifdef __SANITIZE_ADDRESS__
constexpr bool counted = false;  // buffers are not pooled there
#else
constexpr bool counted = true;
#endif

// Repeated is what waits until it is asked for.
const Planned planned;

}  // namespace

TEST_CASE("a recorded training step with an optimizer allocates nothing once it has run a few times") {
  const auto optimizer = GENERATE(as<std::string>(), "sgd", "rmsprop", "adam", "adamw", "nadam", "adamax", "adagrad",
                                  "adadelta", "lion");
  CAPTURE(optimizer);
  optimizers::Optimizer optimize(optimizer);
  std::vector<Parameter> weights;
  weights.emplace_back(tensor({{.1, .2}, {.3, -.4}, {.5, .6}}), "kernel");
  weights.emplace_back(tensor({.1, -.1}), "bias");
  optimize.build(weights);
  const Tensor x = tensor({{1, 2, 3}, {-1, .5, 2}});
  const auto loss_now = [&] { return mean(square(tanh(matmul(x, weights[0]) + weights[1]))); };
  const auto minimize = [&] {
    const Tensor loss = loss_now();
    optimize.minimize(loss);
    return loss.item();
  };
  const auto step = [&] {
    const Tensor loss = loss_now();
    optimize.zero_grad();
    loss.backward();
    optimize.step();
    return loss.item();
  };
  const double first = minimize();
  for (int i = 0; i < 10; ++i) minimize();
  long before = calls.load();
  reset_plan_cache_stats();
  double last = 0;
  for (int i = 0; i < 100; ++i) last = minimize();
  CHECK((calls.load() == before || !counted));
  CHECK(plan_cache_stats().repeats == 100);
  CHECK(last != first);
  for (int i = 0; i < 10; ++i) step();
  before = calls.load();
  for (int i = 0; i < 100; ++i) step();
  CHECK((calls.load() == before || !counted));
}
