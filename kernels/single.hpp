#pragma once
/// One instruction on single numbers.

#include <xgrad/kernels/tile.hpp>

namespace xgrad::kernels {

/// What a tile program calls for this instruction, its operands and its result of one type; call it for one element and
/// it has the program's bits. Null if there is none.
Kernel kernel_of(Code code, DType type);

}  // namespace xgrad::kernels
