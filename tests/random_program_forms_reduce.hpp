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

}  // namespace random_program
