#include <xgrad/ops/shape.hpp>
#include <xgrad/ops/shape_parts.hpp>
#include <xgrad/ops/table.hpp>

#include <string>

namespace xgrad {
namespace {

// --- joining ---------------------------------------------------------------------------------------------------------

std::vector<Tensor> list_of(std::initializer_list<Arg> tensors) {
  std::vector<Tensor> result;
  for (const Arg& arg : tensors) result.push_back(arg.tensor());
  return result;
}
Location place_of(std::initializer_list<Arg> tensors) { return tensors.size() ? tensors.begin()->where() : Location(); }

template <class F>
Tensor join_each(const char* name, std::span<const Tensor> tensors, int axis, const Location& where, F&& f) {
  const Within here(name, where);
  std::vector<Tensor> parts;
  for (const Tensor& t : tensors) parts.push_back(f(Arg(t, where)));
  return concatenate(std::span<const Tensor>(parts), axis, where);
}

/// A vector as a column.
Tensor as_column(const Arg& x) {
  const Tensor t = x.tensor();
  return t.rank() < 2 ? expand_dims(atleast_1d(t), 1) : t;
}

// --- cutting ---------------------------------------------------------------------------------------------------------

std::vector<Tensor> sections_of(const char* name, const Arg& x, int sections, int axis, bool equal) {
  const Within here(name, x);
  const Tensor t = x.tensor();
  const int at = from_end(axis, t, name, x.where());
  if (sections < 1)
    throw ValueError(std::string("[") + name + "] expected one section or more, got " + std::to_string(sections) +
                     place(x.where()));
  if (equal && t.shape()[at] % sections != 0)
    throw ShapeError(std::string("[") + name + "] expected an axis that divides into " + std::to_string(sections) +
                     " sections, got length " + std::to_string(t.shape()[at]) + " of " + to_string(t.shape()) +
                     place(x.where()));
  std::vector<Tensor> result;
  for (int k = 0; k < sections; ++k) result.push_back(section(t, at, k, sections));
  return result;
}

void need_axes(const char* name, const Arg& x, int rank) {
  if (x.tensor().rank() < rank)
    throw ShapeError(std::string("[") + name + "] expected " + std::to_string(rank) + " axes or more, got " +
                     to_string(x.tensor().shape()) + place(x.where()));
}

}  // namespace

Tensor hstack(std::span<const Tensor> tensors, Location where) {
  const int axis = !tensors.empty() && tensors[0].rank() > 1 ? 1 : 0;
  return join_each("hstack", tensors, axis, where, atleast_1d);
}
Tensor hstack(std::initializer_list<Arg> tensors) { return hstack(list_of(tensors), place_of(tensors)); }
Tensor vstack(std::span<const Tensor> tensors, Location where) {
  return join_each("vstack", tensors, 0, where, atleast_2d);
}
Tensor vstack(std::initializer_list<Arg> tensors) { return vstack(list_of(tensors), place_of(tensors)); }
Tensor dstack(std::span<const Tensor> tensors, Location where) {
  return join_each("dstack", tensors, 2, where, atleast_3d);
}
Tensor dstack(std::initializer_list<Arg> tensors) { return dstack(list_of(tensors), place_of(tensors)); }
Tensor column_stack(std::span<const Tensor> tensors, Location where) {
  return join_each("column_stack", tensors, 1, where, as_column);
}
Tensor column_stack(std::initializer_list<Arg> tensors) { return column_stack(list_of(tensors), place_of(tensors)); }

std::vector<Tensor> split(const Arg& x, int sections, int axis) {
  return sections_of("split", x, sections, axis, true);
}
std::vector<Tensor> split(const Arg& x, std::initializer_list<std::int64_t> positions, int axis) {
  const Within here("split", x);
  const Tensor t = x.tensor();
  mask_from_end(axis, t.rank(), "split", x.where());
  std::vector<Tensor> result;
  std::int64_t start = 0;
  for (const std::int64_t position : positions) {
    result.push_back(slice_axis(t, axis, {start, position}));
    start = position;
  }
  result.push_back(slice_axis(t, axis, {start}));
  return result;
}
std::vector<Tensor> array_split(const Arg& x, int sections, int axis) {
  return sections_of("array_split", x, sections, axis, false);
}
std::vector<Tensor> hsplit(const Arg& x, int sections) {
  need_axes("hsplit", x, 1);
  return sections_of("hsplit", x, sections, x.tensor().rank() > 1 ? 1 : 0, true);
}
std::vector<Tensor> vsplit(const Arg& x, int sections) {
  need_axes("vsplit", x, 2);
  return sections_of("vsplit", x, sections, 0, true);
}
std::vector<Tensor> dsplit(const Arg& x, int sections) {
  need_axes("dsplit", x, 3);
  return sections_of("dsplit", x, sections, 2, true);
}

std::vector<Tensor> unstack(const Arg& x, int axis) {
  const Within here("unstack", x);
  const Tensor t = x.tensor();
  const int at = from_end(axis, t, "unstack", x.where());
  std::vector<Tensor> result;
  for (std::int64_t k = 0; k < t.shape()[at]; ++k)
    result.push_back(squeeze_axes(slice_axis(t, at, {k, k + 1}), 1u << (-1 - at)));
  return result;
}

Rows join_split_rows() {
  using In = std::span<const Tensor>;
  static const auto pairs = [](const Shape& a, const Shape& b) {
    return std::vector<Sample>{{{{.shape = a}, {.shape = b}}},
                               {{{.shape = {}}, {.shape = {}}}},
                               {{{.shape = {0}}, {.shape = {0}}}},
                               {{{.shape = {2, 3}, .strided = true}, {.shape = {2, 3}}}},
                               {{{.shape = {2, 3}, .broadcast = true}, {.shape = {2, 3}}}}};
  };
  // Parts times different numbers, so that a part in another's place is noticed.
  static const auto joined = [](const std::vector<Tensor>& parts, int axis) {
    std::vector<Tensor> scaled;
    for (std::size_t i = 0; i < parts.size(); ++i) scaled.push_back(parts[i] * static_cast<double>(i + 1));
    return concatenate(std::span<const Tensor>(scaled), axis);
  };
  static const std::vector<Sample> matrices = {{{{.shape = {4, 6}}}},
                                               {{{.shape = {2, 2, 4}}}},
                                               {{{.shape = {4, 2}, .broadcast = true}}},
                                               {{{.shape = {0, 2}}}},
                                               {{{.shape = {4, 2}, .strided = true}}}};
  static const char* const no_axis = "a scalar has no axis";
  static const std::vector<Row> rows = {
      {.name = "hstack",
       .call = [](In in) { return hstack(in); },
       .samples = pairs({2, 1}, {2, 3}),
       .special = {{[] {
                      return hstack({1.0, doubles({2, 3})});
                    },
                    {1, 2, 3}}},
       .errors = {{[] {
                     return hstack({zeros({2, 3}), zeros({3, 3})});
                   },
                   "[hstack: concatenate]"},
                  {[] { return hstack(std::span<const Tensor>()); }, "at least one tensor"}}},
      {.name = "vstack",
       .call = [](In in) { return vstack(in); },
       .samples = pairs({3}, {2, 3}),
       .special = {{[] {
                      return vstack({doubles({1, 2}), doubles({3, 4})});
                    },
                    {1, 2, 3, 4}}},
       .errors = {{[] {
                     return vstack({zeros({2}), zeros({3})});
                   },
                   "[vstack: concatenate]"}}},
      {.name = "dstack",
       .call = [](In in) { return dstack(in); },
       .samples = pairs({2, 3}, {2, 3, 2}),
       .special = {{[] {
                      return dstack({doubles({1, 2}), doubles({3, 4})});
                    },
                    {1, 3, 2, 4}}},
       .errors = {{[] {
                     return dstack({zeros({2}), zeros({3})});
                   },
                   "[dstack: concatenate]"}}},
      {.name = "column_stack",
       .call = [](In in) { return column_stack(in); },
       .samples = pairs({2}, {2, 3}),
       .special = {{[] {
                      return column_stack({doubles({1, 2}), doubles({3, 4})});
                    },
                    {1, 3, 2, 4}}},
       .errors = {{[] {
                     return column_stack({zeros({2}), zeros({3})});
                   },
                   "[column_stack: concatenate]"}}},
      {.name = "split",
       .call =
           [](In in) {
             return in[0].rank() == 3 ? joined(split(in[0], {1, -1}, -1), -1) : joined(split(in[0], 2), 0);
           },
       .samples = matrices,
       .special = {{[] { return split(arange(6), 3)[1]; }, {2, 3}},
                   {[] {
                      return split(arange(6), {2, 5})[1];
                    },
                    {2, 3, 4}},
                   {[] {
                      return split(arange(6), {2, 5})[2];
                    },
                    {5}},
                   {[] {
                      return split(arange(3), {2, 9})[2];
                    },
                    {}}},
       .errors = {{[] { return split(zeros({5}), 2)[0]; }, "[split] expected an axis that divides into 2 sections"},
                  {[] { return split(zeros({5}), 0)[0]; }, "[split] expected one section or more, got 0"},
                  {[] { return split(zeros({5}), 1, 1)[0]; }, "[split] expected an axis from -1 to 0"}},
       .fewer_samples = no_axis},
      {.name = "array_split",
       .call = [](In in) { return joined(array_split(in[0], 3, -1), -1); },
       .samples = matrices,
       .special = {{[] { return array_split(arange(5), 3)[1]; }, {2, 3}},
                   {[] { return array_split(arange(2), 3)[2]; }, {}}},
       .errors = {{[] { return array_split(zeros({5}), -1)[0]; },
                   "[array_split] expected one section or more, got -1"}},
       .fewer_samples = no_axis},
      {.name = "hsplit",
       .call = [](In in) { return joined(hsplit(in[0], 2), 0); },
       .samples = matrices,
       .special = {{[] { return hsplit(arange(4), 2)[1]; }, {2, 3}}},
       .errors = {{[] { return hsplit(1.0, 1)[0]; }, "[hsplit] expected 1 axes or more"}},
       .fewer_samples = no_axis},
      {.name = "vsplit",
       .call = [](In in) { return joined(vsplit(in[0], 2), -1); },
       .samples = matrices,
       .errors = {{[] { return vsplit(zeros({4}), 2)[0]; }, "[vsplit] expected 2 axes or more, got (4,)"}},
       .fewer_samples = no_axis},
      {.name = "dsplit",
       .call = [](In in) { return joined(dsplit(in[0], 2), 1); },
       .samples = {{{{.shape = {2, 3, 4}}}},
                   {{{.shape = {3, 1, 2}, .broadcast = true}}},
                   {{{.shape = {0, 1, 2}}}},
                   {{{.shape = {2, 2, 2}, .strided = true}}}},
       .errors = {{[] {
                     return dsplit(zeros({4, 2}), 2)[0];
                   },
                   "[dsplit] expected 3 axes or more"}},
       .fewer_samples = no_axis},
      {.name = "unstack",
       .call = [](In in) { return stack(unstack(in[0], -1)) * 2; },
       .samples = matrices,
       .special = {{[] {
                      return unstack(tensor({{1., 2.}, {3., 4.}}), 1)[1];
                    },
                    {2, 4}}},
       .errors = {{[] { return unstack(zeros({2}), 1)[0]; }, "[unstack] expected an axis from -1 to 0, got 1"}},
       .fewer_samples = no_axis},
  };
  return rows;
}

}  // namespace xgrad
