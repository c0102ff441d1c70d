#include <xgrad/ops/product.hpp>

#include <xgrad/graph/fold.hpp>
#include <xgrad/graph/parts.hpp>
#include <xgrad/kernels/products.hpp>
#include <xgrad/ops/matrices.hpp>
#include <xgrad/ops/shape.hpp>

namespace xgrad {
namespace {

// --- all leading axes as one -----------------------------------------------------------------------------------------

void infer_flatten(Recording& call) {
  const Shape& shape = call.shape(0);
  std::int64_t rows = 1;
  for (int i = 0; i + 1 < shape.rank(); ++i) rows *= shape[i];
  call.result(Shape{rows, shape[-1]}, call.dtype(0));
}

constexpr Op flatten_op{.name = "flatten_rows",
                        .kind = Kind::alias,
                        .infer = infer_flatten,
                        .rules = {[](const Applied& c, const Tensor& g) { return reshape_like(g, c.in(0)); }},
                        .linear = true};

Tensor flatten_rows(const Tensor& x) { return x.rank() == 2 ? x : record(flatten_op, {x}); }

// --- the product -----------------------------------------------------------------------------------------------------

/// Attributes 0 and 1 say whether the last two axes of an operand are exchanged.
struct Sizes {
  std::int64_t m, n, k, k_of_b;
};
Sizes sizes_of(const Shape& a, const Shape& b, bool transpose_a, bool transpose_b) {
  return {.m = a[transpose_a ? -1 : -2],
          .n = b[transpose_b ? -2 : -1],
          .k = a[transpose_a ? -2 : -1],
          .k_of_b = b[transpose_b ? -1 : -2]};
}

void infer_matmul(Recording& call) {
  const Shape &a = call.shape(0), &b = call.shape(1);
  if (a.rank() < 2 || b.rank() < 2) call.shape_error("expected vectors or matrices");
  const Sizes sizes = sizes_of(a, b, call.attribute(0), call.attribute(1));
  if (sizes.k != sizes.k_of_b) call.shape_error("expected equal inner lengths");
  infer_matrices(call, a, b, sizes.m, sizes.n);
}

/// The product without its batch's offsets.
kernels::Product product_of(DType type, const Shape& a, const Shape& b, const Shape& out, bool transpose_a,
                            bool transpose_b) {
  const Sizes sizes = sizes_of(a, b, transpose_a, transpose_b);
  kernels::Product product{.type = type, .transpose_a = transpose_a, .transpose_b = transpose_b};
  product.m = sizes.m;
  product.n = sizes.n;
  product.k = sizes.k;
  product.batches = matrices_in(out);
  if (matrices_in(b) == 1 && !transpose_a && matrices_in(a) == product.batches) {
    // One matrix on the right: all rows on the left are rows of one product.
    product.m *= product.batches;
    product.batches = 1;
  }
  return product;
}

std::size_t scratch_of_matmul(const Applied& call) {
  const Tensor a = call.in(0), b = call.in(1), out = call.out();
  const kernels::Product product =
      product_of(out.dtype(), a.shape(), b.shape(), out.shape(), call.attribute(0) != 0, call.attribute(1) != 0);
  return bytes_of_offsets(product.batches, 2) + kernels::product_scratch(product);
}

void run_matmul(const Launch& launch) {
  if (launch.out.shape.size() == 0) return;
  const View &a = launch.in[0], &b = launch.in[1];
  kernels::Product product =
      product_of(a.dtype, a.shape, b.shape, launch.out.shape, launch.attributes[0] != 0, launch.attributes[1] != 0);
  if (product.batches > 1) {
    auto* offsets = static_cast<std::int64_t*>(launch.scratch);
    write_offsets(a.shape, launch.out.shape, offsets);
    write_offsets(b.shape, launch.out.shape, offsets + product.batches);
    product.offsets_a = offsets;
    product.offsets_b = offsets + product.batches;
  }
  kernels::multiply(product, a.data, b.data, launch.out.data,
                    static_cast<std::byte*>(launch.scratch) + bytes_of_offsets(product.batches, 2));
}

Tensor matmul_by_left(const Applied& c, const Tensor& g) {
  const Tensor b = c.in(1);
  const bool transpose_a = c.attribute(0), transpose_b = c.attribute(1);
  return over_batches(
      transpose_a ? multiply_matrices(b, g, transpose_b, true) : multiply_matrices(g, b, false, !transpose_b), c.in(0));
}

Tensor matmul_by_right(const Applied& c, const Tensor& g) {
  const Tensor a = c.in(0);
  const bool transpose_a = c.attribute(0), transpose_b = c.attribute(1);
  if (c.in(1).rank() == 2 && a.rank() > 2 && !transpose_a) {
    // One matrix served the whole batch: its gradient is one product over all rows, not a sum of many.
    const Tensor rows = flatten_rows(a), slopes = flatten_rows(g);
    return transpose_b ? multiply_matrices(slopes, rows, true, false) : multiply_matrices(rows, slopes, true, false);
  }
  return over_batches(
      transpose_b ? multiply_matrices(g, a, true, transpose_a) : multiply_matrices(a, g, !transpose_a, false), c.in(1));
}

/// One matrix in several products: the sum of the products that are its gradient is one over what stands side by side.
Tensor matmul_together(std::span<const Applied> calls, std::span<const Tensor> g) {
  const bool right = calls[0].argument() == 1;
  const bool transpose_a = calls[0].attribute(0), transpose_b = calls[0].attribute(1);
  std::int64_t moved = 0;
  std::vector<Tensor> others;
  for (std::size_t k = 0; k < calls.size(); ++k) {
    const Applied& c = calls[k];
    if ((c.argument() == 1) != right || (c.attribute(0) != 0) != transpose_a || (c.attribute(1) != 0) != transpose_b)
      return {};
    const Tensor other = c.in(right ? 0 : 1);
    if (other.rank() != 2 || g[k].rank() != 2 || other.dtype() != g[k].dtype()) return {};
    moved += other.size() + g[k].size();
    others.push_back(other);
  }
  // Where gradients are small beside what they are made of, adding them up moves less.
  const std::int64_t added = calls[0].in(right ? 1 : 0).size() * static_cast<std::int64_t>(calls.size());
  if (calls[0].in(right ? 1 : 0).rank() != 2 || moved > 2 * added) return {};
  const Tensor slopes = concatenate(g, right ? 0 : 1);
  const bool rows = right ? !transpose_a : transpose_b;
  const Tensor rest = concatenate(others, rows ? 0 : 1);
  if (right)
    return transpose_b ? multiply_matrices(slopes, rest, true, transpose_a)
                       : multiply_matrices(rest, slopes, !transpose_a, false);
  return transpose_a ? multiply_matrices(rest, slopes, transpose_b, true)
                     : multiply_matrices(slopes, rest, false, !transpose_b);
}

constexpr PartsOp matmul_op{{.name = "matmul",
                             .promotion = Promotion::common,
                             .infer = infer_matmul,
                             .rules = {matmul_by_left, matmul_by_right},
                             .linear = true,
                             .number = parts_mark,
                             .run = run_matmul,
                             .leading = Leading::broadcast,
                             .scratch = scratch_of_matmul,
                             .symbol = "@"},
                            matmul_together};

}  // namespace

bool join_batches(const Shape& a, const Shape& b, Shape& result) {
  const int rank = std::max(a.rank(), b.rank());
  for (int i = rank; i > 2; --i) {
    const std::int64_t of_a = i <= a.rank() ? a[-i] : 1, of_b = i <= b.rank() ? b[-i] : 1;
    if (of_a != of_b && of_a != 1 && of_b != 1) return false;
    result.append(of_a == 1 ? of_b : of_a);
  }
  return true;
}

std::int64_t matrices_in(const Shape& shape) {
  std::int64_t n = 1;
  for (int i = 0; i + 2 < shape.rank(); ++i) n *= shape[i];
  return n;
}

void write_offsets(const Shape& operand, const Shape& result, std::int64_t* offsets) {
  const std::int64_t count = matrices_in(result), each = operand[-1] * operand[-2];
  for (std::int64_t batch = 0; batch < count; ++batch) {
    std::int64_t rest = batch, offset = 0, stride = each;
    for (int i = 3; i <= operand.rank(); ++i) {
      const std::int64_t place = rest % result[-i];
      rest /= result[-i];
      if (operand[-i] != 1) offset += place * stride;
      stride *= operand[-i];
    }
    offsets[batch] = offset;
  }
}

std::size_t bytes_of_offsets(std::int64_t batches, int arrays) {
  return (static_cast<std::size_t>(batches) * static_cast<std::size_t>(arrays) * sizeof(std::int64_t) + 63) / 64 * 64;
}

std::size_t scratch_for_offsets(const Applied& call) { return bytes_of_offsets(matrices_in(call.out().shape()), 2); }

void infer_matrices(Recording& call, const Shape& a, const Shape& b, std::int64_t rows, std::int64_t columns) {
  Shape result;
  if (!join_batches(a, b, result)) call.shape_error("expected leading axes that broadcast together");
  result.append(rows);
  result.append(columns);
  call.result(result, call.dtype(0));
}

Tensor over_batches(const Tensor& gradient, const Tensor& operand) {
  return gradient.shape() == operand.shape() ? gradient : sum_like(gradient, operand);
}

Tensor multiply_matrices(const Tensor& a, const Tensor& b, bool transpose_a, bool transpose_b) {
  return record(matmul_op, {a, b}, {.a = transpose_a, .b = transpose_b});
}

Tensor matmul(const Arg& a, const Arg& b) {
  const Within here("matmul", a);
  const Tensor left = a.tensor(), right = b.tensor();
  const bool row = left.rank() == 1, column = right.rank() == 1;
  const bool scalar = left.rank() == 0 || right.rank() == 0;
  // Vectors get their second axis below, so a message about them has to come before.
  if (scalar || ((row || column) && left.dim(-1) != right.dim(column ? 0 : -2)))
    throw ShapeError(std::string("[matmul] expected ") + (scalar ? "vectors or matrices" : "equal inner lengths") +
                     ", got " + to_string(left.shape()) + " " + name_of(left.dtype()) + " and " +
                     to_string(right.shape()) + " " + name_of(right.dtype()) + place(a.where()));
  const Tensor product = record(matmul_op, {row ? expand_dims(left, 0) : left, column ? expand_dims(right, 1) : right});
  if (row && column) return squeeze(product, {-2, -1});
  return row ? squeeze(product, -2) : (column ? squeeze(product, -1) : product);
}

}  // namespace xgrad
