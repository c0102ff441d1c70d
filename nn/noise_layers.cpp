#include <xgrad/nn/layer_parts.hpp>
#include <xgrad/nn/noise_layers.hpp>
#include <xgrad/ops/elementwise.hpp>
#include <xgrad/ops/random.hpp>
#include <xgrad/ops/shape.hpp>

#include <cmath>

namespace xgrad {

namespace {

DropoutOptions dropout_options(std::string_view kind, int axes, const SpatialDropoutOptions& o) {
  const bool first = channels_first(kind, o.data_format);
  std::vector<std::int64_t> shape(static_cast<std::size_t>(axes) + 2, 1);
  shape[0] = -1;
  shape[first ? 1 : shape.size() - 1] = -1;
  return {.noise_shape = std::move(shape), .seed = o.seed, .name = o.name};
}

void describe(Fields& f, double& rate, SpatialDropoutOptions& o) {
  f("rate", rate);
  f("data_format", o.data_format);
  f("seed", o.seed);
  f("name", o.name);
}

void check_rate(std::string_view kind, const std::string& name, double rate) {
  if (!(rate >= 0 && rate < 1))
    throw ValueError(label(kind, name) + "expected a rate from 0 to below 1, got " + number_text(rate));
}

Config noise_config(const char* what, double amount, NoiseOptions options) {
  return written([&](Fields& f) {
    f(what, amount);
    f("seed", options.seed);
    f("name", options.name);
  });
}
template <class L>
L read_noise(std::string_view kind, const char* what, const Config& config) {
  double amount = 0;
  NoiseOptions options;
  read_config(kind, config, [&](Fields& f) {
    f(what, amount);
    f("seed", options.seed);
    f("name", options.name);
  });
  return L(amount, std::move(options));
}

}  // namespace

template <int N>
std::string_view SpatialDropout<N>::kind_name() {
  return N == 1 ? "SpatialDropout1D" : N == 2 ? "SpatialDropout2D" : "SpatialDropout3D";
}

template <int N>
SpatialDropout<N>::SpatialDropout(double rate, SpatialDropoutOptions options)
    : options_(std::move(options)), dropout_(rate, dropout_options(kind_name(), N, options_)) {}

template <int N>
Tensor SpatialDropout<N>::operator()(const Tensor& x, Call& call) const {
  check_rank(label(kind_name(), options_.name), x, N + 2);
  return dropout_(x, call);
}

template <int N>
Config SpatialDropout<N>::get_config() const {
  double rate = dropout_.rate();
  SpatialDropoutOptions options = options_;
  return written([&](Fields& f) { describe(f, rate, options); });
}

template <int N>
SpatialDropout<N> SpatialDropout<N>::from_config(const Config& config) {
  double rate = 0;
  SpatialDropoutOptions options;
  read_config(kind_name(), config, [&](Fields& f) { describe(f, rate, options); });
  return SpatialDropout(rate, std::move(options));
}

template class SpatialDropout<1>;
template class SpatialDropout<2>;
template class SpatialDropout<3>;

struct Noise::State : Counted {
  State(double amount, NoiseOptions options) : amount(amount), options(std::move(options)) {
    if (!this->options.seed) return;
    generator = Generator(*this->options.seed);
    built = true;
  }
  Counted* copy() const override { return new State(*this); }
  double amount;
  NoiseOptions options;
  Generator generator;
  bool built = false;
};

Noise::Noise(double amount, NoiseOptions options) : state_(new State(amount, std::move(options))) {}
double Noise::amount() const { return state_->amount; }
const NoiseOptions& Noise::options() const { return state_->options; }
const std::string& Noise::name() const { return state_->options.name; }

Generator& Noise::random(Call& call) const {
  State& s = *state_;
  if (!s.built) {
    s.generator = call.random().split();
    s.built = true;
  }
  return s.generator;
}

void Noise::each(Visit visit) {
  visit.own(state_);
  if (state_->built) visit("generator", state_->generator);
}

GaussianDropout::GaussianDropout(double rate, NoiseOptions options) : Noise(rate, std::move(options)) {
  check_rate("GaussianDropout", name(), rate);
}
Tensor GaussianDropout::operator()(const Tensor& x, Call& call) const {
  Generator& generator = random(call);
  if (!call.training || amount() == 0) return x;
  const Tensor values = floating(x);
  return values * (1 + normal_like(values, &generator) * std::sqrt(amount() / (1 - amount())));
}
Config GaussianDropout::get_config() const { return noise_config("rate", amount(), options()); }
GaussianDropout GaussianDropout::from_config(const Config& config) {
  return read_noise<GaussianDropout>("GaussianDropout", "rate", config);
}

GaussianNoise::GaussianNoise(double stddev, NoiseOptions options) : Noise(stddev, std::move(options)) {
  if (!(stddev >= 0))
    throw ValueError(label("GaussianNoise", name()) + "expected a stddev of 0 or more, got " + number_text(stddev));
}
Tensor GaussianNoise::operator()(const Tensor& x, Call& call) const {
  Generator& generator = random(call);
  if (!call.training || amount() == 0) return x;
  const Tensor values = floating(x);
  return values + normal_like(values, &generator) * amount();
}
Config GaussianNoise::get_config() const { return noise_config("stddev", amount(), options()); }
GaussianNoise GaussianNoise::from_config(const Config& config) {
  return read_noise<GaussianNoise>("GaussianNoise", "stddev", config);
}

AlphaDropout::AlphaDropout(double rate, AlphaDropoutOptions options)
    : Noise(rate, {options.seed, std::move(options.name)}), noise_shape_(std::move(options.noise_shape)) {
  check_rate("AlphaDropout", name(), rate);
}
Tensor AlphaDropout::operator()(const Tensor& x, Call& call) const {
  Generator& generator = random(call);
  const double rate = amount();
  if (!call.training || rate == 0) return x;
  constexpr double alpha = 1.6732632423543772, scale = 1.0507009873554805, low = -alpha * scale;
  const double a = 1 / std::sqrt((1 - rate) * (1 + rate * low * low)), b = -a * low * rate;
  const Tensor values = floating(x);
  const Tensor kept = bernoulli_like(mask_shape("AlphaDropout", values, noise_shape_), 1 - rate, &generator);
  return where(kept, values, low) * a + b;
}
Config AlphaDropout::get_config() const {
  Config out = noise_config("rate", amount(), options());
  std::vector<Config> shape;
  for (const std::int64_t n : noise_shape_) shape.emplace_back(n);
  return out.set("noise_shape", shape);
}
AlphaDropout AlphaDropout::from_config(const Config& config) {
  double rate = 0;
  AlphaDropoutOptions options;
  read_config("AlphaDropout", config, [&](Fields& f) {
    f("rate", rate);
    f("noise_shape", options.noise_shape);
    f("seed", options.seed);
    f("name", options.name);
  });
  return AlphaDropout(rate, std::move(options));
}

}  // namespace xgrad
