#include <xgrad/graph/basic.hpp>
#include <xgrad/graph/grad.hpp>
#include <xgrad/io/safetensors.hpp>
#include <xgrad/nn/functional.hpp>
#include <xgrad/nn/model_state.hpp>
#include <xgrad/nn/stack.hpp>
#include <xgrad/optim/names.hpp>

#include <charconv>

namespace xgrad {

Model::Model(Layer network) : state_(new State(std::move(network))) {}
Model::Model(const Tensors& inputs, const Tensors& outputs, ModelOptions options)
    : Model(Layer(LayerGraph(inputs, outputs))) {
  state_->name = std::move(options.name);
}

Layer& Model::network() const { return state_->network; }
const std::string& Model::name() const { return state_->name; }
void Model::set_name(std::string name) { state_->name = std::move(name); }

std::string_view Model::kind_name() const {
  if (state_->network.get_if<Stack>()) return "Sequential";
  if (state_->network.get_if<LayerGraph>()) return "Functional";
  return state_->network.kind_name();
}

Tensor Model::operator()(const Tensor& x) const {
  if (is_symbolic(x)) return Layer(*this)(x);
  Call call;
  return state_->network(x, call);
}
Tensor Model::operator()(const Tensor& x, Call& call) const { return state_->network(x, call); }
std::vector<Tensor> Model::operator()(const Tensors& xs) const { return Layer(*this)(std::span<const Tensor>(xs)); }
std::vector<Tensor> Model::operator()(std::span<const Tensor> xs, Call& call) const {
  return state_->network(xs, call);
}

void Model::each(Visit visit) {
  visit.own(state_);
  state_->network.each(visit);
}

std::vector<std::string> Model::input_names() const {
  const auto* graph = state_->network.get_if<LayerGraph>();
  if (!graph) return {"input_1"};
  std::vector<std::string> out;
  for (const LayerGraph::Input& input : graph->state->inputs) out.push_back(input.name);
  return out;
}

std::vector<std::string> Model::output_names() const {
  if (const auto* graph = state_->network.get_if<LayerGraph>()) return graph->state->output_names;
  std::vector<std::string> out;
  if (state_->compiled)
    for (const State::Output& output : state_->compiled->outputs) out.push_back(output.name);
  return out;
}

namespace {

/// The named layers of a network: those of a list or a graph.
std::vector<std::pair<std::string, Layer*>> layers_of(const Layer& network) {
  std::vector<std::pair<std::string, Layer*>> out;
  if (auto* stack = network.get_if<Stack>())
    for (Stack::Entry& entry : stack->state->entries) out.emplace_back(entry.name, &entry.layer);
  if (auto* graph = network.get_if<LayerGraph>())
    for (LayerGraph::Entry& entry : graph->state->layers) out.emplace_back(entry.name, &entry.layer);
  return out;
}

}  // namespace

std::vector<std::string> Model::names() const {
  std::vector<std::string> out;
  for (const auto& [name, layer] : layers_of(state_->network)) out.push_back(name);
  return out;
}

Layer& Model::get_layer(std::string_view name) const {
  const auto layers = layers_of(state_->network);
  std::vector<std::string_view> known;
  for (const auto& [key, layer] : layers) {
    if (key == name) return *layer;
    known.push_back(key);
  }
  throw_unknown_name(kind_name(), name, known);
}

Layer& Model::get_layer(std::size_t index) const {
  const auto layers = layers_of(state_->network);
  if (index >= layers.size())
    throw ValueError("[" + std::string(kind_name()) + "] expected the number of one of " +
                     std::to_string(layers.size()) + " layers, got " + std::to_string(index));
  return *layers[index].second;
}

Shape Model::input_shape() const {
  if (const auto* stack = state_->network.get_if<Stack>()) {
    const auto& entries = stack->state->entries;
    return entries.empty() ? Shape() : entries[0].layer.input_shape();
  }
  return state_->network.input_shape();
}

void Model::compile(CompileOptions options) {
  // What does not fit the outputs, where those are known, is found at once.
  if (const auto* graph = state_->network.get_if<LayerGraph>()) {
    const std::vector<std::string>& names = graph->state->output_names;
    if (options.loss.defined()) static_cast<void>(options.loss.ordered("compile", names));
    static_cast<void>(options.loss_weights.ordered("compile", names));
    static_cast<void>(options.metrics.ordered("compile", names));
    static_cast<void>(options.weighted_metrics.ordered("compile", names));
  }
  state_->compiled.emplace(State::Compiled{.options = std::move(options)});
}

bool Model::compiled() const { return state_->compiled.has_value(); }
void Model::set_train_step(StepFunction step) { state_->train_step = std::move(step); }
void Model::set_test_step(StepFunction step) { state_->test_step = std::move(step); }

optimizers::Optimizer& Model::optimizer() const {
  state_->need_compiled("optimizer");
  return state_->compiled->options.optimizer;
}

std::vector<Tensor> Model::get_weights() const {
  std::vector<Tensor> out;
  for (const NamedParameter& weight : weights(state_->network)) out.push_back(weight.parameter.value());
  return out;
}

void Model::set_weights(std::span<const Tensor> values) {
  const std::vector<NamedParameter> all = weights(state_->network);
  if (all.size() != values.size())
    throw ValueError("[set_weights] expected " + std::to_string(all.size()) + " tensors" +
                     (all.empty() ? " (the model is not built: give input_shape, or call it once)" : "") + ", got " +
                     std::to_string(values.size()));
  for (std::size_t i = 0; i < all.size(); ++i)
    if (all[i].parameter.shape() != values[i].shape())
      throw ShapeError("[set_weights] expected shape " + to_string(all[i].parameter.shape()) + " for '" + all[i].name +
                       "', got " + to_string(values[i].shape()));
  std::vector<Tensor> converted;
  for (std::size_t i = 0; i < all.size(); ++i) converted.push_back(cast(values[i], all[i].parameter.dtype()));
  eval(converted);
  try {
    for (std::size_t i = 0; i < all.size(); ++i) all[i].parameter.assign(converted[i]);
    converted.clear();
    eval({});
  } catch (...) {
    for (const NamedParameter& weight : all) weight.parameter.revert();
    throw;
  }
}

namespace {

std::string generator_text(const Generator& generator) {
  return std::to_string(generator.seed()) + " " + std::to_string(generator.next());
}

bool read_generator(const std::string& text, Generator& out) {
  std::uint64_t seed = 0, next = 0;
  const char* end = text.data() + text.size();
  const auto first = std::from_chars(text.data(), end, seed);
  if (first.ec != std::errc() || first.ptr == end || *first.ptr != ' ') return false;
  const auto second = std::from_chars(first.ptr + 1, end, next);
  if (second.ec != std::errc() || second.ptr != end) return false;
  out = Generator(seed, next);
  return true;
}

constexpr const char* generator_key = "generator:";

}  // namespace

void Model::save_weights(const std::string& path) const {
  const std::vector<NamedParameter> all = weights(state_->network);
  if (all.empty())
    throw ValueError("[save_weights] the model has no weights; if it is not built, give input_shape or call it once");
  io::NamedTensors tensors;
  for (const NamedParameter& weight : all) tensors.emplace_back(weight.name, weight.parameter.value());
  io::Metadata metadata;
  for (const NamedGenerator& g : generators(state_->network))
    metadata[generator_key + g.name] = generator_text(*g.generator);
  io::save_safetensors(path, tensors, metadata);
}

void Model::load_weights(const std::string& path) {
  const std::vector<NamedParameter> all = weights(state_->network);
  if (all.empty())
    throw ValueError("[load_weights] the model has no weights yet: give input_shape, or call it once before loading '" +
                     path + "'");
  const io::TensorFile file = io::load_safetensors(path);
  std::vector<std::string_view> known;
  for (const auto& [name, value] : file.tensors) known.push_back(name);
  std::vector<Tensor> values;
  for (const NamedParameter& weight : all) {
    const Tensor* found = nullptr;
    for (const auto& [name, value] : file.tensors)
      if (name == weight.name) found = &value;
    if (!found)
      throw ValueError("[load_weights] expected '" + weight.name + "' in '" + path + "': " +
                       near_misses(weight.name, known));
    if (found->shape() != weight.parameter.shape() || found->dtype() != weight.parameter.dtype())
      throw ValueError("[load_weights] expected '" + weight.name + "' to be " + to_string(weight.parameter.shape()) +
                       " " + name_of(weight.parameter.dtype()) + ", got " + to_string(found->shape()) + " " +
                       name_of(found->dtype()) + " in '" + path + "'");
    values.push_back(*found);
  }
  if (file.tensors.size() != all.size())
    for (const auto& [name, value] : file.tensors) {
      bool used = false;
      for (const NamedParameter& weight : all) used = used || weight.name == name;
      if (!used)
        throw ValueError("[load_weights] '" + path + "' holds '" + name + "', which the model has not (it has " +
                         std::to_string(all.size()) + " weights, the file " +
                         std::to_string(file.tensors.size()) + ")");
    }
  std::vector<std::pair<Generator*, Generator>> restored;
  for (const NamedGenerator& g : generators(state_->network)) {
    const auto found = file.metadata.find(generator_key + g.name);
    if (found == file.metadata.end()) continue;
    Generator generator;
    if (!read_generator(found->second, generator))
      throw IoError("[load_weights] expected a seed and a number for the generator '" + g.name + "' in '" + path +
                    "', got '" + found->second + "'");
    restored.emplace_back(g.generator, generator);
  }
  set_weights(values);
  for (const auto& [target, generator] : restored) *target = generator;
}

}  // namespace xgrad
