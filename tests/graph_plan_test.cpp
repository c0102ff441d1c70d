// What plans look like from inside: what is fused, what reaches memory, what is taken over.

#include "planned.hpp"

#include <xgrad/graph/grad.hpp>
#include <xgrad/graph/plan.hpp>
#include <xgrad/graph/plan_ir.hpp>
#include <xgrad/kernels/buffer.hpp>
#include <xgrad/ops/activation.hpp>
#include <xgrad/ops/elementwise.hpp>
#include <xgrad/ops/indexing.hpp>
#include <xgrad/ops/product.hpp>
#include <xgrad/ops/random.hpp>
#include <xgrad/ops/reduce.hpp>
#include <xgrad/ops/shape.hpp>

#include <catch2/catch.hpp>

#include <algorithm>
#include <cmath>

using namespace xgrad;
using kernels::Code;

namespace {

const Planned planned;

std::shared_ptr<const Plan> plan_of(std::initializer_list<Tensor> asked) {
  return make_plan(request_of(std::span(asked.begin(), asked.size())));
}

int count(const GroupStep& group, Code code) {
  return static_cast<int>(std::count_if(group.program.code.begin(), group.program.code.end(),
                                        [&](const kernels::Instruction& i) { return i.code == code; }));
}

/// Elements that the stores of a group write.
std::int64_t stored_elements(const GroupStep& group) {
  std::int64_t sum = 0;
  for (const kernels::Port& store : group.program.stores)
    sum += store.access == kernels::Access::full ? group.program.rows * group.program.cols : group.program.rows;
  return sum;
}

}  // namespace

TEST_CASE("a dropout mask is drawn again where it is needed and never reaches memory") {
  const Tensor x = normal({64, 32}).eval();
  const Parameter w1(normal({32, 48}), "w1"), w2(normal({48, 5}), "w2");
  const Tensor h = relu(matmul(x, w1));
  const Tensor kept = h * bernoulli_like(h, 0.8) / 0.8;
  const Tensor loss = mean(square(matmul(kept, w2)));
  const auto [d1, d2] = grad(loss, {w1, w2});
  const Request request = [&] {
    const Tensor asked[] = {loss, d1, d2};
    return request_of(asked);
  }();
  const auto plan = make_plan(request);

  int drawing = 0;
  for (const GroupStep& group : plan->groups) {
    if (count(group, Code::uniform) == 0) continue;
    ++drawing;
    // One array of 64 x 48 leaves each loop: what the layer passes on, or its gradient.
    CHECK(group.program.stores.size() >= 1);
    for (const kernels::Port& store : group.program.stores) {
      const kernels::Instruction* maker = nullptr;
      for (const kernels::Instruction& i : group.program.code)
        if (i.out == store.reg) maker = &i;
      REQUIRE(maker);
      CHECK(maker->code != Code::uniform);
      CHECK(maker->code != Code::less);
      CHECK(maker->code != Code::cast);
    }
  }
  CHECK(drawing == 2);
}

TEST_CASE("softmax cross-entropy and its gradient are one loop over rows") {
  const Tensor logits = normal({16, 10}).eval(), target = uniform({16, 10}).eval();
  const Tensor loss = sum(-target * log_softmax(logits), -1);
  const Tensor total = mean(loss);
  const Tensor d = grad(total, logits);
  const auto plan = plan_of({total, d});
  int with_exp = 0;
  for (const GroupStep& group : plan->groups) with_exp += count(group, Code::exp) > 0;
  CHECK(with_exp == 1);
  CHECK(plan->launches.empty());
  CHECK(plan->folds.empty());
}

TEST_CASE("the loss of labels and its gradient are one loop over rows, with the labels checked before it") {
  const Tensor labels = zeros({40}, {.dtype = int64}).eval(), z = full({40, 1000}, .25).eval();
  const Tensor chosen = one_hot(check_labels(labels, 1000), 1000, bool_);
  const Tensor loss = mean(-sum(where(chosen, log_softmax(z), 0), -1));
  const auto plan = plan_of({loss, grad(loss, z)});
  const auto large = [](const GroupStep& group) { return group.program.rows * group.program.cols == 40000; };
  CHECK(std::count_if(plan->groups.begin(), plan->groups.end(), large) == 1);
  REQUIRE(plan->steps.size() > 2);
  CHECK(plan->steps[0].kind == Step::Kind::launch);
}

TEST_CASE("the gradients of a normalised table are one loop over rows, sums over rows included") {
  const Tensor x = full({200, 300}, .25).eval(), seed = full({200, 300}, .5).eval();
  const Parameter gamma(ones({300})), beta(zeros({300}));
  const Tensor centred = x - mean(x, -1, true);
  const Tensor y = centred / sqrt(mean(square(centred), -1, true) + 1e-5) * gamma + beta;
  const auto [dx, dgamma, dbeta] = grad(y, {x, gamma, beta}, {.seed = seed});
  const auto plan = plan_of({y, dx, dgamma, dbeta});
  CHECK(plan->groups.size() == 1);
  CHECK(plan->folds.size() == 2);
  for (const FoldStep& fold : plan->folds) CHECK(fold.joins);
}

TEST_CASE("a table normalised over rows is read once for all sums that are ready at the same time") {
  const Tensor x = full({200, 300}, .25).eval(), seed = full({200, 300}, .5).eval();
  const Parameter gamma(ones({300})), beta(zeros({300}));
  const auto large_groups = [&] {
    const Tensor m = mean(x, 0, true), v = mean(square(x - m), 0, true);
    const Tensor y = (x - m) / sqrt(v + 1e-5) * gamma + beta;
    const auto [dx, dgamma, dbeta] = grad(y, {x, gamma, beta}, {.seed = seed});
    const auto plan = plan_of({y, dx, dgamma, dbeta});
    std::size_t most = 0;
    std::ptrdiff_t large = 0;
    for (const GroupStep& group : plan->groups) {
      large += group.program.rows * group.program.cols == 60000;
      most = std::max(most, group.program.stores.size());
    }
    return std::pair(large, most);
  };
  // The variance; y with the sums for gamma, beta, variance and mean; what the variance adds to the mean's; dx.
  CHECK(large_groups() == std::pair(std::ptrdiff_t{4}, std::size_t{5}));
  set_optimisation(Optimisation::reading_together, false);
  const std::ptrdiff_t apart = large_groups().first;
  set_optimisation(Optimisation::reading_together, true);
  CHECK(apart == 5);
}

TEST_CASE("what the plan knows of constants is no step, and zeros keep their signs") {
  const Tensor x = full({7}, -0.0).eval();
  const Tensor zero = zeros({7}), negative = -zeros({7});
  const Tensor y = x + sqrt(ones({7})) * -ones({7});
  const auto plan = plan_of({y});
  REQUIRE(plan->groups.size() == 1);
  CHECK(plan->groups[0].program.code.size() == 1);
  // -0 - 0 is -0, -0 - (-0) is 0.
  const auto first = [](const Tensor& t) { return t.to_vector<float>()[0]; };
  CHECK(std::signbit(first(x - zero)));
  CHECK_FALSE(std::signbit(first(x - negative)));
  eval({zero, negative});
  CHECK_FALSE(std::signbit(first(zero)));
  CHECK(std::signbit(first(negative)));
}

TEST_CASE("an update writes where the old value was") {
  const Parameter w(normal({300, 7}), "w"), m(zeros({300, 7}), "m", false);
  const Tensor loss = sum(square(w));
  const Tensor g = grad(loss, w);
  const Tensor next = 0.9 * m.value() + g;
  m.assign(next);
  w.assign(w - 0.1 * next);
  const Tensor asked[] = {loss};
  const auto plan = make_plan(request_of(asked));
  std::size_t taken = 0;
  for (const Result& result : plan->results) taken += result.takes != none;
  CHECK(taken == 2);

}

TEST_CASE("the sum of no elements is written beside other results without elements") {
  const Tensor v = zeros({0}, {.dtype = float64}).eval();
  kernels::set_poison(true);
  for (int i = 0; i < 3; ++i) {
    const Tensor again = sum(v);
    eval({again, power(reshape(v, {0, 1}), tensor({2, 1, 0}, {.dtype = float64})) / again});
    CHECK(again.item() == 0);
  }
  kernels::set_poison(false);
}

TEST_CASE("a long elementwise chain reads and writes memory once") {
  const Tensor x = normal({1000}).eval();
  Tensor y = x;
  for (int i = 0; i < 20; ++i) y = tanh(y * 1.5 + 0.1);
  const auto plan = plan_of({y});
  REQUIRE(plan->groups.size() == 1);
  CHECK(stored_elements(plan->groups[0]) == 1000);
  CHECK(plan->arena_bytes == 0);
}
