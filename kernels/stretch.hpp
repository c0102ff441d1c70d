#pragma once
// Internal to kernels/.
/// Stretches: successive arithmetic instructions of a tile program as one loop of machine code, made at run time, whose
/// values stay in the processor's registers. Every instruction rounds as its kernel does, so the bits are the same.
/// Reductions take values as they are computed, in the order of `fold_rows` and `fold_middle`.

#include <xgrad/kernels/lanes.hpp>

#include <memory>
#include <vector>

namespace xgrad::kernels {

/// One instruction: a pair has three operands. A reduction of the row has one; `out` is then a place for one number. A
/// fold of columns adds its operand to the elements at `out`.
struct StretchPart {
  Code code = Code::none;  ///< a fold of columns: that of the reduction
  Pair pair = Pair::none;
  bool columns = false;
  std::uint16_t out = 0;
  std::uint16_t in[3] = {};
  int operands = 0;
};

/// Memory that is asked for while the loop runs, as much as the loop has elements.
struct StretchFetch {
  std::uint16_t place = 0;
  bool writes = false;
};

/// What is compiled: registers are places in the table of addresses that the loop is given.
struct Stretch {
  DType type = DType::float32;
  std::vector<StretchPart> parts;
  std::vector<std::uint16_t> full, single;  ///< operands from memory: an element each, or one value for all
  std::vector<std::uint16_t> outs;          ///< results that are written, an element each
  std::vector<StretchFetch> fetches;
};

/// Machine code, freed with its last handle.
class StretchCode {
 public:
  using Function = void (*)(void* const* table, std::int64_t count);
  virtual ~StretchCode() = default;
  Function function = nullptr;
  std::size_t bytes = 0;
};

constexpr bool is_comparison(Code code) {
  return code == Code::equal || code == Code::not_equal || code == Code::less || code == Code::less_equal;
}

/// Whether an instruction on numbers of this type may be part of a stretch; of comparisons only those whose result is
/// used nowhere else, of reductions those of tiles of one row.
bool fits_stretch(Code code, DType type);

/// The most operands and results a stretch may have; the addresses of the first ten are in registers.
inline constexpr std::size_t most_stretch_ports = 16;
inline constexpr std::size_t most_stretch_parts = 48;  ///< for which the memory of one piece of code suffices
/// Whether the processor has the registers for it.
bool small_enough(const Stretch& stretch);

/// The loop: reads all operands of some elements, then writes their results; a result may lie where an operand does.
/// Null where this processor, XGRAD_ARCH, or the system (which may forbid new code) does not allow it.
std::shared_ptr<const StretchCode> compile(const Stretch& stretch);

/// The smallest program, in elements, for which code is made; -1: none. For tests: bits do not depend on it.
void set_smallest_stretch(std::int64_t elements);
std::int64_t smallest_stretch();

}  // namespace xgrad::kernels
