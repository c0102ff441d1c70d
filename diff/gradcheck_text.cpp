#include <xgrad/diff/gradcheck.hpp>

#include <cmath>
#include <cstdio>
#include <ostream>

namespace xgrad {
namespace {

std::string number(double x, int digits = 10) {
  char text[40];
  std::snprintf(text, sizeof text, "%.*g", digits, x);
  return text;
}

std::string at(const std::string& input, const std::vector<std::int64_t>& index) {
  if (index.empty()) return input;
  std::string text = input + "[";
  for (std::size_t k = 0; k < index.size(); ++k) text += (k ? ", " : "") + std::to_string(index[k]);
  return text + "]";
}

std::string counted(std::int64_t n, const char* what) {
  return std::to_string(n) + " " + what + (n == 1 ? "" : "s");
}

std::string line_of(const CheckedElement& e) {
  std::string text = e.check + ", " + at(e.input, e.index);
  if (e.output >= 0) text += ", output element " + std::to_string(e.output);
  const bool forward = e.check == "forward mode";
  text += "\n    " + std::string(forward ? "forward mode     " : "derivative       ") + number(e.analytic, 15);
  text += "\n    " + std::string(forward ? "reverse mode     " : "quotient         ") + number(e.numeric, 15);
  text += "\n    error            " + number(e.absolute_error, 3) + " (relative " + number(e.relative_error, 3) +
          "), allowed " + number(e.allowed, 3);
  if (e.steps > 0)
    text += "\n    allowed because  rounding " + number(e.rounding, 3) + " at step " + number(e.step, 3) + ", " +
            counted(e.steps, "step") + " extrapolated";
  return text;
}

/// The first kinks, or the first jumps.
std::string lines_of(const std::vector<Kink>& kinks, bool jumps) {
  std::string text;
  int listed = 0;
  for (const Kink& k : kinks) {
    if (k.jump != jumps) continue;
    if (++listed > 5) return text + "    ...\n";
    text += "    " + k.operation + k.place + " at " + at(k.input, k.index);
    if (!jumps) {
      const std::string low = number(std::fmin(k.left, k.right), 6), high = number(std::fmax(k.left, k.right), 6);
      text += ": " + number(k.analytic, 6) + (k.outside ? " is outside [" : " in [") + low + ", " + high + "]";
      if (k.outside) text += "; several kinks meet, and each operation's own rule is right";
    }
    text += "\n";
  }
  return text;
}

}  // namespace

std::string GradcheckReport::text() const {
  std::string text = "gradient check: ";
  text += verdict == Verdict::passed ? "passed" : verdict == Verdict::failed ? "FAILED" : "not decided";
  text += "\n  " + counted(compared, "comparison") + (full ? ", every element" : ", random projections");
  if (shadow) text += ", float32 checked as float64";
  text += "\n";
  for (const std::string& reason : reasons) text += "  " + reason + "\n";
  if (!worst.check.empty()) text += "  largest error for what is allowed: " + line_of(worst) + "\n";
  for (const Culprit& c : culprits) {
    text += "  culprit: " + c.operation + c.place + (c.layer.empty() ? "" : " in " + c.layer) + "\n";
    text += "    " + c.formula + "\n    " + c.reason + "\n";
  }
  if (steps_avoided > 0) text += "  " + counted(steps_avoided, "step") + " made smaller so as not to cross a kink\n";
  if (kink_count > 0)
    text +=
        "  " + counted(kink_count, "comparison") + " at a kink, accepted as subgradients:\n" + lines_of(kinks, false);
  if (jump_count > 0)
    text += "  " + counted(jump_count, "comparison") + " left out, where the function jumps:\n" + lines_of(kinks, true);
  if (undecided > 0)
    text += "  " + counted(undecided, "comparison") + " say little: rounding is as large as the derivative\n";
  return text;
}

std::ostream& operator<<(std::ostream& out, const GradcheckReport& report) { return out << report.text(); }

}  // namespace xgrad
