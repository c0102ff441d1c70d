#pragma once
/// Numbers in steps, arrays moved by a step, differences of neighbours, and counts.

#include <xgrad/kernels/dtype.hpp>

#include <cstdint>

namespace xgrad::kernels {

/// out[i] = i, computed as a number of that type: int64, float32 or float64 (std::invalid_argument for others).
void count_up(DType type, void* out, std::int64_t count);

/// out[i] = start + i * step for i < count, computed in double, float32 or float64 (std::invalid_argument for others).
void steps(DType type, void* out, std::int64_t count, double start, double step);

/// out[i] = start + i / gaps * distance, for steps so small that they vanish.
void shares(DType type, void* out, std::int64_t count, double start, double distance, std::int64_t gaps);

/// out[o, j, i] = in[o, j - 1, i] (`back`: j + 1), and the element at `fill` where there is none. Elements of 1, 4 or 8
/// bytes.
void shift(std::size_t bytes, const void* in, void* out, std::int64_t outer, std::int64_t count, std::int64_t inner,
           bool back, const void* fill);

/// out[o, j, i] = in[o, j + 1, i] - in[o, j, i] for j < count - 1. Integers wrap; of bool whether the two differ.
void differences(DType type, const void* in, void* out, std::int64_t outer, std::int64_t count, std::int64_t inner);

/// out[v] += how many of the `length` indices are v, for out of `count` zeros. Returns the position of the first index
/// that is not in 0 ... count - 1, or -1.
std::int64_t count_values(DType index_type, const void* in, std::int64_t length, std::int64_t* out,
                          std::int64_t count);

}  // namespace xgrad::kernels
