/// Captured functions: recording one into a request of its own.

#include <xgrad/graph/capture_program.hpp>

#include <cstring>

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
    const Parameter parameter = Parameter::of(slot);
    parameter.revert();
    if (!state.pending.empty() && state.pending.back() == slot) {
      state.pending.pop_back();
      slot->pending = false;
      release(slot);
    }
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
  void find_take(std::uint32_t place);
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

void Recorder::find_take(std::uint32_t place) {
  const Node* node = p_.request.order[place];
  if (node->op->kind != Kind::draw && !node->op->random) return;
  const kernels::Draw& draw = node->value.draw;
  for (std::uint32_t i = 0; i < p_.tape.takes.size(); ++i)
    if (p_.tape.takes[i].seed == draw.seed && p_.tape.takes[i].number == draw.number) p_.draws.push_back({place, i});
}

/// Finds the Parameters among the leaves, and what each is given. False if a value is a Parameter's and somebody's own.
bool Recorder::follow() {
  for (Slot* slot : state_.pending) {
    Followed followed{.parameter = Parameter::of(slot)};
    p_.parameters.push_back(std::move(followed));
  }
  const std::vector<Node*>& order = p_.request.order;
  for (std::uint32_t i = 0; i < order.size(); ++i) {
    Node* node = order[i];
    if (!p_.request.leaf[i]) {
      p_.kept.push_back(Tensor::share(node));
      find_take(i);
      for (Followed& followed : p_.parameters)
        if (followed.parameter.slot()->value.node() == node) followed.value = i;
      continue;
    }
    bool own = false;
    for (const Tensor& placeholder : p_.placeholders) own |= placeholder.node() == node;
    if (own) continue;
    Slot* slot = node->slot;
    if (!slot) {
      p_.frozen.push_back(Tensor::share(node));
      continue;
    }
    const std::uint32_t own_handles = slot->value.node() == node ? 2 : 1;
    if (node->references() - node->consumers() > own_handles) return false;
    Followed* found = nullptr;
    for (Followed& followed : p_.parameters)
      if (followed.parameter.slot() == slot) found = &followed;
    if (!found) found = &p_.parameters.emplace_back(Followed{.parameter = Parameter::of(slot)});
    found->leaf = i;
  }
  for (const Source& source : p_.sources)
    if (source.leaf.defined() && source.leaf.node()->slot) return false;
  return true;
}

/// Lets go of the recorded graph: what is left of a node is what its step needs.
void Recorder::detach() {
  for (const Tensor& tensor : p_.kept) {
    Node* node = tensor.node();
    end_history(node);
    node->ending = new Ending;
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
    for (std::size_t k = 0; k < results.size(); ++k)
      for (std::uint32_t i = 0; i < p_.request.order.size(); ++i)
        if (p_.request.order[i] == results[k].node() && !p_.request.leaf[i]) p_.sources[k].place = i;
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
  const auto changes = [&](const Node* node) {
    for (const Tensor& number : now.tape.changing)
      if (number.node() == node) return true;
    return false;
  };
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
      same = x == y || changes(b);
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
