#pragma once
/// Matrix products.

#include <xgrad/graph/basic.hpp>

namespace xgrad {

/// a @ b as NumPy's matmul: (..., m, k) x (..., k, n) -> (..., m, n), leading axes broadcast; a vector on the left is a
/// row, on the right a column, and its axis is dropped from the result. Throws ShapeError for scalars and unequal k.
Tensor matmul(const Arg& a, const Arg& b);

}  // namespace xgrad
