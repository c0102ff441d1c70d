#include <xgrad/graph/plan.hpp>
#include <xgrad/graph/request.hpp>

#include <algorithm>
#include <unordered_map>

namespace xgrad {
namespace {

/// A leaf that holds a Parameter's last computed value while a newer one is pending on this thread.
bool is_replaced(const Node* node) {
  const Slot* slot = node->slot;
  return slot && slot->pending && slot->committed.node() == node && slot->value.node() != node;
}

/// A Parameter's newest value, still pending: history ends here, it becomes a leaf when it is computed.
bool is_newest(const Node* node) { return node->slot && node->slot->value.node() == node; }

/// One evaluation: collects what is due, plans and runs it, and lets go of history that has ended.
class Evaluation {
 public:
  explicit Evaluation(ThreadState& state) : state_(state), number_(++state.evaluation) {}

  void ask(Node* node) {
    if (!node->computed()) roots_.push_back(Tensor::share(node));
  }
  void add_pending_parameters();
  void add_recorded_from_replaced();
  bool empty() const { return roots_.empty(); }
  Request request() {
    sort();
    choose_stored();
    return request_;
  }
  void compute();
  void finish_parameters();

 private:
  std::uint32_t place_of(const Slot* slot) const {
    return static_cast<std::uint32_t>(std::find(slots_.begin(), slots_.end(), slot) - slots_.begin());
  }
  void sort();
  std::uint32_t leaf_index(Node* node);
  /// The node's place in the order, or no_index. Nodes of this thread know it themselves.
  std::uint32_t find(const Node* node) const {
    if (node->owner == &state_) return node->stamp == number_ ? node->index : no_index;
    return foreign_.empty() ? no_index : find_foreign(node);
  }
  std::uint32_t find_foreign(const Node* node) const;
  void choose_stored();
  void attach(std::span<kernels::Buffer*> results);
  void end_older_history();
  void end(Node* node);

  ThreadState& state_;
  const std::uint64_t number_;
  std::vector<Tensor> roots_;
  std::vector<Slot*> slots_;  ///< Parameters whose pending values this evaluation computes
  bool replaces_ = false;
  Request request_;
  std::unordered_map<const Node*, std::uint32_t> foreign_;  ///< places of leaves that belong to other threads
  std::vector<std::uint8_t> keeps_, ends_;                  ///< history lives on; history goes through a replaced value
};

void Evaluation::add_pending_parameters() {
  for (Slot* slot : state_.pending) {
    // Only the list refers to it: nobody can ask for the value any more.
    if (slot->refs.load(std::memory_order_acquire) == 1) continue;
    Node* node = slot->value.node();
    if (!node->computed()) ask(node);
    slots_.push_back(slot);
    if (slot->committed.node() != node) replaces_ = true;
  }
}

void Evaluation::add_recorded_from_replaced() {
  if (!replaces_) return;
  for (Node* node = state_.first; node; node = node->next) {
    bool from_replaced = false;
    for (std::uint32_t k = 0; k < node->arity && !from_replaced; ++k) {
      const Node* input = node->inputs[k];
      if (lends_shape(*node->op, k)) continue;
      if (is_replaced(input)) {
        from_replaced = true;
        node->replaced = place_of(input->slot);
      } else if (input->owner == &state_ && input->mark == number_ && !is_newest(input)) {
        from_replaced = true;
        node->replaced = input->replaced;
      }
    }
    if (!from_replaced) continue;
    node->mark = number_;
    if (!node->computed() && node->held()) ask(node);
  }
}

std::uint32_t Evaluation::find_foreign(const Node* node) const {
  const auto found = foreign_.find(node);
  return found == foreign_.end() ? no_index : found->second;
}

std::uint32_t Evaluation::leaf_index(Node* node) {
  const std::uint32_t known = find(node);
  if (known != no_index) return known;
  const std::uint32_t index = static_cast<std::uint32_t>(request_.order.size());
  if (node->owner == &state_) {
    node->stamp = number_;
    node->index = index;
  } else {
    foreign_.emplace(node, index);
  }
  request_.order.push_back(node);
  request_.first_input.push_back(static_cast<std::uint32_t>(request_.inputs.size()));
  return index;
}

void Evaluation::sort() {
  struct Visit {
    Node* node;
    std::uint32_t next;
  };
  std::vector<Visit> stack;
  const auto visit = [&](Node* node) {
    if (node->owner != &state_)
      throw ValueError("expected values recorded on this thread, got " + describe(node) +
                       ", which another thread recorded and has not computed: call eval() there first");
    stack.push_back({node, 0});
  };
  for (const Tensor& root : roots_) {
    if (find(root.node()) != no_index) continue;
    visit(root.node());
    while (!stack.empty()) {
      Visit& top = stack.back();
      Node* node = top.node;
      Node* deeper = nullptr;
      for (; top.next < node->arity; ++top.next) {
        Node* input = node->inputs[top.next];
        if (lends_shape(*node->op, top.next) || find(input) != no_index) continue;
        if (!input->computed()) {
          deeper = input;
          break;
        }
        leaf_index(input);
      }
      if (deeper) {
        visit(deeper);
        continue;
      }
      stack.pop_back();
      request_.first_input.push_back(static_cast<std::uint32_t>(request_.inputs.size()));
      for (std::uint32_t k = 0; k < node->arity; ++k)
        request_.inputs.push_back(lends_shape(*node->op, k) ? no_index : find(node->inputs[k]));
      node->stamp = number_;
      node->index = static_cast<std::uint32_t>(request_.order.size());
      request_.order.push_back(node);
    }
  }
}

void Evaluation::choose_stored() {
  const std::size_t n = request_.order.size();
  std::vector<std::uint32_t> uses(n, 0);  // references this evaluation accounts for
  std::vector<std::uint32_t> asked(n, 0);
  for (const Tensor& root : roots_) ++asked[root.node()->index];
  uses = asked;
  for (std::size_t i = 0; i < n; ++i) {
    const Node* node = request_.order[i];
    if (node->computed()) continue;
    for (std::uint32_t k = 0; k < node->arity; ++k) {
      std::uint32_t input = request_.inputs[request_.first_input[i] + k];
      if (input == no_index) input = find(node->inputs[k]);  // lends its shape, and may be here for another reader
      if (input != no_index) ++uses[input];
    }
  }

  request_.stored.assign(n, 0);
  request_.takeable.assign(n, 0);
  keeps_.assign(n, 0);
  ends_.assign(n, 0);
  std::vector<std::uint8_t> leads(n, 0);  // somebody can ask for a gradient by this value or one below it
  for (std::size_t i = 0; i < n; ++i) {
    const Node* node = request_.order[i];
    if (node->computed()) {
      const bool replaced = is_replaced(node);
      ends_[i] = replaced;
      keeps_[i] = is_floating(node->dtype) && (node->arity ? node->flags.reachable : node->held() && !node->flags.weak);
      leads[i] = keeps_[i];
      request_.takeable[i] = !node->flags.number && !node->flags.listed &&
                             node->references() == uses[i] + (replaced ? 1 : 0) &&
                             node->buffer->refs.load(std::memory_order_acquire) == 1 &&
                             !node->buffer->pinned.load(std::memory_order_relaxed);
      continue;
    }
    bool keeps = false;
    for (std::uint32_t k = 0; k < node->arity; ++k) {
      const std::uint32_t input = request_.inputs[request_.first_input[i] + k];
      if (input == no_index) continue;
      ends_[i] |= ends_[input];
      keeps |= leads[input] && rule_of(*node->op, k);
    }
    if (is_newest(node)) {
      keeps = false;
      ends_[i] = 0;
    }
    keeps_[i] = keeps && is_floating(node->dtype) && !node->flags.no_grad;
    request_.stored[i] = node->references() > uses[i];
    leads[i] = is_floating(node->dtype) && (keeps_[i] || node->references() - node->consumers() > asked[i]);
  }
  for (const Tensor& root : roots_) request_.stored[root.node()->index] = 1;
  // Products and reductions that a gradient may want later are kept with the history that leads to them.
  std::vector<std::uint8_t> alive(n, 0);
  for (std::size_t i = n; i-- > 0;) {
    const Node* node = request_.order[i];
    if (node->computed()) continue;
    alive[i] |= request_.stored[i];
    if (!alive[i]) continue;
    if (node->op->kind == Kind::launch || node->op->kind == Kind::fold) request_.stored[i] = 1;
    const bool lives_on = keeps_[i] && !ends_[i];
    if (!lives_on && request_.stored[i]) continue;
    for (const std::uint32_t input : request_.inputs_of(i))
      if (input != no_index) alive[input] = 1;
  }
  for (std::size_t i = 0; i < n; ++i)
    if (alive[i]) request_.takeable[i] = 0;
}

void Evaluation::end(Node* node) {
  if (is_floating(node->dtype) && node->held()) {
    const Slot* slot = slots_[node->replaced];
    Info& info = info_of(node);
    info.ended = true;
    info.ended_by = slot->name;
    info.ended_step = slot->steps;
  }
  end_history(node);
}

void Evaluation::attach(std::span<kernels::Buffer*> results) {
  // Inputs come first in the order: what a node lets go of has been dealt with already.
  for (std::size_t i = 0; i < request_.order.size(); ++i) {
    if (!results[i]) continue;
    Node* node = request_.order[i];
    node->buffer = results[i];
    node->flags.reachable = keeps_[i];
    if (ends_[i]) end(node);
    else if (!keeps_[i]) end_history(node);
  }
}

/// Values computed earlier from what was replaced now lose their history too.
void Evaluation::end_older_history() {
  bool used = false;
  for (const Slot* slot : slots_)
    used |= slot->committed.node() != slot->value.node() && slot->committed.node()->consumers() > 0;
  if (!used) return;
  for (Node* node = state_.first; node;) {
    Node* next = node->next;
    if (node->mark == number_ && node->computed()) end(node);
    node = next;
  }
}

void Evaluation::finish_parameters() {
  for (Slot* slot : slots_) {
    Node* value = slot->value.node();
    Node* before = slot->committed.node();
    if (before == value) continue;
    if (before->slot == slot) before->slot = nullptr;
    ++slot->steps;
    slot->committed = slot->value;
  }
  std::vector<Slot*> done;
  done.swap(state_.pending);
  for (Slot* slot : done) {
    slot->pending = false;
    release(slot);
  }
  state_.recorded = 0;
  state_.recorded_bytes = 0;
}

void Evaluation::compute() {
  sort();
  choose_stored();
  std::vector<kernels::Buffer*> results(request_.order.size(), nullptr);
  const std::shared_ptr<const Plan> plan = plan_for(request_);
  run(*plan, request_, results);
  attach(results);
  if (replaces_) end_older_history();
}

/// Whether somebody can ask for a gradient by this value or one below it.
bool leads(const Node* node) {
  if (!is_floating(node->dtype)) return false;
  return (node->arity && node->flags.reachable) || (node->held() && !node->flags.weak);
}

void look_again_after(ThreadState& state) { state.look_through = std::max<std::uint64_t>(4096, 2 * state.listed); }

/// Histories whose last leaf lost its handle after they were computed end too: a recurrence that is looked at does not
/// grow. What has a handle may be in use by other threads and stays as it is.
void end_unreachable(ThreadState& state) {
  for (Node* node = state.first; node;) {  // inputs come first
    Node* next = node->next;
    if (!node->computed() || !node->held()) {
      bool reachable = false;
      for (std::uint32_t k = 0; k < node->arity && !reachable; ++k)
        reachable = rule_of(*node->op, k) && !lends_shape(*node->op, k) && leads(node->inputs[k]);
      node->flags.reachable = reachable && is_floating(node->dtype) && !node->flags.no_grad;
      if (node->computed() && !node->flags.reachable) end_history(node);
    }
    node = next;
  }
  look_again_after(state);
}

}  // namespace

void evaluate(std::span<Node* const> asked) {
  ThreadState& state = this_thread();
  free_foreign(state);
  const Quiet quiet;
  Evaluation evaluation(state);
  for (Node* node : asked) evaluation.ask(node);
  evaluation.add_pending_parameters();
  evaluation.add_recorded_from_replaced();
  if (!evaluation.empty()) evaluation.compute();
  evaluation.finish_parameters();
  if (state.listed > state.look_through) end_unreachable(state);
  else if (4 * state.listed < state.look_through) look_again_after(state);
}

Request request_of(std::span<const Tensor> asked) {
  const Quiet quiet;
  Evaluation evaluation(this_thread());
  for (const Tensor& tensor : asked) evaluation.ask(tensor.node());
  evaluation.add_pending_parameters();
  evaluation.add_recorded_from_replaced();
  return evaluation.request();
}

void evaluate_held() {
  ThreadState& state = this_thread();
  std::vector<Node*> held;
  for (Node* node = state.first; node; node = node->next)
    if (!node->computed() && node->held()) held.push_back(node);
  evaluate(held);
}

void set_eager(bool eager) { this_thread().eager = eager; }

}  // namespace xgrad
