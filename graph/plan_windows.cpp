/// Parts of values: read where they are, and computed where they are joined.

#include <xgrad/graph/parts.hpp>
#include <xgrad/graph/plan_ir.hpp>

#include <algorithm>

namespace xgrad {

namespace {

/// Rows from here on are copied as whole pieces of memory when a tile loads or stores them.
constexpr std::int64_t worthwhile_row = 16;

}  // namespace

bool Cut::contiguous() const {
  std::int64_t step = 1;
  for (int axis = shape.rank(); axis-- > 0;) {
    if (strides[axis] != step) return false;
    step *= shape[axis];
  }
  return true;
}

Cut cut_of(const Region& region, const Shape& whole, const Cut* in, const Shape& part) {
  Cut cut;
  if (in) cut.offset = in->offset;
  std::int64_t strides[max_rank] = {}, step = 1;
  int axis_of_cut = in ? in->shape.rank() : 0;
  for (int axis = whole.rank(); axis-- > 0;) {
    strides[axis] = step;
    if (in) strides[axis] = whole[axis] == 1 ? 0 : in->strides[--axis_of_cut];
    step *= whole[axis];
  }
  for (int axis = 0; axis < whole.rank(); ++axis) {
    cut.offset += region.start[axis] * strides[axis];
    if (part[axis] == 1) continue;
    cut.strides[cut.shape.rank()] = region.step[axis] * strides[axis];
    cut.shape.append(part[axis]);
  }
  return cut;
}

bool worth_in_place(const Cut& cut) {
  if (cut.contiguous()) return true;
  return cut.strides[cut.shape.rank() - 1] == 1 && cut.shape[-1] >= worthwhile_row;
}

double parts_mark(const Applied&) { return 0; }

namespace {

/// Whether a group can write a value in rows that lie apart; makes it walk them.
bool walk_rows(Group& group, const Cut& part) {
  if (group.has_space) return group.space == part.shape;
  if (group.pieces || group.size != part.shape.size() || (group.cols && group.cols != part.shape[-1])) return false;
  group.has_space = true;
  group.space = part.shape;
  return true;
}

}  // namespace

void place_parts(const Request& request, const Lowered& lowered, Grouped& grouped) {
  const std::uint32_t n = static_cast<std::uint32_t>(lowered.values.size());
  grouped.placed.assign(n, {});
  std::vector<std::uint32_t> readers(n, 0);
  for (std::uint32_t v = 0; v < n; ++v)
    if (lowered.live[v])
      for (const Operand& in : lowered.values[v].operands())
        if (in.value != none) ++readers[in.value];
  // Those that are joined last come first, so that a part of a part knows where it ends up.
  for (std::uint32_t v = n; v-- > 0;) {
    const Value& joined = lowered.values[v];
    if (!lowered.live[v] || joined.form != Form::launch || joined.size == 0) continue;
    const Node* node = request.order[joined.node];
    const PartsOp* const op = parts_of(*node->op);
    if (!op || !op->joined) continue;
    const Placed& own = grouped.placed[v];
    const std::uint32_t into = own.into == none ? v : own.into;
    for (std::uint32_t k = 0; k < joined.operands().size(); ++k) {
      const Operand& in = joined.operands()[k];
      if (in.value == none || in.cut || lowered.stored[in.value] || grouped.placed[in.value].into != none) continue;
      const Value& part = lowered.values[in.value];
      if (part.dtype != joined.dtype || part.size != in.shape.size() || part.size == 0) continue;
      const bool grouped_map = (part.form == Form::map || part.form == Form::draw) && !grouped.by_row[in.value];
      if (!(grouped_map && grouped.materialised[in.value]) && part.form != Form::launch &&
          part.form != Form::fold_middle)
        continue;
      Cut place = cut_of(op->joined(Applied(request.order[joined.node], static_cast<int>(k)), static_cast<int>(k)),
                         joined.shape, nullptr, in.shape);
      Placed placed{into, own.offset + place.offset};
      if (!place.contiguous()) {
        if (!grouped_map || readers[in.value] != 1 || !worth_in_place(place) ||
            !walk_rows(grouped.groups[grouped.group[in.value]], place))
          continue;
        grouped.parts.push_back(std::move(place));
        placed.apart = &grouped.parts.back();
      }
      grouped.placed[in.value] = placed;
    }
  }
}

}  // namespace xgrad
