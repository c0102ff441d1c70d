#pragma once
/// The activation functions networks are made of, and the sums of exponentials behind them.

#include <xgrad/graph/basic.hpp>

namespace xgrad {

Tensor sigmoid(const Arg& x);   ///< 1 / (1 + e^-x)
Tensor softplus(const Arg& x);  ///< log(1 + e^x), finite for every finite x
Tensor relu(const Arg& x);      ///< max(x, 0); the derivative at 0 is 0, NaN stays NaN

/// e^x / sum(e^x) along an axis, shifted by the maximum.
Tensor softmax(const Arg& x, int axis = -1);
/// log(softmax(x)) without leaving the logarithm.
Tensor log_softmax(const Arg& x, int axis = -1);
/// log(sum(e^x)) over axes, shifted by the maximum; -inf where every x is -inf.
Tensor logsumexp(const Arg& x, Axes axes = {}, bool keepdims = false);

}  // namespace xgrad
