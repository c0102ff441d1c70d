#pragma once
/// Functions of packs, and of duals over packs and numbers, for functions given to `map`: exp, log, tanh and their kin
/// in vector instructions, the others number by number.

#include <xgrad/diff/lane.hpp>

#include <cmath>
#include <limits>
#include <numbers>
#include <utility>

namespace xgrad {

namespace lanes {

template <class T, int bytes>
using Words = typename LaneMask<T, bytes>::Vector;

template <class T, int bytes>
[[gnu::always_inline]] inline Words<T, bytes> bits(Lane<T, bytes> x) {
  Words<T, bytes> w;
  std::memcpy(&w, &x.v, sizeof w);
  return w;
}
template <class T, int bytes>
[[gnu::always_inline]] inline Lane<T, bytes> from_bits(Words<T, bytes> w) {
  Lane<T, bytes> x;
  std::memcpy(&x.v, &w, sizeof w);
  return x;
}

/// c[0] + c[1] x + ... by Horner's rule.
template <class L, std::size_t n>
[[gnu::always_inline]] inline L polynomial(L x, const double (&c)[n]) {
  return [&]<std::size_t... i>(std::index_sequence<i...>) __attribute__((always_inline)) {
    L sum(c[n - 1]);
    ((sum = sum * x + L(c[n - 2 - i])), ...);
    return sum;
  }(std::make_index_sequence<n - 1>());
}

/// f number by number.
template <class T, int bytes, class F, class... X>
[[gnu::always_inline]] inline Lane<T, bytes> each(F f, Lane<T, bytes> x, X... more) {
  Lane<T, bytes> result;
  for (int i = 0; i < Lane<T, bytes>::width; ++i) result.v[i] = f(x.v[i], more.v[i]...);
  return result;
}

/// 2^k for whole numbers k held as floating point plus `magic`.
template <class T>
inline constexpr T magic = sizeof(T) == 4 ? T(12582912) : T(6755399441055744);
template <class T>
inline constexpr int mantissa = sizeof(T) == 4 ? 23 : 52;
template <class T>
inline constexpr int bias = sizeof(T) == 4 ? 127 : 1023;

}  // namespace lanes

/// Within an ulp or two of the exact values, as are log, tanh and what is made of them.
template <class T, int bytes>
[[gnu::always_inline]] inline Lane<T, bytes> exp(Lane<T, bytes> x) {
  using L = Lane<T, bytes>;
  constexpr bool single = sizeof(T) == 4;
  // Beyond these the result is 0 or infinite; NaN passes.
  constexpr T low = single ? T(-104) : T(-746), high = single ? T(89) : T(710);
  x = select(x < L(low), L(low), select(x > L(high), L(high), x));
  const L shifted = x * L(std::numbers::log2e_v<T>) + L(lanes::magic<T>);
  const L k = shifted - L(lanes::magic<T>);
  L r;
  if constexpr (single) r = (x - k * L(0.693359375f)) - k * L(-2.12194440e-4f);
  else r = (x - k * L(6.93147180369123816490e-01)) - k * L(1.90821492927058770002e-10);
  L p;
  if constexpr (single) {
    p = lanes::polynomial(r, {1, 1, 0.5, 1.0 / 6, 1.0 / 24, 1.0 / 120, 1.0 / 720, 1.0 / 5040});
  } else {
    p = lanes::polynomial(r, {1, 1, 0.5, 1.0 / 6, 1.0 / 24, 1.0 / 120, 1.0 / 720, 1.0 / 5040, 1.0 / 40320,
                              1.0 / 362880, 1.0 / 3628800, 1.0 / 39916800, 1.0 / 479001600, 1.0 / 6227020800});
  }
  // 2^k in two factors, so that results without full precision come out too.
  const auto whole = lanes::bits(shifted) - lanes::bits(L(lanes::magic<T>));
  const auto half = whole >> 1, rest = whole - half;
  const L first = lanes::from_bits<T, bytes>((half + lanes::bias<T>) << lanes::mantissa<T>);
  const L second = lanes::from_bits<T, bytes>((rest + lanes::bias<T>) << lanes::mantissa<T>);
  return p * first * second;
}

/// NaN below 0, minus infinity at 0.
template <class T, int bytes>
[[gnu::always_inline]] inline Lane<T, bytes> log(Lane<T, bytes> x) {
  using L = Lane<T, bytes>;
  constexpr bool single = sizeof(T) == 4;
  constexpr T infinity = std::numeric_limits<T>::infinity();
  const auto tiny = x < L(std::numeric_limits<T>::min());
  const L scaled = select(tiny, x * L(single ? T(33554432) : T(18014398509481984)), x);
  // scaled = m 2^k with m between sqrt(1/2) and sqrt(2).
  using W = typename LaneMask<T, bytes>::Word;
  const W root = single ? W(0x3f3504f3) : W(0x3fe6a09e667f3bcd), one = single ? W(0x3f800000) : W(0x3ff0000000000000);
  const auto w = lanes::bits(scaled) + (one - root);
  const auto whole = (w >> lanes::mantissa<T>)-W(lanes::bias<T>);
  const auto kept = (w & ((W(1) << lanes::mantissa<T>)-1)) + root;
  const L f = lanes::from_bits<T, bytes>(kept) - L(1);
  // The whole number k as floating point, by its place in the bits of `magic`.
  const L shifted = lanes::from_bits<T, bytes>(whole + lanes::bits(L(lanes::magic<T>)));
  const L k = shifted - L(lanes::magic<T>) - select(tiny, L(single ? 25 : 54), L(0));
  const L s = f / (L(2) + f), z = s * s, half = L(T(0.5)) * f * f;
  L r;
  if constexpr (single) {
    r = z * lanes::polynomial(z, {0.66666662693, 0.40000972152, 0.28498786688, 0.24279078841});
    return select(x > L(0),
                  select(x == L(infinity), x,
                         k * L(6.9313812256e-01f) - ((half - (s * (half + r) + k * L(9.0580006145e-06f))) - f)),
                  select(x == L(0), L(-infinity), L(std::numeric_limits<T>::quiet_NaN())));
  } else {
    r = z * lanes::polynomial(z, {6.666666666666735130e-01, 3.999999999940941908e-01, 2.857142874366239149e-01,
                                  2.222219843214978396e-01, 1.818357216161805012e-01, 1.531383769920937332e-01,
                                  1.479819860511658591e-01});
    return select(
        x > L(0),
        select(x == L(infinity), x,
               k * L(6.93147180369123816490e-01) - ((half - (s * (half + r) + k * L(1.90821492927058770002e-10))) - f)),
        select(x == L(0), L(-infinity), L(std::numeric_limits<T>::quiet_NaN())));
  }
}

template <class T, int bytes>
[[gnu::always_inline]] inline Lane<T, bytes> abs(Lane<T, bytes> x) {
  using W = typename LaneMask<T, bytes>::Word;
  return lanes::from_bits<T, bytes>(lanes::bits(x) & std::numeric_limits<W>::max());
}

template <class T, int bytes>
[[gnu::always_inline]] inline Lane<T, bytes> sqrt(Lane<T, bytes> x) {
  using L = Lane<T, bytes>;
#if defined(__AVX512F__)
  if constexpr (bytes == 64 && sizeof(T) == 4) return L(__builtin_ia32_sqrtps512_mask(x.v, x.v, -1, 4));
  else if constexpr (bytes == 64) return L(__builtin_ia32_sqrtpd512_mask(x.v, x.v, -1, 4));
  else
#endif
#if defined(__AVX__)
    if constexpr (bytes == 32 && sizeof(T) == 4) return L(__builtin_ia32_sqrtps256(x.v));
  else if constexpr (bytes == 32) return L(__builtin_ia32_sqrtpd256(x.v));
  else
#endif
#if defined(__SSE2__)
    if constexpr (bytes == 16 && sizeof(T) == 4) return L(__builtin_ia32_sqrtps(x.v));
  else if constexpr (bytes == 16) return L(__builtin_ia32_sqrtpd(x.v));
  else
#endif
    return lanes::each([](T a) { return std::sqrt(a); }, x);
}

template <class T, int bytes>
[[gnu::always_inline]] inline Lane<T, bytes> expm1(Lane<T, bytes> x) {
  using L = Lane<T, bytes>;
  const L near = x * lanes::polynomial(x, {1, 0.5, 1.0 / 6, 1.0 / 24, 1.0 / 120, 1.0 / 720, 1.0 / 5040, 1.0 / 40320,
                                           1.0 / 362880, 1.0 / 3628800, 1.0 / 39916800, 1.0 / 479001600,
                                           1.0 / 6227020800, 1.0 / 87178291200, 1.0 / 1307674368000,
                                           1.0 / 20922789888000});
  return select(abs(x) < L(T(0.7)), near, exp(x) - L(1));
}

template <class T, int bytes>
[[gnu::always_inline]] inline Lane<T, bytes> log1p(Lane<T, bytes> x) {
  using L = Lane<T, bytes>;
  const L u = L(1) + x, lost = (x - (u - L(1))) / u;
  const auto plain = u == L(std::numeric_limits<T>::infinity()) || u <= L(0);
  return log(u) + select(plain, L(0), lost);
}

template <class T, int bytes>
[[gnu::always_inline]] inline Lane<T, bytes> tanh(Lane<T, bytes> x) {
  using L = Lane<T, bytes>;
  const L size = abs(x), z = x * x;
  L near;
  if constexpr (sizeof(T) == 4) {
    near = x + x * z *
                   lanes::polynomial(z, {-3.33332819422e-1, 1.33314422036e-1, -5.37397155531e-2, 2.06390887954e-2,
                                         -5.70498872745e-3});
  } else {
    near = x + x * z *
                   lanes::polynomial(z, {-1.61468768441708447952e3, -9.92877231001918586564e1,
                                         -9.64399179425052238628e-1}) /
                   lanes::polynomial(z, {4.84406305325125486048e3, 2.23548839060100448583e3, 1.12811678491632931402e2,
                                         1});
  }
  const L far = L(1) - L(2) / (exp(size + size) + L(1));
  return select(size < L(T(0.625)), near, select(x < L(0), -far, far));
}

template <class T, int bytes>
[[gnu::always_inline]] inline Lane<T, bytes> sigmoid(Lane<T, bytes> x) {
  return Lane<T, bytes>(1) / (Lane<T, bytes>(1) + exp(-x));
}

template <class T, int bytes, class F>
[[gnu::always_inline]] inline Lane<T, bytes> by_number(Lane<T, bytes> x, F f) {
  return lanes::each(f, x);
}
template <class T, int bytes>
Lane<T, bytes> sin(Lane<T, bytes> x) {
  return by_number(x, [](T a) { return std::sin(a);
}); }
template <class T, int bytes>
Lane<T, bytes> cos(Lane<T, bytes> x) {
  return by_number(x, [](T a) { return std::cos(a);
}); }
template <class T, int bytes>
Lane<T, bytes> tan(Lane<T, bytes> x) {
  return by_number(x, [](T a) { return std::tan(a);
}); }
template <class T, int bytes>
Lane<T, bytes> atan(Lane<T, bytes> x) {
  return by_number(x, [](T a) { return std::atan(a);
}); }
template <class T, int bytes>
Lane<T, bytes> sinh(Lane<T, bytes> x) {
  return by_number(x, [](T a) { return std::sinh(a);
}); }
template <class T, int bytes>
Lane<T, bytes> cosh(Lane<T, bytes> x) {
  return by_number(x, [](T a) { return std::cosh(a);
}); }
template <class T, int bytes>
Lane<T, bytes> erf(Lane<T, bytes> x) {
  return by_number(x, [](T a) { return std::erf(a);
}); }
template <class T, int bytes>
Lane<T, bytes> floor(Lane<T, bytes> x) {
  return by_number(x, [](T a) { return std::floor(a);
}); }
template <class T, int bytes>
[[gnu::always_inline]] inline Lane<T, bytes> pow(Lane<T, bytes> x, Lane<T, bytes> y) {
  return lanes::each([](T a, T b) { return std::pow(a, b); }, x, y);
}
template <class T, int bytes, number U>
[[gnu::always_inline]] inline Lane<T, bytes> pow(Lane<T, bytes> x, U y) {
  return pow(x, Lane<T, bytes>(y));
}

// --- duals: one rule each --------------------------------------------------------------------------------------------

template <class T>
[[gnu::always_inline]] inline Dual<T> exp(Dual<T> x) {
  using std::exp;
  const T y = exp(x.value);
  return {y, y * x.slope};
}
template <class T>
[[gnu::always_inline]] inline Dual<T> expm1(Dual<T> x) {
  using std::expm1;
  const T y = expm1(x.value);
  return {y, (y + T(1)) * x.slope};
}
template <class T>
[[gnu::always_inline]] inline Dual<T> log(Dual<T> x) {
  using std::log;
  return {log(x.value), x.slope / x.value};
}
template <class T>
[[gnu::always_inline]] inline Dual<T> log1p(Dual<T> x) {
  using std::log1p;
  return {log1p(x.value), x.slope / (T(1) + x.value)};
}
template <class T>
[[gnu::always_inline]] inline Dual<T> sqrt(Dual<T> x) {
  using std::sqrt;
  const T y = sqrt(x.value);
  return {y, T(0.5) * x.slope / y};
}
template <class T>
[[gnu::always_inline]] inline Dual<T> tanh(Dual<T> x) {
  using std::tanh;
  const T y = tanh(x.value);
  return {y, (T(1) - y * y) * x.slope};
}
template <std::floating_point T>
T sigmoid(T x) {
  return 1 / (1 + std::exp(-x));
}
template <class T>
[[gnu::always_inline]] inline Dual<T> sigmoid(Dual<T> x) {
  const T y = sigmoid(x.value);
  return {y, y * (T(1) - y) * x.slope};
}
template <class T> Dual<T> cos(Dual<T> x);
template <class T>
[[gnu::always_inline]] inline Dual<T> sin(Dual<T> x) {
  using std::cos, std::sin;
  return {sin(x.value), cos(x.value) * x.slope};
}
template <class T>
[[gnu::always_inline]] inline Dual<T> cos(Dual<T> x) {
  using std::cos, std::sin;
  return {cos(x.value), -(sin(x.value) * x.slope)};
}
template <class T>
[[gnu::always_inline]] inline Dual<T> tan(Dual<T> x) {
  using std::tan;
  const T y = tan(x.value);
  return {y, (T(1) + y * y) * x.slope};
}
template <class T>
[[gnu::always_inline]] inline Dual<T> atan(Dual<T> x) {
  using std::atan;
  return {atan(x.value), x.slope / (T(1) + x.value * x.value)};
}
template <class T> Dual<T> cosh(Dual<T> x);
template <class T>
[[gnu::always_inline]] inline Dual<T> sinh(Dual<T> x) {
  using std::cosh, std::sinh;
  return {sinh(x.value), cosh(x.value) * x.slope};
}
template <class T>
[[gnu::always_inline]] inline Dual<T> cosh(Dual<T> x) {
  using std::cosh, std::sinh;
  return {cosh(x.value), sinh(x.value) * x.slope};
}
template <class T>
[[gnu::always_inline]] inline Dual<T> erf(Dual<T> x) {
  using std::erf, std::exp;
  return {erf(x.value), T(2 * std::numbers::inv_sqrtpi) * exp(-(x.value * x.value)) * x.slope};
}
template <class T>
[[gnu::always_inline]] inline Dual<T> floor(Dual<T> x) {
  using std::floor;
  return {floor(x.value), T(0)};
}
/// Slope 0 at 0.
template <class T>
[[gnu::always_inline]] inline Dual<T> abs(Dual<T> x) {
  using std::abs;
  const T sign = select(x.value < T(0), T(-1), select(x.value > T(0), T(1), T(0)));
  return {abs(x.value), sign * x.slope};
}
template <class T, number U>
Dual<T> pow(Dual<T> x, U y) {
  using std::pow;
  return {pow(x.value, y), T(y) * pow(x.value, y - 1) * x.slope};
}
template <class T>
Dual<T> pow(Dual<T> x, Dual<T> y) {
  using std::log, std::pow;
  const T p = pow(x.value, y.value);
  return {p, y.value * pow(x.value, y.value - T(1)) * x.slope + p * log(x.value) * y.slope};
}

// --- made of these ---------------------------------------------------------------------------------------------------

template <class T>
concept lane_or_scalar = lane<T> || scalar<T>;

/// log(1 + e^x)
template <lane_or_scalar T>
[[gnu::always_inline]] inline T softplus(T x) {
  using std::abs, std::exp, std::log1p;
  return select(x > T(0), x, T(0)) + log1p(exp(-abs(x)));
}
template <lane_or_scalar T>
[[gnu::always_inline]] inline T square(T x) {
  return x * x;
}
/// The larger; of equal ones the first, with its slope.
template <lane_or_scalar T>
[[gnu::always_inline]] inline T maximum(T a, T b) {
  return select(a >= b, a, b);
}
template <lane_or_scalar T>
[[gnu::always_inline]] inline T minimum(T a, T b) {
  return select(a <= b, a, b);
}
template <lane_or_scalar T>
[[gnu::always_inline]] inline T relu(T x) {
  return select(x > T(0), x, T(0));
}

}  // namespace xgrad
