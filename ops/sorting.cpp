#include <xgrad/ops/sorting.hpp>

#include <xgrad/graph/leading.hpp>
#include <xgrad/kernels/sequences.hpp>
#include <xgrad/kernels/sorting.hpp>
#include <xgrad/ops/elementwise.hpp>
#include <xgrad/ops/indexed.hpp>
#include <xgrad/ops/indexing.hpp>
#include <xgrad/ops/reduce.hpp>
#include <xgrad/ops/scatter.hpp>
#include <xgrad/ops/shape.hpp>
#include <xgrad/ops/table.hpp>

#include <algorithm>
#include <limits>

namespace xgrad {
namespace {

// --- orders ----------------------------------------------------------------------------------------------------------

/// Attribute 0 is the axis counted from the end, attribute 1 the direction.
void run_argsort(const Launch& launch) {
  const View& x = launch.in[0];
  const Sides sizes = sides_of(x.shape, launch.attributes[0]);
  kernels::argsort(x.dtype, x.data, static_cast<std::int64_t*>(launch.out.data), sizes.outer, sizes.count, sizes.inner,
                   launch.attributes[1] != 0);
}

constexpr Op argsort_op{.name = "argsort",
                        .infer = [](Recording& call) { call.result(call.shape(0), int64); },
                        .fails = true,
                        .run = run_argsort,
                        .leading = Leading::batch};

/// Attribute 0 is the axis counted from the end, attribute 1 is k.
void infer_arg_top(Recording& call) {
  Shape shape = call.shape(0);
  const int axis = call.axis(call.attribute(0), shape.rank());
  const std::int64_t k = call.attribute(1);
  if (k < 0 || k > shape[axis])
    call.value_error("expected k from 0 to " + std::to_string(shape[axis]) + ", not " + std::to_string(k));
  shape.set(axis, k);
  call.result(shape, int64);
}

void run_arg_top(const Launch& launch) {
  const View& x = launch.in[0];
  const Sides sizes = sides_of(x.shape, launch.attributes[0]);
  kernels::arg_top(x.dtype, x.data, static_cast<std::int64_t*>(launch.out.data), sizes.outer, sizes.count, sizes.inner,
                   launch.attributes[1]);
}

constexpr Op arg_top_op{.name = "top_k", .infer = infer_arg_top, .fails = true, .run = run_arg_top,
                        .leading = Leading::batch};

std::int64_t axis_from_end(const char* name, const Tensor& x, int axis, const Location& where) {
  return -1 - __builtin_ctz(mask_from_end(axis, x.rank(), name, where));
}

// --- searching -------------------------------------------------------------------------------------------------------

/// Attribute 0 is the side.
void infer_search(Recording& call) {
  const Shape &sorted = call.shape(0), &values = call.shape(1);
  if (sorted.rank() == 0) call.shape_error("expected a sorted vector, or rows of them");
  bool fits = sorted.rank() == 1 || sorted.rank() == values.rank();
  for (int i = 0; fits && i + 1 < sorted.rank(); ++i) fits = sorted[i] == values[i];
  if (!fits) call.shape_error("expected rows of values for the sorted rows");
  call.result(values, int64);
}

void run_search(const Launch& launch) {
  const View &sorted = launch.in[0], &values = launch.in[1];
  const std::int64_t count = sorted.shape[-1];
  std::int64_t rows = 1;
  for (int i = 0; i + 1 < sorted.shape.rank(); ++i) rows *= sorted.shape[i];
  const std::int64_t length = rows == 0 ? 0 : values.shape.size() / rows;
  kernels::search_sorted(sorted.dtype, sorted.data, values.data, static_cast<std::int64_t*>(launch.out.data), rows,
                         count, length, launch.attributes[0] != 0);
}

/// One sorted vector serves any number of values; rows of them are searched by rows of values.
Tensor search_lead(const Applied& c, std::span<const Tensor> in, std::span<const std::uint8_t> leads,
                   std::int64_t count) {
  if (!leads[0] && in[0].rank() == 1) return c.again(in);
  if (c.in(0).rank() != c.in(1).rank()) return {};
  return c.again({leads[0] ? in[0] : repeat_leading(in[0], count), leads[1] ? in[1] : repeat_leading(in[1], count)});
}

constexpr Op search_op{.name = "searchsorted",
                       .promotion = Promotion::common,
                       .infer = infer_search,
                       .run = run_search,
                       .lead = search_lead};

/// x with its order turned around, without overflow.
Tensor turned(const Tensor& x) {
  if (is_floating(x.dtype())) return -x;
  return -1 - (x.dtype() == bool_ || x.dtype() == uint8 ? cast(x, int64) : x);
}

// --- counting --------------------------------------------------------------------------------------------------------

/// Elements as segment ids, and how many segments.
struct Bins {
  Tensor ids;
  std::int64_t count = 0;
};
Bins bins_of(const Arg& x, std::int64_t minlength, std::int64_t length) {
  const Tensor t = x.tensor();
  if (is_floating(t.dtype()))
    throw DTypeError(std::string("[bincount] expected elements of an integer dtype, got ") + name_of(t.dtype()) +
                     place(x.where()));
  if (minlength < 0 || length < -1)
    throw ValueError("[bincount] expected a length of 0 or more, got " +
                     std::to_string(minlength < 0 ? minlength : length) + place(x.where()));
  Tensor ids = reshape(t, {-1});
  if (t.dtype() == bool_) ids = cast(ids, uint8);
  std::int64_t count = length;
  if (length < 0) {
    const std::int64_t most = ids.size() == 0 ? -1 : max(ids).item<std::int64_t>();
    if (most == std::numeric_limits<std::int64_t>::max())
      throw ValueError("[bincount] expected elements that can be counted to, got " + std::to_string(most) +
                       place(x.where()));
    count = std::max<std::int64_t>(minlength, most + 1);
  }
  if (ids.size() > 0 && count == 0)
    throw ValueError("[bincount] expected elements from 0 to the length minus 1, got a length of 0 for " +
                     std::to_string(ids.size()) + " elements" + place(x.where()));
  return {ids, count};
}

void run_count(const Launch& launch) {
  const View& x = launch.in[0];
  auto* out = static_cast<std::int64_t*>(launch.out.data);
  const std::int64_t count = launch.out.shape.size();
  std::fill_n(out, count, 0);
  const std::int64_t bad = kernels::count_values(x.dtype, x.data, x.shape.size(), out, count);
  if (bad >= 0)
    launch.fail("expected every element to be a whole number from 0 to " + std::to_string(count - 1) + ", got " +
                written(x, bad) + " at position " + position(x.shape, bad));
}

/// Attribute 0 is the length of the result. Counting in place is 6 times as fast as adding ones by segment.
constexpr Op count_op{.name = "bincount",
                      .infer = [](Recording& call) { call.result(Shape{call.attribute(0)}, int64); },
                      .fails = true,
                      .run = run_count};

Tensor counted(const Bins& bins) {
  if (bins.count == 0) return zeros({0}, {.dtype = int64});
  return record(count_op, {bins.ids}, {.a = bins.count});
}

Tensor counted(const Bins& bins, const Tensor& weights) {
  if (bins.count == 0) return zeros({0}, {.dtype = weights.dtype()});
  return counted_by(weights, bins.ids, bins.count, "bincount", "element");
}

/// Integers as float64, which holds edges between them.
Tensor real(const Tensor& x) { return is_floating(x.dtype()) ? x : cast(x, float64); }

Tensor edges_of(const char* name, const Arg& x, const HistogramOptions& options) {
  const Tensor t = real(x.tensor());
  if (options.edges.defined()) {
    if (options.edges.rank() != 1 || options.edges.size() < 2)
      throw ShapeError(std::string("[") + name + "] expected a vector of at least two edges, got " +
                       to_string(options.edges.shape()) + place(x.where()));
    return real(options.edges);
  }
  if (options.bins < 1)
    throw ValueError(std::string("[") + name + "] expected 1 bin or more, got " + std::to_string(options.bins) +
                     place(x.where()));
  const TensorOptions like{.dtype = t.dtype()};
  Tensor low(options.low, like), high(options.high, like);
  if (!(options.low < options.high)) {
    const bool empty = t.size() == 0;
    const Tensor least = empty ? Tensor(0.0, like) : min(t), most = empty ? Tensor(1.0, like) : max(t);
    const Tensor same = equal(least, most);
    low = where(same, least - 0.5, least);
    high = where(same, most + 0.5, most);
  }
  const Tensor k = cast(arange(options.bins + 1), t.dtype());
  return where(equal(k, options.bins), high, k * ((high - low) / options.bins) + low);
}

}  // namespace

Tensor argsort(const Arg& x, int axis, bool descending) {
  const Tensor t = x.tensor();
  return record(argsort_op, {Arg(t, x.where())},
                {.a = axis_from_end("argsort", t, axis, x.where()), .b = descending});
}

Tensor sort(const Arg& x, int axis, bool descending) {
  const Within here("sort", x);
  const Tensor t = x.tensor();
  axis_from_end("sort", t, axis, x.where());
  return take_along_axis(t, argsort(t, axis, descending), axis);
}

TopK top_k(const Arg& x, std::int64_t k, int axis) {
  const Within here("top_k", x);
  const Tensor t = x.tensor();
  const Tensor indices = record(arg_top_op, {t}, {.a = axis_from_end("top_k", t, axis, x.where()), .b = k});
  return {take_along_axis(t, indices, axis), indices};
}

Tensor searchsorted(const Arg& sorted, const Arg& values, Side side) {
  return record(search_op, {sorted, values}, {.a = side == Side::right});
}

Tensor digitize(const Arg& x, const Arg& bins, bool right) {
  const Within here("digitize", x);
  const Tensor t = x.tensor(), edges = bins.tensor();
  if (edges.rank() != 1)
    throw ShapeError("[digitize] expected a vector of bins, got " + to_string(edges.shape()) + place(x.where()));
  const Tensor up = searchsorted(edges, t, right ? Side::left : Side::right);
  if (edges.size() == 0) return up;
  // Turning around needs the dtype in which both are compared.
  const DType dtype = std::max(t.dtype(), edges.dtype());
  const Tensor down = searchsorted(turned(cast(edges, dtype)), turned(cast(t, dtype)),
                                   right ? Side::right : Side::left);
  const Tensor ascends = less_equal(slice_axis(edges, 0, {0, 1}), slice_axis(edges, 0, {-1}));
  return where(reshape(ascends, {}), up, down);
}

Tensor isin(const Arg& x, const Arg& among, bool invert) {
  const Within here("isin", x);
  const Tensor t = x.tensor();
  const Tensor sorted = sort(reshape(among.tensor(), {-1}));
  const Tensor found = not_equal(searchsorted(sorted, t, Side::left), searchsorted(sorted, t, Side::right));
  const Tensor is_one = is_floating(t.dtype()) ? logical_and(found, equal(t, t)) : found;
  return invert ? logical_not(is_one) : is_one;
}

Unique unique(const Arg& x) {
  const Within here("unique", x);
  const Tensor t = x.tensor(), flat = reshape(t, {-1});
  const Tensor order = argsort(flat), sorted = take(flat, order);
  eval({order, sorted});
  const std::span<const std::int64_t> places = order.data<std::int64_t>();
  std::vector<std::int64_t> index, counts, inverse(places.size());
  with_dtype(t.dtype(), [&]<class T>(T) {
    const std::span<const T> values = sorted.data<T>();
    for (std::size_t i = 0; i < values.size(); ++i) {
      const bool both_nan = i > 0 && values[i] != values[i] && values[i - 1] != values[i - 1];
      if (i == 0 || !(values[i] == values[i - 1] || both_nan)) {
        index.push_back(places[i]);
        counts.push_back(0);
      }
      ++counts.back();
      inverse[static_cast<std::size_t>(places[i])] = static_cast<std::int64_t>(index.size()) - 1;
    }
  });
  const Shape found{static_cast<std::int64_t>(index.size())};
  const Tensor first = tensor(index, found);
  return {take(flat, first), first, tensor(inverse, t.shape()), tensor(counts, found)};
}

Tensor bincount(const Arg& x, std::int64_t minlength, std::int64_t length) {
  const Within here("bincount", x);
  return counted(bins_of(x, minlength, length));
}

Tensor bincount(const Arg& x, const Tensor& weights, std::int64_t minlength, std::int64_t length) {
  const Within here("bincount", x);
  const Tensor t = x.tensor();
  if (weights.shape() != t.shape())
    throw ShapeError("[bincount] expected a weight for each element of " + to_string(t.shape()) + ", got " +
                     to_string(weights.shape()) + place(x.where()));
  return counted(bins_of(x, minlength, length), reshape(weights, {-1}));
}

Tensor histogram_bin_edges(const Arg& x, const HistogramOptions& options) {
  const Within here("histogram_bin_edges", x);
  return edges_of("histogram_bin_edges", x, options);
}

Histogram histogram(const Arg& x, const HistogramOptions& options) {
  const Within here("histogram", x);
  const Tensor edges = edges_of("histogram", x, options);
  const Tensor flat = reshape(real(x.tensor()), {-1});
  const std::int64_t bins = edges.size() - 1;
  const Tensor above = searchsorted(edges, flat, Side::right) - 1;
  const Tensor bin = where(equal(flat, slice_axis(edges, 0, {-1})), bins - 1, above);
  const Tensor inside = logical_and(greater_equal(bin, 0), less(bin, bins));
  Tensor counts;
  if (options.weights.defined()) {
    if (options.weights.shape() != x.tensor().shape())
      throw ShapeError("[histogram] expected a weight for each element of " + to_string(x.tensor().shape()) +
                       ", got " + to_string(options.weights.shape()) + place(x.where()));
    const Tensor weights = reshape(options.weights, {-1});
    counts = segment_sum(where(inside, weights, zeros_like(weights)), clip(bin, 0, bins - 1), bins);
  } else {
    // What lies outside is counted in a bin of its own.
    counts = slice_axis(counted({where(inside, bin, bins), bins + 1}), 0, {0, bins});
  }
  if (options.density) {
    const Tensor widths = slice_axis(edges, 0, {1}) - slice_axis(edges, 0, {0, -1});
    counts = counts / widths / sum(counts);
  }
  return {counts, edges};
}

Rows sorting_rows() {
  using In = std::span<const Tensor>;
  static const double nan = __builtin_nan(""), inf = __builtin_inf();
  static const auto given = [](const Shape& shape, std::vector<double> values, DType dtype = int64) {
    return SampleInput{.shape = shape, .dtype = dtype, .values = std::move(values)};
  };
  static const std::vector<Sample> lines = {{{{.shape = {2, 5}}}},
                                            {{{.shape = {4, 3}, .broadcast = true}}},
                                            {{{.shape = {0, 3}}}},
                                            {{{.shape = {3, 4}, .strided = true}}}};
  static const std::vector<Sample> searches = {{{given({4}, {-1, 0, 0.5, 3}, float64), {.shape = {2, 3}}}},
                                               {{given({3}, {-1, 0, 1}, float64), {.shape = {}}}},
                                               {{given({0}, {}, float64), {.shape = {2}}}},
                                               {{given({2}, {-1, 1}, float64), {.shape = {0}}}},
                                               {{given({2}, {-1, 1}, float64), {.shape = {3, 2}, .strided = true}}}};
  static const char* const no_scalar = "a scalar has no axis";
  static const char* const places = "its result is places";
  static const std::vector<Row> rows = {
      {.name = "sort",
       .call = [](In in) { return sort(in[0], in[0].shape()[0] == 3 ? 0 : -1, in[0].shape()[0] == 2); },
       .samples = lines,
       .special = {{[] { return sort(doubles({nan, 3, -inf, -0.0, 0, nan, inf, 0, -0.0})); },
                    {-inf, -0.0, 0, 0, -0.0, 3, inf, nan, nan}},
                   {[] { return sort(doubles({nan, 3, -0.0, 0, -inf}), 0, true); }, {3, -0.0, 0, -inf, nan}},
                   {[] { return sort(doubles({5e-324, -5e-324, 0})); }, {-5e-324, 0, 5e-324}},
                   {[] { return sort(tensor({200, 7, 255, 0}, {.dtype = uint8})); }, {0, 7, 200, 255}},
                   {[] { return sort(tensor({1, 0, 1}, {.dtype = bool_}), -1, true); }, {1, 1, 0}},
                   {[] {
                      const Tensor x = doubles({2, 1, 2});
                      return grad(sum(sort(x) * doubles({1, 2, 3})), x);
                    },
                    {2, 1, 3}}},
       .errors = {{[] { return sort(1.0); }, "[sort] expected an axis"},
                  {[] { return sort(zeros({2}), 1); }, "[sort] expected an axis from -1 to 0, got 1"}},
       .fewer_samples = no_scalar},
      {.name = "argsort",
       .call = [](In in) { return argsort(in[0], 0); },
       .samples = lines,
       .special = {{[] { return argsort(doubles({2, nan, 1, 2, nan, 1})); }, {2, 5, 0, 3, 1, 4}},
                   {[] { return argsort(doubles({2, nan, 1, 2, nan, 1}), 0, true); }, {0, 3, 2, 5, 1, 4}},
                   {[] { return argsort(tensor({{3, 1}, {2, 5}}, {.dtype = int32}), 0); }, {1, 0, 0, 1}}},
       .errors = {{[] { return argsort(zeros({2}), -2); }, "[argsort] expected an axis"}},
       .no_derivative = places,
       .fewer_samples = no_scalar},
      {.name = "top_k",
       .call = [](In in) { return top_k(in[0], 2).values; },
       .samples = lines,
       .special = {{[] { return top_k(doubles({1, nan, 3, 3}), 3).indices; }, {1, 2, 3}},
                   {[] { return top_k(tensor({{3, 1}, {2, 5}}, {.dtype = uint8}), 1, 0).values; }, {3, 5}},
                   {[] { return top_k(zeros({0, 2}), 0, 0).values; }, {}}},
       .errors = {{[] { return top_k(zeros({3}), 4).values; }, "[top_k] expected k from 0 to 3, not 4"},
                  {[] { return top_k(zeros({3}), -1).values; }, "k from 0 to 3, not -1"},
                  {[] { return top_k(zeros({3}), 1, 1).values; }, "[top_k] expected an axis"}},
       .fewer_samples = no_scalar},
      {.name = "unique",
       .call = [](In in) { return unique(in[0]).values; },
       .samples = unary_samples(-2, 2),
       .special = {{[] { return unique(doubles({2, nan, 1, 2, nan})).values; }, {1, 2, nan}},
                   {[] { return unique(doubles({2, nan, 1, 2, nan})).inverse; }, {1, 2, 0, 1, 2}}}},
      {.name = "histogram",
       .call = [](In in) { return histogram(in[0], {.bins = 3, .weights = in[1], .density = true}).counts; },
       .samples = {{{given({2, 2}, {0.2, 0.5, 3, 1}, float64), {.shape = {2, 2}, .low = 1, .high = 2}}},
                   {{given({2, 2}, {0.2, 2, 3, 1}, float64),
                     {.shape = {2, 2}, .low = 1, .high = 2, .broadcast = true}}},
                   {{given({}, {0.2}, float64), {.shape = {}, .low = 1, .high = 2}}},
                   {{given({3, 2}, {0, 1, 2, 5, 6, 7}, int64),
                     {.shape = {3, 2}, .low = 1, .high = 2, .strided = true}}}},
       .special = {{[] { return histogram(doubles({0, 1, 2, nan, 5}), {.bins = 2, .low = 0, .high = 2}).counts; },
                    {1, 2}},
                   {[] { return histogram(zeros({0})).counts; }, std::vector<double>(10, 0.0)}},
       .errors = {{[] { return histogram(zeros({2}), {.weights = zeros({3})}).counts; },
                   "[histogram] expected a weight for each element of (2,), got (3,)"},
                  {[] { return histogram(zeros({2}), {.bins = -1}).counts; }, "[histogram] expected 1 bin or more"}},
       .fewer_samples = "no element makes a density of 0 / 0"},
      {.name = "searchsorted",
       .call = [](In in) { return searchsorted(in[0], in[1]); },
       .samples = searches,
       .special = {{[] { return searchsorted(ints({1, 2, 2, 3}), ints({0, 1, 2, 3, 4})); }, {0, 0, 1, 3, 4}},
                   {[] { return searchsorted(ints({1, 2, 2, 3}), ints({0, 1, 2, 3, 4}), Side::right); },
                    {0, 1, 3, 4, 4}},
                   {[] { return searchsorted(doubles({1, inf, nan, nan}), doubles({nan, inf, -inf})); }, {2, 1, 0}},
                   {[] { return searchsorted(doubles({1, nan, nan}), nan, Side::right); }, {3}},
                   {[] { return searchsorted(ints({1, 2, 3}), doubles({2.5, 0.5})); }, {2, 0}},
                   {[] { return searchsorted(tensor({{1., 5.}, {2., 3.}}), tensor({{4.}, {4.}})); }, {1, 2}}},
       .errors = {{[] { return searchsorted(1.0, 2.0); }, "[searchsorted] expected a sorted vector"},
                  {[] { return searchsorted(zeros({2, 3}), zeros({3, 3})); }, "expected rows of values"}},
       .no_derivative = places},
      {.name = "digitize",
       .call = [](In in) { return digitize(in[1], in[0]); },
       .samples = searches,
       .special = {{[] { return digitize(doubles({0.2, 6.4, 3, 1}), doubles({0, 1, 2.5, 4, 10})); }, {1, 4, 3, 2}},
                   {[] { return digitize(ints({1, 2, 3}), ints({1, 2, 3}), true); }, {0, 1, 2}},
                   {[] { return digitize(ints({0, 1, 2, 4}), ints({3, 2, 1})); }, {3, 2, 1, 0}},
                   {[] { return digitize(ints({0, 1, 2, 3, 4}), ints({3, 2, 1}), true); }, {3, 3, 2, 1, 0}}},
       .errors = {{[] { return digitize(zeros({2}), zeros({2, 2})); }, "[digitize] expected a vector of bins"}},
       .no_derivative = places},
      {.name = "isin",
       .call = [](In in) { return isin(in[1], in[0]); },
       .samples = searches,
       .special = {{[] { return isin(doubles({1, nan, -0.0, 2}), doubles({nan, 0, 2})); }, {0, 0, 1, 1}},
                   {[] { return isin(ints({1, 2}), tensor({{2., 3.}}), true); }, {1, 0}}},
       .no_derivative = "it compares"},
      {.name = "bincount",
       .call = [](In in) { return bincount(in[0], in[1], 3); },
       .samples = {{{given({2, 2}, {0, 4, 0, 1}), {.shape = {2, 2}}}},
                   {{given({3}, {0, 1, 1}), {.shape = {3}, .broadcast = true}}},
                   {{given({}, {1}), {.shape = {}}}},
                   {{given({0}, {}), {.shape = {0}}}},
                   {{given({3, 2}, {0, 1, 1, 2, 0, 0}), {.shape = {3, 2}, .strided = true}}}},
       .special = {{[] { return bincount(ints({1, 3, 1})); }, {0, 2, 0, 1}},
                   {[] { return bincount(tensor({1, 0, 1}, {.dtype = bool_}), 3); }, {1, 2, 0}},
                   {[] { return bincount(zeros({0}, {.dtype = int32})); }, {}},
                   {[] { return bincount(ints({1, 3, 1}), 0, 5); }, {0, 2, 0, 1, 0}}},
       .errors = {{[] { return evaluated(bincount(ints({0, -1}))); }, "got -1 at position (1,)"},
                  {[] { return bincount(ints({-1})); }, "[bincount] expected elements from 0"},
                  {[] { return evaluated(bincount(ints({0, 7}), 0, 5)); },
                   "[bincount] expected every element to be a whole number from 0 to 4, got 7 at position (1,)"},
                  {[] { return bincount(zeros({2})); }, "integer dtype"},
                  {[] { return bincount(ints({1}), -1); }, "[bincount] expected a length of 0 or more, got -1"},
                  {[] { return bincount(ints({1}), zeros({2})); }, "a weight for each element of (1,)"}}},
      {.name = "histogram_bin_edges",
       .call = [](In in) { return histogram_bin_edges(in[0], {.bins = 3}); },
       .samples = unary_samples(-2, 2),
       .special = {{[] { return histogram_bin_edges(ints({0, 4}), {.bins = 4}); }, {0, 1, 2, 3, 4}},
                   {[] { return histogram_bin_edges(doubles({}), {.bins = 2}); }, {0, 0.5, 1}},
                   {[] { return histogram_bin_edges(ints({3}), {.bins = 2}); }, {2.5, 3, 3.5}}},
       .errors = {{[] { return histogram_bin_edges(zeros({2}), {.bins = 0}); }, "expected 1 bin or more, got 0"},
                  {[] { return histogram_bin_edges(zeros({2}), {.edges = zeros({1})}); }, "at least two edges"}}},
  };
  return rows;
}

}  // namespace xgrad
