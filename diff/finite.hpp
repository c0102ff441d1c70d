#pragma once
/// The checking mode for values: which operation made the first NaN or infinity.

#include <xgrad/graph/tensor.hpp>

namespace xgrad {

/// Computes everything these tensors were recorded from, operation by operation in the order of recording. Throws
/// NumericError at the first one that made a NaN or an infinity from finite numbers, naming the operation, its formula,
/// its layer and the line it was recorded on. What is not finite from the start (a leaf) is named as such.
void check_finite(std::span<const Tensor> ys);
void check_finite(std::initializer_list<Tensor> ys);

}  // namespace xgrad
