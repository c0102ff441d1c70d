#include <xgrad/nn/initializers.hpp>
#include <xgrad/ops/random.hpp>
#include <xgrad/optim/names.hpp>

#include <algorithm>
#include <cmath>

namespace xgrad::initializers {

namespace {

/// The generator an initializer draws from: its own if it has a seed.
class Source {
 public:
  Source(const Seed& seed, Generator& generator, DType dtype) : own_(seed.value_or(0)) {
    options_ = {.dtype = dtype, .generator = seed ? &own_ : &generator};
  }
  const RandomOptions& options() const { return options_; }

 private:
  Generator own_;
  RandomOptions options_;
};

struct Fans {
  double in, out;
};

Fans fans_of(const Shape& shape) {
  if (shape.rank() == 0) return {1, 1};
  if (shape.rank() == 1) return {static_cast<double>(shape[0]), static_cast<double>(shape[0])};
  double receptive = 1;
  for (int i = 0; i + 2 < shape.rank(); ++i) receptive *= static_cast<double>(shape[i]);
  return {receptive * static_cast<double>(shape[-2]), receptive * static_cast<double>(shape[-1])};
}

template <class T>
Initializer make() {
  return T();
}
using Maker = Initializer (*)();
constexpr Named<Maker> table[] = {
    {"zeros", make<Zeros>},
    {"ones", make<Ones>},
    {"constant", make<Constant>},
    {"random_uniform", make<RandomUniform>},
    {"random_normal", make<RandomNormal>},
    {"truncated_normal", make<TruncatedNormal>},
    {"variance_scaling", make<VarianceScaling>},
    {"glorot_uniform", [] { return Initializer(glorot_uniform()); }},
    {"glorot_normal", [] { return Initializer(glorot_normal()); }},
    {"he_uniform", [] { return Initializer(he_uniform()); }},
    {"he_normal", [] { return Initializer(he_normal()); }},
    {"lecun_uniform", [] { return Initializer(lecun_uniform()); }},
    {"lecun_normal", [] { return Initializer(lecun_normal()); }},
};

}  // namespace

Initializer::Initializer(std::string_view name) : Initializer(find_named(table, "initializer", name)()) {}

Tensor Zeros::operator()(const Shape& shape, DType dtype, Generator&) const { return zeros(shape, {.dtype = dtype}); }
Tensor Ones::operator()(const Shape& shape, DType dtype, Generator&) const { return ones(shape, {.dtype = dtype}); }
Tensor Constant::operator()(const Shape& shape, DType dtype, Generator&) const {
  return full(shape, value, {.dtype = dtype});
}

Tensor RandomUniform::operator()(const Shape& shape, DType dtype, Generator& generator) const {
  return uniform(shape, minval, maxval, Source(seed, generator, dtype).options());
}
Tensor RandomNormal::operator()(const Shape& shape, DType dtype, Generator& generator) const {
  return normal(shape, mean, stddev, Source(seed, generator, dtype).options());
}
Tensor TruncatedNormal::operator()(const Shape& shape, DType dtype, Generator& generator) const {
  return truncated_normal(shape, mean, stddev, Source(seed, generator, dtype).options());
}

Tensor VarianceScaling::operator()(const Shape& shape, DType dtype, Generator& generator) const {
  constexpr Named<int> modes[] = {{"fan_in", 0}, {"fan_out", 1}, {"fan_avg", 2}};
  constexpr Named<int> distributions[] = {
      {"uniform", 0}, {"truncated_normal", 1}, {"normal", 1}, {"untruncated_normal", 2}};
  if (!(scale > 0)) throw ValueError("[variance_scaling] expected scale above 0, got " + number_text(scale));
  const Fans fans = fans_of(shape);
  const int which = find_named(modes, "variance_scaling mode", mode);
  const double fan = which == 0 ? fans.in : which == 1 ? fans.out : (fans.in + fans.out) / 2;
  const double variance = scale / std::max(1.0, fan);
  const Source source(seed, generator, dtype);
  switch (find_named(distributions, "variance_scaling distribution", distribution)) {
    case 0: {
      const double limit = std::sqrt(3 * variance);
      return uniform(shape, -limit, limit, source.options());
    }
    // The standard deviation of a standard normal cut at two of its own.
    case 1: return truncated_normal(shape, 0, std::sqrt(variance) / .87962566103423978, source.options());
    default: return normal(shape, 0, std::sqrt(variance), source.options());
  }
}

VarianceScaling glorot_uniform(SeedOption o) { return {1, "fan_avg", "uniform", o.seed}; }
VarianceScaling glorot_normal(SeedOption o) { return {1, "fan_avg", "truncated_normal", o.seed}; }
VarianceScaling he_uniform(SeedOption o) { return {2, "fan_in", "uniform", o.seed}; }
VarianceScaling he_normal(SeedOption o) { return {2, "fan_in", "truncated_normal", o.seed}; }
VarianceScaling lecun_uniform(SeedOption o) { return {1, "fan_in", "uniform", o.seed}; }
VarianceScaling lecun_normal(SeedOption o) { return {1, "fan_in", "truncated_normal", o.seed}; }

}  // namespace xgrad::initializers
