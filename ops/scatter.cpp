#include <xgrad/ops/scatter.hpp>

#include <xgrad/graph/leading.hpp>
#include <xgrad/ops/elementwise.hpp>
#include <xgrad/ops/indexed.hpp>
#include <xgrad/ops/indexing.hpp>
#include <xgrad/ops/reduce.hpp>
#include <xgrad/ops/shape.hpp>
#include <xgrad/ops/table.hpp>

#include <cstring>
#include <limits>

namespace xgrad {
namespace {

using kernels::Combine;

// --- index tuples ----------------------------------------------------------------------------------------------------

/// The shape of what tuples choose, after checking that they can. The first `batch` axes are common.
Shape chosen_shape(const Recording& call, const Shape& x, const Shape& indices, std::int64_t batch) {
  const int b = static_cast<int>(batch);
  if (batch < 0 || indices.rank() <= b)
    call.shape_error("expected indices of more than " + std::to_string(batch) + " axes, the last of which are tuples");
  const std::int64_t width = indices[-1];
  if (width > x.rank() - b)
    call.shape_error("expected index tuples of at most " + std::to_string(x.rank() - b) + " numbers, not " +
                     std::to_string(width));
  Shape result;
  for (int i = 0; i < b; ++i)
    if (x[i] != indices[i]) call.shape_error("expected the first " + std::to_string(b) + " axes to agree");
  const int tail = x.rank() - b - static_cast<int>(width);
  if (indices.rank() - 1 + tail > max_rank)
    call.shape_error("expected a result of at most 8 axes, not " + std::to_string(indices.rank() - 1 + tail));
  for (int i = 0; i + 1 < indices.rank(); ++i) result.append(indices[i]);
  for (int i = x.rank() - tail; i < x.rank(); ++i) result.append(x[i]);
  return result;
}

/// What the kernels want to know.
struct Tuples {
  std::int64_t count = 1, length = 1, inner = 1;
  const std::int64_t* places = nullptr;
};

std::size_t scratch_for_places(const Applied& c) {
  const Shape& indices = c.in(1).shape();
  std::int64_t tuples = 1;
  for (int i = 0; i + 1 < indices.rank(); ++i) tuples *= indices[i];
  return static_cast<std::size_t>(tuples) * sizeof(std::int64_t);
}

/// Turns tuples into places of slices, in the step's scratch memory; attribute 0 is the number of batch axes.
Tuples tuples_of(const Launch& launch, const Shape& x, const View& indices) {
  const int b = static_cast<int>(launch.attributes[0]), width = static_cast<int>(indices.shape[-1]);
  Tuples result;
  std::int64_t batches = 1, length = 1;
  for (int i = 0; i < b; ++i) batches *= x[i];
  for (int i = b; i + 1 < indices.shape.rank(); ++i) length *= indices.shape[i];
  for (int i = 0; i < x.rank(); ++i) (i < b + width ? result.count : result.inner) *= x[i];
  result.length = batches * length;
  auto* places = static_cast<std::int64_t*>(launch.scratch);
  const std::int64_t bad = kernels::flatten_indices(indices.dtype, indices.data, x.begin() + b, width, batches, length,
                                                    places);
  if (bad >= 0) {
    const int axis = b + static_cast<int>(bad % width);
    const std::string range = x[axis] == 0 ? "no index, for the axis is empty"
                                           : "indices from " + std::to_string(-x[axis]) + " to " +
                                                 std::to_string(x[axis] - 1);
    launch.fail("expected " + range + " along axis " + std::to_string(axis) + ", got " + written(indices, bad) +
                " at position " + position(indices.shape, bad));
  }
  result.places = places;
  return result;
}

std::size_t bytes_of(const View& view) { return static_cast<std::size_t>(view.shape.size()) * size_of(view.dtype); }

// --- gathering -------------------------------------------------------------------------------------------------------

void infer_gather(Recording& call) {
  check_index_type(call, 1);
  call.result(chosen_shape(call, call.shape(0), call.shape(1), call.attribute(0)), call.dtype(0));
}

void run_gather(const Launch& launch) {
  const View& x = launch.in[0];
  const Tuples t = tuples_of(launch, x.shape, launch.in[1]);
  if (launch.out.shape.size() == 0) return;
  kernels::gather(int64, x.data, t.places, launch.out.data, 1, t.count, t.length,
                  static_cast<std::size_t>(t.inner) * size_of(x.dtype));
}

Tensor gather_back(const Applied& c, const Tensor& g);

/// A new leading axis is one more batch axis.
Tensor one_more_batch_axis(const Applied& c, std::span<const Tensor> in, std::span<const std::uint8_t> leads,
                           std::int64_t count);

constexpr Op gather_op{.name = "gather_nd",
                       .infer = infer_gather,
                       .rules = {gather_back},
                       .linear = true,
                       .fails = true,
                       .run = run_gather,
                       .lead = one_more_batch_axis,
                       .scratch = scratch_for_places};

Tensor gathered(const Tensor& x, const Tensor& indices, std::int64_t batch = 0) {
  return record(gather_op, {x, indices}, {.a = batch});
}

/// Inputs: what was gathered, the indices, and the array it was gathered from, which lends its shape.
void infer_ungather(Recording& call) {
  check_index_type(call, 1);
  call.result(call.shape(2), call.dtype(0));
}

void run_ungather(const Launch& launch) {
  const View& values = launch.in[0];
  if (launch.out.shape.size() > 0) std::memset(launch.out.data, 0, bytes_of(launch.out));
  const Tuples t = tuples_of(launch, launch.out.shape, launch.in[1]);
  kernels::scatter(Combine::add, values.dtype, values.data, t.places, launch.out.data, t.count, t.length, t.inner);
}

constexpr Op ungather_op{
    .name = "scatter",
    .infer = infer_ungather,
    .rules = {[](const Applied& c, const Tensor& g) { return gathered(g, c.in(1), c.attribute(0)); }},
    .linear = true,
    .fails = true,
    .shape_only = 4,
    .run = run_ungather,
    .lead = one_more_batch_axis,
    .scratch = scratch_for_places};

Tensor one_more_batch_axis(const Applied& c, std::span<const Tensor> in, std::span<const std::uint8_t> leads,
                           std::int64_t count) {
  std::vector<Tensor> repeated;
  for (std::size_t k = 0; k < in.size(); ++k)
    repeated.push_back(leads[k] ? in[k] : repeat_leading(in[k], count));
  const std::vector<Arg> inputs(repeated.begin(), repeated.end());
  return record(c.op(), inputs, {.a = c.attribute(0) + 1});
}

Tensor gather_back(const Applied& c, const Tensor& g) {
  return record(ungather_op, {g, c.in(1), c.in(0)}, {.a = c.attribute(0)});
}

// --- scattering ------------------------------------------------------------------------------------------------------

/// Inputs: an array, indices, updates of the shape that the indices choose and of the array's dtype.
void infer_scatter(Recording& call) {
  check_index_type(call, 1);
  if (call.dtype(2) != call.dtype(0)) call.dtype_error("expected updates of the array's dtype");
  call.result(call.shape(0), call.dtype(0));
}

template <Combine combine>
void run_scatter(const Launch& launch) {
  const View &x = launch.in[0], &updates = launch.in[2];
  if (x.shape.size() > 0) std::memcpy(launch.out.data, x.data, bytes_of(x));
  const Tuples t = tuples_of(launch, x.shape, launch.in[1]);
  kernels::scatter(combine, x.dtype, updates.data, t.places, launch.out.data, t.count, t.length, t.inner);
}

template <Combine combine>
constexpr Op scatter_op(const char* name, Rule rule) {
  return {.name = name,
          .infer = infer_scatter,
          .rules = {rule, nullptr, rule},
          .fails = true,
          .run = run_scatter<combine>,
          .scratch = scratch_for_places};
}

Tensor update_back(const Applied& c, const Tensor& g);
Tensor add_back(const Applied& c, const Tensor& g) { return c.argument() == 0 ? g : gathered(g, c.in(1)); }
Tensor multiply_back(const Applied& c, const Tensor& g);
Tensor share_equally(const Applied& c, const Tensor& g);

constexpr Op update_op = scatter_op<Combine::set>("scatter_update", update_back);
constexpr Op add_op = scatter_op<Combine::add>("scatter_add", add_back);
constexpr Op multiply_op = scatter_op<Combine::multiply>("scatter_multiply", multiply_back);
constexpr Op max_op = scatter_op<Combine::maximum>("scatter_max", share_equally);
constexpr Op min_op = scatter_op<Combine::minimum>("scatter_min", share_equally);

Tensor update_back(const Applied& c, const Tensor& g) {
  const Tensor indices = c.in(1), updates = c.in(2);
  if (c.argument() == 0) return record(update_op, {g, indices, zeros_like(updates)});
  const Tensor numbers = element_numbers(updates);
  const Tensor last = record(update_op, {cast(zeros_like(g), int64), indices, numbers});
  return where(equal(gathered(last, indices), numbers), gathered(g, indices), 0);
}

/// The product of the other factors of a place. It is found by division, so zeros are counted apart: with one of them
/// only its own derivative is not zero, with two none is.
Tensor multiply_back(const Applied& c, const Tensor& g) {
  const Tensor x = c.in(0), indices = c.in(1), updates = c.in(2);
  if (c.argument() == 0) return record(multiply_op, {g, indices, updates});
  const Tensor is_zero = equal(updates, 0), factors = where(is_zero, 1, updates);
  const Tensor product = record(multiply_op, {x, indices, factors});
  const Tensor zero = cast(is_zero, x.dtype());
  const Tensor zeros_there = record(ungather_op, {zero, indices, x});
  const Tensor alone = equal(gathered(zeros_there, indices), zero);
  return where(alone, gathered(g * product, indices) / factors, 0);
}

Tensor share_equally(const Applied& c, const Tensor& g) {
  const Tensor x = c.in(0), indices = c.in(1), updates = c.in(2), out = c.out();
  const Tensor stays = equal(x, out), wins = equal(updates, gathered(out, indices));
  const Tensor one = ones_like(g);
  const Tensor number = record(add_op, {where(stays, one, 0), indices, cast(wins, g.dtype())});
  const Tensor share = g / number;
  return c.argument() == 0 ? where(stays, share, 0) : where(wins, gathered(share, indices), 0);
}

Tensor scattered(const Op& op, const Arg& x, const Arg& indices, const Arg& updates) {
  const Within here(op.name, x);
  const Tensor t = x.tensor(), at = indices.tensor();
  return record(op, {t, at, placed_values(op.name, t, updates, gathered(t, at))});
}

// --- segments --------------------------------------------------------------------------------------------------------

/// Zeros of the result's shape, whatever data's last axes are when the graph is recorded again.
struct Segments {
  Tensor zero, indices, data;
};
Segments segments_of(const char* name, const Arg& data, const Arg& ids, std::int64_t count,
                     std::string_view what = "segment id") {
  const Tensor t = data.tensor(), numbers = ids.tensor();
  const int rank = numbers.rank();
  bool fits = rank > 0 && rank <= t.rank();
  for (int i = 0; fits && i < rank; ++i) fits = t.shape()[i] == numbers.shape()[i];
  const auto wrong = [&](const std::string& what) { return std::string("[") + name + "] expected " + what; };
  if (!fits)
    throw ShapeError(wrong("segment ids shaped like the first axes of the data, got ") + to_string(t.shape()) +
                     " and ids of " + to_string(numbers.shape()) + place(data.where()));
  if (is_floating(numbers.dtype()) || numbers.dtype() == bool_)
    throw DTypeError(wrong("segment ids of an integer dtype, got ") + name_of(numbers.dtype()) + place(data.where()));
  if (count < -1) throw ValueError(wrong("0 segments or more, got ") + std::to_string(count) + place(data.where()));
  if (count < 0) count = numbers.size() == 0 ? 0 : std::max<std::int64_t>(0, max(numbers).item<std::int64_t>() + 1);
  Tensor rest = zeros_like(t);
  for (int i = 0; i < rank; ++i) rest = sum(rest, 0);
  const Tensor zero = take(expand_dims(cast(rest, t.dtype()), 0), zeros({count}, {.dtype = int64}), 0);
  if (count == 0 && numbers.size() > 0)
    throw ValueError(wrong("1 segment or more for ") + std::to_string(numbers.size()) + " ids, got 0" +
                     place(data.where()));
  const Tensor checked = count == 0 ? numbers : check_labels(numbers, count, std::string(what) + " of " + name);
  return {zeros_like(zero), expand_dims(checked, -1), t};
}

}  // namespace

Tensor gather_nd(const Arg& x, const Arg& indices, int batch_dims) {
  return record(gather_op, {x, indices}, {.a = batch_dims});
}

Tensor scatter(const Arg& indices, const Arg& values, const Shape& shape) {
  const Within here("scatter", indices);
  const Tensor at = indices.tensor(), v = values.tensor(), zero = zeros(shape, {.dtype = v.dtype()});
  return record(ungather_op, {placed_values("scatter", zero, v, gathered(zero, at)), at, zero});
}

Tensor scatter_update(const Arg& x, const Arg& indices, const Arg& updates) {
  return scattered(update_op, x, indices, updates);
}
Tensor scatter_add(const Arg& x, const Arg& indices, const Arg& updates) {
  return scattered(add_op, x, indices, updates);
}
Tensor scatter_multiply(const Arg& x, const Arg& indices, const Arg& updates) {
  return scattered(multiply_op, x, indices, updates);
}
Tensor scatter_max(const Arg& x, const Arg& indices, const Arg& updates) {
  return scattered(max_op, x, indices, updates);
}
Tensor scatter_min(const Arg& x, const Arg& indices, const Arg& updates) {
  return scattered(min_op, x, indices, updates);
}

Tensor segment_sum(const Arg& data, const Arg& segment_ids, std::int64_t num_segments) {
  const Within here("segment_sum", data);
  const Segments s = segments_of("segment_sum", data, segment_ids, num_segments);
  return record(ungather_op, {s.data, s.indices, s.zero});
}

Tensor counted_by(const Tensor& weights, const Tensor& ids, std::int64_t count, const char* name,
                  std::string_view what) {
  const Segments s = segments_of(name, weights, ids, count, what);
  return record(ungather_op, {s.data, s.indices, s.zero});
}

namespace {

/// A number of the data's dtype for segments without slices.
Tensor segment_extreme(const char* name, const Op& op, const Arg& data, const Arg& ids, std::int64_t count,
                       bool largest) {
  const Within here(name, data);
  const Segments s = segments_of(name, data, ids, count);
  const auto limit = [&]<class T>(T) {
    return largest ? std::numeric_limits<T>::lowest() : std::numeric_limits<T>::max();
  };
  Tensor start = s.zero;
  const DType dtype = s.data.dtype();
  if (is_floating(dtype)) start = start + (largest ? -1 : 1) * std::numeric_limits<double>::infinity();
  else if (dtype == int32) start = start + limit(std::int32_t{});
  else if (dtype == int64) start = start + limit(std::int64_t{});
  else if (!largest) start = start + (dtype == uint8 ? 255 : 1);
  return record(op, {cast(start, dtype), s.indices, s.data});
}

}  // namespace

Tensor segment_max(const Arg& data, const Arg& segment_ids, std::int64_t num_segments) {
  return segment_extreme("segment_max", max_op, data, segment_ids, num_segments, true);
}
Tensor segment_min(const Arg& data, const Arg& segment_ids, std::int64_t num_segments) {
  return segment_extreme("segment_min", min_op, data, segment_ids, num_segments, false);
}
Tensor segment_prod(const Arg& data, const Arg& segment_ids, std::int64_t num_segments) {
  const Within here("segment_prod", data);
  const Segments s = segments_of("segment_prod", data, segment_ids, num_segments);
  return record(multiply_op, {ones_like(s.zero), s.indices, s.data});
}

}  // namespace xgrad
