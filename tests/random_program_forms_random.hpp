#pragma once
// Steps of random programs that draw numbers with parameters.

#include "random_program_forms.hpp"

namespace random_program {

/// A number from 0.2 to 3 for each element of any tensor, NaN and all.
inline Tensor positive_of(const Tensor& x) {
  const Tensor y = cast(x, is_floating(x.dtype()) ? x.dtype() : float32);
  return where(isfinite(y), 0.2 + 2.8 * sigmoid(y), 1.0);
}
inline RandomOptions options_of(Run& run, const Tensor& x) {
  return {x.dtype() == float64 ? float64 : float32, &run.generator};
}

/// A family with a location or scale that is a tensor of the shape.
inline void run_family(Run& run, const Step& s) {
  const Tensor& x = run.value(s.in[0]);
  const Tensor scale = positive_of(x);
  const RandomOptions options = options_of(run, x);
  const Shape& shape = x.shape();
  switch (s.n[0]) {
    case 0:
      return put(run, s, exponential(shape, scale, options));
    case 1:
      return put(run, s, laplace(shape, 0.5, scale, options));
    case 2:
      return put(run, s, logistic(shape, scale, 2, options));
    case 3:
      return put(run, s, gumbel(shape, scale, scale, options));
    case 4:
      return put(run, s, cauchy(shape, scale, 0.1, options));
    case 5:
      return put(run, s, normal(shape, scale, scale, options));
    default:
      return put(run, s, uniform(shape, scale, scale + 1, options));
  }
}
inline bool choose_family(Maker& m, Step& s) {
  s.in = {m.any()};
  s.n = {m.random.below(7)};
  return true;
}
inline void run_gamma(Run& run, const Step& s) {
  const Tensor& x = run.value(s.in[0]);
  put(run, s, gamma(x.shape(), stop_gradient(positive_of(x)), positive_of(x), options_of(run, x)));
}
inline void run_beta(Run& run, const Step& s) {
  const Tensor& x = run.value(s.in[0]);
  put(run, s, beta(x.shape(), stop_gradient(positive_of(x)), 0.7, options_of(run, x)));
}
inline void run_counts(Run& run, const Step& s) {
  const Tensor& x = run.value(s.in[0]);
  const CountOptions options{.generator = &run.generator};
  const Tensor p = positive_of(x);
  put(run, s, s.n[0] % 2 ? poisson(x.shape(), p * 8, options) : binomial(x.shape(), 40, p / 3.1, options));
}
inline void run_categorical(Run& run, const Step& s) {
  put(run, s, categorical(positive_of(run.value(s.in[0])), 3, &run.generator));
}
inline bool choose_classes(Maker& m, Step& s) {
  s.in = {m.any_with([&](int id) { return m.shape(id).rank() > 0 && m.shape(id)[-1] > 0; })};
  return s.in[0] >= 0;
}
inline void run_shuffle(Run& run, const Step& s) {
  put(run, s, shuffle(run.value(s.in[0]), static_cast<int>(s.n[0]), &run.generator));
}
inline bool choose_shuffle(Maker& m, Step& s) {
  s.in = {m.any_with([&](int id) { return m.shape(id).rank() > 0; })};
  if (s.in[0] < 0) return false;
  s.n = {m.axis(m.shape(s.in[0]))};
  return true;
}
inline void run_choice(Run& run, const Step& s) {
  const Tensor& x = run.value(s.in[0]);
  const int axis = static_cast<int>(s.n[0]);
  put(run, s, choice(x, {2}, {.replace = x.dim(axis) < 2, .axis = axis, .generator = &run.generator}));
}
inline bool choose_choice(Maker& m, Step& s) {
  if (!choose_shuffle(m, s)) return false;
  return m.value(s.in[0]).dim(static_cast<int>(s.n[0])) > 0;
}
inline void run_randint(Run& run, const Step& s) {
  put(run, s, randint(run.value(s.in[0]).shape(), -4, 5, {.generator = &run.generator}));
}

}  // namespace random_program
