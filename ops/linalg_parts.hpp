#pragma once
/// What the functions of linear algebra share. Internal to ops/.

#include <xgrad/graph/op.hpp>
#include <xgrad/kernels/linalg.hpp>

namespace xgrad {

/// The argument as floats of at least float32.
Tensor real_matrices(const char* name, const Arg& a);
/// Throws ShapeError unless the last two axes have one length.
void check_square(const char* name, const Tensor& a, const Location& where);
/// The larger dtype of two.
void promote_both(Tensor& a, Tensor& b);

/// Throws what happened to which matrix of a batch: "... matrix (0, 2) of the batch ...: pivot 1 is zero".
void report(const Launch& launch, const kernels::Failure& failure, const Shape& batch, const char* expected,
            const char* at_pivot);

/// The unit matrix (n, n) that goes with (..., n, n).
Tensor unit_matrix_of(const Tensor& a);
/// The last two axes exchanged.
Tensor swapped(const Tensor& x);
/// a / b, but 0 where both are 0.
Tensor divide_safely(const Tensor& a, const Tensor& b);
/// Each matrix of a batch times a number of its own.
Tensor scaled(const Tensor& matrices, const Tensor& numbers);

/// Triangular equations whose operands are matrices of one dtype.
Tensor triangular(const Tensor& a, const Tensor& b, bool lower, bool transposed, bool unit = false);

}  // namespace xgrad
