#include <xgrad/graph/walk.hpp>

namespace xgrad {

void walk_more(Node* y, Follow follow, Places& places, std::vector<Node*>& order) {
  struct Visit {
    Node* node;
    std::uint32_t next;
  };
  if (!places.add(y)) return;
  std::vector<Visit> stack{{y, 0}};
  while (!stack.empty()) {
    Visit& top = stack.back();
    Node* deeper = nullptr;
    while (top.next < top.node->arity && !deeper) {
      const std::uint32_t k = top.next++;
      if (!follows(top.node, k, follow)) continue;
      Node* input = top.node->inputs[k];
      if (places.add(input)) deeper = input;
    }
    if (deeper) {
      stack.push_back({deeper, 0});
      continue;
    }
    places.set(top.node, static_cast<std::uint32_t>(order.size()));
    order.push_back(top.node);
    stack.pop_back();
  }
}

std::vector<Node*> walk(Node* y, Follow follow, Places& places) {
  std::vector<Node*> order;
  walk_more(y, follow, places, order);
  return order;
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
