#include <xgrad/graph/grad.hpp>
#include <xgrad/io/safetensors.hpp>
#include <xgrad/nn/model_state.hpp>
#include <xgrad/optim/names.hpp>
#include <xgrad/ops/indexing.hpp>

#include <charconv>
#include <cstring>

namespace xgrad {

Model::Model(Layer network) : state_(new State(std::move(network))) {}

Layer& Model::network() const { return state_->network; }

Tensor Model::operator()(const Tensor& x) const {
  Call call;
  return state_->network(x, call);
}
Tensor Model::operator()(const Tensor& x, Call& call) const { return state_->network(x, call); }

void Model::each(Visit visit) {
  visit.own(state_);
  state_->network.each(visit);
}

void Model::compile(CompileOptions options) {
  state_->compiled.emplace(State::Compiled{.optimizer = std::move(options.optimizer),
                                           .loss = std::move(options.loss),
                                           .metrics = std::move(options.metrics)});
}

optimizers::Optimizer& Model::optimizer() const {
  if (!state_->compiled) throw ValueError("[optimizer] the model is not compiled: call compile first");
  return state_->compiled->optimizer;
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
  for (std::size_t i = 0; i < all.size(); ++i) all[i].parameter.assign(converted[i]);
  converted.clear();
  eval({});
}

Tensor Model::predict(const Tensor& x, const PredictOptions& options) const {
  if (x.rank() == 0) throw ShapeError("[predict] expected x with a batch axis, got a scalar");
  if (options.batch_size < 1)
    throw ValueError("[predict] expected a batch_size of 1 or more, got " + std::to_string(options.batch_size));
  const NoGrad no_grad;
  const std::int64_t rows = x.dim(0);
  std::vector<std::int64_t> order;
  std::vector<std::byte> bytes;
  std::size_t row_bytes = 0;
  std::int64_t out_size = 0;
  Shape shape;
  DType dtype = float32;
  for (std::int64_t begin = 0; begin < rows || begin == 0; begin += options.batch_size) {
    const std::int64_t count = std::min(options.batch_size, rows - begin);
    order.clear();
    for (std::int64_t i = 0; i < count; ++i) order.push_back(begin + i);
    const Tensor y = (*this)(take(x, tensor(order, {count})));
    if (y.rank() == 0 || y.dim(0) != count)
      throw ShapeError("[predict] expected one output for each of " + std::to_string(count) + " rows, got " +
                       to_string(y.shape()));
    y.eval();
    if (rows <= options.batch_size) return y;
    if (begin == 0) {
      shape = y.shape();
      shape.set(0, rows);
      out_size = shape.size();
      dtype = y.dtype();
      row_bytes = static_cast<std::size_t>(y.size() / count) * size_of(dtype);
      bytes.resize(row_bytes * static_cast<std::size_t>(rows));
    } else if (y.dtype() != dtype || y.size() / count != out_size / rows) {
      throw ShapeError("[predict] expected outputs of one shape, got " + to_string(y.shape()) + " after " +
                       to_string(shape));
    }
    with_dtype(dtype, [&](auto zero) {
      const auto values = y.data<decltype(zero)>();
      std::memcpy(bytes.data() + row_bytes * static_cast<std::size_t>(begin), values.data(), values.size_bytes());
    });
  }
  return with_dtype(dtype, [&](auto zero) {
    using T = decltype(zero);
    const std::span values(reinterpret_cast<const T*>(bytes.data()), bytes.size() / sizeof(T));
    return tensor(values, shape, {.dtype = dtype});
  });
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
