#pragma once
/// The gradient check: every derivative of a function against difference quotients, with a report that explains.

#include <xgrad/graph/grad.hpp>

#include <iosfwd>

namespace xgrad {

/// How much of a function is checked.
enum class CheckMode : std::uint8_t {
  automatic,  ///< full up to 1,000 input and 64 output elements, else fast
  full,       ///< every element of the Jacobian
  fast,       ///< random projections u'Jv; a wrong one is halved until the worst element is found
};

struct GradcheckOptions {
  CheckMode mode = CheckMode::automatic;
  int order = 2;            ///< 2: the gradient's own derivative too
  bool forward = true;      ///< forward mode against reverse mode
  int projections = 3;      ///< of the fast mode and of second order
  double step = 1e-3;       ///< the first step, relative to the size of the elements; halved until errors settle
  std::uint64_t seed = 1;   ///< of the projections
  std::vector<std::string> names = {};  ///< of the inputs, in the report; their own names otherwise
};

enum class Verdict : std::uint8_t {
  passed,
  failed,
  undecided,  ///< rounding errors are as large as the derivative, or nothing was smooth enough to check
};

/// One comparison: an element of the derivative, or a projection of it.
struct CheckedElement {
  std::string check = {};                ///< "first order", "second order", "forward mode"
  std::string input = {};                ///< its name or number
  std::vector<std::int64_t> index = {};  ///< in the input; empty for scalars and projections
  std::int64_t output = -1;         ///< place among all output elements, -1: a projection of them
  bool projection = false;          ///< along a random direction of all inputs
  double analytic = 0, numeric = 0;
  double absolute_error = 0, relative_error = 0;
  double allowed = 0;     ///< what rounding and the step's size may change the difference quotient by
  double rounding = 0;    ///< the part of it due to rounding
  double step = 0;        ///< the last and smallest
  int steps = 0;          ///< how many steps Richardson's extrapolation used
};

/// An operation whose own rule is wrong for the values it had here.
struct Culprit {
  std::string operation = {};  ///< "exp"
  std::string formula = {};    ///< "h = exp(x * w)"
  std::string place = {};      ///< " (main.cpp:12)", or ""
  std::string layer = {};      ///< the layer it was recorded in, or ""
  int argument = 0;       ///< the derivative by which input
  std::string reason = {};     ///< "its rule gives 2.4, the difference quotient 1.2"
  int order = 1;          ///< 2: values are right, but the rule's own derivative is wrong
  double analytic = 0, numeric = 0, allowed = 0;
};

/// A place where one step to either side gives two derivatives.
struct Kink {
  std::string operation = {};  ///< "maximum"; "unknown" if no operation is known to have one there
  std::string place = {};
  std::string input = {};
  std::vector<std::int64_t> index = {};
  double left = 0, right = 0;  ///< the interval of subgradients (in either order)
  double analytic = 0;
  bool jump = false;     ///< not continuous, so there is nothing to compare with
  bool outside = false;  ///< several kinks meet; the value lies outside, though each operation's rule is right
};

/// What a check found. `text` is the whole report.
struct GradcheckReport {
  Verdict verdict = Verdict::undecided;
  std::vector<std::string> reasons;  ///< why it failed, or could not be decided
  CheckedElement worst;              ///< the largest error for what was allowed
  std::vector<CheckedElement> wrong;  ///< at most 20, the worst first
  std::vector<Culprit> culprits;      ///< the likeliest first
  std::vector<Kink> kinks;            ///< at most 20
  std::int64_t compared = 0, wrong_count = 0, undecided = 0, kink_count = 0, jump_count = 0;
  std::int64_t steps_avoided = 0;  ///< comparisons whose step was made smaller so as not to cross a kink
  bool full = false;               ///< every element, not projections
  bool shadow = false;             ///< float32 was checked as float64
  bool deterministic = true;

  bool passed() const { return verdict == Verdict::passed; }
  explicit operator bool() const { return passed(); }
  int exit_code() const { return verdict == Verdict::passed ? 0 : verdict == Verdict::failed ? 1 : 2; }
  std::string text() const;
};

std::ostream& operator<<(std::ostream& out, const GradcheckReport& report);

/// A function of tensors under check; refers to what it was made from.
class CheckedFunction {
 public:
  template <class F>
  explicit CheckedFunction(F& f)
      : self_(const_cast<void*>(static_cast<const void*>(&f))),
        call_([](void* self, std::span<const Tensor> xs) { return call(*static_cast<F*>(self), xs); }) {}
  std::vector<Tensor> operator()(std::span<const Tensor> xs) const { return call_(self_, xs); }

 private:
  static std::vector<Tensor> list(Tensor y) { return {std::move(y)}; }
  template <class Ys>
  static std::vector<Tensor> list(const Ys& ys) {
    return std::vector<Tensor>(std::begin(ys), std::end(ys));
  }
  template <class F>
  static std::vector<Tensor> call(F& f, std::span<const Tensor> xs) {
    using T = const Tensor&;
    const auto need = [&](std::size_t n) {
      if (xs.size() != n)
        throw ValueError("[gradcheck] expected " + std::to_string(n) + " inputs, as many as the function takes, got " +
                         std::to_string(xs.size()));
    };
    if constexpr (std::is_invocable_v<F&, T>) return need(1), list(f(xs[0]));
    else if constexpr (std::is_invocable_v<F&, T, T>) return need(2), list(f(xs[0], xs[1]));
    else if constexpr (std::is_invocable_v<F&, T, T, T>) return need(3), list(f(xs[0], xs[1], xs[2]));
    else if constexpr (std::is_invocable_v<F&, T, T, T, T>) return need(4), list(f(xs[0], xs[1], xs[2], xs[3]));
    else return list(f(xs));
  }
  void* self_;
  std::vector<Tensor> (*call_)(void* self, std::span<const Tensor> xs);
};

GradcheckReport gradcheck_function(const CheckedFunction& f, std::span<const Tensor> inputs,
                                   const GradcheckOptions& options);

/// Checks the derivatives of f at these inputs. f takes one to four Tensors, or a span of them, and returns a Tensor or
/// a list. Compared are: reverse mode with difference quotients, the gradient's own derivative with those of the
/// gradient, forward mode with reverse mode, and two calls with each other.
///
/// Difference quotients are central, extrapolated by Richardson's rule (Ridders 1982) from steps halved until the error
/// no longer falls. What may differ is computed, not chosen: the sum of |dy/dv v| over every value v in the graph times
/// the rounding unit, divided by the step, and what the last extrapolation still changed. A step that crosses a kink
/// (maximum, abs, clip, max, sort, comparisons, ...) is made smaller; at a kink the two one-sided derivatives give an
/// interval of subgradients, which the gradient must lie in. float32 is checked as float64: the graph is recorded again
/// with every float32 value and C++ number as float64.
///
/// If an element is wrong, the rule of each operation between inputs and output is checked by itself at the values it
/// had, and the report names those that are wrong; and where gradients were cut (`stop_gradient`, `NoGrad`).
///
/// Integers among the inputs are handed on and not moved. Throws ValueError without a floating-point input, DTypeError
/// if f's result is not floating.
template <class F>
GradcheckReport gradcheck(F&& f, std::span<const Tensor> inputs, const GradcheckOptions& options = {}) {
  return gradcheck_function(CheckedFunction(f), inputs, options);
}
template <class F>
GradcheckReport gradcheck(F&& f, std::initializer_list<Tensor> inputs, const GradcheckOptions& options = {}) {
  return gradcheck_function(CheckedFunction(f), std::span(inputs.begin(), inputs.size()), options);
}

/// The same for a recorded tensor with respect to tensors (or values of Parameters) it was recorded from: the graph is
/// recorded again with moved values, so its random draws stay what they are.
GradcheckReport gradcheck_recorded(const Tensor& y, std::span<const Tensor> xs, const GradcheckOptions& options = {});
GradcheckReport gradcheck_recorded(std::span<const Tensor> ys, std::span<const Tensor> xs,
                                   const GradcheckOptions& options = {});

}  // namespace xgrad
