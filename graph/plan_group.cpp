/// Grouping: which elementwise instructions and row reductions share one loop, and what has to be in memory.

#include <xgrad/graph/plan.hpp>
#include <xgrad/graph/plan_ir.hpp>

#include <algorithm>
#include <map>

namespace xgrad {
namespace {

using kernels::Code;

constexpr std::uint32_t most_instructions = 96;  ///< of one group
constexpr std::uint32_t cheap_weight = 9;        ///< recomputing up to this beats a trip to memory

/// What one instruction costs beside an addition.
std::uint32_t weight_of(const Value& value) { return static_cast<std::uint32_t>(kernels::work_of(value.code)); }

Shape without_ones(const Shape& shape) {
  Shape result;
  for (const std::int64_t length : shape)
    if (length != 1) result.append(length);
  return result;
}

class Grouping {
 public:
  explicit Grouping(const Lowered& lowered) : lowered_(lowered), fuses_(optimisation(Optimisation::fusion)) {
    const std::size_t n = lowered.values.size();
    out_.group.assign(n, none);
    out_.stage.assign(n, 0);
    out_.by_row.assign(n, 0);
    out_.materialised.assign(n, 0);
    terminal_.assign(n, 0);
  }
  Grouped run();

 private:
  const Value& value(std::uint32_t v) const { return lowered_.values[v]; }
  Group& root(std::uint32_t v) { return out_.groups[find(out_.group[v])]; }
  std::uint32_t find(std::uint32_t g) {
    while (parent_[g] != g) g = parent_[g] = parent_[parent_[g]];
    return g;
  }
  /// The first stage whose steps may read v in memory: those that are no groups run at the start of theirs.
  std::uint32_t in_memory_from(std::uint32_t v) const { return out_.stage[v] + (out_.group[v] != none ? 1 : 0); }
  bool opaque(std::uint32_t v) const { return !value(v).fused() || terminal_[v] || !fuses_; }
  bool by_row_of(const Value& v, const Group& group, const Operand& in) const;
  void place_map(std::uint32_t v);
  void place_fold(std::uint32_t v);
  void place_columns(std::uint32_t v);
  void read_together(std::uint32_t v);
  bool join_columns(std::uint32_t v, std::uint32_t g);
  bool join(std::uint32_t v, std::uint32_t stage);
  bool fits(const Value& v, Group& merged, std::span<const std::uint32_t> inside, bool& by_row);
  std::uint32_t start(std::uint32_t v, std::uint32_t stage);
  bool merge(const Group& a, const Group& b, Group& merged) const;
  void find_readers();
  std::span<const std::uint32_t> readers(std::uint32_t v) const {
    return std::span(readers_).subspan(first_reader_[v], first_reader_[v + 1] - first_reader_[v]);
  }
  void choose_materialised();
  bool writes(std::uint32_t g) const;
  std::vector<std::uint32_t> arrays_of(std::uint32_t g) const;
  void merge_readers();
  void list_members();
  std::size_t arrays_to_recompute(std::uint32_t v, std::uint32_t into);

  const Lowered& lowered_;
  const bool fuses_;
  Grouped out_;
  std::vector<std::uint32_t> parent_;
  std::vector<std::uint8_t> terminal_;  ///< a reduction finished by a second program
  std::vector<std::uint32_t> first_reader_, readers_;  ///< lists, one after another
};

/// A group that does what both do, if that is possible.
bool Grouping::merge(const Group& a, const Group& b, Group& merged) const {
  if (a.size != b.size || a.weight + b.weight > most_instructions) return false;
  if (a.has_space && b.has_space && !(a.space == b.space)) return false;
  if (a.cols && b.cols && a.cols != b.cols) return false;
  merged = a;
  if (b.has_space) {
    merged.has_space = true;
    merged.space = b.space;
  }
  if (b.cols) merged.cols = b.cols;
  merged.whole_rows |= b.whole_rows;
  merged.pieces |= b.pieces;
  merged.columns |= b.columns;
  merged.weight += b.weight;
  if (merged.whole_rows && merged.pieces) return false;
  if (merged.has_space && merged.cols && (merged.space.rank() == 0 || merged.space[-1] != merged.cols)) return false;
  return true;
}

/// Whether a full value of `group` may read a row value of it: each row's value repeated along the row.
bool Grouping::by_row_of(const Value& v, const Group& group, const Operand& in) const {
  const kernels::Access access = reading_of(in, v.shape, v.size, group.cols).access;
  return access == kernels::Access::row || (access == kernels::Access::scalar && group.size == group.cols);
}

/// Whether v can become a member of `merged`, whose members among v's operands are `inside`; may add to what the group
/// demands.
bool Grouping::fits(const Value& v, Group& merged, std::span<const std::uint32_t> inside, bool& by_row) {
  // Rows of no elements still have a sum each, which a loop over no elements would not write.
  if (merged.size == 0 && merged.whole_rows) return false;
  const std::int64_t rows = merged.cols ? merged.size / std::max<std::int64_t>(merged.cols, 1) : 0;
  by_row = false;
  const bool full = v.size == merged.size;
  if (!full) {
    // A value for each row: only of the group's own row values, whole rows of memory and scalars.
    if (!merged.whole_rows || v.size != rows || v.form != Form::map) return false;
    by_row = true;
  }
  for (const Operand& in : v.operands()) {
    const bool is_inside =
        !in.cut && std::find(inside.begin(), inside.end(), in.value) != inside.end();
    const std::int64_t size = in.shape.size();
    if (is_inside) {
      if (by_row ? !(out_.by_row[in.value] && size == v.size)
                 : !(out_.by_row[in.value] ? by_row_of(v, merged, in) : size == v.size))
        return false;
      continue;
    }
    if (size == 1 || (size == v.size && !in.cut)) continue;
    if (by_row) return false;
    const Reading reading = reading_of(in, v.shape, v.size, merged.cols);
    if (reading.access != kernels::Access::strided) continue;
    const Shape space = without_ones(v.shape);
    if (merged.has_space && !(merged.space == space)) return false;
    if (merged.cols && space[-1] != merged.cols) return false;
    merged.has_space = true;
    merged.space = space;
  }
  merged.weight += weight_of(v) > 4 ? 2 : 1;
  return merged.weight <= most_instructions;
}

std::uint32_t Grouping::start(std::uint32_t v, std::uint32_t stage) {
  const std::uint32_t g = static_cast<std::uint32_t>(out_.groups.size());
  Group group;
  group.stage = stage;
  group.size = value(v).size;
  out_.groups.push_back(std::move(group));
  parent_.push_back(g);
  return g;
}

/// Puts v into one group with its operands of this stage; false if they do not fit together.
bool Grouping::join(std::uint32_t v, std::uint32_t stage) {
  const Value& wanted = value(v);
  std::vector<std::uint32_t> groups, inside;
  for (const Operand& in : wanted.operands()) {
    if (in.value == none || in.cut || opaque(in.value) || out_.stage[in.value] != stage) continue;
    const std::uint32_t g = find(out_.group[in.value]);
    if (std::find(groups.begin(), groups.end(), g) == groups.end()) groups.push_back(g);
    inside.push_back(in.value);
  }
  Group merged;
  merged.stage = stage;
  merged.size = wanted.size;
  if (!groups.empty()) merged = out_.groups[groups[0]];
  for (std::size_t k = 1; k < groups.size(); ++k) {
    Group both;
    if (!merge(merged, out_.groups[groups[k]], both)) return false;
    merged = std::move(both);
  }
  bool by_row = false;
  if (!fits(wanted, merged, inside, by_row)) return false;
  std::uint32_t target;
  if (groups.empty()) {
    target = start(v, stage);
  } else {
    target = groups[0];
    for (std::size_t k = 1; k < groups.size(); ++k) parent_[groups[k]] = target;
  }
  out_.groups[target] = std::move(merged);
  out_.group[v] = target;
  out_.stage[v] = stage;
  out_.by_row[v] = by_row;
  return true;
}

void Grouping::place_map(std::uint32_t v) {
  std::uint32_t stage = 0;
  for (const Operand& in : value(v).operands()) {
    if (in.value == none) continue;
    const bool from_memory = opaque(in.value) || in.cut;
    stage = std::max(stage, from_memory ? in_memory_from(in.value) : out_.stage[in.value]);
  }
  if (join(v, stage)) return;
  if (!join(v, stage + 1)) {  // alone: nothing of this stage is among its operands
    out_.group[v] = start(v, stage + 1);
    out_.stage[v] = stage + 1;
  }
}

void Grouping::place_fold(std::uint32_t v) {
  const Value& fold = value(v);
  const Operand& in = fold.in[0];
  const bool outside = opaque(in.value);
  const std::uint32_t stage = outside ? in_memory_from(in.value) : out_.stage[in.value];
  const bool inline_fold = fold.cols <= kernels::max_row;
  const std::int64_t size = fold.rows * fold.cols;
  Group wanted;
  wanted.stage = stage;
  wanted.size = size;
  wanted.cols = fold.cols;
  wanted.whole_rows = inline_fold;
  wanted.pieces = !inline_fold;
  wanted.weight = 1;
  terminal_[v] = !inline_fold;
  std::uint32_t target = none;
  if (!outside && !out_.by_row[in.value] && fold.cols > 0) {
    const std::uint32_t g = find(out_.group[in.value]);
    Group merged;
    if (merge(out_.groups[g], wanted, merged)) {
      out_.groups[g] = std::move(merged);
      target = g;
    }
  }
  if (target == none) {
    if (!outside) ++wanted.stage;
    target = start(v, wanted.stage);
    out_.groups[target] = wanted;
  }
  out_.group[v] = target;
  out_.stage[v] = out_.groups[target].stage;
  out_.by_row[v] = 1;
}

/// A fold over rows of what a group computes is done there, block by block, before the values go to memory.
void Grouping::place_columns(std::uint32_t v) {
  const Value& fold = value(v);
  const std::uint32_t operand = fold.in[0].value;
  out_.stage[v] = in_memory_from(operand);
  if (!opaque(operand) && !out_.by_row[operand]) join_columns(v, find(out_.group[operand]));
}

bool Grouping::join_columns(std::uint32_t v, std::uint32_t g) {
  const Value& fold = value(v);
  Group wanted, merged;
  wanted.size = fold.cols * fold.inner;
  wanted.cols = fold.inner;
  wanted.columns = true;
  wanted.weight = 1;
  if (!fuses_ || !optimisation(Optimisation::column_folds)) return false;
  if (fold.rows != 1 || wanted.size == 0 || !merge(out_.groups[g], wanted, merged)) return false;
  out_.groups[g] = std::move(merged);
  out_.group[v] = g;
  out_.stage[v] = out_.groups[g].stage;
  return true;
}

/// Whether a group leaves anything in memory: what other groups compute again it need not.
bool Grouping::writes(std::uint32_t g) const {
  const std::vector<std::uint32_t>& members = out_.groups[g].members;
  return std::any_of(members.begin(), members.end(), [&](std::uint32_t v) { return out_.materialised[v]; });
}

/// The arrays in memory, as large as the group, that a group reads element by element for what it writes.
std::vector<std::uint32_t> Grouping::arrays_of(std::uint32_t g) const {
  std::vector<std::uint32_t> waiting, seen, arrays;
  for (const std::uint32_t v : out_.groups[g].members)
    if (out_.materialised[v]) waiting.push_back(v);
  while (!waiting.empty()) {
    const std::uint32_t v = waiting.back();
    waiting.pop_back();
    if (std::find(seen.begin(), seen.end(), v) != seen.end()) continue;
    seen.push_back(v);
    for (const Operand& in : value(v).operands()) {
      if (in.value == none || in.cut) continue;
      const bool here = value(in.value).fused() && (out_.group[in.value] == g || !out_.materialised[in.value]);
      if (here) waiting.push_back(in.value);
      else if (in.shape.size() == out_.groups[g].size && in.shape.size() > 1) arrays.push_back(in.value);
    }
  }
  return arrays;
}

/// Groups of one stage do not need each other: those that read the same array become one loop.
void Grouping::merge_readers() {
  if (!fuses_ || !optimisation(Optimisation::reading_together)) return;
  std::map<std::pair<std::uint32_t, std::uint32_t>, std::uint32_t> reader_of;  // stage and array
  for (std::uint32_t g = 0; g < out_.groups.size(); ++g) {
    if (parent_[g] != g || !writes(g)) continue;
    for (const std::uint32_t array : arrays_of(g)) {
      const auto [it, added] = reader_of.emplace(std::pair(out_.groups[g].stage, array), g);
      const std::uint32_t into = find(it->second), from = find(g);
      Group both;
      if (into == from || !merge(out_.groups[into], out_.groups[from], both)) continue;
      out_.groups[into] = std::move(both);
      parent_[from] = into;
    }
  }
}

void Grouping::list_members() {
  for (Group& group : out_.groups) group.members.clear();
  for (std::uint32_t v = 0; v < out_.group.size(); ++v) {
    if (out_.group[v] == none) continue;
    out_.group[v] = find(out_.group[v]);
    out_.groups[out_.group[v]].members.push_back(v);
  }
}

/// A fold over rows of what is in memory joins a group that reads the same, if its own readers can wait for that.
void Grouping::read_together(std::uint32_t v) {
  const std::uint32_t operand = value(v).in[0].value;
  if (!opaque(operand)) return;
  for (const std::uint32_t other : readers(operand)) {
    if (out_.group[other] == none || out_.by_row[other] || value(other).size != value(operand).size) continue;
    const std::uint32_t g = find(out_.group[other]), stage = out_.groups[g].stage;
    if (!writes(g)) continue;
    const std::span<const std::uint32_t> waiting = readers(v);
    const bool in_time = std::all_of(waiting.begin(), waiting.end(), [&](std::uint32_t reader) {
      return out_.stage[reader] > stage;
    });
    if (in_time && join_columns(v, g)) return;
  }
}

constexpr std::size_t too_many = ~std::size_t{0};

/// How many arrays of v's size a reader in group `into` would read to recompute v instead of reading it; too_many if
/// that is not possible or dear.
std::size_t Grouping::arrays_to_recompute(std::uint32_t v, std::uint32_t into) {
  if (!optimisation(Optimisation::recomputing)) return too_many;
  // The values to recompute, their weight, and the memory they would read.
  std::vector<std::uint32_t> waiting{v}, seen;
  std::uint32_t weight = 0;
  std::vector<std::uint32_t> sources;
  const Group& target = out_.groups[into];
  while (!waiting.empty()) {
    const std::uint32_t u = waiting.back();
    waiting.pop_back();
    if (std::find(seen.begin(), seen.end(), u) != seen.end()) continue;
    seen.push_back(u);
    const Value& x = value(u);
    if (x.form == Form::fold_last || x.size != target.size || out_.by_row[u]) return too_many;
    weight += weight_of(x);
    if (weight > cheap_weight) return too_many;
    for (const Operand& in : x.operands()) {
      const Value& from = value(in.value);
      if (from.form == Form::number || from.form == Form::constant) continue;
      if (opaque(in.value) || out_.materialised[in.value]) {
        const Reading reading = reading_of(in, x.shape, x.size, target.cols);
        if (reading.access == kernels::Access::strided &&
            (!target.has_space || !(without_ones(x.shape) == target.space)))
          return too_many;
        if ((in.shape.size() == x.size || in.cut) &&
            std::find(sources.begin(), sources.end(), in.value) == sources.end())
          sources.push_back(in.value);
      } else {
        if (in.shape.size() != x.size || in.cut) return too_many;
        waiting.push_back(in.value);
      }
    }
  }
  return sources.size();
}

void Grouping::find_readers() {
  const std::size_t n = lowered_.values.size();
  std::vector<std::uint32_t>& first = first_reader_;
  first.assign(n + 1, 0);
  for (std::size_t v = 0; v < n; ++v)
    if (lowered_.live[v])
      for (const Operand& in : value(static_cast<std::uint32_t>(v)).operands())
        if (in.value != none) ++first[in.value + 1];
  for (std::size_t v = 0; v < n; ++v) first[v + 1] += first[v];
  readers_.resize(first[n]);
  std::vector<std::uint32_t> fill(first.begin(), first.end() - 1);
  for (std::uint32_t v = 0; v < n; ++v)
    if (lowered_.live[v])
      for (const Operand& in : value(v).operands())
        if (in.value != none) readers_[fill[in.value]++] = v;
}

void Grouping::choose_materialised() {
  const std::size_t n = lowered_.values.size();
  for (std::uint32_t v = 0; v < n; ++v) {
    if (!lowered_.live[v]) continue;
    if (opaque(v)) {
      out_.materialised[v] = 1;
      continue;
    }
    bool wanted = lowered_.stored[v];
    std::uint32_t other_group = none;
    std::size_t arrays = 0;
    for (const std::uint32_t reader : readers(v)) {
      if (wanted) break;
      if (out_.group[reader] == none) {
        wanted = true;
      } else if (out_.group[reader] != out_.group[v]) {
        // Storing costs three trips to memory (the line is read before it is written), and one for each reader more.
        arrays = std::max(arrays, arrays_to_recompute(v, out_.group[reader]));
        const bool one_group = other_group == none || other_group == out_.group[reader];
        other_group = out_.group[reader];
        wanted = arrays > 2 || (arrays == 2 && !one_group);
        // A reader that needs it under another number of elements reads memory.
        for (const Operand& in : value(reader).operands())
          if (in.value == v && (in.cut || in.shape.size() != value(reader).size) && value(reader).form == Form::map)
            wanted = true;
      }
    }
    out_.materialised[v] = wanted;
  }
}

Grouped Grouping::run() {
  const std::uint32_t n = static_cast<std::uint32_t>(lowered_.values.size());
  for (std::uint32_t v = 0; v < n; ++v) {
    if (!lowered_.live[v]) continue;
    switch (value(v).form) {
      case Form::leaf:
      case Form::number:
      case Form::constant: break;
      case Form::map:
      case Form::draw: place_map(v); break;
      case Form::fold_last: place_fold(v); break;
      case Form::fold_middle: place_columns(v); break;
      default:
        for (const Operand& in : value(v).operands())
          if (in.value != none) out_.stage[v] = std::max(out_.stage[v], in_memory_from(in.value));
    }
  }
  find_readers();
  list_members();
  choose_materialised();
  merge_readers();
  for (std::uint32_t v = 0; v < n; ++v)
    if (lowered_.live[v] && value(v).form == Form::fold_middle && out_.group[v] == none) read_together(v);
  list_members();
  choose_materialised();
  return std::move(out_);
}

}  // namespace

Strides broadcast_strides(const Shape& shape, const Shape& to, const Cut* cut) {
  Strides result;
  std::int64_t strides[max_rank] = {};
  std::int64_t step = 1;
  int axis_of_cut = cut ? cut->shape.rank() : 0;
  for (int i = 1; i <= shape.rank(); ++i) {
    if (cut && shape[-i] != 1) step = cut->strides[--axis_of_cut];
    strides[to.rank() - i] = shape[-i] == 1 ? 0 : step;
    step *= shape[-i];
  }
  for (int axis = 0; axis < to.rank(); ++axis) {
    if (to[axis] == 1) continue;
    result.strides[result.space.rank()] = strides[axis];
    result.space.append(to[axis]);
  }
  return result;
}

Reading reading_of(const Operand& operand, const Shape& shape, std::int64_t size, std::int64_t cols) {
  const std::int64_t length = operand.shape.size(), offset = operand.cut ? operand.cut->offset : 0;
  if (length == 1) return {kernels::Access::scalar, {}, offset};
  if (length == size && (!operand.cut || operand.cut->contiguous())) return {kernels::Access::full, {}, offset};
  Reading reading{kernels::Access::strided, broadcast_strides(operand.shape, shape, operand.cut), offset};
  const Strides& s = reading.strides;
  if (cols <= 1) return reading;
  // One value a row: repeated along trailing axes that make up the columns, contiguous before them.
  int axis = s.space.rank();
  std::int64_t repeated = 1;
  while (axis > 0 && s.strides[axis - 1] == 0) repeated *= s.space[--axis];
  if (repeated != cols) return reading;
  std::int64_t step = 1;
  while (axis > 0) {
    --axis;
    if (s.strides[axis] != step) return reading;
    step *= s.space[axis];
  }
  reading.access = kernels::Access::row;
  return reading;
}

Grouped group(const Lowered& lowered) { return Grouping(lowered).run(); }

}  // namespace xgrad
