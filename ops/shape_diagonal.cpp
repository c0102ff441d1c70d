#include <xgrad/graph/fold.hpp>
#include <xgrad/kernels/moves.hpp>
#include <xgrad/ops/elementwise.hpp>
#include <xgrad/ops/shape.hpp>
#include <xgrad/ops/shape_parts.hpp>
#include <xgrad/ops/table.hpp>

#include <algorithm>
#include <cstring>
#include <string>

namespace xgrad {
namespace {

// --- diagonals -------------------------------------------------------------------------------------------------------

/// The list holds the offset and the two axes counted from the end.
struct Line {
  int axis1 = 0, axis2 = 0;                      ///< counted from the front
  std::int64_t length = 0, row = 0, column = 0;  ///< how many elements, and where the first one is
};
Line line_of(const Shape& shape, std::span<const std::int64_t> list) {
  Line line{.axis1 = static_cast<int>(list[1]) + shape.rank(), .axis2 = static_cast<int>(list[2]) + shape.rank()};
  const std::int64_t rows = shape[line.axis1], columns = shape[line.axis2];
  line.row = std::clamp<std::int64_t>(-std::max(list[0], -rows), 0, rows);
  line.column = std::clamp<std::int64_t>(list[0], 0, columns);
  line.length = std::min(rows - line.row, columns - line.column);
  return line;
}

void infer_diagonal(Recording& call) {
  const Shape& shape = call.shape(0);
  for (const int k : {1, 2}) call.axis(call.list()[static_cast<std::size_t>(k)], shape.rank());
  const Line line = line_of(shape, call.list());
  Shape result;
  for (int i = 0; i < shape.rank(); ++i)
    if (i != line.axis1 && i != line.axis2) result.append(shape[i]);
  result.append(line.length);
  call.result(result, call.dtype(0));
}

/// Copies between a whole array and its diagonal.
void copy_diagonal(const Launch& launch, const Shape& whole, bool into_whole) {
  const Line line = line_of(whole, launch.list);
  std::int64_t strides[max_rank] = {}, step = 1;
  for (int i = whole.rank() - 1; i >= 0; --i) {
    strides[i] = step;
    step *= whole[i];
  }
  std::int64_t counts[max_rank], whole_strides[max_rank], line_strides[max_rank];
  std::size_t rank = 0;
  for (int i = 0; i < whole.rank(); ++i) {
    if (i == line.axis1 || i == line.axis2) continue;
    counts[rank] = whole[i];
    whole_strides[rank++] = strides[i];
  }
  counts[rank] = line.length;
  whole_strides[rank++] = strides[line.axis1] + strides[line.axis2];
  std::int64_t size = 1;
  for (std::size_t i = rank; i-- > 0;) {
    line_strides[i] = size;
    size *= counts[i];
  }
  if (size == 0) return;
  const std::size_t bytes = size_of(launch.out.dtype);
  const std::size_t skip =
      static_cast<std::size_t>(line.row * strides[line.axis1] + line.column * strides[line.axis2]) * bytes;
  if (into_whole)
    kernels::copy_strided(bytes, {counts, rank}, launch.in[0].data, {line_strides, rank},
                          static_cast<std::byte*>(launch.out.data) + skip, {whole_strides, rank});
  else
    kernels::copy_strided(bytes, {counts, rank}, static_cast<const std::byte*>(launch.in[0].data) + skip,
                          {whole_strides, rank}, launch.out.data, {line_strides, rank});
}

void run_undiagonal(const Launch& launch) {
  std::memset(launch.out.data, 0, static_cast<std::size_t>(launch.out.shape.size()) * size_of(launch.out.dtype));
  copy_diagonal(launch, launch.out.shape, true);
}

Tensor undiagonal(const Applied& c, const Tensor& g);

constexpr Op diagonal_op{.name = "diagonal",
                         .infer = infer_diagonal,
                         .rules = {undiagonal},
                         .linear = true,
                         .run = [](const Launch& launch) { copy_diagonal(launch, launch.in[0].shape, false); },
                         .leading = Leading::batch};

Tensor diagonal_again(const Applied& c, const Tensor& g) { return record(diagonal_op, {g}, {.list = c.list()}); }

/// Inputs: a diagonal, and the array it was taken from, which lends its shape. Zeros elsewhere.
constexpr Op undiagonal_op{.name = "undiagonal",
                           .infer = [](Recording& call) { call.result(call.shape(1), call.dtype(0)); },
                           .rules = {diagonal_again},
                           .linear = true,
                           .shape_only = 2,
                           .run = run_undiagonal,
                           .leading = Leading::batch};

Tensor undiagonal(const Applied& c, const Tensor& g) { return record(undiagonal_op, {g, c.in(0)}, {.list = c.list()}); }

void infer_diag(Recording& call) {
  const std::int64_t k = call.list()[0], n = call.shape(0)[0];
  std::int64_t side = 0;
  if (k == INT64_MIN || __builtin_add_overflow(n, k < 0 ? -k : k, &side))
    call.shape_error("expected a matrix whose elements can be counted");
  call.result(Shape{side, side}, call.dtype(0));
}

constexpr Op diag_op{
    .name = "diag", .infer = infer_diag, .rules = {diagonal_again}, .linear = true, .run = run_undiagonal};

// --- triangles -------------------------------------------------------------------------------------------------------

/// Where the column is at most the row plus k, for the last two axes of x.
Tensor lower(const char* name, const Tensor& x, std::int64_t k, const Location& where) {
  if (x.rank() < 2)
    throw ShapeError(std::string("[") + name + "] expected two axes or more, got " + to_string(x.shape()) +
                     place(where));
  // No matrix is as long as 2^60, and no sum with it overflows.
  const std::int64_t far = std::int64_t{1} << 60;
  return greater_equal(positions(x, -2) + std::clamp(k, -far, far), positions(x, -1));
}

}  // namespace

Tensor diagonal(const Arg& x, std::int64_t offset, int axis1, int axis2) {
  const Within here("diagonal", x);
  const Tensor t = x.tensor();
  const int first = from_end(axis1, t, "diagonal", x.where()), second = from_end(axis2, t, "diagonal", x.where());
  if (first == second)
    throw ShapeError("[diagonal] expected two different axes, got " + std::to_string(axis1) + " and " +
                     std::to_string(axis2) + " of " + to_string(t.shape()) + place(x.where()));
  const std::int64_t list[3] = {offset, first, second};
  return record(diagonal_op, {Arg(t, x.where())}, {.list = list});
}

Tensor trace(const Arg& x, std::int64_t offset, int axis1, int axis2) {
  const Within here("trace", x);
  return sum(diagonal(x, offset, axis1, axis2), -1);
}

Tensor diag(const Arg& x, std::int64_t k) {
  const Within here("diag", x);
  const Tensor t = x.tensor();
  if (t.rank() == 2) return diagonal(t, k);
  if (t.rank() != 1)
    throw ShapeError("[diag] expected a vector or a matrix, got " + to_string(t.shape()) + place(x.where()));
  const std::int64_t list[3] = {k, -2, -1};
  return record(diag_op, {t}, {.list = list});
}

Tensor ones_on_diagonal(std::int64_t rows, std::int64_t columns, std::int64_t k, DType dtype) {
  const Tensor whole = zeros({rows, columns}, {.dtype = dtype});
  const std::int64_t list[3] = {k, -2, -1};
  return record(undiagonal_op, {ones({line_of(whole.shape(), list).length}, {.dtype = dtype}), whole}, {.list = list});
}

Tensor diagflat(const Arg& x, std::int64_t k) {
  const Within here("diagflat", x);
  return diag(reshape(x, {-1}), k);
}

Tensor tril(const Arg& x, std::int64_t k) {
  const Within here("tril", x);
  const Tensor t = x.tensor();
  return where(lower("tril", t, k, x.where()), t, 0);
}
Tensor triu(const Arg& x, std::int64_t k) {
  const Within here("triu", x);
  const Tensor t = x.tensor();
  return where(lower("triu", t, k == INT64_MIN ? k : k - 1, x.where()), 0, t);
}

Tensor fill_diagonal(const Arg& x, const Arg& value) {
  const Within here("fill_diagonal", x);
  const Tensor t = x.tensor();
  const Shape& shape = t.shape();
  bool fits = shape.rank() >= 2;
  for (int i = 1; i < shape.rank(); ++i) fits = fits && (shape.rank() == 2 || shape[i] == shape[0]);
  if (!fits)
    throw ShapeError("[fill_diagonal] expected a matrix, or more axes of one length, got " + to_string(shape) +
                     place(x.where()));
  Tensor on = equal(positions(t, -shape.rank()), positions(t, -1));
  for (int i = 1; i + 1 < shape.rank(); ++i)
    on = logical_and(on, equal(positions(t, i - shape.rank()), positions(t, -1)));
  return where(on, broadcast_like(cast(value, t.dtype()), t), t);
}

Rows shape_diagonal_rows() {
  using In = std::span<const Tensor>;
  static const double inf = __builtin_inf();
  static const std::vector<Sample> matrices = {{{{.shape = {3, 4}}}},
                                               {{{.shape = {2, 3, 2}}}},
                                               {{{.shape = {4, 3}, .broadcast = true}}},
                                               {{{.shape = {0, 3}}}},
                                               {{{.shape = {3, 3}, .strided = true}}}};
  static const char* const no_matrix = "a scalar has no diagonal";
  static const auto nine = [] { return reshape(arange(9), {3, 3}); };
  static const std::vector<Row> rows = {
      {.name = "diagonal",
       .call = [](In in) { return in[0].rank() == 3 ? diagonal(in[0], -1, 1, 2) : diagonal(in[0], 1); },
       .samples = matrices,
       .special = {{[] { return diagonal(nine()); }, {0, 4, 8}},
                   {[] { return diagonal(nine(), -1); }, {3, 7}},
                   {[] { return diagonal(nine(), 1, 1, 0); }, {3, 7}},
                   {[] { return diagonal(nine(), 3); }, {}},
                   {[] { return diagonal(nine(), INT64_MIN); }, {}},
                   {[] { return diagonal(nine(), INT64_MAX); }, {}},
                   {[] {
                      return diagonal(reshape(arange(8), {2, 2, 2}), 0, 0, -1);
                    },
                    {0, 5, 2, 7}}},
       .errors = {{[] {
                     return diagonal(zeros({2, 2}), 0, 0, -2);
                   },
                   "[diagonal] expected two different axes"},
                  {[] { return diagonal(zeros({2})); }, "[diagonal] expected an axis from -1 to 0, got 1"}},
       .fewer_samples = no_matrix},
      {.name = "trace",
       .call = [](In in) { return in[0].rank() == 3 ? trace(in[0], 0, 2, 0) : trace(in[0], 1); },
       .samples = matrices,
       .special = {{[] { return trace(nine()); }, {12}},
                   {[] { return trace(nine() > 3); }, {2}},
                   {[] {
                      return trace(zeros({0, 3}));
                    },
                    {0}}},
       .errors = {{[] { return trace(zeros({2})); }, "expected an axis from -1 to 0, got 1"}},
       .fewer_samples = no_matrix},
      {.name = "diag",
       .call = [](In in) { return in[0].rank() == 1 ? diag(in[0], -2) + diag(in[0], 2) : diag(in[0], -1); },
       .samples = {{{{.shape = {3}}}},
                   {{{.shape = {3, 2}}}},
                   {{{.shape = {3}, .broadcast = true}}},
                   {{{.shape = {0}}}},
                   {{{.shape = {3, 3}, .strided = true}}}},
       .special = {{[] {
                      return diag(ints({1, 2}));
                    },
                    {1, 0, 0, 2}},
                   {[] { return diag(ints({1}), 1); }, {0, 1, 0, 0}},
                   {[] { return diag(doubles({inf})); }, {inf}},
                   {[] { return diag(nine()); }, {0, 4, 8}}},
       .errors = {{[] {
                     return diag(zeros({2, 2, 2}));
                   },
                   "[diag] expected a vector or a matrix, got (2, 2, 2)"},
                  {[] { return diag(zeros({2}), INT64_MAX); }, "elements can be counted"}},
       .fewer_samples = no_matrix},
      {.name = "diagflat", .call = [](In in) { return diagflat(in[0], 1); }, .samples = unary_samples(-2, 2)},
      {.name = "tril",
       .call = [](In in) { return tril(in[0], in[0].rank() == 3 ? 1 : -1); },
       .samples = matrices,
       .special = {{[] { return tril(nine()); }, {0, 0, 0, 3, 4, 0, 6, 7, 8}},
                   {[] { return tril(nine(), INT64_MIN); }, std::vector<double>(9)},
                   {[] {
                      return tril(full({2, 2}, inf));
                    },
                    {inf, 0, inf, inf}}},
       .errors = {{[] { return tril(zeros({3})); }, "[tril] expected two axes or more, got (3,)"}},
       .fewer_samples = no_matrix},
      {.name = "triu",
       .call = [](In in) { return triu(in[0], in[0].rank() == 3 ? -1 : 1); },
       .samples = matrices,
       .special = {{[] { return triu(nine()); }, {0, 1, 2, 0, 4, 5, 0, 0, 8}},
                   {[] { return triu(nine(), INT64_MAX); }, std::vector<double>(9)},
                   {[] { return triu(nine(), INT64_MIN); }, {0, 1, 2, 3, 4, 5, 6, 7, 8}}},
       .errors = {{[] { return triu(zeros({3})); }, "[triu] expected two axes or more"}},
       .fewer_samples = no_matrix},
      {.name = "fill_diagonal",
       .call = [](In in) { return fill_diagonal(in[0], in[1]); },
       .samples = {{{{.shape = {3, 4}}, {.shape = {}}}},
                   {{{.shape = {2, 2, 2}}, {.shape = {2}}}},
                   {{{.shape = {3, 3}, .broadcast = true}, {.shape = {3}}}},
                   {{{.shape = {0, 3}}, {.shape = {}}}},
                   {{{.shape = {3, 3}, .strided = true}, {.shape = {}}}}},
       .special = {{[] { return fill_diagonal(nine(), -1); }, {-1, 1, 2, 3, -1, 5, 6, 7, -1}},
                   {[] {
                      return fill_diagonal(zeros({3, 2}), 1);
                    },
                    {1, 0, 0, 1, 0, 0}}},
       .errors = {{[] { return fill_diagonal(zeros({3}), 1); }, "[fill_diagonal] expected a matrix"},
                  {[] {
                     return fill_diagonal(zeros({2, 2, 3}), 1);
                   },
                   "more axes of one length, got (2, 2, 3)"},
                  {[] {
                     return fill_diagonal(zeros({2, 2}), zeros({3}));
                   },
                   "[fill_diagonal: broadcast_like]"}}},
  };
  return rows;
}

}  // namespace xgrad
