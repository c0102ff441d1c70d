#pragma once
/// What one evaluation asks of the planner. Internal to graph/ and diff/.

#include <xgrad/graph/node.hpp>

#include <memory>

namespace xgrad {

inline constexpr std::uint32_t no_index = ~std::uint32_t{0};

/// All that a plan may rely on, as words: equal keys mean the same plan.
using Key = std::vector<std::uint32_t>;

/// The nodes of one evaluation in an order where inputs come first: leaves (computed) and nodes to compute.
struct Request {
  std::vector<Node*> order;
  std::vector<std::uint32_t> inputs;  ///< of all nodes in `order`, one after another; no_index: lends only its shape
  std::vector<std::uint32_t> first_input;  ///< where each node's inputs start; one more: where the last one's end
  std::vector<std::uint8_t> leaf;          ///< computed before
  std::vector<std::uint8_t> stored;        ///< a node to compute: its result is wanted after the plan
  std::vector<std::uint8_t> takeable;      ///< a leaf: its buffer may be taken over
  Key key;

  bool is_leaf(std::size_t i) const { return leaf[i]; }
  std::span<const std::uint32_t> inputs_of(std::size_t i) const {
    return {inputs.data() + first_input[i], inputs.data() + first_input[i + 1]};
  }
};

/// The request that an evaluation of these tensors would make now; computes nothing. For tests and for those who look.
Request request_of(std::span<const Tensor> asked);

/// The request of a captured function: nothing but `asked` and the Parameters pending on this thread is kept.
Request captured_request(std::span<const Tensor> asked);

struct Plan;

/// The words of a key: for each leaf, for each node to compute (`inputs` are places in the order), and at the end for
/// what is stored and what may be taken over.
void write_leaf(Key& key, const Node* node);
void write_node(Key& key, const Node* node, std::span<const std::uint32_t> inputs);
void write_end(Key& key, const Request& request);

/// The plan for a request, from the cache or new; `hit` says which. The key compares whole.
std::shared_ptr<const Plan> plan_for(const Request& request, bool* hit = nullptr);
/// Another one whenever the cache has forgotten a plan.
std::uint64_t plan_generation();
/// Counts a use of a plan that was found without the cache.
void count_repeat(const Plan& plan);

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
