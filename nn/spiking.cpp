#include <xgrad/graph/grad.hpp>
#include <xgrad/nn/layer_parts.hpp>
#include <xgrad/nn/spiking.hpp>
#include <xgrad/ops/activation.hpp>
#include <xgrad/ops/elementwise.hpp>
#include <xgrad/ops/indexing.hpp>
#include <xgrad/ops/random.hpp>
#include <xgrad/ops/scan.hpp>
#include <xgrad/ops/shape.hpp>
#include <xgrad/ops/special.hpp>

#include <cmath>
#include <numbers>

namespace xgrad {

namespace {

/// Functions whose derivatives are the surrogates.
struct Slope {
  Tensor (*integral)(const Tensor& x, double k);
  double usual;
};
constexpr Named<Slope> slopes[] = {
    {"fast_sigmoid", {[](const Tensor& x, double k) { return x / (1 + k * abs(x)); }, 25}},
    {"arctan", {[](const Tensor& x, double k) { return arctan(std::numbers::pi / 2 * k * x) / std::numbers::pi; }, 2}},
    {"sigmoid", {[](const Tensor& x, double k) { return sigmoid(k * x); }, 4}},
    {"triangular",
     {[](const Tensor& x, double k) {
        const Tensor c = clip(x, -1 / k, 1 / k);
        return c - 0.5 * k * c * abs(c);
      },
      1}},
    {"gaussian", {[](const Tensor& x, double k) { return 0.5 * erf(k / std::numbers::sqrt2 * x); }, 2.5}},
    {"straight_through", {[](const Tensor& x, double) { return x; }, 1}},
    {"none", {nullptr, 1}},
};

enum class Reset : std::uint8_t { subtract, zero, none };
constexpr Named<Reset> resets[] = {{"subtract", Reset::subtract}, {"zero", Reset::zero}, {"none", Reset::none}};

void describe(Fields& f, LeakyIntegrateAndFireOptions& o) {
  f("tau", o.tau);
  f("decay_input", o.decay_input);
  f("threshold", o.threshold);
  f("reset", o.reset);
  f("surrogate", o.surrogate);
  f("slope", o.slope);
  f("detach_reset", o.detach_reset);
  f("learn_tau", o.learn_tau);
  f("return_sequences", o.return_sequences);
  f("name", o.name);
  f("dtype", o.dtype);
}
void describe(Fields& f, LeakyIntegrator& o) {
  f("tau", o.tau);
  f("decay_input", o.decay_input);
  f("return_sequences", o.return_sequences);
  f("name", o.name);
}
void describe(Fields& f, LatencyCoding& o) {
  f("steps", o.steps);
  f("linear", o.linear);
  f("tau", o.tau);
  f("threshold", o.threshold);
  f("name", o.name);
}
void describe(Fields& f, std::int64_t& steps, RateCodingOptions& o) {
  f("steps", steps);
  f("seed", o.seed);
  f("name", o.name);
}
constexpr auto describing = [](Fields& f, auto& o) { describe(f, o); };

void need_steps(const std::string& where, const Tensor& x) {
  if (x.rank() < 2 || x.dim(1) == 0)
    throw ShapeError(where + "expected x of shape (batch, steps, ...), got " + to_string(x.shape()));
}
void need_steps(const std::string& where, std::int64_t steps) {
  if (steps < 1) throw ValueError(where + "expected steps of at least 1, got " + std::to_string(steps));
}

}  // namespace

Tensor spike(const Tensor& given, std::string_view surrogate, double slope) {
  const Slope& chosen = find_named(slopes, "spike surrogate", surrogate);
  if (!(slope >= 0)) throw ValueError("[spike] expected a slope of 0 or more, got " + number_text(slope));
  const Tensor x = floating(given);
  const Tensor fired = stop_gradient(cast(x >= 0, x.dtype()));
  if (!chosen.integral) return fired;
  const Tensor through = chosen.integral(x, slope > 0 ? slope : chosen.usual);
  // What is added is 0; only its derivative counts.
  return fired + (through - stop_gradient(through));
}

// --- LeakyIntegrateAndFire

struct LeakyIntegrateAndFire::State : Counted {
  Counted* copy() const override { return new State(*this); }
  std::string where() const { return label("LeakyIntegrateAndFire", options.name); }
  void build(DType dtype) {
    if (!options.learn_tau || weight.defined()) return;
    weight = Parameter(full({}, -std::log(options.tau - 1), {.dtype = options.dtype.value_or(dtype)}),
                       (options.name.empty() ? "leaky_integrate_and_fire" : options.name) + "/tau_weight");
  }
  LeakyIntegrateAndFireOptions options;
  Parameter weight;
};

LeakyIntegrateAndFire::LeakyIntegrateAndFire(LeakyIntegrateAndFireOptions options) : state_(new State) {
  State& s = *state_;
  s.options = std::move(options);
  const LeakyIntegrateAndFireOptions& o = s.options;
  if (!(o.tau >= 1) || (o.learn_tau && !(o.tau > 1)))
    throw ValueError(s.where() + "expected a tau " + (o.learn_tau ? "above 1 to be learnt" : "of at least 1") +
                     ", got " + number_text(o.tau));
  if (!(o.threshold > 0)) throw ValueError(s.where() + "expected a threshold above 0, got " + number_text(o.threshold));
  find_named(resets, "LeakyIntegrateAndFire reset", o.reset);
  spike(Tensor(0.), o.surrogate, o.slope);
}

LeakyIntegrateAndFire::Step LeakyIntegrateAndFire::step(const Tensor& given, const Tensor& potential) const {
  State& s = *state_;
  const LeakyIntegrateAndFireOptions& o = s.options;
  const Tensor x = floating(given);
  s.build(x.dtype());
  // An Arg refers to its tensor and does not keep it.
  const Tensor learnt = o.learn_tau ? sigmoid(s.weight) : Tensor();
  const Arg leak = o.learn_tau ? Arg(learnt) : Arg(1 / o.tau);
  Tensor v;
  if (!potential.defined())
    v = o.decay_input ? leak * x : x;
  else if (o.decay_input)
    v = potential + leak * (x - potential);
  else
    v = potential - leak * potential + x;
  const Tensor fired = spike(v - o.threshold, o.surrogate, o.slope);
  const Tensor counts = o.detach_reset ? stop_gradient(fired) : fired;
  switch (find_named(resets, "reset", o.reset)) {
    case Reset::subtract:
      v = v - o.threshold * counts;
      break;
    case Reset::zero:
      v = v * (1 - counts);
      break;
    case Reset::none:
      break;
  }
  return {fired, v};
}

Tensor LeakyIntegrateAndFire::operator()(const Tensor& x, Call&) const {
  need_steps(state_->where(), x);
  Step now;
  std::vector<Tensor> spikes;
  for (const Tensor& current : unstack(x, 1)) {
    now = step(current, now.potential);
    if (state_->options.return_sequences) spikes.push_back(now.spikes);
  }
  return state_->options.return_sequences ? stack(spikes, 1) : now.spikes;
}

void LeakyIntegrateAndFire::each(Visit visit) {
  visit.own(state_);
  if (state_->options.learn_tau) visit("tau_weight", state_->weight);
}
const std::string& LeakyIntegrateAndFire::name() const { return state_->options.name; }
Config LeakyIntegrateAndFire::get_config() const {
  LeakyIntegrateAndFireOptions options = state_->options;
  return written([&](Fields& f) { describe(f, options); });
}
LeakyIntegrateAndFire LeakyIntegrateAndFire::from_config(const Config& config) {
  LeakyIntegrateAndFireOptions options;
  read_config("LeakyIntegrateAndFire", config, [&](Fields& f) { describe(f, options); });
  return LeakyIntegrateAndFire(std::move(options));
}

// --- LeakyIntegrator

LeakyIntegrator::LeakyIntegrator(LeakyIntegratorOptions o)
    : tau(o.tau), decay_input(o.decay_input), return_sequences(o.return_sequences), name(std::move(o.name)) {
  check();
}
void LeakyIntegrator::check() const {
  if (!(tau >= 1))
    throw ValueError(label("LeakyIntegrator", name) + "expected a tau of at least 1, got " + number_text(tau));
}
Tensor LeakyIntegrator::operator()(const Tensor& given, Call&) const {
  const Tensor x = floating(given);
  need_steps(label("LeakyIntegrator", name), x);
  const Tensor all = linear_recurrence(1 - 1 / tau, decay_input ? x / tau : x, 1);
  return return_sequences ? all : squeeze(slice_axis(all, 1, {-1}), 1);
}
Config LeakyIntegrator::get_config() const { return config_of(*this, describing); }
LeakyIntegrator LeakyIntegrator::from_config(const Config& config) {
  return read_layer("LeakyIntegrator", config, LeakyIntegrator(), describing);
}

// --- RateCoding

struct RateCoding::State : Counted {
  Counted* copy() const override { return new State(*this); }
  std::int64_t steps = 1;
  RateCodingOptions options;
  Generator generator;
  bool built = false;
};

RateCoding::RateCoding(std::int64_t steps, RateCodingOptions options) : state_(new State) {
  State& s = *state_;
  need_steps(label("RateCoding", options.name), steps);
  s.steps = steps;
  s.options = std::move(options);
  if (s.options.seed) s.generator = Generator(*s.options.seed);
  s.built = s.options.seed.has_value();
}
Tensor RateCoding::operator()(const Tensor& given, Call& call) const {
  State& s = *state_;
  if (!s.built) s.generator = call.random().split();
  s.built = true;
  const Tensor x = floating(given);
  if (x.rank() == 0) throw ShapeError(label("RateCoding", name()) + "expected x with a batch, got a scalar");
  const Tensor rates = repeat(expand_dims(x, 1), s.steps, 1);
  return stop_gradient(cast(uniform_like(rates, &s.generator) < rates, x.dtype()));
}
void RateCoding::each(Visit visit) {
  visit.own(state_);
  if (state_->built) visit("generator", state_->generator);
}
const std::string& RateCoding::name() const { return state_->options.name; }
Config RateCoding::get_config() const {
  std::int64_t steps = state_->steps;
  RateCodingOptions options = state_->options;
  return written([&](Fields& f) { describe(f, steps, options); });
}
RateCoding RateCoding::from_config(const Config& config) {
  std::int64_t steps = 1;
  RateCodingOptions options;
  read_config("RateCoding", config, [&](Fields& f) { describe(f, steps, options); });
  return RateCoding(steps, std::move(options));
}

// --- LatencyCoding

LatencyCoding::LatencyCoding(std::int64_t steps, LatencyCodingOptions o)
    : steps(steps), linear(o.linear), tau(o.tau), threshold(o.threshold), name(std::move(o.name)) {
  check();
}
void LatencyCoding::check() const {
  const std::string where = label("LatencyCoding", name);
  need_steps(where, steps);
  if (!(tau > 0) || !(threshold > 0 && threshold < 1))
    throw ValueError(where + "expected a tau above 0 and a threshold between 0 and 1, got " + number_text(tau) +
                     " and " + number_text(threshold));
}
Tensor LatencyCoding::operator()(const Tensor& given, Call&) const {
  const Tensor x = clip(floating(given), 0, 1);
  if (x.rank() == 0) throw ShapeError(label("LatencyCoding", name) + "expected x with a batch, got a scalar");
  const auto last = static_cast<double>(steps - 1);
  const Tensor latency = linear ? (1 - x) * last : tau * log(x / maximum(x - threshold, 1e-30));
  const Tensor step = where(x < threshold, -1, minimum(rint(latency), last));
  return stop_gradient(moveaxis(one_hot(cast(step, int64), steps, x.dtype()), -1, 1));
}
Config LatencyCoding::get_config() const { return config_of(*this, describing); }
LatencyCoding LatencyCoding::from_config(const Config& config) {
  return read_layer("LatencyCoding", config, LatencyCoding(1), describing);
}

}  // namespace xgrad
