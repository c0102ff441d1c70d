#pragma once
/// Learning rates that change with the number of steps taken, computed in double precision.

#include <xgrad/optim/shared.hpp>

#include <cstdint>
#include <optional>
#include <vector>

namespace xgrad::schedules {

struct CosineDecayOptions {
  double alpha = 0;                       ///< the rate at the end, as a part of the first one
  std::optional<double> warmup_target{};  ///< where a linear warm-up from the first rate leads
  std::int64_t warmup_steps = 0;
};

/// rate * ((1 - alpha) * (1 + cos(pi * p)) / 2 + alpha) with p = step / decay_steps, at most 1. With a warm-up target
/// the rate first rises linearly to it over warmup_steps, and falls from there.
class CosineDecay {
 public:
  /// Throws ValueError unless decay_steps > 0 and warmup_steps >= 0.
  CosineDecay(double initial_learning_rate, std::int64_t decay_steps, CosineDecayOptions options = {});
  double operator()(std::int64_t step) const;

 private:
  double initial_;
  std::int64_t steps_;
  CosineDecayOptions options_;
};

/// values[i] up to and including step boundaries[i], the last value after the last boundary.
class PiecewiseConstantDecay {
 public:
  /// Throws ValueError unless boundaries rise and there is one value more than boundaries.
  PiecewiseConstantDecay(std::vector<std::int64_t> boundaries, std::vector<double> values);
  double operator()(std::int64_t step) const;

 private:
  std::vector<std::int64_t> boundaries_;
  std::vector<double> values_;
};

struct ExponentialDecayOptions {
  bool staircase = false;  ///< whole multiples of decay_steps only: a step schedule
};

/// rate * decay_rate^(step / decay_steps)
class ExponentialDecay {
 public:
  /// Throws ValueError unless decay_steps > 0.
  ExponentialDecay(double initial_learning_rate, std::int64_t decay_steps, double decay_rate,
                   ExponentialDecayOptions options = {});
  double operator()(std::int64_t step) const;

 private:
  double initial_, rate_;
  std::int64_t steps_;
  ExponentialDecayOptions options_;
};

}  // namespace xgrad::schedules

namespace xgrad::optimizers {

/// A number, or a schedule: any callable from the number of steps taken (from 0) to a rate.
class LearningRate {
 public:
  LearningRate(double value) : value_(value) {}
  template <class F>
    requires(std::is_invocable_r_v<double, const F&, std::int64_t> && !std::is_arithmetic_v<F>)
  LearningRate(F schedule) : schedule_(std::move(schedule)) {}

  double operator()(std::int64_t step) const { return schedule_ ? schedule_(step) : value_; }
  bool scheduled() const { return static_cast<bool>(schedule_); }

 private:
  double value_ = 0;
  Function<double(std::int64_t)> schedule_;
};

}  // namespace xgrad::optimizers
