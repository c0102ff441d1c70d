/// Captured functions: recording one into a request of its own.

#include <xgrad/graph/capture_program.hpp>

#include <cstring>
#include <map>
#include <unordered_map>
#include <unordered_set>

namespace xgrad {
namespace {

/// Records on this thread without computing while it lives.
class Taping {
 public:
  Taping(ThreadState& state, Tape& tape) : state_(state) { state.tape = &tape; }
  ~Taping() { state_.tape = nullptr; }
  Taping(const Taping&) = delete;
  Taping& operator=(const Taping&) = delete;

 private:
  ThreadState& state_;
  const Quiet quiet_;
};

/// The Parameters pending on this thread go back to what they were.
void revert_pending(ThreadState& state) {
  while (!state.pending.empty()) {
    Slot* slot = state.pending.back();
    state.pending.pop_back();
    slot->pending = false;
    Parameter::of(slot).revert();
    release(slot);
  }
}

/// Recording: the function's request, plan, and where everything in it comes from.
class Recorder {
 public:
  Recorder(ThreadState& state, Program& program) : state_(state), p_(program) {}
  /// False if what was recorded cannot be told from what it reads.
  bool record(void* f, detail::Capture::Call call, std::span<const Tensor> arguments);

 private:
  void make_placeholders(std::span<const Tensor> arguments);
  void find_sources(std::span<const Tensor> results);
  bool follow();
  void find_draws();
  void find_places(std::span<const Tensor> results);
  void detach();

  ThreadState& state_;
  Program& p_;
};

void Recorder::make_placeholders(std::span<const Tensor> arguments) {
  for (const Tensor& x : arguments) {
    const Node* from = x.node();
    Tensor own = from->flags.number ? make_leaf(from->shape, from->dtype)
                                    : Tensor::adopt(new_leaf(from->shape, from->dtype));
    if (from->flags.number) {
      write_number(from, own.node()->buffer->data);
    } else {
      kernels::retain(from->buffer);
      own.node()->buffer = from->buffer;
    }
    p_.placeholders.push_back(std::move(own));
  }
}

void Recorder::find_sources(std::span<const Tensor> results) {
  for (const Tensor& y : results) {
    Source source;
    source.has_history = led_to_parameters(y);
    for (std::uint32_t i = 0; i < p_.placeholders.size(); ++i)
      if (p_.placeholders[i].node() == y.node()) source.argument = i;
    if (source.argument == no_index && y.computed()) source.leaf = y;
    p_.sources.push_back(std::move(source));
  }
}

void Recorder::find_draws() {
  std::map<std::pair<std::uint64_t, std::uint64_t>, std::uint32_t> takes;
  for (std::uint32_t i = 0; i < p_.tape.takes.size(); ++i)
    takes[{p_.tape.takes[i].seed, p_.tape.takes[i].number}] = i;
  for (std::uint32_t i = 0; i < p_.request.order.size(); ++i) {
    const Node* node = p_.request.order[i];
    if (p_.request.leaf[i] || (node->op->kind != Kind::draw && !node->op->random)) continue;
    const auto found = takes.find({node->value.draw.seed, node->value.draw.number});
    if (found != takes.end()) p_.draws.push_back({i, found->second});
  }
}

void Recorder::find_places(std::span<const Tensor> results) {
  std::unordered_map<const Node*, std::uint32_t> places;
  for (std::uint32_t i = 0; i < p_.request.order.size(); ++i)
    if (!p_.request.leaf[i]) places.emplace(p_.request.order[i], i);
  for (std::size_t k = 0; k < results.size(); ++k)
    if (const auto found = places.find(results[k].node()); found != places.end()) p_.sources[k].place = found->second;
}

/// Finds the Parameters among the leaves, and what each is given. False if a value is a Parameter's and somebody's own.
bool Recorder::follow() {
  std::unordered_map<const Slot*, std::size_t> followed;
  const auto follow_slot = [&](Slot* slot) -> Followed& {
    const auto [found, added] = followed.emplace(slot, p_.parameters.size());
    if (added) p_.parameters.push_back({.parameter = Parameter::of(slot)});
    return p_.parameters[found->second];
  };
  for (Slot* slot : state_.pending) follow_slot(slot);
  std::unordered_set<const Node*> placeholders;
  for (const Tensor& placeholder : p_.placeholders) placeholders.insert(placeholder.node());
  const std::vector<Node*>& order = p_.request.order;
  for (std::uint32_t i = 0; i < order.size(); ++i) {
    Node* node = order[i];
    if (!p_.request.leaf[i]) {
      p_.kept.push_back(Tensor::share(node));
      if (node->slot && node->slot->value.node() == node) follow_slot(node->slot).value = i;
      continue;
    }
    if (placeholders.contains(node)) continue;
    Slot* slot = node->slot;
    if (!slot) {
      p_.frozen.push_back(Tensor::share(node));
      continue;
    }
    const std::uint32_t own_handles = slot->value.node() == node ? 2 : 1;
    if (node->references() - node->consumers() > own_handles) return false;
    follow_slot(slot).leaf = i;
  }
  find_draws();
  for (const Source& source : p_.sources)
    if (source.leaf.defined() && source.leaf.node()->slot) return false;
  return true;
}

/// Lets go of the recorded graph: what is left of a node is what its step needs.
void Recorder::detach() {
  for (const Tensor& tensor : p_.kept) {
    Node* node = tensor.node();
    end_history(node);
    node->ending = {nullptr, 0};
    node->standing.ended = true;
  }
}

bool Recorder::record(void* f, detail::Capture::Call call, std::span<const Tensor> arguments) {
  std::vector<Tensor> results;
  make_placeholders(arguments);
  try {
    {
      const Taping taping(state_, p_.tape);
      call(f, p_.placeholders, results);
    }
    find_sources(results);
    std::vector<Tensor> asked;
    for (const Tensor& y : results)
      if (!y.computed()) asked.push_back(y);
    if (!p_.tape.refused) {
      p_.request = captured_request(asked);
      p_.owner = &state_;
    }
    if (p_.tape.refused || !follow()) {
      go_back(p_.tape);
      revert_pending(state_);
      return false;
    }
    find_places(results);
    p_.plan = plan_for(p_.request);
    p_.results.assign(p_.request.order.size(), nullptr);
    revert_pending(state_);
    detach();
  } catch (...) {
    go_back(p_.tape);
    revert_pending(state_);
    throw;
  }
  p_.recorded = true;
  return true;
}

}  // namespace

void go_back(Tape& tape) noexcept {
  for (std::size_t i = tape.takes.size(); i-- > 0;) {
    const Tape::Take& take = tape.takes[i];
    if (Generator* from = *take.from) *from = Generator(take.seed, take.number);
  }
  for (const std::unique_ptr<Repeated>& task : tape.tasks) task->undo();
}

bool led_to_parameters(const Tensor& y) {
  if (!is_floating(y.dtype())) return false;
  if (y.node()->standing.ended) return true;
  for (const Parameter& parameter : parameters_of(y))
    if (parameter.trainable()) return true;
  return false;
}

bool record_program(ThreadState& state, Program& program, void* f, detail::Capture::Call call,
                    std::span<const Tensor> arguments) {
  return Recorder(state, program).record(f, call, arguments);
}

void compare_programs(const Program& before, const Program& now) {
  const auto fail = [](const std::string& what) {
    throw ValueError("[capture] expected a function that reads only its arguments, Parameters and random numbers, "
                     "but " + what + " since it was captured");
  };
  std::unordered_set<const Node*> changing;
  for (const Tensor& number : now.tape.changing) changing.insert(number.node());
  if (before.request.key != now.request.key) fail("it records another graph");
  for (std::size_t i = 0; i < before.frozen.size(); ++i) {
    const Node* a = before.frozen[i].node();
    const Node* b = now.frozen[i].node();
    if (a == b) continue;
    bool same = a->flags.number == b->flags.number;
    if (same && a->flags.number) {
      std::uint64_t x = 0, y = 0;
      write_number(a, &x);
      write_number(b, &y);
      same = x == y || changing.contains(b);
    } else if (same) {
      same = std::memcmp(a->buffer->data, b->buffer->data, a->buffer->bytes) == 0;
    }
    if (!same) fail("a value it reads changed: " + describe(b) + ",");
  }
}

void throw_captured(const Node* node) {
  throw ValueError("[capture] expected a value of the recorded graph, got one that a captured function recorded and "
                   "did not return: " + describe(node));
}

bool capturing() { return this_thread().tape != nullptr; }
void repeat(Repeated* task) {
  std::unique_ptr<Repeated> owned(task);
  if (Tape* tape = this_thread().tape) tape->tasks.push_back(std::move(owned));
}
void refuse_capture() {
  if (Tape* tape = this_thread().tape) tape->refused = true;
}
Tensor changing_number(double value, DType dtype) {
  const Tensor number = make_number(Arg(value, Location()), dtype, false);
  if (Tape* tape = this_thread().tape) tape->changing.push_back(number);
  return number;
}
void set_changing_number(const Tensor& number, double value) { number.node()->value.real = value; }

}  // namespace xgrad
