#pragma once
// Internal to kernels/.
/// The vector kernels behind the tile machine: one source, compiled for three instruction sets, one chosen at run time.

#include <xgrad/kernels/tile.hpp>

#include <cstdint>

namespace xgrad::kernels {

/// Which operands of a kernel are one value, read once, instead of one value an element.
enum Form : unsigned { all_vectors = 0, scalar_a = 1, scalar_b = 2, scalar_c = 4 };

/// Two instructions in one pass over a tile; each step rounds by itself, as the two would.
enum class Pair : std::uint8_t {
  none,
  multiply_add,        ///< a * b + c
  multiply_subtract,   ///< a * b - c
  subtract_multiplied  ///< c - a * b
};

/// What a `uniform` kernel reads through its first operand.
struct DrawState {
  std::uint64_t seed = 0, number = 0;
  std::int64_t first = 0;  ///< place in the iteration space of the first element wanted
};

/// The kernels of one instruction set. Row reductions and `expand` read the number of columns (int64) through `c` and
/// take the number of rows as count; `uniform` reads a DrawState through `a`.
struct Lanes {
  Kernel (*find)(Code code, DType in, DType out, unsigned form) = nullptr;   ///< null: there is none
  Kernel (*find_pair)(Pair pair, DType type, unsigned form) = nullptr;       ///< float32 and float64
  const char* name = nullptr;
};

/// Rarely used functions of float32 and float64 by one number at a time: the same for all instruction sets.
Kernel find_special(Code code, DType type, unsigned form);
constexpr bool is_special(Code code) {
  return code == Code::log_gamma || code == Code::digamma || code == Code::polygamma || code == Code::bessel_i ||
         code == Code::bessel_ie;
}

Lanes lanes_baseline();
Lanes lanes_avx2();
Lanes lanes_avx512();

/// The best kernels this CPU can run and XGRAD_ARCH allows.
const Lanes& lanes();

}  // namespace xgrad::kernels
