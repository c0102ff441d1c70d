#include <xgrad/ops/indexing.hpp>

#include <xgrad/graph/leading.hpp>
#include <xgrad/kernels/indexing.hpp>
#include <xgrad/ops/elementwise.hpp>
#include <xgrad/ops/indexed.hpp>
#include <xgrad/ops/scatter.hpp>
#include <xgrad/ops/shape.hpp>
#include <xgrad/ops/table.hpp>

#include <cmath>
#include <string>

namespace xgrad {
namespace {

// --- gathering -------------------------------------------------------------------------------------------------------

void infer_take(Recording& call) {
  const Shape &shape = call.shape(0), &indices = call.shape(1);
  check_index_type(call, 1);
  const int axis = call.axis(call.attribute(0), shape.rank());
  const int rank = shape.rank() - 1 + indices.rank();
  if (rank > max_rank) call.shape_error("expected a result of at most 8 axes, not " + std::to_string(rank));
  Shape result;
  for (int i = 0; i < axis; ++i) result.append(shape[i]);
  for (const std::int64_t length : indices) result.append(length);
  for (int i = axis + 1; i < shape.rank(); ++i) result.append(shape[i]);
  call.result(result, call.dtype(0));
}

void run_take(const Launch& launch) {
  const View &x = launch.in[0], &indices = launch.in[1];
  const Sides sizes = sides_of(x.shape, launch.attributes[0]);
  check_indices(launch, indices, sizes.count);
  if (launch.out.shape.size() == 0) return;
  kernels::gather(indices.dtype, x.data, indices.data, launch.out.data, sizes.outer, sizes.count, indices.shape.size(),
                  static_cast<std::size_t>(sizes.inner) * size_of(x.dtype));
}

Tensor take_back(const Applied& c, const Tensor& g);
Tensor take_lead(const Applied& c, std::span<const Tensor> in, std::span<const std::uint8_t> leads, std::int64_t count);
Tensor put_lead(const Applied& c, std::span<const Tensor> in, std::span<const std::uint8_t> leads, std::int64_t count);

constexpr Op take_op{.name = "take",
                     .infer = infer_take,
                     .rules = {take_back},
                     .linear = true,
                     .fails = true,
                     .run = run_take,
                     .lead = take_lead};

// --- its reverse -----------------------------------------------------------------------------------------------------

/// Inputs: what was taken, the indices, and the array it was taken from, which lends its shape. What was taken is added
/// to zeros in its places.
void infer_put(Recording& call) {
  check_index_type(call, 1);
  call.result(call.shape(2), call.dtype(0));
}

void run_put(const Launch& launch) {
  const View &values = launch.in[0], &indices = launch.in[1];
  const Sides sizes = sides_of(launch.out.shape, launch.attributes[0]);
  check_indices(launch, indices, sizes.count);
  if (launch.out.shape.size() == 0) return;
  kernels::scatter_add(values.dtype, indices.dtype, values.data, indices.data, launch.out.data, sizes.outer,
                       sizes.count, indices.shape.size(), sizes.inner);
}

constexpr Op put_op{
    .name = "put_back",
    .infer = infer_put,
    .rules = {[](const Applied& c, const Tensor& g) { return record(take_op, {g, c.in(1)}, {.a = c.attribute(0)}); }},
    .linear = true,
    .fails = true,
    .shape_only = 4,
    .run = run_put,
    .lead = put_lead};

Tensor take_back(const Applied& c, const Tensor& g) {
  return record(put_op, {g, c.in(1), c.in(0)}, {.a = c.attribute(0)});
}

// --- a new leading axis ----------------------------------------------------------------------------------------------

/// The axis that is taken along, counted from the front, of the array without a leading axis.
int taken_axis(const Applied& c, const Tensor& array) { return static_cast<int>(c.attribute(0)) + array.rank(); }

/// Indices that differ from place to place choose in batches; the chosen part then goes where the axis was.
Tensor take_lead(const Applied& c, std::span<const Tensor> in, std::span<const std::uint8_t> leads, std::int64_t) {
  if (!leads[1]) return c.again(in);
  const int axis = taken_axis(c, c.in(0)), width = c.in(1).rank();
  if (!leads[0]) {
    // The indices' axes, the new one first among them, stand where the axis was.
    return axis == 0 ? c.again(in) : moveaxis(c.again(in), axis, 0);
  }
  const Tensor from = axis == 0 ? in[0] : moveaxis(in[0], axis + 1, 1);
  Tensor chosen = gather_nd(from, expand_dims(in[1], -1), 1);
  for (int i = 0; i < axis && width > 0; ++i) chosen = moveaxis(chosen, 1 + width + i, 1 + i);
  return chosen;
}

Tensor put_lead(const Applied& c, std::span<const Tensor> in, std::span<const std::uint8_t> leads, std::int64_t count) {
  const Tensor like = repeat_leading(c.in(2), count), values = leads[0] ? in[0] : repeat_leading(in[0], count);
  const Tensor at = leads[2] ? in[2] : like;
  if (!leads[1]) return c.again({values, in[1], at});
  // The reverse of choosing in batches.
  const Tensor zero = zeros_like(cast(at, values.dtype())), indices = in[1];
  const Tensor taken = take_lead(Applied(record(take_op, {c.in(2), c.in(1)}, {.a = c.attribute(0)}).node(), 0),
                                 std::vector{zero, indices}, std::vector<std::uint8_t>{1, 1}, count);
  return grad(taken, zero, {.seed = values});
}

// --- checking --------------------------------------------------------------------------------------------------------

void infer_check(Recording& call) {
  if (call.attribute(0) <= 0)
    call.value_error("expected 1 class or more, not " + std::to_string(call.attribute(0)));
  call.result(call.shape(0), call.dtype(0));
}

template <class T>
std::int64_t find_bad_label(const T* labels, std::int64_t length, std::int64_t classes) {
  const T end = static_cast<T>(classes);
  for (std::int64_t i = 0; i < length; ++i)
    if (!(labels[i] >= 0 && labels[i] < end) || std::floor(labels[i]) != labels[i]) return i;
  return -1;
}

void run_check(const Launch& launch) {
  const View& x = launch.in[0];
  const std::int64_t length = x.shape.size(), classes = launch.attributes[0];
  std::int64_t bad = -1;
  switch (x.dtype) {
    case DType::float32: bad = find_bad_label(static_cast<const float*>(x.data), length, classes); break;
    case DType::float64: bad = find_bad_label(static_cast<const double*>(x.data), length, classes); break;
    case DType::bool_: bad = kernels::find_bad_index(uint8, x.data, length, classes, false); break;
    default: bad = kernels::find_bad_index(x.dtype, x.data, length, classes, false);
  }
  if (bad < 0) return;
  const std::string what = launch.text.empty() ? "value" : std::string(launch.text);
  launch.fail("expected every " + what + " to be a whole number from 0 to " + std::to_string(classes - 1) + ", got " +
              written(x, bad) + " at position " + position(x.shape, bad));
}

constexpr Op check_labels_op{.name = "check_labels",
                             .kind = Kind::check,
                             .infer = infer_check,
                             .rules = {[](const Applied&, const Tensor& g) { return g; }},
                             .fails = true,
                             .run = run_check};

}  // namespace

Tensor take(const Arg& x, const Arg& indices, int axis) {
  const Tensor t = x.tensor();
  const std::uint32_t mask = mask_from_end(axis, t.rank(), "take", x.where());
  return record(take_op, {Arg(t, x.where()), indices}, {.a = -1 - __builtin_ctz(mask)});
}

Tensor one_hot(const Arg& x, std::int64_t classes, DType dtype) {
  const Within here("one_hot", x);
  if (classes <= 0)
    throw ValueError("[one_hot] expected 1 class or more, got " + std::to_string(classes) + place(x.where()));
  return cast(equal(expand_dims(x, -1), arange(classes)), dtype);
}

Tensor check_labels(const Arg& x, std::int64_t classes, std::string_view what) {
  return record(check_labels_op, {x}, {.a = classes, .text = what});
}

Rows indexing_rows() {
  using In = std::span<const Tensor>;
  static const double nan = __builtin_nan("");
  static const auto index = [](const Shape& shape, std::vector<double> values) {
    return SampleInput{.shape = shape, .dtype = int64, .values = std::move(values)};
  };
  static const std::vector<Row> rows = {
      {.name = "take",
       .call = [](In in) { return take(in[0], in[1], in[0].rank() > 2 ? 1 : 0); },
       .samples = {{{{.shape = {3, 2}}, index({2}, {2, 0})}},
                   {{{.shape = {3, 2}}, index({2, 2}, {1, 1, -1, 1})}},
                   {{{.shape = {2, 3, 2}}, index({4}, {0, 2, 2, -3})}},
                   {{{.shape = {3, 2}, .broadcast = true}, index({2}, {2, 0})}},
                   {{{.shape = {3}}, index({}, {1})}},
                   {{{.shape = {3, 0}}, index({2}, {0, 1})}},
                   {{{.shape = {3, 2}}, index({0}, {})}},
                   {{{.shape = {3, 4}, .strided = true}, index({2}, {2, 0})}}},
       .special = {{[] { return take(ints({5, 6, 7}), -1); }, {7}},
                   {[] { return take(tensor({{1., 2.}, {3., 4.}}), tensor({1, 0}, {.dtype = uint8}), -1); },
                    {2, 1, 4, 3}},
                   {[] { return take(zeros({0, 2}), zeros({0}, {.dtype = int32})); }, {}}},
       .errors = {{[] { return evaluated(take(doubles({1, 2, 3}), ints({0, 3}))); },
                   "[take] expected indices from -3 to 2, got 3 at position (1,)"},
                  {[] { return evaluated(take(doubles({1, 2}), ints({-3}))); }, "got -3 at position (0,)"},
                  {[] { return evaluated(take(zeros({0}), ints({0}))); }, "the axis is empty"},
                  {[] { return take(doubles({1, 2}), doubles({0})); }, "integer dtype"},
                  {[] { return take(doubles({1, 2}), 0, 1); }, "[take] expected an axis"},
                  {[] { return take(zeros({1, 1, 1, 1, 1}), zeros({1, 1, 1, 1, 1}, {.dtype = int64})); },
                   "at most 8"}}},
      {.name = "one_hot",
       .call = [](In in) { return one_hot(in[0], 3, float64); },
       .samples = {{{index({2, 2}, {0, 2, 1, 1})}}, {{index({}, {1})}}, {{index({0}, {})}}},
       .special = {{[] { return one_hot(ints({1, -1, 3}), 3); }, {0, 1, 0, 0, 0, 0, 0, 0, 0}},
                   {[] { return one_hot(doubles({nan, 1}), 2, int32); }, {0, 0, 0, 1}},
                   {[] { return one_hot(2, 3, bool_); }, {0, 0, 1}}},
       .errors = {{[] { return one_hot(ints({0}), 0); }, "[one_hot] expected 1 class or more, got 0"}},
       .no_derivative = "it depends on its input by comparison",
       .fewer_samples = "it has one argument, of given values"},
      {.name = "check_labels",
       .call = [](In in) { return check_labels(in[0] * 0, 2) + in[0]; },
       .samples = unary_samples(-2, 2),
       .special = {{[] { return check_labels(ints({0, 2, 1}), 3); }, {0, 2, 1}},
                   {[] { return check_labels(tensor({1, 0}, {.dtype = bool_}), 2); }, {1, 0}}},
       .errors = {{[] { return evaluated(check_labels(ints({0, 1, 10}), 10)); },
                   "expected every label to be a whole number from 0 to 9, got 10 at position (2,)"},
                  {[] { return evaluated(check_labels(reshape(ints({0, 1, -1, 2}), {2, 2}), 3, "class")); },
                   "expected every class to be a whole number from 0 to 2, got -1 at position (1, 0)"},
                  {[] { return evaluated(check_labels(doubles({0, nan}), 3)); }, "got nan at position (1,)"},
                  {[] { return evaluated(check_labels(doubles({0.5}), 3)); }, "got 0.5"},
                  {[] { return check_labels(ints({0}), 0); }, "1 class or more"}}},
  };
  return rows;
}

}  // namespace xgrad
