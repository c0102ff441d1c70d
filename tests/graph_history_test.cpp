// When history ends, and what can be differentiated.

#include "planned.hpp"

#include <xgrad/graph/grad.hpp>
#include <xgrad/graph/parameter.hpp>
#include <xgrad/graph/plan.hpp>
#include <xgrad/ops/activation.hpp>
#include <xgrad/ops/elementwise.hpp>
#include <xgrad/ops/indexing.hpp>
#include <xgrad/ops/product.hpp>
#include <xgrad/ops/random.hpp>
#include <xgrad/ops/reduce.hpp>

#include <catch2/catch.hpp>

#include <cmath>

using namespace xgrad;
using Catch::Matchers::Contains;

namespace {
using Floats = std::vector<float>;
using Doubles = std::vector<double>;
Floats floats(const Tensor& t) { return t.to_vector<float>(); }
Doubles doubles(const Tensor& t) { return t.to_vector<double>(); }
}  // namespace

TEST_CASE("a gradient through an ended history names the Parameter and what to do") {
  const Parameter w(tensor({1, 2}), "dense/kernel");
  const Tensor loss = sum(square(w.value()));
  w.assign(w * 0.5);
  w.value().eval();
  CHECK_THROWS_AS(grad(loss, w), GradientError);
  CHECK_THROWS_WITH(grad(loss, w), Contains("dense/kernel") && Contains("stop_gradient"));
  // So it is through what was recorded from it later.
  const Tensor later = loss * 2;
  CHECK_THROWS_AS(grad(later, w), GradientError);
  later.eval();
  CHECK(later.item() == 10);
}

TEST_CASE("with several updates at once the error names the Parameter the value came from") {
  const Parameter a(tensor({1}), "a"), b(tensor({2}), "b"), c(tensor({3}), "c");
  const Tensor early = exp(b.value());
  early.eval();
  const Tensor late = c.value() * 2;
  for (const Parameter& p : {a, b, c}) p.assign(p + 1);
  a.value().eval();
  CHECK_THROWS_WITH(grad(early, b), Contains("'b'"));
  CHECK_THROWS_WITH(grad(late + 1, c), Contains("'c'"));
}

TEST_CASE("history ends with the update in every kind of evaluation") {
  const Parameter w(tensor({1, 2}), "w");
  const Tensor early = sum(square(w.value()));
  early.eval();  // computed before the update
  const Tensor late = sum(w.value() * 3);
  w.assign(w - grad(early, w));
  (tensor({1}) + 1).eval();  // an evaluation of something else
  CHECK_THROWS_AS(grad(early, w), GradientError);
  CHECK_THROWS_AS(grad(late, w), GradientError);
  CHECK(late.item() == 9);
  CHECK(floats(w) == Floats{-1, -2});
}

TEST_CASE("an update that has not been computed leaves history as it is") {
  const Parameter w(tensor({1, 2}), "w");
  const Tensor old = w.value(), loss = sum(square(old));
  w.assign(w * 2);
  CHECK(floats(grad(loss, old) * 1) == Floats{2, 4});
}

TEST_CASE("a value is a leaf once it is computed: gradients reach the new value, not the old one") {
  const Parameter w(tensor({3}), "w");
  w.assign(w * 2);
  w.value().eval();
  const Tensor y = sum(square(w.value()));
  CHECK(floats(grad(y, w)) == Floats{12});
}

TEST_CASE("what is recorded from a pending new value keeps its history when both are computed") {
  const Parameter w(tensor({3}), "w");
  const Tensor before = w.value();
  w.assign(w * 2);
  const Tensor y = sum(square(w.value())), z = sum(before * 5 + w.value());
  y.eval();
  CHECK(z.computed());  // recorded from the replaced value
  CHECK(floats(grad(y, w)) == Floats{12});
  CHECK_THROWS_AS(grad(z, w), GradientError);
}

TEST_CASE("observed values can still be differentiated, any number of times") {
  const Planned planned;
  const Tensor x = tensor({0.5, 1.5}, {.dtype = float64});
  const Tensor y = sum(exp(x) * x);
  y.eval();
  const Tensor dy = grad(y, x);
  CHECK(dy.computed() == false);
  dy.eval();
  const Tensor ddy = grad(sum(dy), x);
  for (int i = 0; i < 2; ++i) {
    const double v = 0.5 + i;
    CHECK(doubles(dy)[static_cast<std::size_t>(i)] == Approx(std::exp(v) * (1 + v)));
    CHECK(doubles(ddy)[static_cast<std::size_t>(i)] == Approx(std::exp(v) * (2 + v)));
  }
}

TEST_CASE("looking at a value does not change its gradients") {
  const auto slopes = [](bool look) {
    std::vector<Doubles> result;
    const auto see = [&](const Tensor& t) { return look ? t.eval() : t; };
    const Parameter p(tensor({2.0}, {.dtype = float64}), "p");
    {
      // By a value whose own leaf is gone.
      Tensor x = tensor({3.0}, {.dtype = float64});
      const Tensor h = x * 2;
      x = Tensor();
      see(h);
      const Tensor y = see(square(h));
      result.push_back(doubles(grad(y, h)));
    }
    {
      // By a value recorded without gradient, from integers, or behind stop_gradient.
      for (int k = 0; k < 3; ++k) {
        Tensor h;
        if (k == 0) {
          const NoGrad scope;
          h = p * 5;
        } else if (k == 1) {
          h = cast(tensor({1, 2}, {.dtype = int64}), float64);
        } else {
          h = stop_gradient(p * 5);
        }
        const Tensor y = see(sum(exp(h * 0.1)));
        result.push_back(doubles(grad(y, h)));
        const Tensor z = see(sum(exp(h * 0.2)));
        see(grad(z, h));
        result.push_back(doubles(grad(z, p)));
      }
    }
    {
      // By a Parameter's value that was assigned from something without history.
      p.assign(cast(tensor({7}, {.dtype = int64}), float64));
      const Tensor y = see(square(p.value()));
      result.push_back(doubles(grad(y, p)));
    }
    return result;
  };
  CHECK(slopes(false) == slopes(true));
  CHECK(slopes(true).front() == Doubles{12});
  CHECK(slopes(true).back() == Doubles{14});
}

TEST_CASE("stop_gradient and the no-gradient scope end gradients and change no value") {
  const Tensor x = tensor({2, 3});
  const Tensor a = sum(stop_gradient(x) * x);
  CHECK(floats(grad(a, x)) == Floats{2, 3});
  Tensor inside;
  {
    const NoGrad scope;
    inside = x * x;
    {
      const NoGrad deeper;
    }
    CHECK(floats(grad(sum(inside * x), x)) == Floats{0, 0});
  }
  const Tensor b = sum(inside * x);
  CHECK(floats(grad(b, x)) == Floats{4, 9});
  CHECK(b.item() == 8 + 27);
}

TEST_CASE("what an evaluation gives up does not matter to others: a shared value keeps its own history") {
  const Parameter w(tensor({1, 2}), "w");
  const Tensor x = tensor({3, 4});
  const Tensor clean = square(x);              // not recorded from w
  const Tensor mixed = sum(clean * w.value());  // recorded from w
  w.assign(w - 1);
  w.value().eval();
  CHECK(floats(grad(sum(clean), x)) == Floats{6, 8});
  CHECK_THROWS_AS(grad(mixed, x), GradientError);
}

namespace {

struct Linear {
  Parameter w;
  Tensor operator()(const Tensor& x) const { return matmul(x, w); }
  void descend(const Tensor& loss, double rate) const { w.assign(w - rate * grad(loss, w)); }
};

}  // namespace

TEST_CASE("alternating optimizers work the way PyTorch users write a GAN") {
  const double rate = 0.1;
  Generator draws(5);
  const auto real_of = [](int i) { return tensor({{1.0 + i, 2.0}}, {.dtype = float64}); };
  const auto z_of = [](int i) { return tensor({{0.5, -0.25 * i}}, {.dtype = float64}); };
  const Tensor g0 = tensor({{0.3, -0.2}, {0.1, 0.4}}, {.dtype = float64}), d0 = tensor(Doubles{0.7, -0.5}, {2, 1});

  const Linear g{Parameter(g0, "g")}, d{Parameter(d0, "d")};
  std::vector<Doubles> seen;
  for (int i = 0; i < 4; ++i) {
    const Tensor fake = g(z_of(i));
    const Tensor d_loss = mean(softplus(-d(real_of(i)))) + mean(softplus(d(stop_gradient(fake))));
    d.descend(d_loss, rate);
    if (i % 2) d_loss.eval();
    const Tensor g_loss = mean(softplus(-d(fake)));  // through the updated discriminator
    g.descend(g_loss, rate);
    seen.push_back({d_loss.item(), g_loss.item()});
  }

  // The same by hand: every quantity from numbers alone.
  Doubles gw = doubles(g0), dw = doubles(d0);
  const auto sigmoid_of = [](double x) { return 1 / (1 + std::exp(-x)); };
  for (int i = 0; i < 4; ++i) {
    const Doubles z = doubles(z_of(i)), real = doubles(real_of(i));
    const double fake[] = {z[0] * gw[0] + z[1] * gw[2], z[0] * gw[1] + z[1] * gw[3]};
    const double on_real = real[0] * dw[0] + real[1] * dw[1], on_fake = fake[0] * dw[0] + fake[1] * dw[1];
    const double d_loss = std::log1p(std::exp(-on_real)) + std::log1p(std::exp(on_fake));
    for (std::size_t k = 0; k < 2; ++k)
      dw[k] -= rate * (-sigmoid_of(-on_real) * real[k] + sigmoid_of(on_fake) * fake[k]);
    const double after = fake[0] * dw[0] + fake[1] * dw[1];
    const double g_loss = std::log1p(std::exp(-after)), slope = -sigmoid_of(-after);
    for (std::size_t k = 0; k < 4; ++k) gw[k] -= rate * slope * dw[k % 2] * z[k / 2];
    CHECK(seen[static_cast<std::size_t>(i)][0] == Approx(d_loss).epsilon(1e-12));
    CHECK(seen[static_cast<std::size_t>(i)][1] == Approx(g_loss).epsilon(1e-12));
  }
  for (std::size_t k = 0; k < 4; ++k) CHECK(doubles(g.w)[k] == Approx(gw[k]).epsilon(1e-12));
  for (std::size_t k = 0; k < 2; ++k) CHECK(doubles(d.w)[k] == Approx(dw[k]).epsilon(1e-12));
}

TEST_CASE("gradients accumulated over micro-batches are those of the whole batch") {
  const auto x_of = [](int i) { return tensor({{1.0 + i, 0.5}, {0.25 * i, -1}}, {.dtype = float64}); };
  const Parameter w(tensor(Doubles{0.3, 0.7}, {2, 1}), "w");
  Tensor whole = Tensor(0.0, {.dtype = float64});
  for (int i = 0; i < 3; ++i) whole = whole + sum(square(sin(matmul(x_of(i), w))));
  const Doubles expected = doubles(grad(whole, w));
  for (int i = 0; i < 3; ++i) {
    const Tensor loss = sum(square(sin(matmul(x_of(i), w))));
    loss.backward();
    if (i == 1) loss.eval();
  }
  const Doubles found = doubles(w.grad());
  for (std::size_t k = 0; k < 2; ++k) CHECK(found[k] == Approx(expected[k]).epsilon(1e-12));
  w.assign(w - 0.1 * w.grad());
  w.zero_grad();
  CHECK_FALSE(w.grad().defined());
  w.value().eval();
  sum(w.value()).backward();
  CHECK(doubles(w.grad()) == Doubles{1, 1});
}

TEST_CASE("backward leaves Parameters alone that are not trainable or not used") {
  const Parameter w(tensor({1}), "w"), fixed(tensor({2}), "fixed", false), unused(tensor({3}), "unused");
  sum(w * fixed.value()).backward();
  CHECK(floats(w.grad()) == Floats{2});
  CHECK_FALSE(fixed.grad().defined());
  CHECK_FALSE(unused.grad().defined());
}

TEST_CASE("backward adds nothing to Parameters no gradient reaches, computed before or not") {
  for (const bool look : {false, true}) {
    const Parameter w(tensor({1}), "w"), u(tensor({2}), "u");
    Tensor quiet;
    {
      const NoGrad scope;
      quiet = w * 3;
    }
    if (look) quiet.eval();
    sum(quiet * u.value() + stop_gradient(w)).backward();
    CHECK_FALSE(w.grad().defined());
    CHECK(floats(u.grad()) == Floats{3});
  }
}

TEST_CASE("the Parameters of a graph are found in the order they were met") {
  const Parameter a(tensor({1}), "a"), b(tensor({2}), "b"), c(tensor({3}), "c");
  const auto found = parameters_of(b * 2 + a * b);
  REQUIRE(found.size() == 2);
  CHECK(found[0] == b);
  CHECK(found[1] == a);
}

TEST_CASE("a history that outlives an update of another Parameter keeps what it needs") {
  const Parameter w(tensor({{0.5, -1}, {2, 0.25}}), "w"), other(tensor({1}), "other");
  const Tensor x = tensor({{1, 2}});
  const Tensor h = tanh(matmul(x, w)), y = sum(h * h);
  const Floats expected = floats(grad(y, w) + 0);
  y.eval();
  other.assign(other * 2);
  other.value().eval();
  CHECK(floats(grad(y, w)) == expected);
}


TEST_CASE("what was recorded from a Parameter that went with an update pending can still be asked for") {
  const Tensor x = tensor({3, 4});
  Tensor y;
  {
    const Parameter w(tensor({1, 2}), "w");
    y = sum(w * x);
    w.assign(w * 3);
  }
  CHECK(y.item() == 11);
  CHECK(grad(y, x).to_vector<float>() == std::vector<float>{1, 2});
}
