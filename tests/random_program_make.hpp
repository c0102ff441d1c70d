#pragma once
// Making random programs: the maker records each step as it chooses it (nothing is computed), so it knows what fits.

#include "random_program.hpp"

#include <xgrad/graph/node.hpp>

#include <algorithm>
#include <array>
#include <unordered_map>

namespace random_program {

inline constexpr std::int64_t most_elements = 12000;
inline constexpr std::uint64_t most_nodes = 1500;

/// What a value was recorded from: with history as it is (direct), and behind a Parameter's replaced value (hidden),
/// which is there only until the next evaluation.
struct Upstream {
  std::unordered_map<const Node*, int> reached;  ///< 1: direct, 2: hidden
  bool stale = false;                            ///< comes directly from a value that has been replaced
};

struct Maker {
  Program program;
  Run run;
  Random random;
  std::vector<int> live;
  std::vector<Tensor> versions;  ///< every value a Parameter has had
  int next = 0;

  const Tensor& value(int id) const { return run.value(id); }
  const Shape& shape(int id) const { return value(id).shape(); }
  bool floating(int id) const { return is_floating(value(id).dtype()); }

  int any() {
    const std::int64_t n = static_cast<std::int64_t>(live.size());
    const std::int64_t recent = std::min<std::int64_t>(n, 5);
    return live[static_cast<std::size_t>(random.chance(55) ? n - 1 - random.below(recent) : random.below(n))];
  }
  /// A value with a property, or -1.
  template <class F>
  int any_with(F&& has) {
    for (int attempt = 0; attempt < 8; ++attempt) {
      const int id = any();
      if (has(id)) return id;
    }
    return -1;
  }
  int any_floating() {
    return any_with([&](int id) { return floating(id); });
  }
  /// A value to go with another: often itself or one of its shape.
  int partner(int id) {
    if (random.chance(12)) return id;
    if (random.chance(55)) {
      const int same = any_with([&](int other) { return shape(other) == shape(id); });
      if (same >= 0) return same;
    }
    return any();
  }
  std::int64_t axis(const Shape& shape) {
    const std::int64_t axis = random.below(shape.rank());
    return random.chance(50) ? axis - shape.rank() : axis;
  }
  void axes(const Shape& shape, Integers& n) {
    if (shape.rank() == 0 || random.chance(25)) return n.push_back(-1);
    std::vector<std::int64_t> all;
    for (int i = 0; i < shape.rank(); ++i) all.push_back(random.chance(50) ? i : i - shape.rank());
    for (std::size_t i = all.size(); i > 1; --i)
      std::swap(all[i - 1], all[static_cast<std::size_t>(random.below(static_cast<std::int64_t>(i)))]);
    const std::int64_t count = std::min<std::int64_t>(random.chance(70) ? 1 : random.below(4), shape.rank());
    n.push_back(count);
    n.insert(n.end(), all.begin(), all.begin() + count);
  }
  static void append(const Shape& shape, Integers& n) { n.insert(n.end(), shape.begin(), shape.end()); }

  DType any_dtype() {
    const std::int64_t x = random.below(100);
    return x < 52 ? float32 : x < 75 ? float64 : x < 83 ? int64 : x < 88 ? int32 : x < 92 ? uint8 : bool_;
  }
  Shape any_shape() {
    static constexpr std::int64_t lengths[] = {1, 2, 3, 4, 5, 7};
    static const Shape rare[] = {{513},   {5000},  {3, 513}, {513, 3}, {2, 5000}, {40, 33}, {1, 7, 1},
                                 {2, 600}, {1, 1}, {17, 1},  {4, 3, 64}, {0}, {64, 9}, {2049}};
    if (!live.empty() && random.chance(60)) {
      Shape shape = this->shape(any());
      if (random.chance(50)) return shape;
      Shape part;  // what broadcasts to it
      const int skip = static_cast<int>(random.below(shape.rank() + 1));
      for (int i = skip; i < shape.rank(); ++i) part.append(random.chance(30) ? 1 : shape[i]);
      return part;
    }
    if (random.chance(15)) return rare[random.below(std::size(rare))];
    Shape shape;
    for (std::int64_t rank = random.below(4); rank > 0; --rank)
      shape.append(random.chance(4) ? 0 : lengths[random.below(std::size(lengths))]);
    return shape;
  }

  Upstream upstream(const Node* y) const {
    Upstream result;
    std::vector<std::pair<const Node*, int>> waiting{{y, 1}};
    std::unordered_map<const Node*, bool> old;
    for (const Tensor& version : versions) old[version.node()] = true;
    for (const Parameter& p : run.parameters) old[p.value().node()] = false;
    while (!waiting.empty()) {
      auto [node, how] = waiting.back();
      waiting.pop_back();
      int& reached = result.reached[node];
      if ((reached & how) == how) continue;
      reached |= how;
      if (const auto found = old.find(node); found != old.end()) {
        if (found->second && how == 1) result.stale = true;
        how = 2;
      }
      for (const Node* input : node->in()) waiting.push_back({input, how});
    }
    return result;
  }
  /// Whether a gradient of y means the same before and after an evaluation, wherever the program is observed.
  bool differentiable(const Upstream& up) const {
    if (up.stale) return false;
    for (const Parameter& p : run.parameters) {
      const auto found = up.reached.find(p.value().node());
      if (found != up.reached.end() && (found->second & 2)) return false;
    }
    return true;
  }
  void remember_versions() {
    for (const Parameter& p : run.parameters) versions.push_back(p.value());
  }

  int leaf(const Shape& shape, DType dtype);  ///< -1: too large
  bool append(Step step);
  void step();
};

std::span<const Form> forms();
const Form& form(const char* name);

inline bool Maker::append(Step step) {
  const int first = next;
  for (int& id : step.out) id = next++;
  const std::uint64_t before = this_thread().recorded;
  try {
    execute(run, step);
  } catch (const Error&) {
    for (const int id : step.out) run.values.erase(id);
    next = first;
    return false;
  }
  bool fits = this_thread().recorded - before < 400 && this_thread().recorded < most_nodes;
  for (const int id : step.out) fits &= value(id).size() <= most_elements && value(id).rank() <= 6;
  // What a step did to Parameters cannot be undone, so only the others may be given up.
  if (!fits && !step.out.empty()) {
    for (const int id : step.out) run.values.erase(id);
    next = first;
    return false;
  }
  if (!step.out.empty()) {
    step.shape = shape(step.out[0]);
    step.dtype = value(step.out[0]).dtype();
  }
  live.insert(live.end(), step.out.begin(), step.out.end());
  remember_versions();
  program.steps.push_back(std::move(step));
  return true;
}

inline int Maker::leaf(const Shape& shape, DType dtype) {
  const std::int64_t x = random.below(100);
  Step step;
  step.form = &form("leaf");
  step.n = {static_cast<std::int64_t>(dtype), random.below(1000), x < 55 ? 0 : x < 80 ? 1 : x < 88 ? 2 : 3};
  append(shape, step.n);
  step.out = {0};
  return append(std::move(step)) ? live.back() : -1;
}

inline void Maker::step() {
  static const int total = [] {
    int sum = 0;
    for (const Form& form : forms()) sum += form.weight;
    return sum;
  }();
  for (int attempt = 0; attempt < 60; ++attempt) {
    std::int64_t at = random.below(total);
    const Form* chosen = forms().data();
    while (at >= chosen->weight) at -= (chosen++)->weight;
    Step step;
    step.form = chosen;
    step.out = {0};
    if (!chosen->choose(*this, step)) continue;
    step.no_grad = !step.out.empty() && random.chance(4);
    if (append(std::move(step))) return;
  }
}

/// The program with handles dropped after their last use: what nobody holds may be fused, left out and taken over.
inline Program with_drops(Maker& maker, int percent) {
  std::unordered_map<int, std::size_t> last;
  std::vector<Step>& steps = maker.program.steps;
  for (std::size_t i = 0; i < steps.size(); ++i)
    for (const int id : steps[i].in) last[id] = i;
  Program result = maker.program;
  result.steps.clear();
  for (std::size_t i = 0; i < steps.size(); ++i) {
    result.steps.push_back(steps[i]);
    std::vector<int> in = steps[i].in;
    std::sort(in.begin(), in.end());
    in.erase(std::unique(in.begin(), in.end()), in.end());
    for (const int id : in) {
      if (last[id] != i || steps[i].form == &form("drop") || !maker.random.chance(percent)) continue;
      Step drop;
      drop.form = &form("drop");
      drop.in = {id};
      result.steps.push_back(std::move(drop));
    }
  }
  return result;
}

inline Program make_program(std::uint64_t seed) {
  Maker maker;
  maker.random.state = seed * 0x2545F4914F6CDD1Du + 11;
  maker.run.only_record = true;
  maker.program.seed = seed;
  Random& random = maker.random;
  for (std::int64_t i = random.below(4); i > 0; --i)
    maker.program.parameters.push_back({maker.any_shape(), random.chance(70) ? float32 : float64, random.below(1000)});
  declare(maker.run, maker.program);
  maker.remember_versions();
  this_thread().recorded = 0;
  for (std::int64_t i = 1 + random.below(3); i > 0; --i) maker.leaf(maker.any_shape(), maker.any_dtype());
  for (std::int64_t i = 3 + random.below(22); i > 0; --i) maker.step();
  return with_drops(maker, std::array{0, 30, 90}[static_cast<std::size_t>(random.below(3))]);
}

}  // namespace random_program
