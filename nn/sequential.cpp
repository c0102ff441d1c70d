#include <xgrad/graph/basic.hpp>
#include <xgrad/graph/grad.hpp>
#include <xgrad/graph/op.hpp>
#include <xgrad/nn/sequential.hpp>
#include <xgrad/nn/stack.hpp>
#include <xgrad/optim/names.hpp>

namespace xgrad {

namespace {

/// "MaxPooling2D" -> "max_pooling2d"
std::string snake_case(std::string_view kind) {
  std::string out;
  for (std::size_t i = 0; i < kind.size(); ++i) {
    const bool upper = kind[i] >= 'A' && kind[i] <= 'Z';
    const bool after_lower = i > 0 && kind[i - 1] >= 'a' && kind[i - 1] <= 'z';
    if (upper && after_lower) out += '_';
    out += upper ? static_cast<char>(kind[i] - 'A' + 'a') : kind[i];
  }
  return out;
}

bool taken(const std::vector<Stack::Entry>& entries, std::string_view name) {
  for (const Stack::Entry& entry : entries)
    if (entry.name == name) return true;
  return false;
}

std::string name_for(const Layer& layer, const std::vector<Stack::Entry>& entries) {
  std::string name = layer.name();
  if (!name.empty()) {
    if (taken(entries, name))
      throw ValueError("[Sequential] expected layers of different names, got '" + name + "' twice");
    return name;
  }
  const std::string base = snake_case(layer.kind_name());
  name = base;
  for (int i = 1; taken(entries, name); ++i) name = base + "_" + std::to_string(i);
  return name;
}

Shape without_batch(const Shape& shape) { return Shape(std::span(shape.begin(), shape.end()).subspan(1)); }

/// What went wrong, and in which layer, unless the message says so.
std::string in_layer(const Error& error, const std::string& name) {
  const std::string text = error.what();
  return text.find(", in " + name) == std::string::npos ? text + ", in " + name : text;
}

Tensor call_named(const Stack::Entry& entry, const Tensor& x, Call& call) {
  try {
    const NameScope scope(entry.name);
    return entry.layer(x, call);
  } catch (const ShapeError& error) {
    throw ShapeError(in_layer(error, entry.name));
  } catch (const DTypeError& error) {
    throw DTypeError(in_layer(error, entry.name));
  }
}

}  // namespace

Tensor Stack::operator()(const Tensor& x, Call& call) const {
  Tensor y = x;
  for (Entry& entry : state->entries) {
    y = call_named(entry, y, call);
    // Threads may share a built model, so nothing is written then.
    if (entry.known || y.rank() == 0) continue;
    entry.output = without_batch(y.shape());
    entry.dtype = y.dtype();
    entry.known = true;
  }
  return y;
}

void Stack::each(Visit visit) {
  visit.own(state);
  for (Entry& entry : state->entries) visit(entry.name, entry.layer);
}

void Stack::reach(std::size_t i, const Shape& input, DType dtype) const {
  Shape shape;
  shape.append(1);
  for (const std::int64_t n : input) shape.append(n);
  const NoGrad no_grad;
  Call call;
  Entry& entry = state->entries[i];
  const Tensor y = call_named(entry, zeros(shape, {.dtype = dtype}), call);
  if (y.rank() == 0) return;
  entry.output = without_batch(y.shape());
  entry.dtype = y.dtype();
  entry.known = true;
}

Sequential::Sequential() : Model(Layer(Stack())) {}
Sequential::Sequential(std::initializer_list<Layer> layers) : Sequential() {
  for (const Layer& layer : layers) add(layer);
}
Sequential::Sequential(const std::vector<Layer>& layers) : Sequential() {
  for (const Layer& layer : layers) add(layer);
}

void Sequential::add(Layer layer) {
  const Stack& stack = *network().get_if<Stack>();
  std::vector<Stack::Entry>& entries = stack.state->entries;
  std::string name = name_for(layer, entries);
  entries.push_back({std::move(name), std::move(layer)});
  try {
    const std::size_t last = entries.size() - 1;
    if (last == 0) {
      const Shape input = entries[0].layer.input_shape();
      if (input.rank() > 0) stack.reach(0, input, float32);
    } else if (entries[last - 1].known) {
      stack.reach(last, entries[last - 1].output, entries[last - 1].dtype);
    }
  } catch (...) {
    entries.pop_back();
    throw;
  }
}

void Sequential::pop() {
  std::vector<Stack::Entry>& entries = network().get_if<Stack>()->state->entries;
  if (entries.empty()) throw ValueError("[Sequential] pop() needs a layer, but there is none");
  entries.pop_back();
}

void Sequential::build(const Shape& input_shape, DType dtype) {
  const Stack& stack = *network().get_if<Stack>();
  std::vector<Stack::Entry>& entries = stack.state->entries;
  for (std::size_t i = 0; i < entries.size(); ++i) {
    if (i > 0 && !entries[i - 1].known) return;
    stack.reach(i, i == 0 ? input_shape : entries[i - 1].output, i == 0 ? dtype : entries[i - 1].dtype);
  }
}

std::size_t Sequential::size() const { return network().get_if<Stack>()->state->entries.size(); }

std::vector<std::string> Sequential::names() const {
  std::vector<std::string> out;
  for (const Stack::Entry& entry : network().get_if<Stack>()->state->entries) out.push_back(entry.name);
  return out;
}

Layer& Sequential::get_layer(std::string_view name) const {
  std::vector<std::string_view> known;
  for (Stack::Entry& entry : network().get_if<Stack>()->state->entries) {
    if (entry.name == name) return entry.layer;
    known.push_back(entry.name);
  }
  throw_unknown_name("Sequential", name, known);
}

Layer& Sequential::get_layer(std::size_t index) const {
  std::vector<Stack::Entry>& entries = network().get_if<Stack>()->state->entries;
  if (index >= entries.size())
    throw ValueError("[Sequential] expected the number of one of " + std::to_string(entries.size()) +
                     " layers, got " + std::to_string(index));
  return entries[index].layer;
}

Shape Sequential::input_shape() const {
  const std::vector<Stack::Entry>& entries = network().get_if<Stack>()->state->entries;
  return entries.empty() ? Shape() : entries[0].layer.input_shape();
}

}  // namespace xgrad
