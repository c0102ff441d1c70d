#include <xgrad/graph/basic.hpp>
#include <xgrad/graph/grad.hpp>
#include <xgrad/graph/op.hpp>
#include <xgrad/nn/functional.hpp>
#include <xgrad/nn/sequential.hpp>
#include <xgrad/nn/stack.hpp>

namespace xgrad {

namespace {

Shape without_batch(const Shape& shape) { return Shape(std::span(shape.begin(), shape.end()).subspan(1)); }

}  // namespace

Tensor Stack::operator()(const Tensor& x, Call& call) const {
  Tensor y = x;
  if (!state->input_known && x.rank() > 0) {
    state->input = without_batch(x.shape());
    state->input_dtype = x.dtype();
    state->input_known = true;
  }
  for (Entry& entry : state->entries) {
    y = call_in(entry.name, entry.layer, std::span(&y, 1), call)[0];
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
  Call call{.dry = true};
  Entry& entry = state->entries[i];
  const Tensor x = zeros(shape, {.dtype = dtype});
  if (i == 0) {
    state->input = input;
    state->input_dtype = dtype;
    state->input_known = true;
  }
  const Tensor y = call_in(entry.name, entry.layer, std::span(&x, 1), call)[0];
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
  std::string name = name_among("Sequential", layer, names());
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

}  // namespace xgrad
