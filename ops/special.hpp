#pragma once
/// Special functions, with SciPy's definitions and NumPy's broadcasting. Integers become float32. float64 results are
/// good to a few units in the last place unless something else is said; float32 results are theirs, rounded.

#include <xgrad/graph/basic.hpp>

namespace xgrad {

Tensor erf(const Arg& x);     ///< 2 / sqrt(pi) times the integral of exp(-t^2) from 0 to x
Tensor erfc(const Arg& x);    ///< 1 - erf(x), with its own digits where that is small
Tensor erfinv(const Arg& x);  ///< the y with erf(y) = x; infinite at -1 and 1, NaN beyond

/// log |gamma(x)|, SciPy's gammaln; infinite at 0, -1, -2, ... The derivative is digamma.
Tensor lgamma(const Arg& x);
inline Tensor gammaln(const Arg& x) { return lgamma(x); }
/// The derivative of lgamma; -inf at 0 (inf at -0), NaN at -1, -2, ... On the negative axis to 2 units in the last
/// place near those poles (against mpmath, 2^-6 to 2^-40 away), elsewhere, where it has zeros, to 2e-14 absolutely.
Tensor digamma(const Arg& x);
/// Derivative number n of digamma; infinite at 0, -1, -2, ... Throws ValueError for n < 0. To 1e-13 for n up to 60,
/// near poles on the negative axis to 14 units in the last place.
Tensor polygamma(int n, const Arg& x);

Tensor i0(const Arg& x);   ///< modified Bessel function of the first kind, order 0; the derivative is i1
Tensor i0e(const Arg& x);  ///< exp(-|x|) i0(x), which does not overflow
Tensor i1(const Arg& x);   ///< modified Bessel function of the first kind, order 1
Tensor i1e(const Arg& x);  ///< exp(-|x|) i1(x), which does not overflow

}  // namespace xgrad
