#include <xgrad/ops/activation.hpp>

#include <xgrad/graph/grad.hpp>
#include <xgrad/ops/elementwise.hpp>
#include <xgrad/ops/scan.hpp>
#include <xgrad/ops/shape.hpp>
#include <xgrad/ops/shape_parts.hpp>
#include <xgrad/ops/sorting.hpp>
#include <xgrad/ops/table.hpp>

#include <string>

namespace xgrad {

Tensor relu6(const Arg& x) {
  const Within here("relu6", x);
  const Tensor t = real(x);
  return where(t <= 0, 0, where(t >= 6, 6, t));
}

Tensor hard_sigmoid(const Arg& x) {
  const Within here("hard_sigmoid", x);
  return relu6(real(x) + 3) / 6;
}

Tensor hard_silu(const Arg& x) {
  const Within here("hard_silu", x);
  const Tensor t = real(x);
  return t * hard_sigmoid(t);
}

Tensor hard_tanh(const Arg& x) {
  const Within here("hard_tanh", x);
  return clip(real(x), -1, 1);
}

Tensor hard_shrink(const Arg& x, double threshold) {
  const Within here("hard_shrink", x);
  const Tensor t = real(x);
  return where(abs(t) <= threshold, 0, t);
}

Tensor soft_shrink(const Arg& x, double threshold) {
  const Within here("soft_shrink", x);
  const Tensor t = real(x);
  return where(abs(t) <= threshold, 0, where(t < 0, t + threshold, t - threshold));
}

Tensor threshold(const Arg& x, double threshold, double default_value) {
  const Within here("threshold", x);
  const Tensor t = real(x);
  return where(t <= threshold, default_value, t);
}

Tensor sparse_plus(const Arg& x) {
  const Within here("sparse_plus", x);
  const Tensor t = real(x);
  return where(t <= -1, 0, where(t >= 1, t, square(t + 1) / 4));
}

Tensor sparse_sigmoid(const Arg& x) {
  const Within here("sparse_sigmoid", x);
  return 0.5 * clip(real(x) + 1, 0, 2);
}

Tensor binary_step(const Arg& x, Surrogate surrogate) {
  const Within here("binary_step", x);
  const Tensor t = real(x);
  const Tensor step = where(t < 0, 0, where(isnan(t), t, 1));
  if (surrogate == Surrogate::none) return stop_gradient(step);
  const Tensor slope = surrogate == Surrogate::sigmoid ? sigmoid(t) : clip(t, -1, 1);
  // What is added is 0; only its derivative counts.
  return stop_gradient(step) + (slope - stop_gradient(slope));
}

Tensor glu(const Arg& x, int axis) {
  const Within here("glu", x);
  const Tensor t = real(x);
  const int along = from_end(axis, t, "glu", x.where());
  const std::int64_t length = t.dim(along);
  if (length % 2 != 0)
    throw ShapeError("[glu] expected an axis of even length, got " + std::to_string(length) + " in " +
                     to_string(t.shape()) + place(x.where()));
  return section(t, along, 0, 2) * sigmoid(section(t, along, 1, 2));
}

Tensor sparsemax(const Arg& x, int axis) {
  const Within here("sparsemax", x);
  const Tensor t = real(x);
  const int along = from_end(axis, t, "sparsemax", x.where());
  const Tensor z = sort(t, along, true);
  const Tensor k = cast(positions(z, along), z.dtype()) + 1;
  const Tensor inside = cast(1 + k * z > cumsum(z, along), z.dtype());
  const Tensor tau = (sum(where(inside, z, 0), along, true) - 1) / sum(inside, along, true);
  return relu(t - tau);
}

Rows piecewise_rows() {
  using In = std::span<const Tensor>;
  static const double inf = __builtin_inf(), nan = __builtin_nan("");
  static const auto slopes_of = [](Tensor (*f)(const Tensor&), const std::vector<double>& points) {
    const Tensor x = doubles(points);
    return grad(sum(f(x)), x);
  };
  static const std::vector<Sample> lines = {{{{.shape = {2, 4}, .high = 1.7}}},
                                            {{{.shape = {3, 4}, .high = 1.7, .broadcast = true}}},
                                            {{{.shape = {0, 4}}}},
                                            {{{.shape = {3, 2}, .high = 1.7, .strided = true}}}};
  static const std::vector<Row> rows = {
      {.name = "relu6",
       .call = call_unary<relu6>,
       .samples = unary_samples(0.1, 5.9),
       .special = {{[] {
                      return relu6(doubles({-1, 0, 3, 6, 7, inf, nan}));
                    },
                    {0, 0, 3, 6, 6, 6, nan}},
                   {[] {
                      return slopes_of([](const Tensor& x) { return relu6(x); }, {-1, 0, 3, 6, 7});
                    },
                    {0, 0, 1, 0, 0}}}},
      {.name = "hard_sigmoid",
       .call = call_unary<hard_sigmoid>,
       .samples = unary_samples(-2.9, 2.9),
       .special = {{[] {
                      return hard_sigmoid(doubles({-4, -3, 0, 3, 4, nan}));
                    },
                    {0, 0, 0.5, 1, 1, nan}}}},
      {.name = "hard_silu",
       .call = call_unary<hard_silu>,
       .samples = unary_samples(-2.9, 2.9),
       .special = {{[] {
                      return hard_silu(doubles({-4, -3, 0, 3, 4, nan}));
                    },
                    {-0.0, -0.0, 0, 3, 4, nan}}}},
      {.name = "hard_swish",
       .call = call_unary<hard_swish>,
       .samples = unary_samples(-2.9, 2.9),
       .special = {{[] {
                      return hard_swish(doubles({-4, 0, 3}));
                    },
                    {-0.0, 0, 3}}}},
      {.name = "hard_tanh",
       .call = call_unary<hard_tanh>,
       .samples = unary_samples(-0.9, 0.9),
       .special = {{[] {
                      return hard_tanh(doubles({-4, -1, 0.5, 1, inf, nan}));
                    },
                    {-1, -1, 0.5, 1, 1, nan}}}},
      {.name = "hard_shrink",
       .call = [](In in) { return hard_shrink(in[0]); },
       .samples = unary_samples(0.6, 3),
       .special = {{[] {
                      return hard_shrink(doubles({-2, -0.5, 0.2, 0.5, 0.6, nan}));
                    },
                    {-2, 0, 0, 0, 0.6, nan}},
                   {[] {
                      return slopes_of([](const Tensor& x) { return hard_shrink(x); }, {-1, 0.5, 1});
                    },
                    {1, 0, 1}}}},
      {.name = "soft_shrink",
       .call = [](In in) { return soft_shrink(in[0]); },
       .samples = unary_samples(0.6, 3),
       .special = {{[] {
                      return soft_shrink(doubles({-2, -0.5, 0.2, 0.5, 1, inf, nan}));
                    },
                    {-1.5, 0, 0, 0, 0.5, inf, nan}},
                   {[] {
                      return slopes_of([](const Tensor& x) { return soft_shrink(x); }, {-1, 0.5, 1});
                    },
                    {1, 0, 1}}}},
      {.name = "threshold",
       .call = [](In in) { return threshold(in[0], -1, 5); },
       .samples = unary_samples(-0.9, 3),
       .special = {{[] {
                      return threshold(doubles({-2, 0.5, 1, nan}), 0.5, -7);
                    },
                    {-7, -7, 1, nan}},
                   {[] {
                      return slopes_of([](const Tensor& x) { return threshold(x, 0, 3); }, {-1, 0, 1});
                    },
                    {0, 0, 1}}}},
      {.name = "sparse_plus",
       .call = call_unary<sparse_plus>,
       .samples = unary_samples(-0.9, 0.9),
       .special = {{[] {
                      return sparse_plus(doubles({-2, -1, 0, 1, 3, inf, nan}));
                    },
                    {0, 0, 0.25, 1, 3, inf, nan}}}},
      {.name = "sparse_sigmoid",
       .call = call_unary<sparse_sigmoid>,
       .samples = unary_samples(-0.9, 0.9),
       .special = {{[] {
                      return sparse_sigmoid(doubles({-2, -1, 0, 1, inf, nan}));
                    },
                    {0, 0, 0.5, 1, 1, nan}}}},
      {.name = "binary_step",
       .call = [](In in) { return binary_step(in[0]); },
       .samples = unary_samples(-2, 2),
       .special = {{[] {
                      return binary_step(doubles({-0.1, 0, -0.0, 0.1, inf, -inf, nan}));
                    },
                    {0, 1, 1, 1, 1, 0, nan}},
                   {[] {
                      return binary_step(doubles({-0.1, 0, 0.7, inf, -inf}), Surrogate::sigmoid);
                    },
                    {0, 1, 1, 1, 0}},
                   {[] {
                      return slopes_of([](const Tensor& x) { return binary_step(x); }, {-1, 0, 1});
                    },
                    {0, 0, 0}},
                   {[] {
                      return slopes_of([](const Tensor& x) { return binary_step(x, Surrogate::straight_through); },
                                       {-1.1, -0.9, 0, 1, 1.1});
                    },
                    {0, 1, 1, 1, 0}},
                   {[] {
                      return slopes_of([](const Tensor& x) { return binary_step(x, Surrogate::sigmoid); }, {-1000, 0});
                    },
                    {0, 0.25}}},
       .no_derivative = "a step's derivative is 0, or a surrogate"},
      {.name = "glu",
       .call = [](In in) { return glu(in[0]); },
       .samples = lines,
       .special = {{[] {
                      return glu(doubles({3, 5, 0, 1000}));
                    },
                    {1.5, 5}}},
       .errors = {{[] {
                     return glu(zeros({2, 3}));
                   },
                   "[glu] expected an axis of even length, got 3 in (2, 3)"},
                  {[] {
                     return glu(zeros({2, 4}), 2);
                   },
                   "[glu] expected an axis from -2 to 1, got 2"}},
       .fewer_samples = "a scalar has no axis"},
      {.name = "sparsemax",
       .call = [](In in) { return sparsemax(in[0]); },
       .samples = lines,
       .special = {{[] {
                      return sparsemax(doubles({1, 2, 3, 4}));
                    },
                    {0, 0, 0, 1}},
                   {[] {
                      return sparsemax(doubles({1, 1}));
                    },
                    {0.5, 0.5}},
                   {[] {
                      return sparsemax(doubles({0.25, 0, 0.5}));
                    },
                    {1.0 / 3, 1.0 / 12, 7.0 / 12}}},
       .errors = {{[] {
                     return sparsemax(zeros({2, 4}), 2);
                   },
                   "[sparsemax] expected an axis from -2 to 1, got 2"}},
       .fewer_samples = "a scalar has no axis"},
  };
  return rows;
}

}  // namespace xgrad
