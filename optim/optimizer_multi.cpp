#include <xgrad/graph/error.hpp>
#include <xgrad/ops/elementwise.hpp>
#include <xgrad/optim/optimizer_state.hpp>
#include <xgrad/optim/optimizers.hpp>

namespace xgrad::optimizers {

namespace {

/// Stands for the rules of the parts.
struct MultiRule final : Rule {
  Counted* copy() const override { return new MultiRule(*this); }
  std::string_view name() const override { return "multi"; }
  Tensor update(const Tensor& w, const Tensor&, std::span<const Parameter>, std::span<const Tensor>) const override {
    return w;
  }
};

}  // namespace

Optimizer::State::Part& Optimizer::State::part_of(const Parameter& parameter) {
  const std::string name(parameter.name());
  for (std::size_t i = 0; i + 1 < parts.size(); ++i)
    if (parts[i].name == name) return parts[i];
  Part* found = nullptr;
  for (std::size_t i = 0; i + 1 < parts.size(); ++i) {
    if (!std::regex_match(name, parts[i].pattern)) continue;
    if (found)
      throw ValueError("[multi] expected one optimizer for the Parameter '" + name + "', but '" + found->name +
                       "' and '" + parts[i].name + "' both match");
    found = &parts[i];
  }
  return found ? *found : parts.back();
}

void Optimizer::State::build_part(const Parameter& parameter) {
  Part& part = part_of(parameter);
  part.optimizer.build(std::span(&parameter, 1));
  part_index.emplace(parameter.slot(), static_cast<std::size_t>(&part - parts.data()));
}

void Optimizer::State::record_parts(std::span<const Parameter> all, std::span<const Tensor> gradients) {
  for (Part& part : parts) part.recorded = false;
  try {
    for (std::size_t k = 0; k < parts.size(); ++k) {
      std::vector<Parameter> own;
      std::vector<Tensor> slopes;
      for (std::size_t i = 0; i < all.size(); ++i) {
        const auto found = part_index.find(all[i].slot());
        if (found == part_index.end() || found->second != k) continue;
        own.push_back(all[i]);
        const Tensor& g = gradients[i];
        slopes.push_back(g.defined() && common.loss_scale_factor > 0 ? g / common.loss_scale_factor : g);
      }
      if (own.empty()) continue;
      parts[k].optimizer.record(own, slopes);
      parts[k].recorded = true;
    }
  } catch (...) {
    revert_parts(all);
    throw;
  }
}

void Optimizer::State::revert_parts(std::span<const Parameter> updated) {
  for (std::size_t k = 0; k < parts.size(); ++k) {
    std::vector<Parameter> own;
    for (const Parameter& p : updated) {
      const auto found = part_index.find(p.slot());
      if (found != part_index.end() && found->second == k) own.push_back(p);
    }
    if (parts[k].recorded) parts[k].optimizer.revert(own);
    parts[k].recorded = false;
  }
}

std::vector<Parameter> Optimizer::State::averages_of_parts() const {
  std::unordered_map<const Slot*, Parameter> found;
  for (const Part& part : parts) {
    const std::vector<Parameter> averages = part.optimizer.averages();
    for (std::size_t i = 0; i < averages.size(); ++i) found[part.optimizer.parameters()[i].slot()] = averages[i];
  }
  std::vector<Parameter> out;
  if (found.size() == parameters.size())
    for (const Parameter& p : parameters) out.push_back(found[p.slot()]);
  return out;
}

OptimizerMap::OptimizerMap(Optimizer default_optimizer,
                           std::initializer_list<std::pair<std::string, Optimizer>> optimizer_map)
    : default_(std::move(default_optimizer)) {
  for (const auto& [name, optimizer] : optimizer_map) set(name, optimizer);
}

void OptimizerMap::set(const std::string& name, Optimizer optimizer) {
  for (const auto& [known, unused] : map_)
    if (known == name) throw ValueError("[OptimizerMap] expected each name once, got '" + name + "' twice");
  map_.emplace_back(name, std::move(optimizer));
}

Optimizer::Optimizer(const OptimizerMap& map, double loss_scale_factor)
    : Optimizer(Shared<const Rule>(new MultiRule), 0.0, {.loss_scale_factor = loss_scale_factor}) {
  const auto add = [&](const std::string& name, const Optimizer& optimizer) {
    const State& inner = *optimizer.state_;
    if (!inner.parts.empty() || inner.scaling || inner.common.loss_scale_factor > 0)
      throw ValueError("[multi] expected optimizers without a loss scale and without parts of their own, got '" +
                       std::string(optimizer.name()) + "' for '" + name + "'");
    try {
      state_->parts.push_back({name, std::regex(name), optimizer});
    } catch (const std::regex_error& error) {
      throw ValueError("[multi] expected a name or a regular expression, got '" + name + "': " + error.what());
    }
  };
  for (const auto& [name, optimizer] : map.entries()) add(name, optimizer);
  add(".*", map.default_optimizer());
}

MultiOptimizer::MultiOptimizer(const OptimizerMap& optimizer_map, const MultiOptions& options)
    : Optimizer(optimizer_map, options.loss_scale_factor) {
  made_with({"MultiOptimizer", Mapped{optimizer_map, options}});
}

}  // namespace xgrad::optimizers
