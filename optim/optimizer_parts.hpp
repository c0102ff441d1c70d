#pragma once
/// What the sources of the optimizers share. Internal to optim/.

#include <xgrad/graph/error.hpp>
#include <xgrad/optim/optimizers.hpp>

#include <string>

namespace xgrad::optimizers {

template <class Options>
Common common_of(const Options& o) {
  return {.weight_decay = o.weight_decay,
          .clipnorm = o.clipnorm,
          .clipvalue = o.clipvalue,
          .global_clipnorm = o.global_clipnorm,
          .use_ema = o.use_ema,
          .ema_momentum = o.ema_momentum,
          .ema_overwrite_frequency = o.ema_overwrite_frequency,
          .loss_scale_factor = o.loss_scale_factor,
          .gradient_accumulation_steps = o.gradient_accumulation_steps};
}

inline void check_part(const char* where, const char* what, double value) {
  if (!(value >= 0 && value <= 1))
    throw ValueError("[" + std::string(where) + "] expected " + what + " between 0 and 1, got " + number_text(value));
}

inline void check_not_negative(const char* where, const char* what, double value) {
  if (!(value >= 0))
    throw ValueError("[" + std::string(where) + "] expected " + what + " of 0 or more, got " + number_text(value));
}

template <class Options>
void check_betas(const char* where, const Options& o) {
  check_part(where, "beta_1", o.beta_1);
  check_part(where, "beta_2", o.beta_2);
  if constexpr (requires { o.epsilon; }) check_not_negative(where, "epsilon", o.epsilon);
}

/// Moves a mean towards x by a part of the way, and keeps it.
inline Tensor moved(const Parameter& mean, double part, const Tensor& x) {
  const Tensor next = mean + part * (x - mean);
  mean.assign(next);
  return next;
}

}  // namespace xgrad::optimizers
