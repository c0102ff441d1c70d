// Places and quantiles that leave out NaN.

#include <xgrad/ops/elementwise.hpp>
#include <xgrad/ops/indexed.hpp>
#include <xgrad/ops/indexing.hpp>
#include <xgrad/ops/reduce_parts.hpp>
#include <xgrad/ops/shape.hpp>
#include <xgrad/ops/sorting.hpp>
#include <xgrad/ops/table.hpp>

#include <limits>
#include <string>

namespace xgrad {
namespace {

// --- places ----------------------------------------------------------------------------------------------------------

/// Places, of which -1 stands for a slice without numbers.
void run_check_places(const Launch& launch) {
  const View& x = launch.in[0];
  for (std::int64_t i = 0; i < x.shape.size(); ++i)
    if (static_cast<const std::int64_t*>(x.data)[i] < 0)
      launch.fail("expected a number in every slice, got one of NaN alone at position " + position(x.shape, i));
}

constexpr Op checked_places(const char* name) {
  return {.name = name,
          .kind = Kind::check,
          .infer = [](Recording& call) { call.result(call.shape(0), call.dtype(0)); },
          .fails = true,
          .run = run_check_places};
}
constexpr Op nanargmax_op = checked_places("nanargmax"), nanargmin_op = checked_places("nanargmin");

Tensor place_among_numbers(const Op& op, const Arg& x, const Axes& axis, bool keepdims, bool largest) {
  const Within here(op.name, x);
  const Tensor t = x.tensor();
  const auto place = largest ? argmax : argmin;
  if (!is_floating(t.dtype())) return place(t, axis, keepdims);
  const Tensor missing = isnan(t);
  const double worst = (largest ? -1 : 1) * std::numeric_limits<double>::infinity();
  // Among infinities of the wrong sign a NaN in their place must not come first: numbers are looked for there.
  const Tensor found = place(where(missing, worst, t), axis, keepdims);
  const Tensor first_number = argmin(missing, axis, keepdims);
  const Tensor best = (largest ? max : min)(where(missing, worst, t), axis, keepdims);
  const Tensor none = all(missing, axis, keepdims);
  return record(op, {where(none, -1, where(equal(best, worst), first_number, found))});
}

// --- quantiles -------------------------------------------------------------------------------------------------------

/// Where a quantile lies among n sorted elements, n a tensor of real numbers.
struct Between {
  Tensor low, high, share;
};

Between between(Method method, double q, const Tensor& n) {
  const Tensor last = n - 1, none = zeros_like(n);
  const auto at = [&](const Tensor& whole) {
    const Tensor index = minimum(maximum(whole, 0), last);
    return Between{index, index, none};
  };
  const auto around = [&](const Tensor& exact) {
    const Tensor outside = logical_or(less(exact, 0), greater_equal(exact, last));
    const Tensor low = where(outside, minimum(maximum(exact, 0), last), floor(exact));
    return Between{low, where(outside, low, low + 1), where(outside, 0, exact - low)};
  };
  // The plotting positions of Hyndman and Fan (1996) with their alpha and beta.
  const auto positioned = [&](double alpha, double beta) {
    return around(n * q + (alpha + q * (1 - alpha - beta)) - 1);
  };
  switch (method) {
    case Method::linear:
      return around(last * q);
    case Method::lower:
      return at(floor(last * q));
    case Method::higher:
      return at(ceil(last * q));
    case Method::nearest:
      return at(rint(last * q));
    case Method::midpoint: {
      const Between result = around(last * q);
      return {result.low, result.high, where(equal(result.share, 0), 0.0, 0.5) + none};
    }
    case Method::inverted_cdf:
      return at(ceil(n * q - 1));
    case Method::averaged_inverted_cdf: {
      const Between result = around(n * q - 1);
      return {result.low, result.high, where(equal(result.share, 0), 0.5, 1.0) + none};
    }
    case Method::closest_observation: {
      const Tensor exact = n * q - 1.5, low = floor(exact);
      const Tensor stays = logical_and(equal(exact, low), not_equal(remainder(low, 2), 0));
      return at(where(stays, low, low + 1));
    }
    case Method::interpolated_inverted_cdf:
      return positioned(0, 1);
    case Method::hazen:
      return positioned(0.5, 0.5);
    case Method::weibull:
      return positioned(0, 0);
    case Method::median_unbiased:
      return positioned(1.0 / 3, 1.0 / 3);
    case Method::normal_unbiased:
      break;
  }
  return positioned(3.0 / 8, 3.0 / 8);
}

/// (..., 1) from rows (..., n), sorted with NaN last, of which so many are numbers.
Tensor of_sorted(const Tensor& rows, const Tensor& numbers, double q, Method method) {
  const Between b = between(method, q, numbers);
  const auto element = [&](const Tensor& index) { return take_along_axis(rows, maximum(cast(index, int64), 0), -1); };
  const Tensor low = element(b.low), high = element(b.high), share = cast(b.share, rows.dtype());
  // A step of share 0, or between equal infinities, is no step: infinity times 0 would be NaN.
  const Tensor stays = logical_or(equal(share, 0), logical_and(equal(low, high), logical_not(isfinite(low))));
  return low + where(stays, 0, high - low) * share;
}

Tensor quantiles(const char* name, const Arg& x, std::span<const double> q, bool list, double whole, const Axes& axes,
                 bool keepdims, std::string_view method) {
  const Within here(name, x);
  const Method way = method_named(name, method, x.where());
  const std::vector<double> shares = shares_of(name, q, whole, x.where());
  const Tensor t = real(x);
  const std::uint32_t mask = mask_from_end(axes, t.rank(), name, x.where());
  const Tensor rows = sort(folded_last(t, mask));
  if (rows.dim(-1) == 0)
    throw ShapeError(std::string("[") + name + "] expected at least one element to choose from, got " +
                     to_string(t.shape()) + place(x.where()));
  const Tensor numbers = sum(cast(logical_not(isnan(rows)), float64), -1, true);
  std::vector<Tensor> found;
  for (const double share : shares) {
    const Tensor one = squeeze(of_sorted(rows, numbers, share, way), -1);
    found.push_back(keepdims ? expand_axes(one, mask) : one);
  }
  return list ? stack(std::span<const Tensor>(found)) : found[0];
}

std::span<const double> all_of(std::initializer_list<double> q) { return {q.begin(), q.size()}; }

}  // namespace

Tensor nanargmax(const Arg& x, Axes axis, bool keepdims) {
  return place_among_numbers(nanargmax_op, x, axis, keepdims, true);
}
Tensor nanargmin(const Arg& x, Axes axis, bool keepdims) {
  return place_among_numbers(nanargmin_op, x, axis, keepdims, false);
}

Tensor nanquantile(const Arg& x, double q, Axes axes, bool keepdims, std::string_view method) {
  return quantiles("nanquantile", x, {&q, 1}, false, 1, axes, keepdims, method);
}
Tensor nanquantile(const Arg& x, std::initializer_list<double> q, Axes axes, bool keepdims, std::string_view method) {
  return quantiles("nanquantile", x, all_of(q), true, 1, axes, keepdims, method);
}
Tensor nanpercentile(const Arg& x, double q, Axes axes, bool keepdims, std::string_view method) {
  return quantiles("nanpercentile", x, {&q, 1}, false, 100, axes, keepdims, method);
}
Tensor nanpercentile(const Arg& x, std::initializer_list<double> q, Axes axes, bool keepdims, std::string_view method) {
  return quantiles("nanpercentile", x, all_of(q), true, 100, axes, keepdims, method);
}
Tensor nanmedian(const Arg& x, Axes axes, bool keepdims) {
  const double half = 0.5;
  return quantiles("nanmedian", x, {&half, 1}, false, 1, axes, keepdims, "linear");
}

Rows nan_rows() {
  using In = std::span<const Tensor>;
  static const double inf = __builtin_inf(), nan = __builtin_nan("");
  static const auto last = [](const Tensor& x) { return x.rank() ? Axes{-1} : Axes{}; };
  static const std::vector<Row> rows = {
      {.name = "nanargmax",
       .call = [](In in) { return nanargmax(in[0], last(in[0])); },
       .samples = unary_samples(-2, 2),
       .special = {{[] {
                      return nanargmax(doubles({nan, 1, 3, nan, 3}));
                    },
                    {2}},
                   {[] {
                      return nanargmax(doubles({nan, -inf, -inf}));
                    },
                    {1}},
                   {[] {
                      return nanargmax(tensor({{nan, 1.}, {2., nan}}), 1);
                    },
                    {1, 0}},
                   {[] {
                      return nanargmax(tensor({{nan, 1.}, {2., nan}}));
                    },
                    {2}},
                   {[] {
                      return nanargmax(ints({1, 3, 2}));
                    },
                    {1}}},
       .errors = {{[] {
                     return evaluated(nanargmax(tensor({{nan, nan}, {2., nan}}), 1));
                   },
                   "[nanargmax] expected a number in every slice, got one of NaN alone at position (0,)"},
                  {[] { return nanargmax(zeros({2}), 1); }, "expected an axis"},
                  {[] { return nanargmax(zeros({0})); }, "at least one element"}},
       .no_derivative = "its result is a place"},
      {.name = "nanargmin",
       .call = [](In in) { return nanargmin(in[0], last(in[0])); },
       .samples = unary_samples(-2, 2),
       .special = {{[] {
                      return nanargmin(doubles({nan, 1, 3, nan, 1}));
                    },
                    {1}},
                   {[] {
                      return nanargmin(doubles({nan, inf, inf}));
                    },
                    {1}}},
       .errors = {{[] { return evaluated(nanargmin(doubles({nan}))); },
                   "[nanargmin] expected a number in every slice"}},
       .no_derivative = "its result is a place"},
      {.name = "nanquantile",
       .call =
           [](In in) {
             return in[0].rank() == 3 ? nanquantile(in[0], {0.9, 0.1}, {0, 2}, true)
                                      : nanquantile(in[0], 0.3, last(in[0]));
           },
       .samples = {{{{.shape = {2, 4}}}},
                   {{{.shape = {2, 3, 2}}}},
                   {{{.shape = {4, 3}, .broadcast = true}}},
                   {{{.shape = {}}}},
                   {{{.shape = {0, 3}}}},
                   {{{.shape = {3, 4}, .strided = true}}}},
       .special = {{[] {
                      return nanquantile(doubles({4, nan, 1, 2, 3, nan}), {0, 0.25, 0.5, 1});
                    },
                    {1, 1.75, 2.5, 4}},
                   {[] {
                      return nanquantile(doubles({nan, nan}), 0.5);
                    },
                    {nan}},
                   {[] {
                      return nanquantile(doubles({1, inf, 2, nan, inf}), {0, 0.5, 0.8, 1});
                    },
                    {1, inf, inf, inf}},
                   {[] {
                      return nanquantile(ints({1, 2, 3, 4}), 0.75, 0, true, "higher");
                    },
                    {4}},
                   {[] {
                      const Tensor x = doubles({4, nan, 1, 2, 3});
                      return grad(nanquantile(x, 0.25), x);
                    },
                    {0, 0, 0.25, 0.75, 0}}},
       .errors = {{[] { return nanquantile(zeros({2}), 1.5); }, "[nanquantile] expected q from 0 to 1, got 1.5"},
                  {[] { return nanquantile(zeros({0}), 0.5); }, "at least one element to choose from"},
                  {[] { return nanquantile(zeros({2}), 0.5, {}, false, "middle"); }, "got middle"}}},
      {.name = "nanpercentile",
       .call = [](In in) { return nanpercentile(in[0], 30, last(in[0])); },
       .samples = unary_samples(-2, 2),
       .special = {{[] {
                      return nanpercentile(doubles({4, 1, nan, 2, 3}), {0, 25});
                    },
                    {1, 1.75}}},
       .errors = {{[] { return nanpercentile(zeros({2}), 101); },
                   "[nanpercentile] expected q from 0 to 100, got 101"}}},
      {.name = "nanmedian",
       .call = [](In in) { return nanmedian(in[0], last(in[0])); },
       .samples = unary_samples(-2, 2),
       .special = {{[] {
                      return nanmedian(doubles({3, nan, 1, 2, nan}));
                    },
                    {2}},
                   {[] {
                      return nanmedian(tensor({{1., nan}, {nan, nan}}), 1);
                    },
                    {1, nan}}},
       .errors = {{[] { return nanmedian(zeros({2}), -2); }, "[nanmedian] expected an axis"}}},
  };
  return rows;
}

}  // namespace xgrad
