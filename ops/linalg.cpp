#include <xgrad/ops/linalg.hpp>

#include <xgrad/ops/decompositions.hpp>
#include <xgrad/ops/elementwise.hpp>
#include <xgrad/ops/linalg_parts.hpp>
#include <xgrad/ops/matrices.hpp>
#include <xgrad/ops/product.hpp>
#include <xgrad/ops/reduce.hpp>
#include <xgrad/ops/shape.hpp>

#include <cmath>
#include <cstring>
#include <limits>
#include <string>

namespace xgrad {
namespace {

// --- a value found by one formula and differentiated by another ------------------------------------------------------

/// Inputs: a value, and what its derivative is for. The value as it is.
void infer_first(Recording& call) { call.result(call.shape(0), call.dtype(0)); }

void run_first(const Launch& launch) {
  const auto bytes = static_cast<std::size_t>(launch.out.shape.size()) * size_of(launch.out.dtype);
  if (bytes) std::memcpy(launch.out.data, launch.in[0].data, bytes);
}

/// With P the generalised inverse of A (rank unchanged nearby):
/// dP = -P dA P + P Pt dAt (I - A P) + (I - P A) dAt Pt P, t for transposed.
Tensor pinv_back(const Applied& c, const Tensor& g) {
  const Tensor p = c.out(), a = c.in(1);
  const Tensor left = multiply_matrices(multiply_matrices(g, p, true, false), swapped(p));
  const Tensor right = multiply_matrices(p, multiply_matrices(p, g, false, true), true, false);
  const Tensor through = multiply_matrices(multiply_matrices(p, g, true, false), p, false, true);
  return left - multiply_matrices(a, multiply_matrices(p, left)) + right -
         multiply_matrices(multiply_matrices(right, p), a) - through;
}

constexpr Op pinv_op{.name = "pinv", .infer = infer_first, .rules = {nullptr, pinv_back}, .run = run_first,
                     .leading = Leading::batch};

// --- the exponential -------------------------------------------------------------------------------------------------

void run_expm(const Launch& launch) {
  const View& a = launch.in[0];
  kernels::expm(a.dtype, a.shape[-1], matrices_in(a.shape), a.data, launch.out.data);
}

Tensor exponential(const Tensor& a);

/// The exponential of the blocks (At, G; 0, At) has the derivative in its right upper corner.
Tensor expm_back(const Applied& c, const Tensor& g) {
  const Tensor a = swapped(c.in(0));
  const std::int64_t n = a.dim(-1);
  const Tensor above = concatenate({a, g}, -1), below = concatenate({zeros_like(a), a}, -1);
  const Tensor whole = exponential(concatenate({above, below}, -2));
  return slice_axis(slice_axis(whole, -2, {0, n}), -1, {.start = n});
}

constexpr Op expm_op{.name = "expm", .infer = infer_first, .rules = {expm_back}, .fails = true, .run = run_expm,
                     .leading = Leading::batch};

Tensor exponential(const Tensor& a) { return record(expm_op, {a}); }

// --- limits ----------------------------------------------------------------------------------------------------------

/// Singular values above this part of the largest count.
double tolerance(const Tensor& a, double asked) {
  const double epsilon =
      a.dtype() == float32 ? double{std::numeric_limits<float>::epsilon()} : std::numeric_limits<double>::epsilon();
  return asked >= 0 ? asked : epsilon * static_cast<double>(std::max(a.dim(-1), a.dim(-2)));
}

Tensor square_matrices(const char* name, const Arg& a) {
  const Tensor t = a.tensor();
  if (t.rank() < 2)
    throw ShapeError(std::string("[") + name + "] expected a matrix or a batch of matrices, got " +
                     to_string(t.shape()) + place(a.where()));
  check_square(name, t, a.where());
  return t;
}

/// Which singular values count, as 1 and 0 of their dtype.
Tensor counted(const Tensor& s, double part) {
  // The largest comes first; an empty matrix has none.
  return s.dim(-1) == 0 ? zeros_like(s) : where(s > part * slice_axis(s, -1, {0, 1}), ones_like(s), 0);
}

Tensor pinv_of(const Tensor& a, double part) {
  const SingularValues found = svd(stop_gradient(a), false);
  const Tensor keep = counted(found.s, part);
  const Tensor inverse = keep / where(greater(keep, 0), found.s, 1);
  const Tensor value = multiply_matrices(found.vh, swapped(found.u * expand_dims(inverse, -2)), true, false);
  return record(pinv_op, {value, a});
}

[[noreturn]] void refuse_order(const char* name, const std::string& order, const Location& where) {
  throw ValueError(std::string("[") + name + "] expected \"fro\", \"nuc\", 1, -1, 2, -2, infinity or -infinity, got " +
                   order + place(where));
}

std::string written(double order) {
  std::string text = std::to_string(order);
  text.erase(text.find_last_not_of('0') + 1);
  return text.back() == '.' ? text.substr(0, text.size() - 1) : text;
}

/// A number for each matrix, with its two axes back where asked.
Tensor kept(const Tensor& numbers, bool keepdims) {
  return keepdims ? expand_dims(expand_dims(numbers, -1), -1) : numbers;
}

bool is_order(double order) {
  const double size = std::fabs(order);
  return size == 1 || size == 2 || std::isinf(order);
}

}  // namespace

Tensor pinv(const Arg& a, double rtol) {
  const Within here("pinv", a);
  const Tensor t = real_matrices("pinv", a);
  return pinv_of(t, tolerance(t, rtol));
}

LeastSquares lstsq(const Arg& a, const Arg& b, double rtol) {
  const Within here("lstsq", a);
  Tensor t = real_matrices("lstsq", a), right = b.tensor();
  if (right.rank() == 0 || t.dim(-2) != right.dim(right.rank() == 1 ? 0 : -2))
    throw ShapeError("[lstsq] expected as many rows on the right as the matrix has, got " + to_string(t.shape()) +
                     " and " + to_string(right.shape()) + place(a.where()));
  promote_both(t, right);
  const bool vector = right.rank() == 1;
  if (vector) right = expand_dims(right, 1);
  const double part = tolerance(t, rtol);
  const Tensor x = matmul(pinv_of(t, part), right), s = svdvals(t);
  const Tensor residuals = sum(square(right - matmul(t, x)), -2);
  const Tensor rank = sum(cast(counted(s, part), int64), -1);
  return {vector ? squeeze(x, -1) : x, vector ? squeeze(residuals, -1) : residuals, rank, s};
}

Tensor matrix_rank(const Arg& a, double rtol) {
  const Within here("matrix_rank", a);
  const Tensor t = real_matrices("matrix_rank", a);
  return sum(cast(counted(svdvals(t), tolerance(t, rtol)), int64), -1);
}

Tensor matrix_power(const Arg& a, int n) {
  const Within here("matrix_power", a);
  Tensor base = square_matrices("matrix_power", a);
  if (n == 0) return broadcast_like(unit_matrix_of(base), base);
  if (n < 0) base = inv(Arg(base, a.where()));
  Tensor result;
  for (auto rest = n < 0 ? -static_cast<std::int64_t>(n) : n;;) {
    if (rest & 1) result = result.defined() ? matmul(result, base) : base;
    rest >>= 1;
    if (rest == 0) return result;
    base = matmul(base, base);
  }
}

Tensor expm(const Arg& a) {
  const Within here("expm", a);
  const Tensor t = real_matrices("expm", a);
  check_square("expm", t, a.where());
  return exponential(t);
}

Tensor matrix_norm(const Arg& a, std::string_view order, bool keepdims) {
  const Within here("matrix_norm", a);
  const Tensor t = real_matrices("matrix_norm", a);
  if (order == "nuc") return kept(sum(svdvals(t), -1), keepdims);
  if (order != "fro") refuse_order("matrix_norm", "\"" + std::string(order) + "\"", a.where());
  const Tensor squares = sum(square(t), {-2, -1}, keepdims);
  // The root's slope at 0 is infinite; the norm's is taken to be 0 there.
  const Tensor is_zero = equal(squares, 0);
  return where(is_zero, 0, sqrt(where(is_zero, 1, squares)));
}

Tensor matrix_norm(const Arg& a, double order, bool keepdims) {
  const Within here("matrix_norm", a);
  const Tensor t = real_matrices("matrix_norm", a);
  if (!is_order(order)) refuse_order("matrix_norm", written(order), a.where());
  const bool by_column = std::fabs(order) == 1;
  const Tensor sizes = std::fabs(order) == 2 ? svdvals(t) : sum(abs(t), by_column ? -2 : -1);
  return kept(order > 0 ? max(sizes, -1) : min(sizes, -1), keepdims);
}

Tensor cond(const Arg& a, double order) {
  const Within here("cond", a);
  if (!is_order(order)) refuse_order("cond", written(order), a.where());
  if (std::fabs(order) != 2) {
    const Tensor t = square_matrices("cond", a);
    return matrix_norm(Arg(t, a.where()), order) * matrix_norm(inv(Arg(t, a.where())), order);
  }
  const Tensor s = svdvals(real_matrices("cond", a));
  const Tensor largest = max(s, -1), smallest = min(s, -1);
  return order > 0 ? where(equal(smallest, 0), HUGE_VAL, largest / where(equal(smallest, 0), 1, smallest))
                   : smallest / where(equal(largest, 0), 1, largest);
}

Tensor cond(const Arg& a, std::string_view order) {
  const Within here("cond", a);
  const Tensor t = square_matrices("cond", a);
  return matrix_norm(Arg(t, a.where()), order) * matrix_norm(inv(Arg(t, a.where())), order);
}

}  // namespace xgrad
