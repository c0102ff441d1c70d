#pragma once
/// Numbers taken apart and put together, and roots and quotients that are often wanted.

#include <xgrad/graph/basic.hpp>

namespace xgrad {

/// What modf gives.
struct FractionAndWhole {
  Tensor fraction, whole;
};
/// The fraction x - trunc(x) and trunc(x), both with the sign of x; the fraction of infinity is 0. Integers become
/// float32. The derivative of the fraction is 1 (0 where it is 0), that of the whole number 0.
FractionAndWhole modf(const Arg& x);

/// What frexp gives.
struct MantissaAndExponent {
  Tensor mantissa;
  Tensor exponent;  ///< int32
};
/// x = mantissa * 2^exponent exactly, with |mantissa| in [0.5, 1); for 0, infinity and NaN the number itself and 0.
/// The derivative of the mantissa is 2^-exponent.
MantissaAndExponent frexp(const Arg& x);
/// x * 2^exponent, rounded once, for an exponent of an integer dtype (DTypeError). Derivative by x.
Tensor ldexp(const Arg& x, const Arg& exponent);
/// The distance from x to the next number of its dtype away from 0, with the sign of x; infinite for the
/// largest number, NaN for infinity. No derivative.
Tensor spacing(const Arg& x);

/// What divmod gives.
struct QuotientAndRemainder {
  Tensor quotient, remainder;
};
/// floor_divide and remainder at once, Python's divmod.
QuotientAndRemainder divmod(const Arg& a, const Arg& b);

/// The number of ones among the bits of |x|, of an integer dtype (DTypeError), as uint8. No derivative.
Tensor bitwise_count(const Arg& x);

/// 1 / sqrt(x); infinite at 0, NaN below.
Tensor rsqrt(const Arg& x);
/// a / b, and 0 where b is 0, where no gradient passes either. Integers become float32.
Tensor divide_no_nan(const Arg& a, const Arg& b);
/// x limited to what the dtype can hold, then cast to it: nothing wraps, and no float64 becomes an infinite float32. No
/// gradient passes where a number was limited.
Tensor saturate_cast(const Arg& x, DType dtype);

}  // namespace xgrad
