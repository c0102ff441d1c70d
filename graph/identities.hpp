#pragma once
/// What an operation of two operands always equals, bit for bit. Internal to graph/ and diff/: the planner leaves such
/// operations out, and so does `simplify`.

#include <xgrad/kernels/tile.hpp>

namespace xgrad {

struct Identity {
  kernels::Code code;
  int operand;    ///< which operand is the number
  double number;  ///< 1 or 0; -0 is another number
  int result;     ///< which operand the result equals
};

inline constexpr Identity identities[] = {
    {kernels::Code::multiply, 1, 1, 0},  // x * 1
    {kernels::Code::multiply, 0, 1, 1},  // 1 * x
    {kernels::Code::divide, 1, 1, 0},    // x / 1
    {kernels::Code::subtract, 1, 0, 0},  // x - 0, but not x + 0, which turns -0 into 0
    {kernels::Code::power, 1, 1, 0},     // x ^ 1
};

}  // namespace xgrad
