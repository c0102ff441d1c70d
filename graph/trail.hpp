#pragma once
/// What an evaluation found, node by node in the order of recording. An evaluation that finds the same again runs the
/// same plan without sorting the graph or writing its key. Internal to graph/.

#include <xgrad/graph/request.hpp>

#include <unordered_map>

namespace xgrad {

/// A leaf that holds a Parameter's last computed value while a newer one is pending on this thread.
bool is_replaced(const Node* node);
/// Whether only the list of pending Parameters refers to it: nobody can ask for its value any more.
inline bool abandoned(const Slot* slot) { return slot->refs.load(std::memory_order_acquire) == 1; }
/// Whether somebody can ask for a gradient by this computed value or one below it; not below what another thread
/// recorded.
bool leads(const Node* node);
/// Whether a leaf of which an evaluation knows so many uses has memory that nothing else needs.
bool could_take(const Node* node, std::uint32_t uses);

/// Which of these it is; their number if it is none.
std::uint32_t place_among(std::span<Slot* const> slots, const Slot* slot);

/// What becomes of a node when its value is stored.
struct Outcome {
  std::uint32_t place = 0;  ///< in the request's order
  std::uint32_t slot = 0;   ///< where history ends: which of the evaluation's Parameters ended it
  bool keeps = false, ends = false;
};

/// What a trail is made from: an evaluation that is about to run.
struct Found {
  const Request& request;
  std::uint64_t number;                                              ///< the evaluation's
  const std::unordered_map<const Node*, std::uint32_t>& foreign;     ///< places of other threads' leaves
  std::span<const Tensor> roots;                                     ///< all that is asked for
  std::size_t asked;                                                 ///< the first of them: by the caller
  std::span<Slot* const> slots;                                      ///< Parameters with pending values
  std::span<const std::uint32_t> uses;                               ///< of each node in the order, by others in it
  std::vector<Outcome> outcomes;
  std::shared_ptr<const Plan> plan;
};

/// One evaluation: the nodes recorded since the one before, what they read, and what was decided about them.
class Trail {
 public:
  /// Null if what decides about this evaluation is not in what a trail compares. Writes stamps of nodes.
  static std::shared_ptr<Trail> make(ThreadState& state, Found&& found);
  /// Whether an evaluation now would find the same. Then `order` holds the nodes at their places.
  bool fits(ThreadState& state, std::span<Node* const> asked, std::span<Slot* const> slots,
            std::vector<Node*>& order) const;

  const Plan& plan() const { return *plan_; }
  std::span<const Outcome> outcomes() const { return outcomes_; }
  std::span<const std::uint32_t> roots() const { return roots_; }  ///< places of all that is asked for
  std::size_t places() const { return places_; }
  std::size_t size() const { return steps_.size(); }

 private:
  friend struct Trails;
  struct Step {
    const Op* op = nullptr;
    std::uint64_t counts = 0;
    std::uint64_t word = 0;  ///< arity, dtype, flags and standing
    std::uint32_t place = 0;
    std::uint32_t slot = no_index;  ///< of a Parameter's value: which one
  };
  /// A node that was recorded before: a leaf, or one that lends its shape.
  struct Outside {
    Shape shape;
    std::uint64_t word = 0, value = 0;
    std::uint32_t uses = 0;
    std::uint32_t slot = no_index;  ///< of a replaced value: which Parameter's
    bool leaf = false, exact = false, computed = false, own = false, leads = false, takeable = false;
  };
  bool build(ThreadState& state, const Found& found);
  bool fits(const Outside& outside, Node* node, std::span<Slot* const> slots) const;
  static Outside describe(const Node* node, bool leaf, std::uint32_t uses, const ThreadState& state,
                          std::span<Slot* const> slots);

  std::vector<Step> steps_;
  std::vector<std::uint32_t> inputs_;  ///< places, one step's after another's; a bit says that it is the first reader
  std::vector<Outside> outside_;       ///< in the order of first readers
  std::vector<std::int64_t> attributes_;
  std::vector<std::uint32_t> foreign_;  ///< places of other threads' nodes
  std::vector<std::uint32_t> roots_;    ///< what the caller asked for, the Parameters' values, and the rest
  std::size_t asked_ = 0, slots_ = 0;
  std::size_t places_ = 0;  ///< the order, and behind it what no plan needs
  std::vector<Outcome> outcomes_;
  std::shared_ptr<const Plan> plan_;
  Trail* next_ = nullptr;      ///< the one that fitted after this one
  std::uint64_t used_ = 0;
};

/// A thread's trails.
struct Trails {
  std::vector<std::shared_ptr<Trail>> all;
  Trail* last = nullptr;
  std::uint64_t generation = 0;  ///< of the plan cache
  std::uint64_t time = 0;
  unsigned made = 0;  ///< or tried to, since one fitted
  unsigned wait = 0;  ///< evaluations before another one is made: a graph that always differs has no use for them

  /// One that fits, or null.
  std::shared_ptr<const Trail> find(ThreadState& state, std::span<Node* const> asked, std::span<Slot* const> slots,
              std::vector<Node*>& order);
  bool wanted();
  /// Keeps a trail, or notes that none could be made.
  void add(std::shared_ptr<Trail> trail);
};

}  // namespace xgrad
