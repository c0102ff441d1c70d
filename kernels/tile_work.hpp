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

/// Columns of a tile of programs that fold no rows, which may have any number: as many as leave `bytes` an element of
/// what is written in the first cache, so that calls are few and what is fetched ahead is far ahead.
std::int64_t wide_piece(std::int64_t rows, std::int64_t cols, std::int64_t bytes);

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

/// The instructions of a program: `defined` is the one that writes a register, or less than 0.
struct Instructions {
  const TileProgram& program;
  std::vector<Work>& works;
  std::vector<Extent>& extents;
  const std::vector<bool>& stored;
  const std::vector<int>& defined;
};

/// Drops instructions: expanding values that are the same over the columns of a tile of one row, and products that are
/// only added to or subtracted from something. Changes extents.
void leave_out(const Instructions& instructions);

/// A store that folds columns, and the place in the table of addresses where a stretch that does it finds its elements.
struct ColumnStore {
  std::uint16_t store = 0, place = 0;
};

/// What becomes one step: an instruction, or a stretch of them with its code.
struct Unit {
  Unit(std::size_t first, std::size_t last) : first(first), last(last) {}
  std::size_t first = 0, last = 0;  ///< places in the list of instructions
  std::shared_ptr<const StretchCode> code;
  std::vector<std::uint16_t> outs;  ///< of a stretch: the registers it writes
  std::vector<ColumnStore> columns;  ///< of a stretch: the stores it does
  std::vector<StretchFetch> fetches;  ///< of a stretch
};

/// What find_units looks at: `extents` are the registers' as run, `stored` those that are written to memory after the
/// instructions other than by folds of `columns`.
struct UnitSource {
  std::span<const Work> works;
  const TileProgram& program;
  std::span<const Extent> extents;
  std::vector<bool> stored;
  std::vector<ColumnStore> columns;
  std::vector<StretchFetch> fetches;  ///< which stretches may share out among them
};

/// Divides instructions, in order, into units; `large` programs get code.
std::vector<Unit> find_units(const UnitSource& source, bool large);

}  // namespace xgrad::kernels
