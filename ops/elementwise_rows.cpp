#include <xgrad/ops/elementwise.hpp>
#include <xgrad/ops/table.hpp>

namespace xgrad {
namespace {

constexpr double inf = __builtin_inf(), nan = __builtin_nan("");

}  // namespace

Rows function_rows() {
  using In = std::span<const Tensor>;
  static const std::vector<Row> rows = {
      {.name = "exp",
       .call = call_unary<exp>,
       .samples = unary_samples(-2, 2),
       .special = {{[] { return exp(doubles({0, -0.0, -inf, inf, nan, 800, -800})); }, {1, 1, 0, inf, nan, inf, 0}},
                   {[] { return exp(ints({0})); }, {1}}}},
      {.name = "expm1",
       .call = call_unary<expm1>,
       .samples = unary_samples(-2, 2),
       .special = {{[] { return expm1(doubles({0, -0.0, -inf, inf, nan, 1e-300})); },
                    {0, -0.0, -1, inf, nan, 1e-300}}}},
      {.name = "log",
       .call = call_unary<log>,
       .samples = unary_samples(0.2, 4),
       .special = {{[] { return log(doubles({0, -0.0, 1, -1, inf, nan})); }, {-inf, -inf, 0, nan, inf, nan}}}},
      {.name = "log1p",
       .call = call_unary<log1p>,
       .samples = unary_samples(-0.8, 3),
       .special = {{[] { return log1p(doubles({0, -0.0, -1, -2, inf, nan, 1e-300})); },
                    {0, -0.0, -inf, nan, inf, nan, 1e-300}}}},
      {.name = "sqrt",
       .call = call_unary<sqrt>,
       .samples = unary_samples(0.2, 4),
       .special = {{[] { return sqrt(doubles({0, -0.0, 4, -1, inf, nan})); }, {0, -0.0, 2, nan, inf, nan}},
                   {[] { return sqrt(ints({16})); }, {4}}}},
      {.name = "square",
       .call = call_unary<square>,
       .samples = unary_samples(-2, 2),
       .special = {{[] { return square(doubles({-0.0, -inf, nan})); }, {0, inf, nan}},
                   {[] { return square(ints({94906267})); }, {9007199515875289.}}},
       .errors = {{[] { return square(zeros({1}, {.dtype = bool_})); }, "[square]"}}},
      {.name = "reciprocal",
       .call = call_unary<reciprocal>,
       .samples = unary_samples(0.5, 3),
       .special = {{[] { return reciprocal(doubles({0, -0.0, inf, -inf, 4})); }, {inf, -inf, 0, -0.0, 0.25}},
                   {[] { return reciprocal(ints({4})); }, {0.25}}}},
      {.name = "abs",
       .call = call_unary<abs>,
       .samples = unary_samples(0.3, 2),
       .special = {{[] { return abs(doubles({-0.0, -inf, nan, -3})); }, {0, inf, nan, 3}},
                   {[] { return abs(ints({-9007199254740993.})); }, {9007199254740992.}},
                   {[] {
                      const Tensor x = doubles({-2, 0, 3});
                      return grad(sum(abs(x)), x);
                    },
                    {-1, 0, 1}}}},
      {.name = "sign",
       .call = call_unary<sign>,
       .samples = unary_samples(0.3, 2),
       .special = {{[] { return sign(doubles({-2, -0.0, 0, 3, nan, -inf})); }, {-1, 0, 0, 1, nan, -1}}}},
      {.name = "power",
       .call = call_binary<power>,
       .samples = binary_samples(0.5, 2, -2, 2),
       .special = {{[] { return power(doubles({0, 0, -2, -2, nan, -0.0}), doubles({0, -1, 3, 0.5, 0, -1})); },
                    {1, inf, -8, nan, 1, -inf}},
                   {[] { return power(ints({3, -1, 2}), ints({33, -3, -1})); }, {5559060566555523., -1, 0}},
                   {[] { return power(doubles({-3, 0}), 2); }, {9, 0}},
                   {[] {
                      const Tensor a = doubles({0, 0, 0}), b = doubles({0, 1, 2});
                      return grad(sum(power(a, b)), a);
                    },
                    {0, 1, 0}},
                   {[] {
                      const Tensor a = doubles({0, 0, 0}), b = doubles({0, 1, 2});
                      return grad(sum(power(a, b)), b);
                    },
                    {0, 0, 0}},
                   {[] {
                      const Tensor a = doubles({-3, 0, 2});
                      return grad(sum(power(a, 2)), a);
                    },
                    {-6, 0, 4}},
                   {[] {
                      const Tensor a = doubles({-3, 0, 2});
                      return grad(sum(power(a, 0)), a);
                    },
                    {0, 0, 0}}},
       .errors = {{[] { return power(zeros({2}), zeros({3})); }, "[power]"}}},
      {.name = "pow",
       .call = [](In in) { return pow(in[0], 3); },
       .samples = unary_samples(-2, 2)},
  };
  return rows;
}

Rows choice_rows() {
  using In = std::span<const Tensor>;
  const char* const no_slope = "its result is bool";
  static const std::vector<Row> rows = {
      {.name = "maximum",
       .call = call_binary<maximum>,
       .samples = binary_samples(-2, 0, 0.1, 2),
       .special = {{[] { return maximum(doubles({nan, 1, 2}), doubles({1, nan, 3})); }, {nan, nan, 3}},
                   {[] {
                      const Tensor a = doubles({1, 2, 3});
                      return grad(sum(maximum(a, 2)), a);
                    },
                    {0, 0.5, 1}}},
       .errors = {{[] { return maximum(zeros({2}), zeros({3})); }, "[maximum]"}}},
      {.name = "minimum",
       .call = call_binary<minimum>,
       .samples = binary_samples(-2, 0, 0.1, 2),
       .special = {{[] { return minimum(doubles({nan, 1, 2}), doubles({1, nan, 3})); }, {nan, nan, 2}},
                   {[] {
                      const Tensor a = doubles({1, 2, 3});
                      return grad(sum(minimum(a, 2)), a);
                    },
                    {1, 0.5, 0}}},
       .errors = {{[] { return minimum(zeros({2}), zeros({3})); }, "[minimum]"}}},
      {.name = "clip",
       .call = [](In in) { return clip(in[0], -0.5, 0.7); },
       .samples = unary_samples(-2, 2),
       .special = {{[] { return clip(doubles({-1, 0.5, 2, nan}), 0, 1); }, {0, 0.5, 1, nan}},
                   {[] { return clip(doubles({-1, 3}), 2, 1); }, {1, 1}},
                   {[] { return clip(doubles({-0.0, 0.0}), 0, 1); }, {-0.0, 0}},
                   {[] { return clip(doubles({-0.0, 0.0}), -1, doubles({0, -0.0})); }, {-0.0, 0}},
                   {[] {
                      const Tensor low = doubles({0, nan, 0, 0}), x = doubles({0, 1, -1, nan});
                      return grad(sum(clip(x, low, 2)), x) + 2 * grad(sum(clip(x, low, 2)), low);
                    },
                    {1, 2, 2, 1}},
                   {[] {
                      const Tensor x = doubles({-1, 0, 0.5, 1, 2});
                      return grad(sum(clip(x, 0, 1)), x);
                    },
                    {0, 1, 1, 1, 0}}}},
      {.name = "equal",
       .call = call_binary<equal>,
       .samples = binary_samples(-2, 2, -2, 2),
       .special = {{[] { return equal(doubles({0, nan, 1}), doubles({-0.0, nan, 2})); }, {1, 0, 0}}},
       .errors = {{[] { return equal(zeros({2}), zeros({3})); }, "[equal]"}},
       .no_derivative = no_slope},
      {.name = "not_equal",
       .call = call_binary<not_equal>,
       .samples = binary_samples(-2, 2, -2, 2),
       .special = {{[] { return not_equal(doubles({0, nan, 1}), doubles({-0.0, nan, 2})); }, {0, 1, 1}}},
       .no_derivative = no_slope},
      {.name = "less",
       .call = call_binary<less>,
       .samples = binary_samples(-2, 2, -2, 2),
       .special = {{[] { return doubles({0, nan, 1}) < doubles({-0.0, 1, 2}); }, {0, 0, 1}}},
       .no_derivative = no_slope},
      {.name = "less_equal",
       .call = call_binary<less_equal>,
       .samples = binary_samples(-2, 2, -2, 2),
       .special = {{[] { return doubles({0, nan, 3}) <= doubles({-0.0, 1, 2}); }, {1, 0, 0}}},
       .no_derivative = no_slope},
      {.name = "greater",
       .call = call_binary<greater>,
       .samples = binary_samples(-2, 2, -2, 2),
       .special = {{[] { return doubles({0, nan, 3}) > doubles({-0.0, 1, 2}); }, {0, 0, 1}}},
       .errors = {{[] { return zeros({2}) > zeros({3}); }, "[greater: less]"}},
       .no_derivative = no_slope},
      {.name = "greater_equal",
       .call = call_binary<greater_equal>,
       .samples = binary_samples(-2, 2, -2, 2),
       .special = {{[] { return doubles({0, nan, 1}) >= doubles({-0.0, 1, 2}); }, {1, 0, 0}}},
       .no_derivative = no_slope},
      {.name = "logical_and",
       .call = call_binary<logical_and>,
       .samples = binary_samples(-2, 2, -2, 2),
       .special = {{[] { return logical_and(doubles({0, nan, 1}), doubles({1, 1, 2})); }, {0, 1, 1}}},
       .no_derivative = no_slope},
      {.name = "logical_or",
       .call = call_binary<logical_or>,
       .samples = binary_samples(-2, 2, -2, 2),
       .special = {{[] { return logical_or(doubles({0, -0.0, 1}), doubles({1, 0, 2})); }, {1, 0, 1}}},
       .no_derivative = no_slope},
      {.name = "logical_not",
       .call = call_unary<logical_not>,
       .samples = unary_samples(-2, 2),
       .special = {{[] { return logical_not(doubles({0, -0.0, 1, nan})); }, {1, 1, 0, 0}}},
       .no_derivative = no_slope},
      {.name = "isnan",
       .call = call_unary<isnan>,
       .samples = unary_samples(-2, 2),
       .special = {{[] { return isnan(doubles({0, inf, nan})); }, {0, 0, 1}}, {[] { return isnan(ints({3})); }, {0}}},
       .no_derivative = no_slope},
      {.name = "isfinite",
       .call = call_unary<isfinite>,
       .samples = unary_samples(-2, 2),
       .special = {{[] { return isfinite(doubles({0, -inf, nan})); }, {1, 0, 0}}},
       .no_derivative = no_slope},
      {.name = "where",
       .call = [](In in) { return where(in[0] > 0, in[0], in[1]); },
       .samples = binary_samples(-2, 2, -2, 2),
       .special = {{[] { return where(doubles({0, 2, nan}), doubles({1, 2, 3}), -1); }, {-1, 2, 3}},
                   {[] { return where(true, ints({9007199254740993.}), 0); }, {9007199254740992.}}},
       .errors = {{[] { return where(zeros({2}), zeros({3}), 0); }, "[where]"}}},
  };
  return rows;
}

}  // namespace xgrad
