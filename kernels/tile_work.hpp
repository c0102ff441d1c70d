#pragma once
// Internal to kernels/.
/// Instructions of a tile program on their way to becoming steps.

#include <xgrad/kernels/stretch.hpp>
#include <xgrad/kernels/tile.hpp>

#include <array>
#include <span>

namespace xgrad::kernels {

inline int operand_count(Code code) {
  if (code == Code::select) return 3;
  if (code == Code::uniform) return 0;
  return code >= Code::add && code <= Code::logical_or ? 2 : 1;
}

inline bool is_row_reduction(Code code) {
  return code == Code::row_sum || code == Code::row_max || code == Code::row_min;
}

// Element i of the result depends on elements i of the operands only, and they are read before it is written.
inline bool is_elementwise(Code code) {
  return !is_row_reduction(code) && code != Code::expand && code != Code::uniform;
}

/// Nanoseconds for one element, roughly: only the number of chunks follows from it.
double cost_of(Code code, DType type);

// An instruction on its way to becoming a step.
struct Work {
  Code code = Code::none;
  Pair pair = Pair::none;
  int operands = 0;
  std::array<std::uint16_t, 3> in{};
  std::uint16_t out = 0;
  std::uint16_t draw = 0;
  bool dropped = false;
};

/// What becomes one step: an instruction, or a stretch of them with its code.
struct Unit {
  std::size_t first = 0, last = 0;  ///< places in the list of instructions
  std::shared_ptr<const StretchCode> code;
  std::vector<std::uint16_t> outs;  ///< of a stretch: the registers it writes
};

/// Divides instructions, in order, into units; `large` programs get code. `extents` are the registers' as run.
std::vector<Unit> find_units(std::span<const Work> works, const TileProgram& program, std::span<const Extent> extents,
                             const std::vector<bool>& stored, bool large);

}  // namespace xgrad::kernels
