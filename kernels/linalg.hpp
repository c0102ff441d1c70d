#pragma once
/// Factorisations and solutions of linear equations through LAPACK, one matrix after another of a batch.

#include <xgrad/kernels/dtype.hpp>

#include <cstdint>

namespace xgrad::kernels {

/// The first matrix of a batch that could not be treated, and where: a pivot counted from 0.
struct Failure {
  std::int64_t matrix = -1;  ///< -1: none
  std::int64_t pivot = 0;

  explicit operator bool() const { return matrix >= 0; }
};

// All matrices are row-major and contiguous, float32 or float64; `count` of them follow each other, or start at
// `..._offsets` (in elements) where that is not null. Each matrix is treated by one thread, so bits do not depend on
// how many there are. Sizes that LAPACK cannot count throw std::length_error.

/// Factors of n x n matrices with row exchanges, for `lu_solve` and `lu_determinant`: n rows of factors and a row of
/// exchanges for each. Never fails: a singular matrix has a zero on the diagonal.
void lu_factor(DType type, std::int64_t n, std::int64_t count, const void* a, void* factors);

/// n x k matrices X with A X = B, or transposed(A) X = B. Fails at a pivot that is zero.
struct Solve {
  DType type = DType::float32;
  std::int64_t n = 0, k = 0, count = 0;
  const std::int64_t* a_offsets = nullptr;
  const std::int64_t* b_offsets = nullptr;
  bool transposed = false;
  bool lower = false, unit = false;  ///< of triangular matrices: which triangle is read, and whether its diagonal is 1
};
Failure lu_solve(const Solve& sizes, const void* factors, const void* b, void* x);
Failure triangular_solve(const Solve& sizes, const void* a, const void* b, void* x);

/// Of each matrix the determinant; or its sign, or the logarithm of its size (-inf for 0).
enum class Determinant : std::uint8_t { value, sign, log_size };
void lu_determinant(DType type, Determinant what, std::int64_t n, std::int64_t count, const void* factors, void* out);
/// The matrix of signed minors: determinant times transposed inverse, and its limit where the matrix is singular.
void cofactors(DType type, std::int64_t n, std::int64_t count, const void* a, const void* factors, void* out);

/// Lower triangles L with A = L transposed(L); reads the lower triangle of A. Fails where a leading minor is not
/// positive.
Failure cholesky(DType type, std::int64_t n, std::int64_t count, const void* a, void* out);

/// m x n matrices as Q R: Q (m x k) has orthonormal columns, R (k x n) is upper triangular, k = min(m, n). R follows Q
/// in `out`.
void qr(DType type, std::int64_t m, std::int64_t n, std::int64_t count, const void* a, void* out);
/// m - k orthonormal columns that are orthogonal to the k orthonormal columns of each Q (m x k).
void complement(DType type, std::int64_t m, std::int64_t k, std::int64_t count, const void* q, void* out);

/// m x n matrices as U diag(s) V: U (m x k), then s (k, descending), then V (k x n), k = min(m, n); or s alone. Fails
/// if a number is not finite or the iteration does not converge.
Failure svd(DType type, std::int64_t m, std::int64_t n, std::int64_t count, bool vectors, const void* a, void* out);

/// Symmetric n x n matrices as V diag(w) transposed(V): w (n, ascending), then V (n x n); or w alone. Reads the lower
/// triangle, or the upper one. Fails as svd does.
Failure eigh(DType type, std::int64_t n, std::int64_t count, bool vectors, bool upper, const void* a, void* out);

/// e^A = I + A + A^2/2 + ... of n x n matrices, by scaling and squaring of Pade approximants (Higham 2005); in float64
/// throughout. Not finite where A is not.
void expm(DType type, std::int64_t n, std::int64_t count, const void* a, void* out);

}  // namespace xgrad::kernels
