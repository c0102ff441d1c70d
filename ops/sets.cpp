#include <xgrad/ops/sets.hpp>

#include <xgrad/graph/fold.hpp>
#include <xgrad/ops/elementwise.hpp>
#include <xgrad/ops/indexed.hpp>
#include <xgrad/ops/indexing.hpp>
#include <xgrad/ops/reduce.hpp>
#include <xgrad/ops/scatter.hpp>
#include <xgrad/ops/shape.hpp>
#include <xgrad/ops/table.hpp>

#include <array>
#include <string>

namespace xgrad {
namespace {

/// Those of `set` that are, or are not, among the others.
Tensor chosen(const Tensor& set, const Tensor& others, bool outside) {
  return boolean_mask(set, isin(set, others, outside));
}

}  // namespace

Tensor union1d(const Arg& a, const Arg& b) {
  const Within here("union1d", a);
  return unique(concatenate({reshape(a, {-1}), reshape(b, {-1})})).values;
}

Tensor intersect1d(const Arg& a, const Arg& b) {
  const Within here("intersect1d", a);
  return chosen(unique(a).values, b.tensor(), false);
}

Tensor setdiff1d(const Arg& a, const Arg& b) {
  const Within here("setdiff1d", a);
  return chosen(unique(a).values, b.tensor(), true);
}

Tensor setxor1d(const Arg& a, const Arg& b) {
  const Within here("setxor1d", a);
  const Tensor of_a = unique(a).values, of_b = unique(b).values;
  return sort(concatenate({chosen(of_a, of_b, true), chosen(of_b, of_a, true)}));
}

Tensor lexsort(std::span<const Tensor> keys, int axis, Location where) {
  const Within here("lexsort", where);
  if (keys.empty()) throw ValueError("[lexsort] expected at least one key, got none" + place(where));
  Tensor order;
  for (const Tensor& key : keys) {
    if (key.shape() != keys[0].shape())
      throw ShapeError("[lexsort] expected keys of one shape, got " + to_string(keys[0].shape()) + " and " +
                       to_string(key.shape()) + place(where));
    order = order.defined() ? take_along_axis(order, argsort(take_along_axis(key, order, axis), axis), axis)
                            : argsort(key, axis);
  }
  return order;
}

Tensor trim_zeros(const Arg& x, std::string_view trim, Axes axes) {
  const Within here("trim_zeros", x);
  if (trim != "f" && trim != "b" && trim != "fb" && trim != "bf")
    throw ValueError("[trim_zeros] expected f, b or fb, got " + std::string(trim) + place(x.where()));
  const Tensor t = x.tensor(), filled = not_equal(t, 0);
  const std::uint32_t mask = mask_from_end(axes, t.rank(), "trim_zeros", x.where());
  const bool front = trim.find('f') != trim.npos, back = trim.find('b') != trim.npos;
  Tensor result = t;
  for (int i = 0; i < t.rank(); ++i) {
    if (!(mask >> i & 1)) continue;
    // Folding all other axes leaves a vector.
    const std::vector<std::int64_t> at =
        nonzero_places(sum_over(cast(filled, int64), ((1u << t.rank()) - 1) & ~(1u << i), false));
    const std::int64_t length = t.dim(-1 - i), first = at.empty() ? (front ? length : 0) : at.front();
    const std::int64_t end = at.empty() ? (back ? first : length) : at.back() + 1;
    result = slice_axis(result, -1 - i, {front ? first : 0, back ? end : length});
  }
  return result;
}

Tensor in_top_k(const Arg& targets, const Arg& predictions, std::int64_t k) {
  const Within here("in_top_k", targets);
  const Tensor at = targets.tensor(), p = predictions.tensor();
  const Tensor own = take_along_axis(p, expand_dims(at, -1), -1);
  const Tensor better = sum(cast(greater(p, own), int64), -1);
  return logical_and(less(better, k), squeeze(isfinite(own), -1));
}

GridHistogram histogramdd(const Arg& points, std::span<const HistogramOptions> dimensions, const Tensor& weights,
                          bool density) {
  const Within here("histogramdd", points);
  const Tensor t = points.tensor();
  if (t.rank() != 2 || dimensions.empty() || t.dim(1) != static_cast<std::int64_t>(dimensions.size()))
    throw ShapeError("[histogramdd] expected points (n, dimensions) with options for each of the dimensions, got " +
                     to_string(t.shape()) + " and options for " + std::to_string(dimensions.size()) +
                     place(points.where()));
  if (weights.defined() && weights.shape() != Shape{t.dim(0)})
    throw ShapeError("[histogramdd] expected a weight for each of " + std::to_string(t.dim(0)) + " points, got " +
                     to_string(weights.shape()) + place(points.where()));
  GridHistogram result;
  Tensor cell, inside, sizes;
  Shape shape;
  for (std::size_t k = 0; k < dimensions.size(); ++k) {
    const Tensor values = take(t, static_cast<std::int64_t>(k), 1);
    const Tensor real_values = is_floating(values.dtype()) ? values : cast(values, float64);
    const Tensor edges = histogram_bin_edges(values, dimensions[k]),
                 widths = slice_axis(edges, 0, {1}) - slice_axis(edges, 0, {0, -1});
    const std::int64_t bins = edges.size() - 1;
    const Tensor above = searchsorted(edges, real_values, Side::right) - 1;
    const Tensor bin = where(equal(real_values, slice_axis(edges, 0, {-1})), bins - 1, above);
    const Tensor in_range = logical_and(greater_equal(bin, 0), less(bin, bins)), place = clip(bin, 0, bins - 1);
    cell = k == 0 ? place : cell * bins + place;
    inside = k == 0 ? in_range : logical_and(inside, in_range);
    sizes = k == 0 ? widths : expand_dims(sizes, -1) * widths;
    shape.append(bins);
    result.edges.push_back(edges);
  }
  const Tensor each = weights.defined() ? weights : cast(ones_like(cell), int64);
  result.counts = reshape(segment_sum(where(inside, each, zeros_like(each)), cell, shape.size()), shape);
  if (density) result.counts = result.counts / sizes / sum(result.counts);
  return result;
}

GridHistogram histogram2d(const Arg& x, const Arg& y, const HistogramOptions& of_x, const HistogramOptions& of_y,
                          const Tensor& weights, bool density) {
  const Within here("histogram2d", x);
  const HistogramOptions both[] = {of_x, of_y};
  return histogramdd(stack({reshape(x, {-1}), reshape(y, {-1})}, 1), both, weights, density);
}

Rows sets_rows() {
  using In = std::span<const Tensor>;
  static const double nan = __builtin_nan(""), inf = __builtin_inf();
  static const char* const set = "the shape of its result depends on its values";
  static const SampleInput few = {.shape = {4}, .dtype = int64, .values = {3, 1, 2, 1}};
  static const SampleInput others = {.shape = {3}, .dtype = int64, .values = {5, 1, 2}};
  static const std::vector<Row> rows = {
      {.name = "union1d",
       .call = [](In in) { return union1d(in[0], in[1]); },
       .samples = {{{few, others}}},
       .special = {{[] {
                      return union1d(ints({3, 1, 2, 1}), reshape(ints({5, 1}), {1, 2}));
                    },
                    {1, 2, 3, 5}},
                   {[] {
                      return union1d(doubles({1, nan}), doubles({nan}));
                    },
                    {1, nan}},
                   {[] { return union1d(doubles({}), doubles({})); }, {}}},
       .no_derivative = "its results are elements found by value",
       .fewer_samples = set},
      {.name = "intersect1d",
       .call = [](In in) { return intersect1d(in[0], in[1]); },
       .samples = {{{few, others}}},
       .special = {{[] {
                      return intersect1d(ints({3, 1, 2, 1}), ints({5, 1, 2}));
                    },
                    {1, 2}},
                   {[] {
                      return intersect1d(doubles({1, nan}), doubles({nan, 2}));
                    },
                    {}}},
       .no_derivative = "its results are elements found by value",
       .fewer_samples = set},
      {.name = "setdiff1d",
       .call = [](In in) { return setdiff1d(in[0], in[1]); },
       .samples = {{{few, others}}},
       .special = {{[] {
                      return setdiff1d(ints({3, 1, 2, 1}), ints({5, 1}));
                    },
                    {2, 3}}},
       .no_derivative = "its results are elements found by value",
       .fewer_samples = set},
      {.name = "setxor1d",
       .call = [](In in) { return setxor1d(in[0], in[1]); },
       .samples = {{{few, others}}},
       .special = {{[] {
                      return setxor1d(ints({3, 1, 2, 1}), ints({5, 1}));
                    },
                    {2, 3, 5}}},
       .no_derivative = "its results are elements found by value",
       .fewer_samples = set},
      {.name = "lexsort",
       .call = [](In in) { return lexsort(in); },
       .samples = {{{few, {.shape = {4}, .dtype = int64, .values = {1, 0, 1, 0}}}}},
       .special = {{[] {
                      return lexsort(std::array{ints({3, 1, 2, 1}), ints({1, 0, 1, 0})});
                    },
                    {1, 3, 2, 0}},
                   {[] {
                      return lexsort(std::array{tensor({{2, 1}, {1, 2}})}, 0);
                    },
                    {1, 0, 0, 1}}},
       .errors = {{[] { return lexsort({}); }, "[lexsort] expected at least one key"},
                  {[] {
                     return lexsort(std::array{zeros({2}), zeros({3})});
                   },
                   "keys of one shape, got (2,) and (3,)"}},
       .no_derivative = "its result is an order",
       .fewer_samples = "it takes keys of one shape"},
      {.name = "trim_zeros",
       .call = [](In in) { return trim_zeros(in[0]); },
       .samples =
           {{{{.shape = {4}}}}, {{{.shape = {2, 3}}}}, {{{.shape = {0}}}}, {{{.shape = {3, 2}, .strided = true}}}},
       .special = {{[] {
                      return trim_zeros(doubles({0, 0, 1, 0, nan, 0}));
                    },
                    {1, 0, nan}},
                   {[] {
                      return trim_zeros(doubles({0, 1, 0}), "f");
                    },
                    {1, 0}},
                   {[] {
                      return trim_zeros(doubles({0, 1, 0}), "b");
                    },
                    {0, 1}},
                   {[] {
                      return trim_zeros(doubles({0, -0.0}));
                    },
                    {}},
                   {[] {
                      return trim_zeros(tensor({{0, 0, 0}, {0, 7, 0}}));
                    },
                    {7}},
                   {[] {
                      return trim_zeros(tensor({{0, 0, 0}, {0, 7, 0}}), "fb", 1);
                    },
                    {0, 7}}},
       .errors = {{[] { return trim_zeros(zeros({2}), "x"); }, "[trim_zeros] expected f, b or fb, got x"},
                  {[] { return trim_zeros(zeros({2}), "f", 1); }, "[trim_zeros] expected an axis"}},
       .fewer_samples = set},
      {.name = "in_top_k",
       .call = [](In in) { return in_top_k(in[0], in[1], 2); },
       .samples = {{{{.shape = {2}, .dtype = int64, .values = {0, 2}}, {.shape = {2, 3}}}}},
       .special = {{[] {
                      return in_top_k(ints({0, 1, 2, 3}),
                                      tensor({{0, 5, 5, 1}, {0, 5, 5, 1}, {0, nan, inf, 1}, {9, 8, 7, 6}}), 2);
                    },
                    {0, 1, 0, 0}},
                   {[] {
                      return in_top_k(3, tensor({1, 4, 4, 4}), 1);
                    },
                    {1}}},
       .errors = {{[] {
                     return evaluated(in_top_k(ints({4}), zeros({1, 4}), 1));
                   },
                   "from -4 to 3, got 4"}},
       .no_derivative = "it compares",
       .fewer_samples = "targets are indices"},
      {.name = "histogramdd",
       .call =
           [](In in) {
             return histogramdd(in[0], std::array{HistogramOptions{.bins = 2}, HistogramOptions{.bins = 3}}).counts;
           },
       .samples = {{{{.shape = {5, 2}}}},
                   {{{.shape = {4, 2}, .broadcast = true}}},
                   {{{.shape = {5, 2}, .strided = true}}}},
       .special = {{[] {
                      return histogramdd(tensor({{0., 0.}, {1., 2.}, {1., 1.}, {7., 0.}}),
                                         std::array{HistogramOptions{.bins = 2, .low = 0, .high = 1},
                                                    HistogramOptions{.bins = 2, .low = 0, .high = 2}})
                          .counts;
                    },
                    {1, 0, 0, 2}}},
       .errors = {{[] { return histogramdd(zeros({3}), std::array{HistogramOptions{}}).counts; },
                   "expected points (n, dimensions)"},
                  {[] {
                     return histogramdd(zeros({3, 1}), std::array{HistogramOptions{}}, zeros({2})).counts;
                   },
                   "a weight for each of 3 points, got (2,)"}},
       .no_derivative = "it counts",
       .fewer_samples = "it takes points"},
      {.name = "histogram2d",
       .call = [](In in) { return histogram2d(in[0], in[1]).counts; },
       .samples = {{{{.shape = {5}}, {.shape = {5}}}}},
       .special =
           {{[] {
               const HistogramOptions half{.bins = 2, .low = 0, .high = 2};
               return histogram2d(doubles({0, 0, 2}), doubles({0, 2, 1}), half, half, doubles({1, 2, 4}), true).counts;
             },
             {1. / 7, 2. / 7, 0, 4. / 7}}},
       .errors = {{[] { return histogram2d(zeros({3}), zeros({2})).counts; },
                   "expected tensors of one shape, got (3,) and (2,)"}},
       .no_derivative = "it counts",
       .fewer_samples = "it takes points"},
  };
  return rows;
}

}  // namespace xgrad
