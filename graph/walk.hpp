#pragma once
/// Walking a recorded graph with a loop. Internal to graph/ and diff/.

#include <xgrad/graph/request.hpp>

#include <unordered_map>

namespace xgrad {

/// Which inputs a walk follows.
enum class Follow : std::uint8_t {
  derivatives,  ///< those a gradient can flow through
  values,       ///< those whose values are needed
  everything,   ///< also those that only lend their shape
};

/// A Parameter's newest value is a leaf once it is computed, so derivatives end there before that too: what a gradient
/// is does not depend on who looked at a value.
inline bool is_newest_value(const Node* node) { return node->slot && node->slot->value.node() == node; }

/// How this node's history ended, if it did; null for those of other threads, which are leaves.
inline const Ending* ending_of(const Node* node) {
  return node->owner == &this_thread() && node->standing.ended ? &node->ending : nullptr;
}

/// The memory of a walk, which the thread's next one uses again.
struct WalkMemory {
  struct Visit {
    Node* node;
    std::uint64_t followed;  ///< which of the first 64 inputs are
    std::uint32_t next, arity;
  };
  std::vector<Node*> order;
  std::vector<std::uint32_t> first, inputs;
  std::vector<Visit> stack;
  std::unordered_map<const Node*, std::uint32_t> foreign;
};

/// A walk over a recorded graph: its nodes, inputs first, in an order that depends on the graph alone.
class Walk {
 public:
  explicit Walk(Follow follow);
  ~Walk();
  Walk(Node* y, Follow follow) : Walk(follow) { add(y); }
  Walk(const Walk&) = delete;
  Walk& operator=(const Walk&) = delete;

  /// Adds what y was recorded from, and y.
  void add(Node* y);
  std::span<Node* const> order() const { return order_; }
  /// The places of a node's inputs in the order, no_index for those that are not followed; empty where a walk ends.
  std::span<const std::uint32_t> inputs_of(std::size_t i) const {
    return {inputs_.data() + first_[i], inputs_.data() + (i + 1 < first_.size() ? first_[i + 1] : inputs_.size())};
  }
  /// The node's place in the order, or no_index. This thread's nodes keep it themselves until the next walk or
  /// evaluation: ask before anything is recorded.
  std::uint32_t operator[](const Node* node) const {
    if (node->owner == &state_) return node->stamp == number_ ? node->index : no_index;
    const auto found = foreign_.find(node);
    return found == foreign_.end() ? no_index : found->second;
  }

 private:
  bool follows(const Node* node, std::uint32_t k) const;
  std::uint64_t followed(const Node* node, std::uint32_t arity) const;
  bool is_followed(const WalkMemory::Visit& visit, std::uint32_t k) const {
    return k < 64 ? visit.followed >> k & 1 : follows(visit.node, k);
  }
  std::uint32_t arity_of(const Node* node) const;
  bool enter(Node* node);
  void put(Node* node);
  void leave(const WalkMemory::Visit& visit);

  ThreadState& state_;
  const std::uint64_t number_;
  const Follow follow_;
  std::shared_ptr<WalkMemory> memory_;
  std::vector<Node*>& order_;
  std::vector<std::uint32_t>&first_, &inputs_;
  std::vector<WalkMemory::Visit>& stack_;
  std::unordered_map<const Node*, std::uint32_t>& foreign_;  ///< places of nodes nothing may be written into
};

/// formula(y, FormulaStyle::code).
std::string code_formula(const Tensor& y);

/// What is recorded while it lives carries the place and layer of this node.
class OnBehalf {
 public:
  OnBehalf();  ///< of nobody yet
  explicit OnBehalf(const Node* node) : OnBehalf() { of(node); }
  ~OnBehalf();
  /// From now on that of this node.
  void of(const Node* node) {
    state_.where = node->where;
    state_.within = true;
    state_.composition = node->op ? node->op->name : nullptr;
    state_.scope = node->scope;
  }
  OnBehalf(const OnBehalf&) = delete;
  OnBehalf& operator=(const OnBehalf&) = delete;

 private:
  ThreadState& state_;
  Location where_;
  bool within_;
  const char* composition_;
  const std::string* scope_;
};

}  // namespace xgrad
