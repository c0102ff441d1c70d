#include <xgrad/ops/linalg_parts.hpp>

#include <xgrad/graph/basic.hpp>
#include <xgrad/ops/elementwise.hpp>
#include <xgrad/ops/matrices.hpp>
#include <xgrad/ops/shape.hpp>
#include <xgrad/ops/shape_parts.hpp>

#include <algorithm>
#include <string>

namespace xgrad {
namespace {

// --- triangular equations --------------------------------------------------------------------------------------------

/// Attribute 0: 1 for the lower triangle, 2 for the transposed matrix, 4 for a diagonal of ones.
void infer_triangular(Recording& call) {
  const Shape &a = call.shape(0), &b = call.shape(1);
  if (a[-1] != a[-2] || a[-1] != b[-2]) call.shape_error("expected square matrices and as many rows on the right");
  infer_matrices(call, a, b, b[-2], b[-1]);
}

void run_triangular(const Launch& launch) {
  const View &a = launch.in[0], &b = launch.in[1];
  const Shape& shape = launch.out.shape;
  if (shape.size() == 0) return;
  const std::int64_t count = matrices_in(shape), how = launch.attributes[0];
  auto* offsets = static_cast<std::int64_t*>(launch.scratch);
  write_offsets(a.shape, shape, offsets);
  write_offsets(b.shape, shape, offsets + count);
  const kernels::Failure failure = kernels::triangular_solve({.type = a.dtype,
                                                              .n = shape[-2],
                                                              .k = shape[-1],
                                                              .count = count,
                                                              .a_offsets = offsets,
                                                              .b_offsets = offsets + count,
                                                              .transposed = (how & 2) != 0,
                                                              .lower = (how & 1) != 0,
                                                              .unit = (how & 4) != 0},
                                                             a.data, b.data, launch.out.data);
  report(launch, failure, shape, "triangular matrices without zeros on the diagonal", "is zero");
}

Tensor triangular_as(const Tensor& a, const Tensor& b, std::int64_t how);

Tensor triangular_by_matrix(const Applied& c, const Tensor& g) {
  const std::int64_t how = c.attribute(0);
  const Tensor back = triangular_as(c.in(0), g, how ^ 2), x = c.out();
  const Tensor all = -((how & 2) ? multiply_matrices(x, back, false, true) : multiply_matrices(back, x, false, true));
  const int k = (how & 4) ? 1 : 0;
  return over_batches((how & 1) ? tril(all, -k) : triu(all, k), c.in(0));
}

constexpr Op triangular_op{.name = "solve_triangular",
                           .infer = infer_triangular,
                           .rules = {triangular_by_matrix,
                                     [](const Applied& c, const Tensor& g) {
                                       return over_batches(triangular_as(c.in(0), g, c.attribute(0) ^ 2), c.in(1));
                                     }},
                           .fails = true,
                           .run = run_triangular,
                           .leading = Leading::broadcast,
                           .scratch = scratch_for_offsets};

Tensor triangular_as(const Tensor& a, const Tensor& b, std::int64_t how) {
  return record(triangular_op, {a, b}, {.a = how});
}

}  // namespace

Tensor real_matrices(const char* name, const Arg& a) {
  const Tensor t = a.tensor();
  if (t.rank() < 2)
    throw ShapeError(std::string("[") + name + "] expected a matrix or a batch of matrices, got " +
                     to_string(t.shape()) + place(a.where()));
  return is_floating(t.dtype()) ? t : cast(t, float32);
}

void check_square(const char* name, const Tensor& a, const Location& where) {
  if (a.dim(-1) != a.dim(-2))
    throw ShapeError(std::string("[") + name + "] expected square matrices, got " + to_string(a.shape()) +
                     place(where));
}

void promote_both(Tensor& a, Tensor& b) {
  const DType type = std::max({a.dtype(), b.dtype(), float32});
  for (Tensor* x : {&a, &b})
    if (x->dtype() != type) *x = cast(*x, type);
}

void report(const Launch& launch, const kernels::Failure& failure, const Shape& batch, const char* expected,
            const char* at_pivot) {
  if (!failure) return;
  std::string which = "the matrix";
  if (batch.rank() > 2) {
    Shape place(std::span(batch.begin(), static_cast<std::size_t>(batch.rank()) - 2));
    std::int64_t rest = failure.matrix;
    for (int i = place.rank() - 1; i >= 0; --i) {
      const std::int64_t length = batch[i];
      place.set(i, rest % length);
      rest /= length;
    }
    which = "matrix " + to_string(place) + " of the batch";
  }
  launch.fail(std::string("expected ") + expected + ", but of " + which + " " +
              (*at_pivot ? "pivot " + std::to_string(failure.pivot) + " " + at_pivot
                         : "a number is not finite, or the iteration does not converge"));
}

Tensor unit_matrix_of(const Tensor& a) {
  // The sum is never computed: it lends a scalar's shape and its dtype, which may be another one when recorded again.
  return where(equal(positions(a, -2), positions(a, -1)), ones_like(sum(a)), 0);
}
Tensor swapped(const Tensor& x) { return swapaxes(x, -1, -2); }

Tensor divide_safely(const Tensor& a, const Tensor& b) {
  return a / where(logical_or(not_equal(a, 0), not_equal(b, 0)), b, 1);
}

Tensor scaled(const Tensor& matrices, const Tensor& numbers) {
  return matrices * expand_dims(expand_dims(numbers, -1), -1);
}

Tensor triangular(const Tensor& a, const Tensor& b, bool lower, bool transposed, bool unit) {
  return triangular_as(a, b, (lower ? 1 : 0) | (transposed ? 2 : 0) | (unit ? 4 : 0));
}

}  // namespace xgrad
