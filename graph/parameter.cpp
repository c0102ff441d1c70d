#include <xgrad/graph/node.hpp>

#include <cstring>
#include <utility>

namespace xgrad {
namespace {

Slot& checked(Slot* slot) {
  if (!slot) throw ValueError("[parameter] expected a Parameter, got one that was never given a value");
  return *slot;
}

std::string quoted(const Slot& slot) {
  return slot.name.empty() ? "an unnamed Parameter" : "Parameter '" + slot.name + "'";
}

/// The value a Parameter is given: its own node, so that history and memory are the Parameter's alone.
void infer_assign(Recording& call) { call.result(call.shape(0), call.dtype(0)); }
constexpr Op assign_op{.name = "assign",
                       .kind = Kind::alias,
                       .infer = infer_assign,
                       .rules = {[](const Applied&, const Tensor& g) { return g; }},
                       .linear = true};

/// Records without computing while it lives.
class Lazily {
 public:
  explicit Lazily(ThreadState& state) : state_(state), eager_(state.eager) {
    state.eager = false;
    ++state.quiet;
  }
  ~Lazily() {
    state_.eager = eager_;
    --state_.quiet;
  }
  Lazily(const Lazily&) = delete;
  Lazily& operator=(const Lazily&) = delete;

 private:
  ThreadState& state_;
  const bool eager_;
};

/// Takes a node out of the role of its Parameter's value.
void forget(Slot& slot, const Tensor& value) {
  if (value.defined() && value.node()->slot == &slot) value.node()->slot = nullptr;
}

void drop_pending(Slot& slot) {
  if (!slot.pending) return;
  std::vector<Slot*>& pending = this_thread().pending;
  for (std::size_t i = 0; i < pending.size(); ++i) {
    if (pending[i] != &slot) continue;
    pending.erase(pending.begin() + static_cast<std::ptrdiff_t>(i));
    slot.pending = false;
    release(&slot);
    return;
  }
}

}  // namespace

void retain(Slot* slot) {
  if (slot) slot->refs.fetch_add(1, std::memory_order_relaxed);
}

void release(Slot* slot) {
  if (!slot || slot->refs.fetch_sub(1, std::memory_order_acq_rel) != 1) return;
  forget(*slot, slot->value);
  forget(*slot, slot->committed);
  delete slot;
}

Parameter::Parameter(const Tensor& initial, std::string_view name, bool trainable) {
  initial.eval();
  if (!initial.computed())
    throw ValueError("[parameter] expected a captured function that makes no Parameters from what it records");
  // A copy of its own: the Parameter's memory may be taken over by its updates from the first one on.
  const Node* from = initial.node();
  Tensor own = make_leaf(from->shape, from->dtype);
  if (from->flags.number) write_number(from, own.node()->buffer->data);
  else if (own.node()->buffer->bytes)
    std::memcpy(own.node()->buffer->data, from->buffer->data, own.node()->buffer->bytes);
  slot_ = new Slot;
  slot_->name = name;
  slot_->trainable = trainable;
  own.node()->slot = slot_;
  slot_->committed = own;
  slot_->value = std::move(own);
}

Parameter::Parameter(const Parameter& other) : slot_(other.slot_) { retain(slot_); }
Parameter& Parameter::operator=(Parameter other) noexcept {
  std::swap(slot_, other.slot_);
  return *this;
}
Parameter::~Parameter() { release(slot_); }

Parameter Parameter::of(Slot* slot) {
  Parameter parameter;
  retain(slot);
  parameter.slot_ = slot;
  return parameter;
}

const Tensor& Parameter::value() const { return checked(slot_).value; }

void Parameter::assign(const Arg& value) const {
  Slot& slot = checked(slot_);
  const Node* before = slot.value.node();
  Tensor next = value.tensor();
  if (value.kind() != Arg::Kind::tensor || next.node()->flags.weak)
    next = broadcast_to(cast(next, before->dtype), before->shape);
  if (!(next.shape() == before->shape))
    throw ShapeError("[assign] expected shape " + to_string(before->shape) + " for " + quoted(slot) + ", got " +
                     to_string(next.shape()) + place(value.where()));
  if (next.dtype() != before->dtype)
    throw DTypeError(std::string("[assign] expected ") + name_of(before->dtype) + " for " + quoted(slot) + ", got " +
                     name_of(next.dtype()) + place(value.where()));
  if (next.node()->flags.symbolic)
    throw ValueError("[assign] expected a tensor with a value for " + quoted(slot) + ", got one recorded from a " +
                     "placeholder" + place(value.where()));
  ThreadState& state = this_thread();
  if (state.pending.size() == state.pending.capacity()) state.pending.reserve(2 * state.pending.size() + 8);
  Tensor own;
  {
    const Lazily lazily(state);  // eager or not, the node is computed as the slot's value, not before
    own = record(assign_op, Arg(next, value.where()));
  }
  Tensor last = std::move(slot.value);
  if (last.node() != slot.committed.node()) forget(slot, last);
  own.node()->slot = &slot;
  own.node()->standing.assigned = true;
  slot.value = std::move(own);
  const bool was_pending = slot.pending;
  if (!was_pending) {
    slot.pending = true;
    retain(&slot);
    state.pending.push_back(&slot);
  }
  if (!state.eager) return;
  try {
    evaluate_at_once(slot.value.node());
  } catch (...) {
    forget(slot, slot.value);
    slot.value = std::move(last);
    slot.value.node()->slot = &slot;
    if (!was_pending) drop_pending(slot);
    throw;
  }
}

void evaluate_at_once(Node* node) {
  // What is pending stands aside for the while.
  struct Aside {
    ThreadState& state = this_thread();
    std::vector<Slot*> slots;
    Aside() {
      slots.swap(state.pending);
      for (Slot* slot : slots) slot->pending = false;
    }
    ~Aside() {
      for (Slot* slot : slots) slot->pending = true;
      slots.swap(state.pending);
    }
  } const aside;
  evaluate(std::span(&node, 1));
}

void Parameter::revert() const {
  Slot& slot = checked(slot_);
  if (slot.value.node() == slot.committed.node()) return;
  forget(slot, slot.value);
  slot.value = slot.committed;
  drop_pending(slot);
}

const Tensor& Parameter::grad() const { return checked(slot_).grad; }
void Parameter::zero_grad() const { checked(slot_).grad = Tensor(); }
void Parameter::add_grad(const Tensor& gradient) const {
  Slot& slot = checked(slot_);
  slot.grad = slot.grad.defined() ? slot.grad + gradient : gradient;
}

std::string_view Parameter::name() const { return checked(slot_).name; }
void Parameter::set_name(std::string_view name) const {
  Slot& slot = checked(slot_);
  slot.name = name;
  release(slot.shared_name);
  slot.shared_name = nullptr;
}
bool Parameter::trainable() const { return checked(slot_).trainable; }
void Parameter::set_trainable(bool trainable) const { checked(slot_).trainable = trainable; }

}  // namespace xgrad
