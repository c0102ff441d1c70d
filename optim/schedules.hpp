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
  double initial_learning_rate() const { return initial_; }
  std::int64_t decay_steps() const { return steps_; }
  const CosineDecayOptions& options() const { return options_; }

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
  const std::vector<std::int64_t>& boundaries() const { return boundaries_; }
  const std::vector<double>& values() const { return values_; }

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
  double initial_learning_rate() const { return initial_; }
  std::int64_t decay_steps() const { return steps_; }
  double decay_rate() const { return rate_; }
  const ExponentialDecayOptions& options() const { return options_; }

 private:
  double initial_, rate_;
  std::int64_t steps_;
  ExponentialDecayOptions options_;
};

struct InverseTimeDecayOptions {
  bool staircase = false;  ///< whole multiples of decay_steps only
};

/// rate / (1 + decay_rate * step / decay_steps)
class InverseTimeDecay {
 public:
  /// Throws ValueError unless decay_steps > 0.
  InverseTimeDecay(double initial_learning_rate, std::int64_t decay_steps, double decay_rate,
                   InverseTimeDecayOptions options = {});
  double operator()(std::int64_t step) const;
  double initial_learning_rate() const { return initial_; }
  std::int64_t decay_steps() const { return steps_; }
  double decay_rate() const { return rate_; }
  const InverseTimeDecayOptions& options() const { return options_; }

 private:
  double initial_, rate_;
  std::int64_t steps_;
  InverseTimeDecayOptions options_;
};

struct PolynomialDecayOptions {
  double end_learning_rate = .0001;
  double power = 1;
  bool cycle = false;  ///< past decay_steps it goes on over the next multiple of them instead of staying at the end
};

/// (rate - end) * (1 - p)^power + end with p = step / decay_steps, at most 1.
class PolynomialDecay {
 public:
  /// Throws ValueError unless decay_steps > 0.
  PolynomialDecay(double initial_learning_rate, std::int64_t decay_steps, PolynomialDecayOptions options = {});
  double operator()(std::int64_t step) const;
  double initial_learning_rate() const { return initial_; }
  std::int64_t decay_steps() const { return steps_; }
  const PolynomialDecayOptions& options() const { return options_; }

 private:
  double initial_;
  std::int64_t steps_;
  PolynomialDecayOptions options_;
};

struct CosineDecayRestartsOptions {
  double t_mul = 2;  ///< each period is so many times as long as the one before
  double m_mul = 1;  ///< and begins at so many times its rate
  double alpha = 0;  ///< the rate at the end of a period, as a part of the first one
};

/// CosineDecay that begins anew after each period, the first of which has first_decay_steps (Loshchilov and Hutter
/// 2017).
class CosineDecayRestarts {
 public:
  /// Throws ValueError unless first_decay_steps > 0 and t_mul >= 1.
  CosineDecayRestarts(double initial_learning_rate, std::int64_t first_decay_steps,
                      CosineDecayRestartsOptions options = {});
  double operator()(std::int64_t step) const;
  double initial_learning_rate() const { return initial_; }
  std::int64_t first_decay_steps() const { return steps_; }
  const CosineDecayRestartsOptions& options() const { return options_; }

 private:
  double initial_;
  std::int64_t steps_;
  CosineDecayRestartsOptions options_;
};

}  // namespace xgrad::schedules

namespace xgrad::optimizers {

/// A number, or a schedule: any callable from the number of steps taken (from 0) to a rate.
class LearningRate {
 public:
  LearningRate(double value) : value_(value) {}
  template <class F>
  requires(std::is_invocable_r_v<double, const F&, std::int64_t> && !std::is_arithmetic_v<F>) LearningRate(F schedule)
      : schedule_(std::move(schedule)) {}

  double operator()(std::int64_t step) const { return schedule_ ? schedule_(step) : value_; }
  bool scheduled() const { return static_cast<bool>(schedule_); }
  /// The schedule, if it is of this type; else null.
  template <class F>
  const F* target() const {
    return schedule_.template target<F>();
  }

 private:
  double value_ = 0;
  Function<double(std::int64_t)> schedule_;
};

}  // namespace xgrad::optimizers
