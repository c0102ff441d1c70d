#pragma once
// Internal to kernels/.
// exp, log, tanh and their kin, written once for a vector of lanes and for a single number with the same operations, so
// that a value has the same bits wherever it stands. Internal linkage, as in lanes_simple.hpp.

#include <xgrad/kernels/lanes.hpp>
#include <xgrad/kernels/mul_add.hpp>

#include <xsimd/xsimd.hpp>

#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>
#include <type_traits>

namespace xgrad::kernels {
namespace {

template <class T>
using Batch = xsimd::batch<T>;

template <class V> struct LaneOf { using Type = V; };
template <class T, class A> struct LaneOf<xsimd::batch<T, A>> { using Type = T; };
template <class V> using Lane = typename LaneOf<V>::Type;

template <class T> using BitsOf = std::conditional_t<sizeof(T) == 4, std::uint32_t, std::uint64_t>;

inline float to_float_lane(std::uint32_t x) { return __builtin_bit_cast(float, x); }
inline double to_float_lane(std::uint64_t x) { return __builtin_bit_cast(double, x); }
inline std::uint32_t bits(float x) { return __builtin_bit_cast(std::uint32_t, x); }
inline std::uint64_t bits(double x) { return __builtin_bit_cast(std::uint64_t, x); }
inline Batch<float> to_float_lane(Batch<std::uint32_t> x) { return xsimd::bitwise_cast<Batch<float>>(x); }
inline Batch<double> to_float_lane(Batch<std::uint64_t> x) { return xsimd::bitwise_cast<Batch<double>>(x); }
inline Batch<std::uint32_t> bits(Batch<float> x) { return xsimd::bitwise_cast<Batch<std::uint32_t>>(x); }
inline Batch<std::uint64_t> bits(Batch<double> x) { return xsimd::bitwise_cast<Batch<std::uint64_t>>(x); }

template <class T> requires std::is_floating_point_v<T>
inline T choose(bool mask, T a, T b) { return mask ? a : b; }
template <class T> inline Batch<T> choose(xsimd::batch_bool<T> mask, Batch<T> a, Batch<T> b) {
  return xsimd::select(mask, a, b);
}
inline bool any_lane(bool mask) { return mask; }
template <class T> inline bool any_lane(xsimd::batch_bool<T> mask) { return xsimd::any(mask); }
template <class T> requires std::is_floating_point_v<T>
inline T magnitude(T x) { return std::fabs(x); }
template <class T> inline Batch<T> magnitude(Batch<T> x) { return xsimd::abs(x); }

template <class V> inline V with_sign_of(V value, V sign) {
  using U = BitsOf<Lane<V>>;
  const auto top = bits(V(Lane<V>(-0.0)));
  static_assert(sizeof(U) == sizeof(Lane<V>));
  return to_float_lane((bits(value) | (bits(sign) & top)));
}

template <class V, int n>
inline V polynomial(V x, const Lane<V> (&c)[n]) {
  V sum(c[n - 1]);
  for (int i = n - 2; i >= 0; --i) sum = mul_add(sum, x, V(c[i]));
  return sum;
}

template <class T> struct Constants;
template <> struct Constants<float> {
  static constexpr int mantissa = 23;
  static constexpr float round = 12582912.0f;  // 1.5 * 2^23: adding it leaves the nearest integer in the low bits
  static constexpr float ln2_high = 0x1.62e4p-1f, ln2_low = 0x1.7f7d1cp-20f;
  static constexpr float exp_direct = 87.0f, exp_low = -105.0f, exp_high = 89.0f;
  static constexpr float exp_terms[] = {0.5f, 0.166665768459939763f, 0.0416665544376859389f, 0.00836320297157585495f,
                                        0.0013926213466332443f};
  static constexpr float log_terms[] = {0.666666851587706814f, 0.399887318311641508f, 0.295821589467685478f};
  static constexpr float sin_terms[] = {-0.166666646382098551f, 0.00833274359518182404f, -0.000195868827657020457f};
  static constexpr float cos_terms[] = {0.0416666646353524596f, -0.00138882983509400128f, 0.0000245469318413320709f};
  static constexpr float half_pi[] = {0x1.92p+0f, 0x1.fb4p-12f, 0x1.444p-24f, 0x1.68c234p-39f};
  static constexpr float trig_limit = 1000.0f;
  static constexpr float tanh_limit = 10.0f;
  static constexpr float subnormal_scale = 0x1p24f;
  static constexpr float subnormal_exponent = 24.0f;
  static constexpr std::uint32_t one = 0x3f800000u, sqrt_half = 0x3f3504f3u, fraction = 0x007fffffu;
  static constexpr std::uint32_t integer = 0x4b000000u;  // the bits of 2^23
  static constexpr float integer_bias = 8388608.0f + 127.0f;
};
template <> struct Constants<double> {
  static constexpr int mantissa = 52;
  static constexpr double round = 6755399441055744.0;
  static constexpr double ln2_high = 0x1.62e42fefa3800p-1, ln2_low = 0x1.ef35793c76730p-45;
  static constexpr double exp_direct = 708.0, exp_low = -746.0, exp_high = 710.0;
  static constexpr double exp_terms[] = {0.500000000000000103,    0.166666666666666675,    0.0416666666666239915,
                                         0.00833333333333005135,  0.00138888889172817933,  0.000198412698631059687,
                                         0.0000248015211902177277, 2.75572683786841929e-6, 2.76201387197339956e-7,
                                         2.51004241570050668e-8};
  static constexpr double log_terms[] = {0.666666666666666973, 0.399999999998981919, 0.285714286265702036,
                                         0.222222110378165877, 0.181828961834830866, 0.153314872358657332,
                                         0.146193434535126152};
  static constexpr double sin_terms[] = {-0.166666666666666646,  0.00833333333333090042,  -0.000198412698366860081,
                                         2.75573160649867715e-6, -2.50511240313820815e-8, 1.59175674789067995e-10};
  static constexpr double cos_terms[] = {0.0416666666666666654,   -0.00138888888888873672, 0.0000248015872987202923,
                                         -2.75573172482293661e-7, 2.0876141380294957e-9,   -1.13822809577026328e-11};
  static constexpr double half_pi[] = {0x1.921fb544p+0, 0x1.0b4611a6p-34, 0x1.3198a2e037073p-69};
  static constexpr double trig_limit = 1e6;
  static constexpr double tanh_limit = 20.0;
  static constexpr double subnormal_scale = 0x1p54;
  static constexpr double subnormal_exponent = 54.0;
  static constexpr std::uint64_t one = 0x3ff0000000000000u, sqrt_half = 0x3fe6a09e667f3bcdu;
  static constexpr std::uint64_t fraction = 0x000fffffffffffffu;
  static constexpr std::uint64_t integer = 0x4330000000000000u;  // the bits of 2^52
  static constexpr double integer_bias = 4503599627370496.0 + 1023.0;
};
template <class V> using K = Constants<Lane<V>>;
template <class V> using BitLanes = decltype(bits(V{}));

// x = n ln 2 + r with |r| <= ln 2 / 2.
template <class V>
struct Reduced {
  V shifted;  // n + round
  V n, r;
  V lost;  // what rounding took from r, kept where there are more roundings
  explicit Reduced(V x) {
    shifted = x * V(Lane<V>(1.4426950408889634074)) + V(K<V>::round);
    n = shifted - V(K<V>::round);
    const V close = mul_add(n, V(-K<V>::ln2_high), x);
    r = mul_add(n, V(-K<V>::ln2_low), close);
    if constexpr (!has_fma) lost = (close - r) - n * V(K<V>::ln2_low);
  }
  // exp(r) - 1
  V minus_one() const {
    if constexpr (has_fma) return mul_add(r * r, polynomial(r, K<V>::exp_terms), r);
    else return (r * r * polynomial(r, K<V>::exp_terms) + lost) + r;
  }
};

// 2^n for a normal result, from n + round.
template <class V>
inline V power_of_two(V shifted) {
  return to_float_lane((bits(shifted) << K<V>::mantissa) + BitLanes<V>(K<V>::one));
}

// exp(x + more) for a `more` far below 1, which is added before anything is rounded to the result's digits.
template <class V>
inline V exp_of_sum(V x, V more) {
  const auto value = [more](const Reduced<V>& part) {
    const V m = part.minus_one();
    return mul_add(more, m + V(1), m) + V(1);
  };
  if (!any_lane(magnitude(x) > V(K<V>::exp_direct))) {
    const Reduced<V> part(x);
    return value(part) * power_of_two(part.shifted);
  }
  // Two factors reach overflow and the subnormals; both multiplications but the last are exact.
  V inside = choose(x > V(K<V>::exp_high), V(K<V>::exp_high), x);
  inside = choose(inside < V(K<V>::exp_low), V(K<V>::exp_low), inside);
  const Reduced<V> part(inside);
  const V first = part.n * V(Lane<V>(0.5)) + V(K<V>::round);
  const V second = (part.n - (first - V(K<V>::round))) + V(K<V>::round);
  return value(part) * power_of_two(first) * power_of_two(second);
}

template <class V>
inline V exp_of(V x) {
  if (!any_lane(magnitude(x) > V(K<V>::exp_direct))) {
    const Reduced<V> part(x);
    return (part.minus_one() + V(1)) * power_of_two(part.shifted);
  }
  // Two factors reach overflow and the subnormals; both multiplications but the last are exact.
  V inside = choose(x > V(K<V>::exp_high), V(K<V>::exp_high), x);
  inside = choose(inside < V(K<V>::exp_low), V(K<V>::exp_low), inside);
  const Reduced<V> part(inside);
  const V first = part.n * V(Lane<V>(0.5)) + V(K<V>::round);
  const V second = (part.n - (first - V(K<V>::round))) + V(K<V>::round);
  return (part.minus_one() + V(1)) * power_of_two(first) * power_of_two(second);
}

// For |x| small enough that 2^n is normal.
template <class V>
inline V expm1_direct(V x) {
  const Reduced<V> part(x);
  const V scale = power_of_two(part.shifted);
  return mul_add(scale, part.minus_one(), scale - V(1));
}

template <class V>
inline V expm1_of(V x) {
  const auto far = magnitude(x) > V(K<V>::exp_direct);
  V result = expm1_direct(choose(far, V(0), x));
  if (any_lane(far)) result = choose(far, exp_of(x) - V(1), result);
  return choose(x == V(0), x, result);
}

template <class V>
inline V tanh_of(V x) {
  V a = magnitude(x);
  a = choose(a > V(K<V>::tanh_limit), V(K<V>::tanh_limit), a);
  const V t = expm1_direct(a + a);
  return with_sign_of(t / (t + V(2)), x);
}

template <class V>
inline V sigmoid_of(V x) {
  const V e = exp_of(V(0) - magnitude(x));
  return choose(x < V(0), e, V(1)) / (V(1) + e);
}

// log(m 2^k) + tail for m near 1, where tail is small.
template <class V>
inline V log_sum(V m, V k, V tail) {
  const V f = m - V(1);
  const V s = f / (V(2) + f);
  const V z = s * s;
  const V half = V(Lane<V>(0.5)) * f * f;
  const V rest = z * polynomial(z, K<V>::log_terms);
  const V low = mul_add(s, half + rest, mul_add(k, V(K<V>::ln2_low), tail));
  return mul_add(k, V(K<V>::ln2_high), f - (half - low));
}

// Splits a positive normal x into m in [sqrt(1/2), sqrt(2)) and an exponent.
template <class V>
inline V split(V x, V& k) {
  const auto shifted = bits(x) + BitLanes<V>(K<V>::one - K<V>::sqrt_half);
  k = to_float_lane((shifted >> K<V>::mantissa) | BitLanes<V>(K<V>::integer)) - V(K<V>::integer_bias);
  return to_float_lane((shifted & BitLanes<V>(K<V>::fraction)) + BitLanes<V>(K<V>::sqrt_half));
}

template <class V>
inline V log_ends(V result, V x) {
  using T = Lane<V>;
  result = choose(x == V(std::numeric_limits<T>::infinity()), x, result);
  result = choose(x == V(0), V(-std::numeric_limits<T>::infinity()), result);
  return choose(x >= V(0), result, V(std::numeric_limits<T>::quiet_NaN()));
}

template <class V>
inline V log_of(V x) {
  const auto tiny = x < V(std::numeric_limits<Lane<V>>::min());
  V k;
  const V m = split(choose(tiny, x * V(K<V>::subnormal_scale), x), k);
  k = k - choose(tiny, V(K<V>::subnormal_exponent), V(0));
  return log_ends(log_sum(m, k, V(0)), x);
}

template <class V>
inline V log1p_of(V x) {
  const V u = x + V(1);
  V k;
  const V m = split(u, k);
  // What the rounding of 1 + x left out, as a change of the logarithm.
  const V lost = choose(x >= V(1), V(1) - (u - x), x - (u - V(1)));
  const V result = log_ends(log_sum(m, k, lost / u), u);
  return choose(x == V(0), x, result);
}

template <class V>
inline V softplus_of(V x) {
  return choose(x > V(0), x, V(0)) + log1p_of(exp_of(V(0) - magnitude(x)));
}

// x = n pi / 2 + r with |r| <= pi / 4: the sine and cosine of r, and n in the low bits of `quadrant`. If `exactly`,
// what rounding takes from r is put back.
template <class V, bool exactly = false>
struct Quarter {
  V sin, cos;
  BitLanes<V> quadrant;
  explicit Quarter(V x) {
    using T = Lane<V>;
    const V shifted = x * V(T(0.63661977236758134308)) + V(K<V>::round);
    const V n = shifted - V(K<V>::round);
    V r = x, lost(T(0));
    for (const T part : K<V>::half_pi) {
      const V before = r;
      r = mul_add(n, V(-part), r);
      if constexpr (exactly) lost = lost + mul_add(n, V(-part), before - r);
    }
    if constexpr (exactly) {
      const V before = r;
      r = r + lost;
      lost = (before - r) + lost;
    }
    const V z = r * r;
    const V half = V(T(0.5)) * z;
    const V c = V(1) - half;
    V sin_rest = r * z * polynomial(z, K<V>::sin_terms);
    V cos_rest = mul_add(z * z, polynomial(z, K<V>::cos_terms), (V(1) - c) - half);
    if constexpr (exactly) {
      sin_rest = mul_add(lost, c, sin_rest);
      cos_rest = mul_add(V(0) - lost, r, cos_rest);
      sin = r + sin_rest;
    } else {
      sin = mul_add(r * z, polynomial(z, K<V>::sin_terms), r);
    }
    cos = c + cos_rest;
    quadrant = bits(shifted);
  }
  // -1 where n is odd, else 1.
  V odd() const {
    constexpr int top = sizeof(Lane<V>) * 8 - 1;
    return to_float_lane(((quadrant & BitLanes<V>(1u)) << top) | BitLanes<V>(K<V>::one));
  }
};

// f, one lane at a time, where x is too large for the reduction above.
template <class V, class F>
inline V where_far(V x, V result, F f) {
  using T = Lane<V>;
  if (!any_lane(magnitude(x) > V(K<V>::trig_limit))) return result;
  constexpr int count = sizeof(V) / sizeof(T);
  T from[count], to[count];
  std::memcpy(from, &x, sizeof(V));
  std::memcpy(to, &result, sizeof(V));
  for (int i = 0; i < count; ++i) {
    if (std::fabs(from[i]) > K<V>::trig_limit) to[i] = f(from[i]);
  }
  std::memcpy(&result, to, sizeof(V));
  return result;
}

template <bool cosine, class V>
inline V trig_of(V x) {
  using T = Lane<V>;
  using B = BitLanes<V>;
  Quarter<V> part(x);
  if constexpr (cosine) part.quadrant = part.quadrant + B(1u);
  const V sign = to_float_lane((part.quadrant >> 1) << (sizeof(T) * 8 - 1));
  V result = to_float_lane(bits(choose(part.odd() < V(0), part.cos, part.sin)) ^ bits(sign));
  result = where_far(x, result, [](T far) { return cosine ? std::cos(far) : std::sin(far); });
  if constexpr (cosine) return result;
  else return choose(x == V(0), x, result);
}

struct Exp { template <class V> V operator()(V x) const { return exp_of(x); } };
struct Expm1 { template <class V> V operator()(V x) const { return expm1_of(x); } };
struct Log { template <class V> V operator()(V x) const { return log_of(x); } };
struct Log1p { template <class V> V operator()(V x) const { return log1p_of(x); } };
struct Sin { template <class V> V operator()(V x) const { return trig_of<false>(x); } };
struct Cos { template <class V> V operator()(V x) const { return trig_of<true>(x); } };
struct Tanh { template <class V> V operator()(V x) const { return tanh_of(x); } };
struct Sigmoid { template <class V> V operator()(V x) const { return sigmoid_of(x); } };
struct Softplus { template <class V> V operator()(V x) const { return softplus_of(x); } };

template <class Op, class T>
void math_loop(void* out, const void* a, const void*, const void*, std::int64_t count) {
  using V = Batch<T>;
  constexpr std::int64_t width = V::size;
  auto* result = static_cast<T*>(out);
  const auto* x = static_cast<const T*>(a);
  if (count >= width) {
    // The last vector overlaps its neighbour; it is read before anything is written, so out may be a.
    const V last = V::load_unaligned(x + count - width);
    std::int64_t i = 0;
    for (; i + width <= count; i += width) Op{}(V::load_unaligned(x + i)).store_unaligned(result + i);
    if (i < count) Op{}(last).store_unaligned(result + count - width);
  } else if (count == 1) {
    *result = Op{}(*x);
  } else if (count > 0) {
    T padded[width];
    for (std::int64_t i = 0; i < width; ++i) padded[i] = x[i < count ? i : 0];
    Op{}(V::load_unaligned(padded)).store_unaligned(padded);
    for (std::int64_t i = 0; i < count; ++i) result[i] = padded[i];
  }
}

}  // namespace
}  // namespace xgrad::kernels
