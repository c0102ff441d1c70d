#include <xgrad/graph/walk.hpp>

#include <algorithm>

namespace xgrad {

namespace {

std::shared_ptr<WalkMemory> take_memory(ThreadState& state) {
  std::shared_ptr<WalkMemory> memory = std::move(state.walk_memory);
  if (memory) return memory;
  memory = std::make_shared<WalkMemory>();
  constexpr std::size_t usual = 64;
  memory->order.reserve(usual);
  memory->first.reserve(usual);
  memory->inputs.reserve(2 * usual);
  memory->stack.reserve(usual);
  return memory;
}

}  // namespace

Walk::Walk(Follow follow)
    : state_(this_thread()),
      number_(++state_.evaluation),
      follow_(follow),
      memory_(take_memory(state_)),
      order_(memory_->order),
      first_(memory_->first),
      inputs_(memory_->inputs),
      stack_(memory_->stack),
      foreign_(memory_->foreign) {}

Walk::~Walk() {
  constexpr std::size_t most_kept = std::size_t{1} << 16;  // nodes; a larger walk is rare
  if (order_.capacity() > most_kept) return;
  order_.clear();
  first_.clear();
  inputs_.clear();
  stack_.clear();
  if (!foreign_.empty()) foreign_.clear();
  state_.walk_memory = std::move(memory_);
}

bool Walk::follows(const Node* node, std::uint32_t k) const {
  if (follow_ == Follow::everything) return true;
  if (lends_shape(*node->op, k)) return false;
  return follow_ == Follow::values ||
         (rule_of(*node->op, k) && !node->flags.no_grad && is_floating(node->inputs[k]->dtype));
}

std::uint64_t Walk::followed(const Node* node, std::uint32_t arity) const {
  if (follow_ == Follow::derivatives && node->flags.no_grad) return 0;
  std::uint64_t followed = 0;
  for (std::uint32_t k = 0; k < std::min(arity, 64u); ++k) followed |= std::uint64_t{follows(node, k)} << k;
  return followed;
}

/// How many inputs the walk looks at. What another thread recorded may give up its history at any time once it is
/// computed, so it counts as a leaf; for derivatives before that too.
std::uint32_t Walk::arity_of(const Node* node) const {
  const bool derivatives = follow_ == Follow::derivatives;
  if (derivatives && is_newest_value(node)) return 0;
  if (node->owner != &state_ && (derivatives || node->computed())) return 0;
  return node->arity;
}

/// Whether the node is new to the walk and has inputs to look at.
bool Walk::enter(Node* node) {
  if (node->owner != &state_) {
    if (!foreign_.emplace(node, no_index).second) return false;
  } else {
    if (node->stamp == number_) return false;
    node->stamp = number_;
    node->index = no_index;
  }
  const std::uint32_t arity = arity_of(node);
  if (arity == 0) {
    put(node);
    return false;
  }
  for (std::uint32_t k = 0; k < arity; ++k) prefetch_front(node->inputs[k]);
  stack_.push_back({node, followed(node, arity), 0, arity});
  return true;
}

/// Its inputs stand at the end of `inputs_` by now, or there are none.
void Walk::put(Node* node) {
  const std::uint32_t place = static_cast<std::uint32_t>(order_.size());
  if (node->owner == &state_) node->index = place;
  else foreign_[node] = place;
  if (first_.size() == order_.size()) first_.push_back(static_cast<std::uint32_t>(inputs_.size()));
  order_.push_back(node);
}

void Walk::leave(const WalkMemory::Visit& visit) {
  first_.push_back(static_cast<std::uint32_t>(inputs_.size()));
  for (std::uint32_t k = 0; k < visit.arity; ++k)
    inputs_.push_back(is_followed(visit, k) ? (*this)[visit.node->inputs[k]] : no_index);
  put(visit.node);
}

void Walk::add(Node* y) {
  enter(y);
  while (!stack_.empty()) {
    WalkMemory::Visit& top = stack_.back();
    bool deeper = false;
    while (!deeper && top.next < top.arity) {
      const std::uint32_t k = top.next++;
      // Entering may move the stack, so `top` is not read again if it went deeper.
      deeper = is_followed(top, k) && enter(top.node->inputs[k]);
    }
    if (deeper) continue;
    const WalkMemory::Visit done = stack_.back();
    stack_.pop_back();
    leave(done);
  }
}

OnBehalf::OnBehalf()
    : state_(this_thread()),
      where_(state_.where),
      within_(state_.within),
      composition_(state_.composition),
      scope_(state_.scope) {}

OnBehalf::~OnBehalf() {
  state_.where = where_;
  state_.within = within_;
  state_.composition = composition_;
  state_.scope = scope_;
}

}  // namespace xgrad
