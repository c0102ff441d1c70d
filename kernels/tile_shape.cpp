/// How large tiles are.
#include <xgrad/kernels/tile_work.hpp>

#include <algorithm>
#include <bit>
#include <stdexcept>
#include <string>

namespace xgrad::kernels {
namespace {

constexpr std::int64_t most_piece = 2048, most_between = 16384, least_tiles = 64;

// Whether a full instruction takes a row value as it is, so that tiles must hold one row.
bool needs_single_rows(const TileProgram& program) {
  for (const Instruction& instruction : program.code) {
    if (!is_elementwise(instruction.code)) continue;
    if (program.registers.at(instruction.out).extent != Extent::full) continue;
    const std::uint16_t in[3] = {instruction.a, instruction.b, instruction.c};
    for (int i = 0; i < operand_count(instruction.code); ++i) {
      if (program.registers.at(in[i]).extent == Extent::row) return true;
    }
  }
  return false;
}

}  // namespace

void choose_tile(TileProgram& program, bool whole_rows) {
  const std::int64_t cols = std::max<std::int64_t>(program.cols, 1);
  program.tile_rows = 1;
  if (!whole_rows && cols > fold_block) {
    program.piece = fold_block;
    return;
  }
  if (whole_rows && cols > max_row)
    throw std::logic_error("tile program: expected rows of at most 4096 elements, got " + std::to_string(cols));
  program.piece = cols;
  if (needs_single_rows(program)) return;
  program.tile_rows = std::clamp<std::int64_t>(fold_block / cols, 1, std::max<std::int64_t>(program.rows, 1));
  if (!program.folds_columns) return;
  const auto most = static_cast<std::uint64_t>(std::min(program.tile_rows, fold_rows));
  program.tile_rows = static_cast<std::int64_t>(std::bit_floor(most));
}

std::int64_t wide_piece(std::int64_t rows, std::int64_t cols, std::int64_t bytes) {
  std::int64_t piece = most_piece;
  while (piece > fold_block && (piece * bytes > most_between || rows * cols / piece < least_tiles)) piece /= 2;
  return std::min(piece, std::max(cols, fold_block));
}

}  // namespace xgrad::kernels
