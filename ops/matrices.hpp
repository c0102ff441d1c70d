#pragma once
/// What operations on batches of matrices share: products, leading axes, axes merged and split. Internal to ops/.

#include <xgrad/graph/op.hpp>

namespace xgrad {

/// The product of two batches of matrices, each with its last two axes exchanged where asked; nothing is copied for
/// that.
Tensor multiply_matrices(const Tensor& a, const Tensor& b, bool transpose_a = false, bool transpose_b = false);

/// How a tensor's last axes hold matrices: (..., rows, columns), or `apart` (..., rows, matrices, columns), which lets
/// the last batch axis stand between; `transposed` exchanges rows and columns.
struct MatrixForm {
  bool transposed = false;
  bool apart = false;
};
/// The product of two batches of matrices of any form, the result transposed in none but `apart` if asked. Nothing is
/// copied to bring matrices together. What stands apart has at least three axes.
Tensor multiply_apart(const Tensor& a, MatrixForm form_a, const Tensor& b, MatrixForm form_b, bool result_apart);

/// Appends the leading axes of two batches of matrices, broadcast together, to `result`; false if they do not fit.
bool join_batches(const Shape& a, const Shape& b, Shape& result);
/// How many matrices a batch holds.
std::int64_t matrices_in(const Shape& shape);
/// Where each matrix of the result's batch starts in an operand, in elements.
void write_offsets(const Shape& operand, const Shape& result, std::int64_t* offsets);
/// The memory `write_offsets` of two operands needs.
/// Bytes of so many arrays of one offset a matrix, rounded up to whole cache lines.
std::size_t bytes_of_offsets(std::int64_t batches, int arrays);
std::size_t scratch_for_offsets(const Applied& call);
/// Sets the result: matrices of so many rows and columns, one for each of two batches broadcast together.
void infer_matrices(Recording& call, const Shape& a, const Shape& b, std::int64_t rows, std::int64_t columns);
/// A gradient summed over the batches an operand was repeated for.
Tensor over_batches(const Tensor& gradient, const Tensor& operand);

/// Adjacent axes as one: groups[i] is the number of axes that become axis i of the result, 0 for a new one of length 1.
Tensor group_axes(const Tensor& x, std::span<const std::int64_t> groups);
/// The reverse of a merge: the lengths of the result are taken from other tensors, `from[i]` = 8 * operand + axis of
/// `lenders`.
Tensor split_axes(const Tensor& x, const Tensor& a, const Tensor& b, std::span<const std::int64_t> from);

}  // namespace xgrad
