#include <xgrad/graph/rerecord.hpp>
#include <xgrad/graph/walk.hpp>

#include <unordered_map>

namespace xgrad {

std::vector<Tensor> rerecord(std::span<const Tensor> outputs, std::span<const Substitution> substitutions) {
  const Quiet quiet;
  Places places;
  std::vector<Node*> order;
  // A substituted node's own inputs are not part of the graph any more.
  std::unordered_map<const Node*, const Tensor*> replaced;
  for (const Substitution& s : substitutions) {
    if (!s.from.defined() || !s.to.defined())
      throw ValueError("[rerecord] expected substitutions of tensors, got one that was never given a value");
    replaced[s.from.node()] = &s.to;
  }
  for (const Tensor& output : outputs) {
    if (!output.defined()) throw ValueError("[rerecord] expected tensors, got one that was never given a value");
    walk_more(output.node(), Follow::everything, places, order);
  }

  std::vector<Tensor> now(order.size());
  for (std::size_t i = 0; i < order.size(); ++i) {
    Node* node = order[i];
    if (const auto found = replaced.find(node); found != replaced.end()) {
      now[i] = *found->second;
      continue;
    }
    if (node->info && node->info->ended)
      throw GradientError("[rerecord] expected a graph whose history is there, got " + describe(node) +
                          ": its history ended when Parameter '" + node->info->ended_by + "' was updated");
    bool changed = false;
    for (Node* input : node->in()) changed |= now[places[input]].node() != input;
    if (!changed) {
      now[i] = Tensor::share(node);
      continue;
    }
    // A cast that promotion recorded is decided anew by the operation that wanted it.
    if (node->flags.promoted) {
      now[i] = now[places[node->inputs[0]]];
      continue;
    }
    const OnBehalf here(node);
    std::vector<Arg> inputs;
    inputs.reserve(node->arity);
    for (Node* input : node->in()) inputs.push_back(Arg(now[places[input]], node->where));
    const std::string_view text = node->info ? std::string_view(node->info->text) : std::string_view();
    now[i] = record(*node->op, inputs, {node->attributes[0], node->attributes[1], list_of(node), text},
                    node->value.draw);
    if (!node->name().empty()) now[i].named(node->name());
  }
  std::vector<Tensor> result;
  result.reserve(outputs.size());
  for (const Tensor& output : outputs) result.push_back(now[places[output.node()]]);
  return result;
}

Tensor rerecord(const Tensor& output, std::initializer_list<Substitution> substitutions) {
  return rerecord(std::span(&output, 1), std::span(substitutions.begin(), substitutions.size())).front();
}

}  // namespace xgrad
