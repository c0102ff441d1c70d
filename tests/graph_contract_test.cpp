// When values are computed, and what a plan may rely on.

#include "planned.hpp"

#include <xgrad/graph/plan.hpp>
#include <xgrad/graph/grad.hpp>
#include <xgrad/graph/parameter.hpp>
#include <xgrad/ops/activation.hpp>
#include <xgrad/ops/elementwise.hpp>
#include <xgrad/ops/indexing.hpp>
#include <xgrad/ops/product.hpp>
#include <xgrad/ops/random.hpp>
#include <xgrad/ops/reduce.hpp>
#include <xgrad/ops/shape.hpp>

#include <catch2/catch.hpp>

#include <cmath>
#include <sstream>

using namespace xgrad;

namespace {

const Planned planned;

/// How many plans were run since the object was made.
struct Plans {
  Plans() { reset_plan_cache_stats(); }
  std::uint64_t run() const { return plan_cache_stats().hits + plan_cache_stats().misses; }
  std::uint64_t made() const { return plan_cache_stats().misses; }
};

struct Eager {
  Eager() { set_eager(true); }
  ~Eager() { set_eager(false); }
};

/// Puts the cache's limit back.
struct CacheLimit {
  explicit CacheLimit(std::size_t bytes) { set_plan_cache_limit(bytes); }
  ~CacheLimit() {
    set_plan_cache_limit(std::size_t{64} << 20);
    clear_plan_cache();
  }
};

using Floats = std::vector<float>;
Floats floats(const Tensor& t) { return t.to_vector<float>(); }

}  // namespace

TEST_CASE("recording computes nothing, and asking computes what was asked") {
  const Tensor x = tensor({1, 2, 3});
  const Plans plans;
  const Tensor y = x * 2 + 1;
  const Tensor z = sum(y);
  CHECK_FALSE(y.computed());
  CHECK_FALSE(z.computed());
  CHECK(plans.run() == 0);
  CHECK(z.item() == 15);
  CHECK(z.computed());
  CHECK(plans.run() == 1);
  CHECK(floats(y) == Floats{3, 5, 7});
}

TEST_CASE("a held value that an evaluation computes on the way is there without another plan") {
  const Tensor x = tensor({1, 2, 3});
  const Tensor y = x * 2 + 1;
  const Tensor z = sum(y);
  z.eval();
  const Plans plans;
  CHECK(y.computed());
  CHECK(floats(y) == Floats{3, 5, 7});
  CHECK(plans.run() == 0);
}

TEST_CASE("an assigned Parameter is computed with the next evaluation of anything on this thread") {
  const Parameter p(tensor({1, 2}), "p");
  p.assign(p * 3);
  CHECK_FALSE(p.value().computed());
  const Plans plans;
  (tensor({4}) + 1).eval();
  CHECK(p.value().computed());
  CHECK(plans.run() == 1);
  CHECK(floats(p) == Floats{3, 6});
  CHECK(plans.run() == 1);
}

TEST_CASE("a loss held while its Parameters are updated is computed in the same plan") {
  const Parameter w(tensor({1, -2}), "w");
  const Tensor loss = mean(square(w.value() * tensor({3, 4})));
  const Tensor unread = exp(w.value());
  const Tensor dw = grad(loss, w);
  w.assign(w - 0.1 * dw);
  const Plans plans;
  w.value().eval();
  CHECK(plans.run() == 1);
  CHECK(loss.computed());
  CHECK(unread.computed());
  CHECK(dw.computed());
  CHECK(loss.item() == Approx((9.0 + 64.0) / 2));
  CHECK(plans.run() == 1);
}

TEST_CASE("held values that no update replaces stay pending until they are asked for") {
  const Parameter w(tensor({1, -2}), "w");
  const Tensor other = tensor({5}) * 2;
  w.assign(w * 2);
  w.value().eval();
  CHECK_FALSE(other.computed());
}

TEST_CASE("several updates of one Parameter before an evaluation build on each other") {
  const Parameter w(tensor({1, 2}), "w");
  w.assign(w + 1);
  w.assign(w * 10);
  const Tensor between = w.value();
  w.assign(w - 5);
  CHECK(floats(w) == Floats{15, 25});
  CHECK(floats(between) == Floats{20, 30});
}

TEST_CASE("an assigned value is a Parameter's own: the tensor it came from keeps its value") {
  const Tensor x = tensor({1, 2, 3});
  const Parameter w(x, "w"), u(zeros({3}), "u");
  u.assign(x);
  w.assign(x * 2);
  for (int i = 0; i < 3; ++i) {
    w.assign(w + 1);
    u.assign(u + 1);
    eval({w.value(), u.value()});
  }
  CHECK(floats(x) == Floats{1, 2, 3});
  CHECK(floats(w) == Floats{5, 7, 9});
  CHECK(floats(u) == Floats{4, 5, 6});
}

TEST_CASE("memory whose address was given out never changes") {
  const Parameter w(tensor({1, 2, 3, 4}), "w");
  const Tensor old = w.value();
  const std::span<const float> seen = old.data<float>();
  for (int i = 0; i < 3; ++i) {
    w.assign(w * 2);
    w.value().eval();
  }
  CHECK(Floats(seen.begin(), seen.end()) == Floats{1, 2, 3, 4});
  CHECK(floats(w) == Floats{8, 16, 24, 32});
}

TEST_CASE("borrowed memory is never written to") {
  float numbers[4] = {1, 2, 3, 4};
  {
    const Parameter w(borrow(numbers, {4}, float32), "w");
    Tensor x = borrow(numbers, {4}, float32);
    x = x * 2;
    w.assign(w + x);
    w.assign(w + 1);
    CHECK(floats(w) == Floats{4, 7, 10, 13});
  }
  CHECK(numbers[0] == 1);
  CHECK(numbers[3] == 4);
}

TEST_CASE("printing a value computes it, and pending Parameters with it") {
  const Parameter p(tensor({1}), "p");
  p.assign(p + 1);
  std::ostringstream out;
  out << tensor({1, 2}) * 2;
  CHECK(out.str().find('4') != std::string::npos);
  CHECK(p.value().computed());
}

TEST_CASE("scalars that are equal are not merged: a cached plan is right when they differ") {
  const auto step = [](double rate, double decay) {
    const Tensor w = tensor({1, 2, 3}), g = tensor({4, 5, 6});
    return floats(w - rate * g - decay * w);
  };
  clear_plan_cache();
  step(0.3, 0.3);
  const Plans plans;
  const Floats cached = step(0.3, 0.7);
  CHECK(plans.made() == 0);
  clear_plan_cache();
  CHECK(cached == step(0.3, 0.7));
  const Eager eager;
  CHECK(cached == step(0.3, 0.7));
}

TEST_CASE("rates of one, zero, minus zero and others match eager bit for bit, whichever plan came first") {
  const auto train = [](std::vector<double> rates) {
    const Parameter w(tensor({0.7, -0.0, 3e-39, INFINITY, -1e30}), "w");
    for (const double rate : rates) {
      const Tensor g = w * tensor({1e-3, -1, 2, 0, 1});
      w.assign(w - rate * g + rate);
      w.value().eval();
    }
    Floats result = floats(w);
    for (float& x : result)
      if (std::isnan(x)) x = 12345;  // one NaN is as good as another
    for (const float x : floats(w)) result.push_back(std::signbit(x));
    return result;
  };
  for (const auto& rates : std::vector<std::vector<double>>{
           {1, 0.5, 0.3}, {0.3, 1, 0}, {0, 0.3, -0.0}, {0.25, 2, -1}, {-0.0, 0.0, 1, 0.7}}) {
    const Floats planned = train(rates);
    const Floats cached = train(rates);
    const Eager eager;
    CHECK(planned == train(rates));
    CHECK(planned == cached);
  }
}

TEST_CASE("draws are never merged, and every reader of one sees the same numbers") {
  Generator generator(3);
  const Tensor a = uniform({50}, 0, 1, {.generator = &generator});
  const Tensor b = uniform({50}, 0, 1, {.generator = &generator});
  const Tensor twice = a - a, apart = abs(a - b);
  CHECK(sum(twice).item() == 0);
  CHECK(sum(apart).item() > 1);
  Generator again(3);
  CHECK(floats(a) == floats(uniform({50}, 0, 1, {.generator = &again})));
  CHECK(floats(b) == floats(uniform({50}, 0, 1, {.generator = &again})));
}

TEST_CASE("an epoch with a smaller last batch makes two plans, whatever the rate does") {
  clear_plan_cache();
  const Parameter w(uniform({4, 3}), "w"), b(zeros({3}), "b");
  const Parameter m(zeros({4, 3}), "m", false), v(zeros({4, 3}), "v", false);
  const auto step = [&](std::int64_t rows, int t) {
    Generator generator(static_cast<std::uint64_t>(t));
    const Tensor x = full({rows, 4}, 0.1 * t), y = one_hot(zeros({rows}, {.dtype = int64}), 3);
    const Tensor kept = bernoulli({rows, 4}, 0.8, {.generator = &generator});
    const Tensor loss = -mean(sum(y * log_softmax(matmul(x * kept / 0.8, w) + b), -1)) + 0.01 * sum(square(w.value()));
    auto [dw, db] = grad(loss, {w, b});
    const Tensor rate = Tensor(0.1 / (1 + 0.1 * t)), power = Tensor(std::pow(0.9, t));
    m.assign(0.9 * m + 0.1 * dw);
    v.assign(0.999 * v + 0.001 * square(dw));
    w.assign(w - rate * (m / (1 - power)) / (sqrt(v / (1 - std::pow(0.999, t))) + 1e-7));
    b.assign(b - rate * db);
    return loss.item();
  };
  step(1, 1);  // what came before the epoch is not counted
  clear_plan_cache();
  const Plans plans;
  for (int t = 1; t <= 10; ++t) step(8, t);
  step(3, 11);
  CHECK(plans.made() == 2);
  CHECK(plans.run() == 11);
}

TEST_CASE("a plan made for a graph nobody holds is not used for one that is held") {
  clear_plan_cache();
  const auto x_of = [] { return tensor({1, 2, 3, 4}); };
  const auto run = [&](bool hold) {
    const Tensor x = x_of();
    Tensor y = x * 3, z = y + 1;
    if (!hold) y = Tensor();
    z.eval();
    if (hold) CHECK(y.computed());
    return floats(z);
  };
  CHECK(run(false) == run(true));
  // Nor one that takes over a leaf for a leaf with a handle.
  Tensor leaf = x_of(), kept = x_of();
  Tensor a = leaf * 3.5 + 1;
  leaf = Tensor();
  const Tensor b = kept * 3.5 + 1;
  a.eval();
  b.eval();
  CHECK(floats(kept) == Floats{1, 2, 3, 4});
  CHECK(floats(a) == floats(b));
}

TEST_CASE("the plan cache keeps to its limit and says what it did") {
  clear_plan_cache();
  const CacheLimit limit(20000);
  for (int n = 1; n < 200; ++n) {
    (ones({n}) * 3.5 + 1).eval();
    CHECK(plan_cache_stats().bytes <= 20000);
  }
  CHECK(plan_cache_stats().plans > 1);
  const Plans plans;
  (ones({199}) * 3.5 + 1).eval();
  CHECK(plans.made() == 0);
  (ones({1}) * 3.5 + 1).eval();
  CHECK(plans.made() == 1);
}

TEST_CASE("a plan larger than the cache is run and not kept") {
  clear_plan_cache();
  const CacheLimit limit(10);
  CHECK((tensor({1, 2}) + 1).to_vector<float>() == Floats{2, 3});
  CHECK(plan_cache_stats().plans == 0);
}

TEST_CASE("graphs that differ in one attribute, shape, dtype or edge only have plans of their own") {
  clear_plan_cache();
  const Tensor x = tensor({{1, 2}, {3, 4}}), y = tensor({{5, 6}, {7, 8}});
  CHECK(floats(sum(x, 0)) == Floats{4, 6});
  CHECK(floats(sum(x, 1)) == Floats{3, 7});
  CHECK(floats(sum(x, 1, true)) == Floats{3, 7});
  CHECK(sum(x, 1, true).shape() == Shape{2, 1});
  CHECK(floats(x * y) == Floats{5, 12, 21, 32});
  CHECK(floats(x * x) == Floats{1, 4, 9, 16});
  CHECK(floats(x - y) == Floats{-4, -4, -4, -4});
  CHECK(floats(y - x) == Floats{4, 4, 4, 4});
  CHECK(floats(slice(x, {{0, 1}})) == Floats{1, 2});
  CHECK(floats(slice(x, {{1, 2}})) == Floats{3, 4});
  CHECK(floats(transpose(x)) == Floats{1, 3, 2, 4});
  CHECK(cast(x, int32).to_vector<std::int32_t>() == std::vector<std::int32_t>{1, 2, 3, 4});
  CHECK(floats(ones_like(x) * sum(ones({3}))) == Floats{3, 3, 3, 3});
  CHECK(floats(ones_like(x) * sum(ones({4}))) == Floats{4, 4, 4, 4});
  CHECK(floats(mean(ones({3}) * x.to_vector<float>()[1])) == Floats{2});
}

TEST_CASE("a shape that is only lent is part of the key") {
  const auto at = [](std::int64_t n) { return floats(sum(broadcast_like(tensor({2.5}), zeros({n, 1})))); };
  CHECK(at(3) == Floats{7.5});
  CHECK(at(4) == Floats{10});
  CHECK(floats(count(zeros({3, 2})) + 0) == Floats{6});
  CHECK(floats(count(zeros({3, 4})) + 0) == Floats{12});
}
