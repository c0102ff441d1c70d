#include <xgrad/graph/basic.hpp>
#include <xgrad/graph/grad.hpp>
#include <xgrad/io/safetensors.hpp>
#include <xgrad/nn/functional_config.hpp>
#include <xgrad/nn/model_state.hpp>
#include <xgrad/nn/made.hpp>
#include <xgrad/nn/sharing.hpp>
#include <xgrad/nn/stack.hpp>
#include <xgrad/optim/names.hpp>

#include <algorithm>
#include <charconv>
#include <unordered_map>

namespace xgrad {

namespace {

constexpr const char* format_name = "xgrad model";
constexpr const char* generator_key = "generator:";
constexpr const char* weight_key = "weights/";
constexpr const char* optimizer_key = "optimizer/";

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

Config stack_config(const Stack& stack) {
  std::vector<Config> layers;
  for (const Stack::Entry& entry : stack.state->entries) layers.push_back(with_name(entry.name, entry.layer));
  Config out = Config::object({{"layers", layers}});
  if (stack.state->input_known) {
    out.set("input_shape", stack.state->input);
    out.set("input_dtype", stack.state->input_dtype);
  }
  return out;
}

Stack stack_from(const Config& config, const CustomObjects& custom) {
  Stack stack;
  for (const Config& layer : config.at("layers").list())
    stack.state->entries.push_back({layer.at("name").text(), layer_from_config(layer, custom)});
  return stack;
}

/// Makes the weights by a call that is recorded and not computed.
void build(const Layer& network, const std::vector<std::pair<Shape, DType>>& inputs) {
  const NoGrad no_grad;
  std::vector<Tensor> xs;
  for (const auto& [shape, dtype] : inputs) {
    Shape batch;
    batch.append(2);
    for (const std::int64_t n : shape) batch.append(n);
    xs.push_back(zeros(batch, {.dtype = dtype}));
  }
  // The thread's own generator stays as it is.
  Generator generator(0);
  Call call{.generator = &generator, .dry = true};
  network(xs, call);
}

Model model_from(std::string_view class_name, const Config& config, const CustomObjects& custom) {
  if (class_name == "Functional") {
    const LayerGraph graph = graph_from(config, custom);
    Layer network(graph);
    std::vector<std::pair<Shape, DType>> inputs;
    for (const LayerGraph::Input& input : graph.state->inputs) inputs.emplace_back(input.shape, input.dtype);
    build(network, inputs);
    if (config.contains("shared")) share(network, config.at("shared"));
    return Model(std::move(network));
  }
  const Stack stack = stack_from(config, custom);
  Layer network(stack);
  if (config.contains("input_shape") && !stack.state->entries.empty())
    build(network, {{config.at("input_shape").shape(), config.at("input_dtype").dtype()}});
  if (config.contains("shared")) share(network, config.at("shared"));
  return Model(std::move(network));
}

}  // namespace

const CustomObjects::Maker* CustomObjects::find_layer(std::string_view class_name) const {
  for (const auto& [name, maker] : makers_)
    if (name == class_name) return &maker;
  return nullptr;
}

const CustomObjects::CellMaker* CustomObjects::find_cell(std::string_view class_name) const {
  for (const auto& [name, maker] : cell_makers_)
    if (name == class_name) return &maker;
  return nullptr;
}

const CustomObjects::TensorFunction& CustomObjects::find_function(std::string_view name) const {
  std::vector<std::string_view> known;
  for (const auto& [key, function] : functions_) {
    if (key == name) return function;
    known.push_back(key);
  }
  throw_unknown_name("function of a Lambda layer", name, known);
}

Config layer_config(const Layer& layer) {
  return Config::object({{"class_name", layer.kind_name()}, {"config", layer.get_config()}});
}

Layer layer_from_config(const Config& config, const CustomObjects& custom) {
  const std::string& name = config.at("class_name").text();
  const Config& options = config.at("config");
  if (const auto* maker = custom.find_layer(name)) return (*maker)(options, custom);
  if (name == "Sequential" || name == "Functional") {
    Model model = model_from(name, options, custom);
    if (options.contains("name")) model.set_name(options.at("name").text());
    return Layer(std::move(model));
  }
  if (const auto* maker = library_layers().find_layer(name)) return (*maker)(options, custom);
  std::vector<std::string_view> known = {"Sequential", "Functional"};
  for (const auto* table : {&custom, &library_layers()})
    for (const auto& [key, maker] : table->makers()) known.push_back(key);
  throw_unknown_name("layer (one of your own goes into CustomObjects)", name, known);
}

Config Model::get_config() const {
  Config out = Config::object();
  if (!state_->name.empty()) out.set("name", state_->name);
  Config inner;
  if (const auto* stack = state_->network.get_if<Stack>())
    inner = stack_config(*stack);
  else if (const auto* graph = state_->network.get_if<LayerGraph>())
    inner = graph_config(*graph);
  else
    inner = state_->network.get_config();
  for (const auto& [key, value] : inner.entries()) out.set(key, value);
  if (!state_->network.get_if<Stack>() && !state_->network.get_if<LayerGraph>()) return out;
  if (Config sharing = sharing_of(state_->network); !sharing.is_nothing()) out.set("shared", std::move(sharing));
  return out;
}

/// Model's files.
struct Saving {
  /// The compile config, or why there is none.
  static std::string compile_text(const Model& model) {
    try {
      return model.get_compile_config().to_json();
    } catch (const ValueError& error) {
      return Config::object({{"missing", error.what()}}).to_json();
    }
  }

  /// The places, among the weights, of the Parameters that the optimizer was built for.
  static std::vector<Config> optimized(const Model& model) {
    std::vector<Config> out;
    if (!model.state_->compiled) return out;
    const std::vector<NamedParameter> all = weights(model.state_->network);
    for (const Parameter& parameter : model.optimizer().parameters())
      for (std::size_t i = 0; i < all.size(); ++i)
        if (all[i].parameter == parameter) out.emplace_back(i);
    return out;
  }

  /// Compiles as the file says, and builds the optimizer as it was built when its state was saved.
  static void compile(Model& model, const io::TensorFile& file, const std::string& path, const CustomObjects& custom) {
    const auto found = file.metadata.find("compile");
    if (found == file.metadata.end()) return;
    const Config config = Config::parse(found->second, path);
    if (config.contains("missing")) {
      model.state_->not_compiled = " ('" + path + "' could not say how: " + config.at("missing").text() + ")";
      return;
    }
    model.compile_from_config(config, custom);
    const Config training = Config::parse(text(file, path, "training"), path);
    if (!training.contains("optimized")) return;
    const std::vector<NamedParameter> all = weights(model.state_->network);
    std::vector<Parameter> optimized;
    for (const Config& at : training.at("optimized").list()) {
      const std::int64_t i = at.integer();
      if (i < 0 || i >= static_cast<std::int64_t>(all.size()))
        throw IoError("[load] expected the place of a weight in '" + path + "', got " + std::to_string(i));
      optimized.push_back(all[static_cast<std::size_t>(i)].parameter);
      optimized.back().set_name(all[static_cast<std::size_t>(i)].name);
    }
    model.optimizer().build(optimized);
    constrain(model.optimizer(), model.state_->network);
  }

  /// What every file holds: weights, generators, the optimizer's state and the order of rows.
  static void write(const Model& model, const std::string& path, io::Metadata metadata, const char* where) {
    Model::State& state = *model.state_;
    const std::vector<NamedParameter> all = weights(state.network);
    if (all.empty())
      throw ValueError("[" + std::string(where) +
                       "] the model has no weights; if it is not built, give input_shape or " + "call it once");
    io::NamedTensors tensors;
    std::vector<Config> trainable;
    for (const NamedParameter& weight : all) {
      tensors.emplace_back(weight_key + weight.name, weight.parameter.value());
      trainable.emplace_back(weight.parameter.trainable());
    }
    Config training = Config::object({{"trainable", trainable}});
    optimizers::NamedTensors optimizer = state.waiting;
    if (state.compiled && !state.compiled->options.optimizer.parameters().empty()) {
      optimizer = state.compiled->options.optimizer.state();
      training.set("learning_rate", state.compiled->options.optimizer.learning_rate());
      training.set("optimizer", state.compiled->options.optimizer.name());
    }
    for (const auto& [name, value] : optimizer) tensors.emplace_back(optimizer_key + name, value);
    if (std::vector<Config> places = optimized(model); !places.empty()) training.set("optimized", places);
    if (state.order_seed) training.set("order_seed", static_cast<std::int64_t>(*state.order_seed));
    for (const NamedGenerator& g : generators(state.network))
      metadata[generator_key + g.name] = generator_text(*g.generator);
    metadata["format"] = format_name;
    metadata["version"] = "1";
    metadata["training"] = training.to_json();
    io::save_safetensors(path, tensors, metadata);
  }

  static const std::string& text(const io::TensorFile& file, const std::string& path, const char* key) {
    const auto found = file.metadata.find(key);
    if (found == file.metadata.end())
      throw IoError("[load] expected a model in '" + path + "', but it does not say its '" + key + "'");
    return found->second;
  }

  static io::TensorFile open(const std::string& path) {
    io::TensorFile file = io::load_safetensors(path);
    if (text(file, path, "format") != format_name)
      throw IoError("[load] expected an xgrad model in '" + path + "', got the format '" + text(file, path, "format") +
                    "'");
    if (text(file, path, "version") != "1")
      throw IoError("[load] expected version 1 in '" + path + "', got '" + text(file, path, "version") + "'");
    return file;
  }

  /// Puts a file's contents into the model; checks all of it before anything changes.
  static void apply(Model& model, const io::TensorFile& file, const std::string& path, bool whole = false) {
    Model::State& state = *model.state_;
    const std::vector<NamedParameter> all = weights(state.network);
    std::vector<Tensor> values;
    std::vector<std::string> names;
    optimizers::NamedTensors optimizer;
    for (const auto& [name, value] : file.tensors) {
      if (name.starts_with(weight_key)) names.push_back(name.substr(std::string_view(weight_key).size()));
      if (name.starts_with(optimizer_key))
        optimizer.emplace_back(name.substr(std::string_view(optimizer_key).size()), value);
    }
    const std::vector<std::string_view> known(names.begin(), names.end());
    for (const NamedParameter& weight : all) {
      const auto found = std::find_if(file.tensors.begin(), file.tensors.end(),
                                      [&](const auto& entry) { return entry.first == weight_key + weight.name; });
      if (found == file.tensors.end())
        throw ValueError("[load] expected '" + weight.name + "' in '" + path + "': " + near_misses(weight.name, known));
      if (found->second.shape() != weight.parameter.shape() || found->second.dtype() != weight.parameter.dtype())
        throw ValueError("[load] expected '" + weight.name + "' to be " + to_string(weight.parameter.shape()) + " " +
                         name_of(weight.parameter.dtype()) + ", got " + to_string(found->second.shape()) + " " +
                         name_of(found->second.dtype()) + " in '" + path + "'");
      values.push_back(found->second);
    }
    if (names.size() != all.size())
      throw ValueError("[load] expected " + std::to_string(all.size()) + " weights in '" + path + "', got " +
                       std::to_string(names.size()));
    const Config training = Config::parse(text(file, path, "training"), path);
    std::vector<std::pair<Generator*, Generator>> restored;
    for (const NamedGenerator& g : generators(state.network)) {
      Generator generator;
      if (!read_generator(text(file, path, (generator_key + g.name).c_str()), generator))
        throw IoError("[load] expected a seed and a number for the generator '" + g.name + "' in '" + path + "'");
      restored.emplace_back(g.generator, generator);
    }
    const std::vector<Config>& trainable = training.at("trainable").list();
    if (trainable.size() != all.size())
      throw IoError("[load] expected what is trained for each weight in '" + path + "'");
    std::vector<bool> trained;
    for (const Config& flag : trainable) trained.push_back(flag.boolean());
    std::optional<std::uint64_t> order_seed;
    if (training.contains("order_seed")) order_seed = static_cast<std::uint64_t>(training.at("order_seed").integer());

    const bool built = state.compiled && !state.compiled->options.optimizer.parameters().empty();
    if (built && !optimizer.empty()) {
      optimizers::Optimizer& own = state.compiled->options.optimizer;
      const std::optional<double> rate =
          training.contains("learning_rate") ? std::optional(training.at("learning_rate").real()) : std::nullopt;
      own.load_state(optimizer);
      if (rate && !own.scheduled()) own.set_learning_rate(*rate);
    }
    model.set_weights(values);
    // A loaded model may be compiled again before it goes on.
    if (!built || whole) state.waiting = std::move(optimizer);
    if (training.contains("optimizer")) state.waiting_for = training.at("optimizer").text();
    for (const auto& [target, generator] : restored) *target = generator;
    for (std::size_t i = 0; i < all.size(); ++i) all[i].parameter.set_trainable(trained[i]);
    state.order_seed = order_seed;
  }
};

void Model::save(const std::string& path) const {
  io::Metadata metadata;
  Config architecture = Config::object({{"class_name", kind_name()}, {"config", get_config()}});
  if (!state_->seen.empty()) {
    std::vector<Config> seen;
    for (const auto& [shape, dtype] : state_->seen)
      seen.push_back(Config::object({{"shape", shape}, {"dtype", dtype}}));
    architecture.set("inputs", seen);
  }
  if (Config sharing = sharing_of(state_->network);
      !sharing.is_nothing() && !architecture.at("config").contains("shared"))
    architecture.set("shared", std::move(sharing));
  metadata["architecture"] = architecture.to_json();
  if (compiled()) metadata["compile"] = Saving::compile_text(*this);
  Saving::write(*this, path, std::move(metadata), "save");
}

void Model::save_checkpoint(const std::string& path, const Config& extra) const {
  io::Metadata metadata;
  metadata["extra"] = extra.to_json();
  Saving::write(*this, path, std::move(metadata), "save_checkpoint");
}

Config Model::load_checkpoint(const std::string& path) {
  const io::TensorFile file = Saving::open(path);
  Config extra;
  if (const auto found = file.metadata.find("extra"); found != file.metadata.end())
    extra = Config::parse(found->second, path);
  Saving::apply(*this, file, path);
  return extra;
}

Model model_from_config(const Config& config, const CustomObjects& custom) {
  const std::string& name = config.at("class_name").text();
  const Config& options = config.at("config");
  if (name == "Sequential" || name == "Functional") {
    Model model = model_from(name, options, custom);
    if (options.contains("name")) model.set_name(options.at("name").text());
    return model;
  }
  Layer network = layer_from_config(config, custom);
  if (config.contains("inputs")) {
    std::vector<std::pair<Shape, DType>> inputs;
    for (const Config& input : config.at("inputs").list())
      inputs.emplace_back(input.at("shape").shape(), input.at("dtype").dtype());
    build(network, inputs);
  }
  if (config.contains("shared")) share(network, config.at("shared"));
  return Model(std::move(network));
}

Model load_model(const std::string& path, const CustomObjects& custom) {
  const io::TensorFile file = Saving::open(path);
  Model model = model_from_config(Config::parse(Saving::text(file, path, "architecture"), path), custom);
  Saving::compile(model, file, path, custom);
  Saving::apply(model, file, path, true);
  return model;
}

}  // namespace xgrad
