#include <xgrad/ops/scan.hpp>

#include <xgrad/graph/grad.hpp>
#include <xgrad/kernels/scans.hpp>
#include <xgrad/kernels/sequences.hpp>
#include <xgrad/ops/elementwise.hpp>
#include <xgrad/ops/shape.hpp>
#include <xgrad/ops/shape_parts.hpp>
#include <xgrad/ops/table.hpp>

#include <algorithm>
#include <string>

namespace xgrad {
namespace {

using kernels::Direction;
using kernels::Scan;

// Attribute 0 is the axis counted from the end; bit 0 of attribute 1 asks for the other direction. Scans are operations
// of their own: as log2(n) shifted additions a million elements take 20 passes over memory, and other bits.
void infer_scan(Recording& call) {
  call.axis(call.attribute(0), call.shape(0).rank());
  call.result(call.shape(0), call.dtype(0));
}

template <Scan kind>
void run_scan(const Launch& launch) {
  const Sides sizes = sides_of(launch.out.shape, launch.attributes[0]);
  kernels::scan(kind, launch.out.dtype, launch.in[0].data, launch.out.data, sizes.outer, sizes.count, sizes.inner,
                launch.attributes[1] ? Direction::backward : Direction::forward);
}

Tensor scan_again(const Op& op, const Applied& c, const Arg& x, bool reverse) {
  return record(op, {x}, {.a = c.attribute(0), .b = reverse});
}

// --- the linear recurrence -------------------------------------------------------------------------------------------

// r_k = b_k + a_k r_(k-1). Its transpose in b goes the other way and takes the neighbour's factor ("late", bit 1 of
// attribute 1), so recurrences are closed under differentiation.
constexpr std::int64_t backward = 1, late = 2;

void infer_recur(Recording& call) {
  if (call.shape(0) != call.shape(1)) call.shape_error("expected factors and terms of one shape");
  call.axis(call.attribute(0), call.shape(0).rank());
  call.result(call.shape(0), call.dtype(0));
}

void run_recur(const Launch& launch) {
  const Sides sizes = sides_of(launch.out.shape, launch.attributes[0]);
  kernels::recur(launch.out.dtype, launch.in[0].data, launch.in[1].data, launch.out.data, sizes.outer, sizes.count,
                 sizes.inner, launch.attributes[1] & backward ? Direction::backward : Direction::forward,
                 (launch.attributes[1] & late) != 0);
}

Tensor recur(const Arg& factors, const Arg& terms, std::int64_t axis, std::int64_t flags);

/// Along r_k = b_k + a_k r_(k-1): each term's gradient s, which moves each factor's by s_k r_(k-1).
Tensor recur_terms_back(const Applied& c, const Tensor& g) {
  return recur(c.in(0), g, c.attribute(0), c.attribute(1) ^ (backward | late));
}
Tensor recur_factors_back(const Applied& c, const Tensor& g) {
  const Tensor s = recur_terms_back(c, g);
  const bool goes_back = c.attribute(1) & backward;
  const int axis = static_cast<int>(c.attribute(0));
  if (c.attribute(1) & late) return shift_axis(s, axis, !goes_back) * c.out();
  return s * shift_axis(c.out(), axis, goes_back);
}

constexpr Op recur_op{.name = "linear_recurrence",
                      .promotion = Promotion::common,
                      .infer = infer_recur,
                      .rules = {recur_factors_back, recur_terms_back},
                      .run = run_recur,
                      .leading = Leading::batch};

Tensor recur(const Arg& factors, const Arg& terms, std::int64_t axis, std::int64_t flags) {
  return record(recur_op, {factors, terms}, {.a = axis, .b = flags});
}

/// Sends what reaches y_k, the k-th running result, back along the scan: s_k = g_k + a_(k+1) s_(k+1).
Tensor send_back(const Applied& c, const Tensor& factors, const Tensor& g) {
  return recur(factors, g, c.attribute(0), late | (c.attribute(1) ? 0 : backward));
}
/// The running result before each place.
Tensor before(const Applied& c, Fill fill) {
  return shift_axis(c.out(), static_cast<int>(c.attribute(0)), c.attribute(1) != 0, fill);
}

// --- the scans -------------------------------------------------------------------------------------------------------

Tensor cumsum_back(const Applied& c, const Tensor& g);
constexpr Op cumsum_op{
    .name = "cumsum", .infer = infer_scan, .rules = {cumsum_back}, .linear = true, .run = run_scan<Scan::sum>,
    .leading = Leading::batch};
Tensor cumsum_back(const Applied& c, const Tensor& g) { return scan_again(cumsum_op, c, g, !c.attribute(1)); }

// y_k = y_(k-1) x_k is a recurrence; nothing is divided by x, which may be 0.
constexpr Op cumprod_op{
    .name = "cumprod",
    .infer = infer_scan,
    .rules = {[](const Applied& c, const Tensor& g) { return before(c, Fill::one) * send_back(c, c.in(0), g); }},
    .run = run_scan<Scan::product>,
    .leading = Leading::batch};

/// A place starts a run if its element is the running extreme; the run's gradients are summed into it.
Tensor extreme_back(const Applied& c, const Tensor& g) {
  const Tensor x = c.in(0);
  const Tensor starts = logical_or(equal(x, c.out()), isnan(x));
  return where(starts, send_back(c, where(starts, 0, ones_like(x)), g), 0);
}
constexpr Op cummax_op{.name = "cummax", .infer = infer_scan, .rules = {extreme_back}, .run = run_scan<Scan::max>,
                       .leading = Leading::batch};
constexpr Op cummin_op{.name = "cummin", .infer = infer_scan, .rules = {extreme_back}, .run = run_scan<Scan::min>,
                       .leading = Leading::batch};

/// e^(a - b), 0 where the difference is not finite: what is infinitely smaller, or has no share yet.
Tensor share(const Tensor& a, const Tensor& b) {
  const Tensor difference = a - b;
  const Tensor counts = isfinite(difference);
  return where(counts, exp(where(counts, difference, 0)), 0);
}
// dx_j = e^(x_j - y_j) s_j where s_j = g_j + e^(y_j - y_(j+1)) s_(j+1): no exponent is above 0.
constexpr Op logcumsumexp_op{.name = "logcumsumexp",
                             .infer = infer_scan,
                             .rules = {[](const Applied& c, const Tensor& g) {
                               const Tensor y = c.out();
                               const Tensor factors = share(before(c, Fill::minus_infinity), y);
                               return share(c.in(0), y) * send_back(c, factors, g);
                             }},
                             .run = run_scan<Scan::log_sum_exp>,
                             .leading = Leading::batch};

// --- differences -----------------------------------------------------------------------------------------------------

/// Attribute 0 is the axis counted from the end. Two slices and a subtraction copy both slices: three times as long.
void infer_difference(Recording& call) {
  Shape shape = call.shape(0);
  const int axis = call.axis(call.attribute(0), shape.rank());
  shape.set(axis, std::max<std::int64_t>(0, shape[axis] - 1));
  call.result(shape, call.dtype(0));
}

Tensor difference_back(const Applied& c, const Tensor& g);

constexpr Op difference_op{.name = "diff",
                           .infer = infer_difference,
                           .rules = {difference_back},
                           .linear = true,
                           .run = [](const Launch& launch) {
                             const View& x = launch.in[0];
                             const Sides sizes = sides_of(x.shape, launch.attributes[0]);
                             kernels::differences(x.dtype, x.data, launch.out.data, sizes.outer, sizes.count,
                                                  sizes.inner);
                           },
                           .leading = Leading::batch};

/// dx_j = g_(j-1) - g_j, with 0 beyond the ends.
Tensor difference_back(const Applied& c, const Tensor& g) {
  const auto axis = static_cast<int>(c.attribute(0));
  if (c.in(0).dim(axis) == 0) return zeros_like(c.in(0));
  std::vector<Padding> ends(static_cast<std::size_t>(g.rank()));
  ends[static_cast<std::size_t>(g.rank() + axis)] = {1, 1};
  return -record(difference_op, {pad(g, std::span<const Padding>(ends))}, {.a = axis});
}

Tensor scan(const Op& op, const Tensor& x, const Axes& axis, bool reverse, const Location& where) {
  if (axis.all()) return record(op, {Arg(reshape(x, {-1}), where)}, {.a = -1, .b = reverse});
  const std::uint32_t mask = mask_from_end(axis, x.rank(), op.name, where);
  if (__builtin_popcount(mask) != 1)
    throw ShapeError(std::string("[") + op.name + "] expected one axis or none, got " +
                     std::to_string(__builtin_popcount(mask)) + place(where));
  return record(op, {Arg(x, where)}, {.a = -1 - __builtin_ctz(mask), .b = reverse});
}

/// Integers are added and multiplied in int64, as NumPy's are.
Tensor counted(const Arg& x) {
  Tensor t = x.tensor();
  return t.dtype() <= int32 ? cast(t, int64) : t;
}

}  // namespace

Tensor cumsum(const Arg& x, Axes axis, bool reverse) {
  const Within here("cumsum", x);
  return scan(cumsum_op, counted(x), axis, reverse, x.where());
}
Tensor cumprod(const Arg& x, Axes axis, bool reverse) {
  const Within here("cumprod", x);
  return scan(cumprod_op, counted(x), axis, reverse, x.where());
}
Tensor cummax(const Arg& x, Axes axis, bool reverse) {
  const Within here("cummax", x);
  return scan(cummax_op, x.tensor(), axis, reverse, x.where());
}
Tensor cummin(const Arg& x, Axes axis, bool reverse) {
  const Within here("cummin", x);
  return scan(cummin_op, x.tensor(), axis, reverse, x.where());
}
Tensor logcumsumexp(const Arg& x, Axes axis, bool reverse) {
  const Within here("logcumsumexp", x);
  return scan(logcumsumexp_op, real(x), axis, reverse, x.where());
}

Tensor nancumsum(const Arg& x, Axes axis) {
  const Within here("nancumsum", x);
  const Tensor t = x.tensor();
  return cumsum(is_floating(t.dtype()) ? where(isnan(t), 0, t) : t, axis);
}
Tensor nancumprod(const Arg& x, Axes axis) {
  const Within here("nancumprod", x);
  const Tensor t = x.tensor();
  return cumprod(is_floating(t.dtype()) ? where(isnan(t), 1, t) : t, axis);
}

Tensor diff(const Arg& x, int n, int axis) {
  const Within here("diff", x);
  Tensor t = x.tensor();
  if (n < 0) throw ValueError("[diff] expected n of 0 or more, got " + std::to_string(n) + place(x.where()));
  const int at = from_end(axis, t, "diff", x.where());
  for (; n > 0; --n) t = record(difference_op, {t}, {.a = at});
  return t;
}

Tensor linear_recurrence(const Arg& factors, const Arg& terms, int axis, bool reverse) {
  const Within here("linear_recurrence", factors);
  // A C++ number takes the dtype of the tensor it meets.
  const auto fitted = [](const Arg& x, const Arg& other) {
    if (x.kind() == Arg::Kind::tensor || other.kind() != Arg::Kind::tensor) return real(x);
    return zeros({}, {.dtype = real(other).dtype()}) + x;
  };
  const Tensor a = fitted(factors, terms), b = fitted(terms, factors);
  const Tensor like = not_equal(a, b);  // the common shape; never computed
  const int at = from_end(axis, like, "linear_recurrence", factors.where());
  return recur(broadcast_like(a, like), broadcast_like(b, like), at, reverse ? backward : 0);
}

Rows scan_rows() {
  using In = std::span<const Tensor>;
  static const double inf = __builtin_inf(), nan = __builtin_nan("");
  static const auto row = [](double low, double high) {
    return std::vector<Sample>{{{{.shape = {2, 4}, .low = low, .high = high}}},
                               {{{.shape = {3, 2, 2}, .low = low, .high = high}}},
                               {{{.shape = {3, 3}, .low = low, .high = high, .broadcast = true}}},
                               {{{.shape = {}, .low = low, .high = high}}},
                               {{{.shape = {0, 3}, .low = low, .high = high}}},
                               {{{.shape = {3, 0}, .low = low, .high = high}}},
                               {{{.shape = {4, 3}, .low = low, .high = high, .strided = true}}}};
  };
  // Along the last axis, the middle one backwards, or everything.
  static const auto axis = [](const Tensor& x) {
    return x.rank() == 3 ? Axes{1} : x.rank() == 2 && x.dim(0) != 4 ? Axes{-1} : Axes{};
  };
  static const auto reverse = [](const Tensor& x) { return x.rank() == 3 || (x.rank() == 2 && x.dim(1) == 3); };
  static const std::vector<Row> rows = {
      {.name = "cumsum",
       .call = [](In in) { return cumsum(in[0], axis(in[0]), reverse(in[0])); },
       .samples = row(-2, 2),
       .special = {{[] {
                      return cumsum(doubles({1, 2, 3}));
                    },
                    {1, 3, 6}},
                   {[] {
                      return cumsum(doubles({1, 2, 3}), 0, true);
                    },
                    {6, 5, 3}},
                   {[] {
                      return cumsum(tensor({{1., 2.}, {3., 4.}}));
                    },
                    {1, 3, 6, 10}},
                   {[] {
                      return cumsum(tensor({{1., 2.}, {3., 4.}}), 0);
                    },
                    {1, 2, 4, 6}},
                   {[] {
                      return cumsum(doubles({-0.0, -0.0, 0.0}));
                    },
                    {-0.0, -0.0, 0.0}},
                   {[] {
                      return cumsum(doubles({1, inf, -inf, 2}));
                    },
                    {1, inf, nan, nan}},
                   {[] {
                      return cumsum(tensor({1, 1, 0}, {.dtype = bool_}));
                    },
                    {1, 2, 2}},
                   {[] {
                      return cumsum(tensor({200, 100}, {.dtype = uint8}));
                    },
                    {200, 300}},
                   {[] {
                      return cumsum(ints({9007199254740992., 1}));
                    },
                    {9007199254740992., 9007199254740993.}}},
       .errors = {{[] {
                     return cumsum(zeros({2, 3}), 2);
                   },
                   "[cumsum] expected an axis from -2 to 1, got 2"},
                  {[] {
                     return cumsum(zeros({2, 3}), {0, 1});
                   },
                   "[cumsum] expected one axis or none, got 2"},
                  {[] {
                     return cumsum(zeros({2, 3}), Axes::none());
                   },
                   "expected one axis or none, got 0"}}},
      {.name = "cumprod",
       .call = [](In in) { return cumprod(in[0], axis(in[0]), reverse(in[0])); },
       .samples = row(-1.5, 1.5),
       .special = {{[] {
                      return cumprod(ints({1, 2, 3}));
                    },
                    {1, 2, 6}},
                   {[] {
                      return cumprod(ints({1, 2, 3}), -1, true);
                    },
                    {6, 6, 3}},
                   {[] {
                      return cumprod(doubles({2, 0, inf, 1}));
                    },
                    {2, 0, nan, nan}},
                   {[] {
                      return cumprod(doubles({-1, 0}));
                    },
                    {-1, -0.0}},
                   {[] {
                      return cumprod(tensor({1, 1, 0}, {.dtype = bool_}));
                    },
                    {1, 1, 0}},
                   {[] {
                      const Tensor x = doubles({3, 0, 5, 0});
                      return grad(sum(cumprod(x) * doubles({1, 10, 100, 1000})), x);
                    },
                    {1, 1530, 0, 0}}},
       .errors = {{[] { return cumprod(zeros({2}), 1); }, "[cumprod] expected an axis from -1 to 0, got 1"}}},
      {.name = "cummax",
       .call = [](In in) { return cummax(in[0], axis(in[0]), reverse(in[0])); },
       .samples = row(-2, 2),
       .special = {{[] {
                      return cummax(doubles({1, 3, 2, nan, 5}));
                    },
                    {1, 3, 3, nan, nan}},
                   {[] {
                      return cummax(tensor({3, 1, 4}, {.dtype = uint8}), 0, true);
                    },
                    {4, 4, 4}},
                   {[] {
                      return cummax(tensor({0, 1, 0}, {.dtype = bool_}));
                    },
                    {0, 1, 1}},
                   {[] {
                      const Tensor x = doubles({1, 3, 3, 2});
                      return grad(sum(cummax(x) * doubles({1, 10, 100, 1000})), x);
                    },
                    {1, 10, 1100, 0}}},
       .errors = {{[] { return cummax(zeros({2}), -2); }, "[cummax] expected an axis"}}},
      {.name = "cummin",
       .call = [](In in) { return cummin(in[0], axis(in[0]), reverse(in[0])); },
       .samples = row(-2, 2),
       .special = {{[] {
                      return cummin(doubles({2, 3, 1, nan, 0}));
                    },
                    {2, 2, 1, nan, nan}},
                   {[] {
                      return cummin(doubles({2, -inf, 1}));
                    },
                    {2, -inf, -inf}},
                   {[] {
                      const Tensor x = doubles({2, 3, nan, 1});
                      return grad(sum(cummin(x) * doubles({1, 10, 100, 1000})), x);
                    },
                    {11, 0, 1100, 0}}},
       .errors = {{[] {
                     return cummin(zeros({2}), {0, 0});
                   },
                   "[cummin] expected each axis once"}}},
      {.name = "logcumsumexp",
       .call = [](In in) { return logcumsumexp(in[0], axis(in[0]), reverse(in[0])); },
       .samples = row(-3, 3),
       .special = {{[] {
                      return logcumsumexp(doubles({-inf, -inf, 0, -1e300, inf, 1, nan}));
                    },
                    {-inf, -inf, 0, 0, inf, inf, nan}},
                   {[] {
                      return logcumsumexp(doubles({800, 0, -800}));
                    },
                    {800, 800, 800}},
                   {[] {
                      const Tensor x = doubles({-inf, -1000, -2000});
                      return grad(sum(logcumsumexp(x)), x);
                    },
                    {0, 2, 0}}},
       .errors = {{[] { return logcumsumexp(zeros({2}), 1); }, "[logcumsumexp] expected an axis"}}},
      {.name = "nancumsum",
       .call = [](In in) { return nancumsum(in[0], axis(in[0])); },
       .samples = row(-2, 2),
       .special = {{[] {
                      return nancumsum(doubles({1, nan, 3}));
                    },
                    {1, 1, 4}},
                   {[] {
                      return nancumsum(ints({1, 2}));
                    },
                    {1, 3}}},
       .errors = {{[] { return nancumsum(zeros({2}), 1); }, "[nancumsum: cumsum] expected an axis"}}},
      {.name = "nancumprod",
       .call = [](In in) { return nancumprod(in[0], axis(in[0])); },
       .samples = row(-1.5, 1.5),
       .special = {{[] {
                      return nancumprod(doubles({2, nan, 3}));
                    },
                    {2, 2, 6}}},
       .errors = {{[] { return nancumprod(zeros({2}), 1); }, "[nancumprod: cumprod] expected an axis"}}},
      {.name = "diff",
       .call = [](In in) { return diff(in[0], in[0].rank() == 3 ? 2 : 1, in[0].rank() == 3 ? 0 : -1); },
       .samples = {{{{.shape = {2, 4}}}},
                   {{{.shape = {4, 2, 2}}}},
                   {{{.shape = {3, 3}, .broadcast = true}}},
                   {{{.shape = {3, 0}}}},
                   {{{.shape = {2, 1}}}},
                   {{{.shape = {4, 3}, .strided = true}}}},
       .special = {{[] {
                      return diff(ints({1, 4, 9, 16}), 2);
                    },
                    {2, 2}},
                   {[] {
                      return diff(ints({1, 4}), 0);
                    },
                    {1, 4}},
                   {[] {
                      return diff(ints({1, 4}), 3);
                    },
                    {}},
                   {[] {
                      return diff(tensor({1, 3, 2}, {.dtype = uint8}));
                    },
                    {2, 255}},
                   {[] {
                      return diff(tensor({1, 0, 0}, {.dtype = bool_}));
                    },
                    {1, 0}}},
       .errors = {{[] { return diff(zeros({2}), -1); }, "[diff] expected n of 0 or more, got -1"},
                  {[] { return diff(1.0); }, "[diff] expected an axis"}},
       .fewer_samples = "a scalar has no neighbours"},
      {.name = "linear_recurrence",
       .call = [](In in) { return linear_recurrence(in[0], in[1], in[0].rank() == 2 ? 0 : -1, in[0].rank() == 1); },
       .samples = {{{{.shape = {3, 2}}, {.shape = {3, 2}}}},
                   {{{.shape = {2}}, {.shape = {3, 2}}}},
                   {{{.shape = {}}, {.shape = {4}}}},
                   {{{.shape = {0, 2}}, {.shape = {1, 2}}}},
                   {{{.shape = {3, 2}, .strided = true}, {.shape = {3, 2}}}},
                   {{{.shape = {3, 2}, .broadcast = true}, {.shape = {3, 2}}}}},
       .special = {{[] {
                      return linear_recurrence(0.5, doubles({8, 0, 0, 1}));
                    },
                    {8, 4, 2, 2}},
                   {[] {
                      return linear_recurrence(doubles({2, 3}), doubles({1, 1}), 0, true);
                    },
                    {3, 1}},
                   {[] {
                      return linear_recurrence(0.1, doubles({1, 0, 0}));
                    },
                    {1, .1, .1 * .1}},
                   {[] {
                      return linear_recurrence(doubles({nan, 2}), ints({1, 2}));
                    },
                    {1, 4}}},
       .errors = {{[] { return linear_recurrence(zeros({2}), zeros({3})); },
                   "[linear_recurrence: not_equal] expected shapes"},
                  {[] { return linear_recurrence(0.5, 1.0); }, "[linear_recurrence] expected an axis"}}},
  };
  return rows;
}

}  // namespace xgrad
