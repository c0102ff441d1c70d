#pragma once
/// Elementwise functions, with NumPy's names, broadcasting and promotion. Integers given to a function of real numbers
/// (exp, sqrt, ...) become float32.

#include <xgrad/graph/basic.hpp>

namespace xgrad {

Tensor exp(const Arg& x);    ///< e^x
Tensor expm1(const Arg& x);  ///< e^x - 1, accurate near zero
Tensor log(const Arg& x);    ///< natural logarithm; -inf at 0, NaN below
Tensor log1p(const Arg& x);  ///< log(1 + x), accurate near zero; NaN below -1
Tensor sqrt(const Arg& x);   ///< square root; NaN below zero
Tensor square(const Arg& x);      ///< x * x
Tensor reciprocal(const Arg& x);  ///< 1 / x
Tensor abs(const Arg& x);   ///< |x|; the derivative at 0 is 0
Tensor sign(const Arg& x);  ///< -1, 0 or 1; NaN for NaN; derivative 0
Tensor sin(const Arg& x);   ///< sine of radians
Tensor cos(const Arg& x);   ///< cosine of radians
Tensor tanh(const Arg& x);  ///< hyperbolic tangent
Tensor floor(const Arg& x);  ///< the largest integer not above x; derivative 0

/// a^b. A C++ exponent of 2 is computed as square, of -1 as reciprocal. d/db at a = 0 is 0 for b >= 0; a negative base
/// with a fractional exponent gives NaN. Integers by repeated squaring; a negative exponent then gives 0 (+-1 for +-1).
Tensor power(const Arg& a, const Arg& b);
inline Tensor pow(const Arg& a, const Arg& b) { return power(a, b); }

/// The larger of two; NaN if either is. At a tie each side takes half of the gradient.
Tensor maximum(const Arg& a, const Arg& b);
/// The smaller of two; NaN if either is. At a tie each side takes half of the gradient.
Tensor minimum(const Arg& a, const Arg& b);
/// x limited to [low, high]; the derivative is 1 inside and at the ends, 0 outside.
Tensor clip(const Arg& x, const Arg& low, const Arg& high);

Tensor equal(const Arg& a, const Arg& b);          ///< a == b, bool
Tensor not_equal(const Arg& a, const Arg& b);      ///< a != b, bool
Tensor less(const Arg& a, const Arg& b);           ///< a < b, bool
Tensor less_equal(const Arg& a, const Arg& b);     ///< a <= b, bool
Tensor greater(const Arg& a, const Arg& b);        ///< a > b, bool
Tensor greater_equal(const Arg& a, const Arg& b);  ///< a >= b, bool
inline Tensor operator<(const Arg& a, const Arg& b) { return less(a, b); }
inline Tensor operator<=(const Arg& a, const Arg& b) { return less_equal(a, b); }
inline Tensor operator>(const Arg& a, const Arg& b) { return greater(a, b); }
inline Tensor operator>=(const Arg& a, const Arg& b) { return greater_equal(a, b); }

Tensor logical_and(const Arg& a, const Arg& b);  ///< both are not zero, bool
Tensor logical_or(const Arg& a, const Arg& b);   ///< one is not zero, bool
Tensor logical_not(const Arg& x);                ///< x is zero, bool
Tensor isnan(const Arg& x);                      ///< bool
Tensor isfinite(const Arg& x);                   ///< neither infinite nor NaN, bool

/// a where the condition is not zero, else b. The side that is not chosen gets gradient 0.
Tensor where(const Arg& condition, const Arg& a, const Arg& b);

}  // namespace xgrad
