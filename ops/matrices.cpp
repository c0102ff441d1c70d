#include <xgrad/ops/matrices.hpp>

#include <xgrad/graph/basic.hpp>

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

constexpr Op merge_op{.name = "group_axes",
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

}  // namespace

Tensor group_axes(const Tensor& x, std::span<const std::int64_t> groups) {
  return record(merge_op, {x}, {.list = groups});
}

Tensor split_axes(const Tensor& x, const Tensor& a, const Tensor& b, std::span<const std::int64_t> from) {
  return record(split_op, {x, a, b}, {.list = from});
}

}  // namespace xgrad
