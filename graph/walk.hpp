#pragma once
/// Walking a recorded graph with a loop. Internal to graph/.

#include <xgrad/graph/request.hpp>

#include <unordered_map>

namespace xgrad {

/// Which inputs a walk follows.
enum class Follow : std::uint8_t {
  derivatives,  ///< those a gradient can flow through
  values,       ///< those whose values are needed
  everything,   ///< also those that only lend their shape
};

inline bool follows(const Node* node, std::uint32_t k, Follow follow) {
  if (follow == Follow::everything) return true;
  if (lends_shape(*node->op, k)) return false;
  return follow == Follow::values ||
         (rule_of(*node->op, k) && !node->flags.no_grad && is_floating(node->inputs[k]->dtype));
}

/// Where each node of a walk stands. Nodes may be shared with other threads, so nothing is written into them.
using Places = std::unordered_map<const Node*, std::uint32_t>;

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
