#pragma once
// Forms of scans and reductions.

#include "random_program_forms.hpp"

#include <xgrad/ops/scan.hpp>

namespace random_program {

/// n: whether backwards, then everything or one axis, as axes_from reads them.
inline bool choose_scan(Maker& m, Step& s) {
  s.in = {m.any()};
  s.n = {m.random.below(2), -1};
  const Shape& shape = m.shape(s.in[0]);
  if (shape.rank() > 0 && m.random.chance(80)) s.n = {s.n[0], 1, m.axis(shape)};
  return true;
}

/// n: how often, the axis.
inline bool choose_diff(Maker& m, Step& s) {
  s.in = {m.any()};
  if (m.shape(s.in[0]).rank() == 0) return false;
  s.n = {m.random.below(3), m.axis(m.shape(s.in[0]))};
  return true;
}
inline void run_diff(Run& run, const Step& s) {
  put(run, s, diff(run.value(s.in[0]), static_cast<int>(s.n[0]), static_cast<int>(s.n[1])));
}

/// Weights between 0 and 1, so that a recurrence stays finite.
inline void run_recurrence(Run& run, const Step& s) {
  const Tensor& x = run.value(s.in[0]);
  put(run, s, linear_recurrence(sigmoid(x), x, static_cast<int>(s.n[0]), run.value(s.in[0]).dim(0) % 2 == 0));
}

/// Quantiles: n as of folds, and which; not of axes that are empty.
inline bool choose_filled_fold(Maker& m, Step& s) {
  if (!choose_fold(m, s) || m.value(s.in[0]).size() == 0) return false;
  s.n.insert(s.n.begin(), m.random.below(5));
  return true;
}
inline void run_quantile(Run& run, const Step& s) {
  const Tensor& x = run.value(s.in[0]);
  const Axes axes = axes_from(s.n, 2);
  const double q = 0.25 * static_cast<double>(s.n[0]);
  put(run, s, s.n[0] == 3 ? quantile(x, {q, 0.1}, axes, s.n[1] != 0) : quantile(x, q, axes, s.n[1] != 0));
}
inline Tensor norm_of(const Arg& x, Axes axes, bool keepdims) { return vector_norm(x, axes, keepdims); }
inline Tensor norm_3_of(const Arg& x, Axes axes, bool keepdims) { return vector_norm(x, axes, keepdims, 3); }
inline Tensor average_of(const Arg& x, Axes axes, bool keepdims) { return average(x, sigmoid(x), axes, keepdims); }

}  // namespace random_program
