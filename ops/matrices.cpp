#include <xgrad/ops/matrices.hpp>

#include <xgrad/graph/basic.hpp>
#include <xgrad/kernels/moves.hpp>

#include <cstring>

namespace xgrad {
namespace {

// --- axes merged and split -------------------------------------------------------------------------------------------

/// The list holds how many axes become one. What is asked for is which axes, not how long they are, so that the graph
/// can be recorded again with other lengths.
void infer_merge(Recording& call) {
  const Shape& shape = call.shape(0);
  Shape result;
  int axis = 0;
  for (const std::int64_t axes : call.list()) {
    std::int64_t length = 1;
    for (std::int64_t i = 0; i < axes; ++i) length *= shape[axis++];
    result.append(length);
  }
  if (axis != shape.rank()) call.shape_error("expected " + std::to_string(axis) + " axes");
  call.result(result, call.dtype(0));
}

constexpr Op merge_op{.name = "merge_axes",
                      .kind = Kind::alias,
                      .infer = infer_merge,
                      .rules = {[](const Applied& c, const Tensor& g) { return reshape_like(g, c.in(0)); }},
                      .linear = true};

/// The list names a lender and one of its axes for each axis of the result.
void infer_split(Recording& call) {
  Shape result;
  for (const std::int64_t from : call.list())
    result.append(call.shape(static_cast<int>(from / 8) + 1)[static_cast<int>(from % 8)]);
  if (result.size() != call.shape(0).size())
    call.shape_error("expected as many elements as " + to_string(result) + " has");
  call.result(result, call.dtype(0));
}

constexpr Op split_op{.name = "split_axes",
                      .kind = Kind::alias,
                      .infer = infer_split,
                      .rules = {[](const Applied& c, const Tensor& g) { return reshape_like(g, c.in(0)); }},
                      .linear = true,
                      .shape_only = 6};

// --- diagonals -------------------------------------------------------------------------------------------------------

/// How to walk a diagonal in an array: the other axes in order, then the diagonal. Attributes 0 and 1 are its axes,
/// counted from the end.
struct Walk {
  Shape lengths;
  std::int64_t strides[max_rank], dense[max_rank];
};
Walk walk_diagonal(const Shape& whole, const Launch& launch) {
  Walk walk;
  const int one = static_cast<int>(launch.attributes[0]) + whole.rank();
  const int other = static_cast<int>(launch.attributes[1]) + whole.rank();
  std::int64_t steps[max_rank], step = 1;
  for (int i = whole.rank() - 1; i >= 0; --i) {
    steps[i] = step;
    step *= whole[i];
  }
  for (int i = 0; i < whole.rank(); ++i)
    if (i != one && i != other) {
      walk.strides[walk.lengths.rank()] = steps[i];
      walk.lengths.append(whole[i]);
    }
  walk.strides[walk.lengths.rank()] = steps[one] + steps[other];
  walk.lengths.append(whole[one]);
  step = 1;
  for (int i = walk.lengths.rank() - 1; i >= 0; --i) {
    walk.dense[i] = step;
    step *= walk.lengths[i];
  }
  return walk;
}

void infer_diagonal(Recording& call) {
  const Shape& shape = call.shape(0);
  const int one = call.axis(call.attribute(0), shape.rank()), other = call.axis(call.attribute(1), shape.rank());
  if (shape[one] != shape[other]) call.shape_error("expected two axes of one length");
  Shape result;
  for (int i = 0; i < shape.rank(); ++i)
    if (i != one && i != other) result.append(shape[i]);
  result.append(shape[one]);
  call.result(result, call.dtype(0));
}

void run_diagonal(const Launch& launch) {
  const Walk walk = walk_diagonal(launch.in[0].shape, launch);
  const auto n = static_cast<std::size_t>(walk.lengths.rank());
  if (launch.out.shape.size() == 0) return;
  kernels::copy_strided(size_of(launch.out.dtype), {walk.lengths.begin(), n}, launch.in[0].data, {walk.strides, n},
                        launch.out.data, {walk.dense, n});
}

Tensor put_back(const Applied& c, const Tensor& g);

constexpr Op diagonal_op{
    .name = "diagonal_of", .infer = infer_diagonal, .rules = {put_back}, .linear = true, .run = run_diagonal};

/// Inputs: a diagonal, and the array it was taken from, which lends its shape.
void infer_on_diagonal(Recording& call) { call.result(call.shape(1), call.dtype(0)); }

void run_on_diagonal(const Launch& launch) {
  const Walk walk = walk_diagonal(launch.out.shape, launch);
  const auto n = static_cast<std::size_t>(walk.lengths.rank());
  if (launch.out.shape.size() == 0) return;
  std::memset(launch.out.data, 0, static_cast<std::size_t>(launch.out.shape.size()) * size_of(launch.out.dtype));
  kernels::copy_strided(size_of(launch.out.dtype), {walk.lengths.begin(), n}, launch.in[0].data, {walk.dense, n},
                        launch.out.data, {walk.strides, n});
}

constexpr Op on_diagonal_op{.name = "on_diagonal",
                            .infer = infer_on_diagonal,
                            .rules = {[](const Applied& c, const Tensor& g) {
                              return record(diagonal_op, {g}, {.a = c.attribute(0), .b = c.attribute(1)});
                            }},
                            .linear = true,
                            .shape_only = 2,
                            .run = run_on_diagonal};

Tensor put_back(const Applied& c, const Tensor& g) {
  return record(on_diagonal_op, {g, c.in(0)}, {.a = c.attribute(0), .b = c.attribute(1)});
}

}  // namespace

Tensor merge_axes(const Tensor& x, std::span<const std::int64_t> groups) {
  return record(merge_op, {x}, {.list = groups});
}

Tensor split_axes(const Tensor& x, const Tensor& a, const Tensor& b, std::span<const std::int64_t> from) {
  return record(split_op, {x, a, b}, {.list = from});
}

Tensor diagonal_of(const Tensor& x, int axis1, int axis2) {
  const int rank = x.rank();
  return record(diagonal_op, {x}, {.a = axis1 < 0 ? axis1 : axis1 - rank, .b = axis2 < 0 ? axis2 : axis2 - rank});
}

}  // namespace xgrad
