#pragma once
/// Linear algebra. Matrices are the last two axes, axes before them are batches and broadcast. float32 and float64;
/// integers and bool become float32 (float64 beside float64). What cannot be computed for the values found (a singular
/// matrix, say) throws ValueError when values are asked for, with the matrix of the batch and the pivot. Derivatives
/// are of any order; gradients of functions of symmetric matrices are symmetric.

#include <xgrad/graph/basic.hpp>

namespace xgrad {

/// x with a @ x = b for square a (..., n, n), by LU factors with row exchanges; b is (..., n, k), or (n,) for one
/// vector (as NumPy 2 decides). Throws at a pivot that is exactly zero.
Tensor solve(const Arg& a, const Arg& b);

/// Which matrix a triangular equation means.
struct TriangularOptions {
  bool transposed = false;     ///< transposed(a) x = b (SciPy's trans)
  bool lower = false;          ///< the lower triangle of a is meant, else the upper; the other one is not read
  bool unit_diagonal = false;  ///< the diagonal counts as ones and is not read
};
/// x with a @ x = b for triangular a, by substitution; shapes as in solve. Throws at a zero on the diagonal.
Tensor solve_triangular(const Arg& a, const Arg& b, TriangularOptions options = {});

/// The inverse: solve(a, I). Throws at a pivot that is exactly zero.
Tensor inv(const Arg& a);

/// The determinant (...): the product of the pivots of LU factors, 1 for a matrix of size 0. Its derivative, the matrix
/// of signed minors, is right for singular matrices too; the second derivative is not finite there.
Tensor det(const Arg& a);
/// det's sign (-1, 0 or 1; derivative 0) and logarithm of size (-inf for a singular matrix, whose derivative throws).
struct SignAndLog {
  Tensor sign, logabsdet;
};
SignAndLog slogdet(const Arg& a);

/// Lower triangular L with a = L @ transposed(L), or transposed(L) with `upper`, for symmetric positive definite a.
/// Only the lower triangle is read. Throws where a leading minor is not positive, and names it.
Tensor cholesky(const Arg& a, bool upper = false);
/// x with a @ x = b, from a's Cholesky factor (upper if so). NumPy has no such function; PyTorch's takes b first, as
/// this one does.
Tensor cholesky_solve(const Arg& b, const Arg& factor, bool upper = false);

/// The inverse of symmetric positive definite a, by its Cholesky factor, which is the upper one if so (Keras's
/// cholesky_inverse). Throws as cholesky.
Tensor cholesky_inverse(const Arg& a, bool upper = false);

/// x with tensordot(a, x, x.rank()) = b: a of shape b.shape + x.shape seen as a square matrix. `axes` of a are moved
/// behind the others before. ShapeError if it is not square.
Tensor tensorsolve(const Arg& a, const Arg& b, Axes axes = Axes::none());
/// The inverse of tensordot by a, whose first `index` axes are the rows of a square matrix: tensordot(inverse, b,
/// index) is tensorsolve(a, b). ShapeError if it is not square, ValueError for an index of 0 or less.
Tensor tensorinv(const Arg& a, int index = 2);

/// The generalised inverse (n, m) of (m, n): 1/s in place of each singular value s above `rtol` times the largest, 0
/// for the others. The default is the larger side times the dtype's epsilon (PyTorch; NumPy's rcond is 1e-15). The
/// derivative is right where the rank does not change nearby.
Tensor pinv(const Arg& a, double rtol = -1);

/// Least squares: the x of smallest norm among those with the smallest norm of a @ x - b, for each column of b.
struct LeastSquares {
  Tensor x;          ///< (..., n, k), or (..., n) for a vector b
  Tensor residuals;  ///< squared norms of the columns of b - a @ x (NumPy leaves them out where a has not full rank)
  Tensor rank;       ///< int64
  Tensor singular_values;  ///< of a, descending
};
/// As pinv(a) @ b with singular values up to `rtol` times the largest taken for zero (default as in pinv); the
/// derivative is that of pinv.
LeastSquares lstsq(const Arg& a, const Arg& b, double rtol = -1);

/// How many singular values are above `rtol` times the largest (default as in pinv). int64; no derivative.
Tensor matrix_rank(const Arg& a, double rtol = -1);

/// a @ a @ ... for square a, by repeated squaring; I for n = 0, powers of the inverse for n < 0. Integers stay integers
/// for n >= 0, and wrap.
Tensor matrix_power(const Arg& a, int n);

/// e^a = I + a + a @ a / 2 + ... for square a, by scaling and squaring (computed in float64). Derivatives are read from
/// the exponential of a block matrix twice as large.
Tensor expm(const Arg& a);

/// Norms of matrices (NumPy's matrix_norm): "fro" (root of the sum of squares; the derivative at 0 is 0) or "nuc" (sum
/// of singular values). ValueError for another name.
Tensor matrix_norm(const Arg& a, std::string_view order = "fro", bool keepdims = false);
/// The same by number: 2 and -2 are the largest and smallest singular value, 1 and -1 the largest and smallest sum of
/// sizes of a column, infinity and its negative those of a row. ValueError for another number.
Tensor matrix_norm(const Arg& a, double order, bool keepdims = false);

/// The condition number: largest by smallest singular value for order 2 (inverse for -2), else the norm of a times the
/// norm of its inverse. inf for a singular matrix with orders 2 and -2 (0 for -2); other orders throw.
Tensor cond(const Arg& a, double order = 2);
Tensor cond(const Arg& a, std::string_view order);

}  // namespace xgrad
