#include <catch2/catch.hpp>
#include <xgrad/graph/grad.hpp>
#include <xgrad/graph/plan.hpp>
#include <xgrad/ops/elementwise.hpp>
#include <xgrad/ops/reduce.hpp>
#include <xgrad/optim/optimizers.hpp>

#include <cmath>

using namespace xgrad;
using namespace xgrad::optimizers;

namespace {

const std::vector<std::vector<double>> gradients = {{.1, -.2, .3}, {-.05, .4, .2}, {.3, .1, -.1}};

Parameter start(DType dtype = float64) {
  return Parameter(tensor({1, -2, 3}, {.dtype = dtype}), "w");
}

std::vector<double> after_three_steps(Optimizer optimizer) {
  const Parameter w = start();
  for (const std::vector<double>& g : gradients) {
    const Tensor gradient = tensor(g, {3});
    optimizer.apply(std::span(&w, 1), std::span(&gradient, 1));
  }
  CHECK(optimizer.iterations() == 3);
  CHECK(w.dtype() == float64);
  return w.value().to_vector<double>();
}

void check_golden(const Optimizer& optimizer, std::initializer_list<double> expected) {
  const std::vector<double> w = after_three_steps(optimizer);
  auto e = expected.begin();
  for (const double value : w) CHECK(value == Approx(*e++).epsilon(1e-11));
}

void apply(Optimizer& optimizer, const Parameter& w, const Tensor& g) {
  optimizer.apply(std::span(&w, 1), std::span(&g, 1));
}

}  // namespace

TEST_CASE("SGD follows its formula, with momentum and Nesterov's") {
  check_golden(SGD(), {.9965, -2.003, 2.996});
  check_golden("sgd", {.9965, -2.003, 2.996});
  check_golden(SGD({.momentum = .9}), {.99524, -2.00318, 2.98907});
  check_golden(SGD({.momentum = .9, .nesterov = true}), {.992216, -2.005862, 2.986163});
}

TEST_CASE("Adam corrects its step but not its epsilon") {
  check_golden(Adam(), {.998063208176, -1.99978176508, 2.9974777797});
  check_golden("adam", {.998063208176, -1.99978176508, 2.9974777797});
  check_golden(Adam({.amsgrad = true}), {.998063208176, -1.99978176508, 2.9974777797});
  check_golden(Adam({.weight_decay = .004}), {.998051217289, -1.99975777171, 2.99744179172});
}

TEST_CASE("RMSprop adds epsilon under the root, and takes the mean off when centered") {
  check_golden(RMSprop(), {.995317487083, -2.00042734389, 2.99593664565});
  check_golden("rmsprop", {.995317487083, -2.00042734389, 2.99593664565});
  check_golden(RMSprop({.momentum = .9, .centered = true}), {.990609237697, -1.99721418595, 2.98810603277});
}

TEST_CASE("gradients are limited and weights decay before the step") {
  check_golden(SGD({.clipnorm = .25}), {.997348289589, -2.00163969437, 2.99763820794});
  check_golden(SGD({.global_clipnorm = .25}), {.997348289589, -2.00163969437, 2.99763820794});
  check_golden(SGD({.clipvalue = .15}), {.998, -2.001, 2.998});
  check_golden(SGD({.weight_decay = .1}), {.993504498, -1.997005996, 2.987016994});
}

TEST_CASE("a gradient of zero norm is not divided by it") {
  Optimizer sgd = SGD({.clipnorm = 1});
  const Parameter w = start();
  apply(sgd, w, zeros({3}, {.dtype = float64}));
  CHECK(w.value().to_vector<double>() == std::vector<double>{1, -2, 3});
}

TEST_CASE("the global norm is that of all gradients together") {
  Optimizer sgd = SGD({.learning_rate = 1, .global_clipnorm = 1});
  const Parameter a(tensor({0, 0}, {.dtype = float64})), b(tensor({0}, {.dtype = float64}));
  sgd.apply(std::vector{a, b}, std::vector{tensor({2, 3}, {.dtype = float64}), tensor({6}, {.dtype = float64})});
  CHECK(a.value().to_vector<double>()[0] == Approx(-2.0 / 7));
  CHECK(b.value().item() == Approx(-6.0 / 7));
}

TEST_CASE("SGD equals the hand-written update to the last bit") {
  for (const DType dtype : {float32, float64}) {
    const Parameter a = start(dtype), b = start(dtype);
    Optimizer sgd = SGD(.037);
    for (int i = 0; i < 20; ++i) {
      const Tensor g = tensor({.1 + i / 3.0, -.2 * i, 1.0 / (i + 1)}, {.dtype = dtype});
      apply(sgd, a, g);
      b.assign(b - .037 * g);
      eval({});
      CHECK(a.value().to_vector<double>() == b.value().to_vector<double>());
    }
  }
}

TEST_CASE("a schedule gives the rate of each step") {
  Optimizer sgd = SGD({.learning_rate = schedules::PiecewiseConstantDecay({0, 1}, {1.0, .5, .25})});
  const Parameter w(tensor({0}, {.dtype = float64}));
  for (const double expected : {-1.0, -1.5, -1.75, -2.0}) {
    apply(sgd, w, tensor({1}, {.dtype = float64}));
    CHECK(w.value().item() == expected);
  }
  CHECK(sgd.learning_rate() == .25);
  sgd.set_learning_rate(2.0);
  apply(sgd, w, tensor({1}, {.dtype = float64}));
  CHECK(w.value().item() == -4);
}

TEST_CASE("a float32 Parameter stays float32 and a float64 gradient is converted") {
  Optimizer adam = Adam();
  const Parameter w = start(float32);
  apply(adam, w, tensor({.1, .2, .3}, {.dtype = float64}));
  CHECK(w.dtype() == float32);
  for (const auto& [name, value] : adam.state())
    if (name != "iterations") CHECK(value.dtype() == float32);
}

TEST_CASE("every step of Adam under a schedule finds the plan of the first") {
  // Rates that equal the decay, one, a half and Adam's own numbers must not look special.
  Optimizer adam = Adam({.learning_rate = schedules::PiecewiseConstantDecay({0, 1, 2}, {.01, 1.0, .5, .001}),
                         .weight_decay = .01});
  const Parameter w = start(float32);
  adam.build(std::span(&w, 1));
  std::vector<std::uint64_t> misses;
  for (int i = 0; i < 6; ++i) {
    const Tensor x = tensor({.5 + i, .25, -1});
    x.eval();
    reset_plan_cache_stats();
    adam.minimize(mean(square(w * x - 1.0)), std::span(&w, 1));
    misses.push_back(plan_cache_stats().misses);
  }
  for (std::size_t i = 1; i < misses.size(); ++i) CHECK(misses[i] == 0);
}

TEST_CASE("minimize finds the minimum of a bowl") {
  const Parameter w(tensor({3, -4}, {.dtype = float64}));
  Optimizer adam = Adam(.1);
  adam.build(std::span(&w, 1));
  for (int i = 0; i < 500; ++i) adam.minimize(sum(square(w - tensor({1, 2}, {.dtype = float64}))));
  CHECK(w.value().to_vector<double>()[0] == Approx(1).margin(1e-3));
  CHECK(w.value().to_vector<double>()[1] == Approx(2).margin(1e-3));
}

TEST_CASE("step uses what backward added up, and zero_grad forgets it") {
  const Parameter w(tensor({1, 2}, {.dtype = float64})), unused(tensor({5}, {.dtype = float64}));
  SGD sgd(std::vector{w, unused}, {.learning_rate = .5});
  sum(3 * Tensor(w)).backward();
  sum(2 * Tensor(w)).backward();
  sgd.step();
  CHECK(w.value().to_vector<double>() == std::vector<double>{1 - 2.5, 2 - 2.5});
  CHECK(unused.value().item() == 5);
  sgd.zero_grad();
  CHECK_FALSE(w.grad().defined());
  CHECK_THROWS_WITH(SGD().step(), Catch::Contains("build"));
}

TEST_CASE("two optimizers train two models through each other as in a GAN") {
  const Parameter g(tensor({.5}, {.dtype = float64}), "g"), d(tensor({2}, {.dtype = float64}), "d");
  Optimizer of_g = SGD(.1), of_d = SGD(.1);
  const Tensor fake = Tensor(g) * 3.0;
  of_d.minimize(sum(Tensor(d) * stop_gradient(fake)), std::span(&d, 1));
  CHECK(d.value().item() == Approx(2 - .1 * 1.5));
  // The generator's graph outlives the other's step.
  of_g.minimize(sum(Tensor(d) * fake), std::span(&g, 1));
  CHECK(g.value().item() == Approx(.5 - .1 * 3 * 1.85));
}

TEST_CASE("a saved state goes on as the run it was saved from") {
  const Parameter a = start(), b = start();
  Optimizer first = Adam(), second = Adam();
  const auto g = [](std::size_t i) { return tensor(gradients[i], {3}); };
  apply(first, a, g(0));
  apply(first, a, g(1));
  const NamedTensors state = first.state();
  CHECK(state.size() == 3);
  CHECK(state[0].second.item<std::int64_t>() == 2);
  b.assign(a.value());
  second.build(std::span(&b, 1));
  second.load_state(state);
  apply(first, a, g(2));
  apply(second, b, g(2));
  CHECK(a.value().to_vector<double>() == b.value().to_vector<double>());

  Optimizer third = SGD({.momentum = .5});
  third.build(std::span(&b, 1));
  CHECK_THROWS_WITH(third.load_state(state), Catch::Contains("expected a state of 2 tensors"));
  NamedTensors wrong = state;
  wrong[1].second = zeros({4}, {.dtype = float64});
  CHECK_THROWS_WITH(second.load_state(wrong), Catch::Contains("'m/0'") && Catch::Contains("(4,)"));
  CHECK(second.iterations() == 3);
}

TEST_CASE("copies of an optimizer share its state") {
  Optimizer adam = Adam();
  Optimizer copy = adam;
  const Parameter w = start();
  apply(adam, w, tensor(gradients[0], {3}));
  CHECK(copy.iterations() == 1);
}

TEST_CASE("a rule of one's own is an optimizer") {
  struct Sign : Rule {
    Counted* copy() const override { return new Sign(*this); }
    std::string_view name() const override { return "sign"; }
    Tensor update(const Tensor& w, const Tensor& g, std::span<const Parameter>,
                  std::span<const Tensor> numbers) const override {
      return w - numbers[0] * sign(g);
    }
  };
  check_golden(Optimizer(Shared<const Rule>(new Sign), .5), {.5, -2.5, 2.5});
}

TEST_CASE("Parameters that are not trainable are left alone") {
  const Parameter w = start();
  w.set_trainable(false);
  Optimizer sgd = SGD();
  apply(sgd, w, tensor({1, 1, 1}, {.dtype = float64}));
  CHECK(w.value().to_vector<double>() == std::vector<double>{1, -2, 3});
}

TEST_CASE("an optimizer says what is wrong with its arguments") {
  CHECK_THROWS_WITH(Optimizer("adma"), Catch::Contains("did you mean 'adam'"));
  CHECK_THROWS_WITH(SGD({.clipnorm = 1, .clipvalue = 1}), Catch::Contains("at most one"));
  CHECK_THROWS_AS(SGD({.weight_decay = -1}), ValueError);
  CHECK_THROWS_AS(SGD({.momentum = 1.5}), ValueError);
  CHECK_THROWS_AS(Adam({.beta_1 = -.1}), ValueError);
  Optimizer sgd = SGD();
  const Parameter w = start(), whole(tensor({1, 2}, {.dtype = int32}), "whole");
  CHECK_THROWS_WITH(apply(sgd, w, zeros({2}, {.dtype = float64})),
                    Catch::Contains("(3,)") && Catch::Contains("(2,)") && Catch::Contains("'w'"));
  CHECK_THROWS_AS(sgd.apply(std::span(&w, 1), {}), ValueError);
  CHECK_THROWS_AS(sgd.build(std::span(&whole, 1)), DTypeError);
  CHECK(sgd.iterations() == 0);
}
