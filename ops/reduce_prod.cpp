#include <xgrad/kernels/scans.hpp>
#include <xgrad/ops/elementwise.hpp>
#include <xgrad/ops/reduce_parts.hpp>
#include <xgrad/ops/scan.hpp>
#include <xgrad/ops/shape.hpp>
#include <xgrad/ops/table.hpp>

#include <limits>

namespace xgrad {
namespace {

// --- products --------------------------------------------------------------------------------------------------------

// Attribute 0 is a mask of adjacent axes counted from the end, attribute 1 says whether they stay.

void run_prod(const Launch& launch) {
  const Shape& shape = launch.in[0].shape;
  std::int64_t outer = 1, count = 1, inner = 1;
  const auto mask = static_cast<std::uint32_t>(launch.attributes[0]);
  for (int i = 0; i < shape.rank(); ++i) {
    const std::uint32_t from_here = mask >> (shape.rank() - 1 - i);
    (from_here & 1 ? count : from_here ? inner : outer) *= shape[i];
  }
  kernels::product(launch.out.dtype, launch.in[0].data, launch.out.data, outer, count, inner);
}

/// Each element's gradient is g times the product of what is before and what is behind it: no division by elements.
Tensor prod_back(const Applied& c, const Tensor& g) {
  const auto mask = static_cast<std::uint32_t>(c.attribute(0));
  const int axis = -1 - __builtin_ctz(mask);
  const Tensor x = merge_axes(c.in(0), axis, __builtin_popcount(mask));
  const Tensor before = shift_axis(cumprod(x, axis), axis, false, Fill::one);
  const Tensor behind = shift_axis(cumprod(x, axis, true), axis, true, Fill::one);
  return keep_axes(c, g) * reshape_like(before * behind, c.in(0));
}

// An operation of its own: as the last element of a running product it would write all of them.
constexpr Op prod_op{.name = "prod", .infer = infer_fold, .rules = {prod_back}, .fails = true, .run = run_prod,
                     .leading = Leading::batch};

// --- reductions that leave out NaN -----------------------------------------------------------------------------------

/// x with a number where it is NaN; integers have none.
Tensor instead_of_nan(const Tensor& x, double number) {
  return is_floating(x.dtype()) ? where(isnan(x), number, x) : x;
}

/// How many elements are not NaN.
Tensor numbers(const Tensor& x, const Axes& axes, bool keepdims) {
  return sum(where(isnan(x), 0, ones_like(x)), axes, keepdims);
}

Tensor nan_extreme(const char* name, const Arg& x, const Axes& axes, bool keepdims, bool largest) {
  const Within here(name, x);
  const Tensor t = x.tensor();
  mask_from_end(axes, t.rank(), name, x.where());
  const auto extreme = largest ? max : min;
  if (!is_floating(t.dtype())) return extreme(t, axes, keepdims);
  const double infinity = std::numeric_limits<double>::infinity();
  const Tensor found = extreme(instead_of_nan(t, largest ? -infinity : infinity), axes, keepdims);
  return where(numbers(t, axes, keepdims) > 0, found, std::numeric_limits<double>::quiet_NaN());
}

}  // namespace

Tensor prod(const Arg& x, Axes axes, bool keepdims) {
  const Within here("prod", x);
  Tensor t = x.tensor();
  if (t.dtype() <= int32) t = cast(t, int64);
  const std::uint32_t asked = mask_from_end(axes, t.rank(), "prod", x.where());
  for (std::uint32_t rest = asked; rest;) {
    // Adding the lowest bit carries through the run of adjacent axes that it starts.
    const std::uint32_t run = rest & ~(rest + (rest & -rest));
    rest &= ~run;
    t = fold(prod_op, t, run, keepdims || run != asked);
    if (!rest && !keepdims && run != asked) t = squeeze_axes(t, asked);
  }
  return t;
}

Tensor nansum(const Arg& x, Axes axes, bool keepdims) {
  const Within here("nansum", x);
  return sum(instead_of_nan(x.tensor(), 0), axes, keepdims);
}

Tensor nanprod(const Arg& x, Axes axes, bool keepdims) {
  const Within here("nanprod", x);
  return prod(instead_of_nan(x.tensor(), 1), axes, keepdims);
}

Tensor nanmean(const Arg& x, Axes axes, bool keepdims) {
  const Within here("nanmean", x);
  const Tensor t = real(x);
  return sum(instead_of_nan(t, 0), axes, keepdims) / numbers(t, axes, keepdims);
}

Tensor nanvar(const Arg& x, Axes axes, bool keepdims, int ddof) {
  const Within here("nanvar", x);
  const Tensor t = real(x);
  const Tensor n = numbers(t, axes, true);
  const Tensor middle = sum(instead_of_nan(t, 0), axes, true) / n;
  const Tensor total = sum(square(instead_of_nan(t - middle, 0)), axes, keepdims);
  const Tensor degrees = numbers(t, axes, keepdims) - ddof;
  return where(degrees > 0, total / degrees, std::numeric_limits<double>::quiet_NaN());
}

Tensor nanstd(const Arg& x, Axes axes, bool keepdims, int ddof) {
  const Within here("nanstd", x);
  return sqrt(nanvar(x, axes, keepdims, ddof));
}

Tensor nanmax(const Arg& x, Axes axes, bool keepdims) { return nan_extreme("nanmax", x, axes, keepdims, true); }
Tensor nanmin(const Arg& x, Axes axes, bool keepdims) { return nan_extreme("nanmin", x, axes, keepdims, false); }

Rows reduce_prod_rows() {
  using In = std::span<const Tensor>;
  static const double inf = __builtin_inf(), nan = __builtin_nan("");
  static const auto last = [](const Tensor& x) { return x.rank() ? Axes{-1} : Axes{}; };
  static const std::vector<Sample> matrices = {{{{.shape = {3, 3}}}},
                                               {{{.shape = {4, 3}, .broadcast = true}}},
                                               {{{.shape = {0, 3}}}},
                                               {{{.shape = {3, 4}, .strided = true}}}};
  static const char* const spread = "one number has no spread";
  static const std::vector<Row> rows = {
      {.name = "prod",
       .call =
           [](In in) {
             return in[0].rank() == 3 ? prod(in[0], {0, 2}) : prod(in[0], last(in[0]), true);
           },
       .samples = {{{{.shape = {2, 4}}}},
                   {{{.shape = {2, 3, 2}}}},
                   {{{.shape = {3, 3}, .broadcast = true}}},
                   {{{.shape = {}}}},
                   {{{.shape = {0, 3}}}},
                   {{{.shape = {3, 0}}}},
                   {{{.shape = {3, 3}, .strided = true}}}},
       .special = {{[] { return prod(zeros({0})); }, {1}},
                   {[] {
                      return prod(zeros({2, 0}), 1, true);
                    },
                    {1, 1}},
                   {[] {
                      return prod(doubles({2, nan}));
                    },
                    {nan}},
                   {[] {
                      return prod(doubles({0, inf}));
                    },
                    {nan}},
                   {[] {
                      return prod(doubles({-1, 0}));
                    },
                    {-0.0}},
                   {[] {
                      return prod(tensor({100, 100}, {.dtype = uint8}));
                    },
                    {10000}},
                   {[] {
                      return prod(tensor({1, 1, 0}, {.dtype = bool_}));
                    },
                    {0}},
                   {[] {
                      return prod(tensor({{1., 2.}, {3., 4.}}), Axes::none());
                    },
                    {1, 2, 3, 4}},
                   {[] {
                      const Tensor x = doubles({3, 0, 5});
                      return grad(prod(x), x);
                    },
                    {0, 15, 0}}},
       .errors = {{[] {
                     return prod(zeros({2, 3}), 2);
                   },
                   "[prod] expected an axis from -2 to 1, got 2"},
                  {[] {
                     return prod(zeros({2, 3}), {1, -1});
                   },
                   "[prod] expected each axis once"}}},
      {.name = "nansum",
       .call = [](In in) { return nansum(in[0], last(in[0])); },
       .samples = unary_samples(-2, 2),
       .special = {{[] {
                      return nansum(doubles({1, nan, 3}));
                    },
                    {4}},
                   {[] { return nansum(doubles({nan})); }, {0}},
                   {[] {
                      return nansum(ints({1, 2}));
                    },
                    {3}},
                   {[] {
                      const Tensor x = doubles({1, nan, 3});
                      return grad(nansum(x * x), x);
                    },
                    {2, nan, 6}},
                   {[] {
                      const Tensor x = doubles({1, nan, 3});
                      return grad(nansum(x), x);
                    },
                    {1, 0, 1}}},
       .errors = {{[] { return nansum(zeros({2}), 1); }, "sum] expected an axis from -1 to 0, got 1"}}},
      {.name = "nanprod",
       .call = [](In in) { return nanprod(in[0], last(in[0])); },
       .samples = unary_samples(-2, 2),
       .special = {{[] {
                      return nanprod(doubles({2, nan, 3}));
                    },
                    {6}},
                   {[] { return nanprod(doubles({nan})); }, {1}}},
       .errors = {{[] { return nanprod(zeros({2}), 1); }, "[nanprod: prod] expected an axis"}}},
      {.name = "nanmean",
       .call = [](In in) { return nanmean(in[0], last(in[0])); },
       .samples = unary_samples(-2, 2),
       .special = {{[] {
                      return nanmean(doubles({1, nan, 3}));
                    },
                    {2}},
                   {[] { return nanmean(doubles({nan})); }, {nan}},
                   {[] {
                      return nanmean(ints({1, 2}));
                    },
                    {1.5}}},
       .errors = {{[] { return nanmean(zeros({2}), 1); }, "expected an axis"}}},
      {.name = "nanvar",
       .call = [](In in) { return nanvar(in[0], -1, false, 1); },
       .samples = matrices,
       .special = {{[] {
                      return nanvar(doubles({1, nan, 3}));
                    },
                    {1}},
                   {[] {
                      return nanvar(doubles({1, nan}), {}, false, 1);
                    },
                    {nan}},
                   {[] {
                      return nanvar(doubles({1, nan}), {}, false, 2);
                    },
                    {nan}},
                   {[] { return nanvar(doubles({nan}), {}, true); }, {nan}}},
       .errors = {{[] { return nanvar(zeros({2}), 1); }, "expected an axis"}},
       .fewer_samples = spread},
      {.name = "nanstd",
       .call = [](In in) { return nanstd(in[0], -1); },
       .samples = matrices,
       .special = {{[] {
                      return nanstd(doubles({1, nan, 5}));
                    },
                    {2}}},
       .errors = {{[] { return nanstd(zeros({2}), 1); }, "expected an axis"}},
       .fewer_samples = spread},
      {.name = "nanmax",
       .call = [](In in) { return nanmax(in[0], last(in[0])); },
       .samples = unary_samples(-2, 2),
       .special = {{[] {
                      return nanmax(doubles({1, nan, 3}));
                    },
                    {3}},
                   {[] {
                      return nanmax(doubles({nan, nan}));
                    },
                    {nan}},
                   {[] {
                      return nanmax(doubles({nan, -inf}));
                    },
                    {-inf}},
                   {[] {
                      return nanmax(ints({1, 2}));
                    },
                    {2}},
                   {[] {
                      const Tensor x = doubles({1, nan, 3, 3});
                      return grad(nanmax(x), x);
                    },
                    {0, 0, 0.5, 0.5}}},
       .errors = {{[] { return nanmax(zeros({0})); }, "expected at least one element along axis 0"},
                  {[] { return nanmax(zeros({2}), 1); }, "[nanmax] expected an axis"}}},
      {.name = "nanmin",
       .call = [](In in) { return nanmin(in[0], last(in[0])); },
       .samples = unary_samples(-2, 2),
       .special = {{[] {
                      return nanmin(doubles({1, nan, 3}));
                    },
                    {1}},
                   {[] {
                      return nanmin(tensor({{nan, 1.}, {nan, nan}}, {.dtype = float64}), 1);
                    },
                    {1, nan}}},
       .errors = {{[] { return nanmin(zeros({2}), 1); }, "[nanmin] expected an axis"}}},
  };
  return rows;
}

}  // namespace xgrad
