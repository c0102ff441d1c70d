#include <xgrad/graph/capture.hpp>
#include <xgrad/graph/grad.hpp>
#include <xgrad/graph/op.hpp>
#include <xgrad/ops/elementwise.hpp>
#include <xgrad/optim/names.hpp>
#include <xgrad/optim/optimizer.hpp>
#include <xgrad/optim/optimizers.hpp>

#include <memory>
#include <unordered_map>

namespace xgrad::optimizers {

std::vector<double> Rule::numbers(double learning_rate, std::int64_t) const { return {learning_rate}; }

struct Optimizer::State : Counted {
  State(Shared<const Rule> rule, LearningRate learning_rate, const Limits& limits)
      : rule(std::move(rule)), learning_rate(std::move(learning_rate)), limits(limits) {}
  Counted* copy() const override { return new State(*this); }

  std::vector<Parameter>& slots_of(const Parameter& parameter) { return slots[index.at(parameter.slot())]; }

  void revert(std::span<const Parameter> updated) {
    for (const Parameter& p : updated) {
      if (!p.trainable() || !index.contains(p.slot())) continue;
      p.revert();
      for (const Parameter& slot : slots_of(p)) slot.revert();
    }
  }

  Tensor constrained(const Parameter& parameter, const Tensor& w) const {
    if (constraints.empty()) return w;
    const auto found = constraints.find(parameter.slot());
    return found == constraints.end() ? w : found->second.second(w);
  }

  Shared<const Rule> rule;
  LearningRate learning_rate;
  Limits limits;
  std::int64_t iterations = 0;
  std::vector<Parameter> parameters;
  std::vector<std::vector<Parameter>> slots;
  std::unordered_map<const Slot*, std::size_t> index;
  std::unordered_map<const Slot*, std::pair<Parameter, constraints::Constraint>> constraints;
};

namespace {

Optimizer by_name(std::string_view name) {
  using Maker = Optimizer (*)();
  constexpr Named<Maker> table[] = {
      {"sgd", [] { return Optimizer(SGD()); }},
      {"rmsprop", [] { return Optimizer(RMSprop()); }},
      {"adam", [] { return Optimizer(Adam()); }},
  };
  std::string lower(name);
  for (char& c : lower)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return find_named(table, "optimizer", lower)();
}

Tensor scaled_to_norm(const Tensor& g, const Tensor& norm, double limit) {
  // A norm of zero gives the factor 1, a NaN stays one.
  return g * (limit / maximum(norm, limit));
}

std::vector<Tensor> limited(std::span<const Tensor> gradients, const Limits& limits) {
  std::vector<Tensor> out(gradients.begin(), gradients.end());
  if (limits.clipvalue > 0)
    for (Tensor& g : out)
      if (g.defined()) g = clip(g, -limits.clipvalue, limits.clipvalue);
  if (limits.clipnorm > 0)
    for (Tensor& g : out)
      if (g.defined()) g = scaled_to_norm(g, sqrt(sum(square(g))), limits.clipnorm);
  if (limits.global_clipnorm > 0) {
    Tensor squares;
    for (const Tensor& g : out)
      if (g.defined()) squares = squares.defined() ? squares + sum(square(g)) : sum(square(g));
    if (squares.defined()) {
      const Tensor norm = sqrt(squares);
      // The norm may be wider than a gradient when dtypes are mixed.
      for (Tensor& g : out)
        if (g.defined()) g = scaled_to_norm(g, cast(norm, g.dtype()), limits.global_clipnorm);
    }
  }
  return out;
}

/// Zeros as a value, which needs no plan.
Tensor zeros_now(const Shape& shape, DType dtype) {
  return with_dtype(dtype, [&](auto zero) {
    using T = decltype(zero);
    const auto n = static_cast<std::size_t>(shape.size());
    const std::unique_ptr<T[]> values(new T[n]());  // not a vector: one of bool has no elements to point to
    return tensor(std::span<const T>(values.get(), n), shape, {.dtype = dtype});
  });
}

/// In a captured function: the numbers of the steps after the one that was recorded.
template <class State>
class NextStep final : public Repeated {
 public:
  NextStep(const Shared<State>& state, const Tensor (&rates)[2], const std::vector<Tensor> (&numbers)[2])
      : state_(state), rates_{rates[0], rates[1]}, numbers_{numbers[0], numbers[1]} {}
  void next() override {
    State& s = *state_;
    const double rate = s.learning_rate(s.iterations);
    const std::vector<double> values = s.rule->numbers(rate, s.iterations + 1);
    for (int which = 0; which < 2; ++which) {
      if (rates_[which].defined()) set_changing_number(rates_[which], rate);
      for (std::size_t i = 0; i < numbers_[which].size(); ++i) set_changing_number(numbers_[which][i], values[i]);
    }
    ++s.iterations;
  }
  void undo() noexcept override { --state_->iterations; }

 private:
  const Shared<State> state_;
  const Tensor rates_[2];
  const std::vector<Tensor> numbers_[2];
};

std::string describe(const Parameter& p) {
  return (p.name().empty() ? std::string("without a name") : "'" + std::string(p.name()) + "'") + " " +
         to_string(p.shape()) + " " + name_of(p.dtype());
}

}  // namespace

Optimizer::Optimizer(std::string_view name) : Optimizer(by_name(name)) {}

Optimizer::Optimizer(Shared<const Rule> rule, LearningRate learning_rate, const Limits& limits)
    : state_(new State(std::move(rule), std::move(learning_rate), limits)) {
  const std::string where = "[" + std::string(this->name()) + "] ";
  for (const double value : {limits.weight_decay, limits.clipnorm, limits.clipvalue, limits.global_clipnorm})
    if (!(value >= 0))
      throw ValueError(where + "expected weight_decay and limits of 0 or more, got " + number_text(value));
  if ((limits.clipnorm > 0) + (limits.clipvalue > 0) + (limits.global_clipnorm > 0) > 1)
    throw ValueError(where + "expected at most one of clipnorm, clipvalue and global_clipnorm, got clipnorm = " +
                     number_text(limits.clipnorm) + ", clipvalue = " + number_text(limits.clipvalue) +
                     ", global_clipnorm = " + number_text(limits.global_clipnorm));
}

std::string_view Optimizer::name() const { return state_->rule->name(); }
std::int64_t Optimizer::iterations() const { return state_->iterations; }
double Optimizer::learning_rate() const { return state_->learning_rate(state_->iterations); }
bool Optimizer::scheduled() const { return state_->learning_rate.scheduled(); }
void Optimizer::set_learning_rate(LearningRate learning_rate) { state_->learning_rate = std::move(learning_rate); }
const std::vector<Parameter>& Optimizer::parameters() const { return state_->parameters; }

void Optimizer::build(std::span<const Parameter> parameters) {
  State& s = *state_;
  for (const Parameter& p : parameters) {
    if (!p.defined())
      throw ValueError("[" + std::string(name()) + "] expected Parameters with a value, got one that is not built yet");
    if (!p.trainable() || s.index.contains(p.slot())) continue;
    if (!is_floating(p.dtype()))
      throw DTypeError("[" + std::string(name()) + "] expected floating Parameters, got " + describe(p));
    std::vector<Parameter> slots;
    for (const std::string_view slot : s.rule->slots())
      slots.emplace_back(zeros_now(p.shape(), p.dtype()), std::string(p.name()) + "/" + std::string(slot), false);
    s.parameters.push_back(p);
    s.slots.push_back(std::move(slots));
    s.index.emplace(p.slot(), s.slots.size() - 1);
  }
}

void Optimizer::constrain(const Parameter& parameter, constraints::Constraint constraint) {
  if (!parameter.defined())
    throw ValueError("[" + std::string(name()) + "] expected a Parameter with a value to constrain, got one that is " +
                     "not built yet");
  // The Parameter is kept, so that no other one gets its identity.
  if (constraint) state_->constraints[parameter.slot()] = {parameter, std::move(constraint)};
  else state_->constraints.erase(parameter.slot());
}

void Optimizer::record(std::span<const Parameter> parameters, std::span<const Tensor> gradients) {
  State& s = *state_;
  const std::string where = "[" + std::string(name()) + "] ";
  if (parameters.size() != gradients.size())
    throw ValueError(where + "expected a gradient for each of " + std::to_string(parameters.size()) +
                     " Parameters, got " + std::to_string(gradients.size()));
  build(parameters);
  for (std::size_t i = 0; i < parameters.size(); ++i)
    if (gradients[i].defined() && gradients[i].shape() != parameters[i].shape())
      throw ShapeError(where + "expected a gradient of shape " + to_string(parameters[i].shape()) + " for Parameter " +
                       describe(parameters[i]) + ", got " + to_string(gradients[i].shape()));

  const NoGrad no_grad;
  const Quiet quiet;
  const double rate = s.learning_rate(s.iterations);
  const std::vector<double> values = s.rule->numbers(rate, s.iterations + 1);
  // One scalar a number and dtype, in the order of the list: the graph must not depend on which numbers happen to be
  // equal.
  std::vector<Tensor> numbers[2];
  Tensor rates[2];
  const auto numbers_in = [&](DType dtype) -> std::size_t {
    const std::size_t which = dtype == float64;
    if (!rates[which].defined()) {
      rates[which] = changing_number(rate, dtype);
      for (const double value : values) numbers[which].push_back(changing_number(value, dtype));
    }
    return which;
  };

  try {
    const std::vector<Tensor> used = limited(gradients, s.limits);
    std::vector<std::pair<Parameter, Tensor>> updates;
    for (std::size_t i = 0; i < parameters.size(); ++i) {
      const Parameter& p = parameters[i];
      if (!p.trainable() || !used[i].defined()) continue;
      const std::size_t which = numbers_in(p.dtype());
      const Tensor g = cast(used[i], p.dtype());
      Tensor w = p.value();
      if (s.limits.weight_decay > 0) w = w - w * s.limits.weight_decay * rates[which];
      updates.emplace_back(p, s.constrained(p, s.rule->update(w, g, s.slots_of(p), numbers[which])));
    }
    for (const auto& [parameter, value] : updates) parameter.assign(value);
  } catch (...) {
    s.revert(parameters);
    throw;
  }
  ++s.iterations;
  if (capturing()) repeat(new NextStep(state_, rates, numbers));
}

void Optimizer::revert(std::span<const Parameter> parameters) {
  state_->revert(parameters);
  --state_->iterations;
}

void Optimizer::apply(std::span<const Parameter> parameters, std::span<const Tensor> gradients) {
  record(parameters, gradients);
  try {
    eval({});
  } catch (...) {
    revert(parameters);
    throw;
  }
}

void Optimizer::step() {
  const std::vector<Parameter>& parameters = state_->parameters;
  if (parameters.empty())
    throw ValueError("[" + std::string(name()) + "] step() needs Parameters: call build(parameters(model)) first");
  std::vector<Tensor> gradients;
  for (const Parameter& p : parameters) gradients.push_back(p.grad());
  apply(parameters, gradients);
}

void Optimizer::zero_grad() const {
  for (const Parameter& p : state_->parameters) p.zero_grad();
}

void Optimizer::minimize(const Tensor& loss, std::span<const Parameter> parameters) {
  apply(parameters, grad(loss, parameters));
}

void Optimizer::minimize(const Tensor& loss) {
  if (state_->parameters.empty())
    throw ValueError("[" + std::string(name()) + "] minimize(loss) needs Parameters: call build(parameters(model)), or "
                     "minimize(loss, parameters(model))");
  const std::vector<Parameter> parameters = state_->parameters;
  minimize(loss, parameters);
}

NamedTensors Optimizer::state() const {
  NamedTensors out;
  out.emplace_back("iterations", Tensor(state_->iterations));
  const std::vector<std::string_view> names = state_->rule->slots();
  for (std::size_t i = 0; i < state_->slots.size(); ++i)
    for (std::size_t k = 0; k < names.size(); ++k)
      out.emplace_back(std::string(names[k]) + "/" + std::to_string(i), state_->slots[i][k].value());
  return out;
}

void Optimizer::load_state(const NamedTensors& state) {
  const NamedTensors expected = this->state();
  const std::string where = "[" + std::string(name()) + "] ";
  if (state.size() != expected.size())
    throw ValueError(where + "expected a state of " + std::to_string(expected.size()) + " tensors (is the optimizer " +
                     "built for the same Parameters?), got " + std::to_string(state.size()));
  for (std::size_t i = 0; i < state.size(); ++i) {
    const auto& [name, value] = expected[i];
    if (state[i].first != name)
      throw ValueError(where + "expected '" + name + "' as tensor " + std::to_string(i) + " of the state, got '" +
                       state[i].first + "'");
    if (state[i].second.shape() != value.shape() || state[i].second.dtype() != value.dtype())
      throw ValueError(where + "expected '" + name + "' to be " + to_string(value.shape()) + " " +
                       name_of(value.dtype()) + ", got " + to_string(state[i].second.shape()) + " " +
                       name_of(state[i].second.dtype()));
  }
  const std::int64_t iterations = state[0].second.item<std::int64_t>();
  std::size_t next = 1;
  for (const std::vector<Parameter>& slots : state_->slots)
    for (const Parameter& slot : slots) slot.assign(state[next++].second);
  state_->iterations = iterations;
  eval({});
}

}  // namespace xgrad::optimizers
