#pragma once
/// Internal to diff/: derivatives of numbers by difference quotients, with what they may be wrong by.

#include <xgrad/diff/kinks.hpp>

#include <functional>

namespace xgrad::checking {

/// The values of a function of one number t, and the piece they lie on.
struct Probe {
  std::vector<double> values;
  Piece piece;
};

/// An estimate of a derivative.
struct Estimate {
  double value = 0;
  double rounding = 0;    ///< by how much rounding of the values may change it
  double truncation = 0;  ///< by how much the last extrapolation changed it
  double step = 0;
  int steps = 0;  ///< 0: there is no estimate
  double allowed() const { return rounding + truncation; }
};

/// How one output moves with t at t = 0.
struct Slope {
  Estimate central;       ///< steps > 0 unless a kink is at 0 itself, or steps to either side leave the domain
  Estimate left, right;   ///< made where there is no central one
  bool left_is_ours = false, right_is_ours = false;  ///< 0 lies on the same piece as the points of that side
  bool jump = false;      ///< the function is not continuous at 0
  bool infinite = false;  ///< the quotients grow without bound as steps shrink
};

struct Slopes {
  std::vector<Slope> outputs;
  std::vector<int> sites;  ///< the kinks' places among the marks' sites; none: no kink, or an unknown one
  bool avoided = false;  ///< a step was made smaller so as not to cross a kink
};

/// `noise[j]` is what rounding may change output j by; `step` the first step to try.
Slopes slopes(const std::function<Probe(double)>& probe, const Probe& at, std::span<const double> noise, double step);

/// The one-sided estimates, for a function whose kink no mark shows.
void add_sides(Slopes& slopes, const std::function<Probe(double)>& probe, const Probe& at,
               std::span<const double> noise, double step);

}  // namespace xgrad::checking
