#include <xgrad/ops/creation.hpp>

#include <xgrad/graph/fold.hpp>
#include <xgrad/kernels/sequences.hpp>
#include <xgrad/ops/elementwise.hpp>
#include <xgrad/ops/shape.hpp>
#include <xgrad/ops/shape_parts.hpp>
#include <xgrad/ops/table.hpp>

#include <algorithm>
#include <cmath>
#include <string>

namespace xgrad {
namespace {

/// Attribute 0 is how many, attribute 1 whether the last one is given. Inputs: the first one, the step or the last one.
void run_progression(const Launch& launch) {
  const std::int64_t count = launch.out.shape.size();
  const auto number = [&](std::size_t k) { return *static_cast<const double*>(launch.in[k].data); };
  const double start = number(0), other = number(1);
  const DType type = launch.out.dtype;
  if (type == int64) return kernels::count_up(type, launch.out.data, count);
  if (!launch.attributes[1]) return kernels::steps(type, launch.out.data, count, start, other);
  const std::int64_t gaps = count - 1;
  const double step = gaps > 0 ? (other - start) / static_cast<double>(gaps) : 0;
  // A step that vanishes in the division would lose all of the way.
  if (step == 0 && gaps > 0) kernels::shares(type, launch.out.data, count, start, other - start, gaps);
  else kernels::steps(type, launch.out.data, count, start, step);
  if (count < 2) return;
  if (type == float32) static_cast<float*>(launch.out.data)[gaps] = static_cast<float>(other);
  else static_cast<double*>(launch.out.data)[gaps] = other;
}

/// One for each element type: it is no attribute, so that recording again can ask for another one.
template <DType dtype>
constexpr Op progression_op{.name = "progression",
                            .infer = [](Recording& call) { call.result(Shape{call.attribute(0)}, dtype); },
                            .run = run_progression};

/// The values of linspace as float64, or in the dtype asked for if that can be had at once.
Tensor spaced(const char* name, double start, double stop, std::int64_t number, bool endpoint, DType dtype,
              const Location& where) {
  if (number < 0)
    throw ValueError(std::string("[") + name + "] expected a number of values of 0 or more, got " +
                     std::to_string(number) + place(where));
  if (!is_floating(dtype)) dtype = float64;
  if (endpoint) return progression(name, number, {.start = start, .stop = stop, .ends = true}, dtype, where);
  // One more value than asked for, and the last one left out.
  const Tensor all = progression(name, number + 1, {.start = start, .stop = stop, .ends = true}, dtype, where);
  return slice_axis(all, 0, {0, number});
}

Tensor finished(const Tensor& values, const TensorOptions& options) {
  const Tensor result = cast(is_floating(options.dtype) ? values : floor(values), options.dtype);
  return options.name.empty() ? result : result.named(options.name);
}

struct Matrix {
  std::int64_t rows, columns;
};
Matrix matrix_of(const char* name, std::int64_t rows, std::int64_t columns) {
  if (columns < 0) columns = rows;
  if (rows < 0) throw ShapeError(std::string("[") + name + "] expected 0 rows or more, got " + std::to_string(rows));
  return {rows, columns};
}

/// Ones on and below the k-th diagonal.
Tensor by_diagonal(std::int64_t rows, std::int64_t columns, std::int64_t k, const TensorOptions& options) {
  const Tensor row = expand_dims(arange(rows), 1) + std::clamp(k, -rows - 1, columns + 1), column = arange(columns);
  return finished(greater_equal(row, column), options);
}

}  // namespace

Tensor progression(const char* name, std::int64_t count, Progression numbers, DType dtype, const Location& where) {
  const Within here(name, where);
  const Op& op = dtype == float32   ? progression_op<float32>
                 : dtype == float64 ? progression_op<float64>
                                    : progression_op<int64>;
  const Tensor start(numbers.start, {.dtype = float64});
  const Tensor other(numbers.ends ? numbers.stop : numbers.step, {.dtype = float64});
  return record(op, {Arg(start, where), other}, {.a = count, .b = numbers.ends});
}

Tensor linspace(double start, double stop, std::int64_t number, bool endpoint, TensorOptions options, Location where) {
  const Within here("linspace", where);
  return finished(spaced("linspace", start, stop, number, endpoint, options.dtype, where), options);
}

Tensor logspace(double start, double stop, std::int64_t number, bool endpoint, double base, TensorOptions options,
                Location where) {
  const Within here("logspace", where);
  const Tensor exponents = spaced("logspace", start, stop, number, endpoint, float64, where);
  return finished(power(Tensor(base, {.dtype = float64}), exponents), options);
}

Tensor geomspace(double start, double stop, std::int64_t number, bool endpoint, TensorOptions options, Location where) {
  const Within here("geomspace", where);
  if (!(start * stop > 0) && !(start > 0 && stop > 0) && !(start < 0 && stop < 0))
    throw ValueError("[geomspace] expected numbers of one sign, got " + std::to_string(start) + " and " +
                     std::to_string(stop) + place(where));
  const Tensor exponents = spaced("geomspace", std::log10(std::fabs(start)), std::log10(std::fabs(stop)), number,
                                  endpoint, float64, where);
  const Tensor ten(10.0, {.dtype = float64});
  Tensor values = power(ten, exponents) * (start < 0 ? -1.0 : 1.0);
  // The ends are exact.
  const Tensor k = arange(number);
  if (endpoint) values = xgrad::where(equal(k, number - 1), stop, values);
  return finished(xgrad::where(equal(k, 0), start, values), options);
}

Tensor eye(std::int64_t rows, std::int64_t columns, std::int64_t k, TensorOptions options) {
  const Matrix size = matrix_of("eye", rows, columns);
  const Within here("eye", Location());
  const Tensor result = ones_on_diagonal(size.rows, size.columns, k, options.dtype);
  return options.name.empty() ? result : result.named(options.name);
}
Tensor identity(std::int64_t n, TensorOptions options) { return eye(n, n, 0, options); }
Tensor tri(std::int64_t rows, std::int64_t columns, std::int64_t k, TensorOptions options) {
  const Matrix size = matrix_of("tri", rows, columns);
  const Within here("tri", Location());
  return by_diagonal(size.rows, size.columns, k, options);
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
