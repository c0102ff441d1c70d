#include <xgrad/kernels/sequences.hpp>
#include <xgrad/ops/shape_parts.hpp>

#include <xgrad/graph/fold.hpp>

#include <limits>
#include <string>

namespace xgrad {
namespace {

// --- adjacent axes as one --------------------------------------------------------------------------------------------

/// Attribute 0 is the last of the axes, counted from the end, attribute 1 their number.
void infer_merge(Recording& call) {
  const Shape& shape = call.shape(0);
  const int last = static_cast<int>(call.attribute(0)) + shape.rank();
  const int first = last + 1 - static_cast<int>(call.attribute(1));
  if (first < 0) call.shape_error("expected axes to be made one");
  Shape result;
  std::int64_t length = 1;
  for (int i = 0; i < shape.rank(); ++i) {
    if (i < first || i > last)
      result.append(shape[i]);
    else
      length *= shape[i];
    if (i == last) result.append(length);
  }
  call.result(result, call.dtype(0));
}

constexpr Op merge_op{.name = "merge_axes",
                      .kind = Kind::alias,
                      .infer = infer_merge,
                      .rules = {[](const Applied& c, const Tensor& g) { return reshape_like(g, c.in(0)); }},
                      .linear = true};

// --- an axis repeated ------------------------------------------------------------------------------------------------

/// Attribute 0 is the axis counted from the end, attribute 1 how often it is repeated.
void infer_widen(Recording& call) {
  Shape result = call.shape(0);
  const int axis = call.axis(call.attribute(0), result.rank());
  if (result[axis] != 1) call.shape_error("expected length 1 along axis " + std::to_string(axis));
  result.set(axis, call.attribute(1));
  call.result(result, call.dtype(0));
}

constexpr Op widen_op{
    .name = "widen_axis",
    .kind = Kind::broadcast,
    .infer = infer_widen,
    .rules = {[](const Applied& c, const Tensor& g) { return sum_over(g, 1u << (-1 - c.attribute(0)), true); }},
    .linear = true};

// --- positions -------------------------------------------------------------------------------------------------------

void infer_positions(Recording& call) {
  const Shape& shape = call.shape(0);
  const int axis = call.axis(call.attribute(0), shape.rank());
  Shape result{shape[axis]};
  for (int i = axis + 1; i < shape.rank(); ++i) result.append(1);
  call.result(result, int64);
}

constexpr Op positions_op{
    .name = "positions", .infer = infer_positions, .shape_only = 1, .run = [](const Launch& launch) {
      kernels::count_up(int64, launch.out.data, launch.out.shape.size());
    }};

// --- one step along an axis ------------------------------------------------------------------------------------------

/// Attribute 0 is the axis counted from the end, attribute 1 is 1 for a step back, plus twice the fill.
void infer_shift(Recording& call) { call.result(call.shape(0), call.dtype(0)); }

void run_shift(const Launch& launch) {
  const Sides sizes = sides_of(launch.out.shape, launch.attributes[0]);
  const auto fill = static_cast<Fill>(launch.attributes[1] >> 1);
  with_dtype(launch.out.dtype, [&]<class T>(T) {
    T value = static_cast<T>(fill == Fill::one ? 1 : 0);
    if constexpr (std::is_floating_point_v<T>)
      if (fill == Fill::minus_infinity) value = -std::numeric_limits<T>::infinity();
    kernels::shift(sizeof(T), launch.in[0].data, launch.out.data, sizes.outer, sizes.count, sizes.inner,
                   launch.attributes[1] & 1, &value);
  });
}

Tensor shift_back(const Applied& c, const Tensor& g) {
  return shift_axis(g, static_cast<int>(c.attribute(0)), !(c.attribute(1) & 1));
}

constexpr Op shift_op{
    .name = "shift_axis", .infer = infer_shift, .rules = {shift_back}, .linear = true, .run = run_shift,
    .leading = Leading::batch};
// With a fill that is not 0 it is not linear.
constexpr Op shift_and_fill_op{.name = "shift_axis", .infer = infer_shift, .rules = {shift_back}, .run = run_shift,
                               .leading = Leading::batch};

}  // namespace

Tensor real(const Arg& x) {
  Tensor t = x.tensor();
  return is_floating(t.dtype()) ? t : cast(t, float32);
}

int from_end(int axis, const Tensor& x, const char* name, const Location& where) {
  return -1 - __builtin_ctz(mask_from_end(axis, x.rank(), name, where));
}

Sides sides_of(const Shape& shape, std::int64_t axis) {
  Sides result;
  const int at = static_cast<int>(axis) + shape.rank();
  for (int i = 0; i < shape.rank(); ++i) {
    if (i == at)
      result.count = shape[i];
    else
      (i < at ? result.outer : result.inner) *= shape[i];
  }
  return result;
}

Tensor merge_axes(const Arg& x, int last, int number) {
  if (number == 1) return x.tensor();
  return record(merge_op, {x}, {.a = last, .b = number});
}

Tensor widen_axis(const Arg& x, int axis, std::int64_t times) { return record(widen_op, {x}, {.a = axis, .b = times}); }

Tensor positions(const Arg& like, int axis) { return record(positions_op, {like}, {.a = axis}); }

Tensor shift_axis(const Arg& x, int axis, bool back, Fill fill) {
  const Op& op = fill == Fill::zero ? shift_op : shift_and_fill_op;
  return record(op, {x}, {.a = axis, .b = back | static_cast<std::int64_t>(fill) << 1});
}

}  // namespace xgrad
