#include <xgrad/diff/gradcheck.hpp>

#include <xgrad/diff/blame.hpp>
#include <xgrad/graph/leading.hpp>
#include <xgrad/graph/walk.hpp>

#include <algorithm>
#include <cmath>

namespace xgrad {
namespace {

using namespace checking;

constexpr std::size_t most_listed = 20;

std::vector<std::string> names_of(std::span<const Tensor> inputs, const GradcheckOptions& options) {
  std::vector<std::string> names;
  std::size_t n = 0;
  for (const Tensor& x : inputs) {
    ++n;
    if (!is_floating(x.dtype())) continue;
    if (n <= options.names.size()) names.push_back(options.names[n - 1]);
    else if (!x.name().empty()) names.emplace_back(x.name());
    else if (x.node()->slot && !x.node()->slot->name.empty()) names.push_back(x.node()->slot->name);
    else names.push_back("input " + std::to_string(n));
  }
  return names;
}

class Check {
 public:
  Check(const Subject& subject, const GradcheckOptions& options) : subject_(subject), options_(options) {
    state_ = options.seed * 0x2545F4914F6CDD1Du + 1;
  }

  GradcheckReport report;

  void run() {
    const std::vector<Tensor> xs = fresh(subject_.xs);
    const std::vector<Tensor> ys = subject_.record(xs);
    std::int64_t outputs = 0;
    for (const Tensor& y : ys) {
      if (!is_floating(y.dtype()))
        throw DTypeError(std::string("[gradcheck] expected a function whose result is floating, got ") +
                         name_of(y.dtype()) + to_string(y.shape()));
      outputs += y.size();
    }
    report.full = options_.mode == CheckMode::full ||
                  (options_.mode == CheckMode::automatic && subject_.size() <= 1000 && outputs <= 64);
    if (!finite(ys)) return;
    const std::vector<Tensor> u = weights_like(ys, state_);
    if (!finite_gradient(u)) return;
    const Compared first = compare(subject_, settings("first order", report.full), state_);
    add(first);
    decided_ = first.decided;
    explain(subject_, first, 1);
    if (options_.forward && report.wrong_count == 0) check_forward(u);
    if (options_.order >= 2 && report.wrong_count == 0) check_second(u);
    decide();
  }

 private:
  CompareOptions settings(const char* label, bool full) const {
    return {.full = full, .projections = options_.projections, .step = options_.step, .label = label};
  }

  bool finite(const std::vector<Tensor>& ys) {
    // A copy, since computing a part would make it a leaf.
    for (const Tensor& y : ys)
      for (const double v : y.to_vector<double>()) {
        if (std::isfinite(v)) continue;
        report.verdict = Verdict::failed;
        report.reasons.push_back("the function's value is not finite, so there is no derivative to compare with");
        report.culprits = first_not_finite(subject_.record(fresh(subject_.xs)));
        return false;
      }
    return true;
  }

  bool finite_gradient(const std::vector<Tensor>& u) {
    const std::vector<Tensor> xs = fresh(subject_.xs);
    std::vector<Tensor> gradients = grad(projected(subject_.record(xs), u), std::span<const Tensor>(xs));
    for (const Tensor& g : gradients)
      for (const double v : g.to_vector<double>()) not_finite_ = not_finite_ || !std::isfinite(v);
    if (!not_finite_) return true;
    const std::vector<Tensor> again = fresh(subject_.xs);
    gradients = grad(projected(subject_.record(again), u), std::span<const Tensor>(again));
    not_finite_by_ = first_not_finite(gradients);
    return true;
  }

  void add(const Compared& found) {
    report.compared += found.compared;
    report.undecided += found.undecided;
    unsettled_ += found.unsettled;
    report.kink_count += found.kink_count;
    report.jump_count += found.jump_count;
    report.steps_avoided += found.avoided;
    for (const Kink& kink : found.kinks)
      if (report.kinks.size() < most_listed) report.kinks.push_back(kink);
    report.wrong_count += static_cast<std::int64_t>(found.wrong.size());
    report.wrong.insert(report.wrong.end(), found.wrong.begin(), found.wrong.end());
    std::stable_sort(report.wrong.begin(), report.wrong.end(), [](const CheckedElement& a, const CheckedElement& b) {
      const auto size = [](double e) { return std::isnan(e) ? HUGE_VAL : e; };
      return a.projection != b.projection ? b.projection : size(a.absolute_error) > size(b.absolute_error);
    });
    if (report.wrong.size() > most_listed) report.wrong.resize(most_listed);
    const auto ratio = [](const CheckedElement& e) { return e.allowed > 0 ? e.absolute_error / e.allowed : 0; };
    if (!report.wrong.empty()) report.worst = report.wrong.front();
    else if (report.worst.check.empty() || ratio(found.worst) > ratio(report.worst)) report.worst = found.worst;
  }

  /// Whose fault it is, where something is wrong or lies outside an interval.
  void explain(const Subject& checked, const Compared& found, int order) {
    if (found.wrong.empty() && !found.outside) return;
    if (found.wrong.empty()) {
      // Right only if every operation's rule is.
      report.culprits = wrong_rules(subject_, order, options_.step, state_);
      if (report.culprits.empty()) return;
      ++report.wrong_count;
      report.reasons.push_back("the derivative at a kink lies outside the interval of subgradients");
      return;
    }
    report.reasons.push_back(std::to_string(found.wrong.size()) + " of " + std::to_string(found.compared) +
                             " comparisons of " + found.wrong.front().check + " differ by more than allowed");
    report.culprits = wrong_rules(subject_, order, options_.step, state_);
    report.culprits.insert(report.culprits.end(), not_finite_by_.begin(), not_finite_by_.end());
    if (report.culprits.empty()) report.culprits = cuts(checked, found.weights, report.worst);
    if (report.culprits.empty())
      report.reasons.push_back(
          "no operation's own rule is wrong, and no gradient is cut: a kink or a branch of the program that no "
          "operation shows, or state that changes between calls");
  }

  void check_forward(const std::vector<Tensor>& u) {
    const std::vector<Tensor> xs = fresh(subject_.xs);
    const std::vector<Tensor> ys = subject_.record(xs);
    const checking::Row row = row_of(subject_, u);
    for (int n = 0; n < options_.projections; ++n) {
      std::vector<Tensor> tangents;
      double reverse = 0, sizes = 0;
      for (std::size_t k = 0; k < xs.size(); ++k) {
        const std::vector<double> d = random_weights(state_, xs[k].size());
        tangents.push_back(tensor(d, xs[k].shape()));
        for (std::size_t i = 0; i < d.size(); ++i) {
          reverse += d[i] * row.gradient[k][i];
          sizes += std::fabs(d[i] * row.gradient[k][i]);
        }
      }
      std::vector<Tensor> moved;
      for (const Tensor& y : ys) moved.push_back(jvp(y, xs, tangents));
      CheckedElement element{.check = "forward mode", .input = "a random direction", .projection = true};
      element.analytic = projected(moved, u).item();
      element.numeric = reverse;
      // Either way adds up the same products in another order; a step of 1e-4 stands for what is lost to cancellation.
      element.rounding = 0x1p-46 * sizes + 1e4 * row.noise;
      element.allowed = element.rounding + 0x1p-1022;
      element.absolute_error = std::fabs(element.analytic - reverse);
      const double size = std::max({std::fabs(reverse), std::fabs(element.analytic), 1e-300});
      element.relative_error = element.absolute_error / size;
      ++report.compared;
      if (element.absolute_error <= element.allowed) continue;
      element.allowed += rounding_of_changes(subject_, u);
      if (element.absolute_error <= element.allowed) continue;
      if (!std::isfinite(element.analytic) || !std::isfinite(reverse)) {
        // An infinite derivative beside one that is 0: 0 times infinity in one order of products, 0 in the other.
        ++report.undecided;
        continue;
      }
      ++report.wrong_count;
      report.wrong.push_back(element);
      report.worst = element;
      report.reasons.push_back("forward mode gives another derivative than reverse mode");
      if (report.culprits.empty()) report.culprits = wrong_transposes(subject_, state_);
      return;
    }
  }

  void check_second(const std::vector<Tensor>& u) {
    for (int n = 0; n < std::max(1, report.full ? 1 : options_.projections); ++n) {
      const std::vector<Tensor> v = weights_like(subject_.xs, state_);
      const Subject second = gradient_of(subject_, u, v);
      const std::vector<Tensor> xs = fresh(subject_.xs);
      bool usable = true;
      for (const Tensor& y : second.record(xs))
        for (const double value : y.to_vector<double>()) usable = usable && std::isfinite(value);
      if (!usable) return;
      CompareOptions o = settings("second order", report.full && subject_.size() <= 200);
      o.projections = 1;
      const Compared found = compare(second, o, state_);
      add(found);
      explain(second, found, 2);
      if (!found.wrong.empty()) return;
    }
  }

  void decide() {
    if (report.wrong_count > 0) {
      report.verdict = Verdict::failed;
    } else if (decided_ == 0) {
      report.verdict = Verdict::undecided;
      report.reasons.push_back(report.jump_count > 0 ? "the function is not continuous at this point"
                               : unsettled_ > 0      ? "a kink or jump near x: quotients do not settle as steps shrink"
                                                     : "rounding is as large as the derivative: move the inputs");
    } else {
      report.verdict = Verdict::passed;
    }
  }

  const Subject& subject_;
  const GradcheckOptions& options_;
  std::uint64_t state_ = 0;
  std::int64_t decided_ = 0, unsettled_ = 0;
  bool not_finite_ = false;
  std::vector<Culprit> not_finite_by_;
};

void check_options(const GradcheckOptions& options) {
  if (options.order < 1 || options.order > 2 || options.projections < 1 || !(options.step > 0) || options.step > 0.5)
    throw ValueError("[gradcheck] expected order 1 or 2, at least one projection and a step in (0, 0.5], got order " +
                     std::to_string(options.order) + ", " + std::to_string(options.projections) +
                     " projections and a step of " + std::to_string(options.step));
}

GradcheckReport checked(const Subject& subject, const GradcheckOptions& options) {
  if (subject.xs.empty())
    throw ValueError("[gradcheck] expected at least one floating-point input to differentiate by");
  Check check(subject, options);
  check.run();
  return check.report;
}

/// The draws below, if two calls differ because of them.
std::string draws_below(std::span<const Tensor> ys) {
  Walk walk(Follow::values);
  for (const Tensor& y : ys) walk.add(y.node());
  std::string text;
  for (const Node* node : walk.order())
    if (node->op && (node->op->kind == Kind::draw || node->op->random) &&
        text.find(node->op->name) == std::string::npos)
      text += (text.empty() ? "" : ", ") + std::string(node->op->name) + place(node->where);
  return text;
}

}  // namespace

GradcheckReport gradcheck_function(const CheckedFunction& f, std::span<const Tensor> inputs,
                                   const GradcheckOptions& options) {
  const Later later;
  check_options(options);
  for (const Tensor& x : inputs)
    if (!x.defined()) throw ValueError("[gradcheck] expected tensors, got one that was never given a value");
  const std::vector<std::string> names = names_of(inputs, options);
  // New leaves: an input's own history, or the same tensor twice, is none of the function's business.
  const auto moved = [&](std::span<const Tensor> floats, bool as_given) {
    std::vector<Tensor> all;
    std::size_t next = 0;
    for (std::size_t k = 0; k < inputs.size(); ++k) {
      const bool floating = is_floating(inputs[k].dtype());
      if (!floats.empty() && floating) all.push_back(floats[next++]);
      else all.push_back(floating ? copied(inputs[k], as_given ? inputs[k].dtype() : float64) : inputs[k]);
      if (floating && all.back().name().empty() && !inputs[k].name().empty()) all.back().named(inputs[k].name());
    }
    return all;
  };
  const std::vector<Tensor> given = moved({}, true);
  std::vector<Tensor> xs;
  for (const Tensor& x : given)
    if (is_floating(x.dtype())) xs.push_back(x);
  const std::vector<Tensor> ys = f(given);
  if (ys.empty()) throw ValueError("[gradcheck] expected a function with a result");

  GradcheckReport unlike;
  {
    const std::vector<Tensor> once = f(moved({}, true)), twice = f(moved({}, true));
    bool same = once.size() == twice.size();
    for (std::size_t k = 0; same && k < once.size(); ++k) {
      same = once[k].shape() == twice[k].shape();
      const std::vector<double> a = once[k].to_vector<double>(), b = twice[k].to_vector<double>();
      for (std::size_t i = 0; same && i < a.size(); ++i) same = a[i] == b[i] || (std::isnan(a[i]) && std::isnan(b[i]));
    }
    if (!same) {
      const std::string draws = draws_below(ys);
      unlike.deterministic = false;
      unlike.verdict = Verdict::failed;
      unlike.reasons.push_back(
          "two calls with the same inputs gave different values" +
          (draws.empty() ? std::string(": the function depends on something that changes between calls")
                         : ": it draws random numbers by " + draws + "; check a recorded tensor (gradcheck_recorded), "
                           "whose draws stay what they are"));
      return unlike;
    }
  }
  const bool narrow = has_float32(ys) || std::any_of(xs.begin(), xs.end(), [](const Tensor& x) {
    return x.dtype() == float32;
  });
  Subject subject;
  if (narrow) {
    subject = shadow_of(ys, xs, names);
  } else {
    subject.xs = xs;
    subject.names = names;
    subject.record = [&](std::span<const Tensor> floats) { return f(moved(floats, false)); };
  }
  GradcheckReport report = checked(subject, options);
  report.shadow = narrow;
  return report;
}

GradcheckReport gradcheck_recorded(const Tensor& y, std::span<const Tensor> xs, const GradcheckOptions& options) {
  return gradcheck_recorded(std::span(&y, 1), xs, options);
}

GradcheckReport gradcheck_recorded(std::span<const Tensor> ys, std::span<const Tensor> xs,
                                   const GradcheckOptions& options) {
  const Later later;
  check_options(options);
  if (ys.empty()) throw ValueError("[gradcheck] expected at least one recorded tensor");
  for (const Tensor& y : ys)
    if (!y.defined()) throw ValueError("[gradcheck] expected a recorded tensor, got one that was never given a value");
  for (const Tensor& x : xs)
    if (!is_floating(x.dtype()))
      throw DTypeError(std::string("[gradcheck] expected floating-point tensors to differentiate by, got ") +
                       name_of(x.dtype()) + to_string(x.shape()));
  const bool narrow = has_float32(ys);
  const Subject subject = shadow_of(ys, xs, names_of(xs, options));
  GradcheckReport report = checked(subject, options);
  report.shadow = narrow;
  return report;
}

}  // namespace xgrad
