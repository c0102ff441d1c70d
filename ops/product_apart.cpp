#include <xgrad/kernels/products.hpp>
#include <xgrad/ops/matrices.hpp>

namespace xgrad {
namespace {

/// The attribute holds the forms of both operands and of the result.
struct Forms {
  MatrixForm a, b;
  bool result_apart;
};
Forms forms_of(std::int64_t bits) {
  return {
      .a = {(bits & 1) != 0, (bits & 2) != 0}, .b = {(bits & 4) != 0, (bits & 8) != 0}, .result_apart = bits >> 4 != 0};
}

/// (..., i, j, k) as (..., j, i, k).
Shape exchanged(const Shape& shape) {
  Shape result = shape;
  result.set(-3, shape[-2]);
  result.set(-2, shape[-3]);
  return result;
}
/// The lengths of a tensor as (batch..., rows, columns), as its memory has them.
Shape as_batch(const Shape& shape, bool apart) { return apart ? exchanged(shape) : shape; }

std::int64_t rows_of(const Shape& batch, MatrixForm form) { return batch[form.transposed ? -1 : -2]; }
std::int64_t columns_of(const Shape& batch, MatrixForm form) { return batch[form.transposed ? -2 : -1]; }

void infer_apart(Recording& call) {
  const Forms forms = forms_of(call.attribute(0));
  if (call.shape(0).rank() < (forms.a.apart ? 3 : 2) || call.shape(1).rank() < (forms.b.apart ? 3 : 2))
    call.shape_error("expected batches of matrices");
  const Shape a = as_batch(call.shape(0), forms.a.apart), b = as_batch(call.shape(1), forms.b.apart);
  if (columns_of(a, forms.a) != rows_of(b, forms.b)) call.shape_error("expected equal inner lengths");
  Shape result;
  if (!join_batches(a, b, result)) call.shape_error("expected leading axes that broadcast together");
  result.append(rows_of(a, forms.a));
  result.append(columns_of(b, forms.b));
  if (forms.result_apart && result.rank() < 3) call.shape_error("expected a batch of matrices");
  call.result(as_batch(result, forms.result_apart), call.dtype(0));
}

/// Where each matrix of the result's batch starts in a tensor.
void write_starts(const Shape& batch, bool apart, const Shape& result, std::int64_t* starts) {
  const std::int64_t count = matrices_in(result), matrix = batch[-1] * batch[-2];
  for (std::int64_t number = 0; number < count; ++number) {
    std::int64_t rest = number, start = 0, step = apart ? batch[-1] : matrix;
    for (int i = 3; i <= batch.rank(); ++i) {
      const std::int64_t place = rest % result[-i];
      rest /= result[-i];
      if (batch[-i] != 1) start += place * step;
      step = i == 3 ? matrix * batch[-3] : step * batch[-i];
    }
    starts[number] = start;
  }
}

std::int64_t row_step(const Shape& batch, bool apart) { return apart ? batch[-3] * batch[-1] : batch[-1]; }

/// The product without its batch's offsets; shapes as memory has them.
kernels::Product product_of(DType type, const Forms& forms, const Shape& a, const Shape& b, const Shape& c) {
  kernels::Product product{.type = type, .transpose_a = forms.a.transposed, .transpose_b = forms.b.transposed};
  product.m = c[-2];
  product.n = c[-1];
  product.k = columns_of(a, forms.a);
  product.batches = matrices_in(c);
  product.row_a = row_step(a, forms.a.apart);
  product.row_b = row_step(b, forms.b.apart);
  product.row_c = row_step(c, forms.result_apart);
  return product;
}

std::size_t scratch_of_apart(const Applied& call) {
  const Forms forms = forms_of(call.attribute(0));
  const Tensor a = call.in(0), b = call.in(1), out = call.out();
  const kernels::Product product =
      product_of(out.dtype(), forms, as_batch(a.shape(), forms.a.apart), as_batch(b.shape(), forms.b.apart),
                 as_batch(out.shape(), forms.result_apart));
  return bytes_of_offsets(product.batches, 3) + kernels::product_scratch(product);
}

void run_apart(const Launch& launch) {
  if (launch.out.shape.size() == 0) return;
  const Forms forms = forms_of(launch.attributes[0]);
  const Shape a = as_batch(launch.in[0].shape, forms.a.apart), b = as_batch(launch.in[1].shape, forms.b.apart);
  const Shape c = as_batch(launch.out.shape, forms.result_apart);
  kernels::Product product = product_of(launch.out.dtype, forms, a, b, c);
  auto* starts = static_cast<std::int64_t*>(launch.scratch);
  write_starts(a, forms.a.apart, c, starts);
  write_starts(b, forms.b.apart, c, starts + product.batches);
  write_starts(c, forms.result_apart, c, starts + 2 * product.batches);
  product.offsets_a = starts;
  product.offsets_b = starts + product.batches;
  product.offsets_c = starts + 2 * product.batches;
  kernels::multiply(product, launch.in[0].data, launch.in[1].data, launch.out.data,
                    static_cast<std::byte*>(launch.scratch) + bytes_of_offsets(product.batches, 3));
}

MatrixForm turned(MatrixForm form) { return {!form.transposed, form.apart}; }

Tensor apart_by_left(const Applied& c, const Tensor& g) {
  const Forms forms = forms_of(c.attribute(0));
  const MatrixForm form_g{false, forms.result_apart};
  const Tensor b = c.in(1);
  return over_batches(forms.a.transposed ? multiply_apart(b, forms.b, g, turned(form_g), forms.a.apart)
                                         : multiply_apart(g, form_g, b, turned(forms.b), forms.a.apart),
                      c.in(0));
}

Tensor apart_by_right(const Applied& c, const Tensor& g) {
  const Forms forms = forms_of(c.attribute(0));
  const MatrixForm form_g{false, forms.result_apart};
  const Tensor a = c.in(0);
  return over_batches(forms.b.transposed ? multiply_apart(g, turned(form_g), a, forms.a, forms.b.apart)
                                         : multiply_apart(a, turned(forms.a), g, form_g, forms.b.apart),
                      c.in(1));
}

constexpr Op apart_op{.name = "matmul_apart",
                      .promotion = Promotion::common,
                      .infer = infer_apart,
                      .rules = {apart_by_left, apart_by_right},
                      .linear = true,
                      .run = run_apart,
                      .leading = Leading::broadcast,
                      .scratch = scratch_of_apart};

}  // namespace

Tensor multiply_apart(const Tensor& a, MatrixForm form_a, const Tensor& b, MatrixForm form_b, bool result_apart) {
  if (!form_a.apart && !form_b.apart && !result_apart)
    return multiply_matrices(a, b, form_a.transposed, form_b.transposed);
  const int bits =
      form_a.transposed | form_a.apart << 1 | form_b.transposed << 2 | form_b.apart << 3 | result_apart << 4;
  return record(apart_op, {a, b}, {.a = bits});
}

}  // namespace xgrad
