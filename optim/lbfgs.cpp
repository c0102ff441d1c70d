#include <xgrad/graph/basic.hpp>
#include <xgrad/graph/grad.hpp>
#include <xgrad/optim/lbfgs.hpp>

#include <algorithm>
#include <cmath>
#include <deque>

namespace xgrad::optimizers {

namespace {

using Values = std::vector<double>;

double dot(const Values& a, const Values& b) {
  double out = 0;
  for (std::size_t i = 0; i < a.size(); ++i) out += a[i] * b[i];
  return out;
}

Values moved(const Values& x, double by, const Values& along) {
  Values out = x;
  for (std::size_t i = 0; i < x.size(); ++i) out[i] += by * along[i];
  return out;
}

double largest(const Values& x) {
  double out = 0;
  for (const double v : x) out = std::max(out, std::fabs(v));
  return out;
}

Values flat(std::span<const Tensor> tensors) {
  Values out;
  for (const Tensor& t : tensors) {
    const Values values = t.to_vector<double>();
    out.insert(out.end(), values.begin(), values.end());
  }
  return out;
}

/// The loss and its gradient at a place.
struct Point {
  Values x, gradient;
  double loss = 0;
  bool finite() const {
    return std::isfinite(loss) &&
           std::all_of(gradient.begin(), gradient.end(), [](double g) { return std::isfinite(g); });
  }
};

/// Where the loss is evaluated: the Parameters as one row of numbers.
class Field {
 public:
  Field(const LBFGS::Objective& loss, std::span<const Parameter> parameters) : loss_(loss), parameters_(parameters) {}

  Values here() const {
    std::vector<Tensor> values;
    for (const Parameter& p : parameters_) values.push_back(p.value());
    return flat(values);
  }
  void go(const Values& x) const {
    std::size_t begin = 0;
    for (const Parameter& p : parameters_) {
      const auto n = static_cast<std::size_t>(p.size());
      p.assign(tensor(std::span<const double>(x).subspan(begin, n), p.shape(), {.dtype = p.dtype()}));
      begin += n;
    }
    eval({});
  }
  Point at(Values x) {
    go(x);
    ++evaluations;
    const Tensor loss = loss_();
    if (loss.size() != 1) throw ShapeError("[lbfgs] expected a loss with one element, got " + to_string(loss.shape()));
    std::vector<Tensor> all = grad(loss, parameters_);
    all.push_back(loss);
    eval(all);
    all.pop_back();
    return {std::move(x), flat(all), loss.item()};
  }

  std::int64_t evaluations = 0;

 private:
  const LBFGS::Objective& loss_;
  std::span<const Parameter> parameters_;
};

/// A step length and what is found there.
struct Trial {
  double length = 0, slope = 0;
  Point point;
};

/// The lowest place of the cubic through two trials, kept away from both ends.
double between(const Trial& a, const Trial& b) {
  const double low = std::min(a.length, b.length), high = std::max(a.length, b.length), width = high - low;
  double out = (low + high) / 2;
  const double d1 = a.slope + b.slope - 3 * (a.point.loss - b.point.loss) / (a.length - b.length);
  const double root = d1 * d1 - a.slope * b.slope;
  if (b.point.finite() && root >= 0) {
    const double d2 = std::copysign(std::sqrt(root), b.length - a.length);
    const double found = b.length - (b.length - a.length) * (b.slope + d2 - d1) / (b.slope - a.slope + 2 * d2);
    if (std::isfinite(found)) out = found;
  }
  return std::clamp(out, low + .1 * width, high - .1 * width);
}

/// A step that lowers the loss enough and leaves little of the slope, or the best one found; length 0 if none is lower.
Trial search(Field& field, const Point& from, const Values& direction, double first, const LBFGSOptions& o) {
  const double slope = dot(from.gradient, direction);
  const auto trial = [&](double length) {
    Trial t{length, 0, field.at(moved(from.x, length, direction))};
    t.slope = dot(t.point.gradient, direction);
    return t;
  };
  const auto low_enough = [&](const Trial& t) {
    return t.point.finite() && t.point.loss <= from.loss + o.sufficient_decrease * t.length * slope;
  };
  const auto flat_enough = [&](const Trial& t) { return std::fabs(t.slope) <= -o.curvature * slope; };
  Trial low{0, slope, from}, high;
  bool bracketed = false;
  double length = first;
  for (std::int64_t i = 0; i < o.max_line_search; ++i) {
    Trial t = trial(length);
    // Where losses differ by rounding alone, slopes still tell (Hager and Zhang 2005).
    const bool level = t.point.finite() && t.point.loss <= from.loss + 4e-16 * std::fabs(from.loss);
    if (level && flat_enough(t)) return t;
    if (!low_enough(t) || t.point.loss >= low.point.loss) {
      high = std::move(t);
      bracketed = true;
    } else {
      if (flat_enough(t)) return t;
      if (bracketed ? t.slope * (high.length - low.length) >= 0 : t.slope >= 0) {
        high = low;
        bracketed = true;
      }
      low = std::move(t);
    }
    if (!bracketed) {
      length *= 2;
      continue;
    }
    if (std::fabs(high.length - low.length) * largest(direction) <= 1e-16 * std::max(1.0, largest(from.x))) break;
    length = between(low, high);
  }
  return low;
}

void check(bool fits, const char* what, const std::string& got) {
  if (!fits) throw ValueError("[lbfgs] expected " + std::string(what) + ", got " + got);
}

}  // namespace

struct LBFGS::State : Counted {
  explicit State(const LBFGSOptions& options) : options(options) {}
  Counted* copy() const override { return new State(*this); }

  /// A step and by how much the gradient changed along it.
  struct Pair {
    Values step, change;
  };

  /// Minus the inverse curvature, as far as it is known, times the gradient.
  Values direction(const Values& gradient) const {
    Values q = gradient;
    Values parts(pairs.size());
    for (std::size_t i = pairs.size(); i-- > 0;) {
      parts[i] = dot(pairs[i].step, q) / dot(pairs[i].step, pairs[i].change);
      q = moved(q, -parts[i], pairs[i].change);
    }
    if (!pairs.empty()) {
      const Pair& last = pairs.back();
      const double scale = dot(last.step, last.change) / dot(last.change, last.change);
      for (double& v : q) v *= scale;
    }
    for (std::size_t i = 0; i < pairs.size(); ++i) {
      const double part = dot(pairs[i].change, q) / dot(pairs[i].step, pairs[i].change);
      q = moved(q, parts[i] - part, pairs[i].step);
    }
    for (double& v : q) v = -v;
    return q;
  }

  LBFGSOptions options;
  std::deque<Pair> pairs;
};

LBFGS::LBFGS(const LBFGSOptions& o) : state_(new State(o)) {
  check(o.max_iterations >= 0, "max_iterations of 0 or more", std::to_string(o.max_iterations));
  check(o.history_size >= 1, "history_size of 1 or more", std::to_string(o.history_size));
  check(o.max_line_search >= 1, "max_line_search of 1 or more", std::to_string(o.max_line_search));
  check(o.tolerance_gradient >= 0, "tolerance_gradient of 0 or more", number_text(o.tolerance_gradient));
  check(o.tolerance_change >= 0, "tolerance_change of 0 or more", number_text(o.tolerance_change));
  check(o.sufficient_decrease > 0 && o.sufficient_decrease < o.curvature && o.curvature < 1,
        "0 < sufficient_decrease < curvature < 1",
        number_text(o.sufficient_decrease) + " and " + number_text(o.curvature));
}

LBFGSResult LBFGS::minimize(const Objective& loss, std::span<const Parameter> parameters) {
  State& s = *state_;
  const LBFGSOptions& o = s.options;
  for (const Parameter& p : parameters) check(p.defined(), "Parameters with a value", "one that is not built yet");
  check(!parameters.empty(), "Parameters", "none");
  Field field(loss, parameters);
  const Values start = field.here();
  if (!s.pairs.empty() && s.pairs.front().step.size() != start.size()) s.pairs.clear();
  const std::deque<State::Pair> known = s.pairs;
  try {
    Point now = field.at(start);
    if (!now.finite()) throw NumericError("[lbfgs] the loss or its gradient is not finite at the start");
    LBFGSResult result{.reason = "max_iterations"};
    while (true) {
      result.converged = largest(now.gradient) <= o.tolerance_gradient;
      if (result.converged) result.reason = "tolerance_gradient";
      if (result.converged || result.iterations >= o.max_iterations) break;
      Values direction = s.direction(now.gradient);
      if (!(dot(direction, now.gradient) < 0)) {
        // What is known of the curvature leads uphill: begin anew.
        s.pairs.clear();
        direction = s.direction(now.gradient);
      }
      double norm = 0;
      for (const double g : now.gradient) norm += std::fabs(g);
      const double first = s.pairs.empty() ? std::min(1.0, 1 / norm) : 1;
      Trial found = search(field, now, direction, first, o);
      if (found.length == 0) {
        if (!s.pairs.empty()) {
          s.pairs.clear();
          continue;
        }
        result.reason = "the line search found no lower loss";
        break;
      }
      ++result.iterations;
      Values step = moved(found.point.x, -1, now.x), change = moved(found.point.gradient, -1, now.gradient);
      const double fall = now.loss - found.point.loss;
      if (dot(step, change) > 1e-14 * dot(change, change)) {
        s.pairs.push_back({std::move(step), std::move(change)});
        if (static_cast<std::int64_t>(s.pairs.size()) > o.history_size) s.pairs.pop_front();
      }
      now = std::move(found.point);
      if (o.tolerance_change > 0 && fall <= o.tolerance_change * std::fabs(now.loss) &&
          largest(now.gradient) > o.tolerance_gradient) {
        result.converged = true;
        result.reason = "tolerance_change";
        break;
      }
    }
    field.go(now.x);
    result.loss = now.loss;
    result.largest_gradient = largest(now.gradient);
    result.evaluations = field.evaluations;
    return result;
  } catch (...) {
    for (const Parameter& p : parameters) p.revert();
    field.go(start);
    s.pairs = known;
    throw;
  }
}

NamedTensors LBFGS::state() const {
  NamedTensors out;
  std::size_t i = 0;
  for (const State::Pair& pair : state_->pairs) {
    const Shape shape{static_cast<std::int64_t>(pair.step.size())};
    out.emplace_back("step/" + std::to_string(i), tensor(pair.step, shape));
    out.emplace_back("change/" + std::to_string(i++), tensor(pair.change, shape));
  }
  return out;
}

void LBFGS::load_state(const NamedTensors& state) {
  check(state.size() % 2 == 0, "as many steps as changes", std::to_string(state.size()) + " tensors");
  std::deque<State::Pair> pairs;
  for (std::size_t i = 0; i < state.size(); i += 2) {
    const auto& [step, s] = state[i];
    const auto& [change, c] = state[i + 1];
    const std::string number = std::to_string(i / 2);
    check(step == "step/" + number && change == "change/" + number, "'step/0', 'change/0', 'step/1', ...",
          "'" + step + "' and '" + change + "'");
    check(s.rank() == 1 && s.shape() == c.shape() && s.shape() == state[0].second.shape(), "rows of one length",
          to_string(s.shape()) + " and " + to_string(c.shape()));
    pairs.push_back({s.to_vector<double>(), c.to_vector<double>()});
  }
  state_->pairs = std::move(pairs);
}

}  // namespace xgrad::optimizers
