#include <xgrad/ops/activation.hpp>

#include <xgrad/graph/grad.hpp>
#include <xgrad/ops/elementwise.hpp>
#include <xgrad/ops/shape_parts.hpp>
#include <xgrad/ops/special.hpp>
#include <xgrad/ops/table.hpp>

#include <cmath>
#include <numbers>
#include <string>

namespace xgrad {
namespace {

/// e^x - 1 of what is below 0: the side that `where` does not choose must stay finite for its derivative.
Tensor below_zero(const Tensor& x) { return expm1(where(x > 0, 0, x)); }

}  // namespace

Tensor leaky_relu(const Arg& x, double negative_slope) {
  const Within here("leaky_relu", x);
  const Tensor t = real(x);
  return where(t < 0, negative_slope * t, t);
}

Tensor elu(const Arg& x, double alpha) {
  const Within here("elu", x);
  const Tensor t = real(x);
  return where(t > 0, t, alpha == 1 ? below_zero(t) : alpha * below_zero(t));
}

Tensor celu(const Arg& x, double alpha) {
  const Within here("celu", x);
  if (alpha == 0 || !std::isfinite(alpha))
    throw ValueError("[celu] expected a finite alpha other than 0, got " + number_text(alpha) + place(x.where()));
  const Tensor t = real(x);
  if (alpha == 1) return where(t > 0, t, below_zero(t));
  return where(t > 0, t, alpha * expm1(where(t > 0, 0, t) / alpha));
}

Tensor selu(const Arg& x) {
  const Within here("selu", x);
  return 1.0507009873554805 * elu(x, 1.6732632423543772);
}

Tensor gelu(const Arg& x, bool approximate) {
  const Within here("gelu", x);
  const Tensor t = real(x);
  if (approximate) {
    const double scale = std::sqrt(2 / std::numbers::pi);
    return 0.5 * t * (1 + tanh(scale * (t + 0.044715 * (t * square(t)))));
  }
  // erfc keeps the digits of the left tail, where 1 + erf has none left.
  return 0.5 * t * erfc(t * -std::sqrt(0.5));
}

Tensor silu(const Arg& x) {
  const Within here("silu", x);
  const Tensor t = real(x);
  return t * sigmoid(t);
}

Tensor mish(const Arg& x) {
  const Within here("mish", x);
  const Tensor t = real(x);
  return t * tanh(softplus(t));
}

Tensor log_sigmoid(const Arg& x) {
  const Within here("log_sigmoid", x);
  return -softplus(-real(x));
}

Tensor softsign(const Arg& x) {
  const Within here("softsign", x);
  const Tensor t = real(x);
  // Not abs, whose derivative jumps to 0 at 0.
  return t / (1 + where(t < 0, -t, t));
}

Tensor tanh_shrink(const Arg& x) {
  const Within here("tanh_shrink", x);
  const Tensor t = real(x);
  return t - tanh(t);
}

Tensor squareplus(const Arg& x, double b) {
  const Within here("squareplus", x);
  if (!(b >= 0)) throw ValueError("[squareplus] expected b of 0 or more, got " + number_text(b) + place(x.where()));
  const Tensor t = real(x);
  // Below 0 the sum would cancel: x + r = b / (r - x).
  const Tensor both = where(t < 0, -t, t) + sqrt(square(t) + b);
  return where(t < 0, b / both, both) / 2;
}

Rows unit_rows() {
  static const double inf = __builtin_inf(), nan = __builtin_nan("");
  static const auto slopes_of = [](Tensor (*f)(const Tensor&), const std::vector<double>& points) {
    const Tensor x = doubles(points);
    return grad(sum(f(x)), x);
  };
  using In = std::span<const Tensor>;
  static const std::vector<Row> rows = {
      {.name = "leaky_relu",
       .call = [](In in) { return leaky_relu(in[0]); },
       .samples = unary_samples(0.1, 3),
       .special = {{[] {
                      return leaky_relu(doubles({-2, -0.5, 0, 3, nan, -inf}));
                    },
                    {-0.4, -0.1, 0, 3, nan, -inf}},
                   {[] {
                      return slopes_of([](const Tensor& x) { return leaky_relu(x, 0.3); }, {-1, 0, 1});
                    },
                    {0.3, 1, 1}}}},
      {.name = "elu",
       .call = [](In in) { return elu(in[0], 0.7); },
       .samples = unary_samples(-3, -0.1),
       .special = {{[] {
                      return elu(doubles({-inf, 0, 2, inf, nan}), 2);
                    },
                    {-2, 0, 2, inf, nan}},
                   {[] {
                      return slopes_of([](const Tensor& x) { return elu(x); }, {-1000, 0, 1000});
                    },
                    {0, 1, 1}}}},
      {.name = "celu",
       .call = [](In in) { return celu(in[0], 0.7); },
       .samples = unary_samples(-3, -0.1),
       .special = {{[] {
                      return celu(doubles({-inf, 0, 2, inf, nan}), 2);
                    },
                    {-2, 0, 2, inf, nan}},
                   {[] {
                      return slopes_of([](const Tensor& x) { return celu(x, 2); }, {-2000, 0, 1000});
                    },
                    {0, 1, 1}}},
       .errors = {{[] { return celu(zeros({2}), 0); }, "[celu] expected a finite alpha other than 0, got 0"}}},
      {.name = "selu",
       .call = call_unary<selu>,
       .samples = unary_samples(0.1, 3),
       .special = {{[] {
                      return selu(doubles({-inf, 0, 1, nan}));
                    },
                    {-1.0507009873554805 * 1.6732632423543772, 0, 1.0507009873554805, nan}}}},
      {.name = "gelu",
       .call = [](In in) { return gelu(in[0]); },
       .samples = unary_samples(-3, 3),
       .special = {{[] {
                      return gelu(doubles({0, 1000, -1000, inf, nan}));
                    },
                    {0, 1000, -0.0, inf, nan}},
                   {[] {
                      return gelu(doubles({0, 1000, -1000}), true);
                    },
                    {0, 1000, -0.0}},
                   {[] {
                      return slopes_of([](const Tensor& x) { return gelu(x); }, {-1000, 0, 1000});
                    },
                    {0, 0.5, 1}}}},
      {.name = "silu",
       .call = call_unary<silu>,
       .samples = unary_samples(-4, 4),
       .special = {{[] {
                      return silu(doubles({0, 1000, -1000, inf, nan}));
                    },
                    {0, 1000, -0.0, inf, nan}}}},
      {.name = "swish",
       .call = call_unary<swish>,
       .samples = unary_samples(-4, 4),
       .special = {{[] {
                      return swish(doubles({0, 1000, -1000}));
                    },
                    {0, 1000, -0.0}}}},
      {.name = "mish",
       .call = call_unary<mish>,
       .samples = unary_samples(-4, 4),
       .special = {{[] {
                      return mish(doubles({0, 1000, -1000, inf, nan}));
                    },
                    {0, 1000, -0.0, inf, nan}}}},
      {.name = "log_sigmoid",
       .call = call_unary<log_sigmoid>,
       .samples = unary_samples(-4, 4),
       .special = {{[] {
                      return log_sigmoid(doubles({1000, -1000, -inf, nan}));
                    },
                    {-0.0, -1000, -inf, nan}},
                   {[] {
                      return slopes_of([](const Tensor& x) { return log_sigmoid(x); }, {-1000, 0, 1000});
                    },
                    {1, 0.5, 0}}}},
      {.name = "softsign",
       .call = call_unary<softsign>,
       .samples = unary_samples(0.1, 4),
       .special = {{[] {
                      return softsign(doubles({-3, 0, 1, nan}));
                    },
                    {-0.75, 0, 0.5, nan}},
                   {[] {
                      return slopes_of([](const Tensor& x) { return softsign(x); }, {-1, 0, 1});
                    },
                    {0.25, 1, 0.25}}}},
      {.name = "tanh_shrink",
       .call = call_unary<tanh_shrink>,
       .samples = unary_samples(-3, 3),
       .special = {{[] {
                      return tanh_shrink(doubles({0, 1000, -1000, nan}));
                    },
                    {0, 999, -999, nan}}}},
      {.name = "squareplus",
       .call = [](In in) { return squareplus(in[0]); },
       .samples = unary_samples(-3, 3),
       .special = {{[] {
                      return squareplus(doubles({0, -1e9, 1e9, nan}));
                    },
                    {1, 1e-9, 1e9, nan}},
                   {[] {
                      return slopes_of([](const Tensor& x) { return squareplus(x); }, {0, 1e12});
                    },
                    {0.5, 1}}},
       .errors = {{[] { return squareplus(zeros({2}), -1); }, "[squareplus] expected b of 0 or more, got -1"}}},
  };
  return rows;
}

}  // namespace xgrad
