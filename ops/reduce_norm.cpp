#include <xgrad/graph/grad.hpp>
#include <xgrad/ops/elementwise.hpp>
#include <xgrad/ops/linalg.hpp>
#include <xgrad/ops/reduce_parts.hpp>
#include <xgrad/ops/shape.hpp>
#include <xgrad/ops/table.hpp>

#include <cmath>
#include <string>

namespace xgrad {
namespace {

/// x^power for x >= 0, with the derivative 0 at 0, where a power below 1 has none.
Tensor power_or_zero(const Tensor& x, double exponent) {
  const Tensor is_zero = equal(x, 0);
  const Tensor safe = where(is_zero, 1, x);
  return where(is_zero, 0, exponent == 0.5 ? sqrt(safe) : power(safe, exponent));
}

Tensor two_norm(const Tensor& x, const Axes& axes, bool keepdims) {
  return power_or_zero(sum(square(x), axes, keepdims), 0.5);
}

Tensor vector_norm_of(const Tensor& x, double order, const Axes& axes, bool keepdims) {
  const Tensor size = abs(x);
  if (order == 2) return two_norm(x, axes, keepdims);
  if (order == 1) return sum(size, axes, keepdims);
  if (order == 0) return sum(where(equal(x, 0), 0, ones_like(x)), axes, keepdims);
  if (std::isinf(order)) return order > 0 ? max(size, axes, keepdims) : min(size, axes, keepdims);
  // Powers of zeros are told by hand, 0 or infinity: some derivative of theirs is infinite for most orders.
  const Tensor is_zero = equal(x, 0);
  const double of_zero = order > 0 ? 0 : HUGE_VAL;
  const Tensor total = sum(where(is_zero, of_zero, power(where(is_zero, 1, size), order)), axes, keepdims);
  return order > 0 ? power_or_zero(total, 1 / order) : power(total, 1 / order);
}

int number_of_axes(const Tensor& x, const Axes& axes, const Location& where) {
  const int number = __builtin_popcount(mask_from_end(axes, x.rank(), "norm", where));
  if (number != 1 && number != 2)
    throw ShapeError("[norm] expected one axis for vectors or two for matrices, got " + std::to_string(number) +
                     " of " + to_string(x.shape()) + "; vector_norm takes any number" + place(where));
  return number;
}

/// The matrix norm over two axes, the first of which counts the rows.
template <class Order>
Tensor over_matrices(const Tensor& x, Order order, const Axes& axes, bool keepdims, const Location& where) {
  const Tensor matrices = axes.all() ? x : moveaxis(x, axes, {-2, -1});
  const Tensor result = matrix_norm(Arg(matrices, where), order);
  return keepdims ? expand_axes(result, mask_from_end(axes, x.rank(), "norm", where)) : result;
}

}  // namespace

Tensor norm(const Arg& x) {
  const Within here("norm", x);
  return two_norm(real(x), {}, false);
}

Tensor norm(const Arg& x, double order, Axes axes, bool keepdims) {
  const Within here("norm", x);
  const Tensor t = real(x);
  if (number_of_axes(t, axes, x.where()) == 1) return vector_norm_of(t, order, axes, keepdims);
  return over_matrices(t, order, axes, keepdims, x.where());
}

Tensor norm(const Arg& x, std::string_view order, Axes axes, bool keepdims) {
  const Within here("norm", x);
  const Tensor t = real(x);
  if (number_of_axes(t, axes, x.where()) != 2)
    throw ShapeError("[norm] expected two axes for the order \"" + std::string(order) + "\", got one of " +
                     to_string(t.shape()) + place(x.where()));
  return over_matrices(t, order, axes, keepdims, x.where());
}

Tensor vector_norm(const Arg& x, Axes axes, bool keepdims, double order) {
  const Within here("vector_norm", x);
  mask_from_end(axes, x.tensor().rank(), "vector_norm", x.where());
  if (std::isnan(order)) throw ValueError("[vector_norm] expected a number as order, got NaN" + place(x.where()));
  return vector_norm_of(real(x), order, axes, keepdims);
}

Rows reduce_norm_rows() {
  using In = std::span<const Tensor>;
  static const double inf = __builtin_inf(), nan = __builtin_nan("");
  static const auto last = [](const Tensor& x) { return x.rank() ? Axes{-1} : Axes{}; };
  static const auto slope = [](double order, const Tensor& x) { return grad(norm(x, order), x); };
  static const std::vector<Row> rows = {
      {.name = "norm",
       .call =
           [](In in) {
             const Tensor& x = in[0];
             if (x.rank() == 3) {
               const Tensor y = x * x * x;  // no two sums of rows alike
               return norm(y, 1, {0, -1}) + norm(y, -inf, {-1, 0}) + norm(y, "fro", {0, 2});
             }
             if (x.rank() == 2) return norm(x, 3, 1, true) + norm(x, 0.5, 1, true) + norm(x, -1.5, -1, true);
             return norm(x);
           },
       .samples = {{{{.shape = {2, 3}}}},
                   {{{.shape = {2, 3, 3}}}},
                   {{{.shape = {4}}}},
                   {{{.shape = {4, 3}, .broadcast = true}}},
                   {{{.shape = {}, .low = 0.5}}},
                   {{{.shape = {0, 3}}}},
                   {{{.shape = {3, 4}, .strided = true}}}},
       .special = {{[] {
                      return norm(doubles({3, -4}));
                    },
                    {5}},
                   {[] {
                      return norm(ints({3, 4}), 1);
                    },
                    {7}},
                   {[] {
                      return norm(doubles({3, -4, 0}), 0);
                    },
                    {2}},
                   {[] {
                      return norm(doubles({3, -4, 0}), inf);
                    },
                    {4}},
                   {[] {
                      return norm(doubles({3, -4, 0}), -inf);
                    },
                    {0}},
                   {[] {
                      return norm(doubles({3, 0}), -1);
                    },
                    {0}},
                   {[] {
                      return norm(doubles({3, nan}));
                    },
                    {nan}},
                   {[] {
                      return norm(doubles({inf, 1}), 3);
                    },
                    {inf}},
                   {[] { return norm(zeros({0})); }, {0}},
                   {[] {
                      return norm(tensor({{1., -2.}, {-3., 4.}}), 1);
                    },
                    {6}},
                   {[] {
                      return norm(tensor({{1., -2.}, {-3., 4.}}), -1);
                    },
                    {4}},
                   {[] {
                      return norm(tensor({{1., -2.}, {-3., 4.}}), inf);
                    },
                    {7}},
                   {[] {
                      return norm(tensor({{1., -2.}, {-3., 4.}}), inf, {1, 0}, true);
                    },
                    {6}},
                   {[] {
                      return norm(tensor({{1., -2.}, {-2., 4.}}), "fro");
                    },
                    {5}},
                   {[] {
                      return norm(tensor({{0., -2.}, {0., 0.}}), 2, {-1, 0}, true);
                    },
                    {2}},
                   {[] {
                      return norm(tensor({{0., -2.}, {0., 0.}}), "nuc");
                    },
                    {2}},
                   {[] {
                      return slope(2, doubles({0, 0}));
                    },
                    {0, 0}},

                   {[] {
                      return slope(0.5, doubles({0, 4}));
                    },
                    {0, 1}},
                   {[] {
                      return slope(-1, doubles({0, 4}));
                    },
                    {0, 0}},
                   {[] {
                      return slope(3, doubles({0, 0}));
                    },
                    {0, 0}},
                   {[] {
                      return slope(0, doubles({0, 2}));
                    },
                    {0, 0}}},
       .errors = {{[] {
                     return norm(zeros({2, 2, 2}), 1);
                   },
                   "[norm] expected one axis for vectors or two"},
                  {[] {
                     return norm(zeros({2, 2}), 3);
                   },
                   "norm] expected"},
                  {[] {
                     return norm(zeros({2, 2}), "max");
                   },
                   "max"},
                  {[] { return norm(zeros({2}), "fro"); }, "expected two axes"},
                  {[] { return norm(zeros({2}), 1, 1); }, "[norm] expected an axis"},
                  {[] { return norm(zeros({0}), inf); }, "expected at least one element"}}},
      {.name = "vector_norm",
       .call = [](In in) { return vector_norm(in[0], last(in[0]), true) + vector_norm(in[0], {}, false, 1.5); },
       .samples = unary_samples(0.1, 2),
       .special = {{[] {
                      return vector_norm(tensor({{1., -2.}, {-2., 4.}}));
                    },
                    {5}},
                   {[] {
                      return vector_norm(tensor({{1., -2.}, {-3., 4.}}), 1, false, inf);
                    },
                    {2, 4}}},
       .errors = {{[] { return vector_norm(zeros({2}), 1); }, "[vector_norm] expected an axis"},
                  {[] { return vector_norm(zeros({2}), 0, false, nan); }, "[vector_norm] expected a number as order"}}},
  };
  return rows;
}

}  // namespace xgrad
