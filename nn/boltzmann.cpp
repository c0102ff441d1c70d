#include <xgrad/graph/grad.hpp>
#include <xgrad/nn/boltzmann.hpp>
#include <xgrad/nn/layer_parts.hpp>
#include <xgrad/ops/activation.hpp>
#include <xgrad/ops/elementwise.hpp>
#include <xgrad/ops/product.hpp>
#include <xgrad/ops/random.hpp>
#include <xgrad/ops/reduce.hpp>
#include <xgrad/ops/shape.hpp>

namespace xgrad {

namespace {

void describe(Fields& f, std::int64_t& units, RestrictedBoltzmannMachineOptions& o) {
  f("units", units);
  f("kernel_initializer", o.kernel_initializer);
  f("visible_bias_initializer", o.visible_bias_initializer);
  f("hidden_bias_initializer", o.hidden_bias_initializer);
  f("kernel_regularizer", o.kernel_regularizer);
  f("seed", o.seed);
  f("name", o.name);
  f("dtype", o.dtype);
}

}  // namespace

struct RestrictedBoltzmannMachine::State : Counted {
  State(std::int64_t units, RestrictedBoltzmannMachineOptions options) : units(units), options(std::move(options)) {}
  Counted* copy() const override { return new State(*this); }
  std::string who() const { return label("RestrictedBoltzmannMachine", options.name); }
  /// v as floating numbers, once it is known to fit.
  Tensor fitted(const Tensor& v) const {
    if (!kernel.defined()) throw ValueError(who() + "has no weights yet: build or call it first");
    if (v.rank() == 0 || v.dim(-1) != kernel.shape()[0])
      throw ShapeError(who() + "expected " + std::to_string(kernel.shape()[0]) +
                       " visible units on the last axis, got " + to_string(v.shape()));
    return floating(v);
  }
  Tensor inputs(const Tensor& v) const { return matmul(v, kernel) + hidden_bias; }
  Tensor drawn(const Tensor& probability) {
    return cast(uniform_like(probability, &generator) < probability, probability.dtype());
  }
  std::int64_t units;
  RestrictedBoltzmannMachineOptions options;
  Parameter kernel, visible_bias, hidden_bias;
  Generator generator;
};

RestrictedBoltzmannMachine::RestrictedBoltzmannMachine(std::int64_t units, RestrictedBoltzmannMachineOptions options)
    : state_(new State(units, std::move(options))) {
  if (units <= 0) throw ValueError(state_->who() + "expected units above 0, got " + std::to_string(units));
}

void RestrictedBoltzmannMachine::build(std::int64_t visible, DType dtype, Generator& generator) const {
  State& s = *state_;
  if (s.kernel.defined()) return;
  const RestrictedBoltzmannMachineOptions& o = s.options;
  const std::string prefix = (o.name.empty() ? "restricted_boltzmann_machine" : o.name) + "/";
  s.visible_bias = Parameter(o.visible_bias_initializer({visible}, dtype, generator), prefix + "visible_bias");
  s.hidden_bias = Parameter(o.hidden_bias_initializer({s.units}, dtype, generator), prefix + "hidden_bias");
  const Tensor first = o.kernel_initializer({visible, s.units}, dtype, generator);
  s.generator = o.seed ? Generator(*o.seed) : generator.split();
  s.kernel = Parameter(first, prefix + "kernel");
}

Tensor RestrictedBoltzmannMachine::operator()(const Tensor& given, Call& call) const {
  const Tensor v = floating(given);
  if (v.rank() == 0) throw ShapeError(state_->who() + "expected v with at least one axis, got a scalar");
  build(v.dim(-1), state_->options.dtype.value_or(v.dtype()), call.random());
  return sigmoid(state_->inputs(state_->fitted(v)));
}

Tensor RestrictedBoltzmannMachine::down(const Tensor& h) const {
  const State& s = *state_;
  if (!s.kernel.defined()) throw ValueError(s.who() + "has no weights yet: build or call it first");
  if (h.rank() == 0 || h.dim(-1) != s.units)
    throw ShapeError(s.who() + "expected " + std::to_string(s.units) + " hidden units on the last axis, got " +
                     to_string(h.shape()));
  return sigmoid(matmul(floating(h), transpose(s.kernel)) + s.visible_bias);
}

Tensor RestrictedBoltzmannMachine::gibbs(const Tensor& v) const {
  State& s = *state_;
  const NoGrad no_gradient;
  return s.drawn(down(s.drawn(sigmoid(s.inputs(s.fitted(v))))));
}

Tensor RestrictedBoltzmannMachine::free_energy(const Tensor& given) const {
  const State& s = *state_;
  const Tensor v = s.fitted(given);
  return -matmul(v, s.visible_bias) - sum(softplus(s.inputs(v)), -1);
}

Tensor RestrictedBoltzmannMachine::contrastive_divergence(const Tensor& v, int steps, const Parameter& chains) const {
  if (steps < 1) throw ValueError(state_->who() + "expected steps of at least 1, got " + std::to_string(steps));
  Tensor dream = chains.defined() ? chains.value() : v;
  for (int i = 0; i < steps; ++i) dream = gibbs(dream);
  if (chains.defined()) chains.assign(dream);
  return mean(free_energy(v)) - mean(free_energy(dream));
}

void RestrictedBoltzmannMachine::each(Visit visit) {
  visit.own(state_);
  State& s = *state_;
  visit("kernel", s.kernel, s.options.kernel_regularizer);
  visit("visible_bias", s.visible_bias);
  visit("hidden_bias", s.hidden_bias);
  if (s.kernel.defined()) visit("generator", s.generator);
}
const std::string& RestrictedBoltzmannMachine::name() const { return state_->options.name; }
const Parameter& RestrictedBoltzmannMachine::kernel() const { return state_->kernel; }
const Parameter& RestrictedBoltzmannMachine::visible_bias() const { return state_->visible_bias; }
const Parameter& RestrictedBoltzmannMachine::hidden_bias() const { return state_->hidden_bias; }

Config RestrictedBoltzmannMachine::get_config() const {
  State s = *state_;
  return written([&](Fields& f) { describe(f, s.units, s.options); });
}
RestrictedBoltzmannMachine RestrictedBoltzmannMachine::from_config(const Config& config) {
  std::int64_t units = 0;
  RestrictedBoltzmannMachineOptions options;
  read_config("RestrictedBoltzmannMachine", config, [&](Fields& f) { describe(f, units, options); });
  return RestrictedBoltzmannMachine(units, std::move(options));
}

}  // namespace xgrad
