#pragma once
/// Walking a recorded graph with a loop. Internal to graph/.

#include <xgrad/graph/request.hpp>

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

inline bool follows(const Node* node, std::uint32_t k, Follow follow) {
  if (follow == Follow::everything) return true;
  if (lends_shape(*node->op, k)) return false;
  if (follow == Follow::derivatives && is_newest_value(node)) return false;
  return follow == Follow::values ||
         (rule_of(*node->op, k) && !node->flags.no_grad && is_floating(node->inputs[k]->dtype));
}

/// Where each node of a walk stands: an open hash table, because nodes may be shared with other threads and nothing may
/// be written into them.
class Places {
 public:
  Places() : slots_(64) {}

  /// The node's place, or no_index if it is not there.
  std::uint32_t operator[](const Node* node) const {
    for (std::size_t i = home(node);; i = (i + 1) & (slots_.size() - 1)) {
      if (slots_[i].node == node) return slots_[i].place;
      if (!slots_[i].node) return no_index;
    }
  }
  /// Adds a node that has no place yet; false if it is there already.
  bool add(const Node* node) {
    if (2 * ++count_ > slots_.size()) grow();
    std::size_t i = home(node);
    for (; slots_[i].node; i = (i + 1) & (slots_.size() - 1)) {
      if (slots_[i].node != node) continue;
      --count_;
      return false;
    }
    slots_[i] = {node, no_index};
    return true;
  }
  void set(const Node* node, std::uint32_t place) {
    std::size_t i = home(node);
    while (slots_[i].node != node) i = (i + 1) & (slots_.size() - 1);
    slots_[i].place = place;
  }

 private:
  struct Entry {
    const Node* node = nullptr;
    std::uint32_t place = no_index;
  };
  std::size_t home(const Node* node) const {
    return (reinterpret_cast<std::uintptr_t>(node) * 0x9E3779B97F4A7C15u >> 20) & (slots_.size() - 1);
  }
  void grow() {
    std::vector<Entry> old(slots_.size() * 4);
    old.swap(slots_);
    for (const Entry& entry : old) {
      if (!entry.node) continue;
      std::size_t i = home(entry.node);
      while (slots_[i].node) i = (i + 1) & (slots_.size() - 1);
      slots_[i] = entry;
    }
  }
  std::vector<Entry> slots_;
  std::size_t count_ = 0;
};

/// The nodes y was recorded from, inputs first, y last, in an order that depends on the graph alone.
std::vector<Node*> walk(Node* y, Follow follow, Places& places);
/// The same for several ends; appends to `order` what `places` does not know.
void walk_more(Node* y, Follow follow, Places& places, std::vector<Node*>& order);

/// What is recorded while it lives carries the place and layer of this node.
class OnBehalf {
 public:
  explicit OnBehalf(const Node* node);
  ~OnBehalf();
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
