#include <xgrad/ops/grids.hpp>

#include <xgrad/graph/fold.hpp>
#include <xgrad/ops/creation.hpp>
#include <xgrad/ops/elementwise.hpp>
#include <xgrad/ops/indexed.hpp>
#include <xgrad/ops/indexing.hpp>
#include <xgrad/ops/shape.hpp>
#include <xgrad/ops/table.hpp>

#include <algorithm>
#include <array>
#include <string>

namespace xgrad {
namespace {

std::vector<Tensor> triangle(const Tensor& inside, const char* name) {
  const Within here(name, Location());
  return nonzero(inside);
}

Shape matrix_shape(const char* name, const Arg& x) {
  const Tensor t = x.tensor();
  if (t.rank() != 2)
    throw ShapeError(std::string("[") + name + "] expected a matrix, got " + to_string(t.shape()) + place(x.where()));
  return t.shape();
}

}  // namespace

Shape broadcast_shapes(std::initializer_list<Shape> shapes, Location where) {
  const Within here("broadcast_shapes", where);
  Tensor all = zeros({});
  for (const Shape& shape : shapes) all = not_equal(all, zeros(shape));  // never computed
  return all.shape();
}

std::vector<Tensor> indices(const Shape& shape) {
  const Within here("indices", Location());
  std::vector<Tensor> result;
  for (int i = 0; i < shape.rank(); ++i)
    result.push_back(broadcast_to(expand_axes(arange(shape[i]), (1u << (shape.rank() - 1 - i)) - 1), shape));
  return result;
}

std::vector<Tensor> ix_(std::initializer_list<Arg> places) {
  std::vector<Tensor> result;
  const auto rank = static_cast<int>(places.size());
  for (const Arg& arg : places) {
    const Within here("ix_", arg);
    Tensor x = arg.tensor();
    if (x.rank() != 1) throw ShapeError("[ix_] expected vectors, got " + to_string(x.shape()) + place(arg.where()));
    if (x.dtype() == bool_) x = flatnonzero(x);
    const std::uint32_t own = 1u << (rank - 1 - static_cast<int>(result.size()));
    result.push_back(expand_axes(x, ((1u << rank) - 1) & ~own));
  }
  return result;
}

Tensor ravel_multi_index(std::span<const Tensor> indices, const Shape& shape, Location where) {
  const Within here("ravel_multi_index", where);
  if (static_cast<int>(indices.size()) != shape.rank() || indices.empty())
    throw ShapeError("[ravel_multi_index] expected indices for each axis of " + to_string(shape) + ", got " +
                     std::to_string(indices.size()) + place(where));
  Tensor at;
  for (int i = 0; i < shape.rank(); ++i) {
    const Tensor index =
        cast(check_labels(indices[static_cast<std::size_t>(i)], shape[i], "index of ravel_multi_index"), int64);
    at = i == 0 ? index : at * shape[i] + index;
  }
  return at;
}

std::vector<Tensor> unravel_index(const Arg& places, const Shape& shape) {
  const Within here("unravel_index", places);
  std::vector<Tensor> result(static_cast<std::size_t>(shape.rank()));
  Tensor rest = cast(check_labels(places.tensor(), shape.size(), "place of unravel_index"), int64);
  for (int i = shape.rank() - 1; i >= 0; --i) {
    result[static_cast<std::size_t>(i)] = i == 0 ? rest : remainder(rest, shape[i]);
    rest = floor_divide(rest, shape[i]);
  }
  return result;
}

std::vector<Tensor> diag_indices(std::int64_t n, int rank) {
  const Within here("diag_indices", Location());
  return std::vector<Tensor>(static_cast<std::size_t>(std::max(rank, 0)), arange(n));
}

std::vector<Tensor> diag_indices_from(const Arg& x) {
  const Within here("diag_indices_from", x);
  const Tensor t = x.tensor();
  bool equal = t.rank() >= 2;
  for (int i = 1; i < t.rank(); ++i) equal &= t.shape()[i] == t.shape()[0];
  if (!equal)
    throw ShapeError("[diag_indices_from] expected two or more axes of one length, got " + to_string(t.shape()) +
                     place(x.where()));
  return diag_indices(t.shape()[0], t.rank());
}

std::vector<Tensor> tril_indices(std::int64_t n, std::int64_t k, std::int64_t columns) {
  return triangle(tri(n, columns, k, {.dtype = bool_}), "tril_indices");
}
std::vector<Tensor> tril_indices_from(const Arg& x, std::int64_t k) {
  const Shape shape = matrix_shape("tril_indices_from", x);
  return tril_indices(shape[0], k, shape[1]);
}
std::vector<Tensor> triu_indices(std::int64_t n, std::int64_t k, std::int64_t columns) {
  return triangle(logical_not(tri(n, columns, k == INT64_MIN ? k : k - 1, {.dtype = bool_})), "triu_indices");
}
std::vector<Tensor> triu_indices_from(const Arg& x, std::int64_t k) {
  const Shape shape = matrix_shape("triu_indices_from", x);
  return triu_indices(shape[0], k, shape[1]);
}

Rows grids_rows() {
  using In = std::span<const Tensor>;
  static const char* const places = "its results are places";
  static const std::vector<Row> rows = {
      {.name = "broadcast_shapes",
       .call =
           [](In) {
             return zeros(broadcast_shapes({{2, 1}, {3}}));
           },
       .samples = no_inputs(),
       .special = {{[] {
                      return zeros(broadcast_shapes({{2, 1}, {3}}));
                    },
                    {0, 0, 0, 0, 0, 0}},
                   {[] { return zeros(broadcast_shapes({})); }, {0}}},
       .errors = {{[] {
                     return zeros(broadcast_shapes({{2}, {3}}));
                   },
                   "[broadcast_shapes: not_equal]"}},
       .no_derivative = "it has no input",
       .fewer_samples = "it has no input"},
      {.name = "indices",
       .call =
           [](In) {
             return indices({2, 3})[1];
           },
       .samples = no_inputs(),
       .special = {{[] {
                      return indices({2, 3})[0];
                    },
                    {0, 0, 0, 1, 1, 1}},
                   {[] {
                      return indices({2, 3})[1];
                    },
                    {0, 1, 2, 0, 1, 2}},
                   {[] {
                      return indices({0, 3})[1];
                    },
                    {}}},
       .no_derivative = places,
       .fewer_samples = "it has no input"},
      {.name = "ix_",
       .call =
           [](In in) {
             return ix_({in[0], in[0]})[0];
           },
       .samples = {{{{.shape = {3}, .dtype = int64, .values = {0, 2, 1}}}}},
       .special = {{[] {
                      return ix_({ints({1, 2}), ints({3, 4, 5})})[0] + ix_({ints({1, 2}), ints({3, 4, 5})})[1];
                    },
                    {4, 5, 6, 5, 6, 7}},
                   {[] {
                      return ix_({tensor({1, 0, 1}, {.dtype = bool_})})[0];
                    },
                    {0, 2}}},
       .errors = {{[] {
                     return ix_({zeros({2, 2})})[0];
                   },
                   "[ix_] expected vectors, got (2, 2)"}},
       .no_derivative = places,
       .fewer_samples = "it takes vectors of places"},
      {.name = "ravel_multi_index",
       .call =
           [](In in) {
             return ravel_multi_index(in, {3, 4});
           },
       .samples = {{{{.shape = {3}, .dtype = int64, .values = {0, 2, 1}},
                     {.shape = {3}, .dtype = int64, .values = {3, 0, 1}}}}},
       .special = {{[] {
                      return ravel_multi_index(std::array{ints({0, 2, 2}), ints({3, 0, 1})}, {3, 4});
                    },
                    {3, 8, 9}}},
       .errors = {{[] {
                     return ravel_multi_index(std::array{ints({1})}, {3, 4});
                   },
                   "indices for each axis of (3, 4), got 1"},
                  {[] {
                     return evaluated(ravel_multi_index(std::array{ints({3}), ints({0})}, {3, 4}));
                   },
                   "index of ravel_multi_index to be a whole number from 0 to 2, got 3"}},
       .no_derivative = places,
       .fewer_samples = "it takes places"},
      {.name = "unravel_index",
       .call =
           [](In in) {
             return unravel_index(in[0], {3, 4})[0] + unravel_index(in[0], {3, 4})[1];
           },
       .samples = {{{{.shape = {3}, .dtype = int64, .values = {0, 7, 11}}}}},
       .special = {{[] {
                      return unravel_index(ints({3, 8, 11}), {3, 4})[0];
                    },
                    {0, 2, 2}},
                   {[] {
                      return unravel_index(ints({3, 8, 11}), {3, 4})[1];
                    },
                    {3, 0, 3}}},
       .errors = {{[] {
                     return evaluated(unravel_index(ints({12}), {3, 4})[0]);
                   },
                   "from 0 to 11, got 12"}},
       .no_derivative = places,
       .fewer_samples = "it takes places"},
      {.name = "diag_indices",
       .call = [](In) { return diag_indices(3)[1]; },
       .samples = no_inputs(),
       .special = {{[] { return diag_indices(3, 3)[2]; }, {0, 1, 2}}},
       .no_derivative = places,
       .fewer_samples = "it has no input"},
      {.name = "diag_indices_from",
       .call = [](In in) { return diag_indices_from(in[0])[0]; },
       .samples = {{{{.shape = {3, 3}}}}},
       .special = {{[] {
                      return diag_indices_from(zeros({2, 2, 2}))[2];
                    },
                    {0, 1}}},
       .errors = {{[] {
                     return diag_indices_from(zeros({2, 3}))[0];
                   },
                   "two or more axes of one length, got (2, 3)"}},
       .no_derivative = places,
       .fewer_samples = "it takes square arrays"},
      {.name = "tril_indices",
       .call = [](In) { return tril_indices(3)[0] + tril_indices(3)[1]; },
       .samples = no_inputs(),
       .special = {{[] { return tril_indices(3)[0]; }, {0, 1, 1, 2, 2, 2}},
                   {[] { return tril_indices(3)[1]; }, {0, 0, 1, 0, 1, 2}},
                   {[] { return tril_indices(2, -1, 3)[1]; }, {0}}},
       .no_derivative = places,
       .fewer_samples = "it has no input"},
      {.name = "tril_indices_from",
       .call = [](In in) { return tril_indices_from(in[0])[1]; },
       .samples = {{{{.shape = {3, 2}}}}},
       .special = {{[] {
                      return tril_indices_from(zeros({2, 3}), 1)[1];
                    },
                    {0, 1, 0, 1, 2}}},
       .errors = {{[] { return tril_indices_from(zeros({2}))[0]; }, "[tril_indices_from] expected a matrix, got (2,)"}},
       .no_derivative = places,
       .fewer_samples = "it takes matrices"},
      {.name = "triu_indices",
       .call = [](In) { return triu_indices(3)[0] + triu_indices(3)[1]; },
       .samples = no_inputs(),
       .special = {{[] { return triu_indices(3)[0]; }, {0, 0, 0, 1, 1, 2}},
                   {[] { return triu_indices(3)[1]; }, {0, 1, 2, 1, 2, 2}},
                   {[] { return triu_indices(2, 1, 3)[1]; }, {1, 2, 2}}},
       .no_derivative = places,
       .fewer_samples = "it has no input"},
      {.name = "triu_indices_from",
       .call = [](In in) { return triu_indices_from(in[0])[1]; },
       .samples = {{{{.shape = {3, 2}}}}},
       .special = {{[] {
                      return triu_indices_from(zeros({2, 3}), 1)[1];
                    },
                    {1, 2, 2}}},
       .errors = {{[] { return triu_indices_from(zeros({2}))[0]; }, "[triu_indices_from] expected a matrix, got (2,)"}},
       .no_derivative = places,
       .fewer_samples = "it takes matrices"},
  };
  return rows;
}

}  // namespace xgrad
