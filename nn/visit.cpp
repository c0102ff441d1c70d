#include <xgrad/nn/visit.hpp>

#include <unordered_map>
#include <unordered_set>

namespace xgrad {

void Visitor::generator(std::string_view, Generator&) {}
void Visitor::state(std::string_view name, Parameter& parameter) { this->parameter(name, parameter, {}); }
void Visitor::trainable(bool&) {}
void Visitor::enter(std::string_view name, std::string_view) { names_.emplace_back(name); }
void Visitor::leave() { names_.pop_back(); }
void Visitor::shared(Shared<Counted>&) {}

std::string Visitor::path(std::string_view name) const {
  std::string out;
  for (const std::string& layer : names_) out += layer + "/";
  return out += name;
}

namespace detail {

namespace {

struct Collect final : Visitor {
  void parameter(std::string_view name, Parameter& parameter, const ParameterRules& rules) override {
    if (!parameter.defined() || !seen.insert(parameter.slot()).second) return;
    weights.push_back({path(name), parameter});
    if (rules.regularizer) penalised.emplace_back(parameter, rules.regularizer);
    if (rules.constraint) constrained.emplace_back(parameter, rules.constraint);
  }
  void generator(std::string_view name, Generator& generator) override {
    if (seen.insert(&generator).second) generators.push_back({path(name), &generator});
  }

  std::vector<NamedParameter> weights;
  std::vector<NamedGenerator> generators;
  std::vector<std::pair<Parameter, regularizers::Regularizer>> penalised;
  std::vector<std::pair<Parameter, constraints::Constraint>> constrained;
  std::unordered_set<const void*> seen;
};

struct Cloning final : Visitor {
  void parameter(std::string_view, Parameter& parameter, const ParameterRules&) override {
    if (!parameter.defined()) return;
    auto [place, is_new] = parameters.try_emplace(parameter.slot());
    if (is_new) {
      originals.push_back(parameter);
      place->second = Parameter(parameter.value(), parameter.name(), parameter.trainable());
    }
    parameter = place->second;
  }
  void shared(Shared<Counted>& object) override {
    if (!object || copies.contains(object.get())) return;
    auto [place, is_new] = objects.try_emplace(object.get());
    if (is_new) {
      kept.push_back(object);
      place->second = Shared<Counted>(object->copy());
      copies.insert(place->second.get());
    }
    object = place->second;
  }

  std::unordered_map<const Slot*, Parameter> parameters;
  std::unordered_map<const Counted*, Shared<Counted>> objects;
  std::unordered_set<const Counted*> copies;
  // Kept alive, so that no new object gets the address of one that was replaced.
  std::vector<Parameter> originals;
  std::vector<Shared<Counted>> kept;
};

/// Sets what is trained, or only looks whether all is built.
struct Freezing final : Visitor {
  explicit Freezing(bool value) : value(value) {}
  void parameter(std::string_view name, Parameter& parameter, const ParameterRules&) override {
    if (!parameter.defined())
      throw ValueError("[set_trainable] expected a model that is built, but '" + path(name) +
                       "' is not there yet: give input_shape, or call the model once");
    if (apply) parameter.set_trainable(value);
  }
  void state(std::string_view, Parameter&) override {}
  void trainable(bool& flag) override {
    if (apply) flag = value;
  }
  bool value, apply = false;
};

}  // namespace

void set_trainable(const EachOf& each, bool trainable) {
  Freezing freezing(trainable);
  each(Visit(freezing));
  freezing.apply = true;
  each(Visit(freezing));
}

std::vector<NamedParameter> weights(const EachOf& each) {
  Collect collect;
  each(Visit(collect));
  return std::move(collect.weights);
}

std::vector<NamedGenerator> generators(const EachOf& each) {
  Collect collect;
  each(Visit(collect));
  return std::move(collect.generators);
}

std::vector<Tensor> penalties(const EachOf& each) {
  Collect collect;
  each(Visit(collect));
  std::vector<Tensor> out;
  for (const auto& [parameter, regularizer] : collect.penalised) out.push_back(regularizer(parameter.value()));
  return out;
}

void constrain(optimizers::Optimizer& optimizer, const EachOf& each) {
  Collect collect;
  each(Visit(collect));
  for (auto& [parameter, constraint] : collect.constrained) optimizer.constrain(parameter, std::move(constraint));
}

void clone(const EachOf& each) {
  Cloning cloning;
  each(Visit(cloning));
}

}  // namespace detail

}  // namespace xgrad
