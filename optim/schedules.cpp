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

}  // namespace xgrad::schedules
