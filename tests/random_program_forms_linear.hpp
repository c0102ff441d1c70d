#pragma once
// Steps of random programs: products of vectors, matrices and tensors, and linear algebra.

#include "random_program_forms.hpp"

#include <xgrad/ops/compare.hpp>
#include <xgrad/ops/decompositions.hpp>
#include <xgrad/ops/einsum.hpp>
#include <xgrad/ops/linalg.hpp>
#include <xgrad/ops/product.hpp>

namespace random_program {

/// Two values of one shape.
inline bool choose_alike(Maker& m, Step& s) {
  const int a = m.any();
  const int b = m.any_with([&](int id) { return m.shape(id) == m.shape(a); });
  s.in = {a, b < 0 ? a : b};
  return m.shape(a).rank() > 0;
}
/// Two values with the same last axis.
inline bool choose_same_last(Maker& m, Step& s) {
  const int a = m.any();
  if (m.shape(a).rank() == 0) return false;
  const int b = m.any_with([&](int id) { return m.shape(id).rank() > 0 && m.shape(id)[-1] == m.shape(a)[-1]; });
  s.in = {a, b < 0 ? a : b};
  return true;
}
/// Two values that are not large.
inline bool choose_small(Maker& m, Step& s) {
  const auto small = [&](int id) { return m.value(id).size() <= 60 && m.shape(id).rank() <= 3; };
  s.in = {m.any_with(small), m.any_with(small)};
  return s.in[0] >= 0 && s.in[1] >= 0;
}

inline Tensor isclose_to(const Arg& a, const Arg& b) { return isclose(a, b, {.rtol = 0.3, .equal_nan = true}); }
inline Tensor vecdot_last(const Arg& a, const Arg& b) { return vecdot(a, b); }
inline Tensor tensordot_last(const Arg& a, const Arg& b) { return tensordot(a, b, {-1}, {-1}); }

inline bool choose_einsum(Maker& m, Step& s) {
  s.n = {m.random.below(4)};
  return choose_alike(m, s) && m.shape(s.in[0]).rank() <= 3;
}
inline void run_einsum(Run& run, const Step& s) {
  static const char* const texts[3][4] = {
      {"i,i->", "i,j->ij", "i,i->i", "i,j->j"},
      {"ij,kj->ik", "ij,ij->j", "ji,jk->ki", "ij,kl->jk"},
      {"bij,bkj->bik", "...ij,...ij->...", "ijk,ijl->lk", "ijk,ljm->j"},
  };
  const Tensor& x = run.value(s.in[0]);
  put(run, s, einsum(texts[x.rank() - 1][s.n[0]], {x, run.value(s.in[1])}));
}

inline bool choose_convolve(Maker& m, Step& s) {
  const auto fits = [&](int id) { return m.value(id).size() > 0 && m.value(id).size() <= 1500; };
  s.in = {m.any_with(fits), m.any_with(fits)};
  s.n = {m.random.below(3), m.random.below(2)};
  return s.in[0] >= 0 && s.in[1] >= 0;
}
inline void run_convolve(Run& run, const Step& s) {
  const Tensor a = reshape(run.value(s.in[0]), {-1}), v = reshape(run.value(s.in[1]), {-1});
  const auto mode = static_cast<Overlap>(s.n[0]);
  put(run, s, s.n[1] ? convolve(a, v, mode) : correlate(a, v, mode));
}

inline bool choose_vander(Maker& m, Step& s) {
  s.in = {m.any_with([&](int id) { return m.shape(id).rank() > 0 && m.value(id).size() <= 100; })};
  s.n = {m.random.below(4), m.random.below(2)};
  return s.in[0] >= 0;
}
inline void run_vander(Run& run, const Step& s) { put(run, s, vander(run.value(s.in[0]), s.n[0], s.n[1] != 0)); }

/// A matrix and what has its columns' length: the product of three matrices, one of them twice.
inline void run_chain(Run& run, const Step& s) {
  const Tensor a = run.value(s.in[0]), b = run.value(s.in[1]);
  put(run, s, multi_dot({transpose(a), b, transpose(b), a}));
}
inline bool choose_chain(Maker& m, Step& s) { return choose_alike(m, s) && m.shape(s.in[0]).rank() == 2; }

/// Vectors of three, from any values.
inline void run_cross(Run& run, const Step& s) {
  put(run, s, cross(slice(run.value(s.in[0]), {{.stop = 3}}), slice(run.value(s.in[1]), {{.stop = 3}}), 0));
}
inline bool choose_cross(Maker& m, Step& s) { return choose_alike(m, s) && m.shape(s.in[0])[0] >= 2; }

// --- linear algebra --------------------------------------------------------------------------------------------------

/// A matrix LAPACK can treat, made from any: finite, its columns independent, its singular values apart.
inline Tensor tame(const Tensor& x) {
  const Tensor finite = where(isfinite(x), clip(x, -1, 1), 0.5);
  const auto rows = static_cast<double>(x.dim(-2)), columns = static_cast<double>(x.dim(-1));
  const Tensor i = expand_dims(arange(0, rows, 1), 1), j = arange(0, columns, 1);
  return 0.25 * finite + where(equal(i, j), 3.0 + 2.0 * i, 0.1 * sin(1.7 * i + 0.6 * j));
}
inline Tensor tame_symmetric(const Tensor& x) {
  const Tensor t = tame(x);
  return t + swapaxes(t, -1, -2);
}
inline bool choose_matrices(Maker& m, Step& s, bool square) {
  s.in = {m.any_with([&](int id) {
    const Shape& shape = m.shape(id);
    return shape.rank() >= 2 && m.floating(id) && shape[-1] <= 40 && shape[-2] <= 40 &&
           (!square || shape[-1] == shape[-2]);
  })};
  if (s.in[0] < 0) s.in[0] = m.leaf(square ? Shape{3, 3} : Shape{4, 2}, m.random.chance(70) ? float32 : float64);
  return s.in[0] >= 0;
}

inline bool choose_square_algebra(Maker& m, Step& s) {
  s.n = {m.random.below(10)};
  return choose_matrices(m, s, true);
}
inline void run_square_algebra(Run& run, const Step& s) {
  const Tensor& x = run.value(s.in[0]);
  const auto result = [&]() -> Tensor {
    switch (s.n[0]) {
      case 0:
        return solve(tame(x), x);
      case 1:
        return inv(tame(x));
      case 2:
        return det(tame(x));
      case 3:
        return slogdet(tame(x)).logabsdet;
      case 4:
        return cholesky(tame_symmetric(x));
      case 5:
        return solve_triangular(tame(x), x, {.transposed = x.dim(-1) % 2 == 0, .lower = true});
      case 6:
        return eigvalsh(tame_symmetric(x));
      case 7:
        return eigh(tame_symmetric(x)).eigenvectors;
      case 8:
        return expm(0.1 * tame(x));
      default:
        return matrix_power(tame(x), 3);
    }
  };
  put(run, s, result());
}
inline bool choose_any_algebra(Maker& m, Step& s) {
  s.n = {m.random.below(8)};
  return choose_matrices(m, s, false);
}
inline void run_any_algebra(Run& run, const Step& s) {
  const Tensor x = tame(run.value(s.in[0]));
  const auto result = [&]() -> Tensor {
    switch (s.n[0]) {
      case 0:
        return qr(x).r;
      case 1:
        return qr(x, QrMode::complete).q;
      case 2:
        return svd(x, false).u;
      case 3:
        return svdvals(x);
      case 4:
        return svd(x).vh;
      case 5:
        return pinv(x);
      case 6:
        return matrix_norm(x, "nuc");
      default:
        return lstsq(x, x).residuals;
    }
  };
  put(run, s, result());
}

}  // namespace random_program
