#include <xgrad/graph/fold.hpp>
#include <xgrad/kernels/moves.hpp>
#include <xgrad/ops/indexing.hpp>
#include <xgrad/ops/shape.hpp>
#include <xgrad/ops/shape_parts.hpp>
#include <xgrad/ops/table.hpp>

#include <string>

namespace xgrad {
namespace {

// --- rolling ---------------------------------------------------------------------------------------------------------

/// Attribute 0 is the axis counted from the end, attribute 1 the shift that was asked for.
void infer_roll(Recording& call) {
  call.axis(call.attribute(0), call.shape(0).rank());
  call.result(call.shape(0), call.dtype(0));
}

void run_roll(const Launch& launch) {
  const Sides sizes = sides_of(launch.out.shape, launch.attributes[0]);
  if (launch.out.shape.size() == 0) return;
  const std::int64_t n = sizes.count, shift = (launch.attributes[1] % n + n) % n;
  const std::size_t step = static_cast<std::size_t>(sizes.inner) * size_of(launch.out.dtype);
  const std::size_t whole = static_cast<std::size_t>(n) * step, front = static_cast<std::size_t>(shift) * step;
  for_slices(sizes.outer, whole, [&](std::size_t o) {
    const auto* from = static_cast<const std::byte*>(launch.in[0].data) + o * whole;
    auto* to = static_cast<std::byte*>(launch.out.data) + o * whole;
    kernels::copy_bytes(to, from + whole - front, front);
    kernels::copy_bytes(to + front, from, whole - front);
  });
}

Tensor roll_back(const Applied& c, const Tensor& g);
constexpr Op roll_op{.name = "roll", .infer = infer_roll, .rules = {roll_back}, .linear = true, .run = run_roll,
                     .leading = Leading::batch};
Tensor roll_back(const Applied& c, const Tensor& g) {
  return record(roll_op, {g}, {.a = c.attribute(0), .b = -c.attribute(1)});
}

Tensor roll_axis(const Tensor& x, int axis, std::int64_t shift, const Location& where) {
  // The one number without a negative has the remainder of its half, twice.
  if (shift == INT64_MIN) return roll_axis(roll_axis(x, axis, shift / 2, where), axis, shift / 2, where);
  return record(roll_op, {Arg(x, where)}, {.a = axis, .b = shift});
}

// --- repeating -------------------------------------------------------------------------------------------------------

void check_repeats(const char* name, std::int64_t number, const Arg& x) {
  if (number < 0)
    throw ValueError(std::string("[") + name + "] expected repeats of 0 or more, got " + std::to_string(number) +
                     place(x.where()));
}

/// The one axis asked for, counted from the end; for all, that of the flattened x.
int one_axis(const char* name, const Axes& axis, Tensor& t, const Location& where) {
  if (axis.all()) {
    t = reshape(t, {-1});
    return -1;
  }
  const std::uint32_t mask = mask_from_end(axis, t.rank(), name, where);
  if (__builtin_popcount(mask) != 1)
    throw ShapeError(std::string("[") + name + "] expected one axis or none, got " +
                     std::to_string(__builtin_popcount(mask)) + place(where));
  return -1 - __builtin_ctz(mask);
}

/// `times` copies of an axis side by side (inner: of each of its elements), as an axis of its own made one with it.
Tensor repeat_axis(const Tensor& x, int axis, std::int64_t times, bool each) {
  const int added = each ? axis : axis - 1;  // counted from the end of the result
  const Tensor expanded = expand_axes(x, 1u << (-1 - added));
  return merge_axes(widen_axis(expanded, added, times), axis, 2);
}

}  // namespace

Tensor tile(const Arg& x, std::initializer_list<std::int64_t> repeats) {
  const Within here("tile", x);
  Tensor t = x.tensor();
  const int asked = static_cast<int>(repeats.size());
  if (asked > max_rank)
    throw ShapeError("[tile] expected at most 8 repeats, got " + std::to_string(asked) + place(x.where()));
  if (asked > t.rank()) t = expand_axes(t, ((1u << asked) - 1) & ~((1u << t.rank()) - 1));
  int axis = -asked;
  for (const std::int64_t number : repeats) {
    check_repeats("tile", number, x);
    if (number != 1) t = repeat_axis(t, axis, number, false);
    ++axis;
  }
  return t;
}

Tensor repeat(const Arg& x, std::int64_t repeats, Axes axis) {
  const Within here("repeat", x);
  Tensor t = x.tensor();
  check_repeats("repeat", repeats, x);
  const int at = one_axis("repeat", axis, t, x.where());
  return repeat_axis(t, at, repeats, true);
}

Tensor repeat(const Arg& x, std::span<const std::int64_t> repeats, Axes axis) {
  const Within here("repeat", x);
  Tensor t = x.tensor();
  const int at = one_axis("repeat", axis, t, x.where());
  const std::int64_t length = t.shape()[at];
  if (static_cast<std::int64_t>(repeats.size()) != length)
    throw ShapeError("[repeat] expected one number of repeats for each of the " + std::to_string(length) +
                     " elements along the axis, got " + std::to_string(repeats.size()) + place(x.where()));
  std::vector<std::int64_t> places;
  for (std::size_t i = 0; i < repeats.size(); ++i) {
    check_repeats("repeat", repeats[i], x);
    places.insert(places.end(), static_cast<std::size_t>(repeats[i]), static_cast<std::int64_t>(i));
  }
  return take(t, tensor(places, Shape{static_cast<std::int64_t>(places.size())}), at);
}
Tensor repeat(const Arg& x, std::initializer_list<std::int64_t> repeats, Axes axis) {
  return repeat(x, std::span(repeats.begin(), repeats.size()), axis);
}

Tensor flip(const Arg& x, Axes axes) {
  const Within here("flip", x);
  Tensor t = x.tensor();
  const std::uint32_t mask = mask_from_end(axes, t.rank(), "flip", x.where());
  // Turning adjacent axes around turns around the one they make together.
  for (std::uint32_t rest = mask; rest;) {
    const std::uint32_t run = rest & ~(rest + (rest & -rest));
    rest &= ~run;
    const int last = -1 - __builtin_ctz(run);
    t = reshape_like(slice_axis(merge_axes(t, last, __builtin_popcount(run)), last, {.start = -1, .step = -1}), t);
  }
  return t;
}
Tensor fliplr(const Arg& x) {
  const Within here("fliplr", x);
  mask_from_end(1, x.tensor().rank(), "fliplr", x.where());
  return flip(x, 1);
}
Tensor flipud(const Arg& x) {
  const Within here("flipud", x);
  mask_from_end(0, x.tensor().rank(), "flipud", x.where());
  return flip(x, 0);
}

Tensor rot90(const Arg& x, int k, Axes axes) {
  const Within here("rot90", x);
  const Tensor t = x.tensor();
  const std::uint32_t mask = mask_from_end(axes, t.rank(), "rot90", x.where());
  if (axes.all() || __builtin_popcount(mask) != 2)
    throw ShapeError("[rot90] expected two axes, got " + std::to_string(axes.end() - axes.begin()) + place(x.where()));
  const int first = axes.begin()[0], second = axes.begin()[1];
  switch (k & 3) {
    case 0:
      return t;
    case 1:
      return swapaxes(flip(t, second), first, second);
    case 2:
      return flip(t, axes);
    default:
      return flip(swapaxes(t, first, second), second);
  }
}

Tensor roll(const Arg& x, std::int64_t shift, Axes axis) {
  const Within here("roll", x);
  Tensor t = x.tensor();
  const int at = one_axis("roll", axis, t, x.where());
  const Tensor rolled = roll_axis(t, at, shift, x.where());
  return axis.all() ? reshape_like(rolled, x) : rolled;
}

Tensor roll(const Arg& x, std::initializer_list<std::int64_t> shifts, std::initializer_list<int> axes) {
  const Within here("roll", x);
  Tensor t = x.tensor();
  if (shifts.size() != axes.size())
    throw ShapeError("[roll] expected as many shifts as axes, got " + std::to_string(shifts.size()) + " and " +
                     std::to_string(axes.size()) + place(x.where()));
  const std::int64_t* shift = shifts.begin();
  for (const int axis : axes) t = roll_axis(t, from_end(axis, t, "roll", x.where()), *shift++, x.where());
  return t;
}

Rows shape_repeat_rows() {
  using In = std::span<const Tensor>;
  static const std::vector<Sample> matrices = {{{{.shape = {2, 3}}}},
                                               {{{.shape = {2, 3, 2}}}},
                                               {{{.shape = {4, 3}, .broadcast = true}}},
                                               {{{.shape = {0, 3}}}},
                                               {{{.shape = {3, 4}, .strided = true}}}};
  static const char* const no_axis = "a scalar has no axis";
  static const auto square = [] { return reshape(arange(4), {2, 2}); };
  static const std::vector<Row> rows = {
      {.name = "tile",
       .call =
           [](In in) {
             return in[0].rank() == 3 ? tile(in[0], {3}) : tile(in[0], {2, 1, 2});
           },
       .samples = {{{{.shape = {2, 3}}}},
                   {{{.shape = {2, 1, 2}}}},
                   {{{.shape = {4, 3}, .broadcast = true}}},
                   {{{.shape = {}}}},
                   {{{.shape = {0, 3}}}},
                   {{{.shape = {3, 4}, .strided = true}}}},
       .special = {{[] {
                      return tile(arange(2), {2, 2});
                    },
                    {0, 1, 0, 1, 0, 1, 0, 1}},
                   {[] { return tile(square(), {2}); }, {0, 1, 0, 1, 2, 3, 2, 3}},
                   {[] { return tile(arange(2), {0}); }, {}},
                   {[] { return tile(arange(2), {}); }, {0, 1}},
                   {[] { return tile(7, {2}); }, {7, 7}}},
       .errors = {{[] { return tile(zeros({2}), {-1}); }, "[tile] expected repeats of 0 or more, got -1"},
                  {[] {
                     return tile(zeros({2}), {1 << 30, 1 << 30, 1 << 30});
                   },
                   "[tile: widen_axis]"},
                  {[] {
                     return tile(zeros({2}), {1, 1, 1, 1, 1, 1, 1, 1, 1});
                   },
                   "[tile] expected at most 8"}}},
      {.name = "repeat",
       .call =
           [](In in) {
             const Tensor& x = in[0];
             return x.rank() == 3 ? repeat(x, {2, 0, 1}, 1) : x.rank() == 2 ? repeat(x, 2, 0) : repeat(x, 3);
           },
       .samples = {{{{.shape = {2, 3}}}},
                   {{{.shape = {2, 3, 2}}}},
                   {{{.shape = {4, 3}, .broadcast = true}}},
                   {{{.shape = {}}}},
                   {{{.shape = {0, 3}}}},
                   {{{.shape = {3, 4}, .strided = true}}}},
       .special = {{[] { return repeat(square(), 2, 1); }, {0, 0, 1, 1, 2, 2, 3, 3}},
                   {[] { return repeat(square(), 2, -2); }, {0, 1, 0, 1, 2, 3, 2, 3}},
                   {[] {
                      return repeat(square(), {0, 3}, 0);
                    },
                    {2, 3, 2, 3, 2, 3}},
                   {[] {
                      return repeat(square(), {1, 0, 0, 2});
                    },
                    {0, 3, 3}},
                   {[] { return repeat(square(), 0); }, {}}},
       .errors = {{[] { return repeat(zeros({2}), -1); }, "[repeat] expected repeats of 0 or more, got -1"},
                  {[] { return repeat(zeros({2}), {1}); }, "expected one number of repeats for each of the 2 elements"},
                  {[] {
                     return repeat(zeros({2}), {1, -1});
                   },
                   "got -1"},
                  {[] {
                     return repeat(zeros({2, 2}), 2, {0, 1});
                   },
                   "[repeat] expected one axis or none, got 2"},
                  {[] { return repeat(zeros({2}), 1, 1); }, "[repeat] expected an axis"}}},
      {.name = "flip",
       .call =
           [](In in) {
             return in[0].rank() == 3 ? flip(in[0], {0, -1}) : flip(in[0]);
           },
       .samples = {{{{.shape = {2, 3}}}},
                   {{{.shape = {2, 3, 2}}}},
                   {{{.shape = {4, 3}, .broadcast = true}}},
                   {{{.shape = {}}}},
                   {{{.shape = {0, 3}}}},
                   {{{.shape = {3, 4}, .strided = true}}}},
       .special = {{[] { return flip(square()); }, {3, 2, 1, 0}},
                   {[] { return flip(square(), 1); }, {1, 0, 3, 2}},
                   {[] { return flip(square(), Axes::none()); }, {0, 1, 2, 3}}},
       .errors = {{[] { return flip(zeros({2}), 1); }, "[flip] expected an axis from -1 to 0, got 1"}}},
      {.name = "fliplr",
       .call = [](In in) { return fliplr(in[0]); },
       .samples = matrices,
       .special = {{[] { return fliplr(square()); }, {1, 0, 3, 2}}},
       .errors = {{[] { return fliplr(zeros({2})); }, "[fliplr] expected an axis"}},
       .fewer_samples = no_axis},
      {.name = "flipud",
       .call = [](In in) { return flipud(in[0]); },
       .samples = matrices,
       .special = {{[] { return flipud(square()); }, {2, 3, 0, 1}}},
       .errors = {{[] { return flipud(1.0); }, "[flipud] expected an axis"}},
       .fewer_samples = no_axis},
      {.name = "rot90",
       .call =
           [](In in) {
             return in[0].rank() == 3 ? rot90(in[0], -1, {2, 0}) : rot90(in[0]);
           },
       .samples = matrices,
       .special = {{[] { return rot90(square()); }, {1, 3, 0, 2}},
                   {[] { return rot90(square(), 2); }, {3, 2, 1, 0}},
                   {[] { return rot90(square(), 3); }, {2, 0, 3, 1}},
                   {[] { return rot90(square(), -3); }, {1, 3, 0, 2}},
                   {[] { return rot90(square(), 4); }, {0, 1, 2, 3}}},
       .errors = {{[] {
                     return rot90(zeros({2, 2}), 1, {0, -2});
                   },
                   "[rot90] expected each axis once"},
                  {[] {
                     return rot90(zeros({2, 2}), 1, 0);
                   },
                   "[rot90] expected two axes, got 1"},
                  {[] { return rot90(zeros({2})); }, "[rot90] expected an axis"}},
       .fewer_samples = no_axis},
      {.name = "roll",
       .call =
           [](In in) {
             const Tensor& x = in[0];
             return x.rank() == 3 ? roll(x, {1, -7}, {0, 1}) : x.dim(0) == 2 ? roll(x, -2) : roll(x, 5, -1);
           },
       .samples = matrices,
       .special = {{[] { return roll(arange(4), 1); }, {3, 0, 1, 2}},
                   {[] { return roll(square(), -1); }, {1, 2, 3, 0}},
                   {[] { return roll(square(), 1, 1); }, {1, 0, 3, 2}},
                   {[] { return roll(arange(3), 4); }, {2, 0, 1}},
                   {[] { return roll(arange(3), INT64_MIN); }, {2, 0, 1}},
                   {[] { return roll(7, 3); }, {7}},
                   {[] { return roll(arange(0), 3); }, {}},
                   {[] {
                      return roll(square(), {1, 1}, {0, 0});
                    },
                    {0, 1, 2, 3}}},
       .errors = {{[] { return roll(zeros({2}), 1, 1); }, "[roll] expected an axis from -1 to 0, got 1"},
                  {[] {
                     return roll(zeros({2, 2}), {1}, {0, 1});
                   },
                   "[roll] expected as many shifts as axes"}},
       .fewer_samples = "a scalar is a special value"},
  };
  return rows;
}

}  // namespace xgrad
