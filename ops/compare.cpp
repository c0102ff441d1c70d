#include <xgrad/ops/compare.hpp>

#include <xgrad/graph/op.hpp>
#include <xgrad/ops/elementwise.hpp>
#include <xgrad/ops/table.hpp>

#include <algorithm>

namespace xgrad {
namespace {

/// Whether a tensor of bool holds no zero.
Tensor holds_throughout(const Tensor& x) { return equal(sum(cast(logical_not(x), int64)), 0); }

bool go_together(const Shape& a, const Shape& b) {
  for (int i = 1; i <= std::min(a.rank(), b.rank()); ++i)
    if (a[-i] != b[-i] && a[-i] != 1 && b[-i] != 1) return false;
  return true;
}

}  // namespace

Tensor isclose(const Arg& a, const Arg& b, Closeness closeness) {
  const Within here("isclose", a);
  const bool floats = is_floating(a.tensor().dtype()) || is_floating(b.tensor().dtype());
  // A number beside integers would become float32, and differences of integers would wrap.
  const Tensor left = floats ? Tensor() : cast(a, float64), right = floats ? Tensor() : cast(b, float64);
  const Arg x = floats ? a : Arg(left, a.where()), y = floats ? b : Arg(right, b.where());
  const Tensor near = less_equal(abs(x - y), closeness.atol + closeness.rtol * abs(y));
  const Tensor close = logical_or(logical_and(near, isfinite(y)), equal(a, b));
  return closeness.equal_nan && floats ? logical_or(close, logical_and(isnan(x), isnan(y))) : close;
}

Tensor allclose(const Arg& a, const Arg& b, Closeness closeness) {
  const Within here("allclose", a);
  return holds_throughout(isclose(a, b, closeness));
}

Tensor array_equal(const Arg& a, const Arg& b, bool equal_nan) {
  const Within here("array_equal", a);
  const Tensor left = a.tensor(), right = b.tensor();
  if (!(left.shape() == right.shape())) return Tensor(false);
  const Tensor same = equal(left, right);
  return holds_throughout(equal_nan ? logical_or(same, logical_and(isnan(left), isnan(right))) : same);
}

Tensor array_equiv(const Arg& a, const Arg& b) {
  const Within here("array_equiv", a);
  const Tensor left = a.tensor(), right = b.tensor();
  if (!go_together(left.shape(), right.shape())) return Tensor(false);
  return holds_throughout(equal(left, right));
}

Rows compare_rows() {
  using In = std::span<const Tensor>;
  static const double inf = __builtin_inf(), nan = __builtin_nan("");
  const char* const no_slope = "its result is bool";
  static const std::vector<Row> rows = {
      {.name = "isclose",
       .call = [](In in) { return isclose(in[0], in[1], {.rtol = 0.5}); },
       .samples = binary_samples(-2, 2, -2, 2),
       .special = {{[] {
                      return isclose(doubles({1, 1, 0, -0.0, inf, inf, 1, nan}),
                                     doubles({1.0000099, 1.0000101, 1e-8, 0, inf, -inf, inf, nan}));
                    },
                    {1, 0, 1, 1, 1, 0, 0, 0}},
                   {[] {
                      return isclose(doubles({inf, nan, 1}), doubles({1, nan, nan}), {.equal_nan = true});
                    },
                    {0, 1, 0}},
                   {[] {
                      return isclose(ints({1000000, 3}), ints({1000010, 4}));
                    },
                    {1, 0}},
                   {[] { return isclose(ints({9007199254740992.}), -9007199254740992.); }, {0}},
                   {[] {
                      return isclose(tensor({255, 0}, {.dtype = uint8}), tensor({0, 255}, {.dtype = uint8}));
                    },
                    {0, 0}},
                   {[] {
                      return isclose(tensor({1, 0}, {.dtype = bool_}), tensor({1, 1}, {.dtype = bool_}));
                    },
                    {1, 0}},
                   {[] { return isclose(10.0, 11.0, {.rtol = 0.1}); }, {1}},
                   {[] { return isclose(11.2, 10.0, {.rtol = 0.1}); }, {0}}},
       .errors = {{[] { return isclose(zeros({2}), zeros({3})); }, "[isclose"}},
       .no_derivative = no_slope},
      {.name = "allclose",
       .call = [](In in) { return allclose(in[0], in[1], {.rtol = 10}); },
       .samples = binary_samples(-2, 2, -2, 2),
       .special = {{[] {
                      return allclose(doubles({1, 2}), doubles({1, 2.1}));
                    },
                    {0}},
                   {[] {
                      return allclose(doubles({1, 2}), doubles({1, 2.1}), {.atol = 0.2});
                    },
                    {1}},
                   {[] { return allclose(zeros({0}), zeros({0})); }, {1}},
                   {[] { return allclose(doubles({nan}), doubles({nan})); }, {0}}},
       .errors = {{[] { return allclose(zeros({2}), zeros({3})); }, "[allclose"}},
       .no_derivative = no_slope},
      {.name = "array_equal",
       .call = [](In in) { return array_equal(in[0], in[1]); },
       .samples = binary_samples(-2, 2, -2, 2),
       .special = {{[] {
                      return array_equal(ints({1, 2}), doubles({1, 2}));
                    },
                    {1}},
                   {[] {
                      return array_equal(ints({1, 2}), ints({1, 3}));
                    },
                    {0}},
                   {[] {
                      return array_equal(zeros({2, 1}), zeros({2}));
                    },
                    {0}},
                   {[] { return array_equal(zeros({0}), zeros({0})); }, {1}},
                   {[] {
                      return array_equal(zeros({0, 1}), zeros({1, 0}));
                    },
                    {0}},
                   {[] {
                      return array_equal(doubles({0, nan}), doubles({-0.0, nan}));
                    },
                    {0}},
                   {[] {
                      return array_equal(doubles({0, nan}), doubles({-0.0, nan}), true);
                    },
                    {1}}},
       .no_derivative = no_slope},
      {.name = "array_equiv",
       .call = [](In in) { return array_equiv(in[0], in[1]); },
       .samples = binary_samples(-2, 2, -2, 2),
       .special = {{[] {
                      return array_equiv(ones({2, 3}), ones({3}));
                    },
                    {1}},
                   {[] {
                      return array_equiv(ones({2, 3}), ones({2}));
                    },
                    {0}},
                   {[] {
                      return array_equiv(doubles({1, 1}), 1);
                    },
                    {1}},
                   {[] {
                      return array_equiv(doubles({1, 2}), 1);
                    },
                    {0}},
                   {[] { return array_equiv(doubles({nan}), doubles({nan})); }, {0}}},
       .no_derivative = no_slope},
  };
  return rows;
}

}  // namespace xgrad
