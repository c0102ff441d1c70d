/// What decides how long a history lives.

#include <xgrad/graph/evaluation.hpp>

#include <algorithm>

namespace xgrad {

bool is_replaced(const Node* node) {
  const Slot* slot = node->slot;
  return slot && slot->pending && slot->committed.node() == node && slot->value.node() != node && !abandoned(slot);
}

bool leads(const Node* node) {
  if (!is_floating(node->dtype)) return false;
  if (node->held() && !node->flags.weak) return true;
  return node->owner == &this_thread() && node->arity > 0 && node->standing.reachable;
}

bool could_take(const Node* node, std::uint32_t uses) {
  return node->owner == &this_thread() && !node->flags.number && !node->standing.listed &&
         node->references() == uses + (is_replaced(node) ? 1 : 0) &&
         node->buffer->refs.load(std::memory_order_acquire) == 1 &&
         !node->buffer->pinned.load(std::memory_order_relaxed);
}

void look_again_after(ThreadState& state) { state.look_through = std::max<std::uint64_t>(4096, 2 * state.listed); }

void end_unreachable(ThreadState& state) {
  for (std::size_t i = 0; i < state.history.size(); ++i) {  // inputs come first, and it becomes shorter meanwhile
    Node* const node = state.history[i];
    if (!node) continue;
    const bool held = node->held();
    const Kept kept(node);
    if (kept && (!node->computed() || !held)) {
      bool reachable = false;
      for (std::uint32_t k = 0; k < node->arity && !reachable; ++k)
        reachable = rule_of(*node->op, k) && !lends_shape(*node->op, k) && leads(node->inputs[k]);
      node->standing.reachable = reachable && is_floating(node->dtype) && !node->flags.no_grad;
      if (node->computed() && !node->standing.reachable) end_history(node);
    }
  }
  look_again_after(state);
}

}  // namespace xgrad
