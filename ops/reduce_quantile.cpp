#include <xgrad/kernels/scans.hpp>
#include <xgrad/ops/elementwise.hpp>
#include <xgrad/ops/indexing.hpp>
#include <xgrad/ops/reduce_parts.hpp>
#include <xgrad/ops/shape.hpp>
#include <xgrad/ops/table.hpp>

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <string>

namespace xgrad {
namespace {

// --- where a quantile lies -------------------------------------------------------------------------------------------

constexpr std::array<std::string_view, 13> method_names = {"linear",
                                                           "lower",
                                                           "higher",
                                                           "nearest",
                                                           "midpoint",
                                                           "inverted_cdf",
                                                           "averaged_inverted_cdf",
                                                           "closest_observation",
                                                           "interpolated_inverted_cdf",
                                                           "hazen",
                                                           "weibull",
                                                           "median_unbiased",
                                                           "normal_unbiased"};

/// Two places in a sorted row, and how far the quantile is from the first to the second.
struct Between {
  std::int64_t low = 0, high = 0;
  double share = 0;
};

Between between(Method method, double q, std::int64_t count) {
  const double n = static_cast<double>(count), last = n - 1, place = last * q;
  const auto at = [&](double whole) {
    const auto index = static_cast<std::int64_t>(std::fmin(std::fmax(whole, 0), last));
    return Between{index, index, 0};
  };
  const auto around = [&](double real) {
    if (real < 0 || real >= last) return at(real);
    const double low = std::floor(real);
    return Between{static_cast<std::int64_t>(low), static_cast<std::int64_t>(low) + 1, real - low};
  };
  // The plotting positions of Hyndman and Fan (1996) with their alpha and beta.
  const auto positioned = [&](double alpha, double beta) { return around(n * q + alpha + q * (1 - alpha - beta) - 1); };
  switch (method) {
    case Method::linear:
      return around(place);
    case Method::lower:
      return at(std::floor(place));
    case Method::higher:
      return at(std::ceil(place));
    case Method::nearest:
      return at(std::nearbyint(place));
    case Method::midpoint: {
      Between result = around(place);
      if (result.share != 0) result.share = 0.5;
      return result;
    }
    case Method::inverted_cdf:
      return at(std::ceil(n * q - 1));
    case Method::averaged_inverted_cdf: {
      Between result = around(n * q - 1);
      result.share = result.share == 0 ? 0.5 : 1;
      return result;
    }
    case Method::closest_observation: {
      const double real = n * q - 1.5, low = std::floor(real);
      return at(real == low && std::fmod(low, 2) != 0 ? low : low + 1);
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
      return positioned(3.0 / 8, 3.0 / 8);
  }
  return {};
}

// The first number of a list of attributes is the method, the others are the bits of each q.
Between between(std::span<const std::int64_t> list, std::size_t k, std::int64_t count) {
  return between(static_cast<Method>(list[0]), std::bit_cast<double>(list[k + 1]), count);
}

// --- places of elements in sorted order ------------------------------------------------------------------------------

/// (..., n) to (..., 2 for each q): the places of the lower and the upper neighbour of each quantile. An operation of
/// its own: selecting takes time in proportion to n, sorting more.
void infer_places(Recording& call) {
  Shape shape = call.shape(0);
  if (shape[-1] == 0) call.shape_error("expected at least one element to choose from");
  shape.set(-1, 2 * (static_cast<std::int64_t>(call.list().size()) - 1));
  call.result(shape, int64);
}

void run_places(const Launch& launch) {
  const View& x = launch.in[0];
  const std::int64_t count = x.shape[-1], rows = x.shape.size() / count;
  const std::size_t number = 2 * (launch.list.size() - 1);
  std::vector<std::pair<std::int64_t, std::size_t>> wanted(number);
  for (std::size_t k = 0; k < number; ++k) {
    const Between b = between(launch.list, k / 2, count);
    wanted[k] = {k % 2 ? b.high : b.low, k};
  }
  std::sort(wanted.begin(), wanted.end());
  std::vector<std::int64_t> ranks(number), places(static_cast<std::size_t>(rows) * number);
  for (std::size_t k = 0; k < number; ++k) ranks[k] = wanted[k].first;
  kernels::places_of_ranks(x.dtype, x.data, places.data(), rows, count, ranks.data(),
                           static_cast<std::int64_t>(number));
  auto* out = static_cast<std::int64_t*>(launch.out.data);
  for (std::size_t row = 0; row < static_cast<std::size_t>(rows); ++row)
    for (std::size_t k = 0; k < number; ++k) out[row * number + wanted[k].second] = places[row * number + k];
}

constexpr Op places_op{.name = "places_of_quantiles", .infer = infer_places, .fails = true, .run = run_places,
                       .leading = Leading::batch};

/// The share of the upper neighbour, which follows from the number of elements alone. Attributes: method, bits of q.
constexpr Op share_op{.name = "share_of_quantile",
                      .kind = Kind::constant,
                      .infer = [](Recording& call) { call.result(Shape{}, call.dtype(0)); },
                      .shape_only = 1,
                      .number =
                          [](const Applied& c) {
                            const double q = std::bit_cast<double>(c.attribute(1));
                            return between(static_cast<Method>(c.attribute(0)), q, c.in(0).shape()[-1]).share;
                          }};

// --- quantiles -------------------------------------------------------------------------------------------------------

/// (..., number of q) from rows.
Tensor of_rows(const Tensor& x, std::span<const double> q, Method method) {
  std::vector<std::int64_t> list = {static_cast<std::int64_t>(method)};
  std::vector<Tensor> shares;
  for (const double one : q) {
    list.push_back(std::bit_cast<std::int64_t>(one));
    shares.push_back(record(share_op, {x}, {.a = list[0], .b = list.back()}));
  }
  const Tensor picked = take_along_axis(x, record(places_op, {x}, {.list = list}), -1);
  const Tensor low = slice_axis(picked, -1, {.start = 0, .step = 2});
  const Tensor high = slice_axis(picked, -1, {.start = 1, .step = 2});
  const Tensor share = stack(shares);
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
  const Tensor rows = of_rows(folded_last(t, mask), shares, way);
  const Tensor result = list ? moveaxis(rows, -1, 0) : squeeze_axes(rows, 1);
  return keepdims ? expand_axes(result, mask) : result;
}

std::span<const double> all_of(std::initializer_list<double> q) { return {q.begin(), q.size()}; }

}  // namespace

Method method_named(const char* name, std::string_view method, const Location& where) {
  const auto found = std::find(method_names.begin(), method_names.end(), method);
  if (found == method_names.end())
    throw ValueError("[" + std::string(name) + "] expected a method of NumPy's such as linear, lower or hazen, got " +
                     std::string(method) + place(where));
  return static_cast<Method>(found - method_names.begin());
}

std::vector<double> shares_of(const char* name, std::span<const double> q, double whole, const Location& where) {
  std::vector<double> shares;
  for (const double one : q) {
    if (!(one >= 0 && one <= whole))
      throw ValueError("[" + std::string(name) + "] expected q from 0 to " + (whole == 1 ? "1" : "100") + ", got " +
                       std::to_string(one) + place(where));
    shares.push_back(one / whole);
  }
  if (shares.empty())
    throw ValueError("[" + std::string(name) + "] expected at least one q, got none" + place(where));
  return shares;
}

Tensor folded_last(const Tensor& x, std::uint32_t mask) {
  if (mask == 0) return expand_axes(x, 1);
  std::vector<int> order;
  for (const bool folded : {false, true})
    for (int i = 0; i < x.rank(); ++i)
      if ((mask >> (x.rank() - 1 - i) & 1) == folded) order.push_back(i);
  const bool last = (mask & (mask + 1)) == 0;
  return merge_axes(last ? x : transpose(x, std::span<const int>(order)), -1, __builtin_popcount(mask));
}

Tensor quantile(const Arg& x, double q, Axes axes, bool keepdims, std::string_view method) {
  return quantiles("quantile", x, {&q, 1}, false, 1, axes, keepdims, method);
}
Tensor quantile(const Arg& x, std::initializer_list<double> q, Axes axes, bool keepdims, std::string_view method) {
  return quantiles("quantile", x, all_of(q), true, 1, axes, keepdims, method);
}
Tensor percentile(const Arg& x, double q, Axes axes, bool keepdims, std::string_view method) {
  return quantiles("percentile", x, {&q, 1}, false, 100, axes, keepdims, method);
}
Tensor percentile(const Arg& x, std::initializer_list<double> q, Axes axes, bool keepdims, std::string_view method) {
  return quantiles("percentile", x, all_of(q), true, 100, axes, keepdims, method);
}
Tensor median(const Arg& x, Axes axes, bool keepdims) {
  const double half = 0.5;
  return quantiles("median", x, {&half, 1}, false, 1, axes, keepdims, "linear");
}

Rows reduce_quantile_rows() {
  using In = std::span<const Tensor>;
  static const double inf = __builtin_inf(), nan = __builtin_nan("");
  static const auto last = [](const Tensor& x) { return x.rank() ? Axes{-1} : Axes{}; };
  static const std::vector<Row> rows = {
      {.name = "quantile",
       .call =
           [](In in) {
             return in[0].rank() == 3 ? quantile(in[0], {0.9, 0.1}, {0, 2}, true) : quantile(in[0], 0.3, last(in[0]));
           },
       .samples = {{{{.shape = {2, 4}}}},
                   {{{.shape = {2, 3, 2}}}},
                   {{{.shape = {4, 3}, .broadcast = true}}},
                   {{{.shape = {}}}},
                   {{{.shape = {0, 3}}}},
                   {{{.shape = {3, 4}, .strided = true}}}},
       .special = {{[] {
                      return quantile(doubles({4, 1, 2, 3}), {0, 0.25, 0.5, 1});
                    },
                    {1, 1.75, 2.5, 4}},
                   {[] {
                      return quantile(doubles({4, nan, 2, 3}), 0.5);
                    },
                    {nan}},
                   {[] {
                      return quantile(doubles({1, inf, 2, inf}), {0, 0.5, 0.8, 1});
                    },
                    {1, inf, inf, inf}},
                   {[] {
                      return quantile(doubles({1, 2, inf}), 0.5);
                    },
                    {2}},
                   {[] {
                      return quantile(doubles({1, 2}), 0.5, 0, false, "nearest");
                    },
                    {1}},
                   {[] {
                      return quantile(doubles({1, 2, 3, 4}), 0.5, 0, false, "nearest");
                    },
                    {3}},
                   {[] {
                      return quantile(ints({1, 2, 3, 4}), 0.75, 0, true, "higher");
                    },
                    {4}},
                   {[] {
                      return quantile(zeros({0, 3}), 0.5, 1);
                    },
                    {}},
                   {[] {
                      const Tensor x = doubles({4, 1, 2, 3});
                      return grad(quantile(x, 0.25), x);
                    },
                    {0, 0.25, 0.75, 0}}},
       .errors = {{[] { return quantile(zeros({2}), 1.5); }, "[quantile] expected q from 0 to 1, got 1.5"},
                  {[] {
                     return quantile(zeros({2}), {0.5, nan});
                   },
                   "[quantile] expected q from 0 to 1, got nan"},
                  {[] { return quantile(zeros({2}), std::initializer_list<double>{}); }, "at least one q"},
                  {[] { return quantile(zeros({2}), 0.5, {}, false, "middle"); }, "got middle"},
                  {[] { return quantile(zeros({2}), 0.5, 1); }, "[quantile] expected an axis"},
                  {[] {
                     return quantile(zeros({3, 0}), 0.5, 1);
                   },
                   "at least one element to choose from"}}},
      {.name = "percentile",
       .call = [](In in) { return percentile(in[0], 30, last(in[0])); },
       .samples = unary_samples(-2, 2),
       .special = {{[] {
                      return percentile(doubles({4, 1, 2, 3}), {0, 25});
                    },
                    {1, 1.75}}},
       .errors = {{[] { return percentile(zeros({2}), 101); }, "[percentile] expected q from 0 to 100, got 101"}}},
      {.name = "median",
       .call =
           [](In in) {
             return in[0].rank() == 3 ? median(in[0], {0, 1}) : median(in[0], last(in[0]));
           },
       .samples = {{{{.shape = {2, 4}}}},
                   {{{.shape = {2, 3, 2}}}},
                   {{{.shape = {3, 3}, .broadcast = true}}},
                   {{{.shape = {}}}},
                   {{{.shape = {0, 3}}}},
                   {{{.shape = {3, 3}, .strided = true}}}},
       .special = {{[] {
                      return median(doubles({3, 1, 2}));
                    },
                    {2}},
                   {[] {
                      return median(doubles({4, 1, 2, 3}));
                    },
                    {2.5}},
                   {[] {
                      return median(doubles({-inf, -inf, inf, inf}));
                    },
                    {nan}},
                   {[] {
                      return median(doubles({1, nan, 2}));
                    },
                    {nan}},
                   {[] {
                      return median(tensor({{1., 5.}, {7., 2.}}), 0, true);
                    },
                    {4, 3.5}},
                   {[] {
                      return median(tensor({{1., 5.}, {7., 2.}}), Axes::none());
                    },
                    {1, 5, 7, 2}}},
       .errors = {{[] { return median(zeros({0})); }, "[median: "},
                  {[] { return median(zeros({2}), -2); }, "[median] expected an axis"}}},
  };
  return rows;
}

}  // namespace xgrad
