#pragma once
/// The activation functions networks are made of, and the sums of exponentials behind them.

#include <xgrad/graph/basic.hpp>

namespace xgrad {

Tensor sigmoid(const Arg& x);   ///< 1 / (1 + e^-x)
Tensor softplus(const Arg& x);  ///< log(1 + e^x), finite for every finite x
Tensor relu(const Arg& x);      ///< max(x, 0); the derivative at 0 is 0, NaN stays NaN

// Activations with Keras's names and defaults. Integers become float32, and NaN stays NaN.

Tensor relu6(const Arg& x);  ///< 0 below 0, x up to 6, then 6; the derivative at 0 and 6 is 0
Tensor leaky_relu(const Arg& x, double negative_slope = .2);  ///< x from 0 on, negative_slope * x below
Tensor elu(const Arg& x, double alpha = 1);   ///< x above 0, alpha (e^x - 1) below (Clevert et al. 2016)
Tensor celu(const Arg& x, double alpha = 1);  ///< x above 0, alpha (e^(x / alpha) - 1) below; alpha is not 0
/// 1.0507009873554805 * elu(x, 1.6732632423543772): keeps mean 0 and variance 1 (Klambauer et al. 2017).
Tensor selu(const Arg& x);
/// x times the standard normal distribution function, or with `approximate` x (1 + tanh(sqrt(2 / pi) (x + 0.044715
/// x^3))) / 2 (Hendrycks and Gimpel 2016).
Tensor gelu(const Arg& x, bool approximate = false);
Tensor silu(const Arg& x);  ///< x sigmoid(x)
inline Tensor swish(const Arg& x) { return silu(x); }
Tensor mish(const Arg& x);          ///< x tanh(softplus(x)) (Misra 2019)
Tensor log_sigmoid(const Arg& x);   ///< log(sigmoid(x)), finite for every finite x
Tensor softsign(const Arg& x);      ///< x / (1 + |x|)
Tensor tanh_shrink(const Arg& x);   ///< x - tanh(x)
Tensor squareplus(const Arg& x, double b = 4);  ///< (x + sqrt(x^2 + b)) / 2; ValueError for b < 0
Tensor hard_sigmoid(const Arg& x);  ///< relu6(x + 3) / 6
Tensor hard_silu(const Arg& x);     ///< x hard_sigmoid(x)
inline Tensor hard_swish(const Arg& x) { return hard_silu(x); }
Tensor hard_tanh(const Arg& x);                          ///< x limited to [-1, 1]
Tensor hard_shrink(const Arg& x, double threshold = .5);  ///< x where |x| > threshold, else 0
Tensor soft_shrink(const Arg& x, double threshold = .5);  ///< x moved towards 0 by the threshold, at most to it
Tensor threshold(const Arg& x, double threshold, double default_value);  ///< x above the threshold, else the default
Tensor sparse_plus(const Arg& x);     ///< 0 up to -1, (x + 1)^2 / 4 up to 1, then x
Tensor sparse_sigmoid(const Arg& x);  ///< 0 up to -1, (x + 1) / 2 up to 1, then 1

/// What stands for the derivative of a step, which is 0.
enum class Surrogate : std::uint8_t {
  none,
  straight_through,  ///< 1 where |x| <= 1, else 0 (Hubara et al. 2016)
  sigmoid,           ///< that of sigmoid(x)
};
/// 1 from 0 on, 0 below.
Tensor binary_step(const Arg& x, Surrogate surrogate = Surrogate::none);

/// The first half of x along an axis times the sigmoid of the second (Dauphin et al. 2017). Throws ShapeError for an
/// odd length.
Tensor glu(const Arg& x, int axis = -1);
/// The point of the simplex that is nearest to x along an axis: max(x - tau, 0) with the tau for which it sums to 1
/// (Martins and Astudillo 2016). Unlike Keras's, which sums running sums, its rows do add up to 1.
Tensor sparsemax(const Arg& x, int axis = -1);

/// e^x / sum(e^x) along an axis, shifted by the maximum.
Tensor softmax(const Arg& x, int axis = -1);
/// log(softmax(x)) without leaving the logarithm.
Tensor log_softmax(const Arg& x, int axis = -1);
/// log(sum(e^x)) over axes, shifted by the maximum; -inf where every x is -inf.
Tensor logsumexp(const Arg& x, Axes axes = {}, bool keepdims = false);

}  // namespace xgrad
