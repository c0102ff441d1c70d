#pragma once
/// Running results along a dimension, linear recurrences, and products of rows.

#include <xgrad/kernels/dtype.hpp>

#include <cstdint>

namespace xgrad::kernels {

enum class Scan : std::uint8_t { sum, product, max, min, log_sum_exp };

/// Which way a scan goes along its dimension.
enum class Direction : std::uint8_t { forward, backward };

/// out[o, j, i] = the fold of in[o, 0 .. j, i] (backward: of in[o, j .. count - 1, i]), one after another, so the bits
/// do not depend on threads. Integer sums and products wrap; NaN stays in every later result. log_sum_exp is for
/// floats, keeps a running maximum and adds in double. `out` may be `in`. Throws std::invalid_argument for sums and
/// products of bool and for log_sum_exp of integers.
void scan(Scan kind, DType type, const void* in, void* out, std::int64_t outer, std::int64_t count, std::int64_t inner,
          Direction direction);

/// The linear recurrence out_j = terms_j + factors_j * out_(j-1) along the middle of (outer, count, inner), where what
/// is before the first is 0; backward starts at the other end. `late` takes the factor of the neighbour the result
/// comes from: out_j = terms_j + factors_(j-1) * out_(j-1). For floats; integers are refused (std::invalid_argument).
void recur(DType type, const void* factors, const void* terms, void* out, std::int64_t outer, std::int64_t count,
           std::int64_t inner, Direction direction, bool late);

/// out[o, i] = the product over j of in[o, j, i], 1 for count == 0. The order is a function of `count` alone (32
/// interleaved partial products of blocks of 32,768, then these). Integers wrap; bool is refused
/// (std::invalid_argument).
void product(DType type, const void* in, void* out, std::int64_t outer, std::int64_t count, std::int64_t inner);

/// For each of `rows` rows of `count` > 0 elements: the places of the elements that would stand at `ranks` (each in
/// 0 ... count - 1, ascending) if the row were sorted; equal elements are in the order of their places. A row with a
/// NaN gives the place of its first NaN for each rank. places: (rows, number of ranks).
void places_of_ranks(DType type, const void* in, std::int64_t* places, std::int64_t rows, std::int64_t count,
                     const std::int64_t* ranks, std::int64_t number);

}  // namespace xgrad::kernels
