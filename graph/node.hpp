#pragma once
/// The node behind a Tensor, and the state each thread keeps while it records. Internal to graph/ and diff/.

#include <xgrad/graph/op.hpp>
#include <xgrad/graph/symbolic.hpp>
#include <xgrad/kernels/buffer.hpp>

#include <atomic>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

namespace xgrad {

struct ThreadState;
struct Slot;
struct Workspace;
struct Trails;
struct WalkMemory;
struct Sweep;
struct Tape;

/// Integers that belong to a node's attributes (a target shape, slice bounds); written once.
struct List {
  std::uint32_t size = 0;
  std::uint32_t capacity = 0;
  std::int64_t items[1] = {};
};

/// Rarely needed facts about a node.
struct Info {
  std::string name;
  std::string text;
  const Carried* carried = nullptr;
  std::shared_ptr<const Deferred> deferred;  ///< of a step that a model carries out later
  Info() = default;
  ~Info() {
    if (carried) carried->release();
  }
  Info(const Info&) = delete;
  Info& operator=(const Info&) = delete;
};

/// The name of a Parameter, for nodes that may outlive it; counted.
struct SharedName {
  std::atomic<std::uint32_t> references{1};
  std::string text;
};
inline void release(SharedName* name) {
  if (name && name->references.fetch_sub(1, std::memory_order_acq_rel) == 1) delete name;
}

/// How a node's history ended.
struct Ending {
  SharedName* by;      ///< the Parameter whose replacement ended it; null: the captured function it belongs to
  std::uint64_t step;  ///< how often that Parameter had been replaced then
};

/// What a node is from the moment it was recorded; any thread may read it.
struct Flags {
  bool number : 1 = false;    ///< a leaf holding one number in `value`
  bool weak : 1 = false;      ///< a C++ number: takes another dtype when recorded again
  bool exact : 1 = false;     ///< the key records the number's value
  bool promoted : 1 = false;  ///< a cast that promotion recorded
  bool no_grad : 1 = false;   ///< recorded in the no-gradient scope
  bool only_recorded : 1 = false;  ///< over stand-ins for values: computed only if somebody asks for it
  bool symbolic : 1 = false;  ///< recorded from a placeholder: it never has a value
  bool attributed : 1 = false;  ///< has attributes, a list or something carried
};

/// How a node stands with the thread that owns it, which alone reads and changes this.
struct Standing {
  bool listed : 1 = false;     ///< in its owner's history
  bool asked : 1 = false;      ///< the running evaluation was asked for it, and holds a reference
  bool ended : 1 = false;      ///< its history ended by an update or in a captured function, see `ending`
  bool reachable : 1 = false;  ///< somebody can ask for a gradient through it (set by evaluation)
  bool assigned : 1 = false;   ///< recorded as a Parameter's value
};

inline constexpr std::uint32_t few_inputs = 3;

/// Fields stand in cache lines by use: evaluations read the first of a node they have seen the like of, walks the first
/// two, recording the last as well; the third is for shapes of rank 3 and more.
struct alignas(64) Node {
  /// Low half: references. High half: those of them that recorded consumers hold.
  std::atomic<std::uint64_t> counts{1};
  const Op* op = nullptr;  ///< null for leaves; stays when a node gives up its inputs
  Node** inputs = nullptr;
  union {
    Node* few_inputs[xgrad::few_inputs];
    Ending ending;   ///< in their place where history ended
    Node* next;      ///< of a node that is not in use: another one
  };
  std::uint32_t arity = 0;
  DType dtype = float32;
  Flags flags;
  Standing standing;
  bool extras = false;  ///< `info` or `list` was given
  // Scratch of the owning thread's evaluation, valid where `stamp` is the evaluation's number.
  std::uint64_t stamp = 0;

  ThreadState* owner = nullptr;
  kernels::Buffer* buffer = nullptr;
  std::uint32_t index = 0;
  std::uint32_t place = 0;     ///< in the owner's history
  Slot* slot = nullptr;        ///< the Parameter this is the computed value of
  Shape shape;
  std::uint64_t mark = 0;      ///< evaluation that found this node recorded from a replaced value
  std::uint32_t replaced = 0;  ///< with `mark`: which of the evaluation's Parameters

  Location where;
  const std::string* scope = nullptr;
  Info* info = nullptr;
  List* list = nullptr;
  std::int64_t attributes[2] = {};
  union Value {
    double real;
    std::int64_t integer;
    kernels::Draw draw;
    Value() : draw{} {}
  } value;

  std::span<Node* const> in() const { return {inputs, arity}; }
  bool computed() const { return buffer != nullptr || flags.number; }
  std::uint32_t references() const { return static_cast<std::uint32_t>(counts.load(std::memory_order_relaxed)); }
  std::uint32_t consumers() const {
    return static_cast<std::uint32_t>(counts.load(std::memory_order_relaxed) >> 32);
  }
  /// Somebody other than a recorded consumer refers to it.
  bool held() const {
    const std::uint64_t now = counts.load(std::memory_order_relaxed);
    return static_cast<std::uint32_t>(now) > static_cast<std::uint32_t>(now >> 32);
  }
  std::string_view name() const { return info ? std::string_view(info->name) : std::string_view(); }
};

static_assert(sizeof(Node) == 256);

/// A counted pointer to a node as the handle it could be, which does not count.
inline const Tensor& as_tensor(Node* const& node) { return reinterpret_cast<const Tensor&>(node); }
static_assert(sizeof(Tensor) == sizeof(Node*) && alignof(Tensor) == alignof(Node*));

inline constexpr std::uint64_t one_reference = 1;
inline constexpr std::uint64_t one_consumer = (std::uint64_t{1} << 32) | 1;

/// Starts to load what walks read of a node that is looked at soon; any address may be given.
inline void prefetch_front(const Node* node) {
  __builtin_prefetch(node, 1);
  __builtin_prefetch(reinterpret_cast<const char*>(node) + 64, 1);
}

/// The thread's nodes that are not in use.
extern constinit thread_local Node* unused_nodes;
/// Makes some; returns the first.
Node* more_nodes();
/// A node of this thread with one reference. Place, scope, attributes and value are left for the caller to write.
inline Node* new_node(ThreadState& state);
/// The same for a leaf: no place, no scope.
Node* new_leaf(const Shape& shape, DType dtype);
inline void retain(Node* node, std::uint64_t amount = one_reference) {
  if (node) node->counts.fetch_add(amount, std::memory_order_relaxed);
}
/// The same for a node that another thread may be giving up at this moment; false if nobody refers to it any more.
inline bool retain_if_referred(Node* node) {
  std::uint64_t now = node->counts.load(std::memory_order_relaxed);
  while (static_cast<std::uint32_t>(now) != 0)
    if (node->counts.compare_exchange_weak(now, now + one_reference, std::memory_order_relaxed)) return true;
  return false;
}
/// Frees a node whose last reference is gone, and what that frees, with a loop.
void free_node(Node* node);
/// What `this_thread` gave before on this thread.
extern constinit thread_local ThreadState* current_thread;

/// Gives up one reference (`amount` says whose), which the caller holds; whether it was the last. The owning thread
/// needs no atomic change where it holds all: only the owner finds nodes it has no reference to.
inline bool give_up(Node* node, std::uint64_t amount) {
  if (node->counts.load(std::memory_order_acquire) == amount && node->owner == current_thread) {
    node->counts.store(0, std::memory_order_relaxed);
    return true;
  }
  return static_cast<std::uint32_t>(node->counts.fetch_sub(amount, std::memory_order_acq_rel)) == 1;
}
/// Gives up a reference; frees what nobody refers to any more, with a loop.
inline void release(Node* node, std::uint64_t amount = one_reference) {
  if (node && give_up(node, amount)) free_node(node);
}
Info& info_of(Node* node);
void set_list(Node* node, std::span<const std::int64_t> items);
inline const Carried* carried_by(const Node* node) { return node->info ? node->info->carried : nullptr; }
inline std::span<const std::int64_t> list_of(const Node* node) {
  return node->list ? std::span<const std::int64_t>(node->list->items, node->list->size)
                    : std::span<const std::int64_t>();
}
/// A node's attributes, to record its operation again.
inline Attributes attributes_of(const Node* node) {
  return {.a = node->attributes[0],
          .b = node->attributes[1],
          .list = list_of(node),
          .text = node->info ? std::string_view(node->info->text) : std::string_view(),
          .carried = carried_by(node)};
}
/// A new leaf with room for its elements.
Tensor make_leaf(const Shape& shape, DType dtype);
/// A number as a leaf of this dtype.
Tensor make_number(const Arg& number, DType dtype, bool exact);
/// 1 as a scalar of x's dtype, whatever that is when the graph is recorded again.
Tensor one_of(const Arg& x);
/// The number of a leaf as its dtype's bytes, written to `out` (8 bytes).
void write_number(const Node* node, void* out);

/// The slot behind a Parameter.
struct Slot {
  std::atomic<std::uint32_t> refs{1};
  std::string name;
  bool trainable = true;
  bool pending = false;        ///< in the list of the thread that assigned
  std::uint64_t steps = 0;     ///< how often the value was replaced
  Tensor value;                ///< the newest value, perhaps pending
  Tensor committed;            ///< the newest computed value
  Tensor grad;
  SharedName* shared_name = nullptr;  ///< made when a history ends
  Slot() = default;
  Slot(const Slot&) = delete;
  Slot& operator=(const Slot&) = delete;
  ~Slot() { release(shared_name); }
};
void retain(Slot* slot);
void release(Slot* slot);

/// What one thread keeps: its nodes with history in recording order, Parameters with pending values, and recording
/// state. Objects outlive their threads, because nodes point to them; a new thread takes over one whose thread has
/// ended.
struct ThreadState {
  std::mutex mutex;  ///< guards `alive` and `foreign`
  bool alive = true;
  std::atomic<Node*> foreign{nullptr};  ///< nodes whose last reference another thread gave up
  std::vector<Node*> history;           ///< oldest first; null where one has left it
  std::vector<Slot*> pending;  ///< each counted
  Location where;
  bool within = false;  ///< `where` is the user's line of the outermost composition
  const char* composition = nullptr;
  const std::string* scope = nullptr;
  bool no_grad = false;
  bool eager = false;
  int only_recording = 0;  ///< > 0: inside RecordOnly
  Tensor exact[5][dtype_count];  ///< the numbers a key records by value, once for each dtype
  int quiet = 0;  ///< > 0: inside a rule, `grad` or an evaluation, where the bound on pending work does not fire
  std::uint64_t recorded = 0;        ///< nodes recorded since the last evaluation
  std::uint64_t recorded_bytes = 0;  ///< and the bytes of their results
  std::uint64_t evaluation = 0;      ///< number of the running evaluation; no other thread has it
  Tape* tape = nullptr;  ///< while a captured function is recorded, which computes nothing
  int captured = 0;      ///< > 0: inside a captured function that is called or recorded
  std::shared_ptr<Workspace> workspace;  ///< memory of the last evaluation, used again by the next
  std::shared_ptr<WalkMemory> walk_memory;  ///< the same of the last walk
  std::shared_ptr<Sweep> sweep;             ///< and of the last gradient
  std::shared_ptr<Trails> trails;        ///< what the last evaluations found
  std::size_t evaluated = 0;          ///< length of the history at the end of the last evaluation
  std::uint64_t listed = 0;           ///< nodes in the history
  std::uint64_t look_through = 4096;  ///< length at which an evaluation looks for histories nobody can reach any more
};
ThreadState& make_this_thread();
inline ThreadState& this_thread() { return current_thread ? *current_thread : make_this_thread(); }
inline Node* new_node(ThreadState& state) {
  Node* const node = unused_nodes ? unused_nodes : more_nodes();
  unused_nodes = node->next;
  prefetch_front(node->next);  // the one after this
  node->inputs = node->few_inputs;
  node->owner = &state;
  return node;
}
void free_foreign(ThreadState& state);
/// Makes room for one more node in a thread's history, which is full.
void make_room(ThreadState& state);
/// Drops a node's inputs: it becomes a leaf. Other threads may look at it meanwhile, as at any computed node.
void end_history(Node* node);

/// Computes these nodes and all that is due with them.
void evaluate(std::span<Node* const> asked);
/// Computes a node as soon as it is recorded, as XGRAD_EAGER asks for. Parameters stay pending: they are replaced when
/// somebody asks for a value, all at once, and can be given up until then.
void evaluate_at_once(Node* node);
/// Computes whatever this thread's handles hold: the bound on pending work.
void evaluate_held();

/// "matmul (2, 3) float32, recorded at main.cpp:12": how messages speak of a node.
std::string describe(const Node* node);

}  // namespace xgrad
