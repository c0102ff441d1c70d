#pragma once
/// What one evaluation asks of the planner. Internal to graph/.

#include <xgrad/graph/node.hpp>

#include <memory>

namespace xgrad {

inline constexpr std::uint32_t no_index = ~std::uint32_t{0};

/// The nodes of one evaluation in an order where inputs come first: leaves (computed) and nodes to compute.
struct Request {
  std::vector<Node*> order;
  std::vector<std::uint32_t> inputs;  ///< of all nodes in `order`, one after another; no_index: lends only its shape
  std::vector<std::uint32_t> first_input;  ///< where each node's inputs start
  std::vector<std::uint8_t> stored;        ///< a node to compute: its result is wanted after the plan
  std::vector<std::uint8_t> takeable;      ///< a leaf: its buffer may be taken over

  bool is_leaf(std::size_t i) const { return order[i]->computed(); }
  std::span<const std::uint32_t> inputs_of(std::size_t i) const {
    return {inputs.data() + first_input[i], order[i]->computed() ? 0 : order[i]->arity};
  }
};

/// The request that an evaluation of these tensors would make now; computes nothing. For tests and for those who look.
Request request_of(std::span<const Tensor> asked);

struct Plan;

/// The plan for a request, from the cache or new. The key compares whole.
std::shared_ptr<const Plan> plan_for(const Request& request);

/// Runs a plan. `results` gets one counted buffer for each stored node, at its place in the order. On an exception
/// nothing has changed and `results` holds nothing.
void run(const Plan& plan, const Request& request, std::span<kernels::Buffer*> results);

/// Whether input k of an operation lends its shape only.
inline bool lends_shape(const Op& op, std::uint32_t k) {
  if (!op.shape_only) return false;
  return k < 31 ? ((op.shape_only >> k) & 1) || (k > 0 && (op.shape_only >> 31)) : (op.shape_only >> 31) != 0;
}
inline Rule rule_of(const Op& op, std::uint32_t k) {
  return op.variadic ? op.rules[0] : (k < 3 ? op.rules[k] : nullptr);
}

}  // namespace xgrad
