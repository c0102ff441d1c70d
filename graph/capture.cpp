/// Captured functions: running what was recorded with other leaves.

#include <xgrad/graph/capture_program.hpp>

#include <cstring>

namespace xgrad {
namespace {

constexpr std::size_t most_programs = 16;  ///< of one function; the one made first goes

/// A leaf with this memory, whose lost history is an error to ask for.
Tensor result_of(kernels::Buffer* buffer, const Shape& shape, DType dtype, bool has_history) {
  Tensor result = Tensor::adopt(new_leaf(shape, dtype));
  Node* node = result.node();
  kernels::retain(buffer);
  node->buffer = buffer;
  if (has_history) {
    node->ending = {nullptr, 0};
    node->standing.ended = true;
  }
  return result;
}

/// The same for a tensor that an ordinary call of the function gave.
Tensor without_history(const Tensor& y, bool has_history) {
  const Node* node = y.node();
  if (node->flags.number || (node->arity == 0 && !node->op)) return y;
  return result_of(node->buffer, node->shape, node->dtype, has_history);
}

/// One run of a program.
class Replay {
 public:
  Replay(Program& program, std::span<const Tensor> arguments) : p_(program), arguments_(arguments) {}
  ~Replay();
  Replay(const Replay&) = delete;
  Replay& operator=(const Replay&) = delete;

  /// Whether running it means the same as calling the function.
  static bool possible(const Program& program);
  void run(bool first, std::vector<Tensor>& out);

 private:
  void bind();
  void draw();
  void give_parameters();
  void give_results(std::vector<Tensor>& out);

  Program& p_;
  std::span<const Tensor> arguments_;
  std::vector<Tensor> copies_;  ///< of values that somebody else holds
};

bool Replay::possible(const Program& program) {
  for (const Followed& followed : program.parameters) {
    const Slot* slot = followed.parameter.slot();
    if (slot->value.node() != slot->committed.node()) return false;
    if (followed.value != no_index && slot->committed.node()->consumers() > 0) return false;
  }
  return true;
}

void Replay::bind() {
  for (std::size_t i = 0; i < arguments_.size(); ++i) {
    Node* own = p_.placeholders[i].node();
    const Node* from = arguments_[i].node();
    if (from->flags.number) {
      if (own->buffer && own->buffer->refs.load(std::memory_order_acquire) > 1) {
        kernels::release(own->buffer);
        own->buffer = nullptr;
      }
      if (!own->buffer) own->buffer = kernels::allocate(8);
      write_number(from, own->buffer->data);
    } else {
      kernels::retain(from->buffer);
      if (own->buffer) kernels::release(own->buffer);
      own->buffer = from->buffer;
    }
  }
  for (Followed& followed : p_.parameters) {
    followed.next = Tensor();
    Node* const node = followed.parameter.slot()->committed.node();
    if (followed.value != no_index && node->references() != 2)
      followed.next = Tensor::adopt(new_leaf(node->shape, node->dtype));
    if (followed.leaf == no_index) continue;
    p_.request.order[followed.leaf] = node;
    if (followed.value == no_index) continue;
    const kernels::Buffer* buffer = node->buffer;
    if (node->references() == 2 && !node->standing.listed && buffer->refs.load(std::memory_order_acquire) == 1 &&
        !buffer->pinned.load(std::memory_order_relaxed))
      continue;
    copies_.push_back(make_leaf(node->shape, node->dtype));
    Node* copy = copies_.back().node();
    if (buffer->bytes) std::memcpy(copy->buffer->data, buffer->data, buffer->bytes);
    p_.request.order[followed.leaf] = copy;
  }
}

/// All or nothing.
void Replay::draw() {
  std::size_t done = 0;
  try {
    for (; done < p_.tape.tasks.size(); ++done) p_.tape.tasks[done]->next();
  } catch (...) {
    while (done-- > 0) p_.tape.tasks[done]->undo();
    throw;
  }
  for (Tape::Take& take : p_.tape.takes) {
    Generator* from = *take.from;
    if (!from) continue;
    take.seed = from->seed();
    take.number = from->take();
  }
  for (const Program::Drawn& drawn : p_.draws) {
    const Tape::Take& take = p_.tape.takes[drawn.take];
    p_.request.order[drawn.place]->value.draw = {take.seed, take.number};
  }
}

void Replay::give_parameters() {
  for (Followed& followed : p_.parameters) {
    if (followed.value == no_index) continue;
    kernels::Buffer* buffer = p_.results[followed.value];
    Slot* slot = const_cast<Slot*>(followed.parameter.slot());
    Node* node = slot->committed.node();
    ++slot->steps;
    if (node->buffer == buffer) continue;
    kernels::retain(buffer);
    if (!followed.next.defined()) {
      kernels::release(node->buffer);
      node->buffer = buffer;
      continue;
    }
    followed.next.node()->buffer = buffer;
    followed.next.node()->slot = slot;
    node->slot = nullptr;
    slot->committed = followed.next;
    slot->value = std::move(followed.next);
  }
}

void Replay::give_results(std::vector<Tensor>& out) {
  for (const Source& source : p_.sources) {
    if (source.argument != no_index) {
      out.push_back(arguments_[source.argument]);
    } else if (source.place == no_index) {
      out.push_back(source.leaf);
    } else {
      const Node* node = p_.request.order[source.place];
      out.push_back(result_of(p_.results[source.place], node->shape, node->dtype, source.has_history));
    }
  }
}

void Replay::run(bool first, std::vector<Tensor>& out) {
  try {
    bind();
    if (!first) draw();
  } catch (...) {
    if (first) go_back(p_.tape);
    throw;
  }
  try {
    xgrad::run(*p_.plan, p_.request, p_.results);
    give_results(out);
  } catch (...) {
    out.clear();
    go_back(p_.tape);
    throw;
  }
  give_parameters();
}

Replay::~Replay() {
  for (const Plan::Stored& stored : p_.plan->stored) {
    kernels::release(p_.results[stored.node]);
    p_.results[stored.node] = nullptr;
  }
  for (std::size_t i = 0; i < arguments_.size(); ++i) {
    if (arguments_[i].node()->flags.number) continue;
    Node* own = p_.placeholders[i].node();
    if (own->buffer) kernels::release(own->buffer);
    own->buffer = nullptr;
  }
}

}  // namespace

namespace detail {

struct Capture::State {
  CaptureOptions options;
  std::vector<std::unique_ptr<Program>> programs;
  std::vector<Tensor> results;
  bool refused = false;

  Program* find(std::span<const Tensor> arguments, bool no_grad) {
    for (const std::unique_ptr<Program>& program : programs)
      if (program->signature.fits(arguments, no_grad)) return program.get();
    return nullptr;
  }
  void call_plainly(ThreadState& state, void* f, Call call, std::span<const Tensor> arguments);
  bool record(ThreadState& state, Program*& program, void* f, Call call, std::span<const Tensor> arguments);
};

/// Says that this thread is inside a captured function while it lives.
class Inside {
 public:
  explicit Inside(ThreadState& state) : state_(state) { ++state.captured; }
  ~Inside() { --state_.captured; }
  Inside(const Inside&) = delete;
  Inside& operator=(const Inside&) = delete;

 private:
  ThreadState& state_;
};

void Capture::State::call_plainly(ThreadState& state, void* f, Call call, std::span<const Tensor> arguments) {
  {
    const Inside inside(state);
    call(f, arguments, results);
  }
  if (state.captured) return;  // part of another captured function
  std::vector<bool> led;
  for (const Tensor& y : results) led.push_back(led_to_parameters(y));
  eval(results);
  for (std::size_t i = 0; i < results.size(); ++i) results[i] = without_history(results[i], led[i]);
}

/// Records a program anew, in the place of the one that was there.
bool Capture::State::record(ThreadState& state, Program*& program, void* f, Call call,
                            std::span<const Tensor> arguments) {
  auto made = std::make_unique<Program>(program->signature);
  const Inside inside(state);
  if (!record_program(state, *made, f, call, arguments)) {
    refused = made->tape.refused;
    return false;
  }
  if (program->recorded) {
    try {
      compare_programs(*program, *made);
    } catch (...) {
      go_back(made->tape);
      throw;
    }
  }
  for (std::unique_ptr<Program>& place : programs) {
    if (place.get() != program) continue;
    place = std::move(made);
    program = place.get();
    break;
  }
  return true;
}

Capture::Capture(const CaptureOptions& options) : state_(new State) {
  state_->options = options;
  if (options.check_every < 0)
    throw ValueError("[capture] expected check_every of 0 or more, got " + std::to_string(options.check_every));
}
Capture::~Capture() { delete state_; }

std::span<Tensor> Capture::operator()(void* f, Call call, std::span<const Tensor> arguments) {
  State& s = *state_;
  ThreadState& state = this_thread();
  s.results.clear();
  for (const Tensor& x : arguments)
    if (!x.defined()) throw ValueError("[capture] expected arguments with a value, got one that was never given one");
  if (state.captured || state.eager || s.refused) {
    s.call_plainly(state, f, call, arguments);
    return s.results;
  }
  for (const Tensor& x : arguments) x.eval();
  if (!state.pending.empty()) eval({});
  Program* program = s.find(arguments, state.no_grad);
  if (!program) {
    s.call_plainly(state, f, call, arguments);
    if (s.programs.size() == most_programs) s.programs.erase(s.programs.begin());
    s.programs.push_back(std::make_unique<Program>(Signature(arguments, state.no_grad)));
    return s.results;
  }
  const bool check = s.options.check_every > 0 && ++program->calls % s.options.check_every == 0;
  const bool usable = !program->recorded || (program->owner == &state && Replay::possible(*program));
  const bool first = !program->recorded || check;
  const bool ready = usable && (!first || s.record(state, program, f, call, arguments));
  if (!ready || !Replay::possible(*program)) {
    if (ready && first) go_back(program->tape);  // what recording took, the call takes again
    s.results.clear();
    s.call_plainly(state, f, call, arguments);
    return s.results;
  }
  Replay(*program, arguments).run(first, s.results);
  return s.results;
}

}  // namespace detail
}  // namespace xgrad
