/// Running a plan: bind memory, do the steps, hand over the results.

#include <xgrad/graph/plan_ir.hpp>
#include <xgrad/graph/profiler.hpp>

#include <cstring>
#include <new>

namespace xgrad {
namespace {

/// The buffers of a run; gives them back unless the run ends well.
class Memory {
 public:
  Memory(const Plan& plan, const Request& request, std::vector<kernels::Buffer*>& results) : results_(results) {
    results_.clear();
    try {
      results_.reserve(plan.results.size());
      if (plan.arena_bytes) arena_ = kernels::allocate(plan.arena_bytes);
      for (const Result& result : plan.results) {
        if (result.takes == none) {
          results_.push_back(kernels::allocate(result.bytes));
        } else {
          kernels::Buffer* buffer = request.order[result.takes]->buffer;
          kernels::retain(buffer);
          results_.push_back(buffer);
        }
      }
    } catch (...) {
      give_back();
      throw;
    }
  }
  ~Memory() { give_back(); }
  Memory(const Memory&) = delete;
  Memory& operator=(const Memory&) = delete;

  std::byte* arena() const { return arena_ ? arena_->data : nullptr; }
  kernels::Buffer* result(std::size_t i) const { return results_[i]; }

 private:
  void give_back() {
    kernels::release(arena_);
    for (kernels::Buffer* buffer : results_) kernels::release(buffer);
    arena_ = nullptr;
    results_.clear();
  }
  kernels::Buffer* arena_ = nullptr;
  std::vector<kernels::Buffer*>& results_;
};

void launch(const LaunchStep& step, const Request& request, std::span<void* const> bases, std::vector<View>& views) {
  const Node* node = request.order[step.node];
  views.resize(step.views.size());
  for (std::size_t k = 0; k < step.views.size(); ++k) {
    views[k] = step.views[k];
    const std::uint32_t home = k < step.in.size() ? step.in[k] : step.out;
    views[k].data = home == none ? nullptr : bases[home];
  }
  Launch call;
  call.in = std::span(views).first(views.size() - 1);
  call.out = views.back();
  call.attributes[0] = node->attributes[0];
  call.attributes[1] = node->attributes[1];
  call.list = list_of(node);
  call.draw = node->value.draw;
  call.scratch = step.scratch == none ? nullptr : bases[step.scratch];
  call.op = step.op;
  call.where = &node->where;
  if (node->scope) call.scope = node->scope->c_str();
  if (node->info) {
    call.text = node->info->text;
    call.carried = node->info->carried;
  }
  step.op->run(call);
}

/// Memory of a run that the thread's next run uses again.
struct Bindings {
  std::vector<std::uint64_t> cells;
  std::vector<void*> bases, slots;
  std::vector<kernels::Buffer*> results;
  std::vector<kernels::Draw> draws;
  std::vector<View> views;
  bool used = false;
};

/// The thread's bindings, or others while a step that is running evaluates something itself.
class Bound {
 public:
  Bound() : bindings_(mine_.used ? &other_ : &mine_) { bindings_->used = true; }
  ~Bound() { bindings_->used = false; }
  Bound(const Bound&) = delete;
  Bound& operator=(const Bound&) = delete;
  Bindings& operator*() const { return *bindings_; }

 private:
  static thread_local Bindings mine_;
  Bindings other_;
  Bindings* bindings_;
};
thread_local Bindings Bound::mine_;

/// Once a step has written over a leaf's memory nothing may fail for lack of memory.
void reserve(const Plan& plan, Bindings& bindings) {
  for (const GroupStep& group : plan.groups) {
    bindings.slots.reserve(group.slots.size());
    bindings.draws.reserve(group.draws.size());
    kernels::reserve(group.program);
  }
  for (const LaunchStep& step : plan.launches) bindings.views.reserve(step.views.size());
}

}  // namespace

void run(const Plan& plan, const Request& request, std::span<kernels::Buffer*> results) {
  const Bound bound;
  auto& [cells, bases, slots, results_of_plan, draws, views, used] = *bound;
  const Memory memory(plan, request, results_of_plan);
  cells.resize(plan.numbers.size() + plan.constants.size());
  for (std::size_t i = 0; i < plan.numbers.size(); ++i) write_number(request.order[plan.numbers[i]], &cells[i]);
  for (std::size_t i = 0; i < plan.constants.size(); ++i)
    with_dtype(plan.constant_types[i], [&]<class T>(T) {
      const T value = static_cast<T>(plan.constants[i]);
      std::memcpy(&cells[plan.numbers.size() + i], &value, sizeof(value));
    });

  bases.resize(plan.homes.size());
  for (std::size_t h = 0; h < plan.homes.size(); ++h) {
    const Home& home = plan.homes[h];
    switch (home.place) {
      case Place::leaf: bases[h] = request.order[home.index]->buffer->data; break;
      case Place::number: bases[h] = &cells[home.index]; break;
      case Place::constant: bases[h] = &cells[plan.numbers.size() + home.index]; break;
      case Place::temporary: bases[h] = memory.arena() + home.offset; break;
      case Place::result: bases[h] = memory.result(home.index)->data; break;
      case Place::view: bases[h] = static_cast<std::byte*>(bases[home.index]) + home.offset; break;
    }
  }

  for (const Result& result : plan.results) {
    if (result.takes == none) continue;
    reserve(plan, *bound);
    break;
  }
  Profiler* const profiler = running_profiler();
  const std::uint32_t profiled = profiler ? profiler->meet(plan, request) : 0;
  for (const Step& step : plan.steps) {
    const std::int64_t begin = profiler ? profiler->now() : 0;
    if (step.kind == Step::Kind::group) {
      const GroupStep& group = plan.groups[step.index];
      slots.resize(group.slots.size());
      for (std::size_t k = 0; k < group.slots.size(); ++k) slots[k] = bases[group.slots[k]];
      draws.resize(group.draws.size());
      for (std::size_t k = 0; k < group.draws.size(); ++k) draws[k] = request.order[group.draws[k]]->value.draw;
      kernels::run(group.program, slots.data(), draws.data());
    } else if (step.kind == Step::Kind::launch) {
      launch(plan.launches[step.index], request, bases, views);
    } else {
      const FoldStep& fold = plan.folds[step.index];
      void *const in = bases[fold.in], *const out = bases[fold.out];
      void* const scratch = fold.scratch == none ? nullptr : bases[fold.scratch];
      if (fold.joins) kernels::join_blocks(fold.fold, fold.dtype, in, out, fold.count, fold.inner);
      else kernels::fold_middle(fold.fold, fold.dtype, in, out, fold.outer, fold.count, fold.inner, scratch);
    }
    if (profiler) profiler->note(profiled, static_cast<std::uint32_t>(&step - plan.steps.data()), begin);
  }

  for (const Plan::Stored& stored : plan.stored) {
    const Home& home = plan.homes[stored.home];
    kernels::Buffer* buffer =
        home.place == Place::leaf ? request.order[home.index]->buffer : memory.result(home.index);
    kernels::retain(buffer);
    results[stored.node] = buffer;
  }
}

}  // namespace xgrad
