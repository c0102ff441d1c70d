#include <xgrad/ops/creation.hpp>

#include <xgrad/graph/fold.hpp>
#include <xgrad/ops/elementwise.hpp>
#include <xgrad/ops/shape.hpp>
#include <xgrad/ops/table.hpp>

#include <algorithm>
#include <cmath>
#include <string>

namespace xgrad {
namespace {

std::vector<double> spaced(const char* name, double start, double stop, std::int64_t number, bool endpoint,
                           const Location& where) {
  if (number < 0)
    throw ValueError(std::string("[") + name + "] expected a number of values of 0 or more, got " +
                     std::to_string(number) + place(where));
  std::vector<double> values(static_cast<std::size_t>(number));
  const std::int64_t gaps = endpoint ? number - 1 : number;
  const double step = gaps > 0 ? (stop - start) / static_cast<double>(gaps) : 0;
  for (std::size_t i = 0; i < values.size(); ++i) {
    const double k = static_cast<double>(i);
    // A step that vanishes in the division would lose all of the way.
    values[i] = start + (step == 0 && gaps > 0 ? k / static_cast<double>(gaps) * (stop - start) : k * step);
  }
  if (endpoint && number > 1) values.back() = stop;
  return values;
}

Tensor vector_of(std::vector<double> values, const TensorOptions& options) {
  if (!is_floating(options.dtype))
    for (double& value : values) value = std::floor(value);
  return tensor(values, Shape{static_cast<std::int64_t>(values.size())}, options);
}

/// Whether the column less the row is k (or at most k).
Tensor by_diagonal(const char* name, std::int64_t rows, std::int64_t columns, std::int64_t k, bool below,
                   const TensorOptions& options) {
  if (columns < 0) columns = rows;
  if (rows < 0) throw ShapeError(std::string("[") + name + "] expected 0 rows or more, got " + std::to_string(rows));
  const Within here(name, Location());
  const Tensor row = expand_dims(arange(rows), 1) + std::clamp(k, -rows - 1, columns + 1), column = arange(columns);
  Tensor result = cast(below ? greater_equal(row, column) : equal(row, column), options.dtype);
  if (!options.name.empty()) result.named(options.name);
  return result;
}

}  // namespace

Tensor linspace(double start, double stop, std::int64_t number, bool endpoint, TensorOptions options, Location where) {
  return vector_of(spaced("linspace", start, stop, number, endpoint, where), options);
}

Tensor logspace(double start, double stop, std::int64_t number, bool endpoint, double base, TensorOptions options,
                Location where) {
  std::vector<double> values = spaced("logspace", start, stop, number, endpoint, where);
  for (double& value : values) value = std::pow(base, value);
  return vector_of(std::move(values), options);
}

Tensor geomspace(double start, double stop, std::int64_t number, bool endpoint, TensorOptions options, Location where) {
  if (!(start * stop > 0) && !(start > 0 && stop > 0) && !(start < 0 && stop < 0))
    throw ValueError("[geomspace] expected numbers of one sign, got " + std::to_string(start) + " and " +
                     std::to_string(stop) + place(where));
  const double sign = start < 0 ? -1 : 1;
  std::vector<double> values =
      spaced("geomspace", std::log10(std::fabs(start)), std::log10(std::fabs(stop)), number, endpoint, where);
  for (double& value : values) value = sign * std::pow(10.0, value);
  if (!values.empty()) values.front() = start;
  if (endpoint && values.size() > 1) values.back() = stop;
  return vector_of(std::move(values), options);
}

Tensor eye(std::int64_t rows, std::int64_t columns, std::int64_t k, TensorOptions options) {
  return by_diagonal("eye", rows, columns, k, false, options);
}
Tensor identity(std::int64_t n, TensorOptions options) { return by_diagonal("identity", n, n, 0, false, options); }
Tensor tri(std::int64_t rows, std::int64_t columns, std::int64_t k, TensorOptions options) {
  return by_diagonal("tri", rows, columns, k, true, options);
}

Tensor full_like(const Arg& x, const Arg& value) {
  const Within here("full_like", x);
  const Tensor like = x.tensor();
  return broadcast_like(cast(value, like.dtype()), like);
}

std::vector<Tensor> meshgrid(std::span<const Tensor> coordinates, std::string_view indexing, Location where) {
  const Within here("meshgrid", where);
  if (indexing != "xy" && indexing != "ij")
    throw ValueError("[meshgrid] expected the indexing xy or ij, got " + std::string(indexing) + place(where));
  const int rank = static_cast<int>(coordinates.size());
  if (rank > max_rank)
    throw ShapeError("[meshgrid] expected at most 8 coordinates, got " + std::to_string(rank) + place(where));
  std::vector<Tensor> spread;
  for (int i = 0; i < rank; ++i) {
    const Tensor& x = coordinates[static_cast<std::size_t>(i)];
    if (x.rank() > 1) throw ShapeError("[meshgrid] expected vectors, got " + to_string(x.shape()) + place(where));
    // All axes but its own are new, of length 1.
    const int axis = indexing == "xy" && rank > 1 && i < 2 ? 1 - i : i;
    const std::uint32_t others = ((1u << rank) - 1) & ~(1u << (rank - 1 - axis));
    spread.push_back(expand_axes(atleast_1d(x), others));
  }
  return broadcast_arrays(spread, where);
}

std::vector<Tensor> meshgrid(std::initializer_list<Arg> coordinates, std::string_view indexing) {
  std::vector<Tensor> list;
  for (const Arg& arg : coordinates) list.push_back(arg.tensor());
  return meshgrid(list, indexing, coordinates.size() ? coordinates.begin()->where() : Location());
}

Rows creation_rows() {
  using In = std::span<const Tensor>;
  static const char* const no_input = "it has no input";
  static const TensorOptions doubles_too = {.dtype = float64};
  static const std::vector<Row> rows = {
      {.name = "linspace",
       .call = [](In) { return linspace(0, 1, 7, true, doubles_too); },
       .samples = no_inputs(),
       .special = {{[] { return linspace(0, 1, 5, true, doubles_too); }, {0, 0.25, 0.5, 0.75, 1}},
                   {[] { return linspace(0, 1, 4, false); }, {0, 0.25, 0.5, 0.75}},
                   {[] { return linspace(3, 1, 1); }, {3}},
                   {[] { return linspace(3, 1, 0); }, {}},
                   {[] { return linspace(-1, 1, 4, true, {.dtype = int64}); }, {-1, -1, 0, 1}},
                   {[] { return linspace(0, 5e-324, 3, true, doubles_too); }, {0, 0, 5e-324}}},
       .errors = {{[] { return linspace(0, 1, -1); }, "[linspace] expected a number of values of 0 or more, got -1"}},
       .no_derivative = no_input,
       .fewer_samples = no_input},
      {.name = "logspace",
       .call = [](In) { return logspace(0, 1, 7); },
       .samples = no_inputs(),
       .special = {{[] { return logspace(0, 2, 3); }, {1, 10, 100}},
                   {[] { return logspace(0, 3, 3, false, 2); }, {1, 2, 4}}},
       .errors = {{[] { return logspace(0, 1, -1); }, "[logspace] expected a number"}},
       .no_derivative = no_input,
       .fewer_samples = no_input},
      {.name = "geomspace",
       .call = [](In) { return geomspace(1, 3, 7); },
       .samples = no_inputs(),
       .special = {{[] { return geomspace(1, 1000, 4); }, {1, 10, 100, 1000}},
                   {[] { return geomspace(-1, -100, 2, false); }, {-1, -10}},
                   {[] { return geomspace(7, 9, 2, true, doubles_too); }, {7, 9}}},
       .errors = {{[] { return geomspace(0, 1); }, "[geomspace] expected numbers of one sign"},
                  {[] { return geomspace(-1, 1); }, "[geomspace] expected numbers of one sign"}},
       .no_derivative = no_input,
       .fewer_samples = no_input},
      {.name = "eye",
       .call = [](In) { return eye(3, 4, 1, doubles_too); },
       .samples = no_inputs(),
       .special = {{[] { return eye(2); }, {1, 0, 0, 1}},
                   {[] { return eye(2, 3, -1); }, {0, 0, 0, 1, 0, 0}},
                   {[] { return eye(2, 2, INT64_MAX); }, {0, 0, 0, 0}},
                   {[] { return eye(0); }, {}},
                   {[] { return eye(1, 2, 1, {.dtype = bool_}); }, {0, 1}}},
       .no_derivative = no_input,
       .fewer_samples = no_input},
      {.name = "identity",
       .call = [](In) { return identity(3); },
       .samples = no_inputs(),
       .special = {{[] { return identity(2, {.dtype = int64}); }, {1, 0, 0, 1}}},
       .no_derivative = no_input,
       .fewer_samples = no_input},
      {.name = "tri",
       .call = [](In) { return tri(3); },
       .samples = no_inputs(),
       .special = {{[] { return tri(2, 3); }, {1, 0, 0, 1, 1, 0}},
                   {[] { return tri(2, 2, 1); }, {1, 1, 1, 1}},
                   {[] { return tri(2, 2, INT64_MIN); }, {0, 0, 0, 0}}},
       .no_derivative = no_input,
       .fewer_samples = no_input},
      {.name = "full_like",
       .call = [](In in) { return full_like(in[0], in[1]); },
       .samples = {{{{.shape = {2, 3}, .differentiable = false}, {.shape = {}}}},
                   {{{.shape = {2, 3}, .differentiable = false}, {.shape = {3}}}},
                   {{{.shape = {0, 3}, .differentiable = false}, {.shape = {}}}},
                   {{{.shape = {2, 3}, .differentiable = false, .strided = true}, {.shape = {2, 1}}}}},
       .special = {{[] {
                      return full_like(ints({1, 2}), 1.5);
                    },
                    {1, 1}}},
       .errors = {{[] { return full_like(zeros({2}), zeros({3})); }, "[full_like: broadcast_like]"}}},
      {.name = "meshgrid",
       .call =
           [](In in) {
             const std::vector<Tensor> xy = meshgrid(in), ij = meshgrid(in, "ij");
             return xy[0] * swapaxes(ij[1], 0, 1) + swapaxes(ij[0], 0, 1) * xy[1];
           },
       .samples = {{{{.shape = {2}}, {.shape = {3}}}},
                   {{{.shape = {}}, {.shape = {3}}}},
                   {{{.shape = {0}}, {.shape = {2}}}},
                   {{{.shape = {3}, .strided = true}, {.shape = {2}}}}},
       .special = {{[] {
                      return meshgrid({doubles({1, 2}), doubles({3, 4, 5})})[0];
                    },
                    {1, 2, 1, 2, 1, 2}},
                   {[] {
                      return meshgrid({doubles({1, 2}), doubles({3, 4, 5})}, "ij")[1];
                    },
                    {3, 4, 5, 3, 4, 5}},
                   {[] {
                      return meshgrid({doubles({1, 2})})[0];
                    },
                    {1, 2}},
                   {[] {
                      return meshgrid({ints({1, 2}), ints({3}), ints({4, 5})})[2];
                    },
                    {4, 5, 4, 5}}},
       .errors = {{[] {
                     return meshgrid({zeros({2, 2})})[0];
                   },
                   "[meshgrid] expected vectors, got (2, 2)"},
                  {[] { return meshgrid({zeros({2})}, "yx")[0]; },
                   "[meshgrid] expected the indexing xy or ij, got yx"}}},
  };
  return rows;
}

}  // namespace xgrad
