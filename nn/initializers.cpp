#include <xgrad/nn/initializers.hpp>
#include <xgrad/ops/creation.hpp>
#include <xgrad/ops/elementwise.hpp>
#include <xgrad/ops/decompositions.hpp>
#include <xgrad/ops/random.hpp>
#include <xgrad/ops/shape.hpp>
#include <xgrad/optim/names.hpp>

#include <algorithm>
#include <cmath>
#include <numbers>
#include <vector>

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
    {"zero", make<Zeros>},
    {"ones", make<Ones>},
    {"one", make<Ones>},
    {"constant", make<Constant>},
    {"random_uniform", make<RandomUniform>},
    {"uniform", make<RandomUniform>},
    {"random_normal", make<RandomNormal>},
    {"normal", make<RandomNormal>},
    {"truncated_normal", make<TruncatedNormal>},
    {"variance_scaling", make<VarianceScaling>},
    {"glorot_uniform", [] { return Initializer(glorot_uniform()); }},
    {"glorot_normal", [] { return Initializer(glorot_normal()); }},
    {"he_uniform", [] { return Initializer(he_uniform()); }},
    {"he_normal", [] { return Initializer(he_normal()); }},
    {"lecun_uniform", [] { return Initializer(lecun_uniform()); }},
    {"lecun_normal", [] { return Initializer(lecun_normal()); }},
    {"identity", make<Identity>},
    {"identity_initializer", make<Identity>},
    {"orthogonal", make<Orthogonal>},
    {"orthogonal_initializer", make<Orthogonal>},
    {"stft", make<STFT>},
    {"stft_initializer", make<STFT>},
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

Tensor Identity::operator()(const Shape& shape, DType dtype, Generator&) const {
  if (shape.rank() != 2)
    throw ShapeError("[identity] expected a matrix to initialize, got shape " + to_string(shape));
  return gain * eye(shape[0], shape[1], 0, {.dtype = dtype});
}

Tensor Orthogonal::operator()(const Shape& shape, DType dtype, Generator& generator) const {
  if (shape.rank() < 2)
    throw ShapeError("[orthogonal] expected a weight of two axes or more, got shape " + to_string(shape));
  const std::int64_t columns = shape[-1];
  const std::int64_t rows = columns == 0 ? 0 : shape.size() / columns;
  const Tensor normals = normal({std::max(rows, columns), std::min(rows, columns)}, 0, 1,
                                Source(seed, generator, dtype).options());
  const auto [q, r] = qr(normals);
  // The sign of 0 is 0, which would take a column away.
  const Tensor signs = where(diagonal(r) < 0, -1, 1);
  const Tensor columns_fixed = q * cast(signs, dtype);
  return gain * reshape(rows < columns ? transpose(columns_fixed) : columns_fixed, shape);
}

namespace {

/// SciPy's windows that are sums of cosines, by their factors.
std::vector<double> window_of(std::string_view name, std::int64_t length, bool periodic) {
  struct Cosines {
    double factors[5];
  };
  constexpr Cosines half_sine{{}}, triangle{{1}};
  constexpr Named<Cosines> table[] = {
      {"hann", {{.5, .5}}},
      {"hamming", {{.54, .46}}},
      {"blackman", {{.42, .5, .08}}},
      {"nuttall", {{.3635819, .4891775, .1365995, .0106411}}},
      {"blackmanharris", {{.35875, .48829, .14128, .01168}}},
      {"flattop", {{.21557895, .41663158, .277263158, .083578947, .006947368}}},
      {"cosine", half_sine},
      {"bartlett", triangle},
      {"boxcar", triangle},
  };
  const Cosines& cosines = find_named(table, "STFT window", name);
  std::vector<double> out(static_cast<std::size_t>(length), 1.0);
  if (name == "boxcar" || length <= 1) return out;
  // A periodic window is a symmetric one of one sample more, without its last.
  const double samples = static_cast<double>(length) + periodic;
  for (std::size_t i = 0; i < out.size(); ++i) {
    const double place = static_cast<double>(i) / (samples - 1);
    if (name == "cosine") {
      out[i] = std::sin(std::numbers::pi * (static_cast<double>(i) + .5) / samples);
    } else if (name == "bartlett") {
      out[i] = place <= .5 ? 2 * place : 2 - 2 * place;
    } else {
      out[i] = 0;
      for (int k = 0; k < 5; ++k)
        out[i] += (k % 2 ? -1 : 1) * cosines.factors[k] * std::cos(2 * std::numbers::pi * k * place);
    }
  }
  return out;
}

}  // namespace

Tensor STFT::operator()(const Shape& shape, DType dtype, Generator&) const {
  constexpr Named<bool> sides[] = {{"real", true}, {"imag", false}};
  constexpr Named<int> scalings[] = {{"", 0}, {"density", 1}, {"spectrum", 2}};
  const bool real_part = find_named(sides, "STFT side", side);
  const int scaled = find_named(scalings, "STFT scaling", scaling);
  if (shape.rank() != 3 || shape[2] < 2)
    throw ShapeError("[STFT] expected a kernel (frame length, channels, frequencies) with 2 frequencies or more, got " +
                     to_string(shape));
  std::vector<double> window_values(static_cast<std::size_t>(shape[0]), 1.0);
  double divisor = 1;
  if (!window.empty()) {
    window_values = window_of(window, shape[0], periodic);
    double sum_of_all = 0, squares = 0;
    for (const double w : window_values) sum_of_all += std::fabs(w), squares += w * w;
    if (scaled > 0) divisor = scaled == 1 ? std::sqrt(squares) : sum_of_all;
  }
  const auto length = static_cast<double>((shape[2] - 1) * 2);
  std::vector<double> values;
  for (std::int64_t time = 0; time < shape[0]; ++time)
    for (std::int64_t frequency = 0; frequency < shape[2]; ++frequency) {
      const double angle = -2.0 * static_cast<double>(time) * (static_cast<double>(frequency) / length) *
                           std::numbers::pi;
      const double part = real_part ? std::cos(angle) : std::sin(angle);
      values.push_back(part * window_values[static_cast<std::size_t>(time)] / divisor);
    }
  return broadcast_to(tensor(values, {shape[0], 1, shape[2]}, {.dtype = dtype}), shape);
}

VarianceScaling glorot_uniform(SeedOption o) { return {1, "fan_avg", "uniform", o.seed}; }
VarianceScaling glorot_normal(SeedOption o) { return {1, "fan_avg", "truncated_normal", o.seed}; }
VarianceScaling he_uniform(SeedOption o) { return {2, "fan_in", "uniform", o.seed}; }
VarianceScaling he_normal(SeedOption o) { return {2, "fan_in", "truncated_normal", o.seed}; }
VarianceScaling lecun_uniform(SeedOption o) { return {1, "fan_in", "uniform", o.seed}; }
VarianceScaling lecun_normal(SeedOption o) { return {1, "fan_in", "truncated_normal", o.seed}; }

}  // namespace xgrad::initializers
