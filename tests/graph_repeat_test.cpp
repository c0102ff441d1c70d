// Evaluations that find what an earlier one found: the same bits and the same history, nothing looked up, nothing
// allocated.

#include "planned.hpp"
#include "replaced_new.hpp"

#include <xgrad/graph/generator.hpp>
#include <xgrad/graph/grad.hpp>
#include <xgrad/graph/parameter.hpp>
#include <xgrad/graph/plan.hpp>
#include <xgrad/ops/activation.hpp>
#include <xgrad/ops/elementwise.hpp>
#include <xgrad/ops/indexing.hpp>
#include <xgrad/ops/product.hpp>
#include <xgrad/ops/random.hpp>
#include <xgrad/ops/reduce.hpp>
#include <xgrad/ops/shape.hpp>

#include <catch2/catch.hpp>

#include <iomanip>
#include <sstream>
#include <thread>

using namespace xgrad;

namespace {

#ifdef __SANITIZE_ADDRESS__
constexpr bool counted = false;  // buffers are not pooled there
#else
constexpr bool counted = true;
#endif

}  // namespace

namespace {

Tensor wave(const Shape& shape, double start, DType dtype = float32) {
  std::vector<double> values;
  for (std::int64_t i = 0; i < shape.size(); ++i) values.push_back(std::sin(start + 1.7 * static_cast<double>(i)));
  return tensor(values, shape, {.dtype = dtype});
}

/// Steps of a network, each with a choice of what else happens. All that comes out is written down bit for bit.
class Steps {
 public:
  Steps() {
    x_ = {wave({2, 3}, .1), wave({2, 3}, .2), wave({5, 3}, .3), wave({2, 3}, .4, float64)};
    for (Tensor& x : x_) x.eval();
  }

  void step(unsigned choice) {
    const auto chosen = [&](unsigned which) { return choice == which; };
    Generator draws(choice);
    const Tensor& x = x_[chosen(1) ? 1 : chosen(2) ? 2 : chosen(3) ? 3 : 0];
    if (chosen(4)) pinned_ = w_.value();
    if (chosen(5)) (void)w_.value().data<float>();
    Tensor h = matmul(x, w_) + (chosen(6) ? v_ : b_);
    if (chosen(7)) h.named("hidden");
    h = chosen(8) ? tanh(h) : relu(h);
    if (chosen(9)) h = h * uniform(h.shape(), 0, 1, {.generator = &draws});
    if (chosen(10)) h = reshape(h, {4, 2});
    if (chosen(11)) h = reshape(h, {1, 8});
    if (chosen(12)) h = stop_gradient(h);
    if (chosen(32)) {
      const NoGrad no_grad;
      h = h * h;
    }
    if (chosen(33)) h = h * h;
    if (chosen(36)) h = power(h + 1, 2);
    if (chosen(37)) h = power(h + 1, -1);
    Tensor loss = sum(h * h, chosen(13) ? Axes{-1} : Axes{});
    if (chosen(14)) note(loss.data<float>());
    if (chosen(13)) loss = sum(loss);
    if (chosen(15)) loss = loss * 0.5;
    if (chosen(16)) loss = loss * 2;
    if (chosen(31)) loss = loss * 0.0;
    const Tensor penalty = chosen(17) ? sum(square(w_.value())) : Tensor();
    auto [dw, db] = grad(loss, {w_, b_});
    if (chosen(18)) kept_ = dw;
    if (chosen(19)) kept_ = h;
    if (chosen(20)) kept_ = h * 2;
    if (chosen(21)) db = Tensor();
    if (chosen(22)) {
      eval({loss, dw});
      note(loss, dw);
      return;
    }
    w_.assign(w_ - (chosen(23) ? .02 : .01) * dw);
    if (!chosen(21)) b_.assign(b_ - .01 * db);
    if (chosen(24)) w_.assign(w_.value() * .5);
    if (chosen(25)) v_.assign(v_ + 1);
    if (chosen(26)) b_.revert();
    if (chosen(27)) {
      std::thread other([held = dw] { CHECK(held.defined()); });
      dw = Tensor();
      other.join();
    }
    if (chosen(28)) eval({loss, loss});
    if (!chosen(38)) dw = Tensor();
    if (!chosen(39)) db = Tensor();
    if (!chosen(40)) h = Tensor();
    loss.eval();
    for (const Tensor& t : {loss, h, dw, db, kept_, penalty, w_.value(), b_.value(), v_.value()})
      out_ << (t.defined() && t.computed());
    note(loss, w_.value(), b_.value(), v_.value());
    probe(chosen(34), chosen(35));
    if (penalty.defined()) note(penalty);
    if (kept_.defined()) note(kept_);
    for (const Tensor& y : {loss, h, penalty, kept_}) note_gradient(y);
    if (chosen(29)) kept_ = Tensor();
    if (chosen(30)) pinned_ = Tensor();
    if (pinned_.defined()) note(pinned_);
  }

  /// A gradient by a leaf that may have lost its handle before its readers are computed.
  void probe(bool lose, bool keep) {
    Tensor leaf = wave({3}, .7);
    leaf.eval();
    const Tensor y = sum(exp(leaf * leaf));
    const Tensor z = y * 3;
    if (lose) leaf = Tensor();
    z.eval();
    out_ << y.computed();
    if (keep) leaf = y;
    try {
      note(z, grad(z, y));
    } catch (const Error& error) {
      out_ << error.what() << '\n';
    }
  }

  std::string written() const { return out_.str(); }

 private:
  void note(std::span<const float> values) {
    for (const float value : values) out_ << std::hexfloat << value << ' ';
    out_ << '\n';
  }
  template <class... T>
  void note(const Tensor& first, const T&... more) {
    for (const double value : first.to_vector<double>()) out_ << std::hexfloat << value << ' ';
    out_ << '\n';
    if constexpr (sizeof...(more) > 0) note(more...);
  }
  /// What a gradient through it gives, or that it throws.
  void note_gradient(const Tensor& y) {
    if (!y.defined()) return;
    try {
      note(grad(sum(cast(y, float32)), w_));
    } catch (const Error& error) {
      out_ << error.what() << '\n';
    }
  }

  Parameter w_{wave({3, 4}, 1), "w"}, b_{wave({4}, 2), "b"}, v_{wave({4}, 3), "v"};
  std::vector<Tensor> x_;
  Tensor kept_, pinned_;
  std::ostringstream out_;
};

constexpr unsigned choices = 41;

std::string run_steps(std::span<const unsigned> order, bool forget) {
  Steps steps;
  for (const unsigned choice : order) {
    if (forget) clear_plan_cache();
    steps.step(choice);
  }
  return steps.written();
}

}  // namespace

namespace {
// Repeated is what waits until it is asked for.
const Planned planned;
}  // namespace

TEST_CASE("steps that repeat others have the bits and the histories of steps that are planned anew") {
  std::vector<unsigned> order;
  // Each choice in the midst of steps without one, and after each other by chance.
  for (unsigned choice = 1; choice < choices; ++choice)
    for (const unsigned c : {0u, 0u, 0u, choice, choice, choice, 0u}) order.push_back(c);
  unsigned state = 1;
  for (int i = 0; i < 400; ++i) {
    state = state * 1664525u + 1013904223u;
    const unsigned choice = (state >> 16) % (2 * choices);
    order.push_back(choice < choices ? choice : 0);
  }
  const std::string anew = run_steps(order, true);
  clear_plan_cache();
  reset_plan_cache_stats();
  const std::string repeated = run_steps(order, false);
  CHECK(plan_cache_stats().repeats > 300);
  REQUIRE(repeated.size() == anew.size());
  CHECK(repeated == anew);
}

TEST_CASE("an evaluation repeats another one only while the plan is kept") {
  const Tensor a = wave({7}, 0), b = wave({7}, 1);
  const auto step = [&] { return sum(a * b + exp(a)).item(); };
  clear_plan_cache();
  reset_plan_cache_stats();
  const double first = step();
  for (int i = 0; i < 9; ++i) CHECK(step() == first);
  CHECK(plan_cache_stats().misses == 1);
  CHECK(plan_cache_stats().hits == 9);
  CHECK(plan_cache_stats().repeats == 8);
  clear_plan_cache();
  CHECK(step() == first);
  CHECK(plan_cache_stats().misses == 2);
  set_optimisation(Optimisation::fusion, false);
  CHECK(step() == first);
  CHECK(plan_cache_stats().misses == 3);
  set_optimisation(Optimisation::fusion, true);
  CHECK(step() == first);
  CHECK(plan_cache_stats().misses == 4);
}

TEST_CASE("what is repeated stays in the plan cache when others go") {
  const Tensor a = wave({7}, 0);
  const auto often = [&] { return sum(tanh(a) * a).item(); };
  clear_plan_cache();
  for (int i = 0; i < 4; ++i) often();
  set_plan_cache_limit(4 * plan_cache_stats().bytes);
  for (int n = 1; n < 60; ++n) {
    for (int i = 0; i < 3; ++i) often();
    sum(exp(wave({n}, 1))).item();
  }
  reset_plan_cache_stats();
  often();
  CHECK(plan_cache_stats().misses == 0);
  set_plan_cache_limit(std::size_t{64} << 20);
}

TEST_CASE("an error in a repeated evaluation leaves everything as it was") {
  const Parameter w(wave({4, 2}, 0), "w");
  const Tensor good = tensor({0, 3}, {.dtype = int64}), bad = tensor({0, 9}, {.dtype = int64});
  const auto step = [&](const Tensor& at) {
    const Tensor loss = sum(square(xgrad::take(w, at)));
    w.assign(w - .1 * grad(loss, w));
    return loss.item();
  };
  for (int i = 0; i < 4; ++i) step(good);
  reset_plan_cache_stats();
  step(good);
  REQUIRE(plan_cache_stats().repeats == 1);
  const std::vector<float> before = w.value().to_vector<float>();
  CHECK_THROWS_AS(step(bad), Error);
  w.revert();
  CHECK(w.value().to_vector<float>() == before);
  const double loss = step(good);
  CHECK(loss == Approx(before[0] * before[0] + before[1] * before[1] + before[6] * before[6] + before[7] * before[7]));
}

TEST_CASE("two tensors in the places of one, and one in the places of two, are seen") {
  const Tensor a = wave({5}, 0), b = wave({5}, 1);
  a.eval();
  b.eval();
  const auto f = [](const Tensor& x, const Tensor& y) { return sum(x * y - exp(y) * x).item(); };
  const double ab = f(a, b), aa = f(a, a), ba = f(b, a);
  for (int i = 0; i < 5; ++i) {
    CHECK(f(a, b) == ab);
    CHECK(f(a, b) == ab);
    CHECK(f(a, a) == aa);
    CHECK(f(a, a) == aa);
    CHECK(f(b, a) == ba);
  }
}

TEST_CASE("numbers that a plan relies on and attributes are seen") {
  const Tensor a = wave({3, 3}, 0);
  const auto times = [&](double k) { return sum(exp(a) * k).item(); };
  const auto rows = [&](int axis) { return exp(sum(a, axis)).to_vector<float>(); };
  const double once = times(1), twice = times(2);
  const std::vector<float> down = rows(0), across = rows(1);
  CHECK(twice == 2 * once);
  CHECK(down != across);
  for (int i = 0; i < 9; ++i) {
    CHECK(times(i % 3 ? 2 : 1) == (i % 3 ? twice : once));
    CHECK(rows(i % 3 ? 0 : 1) == (i % 3 ? down : across));
  }
}

TEST_CASE("a recorded step written out allocates nothing once it has run a few times") {
  const Parameter w(wave({3, 4}, 1), "w"), b(wave({4}, 2), "b");
  const Tensor x = wave({5, 3}, .3);
  const auto step = [&] {
    const Tensor loss = mean(square(tanh(matmul(x, w) + b)));
    const auto [dw, db] = grad(loss, {w, b});
    w.assign(w - .1 * dw);
    b.assign(b - .1 * db);
    return loss.item();
  };
  const auto backward = [&] {
    const Tensor loss = mean(square(sigmoid(matmul(x, w) + b)));
    loss.backward();
    const double value = loss.item();
    w.zero_grad();
    b.zero_grad();
    return value;
  };
  for (int i = 0; i < 10; ++i) step();
  const long before = calls.load();
  for (int i = 0; i < 100; ++i) step();
  CHECK((calls.load() == before || !counted));
  for (int i = 0; i < 10; ++i) backward();
  const long between = calls.load();
  for (int i = 0; i < 100; ++i) backward();
  CHECK((calls.load() == between || !counted));
}
