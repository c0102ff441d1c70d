/// What an evaluation asks of the planner: the nodes in order, their key, and what is stored.

#include <xgrad/graph/evaluation.hpp>

namespace xgrad {

std::uint32_t Evaluation::find_foreign(const Node* node) const {
  const auto found = workspace_->foreign.find(node);
  return found == workspace_->foreign.end() ? no_index : found->second;
}

void Evaluation::place(Node* node, bool leaf) {
  const std::uint32_t index = static_cast<std::uint32_t>(request_.order.size());
  if (node->owner == &state_) {
    node->stamp = number_;
    node->index = index;
  } else {
    workspace_->foreign.emplace(node, index);
  }
  request_.order.push_back(node);
  request_.leaf.push_back(leaf);
  request_.first_input.push_back(static_cast<std::uint32_t>(request_.inputs.size()));
}

void Evaluation::place_leaf(Node* node) {
  Finding found;
  found.ends = is_replaced(node);
  found.keeps = found.leads = leads(node);
  place(node, true);
  findings_.push_back(found);
  write_leaf(request_.key, node);
}

void Evaluation::place_node(Node* node) {
  place(node, false);
  const std::uint64_t own = node->standing.asked ? one_reference : 0;
  const std::uint64_t counts = node->counts.load(std::memory_order_relaxed) - own;
  Finding found{.references = static_cast<std::uint32_t>(counts)};
  const Op& op = *node->op;
  for (std::uint32_t k = 0; k < node->arity; ++k) {
    const Node* input = node->inputs[k];
    if (lends_shape(op, k)) {
      request_.inputs.push_back(no_index);
      workspace_->lenders.push_back(input);
      continue;
    }
    const std::uint32_t at = find(input);
    request_.inputs.push_back(at);
    Finding& below = findings_[at];
    ++below.uses;
    found.ends |= below.ends;
    found.keeps |= below.leads && rule_of(op, k);
  }
  if (is_newest(node)) found.keeps = found.ends = false;
  const bool floating = is_floating(node->dtype);
  found.keeps = found.keeps && floating && !node->flags.no_grad;
  found.leads = floating && (found.keeps || found.references > static_cast<std::uint32_t>(counts >> 32));
  found.costly = op.kind == Kind::launch || op.kind == Kind::fold;
  findings_.push_back(found);
  write_node(request_.key, node, std::span(request_.inputs).subspan(request_.first_input.back()));
}

void Evaluation::sort() {
  std::vector<Workspace::Visit>& stack = workspace_->stack;
  stack.clear();
  const auto visit = [&](Node* node) {
    check_owner(node);
    stack.push_back({node, 0});
    for (const Node* input : node->in()) prefetch_front(input);
  };
  for (const Tensor& root : roots_) {
    if (find(root.node()) != no_index) continue;
    visit(root.node());
    while (!stack.empty()) {
      Workspace::Visit& top = stack.back();
      Node* node = top.node;
      Node* deeper = nullptr;
      for (; top.next < node->arity; ++top.next) {
        Node* input = node->inputs[top.next];
        if (lends_shape(*node->op, top.next) || find(input) != no_index) continue;
        if (!input->computed()) {
          deeper = input;
          break;
        }
        place_leaf(input);
      }
      if (deeper) {
        visit(deeper);
        continue;
      }
      stack.pop_back();
      place_node(node);
    }
  }
  request_.first_input.push_back(static_cast<std::uint32_t>(request_.inputs.size()));
}

void Evaluation::choose_stored() {
  const std::size_t n = request_.order.size();
  request_.stored.assign(n, 0);
  request_.takeable.assign(n, 0);
  for (const Node* lender : workspace_->lenders)
    if (const std::uint32_t at = find(lender); at != no_index) ++findings_[at].uses;
  for (const Tensor& root : roots_) request_.stored[root.node()->index] = 1;
  for (std::size_t i = 0; i < n; ++i) {
    const Finding& found = findings_[i];
    if (!request_.leaf[i]) {
      if (found.references > found.uses) request_.stored[i] = 1;
      continue;
    }
    request_.takeable[i] = could_take(request_.order[i], found.uses);
  }
  // Products and reductions that a gradient may want later are kept with the history that leads to them.
  std::vector<std::uint8_t> alive(n, 0);
  for (std::size_t i = n; i-- > 0;) {
    if (request_.leaf[i]) continue;
    alive[i] |= request_.stored[i];
    if (!alive[i]) continue;
    const Finding& found = findings_[i];
    if (found.costly) request_.stored[i] = 1;
    const bool lives_on = found.keeps && !found.ends;
    if (!lives_on && request_.stored[i]) continue;
    for (const std::uint32_t input : request_.inputs_of(i))
      if (input != no_index) alive[input] = 1;
  }
  for (std::size_t i = 0; i < n; ++i)
    if (alive[i]) request_.takeable[i] = 0;
  write_end(request_.key, request_);
}

/// Stores what was asked for and nothing else; what is replaced may be taken over.
Request Evaluation::captured() {
  sort();
  const std::size_t n = request_.order.size();
  request_.stored.assign(n, 0);
  request_.takeable.assign(n, 0);
  for (const Tensor& root : roots_) request_.stored[root.node()->index] = 1;
  for (std::size_t i = 0; i < n; ++i) request_.takeable[i] = request_.leaf[i] && is_replaced(request_.order[i]);
  write_end(request_.key, request_);
  return request_;
}

}  // namespace xgrad
