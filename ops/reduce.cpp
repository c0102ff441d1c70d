#include <xgrad/ops/reduce.hpp>

#include <xgrad/kernels/moves.hpp>
#include <xgrad/ops/elementwise.hpp>
#include <xgrad/ops/reduce_parts.hpp>
#include <xgrad/ops/table.hpp>

namespace xgrad {
namespace {

using kernels::Code;

// --- largest and smallest --------------------------------------------------------------------------------------------

void infer_extreme(Recording& call) {
  const Shape& shape = call.shape(0);
  for (int i = 0; i < shape.rank(); ++i)
    if (shape[-1 - i] == 0 && (call.attribute(0) >> i & 1))
      call.shape_error("expected at least one element along axis " + std::to_string(shape.rank() - 1 - i));
  infer_fold(call);
}

/// Equal extremes share the gradient equally.
Tensor share_equally(const Applied& c, const Tensor& g) {
  const Tensor x = c.in(0);
  const Tensor chosen = equal(x, keep_axes(c, c.out()));
  const Tensor number = sum_over(where(chosen, ones_like(x), 0), static_cast<std::uint32_t>(c.attribute(0)), true);
  return where(chosen, keep_axes(c, g) / number, 0);
}

constexpr Op max_op{.name = "max",
                    .kind = Kind::fold,
                    .code = Code::row_max,
                    .infer = infer_extreme,
                    .rules = {share_equally},
                    .folded = folded_axes};
constexpr Op min_op{.name = "min",
                    .kind = Kind::fold,
                    .code = Code::row_min,
                    .infer = infer_extreme,
                    .rules = {share_equally},
                    .folded = folded_axes};

Tensor extreme(const Op& op, const Arg& x, const Axes& axes, bool keepdims) {
  const Tensor t = x.tensor();
  return fold(op, Arg(t, x.where()), mask_from_end(axes, t.rank(), op.name, x.where()), keepdims);
}

// --- their places ----------------------------------------------------------------------------------------------------

/// Attribute 0 is the axis counted from the end, attribute 1 says whether it stays.
void infer_place(Recording& call) {
  const Shape& shape = call.shape(0);
  const int axis = call.axis(call.attribute(0), shape.rank());
  if (shape[axis] == 0) call.shape_error("expected at least one element along axis " + std::to_string(axis));
  Shape result;
  for (int i = 0; i < shape.rank(); ++i) {
    if (i != axis) result.append(shape[i]);
    else if (call.attribute(1)) result.append(1);
  }
  call.result(result, int64);
}

template <kernels::Fold fold>
void run_place(const Launch& launch) {
  const View& x = launch.in[0];
  const int axis = static_cast<int>(launch.attributes[0]) + x.shape.rank();
  std::int64_t outer = 1, inner = 1;
  for (int i = 0; i < x.shape.rank(); ++i)
    if (i != axis) (i < axis ? outer : inner) *= x.shape[i];
  kernels::arg_fold(fold, x.dtype, x.data, static_cast<std::int64_t*>(launch.out.data), outer, x.shape[axis], inner);
}

constexpr Op argmax_op{.name = "argmax", .infer = infer_place, .run = run_place<kernels::Fold::max>,
                       .leading = Leading::batch};
constexpr Op argmin_op{.name = "argmin", .infer = infer_place, .run = run_place<kernels::Fold::min>,
                       .leading = Leading::batch};

Tensor place_of(const Op& op, const Arg& x, const Axes& axis, bool keepdims) {
  const Tensor t = x.tensor();
  const std::uint32_t mask = mask_from_end(axis, t.rank(), op.name, x.where());
  if (axis.all() && t.rank() != 1) {
    const Within here(op.name, x);
    const Tensor found = record(op, {reshape(t, {-1})}, {.a = -1});
    return keepdims ? expand_axes(found, mask) : found;
  }
  if (__builtin_popcount(mask) != 1)
    throw ShapeError(std::string("[") + op.name + "] expected one axis or all, got " +
                     std::to_string(__builtin_popcount(mask)) + place(x.where()));
  return record(op, {Arg(t, x.where())}, {.a = -1 - __builtin_ctz(mask), .b = keepdims});
}

}  // namespace

Tensor mean(const Arg& x, Axes axes, bool keepdims) {
  const Within here("mean", x);
  const Tensor t = real(x);
  mask_from_end(axes, t.rank(), "mean", x.where());
  return sum(t, axes, keepdims) / count(t, axes);
}

Tensor var(const Arg& x, Axes axes, bool keepdims, int ddof) {
  const Within here("var", x);
  const Tensor t = real(x);
  mask_from_end(axes, t.rank(), "var", x.where());
  const Tensor n = count(t, axes);
  return sum(square(t - mean(t, axes, true)), axes, keepdims) / (ddof == 0 ? n : n - ddof);
}

Tensor std(const Arg& x, Axes axes, bool keepdims, int ddof) {
  const Within here("std", x);
  mask_from_end(axes, x.tensor().rank(), "std", x.where());
  return sqrt(var(x, axes, keepdims, ddof));
}

Tensor average(const Arg& x, const Arg& weights, Axes axes, bool keepdims) {
  const Within here("average", x);
  const Tensor t = real(x);
  Tensor w = real(weights);
  const std::uint32_t mask = mask_from_end(axes, t.rank(), "average", x.where());
  // 1-D weights along the one axis that is folded: new axes of length 1 behind them.
  if (w.rank() == 1 && t.rank() > 1 && mask && (mask & (mask - 1)) == 0) w = expand_axes(w, mask - 1);
  const Tensor spread = broadcast_like(w, t);
  return sum(t * spread, axes, keepdims) / sum(spread, axes, keepdims);
}

Tensor max(const Arg& x, Axes axes, bool keepdims) { return extreme(max_op, x, axes, keepdims); }
Tensor min(const Arg& x, Axes axes, bool keepdims) { return extreme(min_op, x, axes, keepdims); }

Tensor ptp(const Arg& x, Axes axes, bool keepdims) {
  const Within here("ptp", x);
  return max(x, axes, keepdims) - min(x, axes, keepdims);
}

Tensor argmax(const Arg& x, Axes axis, bool keepdims) { return place_of(argmax_op, x, axis, keepdims); }
Tensor argmin(const Arg& x, Axes axis, bool keepdims) { return place_of(argmin_op, x, axis, keepdims); }

// Counted in float32, where vectors are widest: a sum of zeros and ones is 0 only if all of them are.
Tensor any(const Arg& x, Axes axes, bool keepdims) {
  const Within here("any", x);
  return sum(cast(not_equal(x, 0), float32), axes, keepdims) > 0;
}
Tensor all(const Arg& x, Axes axes, bool keepdims) {
  const Within here("all", x);
  return equal(sum(cast(equal(x, 0), float32), axes, keepdims), 0);
}
Tensor count_nonzero(const Arg& x, Axes axes, bool keepdims) {
  const Within here("count_nonzero", x);
  return sum(not_equal(x, 0), axes, keepdims);
}

Rows reduce_rows() {
  using In = std::span<const Tensor>;
  static const double inf = __builtin_inf(), nan = __builtin_nan("");
  static const auto last = [](const Tensor& x) { return x.rank() ? Axes{-1} : Axes{}; };
  static const std::vector<Sample> rows_of_numbers = {{{{.shape = {2, 3}}}},
                                                      {{{.shape = {4, 3}, .broadcast = true}}},
                                                      {{{.shape = {0, 3}}}},
                                                      {{{.shape = {3, 4}, .strided = true}}}};
  static const std::vector<Row> rows = {
      {.name = "mean",
       .call = [](In in) { return mean(in[0], last(in[0])); },
       .samples = unary_samples(-2, 2),
       .special = {{[] { return mean(zeros({0})); }, {nan}},
                   {[] { return mean(tensor({1, 0, 1, 1}, {.dtype = bool_})); }, {0.75}},
                   {[] { return mean(tensor({{1., 2.}, {5., 8.}}), 0, true); }, {3, 5}}},
       .errors = {{[] { return mean(zeros({2, 3}), 2); }, "[mean] expected an axis from -2 to 1, got 2"}}},
      {.name = "var",
       .call = [](In in) { return var(in[0], -1, false, 1); },
       .samples = rows_of_numbers,
       .special = {{[] { return var(doubles({1, 3})); }, {1}}, {[] { return var(doubles({1, 3}), {}, true, 1); }, {2}},
                   {[] { return var(doubles({4})); }, {0}}},
       .errors = {{[] { return var(zeros({2}), 1); }, "[var]"}},
       .fewer_samples = "one number has no variance with ddof 1"},
      {.name = "variance",
       .call = [](In in) { return variance(in[0], last(in[0])); },
       .samples = unary_samples(-2, 2)},
      {.name = "std",
       .call = [](In in) { return std(in[0], -1); },
       .samples = rows_of_numbers,
       .special = {{[] { return std(doubles({1, 5})); }, {2}}},
       .errors = {{[] { return std(zeros({2}), 1); }, "[std]"}},
       .fewer_samples = "the derivative at a spread of 0 is infinite"},
      {.name = "average",
       .call = [](In in) { return average(in[0], in[1], in[0].rank() ? Axes{0} : Axes{}, true); },
       .samples = {{{{.shape = {3, 2}}, {.shape = {3}, .low = 0.5, .high = 2}}},
                   {{{.shape = {3, 2}}, {.shape = {3, 2}, .low = 0.5, .high = 2}}},
                   {{{.shape = {3, 2, 2}}, {.shape = {3}, .low = 0.5, .high = 2}}},
                   {{{.shape = {3, 2}}, {.shape = {1, 2}, .low = 0.5, .high = 2}}},
                   {{{.shape = {}}, {.shape = {}, .low = 0.5, .high = 2}}},
                   {{{.shape = {3, 0}}, {.shape = {3}, .low = 0.5, .high = 2}}},
                   {{{.shape = {3, 2}, .strided = true}, {.shape = {3}, .low = 0.5, .high = 2}}}},
       .special = {{[] { return average(ints({1, 2, 3}), ints({3, 0, 1})); }, {1.5}},
                   {[] { return average(doubles({1, 2}), doubles({1, -1})); }, {-inf}},
                   {[] { return average(tensor({{1., 2.}, {3., 4.}}), tensor({1., 3.}), 1); }, {1.75, 3.75}}},
       .errors = {{[] { return average(zeros({2, 3}), zeros({2}), 1); }, "[average: broadcast_like]"},
                  {[] { return average(zeros({2, 3}), 1, 2); }, "[average] expected an axis"}}},
      {.name = "max",
       .call = [](In in) { return max(in[0], last(in[0])); },
       .samples = unary_samples(-2, 2),
       .special = {{[] { return max(doubles({1, nan, 3})); }, {nan}},
                   {[] { return max(doubles({-inf, -inf})); }, {-inf}},
                   {[] { return max(zeros({0, 3}), 1); }, {}},
                   {[] {
                      const Tensor x = doubles({3, 1, 3, 2});
                      return grad(max(x), x);
                    },
                    {0.5, 0, 0.5, 0}}},
       .errors = {{[] { return max(zeros({3, 0}), 1); }, "[max] expected at least one element along axis 1"},
                  {[] { return max(zeros({3}), 1); }, "[max] expected an axis"}}},
      {.name = "min",
       .call = [](In in) { return min(in[0], last(in[0])); },
       .samples = unary_samples(-2, 2),
       .special = {{[] { return min(doubles({1, nan, 3})); }, {nan}},
                   {[] {
                      const Tensor x = doubles({1, 1, 3, 1});
                      return grad(min(x) * 3, x);
                    },
                    {1, 1, 0, 1}}},
       .errors = {{[] { return min(zeros({0})); }, "[min]"}}},
      {.name = "amax",
       .call = [](In in) { return amax(in[0], last(in[0])); },
       .samples = unary_samples(-2, 2)},
      {.name = "amin",
       .call = [](In in) { return amin(in[0], last(in[0])); },
       .samples = unary_samples(-2, 2)},
      {.name = "ptp",
       .call = [](In in) { return ptp(in[0], last(in[0]), true); },
       .samples = unary_samples(-2, 2),
       .special = {{[] { return ptp(ints({5, -3, 2})); }, {8}}, {[] { return ptp(doubles({5, nan})); }, {nan}}},
       .errors = {{[] { return ptp(zeros({0})); }, "expected at least one element along axis 0"}}},
      {.name = "any",
       .call = [](In in) { return any(in[0] > 1, last(in[0])); },
       .samples = unary_samples(-2, 2),
       .special = {{[] { return any(doubles({0, -0.0})); }, {0}}, {[] { return any(doubles({0, nan})); }, {1}},
                   {[] { return any(zeros({2, 0}), 1); }, {0, 0}},
                   {[] { return any(tensor({{0., 2.}, {0., 0.}}, {.dtype = uint8}), 1, true); }, {1, 0}}},
       .errors = {{[] { return any(zeros({2}), 1); }, "expected an axis from -1 to 0, got 1"}},
       .no_derivative = "its result is true or false"},
      {.name = "all",
       .call = [](In in) { return all(in[0] > 1, last(in[0])); },
       .samples = unary_samples(-2, 2),
       .special = {{[] { return all(doubles({1, -0.0})); }, {0}}, {[] { return all(doubles({1, nan})); }, {1}},
                   {[] { return all(zeros({2, 0}), 1); }, {1, 1}}},
       .errors = {{[] { return all(zeros({2}), 1); }, "expected an axis"}},
       .no_derivative = "its result is true or false"},
      {.name = "count_nonzero",
       .call = [](In in) { return count_nonzero(in[0] > 0, last(in[0])); },
       .samples = unary_samples(-2, 2),
       .special = {{[] { return count_nonzero(doubles({1, -0.0, nan})); }, {2}},
                   {[] { return count_nonzero(zeros({2, 0}), 1, true); }, {0, 0}}},
       .errors = {{[] { return count_nonzero(zeros({2}), 1); }, "expected an axis"}},
       .no_derivative = "its result is a count"},
      {.name = "argmax",
       .call = [](In in) { return in[0].rank() == 2 ? argmax(in[0], -1) : argmax(in[0]); },
       .samples = {{{{.shape = {2, 3}}}}, {{{.shape = {2, 3, 2}}}}, {{{.shape = {4, 3}, .broadcast = true}}},
                   {{{.shape = {}}}}, {{{.shape = {0, 3}}}}, {{{.shape = {3, 4}, .strided = true}}}},
       .special = {{[] { return argmax(doubles({1, 3, 3})); }, {1}},
                   {[] { return argmax(doubles({1, nan, 3, nan})); }, {1}},
                   {[] { return argmax(tensor({{1., 5.}, {7., 2.}}), 0, true); }, {1, 0}},
                   {[] { return argmax(tensor({{1., 5.}, {7., 2.}})); }, {2}}, {[] { return argmax(1.0); }, {0}}},
       .errors = {{[] { return argmax(zeros({2, 0}), 1); }, "[argmax] expected at least one element along axis 1"},
                  {[] { return argmax(zeros({2, 0})); }, "[argmax] expected at least one element"},
                  {[] { return argmax(zeros({2, 2}), {0, 1}); }, "[argmax] expected one axis or all, got 2"}},
       .no_derivative = "its result is a place"},
      {.name = "argmin",
       .call = [](In in) { return argmin(in[0], 0); },
       .samples = {{{{.shape = {2, 3}}}}, {{{.shape = {4, 3}, .broadcast = true}}}, {{{.shape = {3, 0}}}},
                   {{{.shape = {3, 4}, .strided = true}}}},
       .special = {{[] { return argmin(doubles({2, 1, 1})); }, {1}}},
       .errors = {{[] { return argmin(zeros({2}), 1); }, "[argmin] expected an axis from -1 to 0, got 1"}},
       .no_derivative = "its result is a place",
       .fewer_samples = "a scalar has no axis"},
  };
  return rows;
}

}  // namespace xgrad
