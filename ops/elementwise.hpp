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
Tensor positive(const Arg& x);    ///< x itself; not of bool
Tensor fabs(const Arg& x);        ///< |x| as a real number; the derivative at 0 is 0
Tensor exp2(const Arg& x);   ///< 2^x; whole powers exactly
Tensor log2(const Arg& x);   ///< logarithm of base 2, whole ones exactly; -inf at 0, NaN below
Tensor log10(const Arg& x);  ///< logarithm of base 10, whole ones exactly; -inf at 0, NaN below
Tensor cbrt(const Arg& x);   ///< cube root, of negative numbers too; the derivative at 0 is infinite

Tensor sin(const Arg& x);      ///< sine of radians
Tensor cos(const Arg& x);      ///< cosine of radians
Tensor tan(const Arg& x);      ///< tangent of radians
Tensor arcsin(const Arg& x);   ///< in [-pi/2, pi/2]; NaN outside [-1, 1]
Tensor arccos(const Arg& x);   ///< in [0, pi]; NaN outside [-1, 1]
Tensor arctan(const Arg& x);   ///< in [-pi/2, pi/2]
Tensor sinh(const Arg& x);     ///< (e^x - e^-x) / 2, accurate near 0
Tensor cosh(const Arg& x);     ///< (e^x + e^-x) / 2
Tensor tanh(const Arg& x);     ///< sinh / cosh
Tensor arcsinh(const Arg& x);  ///< log(x + sqrt(x^2 + 1)), accurate near 0
Tensor arccosh(const Arg& x);  ///< log(x + sqrt(x^2 - 1)), accurate near 1; NaN below 1
Tensor arctanh(const Arg& x);  ///< log((1 + x) / (1 - x)) / 2; infinite at -1 and 1, NaN beyond
/// The array API's names of the inverse functions.
inline Tensor asin(const Arg& x) { return arcsin(x); }
inline Tensor acos(const Arg& x) { return arccos(x); }
inline Tensor atan(const Arg& x) { return arctan(x); }
inline Tensor asinh(const Arg& x) { return arcsinh(x); }
inline Tensor acosh(const Arg& x) { return arccosh(x); }
inline Tensor atanh(const Arg& x) { return arctanh(x); }
/// The angle of the point (x, y) in [-pi, pi]; signed zeros and infinities as C's atan2. No derivative at the origin
/// (NaN).
Tensor arctan2(const Arg& y, const Arg& x);
inline Tensor atan2(const Arg& y, const Arg& x) { return arctan2(y, x); }
/// sqrt(a^2 + b^2) without overflow on the way; infinite if either is, even beside NaN. The derivative at the origin
/// is 0.
Tensor hypot(const Arg& a, const Arg& b);
Tensor deg2rad(const Arg& x);  ///< x * pi / 180
Tensor rad2deg(const Arg& x);  ///< x * 180 / pi
inline Tensor radians(const Arg& x) { return deg2rad(x); }
inline Tensor degrees(const Arg& x) { return rad2deg(x); }
Tensor sinc(const Arg& x);  ///< sin(pi x) / (pi x), 1 at 0

/// log(e^a + e^b) without overflow; at equal arguments each takes half of the gradient.
Tensor logaddexp(const Arg& a, const Arg& b);
/// log2(2^a + 2^b).
Tensor logaddexp2(const Arg& a, const Arg& b);

/// Rounding, each with derivative 0. Integers and bool stay as they are.
Tensor floor(const Arg& x);  ///< the largest whole number not above x
Tensor ceil(const Arg& x);   ///< the smallest whole number not below x
Tensor trunc(const Arg& x);  ///< the nearest whole number towards 0
Tensor rint(const Arg& x);   ///< the nearest whole number, halves to the even one
inline Tensor fix(const Arg& x) { return trunc(x); }
/// x to so many decimals, halves to the even digit: rint(x * 10^decimals) / 10^decimals. Negative decimals round to
/// tens, hundreds, ..., integers exactly.
Tensor round(const Arg& x, int decimals = 0);

/// a / b rounded towards minus infinity, as floor does; derivative 0. Integers by 0 give 0, bool is refused.
Tensor floor_divide(const Arg& a, const Arg& b);
/// a - b * floor_divide(a, b), exactly: what is left has the sign of b. Integers by 0 give 0, floats NaN. NumPy's `%`
/// and mod. d/da is 1, d/db is -floor(a / b).
Tensor remainder(const Arg& a, const Arg& b);
inline Tensor mod(const Arg& a, const Arg& b) { return remainder(a, b); }
inline Tensor operator%(const Arg& a, const Arg& b) { return remainder(a, b); }
/// a - b * trunc(a / b), exactly: what is left has the sign of a. Integers by 0 give 0, floats NaN.
Tensor fmod(const Arg& a, const Arg& b);

Tensor signbit(const Arg& x);  ///< below 0, or -0, or NaN with its sign bit set; bool
/// |a| with the sign of b, which may be that of -0. d/da at 0 is 0, d/db is 0.
Tensor copysign(const Arg& a, const Arg& b);
/// The next number of the dtype after a in the direction of b. No derivative.
Tensor nextafter(const Arg& a, const Arg& b);
/// 0 below 0, 1 above, `value` at 0, NaN for NaN. The derivative by x is 0, by `value` 1 where x is 0.
Tensor heaviside(const Arg& x, const Arg& value);
/// x * log(y), and 0 where x is 0 unless y is NaN. Where both are 0 the gradient of both is 0.
Tensor xlogy(const Arg& x, const Arg& y);
/// a + t * (b - a); exactly b at t = 1.
Tensor lerp(const Arg& a, const Arg& b, const Arg& t);
/// x with NaN replaced by `nan`, infinities by `posinf` and `neginf`; an infinity there (the default) stands for the
/// largest finite number of the dtype. No gradient passes where a number was replaced.
Tensor nan_to_num(const Arg& x, double nan = 0, double posinf = __builtin_inf(), double neginf = -__builtin_inf());

/// a^b. A C++ exponent of 2 is computed as square, of -1 as reciprocal. d/db at a = 0 is 0 for b >= 0; a negative base
/// with a fractional exponent gives NaN. Integers by repeated squaring; a negative exponent then gives 0 (+-1 for +-1).
Tensor power(const Arg& a, const Arg& b);
inline Tensor pow(const Arg& a, const Arg& b) { return power(a, b); }
/// a^b in float64, whatever the dtypes.
Tensor float_power(const Arg& a, const Arg& b);

/// The larger of two; NaN if either is. At a tie each side takes half of the gradient.
Tensor maximum(const Arg& a, const Arg& b);
/// The smaller of two; NaN if either is. At a tie each side takes half of the gradient.
Tensor minimum(const Arg& a, const Arg& b);
/// The larger of two; the other one where either is NaN. At a tie each side takes half of the gradient.
Tensor fmax(const Arg& a, const Arg& b);
/// The smaller of two; the other one where either is NaN. At a tie each side takes half of the gradient.
Tensor fmin(const Arg& a, const Arg& b);
/// x limited to [low, high], which broadcast with x; where low > high the result is high, and NaN in a tensor of bounds
/// gives NaN. The derivative by x is 1 inside and at the ends, 0 outside, where the bound takes it.
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
Tensor logical_xor(const Arg& a, const Arg& b);  ///< one is zero and the other is not, bool
Tensor logical_not(const Arg& x);                ///< x is zero, bool
Tensor isnan(const Arg& x);                      ///< bool
Tensor isfinite(const Arg& x);                   ///< neither infinite nor NaN, bool
Tensor isinf(const Arg& x);                      ///< inf or -inf, bool
Tensor isposinf(const Arg& x);                   ///< inf, bool
Tensor isneginf(const Arg& x);                   ///< -inf, bool

/// a where the condition is not zero, else b. The side that is not chosen gets gradient 0.
Tensor where(const Arg& condition, const Arg& a, const Arg& b);

}  // namespace xgrad
