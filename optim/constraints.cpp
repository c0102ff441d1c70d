#include <xgrad/graph/error.hpp>
#include <xgrad/ops/elementwise.hpp>
#include <xgrad/optim/constraints.hpp>
#include <xgrad/optim/names.hpp>

namespace xgrad::constraints {

namespace {

constexpr double epsilon = 1e-7;

Tensor norm_over(const Tensor& w, const Axes& axis) { return sqrt(sum(square(w), axis, true)); }

}  // namespace

Constraint::Constraint(std::string_view name) {
  using Maker = Constraint (*)();
  constexpr Named<Maker> table[] = {
      {"max_norm", [] { return Constraint(MaxNorm()); }},
      {"min_max_norm", [] { return Constraint(MinMaxNorm()); }},
      {"non_neg", [] { return Constraint(NonNeg()); }},
      {"unit_norm", [] { return Constraint(UnitNorm()); }},
  };
  *this = find_named(table, "constraint", name)();
}

Tensor MaxNorm::operator()(const Tensor& w) const {
  if (!(max_value >= 0))
    throw ValueError("[MaxNorm] expected max_value of 0 or more, got " + number_text(max_value));
  const Tensor n = norm_over(w, axis);
  return w * (clip(n, 0, max_value) / (epsilon + n));
}

Tensor MinMaxNorm::operator()(const Tensor& w) const {
  if (!(min_value >= 0 && min_value <= max_value))
    throw ValueError("[MinMaxNorm] expected 0 <= min_value <= max_value, got min_value = " + number_text(min_value) +
                     " and max_value = " + number_text(max_value));
  if (!(rate >= 0 && rate <= 1))
    throw ValueError("[MinMaxNorm] expected rate between 0 and 1, got " + number_text(rate));
  const Tensor n = norm_over(w, axis);
  const Tensor desired = rate * clip(n, min_value, max_value) + (1 - rate) * n;
  return w * (desired / (epsilon + n));
}

Tensor NonNeg::operator()(const Tensor& w) const { return maximum(w, 0); }

Tensor UnitNorm::operator()(const Tensor& w) const { return w / (epsilon + norm_over(w, axis)); }

}  // namespace xgrad::constraints
