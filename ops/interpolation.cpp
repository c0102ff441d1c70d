#include <xgrad/ops/elementwise.hpp>
#include <xgrad/ops/indexing.hpp>
#include <xgrad/ops/scan.hpp>
#include <xgrad/ops/shape.hpp>
#include <xgrad/ops/shape_parts.hpp>
#include <xgrad/ops/sorting.hpp>
#include <xgrad/ops/statistics.hpp>
#include <xgrad/ops/table.hpp>

#include <algorithm>
#include <string>

namespace xgrad {
namespace {

/// A vector along an axis of y, counted from the end; places of y's own rank stay as they are.
Tensor along(const char* name, const Tensor& y, const Arg& x, int axis, bool vector_only) {
  const Tensor t = real(x);
  const bool same = !vector_only && t.rank() == y.rank();
  if (!same && t.rank() != 1)
    throw ShapeError(std::string("[") + name + "] expected a vector of places, got " + to_string(t.shape()) +
                     place(x.where()));
  if (t.dim(same ? axis : 0) != y.dim(axis))
    throw ShapeError(std::string("[") + name + "] expected a place for each of " + std::to_string(y.dim(axis)) +
                     " samples, got " + to_string(t.shape()) + place(x.where()));
  Tensor result = t;
  for (int i = axis; !same && i < -1; ++i) result = expand_dims(result, -1);
  return result;
}

Tensor areas(const Tensor& y, const Tensor& steps, int axis) {
  const Tensor both = slice_axis(y, axis, {.start = 1}) + slice_axis(y, axis, {.stop = -1});
  return sum(steps * both * 0.5, axis);
}

/// Samples i, i + 1, ... of an axis, so many.
Tensor from(const Tensor& y, int axis, std::int64_t begin, std::int64_t number) {
  return slice_axis(y, axis, {begin, begin + number});
}

/// Slopes from distances of neighbours: of length n - 1 along the axis.
Tensor slopes(const Tensor& y, const Tensor& h, int axis, int edge_order) {
  const std::int64_t n = y.dim(axis);
  const auto at = [&](std::int64_t i) { return from(y, axis, i < 0 ? n + i : i, 1); };
  const auto step = [&](std::int64_t i) { return from(h, axis, i < 0 ? n - 1 + i : i, 1); };
  std::vector<Tensor> parts;
  const auto edge = [&](std::int64_t first, std::int64_t second, std::int64_t third, std::int64_t near,
                        std::int64_t next, double sign) {
    if (edge_order == 1) return sign * (at(second) - at(first)) / step(near);
    // The slope at the first of three places of the parabola through them.
    const Tensor a = step(near), b = step(next);
    return sign *
           (-(2 * a + b) / (a * (a + b)) * at(first) + (a + b) / (a * b) * at(second) - a / (b * (a + b)) * at(third));
  };
  parts.push_back(edge(0, 1, 2, 0, 1, 1));
  if (n > 2) {
    const Tensor a = from(h, axis, 0, n - 2), b = from(h, axis, 1, n - 2);
    parts.push_back(-b / (a * (a + b)) * from(y, axis, 0, n - 2) + (b - a) / (a * b) * from(y, axis, 1, n - 2) +
                    a / (b * (a + b)) * from(y, axis, 2, n - 2));
  }
  parts.push_back(edge(-1, -2, -3, -1, -2, -1));
  return concatenate(std::span<const Tensor>(parts), axis);
}

Tensor even_slopes(const Tensor& y, double h, int axis, int edge_order) {
  const std::int64_t n = y.dim(axis);
  const auto at = [&](std::int64_t i) { return from(y, axis, i < 0 ? n + i : i, 1); };
  std::vector<Tensor> parts;
  parts.push_back(edge_order == 1 ? (at(1) - at(0)) / h : (-1.5 / h) * at(0) + (2 / h) * at(1) + (-0.5 / h) * at(2));
  if (n > 2) parts.push_back((from(y, axis, 2, n - 2) - from(y, axis, 0, n - 2)) / (2 * h));
  parts.push_back(edge_order == 1 ? (at(-1) - at(-2)) / h
                                  : (0.5 / h) * at(-3) + (-2 / h) * at(-2) + (1.5 / h) * at(-1));
  return concatenate(std::span<const Tensor>(parts), axis);
}

void check_slopes(const Tensor& y, int axis, int edge_order, const Location& where) {
  if (edge_order != 1 && edge_order != 2)
    throw ValueError("[gradient] expected an edge order of 1 or 2, got " + std::to_string(edge_order) + place(where));
  if (y.dim(axis) <= edge_order)
    throw ShapeError("[gradient] expected at least " + std::to_string(edge_order + 1) + " samples, got " +
                     to_string(y.shape()) + place(where));
}

}  // namespace

Tensor trapezoid(const Arg& y, double dx, int axis) {
  const Within here("trapezoid", y);
  const Tensor t = real(y);
  const int at = from_end(axis, t, "trapezoid", y.where());
  const Tensor both = slice_axis(t, at, {.start = 1}) + slice_axis(t, at, {.stop = -1});
  return sum(dx * both * 0.5, at);
}

Tensor trapezoid(const Arg& y, const Tensor& x, int axis) {
  const Within here("trapezoid", y);
  const Tensor t = real(y);
  const int at = from_end(axis, t, "trapezoid", y.where());
  return areas(t, diff(along("trapezoid", t, Arg(x, y.where()), at, false), 1, at), at);
}

Tensor gradient(const Arg& y, double spacing, int axis, int edge_order) {
  const Within here("gradient", y);
  const Tensor t = real(y);
  const int at = from_end(axis, t, "gradient", y.where());
  check_slopes(t, at, edge_order, y.where());
  return even_slopes(t, spacing, at, edge_order);
}

Tensor gradient(const Arg& y, const Tensor& x, int axis, int edge_order) {
  const Within here("gradient", y);
  const Tensor t = real(y);
  const int at = from_end(axis, t, "gradient", y.where());
  check_slopes(t, at, edge_order, y.where());
  return slopes(t, diff(along("gradient", t, Arg(x, y.where()), at, true), 1, at), at, edge_order);
}

Tensor interp(const Arg& x, const Arg& places, const Arg& values, const InterpOptions& options) {
  const Within here("interp", x);
  Tensor t = real(x), at = real(places), f = real(values);
  if (at.rank() != 1 || at.shape() != f.shape() || at.size() == 0)
    throw ShapeError("[interp] expected a vector of places, at least one, and as many values, got " +
                     to_string(at.shape()) + " and " + to_string(f.shape()) + place(x.where()));
  if (options.period != 0) {
    t = remainder(t, options.period);
    at = remainder(at, options.period);
    const Tensor order = argsort(at);
    at = take(at, order);
    f = take(f, order);
    at = concatenate({slice_axis(at, 0, {-1}) - options.period, at, slice_axis(at, 0, {0, 1}) + options.period});
    f = concatenate({slice_axis(f, 0, {-1}), f, slice_axis(f, 0, {0, 1})});
  }
  const Tensor first = reshape(slice_axis(at, 0, {0, 1}), {}), last = reshape(slice_axis(at, 0, {-1}), {});
  const Tensor first_value = reshape(slice_axis(f, 0, {0, 1}), {}), last_value = reshape(slice_axis(f, 0, {-1}), {});
  const Tensor low = options.left.defined() ? options.left : first_value;
  const Tensor high = options.right.defined() ? options.right : last_value;
  Tensor inside = broadcast_like(first_value, t);
  if (at.size() > 1) {
    const Tensor k = clip(searchsorted(at, t, Side::right) - 1, 0, at.size() - 2);
    const Tensor from = take(at, k), to = take(at, k + 1), begin = take(f, k), end = take(f, k + 1);
    // Between equal values nothing is added, whatever the way: they may be infinite.
    const Tensor step = where(equal(begin, end), 0, end - begin);
    inside = begin + step / (to - from) * (t - from);
    inside = where(equal(t, from), begin, inside);
  }
  const Tensor result =
      where(less(t, first), low, where(greater(t, last), high, where(equal(t, last), last_value, inside)));
  return where(isnan(t), t, result);
}

Tensor unwrap(const Arg& x, double discont, int axis, double period) {
  const Within here("unwrap", x);
  const Tensor t = real(x);
  const int at = from_end(axis, t, "unwrap", x.where());
  const double half = period / 2;
  Tensor turns;
  {
    const NoGrad none;
    const Tensor step = diff(t, 1, at), whole = remainder(step + half, period) - half;
    const Tensor wrapped = where(logical_and(equal(whole, -half), greater(step, 0)), half, whole);
    turns = cumsum(where(less(abs(step), std::max(discont, half)), 0, wrapped - step), at);
  }
  std::vector<Padding> before(static_cast<std::size_t>(t.rank()));
  before[static_cast<std::size_t>(t.rank() + at)] = {1, 0};
  return t.dim(at) == 0 ? t : t + pad(turns, std::span<const Padding>(before));
}

Tensor ediff1d(const Arg& x, const Tensor& end, const Tensor& begin) {
  const Within here("ediff1d", x);
  std::vector<Tensor> parts;
  if (begin.defined()) parts.push_back(reshape(begin, {-1}));
  parts.push_back(diff(reshape(x, {-1})));
  if (end.defined()) parts.push_back(reshape(end, {-1}));
  return parts.size() == 1 ? parts[0] : concatenate(std::span<const Tensor>(parts));
}

Rows interpolation_rows() {
  using In = std::span<const Tensor>;
  static const double nan = __builtin_nan(""), inf = __builtin_inf();
  static const std::vector<Sample> lines = {{{{.shape = {2, 5}}}},
                                            {{{.shape = {4, 3}, .broadcast = true}}},
                                            {{{.shape = {0, 3}}}},
                                            {{{.shape = {3, 4}, .strided = true}}}};
  static const char* const no_scalar = "a scalar has no axes";
  static const std::vector<Row> rows = {
      {.name = "trapezoid",
       .call = [](In in) { return in.size() > 1 ? trapezoid(in[0], in[1]) : trapezoid(in[0], 0.5, 0); },
       .samples = {{{{.shape = {2, 5}}}},
                   {{{.shape = {4, 3}, .broadcast = true}}},
                   {{{.shape = {0, 3}}}},
                   {{{.shape = {3, 4}, .strided = true}}},
                   {{{.shape = {2, 3}}, {.shape = {3}}}},
                   {{{.shape = {2, 3}}, {.shape = {2, 3}}}}},
       .special = {{[] {
                      return trapezoid(doubles({1, 2, 3}));
                    },
                    {4}},
                   {[] {
                      return trapezoid(doubles({1, 2, 3}), doubles({4, 6, 8}));
                    },
                    {8}},
                   {[] { return trapezoid(ints({1})); }, {0}}},
       .errors = {{[] { return trapezoid(zeros({2}), 1, 1); }, "[trapezoid] expected an axis"},
                  {[] { return trapezoid(zeros({2}), zeros({3})); }, "a place for each of 2 samples, got (3,)"}},
       .fewer_samples = no_scalar},
      {.name = "gradient",
       .call =
           [](In in) {
             return in.size() > 1 ? gradient(in[0], in[1], 0, 2) : gradient(in[0], 0.5, -1, in[0].dim(-1) > 3 ? 2 : 1);
           },
       .samples = {{{{.shape = {2, 5}}}},
                   {{{.shape = {4, 3}, .broadcast = true}}},
                   {{{.shape = {0, 3}}}},
                   {{{.shape = {3, 4}, .strided = true}}},
                   {{{.shape = {4, 2}}, {.shape = {4}, .values = {-1, 0, 0.7, 2}}}}},
       .special = {{[] {
                      return gradient(doubles({1, 2, 4, 7}));
                    },
                    {1, 1.5, 2.5, 3}},
                   {[] {
                      return gradient(doubles({1, 2, 4, 7}), 2);
                    },
                    {0.5, 0.75, 1.25, 1.5}},
                   {[] {
                      return gradient(doubles({0, 1, 4, 9}), doubles({0, 1, 2, 3}), -1, 2);
                    },
                    {0, 2, 4, 6}},
                   {[] {
                      return gradient(ints({1, 4}));
                    },
                    {3, 3}}},
       .errors = {{[] { return gradient(zeros({1})); }, "[gradient] expected at least 2 samples, got (1,)"},
                  {[] { return gradient(zeros({4}), 1, -1, 3); }, "an edge order of 1 or 2, got 3"},
                  {[] {
                     return gradient(zeros({4}), zeros({2, 2}));
                   },
                   "a vector of places, got (2, 2)"}},
       .fewer_samples = no_scalar},
      {.name = "interp",
       .call =
           [](In in) {
             return in[0].rank() == 1 ? interp(in[0], in[1], in[2], {.period = 5}) : interp(in[0], in[1], in[2]);
           },
       .samples = {{{{.shape = {2, 3}}, {.shape = {4}, .values = {-3, -0.9, 0.6, 3}}, {.shape = {4}}}},
                   {{{.shape = {}}, {.shape = {4}, .values = {-3, -0.9, 0.6, 3}}, {.shape = {4}}}},
                   {{{.shape = {0, 3}}, {.shape = {4}, .values = {-3, -0.9, 0.6, 3}}, {.shape = {4}}}},
                   {{{.shape = {5}}, {.shape = {3}, .values = {2.3, -0.9, 0.6}}, {.shape = {3}}}},
                   {{{.shape = {3, 2}, .strided = true}, {.shape = {3}, .values = {-3, 0.6, 3}}, {.shape = {3}}}}},
       .special = {{[] {
                      return interp(doubles({-1, 0, 0.5, 2, 3, nan}), doubles({0, 1, 2}), doubles({3, 4, inf}));
                    },
                    {3, 3, 3.5, inf, inf, nan}},
                   {[] {
                      return interp(doubles({-1, 3}), doubles({0, 2}), doubles({3, 4}), {.left = -9.0, .right = nan});
                    },
                    {-9, nan}},
                   {[] {
                      return interp(doubles({-1, 3, 0}), doubles({0}), doubles({7}));
                    },
                    {7, 7, 7}},
                   {[] {
                      return interp(doubles({1.5}), doubles({0, 1, 2}), doubles({inf, inf, inf}));
                    },
                    {inf}},
                   {[] {
                      return interp(doubles({-2, 7}), doubles({0, 4}), doubles({0, 8}), {.period = 5});
                    },
                    {6, 4}}},
       .errors = {{[] { return interp(zeros({2}), zeros({3}), zeros({2})); },
                   "a vector of places, at least one, and as many"},
                  {[] { return interp(zeros({2}), zeros({0}), zeros({0})); }, "at least one"}}},
      {.name = "unwrap",
       .call = [](In in) { return unwrap(in[0], 0, -1, 3); },
       .samples = lines,
       .special = {{[] {
                      return unwrap(doubles({0, 1, 4, 5}), 0, -1, 4);
                    },
                    {0, 1, 0, 1}},
                   {[] {
                      return unwrap(doubles({0, 2, 4}), 0, -1, 4);
                    },
                    {0, 2, 4}},
                   {[] {
                      return unwrap(doubles({0, 3}), 3.5, -1, 4);
                    },
                    {0, 3}}},
       .errors = {{[] { return unwrap(zeros({2}), 0, 1); }, "[unwrap] expected an axis"}},
       .fewer_samples = no_scalar},
      {.name = "ediff1d",
       .call = [](In in) { return in.size() > 1 ? ediff1d(in[0], in[1], in[1]) : ediff1d(in[0]); },
       .samples = {{{{.shape = {2, 3}}}},
                   {{{.shape = {4, 2}, .broadcast = true}}},
                   {{{.shape = {}}}},
                   {{{.shape = {0}}}},
                   {{{.shape = {3, 2}, .strided = true}}},
                   {{{.shape = {3}}, {.shape = {2}}}}},
       .special = {{[] {
                      return ediff1d(ints({1, 2, 4}));
                    },
                    {1, 2}},
                   {[] {
                      return ediff1d(ints({1, 2, 4}), ints({99}), ints({-9}));
                    },
                    {-9, 1, 2, 99}}}},
  };
  return rows;
}

}  // namespace xgrad
