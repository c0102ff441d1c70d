#pragma once
// Internal to kernels/.
// tan, the inverse and hyperbolic functions, powers and logarithms of 2 and 10, in the manner of lanes_math.hpp.
// Largest errors found against 50-digit arithmetic, in units in the last place of float32 / float64, stand beside each.

#include <xgrad/kernels/lanes_math.hpp>

namespace xgrad::kernels {
namespace {

inline float root(float x) { return std::sqrt(x); }
inline double root(double x) { return std::sqrt(x); }
template <class T> inline Batch<T> root(Batch<T> x) { return xsimd::sqrt(x); }

template <class T> struct MoreConstants;
template <> struct MoreConstants<float> {
  static constexpr float atan_terms[] = {-0.333333318f, 0.199995398f, -0.142639312f, 0.107434678f, -0.0645105448f};
  static constexpr float asin_terms[] = {0.166666663f, 0.0750009454f, 0.0445994015f, 0.0311006627f, 0.0171492384f,
                                         0.0336908472f};
  static constexpr float pi_low = -0x1.777a5cp-24f, half_pi_low = -0x1.777a5cp-25f, quarter_pi_low = -0x1.777a5cp-26f,
                         three_quarters_pi_low = -0x1.99bc5cp-28f;
  static constexpr float large = 0x1p13f;  // log(2x) is arcsinh(x) and arccosh(x) from here on
  static constexpr float huge = 0x1p60f, tiny = 0x1p-40f, scale = 0x1p80f;
  static constexpr float exp2_low = -151.0f, exp2_high = 129.0f;
  static constexpr float log2_e_high = 0x1.714p+0f, log2_e_low = 0x1.47652cp-12f;
  static constexpr float log10_e_high = 0x1.bcap-2f, log10_e_low = 0x1.7b1526p-14f;
  static constexpr float log10_2_high = 0x1.344p-2f, log10_2_low = 0x1.3509f8p-18f;
  static constexpr std::uint32_t upper_half = 0xfffff000u;
};
template <> struct MoreConstants<double> {
  static constexpr double atan_terms[] = {-0.333333333333333301, 0.199999999999955034,  -0.142857142846629402,
                                          0.11111111014966641,   -0.0909090456635439815, 0.0769218291746115328,
                                          -0.0666450759756158128, 0.058581154762991811, -0.0508527480163884746,
                                          0.039226605510787452,  -0.0191707003936500399};
  static constexpr double asin_terms[] = {0.166666666666666486, 0.0750000000002076436, 0.0446428571034236434,
                                          0.0303819473670984815, 0.0223720476317445007, 0.0173552599557864801,
                                          0.0139296529023249694, 0.01187549438264838,   0.00780294947730190623,
                                          0.0160355143492936236, -0.0107490503399302011, 0.0281692182610435314};
  static constexpr double pi_low = 0x1.1a62633145c07p-53, half_pi_low = 0x1.1a62633145c07p-54,
                          quarter_pi_low = 0x1.1a62633145c07p-55,
                          three_quarters_pi_low = 0x1.a79394c9e8a0ap-54;
  static constexpr double large = 0x1p28;
  static constexpr double huge = 0x1p500, tiny = 0x1p-450, scale = 0x1p600;
  static constexpr double exp2_low = -1078.0, exp2_high = 1025.0;
  static constexpr double log2_e_high = 0x1.715476p+0, log2_e_low = 0x1.4ae0bf85ddf44p-26;
  static constexpr double log10_e_high = 0x1.bcb7b1p-2, log10_e_low = 0x1.49b9438ca9aaep-28;
  static constexpr double log10_2_high = 0x1.34413509f6p-2, log10_2_low = 0x1.9fef311f12b36p-42;
  static constexpr std::uint64_t upper_half = 0xfffffffff8000000u;
};
template <class V> using M = MoreConstants<Lane<V>>;

template <class V> inline V number(double x) { return V(static_cast<Lane<V>>(x)); }
template <class V> inline V infinity() { return V(std::numeric_limits<Lane<V>>::infinity()); }
template <class V> inline V not_a_number() { return V(std::numeric_limits<Lane<V>>::quiet_NaN()); }

// 1.8 / 2.0
template <class V>
inline V tan_of(V x) {
  const Quarter<V, true> part(x);
  const V odd = part.odd();
  const V up = choose(odd < V(0), V(0) - part.cos, part.sin), down = choose(odd < V(0), part.sin, part.cos);
  const V result = where_far(x, up / down, [](Lane<V> far) { return std::tan(far); });
  return choose(x == V(0), x, result);
}

// The angle of a point that is `up` high and `right` (or left) of the origin; neither is negative or NaN, and not both
// are 0 or infinite.
template <class V, class B>
inline V angle_of(V up, V right, B left) {
  const V wide = number<V>(2.414213562373095) * right, narrow = number<V>(0.41421356237309503) * right;
  const auto steep = up > wide, middle = up > narrow;
  const V top = choose(steep, V(0) - right, choose(middle, up - right, up));
  const V bottom = choose(steep, up, choose(middle, up + right, right));
  const V base = choose(left, choose(middle, number<V>(2.356194490192345), number<V>(3.141592653589793)),
                        choose(middle, number<V>(0.7853981633974483), V(0)));
  const V low = choose(left, choose(middle, V(M<V>::three_quarters_pi_low), V(M<V>::pi_low)),
                       choose(middle, V(M<V>::quarter_pi_low), V(0)));
  V t = top / bottom;
  t = choose(left, V(0) - t, t);
  const V z = t * t;
  return choose(steep, number<V>(1.5707963267948966), base) +
         (mul_add(t * z, polynomial(z, M<V>::atan_terms), choose(steep, V(M<V>::half_pi_low), low)) + t);
}

// 1.7 / 1.4
template <class V>
inline V arctan_of(V x) {
  const V a = magnitude(x);
  // From 2^60 on the angle does not change; infinity would meet itself in the quotient.
  return with_sign_of(angle_of(choose(a > number<V>(0x1p60), number<V>(0x1p60), a), V(1), a < V(0)), x);
}

// 1.2 / 1.3
template <class V>
inline V arctan2_of(V y, V x) {
  V up = magnitude(y), right = magnitude(x);
  const V most = choose(up > right, up, right);
  // Sums of the two must not overflow; both infinite or both 0 have angles of their own.
  const V large(std::numeric_limits<Lane<V>>::max() / 16);
  const V scale = choose(most > large, number<V>(0.0625), V(1));
  const V unscaled_up = up, unscaled_right = right;
  up = choose(most == infinity<V>(), choose(unscaled_up == most, V(1), V(0)), up * scale);
  right = choose(most == infinity<V>(), choose(unscaled_right == most, V(1), V(0)), right * scale);
  right = choose(most == V(0), V(1), right);
  const V angle = with_sign_of(angle_of(up, right, with_sign_of(V(1), x) < V(0)), y);
  return choose(x == x, choose(y == y, angle, y), x);
}

// arcsin(t) / t - 1 for t * t = z up to 1/4.
template <class V>
inline V arcsin_part(V z) {
  return z * polynomial(z, M<V>::asin_terms);
}

// 1.3 / 1.3
template <class V>
inline V arcsin_of(V x) {
  const V a = magnitude(x);
  const auto near = a <= number<V>(0.5);
  const V z = choose(near, a * a, (V(1) - a) * number<V>(0.5));
  const V t = choose(near, a, root(z));
  const V rest = t * arcsin_part(z);
  // pi / 2 - 2 (t + rest), where the root is taken in two parts and pi / 4 twice, to keep the sums small.
  const V high = to_float_lane(bits(t) & BitLanes<V>(M<V>::upper_half));
  const V low = (z - high * high) / choose(t == V(0), V(1), t + high);
  const V quarter = number<V>(0.7853981633974483);
  const V far = quarter - ((V(2) * rest - (V(M<V>::half_pi_low) - V(2) * low)) - (quarter - V(2) * high));
  return choose(a <= V(1), with_sign_of(choose(near, a + rest, far), x), not_a_number<V>());
}

// 1.1 / 1.3
template <class V>
inline V arccos_of(V x) {
  const V a = magnitude(x);
  const auto near = a <= number<V>(0.5);
  const V z = choose(near, a * a, (V(1) - a) * number<V>(0.5));
  const V t = choose(near, x, root(z));
  const V angle = mul_add(t, arcsin_part(z), t);
  const V middle = number<V>(1.5707963267948966) - (angle - V(M<V>::half_pi_low));
  const V twice = V(2) * angle;
  const V far = choose(x < V(0), number<V>(3.141592653589793) - (twice - V(M<V>::pi_low)), twice);
  return choose(a <= V(1), choose(near, middle, far), not_a_number<V>());
}

// e^a / 2 where e^a may overflow.
template <class V>
inline V half_exp(V a) {
  const V half = exp_of(a * number<V>(0.5));
  return (number<V>(0.5) * half) * half;
}

// 1.7 / 1.6
template <class V>
inline V sinh_of(V x) {
  const V a = magnitude(x);
  const auto far = a > V(K<V>::exp_direct);
  const V e = expm1_direct(choose(far, V(0), a));
  V result = number<V>(0.5) * (e + e / (e + V(1)));
  if (any_lane(far)) result = choose(far, half_exp(a), result);
  return choose(x == V(0), x, with_sign_of(choose(x == x, result, x), x));
}

// 1.4 / 1.4
template <class V>
inline V cosh_of(V x) {
  const V a = magnitude(x);
  const auto far = a > V(K<V>::exp_direct);
  const V half = number<V>(0.5) * exp_of(choose(far, V(0), a));
  V result = half + number<V>(0.25) / half;
  if (any_lane(far)) result = choose(far, half_exp(a), result);
  return result;
}

// 1.4 / 1.4
template <class V>
inline V arcsinh_of(V x) {
  const V a = magnitude(x);
  const auto far = a > V(M<V>::large);
  const V b = choose(far, V(1), a), square = b * b;
  V result = log1p_of(b + square / (V(1) + root(square + V(1))));
  if (any_lane(far)) result = choose(far, log_of(a) + number<V>(0.6931471805599453), result);
  return choose(x == x, with_sign_of(result, x), x);
}

// 1.7 / 1.6
template <class V>
inline V arccosh_of(V x) {
  const auto far = x > V(M<V>::large);
  const V t = choose(far, V(1), x) - V(1);
  V result = log1p_of(t + root(mul_add(t, t, t + t)));
  if (any_lane(far)) result = choose(far, log_of(x) + number<V>(0.6931471805599453), result);
  return choose(x >= V(1), result, not_a_number<V>());
}

// 1.6 / 1.8
template <class V>
inline V arctanh_of(V x) {
  const V a = magnitude(x);
  return with_sign_of(number<V>(0.5) * log1p_of((a + a) / (V(1) - a)), x);
}

// 1.0 / 1.0; whole powers are exact.
template <class V>
inline V exp2_of(V x) {
  V inside = choose(x > V(M<V>::exp2_high), V(M<V>::exp2_high), x);
  inside = choose(inside < V(M<V>::exp2_low), V(M<V>::exp2_low), inside);
  const V n = (inside + V(K<V>::round)) - V(K<V>::round);
  const V r = (inside - n) * number<V>(0.6931471805599453);
  const V first = n * number<V>(0.5) + V(K<V>::round);
  const V second = (n - (first - V(K<V>::round))) + V(K<V>::round);
  const V part = mul_add(r * r, polynomial(r, K<V>::exp_terms), r) + V(1);
  return part * power_of_two(first) * power_of_two(second);
}

template <class V>
inline V upper_half(V x) {
  return to_float_lane(bits(x) & BitLanes<V>(M<V>::upper_half));
}

// k * step + log(m) * unit for x = m 2^k. The high parts have few enough bits for exact products.
template <class V>
inline V log_with_base(V x, Lane<V> unit_high, Lane<V> unit_low, Lane<V> step_high, Lane<V> step_low) {
  const auto tiny = x < V(std::numeric_limits<Lane<V>>::min());
  V k;
  const V m = split(choose(tiny, x * V(K<V>::subnormal_scale), x), k);
  k = k - choose(tiny, V(K<V>::subnormal_exponent), V(0));
  const V f = m - V(1);
  const V s = f / (V(2) + f);
  const V z = s * s;
  const V half = number<V>(0.5) * f * f;
  const V rest = z * polynomial(z, K<V>::log_terms);
  const V high = upper_half(f - half);
  const V low = ((f - high) - half) + s * (half + rest);
  const V whole = k * V(step_high), product = high * V(unit_high);
  const V sum = whole + product;
  const V lost = choose(k == V(0), V(0), product - (sum - whole));
  const V small = mul_add(low, V(unit_high + unit_low), high * V(unit_low)) + k * V(step_low);
  return log_ends(sum + (small + lost), x);
}

// 0.7 / 0.7; whole logarithms are exact.
template <class V>
inline V log2_of(V x) {
  return log_with_base(x, M<V>::log2_e_high, M<V>::log2_e_low, Lane<V>(1), Lane<V>(0));
}

// 0.7 / 0.7; whole logarithms are exact.
template <class V>
inline V log10_of(V x) {
  return log_with_base(x, M<V>::log10_e_high, M<V>::log10_e_low, M<V>::log10_2_high, M<V>::log10_2_low);
}

// 0.8 / 0.8
template <class V>
inline V cbrt_of(V x) {
  const V a = magnitude(x);
  const V third = number<V>(1.0 / 3);
  const V guess = exp_of(log_of(a) * third);
  const V better = guess - (guess - a / (guess * guess)) * third;
  return choose(a > V(0), choose(a < infinity<V>(), with_sign_of(better, x), x), x);
}

// 1.0 / 1.0
template <class V>
inline V hypot_of(V x, V y) {
  const V a = magnitude(x), b = magnitude(y);
  const V most = choose(a > b, a, b);
  const V large = choose(most > V(M<V>::huge), V(1) / V(M<V>::scale), V(1));
  const V scale = choose(most < V(M<V>::tiny), V(M<V>::scale), large);
  const V p = a * scale, q = b * scale;
  const V result = root(mul_add(p, p, q * q)) / scale;
  return choose(a == infinity<V>(), a, choose(b == infinity<V>(), b, result));
}

// 1.0 / 1.0 of the larger of the result and the arguments
template <class V>
inline V log_add_exp_of(V a, V b) {
  const V high = choose(a > b, a, b), low = choose(a > b, b, a);
  const V result = high + log1p_of(exp_of(low - high));
  return choose(a == b, a + number<V>(0.6931471805599453), result);
}

struct Tan { template <class V> V operator()(V x) const { return tan_of(x); } };
struct Arcsin { template <class V> V operator()(V x) const { return arcsin_of(x); } };
struct Arccos { template <class V> V operator()(V x) const { return arccos_of(x); } };
struct Arctan { template <class V> V operator()(V x) const { return arctan_of(x); } };
struct Sinh { template <class V> V operator()(V x) const { return sinh_of(x); } };
struct Cosh { template <class V> V operator()(V x) const { return cosh_of(x); } };
struct Arcsinh { template <class V> V operator()(V x) const { return arcsinh_of(x); } };
struct Arccosh { template <class V> V operator()(V x) const { return arccosh_of(x); } };
struct Arctanh { template <class V> V operator()(V x) const { return arctanh_of(x); } };
struct Exp2 { template <class V> V operator()(V x) const { return exp2_of(x); } };
struct Log2 { template <class V> V operator()(V x) const { return log2_of(x); } };
struct Log10 { template <class V> V operator()(V x) const { return log10_of(x); } };
struct Cbrt { template <class V> V operator()(V x) const { return cbrt_of(x); } };
struct Arctan2 { template <class V> V operator()(V y, V x) const { return arctan2_of(y, x); } };
struct Hypot { template <class V> V operator()(V x, V y) const { return hypot_of(x, y); } };
struct LogAddExp { template <class V> V operator()(V a, V b) const { return log_add_exp_of(a, b); } };

// The operands of a kernel of two: vectors, or one value of one of them in every lane.
template <class Op, class T, unsigned form>
void math_pair_loop(void* out, const void* a, const void* b, const void*, std::int64_t count) {
  using V = Batch<T>;
  constexpr std::int64_t width = V::size;
  auto* result = static_cast<T*>(out);
  const auto* x = static_cast<const T*>(a);
  const auto* y = static_cast<const T*>(b);
  const V same_x = (form & scalar_a) ? V(*x) : V(T(0)), same_y = (form & scalar_b) ? V(*y) : V(T(0));
  const auto compute = [&](const T* p, const T* q) {
    V first, second;
    if constexpr (form & scalar_a) first = same_x;
    else first = V::load_unaligned(p);
    if constexpr (form & scalar_b) second = same_y;
    else second = V::load_unaligned(q);
    return Op{}(first, second);
  };
  std::int64_t i = 0;
  for (; i + width <= count; i += width) compute(x + i, y + i).store_unaligned(result + i);
  if (i == count) return;
  T p[width], q[width];
  for (std::int64_t k = 0; k < width; ++k) {
    const std::int64_t from = i + k < count ? i + k : i;
    p[k] = x[form & scalar_a ? 0 : from];
    q[k] = y[form & scalar_b ? 0 : from];
  }
  compute(p, q).store_unaligned(p);
  for (std::int64_t k = 0; i + k < count; ++k) result[i + k] = p[k];
}

template <class Op, class T>
Kernel math_pair(unsigned form) {
  switch (form) {
    case all_vectors: return math_pair_loop<Op, T, all_vectors>;
    case scalar_a: return math_pair_loop<Op, T, scalar_a>;
    case scalar_b: return math_pair_loop<Op, T, scalar_b>;
    default: return nullptr;
  }
}

}  // namespace
}  // namespace xgrad::kernels
