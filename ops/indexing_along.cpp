// take_along_axis and put_along_axis: indices that differ from line to line.

#include <xgrad/kernels/sequences.hpp>
#include <xgrad/ops/elementwise.hpp>
#include <xgrad/ops/indexed.hpp>
#include <xgrad/ops/indexing.hpp>
#include <xgrad/ops/table.hpp>

#include <cstring>

namespace xgrad {
namespace {

/// Attribute 0 is the axis counted from the end. The shapes agree but along it.
void infer_take_along(Recording& call) {
  check_index_type(call, 1);
  call.result(call.shape(1), call.dtype(0));
}

void run_take_along(const Launch& launch) {
  const View &x = launch.in[0], &indices = launch.in[1];
  const Sides sizes = sides_of(x.shape, launch.attributes[0]);
  check_indices(launch, indices, sizes.count);
  kernels::gather_along(indices.dtype, x.data, indices.data, launch.out.data, sizes.outer, sizes.count,
                        sides_of(indices.shape, launch.attributes[0]).count, sizes.inner, size_of(x.dtype));
}

Tensor take_along_back(const Applied& c, const Tensor& g);

constexpr Op take_along_op{.name = "take_along_axis",
                           .infer = infer_take_along,
                           .rules = {take_along_back},
                           .linear = true,
                           .fails = true,
                           .run = run_take_along,
                           .leading = Leading::batch};

/// Inputs: what was taken, the indices, and the array it was taken from, which lends its shape.
void infer_add_along(Recording& call) {
  check_index_type(call, 1);
  call.result(call.shape(2), call.dtype(0));
}

template <kernels::Combine combine>
void combine_along(const Launch& launch, const View& values, const View& indices) {
  const Sides sizes = sides_of(launch.out.shape, launch.attributes[0]);
  check_indices(launch, indices, sizes.count);
  kernels::scatter_along(combine, values.dtype, indices.dtype, values.data, indices.data, launch.out.data,
                         sizes.outer, sizes.count, sides_of(indices.shape, launch.attributes[0]).count, sizes.inner);
}

std::size_t bytes_of(const View& view) { return static_cast<std::size_t>(view.shape.size()) * size_of(view.dtype); }

constexpr Op add_along_op{
    .name = "add_along_axis",
    .infer = infer_add_along,
    .rules = {[](const Applied& c, const Tensor& g) {
      return record(take_along_op, {g, c.in(1)}, {.a = c.attribute(0)});
    }},
    .linear = true,
    .fails = true,
    .shape_only = 4,
    .run = [](const Launch& launch) {
      if (launch.out.shape.size() > 0) std::memset(launch.out.data, 0, bytes_of(launch.out));
      combine_along<kernels::Combine::add>(launch, launch.in[0], launch.in[1]);
    },
    .leading = Leading::batch};

Tensor take_along_back(const Applied& c, const Tensor& g) {
  return record(add_along_op, {g, c.in(1), c.in(0)}, {.a = c.attribute(0)});
}

/// Inputs: an array, indices and values shaped like the indices.
void infer_put_along(Recording& call) {
  check_index_type(call, 1);
  if (call.dtype(2) != call.dtype(0)) call.dtype_error("expected values of the array's dtype");
  call.result(call.shape(0), call.dtype(0));
}

void run_put_along(const Launch& launch) {
  if (launch.out.shape.size() > 0) std::memcpy(launch.out.data, launch.in[0].data, bytes_of(launch.out));
  combine_along<kernels::Combine::set>(launch, launch.in[2], launch.in[1]);
}

Tensor put_along_back(const Applied& c, const Tensor& g);

constexpr Op put_along_op{.name = "put_along_axis",
                          .infer = infer_put_along,
                          .rules = {put_along_back, nullptr, put_along_back},
                          .fails = true,
                          .run = run_put_along,
                          .leading = Leading::batch};

/// What was replaced gets no gradient, neither do values that another one replaced.
Tensor put_along_back(const Applied& c, const Tensor& g) {
  const Tensor indices = c.in(1), values = c.in(2);
  const Attributes axis{.a = c.attribute(0)};
  if (c.argument() == 0) return record(put_along_op, {g, indices, zeros_like(values)}, axis);
  const Tensor numbers = element_numbers(values);
  const Tensor last = record(put_along_op, {cast(zeros_like(g), int64), indices, numbers}, axis);
  const Tensor stayed = equal(record(take_along_op, {last, indices}, axis), numbers);
  return where(stayed, record(take_along_op, {g, indices}, axis), 0);
}

constexpr Op element_numbers_op{
    .name = "element_numbers",
    .infer = [](Recording& call) { call.result(call.shape(0), int64); },
    .shape_only = 1,
    .run = [](const Launch& launch) {
      kernels::count_up(int64, launch.out.data, launch.out.shape.size());
    }};

/// The axis counted from the end, for two tensors of one rank whose other axes fit together.
std::int64_t common_axis(const char* name, const Tensor& x, const Tensor& indices, int axis, bool x_grows,
                         const Location& where) {
  const std::uint32_t mask = mask_from_end(axis, x.rank(), name, where);
  const int at = x.rank() - 1 - __builtin_ctz(mask);
  bool fits = x.rank() == indices.rank();
  for (int i = 0; fits && i < x.rank(); ++i)
    fits = i == at || x.shape()[i] == indices.shape()[i] || indices.shape()[i] == 1 ||
           (x_grows && x.shape()[i] == 1);
  if (!fits)
    throw ShapeError(std::string("[") + name + "] expected indices that fit the array but along axis " +
                     std::to_string(at) + ", got " + to_string(x.shape()) + " and indices of " +
                     to_string(indices.shape()) + place(where));
  return at - x.rank();
}

/// a broadcast to the lengths of b, but along an axis counted from the end.
Tensor broadcast_but(const Tensor& a, const Tensor& b, std::int64_t axis) {
  bool same = true;
  for (int i = 0; i < a.rank(); ++i) same &= i == axis + a.rank() || a.shape()[i] == b.shape()[i];
  if (same) return a;
  const Tensor lengths = sum(zeros_like(b), static_cast<int>(axis), true);
  return broadcast_like(a, zeros_like(a) + lengths);
}

}  // namespace

Tensor element_numbers(const Tensor& like) { return record(element_numbers_op, {like}); }

Tensor placed_values(const char* name, const Tensor& x, const Arg& values, const Tensor& shape_of) {
  Tensor v = values.tensor();
  const bool fits = values.kind() == Arg::Kind::tensor ? v.dtype() <= x.dtype()
                                                       : values.kind() != Arg::Kind::real || is_floating(x.dtype());
  if (!fits)
    throw DTypeError(std::string("[") + name + "] expected values that fit into " + name_of(x.dtype()) + ", got " +
                     name_of(v.dtype()) + place(values.where()));
  if (values.kind() == Arg::Kind::real) v = Tensor(values.real(), {.dtype = x.dtype()});
  if (v.dtype() != x.dtype()) v = cast(v, x.dtype());
  return v.shape() == shape_of.shape() ? v : broadcast_like(v, shape_of);
}

Tensor take_along_axis(const Arg& x, const Arg& indices, int axis) {
  const Within here("take_along_axis", x);
  const Tensor t = x.tensor(), places = indices.tensor();
  const std::int64_t at = common_axis("take_along_axis", t, places, axis, true, x.where());
  return record(take_along_op, {broadcast_but(t, places, at), broadcast_but(places, t, at)}, {.a = at});
}

Tensor put_along_axis(const Arg& x, const Arg& indices, const Arg& values, int axis) {
  const Within here("put_along_axis", x);
  const Tensor t = x.tensor();
  const std::int64_t at = common_axis("put_along_axis", t, indices.tensor(), axis, false, x.where());
  const Tensor places = broadcast_but(indices.tensor(), t, at);
  return record(put_along_op, {t, places, placed_values("put_along_axis", t, values, places)}, {.a = at});
}

Rows along_rows() {
  using In = std::span<const Tensor>;
  static const auto index = [](const Shape& shape, std::vector<double> values) {
    return SampleInput{.shape = shape, .dtype = int64, .values = std::move(values)};
  };
  static const char* const no_scalar = "a scalar has no axis";
  static const std::vector<Row> rows = {
      {.name = "take_along_axis",
       .call = [](In in) { return take_along_axis(in[0], in[1], in[0].rank() > 2 ? 1 : -1); },
       .samples = {{{{.shape = {2, 3}}, index({2, 2}, {2, 0, -1, -1})}},
                   {{{.shape = {2, 3, 2}}, index({2, 1, 2}, {2, 0, 1, 1})}},
                   {{{.shape = {2, 3}, .broadcast = true}, index({1, 4}, {0, 1, 1, -3})}},
                   {{{.shape = {1, 3}}, index({2, 2}, {0, 1, 1, 2})}},
                   {{{.shape = {0, 3}}, index({1, 2}, {0, 1})}},
                   {{{.shape = {2, 3}}, index({2, 0}, {})}},
                   {{{.shape = {3, 2}, .strided = true}, index({3, 1}, {0, 1, 1})}}},
       .special = {{[] { return take_along_axis(ints({5, 6, 7}), ints({-1, 0}), 0); }, {7, 5}},
                   {[] { return take_along_axis(tensor({{1, 2}, {3, 4}}), tensor({{1, 0}}, {.dtype = uint8}), 0); },
                    {3, 2}}},
       .errors = {{[] { return evaluated(take_along_axis(zeros({2, 3}), tensor({{0}, {3}}, {.dtype = int32}), 1)); },
                   "[take_along_axis] expected indices from -3 to 2, got 3 at position (1, 0)"},
                  {[] { return take_along_axis(zeros({2, 3}), zeros({3, 3}, {.dtype = int64}), 1); },
                   "expected indices that fit the array but along axis 1, got (2, 3) and indices of (3, 3)"},
                  {[] { return take_along_axis(zeros({2, 3}), ints({0}), 1); }, "indices of (1,)"},
                  {[] { return take_along_axis(zeros({2}), zeros({2}), 0); }, "integer dtype"},
                  {[] { return take_along_axis(zeros({2}), ints({0}), 1); }, "[take_along_axis] expected an axis"}},
       .fewer_samples = no_scalar},
      {.name = "put_along_axis",
       .call = [](In in) { return put_along_axis(in[0], in[1], in[2], -1); },
       .samples = {{{{.shape = {2, 3}}, index({2, 2}, {2, 0, -1, 2}), {.shape = {2, 2}}}},
                   {{{.shape = {2, 3}}, index({1, 2}, {1, 1}), {.shape = {2}}}},
                   {{{.shape = {2, 3}, .broadcast = true}, index({1, 1}, {0}), {.shape = {2, 1}}}},
                   {{{.shape = {0, 3}}, index({1, 2}, {0, 1}), {.shape = {}}}},
                   {{{.shape = {2, 3}}, index({2, 0}, {}), {.shape = {2, 0}}}},
                   {{{.shape = {3, 2}, .strided = true}, index({3, 1}, {0, 1, 1}), {.shape = {3, 1}}}}},
       .special = {{[] { return put_along_axis(ints({5, 6, 7}), ints({-1, 0, 2}), ints({1, 2, 3}), 0); }, {2, 6, 3}},
                   {[] { return put_along_axis(doubles({5, 6}), ints({1}), 0.5, 0); }, {5, 0.5}},
                   {[] { return put_along_axis(tensor({{1, 2}, {3, 4}}), tensor({{1, 0}}, {.dtype = uint8}), 9, 0); },
                    {1, 9, 9, 4}}},
       .errors = {{[] { return evaluated(put_along_axis(zeros({3}), ints({0, -4}), 1, 0)); },
                   "[put_along_axis] expected indices from -3 to 2, got -4 at position (1,)"},
                  {[] { return put_along_axis(zeros({1, 3}), zeros({2, 3}, {.dtype = int64}), 1, 1); },
                   "[put_along_axis] expected indices that fit the array"},
                  {[] { return put_along_axis(ints({1, 2}), ints({0}), 0.5, 0); },
                   "expected values that fit into int64, got float32"},
                  {[] { return put_along_axis(zeros({3}), ints({0}), doubles({1}), 0); }, "got float64"},
                  {[] { return put_along_axis(zeros({3}), ints({0, 1}), zeros({3}), 0); }, "broadcast"}}},
  };
  return rows;
}

}  // namespace xgrad
