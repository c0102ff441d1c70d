#include "planned.hpp"

#include <xgrad/diff/checkpoint.hpp>
#include <xgrad/graph/capture.hpp>
#include <xgrad/graph/grad.hpp>
#include <xgrad/graph/plan.hpp>
#include <xgrad/nn/losses.hpp>
#include <xgrad/nn/sequential.hpp>
#include <xgrad/ops/activation.hpp>
#include <xgrad/ops/elementwise.hpp>
#include <xgrad/ops/indexing.hpp>
#include <xgrad/ops/product.hpp>
#include <xgrad/ops/random.hpp>
#include <xgrad/ops/reduce.hpp>
#include <xgrad/optim/optimizers.hpp>

#include <catch2/catch.hpp>

#include <stdexcept>

using namespace xgrad;

namespace {

const Planned planned;

std::vector<float> bits(const Tensor& t) { return t.to_vector<float>(); }

Tensor batch(int i) {
  std::vector<float> values;
  for (int k = 0; k < 12; ++k) values.push_back(0.1f * static_cast<float>((7 * k + 3 * i) % 11) - 0.4f);
  return tensor(values, {4, 3});
}

/// A network with dropout, trained by hand or through `capture`.
struct Net {
  Sequential model{Dense(5, {.activation = "relu"}),
                   Dropout(0.3, {.seed = 5}),
                   Dense(3)};
  optimizers::Optimizer optimizer;
  explicit Net(optimizers::Optimizer optimizer) : optimizer(std::move(optimizer)) {
    set_random_seed(1);
    model.build({3});
  }

  Tensor step(const Tensor& x, const Tensor& y) {
    Call call{.training = true};
    const Tensor loss = mean(losses::sparse_categorical_crossentropy(y, model(x, call), true));
    optimizer.minimize(loss, parameters(model));
    return loss;
  }
  std::vector<float> state() {
    std::vector<float> all;
    for (const Tensor& w : model.get_weights())
      for (const float value : bits(w)) all.push_back(value);
    for (const auto& [name, value] : optimizer.state())
      for (const float number : bits(value)) all.push_back(number);
    return all;
  }
};

}  // namespace

TEST_CASE("a captured function gives the bits of the function, also for new values") {
  const auto f = [](const Tensor& x, const Tensor& y) { return sum(tanh(x * y) + exp(-x)); };
  auto captured = capture(f);
  for (int i = 0; i < 5; ++i) {
    const Tensor x = batch(i), y = batch(2 * i + 1);
    CHECK(captured(x, y).item() == f(x, y).item());
  }
}

TEST_CASE("a captured training step gives the bits of the step: weights, optimizer, dropout and schedule") {
  const Tensor y = tensor(std::vector<std::int64_t>{0, 2, 1, 2}, {4});
  for (int which = 0; which < 3; ++which) {
    const auto make = [&]() -> optimizers::Optimizer {
      if (which == 0) return optimizers::Adam({.learning_rate = schedules::ExponentialDecay(0.1, 2, 0.5)});
      if (which == 1) return optimizers::SGD({.learning_rate = 0.5, .momentum = 0.9});
      return optimizers::Adam({.learning_rate = 1, .weight_decay = 0.5});
    };
    Net plain(make()), fast(make());
    auto step = capture([&](const Tensor& x, const Tensor& t) { return fast.step(x, t); });
    for (int i = 0; i < 7; ++i) {
      const double a = plain.step(batch(i), y).item(), b = step(batch(i), y).item();
      CHECK(a == b);
      CHECK(plain.state() == fast.state());
      CHECK(fast.optimizer.iterations() == i + 1);
    }
  }
}

TEST_CASE("later calls of a captured function record nothing and make no plans") {
  Net net(optimizers::Adam(0.01));
  int calls = 0;
  auto step = capture([&](const Tensor& x, const Tensor& t) {
    ++calls;
    return net.step(x, t);
  });
  const Tensor y = tensor(std::vector<std::int64_t>{0, 2, 1, 2}, {4});
  for (int i = 0; i < 3; ++i) step(batch(i), y);
  reset_plan_cache_stats();
  for (int i = 0; i < 20; ++i) step(batch(i), y);
  CHECK(calls == 2);
  CHECK(plan_cache_stats().hits == 0);
  CHECK(plan_cache_stats().misses == 0);
}

TEST_CASE("another shape or dtype is captured for itself") {
  int calls = 0;
  auto twice = capture([&](const Tensor& x) {
    ++calls;
    return x + x;
  });
  for (int i = 0; i < 4; ++i) {
    CHECK(twice(ones({2})).shape() == Shape{2});
    CHECK(twice(ones({3}, {.dtype = float64})).dtype() == float64);
    CHECK(twice(Tensor(2.5 + i)).item() == 5 + 2 * i);
  }
  CHECK(calls == 6);
}

TEST_CASE("a captured function reads Parameters as they are at each call") {
  const Parameter w(tensor({1, 2}), "w");
  auto f = capture([&](const Tensor& x) { return sum(x * w); });
  for (int i = 0; i < 4; ++i) {
    w.assign(tensor({i + 1., 2.}));
    CHECK(f(ones({2})).item() == i + 3);
  }
}

TEST_CASE("what somebody holds of a Parameter's value stays what it was when a captured function replaces it") {
  const Parameter w(tensor({1, 2}), "w");
  auto f = capture([&](const Tensor& x) {
    w.assign(w + x);
    return sum(w.value());
  });
  for (int i = 0; i < 3; ++i) f(ones({2}));
  const Tensor held = w.value();
  const Tensor seen = w.value();
  const float first = seen.data<float>()[0];
  CHECK(f(ones({2})).item() == 11);
  CHECK(bits(held) == std::vector<float>{4, 5});
  CHECK(first == 4);
  CHECK(bits(w.value()) == std::vector<float>{5, 6});
}

TEST_CASE("what was recorded from a Parameter's value before a captured function replaces it keeps that value") {
  const Parameter w(tensor({1, 2}), "w");
  auto f = capture([&](const Tensor& x) { w.assign(w + x); });
  for (int i = 0; i < 3; ++i) f(ones({2}));
  const Tensor pending = w * 10;
  f(ones({2}));
  CHECK(bits(pending) == std::vector<float>{40, 50});
  CHECK(bits(w.value()) == std::vector<float>{5, 6});
  CHECK_THROWS_AS(grad(sum(pending), w), GradientError);
}

TEST_CASE("draws of a captured function take their generator's next numbers; a generator of its own repeats") {
  Generator a(7), b(7);
  auto f = capture([&] { return uniform({5}, 0, 1, {.generator = &a}); });
  std::vector<std::vector<float>> seen;
  for (int i = 0; i < 5; ++i) {
    const std::vector<float> now = bits(f());
    CHECK(now == bits(uniform({5}, 0, 1, {.generator = &b})));
    CHECK(a == b);
  }
  auto local = capture([] {
    Generator g(7);
    return uniform({5}, 0, 1, {.generator = &g});
  });
  const std::vector<float> once = bits(local());
  for (int i = 0; i < 4; ++i) CHECK(bits(local()) == once);
}

TEST_CASE("draws that a captured function drops, or makes twice, are those of the function") {
  const auto f = [](Generator& g, const Tensor& x) {
    { const Tensor dropped = uniform({9}, 0, 1, {.generator = &g}) + 1.0; }
    // Whatever node takes the dropped one's memory keeps its own number.
    const Tensor y = x * 3.0 + Tensor(0.25);
    const auto noisy = [&g](const Tensor& z) { return z * uniform(z.shape(), 0, 1, {.generator = &g}) * z; };
    return std::array{y, grad(sum(checkpoint(noisy, x)), x)};
  };
  Generator a(7), b(7);
  auto captured = capture([&](const Tensor& x) { return f(a, x); });
  for (int i = 0; i < 5; ++i) {
    const auto now = captured(batch(i)), plain = f(b, batch(i));
    for (std::size_t k = 0; k < 2; ++k) CHECK(bits(now[k]) == bits(plain[k]));
    CHECK(a == b);
  }
}

TEST_CASE("a result of a captured function has no history, and says so") {
  const Parameter w(tensor({1, 2}), "w");
  auto f = capture([&](const Tensor& x) { return sum(square(w) * x); });
  auto g = capture([&](const Tensor& x) { return grad(sum(square(w) * x), w); });
  auto h = capture([&](const Tensor& x) { return x * 2; });
  for (int i = 0; i < 3; ++i) {
    CHECK_THROWS_WITH(grad(f(ones({2})) * 3, w), Catch::Contains("captured function"));
    CHECK(bits(g(ones({2}))) == std::vector<float>{2, 4});
    CHECK(bits(grad(sum(h(ones({2})) * w), w)) == std::vector<float>{2, 2});
  }
}

TEST_CASE("a function that asks for values is refused, and everything is as before") {
  const Parameter w(tensor({1, 2}), "w");
  auto f = capture([&](const Tensor& x) {
    w.assign(w + x);
    const Tensor y = sum(w.value());
    return y.item() > 0 ? y : -y;
  });
  f(ones({2}));
  CHECK_THROWS_WITH(f(ones({2})), Catch::Contains("does not ask for values"));
  CHECK(bits(w.value()) == std::vector<float>{2, 3});
}

TEST_CASE("a tensor that a captured function recorded and did not return says so") {
  Tensor inside;
  auto f = capture([&](const Tensor& x) {
    inside = exp(x);
    return sum(inside);
  });
  for (int i = 0; i < 3; ++i) f(ones({2}));
  CHECK_THROWS_WITH(inside.eval(), Catch::Contains("did not return"));
  CHECK_THROWS_WITH(bits(inside + 1), Catch::Contains("did not return"));
}

TEST_CASE("a function that leaves a graph on a value it replaces is called, and takes its numbers once a call") {
  const Parameter w(tensor({1, 2}), "w");
  Generator g(7);
  Tensor left;
  auto f = capture([&](const Tensor& x) {
    left = exp(w) + 1;
    const Tensor noise = uniform({2}, 0, 1, {.generator = &g});
    w.assign(w + x + noise * 0);
    return noise;
  });
  Generator same(7);
  for (int i = 0; i < 5; ++i) {
    CHECK(bits(f(ones({2}))) == bits(uniform({2}, 0, 1, {.generator = &same})));
    CHECK(g == same);
    CHECK(bits(w.value()) == std::vector<float>{2.f + static_cast<float>(i), 3.f + static_cast<float>(i)});
  }
}

TEST_CASE("checking finds what changed behind a captured function") {
  double factor = 3;
  auto f = capture([&](const Tensor& x) { return x * factor; }, {.check_every = 3});
  for (int i = 0; i < 4; ++i) CHECK(bits(f(ones({1})))[0] == 3);
  factor = 4;
  CHECK_THROWS_WITH([&] {
    for (int i = 0; i < 4; ++i) f(ones({1}));
  }(), Catch::Contains("changed"));

  bool more = false;
  auto g = capture([&](const Tensor& x) { return more ? exp(x) : x * 2; }, {.check_every = 1});
  g(ones({1}));
  g(ones({1}));
  more = true;
  CHECK_THROWS_WITH(g(ones({1})), Catch::Contains("another graph"));
}

TEST_CASE("an error while a captured step runs leaves weights, optimizer and generators as they were") {
  Net net(optimizers::Adam(0.1));
  auto step = capture([&](const Tensor& x, const Tensor& t) { return net.step(x, t); });
  const Tensor y = tensor(std::vector<std::int64_t>{0, 2, 1, 2}, {4});
  const Tensor wrong = tensor(std::vector<std::int64_t>{0, 2, 1, 3}, {4});
  Net same(optimizers::Adam(0.1));
  for (int i = 0; i < 6; ++i) {
    if (i > 0) {
      const std::vector<float> before = net.state();
      CHECK_THROWS_AS(step(batch(i), wrong), ValueError);
      CHECK(net.state() == before);
    }
    CHECK(step(batch(i), y).item() == same.step(batch(i), y).item());
    CHECK(net.state() == same.state());
  }
}

TEST_CASE("captured functions inside one another are one") {
  const Parameter w(tensor({1, 2}), "w");
  auto inner = capture([&](const Tensor& x) { return x * w; });
  auto outer = capture([&](const Tensor& x) { return grad(sum(inner(x)), w); });
  for (int i = 0; i < 4; ++i) CHECK(bits(outer(ones({2}))).size() == 2);
}

TEST_CASE("hundreds of draws and Parameters each find their own numbers and values") {
  struct Job {
    std::vector<Parameter> weights;
    Generator generators[2] = {Generator(5), Generator(6)};
    Job() {
      for (int i = 0; i < 300; ++i) weights.emplace_back(full({2}, .01 * i), "w" + std::to_string(i));
    }
    std::vector<Tensor> step(const Tensor& x) {
      std::vector<Tensor> draws;
      Tensor y = x;
      for (std::size_t i = 0; i < weights.size(); ++i) {
        draws.push_back(uniform({2}, 0, 1, {.generator = &generators[i % 2]}));
        y = y * draws.back() + weights[i];
      }
      for (std::size_t i = 0; i < weights.size(); i += 3) weights[i].assign(weights[i] * .5 + draws[i]);
      draws.push_back(y);
      return draws;
    }
  };
  Job plain, replayed;
  auto step = capture([&](const Tensor& x) { return replayed.step(x); });
  for (int i = 0; i < 4; ++i) {
    const Tensor x = full({2}, 1 + i).eval();
    const std::vector<Tensor> expected = plain.step(x), found = step(x);
    REQUIRE(found.size() == expected.size());
    for (std::size_t k = 0; k < found.size(); ++k) REQUIRE(bits(found[k]) == bits(expected[k]));
    for (std::size_t k = 0; k < plain.weights.size(); ++k)
      REQUIRE(bits(replayed.weights[k]) == bits(plain.weights[k]));
  }
}
