#include <xgrad/ops/decompositions.hpp>

#include <xgrad/ops/linalg.hpp>
#include <xgrad/ops/linalg_parts.hpp>
#include <xgrad/ops/matrices.hpp>
#include <xgrad/ops/shape.hpp>

#include <algorithm>
#include <cstring>
#include <string>

namespace xgrad {
namespace {

// --- several factors in one result -----------------------------------------------------------------------------------

// An operation has one result, so the factors of a matrix follow each other in one row of numbers.

enum class Factors : std::int64_t { qr, svd, eigh };

/// Where one factor of an m x n matrix starts, and its lengths.
struct Part {
  std::int64_t start = 0, rows = 0, columns = 0;
  bool vector = false;
};
Part part_of(Factors factors, std::int64_t which, std::int64_t m, std::int64_t n) {
  const std::int64_t k = std::min(m, n);
  switch (factors) {
    case Factors::qr:
      return which == 0 ? Part{0, m, k} : Part{m * k, k, n};
    case Factors::svd:
      return which == 0 ? Part{0, m, k} : which == 1 ? Part{m * k, 1, k, true} : Part{m * k + k, k, n};
    default:
      return which == 0 ? Part{0, 1, n, true} : Part{n, n, n};
  }
}
std::int64_t packed_size(Factors factors, std::int64_t m, std::int64_t n) {
  const Part last = part_of(factors, factors == Factors::svd ? 2 : 1, m, n);
  return last.start + last.rows * last.columns;
}

Shape batch_of(const Shape& shape) {
  return Shape(std::span(shape.begin(), static_cast<std::size_t>(shape.rank()) - 2));
}

/// Attribute 0 says which factors, attribute 1 which of them. Inputs: all factors, and the matrix, which lends its
/// shape.
void infer_part(Recording& call) {
  const Shape& a = call.shape(1);
  const Part part = part_of(static_cast<Factors>(call.attribute(0)), call.attribute(1), a[-2], a[-1]);
  Shape result = batch_of(a);
  if (!part.vector) result.append(part.rows);
  result.append(part.columns);
  call.result(result, call.dtype(0));
}

void infer_packed(Recording& call) {
  const Shape& a = call.shape(1);
  Shape result = batch_of(a);
  result.append(packed_size(static_cast<Factors>(call.attribute(0)), a[-2], a[-1]));
  call.result(result, call.dtype(0));
}

template <bool into_packed>
void run_part(const Launch& launch) {
  const Shape& a = launch.in[1].shape;
  const auto factors = static_cast<Factors>(launch.attributes[0]);
  const Part part = part_of(factors, launch.attributes[1], a[-2], a[-1]);
  const std::size_t bytes = size_of(launch.out.dtype);
  const std::size_t whole = static_cast<std::size_t>(packed_size(factors, a[-2], a[-1])) * bytes;
  const std::size_t piece = static_cast<std::size_t>(part.rows * part.columns) * bytes;
  const std::size_t start = static_cast<std::size_t>(part.start) * bytes;
  const auto* from = static_cast<const std::byte*>(launch.in[0].data);
  auto* to = static_cast<std::byte*>(launch.out.data);
  if (into_packed && launch.out.shape.size()) std::memset(to, 0, static_cast<std::size_t>(matrices_in(a)) * whole);
  if (piece == 0) return;
  for (std::int64_t i = 0; i < matrices_in(a); ++i) {
    const std::size_t at_whole = static_cast<std::size_t>(i) * whole + start;
    const std::size_t at_piece = static_cast<std::size_t>(i) * piece;
    std::memcpy(to + (into_packed ? at_whole : at_piece), from + (into_packed ? at_piece : at_whole), piece);
  }
}

Tensor part_back(const Applied& c, const Tensor& g);
Tensor packed_back(const Applied& c, const Tensor& g);

constexpr Op part_op{.name = "factor",
                     .infer = infer_part,
                     .rules = {part_back},
                     .linear = true,
                     .shape_only = 2,
                     .run = run_part<false>,
                     .leading = Leading::batch};
constexpr Op packed_op{.name = "among_factors",
                       .infer = infer_packed,
                       .rules = {packed_back},
                       .linear = true,
                       .shape_only = 2,
                       .run = run_part<true>,
                       .leading = Leading::batch};

Tensor part_back(const Applied& c, const Tensor& g) {
  return record(packed_op, {g, c.in(1)}, {.a = c.attribute(0), .b = c.attribute(1)});
}
Tensor packed_back(const Applied& c, const Tensor& g) {
  return record(part_op, {g, c.in(1)}, {.a = c.attribute(0), .b = c.attribute(1)});
}

Tensor factor(Factors factors, std::int64_t which, const Tensor& packed, const Tensor& a) {
  return record(part_op, {packed, a}, {.a = static_cast<std::int64_t>(factors), .b = which});
}

void infer_values(Recording& call) {
  const Shape& a = call.shape(0);
  Shape result = batch_of(a);
  result.append(std::min(a[-2], a[-1]));
  call.result(result, call.dtype(0));
}

template <Factors factors>
void infer_factors(Recording& call) {
  const Shape& a = call.shape(0);
  Shape result = batch_of(a);
  result.append(packed_size(factors, a[-2], a[-1]));
  call.result(result, call.dtype(0));
}

/// Rows or columns of a matrix times numbers.
Tensor scale_columns(const Tensor& x, const Tensor& s) { return x * expand_dims(s, -2); }
Tensor scale_rows(const Tensor& s, const Tensor& x) { return expand_dims(s, -1) * x; }

// --- Cholesky --------------------------------------------------------------------------------------------------------

void infer_same(Recording& call) { call.result(call.shape(0), call.dtype(0)); }

void run_cholesky(const Launch& launch) {
  const View& a = launch.in[0];
  if (a.shape.size() == 0) return;
  report(launch, kernels::cholesky(a.dtype, a.shape[-1], matrices_in(a.shape), a.data, launch.out.data), a.shape,
         "positive definite matrices", "is not positive");
}

/// With P = lower(transposed(L) G), its diagonal halved: the symmetric part of transposed(inverse(L)) P inverse(L).
Tensor cholesky_back(const Applied& c, const Tensor& g) {
  const Tensor l = c.out(), product = multiply_matrices(l, g, true, false);
  const Tensor half = 0.5 * (tril(product) + tril(product, -1));
  const Tensor left = triangular(l, half, true, true), both = triangular(l, swapped(left), true, true);
  return 0.5 * (both + swapped(both));
}

constexpr Op cholesky_op{
    .name = "cholesky", .infer = infer_same, .rules = {cholesky_back}, .fails = true, .run = run_cholesky,
    .leading = Leading::batch};

// --- QR --------------------------------------------------------------------------------------------------------------

void run_qr(const Launch& launch) {
  const View& a = launch.in[0];
  if (launch.out.shape.size() == 0) return;
  kernels::qr(a.dtype, a.shape[-2], a.shape[-1], matrices_in(a.shape), a.data, launch.out.data);
}

/// Walter and Lehmann: (Gq + Q S) transposed(inverse(R)), S the symmetric matrix with the lower triangle of
/// R transposed(Gr) - transposed(Gq) Q.
Tensor tall_qr_back(const Tensor& q, const Tensor& r, const Tensor& gq, const Tensor& gr) {
  const Tensor m = multiply_matrices(r, gr, false, true) - multiply_matrices(gq, q, true, false);
  const Tensor symmetric = tril(m) + swapped(tril(m, -1));
  const Tensor sum = gq + multiply_matrices(q, symmetric);
  return swapped(triangular(r, swapped(sum), false, false));
}

Tensor qr_back(const Applied& c, const Tensor& g) {
  const Tensor a = c.in(0), out = c.out();
  const Tensor q = factor(Factors::qr, 0, out, a), r = factor(Factors::qr, 1, out, a);
  const Tensor gq = factor(Factors::qr, 0, g, a), gr = factor(Factors::qr, 1, g, a);
  const std::int64_t m = a.dim(-2);
  if (m >= a.dim(-1)) return tall_qr_back(q, r, gq, gr);
  // A = (B, C), R = (U, transposed(Q) C), where B = Q U is square.
  const Range first{0, m}, rest{.start = m};
  const Tensor g_rest = slice_axis(gr, -1, rest);
  const Tensor to_q = gq + multiply_matrices(slice_axis(a, -1, rest), g_rest, false, true);
  const Tensor square = tall_qr_back(q, slice_axis(r, -1, first), to_q, slice_axis(gr, -1, first));
  return concatenate({square, multiply_matrices(q, g_rest)}, -1);
}

constexpr Op qr_op{.name = "qr", .infer = infer_factors<Factors::qr>, .rules = {qr_back}, .fails = true,
                   .run = run_qr, .leading = Leading::batch};

void infer_complement(Recording& call) {
  Shape shape = call.shape(0);
  shape.set(-1, shape[-2] - shape[-1]);
  call.result(shape, call.dtype(0));
}

void run_complement(const Launch& launch) {
  const View& q = launch.in[0];
  if (launch.out.shape.size() == 0) return;
  kernels::complement(q.dtype, q.shape[-2], q.shape[-1], matrices_in(q.shape), q.data, launch.out.data);
}

/// The basis turns with what it is orthogonal to, and not in itself: dP = -Q transposed(dQ) P.
constexpr Op complement_op{.name = "complement",
                           .infer = infer_complement,
                           .rules = {[](const Applied& c, const Tensor& g) {
                             return -multiply_matrices(multiply_matrices(c.out(), g, false, true), c.in(0));
                           }},
                           .fails = true,
                           .run = run_complement,
                           .leading = Leading::batch};

/// Orthonormal columns, completed to a basis.
Tensor completed(const Tensor& q) {
  return q.dim(-1) == q.dim(-2) ? q : concatenate({q, record(complement_op, {q})}, -1);
}

// --- singular values -------------------------------------------------------------------------------------------------

template <bool vectors>
void run_svd(const Launch& launch) {
  const View& a = launch.in[0];
  if (launch.out.shape.size() == 0) return;
  report(launch,
         kernels::svd(a.dtype, a.shape[-2], a.shape[-1], matrices_in(a.shape), vectors, a.data, launch.out.data),
         a.shape, "matrices of finite numbers", "");
}

Tensor antisymmetric(const Tensor& x) { return x - swapped(x); }

/// x - Q transposed(Q) x
Tensor away_from(const Tensor& q, const Tensor& x) {
  return x - multiply_matrices(q, multiply_matrices(q, x, true, false));
}

Tensor svd_back(const Applied& c, const Tensor& g);

constexpr Op svd_op{
    .name = "svd", .infer = infer_factors<Factors::svd>, .rules = {svd_back}, .fails = true, .run = run_svd<true>,
    .leading = Leading::batch};

SingularValues thin_svd(const Tensor& a, const Tensor& packed) {
  return {factor(Factors::svd, 0, packed, a), factor(Factors::svd, 1, packed, a), factor(Factors::svd, 2, packed, a)};
}

Tensor svd_back(const Applied& c, const Tensor& g) {
  const Tensor a = c.in(0);
  const auto [u, s, vh] = thin_svd(a, c.out());
  const auto [gu, gs, gvh] = thin_svd(a, g);
  // Differences of squares, as products: what is equal gives exactly 0.
  const Tensor right = expand_dims(s, -2), left = expand_dims(s, -1);
  const Tensor differences = (right - left) * (right + left);
  const Tensor of_u = divide_safely(antisymmetric(multiply_matrices(u, gu, true, false)), differences);
  const Tensor of_v = divide_safely(antisymmetric(multiply_matrices(vh, gvh, false, true)), differences);
  const Tensor inner = scale_columns(of_u, s) + scale_rows(s, of_v);
  Tensor total = multiply_matrices(scale_columns(u, gs) + multiply_matrices(u, inner), vh);
  if (a.dim(-2) > a.dim(-1)) total = total + multiply_matrices(divide_safely(away_from(u, gu), expand_dims(s, -2)), vh);
  if (a.dim(-2) < a.dim(-1))
    total =
        total + multiply_matrices(u, divide_safely(swapped(away_from(swapped(vh), swapped(gvh))), expand_dims(s, -1)));
  return total;
}

constexpr Op svdvals_op{.name = "svdvals",
                        .infer = infer_values,
                        .rules = {[](const Applied& c, const Tensor& g) {
                          const Tensor a = c.in(0);
                          const SingularValues found = thin_svd(a, record(svd_op, {a}));
                          return multiply_matrices(scale_columns(found.u, g), found.vh);
                        }},
                        .fails = true,
                        .run = run_svd<false>,
                        .leading = Leading::batch};

// --- eigenvalues of symmetric matrices -------------------------------------------------------------------------------

/// Attribute 0: the upper triangle is read.
template <bool vectors>
void run_eigh(const Launch& launch) {
  const View& a = launch.in[0];
  if (launch.out.shape.size() == 0) return;
  report(launch,
         kernels::eigh(a.dtype, a.shape[-1], matrices_in(a.shape), vectors, launch.attributes[0] != 0, a.data,
                       launch.out.data),
         a.shape, "matrices of finite numbers", "");
}

Tensor eigh_back(const Applied& c, const Tensor& g) {
  const Tensor a = c.in(0), out = c.out();
  const Tensor w = factor(Factors::eigh, 0, out, a), v = factor(Factors::eigh, 1, out, a);
  const Tensor gw = factor(Factors::eigh, 0, g, a), gv = factor(Factors::eigh, 1, g, a);
  const Tensor differences = expand_dims(w, -2) - expand_dims(w, -1);
  const Tensor turns = divide_safely(antisymmetric(multiply_matrices(v, gv, true, false)), differences);
  return multiply_matrices(scale_columns(v, gw) + multiply_matrices(v, 0.5 * turns), v, false, true);
}

constexpr Op eigh_op{
    .name = "eigh", .infer = infer_factors<Factors::eigh>, .rules = {eigh_back}, .fails = true, .run = run_eigh<true>,
    .leading = Leading::batch};
constexpr Op eigvalsh_op{.name = "eigvalsh",
                         .infer = infer_values,
                         .rules = {[](const Applied& c, const Tensor& g) {
                           const Tensor a = c.in(0), packed = record(eigh_op, {a}, {.a = c.attribute(0)});
                           const Tensor v = factor(Factors::eigh, 1, packed, a);
                           return multiply_matrices(scale_columns(v, g), v, false, true);
                         }},
                         .fails = true,
                         .run = run_eigh<false>,
                         .leading = Leading::batch};

/// The matrix and which triangle of it is meant.
std::pair<Tensor, bool> symmetric(const char* name, const Arg& a, char uplo) {
  const Tensor t = real_matrices(name, a);
  check_square(name, t, a.where());
  if (uplo != 'L' && uplo != 'U')
    throw ValueError(std::string("[") + name + "] expected 'L' or 'U', got '" + uplo + "'" + place(a.where()));
  return {t, uplo == 'U'};
}

}  // namespace

Tensor cholesky(const Arg& a, bool upper) {
  const Within here("cholesky", a);
  const Tensor t = real_matrices("cholesky", a);
  check_square("cholesky", t, a.where());
  const Tensor l = record(cholesky_op, {t});
  return upper ? swapped(l) : l;
}

OrthogonalTriangular qr(const Arg& a, QrMode mode) {
  const Within here("qr", a);
  const Tensor t = real_matrices("qr", a), packed = record(qr_op, {t});
  const Tensor q = factor(Factors::qr, 0, packed, t), r = factor(Factors::qr, 1, packed, t);
  if (mode == QrMode::reduced || t.dim(-2) <= t.dim(-1)) return {q, r};
  // Below R come as many rows of zeros as columns are added to Q.
  const Tensor below = slice_axis(zeros_like(t), -2, {.start = t.dim(-1)});
  return {completed(q), concatenate({r, below}, -2)};
}

SingularValues svd(const Arg& a, bool full_matrices, bool compute_uv) {
  const Within here("svd", a);
  const Tensor t = real_matrices("svd", a);
  if (!compute_uv) return {Tensor(), svdvals(Arg(t, a.where())), Tensor()};
  SingularValues found = thin_svd(t, record(svd_op, {t}));
  if (full_matrices && t.dim(-2) > t.dim(-1)) found.u = completed(found.u);
  if (full_matrices && t.dim(-2) < t.dim(-1)) found.vh = swapped(completed(swapped(found.vh)));
  return found;
}

Tensor svdvals(const Arg& a) {
  const Within here("svdvals", a);
  return record(svdvals_op, {real_matrices("svdvals", a)});
}

Eigen eigh(const Arg& a, char uplo) {
  const Within here("eigh", a);
  const auto [t, upper] = symmetric("eigh", a, uplo);
  const Tensor packed = record(eigh_op, {t}, {.a = upper});
  return {factor(Factors::eigh, 0, packed, t), factor(Factors::eigh, 1, packed, t)};
}

Tensor eigvalsh(const Arg& a, char uplo) {
  const Within here("eigvalsh", a);
  const auto [t, upper] = symmetric("eigvalsh", a, uplo);
  return record(eigvalsh_op, {t}, {.a = upper});
}

}  // namespace xgrad
