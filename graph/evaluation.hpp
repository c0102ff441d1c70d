#pragma once
/// One evaluation, and what it knows. Internal to graph/.

#include <xgrad/graph/trail.hpp>

namespace xgrad {

/// A Parameter's newest value, still pending: history ends here, it becomes a leaf when it is computed.
inline bool is_newest(const Node* node) { return node->slot && node->slot->value.node() == node; }

/// What an evaluation learns about a node when it finds its place in the order.
struct Finding {
  std::uint32_t references = 0;  ///< at that time
  std::uint32_t uses = 0;        ///< those of them that this evaluation accounts for
  bool keeps = false;            ///< history lives on
  bool ends = false;             ///< history goes through a replaced value
  bool leads = false;            ///< somebody can ask for a gradient by this value or one below it
  bool costly = false;           ///< a product or a reduction: not computed twice
};

/// The memory of an evaluation, kept from one to the next.
struct Workspace {
  struct Visit {
    Node* node;
    std::uint32_t next;
  };
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

/// The workspace of the thread's last evaluation, or a new one while that is in use.
std::shared_ptr<Workspace> take_workspace(ThreadState& state);

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
  std::uint32_t place_of(const Slot* slot) const { return place_among(slots_, slot); }
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
  void give_back();
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

void look_again_after(ThreadState& state);
/// Histories whose last leaf lost its handle after they were computed end too: a recurrence that is looked at does not
/// grow. What has a handle may be in use by other threads and stays as it is.
void end_unreachable(ThreadState& state);

/// A reference while one looks at a node of the history, where other threads may give up the last one. False if
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

}  // namespace xgrad
