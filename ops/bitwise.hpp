#pragma once
/// Functions of integers and their bits, with NumPy's names, broadcasting and promotion. Floats are refused
/// (DTypeError); there are no derivatives.

#include <xgrad/graph/basic.hpp>

namespace xgrad {

Tensor bitwise_and(const Arg& a, const Arg& b);  ///< bits set in both; of bool: and
Tensor bitwise_or(const Arg& a, const Arg& b);   ///< bits set in one or both; of bool: or
Tensor bitwise_xor(const Arg& a, const Arg& b);  ///< bits set in one of the two; of bool: not equal
Tensor bitwise_not(const Arg& x);                ///< every bit turned: -x - 1 of signed integers; of bool: not
inline Tensor invert(const Arg& x) { return bitwise_not(x); }
inline Tensor operator&(const Arg& a, const Arg& b) { return bitwise_and(a, b); }
inline Tensor operator|(const Arg& a, const Arg& b) { return bitwise_or(a, b); }
inline Tensor operator^(const Arg& a, const Arg& b) { return bitwise_xor(a, b); }
inline Tensor operator~(const Arg& x) { return bitwise_not(x); }

/// a * 2^b; bits that leave the integer are lost, so a shift by all bits or more gives 0, as does a negative one. Not
/// of bool.
Tensor left_shift(const Arg& a, const Arg& b);
/// floor(a / 2^b); a shift by all bits or more, or a negative one, leaves 0, or -1 of a negative number. Not of bool.
Tensor right_shift(const Arg& a, const Arg& b);

/// The greatest common divisor of |a| and |b|; of 0 and x it is |x|. Not of bool.
Tensor gcd(const Arg& a, const Arg& b);
/// The least common multiple of |a| and |b|, 0 if either is 0. Not of bool.
Tensor lcm(const Arg& a, const Arg& b);

}  // namespace xgrad
