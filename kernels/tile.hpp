#pragma once
/// The tile machine: runs a fused group of elementwise instructions, draws and row reductions over cache-sized tiles.

#include <xgrad/kernels/moves.hpp>

#include <cstdint>
#include <memory>
#include <vector>

namespace xgrad::kernels {

/// What one instruction computes. Integer arithmetic wraps; comparisons give bool; NaN and signed zeros as IEEE 754 and
/// NumPy. Arithmetic of bool is NumPy's: add is "or", multiply is "and".
enum class Code : std::uint8_t {
  none,
  // one operand
  copy, negate, absolute, sign, square, sqrt, reciprocal, exp, expm1, log, log1p, sin, cos, tanh,
  sigmoid,   ///< 1 / (1 + exp(-x)), finite for every x
  softplus,  ///< max(x, 0) + log1p(exp(-|x|))
  tan, arcsin, arccos, arctan, sinh, cosh, arcsinh, arccosh, arctanh, exp2, log2, log10, cbrt,
  erf, erfc, erfinv,
  log_gamma,  ///< log |gamma(x)|
  digamma,    ///< the derivative of log_gamma
  floor, ceil, trunc,
  rint,        ///< to the nearest integer, halves to the even one
  invert,      ///< every bit of an integer; of bool, its opposite
  is_nan, is_finite, logical_not,
  cast,  ///< to another type, as static_cast does; float to integer saturates and NaN gives 0; to bool: x != 0
  // two operands
  add, subtract, multiply, divide,
  power,             ///< std::pow; integers by repeated squaring (negative exponent: 0, or +-1 for base +-1)
  arctan2, hypot, log_add_exp, copysign, nextafter,
  floor_divide,  ///< towards minus infinity; integers by 0: 0
  remainder,     ///< what floor_divide leaves, with the divisor's sign
  fmod,          ///< what division towards 0 leaves, with the dividend's sign
  gcd,           ///< of the magnitudes; gcd(0, 0) is 0
  bitwise_and, bitwise_or, bitwise_xor,
  left_shift, right_shift,  ///< shifts by less than 0 or by all bits: 0, or -1 for a negative number shifted right
  polygamma,  ///< derivative number a (whole, at least 0) of digamma at b
  bessel_i,   ///< modified Bessel function of the first kind, order a (whole), at b
  bessel_ie,  ///< exp(-|b|) times the same
  maximum, minimum,  ///< NaN if either is NaN
  equal, not_equal, less, less_equal, logical_and, logical_or,
  // three operands
  select,  ///< a ? b : c, a is bool
  // no operand: a draw
  uniform,  ///< [0, 1): float32 has 24 random bits, float64 has 53
  // row reductions: a full register in, one value a row out
  row_sum, row_max, row_min,
  // a value a row in, a full register out; or one value in
  expand,
};

/// How much an instruction costs for one element, roughly: 1 for an addition, 10 for an exponential.
int work_of(Code code);

/// Whether the machine has code for these types: `in` is the operands' type (of b and c for select; the source for
/// cast), `out` the result's (bool for comparisons).
bool supported(Code code, DType in, DType out);

/// The order of a row reduction is a function of the row's length alone: blocks of this many elements are folded in
/// vector lanes, then the blocks' results are folded the same way.
inline constexpr std::int64_t fold_block = 512;

/// Longest row that is held in one register, and so can be reduced inside a group.
inline constexpr std::int64_t max_row = 4096;

/// How a port walks memory as the group walks its rows and columns.
enum class Access : std::uint8_t {
  full,     ///< contiguous, one element for each element of the iteration space
  row,      ///< contiguous, one element a row
  scalar,   ///< one element
  strided,  ///< `strides` over the outer dimensions, and a last stride over the columns (any value)
  column,   ///< stores only: the rows of each block of fold_rows folded into one; join_blocks makes one row of these
};

/// A register bound to memory: read before the first instruction of a tile, or written after the last. A full port
/// and a column port bind a full register, a row port a row register, a scalar port a scalar register; a strided one a
/// full register, or a row register (then the columns' stride is not looked at).
struct Port {
  std::uint16_t reg = 0;
  std::uint16_t slot = 0;  ///< which base pointer of the run
  Access access = Access::full;
  Fold fold = Fold::sum;   ///< of a column port
  std::int64_t strides[9] = {};  ///< in elements, for Access::strided: one for each of `dims`, then the columns'
};

enum class Extent : std::uint8_t { full, row, scalar };

/// A register: a tile of elements, a value for each row of the tile, or one value.
struct Register {
  DType type = DType::float32;
  Extent extent = Extent::full;
  std::int64_t offset = -1;  ///< place in a thread's scratch, set by `prepare`; -1: the register is memory itself
};

/// What an instruction calls: result, up to three operands, elements.
using Kernel = void (*)(void* out, const void* a, const void* b, const void* c, std::int64_t count);

struct Instruction {
  Code code = Code::none;
  std::uint16_t out = 0, a = 0, b = 0, c = 0;  ///< registers; for `uniform`, `a` is the draw's number in the run
};

class StretchCode;

/// One call of a prepared program, of a kernel or of code made for several instructions. Operands are places in a
/// thread's table of addresses: the registers, and after them the numbers of columns, elements and rows of the tile,
/// the draws, the rows that columns are folded into, and what is fetched for the next tile.
struct TileStep {
  Kernel kernel = nullptr;
  void (*code)(void* const* table, std::int64_t count) = nullptr;  ///< instead of a kernel
  std::uint16_t out = 0, a = 0, b = 0, c = 0;
  Extent count = Extent::full;  ///< how many elements: of the tile, its rows, or one
};

/// A port as a prepared program uses it.
struct TileTransfer {
  enum class How : std::uint8_t {
    address,  ///< the register is memory: its address moves with the tiles
    copy,     ///< contiguous, to or from scratch
    strided,  ///< walked element by element, to or from scratch
    fold,     ///< rows folded into a block's row
    inside,   ///< the same, by the code of a step
  };
  How how = How::address;
  bool once = false;       ///< the same for every tile: loaded with the first
  bool row = false;        ///< one element a row
  bool ahead = false;      ///< the same elements of the next tile are asked for
  std::uint8_t size = 0;   ///< bytes of an element
  std::uint16_t port = 0;  ///< place in `loads` or `stores`
  FoldTile fold = nullptr;
  FoldStart start = nullptr;
  std::uint16_t place = 0;  ///< in the table of addresses: of the block's row
  std::uint16_t next = 0;   ///< there: of the same elements of the next tile, for the step that fetches them; or 0
  bool first = false;  ///< a fold of what was loaded: before the tile's first step
  std::uint32_t shared_begin = 0, shared_end = 0;  ///< a store: loads (in `shared`) that are read after it is computed
};

/// A draw: Philox4x32-10 with this key; counter words are (element / lanes, low and high) and (number, low and high).
struct Draw {
  std::uint64_t seed = 0, number = 0;
};

/// One fused group. The iteration space is dims[0] x ... x dims[n-1] x cols in row-major order; rows is the product of
/// dims, of which there are at most 8.
///
/// Register extents: an instruction's result is `full` if any operand is full (or it is a draw or `expand`), else
/// `row`, else `scalar`. A `row` operand of a full instruction is allowed only if tiles hold one row (then it is one
/// value); otherwise the program expands it first. `expand` also spreads a scalar, over rows or all. Draws index their
/// elements by position in the iteration space.
///
/// `piece` is the longest run of columns in a tile: cols if there is a row reduction inside (cols <= max_row), else up
/// to fold_block; `prepare` makes it longer where no rows are reduced. With piece < cols, row reductions give one value
/// for each piece and row, `stores` of row extent then write rows x ceil(cols / piece) values (the next program folds
/// them).
struct TileProgram {
  std::vector<std::int64_t> dims;
  std::int64_t rows = 1, cols = 1;
  std::int64_t piece = 1;      ///< columns of a tile
  std::int64_t tile_rows = 1;  ///< rows of a tile; more than 1 only if piece == cols
  bool folds_columns = false;  ///< there are column ports: tile_rows divides fold_rows
  std::vector<Register> registers;
  std::vector<Port> loads, stores;
  std::vector<Instruction> code;
  std::int64_t scratch_bytes = 0;  ///< a thread's registers, set by `prepare`

  // Also set by `prepare`.
  std::vector<TileStep> steps;             ///< the first `first_steps` are the same for every tile
  std::int64_t first_steps = 0;
  std::vector<std::shared_ptr<const StretchCode>> codes;  ///< what steps call
  std::size_t code_bytes = 0;
  std::vector<TileTransfer> reads, writes;
  std::size_t table_places = 0;
  std::vector<std::uint16_t> shared;   ///< slots
  std::vector<std::uint16_t> draws;    ///< places in `run`'s draws, in the order of the table of addresses
  double tile_cost = 0;                ///< estimate, nanoseconds
};

/// Sets piece and tile_rows for a program whose other parts are complete: whole rows where `whole_rows` is set or a row
/// fits fold_block, several of them if short (one, if a full instruction takes a row operand); else pieces of
/// fold_block. Throws std::logic_error for whole rows of more than max_row elements.
void choose_tile(TileProgram& program, bool whole_rows);

/// Checks the program, resolves kernels and lays out scratch: registers whose lifetimes do not overlap share scratch,
/// and a register that is only a full load or store is the memory itself where that is safe. Call before `run`.
/// Throws std::logic_error saying what it expected of a program that breaks the rules above.
void prepare(TileProgram& program);

/// Runs a prepared program. A store may write to the memory that a `full` load of the same element size reads
/// (taking over): elements are read before they are written. Threads share the tiles; results do not depend on how
/// many. The program may be run by several threads at a time. Throws std::bad_alloc, before anything is written.
void run(const TileProgram& program, void* const* slots, const Draw* draws);

/// Takes the memory that this thread needs to run the program, so that running it cannot fail for lack of it.
void reserve(const TileProgram& program);

/// Name of the instruction set the kernels were chosen for: "baseline", "avx2" or "avx512". XGRAD_ARCH limits the
/// choice.
const char* instruction_set();

}  // namespace xgrad::kernels
