#include <xgrad/graph/walk.hpp>

namespace xgrad {

Walk::Walk(Follow follow) : state_(this_thread()), number_(++state_.evaluation), follow_(follow) {
  constexpr std::size_t usual = 64;
  order_.reserve(usual);
  first_.reserve(usual);
  inputs_.reserve(2 * usual);
  stack_.reserve(usual);
}

bool Walk::follows(const Node* node, std::uint32_t k) const {
  if (follow_ == Follow::everything) return true;
  if (lends_shape(*node->op, k)) return false;
  return follow_ == Follow::values ||
         (rule_of(*node->op, k) && !node->flags.no_grad && is_floating(node->inputs[k]->dtype));
}

/// How many inputs the walk looks at. What another thread recorded may give up its history at any time once it is
/// computed, so it counts as a leaf; for derivatives before that too.
std::uint32_t Walk::arity_of(const Node* node) const {
  const bool derivatives = follow_ == Follow::derivatives;
  if (derivatives && is_newest_value(node)) return 0;
  if (node->owner != &state_ && (derivatives || node->computed())) return 0;
  return node->arity;
}

/// Whether the node is new to the walk.
bool Walk::enter(Node* node) {
  if (node->owner != &state_) {
    if (!foreign_.emplace(node, no_index).second) return false;
  } else {
    if (node->stamp == number_) return false;
    node->stamp = number_;
    node->index = no_index;
  }
  const std::uint32_t arity = arity_of(node);
  for (std::uint32_t k = 0; k < arity; ++k) prefetch_front(node->inputs[k]);
  stack_.push_back({node, 0, arity});
  return true;
}

void Walk::leave(const Visit& visit) {
  Node* node = visit.node;
  first_.push_back(static_cast<std::uint32_t>(inputs_.size()));
  for (std::uint32_t k = 0; k < visit.arity; ++k)
    inputs_.push_back(follows(node, k) ? (*this)[node->inputs[k]] : no_index);
  const std::uint32_t place = static_cast<std::uint32_t>(order_.size());
  if (node->owner == &state_) node->index = place;
  else foreign_[node] = place;
  order_.push_back(node);
}

void Walk::add(Node* y) {
  enter(y);
  while (!stack_.empty()) {
    Visit& top = stack_.back();
    bool deeper = false;
    while (top.next < top.arity && !deeper) {
      const std::uint32_t k = top.next++;
      // Entering moves the stack, so `top` is not read again.
      deeper = follows(top.node, k) && enter(top.node->inputs[k]);
      if (deeper) break;
    }
    if (deeper) continue;
    const Visit done = stack_.back();
    stack_.pop_back();
    leave(done);
  }
}

OnBehalf::OnBehalf(const Node* node)
    : state_(this_thread()),
      where_(state_.where),
      within_(state_.within),
      composition_(state_.composition),
      scope_(state_.scope) {
  state_.where = node->where;
  state_.within = true;
  state_.composition = node->op ? node->op->name : nullptr;
  state_.scope = node->scope;
}

OnBehalf::~OnBehalf() {
  state_.where = where_;
  state_.within = within_;
  state_.composition = composition_;
  state_.scope = scope_;
}

}  // namespace xgrad
