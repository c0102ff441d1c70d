#include <xgrad/graph/node.hpp>
#include <xgrad/graph/walk.hpp>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <limits>
#include <new>
#include <unordered_set>

namespace xgrad {

namespace {

/// Gives a thread's unused nodes to others when it ends. Nodes come in slabs that are kept for reuse.
struct UnusedNodes {
  ~UnusedNodes();
  bool known = false;
};

struct SharedNodes {
  std::mutex mutex;
  Node* first = nullptr;
  std::vector<void*> slabs;
};
SharedNodes& shared_nodes() {
  static SharedNodes* nodes = new SharedNodes;  // outlives every thread's destructors
  return *nodes;
}

UnusedNodes::~UnusedNodes() {
  if (!unused_nodes) return;
  Node* last = unused_nodes;
  while (last->next) last = last->next;
  SharedNodes& shared = shared_nodes();
  const std::lock_guard lock(shared.mutex);
  last->next = shared.first;
  shared.first = unused_nodes;
  unused_nodes = nullptr;
}

thread_local UnusedNodes at_the_end;

/// As new, but for what whoever makes a node writes anyway: place, scope, attributes and value.
void reset(Node* node) {
  node->counts.store(1, std::memory_order_relaxed);
  node->op = nullptr;
  node->arity = 0;
  node->flags = {};
  node->standing = {};
  node->shape = Shape();
  node->buffer = nullptr;
  node->slot = nullptr;
  node->stamp = 0;
}

void put_back(Node* node) {
  node->next = unused_nodes;
  unused_nodes = node;
}

inline void unlist(Node* node) {
  if (!node->standing.listed) return;
  ThreadState& state = *node->owner;
  std::vector<Node*>& history = state.history;
  history[node->place] = nullptr;
  node->standing.listed = false;
  --state.listed;
  if (node->place + 1 == history.size()) {
    while (!history.empty() && !history.back()) history.pop_back();
    state.evaluated = std::min(state.evaluated, history.size());
  }
}

/// Frees a node nobody refers to; nodes that become free by that are put on `waiting`.
inline void destroy(Node* node, Node*& waiting) {
  for (Node* input : node->in()) {
    if (give_up(input, one_consumer)) {
      for (const Node* below : input->in()) prefetch_front(below);
      input->stamp = reinterpret_cast<std::uint64_t>(waiting);
      waiting = input;
    }
  }
  if (node->arity > few_inputs) delete[] node->inputs;
  if (node->buffer) kernels::release(node->buffer);
  if (node->extras) {
    delete node->info;
    std::free(node->list);
    node->info = nullptr;
    node->list = nullptr;
    node->extras = false;
  }
  if (node->standing.ended) release(node->ending.by);
  reset(node);
  put_back(node);
}

/// Frees what can be freed on this thread; a living other owner gets its nodes back.
void destroy_all(Node* waiting) {
  ThreadState& self = this_thread();
  while (waiting) {
    Node* node = waiting;
    waiting = reinterpret_cast<Node*>(node->stamp);
    if (node->standing.listed && node->owner != &self) {
      const std::lock_guard lock(node->owner->mutex);
      if (node->owner->alive) {
        Node* head = node->owner->foreign.load(std::memory_order_relaxed);
        node->stamp = reinterpret_cast<std::uint64_t>(head);
        node->owner->foreign.store(node, std::memory_order_release);
        continue;
      }
      unlist(node);
    } else {
      unlist(node);
    }
    destroy(node, waiting);
  }
}

struct States {
  std::mutex mutex;
  std::vector<ThreadState*> ended;
};
States& states() {
  static States* all = new States;
  return *all;
}

bool eager_by_default() {
  const char* text = std::getenv("XGRAD_EAGER");
  return text && *text && std::strcmp(text, "0") != 0;
}

struct StateHolder {
  ThreadState* state;
  StateHolder() {
    States& all = states();
    const std::lock_guard lock(all.mutex);
    if (!all.ended.empty()) {
      state = all.ended.back();
      all.ended.pop_back();
      const std::lock_guard alive(state->mutex);
      state->alive = true;
    } else {
      state = new ThreadState;
      static std::uint64_t states = 0;
      state->evaluation = ++states << 40;
    }
    state->eager = eager_by_default();
  }
  ~StateHolder() {
    for (Slot* slot : state->pending) {
      slot->pending = false;
      release(slot);
    }
    state->pending.clear();
    free_foreign(*state);
    {
      const std::lock_guard alive(state->mutex);
      state->alive = false;
    }
    free_foreign(*state);
    States& all = states();
    const std::lock_guard lock(all.mutex);
    all.ended.push_back(state);
  }
};

}  // namespace

constinit thread_local ThreadState* current_thread = nullptr;
constinit thread_local Node* unused_nodes = nullptr;

ThreadState& make_this_thread() {
  static thread_local StateHolder holder;
  current_thread = holder.state;
  return *current_thread;
}

void free_foreign(ThreadState& state) {
  if (!state.foreign.load(std::memory_order_acquire)) return;
  Node* waiting;
  {
    const std::lock_guard lock(state.mutex);
    waiting = state.foreign.exchange(nullptr, std::memory_order_acq_rel);
  }
  // They are listed here and owned by this thread, or the thread has ended and nobody else touches the list.
  while (waiting) {
    Node* node = waiting;
    waiting = reinterpret_cast<Node*>(node->stamp);
    unlist(node);
    Node* more = nullptr;
    destroy(node, more);
    destroy_all(more);
  }
}

void make_room(ThreadState& state) {
  std::vector<Node*>& history = state.history;
  if (history.size() - state.listed < history.size() / 2) {
    history.reserve(2 * history.size() + 64);
    return;
  }
  // Half of it are places that were left: the others move together.
  std::size_t to = 0, evaluated = 0;
  for (std::size_t from = 0; from < history.size(); ++from) {
    if (from == state.evaluated) evaluated = to;
    Node* const node = history[from];
    if (!node) continue;
    node->place = static_cast<std::uint32_t>(to);
    history[to++] = node;
  }
  if (state.evaluated >= history.size()) evaluated = to;
  history.resize(to);
  state.evaluated = evaluated;
}

Node* more_nodes() {
  at_the_end.known = true;
  SharedNodes& shared = shared_nodes();
  const std::lock_guard lock(shared.mutex);
  if (shared.first) {
    unused_nodes = shared.first;
    shared.first = nullptr;
    return unused_nodes;
  }
  constexpr std::size_t slab = 256;
  if (shared.slabs.size() == shared.slabs.capacity()) shared.slabs.reserve(2 * shared.slabs.size() + 16);
  Node* nodes = static_cast<Node*>(::operator new(slab * sizeof(Node), std::align_val_t{64}));
  shared.slabs.push_back(nodes);
  for (std::size_t i = slab; i-- > 0;) {
    Node* node = new (nodes + i) Node;
    node->next = unused_nodes;
    unused_nodes = node;
  }
  return unused_nodes;
}

Node* new_leaf(const Shape& shape, DType dtype) {
  Node* node = new_node(this_thread());
  node->shape = shape;
  node->dtype = dtype;
  node->where = Location();
  node->scope = nullptr;
  return node;
}

void free_node(Node* node) {
  node->stamp = 0;
  destroy_all(node);
}

void end_history(Node* node) {
  unlist(node);
  const std::uint32_t arity = node->arity;
  Node** inputs = node->inputs;
  Node* few[few_inputs];
  std::memcpy(few, node->few_inputs, sizeof(few));
  const bool many = arity > few_inputs;
  node->arity = 0;
  node->inputs = node->few_inputs;
  for (std::uint32_t i = 0; i < arity; ++i) release(many ? inputs[i] : few[i], one_consumer);
  if (many) delete[] inputs;
}

Info& info_of(Node* node) {
  if (!node->info) node->info = new Info;
  node->extras = true;
  return *node->info;
}

void set_list(Node* node, std::span<const std::int64_t> items) {
  if (items.empty()) return;
  const std::size_t bytes = sizeof(List) + items.size() * sizeof(std::int64_t);
  List* list = static_cast<List*>(std::malloc(bytes));
  if (!list) throw std::bad_alloc();
  list->size = list->capacity = static_cast<std::uint32_t>(items.size());
  std::memcpy(list->items, items.data(), items.size_bytes());
  node->list = list;
  node->extras = true;
}

Tensor make_leaf(const Shape& shape, DType dtype) {
  std::size_t bytes;
  if (__builtin_mul_overflow(static_cast<std::size_t>(shape.size()), size_of(dtype), &bytes))
    throw ShapeError("a tensor of shape " + to_string(shape) + " has more elements than memory can hold");
  kernels::Buffer* buffer = kernels::allocate(bytes);
  Node* node = new_leaf(shape, dtype);
  node->buffer = buffer;
  return Tensor::adopt(node);
}

Tensor make_number(const Arg& number, DType dtype, bool exact) {
  Node* node = new_leaf(Shape(), dtype);
  node->flags.number = true;
  node->where = number.where();
  node->flags.exact = exact;
  const bool whole = number.kind() != Arg::Kind::real;
  if (is_floating(dtype))
    node->value.real = whole ? static_cast<double>(number.integer()) : number.real();
  else
    node->value.integer = whole ? number.integer() : static_cast<std::int64_t>(number.real());
  return Tensor::adopt(node);
}

void write_number(const Node* node, void* out) {
  with_dtype(node->dtype, [&]<class T>(T) {
    const T value = is_floating(node->dtype) ? static_cast<T>(node->value.real) : static_cast<T>(node->value.integer);
    std::memcpy(out, &value, sizeof(value));
  });
}

std::string place(const Location& where) {
  if (where.line() == 0) return "";
  std::string_view file = where.file_name();
  if (const auto slash = file.rfind('/'); slash != file.npos) file.remove_prefix(slash + 1);
  return " (" + std::string(file) + ":" + std::to_string(where.line()) + ")";
}

std::string describe(const Node* node) {
  std::string text;
  if (!node->name().empty()) text += "'" + std::string(node->name()) + "', ";
  text += node->op ? node->op->name : (node->flags.number ? "number" : "leaf");
  text += " " + to_string(node->shape) + " " + name_of(node->dtype);
  if (node->scope && !node->scope->empty()) text += " in " + *node->scope;
  return text + place(node->where);
}

NameScope::NameScope(std::string_view name) : before_(this_thread().scope) {
  // Scopes are few (one for each layer) and nodes point to them, so they are kept for good.
  struct Names {
    std::mutex mutex;
    std::unordered_set<std::string> all;
  };
  static Names* names = new Names;
  ThreadState& state = this_thread();
  std::string full = state.scope ? *state.scope + "/" : std::string();
  full += name;
  const std::lock_guard lock(names->mutex);
  state.scope = &*names->all.insert(std::move(full)).first;
}

NameScope::~NameScope() { this_thread().scope = static_cast<const std::string*>(before_); }

Within::Within(const char* name, const Location& where) : outermost_(!this_thread().within) {
  if (!outermost_) return;
  ThreadState& state = this_thread();
  state.within = true;
  state.where = where;
  state.composition = name;
}

Within::~Within() {
  if (!outermost_) return;
  ThreadState& state = this_thread();
  state.within = false;
  state.composition = nullptr;
}

Quiet::Quiet() { ++this_thread().quiet; }
Quiet::~Quiet() { --this_thread().quiet; }

NoGrad::NoGrad() : before_(this_thread().no_grad) { this_thread().no_grad = true; }
NoGrad::~NoGrad() { this_thread().no_grad = before_; }

}  // namespace xgrad
