#include <xgrad/diff/steps.hpp>
#include <xgrad/graph/basic.hpp>
#include <xgrad/graph/grad.hpp>
#include <xgrad/nn/functional_config.hpp>

namespace xgrad {

namespace {

/// A number below a limit, out of a file.
std::size_t place(const Config& config, std::size_t limit) {
  const std::int64_t n = config.integer();
  if (n < 0 || static_cast<std::size_t>(n) >= limit)
    throw ValueError("[config] expected a number below " + std::to_string(limit) + ", got " + std::to_string(n));
  return static_cast<std::size_t>(n);
}

/// A slot by its number, an expression as {"expression": number}.
Config sources(const std::vector<LayerGraph::Source>& sources) {
  std::vector<Config> out;
  for (const LayerGraph::Source& source : sources) {
    if (source.expression < 0)
      out.emplace_back(source.slot);
    else
      out.emplace_back(Config::object({{"expression", source.expression}}));
  }
  return out;
}

LayerGraph::Source source_from(const Config& config, std::size_t slots, std::size_t expressions) {
  if (config.kind() == Config::Kind::integer) return {.slot = place(config, slots)};
  return {.slot = 0, .expression = static_cast<int>(place(config.at("expression"), expressions))};
}

Config numbers_of(const Tensor& value) {
  std::vector<Config> out;
  if (is_floating(value.dtype()))
    for (const double v : value.to_vector<double>()) out.emplace_back(v);
  else
    for (const std::int64_t v : value.to_vector<std::int64_t>()) out.emplace_back(v);
  return out;
}

Tensor tensor_from(const Config& config) {
  const DType dtype = config.at("dtype").dtype();
  const Shape shape = config.at("shape").shape();
  const std::vector<Config>& numbers = config.at("values").list();
  if (static_cast<std::int64_t>(numbers.size()) != shape.size())
    throw ValueError("[config] expected " + std::to_string(shape.size()) + " numbers for " + to_string(shape) +
                     ", got " + std::to_string(numbers.size()));
  if (is_floating(dtype)) {
    std::vector<double> values;
    for (const Config& number : numbers) values.push_back(number.real());
    return tensor(values, shape, {.dtype = dtype});
  }
  std::vector<std::int64_t> values;
  for (const Config& number : numbers) values.push_back(number.integer());
  return tensor(values, shape, {.dtype = dtype});
}

Config step_config(const GraphStep& step) {
  using Kind = GraphStep::Kind;
  if (step.kind == Kind::hole) return Config::object({{"input", step.hole}});
  if (step.kind == Kind::number) {
    Config out = Config::object({{"number", numbers_of(step.value).list()[0]}, {"dtype", step.value.dtype()}});
    return out.set("weak", step.weak);
  }
  if (step.kind == Kind::value)
    return Config::object(
        {{"values", numbers_of(step.value)}, {"shape", step.value.shape()}, {"dtype", step.value.dtype()}});
  std::vector<Config> inputs, list;
  for (const std::size_t input : step.inputs) inputs.emplace_back(input);
  for (const std::int64_t item : step.list) list.emplace_back(item);
  Config out = Config::object({{"operation", step.operation}, {"inputs", inputs}});
  if (step.attributes[0] != 0 || step.attributes[1] != 0)
    out.set("attributes", std::vector<Config>{step.attributes[0], step.attributes[1]});
  if (!list.empty()) out.set("list", list);
  if (step.seed != 0 || step.draw != 0)
    out.set("draw", std::vector<Config>{static_cast<std::int64_t>(step.seed), static_cast<std::int64_t>(step.draw)});
  return out;
}

GraphStep step_from(const Config& config, std::size_t holes) {
  using Kind = GraphStep::Kind;
  GraphStep step;
  if (config.contains("input")) {
    step.kind = Kind::hole;
    step.hole = place(config.at("input"), holes);
  } else if (config.contains("number")) {
    step.kind = Kind::number;
    const DType dtype = config.at("dtype").dtype();
    step.value = is_floating(dtype) ? Tensor(config.at("number").real(), {.dtype = dtype})
                                    : Tensor(config.at("number").integer(), {.dtype = dtype});
    step.weak = config.at("weak").boolean();
  } else if (config.contains("values")) {
    step.kind = Kind::value;
    step.value = tensor_from(config);
  } else {
    step.operation = config.at("operation").text();
    for (const Config& input : config.at("inputs").list()) step.inputs.push_back(place(input, SIZE_MAX / 2));
    const auto pair = [&](const char* name, auto& first, auto& second) {
      if (!config.contains(name)) return;
      const std::vector<Config>& both = config.at(name).list();
      if (both.size() != 2) throw ValueError(std::string("[config] expected two numbers as '") + name + "'");
      first = static_cast<std::decay_t<decltype(first)>>(both[0].integer());
      second = static_cast<std::decay_t<decltype(second)>>(both[1].integer());
    };
    pair("attributes", step.attributes[0], step.attributes[1]);
    pair("draw", step.seed, step.draw);
    if (config.contains("list"))
      for (const Config& item : config.at("list").list()) step.list.push_back(item.integer());
  }
  return step;
}

/// What an expression reads, and its steps over that.
Config expression_config(const LayerGraph::Expression& expression) {
  std::vector<Config> reads, steps;
  std::vector<Tensor> holes;
  for (const auto& [read, slot] : expression.slots) {
    holes.push_back(read);
    reads.push_back(Config::object({{"slot", slot}, {"shape", read.shape()}, {"dtype", read.dtype()}}));
  }
  for (const auto& [read, number] : expression.parameters) {
    holes.push_back(read);
    reads.push_back(Config::object({{"parameter", number}, {"shape", read.shape()}, {"dtype", read.dtype()}}));
  }
  try {
    for (const GraphStep& step : steps_of(expression.output, holes)) steps.push_back(step_config(step));
  } catch (const ValueError& error) {
    throw ValueError("[save] expected operations between layers that can be saved: use a layer with get_config " +
                     std::string("instead, or save the weights alone; ") + error.what());
  }
  return Config::object({{"reads", reads}, {"steps", steps}, {"shape", expression.output.shape()}});
}

LayerGraph::Expression expression_from(const Config& config, std::size_t slots, std::size_t parameters) {
  LayerGraph::Expression out;
  if (config.is_nothing()) return out;
  std::vector<Tensor> holes;
  for (const Config& read : config.at("reads").list()) {
    holes.push_back(symbolic_input(read.at("shape").shape(), read.at("dtype").dtype()));
    if (read.contains("slot"))
      out.slots.emplace_back(holes.back(), place(read.at("slot"), slots));
    else
      out.parameters.emplace_back(holes.back(), place(read.at("parameter"), parameters));
  }
  std::vector<GraphStep> steps;
  for (const Config& step : config.at("steps").list()) steps.push_back(step_from(step, holes.size()));
  const NoGrad no_grad;
  out.output = record_steps(steps, holes);
  if (out.output.shape() != config.at("shape").shape() || !is_symbolic(out.output))
    throw ValueError("[config] expected operations that lead to " + to_string(config.at("shape").shape()) + ", got " +
                     to_string(out.output.shape()));
  return out;
}

}  // namespace

Config with_name(const std::string& name, const Layer& layer) {
  Config out = Config::object({{"name", name}});
  const Config inner = layer_config(layer);
  for (const auto& [key, value] : inner.entries()) out.set(key, value);
  return out;
}

Config graph_config(const LayerGraph& graph) {
  const LayerGraph::State& s = *graph.state;
  std::vector<Config> inputs, layers, steps, names;
  for (const LayerGraph::Input& input : s.inputs)
    inputs.push_back(Config::object({{"name", input.name}, {"shape", input.shape}, {"dtype", input.dtype}}));
  for (const LayerGraph::Entry& entry : s.layers) layers.push_back(with_name(entry.name, entry.layer));
  std::vector<Config> outputs = sources(s.outputs).list();
  for (const LayerGraph::Step& step : s.steps) {
    steps.push_back(Config::object({{"layer", step.layer},
                                    {"inputs", sources(step.inputs)},
                                    {"first_slot", step.first_slot},
                                    {"outputs", step.outputs}}));
    if (!step.arguments.is_nothing()) steps.back().set("arguments", step.arguments);
  }
  for (const std::string& name : s.output_names) names.emplace_back(name);
  std::vector<Config> shapes;
  for (const Shape& shape : s.shapes) shapes.emplace_back(shape);
  std::vector<Config> expressions, parameters;
  // Those of steps that lead to no output are not read.
  std::vector<bool> used(s.expressions.size());
  const auto use = [&](const LayerGraph::Source& source) {
    if (source.expression >= 0) used[static_cast<std::size_t>(source.expression)] = true;
  };
  for (const LayerGraph::Source& source : s.outputs) use(source);
  for (const LayerGraph::Step& step : s.steps)
    for (const LayerGraph::Source& source : step.inputs) use(source);
  for (std::size_t i = 0; i < used.size(); ++i)
    expressions.push_back(used[i] ? expression_config(s.expressions[i]) : Config());
  for (const auto& [name, parameter] : s.parameters)
    parameters.push_back(Config::object({{"name", name},
                                         {"shape", parameter.shape()},
                                         {"dtype", parameter.dtype()},
                                         {"trainable", parameter.trainable()}}));
  Config out = Config::object({{"inputs", inputs},
                               {"layers", layers},
                               {"steps", steps},
                               {"outputs", outputs},
                               {"output_names", names},
                               {"shapes", shapes}});
  if (!expressions.empty()) out.set("expressions", expressions);
  if (!parameters.empty()) out.set("parameters", parameters);
  return out;
}

LayerGraph graph_from(const Config& config, const CustomObjects& custom) {
  auto state = make_shared<LayerGraph::State>();
  for (const Config& input : config.at("inputs").list())
    state->inputs.push_back({input.at("name").text(), input.at("shape").shape(), input.at("dtype").dtype()});
  for (const Config& layer : config.at("layers").list())
    state->layers.push_back({layer.at("name").text(), layer_from_config(layer, custom)});
  for (const Config& shape : config.at("shapes").list()) state->shapes.push_back(shape.shape());
  state->slots = state->shapes.size();
  if (config.contains("parameters"))
    for (const Config& p : config.at("parameters").list())
      state->parameters.emplace_back(p.at("name").text(),
                                     Parameter(zeros(p.at("shape").shape(), {.dtype = p.at("dtype").dtype()}).eval(),
                                               p.at("name").text(), p.at("trainable").boolean()));
  if (config.contains("expressions"))
    for (const Config& expression : config.at("expressions").list())
      state->expressions.push_back(expression_from(expression, state->slots, state->parameters.size()));
  // An expression reads slots that are filled before.
  const auto source = [&](const Config& from, std::size_t filled) {
    const LayerGraph::Source out = source_from(from, filled, state->expressions.size());
    if (out.expression >= 0 && !state->expressions[static_cast<std::size_t>(out.expression)].output.defined())
      throw ValueError("[config] expected operations, got none");
    if (out.expression >= 0)
      for (const auto& [read, slot] : state->expressions[static_cast<std::size_t>(out.expression)].slots)
        if (slot >= filled) throw ValueError("[config] expected operations over what was computed before them");
    return out;
  };
  for (const Config& step : config.at("steps").list()) {
    LayerGraph::Step out{.layer = place(step.at("layer"), state->layers.size()),
                         .inputs = {},
                         .first_slot = place(step.at("first_slot"), state->slots),
                         .outputs = 1};
    out.outputs = place(step.at("outputs"), state->slots - out.first_slot + 1);
    for (const Config& slot : step.at("inputs").list()) out.inputs.push_back(source(slot, out.first_slot));
    if (step.contains("arguments")) out.arguments = step.at("arguments");
    if (out.inputs.empty()) throw ValueError("[config] expected steps with inputs, got one without");
    state->steps.push_back(std::move(out));
  }
  for (const Config& output : config.at("outputs").list()) state->outputs.push_back(source(output, state->slots));
  for (const Config& name : config.at("output_names").list()) state->output_names.push_back(name.text());
  if (state->inputs.empty() || state->inputs.size() > state->slots || state->outputs.empty() ||
      state->outputs.size() != state->output_names.size())
    throw ValueError("[config] expected a model with inputs, outputs and a name for each output");
  return LayerGraph(std::move(state));
}

}  // namespace xgrad
