// Masks, whose results' shapes depend on values, and choices by index or condition.

#include <xgrad/ops/elementwise.hpp>
#include <xgrad/ops/indexed.hpp>
#include <xgrad/ops/indexing.hpp>
#include <xgrad/ops/table.hpp>

namespace xgrad {
namespace {

Tensor as_tensor(const std::vector<std::int64_t>& places) {
  return tensor(places, Shape{static_cast<std::int64_t>(places.size())});
}

}  // namespace

std::vector<std::int64_t> nonzero_places(const Tensor& x) {
  const Tensor mask = cast(not_equal(x, 0), uint8).eval();
  std::vector<std::int64_t> places;
  const std::span<const std::uint8_t> bytes = mask.data<std::uint8_t>();
  for (std::size_t i = 0; i < bytes.size(); ++i)
    if (bytes[i]) places.push_back(static_cast<std::int64_t>(i));
  return places;
}

std::vector<Tensor> nonzero(const Arg& x) {
  const Within here("nonzero", x);
  const Shape shape = x.tensor().shape();
  std::vector<std::int64_t> places = nonzero_places(x.tensor());
  std::vector<Tensor> result(static_cast<std::size_t>(shape.rank()));
  std::vector<std::int64_t> along(places.size());
  for (int axis = shape.rank() - 1; axis >= 0; --axis) {
    for (std::size_t i = 0; i < places.size(); ++i) {
      along[i] = places[i] % shape[axis];
      places[i] /= shape[axis];
    }
    result[static_cast<std::size_t>(axis)] = as_tensor(along);
  }
  return result;
}

std::vector<Tensor> where(const Arg& condition) { return nonzero(condition); }

Tensor flatnonzero(const Arg& x) {
  const Within here("flatnonzero", x);
  return as_tensor(nonzero_places(x.tensor()));
}

Tensor argwhere(const Arg& x) {
  const Within here("argwhere", x);
  const Shape shape = x.tensor().shape();
  const std::vector<std::int64_t> places = nonzero_places(x.tensor());
  const auto rank = static_cast<std::size_t>(shape.rank());
  std::vector<std::int64_t> rows(places.size() * rank);
  for (std::size_t i = 0; i < places.size(); ++i) {
    std::int64_t rest = places[i];
    for (std::size_t axis = rank; axis-- > 0;) {
      rows[i * rank + axis] = rest % shape[static_cast<int>(axis)];
      rest /= shape[static_cast<int>(axis)];
    }
  }
  return tensor(rows, Shape{static_cast<std::int64_t>(places.size()), shape.rank()});
}

Tensor boolean_mask(const Arg& x, const Arg& mask) {
  const Within here("boolean_mask", x);
  const Tensor t = x.tensor(), m = mask.tensor();
  bool fits = m.rank() > 0 && m.rank() <= t.rank();
  for (int i = 0; fits && i < m.rank(); ++i) fits = m.shape()[i] == t.shape()[i];
  if (!fits)
    throw ShapeError("[boolean_mask] expected a mask shaped like the first axes of " + to_string(t.shape()) +
                     ", got " + to_string(m.shape()) + place(x.where()));
  Shape rows{m.size()};
  for (int i = m.rank(); i < t.rank(); ++i) rows.append(t.shape()[i]);
  return take(m.rank() == 1 ? t : reshape(t, rows), as_tensor(nonzero_places(m)), 0);
}

Tensor compress(const Arg& condition, const Arg& x, int axis) {
  const Within here("compress", condition);
  const Tensor t = x.tensor(), c = condition.tensor();
  const std::uint32_t mask = mask_from_end(axis, t.rank(), "compress", condition.where());
  const std::int64_t length = t.dim(-1 - __builtin_ctz(mask));
  if (c.rank() != 1 || c.size() > length)
    throw ShapeError("[compress] expected a vector of at most " + std::to_string(length) + " conditions, got " +
                     to_string(c.shape()) + place(condition.where()));
  return take(t, as_tensor(nonzero_places(c)), axis);
}

Tensor extract(const Arg& condition, const Arg& x) {
  const Within here("extract", condition);
  const Tensor t = x.tensor(), c = condition.tensor();
  if (c.size() != t.size())
    throw ShapeError("[extract] expected as many conditions as elements, got " + to_string(c.shape()) + " and " +
                     to_string(t.shape()) + place(condition.where()));
  return take(reshape(t, {-1}), as_tensor(nonzero_places(c)), 0);
}

Tensor choose(const Arg& indices, std::span<const Tensor> choices, Outside mode) {
  const Within here("choose", indices);
  const Tensor which = indices.tensor();
  if (choices.empty()) throw ValueError("[choose] expected at least one choice, got none" + place(indices.where()));
  if (is_floating(which.dtype()))
    throw DTypeError(std::string("[choose] expected indices of an integer dtype, got ") + name_of(which.dtype()) +
                     place(indices.where()));
  const auto n = static_cast<std::int64_t>(choices.size());
  const Tensor at = mode == Outside::clip ? which : check_labels(which, n, "index of choose");
  // Below the first and above the last choice there are only clipped indices.
  Tensor result = n == 1 ? where(less(at, 1), choices[0], choices[0]) : choices[0];
  for (std::int64_t k = 1; k < n; ++k) result = where(less(at, k), result, choices[static_cast<std::size_t>(k)]);
  return result;
}

Tensor select(std::span<const Tensor> conditions, std::span<const Tensor> choices, const Arg& otherwise) {
  const Within here("select", otherwise);
  if (conditions.empty() || conditions.size() != choices.size())
    throw ValueError("[select] expected a choice for each of one or more conditions, got " +
                     std::to_string(conditions.size()) + " conditions and " + std::to_string(choices.size()) +
                     " choices" + place(otherwise.where()));
  Tensor result = where(conditions.back(), choices.back(), otherwise);
  for (std::size_t k = choices.size() - 1; k-- > 0;) result = where(conditions[k], choices[k], result);
  return result;
}

Rows mask_rows() {
  using In = std::span<const Tensor>;
  static const double nan = __builtin_nan("");
  static const auto given = [](const Shape& shape, std::vector<double> values, DType dtype = bool_) {
    return SampleInput{.shape = shape, .dtype = dtype, .values = std::move(values)};
  };
  static const char* const places = "its result is places";
  static const char* const values_alone = "its inputs are given values";
  static const std::vector<Row> rows = {
      {.name = "nonzero",
       .call = [](In in) { return nonzero(in[0])[0]; },
       .samples = {{{given({2, 2}, {0, 1, 1, 0})}}, {{given({0}, {})}}},
       .special = {{[] { return nonzero(tensor({{0., 5.}, {7., nan}}))[1]; }, {1, 0, 1}},
                   {[] { return where(doubles({0, -0.0, nan, 2}))[0]; }, {2, 3}}},
       .no_derivative = places,
       .fewer_samples = values_alone},
      {.name = "flatnonzero",
       .call = [](In in) { return flatnonzero(in[0]); },
       .samples = {{{given({2, 2}, {0, 1, 1, 0})}}, {{given({}, {1})}}, {{given({0}, {})}}},
       .special = {{[] { return flatnonzero(doubles({0, -0.0, nan, 2})); }, {2, 3}}},
       .no_derivative = places,
       .fewer_samples = values_alone},
      {.name = "argwhere",
       .call = [](In in) { return argwhere(in[0]); },
       .samples = {{{given({2, 2}, {0, 1, 1, 0})}}, {{given({}, {1})}}, {{given({0, 2}, {})}}},
       .special = {{[] { return argwhere(tensor({{0., 5.}, {7., 8.}})); }, {0, 1, 1, 0, 1, 1}},
                   {[] { return argwhere(0); }, {}}},
       .no_derivative = places,
       .fewer_samples = values_alone},
      {.name = "boolean_mask",
       .call = [](In in) { return boolean_mask(in[0], in[1]); },
       .samples = {{{{.shape = {2, 3}}, given({2, 3}, {1, 0, 1, 0, 0, 1})}},
                   {{{.shape = {3, 2}}, given({3}, {1, 0, 1})}},
                   {{{.shape = {3, 2}, .broadcast = true}, given({3}, {1, 1, 0})}},
                   {{{.shape = {3}}, given({3}, {0, 0, 0})}},
                   {{{.shape = {0, 2}}, given({0}, {})}},
                   {{{.shape = {3, 2}, .strided = true}, given({3, 2}, {0, 1, 1, 0, 1, 1})}}},
       .special = {{[] { return boolean_mask(ints({1, 2, 3}), doubles({0, nan, 2})); }, {2, 3}}},
       .errors = {{[] { return boolean_mask(zeros({2, 3}), zeros({3})); },
                   "[boolean_mask] expected a mask shaped like the first axes of (2, 3), got (3,)"},
                  {[] { return boolean_mask(zeros({2}), true); }, "got ()"}},
       .fewer_samples = "a mask has an axis"},
      {.name = "compress",
       .call = [](In in) { return compress(in[1], in[0], -1); },
       .samples = {{{{.shape = {2, 3}}, given({3}, {1, 0, 1})}},
                   {{{.shape = {2, 3}, .broadcast = true}, given({2}, {0, 1})}},
                   {{{.shape = {0, 2}}, given({2}, {1, 1})}},
                   {{{.shape = {3, 2}, .strided = true}, given({2}, {0, 1})}}},
       .special = {{[] { return compress(ints({0, 1}), tensor({{1, 2}, {3, 4}, {5, 6}})); }, {3, 4}}},
       .errors = {{[] { return compress(zeros({3}), zeros({2}), 0); },
                   "[compress] expected a vector of at most 2 conditions, got (3,)"},
                  {[] { return compress(zeros({1}), zeros({2}), 1); }, "[compress] expected an axis"}},
       .fewer_samples = "a scalar has no axis"},
      {.name = "extract",
       .call = [](In in) { return extract(in[1], in[0]); },
       .samples = {{{{.shape = {2, 3}}, given({2, 3}, {1, 0, 1, 0, 0, 1})}},
                   {{{.shape = {}}, given({1}, {1})}},
                   {{{.shape = {2, 2}, .broadcast = true}, given({4}, {1, 1, 0, 1})}},
                   {{{.shape = {0}}, given({0}, {})}},
                   {{{.shape = {3, 2}, .strided = true}, given({3, 2}, {0, 1, 1, 0, 1, 1})}}},
       .errors = {{[] { return extract(zeros({2}), zeros({3})); }, "as many conditions as elements, got (2,)"}}},
      {.name = "choose",
       .call = [](In in) { return choose(in[0], in.subspan(1)); },
       .samples = {{{given({2, 2}, {0, 1, 1, 0}, int64), {.shape = {2, 2}}, {.shape = {2, 2}}}},
                   {{given({3}, {2, 0, 1}, int64), {.shape = {3}}, {.shape = {2, 3}}, {.shape = {}}}},
                   {{given({3}, {0, 0, 0}, int64), {.shape = {2, 1}}}},
                   {{given({0}, {}, int64), {.shape = {0}}, {.shape = {1}}}},
                   {{given({2}, {0, 1}, int64), {.shape = {3, 2}, .strided = true}, {.shape = {2}}}}},
       .special = {{[] {
                      const Tensor choices[] = {doubles({1, 2, 3}), doubles({4, 5, 6})};
                      return choose(ints({-3, 1, 9}), choices, Outside::clip);
                    },
                    {1, 5, 6}}},
       .errors = {{[] {
                     const Tensor choices[] = {doubles({1, 2}), doubles({4, 5})};
                     return evaluated(choose(ints({0, 2}), choices));
                   },
                   "expected every index of choose to be a whole number from 0 to 1, got 2 at position (1,)"},
                  {[] { return choose(ints({0}), {}); }, "[choose] expected at least one choice"},
                  {[] {
                     const Tensor choices[] = {doubles({1})};
                     return choose(doubles({0}), choices);
                   },
                   "integer dtype"}}},
      {.name = "select",
       .call = [](In in) { return select(in.first(in.size() / 2), in.subspan(in.size() / 2), 7); },
       .samples = {{{given({2, 2}, {0, 1, 1, 0}), given({2, 2}, {0, 1, 0, 1}), {.shape = {2, 2}}, {.shape = {2, 2}}}},
                   {{given({2, 1}, {0, 1}), {.shape = {3}}}},
                   {{given({}, {1}), given({2}, {0, 1}), {.shape = {}}, {.shape = {}}}},
                   {{given({0}, {}), {.shape = {0}}}},
                   {{given({2}, {0, 1}), {.shape = {3, 2}, .strided = true}}}},
       .errors = {{[] { return select({}, {}); }, "[select] expected a choice for each of one or more conditions"}}},
  };
  return rows;
}

}  // namespace xgrad
