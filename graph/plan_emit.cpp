/// Emission: groups as tile programs, the rest as steps, and a home for every value that is in memory.

#include <xgrad/graph/plan_ir.hpp>

#include <algorithm>
#include <map>

namespace xgrad {
namespace {

using kernels::Access;
using kernels::Code;
using kernels::Extent;

kernels::Fold fold_of(Code code) {
  return code == Code::row_sum   ? kernels::Fold::sum
         : code == Code::row_max ? kernels::Fold::max
                                 : kernels::Fold::min;
}

class Emission {
 public:
  Emission(const Request& request, const Lowered& lowered, const Grouped& grouped, Plan& plan)
      : request_(request), lowered_(lowered), grouped_(grouped), plan_(plan), home_(lowered.values.size(), none) {}
  void run();

 private:
  const Value& value(std::uint32_t v) const { return lowered_.values[v]; }
  std::uint32_t home_of(std::uint32_t v);
  std::uint32_t view_of(std::uint32_t home, std::int64_t offset, DType dtype);
  std::uint32_t new_home(Home home) {
    plan_.homes.push_back(home);
    return static_cast<std::uint32_t>(plan_.homes.size() - 1);
  }
  void emit_group(const Group& group, std::uint32_t g);
  void finish_fold(std::uint32_t v, std::uint32_t partial, std::int64_t pieces);
  void emit_launch(std::uint32_t v);
  void emit_middle(std::uint32_t v);
  void join_blocks(std::uint32_t v, std::uint32_t blocks, std::int64_t count);
  void emit_check(std::uint32_t v);
  void push(Step::Kind kind, std::size_t index) { plan_.steps.push_back({kind, static_cast<std::uint32_t>(index)}); }

  const Request& request_;
  const Lowered& lowered_;
  const Grouped& grouped_;
  Plan& plan_;
  std::vector<std::uint32_t> home_;
  std::map<std::pair<std::uint32_t, std::size_t>, std::uint32_t> views_;
  std::uint32_t results_ = 0;
  friend class GroupEmission;
};

std::uint32_t Emission::home_of(std::uint32_t v) {
  if (home_[v] != none) return home_[v];
  const Value& x = value(v);
  Home home;
  switch (x.form) {
    case Form::leaf: home = {Place::leaf, x.node, 0}; break;
    case Form::number:
      home = {Place::number, static_cast<std::uint32_t>(plan_.numbers.size()), 0};
      plan_.numbers.push_back(x.node);
      break;
    case Form::constant:
      home = {Place::constant, static_cast<std::uint32_t>(plan_.constants.size()), 0};
      plan_.constants.push_back(x.number);
      plan_.constant_types.push_back(x.dtype);
      break;
    case Form::check: return home_[v] = home_of(x.in[0].value);
    default:
      if (const Placed& placed = grouped_.placed[v]; placed.into != none)
        return home_[v] = view_of(home_of(placed.into), placed.offset, x.dtype);
      if (lowered_.stored[v]) {
        home = {Place::result, static_cast<std::uint32_t>(plan_.results.size()), 0};
        plan_.results.push_back({static_cast<std::size_t>(x.size) * size_of(x.dtype), none});
      } else {
        home = {Place::temporary, 0, 0};
      }
  }
  return home_[v] = new_home(home);
}

/// The elements of a home from `offset` on.
std::uint32_t Emission::view_of(std::uint32_t home, std::int64_t offset, DType dtype) {
  if (offset == 0) return home;
  std::size_t bytes = static_cast<std::size_t>(offset) * size_of(dtype);
  if (plan_.homes[home].place == Place::view) {
    bytes += plan_.homes[home].offset;
    home = plan_.homes[home].index;
  }
  const auto [found, added] = views_.try_emplace({home, bytes}, none);
  if (added) found->second = new_home({Place::view, home, bytes});
  return found->second;
}

/// One group as a tile program: instructions are emitted for what the group's results need, in the values' order.
class GroupEmission {
 public:
  GroupEmission(Emission& emission, const Group& group, std::uint32_t g)
      : all_(emission), group_(group), g_(g), program_(step_.program) {}
  void run();

 private:
  struct Loaded {
    std::uint32_t home;
    Access access;
    std::vector<std::int64_t> strides;
    auto operator<=>(const Loaded&) const = default;
  };
  const Value& value(std::uint32_t v) const { return all_.value(v); }
  bool computed_here(std::uint32_t v) const;
  void collect();
  void walk();
  std::uint16_t new_register(DType type, Extent extent);
  std::uint16_t slot(std::uint32_t home);
  std::uint16_t load(const Operand& in, const Value& reader, bool by_row);
  std::uint16_t read(const Operand& in, const Value& reader, bool by_row);
  std::uint16_t expanded(std::uint16_t reg);
  void instruction(std::uint32_t v);
  void store(std::uint32_t v);
  void store_columns(std::uint32_t v);

  Emission& all_;
  const Group& group_;
  const std::uint32_t g_;
  GroupStep step_;
  kernels::TileProgram& program_;
  std::vector<std::uint32_t> outputs_, needed_;
  std::map<std::uint32_t, std::uint16_t> register_of_;
  std::map<Loaded, std::uint16_t> loaded_;
  std::map<std::uint16_t, std::uint16_t> expanded_;
  std::map<std::uint32_t, std::uint16_t> slot_of_;
  struct Partial {
    std::uint32_t value, home;
    std::int64_t pieces;
  };
  std::vector<Partial> partials_;
};

bool GroupEmission::computed_here(std::uint32_t v) const {
  const Value& x = value(v);
  if (!x.fused()) return false;
  if (all_.grouped_.group[v] == g_) return true;
  return !all_.grouped_.materialised[v];
}

void GroupEmission::collect() {
  for (const std::uint32_t v : group_.members)
    if (all_.grouped_.materialised[v]) outputs_.push_back(v);
  std::vector<std::uint32_t> waiting = outputs_;
  std::map<std::uint32_t, bool> seen;
  while (!waiting.empty()) {
    const std::uint32_t v = waiting.back();
    waiting.pop_back();
    if (!seen.emplace(v, true).second) continue;
    needed_.push_back(v);
    for (const Operand& in : value(v).operands())
      if (in.value != none && !in.cut && computed_here(in.value)) waiting.push_back(in.value);
  }
  std::sort(needed_.begin(), needed_.end());
}

void GroupEmission::walk() {
  if (group_.has_space) {
    program_.cols = group_.space[-1];
    for (int axis = 0; axis + 1 < group_.space.rank(); ++axis) program_.dims.push_back(group_.space[axis]);
  } else if (group_.whole_rows || group_.pieces || group_.columns) {
    program_.cols = group_.cols;
    std::int64_t rows = group_.cols > 0 ? group_.size / group_.cols : 0;
    for (const std::uint32_t v : group_.members)
      if (value(v).form == Form::fold_last) rows = value(v).rows;  // also those of nothing
    program_.dims = {rows};
  } else {
    program_.cols = group_.size;
  }
  program_.rows = 1;
  for (const std::int64_t length : program_.dims) program_.rows *= length;
  program_.folds_columns = group_.columns;
  kernels::choose_tile(program_, group_.whole_rows);
}

std::uint16_t GroupEmission::new_register(DType type, Extent extent) {
  program_.registers.push_back({type, extent});
  return static_cast<std::uint16_t>(program_.registers.size() - 1);
}

std::uint16_t GroupEmission::slot(std::uint32_t home) {
  const auto [it, added] = slot_of_.emplace(home, static_cast<std::uint16_t>(step_.slots.size()));
  if (added) step_.slots.push_back(home);
  return it->second;
}

std::uint16_t GroupEmission::load(const Operand& in, const Value& reader, bool by_row) {
  Reading reading;
  // A reduction reads every element of its operand, whatever its own shape is.
  const bool one = in.shape.size() == 1;
  if (by_row) reading.access = one ? Access::scalar : Access::row;
  else if (reader.form != Form::map) reading.access = one ? Access::scalar : Access::full;
  else reading = reading_of(in, reader.shape, reader.size, group_.cols);
  const std::int64_t offset = in.cut ? in.cut->offset : 0;
  Loaded key{all_.view_of(all_.home_of(in.value), offset, value(in.value).dtype), reading.access, {}};
  kernels::Port port;
  port.access = reading.access;
  if (reading.access == Access::strided) {
    const int rank = reading.strides.space.rank();
    for (int axis = 0; axis < rank; ++axis) port.strides[axis] = reading.strides.strides[axis];
    key.strides.assign(port.strides, port.strides + rank);
  }
  const auto found = loaded_.find(key);
  if (found != loaded_.end()) return found->second;
  const Extent extent = reading.access == Access::scalar ? Extent::scalar
                        : reading.access == Access::row  ? Extent::row
                                                         : Extent::full;
  port.reg = new_register(value(in.value).dtype, extent);
  port.slot = slot(key.home);
  program_.loads.push_back(port);
  loaded_.emplace(std::move(key), port.reg);
  return port.reg;
}

std::uint16_t GroupEmission::expanded(std::uint16_t reg) {
  const auto found = expanded_.find(reg);
  if (found != expanded_.end()) return found->second;
  const std::uint16_t full = new_register(program_.registers[reg].type, Extent::full);
  kernels::Instruction expand;
  expand.code = Code::expand;
  expand.out = full;
  expand.a = reg;
  program_.code.push_back(expand);
  expanded_.emplace(reg, full);
  return full;
}

std::uint16_t GroupEmission::read(const Operand& in, const Value& reader, bool by_row) {
  const std::uint16_t reg =
      !in.cut && computed_here(in.value) ? register_of_.at(in.value) : load(in, reader, by_row);
  const bool row = program_.registers[reg].extent == Extent::row;
  // A row's value serves a whole tile as it is only if the tile is one row.
  if (row && !by_row && program_.tile_rows > 1) return expanded(reg);
  return reg;
}

void GroupEmission::instruction(std::uint32_t v) {
  const Value& x = value(v);
  const bool by_row = all_.grouped_.by_row[v] && x.form == Form::map;
  kernels::Instruction code;
  code.code = x.code;
  Extent extent = Extent::full;
  if (x.form == Form::draw) {
    code.a = static_cast<std::uint16_t>(step_.draws.size());
    step_.draws.push_back(x.node);
  } else if (x.form == Form::fold_last) {
    code.a = read(x.in[0], x, false);
    // A fold of repeated values still folds a whole row of them.
    if (program_.registers[code.a].extent != Extent::full) code.a = expanded(code.a);
    extent = Extent::row;
  } else {
    std::uint16_t* registers[] = {&code.a, &code.b, &code.c};
    extent = Extent::scalar;
    for (std::uint32_t k = 0; k < x.arity; ++k) {
      *registers[k] = read(x.in[k], x, by_row);
      const Extent operand = program_.registers[*registers[k]].extent;
      if (operand == Extent::full) extent = Extent::full;
      else if (operand == Extent::row && extent == Extent::scalar) extent = Extent::row;
    }
  }
  code.out = new_register(x.dtype, extent);
  register_of_[v] = code.out;
  program_.code.push_back(code);
}

/// The rows of a column fold's operand, folded block by block.
void GroupEmission::store_columns(std::uint32_t v) {
  const Value& fold = value(v);
  kernels::Port port;
  port.reg = read(fold.in[0], fold, false);
  if (program_.registers[port.reg].extent != Extent::full) port.reg = expanded(port.reg);
  port.access = Access::column;
  port.fold = fold_of(fold.code);
  const std::int64_t blocks = kernels::fold_blocks(fold.cols);
  const std::uint32_t home = blocks == 1 ? all_.home_of(v) : all_.new_home({Place::temporary, 0, 0});
  if (blocks > 1) partials_.push_back({v, home, blocks});
  port.slot = slot(home);
  program_.stores.push_back(port);
}

void GroupEmission::store(std::uint32_t v) {
  const Value& x = value(v);
  if (x.form == Form::fold_middle) return store_columns(v);
  kernels::Port port;
  port.reg = register_of_.at(v);
  const bool by_row = all_.grouped_.by_row[v];
  if (x.form == Form::fold_last && group_.pieces) {
    const std::int64_t pieces = (program_.cols + program_.piece - 1) / program_.piece;
    port.access = Access::row;
    const std::uint32_t home = pieces == 1 ? all_.home_of(v) : all_.new_home({Place::temporary, 0, 0});
    if (pieces > 1) partials_.push_back({v, home, pieces});
    port.slot = slot(home);
    program_.stores.push_back(port);
    return;
  }
  Extent extent = program_.registers[port.reg].extent;
  const Extent wanted = by_row ? Extent::row : Extent::full;
  if (extent != wanted) {
    // Computed from scalars (or row values) alone: repeated over what is stored.
    kernels::Instruction expand;
    expand.code = Code::expand;
    expand.a = port.reg;
    expand.out = new_register(x.dtype, wanted);
    port.reg = expand.out;
    program_.code.push_back(expand);
  }
  port.access = by_row ? Access::row : Access::full;
  if (const Cut* apart = all_.grouped_.placed[v].apart) {
    port.access = Access::strided;
    std::copy(apart->strides, apart->strides + apart->shape.rank(), port.strides);
  }
  port.slot = slot(all_.home_of(v));
  program_.stores.push_back(port);
}

void GroupEmission::run() {
  collect();
  if (outputs_.empty()) return;
  walk();
  for (const std::uint32_t v : needed_)
    if (value(v).form != Form::fold_middle) instruction(v);
  for (const std::uint32_t v : outputs_) store(v);
  kernels::prepare(program_);
  all_.plan_.groups.push_back(std::move(step_));
  all_.push(Step::Kind::group, all_.plan_.groups.size() - 1);
  for (const Partial& partial : partials_)
    if (value(partial.value).form == Form::fold_middle) all_.join_blocks(partial.value, partial.home, partial.pieces);
    else all_.finish_fold(partial.value, partial.home, partial.pieces);
}

/// Folds the pieces' results, as often as it takes.
void Emission::finish_fold(std::uint32_t v, std::uint32_t partial, std::int64_t pieces) {
  const Value& fold = value(v);
  while (true) {
    GroupStep step;
    kernels::TileProgram& program = step.program;
    program.dims = {fold.rows};
    program.rows = fold.rows;
    program.cols = pieces;
    const bool whole = pieces <= kernels::max_row;
    kernels::choose_tile(program, whole);
    const std::int64_t left = (pieces + program.piece - 1) / program.piece;
    const std::uint32_t out = left == 1 ? home_of(v) : new_home({Place::temporary, 0, 0});
    step.slots = {partial, out};
    program.registers = {{fold.dtype, Extent::full}, {fold.dtype, Extent::row}};
    program.loads.resize(1);
    program.stores.resize(1);
    program.loads[0].reg = 0;
    program.loads[0].slot = 0;
    program.loads[0].access = Access::full;
    program.stores[0].reg = 1;
    program.stores[0].slot = 1;
    program.stores[0].access = Access::row;
    kernels::Instruction code;
    code.code = fold.code;
    code.out = 1;
    code.a = 0;
    program.code = {code};
    kernels::prepare(program);
    plan_.groups.push_back(std::move(step));
    push(Step::Kind::group, plan_.groups.size() - 1);
    if (left == 1) return;
    partial = out;
    pieces = left;
  }
}

void Emission::emit_launch(std::uint32_t v) {
  const Value& x = value(v);
  const Node* node = request_.order[x.node];
  LaunchStep step;
  step.op = node->op;
  step.node = x.node;
  for (std::uint32_t k = 0; k < node->arity; ++k) {
    const Operand& in = x.operands()[k];
    step.in.push_back(in.value == none ? none : home_of(in.value));
    step.views.push_back({nullptr, in.shape, node->inputs[k]->dtype});
  }
  step.views.push_back({nullptr, x.shape, x.dtype});
  step.out = x.form == Form::launch ? home_of(v) : none;
  if (node->op->scratch) {
    const std::size_t bytes = node->op->scratch(Applied(request_.order[x.node], 0));
    if (bytes > 0) {
      // A temporary of this step alone; its size stands in `offset` until memory is laid out.
      step.scratch = new_home({Place::temporary, 0, bytes});
    }
  }
  plan_.launches.push_back(std::move(step));
  push(Step::Kind::launch, plan_.launches.size() - 1);
}

void Emission::join_blocks(std::uint32_t v, std::uint32_t blocks, std::int64_t count) {
  const Value& x = value(v);
  FoldStep step;
  step.fold = fold_of(x.code);
  step.dtype = x.dtype;
  step.in = blocks;
  step.out = home_of(v);
  step.count = count;
  step.inner = x.inner;
  step.joins = true;
  plan_.folds.push_back(step);
  push(Step::Kind::fold, plan_.folds.size() - 1);
}

void Emission::emit_middle(std::uint32_t v) {
  const Value& x = value(v);
  FoldStep step;
  step.fold = fold_of(x.code);
  step.dtype = x.dtype;
  step.in = home_of(x.in[0].value);
  step.out = home_of(v);
  step.outer = x.rows;
  step.count = x.cols;
  step.inner = x.inner;
  const std::size_t bytes = kernels::fold_scratch(step.dtype, step.outer, step.count, step.inner);
  if (bytes > 0) step.scratch = new_home({Place::temporary, 0, bytes});
  plan_.folds.push_back(step);
  push(Step::Kind::fold, plan_.folds.size() - 1);
}

void Emission::run() {
  // Stage by stage: the steps of their own in the values' order, then the groups.
  struct Item {
    std::uint32_t stage, phase, id;
    auto operator<=>(const Item&) const = default;
  };
  std::vector<Item> items;
  for (std::uint32_t g = 0; g < grouped_.groups.size(); ++g)
    if (!grouped_.groups[g].members.empty()) items.push_back({grouped_.groups[g].stage, 1, g});
  for (std::uint32_t v = 0; v < lowered_.values.size(); ++v) {
    const Form form = value(v).form;
    const bool alone = form == Form::fold_middle && grouped_.group[v] == none;
    if (lowered_.live[v] && (form == Form::launch || form == Form::check || alone))
      items.push_back({grouped_.stage[v], 0, v});
  }
  std::sort(items.begin(), items.end());
  for (const Item& item : items) {
    if (item.phase == 1) {
      GroupEmission(*this, grouped_.groups[item.id], item.id).run();
    } else if (value(item.id).form == Form::fold_middle) {
      emit_middle(item.id);
    } else {
      emit_launch(item.id);
    }
  }
  for (std::uint32_t i = 0; i < request_.order.size(); ++i)
    if (request_.stored[i]) plan_.stored.push_back({i, home_of(lowered_.of[i])});
}

}  // namespace

void emit(const Request& request, const Lowered& lowered, const Grouped& grouped, Plan& plan) {
  Emission(request, lowered, grouped, plan).run();
}

}  // namespace xgrad
