#include <xgrad/diff/difference.hpp>

#include <algorithm>
#include <cmath>

namespace xgrad::checking {
namespace {

constexpr int most_levels = 10;
constexpr double smallest_step = 1e-10;  ///< of the first one that is tried: 1e-13 of the elements' size

bool finite(const Probe& p, std::size_t j) { return std::isfinite(p.values[j]); }

/// Richardson's extrapolation from quotients with steps h, h/2, h/4, ... whose errors are powers of h: all of them
/// (one-sided) or the even ones (central). Keeps the entry with the smallest error, as Ridders does. Where quotients
/// approach their limit more slowly than that (beside a root), the rest of their geometric series is the error.
class Tableau {
 public:
  Tableau(bool even, double noise) : even_(even), noise_(noise) {}
  void add(double quotient, double step) {
    const std::vector<double> before = std::move(row_);
    row_ = {quotient};
    double amplified = 2;
    const double rounding = noise_ / step, rest = rest_of_series(quotient, rounding);
    for (std::size_t m = 0; m < before.size(); ++m) {
      const double ratio = std::pow(2.0, static_cast<double>((even_ ? 2 : 1) * (m + 1)));
      row_.push_back((ratio * row_[m] - before[m]) / (ratio - 1));
      amplified *= ratio / (ratio - 1);
      const double truncation = std::max({std::fabs(row_[m + 1] - row_[m]), std::fabs(row_[m + 1] - before[m]), rest});
      const double total = amplified * rounding + truncation;
      if (best_.steps < 2 || total < best_.allowed())
        best_ = {row_[m + 1], amplified * rounding, truncation, step, static_cast<int>(before.size()) + 1};
    }
    if (best_.steps == 0) best_ = {quotient, rounding, std::fabs(quotient), step, 1};
    ++levels_;
  }
  const Estimate& best() const { return best_; }
  int levels() const { return levels_; }
  /// Smaller steps would not help: rounding is the larger part of the error.
  bool settled() const { return levels_ >= 3 && best_.truncation <= best_.rounding; }

 private:
  double rest_of_series(double quotient, double rounding) {
    const double before = moved_;
    moved_ = levels_ > 0 ? std::fabs(quotient - last_) : 0;
    last_ = quotient;
    if (levels_ < 2 || moved_ <= 8 * rounding || moved_ <= (even_ ? 0.3 : 0.55) * before) return 0;
    return moved_ * std::min(moved_ / std::max(before - moved_, 0.0), 1e3);
  }

  bool even_;
  double noise_;
  std::vector<double> row_;
  Estimate best_;
  double last_ = 0, moved_ = 0;
  int levels_ = 0;
};

void one_side(Slopes& result, const std::function<Probe(double)>& probe, const Probe& at,
              std::span<const double> noise, double step, double side, double nearest) {
  const std::size_t outputs = at.values.size();
  // The piece next to 0, which all points must share.
  const Probe near = probe(side * nearest);
  const bool ours = difference(near.piece, at.piece) == -1;
  std::vector<Tableau> tables;
  for (std::size_t j = 0; j < outputs; ++j) tables.emplace_back(false, 4 * noise[j]);
  Probe last = near;
  double last_step = nearest;
  bool any = false;
  std::vector<double> first(outputs), quotient(outputs);
  for (double h = step; h > nearest; h /= 2) {
    Probe p = probe(side * h), q = probe(side * 2 * h);
    if (difference(p.piece, near.piece) != -1 || difference(q.piece, near.piece) != -1) {
      if (any) break;
      h /= 4;
      continue;
    }
    bool settled = true;
    for (std::size_t j = 0; j < outputs; ++j) {
      if (!finite(p, j) || !finite(q, j)) continue;
      quotient[j] = (q.values[j] - p.values[j]) / (side * h);
      if (tables[j].levels() == 0) first[j] = quotient[j];
      tables[j].add(quotient[j], h);
      settled = settled && tables[j].settled();
    }
    any = true;
    last = std::move(p);
    last_step = h;
    if (settled || tables[0].levels() >= most_levels) break;
  }
  for (std::size_t j = 0; j < outputs; ++j) {
    Slope& slope = result.outputs[j];
    Estimate& estimate = side < 0 ? slope.left : slope.right;
    if (tables[j].levels() < 2) continue;
    estimate = tables[j].best();
    (side < 0 ? slope.left_is_ours : slope.right_is_ours) = ours;
    const double gap = std::fabs(last.values[j] - at.values[j]);
    const double explained = 4 * last_step * (std::fabs(quotient[j]) + std::fabs(estimate.value)) + 100 * noise[j];
    // A jump is there in every step; a root's steep end is not.
    if (gap > explained) slope.jump = true;
    if (std::fabs(quotient[j]) > 8 * std::fabs(first[j]) && estimate.truncation > 0.1 * std::fabs(estimate.value))
      slope.infinite = true;
  }
}

}  // namespace

void add_sides(Slopes& result, const std::function<Probe(double)>& probe, const Probe& at,
               std::span<const double> noise, double step) {
  const double nearest = step * smallest_step;
  one_side(result, probe, at, noise, step, -1, nearest);
  one_side(result, probe, at, noise, step, 1, nearest);
}

Slopes slopes(const std::function<Probe(double)>& probe, const Probe& at, std::span<const double> noise, double step) {
  Slopes result;
  const std::size_t outputs = at.values.size();
  result.outputs.resize(outputs);
  std::vector<Tableau> tables;
  const auto clear = [&] {
    tables.clear();
    for (std::size_t j = 0; j < outputs; ++j) tables.emplace_back(true, noise[j]);
  };
  clear();
  // For a smooth function f(h) + f(-h) - 2 f(0) falls with the square of h; beside a kink only with h, beside a jump
  // not at all: quotients of such steps say nothing.
  std::vector<double> bend(outputs, 0.0);
  std::vector<int> crossed;
  bool inside = true;
  for (double h = step; h > step * 1e-6;) {
    const Probe p = probe(h), q = probe(-h);
    const int right = difference(p.piece, at.piece), left = difference(q.piece, at.piece);
    bool whole = right == -1 && left == -1;
    if (!whole) crossed = differences(right != -1 ? p.piece : q.piece, at.piece);
    for (std::size_t j = 0; j < outputs && whole; ++j)
      if (finite(at, j) && (!finite(p, j) || !finite(q, j))) whole = inside = false;
    if (!whole) {
      result.avoided = result.avoided || right != -1 || left != -1;
      clear();
      h /= 8;
      continue;
    }
    bool settled = true;
    for (std::size_t j = 0; j < outputs; ++j) {
      if (!finite(at, j)) continue;
      const double ahead = p.values[j] - at.values[j], behind = q.values[j] - at.values[j];
      const double bends = std::fabs(ahead + behind);
      const bool counts = bends > 100 * noise[j] && bends > 1e-9 * (std::fabs(ahead) + std::fabs(behind));
      if (tables[j].levels() > 0 && counts && bends > 0.4 * bend[j]) tables[j] = Tableau(true, noise[j]);
      bend[j] = bends;
      tables[j].add((p.values[j] - q.values[j]) / (2 * h), h);
      settled = settled && (tables[j].settled() || tables[j].levels() >= most_levels);
    }
    if (settled) break;
    h /= 2;
  }
  bool central = true;
  for (std::size_t j = 0; j < outputs; ++j) {
    if (!finite(at, j)) continue;
    if (tables[j].levels() >= 3) result.outputs[j].central = tables[j].best();
    else central = false;
  }
  if (central) return result;
  result.avoided = false;
  result.sites = std::move(crossed);
  Slopes sides;
  sides.outputs.resize(outputs);
  add_sides(sides, probe, at, noise, step);
  for (std::size_t j = 0; j < outputs; ++j)
    if (result.outputs[j].central.steps == 0) result.outputs[j] = sides.outputs[j];
  return result;
}

}  // namespace xgrad::checking
