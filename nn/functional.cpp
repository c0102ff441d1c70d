#include <xgrad/graph/grad.hpp>
#include <xgrad/graph/op.hpp>
#include <xgrad/graph/rerecord.hpp>
#include <xgrad/nn/functional.hpp>
#include <xgrad/optim/names.hpp>

#include <algorithm>
#include <map>
#include <unordered_map>
#include <unordered_set>

namespace xgrad {

namespace {

/// What went wrong, and in which layer, unless the message says so.
std::string in_layer(const Error& error, const std::string& name) {
  const std::string text = error.what();
  return text.find(", in " + name) == std::string::npos ? text + ", in " + name : text;
}

Shape without_batch(const Shape& shape) {
  return shape.rank() == 0 ? Shape() : Shape(std::span(shape.begin(), shape.end()).subspan(1));
}

/// Makes a graph of layers from symbolic tensors.
class Maker {
 public:
  Maker(LayerGraph::State& state, const Tensors& inputs, const Tensors& outputs) : state_(state) {
    add_inputs(inputs);
    const std::vector<DeferredCall> calls = deferred_calls(outputs);
    for (const DeferredCall& call : calls)
      for (const auto& [number, result] : call.results) known_.push_back(result);
    // A slot for every result, then only the steps that lead to the outputs.
    std::vector<LayerGraph::Step> steps;
    for (const DeferredCall& call : calls) {
      const auto* step = dynamic_cast<const LayerCall*>(call.step);
      if (!step) throw ValueError("[Model] expected layers, got a deferred step of another kind");
      LayerGraph::Step out{.layer = 0, .inputs = {}, .first_slot = state_.slots, .outputs = step->outputs};
      state_.slots += step->outputs;
      state_.shapes.resize(state_.slots);
      for (const auto& [number, result] : call.results) {
        slots_.try_emplace(result.node(), out.first_slot + number);
        state_.shapes[out.first_slot + number] = without_batch(result.shape());
      }
      for (const Tensor& input : call.inputs) out.inputs.push_back(source(input));
      steps.push_back(std::move(out));
    }
    for (const Tensor& output : outputs) state_.outputs.push_back(source(output));
    std::vector<bool> wanted(state_.slots, false), used(steps.size(), false);
    for (const LayerGraph::Source& output : state_.outputs) want(output, wanted);
    for (std::size_t i = steps.size(); i-- > 0;) {
      for (std::size_t k = 0; k < steps[i].outputs; ++k) used[i] = used[i] || wanted[steps[i].first_slot + k];
      if (!used[i]) continue;
      for (const LayerGraph::Source& input : steps[i].inputs) want(input, wanted);
    }
    for (std::size_t i = 0; i < steps.size(); ++i) {
      if (!used[i]) continue;
      const auto& step = dynamic_cast<const LayerCall&>(*calls[i].step);
      steps[i].layer = layer_of(step.layer);
      steps[i].arguments = step.arguments;
      state_.steps.push_back(std::move(steps[i]));
    }
    check_inputs();
    name_layers();
    name_outputs();
  }

 private:
  void add_inputs(const Tensors& inputs) {
    if (inputs.empty()) throw ValueError("[Model] expected at least one input, got none");
    for (std::size_t i = 0; i < inputs.size(); ++i) {
      const Tensor& input = inputs[i];
      if (!is_symbolic(input))
        throw ValueError("[Model] expected inputs that are symbolic (made with Input, or recorded from it), got " +
                         (input.defined() ? "a tensor of shape " + to_string(input.shape()) : "an undefined tensor") +
                         " as input " + std::to_string(i));
      if (input.rank() == 0) throw ShapeError("[Model] expected inputs with a batch axis, got a scalar");
      if (!slots_.try_emplace(input.node(), state_.slots++).second)
        throw ValueError("[Model] expected different inputs, got one twice");
      known_.push_back(input);
      const std::string name = inputs.names().empty() ? std::string(input.name()) : inputs.names()[i];
      std::string unique = name.empty() ? "input_layer" : name;
      for (int k = 1; taken(unique); ++k) {
        if (!name.empty()) throw ValueError("[Model] expected inputs of different names, got '" + name + "' twice");
        unique = "input_layer_" + std::to_string(k);
      }
      state_.inputs.push_back({unique, without_batch(input.shape()), input.dtype()});
      state_.shapes.push_back(state_.inputs.back().shape);
    }
  }

  bool taken(const std::string& name) const {
    return std::any_of(state_.inputs.begin(), state_.inputs.end(), [&](const auto& i) { return i.name == name; });
  }

  LayerGraph::Source source(const Tensor& x) {
    if (!x.defined()) throw ValueError("[Model] expected outputs that are symbolic, got an undefined tensor");
    if (const auto found = slots_.find(x.node()); found != slots_.end()) return {.slot = found->second};
    if (!is_symbolic(x))
      throw ValueError("[Model] expected symbolic tensors, got a tensor of shape " + to_string(x.shape()) +
                       " that depends on no Input");
    return {.slot = 0, .expression = expression(x)};
  }

  /// Operations between layers, cut off from what they read.
  int expression(const Tensor& x) {
    std::vector<Substitution> cuts;
    std::unordered_map<const Node*, std::size_t> cut_slots;
    for (const Tensor& from : known_) {
      const auto slot = slots_.find(from.node());
      if (slot == slots_.end()) continue;
      cuts.push_back({from, symbolic_input(from.shape(), from.dtype())});
      cut_slots[cuts.back().to.node()] = slot->second;
    }
    std::unordered_map<const Node*, Parameter> cut_parameters;
    for (const Parameter& parameter : parameters_of(x)) {
      cuts.push_back({parameter.value(), symbolic_input(parameter.shape(), parameter.dtype())});
      cut_parameters[cuts.back().to.node()] = parameter;
    }
    const NoGrad no_grad;
    LayerGraph::Expression out{.output = rerecord(std::span(&x, 1), cuts)[0], .slots = {}, .parameters = {}};
    for (const Tensor& read : placeholders_of(std::span(&out.output, 1))) {
      if (const auto slot = cut_slots.find(read.node()); slot != cut_slots.end()) {
        out.slots.emplace_back(read, slot->second);
      } else if (const auto parameter = cut_parameters.find(read.node()); parameter != cut_parameters.end()) {
        out.parameters.emplace_back(read, number_of(parameter->second));
      } else {
        unknown_[static_cast<int>(state_.expressions.size())] = read;
      }
    }
    state_.expressions.push_back(std::move(out));
    return static_cast<int>(state_.expressions.size()) - 1;
  }

  void want(const LayerGraph::Source& source, std::vector<bool>& wanted) {
    if (source.expression < 0) {
      wanted[source.slot] = true;
      return;
    }
    wanted_expressions_.insert(source.expression);
    const LayerGraph::Expression& expression = state_.expressions[static_cast<std::size_t>(source.expression)];
    for (const auto& [read, slot] : expression.slots) wanted[slot] = true;
  }

  /// The place of a Parameter among those that operations read.
  std::size_t number_of(const Parameter& parameter) {
    auto& all = state_.parameters;
    for (std::size_t i = 0; i < all.size(); ++i)
      if (all[i].second == parameter) return i;
    std::string name(parameter.name().empty() ? "parameter" : parameter.name());
    const std::string base = name;
    const auto used = [&] {
      return std::any_of(all.begin(), all.end(), [&](const auto& known) { return known.first == name; });
    };
    for (int k = 1; used(); ++k) name = base + "_" + std::to_string(k);
    all.emplace_back(name, parameter);
    return all.size() - 1;
  }

  void check_inputs() const {
    for (const auto& [number, read] : unknown_) {
      if (!wanted_expressions_.contains(number)) continue;
      throw ValueError("[Model] expected outputs that depend on the inputs alone, but they depend on the Input " +
                       (read.name().empty() ? std::string() : "'" + std::string(read.name()) + "' ") + "of shape " +
                       to_string(read.shape()) + ", which is not among the inputs");
    }
  }

  std::size_t layer_of(const Layer& layer) {
    const void* identity = layer.identity();
    const auto [place, is_new] = layers_.try_emplace(identity, state_.layers.size());
    if (is_new) state_.layers.push_back({{}, layer});
    return place->second;
  }

  void name_layers() {
    std::vector<std::string> names;
    for (const LayerGraph::Input& input : state_.inputs) names.push_back(input.name);
    for (LayerGraph::Entry& entry : state_.layers) {
      entry.name = name_among("Model", entry.layer, names);
      names.push_back(entry.name);
    }
  }

  void name_outputs() {
    for (const LayerGraph::Source& output : state_.outputs) {
      std::string name = "output";
      if (output.expression < 0) {
        if (output.slot < state_.inputs.size()) name = state_.inputs[output.slot].name;
        for (const LayerGraph::Step& step : state_.steps)
          if (output.slot >= step.first_slot && output.slot < step.first_slot + step.outputs)
            name = state_.layers[step.layer].name;
      }
      const std::string base = name;
      const auto& names = state_.output_names;
      for (int k = 1; std::find(names.begin(), names.end(), name) != names.end(); ++k)
        name = base + "_" + std::to_string(k);
      state_.output_names.push_back(name);
    }
  }

  LayerGraph::State& state_;
  std::vector<Tensor> known_;
  std::unordered_map<const Node*, std::size_t> slots_;
  std::unordered_map<const void*, std::size_t> layers_;
  std::map<int, Tensor> unknown_;  ///< expressions that read a placeholder which is no input
  std::unordered_set<int> wanted_expressions_;
};

}  // namespace

std::vector<Tensor> call_in(const std::string& name, const Layer& layer, std::span<const Tensor> xs, Call& call) {
  try {
    const NameScope scope(name);
    return layer(xs, call);
  } catch (const ShapeError& error) {
    throw ShapeError(in_layer(error, name));
  } catch (const DTypeError& error) {
    throw DTypeError(in_layer(error, name));
  }
}

std::string name_among(std::string_view where, const Layer& layer, const std::vector<std::string>& taken) {
  const auto used = [&](const std::string& name) { return std::find(taken.begin(), taken.end(), name) != taken.end(); };
  std::string name = layer.name();
  if (!name.empty()) {
    if (used(name))
      throw ValueError("[" + std::string(where) + "] expected layers of different names, got '" + name + "' twice");
    return name;
  }
  const std::string base = snake_case(layer.kind_name());
  name = base;
  for (int i = 1; used(name); ++i) name = base + "_" + std::to_string(i);
  return name;
}

LayerGraph::LayerGraph(const Tensors& inputs, const Tensors& outputs) {
  if (outputs.empty()) throw ValueError("[Model] expected at least one output, got none");
  Maker(*state, inputs, outputs);
}

std::vector<Tensor> LayerGraph::operator()(std::span<const Tensor> xs, Call& call) const {
  const State& s = *state;
  if (xs.size() != s.inputs.size())
    throw ValueError("[Model] expected " + std::to_string(s.inputs.size()) + " inputs, got " +
                     std::to_string(xs.size()));
  std::vector<Tensor> values(s.slots), masks(s.slots);
  for (std::size_t i = 0; i < xs.size(); ++i) {
    const Input& input = s.inputs[i];
    if (!(without_batch(xs[i].shape()) == input.shape) || xs[i].rank() != input.shape.rank() + 1) {
      std::string expected = "(batch";
      for (const std::int64_t n : input.shape) expected += ", " + std::to_string(n);
      throw ShapeError("[Model] expected the input '" + input.name + "' to have shape " + expected + "), got " +
                       to_string(xs[i].shape()));
    }
    values[i] = xs[i];
    if (i < call.masks.size())
      masks[i] = call.masks[i];
    else if (i == 0 && xs.size() == 1)
      masks[i] = call.mask;
  }
  const auto read = [&](const Source& source) {
    if (source.expression < 0) return values[source.slot];
    const Expression& expression = s.expressions[static_cast<std::size_t>(source.expression)];
    std::vector<Substitution> places;
    for (const auto& [from, slot] : expression.slots) places.push_back({from, values[slot]});
    for (const auto& [from, number] : expression.parameters)
      places.push_back({from, s.parameters[number].second.value()});
    return rerecord(std::span(&expression.output, 1), places)[0];
  };
  const auto mask_of = [&](const Source& source) { return source.expression < 0 ? masks[source.slot] : Tensor(); };
  std::vector<Tensor> inputs;
  for (const Step& step : s.steps) {
    inputs.clear();
    call.masks.clear();
    bool masked = false;
    for (const Source& source : step.inputs) {
      inputs.push_back(read(source));
      call.masks.push_back(mask_of(source));
      masked = masked || call.masks.back().defined();
    }
    call.mask = call.masks[0];
    if (!masked) call.masks.clear();
    const Entry& entry = s.layers[step.layer];
    call.arguments = step.arguments.is_nothing() ? nullptr : &step.arguments;
    std::vector<Tensor> results = call_in(entry.name, entry.layer, inputs, call);
    call.arguments = nullptr;
    if (results.size() != step.outputs)
      throw ValueError("[Model] expected " + std::to_string(step.outputs) + " results of the layer '" + entry.name +
                       "', got " + std::to_string(results.size()));
    for (std::size_t k = 0; k < results.size(); ++k) {
      masks[step.first_slot + k] = results.size() > 1 && k < call.masks.size() ? call.masks[k] : call.mask;
      values[step.first_slot + k] = std::move(results[k]);
    }
  }
  std::vector<Tensor> out;
  call.masks.clear();
  for (const Source& source : s.outputs) {
    out.push_back(read(source));
    call.masks.push_back(mask_of(source));
  }
  call.mask = call.masks[0];
  return out;
}

void LayerGraph::each(Visit visit) {
  visit.own(state);
  for (Entry& entry : state->layers) visit(entry.name, entry.layer);
  for (auto& [name, parameter] : state->parameters) visit(name, parameter);
}

}  // namespace xgrad
