#pragma once
/// Internal to diff/: derivatives of a subject against its difference quotients.

#include <xgrad/diff/gradcheck.hpp>
#include <xgrad/diff/subject.hpp>

namespace xgrad::checking {

struct CompareOptions {
  bool full = true;
  int projections = 3;
  double step = 1e-3;
  std::string label;
};

/// What a comparison found, ready to be added to a report.
struct Compared {
  std::vector<CheckedElement> wrong;  ///< all
  CheckedElement worst;               ///< the largest error for what was allowed
  std::vector<Kink> kinks;
  std::int64_t compared = 0, undecided = 0, kink_count = 0, jump_count = 0, avoided = 0;
  std::int64_t unsettled = 0;  ///< undecided because quotients do not settle as steps shrink
  std::int64_t decided = 0;  ///< compared, and with an allowance far below the derivative
  bool outside = false;      ///< some value lay outside an interval where several kinks meet
  std::int64_t outside_count = 0;
  std::vector<Tensor> weights;  ///< the projection of the outputs that the worst wrong element belongs to
};

/// Compares d(u'y)/dx, with u unit vectors (full) or random, with difference quotients.
Compared compare(const Subject& subject, const CompareOptions& options, std::uint64_t& state);

/// What rounding may change in d(u'y) along a direction of ones, where all values are small or 0 at x itself.
double rounding_of_changes(const Subject& subject, const std::vector<Tensor>& u);

/// Steps that suit the sizes of an input's elements.
std::vector<double> scales(const Tensor& x);

}  // namespace xgrad::checking
