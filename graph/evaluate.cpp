#include <xgrad/graph/plan.hpp>
#include <xgrad/graph/request.hpp>
#include <xgrad/graph/profiler.hpp>
#include <xgrad/graph/tape.hpp>
#include <xgrad/graph/trail.hpp>
#include <xgrad/graph/walk.hpp>

#include <algorithm>
#include <unordered_map>

namespace xgrad {
namespace {

/// A Parameter's newest value, still pending: history ends here, it becomes a leaf when it is computed.
bool is_newest(const Node* node) { return node->slot && node->slot->value.node() == node; }

/// What an evaluation learns about a node when it finds its place in the order.
struct Finding {
  std::uint32_t references = 0;  ///< at that time
  std::uint32_t uses = 0;        ///< those of them that this evaluation accounts for
  bool keeps = false;            ///< history lives on
  bool ends = false;             ///< history goes through a replaced value
  bool leads = false;            ///< somebody can ask for a gradient by this value or one below it
  bool costly = false;           ///< a product or a reduction: not computed twice
};

/// A reference while one looks at a node of the history list, where other threads may give up the last one. False if
/// they have.
class Kept {
 public:
  explicit Kept(Node* node) : node_(retain_if_referred(node) ? node : nullptr) {}
  ~Kept() { release(node_); }
  Kept(const Kept&) = delete;
  Kept& operator=(const Kept&) = delete;
  explicit operator bool() const { return node_; }

 private:
  Node* node_;
};

struct Visit {
  Node* node;
  std::uint32_t next;
};

}  // namespace

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

/// The memory of an evaluation, kept from one to the next.
struct Workspace {
  std::vector<Tensor> roots;
  std::vector<Slot*> slots;  ///< Parameters whose pending values this evaluation computes
  Request request;
  std::vector<Finding> findings;
  std::vector<const Node*> lenders;  ///< inputs that lend their shape; other nodes may read them as well
  std::vector<Visit> stack;
  std::unordered_map<const Node*, std::uint32_t> foreign;  ///< places of leaves that belong to other threads
  std::vector<kernels::Buffer*> results;
  std::vector<Outcome> outcomes;

  void clear() {
    roots.clear();
    slots.clear();
    request.order.clear();
    request.inputs.clear();
    request.first_input.clear();
    request.leaf.clear();
    request.key.clear();
    findings.clear();
    lenders.clear();
    if (!foreign.empty()) foreign.clear();
  }
};

namespace {

std::shared_ptr<Workspace> take_workspace(ThreadState& state) {
  std::shared_ptr<Workspace> workspace = std::move(state.workspace);
  if (!workspace) return std::make_shared<Workspace>();
  workspace->clear();
  return workspace;
}

/// One evaluation: collects what is due, plans and runs it, and lets go of history that has ended.
class Evaluation {
 public:
  explicit Evaluation(ThreadState& state)
      : state_(state),
        number_(++state.evaluation),
        workspace_(take_workspace(state)),
        roots_(workspace_->roots),
        slots_(workspace_->slots),
        request_(workspace_->request),
        findings_(workspace_->findings) {}
  ~Evaluation() {
    for (const Tensor& root : roots_) root.node()->standing.asked = false;
    roots_.clear();
    constexpr std::size_t most_kept = std::size_t{1} << 16;  // nodes; a larger one is rare
    if (request_.order.capacity() <= most_kept) state_.workspace = std::move(workspace_);
  }
  Evaluation(const Evaluation&) = delete;
  Evaluation& operator=(const Evaluation&) = delete;

  void ask(Node* node) {
    if (node->computed() || node->standing.asked) return;
    check_owner(node);
    if (node->flags.symbolic)
      throw ValueError("expected a tensor with a value, got " + describe(node) + ", which was recorded from a " +
                       "placeholder: make a Model({inputs}, {outputs}) and call it, or rerecord the graph");
    if (!retain_if_referred(node)) return;  // its handles may be dropped by other threads meanwhile
    roots_.push_back(Tensor::adopt(node));
    node->standing.asked = true;
  }
  /// Computes all that is due the way another evaluation did that found the same; false if there was none.
  bool repeat(std::span<Node* const> asked);
  void add_pending_parameters();
  void add_recorded_from_replaced();
  bool empty() const { return roots_.empty(); }
  const Request& request() {
    sort();
    choose_stored();
    return request_;
  }
  Request captured();
  void compute();
  /// All the new values were computed as they were recorded: what is left is history.
  void end_replaced() {
    if (replaces_) end_older_history();
  }
  void finish_parameters();

 private:
  std::uint32_t place_of(const Slot* slot) const {
    return static_cast<std::uint32_t>(std::find(slots_.begin(), slots_.end(), slot) - slots_.begin());
  }
  void check_owner(const Node* node) const;
  void sort();
  void place(Node* node, bool leaf);
  void place_leaf(Node* node);
  void place_node(Node* node);
  /// The node's place in the order, or no_index. Nodes of this thread know it themselves.
  std::uint32_t find(const Node* node) const {
    if (node->owner == &state_) return node->stamp == number_ ? node->index : no_index;
    return workspace_->foreign.empty() ? no_index : find_foreign(node);
  }
  std::uint32_t find_foreign(const Node* node) const;
  void choose_stored();
  void attach(std::span<kernels::Buffer*> results, const Outcome& outcome);
  void find_slots();
  void leave_trail(const std::shared_ptr<const Plan>& plan);
  void end_older_history();
  void end(Node* node);

  ThreadState& state_;
  const std::uint64_t number_;
  std::shared_ptr<Workspace> workspace_;
  std::vector<Tensor>& roots_;
  std::vector<Slot*>& slots_;
  Request& request_;
  std::vector<Finding>& findings_;
  std::size_t asked_ = 0;  ///< roots that are not asked for because a Parameter was assigned to
  bool replaces_ = false;
};

void Evaluation::find_slots() {
  for (Slot* slot : state_.pending) {
    if (abandoned(slot)) continue;
    slots_.push_back(slot);
    if (slot->committed.node() != slot->value.node()) replaces_ = true;
  }
}

void Evaluation::add_pending_parameters() {
  asked_ = roots_.size();
  find_slots();
  for (const Slot* slot : slots_)
    if (Node* node = slot->value.node(); !node->computed()) ask(node);
}

void Evaluation::add_recorded_from_replaced() {
  if (!replaces_) return;
  for (Node* node : state_.history) {
    if (!node) continue;
    bool from_replaced = false;
    for (std::uint32_t k = 0; k < node->arity && !from_replaced; ++k) {
      const Node* input = node->inputs[k];
      if (lends_shape(*node->op, k)) continue;
      if (is_replaced(input)) {
        from_replaced = true;
        node->replaced = place_of(input->slot);
      } else if (input->owner == &state_ && input->is_marked(number_) && !is_newest(input)) {
        from_replaced = true;
        node->replaced = input->replaced;
      }
    }
    if (!from_replaced) continue;
    node->mark = number_;
    node->standing.marked = true;
    if (!node->computed() && node->held() && !node->flags.only_recorded) ask(node);
  }
}

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

void Evaluation::check_owner(const Node* node) const {
  if (node->owner == &state_) {
    if (node->standing.ended) throw_captured(node);
    return;
  }
  throw ValueError("expected values recorded on this thread, got " + describe(node) +
                   ", which another thread recorded and has not computed: call eval() there first");
}

void Evaluation::sort() {
  std::vector<Visit>& stack = workspace_->stack;
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

void Evaluation::end(Node* node) {
  end_history(node);
  if (!is_floating(node->dtype) || !node->held()) return;
  const Slot* slot = slots_[node->replaced];
  // Values have been replaced by now, so nothing may fail.
  try {
    node->ending = new Ending{slot->name, slot->steps};
  } catch (const std::bad_alloc&) {
    node->ending = unwritten_ending();
  }
  node->standing.ended = true;
}

void Evaluation::attach(std::span<kernels::Buffer*> results, const Outcome& outcome) {
  Node* node = request_.order[outcome.place];
  node->buffer = results[outcome.place];
  node->standing.reachable = outcome.keeps;
  node->replaced = outcome.slot;
  if (outcome.ends) end(node);
  else if (!outcome.keeps) end_history(node);
}

/// Values computed earlier from what was replaced now lose their history too.
void Evaluation::end_older_history() {
  bool used = false;
  for (const Slot* slot : slots_)
    used |= slot->committed.node() != slot->value.node() && slot->committed.node()->consumers() > 0;
  if (!used) return;
  for (std::size_t i = 0; i < state_.history.size(); ++i) {  // it becomes shorter meanwhile
    Node* const node = state_.history[i];
    if (!node || !node->is_marked(number_) || !node->computed()) continue;
    if (const Kept kept(node); kept) end(node);
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
  done.clear();
  if (state_.pending.empty()) state_.pending.swap(done);  // its memory, for the next step
  state_.recorded = 0;
  state_.recorded_bytes = 0;
}

void Evaluation::compute() {
  sort();
  choose_stored();
  std::vector<kernels::Buffer*>& results = workspace_->results;
  results.assign(request_.order.size(), nullptr);
  bool known = false;
  const std::shared_ptr<const Plan> plan = plan_for(request_, &known);
  std::vector<Outcome>& outcomes = workspace_->outcomes;
  outcomes.clear();
  for (std::uint32_t i = 0; i < request_.order.size(); ++i)
    if (request_.stored[i])
      outcomes.push_back({.place = i,
                          .slot = request_.order[i]->replaced,
                          .keeps = findings_[i].keeps,
                          .ends = findings_[i].ends});
  if (known && !state_.eager) leave_trail(plan);
  run(*plan, request_, results);
  // Inputs come first in the order: what a node lets go of has been dealt with already.
  for (const Outcome& outcome : outcomes) attach(results, outcome);
  if (replaces_) end_older_history();
}

void Evaluation::leave_trail(const std::shared_ptr<const Plan>& plan) {
  if (!state_.trails) state_.trails = std::make_shared<Trails>();
  if (!state_.trails->wanted()) return;
  std::vector<std::uint32_t> uses;
  for (const Finding& found : findings_) uses.push_back(found.uses);
  auto trail = Trail::make(state_, {.request = request_,
                                    .number = number_,
                                    .foreign = workspace_->foreign,
                                    .roots = roots_,
                                    .asked = asked_,
                                    .slots = slots_,
                                    .uses = uses,
                                    .outcomes = workspace_->outcomes,
                                    .plan = plan});
  if (trail) state_.trails->add(std::move(trail));
}

bool Evaluation::repeat(std::span<Node* const> asked) {
  if (!state_.trails || running_profiler()) return false;
  find_slots();
  const std::shared_ptr<Trails> trails = state_.trails;
  const std::shared_ptr<const Trail> trail = trails->find(state_, asked, slots_, request_.order);
  if (!trail) {
    request_.order.clear();
    slots_.clear();
    replaces_ = false;
    return false;
  }
  // As in other evaluations, what the running steps themselves evaluate leaves these alone.
  for (const std::uint32_t root : trail->roots()) ask(request_.order[root]);
  std::vector<kernels::Buffer*>& results = workspace_->results;
  results.assign(request_.order.size(), nullptr);
  count_hit(trail->plan());
  run(trail->plan(), request_, results);
  for (const Outcome& outcome : trail->outcomes()) attach(results, outcome);
  return true;
}

void look_again_after(ThreadState& state) { state.look_through = std::max<std::uint64_t>(4096, 2 * state.listed); }

/// Histories whose last leaf lost its handle after they were computed end too: a recurrence that is looked at does not
/// grow. What has a handle may be in use by other threads and stays as it is.
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

}  // namespace

void evaluate(std::span<Node* const> asked) {
  ThreadState& state = this_thread();
  if (state.tape) return;  // computed when all of the captured function is recorded
  free_foreign(state);
  const Quiet quiet;
  Evaluation evaluation(state);
  if (!evaluation.repeat(asked)) {
    for (Node* node : asked) evaluation.ask(node);
    evaluation.add_pending_parameters();
    evaluation.add_recorded_from_replaced();
    if (!evaluation.empty()) evaluation.compute();
    else evaluation.end_replaced();
  }
  evaluation.finish_parameters();
  state.evaluated = state.history.size();
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

Request captured_request(std::span<const Tensor> asked) {
  const Quiet quiet;
  Evaluation evaluation(this_thread());
  for (const Tensor& tensor : asked) evaluation.ask(tensor.node());
  evaluation.add_pending_parameters();
  return evaluation.captured();
}

void evaluate_held() {
  ThreadState& state = this_thread();
  std::vector<Node*> held;
  for (Node* node : state.history)
    if (node && !node->computed() && node->held() && !node->flags.only_recorded) held.push_back(node);
  evaluate(held);
}

void set_eager(bool eager) { this_thread().eager = eager; }

}  // namespace xgrad
