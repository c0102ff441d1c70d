#pragma once
// Forms of statistics, parts of numbers, samples along an axis and tensors made from numbers.

#include "random_program_forms_reduce.hpp"

#include <xgrad/ops/bitwise.hpp>
#include <xgrad/ops/creation.hpp>
#include <xgrad/ops/numbers.hpp>
#include <xgrad/ops/statistics.hpp>
#include <xgrad/ops/windows.hpp>

namespace random_program {

inline Tensor fraction_of(const Arg& x) { return modf(x).fraction; }
inline Tensor mantissa_of(const Arg& x) { return frexp(x).mantissa; }
inline Tensor exponent_of(const Arg& x) { return frexp(x).exponent; }
inline Tensor scaled_by_itself(const Arg& x) { return xgrad::ldexp(x, cast(x, int32)); }
inline Tensor saturated(const Arg& x) { return saturate_cast(x, uint8); }
inline Tensor bits_of(const Arg& x) { return bitwise_count(cast(x, int64)); }
inline Tensor quotient_and_rest(const Arg& a, const Arg& b) {
  const QuotientAndRemainder both = divmod(a, b);
  return both.quotient - both.remainder;
}
inline Tensor moments_of(const Arg& x, Axes axes, bool keepdims) {
  const Moments both = moments(x, axes, keepdims);
  return both.mean + both.variance;
}
inline Tensor rows_of(const Tensor& x) { return x.rank() < 2 ? reshape(x, {1, -1}) : reshape(x, {x.dim(0), -1}); }
inline Tensor covariance(const Arg& x) { return x.tensor().size() == 0 ? x.tensor() : cov(rows_of(x.tensor())); }
inline Tensor correlation(const Arg& x) { return x.tensor().size() == 0 ? x.tensor() : corrcoef(rows_of(x.tensor())); }
inline Tensor distances(const Arg& x) { return cdist(rows_of(x.tensor()), rows_of(x.tensor())); }
inline Tensor normalized(const Arg& x, int axis) { return normalize(x, axis); }
inline Tensor normalized_3(const Arg& x, int axis) { return normalize(x, axis, 3); }
inline Tensor area(const Arg& x, int axis) { return trapezoid(x, 0.5, axis); }
inline Tensor slope(const Arg& x, int axis) {
  const std::int64_t n = x.tensor().dim(axis);
  return n < 2 ? x.tensor() : gradient(x, 0.5, axis, n > 2 ? 2 : 1);
}
inline Tensor slope_at(const Arg& x, int axis) {
  const std::int64_t n = x.tensor().dim(axis);
  return n < 2 ? x.tensor() : gradient(x, square(arange(n, {.dtype = float32}) + 1), axis);
}
inline Tensor unwrapped(const Arg& x, int axis) { return unwrap(x, 0, axis, 1.5); }
inline Tensor interpolated(const Arg& x) {
  return interp(x, linspace(-1, 1, 5, true, {.dtype = float64}), square(linspace(0, 2, 5, true, {.dtype = float64})));
}
inline Tensor with_ends(const Arg& x) { return ediff1d(x, tensor({1, 2})); }

inline void run_nanquantile(Run& run, const Step& s) {
  const Tensor& x = run.value(s.in[0]);
  const char* const methods[] = {"linear", "hazen", "lower", "midpoint", "closest_observation"};
  put(run, s, nanquantile(x, 0.25 * static_cast<double>(s.n[0]), axes_from(s.n, 2), s.n[1] != 0, methods[s.n[0]]));
}

/// Not of axes that are empty.
inline bool choose_filled_median(Maker& m, Step& s) { return choose_fold(m, s) && m.value(s.in[0]).size() > 0; }
inline bool choose_small_unary(Maker& m, Step& s) {
  s.in = {m.any()};
  return m.value(s.in[0]).size() > 0 && m.value(s.in[0]).size() < 500;
}

/// n: which, and two lengths.
inline bool choose_made(Maker& m, Step& s) {
  s.n = {m.random.below(7), 1 + m.random.below(6), m.random.below(9)};
  return true;
}
inline void run_made(Run& run, const Step& s) {
  const std::int64_t n = s.n[1];
  switch (s.n[0]) {
    case 0: return put(run, s, linspace(-1, 2, 600 * n));
    case 1: return put(run, s, arange(n + s.n[2]));
    case 2: return put(run, s, eye(n, s.n[2], 1));
    case 3: return put(run, s, tri(n, s.n[2], -1, {.dtype = float64}));
    case 4: return put(run, s, geomspace(1, 9, n + 1));
    case 5: return put(run, s, kaiser(n, 2.5));
    default: return put(run, s, hanning(n + 1, {.dtype = float64}));
  }
}

}  // namespace random_program
