#include <xgrad/kernels/indexing.hpp>
#include <xgrad/kernels/moves.hpp>
#include <xgrad/ops/elementwise.hpp>
#include <xgrad/ops/shape.hpp>
#include <xgrad/ops/shape_parts.hpp>
#include <xgrad/ops/table.hpp>

#include <algorithm>
#include <array>
#include <cstring>
#include <string>

namespace xgrad {
namespace {

// --- zeros around an array -------------------------------------------------------------------------------------------

/// The list holds before and behind for each of the last axes.
Padding padding_at(std::span<const std::int64_t> list, int axis, int rank) {
  const int place = axis - (rank - static_cast<int>(list.size() / 2));
  if (place < 0) return {};
  const auto at = static_cast<std::size_t>(2 * place);
  return {.before = list[at], .behind = list[at + 1]};
}

void infer_zeros_around(Recording& call) {
  const Shape& shape = call.shape(0);
  Shape result;
  for (int i = 0; i < shape.rank(); ++i) {
    const Padding padding = padding_at(call.list(), i, shape.rank());
    std::int64_t length = 0;
    if (__builtin_add_overflow(shape[i], padding.before, &length) ||
        __builtin_add_overflow(length, padding.behind, &length))
      call.shape_error("expected a result whose elements can be counted");
    result.append(length);
  }
  call.result(result, call.dtype(0));
}

void run_zeros_around(const Launch& launch) {
  const Shape &from = launch.in[0].shape, &to = launch.out.shape;
  const std::size_t bytes = size_of(launch.out.dtype);
  std::memset(launch.out.data, 0, static_cast<std::size_t>(to.size()) * bytes);
  if (from.size() == 0) return;
  std::int64_t from_strides[max_rank], to_strides[max_rank], from_step = 1, to_step = 1, first = 0;
  for (int i = from.rank() - 1; i >= 0; --i) {
    from_strides[i] = from_step;
    to_strides[i] = to_step;
    first += padding_at(launch.list, i, from.rank()).before * to_step;
    from_step *= from[i];
    to_step *= to[i];
  }
  const auto rank = static_cast<std::size_t>(from.rank());
  kernels::copy_strided(bytes, {from.begin(), rank}, launch.in[0].data, {from_strides, rank},
                        static_cast<std::byte*>(launch.out.data) + static_cast<std::size_t>(first) * bytes,
                        {to_strides, rank});
}

Tensor without_padding(const Applied& c, const Tensor& g) {
  std::vector<Range> ranges;
  for (int i = 0; i < g.rank(); ++i) {
    const Padding padding = padding_at(c.list(), i, g.rank());
    ranges.push_back({.start = padding.before, .stop = padding.behind ? -padding.behind : to_end});
  }
  return slice(g, std::span<const Range>(ranges));
}

constexpr Op zeros_around_op{.name = "zeros_around",
                             .infer = infer_zeros_around,
                             .rules = {without_padding},
                             .linear = true,
                             .run = run_zeros_around,
                             .leading = Leading::batch};

// --- elements around an array ----------------------------------------------------------------------------------------

enum class Mode : std::int64_t { edge, reflect, symmetric, wrap };
constexpr std::array<std::string_view, 4> mode_names = {"edge", "reflect", "symmetric", "wrap"};

/// Which element of n stands at a position that may lie outside of 0 ... n-1.
std::int64_t inside(Mode mode, std::int64_t position, std::int64_t n) {
  const auto modulo = [&](std::int64_t period) { return (position % period + period) % period; };
  switch (mode) {
    case Mode::edge:
      return std::clamp<std::int64_t>(position, 0, n - 1);
    case Mode::reflect: {
      if (n == 1) return 0;
      const std::int64_t place = modulo(2 * n - 2);
      return place < n ? place : 2 * n - 2 - place;
    }
    case Mode::symmetric: {
      const std::int64_t place = modulo(2 * n);
      return place < n ? place : 2 * n - 1 - place;
    }
    default:
      return modulo(n);
  }
}

/// Attribute 1 is the mode; the list holds before and behind for each of the last axes.
void infer_around(Recording& call) {
  Shape result = call.shape(0);
  const std::span<const std::int64_t> list = call.list();
  const int listed = static_cast<int>(list.size() / 2);
  for (int i = 0; i < listed; ++i) {
    const std::int64_t *both = list.data() + 2 * i, was = result[i - listed];
    std::int64_t length = 0;
    if (__builtin_add_overflow(was, both[0], &length) || __builtin_add_overflow(length, both[1], &length))
      call.shape_error("expected a result whose elements can be counted");
    if (was == 0 && length > 0)
      call.shape_error("expected at least one element along axis " + std::to_string(result.rank() + i - listed));
    result.set(i - listed, length);
  }
  call.result(result, call.dtype(0));
}

std::vector<std::int64_t> places_of(std::int64_t mode, const std::int64_t* both, std::int64_t n) {
  std::vector<std::int64_t> places(static_cast<std::size_t>(both[0] + n + both[1]));
  for (std::size_t i = 0; i < places.size(); ++i)
    places[i] = inside(static_cast<Mode>(mode), static_cast<std::int64_t>(i) - both[0], n);
  return places;
}

/// Where each line along the last padded axis comes from: a line of the source for each line of the result.
std::vector<std::int64_t> source_lines(const Launch& launch, int axis) {
  const Shape& from = launch.in[0].shape;
  const int listed = static_cast<int>(launch.list.size() / 2), rank = from.rank();
  std::vector<std::int64_t> lines = {0};
  for (int i = 0; i < axis; ++i) {
    const std::int64_t unpadded[2] = {}, n = from[i];
    const std::int64_t* both = i < rank - listed ? unpadded : launch.list.data() + 2 * (i - rank + listed);
    const std::vector<std::int64_t> places = places_of(launch.attributes[1], both, n);
    std::vector<std::int64_t> longer;
    longer.reserve(lines.size() * places.size());
    for (const std::int64_t line : lines)
      for (const std::int64_t place : places) longer.push_back(line * n + place);
    lines = std::move(longer);
  }
  return lines;
}

void run_around(const Launch& launch) {
  if (launch.out.shape.size() == 0) return;
  const int listed = static_cast<int>(launch.list.size() / 2), rank = launch.out.shape.rank();
  int last = listed - 1;
  while (last > 0 && launch.list[static_cast<std::size_t>(2 * last)] == 0 &&
         launch.list[static_cast<std::size_t>(2 * last + 1)] == 0)
    --last;
  const std::int64_t* both = launch.list.data() + 2 * last;
  const int axis = rank - listed + last;
  const Sides sizes = sides_of(launch.in[0].shape, axis - rank);
  const std::vector<std::int64_t> lines = source_lines(launch, axis);
  const std::vector<std::int64_t> places = places_of(launch.attributes[1], both, sizes.count);
  const std::size_t step = static_cast<std::size_t>(sizes.inner) * size_of(launch.out.dtype);
  const auto first = static_cast<std::size_t>(both[0]), count = static_cast<std::size_t>(sizes.count);
  for_slices(static_cast<std::int64_t>(lines.size()), places.size() * step, [&](std::size_t line) {
    const auto* from = static_cast<const std::byte*>(launch.in[0].data) +
                       static_cast<std::size_t>(lines[line]) * count * step;
    auto* to = static_cast<std::byte*>(launch.out.data) + line * places.size() * step;
    const auto put = [&](std::size_t i) {
      std::memcpy(to + i * step, from + static_cast<std::size_t>(places[i]) * step, step);
    };
    for (std::size_t i = 0; i < first; ++i) put(i);
    kernels::copy_bytes(to + first * step, from, count * step);
    for (std::size_t i = first + count; i < places.size(); ++i) put(i);
  });
}

/// Attribute 0 is the axis counted from the end, attribute 1 the mode; the list holds before and behind. Inputs: an
/// array padded along that axis, and the one it was made of, which lends its shape. Each element with all copies added.
void run_folded_back(const Launch& launch) {
  const Sides sizes = sides_of(launch.out.shape, launch.attributes[0]);
  if (launch.out.shape.size() == 0) return;
  const std::vector<std::int64_t> places = places_of(launch.attributes[1], launch.list.data(), sizes.count);
  kernels::scatter_add(launch.out.dtype, int64, launch.in[0].data, places.data(), launch.out.data, sizes.outer,
                       sizes.count, static_cast<std::int64_t>(places.size()), sizes.inner);
}

Tensor fold_back(const Applied& c, const Tensor& g);

constexpr Op around_op{
    .name = "pad_around", .infer = infer_around, .rules = {fold_back}, .linear = true, .run = run_around,
    .leading = Leading::batch};

/// x padded along one axis, counted from the end.
Tensor around_axis(const Tensor& x, std::int64_t axis, std::int64_t mode, std::span<const std::int64_t> both) {
  std::vector<std::int64_t> list(static_cast<std::size_t>(-2 * axis));
  std::copy(both.begin(), both.end(), list.begin());
  return record(around_op, {x}, {.b = mode, .list = list});
}

constexpr Op fold_back_op{.name = "unpad_axis",
                          .infer = [](Recording& call) { call.result(call.shape(1), call.dtype(0)); },
                          .rules = {[](const Applied& c, const Tensor& g) {
                            return around_axis(g, c.attribute(0), c.attribute(1), c.list());
                          }},
                          .linear = true,
                          .shape_only = 2,
                          .run = run_folded_back,
                          .leading = Leading::batch};

/// Axis by axis, the last one first; what was padded along the axes before lends its shape.
Tensor fold_back(const Applied& c, const Tensor& g) {
  const auto listed = static_cast<std::int64_t>(c.list().size() / 2);
  std::vector<Tensor> stages = {c.in(0)};
  std::vector<std::int64_t> axes;
  const auto both = [&](std::int64_t axis) {
    return c.list().subspan(static_cast<std::size_t>(2 * (axis + listed)), 2);
  };
  for (std::int64_t axis = -listed; axis < 0; ++axis) {
    if (both(axis)[0] == 0 && both(axis)[1] == 0) continue;
    axes.push_back(axis);
    stages.push_back(around_axis(stages.back(), axis, c.attribute(1), both(axis)));
  }
  Tensor result = g;
  for (std::size_t k = axes.size(); k-- > 0;)
    result = record(fold_back_op, {result, stages[k]}, {.a = axes[k], .b = c.attribute(1), .list = both(axes[k])});
  return result;
}

Tensor constant_around(const Tensor& x, std::span<const std::int64_t> list, const Arg& value) {
  const Tensor padded = record(zeros_around_op, {x}, {.list = list});
  const bool is_zero = (value.kind() == Arg::Kind::real && value.real() == 0) ||
                       (value.kind() != Arg::Kind::real && value.kind() != Arg::Kind::tensor && value.integer() == 0);
  if (is_zero) return padded;
  const Tensor mask = record(zeros_around_op, {cast(ones_like(x), bool_)}, {.list = list});
  return where(mask, padded, cast(value, x.dtype()));
}

}  // namespace

Tensor pad(const Arg& x, std::span<const Padding> paddings, std::string_view mode, const Arg& value) {
  const Within here("pad", x);
  Tensor t = x.tensor();
  const int rank = t.rank(), given = static_cast<int>(paddings.size());
  if (given != rank && given != 1)
    throw ShapeError("[pad] expected one padding, or one for each of the axes of " + to_string(t.shape()) + ", got " +
                     std::to_string(given) + place(x.where()));
  std::vector<std::int64_t> list;
  for (int i = 0; i < rank; ++i) {
    const Padding padding = paddings[static_cast<std::size_t>(given == 1 ? 0 : i)];
    if (padding.before < 0 || padding.behind < 0)
      throw ValueError("[pad] expected paddings of 0 or more, got " + std::to_string(padding.before) + " and " +
                       std::to_string(padding.behind) + place(x.where()));
    list.insert(list.end(), {padding.before, padding.behind});
  }
  if (mode == "constant") return constant_around(t, list, value);
  const auto found = std::find(mode_names.begin(), mode_names.end(), mode);
  if (found == mode_names.end())
    throw ValueError("[pad] expected the mode constant, edge, reflect, symmetric or wrap, got " + std::string(mode) +
                     place(x.where()));
  // Axes that stay as they are need no step of their own.
  const bool any = std::any_of(list.begin(), list.end(), [](std::int64_t n) { return n != 0; });
  if (any) t = record(around_op, {t}, {.b = found - mode_names.begin(), .list = list});
  return t;
}

Tensor pad(const Arg& x, std::initializer_list<Padding> paddings, std::string_view mode, const Arg& value) {
  return pad(x, std::span(paddings.begin(), paddings.size()), mode, value);
}

Rows shape_pad_rows() {
  using In = std::span<const Tensor>;
  static const double inf = __builtin_inf();
  static const std::vector<Row> rows = {
      {.name = "pad",
       .call =
           [](In in) {
             const Tensor& x = in[0];
             if (in.size() > 1) return pad(x, {{1, 0}}, "constant", in[1]);
             if (x.rank() < 2 || x.size() == 0) return pad(x, {{2, 1}});
             return pad(x, {{1, 2}, {0, 1}}) + pad(x, {{1, 2}, {0, 1}}, "edge") + pad(x, {{1, 2}, {0, 1}}, "reflect") +
                    pad(x, {{1, 2}, {0, 1}}, "symmetric") * 2 + pad(x, {{1, 2}, {0, 1}}, "wrap") * 3;
           },
       .samples = {{{{.shape = {2, 3}}}},
                   {{{.shape = {1, 2}}}},
                   {{{.shape = {2, 3}}, {.shape = {}}}},
                   {{{.shape = {4}}}},
                   {{{.shape = {3, 2}, .broadcast = true}}},
                   {{{.shape = {}}}},
                   {{{.shape = {0, 3}}}},
                   {{{.shape = {3, 2}, .strided = true}}}},
       .special = {{[] {
                      return pad(ints({1, 2}), {{1, 2}}, "constant", 9);
                    },
                    {9, 1, 2, 9, 9}},
                   {[] {
                      return pad(doubles({1, inf}), {{1, 1}}, "constant", -inf);
                    },
                    {-inf, 1, inf, -inf}},
                   {[] {
                      return pad(tensor({1, 0}, {.dtype = bool_}), {{1, 0}}, "constant", true);
                    },
                    {1, 1, 0}},
                   {[] {
                      return pad(zeros({0}), {{2, 1}}, "constant", 5);
                    },
                    {5, 5, 5}},
                   {[] {
                      return pad(zeros({0}), {{0, 0}}, "wrap");
                    },
                    {}},
                   {[] {
                      return pad(arange(3), {{5, 6}}, "reflect");
                    },
                    {1, 0, 1, 2, 1, 0, 1, 2, 1, 0, 1, 2, 1, 0}},
                   {[] {
                      return pad(arange(3), {{4, 4}}, "symmetric");
                    },
                    {2, 2, 1, 0, 0, 1, 2, 2, 1, 0, 0}},
                   {[] {
                      return pad(arange(3), {{4, 4}}, "wrap");
                    },
                    {2, 0, 1, 2, 0, 1, 2, 0, 1, 2, 0}},
                   {[] {
                      return pad(arange(2), {{2, 1}}, "edge");
                    },
                    {0, 0, 0, 1, 1}},
                   {[] {
                      return pad(ints({7}), {{2, 1}}, "reflect");
                    },
                    {7, 7, 7, 7}},
                   {[] {
                      return pad(ones({1, 1}), {{0, 1}});
                    },
                    {1, 0, 0, 0}}},
       .errors = {{[] {
                     return pad(zeros({2}), {{-1, 0}});
                   },
                   "[pad] expected paddings of 0 or more, got -1 and 0"},
                  {[] {
                     return pad(zeros({2, 2}), {{1, 1}, {1, 1}, {1, 1}});
                   },
                   "[pad] expected one padding, or one for"},
                  {[] {
                     return pad(zeros({2}), {{1, 1}}, "mirror");
                   },
                   "got mirror"},
                  {[] {
                     return pad(zeros({0}), {{1, 1}}, "edge");
                   },
                   "expected at least one element along axis 0"},
                  {[] {
                     return pad(zeros({2}), {{INT64_MAX, 1}});
                   },
                   "elements can be counted"},
                  {[] {
                     return pad(zeros({2}), {{INT64_MAX, 1}}, "wrap");
                   },
                   "elements can be counted"}}},
  };
  return rows;
}

}  // namespace xgrad
