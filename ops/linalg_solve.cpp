#include <xgrad/ops/linalg.hpp>

#include <xgrad/ops/elementwise.hpp>
#include <xgrad/ops/linalg_parts.hpp>
#include <xgrad/ops/matrices.hpp>
#include <xgrad/ops/shape.hpp>

#include <cstring>
#include <string>

namespace xgrad {
namespace {

// --- LU factors ------------------------------------------------------------------------------------------------------

// Factors are an operation of their own, so that an equation, its derivatives, inverse and determinant share them.
// Derivatives flow through the matrix itself, which each user of factors is given beside them.

void infer_lu(Recording& call) {
  Shape shape = call.shape(0);
  shape.set(-2, shape[-2] + 1);
  call.result(shape, call.dtype(0));
}

void run_lu(const Launch& launch) {
  const View& a = launch.in[0];
  if (launch.out.shape.size() == 0) return;
  kernels::lu_factor(a.dtype, a.shape[-1], matrices_in(a.shape), a.data, launch.out.data);
}

constexpr Op lu_op{.name = "lu_factors", .infer = infer_lu, .fails = true, .run = run_lu, .leading = Leading::batch};

Tensor factors_of(const Tensor& a) { return record(lu_op, {a}); }

// --- equations -------------------------------------------------------------------------------------------------------

/// Inputs: matrix, factors, right side. Attribute 0: the transposed matrix is meant.
void infer_solve(Recording& call) {
  const Shape &a = call.shape(0), &b = call.shape(2);
  if (a[-1] != b[-2]) call.shape_error("expected as many rows on the right as the matrix has");
  infer_matrices(call, a, b, b[-2], b[-1]);
}

void run_solve(const Launch& launch) {
  const View &factors = launch.in[1], &b = launch.in[2];
  const Shape& shape = launch.out.shape;
  if (shape.size() == 0) return;
  const std::int64_t count = matrices_in(shape);
  auto* offsets = static_cast<std::int64_t*>(launch.scratch);
  write_offsets(factors.shape, shape, offsets);
  write_offsets(b.shape, shape, offsets + count);
  const kernels::Failure failure = kernels::lu_solve({.type = b.dtype,
                                                      .n = shape[-2],
                                                      .k = shape[-1],
                                                      .count = count,
                                                      .a_offsets = offsets,
                                                      .b_offsets = offsets + count,
                                                      .transposed = launch.attributes[0] != 0},
                                                     factors.data, b.data, launch.out.data);
  report(launch, failure, shape, "matrices that can be inverted", "is zero");
}

Tensor solved(const Tensor& a, const Tensor& factors, const Tensor& b, bool transposed);

Tensor solve_by_matrix(const Applied& c, const Tensor& g) {
  const bool transposed = c.attribute(0) != 0;
  const Tensor back = solved(c.in(0), c.in(1), g, !transposed), x = c.out();
  return over_batches(-(transposed ? multiply_matrices(x, back, false, true) : multiply_matrices(back, x, false, true)),
                      c.in(0));
}

Tensor solve_by_right(const Applied& c, const Tensor& g) {
  return over_batches(solved(c.in(0), c.in(1), g, c.attribute(0) == 0), c.in(2));
}

constexpr Op solve_op{.name = "solve",
                      .infer = infer_solve,
                      .rules = {solve_by_matrix, nullptr, solve_by_right},
                      .fails = true,
                      .run = run_solve,
                      .leading = Leading::broadcast,
                      .scratch = scratch_for_offsets};

Tensor solved(const Tensor& a, const Tensor& factors, const Tensor& b, bool transposed) {
  return record(solve_op, {a, factors, b}, {.a = transposed});
}

// --- determinants ----------------------------------------------------------------------------------------------------

/// Inputs: matrix, factors.
void infer_number(Recording& call) {
  const Shape& a = call.shape(0);
  call.result(Shape(std::span(a.begin(), static_cast<std::size_t>(a.rank()) - 2)), call.dtype(0));
}

template <kernels::Determinant what>
void run_determinant(const Launch& launch) {
  const View& factors = launch.in[1];
  kernels::lu_determinant(factors.dtype, what, factors.shape[-1], launch.out.shape.size(), factors.data,
                          launch.out.data);
}

void infer_cofactors(Recording& call) { call.result(call.shape(0), call.dtype(0)); }

void run_cofactors(const Launch& launch) {
  const View &a = launch.in[0], &factors = launch.in[1];
  if (a.shape.size() == 0) return;
  kernels::cofactors(a.dtype, a.shape[-1], matrices_in(a.shape), a.data, factors.data, launch.out.data);
}

/// C = det(A) transposed(inverse(A)), so dC = (<C, dA> C - C transposed(dA) C) / det(A).
Tensor cofactors_back(const Applied& c, const Tensor& g);

constexpr Op cofactors_op{
    .name = "cofactors", .infer = infer_cofactors, .rules = {cofactors_back}, .fails = true,
    .run = run_cofactors, .leading = Leading::batch};
constexpr Op det_op{.name = "det",
                    .infer = infer_number,
                    .rules = {[](const Applied& c, const Tensor& g) {
                      return scaled(record(cofactors_op, {c.in(0), c.in(1)}), g);
                    }},
                    .run = run_determinant<kernels::Determinant::value>,
                    .leading = Leading::batch};
constexpr Op sign_op{.name = "sign_of_det", .infer = infer_number, .run = run_determinant<kernels::Determinant::sign>,
                     .leading = Leading::batch};
constexpr Op log_op{.name = "log_of_det",
                    .infer = infer_number,
                    .rules = {[](const Applied& c, const Tensor& g) {
                      return scaled(solved(c.in(0), c.in(1), unit_matrix_of(c.in(0)), true), g);
                    }},
                    .run = run_determinant<kernels::Determinant::log_size>,
                    .leading = Leading::batch};

Tensor cofactors_back(const Applied& c, const Tensor& g) {
  const Tensor minors = c.out(), det = record(det_op, {c.in(0), c.in(1)});
  const Tensor turned = multiply_matrices(multiply_matrices(minors, g, false, true), minors);
  return scaled(scaled(minors, sum(g * minors, {-2, -1})) - turned, 1 / det);
}

/// The matrix and the right side of an equation, and whether that was a vector.
struct Equation {
  Tensor a, b;
  bool vector = false;
};
Equation equation(const char* name, const Arg& a, const Arg& b) {
  Equation result{real_matrices(name, a), b.tensor()};
  if (result.b.rank() == 0)
    throw ShapeError(std::string("[") + name + "] expected a vector or matrices on the right, got ()" +
                     place(a.where()));
  promote_both(result.a, result.b);
  check_square(name, result.a, a.where());
  result.vector = result.b.rank() == 1;
  if (result.vector) result.b = expand_dims(result.b, 1);
  if (result.a.dim(-1) != result.b.dim(-2))
    throw ShapeError(std::string("[") + name + "] expected as many rows on the right as the matrix has, got " +
                     to_string(result.a.shape()) + " and " + to_string(b.tensor().shape()) + place(a.where()));
  return result;
}

Tensor square_matrices(const char* name, const Arg& a) {
  const Tensor t = real_matrices(name, a);
  check_square(name, t, a.where());
  return t;
}

}  // namespace

Tensor solve(const Arg& a, const Arg& b) {
  const Within here("solve", a);
  const Equation e = equation("solve", a, b);
  const Tensor x = solved(e.a, factors_of(e.a), e.b, false);
  return e.vector ? squeeze(x, -1) : x;
}

Tensor solve_triangular(const Arg& a, const Arg& b, TriangularOptions options) {
  const Within here("solve_triangular", a);
  const Equation e = equation("solve_triangular", a, b);
  const Tensor x = triangular(e.a, e.b, options.lower, options.transposed, options.unit_diagonal);
  return e.vector ? squeeze(x, -1) : x;
}

Tensor inv(const Arg& a) {
  const Within here("inv", a);
  const Tensor t = square_matrices("inv", a);
  return solved(t, factors_of(t), unit_matrix_of(t), false);
}

Tensor det(const Arg& a) {
  const Within here("det", a);
  const Tensor t = square_matrices("det", a);
  return record(det_op, {t, factors_of(t)});
}

SignAndLog slogdet(const Arg& a) {
  const Within here("slogdet", a);
  const Tensor t = square_matrices("slogdet", a), factors = factors_of(t);
  return {record(sign_op, {t, factors}), record(log_op, {t, factors})};
}

Tensor cholesky_solve(const Arg& b, const Arg& factor, bool upper) {
  const Within here("cholesky_solve", b);
  const Equation e = equation("cholesky_solve", factor, b);
  const Tensor half = triangular(e.a, e.b, !upper, upper), x = triangular(e.a, half, !upper, !upper);
  return e.vector ? squeeze(x, -1) : x;
}

Tensor cholesky_inverse(const Arg& a, bool upper) {
  const Within here("cholesky_inverse", a);
  const Tensor factor = cholesky(a, upper);
  return cholesky_solve(broadcast_like(unit_matrix_of(factor), factor), factor, upper);
}

Tensor tensorsolve(const Arg& a, const Arg& b, Axes axes) {
  const Within here("tensorsolve", a);
  Tensor t = a.tensor();
  const Tensor right = b.tensor();
  const std::uint32_t mask = mask_from_end(axes, t.rank(), "tensorsolve", a.where());
  if (mask) {
    std::vector<int> order;
    for (int i = 0; i < t.rank(); ++i)
      if (!(mask >> (t.rank() - 1 - i) & 1)) order.push_back(i);
    for (const int axis : axes) order.push_back(axis < 0 ? axis + t.rank() : axis);
    t = transpose(t, std::span<const int>(order));
  }
  Shape rest;
  for (int i = right.rank(); i < t.rank(); ++i) rest.append(t.shape()[i]);
  if (t.rank() < right.rank() || rest.size() != right.size() || t.size() != right.size() * right.size())
    throw ShapeError("[tensorsolve] expected axes that make a square matrix, got " + to_string(t.shape()) + " and " +
                     to_string(right.shape()) + place(a.where()));
  const std::int64_t n = right.size();
  return reshape(solve(reshape(t, {n, n}), reshape(right, {n})), rest);
}

Tensor tensorinv(const Arg& a, int index) {
  const Within here("tensorinv", a);
  const Tensor t = a.tensor();
  if (index <= 0)
    throw ValueError("[tensorinv] expected an index of 1 or more, got " + std::to_string(index) + place(a.where()));
  std::int64_t rows = 1, columns = 1;
  Shape turned;
  for (int i = index; i < t.rank(); ++i) {
    turned.append(t.shape()[i]);
    columns *= t.shape()[i];
  }
  for (int i = 0; i < std::min(index, t.rank()); ++i) {
    turned.append(t.shape()[i]);
    rows *= t.shape()[i];
  }
  if (rows != columns)
    throw ShapeError("[tensorinv] expected axes that make a square matrix, got " + to_string(t.shape()) +
                     " and index " + std::to_string(index) + place(a.where()));
  return reshape(inv(reshape(t, {rows, columns})), turned);
}

}  // namespace xgrad
