#include <xgrad/graph/evaluation.hpp>
#include <xgrad/graph/plan.hpp>
#include <xgrad/graph/profiler.hpp>
#include <xgrad/graph/tape.hpp>
#include <xgrad/graph/walk.hpp>

#include <algorithm>

namespace xgrad {

std::shared_ptr<Workspace> take_workspace(ThreadState& state) {
  std::shared_ptr<Workspace> workspace = std::move(state.workspace);
  if (!workspace) return std::make_shared<Workspace>();
  workspace->clear();
  return workspace;
}

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
      } else if (input->owner == &state_ && input->mark == number_ && !is_newest(input)) {
        from_replaced = true;
        node->replaced = input->replaced;
      }
    }
    if (!from_replaced) continue;
    node->mark = number_;
    if (!node->computed() && node->held() && !node->flags.only_recorded) ask(node);
  }
}

void Evaluation::check_owner(const Node* node) const {
  if (node->owner == &state_) {
    if (node->standing.ended) throw_captured(node);
    return;
  }
  throw ValueError("expected values recorded on this thread, got " + describe(node) +
                   ", which another thread recorded and has not computed: call eval() there first");
}

namespace {

/// A count of the Parameter's name. Values have been replaced by now, so nothing may fail.
SharedName* name_of(Slot& slot) {
  static SharedName unwritten{.text = "?"};
  SharedName* name = slot.shared_name;
  if (!name) {
    try {
      name = new SharedName{.text = slot.name};
      slot.shared_name = name;
    } catch (const std::bad_alloc&) {
      name = &unwritten;
    }
  }
  name->references.fetch_add(1, std::memory_order_relaxed);
  return name;
}

}  // namespace

void Evaluation::end(Node* node) {
  end_history(node);
  if (!is_floating(node->dtype) || !node->held()) return;
  Slot* slot = slots_[node->replaced];
  node->ending = {name_of(*slot), slot->steps};
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
    if (!node || node->mark != number_ || !node->computed()) continue;
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
  state_.trails->add(std::move(trail));
}

void Evaluation::give_back() {
  for (const Tensor& root : roots_) root.node()->standing.asked = false;
  roots_.clear();
  request_.order.clear();
  slots_.clear();
  replaces_ = false;
}

bool Evaluation::repeat(std::span<Node* const> asked) {
  if (!state_.trails || state_.eager || running_profiler()) return false;
  find_slots();
  const std::shared_ptr<Trails> trails = state_.trails;
  const std::shared_ptr<const Trail> trail = trails->find(state_, asked, slots_, request_.order);
  if (!trail) {
    give_back();
    return false;
  }
  // As in other evaluations, what the running steps themselves evaluate leaves these alone.
  for (const std::uint32_t root : trail->roots()) ask(request_.order[root]);
  for (const std::uint32_t root : trail->roots()) {
    if (request_.order[root]->standing.asked) continue;
    give_back();  // another thread has just dropped what held it
    return false;
  }
  std::vector<kernels::Buffer*>& results = workspace_->results;
  results.assign(request_.order.size(), nullptr);
  count_repeat(trail->plan());
  run(trail->plan(), request_, results);
  for (const Outcome& outcome : trail->outcomes()) attach(results, outcome);
  return true;
}

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
