#include <xgrad/graph/capture.hpp>
#include <xgrad/graph/grad.hpp>
#include <xgrad/graph/op.hpp>
#include <xgrad/ops/elementwise.hpp>
#include <xgrad/ops/reduce.hpp>
#include <xgrad/optim/optimizer_state.hpp>

#include <algorithm>
#include <memory>

namespace xgrad::optimizers {

void Rule::numbers(double learning_rate, std::int64_t, std::vector<double>& out) const { out.push_back(learning_rate); }

std::vector<StateSlot> Rule::state_of(const Parameter& parameter) const {
  std::vector<StateSlot> out;
  for (const std::string_view name : slots()) out.push_back({name, parameter.shape()});
  return out;
}

namespace {

Tensor scaled_to_norm(const Tensor& g, const Tensor& norm, double limit) {
  // A norm of zero gives the factor 1, a NaN stays one.
  return g * (limit / maximum(norm, limit));
}

void limit(std::vector<Tensor>& out, const Common& limits) {
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
}

/// One number everywhere as a value, which needs no plan.
Tensor filled_now(const Shape& shape, DType dtype, double value) {
  return with_dtype(dtype, [&](auto zero) {
    using T = decltype(zero);
    const auto n = static_cast<std::size_t>(shape.size());
    const std::unique_ptr<T[]> values(new T[n]());  // not a vector: one of bool has no elements to point to
    if (value != 0) std::fill_n(values.get(), n, static_cast<T>(value));
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
    const double rate = s.learning_rate(s.steps);
    s.next_numbers(values_);
    for (int which = 0; which < 2; ++which) {
      if (rates_[which].defined()) set_changing_number(rates_[which], rate);
      for (std::size_t i = 0; i < numbers_[which].size(); ++i) set_changing_number(numbers_[which][i], values_[i]);
    }
    ++s.steps;
    ++s.recorded;
  }
  void undo() noexcept override {
    --state_->steps;
    --state_->recorded;
  }

 private:
  const Shared<State> state_;
  const Tensor rates_[2];
  const std::vector<Tensor> numbers_[2];
  std::vector<double> values_;
};

bool all_finite(std::span<const Tensor> gradients) {
  Tensor finite;
  for (const Tensor& g : gradients)
    if (g.defined()) finite = finite.defined() ? logical_and(finite, all(isfinite(g))) : all(isfinite(g));
  return !finite.defined() || finite.item<bool>();
}

/// Adds gradients up; for the last of so many steps the gradients become their mean, and the sums begin anew.
template <class State>
void accumulate(State& s, std::span<const Parameter> parameters, std::vector<Tensor>& gradients, bool last) {
  for (std::size_t i = 0; i < parameters.size(); ++i) {
    if (!parameters[i].trainable() || !gradients[i].defined()) continue;
    const Parameter& sum = s.kept_of(parameters[i]).accumulated;
    const Tensor total = sum + cast(gradients[i], sum.dtype());
    if (last) gradients[i] = total / static_cast<double>(s.common.gradient_accumulation_steps);
    sum.assign(last ? zeros_like(total) : total);
  }
}

std::string describe(const Parameter& p) {
  return (p.name().empty() ? std::string("without a name") : "'" + std::string(p.name()) + "'") + " " +
         to_string(p.shape()) + " " + name_of(p.dtype());
}

}  // namespace

Optimizer::Optimizer(Shared<const Rule> rule, LearningRate learning_rate, const Common& common)
    : state_(new State(std::move(rule), std::move(learning_rate), common)) {
  const std::string where = "[" + std::string(this->name()) + "] ";
  const std::pair<const char*, double> not_negative[] = {{"weight_decay", common.weight_decay},
                                                         {"clipnorm", common.clipnorm},
                                                         {"clipvalue", common.clipvalue},
                                                         {"global_clipnorm", common.global_clipnorm},
                                                         {"loss_scale_factor", common.loss_scale_factor}};
  for (const auto& [what, value] : not_negative)
    if (!(value >= 0)) throw ValueError(where + "expected " + what + " of 0 or more, got " + number_text(value));
  if ((common.clipnorm > 0) + (common.clipvalue > 0) + (common.global_clipnorm > 0) > 1)
    throw ValueError(where + "expected at most one of clipnorm, clipvalue and global_clipnorm, got clipnorm = " +
                     number_text(common.clipnorm) + ", clipvalue = " + number_text(common.clipvalue) +
                     ", global_clipnorm = " + number_text(common.global_clipnorm));
  if (!(common.ema_momentum >= 0 && common.ema_momentum <= 1))
    throw ValueError(where + "expected ema_momentum between 0 and 1, got " + number_text(common.ema_momentum));
  if (common.ema_overwrite_frequency < 0)
    throw ValueError(where + "expected ema_overwrite_frequency of 1 or more, or 0 for never, got " +
                     std::to_string(common.ema_overwrite_frequency));
  if (common.gradient_accumulation_steps < 0 || common.gradient_accumulation_steps == 1)
    throw ValueError(where + "expected gradient_accumulation_steps of 2 or more, or 0 for none, got " +
                     std::to_string(common.gradient_accumulation_steps));
}

Optimizer::Optimizer(const Optimizer& inner, const Scaling& scaling) : state_(new State(*inner.state_)) {
  state_->scaling = scaling;
  state_->common.loss_scale_factor = 0;
}

const Optimizer::Scaling& Optimizer::scaling() const { return *state_->scaling; }

std::string_view Optimizer::name() const { return state_->rule->name(); }
std::int64_t Optimizer::iterations() const { return state_->updates(); }
std::int64_t Optimizer::recorded() const { return state_->recorded; }
double Optimizer::learning_rate() const {
  return state_->parts.empty() ? state_->learning_rate(state_->steps) : state_->parts.back().optimizer.learning_rate();
}
bool Optimizer::scheduled() const {
  return state_->parts.empty() ? state_->learning_rate.scheduled() : state_->parts.back().optimizer.scheduled();
}
void Optimizer::set_learning_rate(LearningRate learning_rate) {
  if (state_->parts.empty())
    state_->learning_rate = std::move(learning_rate);
  else
    state_->parts.back().optimizer.set_learning_rate(std::move(learning_rate));
}
const LearningRate& Optimizer::schedule() const {
  return state_->parts.empty() ? state_->learning_rate : state_->parts.back().optimizer.schedule();
}
const Made& Optimizer::made() const { return state_->made; }
void Optimizer::made_with(Made made) { state_->made = std::move(made); }
const std::vector<Parameter>& Optimizer::parameters() const { return state_->parameters; }

void Optimizer::build(std::span<const Parameter> parameters) {
  State& s = *state_;
  for (const Parameter& p : parameters) {
    if (!p.defined())
      throw ValueError("[" + std::string(name()) + "] expected Parameters with a value, got one that is not built yet");
    if (!p.trainable() || s.index.contains(p.slot())) continue;
    if (!is_floating(p.dtype()))
      throw DTypeError("[" + std::string(name()) + "] expected floating Parameters, got " + describe(p));
    const auto keep = [&](std::string_view what, const Tensor& value) {
      return Parameter(value, std::string(p.name()) + "/" + std::string(what), false);
    };
    State::Kept kept;
    if (!s.parts.empty()) s.build_part(p);
    for (const StateSlot& slot : s.rule->state_of(p))
      kept.slots.push_back(keep(slot.name, slot.copy ? p.value() : filled_now(slot.shape, p.dtype(), slot.value)));
    if (s.common.use_ema) kept.average = keep("average", filled_now(p.shape(), p.dtype(), 0));
    if (s.accumulates()) kept.accumulated = keep("gradient_accumulator", filled_now(p.shape(), p.dtype(), 0));
    s.parameters.push_back(p);
    s.kept.push_back(std::move(kept));
    s.index.emplace(p.slot(), s.kept.size() - 1);
    s.decide_decay(s.kept.size() - 1);
  }
}

void Optimizer::exclude_from_weight_decay(std::span<const Parameter> parameters, std::span<const std::string> names) {
  State& s = *state_;
  std::vector<std::regex> patterns;
  for (const std::string& name : names) {
    try {
      patterns.emplace_back(name);
    } catch (const std::regex_error& error) {
      throw ValueError("[" + std::string(this->name()) +
                       "] expected regular expressions for names without decay, got '" + name + "': " + error.what());
    }
  }
  for (State::Part& part : s.parts) part.optimizer.exclude_from_weight_decay(parameters, names);
  for (const Parameter& p : parameters) s.undecayed.emplace(p.slot(), p);
  for (std::regex& pattern : patterns) s.undecayed_patterns.push_back(std::move(pattern));
  s.undecayed_names.insert(s.undecayed_names.end(), names.begin(), names.end());
  for (std::size_t i = 0; i < s.kept.size(); ++i) s.decide_decay(i);
}

void Optimizer::exclude_from_weight_decay(std::initializer_list<std::string> names) {
  exclude_from_weight_decay({}, std::span(names.begin(), names.size()));
}

std::vector<Parameter> Optimizer::undecayed() const {
  std::vector<Parameter> out;
  for (const auto& [slot, parameter] : state_->undecayed) out.push_back(parameter);
  return out;
}
const std::vector<std::string>& Optimizer::undecayed_names() const { return state_->undecayed_names; }

std::vector<Parameter> Optimizer::averages() const {
  if (!state_->parts.empty()) return state_->averages_of_parts();
  std::vector<Parameter> out;
  if (state_->common.use_ema)
    for (const State::Kept& kept : state_->kept) out.push_back(kept.average);
  return out;
}

void Optimizer::finalize_variable_values() {
  for (State::Part& part : state_->parts) part.optimizer.finalize_variable_values();
  const std::vector<Parameter> found = averages();
  for (std::size_t i = 0; i < found.size(); ++i) state_->parameters[i].assign(found[i].value());
  eval({});
}

Tensor Optimizer::scale_loss(const Tensor& loss) const {
  const State& s = *state_;
  if (s.scaling) return loss * Tensor(s.scaling->scale, {.dtype = loss.dtype()});
  return s.common.loss_scale_factor > 0 ? loss * s.common.loss_scale_factor : loss;
}

void Optimizer::constrain(const Parameter& parameter, constraints::Constraint constraint) {
  if (!parameter.defined())
    throw ValueError("[" + std::string(name()) + "] expected a Parameter with a value to constrain, got one that is " +
                     "not built yet");
  // The Parameter is kept, so that no other one gets its identity.
  for (State::Part& part : state_->parts) part.optimizer.constrain(parameter, constraint);
  if (constraint)
    state_->constraints[parameter.slot()] = {parameter, std::move(constraint)};
  else
    state_->constraints.erase(parameter.slot());
}

void Optimizer::record(std::span<const Parameter> parameters, std::span<const Tensor> gradients) {
  State& s = *state_;
  const auto where = [&] { return "[" + std::string(name()) + "] "; };
  if (parameters.size() != gradients.size())
    throw ValueError(where() + "expected a gradient for each of " + std::to_string(parameters.size()) +
                     " Parameters, got " + std::to_string(gradients.size()));
  build(parameters);
  for (std::size_t i = 0; i < parameters.size(); ++i)
    if (gradients[i].defined() && gradients[i].shape() != parameters[i].shape())
      throw ShapeError(where() + "expected a gradient of shape " + to_string(parameters[i].shape()) +
                       " for Parameter " + describe(parameters[i]) + ", got " + to_string(gradients[i].shape()));

  const Common& common = s.common;
  const std::int64_t updates = s.updates();
  const bool updating = !s.accumulates() || (s.steps + 1) % common.gradient_accumulation_steps == 0;
  const bool overwriting =
      common.use_ema && common.ema_overwrite_frequency > 0 && (updates + 1) % common.ema_overwrite_frequency == 0;
  if (capturing() && (s.accumulates() || s.scaling || (common.use_ema && common.ema_overwrite_frequency > 0)))
    throw ValueError(where() + "a captured function records one step for all: gradient_accumulation_steps, " +
                     "ema_overwrite_frequency and dynamic loss scales make steps that differ");

  s.steps_before = s.steps;
  s.scaling_before = s.scaling;
  double scale = common.loss_scale_factor;
  if (s.scaling) {
    scale = s.scaling->scale;
    if (!all_finite(gradients)) {
      s.scaling->scale *= 0.5;
      s.scaling->finite_steps = 0;
      ++s.recorded;
      return;
    }
    if (++s.scaling->finite_steps == s.scaling->growth_steps) {
      s.scaling->scale *= 2;
      s.scaling->finite_steps = 0;
    }
  }

  const NoGrad no_grad;
  const Quiet quiet;
  const double rate = s.learning_rate(s.steps);
  Taken scratch(s.scratch);
  s.next_numbers(scratch->values);
  // One scalar a number and dtype, in the order of the list: the graph must not depend on which numbers happen to be
  // equal.
  std::vector<Tensor>(&numbers)[2] = scratch->numbers;
  Tensor rates[2];
  const auto numbers_in = [&](DType dtype) -> std::size_t {
    const std::size_t which = dtype == float64;
    if (!rates[which].defined()) {
      rates[which] = changing_number(rate, dtype);
      for (const double value : scratch->values) numbers[which].push_back(changing_number(value, dtype));
    }
    return which;
  };

  try {
    if (!s.parts.empty()) {
      s.record_parts(parameters, gradients);
      ++s.steps;
      ++s.recorded;
      if (capturing()) repeat(new NextStep(state_, rates, numbers));
      return;
    }
    std::vector<Tensor>& used = scratch->used;
    used.assign(gradients.begin(), gradients.end());
    if (scale > 0)
      for (Tensor& g : used)
        if (g.defined()) g = g / Tensor(scale, {.dtype = g.dtype()});
    if (s.accumulates()) accumulate(s, parameters, used, updating);
    auto& changes = scratch->changes;
    std::span<const Parameter> changing = parameters;
    if (updating) {
      limit(used, common);
      for (std::size_t i = 0; i < parameters.size(); ++i) {
        const Parameter& p = parameters[i];
        if (!p.trainable() || !used[i].defined()) continue;
        const std::size_t which = numbers_in(p.dtype());
        const State::Kept& kept = s.kept_of(p);
        const Tensor g = cast(used[i], p.dtype());
        Tensor w = p.value();
        if (kept.weight_decay > 0) w = w - w * kept.weight_decay * rates[which];
        changes.emplace_back(i, s.rule->update(w, g, kept.slots, numbers[which]));
      }
    }
    if (common.use_ema) {
      std::unordered_map<const Slot*, Tensor> changed;
      for (const auto& [i, value] : changes) changed.emplace(parameters[i].slot(), value);
      changes.clear();
      changing = s.parameters;
      for (std::size_t i = 0; i < s.parameters.size(); ++i) {
        const Parameter& p = s.parameters[i];
        const auto found = changed.find(p.slot());
        const Tensor w = found == changed.end() ? p.value() : found->second;
        const Tensor& momentum = numbers[numbers_in(p.dtype())].back();
        const Tensor average = momentum * s.kept[i].average + (1 - momentum) * w;
        s.kept[i].average.assign(average);
        if (overwriting)
          changes.emplace_back(i, average);
        else if (found != changed.end())
          changes.emplace_back(i, w);
      }
    }
    for (const auto& [i, value] : changes) changing[i].assign(s.constrained(changing[i], value));
  } catch (...) {
    s.revert(common.use_ema ? std::span<const Parameter>(s.parameters) : parameters);
    s.scaling = s.scaling_before;
    throw;
  }
  ++s.steps;
  ++s.recorded;
  if (capturing()) repeat(new NextStep(state_, rates, numbers));
}

void Optimizer::revert(std::span<const Parameter> parameters) {
  state_->revert_parts(parameters);
  // With averages, Parameters  that had no gradient may have changed too.
  state_->revert(state_->common.use_ema ? std::span<const Parameter>(state_->parameters) : parameters);
  state_->steps = state_->steps_before;
  state_->scaling = state_->scaling_before;
  --state_->recorded;
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
  Taken gradients(state_->gradients);
  for (const Parameter& p : parameters) gradients->push_back(p.grad());
  apply(parameters, *gradients);
}

void Optimizer::zero_grad() const {
  for (const Parameter& p : state_->parameters) p.zero_grad();
}

void Optimizer::minimize(const Tensor& loss, std::span<const Parameter> parameters) {
  Taken gradients(state_->gradients);
  gradients->resize(parameters.size());
  grad_into(scale_loss(loss), parameters, *gradients);
  apply(parameters, *gradients);
}

void Optimizer::minimize(const Tensor& loss) {
  if (state_->parameters.empty())
    throw ValueError("[" + std::string(name()) +
                     "] minimize(loss) needs Parameters: call build(parameters(model)), or "
                     "minimize(loss, parameters(model))");
  minimize(loss, state_->parameters);
}

NamedTensors Optimizer::state() const {
  const State& s = *state_;
  NamedTensors out;
  out.emplace_back("iterations", Tensor(s.steps));
  if (s.scaling) {
    out.emplace_back("loss_scale", Tensor(s.scaling->scale, {.dtype = float64}));
    out.emplace_back("finite_steps", Tensor(s.scaling->finite_steps));
  }
  for (std::size_t i = 0; i < s.kept.size(); ++i) {
    const std::vector<StateSlot> slots = s.rule->state_of(s.parameters[i]);
    const auto add = [&](std::string_view name, const Parameter& kept) {
      out.emplace_back(std::string(name) + "/" + std::to_string(i), kept.value());
    };
    for (std::size_t k = 0; k < slots.size(); ++k) add(slots[k].name, s.kept[i].slots[k]);
    if (s.common.use_ema) add("average", s.kept[i].average);
    if (s.accumulates()) add("gradient_accumulator", s.kept[i].accumulated);
  }
  for (std::size_t i = 0; i < s.parts.size(); ++i)
    for (const auto& [name, value] : s.parts[i].optimizer.state())
      out.emplace_back("optimizer_" + std::to_string(i) + "/" + name, value);
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
  eval({});  // what is assigned already is not ours to take back
  State& s = *state_;
  const std::int64_t steps = state[0].second.item<std::int64_t>();
  std::size_t next = 1;
  std::optional<Scaling> scaling = s.scaling;
  if (scaling) {
    scaling->scale = state[next++].second.item();
    scaling->finite_steps = state[next++].second.item<std::int64_t>();
  }
  const auto each = [&s](auto&& f) {
    for (const State::Kept& kept : s.kept) {
      for (const Parameter& slot : kept.slots) f(slot);
      if (s.common.use_ema) f(kept.average);
      if (s.accumulates()) f(kept.accumulated);
    }
  };
  try {
    each([&](const Parameter& slot) { slot.assign(state[next++].second); });
    eval({});
  } catch (...) {
    each([](const Parameter& slot) { slot.revert(); });
    throw;
  }
  s.steps = steps;
  s.scaling = scaling;
  for (State::Part& part : s.parts) {
    const std::size_t size = part.optimizer.state().size();
    NamedTensors own;
    for (std::size_t i = 0; i < size; ++i, ++next)
      own.emplace_back(state[next].first.substr(state[next].first.find('/') + 1), state[next].second);
    part.optimizer.load_state(own);
  }
}

}  // namespace xgrad::optimizers
