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

/// Attribute 0 is the axis counted from the end, attribute 1 the mode; the list holds before and behind.
void infer_around(Recording& call) {
  Shape result = call.shape(0);
  const int axis = call.axis(call.attribute(0), result.rank());
  std::int64_t length = 0;
  if (__builtin_add_overflow(result[axis], call.list()[0], &length) ||
      __builtin_add_overflow(length, call.list()[1], &length))
    call.shape_error("expected a result whose elements can be counted");
  if (result[axis] == 0 && length > 0)
    call.shape_error("expected at least one element along axis " + std::to_string(axis));
  result.set(axis, length);
  call.result(result, call.dtype(0));
}

std::vector<std::int64_t> places_of(const Launch& launch, std::int64_t n) {
  std::vector<std::int64_t> places(static_cast<std::size_t>(launch.list[0] + n + launch.list[1]));
  for (std::size_t i = 0; i < places.size(); ++i)
    places[i] = inside(static_cast<Mode>(launch.attributes[1]), static_cast<std::int64_t>(i) - launch.list[0], n);
  return places;
}

void run_around(const Launch& launch) {
  const Sides sizes = sides_of(launch.in[0].shape, launch.attributes[0]);
  if (launch.out.shape.size() == 0) return;
  const std::vector<std::int64_t> places = places_of(launch, sizes.count);
  const std::size_t step = static_cast<std::size_t>(sizes.inner) * size_of(launch.out.dtype);
  const auto first = static_cast<std::size_t>(launch.list[0]), count = static_cast<std::size_t>(sizes.count);
  for_slices(sizes.outer, places.size() * step, [&](std::size_t o) {
    const auto* from = static_cast<const std::byte*>(launch.in[0].data) + o * count * step;
    auto* to = static_cast<std::byte*>(launch.out.data) + o * places.size() * step;
    const auto put = [&](std::size_t i) {
      std::memcpy(to + i * step, from + static_cast<std::size_t>(places[i]) * step, step);
    };
    for (std::size_t i = 0; i < first; ++i) put(i);
    kernels::copy_bytes(to + first * step, from, count * step);
    for (std::size_t i = first + count; i < places.size(); ++i) put(i);
  });
}

/// Inputs: a padded array, and the one it was made of, which lends its shape. Each element with all its copies added.
void run_folded_back(const Launch& launch) {
  const Sides sizes = sides_of(launch.out.shape, launch.attributes[0]);
  if (launch.out.shape.size() == 0) return;
  const std::vector<std::int64_t> places = places_of(launch, sizes.count);
  kernels::scatter_add(launch.out.dtype, int64, launch.in[0].data, places.data(), launch.out.data, sizes.outer,
                       sizes.count, static_cast<std::int64_t>(places.size()), sizes.inner);
}

Tensor fold_back(const Applied& c, const Tensor& g);

constexpr Op around_op{
    .name = "pad_axis", .infer = infer_around, .rules = {fold_back}, .linear = true, .run = run_around,
    .leading = Leading::batch};
constexpr Op fold_back_op{.name = "unpad_axis",
                          .infer = [](Recording& call) { call.result(call.shape(1), call.dtype(0)); },
                          .rules = {[](const Applied& c, const Tensor& g) {
                            return record(around_op, {g}, {.a = c.attribute(0), .b = c.attribute(1), .list = c.list()});
                          }},
                          .linear = true,
                          .shape_only = 2,
                          .run = run_folded_back,
                          .leading = Leading::batch};

Tensor fold_back(const Applied& c, const Tensor& g) {
  return record(fold_back_op, {g, c.in(0)}, {.a = c.attribute(0), .b = c.attribute(1), .list = c.list()});
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
  for (int i = 0; i < rank; ++i) {
    const std::span<const std::int64_t> both(list.data() + 2 * i, 2);
    if (both[0] || both[1]) t = record(around_op, {t}, {.a = i - rank, .b = found - mode_names.begin(), .list = both});
  }
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
