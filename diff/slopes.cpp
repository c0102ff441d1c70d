#include <xgrad/diff/slopes.hpp>

#include <xgrad/graph/grad.hpp>
#include <xgrad/graph/rerecord.hpp>
#include <xgrad/graph/walk.hpp>

#include <algorithm>

namespace xgrad {
namespace {

std::string scope_of(const Node* node) { return node->scope ? *node->scope : std::string(); }

/// Operations that make sums or hand elements on: the activation begins behind them.
bool ends_activation(const Node* node) {
  if (!node->op || node->arity == 0) return true;
  if (node->op->kind != Kind::elementwise) return true;
  return node->op->code == kernels::Code::add && node->inputs[1]->shape.rank() <= 1 && node->inputs[1]->arity == 0;
}

}  // namespace

std::vector<UnitSlopes> unit_slopes(const Tensor& y) {
  std::vector<Node*> order;
  std::vector<std::vector<std::uint32_t>> inputs;
  {
    const Walk walk(y.node(), Follow::values);
    order.assign(walk.order().begin(), walk.order().end());
    for (std::size_t i = 0; i < order.size(); ++i)
      inputs.emplace_back(walk.inputs_of(i).begin(), walk.inputs_of(i).end());
  }
  std::vector<UnitSlopes> result;
  std::vector<std::uint8_t> leaves_layer(order.size(), 0);
  for (std::size_t i = 0; i < order.size(); ++i)
    for (const std::uint32_t at : inputs[i])
      if (at != no_index && scope_of(order[at]) != scope_of(order[i])) leaves_layer[at] = 1;
  for (std::size_t i = 0; i < order.size(); ++i) {
    const std::string layer = scope_of(order[i]);
    if (!leaves_layer[i] || layer.empty() || ends_activation(order[i]) || !is_floating(order[i]->dtype)) continue;
    const Shape& shape = order[i]->shape;
    if (shape.rank() < 2) continue;
    // Back through elementwise operations to the one tensor of this shape that they all follow from.
    std::vector<std::uint32_t> waiting{static_cast<std::uint32_t>(i)};
    std::vector<std::uint32_t> sources, seen;
    bool elementwise = true;
    while (!waiting.empty() && elementwise) {
      const std::uint32_t at = waiting.back();
      waiting.pop_back();
      if (std::find(seen.begin(), seen.end(), at) != seen.end()) continue;
      seen.push_back(at);
      const Node* node = order[at];
      if (node->flags.number || (node->shape.rank() == 0 && inputs[at].empty())) continue;
      const bool outside = scope_of(node) != layer && at != i;
      if (outside || ends_activation(node)) {
        if (node->shape == shape && is_floating(node->dtype)) sources.push_back(at);
        else elementwise = node->shape.size() == 1;
        continue;
      }
      for (const std::uint32_t from : inputs[at])
        if (from != no_index) waiting.push_back(from);
    }
    if (!elementwise || sources.size() != 1 || sources[0] == i) continue;
    const Tensor a = Tensor::share(order[i]), z = Tensor::share(order[sources[0]]);
    const Tensor slopes = grad(a, z, {.seed = ones(shape, {.dtype = a.dtype()})});
    const Tensor zero = zeros({1, 1}, {.dtype = z.dtype()}).eval();
    const Tensor at_zero = rerecord(a, {{z, zero}});
    if (at_zero.size() != 1) continue;
    result.push_back({layer, slopes, reshape(grad(at_zero, zero), Shape{})});
  }
  return result;
}

}  // namespace xgrad
