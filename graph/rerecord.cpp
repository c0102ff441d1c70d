#include <xgrad/graph/replace.hpp>
#include <xgrad/graph/walk.hpp>

#include <unordered_map>

namespace xgrad {

std::vector<Tensor> rerecord(std::span<const Tensor> outputs, std::span<const Substitution> substitutions) {
  return rerecord_with(outputs, substitutions, {});
}

std::vector<Tensor> rerecord_with(std::span<const Tensor> outputs, std::span<const Substitution> substitutions,
                                  const Replacement& replacement) {
  const Quiet quiet;
  Walk walk(Follow::everything);
  std::unordered_map<const Node*, const Tensor*> replaced;
  for (const Substitution& s : substitutions) {
    if (!s.from.defined() || !s.to.defined())
      throw ValueError("[rerecord] expected substitutions of tensors, got one that was never given a value");
    replaced[s.from.node()] = &s.to;
  }
  for (const Tensor& output : outputs) {
    if (!output.defined()) throw ValueError("[rerecord] expected tensors, got one that was never given a value");
    walk.add(output.node());
  }

  std::vector<std::uint32_t> outputs_at;
  for (const Tensor& output : outputs) outputs_at.push_back(walk[output.node()]);
  std::vector<Tensor> now(walk.order().size());
  // What lies below substituted nodes alone is not part of the graph any more.
  std::vector<bool> needed(now.size(), false);
  for (const std::uint32_t at : outputs_at) needed[at] = true;
  for (std::size_t i = now.size(); i-- > 0;) {
    if (!needed[i] || replaced.contains(walk.order()[i])) continue;
    for (const std::uint32_t at : walk.inputs_of(i)) needed[at] = true;
  }
  for (std::size_t i = 0; i < now.size(); ++i) {
    if (!needed[i]) continue;
    Node* node = walk.order()[i];
    const auto inputs_at = walk.inputs_of(i);
    if (const auto found = replaced.find(node); found != replaced.end()) {
      now[i] = *found->second;
      continue;
    }
    if (const Ending* ending = ending_of(node); ending && !ending->by)
      throw GradientError("[rerecord] expected a graph whose history is there, got a result of a captured function: " +
                          describe(node));
    else if (ending)
      throw GradientError("[rerecord] expected a graph whose history is there, got " + describe(node) +
                          ": its history ended when Parameter '" + ending->by->text + "' was updated");
    bool changed = false;
    for (std::size_t k = 0; k < inputs_at.size(); ++k) changed |= now[inputs_at[k]].node() != node->inputs[k];
    if (replacement.call && !inputs_at.empty()) {
      const OnBehalf here(node);
      std::vector<Tensor> inputs;
      for (const std::uint32_t at : inputs_at) inputs.push_back(now[at]);
      if (Tensor other = replacement.call(replacement.self, node, inputs); other.defined()) {
        now[i] = std::move(other);
        continue;
      }
    }
    if (!changed) {
      now[i] = Tensor::share(node);
      continue;
    }
    // A cast that promotion recorded is decided anew by the operation that wanted it.
    if (node->flags.promoted) {
      now[i] = now[inputs_at[0]];
      continue;
    }
    const OnBehalf here(node);
    std::vector<Arg> inputs;
    inputs.reserve(inputs_at.size());
    for (const std::uint32_t at : inputs_at) inputs.push_back(Arg(now[at], node->where));
    now[i] = record(*node->op, inputs, attributes_of(node), node->value.draw);
    if (!node->name().empty()) now[i].named(node->name());
  }
  std::vector<Tensor> result;
  result.reserve(outputs.size());
  for (const std::uint32_t at : outputs_at) result.push_back(now[at]);
  return result;
}

Tensor rerecord(const Tensor& output, std::initializer_list<Substitution> substitutions) {
  return rerecord(std::span(&output, 1), std::span(substitutions.begin(), substitutions.size())).front();
}

}  // namespace xgrad
