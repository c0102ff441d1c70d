#pragma once
/// What an Optimizer holds. Internal to optim/.

#include <xgrad/optim/optimizer.hpp>

#include <optional>
#include <regex>
#include <string>
#include <unordered_map>

namespace xgrad::optimizers {

/// Memory in use: what an update inside this one finds in its place is empty.
template <class T>
class Taken {
 public:
  explicit Taken(T& home) : home_(home), own_(std::move(home)) {}
  ~Taken() {
    own_.clear();
    home_ = std::move(own_);
  }
  Taken(const Taken&) = delete;
  Taken& operator=(const Taken&) = delete;
  T& operator*() { return own_; }
  T* operator->() { return &own_; }

 private:
  T& home_;
  T own_;
};

struct Optimizer::State : Counted {
  State(Shared<const Rule> rule, LearningRate learning_rate, const Common& common)
      : rule(std::move(rule)), learning_rate(std::move(learning_rate)), common(common) {}
  Counted* copy() const override { return new State(*this); }

  /// What belongs to one Parameter.
  struct Kept {
    std::vector<Parameter> slots;
    Parameter average, accumulated;  // undefined without use_ema and accumulation
    double weight_decay = 0;
  };

  Kept& kept_of(const Parameter& parameter) { return kept[index.at(parameter.slot())]; }
  bool accumulates() const { return common.gradient_accumulation_steps > 0; }
  std::int64_t updates() const { return accumulates() ? steps / common.gradient_accumulation_steps : steps; }
  /// The rule's numbers for the next update, and the momentum of averages, if there are any.
  void next_numbers(std::vector<double>& out) const {
    out.clear();
    rule->numbers(learning_rate(steps), updates() + 1, out);
    if (common.use_ema) out.push_back(updates() == 0 ? 0 : common.ema_momentum);
  }
  void decide_decay(std::size_t i) {
    const Parameter& p = parameters[i];
    bool excluded = undecayed.contains(p.slot());
    for (const std::regex& name : undecayed_patterns)
      excluded = excluded || std::regex_search(p.name().begin(), p.name().end(), name);
    kept[i].weight_decay = excluded ? 0 : rule->weight_decay(p, common.weight_decay);
  }

  void revert(std::span<const Parameter> updated) {
    for (const Parameter& p : updated) {
      if (!p.trainable() || !index.contains(p.slot())) continue;
      p.revert();
      const Kept& k = kept_of(p);
      for (const Parameter& slot : k.slots) slot.revert();
      if (k.accumulated.defined()) k.accumulated.revert();
    }
    if (!common.use_ema) return;
    for (std::size_t i = 0; i < kept.size(); ++i) kept[i].average.revert();
  }

  Tensor constrained(const Parameter& parameter, const Tensor& w) const {
    if (constraints.empty()) return w;
    const auto found = constraints.find(parameter.slot());
    return found == constraints.end() ? w : found->second.second(w);
  }

  /// One of several optimizers that share the Parameters by name. The last one takes what no other takes.
  struct Part {
    std::string name;  ///< a Parameter's name, or a regular expression for all of it
    std::regex pattern;
    Optimizer optimizer;
    bool recorded = false;  ///< by the last call of `record`
  };
  Part& part_of(const Parameter& parameter);
  void build_part(const Parameter& parameter);
  void record_parts(std::span<const Parameter> parameters, std::span<const Tensor> gradients);
  void revert_parts(std::span<const Parameter> updated);
  std::vector<Parameter> averages_of_parts() const;

  /// Memory of one update, which the next one uses again.
  struct Scratch {
    std::vector<Tensor> used, numbers[2];
    std::vector<double> values;
    std::vector<std::pair<std::size_t, Tensor>> changes;  ///< which of the Parameters, and its new value
    void clear() {
      used.clear();
      for (std::vector<Tensor>& some : numbers) some.clear();
      changes.clear();
    }
  };
  Scratch scratch;
  std::vector<Tensor> gradients;  ///< the same of `minimize` and `step`

  Shared<const Rule> rule;
  LearningRate learning_rate;
  Common common;
  std::vector<Part> parts;
  std::unordered_map<const Slot*, std::size_t> part_index;
  std::int64_t steps = 0, recorded = 0;
  std::optional<Scaling> scaling;
  // As they were before the last call of `record`.
  std::int64_t steps_before = 0;
  std::optional<Scaling> scaling_before;
  std::vector<Parameter> parameters;
  std::vector<Kept> kept;
  std::unordered_map<const Slot*, std::size_t> index;
  std::unordered_map<const Slot*, std::pair<Parameter, constraints::Constraint>> constraints;
  std::unordered_map<const Slot*, Parameter> undecayed;
  std::vector<std::regex> undecayed_patterns;
  std::vector<std::string> undecayed_names;
  Made made;
};

}  // namespace xgrad::optimizers
