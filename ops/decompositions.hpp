#pragma once
/// Factors of matrices. Batches, dtypes and errors as in ops/linalg.hpp; derivatives are of any order.

#include <xgrad/graph/basic.hpp>

namespace xgrad {

/// What qr gives.
enum class QrMode : std::uint8_t {
  reduced,   ///< Q (m, k), R (k, n), k = min(m, n)
  complete,  ///< Q (m, m), R (m, n)
};
struct OrthogonalTriangular {
  Tensor q, r;
};
/// a = q @ r with orthonormal columns of q and upper triangular r; signs are LAPACK's (diagonal of r not always
/// positive). The derivative needs the first min(m, n) columns to be independent and throws else. Columns of q that
/// `complete` adds are any basis of what is left: their derivative is right for what does not depend on the choice (as
/// q2 @ transposed(q2)).
OrthogonalTriangular qr(const Arg& a, QrMode mode = QrMode::reduced);

struct SingularValues {
  Tensor u, s, vh;
};
/// a = u @ diag(s) @ vh, s descending; with full_matrices (NumPy's default) u is (m, m) and vh (n, n), else (m, k) and
/// (k, n), k = min(m, n). Without compute_uv u and vh are undefined tensors: that is svdvals. Signs of vectors are
/// LAPACK's. The derivative of s is right everywhere in sums over equal ones. Vectors of equal singular values (and of
/// zero, if m != n) are not unique and have no derivative: what reaches them becomes infinite or NaN, unless it is
/// exactly 0. Added vectors of full_matrices are as in qr. Throws for numbers that are not finite.
SingularValues svd(const Arg& a, bool full_matrices = true, bool compute_uv = true);
/// Singular values (..., min(m, n)), descending; faster than svd. The second derivative is not finite at equal ones.
Tensor svdvals(const Arg& a);

struct Eigen {
  Tensor eigenvalues, eigenvectors;
};
/// a = v @ diag(w) @ transposed(v) for symmetric a, w ascending, vectors in columns; `uplo` names the triangle that is
/// read ('L' or 'U', ValueError else). Equal eigenvalues as equal singular values in svd. Throws for numbers that are
/// not finite.
Eigen eigh(const Arg& a, char uplo = 'L');
/// Eigenvalues (..., n) of symmetric a, ascending; faster than eigh. The second derivative is not finite at equal ones.
Tensor eigvalsh(const Arg& a, char uplo = 'L');

}  // namespace xgrad
