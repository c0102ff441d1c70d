#include "accuracy_reference.hpp"

#include <algorithm>

namespace accuracy {

namespace {

const Quad pi = M_PIq;

// x in quarters of pi times `scale`; the remainder is exact.
Quad sin_pi(Quad x) {
  const Quad r = remainderq(x, 2);
  return fabsq(r) > 0.5Q ? (r > 0 ? sinq(pi * (1 - r)) : -sinq(pi * (1 + r))) : sinq(pi * r);
}
Quad sinc(Quad x) { return x == 0 ? 1 : sin_pi(x) / (pi * x); }
Quad sigmoid(Quad x) { return 1 / (1 + expq(-x)); }
Quad softplus(Quad x) { return x > 0 ? x + log1pq(expq(-x)) : log1pq(expq(x)); }
Quad exp2(Quad x) { return powq(2, x); }
Quad reciprocal(Quad x) { return 1 / x; }
Quad logaddexp(Quad a, Quad b) { return fmaxq(a, b) + log1pq(expq(-fabsq(a - b))); }
Quad logaddexp2(Quad a, Quad b) { return fmaxq(a, b) + log1pq(powq(2, -fabsq(a - b))) / M_LN2q; }
Quad xlogy(Quad x, Quad y) { return x == 0 ? 0 : x * logq(y); }

// Newton's method on erf, on erfc where that has the digits.
Quad erfinv(Quad x) {
  const Quad a = fabsq(x);
  Quad y = a < 0.9Q ? a * 0.886Q : sqrtq(-logq((1 - a) * 2));
  for (int i = 0; i < 60; ++i) {
    const Quad off = a < 0.5Q ? erfq(y) - a : (1 - a) - erfcq(y);
    const Quad slope = 2 / sqrtq(pi) * expq(-y * y);
    const Quad step = off / slope;
    // Halley's correction keeps the way from far away short.
    const Quad change = step / (1 + y * step);
    y -= change;
    if (fabsq(change) < 1e-33Q * (fabsq(y) + 1e-4900Q)) break;
  }
  return x < 0 ? -y : y;
}

constexpr double numerators[] = {1, -1, 1, -1, 5, -691, 7, -3617, 43867, -174611, 854513, -236364091, 8553103};
constexpr double denominators[] = {6, 30, 42, 30, 66, 2730, 6, 510, 798, 330, 138, 2730, 6};

Quad digamma_positive(Quad x) {
  Quad sum = 0;
  while (x < 40) {
    sum -= 1 / x;
    x += 1;
  }
  const Quad z = 1 / (x * x);
  Quad power = z, series = 0;
  for (int j = 0; j < 13; ++j) {
    series += Quad(numerators[j]) / Quad(denominators[j]) / (2 * (j + 1)) * power;
    power *= z;
  }
  return sum + logq(x) - 0.5Q / x - series;
}
Quad digamma(Quad x) {
  if (x > 0) return digamma_positive(x);
  const Quad part = x - rintq(x);
  return digamma_positive(1 - x) - pi * cosq(pi * part) / sinq(pi * part);
}

template <int n>
Quad inverse_power(Quad x) {
  Quad product = 1;
  for (int i = 0; i < n; ++i) product *= x;
  return 1 / product;
}

// (-1)^(n+1) n! times the sum of (x + k)^-(n+1), by Euler and Maclaurin.
template <int n>
Quad polygamma(Quad x) {
  constexpr int s = n + 1;
  Quad sum = 0;
  for (; x < 40; x += 1) sum += inverse_power<s>(x);
  Quad total = inverse_power<s - 1>(x) / (s - 1) + 0.5Q * inverse_power<s>(x), factorial = 2, rising = s;
  Quad power = inverse_power<s + 1>(x);
  for (int j = 0; j < 13; ++j) {
    total += Quad(numerators[j]) / Quad(denominators[j]) / factorial * rising * power;
    power /= x * x;
    factorial *= Quad((2 * j + 3) * (2 * j + 4));
    rising *= Quad((s + 2 * j + 1) * (s + 2 * j + 2));
  }
  return (n % 2 ? 1 : -1) * tgammaq(n + 1) * (sum + total);
}

// exp(-a) I_n(a), n = 0 or 1.
Quad bessel_scaled(int n, Quad a) {
  if (a > 120) {
    Quad term = 1, sum = 1;
    const Quad m = 4 * n * n;
    for (int k = 1; k < 100; ++k) {
      const Quad odd = 2 * k - 1, next = -term * (m - odd * odd) / (8 * k * a);
      if (fabsq(next) > fabsq(term)) break;
      term = next;
      sum += term;
    }
    return sum / sqrtq(2 * pi * a);
  }
  const Quad z = a * a / 4;
  Quad term = 1, sum = 1;
  for (int k = 1; term > 1e-36Q * sum; ++k) {
    term *= z / (Quad(k) * (k + n));
    sum += term;
  }
  return (n ? a / 2 : 1) * sum * expq(-a);
}
template <int n, bool scaled>
Quad bessel(Quad x) {
  const Quad a = fabsq(x), value = bessel_scaled(n, a) * (scaled ? 1 : expq(a));
  return n && x < 0 ? -value : value;
}

constexpr double most = 1.7976931348623157e308;

}  // namespace

const std::vector<Function>& functions() {
  static const std::vector<Function> all = {
      {"exp", expq, nullptr, {-746, 710, -90, 90, {0}}},
      {"exp2", exp2, nullptr, {-1075, 1024, -130, 130, {0}}},
      {"expm1", expm1q, nullptr, {-746, 710, -2, 2, {0}}},
      {"log", logq, nullptr, {0, most, 0, 4, {1}}},
      {"log2", log2q, nullptr, {0, most, 0, 4, {1}}},
      {"log10", log10q, nullptr, {0, most, 0, 4, {1}}},
      {"log1p", log1pq, nullptr, {-1, most, -1, 3, {0, -1}}},
      {"sqrt", sqrtq, nullptr, {0, most, 0, 4}},
      {"cbrt", cbrtq, nullptr, {-most, most, -10, 10}},
      {"reciprocal", reciprocal, nullptr, {-most, most, -10, 10}},
      {"sin", sinq, nullptr, {-most, most, -30, 30, {0, M_PI, 2 * M_PI, 10 * M_PI}}},
      {"cos", cosq, nullptr, {-most, most, -30, 30, {M_PI / 2, 1.5 * M_PI, 20.5 * M_PI}}},
      {"tan", tanq, nullptr, {-most, most, -30, 30, {0, M_PI / 2, M_PI, 1.5 * M_PI, 20.5 * M_PI}}},
      {"arcsin", asinq, nullptr, {-1, 1, -1, 1, {0.5, 1, -1}}},
      {"arccos", acosq, nullptr, {-1, 1, -1, 1, {0, 0.5, 1, -1}}},
      {"arctan", atanq, nullptr, {-most, most, -3, 3, {0, 1}}},
      {"arctan2", nullptr, atan2q, {-most, most, -3, 3}, {-most, most, -3, 3}},
      {"sinh", sinhq, nullptr, {-711, 711, -4, 4, {0}}},
      {"cosh", coshq, nullptr, {-711, 711, -4, 4, {0}}},
      {"tanh", tanhq, nullptr, {-most, most, -4, 4, {0}}},
      {"arcsinh", asinhq, nullptr, {-most, most, -4, 4, {0}}},
      {"arccosh", acoshq, nullptr, {1, most, 1, 4, {1}}},
      {"arctanh", atanhq, nullptr, {-1, 1, -1, 1, {0, 1, -1}}},
      {"sigmoid", sigmoid, nullptr, {-746, most, -20, 20, {0}}},
      {"softplus", softplus, nullptr, {-746, most, -20, 20, {0}}},
      {"sinc", sinc, nullptr, {-most, most, -5, 5, {0, 1, 2, 3}}},
      {"hypot", nullptr, hypotq, {-most, most, -3, 3}, {-most, most, -3, 3}},
      {"logaddexp", nullptr, logaddexp, {0, most, 0, 40}, {0, most, 0, 40}},
      {"logaddexp2", nullptr, logaddexp2, {0, most, 0, 40}, {0, most, 0, 40}},
      {"power", nullptr, powq, {0, most, 0, 3, {1}}, {-most, most, -20, 20}},
      {"xlogy", nullptr, xlogy, {-most, most, -3, 3}, {0, most, 0, 4, {1}}},
      {"erf", erfq, nullptr, {-most, most, -6, 6, {0}}},
      {"erfc", erfcq, nullptr, {-most, 28, -6, 27, {0}}},
      {"erfinv", erfinv, nullptr, {-1, 1, -1, 1, {0, 1, -1}}},
      {"lgamma", lgammaq, nullptr, {0, most, 0, 30, {0, 1, 2}}},
      {"digamma", digamma, nullptr, {0, most, 0, 30, {0, 1, 1.4616321449683623}}},
      {"trigamma", polygamma<1>, nullptr, {0, most, 0, 30, {0, 1}}},
      {"polygamma 2", polygamma<2>, nullptr, {0, most, 0, 30, {0, 1}}},
      {"polygamma 3", polygamma<3>, nullptr, {0, most, 0, 30, {0, 1}}},
      {"i0", bessel<0, false>, nullptr, {-713, 713, -20, 20, {0, 8}}},
      {"i0e", bessel<0, true>, nullptr, {-most, most, -20, 20, {0, 8}}},
      {"i1", bessel<1, false>, nullptr, {-713, 713, -20, 20, {0, 8}}},
      {"i1e", bessel<1, true>, nullptr, {-most, most, -20, 20, {0, 8}}},
      {"digamma below 0", digamma, nullptr, {-1e15, 0, -30, 0, {0, -1, -2}}},
  };
  return all;
}

}  // namespace accuracy
