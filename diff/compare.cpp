#include <xgrad/diff/compare.hpp>

#include <algorithm>
#include <cmath>
#include <limits>

namespace xgrad::checking {
namespace {

constexpr double unit = 0x1p-53;
/// Values of the difference quotient are trusted up to this share of the derivative, or of the largest one.
constexpr double sharp = 1e-3;

/// What rounding may change u'y by where every element has moved by its scale, to either side; computed when asked for.
class NoiseAround {
 public:
  NoiseAround(const Subject& subject, const std::vector<Tensor>& weights) : subject_(subject), weights_(weights) {}
  double operator()() {
    if (noise_ < 0) noise_ = found();
    return noise_;
  }

 private:
  double found() const {
    Subject moved = subject_;
    double side = 1;
    for (Tensor& x : moved.xs) {
      std::vector<double> values = x.to_vector<double>();
      const std::vector<double> sizes = scales(x);
      for (std::size_t i = 0; i < values.size(); ++i, side = -side) values[i] += side * sizes[i];
      x = tensor(values, x.shape());
    }
    try {
      const double noise = row_of(moved, weights_).noise;
      return std::isfinite(noise) ? noise : 0;
    } catch (const Error&) {
      return 0;  // there is nothing there
    }
  }

  const Subject& subject_;
  const std::vector<Tensor>& weights_;
  double noise_ = -1;
};

/// What rounding does at some distance.
struct Around {
  double distance = 1;
  NoiseAround& noise;
};

/// One derivative against one slope.
class Judge {
 public:
  Judge(const Subject& subject, const Marks& marks, const CompareOptions& options, Compared& out)
      : subject_(subject), marks_(marks), options_(options), out_(out) {}

  /// Whether the element is wrong; records what was found.
  bool operator()(CheckedElement element, const Slope& slope, const std::vector<int>& sites, double noise,
                  double largest, double size_of_values, const Around& around) {
    const double a = element.analytic;
    Estimate estimate = slope.central;
    const auto allow = [&](const Estimate& e) {
      // Where all derivatives are 0 by cancellation, rounding of what cancelled is all there is.
      const double cancelled = largest == 0 && e.step > 0 ? 16 * unit * size_of_values / e.step : 0;
      return e.allowed() + 64 * unit * std::fabs(a) + 64 * noise + cancelled + std::numeric_limits<double>::min();
    };
    bool at_kink = false, within = false, two_sided = false;
    if (estimate.steps == 0) {
      at_kink = !sites.empty() || (slope.left.steps > 0 && slope.right.steps > 0);
      const bool one_is_ours = slope.left_is_ours != slope.right_is_ours;
      if (slope.left.steps > 0 && slope.right.steps > 0) {
        two_sided = !one_is_ours;
        const double low = std::min(slope.left.value, slope.right.value);
        const double high = std::max(slope.left.value, slope.right.value);
        estimate = std::fabs(a - slope.left.value) < std::fabs(a - slope.right.value) ? slope.left : slope.right;
        const double slack = allow(estimate);
        within = !slope.jump && a >= low - slack && a <= high + slack;
        if (within && a > low && a < high) estimate.value = a;
      }
      if (!within && one_is_ours) estimate = slope.left_is_ours ? slope.left : slope.right;
      else if (slope.left.steps == 0 || slope.right.steps == 0)
        estimate = slope.left.steps > 0 ? slope.left : slope.right;
    }
    const bool vague = slope.central.steps == 0 && estimate.steps > 0 &&
                       estimate.truncation > 1e-2 * std::fabs(estimate.value) && estimate.truncation > 1e-6;
    if (slope.jump && two_sided) {
      ++out_.compared;
      ++out_.jump_count;
      note(element, slope, sites, true, false);
      return false;
    }
    if (estimate.steps == 0 || !std::isfinite(estimate.value)) {
      // Steep without bound: an infinite derivative is the right one.
      const bool wrong = std::isfinite(a) ? false : !slope.infinite;
      ++out_.compared;
      if (!wrong) ++out_.undecided;
      if (wrong) add_wrong(element, estimate, allow(estimate));
      return wrong;
    }
    double allowed = allow(estimate);
    const double error = std::fabs(a - estimate.value);
    bool wrong = !(error <= allowed) && !within;
    if (!std::isfinite(a) && slope.infinite) wrong = false;
    // Where all values are small or 0, it is their changes that are rounded.
    if (wrong && std::isfinite(a)) allowed += 4 * around.noise() / around.distance;
    if (error <= allowed) wrong = false;
    const double size = std::max(std::fabs(a), std::fabs(estimate.value));
    const bool blurred = allowed > sharp * size && allowed > sharp * largest && allowed > 1e-6;
    // Quotients that never settle beside a kink (x log x at 0) say nothing.
    if (wrong && std::isfinite(a) && (vague || (blurred && error < 10 * allowed))) wrong = false;
    // Where kinks meet, a chain of subgradients need not be one: the rules are asked one by one.
    const bool outside = wrong && at_kink && std::isfinite(a);
    ++out_.compared;
    out_.undecided += (blurred || vague) && !wrong;
    out_.unsettled += vague && !wrong;
    out_.decided += !blurred && !vague;
    if (at_kink) {
      ++out_.kink_count;
      note(element, slope, sites, false, outside);
    }
    if (outside) {
      out_.outside = true;
      ++out_.outside_count;
      return false;
    }
    fill(element, estimate, allowed);
    if (wrong) out_.wrong.push_back(element);
    const double ratio = element.absolute_error / element.allowed;
    if (out_.compared == 1 || !(ratio <= worst_)) {
      worst_ = ratio;
      out_.worst = element;
    }
    return wrong;
  }

 private:
  static void fill(CheckedElement& element, const Estimate& estimate, double allowed) {
    element.numeric = estimate.value;
    element.absolute_error = std::fabs(element.analytic - estimate.value);
    const double size = std::max(std::fabs(element.analytic), std::fabs(estimate.value));
    element.relative_error = size > 0 ? element.absolute_error / size : 0;
    element.allowed = allowed;
    element.rounding = estimate.rounding;
    element.step = estimate.step;
    element.steps = estimate.steps;
  }
  void add_wrong(CheckedElement element, const Estimate& estimate, double allowed) {
    fill(element, estimate, allowed);
    out_.wrong.push_back(element);
    out_.worst = element;
    worst_ = std::numeric_limits<double>::infinity();
  }
  void note(const CheckedElement& element, const Slope& slope, const std::vector<int>& sites, bool jump, bool outside) {
    if (out_.kinks.size() >= 20) return;
    Kink kink{.input = element.input,
              .index = element.index,
              .left = slope.left.value,
              .right = slope.right.value,
              .analytic = element.analytic,
              .jump = jump,
              .outside = outside};
    // Of several the one that jumps, where the function does.
    const Site* site = nullptr;
    for (const int k : sites) {
      if (static_cast<std::size_t>(k) >= marks_.sites.size()) continue;
      const Site& other = marks_.sites[static_cast<std::size_t>(k)];
      if (!site || (jump && other.jumps && !site->jumps)) site = &other;
    }
    kink.operation = site ? site->operation : "unknown";
    if (site) kink.place = place(site->where);
    out_.kinks.push_back(std::move(kink));
  }

  const Subject& subject_;
  const Marks& marks_;
  const CompareOptions& options_;
  Compared& out_;
  double worst_ = 0;
};

double largest_of(const Row& row) {
  double most = 0;
  for (const auto& part : row.gradient)
    for (const double g : part)
      if (std::isfinite(g)) most = std::max(most, std::fabs(g));
  return most;
}

/// A central estimate that never settled may hide a kink that no mark shows.
bool unsettled(const Estimate& e) {
  return e.steps > 0 && e.truncation > 100 * e.rounding && e.truncation > 1e-6 * std::fabs(e.value);
}

void look_at_sides(Slopes& s, const std::function<Probe(double)>& probe, const Probe& at,
                   std::span<const double> noise, double step) {
  if (std::none_of(s.outputs.begin(), s.outputs.end(), [](const Slope& o) { return unsettled(o.central); })) return;
  Slopes sides = s;
  add_sides(sides, probe, at, noise, step);
  for (std::size_t j = 0; j < s.outputs.size(); ++j) {
    Slope& now = sides.outputs[j];
    if (!unsettled(now.central) || now.left.steps == 0 || now.right.steps == 0) continue;
    if (now.left.allowed() > now.central.allowed() || now.right.allowed() > now.central.allowed()) continue;
    now.central = {};
    now.left_is_ours = now.right_is_ours = false;
    s.outputs[j] = now;
  }
}

std::vector<std::vector<double>> unit_direction(const Subject& subject, const Place& place) {
  std::vector<std::vector<double>> d(subject.xs.size());
  d[place.input].assign(static_cast<std::size_t>(subject.xs[place.input].size()), 0.0);
  d[place.input][static_cast<std::size_t>(place.element)] = 1;
  return d;
}

CheckedElement element_at(const Subject& subject, const CompareOptions& options, std::int64_t i) {
  const Place at = place_of(subject, i);
  CheckedElement element;
  element.check = options.label;
  element.input = subject.names[at.input];
  element.index = index_of(subject.xs[at.input].shape(), at.element);
  return element;
}

double gradient_at(const Row& row, const Place& at) {
  return row.gradient[at.input][static_cast<std::size_t>(at.element)];
}

}  // namespace

std::vector<double> scales(const Tensor& x) {
  std::vector<double> values = x.to_vector<double>();
  double squares = 0;
  for (const double v : values)
    if (std::isfinite(v)) squares += v * v;
  double typical = values.empty() ? 1 : 0.1 * std::sqrt(squares / static_cast<double>(values.size()));
  if (!(typical > 0)) typical = 1;
  for (double& v : values) v = std::isfinite(v) ? std::max(std::fabs(v), typical) : typical;
  return values;
}

namespace {

void compare_fully(const Subject& subject, const CompareOptions& options, const Marks& marks, Compared& out) {
  const std::vector<Tensor> ys = subject.record(fresh(subject.xs));
  std::vector<Row> rows;
  std::vector<double> noise, largest;
  std::vector<std::vector<Tensor>> weights;
  for (std::size_t k = 0; k < ys.size(); ++k)
    for (std::int64_t i = 0; i < ys[k].size(); ++i) {
      std::vector<Tensor> u;
      for (std::size_t l = 0; l < ys.size(); ++l) {
        std::vector<double> w(static_cast<std::size_t>(ys[l].size()), 0.0);
        if (l == k) w[static_cast<std::size_t>(i)] = 1;
        u.push_back(tensor(w, ys[l].shape()));
      }
      rows.push_back(row_of(subject, u));
      noise.push_back(4 * rows.back().noise);
      largest.push_back(largest_of(rows.back()));
      weights.push_back(std::move(u));
    }
  std::vector<NoiseAround> around;
  for (const std::vector<Tensor>& u : weights) around.emplace_back(subject, u);
  Judge judge(subject, marks, options, out);
  const Probe at = probe_at(subject, fresh(subject.xs));
  double worst = 0;
  for (std::int64_t i = 0; i < subject.size(); ++i) {
    const Place place = place_of(subject, i);
    const double step = options.step * scales(subject.xs[place.input])[static_cast<std::size_t>(place.element)];
    const auto probe = along(subject, unit_direction(subject, place));
    Slopes s = slopes(probe, at, noise, step);
    look_at_sides(s, probe, at, noise, step);
    out.avoided += s.avoided;
    for (std::size_t j = 0; j < rows.size(); ++j) {
      if (!std::isfinite(at.values[j])) continue;
      CheckedElement element = element_at(subject, options, i);
      element.output = rows.size() > 1 ? static_cast<std::int64_t>(j) : -1;
      element.analytic = gradient_at(rows[j], place);
      const Around near{step / options.step, around[j]};
      if (!judge(element, s.outputs[j], s.sites, noise[j], largest[j], rows[j].size, near)) continue;
      const double error = out.wrong.back().absolute_error;
      if (out.weights.empty() || error > worst) {
        worst = error;
        out.weights = weights[j];
      }
    }
  }
}

/// The worst element of a wrong projection: the half with the larger error is halved again.
void find_worst(const Subject& scalar, const CompareOptions& options, const Row& row, const Probe& at, double noise,
                const std::vector<std::vector<double>>& direction, NoiseAround& noise_around, Judge& judge) {
  std::int64_t first = 0, last = scalar.size();
  const auto excess = [&](std::int64_t from, std::int64_t to) {
    std::vector<std::vector<double>> d = direction;
    double analytic = 0;
    std::int64_t n = 0;
    for (std::size_t k = 0; k < d.size(); ++k)
      for (std::size_t i = 0; i < d[k].size(); ++i, ++n) {
        if (n < from || n >= to) d[k][i] = 0;
        else analytic += d[k][i] * row.gradient[k][i];
      }
    const Slopes s = slopes(along(scalar, d), at, std::span(&noise, 1), options.step);
    const Slope& slope = s.outputs[0];
    if (slope.central.steps > 0) return std::fabs(analytic - slope.central.value);
    return std::min(std::fabs(analytic - slope.left.value), std::fabs(analytic - slope.right.value));
  };
  while (last - first > 1) {
    const std::int64_t middle = first + (last - first) / 2;
    (excess(first, middle) >= excess(middle, last) ? last : first) = middle;
  }
  const Place place = place_of(scalar, first);
  const double step = options.step * scales(scalar.xs[place.input])[static_cast<std::size_t>(place.element)];
  const Slopes s = slopes(along(scalar, unit_direction(scalar, place)), at, std::span(&noise, 1), step);
  CheckedElement element = element_at(scalar, options, first);
  element.analytic = gradient_at(row, place);
  const Around near{step / options.step, noise_around};
  judge(element, s.outputs[0], s.sites, noise, largest_of(row), row.size, near);
}

void compare_projections(const Subject& subject, const CompareOptions& options, const Marks& marks, Compared& out,
                         std::uint64_t& state) {
  const std::vector<Tensor> ys = subject.record(fresh(subject.xs));
  Judge judge(subject, marks, options, out);
  for (int n = 0; n < options.projections; ++n) {
    const std::vector<Tensor> u = weights_like(ys, state);
    const Subject scalar = projection_of(subject, u);
    const Row row = row_of(subject, u);
    const double noise = 4 * row.noise;
    const Probe at = probe_at(scalar, fresh(scalar.xs));
    if (!std::isfinite(at.values[0])) continue;
    std::vector<std::vector<double>> direction;
    CheckedElement element;
    element.check = options.label;
    element.projection = true;
    element.input = "a random direction";
    double largest = 0;
    const double shrink = std::min(1.0, 10 / std::sqrt(static_cast<double>(std::max<std::int64_t>(scalar.size(), 1))));
    for (std::size_t k = 0; k < scalar.xs.size(); ++k) {
      direction.push_back(random_weights(state, scalar.xs[k].size()));
      const std::vector<double> sizes = scales(scalar.xs[k]);
      for (std::size_t i = 0; i < sizes.size(); ++i) {
        direction[k][i] *= sizes[i] * shrink;
        element.analytic += direction[k][i] * row.gradient[k][i];
        largest = std::max(largest, std::fabs(direction[k][i] * row.gradient[k][i]));
      }
    }
    const auto probe = along(scalar, direction);
    Slopes s = slopes(probe, at, std::span(&noise, 1), options.step);
    look_at_sides(s, probe, at, std::span(&noise, 1), options.step);
    out.avoided += s.avoided;
    NoiseAround around(subject, u);
    if (!judge(element, s.outputs[0], s.sites, noise, largest, row.size, {1, around})) continue;
    if (out.weights.empty()) out.weights = u;
    if (scalar.size() > 1) find_worst(scalar, options, row, at, noise, direction, around, judge);
    break;
  }
}

}  // namespace

double rounding_of_changes(const Subject& subject, const std::vector<Tensor>& u) {
  double smallest = std::numeric_limits<double>::infinity();
  for (const Tensor& x : subject.xs)
    for (const double size : scales(x)) smallest = std::min(smallest, size);
  return 4 * NoiseAround(subject, u)() / smallest;
}

Compared compare(const Subject& subject, const CompareOptions& options, std::uint64_t& state) {
  Compared out;
  if (subject.size() == 0) return out;
  const std::vector<Tensor> ys = subject.record(fresh(subject.xs));
  const Marks marks = marks_of(ys);
  if (options.full) compare_fully(subject, options, marks, out);
  else compare_projections(subject, options, marks, out, state);
  return out;
}

}  // namespace xgrad::checking
