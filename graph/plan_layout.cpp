/// Layout: where temporaries lie in the arena, and which results take over the memory of leaves.

#include <xgrad/graph/plan.hpp>
#include <xgrad/graph/plan_ir.hpp>

#include <algorithm>
#include <atomic>
#include <map>

namespace xgrad {
namespace {

using kernels::Access;

/// Gives every temporary a place in the arena, and lets results take over leaves that nobody else needs.
class Layout {
 public:
  Layout(const Request& request, Plan& plan) : request_(request), plan_(plan), uses_(plan.homes.size()) {}
  void run();

 private:
  struct Use {
    std::uint32_t first = none, last = 0;  ///< steps
    std::size_t bytes = 0;
    bool only_full = true;  ///< read element by element by the last step
  };
  /// The memory that a home is in.
  std::uint32_t base_of(std::uint32_t home) const {
    return plan_.homes[home].place == Place::view ? plan_.homes[home].index : home;
  }
  void touch(std::uint32_t home, std::uint32_t step, std::size_t bytes) {
    Use& use = uses_[base_of(home)];
    if (use.first == none) use.first = step;
    use.last = step;
    use.bytes = std::max(use.bytes, bytes);
  }
  void find_uses();
  void take_over();
  void place_temporaries();
  std::uint32_t dying_twin(std::uint32_t step, std::uint32_t home, std::vector<std::uint8_t>& given) const;

  const Request& request_;
  Plan& plan_;
  std::vector<Use> uses_;
};

std::size_t port_bytes(const kernels::TileProgram& program, const kernels::Port& port) {
  const std::size_t element = size_of(program.registers[port.reg].type);
  const std::int64_t pieces =
      program.piece > 0 ? std::max<std::int64_t>(1, (program.cols + program.piece - 1) / program.piece) : 1;
  switch (port.access) {
    case Access::full: return element * static_cast<std::size_t>(program.rows * program.cols);
    case Access::row: return element * static_cast<std::size_t>(program.rows * pieces);
    case Access::column:
      return element * static_cast<std::size_t>(kernels::fold_blocks(program.rows) * program.cols);
    default: return element;
  }
}

void Layout::find_uses() {
  for (std::uint32_t s = 0; s < plan_.steps.size(); ++s) {
    const Step& step = plan_.steps[s];
    if (step.kind == Step::Kind::group) {
      const GroupStep& group = plan_.groups[step.index];
      for (const kernels::Port& port : group.program.loads) {
        const std::uint32_t home = group.slots[port.slot];
        Use& use = uses_[base_of(home)];
        if (use.last != s) use.only_full = true;
        touch(home, s, 0);
        use.only_full &= port.access == Access::full && base_of(home) == home;
      }
      for (const kernels::Port& port : group.program.stores)
        touch(group.slots[port.slot], s, port_bytes(group.program, port));
    } else if (step.kind == Step::Kind::launch) {
      const LaunchStep& launch = plan_.launches[step.index];
      for (std::size_t k = 0; k < launch.in.size(); ++k) {
        if (launch.in[k] == none) continue;
        touch(launch.in[k], s, 0);
        uses_[base_of(launch.in[k])].only_full = false;
      }
      const View& out = launch.views.back();
      if (launch.out != none) touch(launch.out, s, static_cast<std::size_t>(out.shape.size()) * size_of(out.dtype));
      if (launch.scratch != none) touch(launch.scratch, s, plan_.homes[launch.scratch].offset);
    } else {
      const FoldStep& fold = plan_.folds[step.index];
      touch(fold.in, s, 0);
      uses_[base_of(fold.in)].only_full = false;
      touch(fold.out, s, static_cast<std::size_t>(fold.outer * fold.inner) * size_of(fold.dtype));
      if (fold.scratch != none) touch(fold.scratch, s, plan_.homes[fold.scratch].offset);
    }
  }
}

void Layout::take_over() {
  std::uint32_t safe_from = 0;  // the first step after the last that may fail
  for (std::uint32_t s = 0; s < plan_.steps.size(); ++s)
    if (plan_.steps[s].kind == Step::Kind::launch && plan_.launches[plan_.steps[s].index].op->fails) safe_from = s + 1;
  std::vector<std::uint8_t> shared(plan_.homes.size(), 0);
  for (const Plan::Stored& stored : plan_.stored) shared[stored.home] = 1;

  for (std::uint32_t s = safe_from; s < plan_.steps.size(); ++s) {
    if (plan_.steps[s].kind != Step::Kind::group) continue;
    const GroupStep& group = plan_.groups[plan_.steps[s].index];
    for (const kernels::Port& store : group.program.stores) {
      const Home& target = plan_.homes[group.slots[store.slot]];
      if (target.place != Place::result || store.access != Access::full) continue;
      Result& result = plan_.results[target.index];
      if (result.takes != none) continue;
      const DType type = group.program.registers[store.reg].type;
      for (const kernels::Port& load : group.program.loads) {
        const std::uint32_t home = group.slots[load.slot];
        const Home& from = plan_.homes[home];
        if (from.place != Place::leaf || !request_.takeable[from.index] || shared[home]) continue;
        const Use& use = uses_[home];
        if (use.last != s || !use.only_full || request_.order[from.index]->dtype != type) continue;
        if (static_cast<std::size_t>(request_.order[from.index]->shape.size()) * size_of(type) != result.bytes)
          continue;
        result.takes = from.index;
        shared[home] = 1;
        break;
      }
    }
  }
}

/// A temporary that `home`, written element by element in this step, may share memory with: read the same way, here
/// last.
std::uint32_t Layout::dying_twin(std::uint32_t step, std::uint32_t home, std::vector<std::uint8_t>& given) const {
  if (plan_.steps[step].kind != Step::Kind::group || !optimisation(Optimisation::taking_over)) return none;
  const GroupStep& group = plan_.groups[plan_.steps[step].index];
  DType type = bool_;
  bool full = false;
  for (const kernels::Port& store : group.program.stores) {
    if (group.slots[store.slot] != home) continue;
    full = store.access == Access::full;
    type = group.program.registers[store.reg].type;
  }
  if (!full) return none;
  for (const kernels::Port& load : group.program.loads) {
    const std::uint32_t from = group.slots[load.slot];
    const Use& use = uses_[from];
    if (plan_.homes[from].place != Place::temporary || given[from] || use.last != step || !use.only_full) continue;
    if (use.bytes != uses_[home].bytes || group.program.registers[load.reg].type != type) continue;
    given[from] = 1;
    return from;
  }
  return none;
}

void Layout::place_temporaries() {
  constexpr std::size_t alignment = 64;
  std::map<std::size_t, std::size_t> free;  // offset -> bytes
  std::size_t top = 0;
  std::vector<std::vector<std::uint32_t>> starts(plan_.steps.size()), ends(plan_.steps.size());
  for (std::uint32_t h = 0; h < plan_.homes.size(); ++h) {
    if (plan_.homes[h].place != Place::temporary || uses_[h].first == none) continue;
    starts[uses_[h].first].push_back(h);
    ends[uses_[h].last].push_back(h);
  }
  std::vector<std::uint8_t> given(plan_.homes.size(), 0);
  const auto rounded = [&](std::uint32_t h) {
    return std::max(alignment, (uses_[h].bytes + alignment - 1) / alignment * alignment);
  };
  for (std::size_t s = 0; s < plan_.steps.size(); ++s) {
    for (const std::uint32_t h : starts[s]) {
      const std::uint32_t twin = dying_twin(static_cast<std::uint32_t>(s), h, given);
      if (twin != none) {
        plan_.homes[h].offset = plan_.homes[twin].offset;
        continue;
      }
      const std::size_t bytes = rounded(h);
      auto best = free.end();
      for (auto it = free.begin(); it != free.end(); ++it)
        if (it->second >= bytes && (best == free.end() || it->second < best->second)) best = it;
      if (best == free.end()) {
        // The last free block may reach the top: grow it.
        if (!free.empty() && std::prev(free.end())->first + std::prev(free.end())->second == top) {
          best = std::prev(free.end());
          top = best->first + bytes;
          best->second = bytes;
        } else {
          plan_.homes[h].offset = top;
          top += bytes;
          continue;
        }
      }
      const std::size_t offset = best->first, size = best->second;
      free.erase(best);
      if (size > bytes) free.emplace(offset + bytes, size - bytes);
      plan_.homes[h].offset = offset;
    }
    for (const std::uint32_t h : ends[s]) {
      if (given[h] || !optimisation(Optimisation::reuse)) continue;  // its memory lives on under another name
      auto [it, added] = free.emplace(plan_.homes[h].offset, rounded(h));
      const auto next = std::next(it);
      if (next != free.end() && it->first + it->second == next->first) {
        it->second += next->second;
        free.erase(next);
      }
      if (it != free.begin()) {
        const auto before = std::prev(it);
        if (before->first + before->second == it->first) {
          before->second += it->second;
          free.erase(it);
        }
      }
    }
  }
  plan_.arena_bytes = top;
}

void Layout::run() {
  find_uses();
  if (optimisation(Optimisation::taking_over)) take_over();
  place_temporaries();
}

}  // namespace

std::shared_ptr<const Plan> make_plan(const Request& request) {
  const Lowered lowered = lower(request);
  Grouped grouped = group(lowered);
  place_parts(request, lowered, grouped);
  auto plan = std::make_shared<Plan>();
  static std::atomic<std::uint64_t> made{0};
  plan->number = ++made;
  emit(request, lowered, grouped, *plan);
  Layout(request, *plan).run();
  std::size_t bytes = sizeof(Plan);
  for (const GroupStep& g : plan->groups)
    bytes += sizeof(g) + (g.program.loads.size() + g.program.stores.size()) * sizeof(kernels::Port) +
             g.program.code_bytes + g.program.code.size() * sizeof(kernels::Instruction) +
             g.program.registers.size() * sizeof(kernels::Register) + (g.slots.size() + g.draws.size()) * 4;
  for (const LaunchStep& l : plan->launches) bytes += sizeof(l) + l.views.size() * sizeof(View) + l.in.size() * 4;
  bytes += plan->folds.size() * sizeof(FoldStep) + plan->homes.size() * sizeof(Home) +
           plan->steps.size() * sizeof(Step) + plan->results.size() * sizeof(Result) +
           plan->stored.size() * sizeof(Plan::Stored);
  plan->bytes = bytes;
  return plan;
}

}  // namespace xgrad
