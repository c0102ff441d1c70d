#pragma once
/// Recording a graph again with other operations. Internal to graph/ and diff/; tests put wrong rules in with it.

#include <xgrad/graph/node.hpp>
#include <xgrad/graph/rerecord.hpp>

namespace xgrad {

/// Is offered every node with inputs, and what its inputs are now. A defined result takes the node's place; it is
/// recorded on behalf of the node, so it carries its line and layer.
struct Replacement {
  Tensor (*call)(void* self, const Node* node, std::span<const Tensor> inputs) = nullptr;
  void* self = nullptr;
};

std::vector<Tensor> rerecord_with(std::span<const Tensor> outputs, std::span<const Substitution> substitutions,
                                  const Replacement& replacement);

}  // namespace xgrad
