#include <xgrad/nn/layer_parts.hpp>
#include <xgrad/nn/mixture_of_experts.hpp>
#include <xgrad/nn/saving.hpp>
#include <xgrad/ops/activation.hpp>
#include <xgrad/ops/elementwise.hpp>
#include <xgrad/ops/product.hpp>
#include <xgrad/ops/random.hpp>
#include <xgrad/ops/reduce.hpp>
#include <xgrad/ops/shape.hpp>
#include <xgrad/ops/sorting.hpp>

#include <algorithm>
#include <limits>

namespace xgrad {

namespace {

void describe(Fields& f, std::vector<Config>& experts, MixtureOfExpertsOptions& o) {
  f("experts", experts);
  f("top_k", o.top_k);
  f("load_balancing", o.load_balancing);
  f("noisy_gate", o.noisy_gate);
  f("use_bias", o.use_bias);
  f("kernel_initializer", o.kernel_initializer);
  f("bias_initializer", o.bias_initializer);
  f("kernel_regularizer", o.kernel_regularizer);
  f("name", o.name);
  f("dtype", o.dtype);
}

}  // namespace

struct MixtureOfExperts::State : Counted {
  State(std::vector<Layer> experts, MixtureOfExpertsOptions options)
      : experts(std::move(experts)), options(std::move(options)) {}
  Counted* copy() const override { return new State(*this); }
  std::string who() const { return label("MixtureOfExperts", options.name); }

  void build(std::int64_t features, DType dtype, Call& call) {
    if (kernel.defined()) return;
    const std::string prefix = (options.name.empty() ? "mixture_of_experts" : options.name) + "/";
    const auto n = static_cast<std::int64_t>(experts.size());
    if (options.use_bias) bias = Parameter(options.bias_initializer({n}, dtype, call.random()), prefix + "bias");
    if (options.noisy_gate) {
      noise_kernel = Parameter(zeros({features, n}, {.dtype = dtype}), prefix + "noise_kernel");
      generator = call.random().split();
    }
    kernel = Parameter(options.kernel_initializer({features, n}, dtype, call.random()), prefix + "kernel");
  }

  struct Gate {
    Tensor weights;        ///< of the experts
    Tensor probabilities;  ///< softmax over all of them
    Tensor chosen;         ///< 1 for those that answer; undefined if all do
  };
  Gate gate(const Tensor& x, bool training) {
    const Tensor rows = x.rank() == 2 ? x : flatten(x, 1);
    if (rows.dim(1) != kernel.shape()[0])
      throw ShapeError(who() + "expected x with " + std::to_string(kernel.shape()[0]) + " features, got " +
                       to_string(x.shape()));
    Tensor logits = matmul(rows, kernel);
    if (bias.defined()) logits = logits + bias;
    if (training && noise_kernel.defined())
      logits = logits + softplus(matmul(rows, noise_kernel)) * normal_like(logits, &generator);
    const Tensor probabilities = softmax(logits);
    if (options.top_k == 0 || options.top_k == static_cast<std::int64_t>(experts.size()))
      return {probabilities, probabilities, {}};
    // The rank of each expert among the logits of a row: of equal ones the first counts as larger.
    const Tensor ranks = argsort(argsort(logits, -1, true), -1);
    const Tensor chosen = ranks < options.top_k;
    const Tensor left = where(chosen, logits, -std::numeric_limits<double>::infinity());
    return {softmax(left), probabilities, cast(chosen, logits.dtype())};
  }

  std::vector<Layer> experts;
  MixtureOfExpertsOptions options;
  Parameter kernel, bias, noise_kernel;
  Generator generator;
};

MixtureOfExperts::MixtureOfExperts(std::vector<Layer> experts, MixtureOfExpertsOptions options)
    : state_(new State(std::move(experts), std::move(options))) {
  State& s = *state_;
  const auto n = static_cast<std::int64_t>(s.experts.size());
  if (n < 2) throw ValueError(s.who() + "expected two experts or more, got " + std::to_string(n));
  if (s.options.top_k < 0 || s.options.top_k > n)
    throw ValueError(s.who() + "expected top_k from 0 to the number of experts, " + std::to_string(n) + ", got " +
                     std::to_string(s.options.top_k));
  if (!(s.options.load_balancing >= 0))
    throw ValueError(s.who() + "expected load_balancing of at least 0, got " + number_text(s.options.load_balancing));
}

Tensor MixtureOfExperts::operator()(const Tensor& given, Call& call) const {
  State& s = *state_;
  const Tensor x = floating(given);
  if (x.rank() < 2)
    throw ShapeError(s.who() + "expected x of shape (batch, ..., features), got " + to_string(x.shape()));
  s.build(x.rank() == 2 ? x.dim(1) : x.size() / std::max<std::int64_t>(x.dim(0), 1),
          s.options.dtype.value_or(x.dtype()), call);
  const State::Gate gate = s.gate(x, call.training);
  const auto n = static_cast<std::int64_t>(s.experts.size());
  Tensor y;
  for (std::int64_t e = 0; e < n; ++e) {
    const Tensor answer = s.experts[static_cast<std::size_t>(e)](given, call);
    if (answer.rank() < 2 || (y.defined() && answer.shape() != y.shape()))
      throw ShapeError(s.who() + "expected results of one shape (batch, ...) from all experts, got " +
                       (y.defined() ? to_string(y.shape()) + " and " : "") + to_string(answer.shape()));
    Tensor weight = slice_axis(gate.weights, 1, {e, e + 1});
    while (weight.rank() < answer.rank()) weight = expand_dims(weight, -1);
    y = y.defined() ? y + weight * answer : weight * answer;
  }
  if (s.options.load_balancing > 0) {
    const Tensor mean_probability = mean(gate.probabilities, 0);
    const Tensor share =
        gate.chosen.defined() ? mean(gate.chosen, 0) / static_cast<double>(s.options.top_k) : mean_probability;
    call.penalties.push_back(s.options.load_balancing * static_cast<double>(n) * sum(share * mean_probability));
  }
  return y;
}

Tensor MixtureOfExperts::gate(const Tensor& x) const {
  if (!state_->kernel.defined()) throw ValueError(state_->who() + "has no weights yet: call it first");
  return state_->gate(floating(x), false).weights;
}

void MixtureOfExperts::each(Visit visit) {
  visit.own(state_);
  State& s = *state_;
  visit("kernel", s.kernel, s.options.kernel_regularizer);
  if (s.options.use_bias) visit("bias", s.bias);
  if (s.options.noisy_gate) {
    visit("noise_kernel", s.noise_kernel);
    if (s.kernel.defined()) visit("generator", s.generator);
  }
  visit("experts", s.experts);
}
const std::string& MixtureOfExperts::name() const { return state_->options.name; }
const Parameter& MixtureOfExperts::kernel() const { return state_->kernel; }

Config MixtureOfExperts::get_config() const {
  std::vector<Config> experts;
  for (const Layer& expert : state_->experts) experts.push_back(layer_config(expert));
  MixtureOfExpertsOptions options = state_->options;
  return written([&](Fields& f) { describe(f, experts, options); });
}
MixtureOfExperts MixtureOfExperts::from_config(const Config& config, const CustomObjects& custom) {
  std::vector<Config> configs;
  MixtureOfExpertsOptions options;
  read_config("MixtureOfExperts", config, [&](Fields& f) { describe(f, configs, options); });
  std::vector<Layer> experts;
  for (const Config& expert : configs) experts.push_back(layer_from_config(expert, custom));
  return MixtureOfExperts(std::move(experts), std::move(options));
}

}  // namespace xgrad
