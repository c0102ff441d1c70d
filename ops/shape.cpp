#include <xgrad/ops/shape.hpp>

#include <xgrad/graph/fold.hpp>
#include <xgrad/kernels/moves.hpp>
#include <xgrad/ops/elementwise.hpp>
#include <xgrad/ops/shape_parts.hpp>
#include <xgrad/ops/table.hpp>

#include <cmath>
#include <string>

namespace xgrad {
namespace {

// --- transposing -----------------------------------------------------------------------------------------------------

/// The list names the source of each of the last axes of the result, counted from the end; axes before them stay.
void infer_transpose(Recording& call) {
  const Shape& shape = call.shape(0);
  const std::span<const std::int64_t> axes = call.list();
  Shape result = shape;
  for (std::size_t i = 0; i < axes.size(); ++i)
    result.set(static_cast<int>(i) - static_cast<int>(axes.size()), shape[static_cast<int>(axes[i])]);
  call.result(result, call.dtype(0));
}

void run_transpose(const Launch& launch) {
  const Shape& from = launch.in[0].shape;
  const Shape& to = launch.out.shape;
  const int rank = from.rank(), listed = static_cast<int>(launch.list.size());
  std::int64_t from_strides[max_rank], to_strides[max_rank], strides[max_rank];
  std::int64_t from_step = 1, to_step = 1;
  for (int i = rank - 1; i >= 0; --i) {
    from_strides[i] = from_step;
    to_strides[i] = to_step;
    from_step *= from[i];
    to_step *= to[i];
  }
  if (to_step == 0) return;
  for (int i = 0; i < rank; ++i) {
    const int place = i - (rank - listed);
    strides[i] = place < 0 ? from_strides[i] : from_strides[rank + launch.list[static_cast<std::size_t>(place)]];
  }
  const auto n = static_cast<std::size_t>(rank);
  kernels::copy_strided(size_of(launch.out.dtype), {to.begin(), n}, launch.in[0].data, {strides, n}, launch.out.data,
                        {to_strides, n});
}

Tensor transpose_from_end(const Arg& x, std::span<const std::int64_t> axes);

Tensor transpose_back(const Applied& c, const Tensor& g) {
  const std::span<const std::int64_t> axes = c.list();
  std::int64_t inverse[max_rank];
  const auto n = static_cast<std::int64_t>(axes.size());
  for (std::int64_t i = 0; i < n; ++i) inverse[axes[static_cast<std::size_t>(i)] + n] = i - n;
  return transpose_from_end(g, {inverse, axes.size()});
}

constexpr Op transpose_op{
    .name = "transpose", .infer = infer_transpose, .rules = {transpose_back}, .linear = true, .run = run_transpose,
    .leading = Leading::batch};

Tensor transpose_from_end(const Arg& x, std::span<const std::int64_t> axes) {
  return record(transpose_op, {x}, {.list = axes});
}

// --- axes of length 1 ------------------------------------------------------------------------------------------------

/// Attribute 0 is the mask of axes counted from the end, attribute 1 asks for every axis of length 1.
void infer_squeeze(Recording& call) {
  const Shape& shape = call.shape(0);
  Shape result;
  for (int i = 0; i < shape.rank(); ++i) {
    const bool asked = call.attribute(0) >> (shape.rank() - 1 - i) & 1;
    if (asked && shape[i] != 1) call.shape_error("expected length 1 along axis " + std::to_string(i));
    if (!asked && !(call.attribute(1) && shape[i] == 1)) result.append(shape[i]);
  }
  call.result(result, call.dtype(0));
}

constexpr Op squeeze_op{
    .name = "squeeze",
    .kind = Kind::alias,
    .infer = infer_squeeze,
    .rules = {[](const Applied& c, const Tensor& g) { return reshape_like(g, c.in(0)); }},
    .linear = true};

}  // namespace

Tensor transpose(const Arg& x) {
  std::int64_t axes[max_rank];
  const int rank = x.tensor().rank();
  for (int i = 0; i < rank; ++i) axes[i] = -1 - i;
  return transpose_from_end(x, {axes, static_cast<std::size_t>(rank)});
}

Tensor transpose(const Arg& x, std::initializer_list<int> axes) {
  return transpose(x, std::span(axes.begin(), axes.size()));
}

Tensor transpose(const Arg& x, std::span<const int> axes) {
  const Tensor t = x.tensor();
  const int rank = t.rank();
  std::string asked;
  for (const int axis : axes) asked += (asked.empty() ? "" : ", ") + std::to_string(axis);
  std::uint32_t seen = 0;
  std::int64_t list[max_rank];
  bool good = static_cast<int>(axes.size()) == rank;
  for (std::size_t i = 0; good && i < axes.size(); ++i) {
    const int axis = axes[i] < 0 ? axes[i] + rank : axes[i];
    good = axis >= 0 && axis < rank && !(seen >> axis & 1);
    if (good) seen |= 1u << axis;
    list[i] = axis - rank;
  }
  if (!good)
    throw ShapeError("[transpose] expected each of the " + std::to_string(rank) + " axes of " + to_string(t.shape()) +
                     " once, got (" + asked + ")" + place(x.where()));
  return transpose_from_end(x, {list, axes.size()});
}

Tensor swapaxes(const Arg& x, int axis1, int axis2) {
  const Tensor t = x.tensor();
  const int rank = t.rank();
  const int a = __builtin_ctz(mask_from_end(axis1, rank, "swapaxes", x.where()));
  const int b = __builtin_ctz(mask_from_end(axis2, rank, "swapaxes", x.where()));
  std::int64_t axes[max_rank];
  for (int i = 0; i < rank; ++i) axes[i] = i - rank;
  std::swap(axes[rank - 1 - a], axes[rank - 1 - b]);
  const Within here("swapaxes", x);
  return transpose_from_end(x, {axes, static_cast<std::size_t>(rank)});
}

Tensor moveaxis(const Arg& x, Axes source, Axes destination) {
  const Within here("moveaxis", x);
  const Tensor t = x.tensor();
  const int rank = t.rank();
  std::uint32_t left = mask_from_end(source, rank, "moveaxis", x.where());
  std::uint32_t open = mask_from_end(destination, rank, "moveaxis", x.where());
  if (source.all() || destination.all() || __builtin_popcount(left) != __builtin_popcount(open))
    throw ShapeError("[moveaxis] expected equally many axes to move and places to move them to, got " +
                     std::to_string(source.end() - source.begin()) + " and " +
                     std::to_string(destination.end() - destination.begin()) + place(x.where()));
  int order[max_rank];
  const auto front = [&](int axis) { return axis < 0 ? axis + rank : axis; };
  for (const int *from = source.begin(), *to = destination.begin(); from != source.end(); ++from, ++to)
    order[front(*to)] = front(*from);
  for (int i = 0, next = 0; i < rank; ++i) {
    if (open >> (rank - 1 - i) & 1) continue;
    while (left >> (rank - 1 - next) & 1) ++next;
    order[i] = next++;
  }
  return transpose(t, std::span<const int>(order, static_cast<std::size_t>(rank)));
}

Tensor matrix_transpose(const Arg& x) {
  if (x.tensor().rank() < 2)
    throw ShapeError("[matrix_transpose] expected two axes or more, got " + to_string(x.tensor().shape()) +
                     place(x.where()));
  const Within here("matrix_transpose", x);
  return swapaxes(x, -1, -2);
}

Tensor expand_dims(const Arg& x, int axis) {
  return expand_axes(x, mask_from_end(axis, x.tensor().rank() + 1, "expand_dims", x.where()));
}

Tensor expand_dims(const Arg& x, std::initializer_list<int> axes) {
  const int rank = x.tensor().rank() + static_cast<int>(axes.size());
  return expand_axes(x, mask_from_end(Axes(axes), rank, "expand_dims", x.where()));
}

Tensor ravel(const Arg& x) {
  const Within here("ravel", x);
  return reshape(x, {-1});
}

Tensor flatten(const Arg& x, int start, int end) {
  const Within here("flatten", x);
  const Tensor t = x.tensor();
  if (t.rank() == 0) return reshape(t, {-1});
  const int first = from_end(start, t, "flatten", x.where()), last = from_end(end, t, "flatten", x.where());
  if (first > last)
    throw ShapeError("[flatten] expected a start before the end, got axes " + std::to_string(start) + " and " +
                     std::to_string(end) + " of " + to_string(t.shape()) + place(x.where()));
  return merge_axes(t, last, last - first + 1);
}

Tensor atleast_1d(const Arg& x) {
  const Within here("atleast_1d", x);
  const Tensor t = x.tensor();
  return t.rank() == 0 ? expand_axes(t, 1) : t;
}
Tensor atleast_2d(const Arg& x) {
  const Within here("atleast_2d", x);
  const Tensor t = x.tensor();
  return t.rank() == 0 ? expand_axes(t, 3) : t.rank() == 1 ? expand_axes(t, 2) : t;
}
Tensor atleast_3d(const Arg& x) {
  const Within here("atleast_3d", x);
  const Tensor t = x.tensor();
  switch (t.rank()) {
    case 0: return expand_axes(t, 7);
    case 1: return expand_axes(t, 5);
    case 2: return expand_axes(t, 1);
    default: return t;
  }
}

std::vector<Tensor> broadcast_arrays(std::span<const Tensor> tensors, Location where) {
  const Within here("broadcast_arrays", where);
  if (tensors.empty()) return {};
  // Only its shape is asked for; it is never computed.
  Tensor like = tensors[0];
  for (const Tensor& t : tensors.subspan(1)) like = not_equal(like, t);
  std::vector<Tensor> result;
  for (const Tensor& t : tensors) result.push_back(broadcast_like(t, like));
  return result;
}
std::vector<Tensor> broadcast_arrays(std::initializer_list<Arg> tensors) {
  std::vector<Tensor> list;
  for (const Arg& arg : tensors) list.push_back(arg.tensor());
  return broadcast_arrays(std::span<const Tensor>(list), tensors.size() ? tensors.begin()->where() : Location());
}

Tensor squeeze(const Arg& x, Axes axes) {
  if (axes.all()) return record(squeeze_op, {x}, {.b = 1});
  return record(squeeze_op, {x}, {.a = mask_from_end(axes, x.tensor().rank(), "squeeze", x.where())});
}

Tensor squeeze_axes(const Arg& x, std::uint32_t mask) { return record(squeeze_op, {x}, {.a = mask}); }

Tensor arange(std::int64_t stop, TensorOptions options) {
  const bool direct = is_floating(options.dtype);
  const Tensor whole = progression("arange", std::max<std::int64_t>(stop, 0), {}, direct ? options.dtype : int64, {});
  const Tensor result = cast(whole, options.dtype);
  return options.name.empty() ? result : result.named(options.name);
}

Tensor arange(double start, double stop, double step, TensorOptions options, Location where) {
  const double n = std::ceil((stop - start) / step);
  if (!(std::isfinite(start) && std::isfinite(step)) || step == 0 || !(n < 9.0e15))
    throw ValueError("[arange] expected finite numbers and a step that is not 0, got start " + std::to_string(start) +
                     ", stop " + std::to_string(stop) + " and step " + std::to_string(step) + place(where));
  const Progression numbers{.start = start, .step = step};
  const Tensor result = cast(progression("arange", static_cast<std::int64_t>(std::fmax(n, 0)), numbers,
                                         is_floating(options.dtype) ? options.dtype : float64, where),
                             options.dtype);
  return options.name.empty() ? result : result.named(options.name);
}

Rows shape_rows() {
  using In = std::span<const Tensor>;
  static const std::vector<Sample> matrices = {{{{.shape = {2, 3}}}},
                                               {{{.shape = {4, 3}, .broadcast = true}}},
                                               {{{.shape = {0, 3}}}},
                                               {{{.shape = {3, 4}, .strided = true}}}};
  static const std::vector<Row> rows = {
      {.name = "transpose",
       .call =
           [](In in) {
             const int rank = in[0].rank();
             return rank == 3 ? transpose(in[0], {2, 0, 1}) : transpose(in[0]);
           },
       .samples = {{{{.shape = {2, 3}}}},
                   {{{.shape = {2, 3, 4}}}},
                   {{{.shape = {2, 3, 2, 2}}}},
                   {{{.shape = {4, 3}, .broadcast = true}}},
                   {{{.shape = {}}}},
                   {{{.shape = {0, 3}}}},
                   {{{.shape = {3, 4}, .strided = true}}}},
       .special = {{[] { return transpose(tensor({{1., 2., 3.}, {4., 5., 6.}})); }, {1, 4, 2, 5, 3, 6}},
                   {[] { return transpose(tensor({1, 0}, {.dtype = bool_})); }, {1, 0}},
                   {[] { return transpose(tensor({{1., 2.}, {3., 4.}}), {-1, 0}); }, {1, 3, 2, 4}}},
       .errors = {{[] { return transpose(zeros({2, 3}), {0}); }, "each of the 2 axes of (2, 3) once, got (0)"},
                  {[] { return transpose(zeros({2, 3}), {0, 0}); }, "got (0, 0)"},
                  {[] { return transpose(zeros({2, 3}), {0, 2}); }, "got (0, 2)"}}},
      {.name = "swapaxes",
       .call = [](In in) { return swapaxes(in[0], 0, -1); },
       .samples = matrices,
       .special = {{[] { return swapaxes(tensor({{1., 2.}, {3., 4.}}), 1, 0); }, {1, 3, 2, 4}}},
       .errors = {{[] { return swapaxes(zeros({2}), 0, 1); }, "[swapaxes] expected an axis from -1 to 0, got 1"}},
       .fewer_samples = "a scalar has no axes"},
      {.name = "permute_dims",
       .call = [](In in) { return permute_dims(in[0], {1, 0}); },
       .samples = matrices,
       .fewer_samples = "a scalar has no axes"},
      {.name = "moveaxis",
       .call = [](In in) { return in[0].rank() == 3 ? moveaxis(in[0], {0, -1}, {-1, 0}) : moveaxis(in[0], 0, -1); },
       .samples = {{{{.shape = {2, 3}}}},
                   {{{.shape = {2, 3, 4}}}},
                   {{{.shape = {4, 3}, .broadcast = true}}},
                   {{{.shape = {0, 3}}}},
                   {{{.shape = {3, 4}, .strided = true}}}},
       .special = {{[] { return moveaxis(tensor({{1., 2.}, {3., 4.}}), 1, 0); }, {1, 3, 2, 4}},
                   {[] { return moveaxis(doubles({1, 2}), 0, 0); }, {1, 2}},
                   {[] { return moveaxis(reshape(arange(6), {1, 2, 3}), {0, 1}, {2, 0}); }, {0, 1, 2, 3, 4, 5}},
                   {[] { return moveaxis(reshape(arange(6), {1, 2, 3}), {2}, {0}); }, {0, 3, 1, 4, 2, 5}}},
       .errors = {{[] { return moveaxis(zeros({2, 3}), 0, 2); }, "[moveaxis] expected an axis from -2 to 1, got 2"},
                  {[] { return moveaxis(zeros({2, 3}), {0, 1}, 0); }, "[moveaxis] expected equally many"},
                  {[] { return moveaxis(zeros({2, 3}), {0, 0}, {0, 1}); }, "each axis once"}},
       .fewer_samples = "a scalar has no axes"},
      {.name = "matrix_transpose",
       .call = [](In in) { return matrix_transpose(in[0]); },
       .samples = matrices,
       .special = {{[] { return matrix_transpose(reshape(arange(4), {1, 2, 2})); }, {0, 2, 1, 3}}},
       .errors = {{[] { return matrix_transpose(zeros({2})); }, "[matrix_transpose] expected two axes or more"}},
       .fewer_samples = "a scalar has no axes"},
      {.name = "expand_dims",
       .call = [](In in) { return expand_dims(in[0], 0) * expand_dims(in[0], -1) + expand_dims(in[0], {0, -1}); },
       .samples = {{{{.shape = {3}}}},
                   {{{.shape = {2, 2}, .broadcast = true}}},
                   {{{.shape = {}}}},
                   {{{.shape = {0}}}},
                   {{{.shape = {3, 3}, .strided = true}}}},
       .special = {{[] { return expand_dims(doubles({1, 2}), {}); }, {1, 2}}},
       .errors = {{[] { return expand_dims(zeros({2}), {0, 3}); }, "expected an axis from -3 to 2, got 3"},
                  {[] { return expand_dims(zeros({2}), 2); }, "[expand_dims] expected an axis from -2 to 1, got 2"},
                  {[] { return expand_dims(zeros({1, 1, 1, 1, 1, 1, 1, 1}), 0); }, "at most 8 axes"}}},
      {.name = "squeeze",
       .call = [](In in) { return squeeze(in[0]); },
       .samples = {{{{.shape = {2, 1, 3, 1}}}},
                   {{{.shape = {3, 1}, .broadcast = true}}},
                   {{{.shape = {}}}},
                   {{{.shape = {0, 1}}}},
                   {{{.shape = {1, 3}, .strided = true}}}},
       .special = {{[] { return squeeze(doubles({3}), 0); }, {3}},
                   {[] { return squeeze(doubles({3, 4}), Axes::none()); }, {3, 4}}},
       .errors = {{[] { return squeeze(zeros({2, 1}), 0); }, "[squeeze] expected length 1 along axis 0"}}},
      {.name = "ravel", .call = [](In in) { return ravel(in[0]); }, .samples = unary_samples(-2, 2)},
      {.name = "flatten",
       .call = [](In in) { return in[0].rank() == 4 ? flatten(in[0], 1, -2) : flatten(in[0]); },
       .samples = {{{{.shape = {2, 3}}}},
                   {{{.shape = {2, 3, 2, 2}}}},
                   {{{.shape = {3, 4}, .broadcast = true}}},
                   {{{.shape = {}}}},
                   {{{.shape = {0, 3}}}},
                   {{{.shape = {3, 2}, .strided = true}}}},
       .errors = {{[] { return flatten(zeros({2, 3}), 1, 0); }, "[flatten] expected a start before the end"},
                  {[] { return flatten(zeros({2, 3}), 2); }, "[flatten] expected an axis"}}},
      {.name = "atleast_1d", .call = [](In in) { return atleast_1d(in[0]); }, .samples = unary_samples(-2, 2)},
      {.name = "atleast_2d",
       .call = [](In in) { return atleast_2d(in[0]) * atleast_2d(ones({3}, {.dtype = float64})); },
       .samples = {{{{.shape = {3}}}}, {{{.shape = {2, 3}, .broadcast = true}}}, {{{.shape = {}}}},
                   {{{.shape = {0, 3}}}}, {{{.shape = {2, 3}, .strided = true}}}}},
      {.name = "atleast_3d",
       .call = [](In in) { return atleast_3d(in[0]) * atleast_3d(ones({3}, {.dtype = float64})); },
       .samples = {{{{.shape = {3}}}}, {{{.shape = {2, 3}, .broadcast = true}}}, {{{.shape = {}}}},
                   {{{.shape = {0, 3, 1}}}}, {{{.shape = {2, 3}, .strided = true}}}}},
      {.name = "broadcast_arrays",
       .call =
           [](In in) {
             const std::vector<Tensor> out = broadcast_arrays(in);
             return out[0] * out[1];
           },
       .samples = binary_samples(-2, 2, -2, 2),
       .special = {{[] { return broadcast_arrays({doubles({1, 2}), zeros({2, 1}), 3})[0]; }, {1, 2, 1, 2}}},
       .errors = {{[] { return broadcast_arrays({zeros({2}), zeros({3})})[0]; }, "[broadcast_arrays: not_equal]"}}},
      {.name = "arange",
       .call = [](In) { return arange(5, {.dtype = float64}); },
       .samples = no_inputs(),
       .special = {{[] { return arange(3); }, {0, 1, 2}}, {[] { return arange(-1); }, {}},
                   {[] { return arange(1, 2, 0.25); }, {1, 1.25, 1.5, 1.75}},
                   {[] { return arange(1, 0, -0.5); }, {1, 0.5}}, {[] { return arange(1, 0, 1); }, {}}},
       .errors = {{[] { return arange(0, 1, 0); }, "[arange] expected finite numbers and a step"}},
       .no_derivative = "it has no input",
       .fewer_samples = "it has no input"},
  };
  return rows;
}

}  // namespace xgrad
