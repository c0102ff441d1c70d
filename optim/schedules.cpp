#include <xgrad/graph/error.hpp>
#include <xgrad/optim/schedules.hpp>

#include <algorithm>
#include <cmath>
#include <numbers>
#include <string>

namespace xgrad::schedules {

namespace {

void check_steps(const char* what, std::int64_t steps) {
  if (steps <= 0)
    throw ValueError("[" + std::string(what) + "] expected decay_steps above 0, got " + std::to_string(steps));
}

}  // namespace

CosineDecay::CosineDecay(double initial_learning_rate, std::int64_t decay_steps, CosineDecayOptions options)
    : initial_(initial_learning_rate), steps_(decay_steps), options_(options) {
  check_steps("CosineDecay", decay_steps);
  if (options.warmup_steps < 0)
    throw ValueError("[CosineDecay] expected warmup_steps of 0 or more, got " + std::to_string(options.warmup_steps));
}

double CosineDecay::operator()(std::int64_t step) const {
  double from = initial_;
  double position = static_cast<double>(step);
  if (options_.warmup_target) {
    if (step < options_.warmup_steps)
      return initial_ + (*options_.warmup_target - initial_) * position / static_cast<double>(options_.warmup_steps);
    from = *options_.warmup_target;
    position -= static_cast<double>(options_.warmup_steps);
  }
  const double p = std::min(position / static_cast<double>(steps_), 1.0);
  const double cosine = 0.5 * (1 + std::cos(std::numbers::pi * p));
  return from * ((1 - options_.alpha) * cosine + options_.alpha);
}

PiecewiseConstantDecay::PiecewiseConstantDecay(std::vector<std::int64_t> boundaries, std::vector<double> values)
    : boundaries_(std::move(boundaries)), values_(std::move(values)) {
  if (values_.size() != boundaries_.size() + 1)
    throw ValueError("[PiecewiseConstantDecay] expected one value more than boundaries, got " +
                     std::to_string(values_.size()) + " values and " + std::to_string(boundaries_.size()) +
                     " boundaries");
  for (std::size_t i = 1; i < boundaries_.size(); ++i)
    if (boundaries_[i] <= boundaries_[i - 1])
      throw ValueError("[PiecewiseConstantDecay] expected rising boundaries, got " +
                       std::to_string(boundaries_[i - 1]) + " before " + std::to_string(boundaries_[i]));
}

double PiecewiseConstantDecay::operator()(std::int64_t step) const {
  const auto next = std::lower_bound(boundaries_.begin(), boundaries_.end(), step);
  return values_[static_cast<std::size_t>(next - boundaries_.begin())];
}

ExponentialDecay::ExponentialDecay(double initial_learning_rate, std::int64_t decay_steps, double decay_rate,
                                   ExponentialDecayOptions options)
    : initial_(initial_learning_rate), rate_(decay_rate), steps_(decay_steps), options_(options) {
  check_steps("ExponentialDecay", decay_steps);
}

double ExponentialDecay::operator()(std::int64_t step) const {
  double p = static_cast<double>(step) / static_cast<double>(steps_);
  if (options_.staircase) p = std::floor(p);
  return initial_ * std::pow(rate_, p);
}

InverseTimeDecay::InverseTimeDecay(double initial_learning_rate, std::int64_t decay_steps, double decay_rate,
                                   InverseTimeDecayOptions options)
    : initial_(initial_learning_rate), rate_(decay_rate), steps_(decay_steps), options_(options) {
  check_steps("InverseTimeDecay", decay_steps);
}

double InverseTimeDecay::operator()(std::int64_t step) const {
  double p = static_cast<double>(step) / static_cast<double>(steps_);
  if (options_.staircase) p = std::floor(p);
  return initial_ / (1 + rate_ * p);
}

PolynomialDecay::PolynomialDecay(double initial_learning_rate, std::int64_t decay_steps, PolynomialDecayOptions options)
    : initial_(initial_learning_rate), steps_(decay_steps), options_(options) {
  check_steps("PolynomialDecay", decay_steps);
}

double PolynomialDecay::operator()(std::int64_t step) const {
  double position = static_cast<double>(step), length = static_cast<double>(steps_);
  if (options_.cycle)
    length *= step == 0 ? 1 : std::ceil(position / length);
  else
    position = std::min(position, length);
  const double end = options_.end_learning_rate;
  return (initial_ - end) * std::pow(1 - position / length, options_.power) + end;
}

CosineDecayRestarts::CosineDecayRestarts(double initial_learning_rate, std::int64_t first_decay_steps,
                                         CosineDecayRestartsOptions options)
    : initial_(initial_learning_rate), steps_(first_decay_steps), options_(options) {
  if (first_decay_steps <= 0)
    throw ValueError("[CosineDecayRestarts] expected first_decay_steps above 0, got " +
                     std::to_string(first_decay_steps));
  if (!(options.t_mul >= 1))
    throw ValueError("[CosineDecayRestarts] expected t_mul of 1 or more, got " + number_text(options.t_mul));
}

double CosineDecayRestarts::operator()(std::int64_t step) const {
  // Periods of 1, t_mul, t_mul^2, ... first periods: the number of those that are over, and the part of this one.
  const double t = options_.t_mul, all = static_cast<double>(step) / static_cast<double>(steps_);
  double over = std::floor(all), part = all - over;
  if (t != 1) {
    over = std::floor(std::log(1 - all * (1 - t)) / std::log(t));
    part = (all - (1 - std::pow(t, over)) / (1 - t)) / std::pow(t, over);
  }
  const double cosine = 0.5 * std::pow(options_.m_mul, over) * (1 + std::cos(std::numbers::pi * part));
  return initial_ * ((1 - options_.alpha) * cosine + options_.alpha);
}

}  // namespace xgrad::schedules
