#pragma once
// Internal to kernels/.
// The error function, its complement and its inverse, in the manner of lanes_math.hpp.
// Largest errors found against 50-digit arithmetic, in units in the last place of float32 / float64, stand beside each.

#include <xgrad/kernels/lanes_trig.hpp>

namespace xgrad::kernels {
namespace {

template <class T> struct ErfTerms;
template <> struct ErfTerms<float> {
  // erf(x) / x - 1 as a polynomial of x^2, up to x = 1.
  static constexpr float small[] = {0.128379166f,   -0.376126267f,   0.112835947f,  -0.026854212f,
                                    0.00518908742f, -0.000801686429f, 7.87587506e-5f};
  // erfc(x) exp(x^2) (1 + x) as a polynomial of (x - 3) / (x + 3), from x = 1/2 on.
  static constexpr float tail[] = {0.716004621f,   -0.230927249f,  0.0990190742f,    -0.010238919f,  -0.0237770942f,
                                   0.0220017801f, -0.00988693547f, 0.00140415477f, 0.000857130075f};
  static constexpr float last = 10.1f;
  static constexpr std::uint32_t upper_half = 0xfffff000u;
  static constexpr int inverse_steps = 1;
};
template <> struct ErfTerms<double> {
  static constexpr double small[] = {0.128379167095512567,   -0.376126389031835404,   0.112837916709450063,
                                     -0.0268661706432377704, 0.00522397760711642273,  -0.000854832597538969208,
                                     0.000120552949048397079, -0.0000149247369074196603, 1.64474247033173617e-6,
                                     -1.62084838018717007e-7, 1.37200645467776647e-8, -7.79589882700210585e-10};
  static constexpr double tail[] = {
      0.716004604725559794,     -0.230927333083809647,    0.0990207536794438309,    -0.0102353888989617924,
      -0.0238039131089664341,   0.021957764011262717,     -0.00975068928412385786,  0.00161856914553496484,
      0.000645814079733672485,  -0.000367288600652693907, -0.0000205506097999562063, 0.0000561197307996693583,
      -1.51924702445255778e-6,  -8.99000804040234616e-6,  2.75327236993791203e-7,   1.58517998650307842e-6,
      3.36397085773034113e-8,   -2.8291891147646259e-7,   -1.77114470801862709e-8,  3.75283818027214791e-8};
  static constexpr double last = 27.4;
  static constexpr std::uint64_t upper_half = 0xfffffffff8000000u;
  static constexpr int inverse_steps = 2;
};
template <class V> using E = ErfTerms<Lane<V>>;

// erfinv(x) / x as a polynomial of sqrt(-log(1 - x^2)), to 5e-4.
template <class T>
inline constexpr T erfinv_guess[] = {
    T(0.886571364367237227), T(-0.0115385019256950899), T(0.300971413299022462), T(-0.165799269571087439),
    T(0.209029851731629295), T(-0.123292973397342885),  T(0.0370843190155780177), T(-0.00609668174851142014),
    T(0.000524793093550031914), T(-0.0000185689234863731196)};

// exp(-x * x); what rounding takes from the square is put back.
template <class V>
inline V exp_minus_square(V x) {
  const V square = x * x;
  V lost;
  if constexpr (has_fma) {
    lost = mul_add(x, x, V(0) - square);
  } else {
    const V high = to_float_lane(bits(x) & BitLanes<V>(E<V>::upper_half)), low = x - high;
    lost = ((high * high - square) + V(2) * (high * low)) + low * low;
  }
  return exp_of_sum(V(0) - square, V(0) - lost);
}

template <class V>
inline V erf_small(V x) {
  return mul_add(x, polynomial(x * x, E<V>::small), x);
}

// erfc(a) for a of at least 1/2.
template <class V>
inline V erfc_tail(V a) {
  a = choose(a > V(E<V>::last), V(E<V>::last), a);
  const V t = (a - V(3)) / (a + V(3));
  return exp_minus_square(a) * polynomial(t, E<V>::tail) / (V(1) + a);
}

// 1.0 / 1.0
template <class V>
inline V erf_of(V x) {
  const V a = magnitude(x);
  const auto near = a < V(1);
  const V close = erf_small(choose(near, x, V(0)));
  if (!any_lane(a >= V(1))) return choose(x == x, close, x);
  const V far = with_sign_of(V(1) - erfc_tail(a), x);
  return choose(near, close, choose(x == x, far, x));
}

// 3.5 / 3.6
template <class V>
inline V erfc_of(V x) {
  const V a = magnitude(x);
  const auto near = a < number<V>(0.5);
  const V tail = erfc_tail(choose(near, V(1), a));
  const V far = choose(x < V(0), V(2) - tail, tail);
  return choose(near, V(1) - erf_small(choose(near, x, V(0))), choose(x == x, far, x));
}

// 2.0 / 2.0
template <class V>
inline V erfinv_of(V x) {
  const V a = magnitude(x);
  const auto inside = a < V(1);
  const V p = choose(inside, a, V(0)), q = V(1) - p;
  const auto near = p < number<V>(0.55);
  V y = p * polynomial(root(V(0) - log1p_of(V(0) - p * p)), erfinv_guess<Lane<V>>);
  for (int i = 0; i < E<V>::inverse_steps; ++i) {
    // Halley's step on erf near 0, on its complement beyond.
    const V missing = choose(near, erf_small(choose(near, y, V(0))) - p, q - erfc_tail(choose(near, V(1), y)));
    const V step = missing * number<V>(0.8862269254527580) / exp_minus_square(y);
    y = y - step / (V(1) + y * step);
  }
  const V ends = choose(a == V(1), infinity<V>(), not_a_number<V>());
  return choose(x == V(0), x, with_sign_of(choose(inside, y, ends), x));
}

struct Erf { template <class V> V operator()(V x) const { return erf_of(x); } };
struct Erfc { template <class V> V operator()(V x) const { return erfc_of(x); } };
struct Erfinv { template <class V> V operator()(V x) const { return erfinv_of(x); } };

}  // namespace
}  // namespace xgrad::kernels
