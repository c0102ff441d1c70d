#pragma once
// What each instruction of the tile machine should give, one element at a time, for the tests of kernels.

#include <xgrad/kernels/tile.hpp>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <stdexcept>
#include <utility>

namespace kernels_reference {

using namespace xgrad;
using namespace xgrad::kernels;

// One element of any type: floats in f, the others in i.
struct Value {
  double f = 0;
  std::int64_t i = 0;
};

inline Value read(DType type, const std::byte* p) {
  return with_dtype(type, [&](auto x) {
    std::memcpy(&x, p, sizeof(x));
    return is_floating(type) ? Value{static_cast<double>(x), 0} : Value{0, static_cast<std::int64_t>(x)};
  });
}

inline void write(DType type, std::byte* p, Value v) {
  with_dtype(type, [&](auto x) {
    using T = decltype(x);
    if (std::is_floating_point_v<T>) x = static_cast<T>(v.f);
    else x = static_cast<T>(v.i);
    std::memcpy(p, &x, sizeof(x));
  });
}

inline Value round_to(DType type, Value v) {
  std::byte bytes[8];
  write(type, bytes, v);
  return read(type, bytes);
}

inline bool same(DType type, Value x, Value y) {
  if (!is_floating(type)) return x.i == y.i;
  return (std::isnan(x.f) && std::isnan(y.f)) || (x.f == y.f && std::signbit(x.f) == std::signbit(y.f));
}

inline Value cast_reference(DType in, DType out, Value a) {
  if (out == bool_) return {0, is_floating(in) ? a.f != 0 : a.i != 0};
  if (is_floating(out)) return {is_floating(in) ? a.f : out == float32 ? double(float(a.i)) : double(a.i), 0};
  if (!is_floating(in)) return a;
  if (std::isnan(a.f)) return {};
  const auto limits = with_dtype(out, [](auto x) {
    using T = decltype(x);
    return std::pair<std::int64_t, std::int64_t>{std::int64_t(std::numeric_limits<T>::min()),
                                                 std::int64_t(std::numeric_limits<T>::max())};
  });
  if (a.f >= static_cast<double>(limits.second)) return {0, limits.second};
  if (a.f <= static_cast<double>(limits.first)) return {0, limits.first};
  return {0, static_cast<std::int64_t>(a.f)};
}

inline std::int64_t power_reference(std::int64_t base, std::int64_t exponent) {
  if (exponent < 0) return base == 1 ? 1 : base == -1 ? (exponent % 2 ? -1 : 1) : 0;
  std::uint64_t result = 1;
  for (int bit = 62; bit >= 0; --bit) {
    result *= result;
    if (exponent >> bit & 1) result *= static_cast<std::uint64_t>(base);
  }
  return static_cast<std::int64_t>(result);
}

inline bool is_rounded_math(Code code) {
  return (code >= Code::exp && code <= Code::erfc) || code == Code::power || code == Code::arctan2 ||
         code == Code::hypot || code == Code::floor_divide;
}

/// How far a function of real numbers may be off, in units in the last place.
inline double most_ulps(Code code) {
  if (code == Code::power) return 2;
  return code == Code::erfc || code == Code::tan ? 4 : code == Code::floor_divide ? 1 : 3;
}

inline long double floor_divide_reference(long double x, long double y) {
  if (y == 0) return x / y;
  const long double left = std::fmod(x, y);
  long double quotient = (x - left) / y;
  if (left != 0 && (left < 0) != (y < 0)) quotient -= 1;
  return quotient == 0 ? std::copysign(quotient, x / y) : quotient;
}

inline long double math_reference(Code code, long double x, long double y = 0) {
  switch (code) {
    case Code::exp: return std::exp(x);
    case Code::expm1: return std::expm1(x);
    case Code::log: return std::log(x);
    case Code::log1p: return std::log1p(x);
    case Code::sin: return std::sin(x);
    case Code::cos: return std::cos(x);
    case Code::tanh: return std::tanh(x);
    case Code::sigmoid: return 1 / (1 + std::exp(-x));
    case Code::softplus: return (std::isnan(x) ? x : std::max(x, 0.0L)) + std::log1p(std::exp(-std::fabs(x)));
    case Code::tan: return std::tan(x);
    case Code::arcsin: return std::asin(x);
    case Code::arccos: return std::acos(x);
    case Code::arctan: return std::atan(x);
    case Code::sinh: return std::sinh(x);
    case Code::cosh: return std::cosh(x);
    case Code::arcsinh: return std::asinh(x);
    case Code::arccosh: return std::acosh(x);
    case Code::arctanh: return std::atanh(x);
    case Code::exp2: return std::exp2(x);
    case Code::log2: return std::log2(x);
    case Code::log10: return std::log10(x);
    case Code::cbrt: return std::cbrt(x);
    case Code::erf: return std::erf(x);
    case Code::erfc: return std::erfc(x);
    case Code::arctan2: return std::atan2(x, y);
    case Code::hypot: return std::hypot(x, y);
    case Code::floor_divide: return floor_divide_reference(x, y);
    default: return std::pow(x, y);
  }
}

/// Division of integers, rounded towards 0 or minus infinity: quotient and remainder, both 0 for a divisor of 0.
inline std::pair<std::int64_t, std::int64_t> divide_reference(std::int64_t a, std::int64_t b, bool down) {
  if (b == 0) return {0, 0};
  __extension__ using Wide = __int128;
  Wide quotient = Wide(a) / b, left = Wide(a) % b;
  if (down && left != 0 && (left < 0) != (b < 0)) quotient -= 1, left += b;
  return {static_cast<std::int64_t>(quotient), static_cast<std::int64_t>(left)};
}

inline double remainder_reference(double x, double y) {
  const double left = std::fmod(x, y);
  if (left == 0) return std::copysign(left, y);
  return (left < 0) != (y < 0) ? left + y : left;
}

inline std::int64_t shift_reference(DType type, std::int64_t a, std::int64_t b, bool left) {
  const bool all = b < 0 || b >= static_cast<std::int64_t>(8 * size_of(type));
  if (left) return all ? 0 : static_cast<std::int64_t>(static_cast<std::uint64_t>(a) << b);
  return all ? (a < 0 ? -1 : 0) : a >> b;
}

inline std::uint64_t gcd_reference(std::int64_t a, std::int64_t b) {
  std::uint64_t x = a < 0 ? -static_cast<std::uint64_t>(a) : static_cast<std::uint64_t>(a);
  std::uint64_t y = b < 0 ? -static_cast<std::uint64_t>(b) : static_cast<std::uint64_t>(b);
  while (y != 0) x = std::exchange(y, x % y);
  return x;
}

// What an instruction should give; powers of integers, and everything exactly rounded.
inline Value apply(Code code, DType in, DType out, Value a, Value b, Value c) {
  const bool fl = is_floating(in);
  const double x = a.f, y = b.f;
  const auto u = static_cast<std::uint64_t>(a.i), v = static_cast<std::uint64_t>(b.i);
  const auto both = [&](double f, std::uint64_t i) { return round_to(out, {f, static_cast<std::int64_t>(i)}); };
  const bool ta = fl ? x != 0 : a.i != 0, tb = fl ? y != 0 : b.i != 0;
  switch (code) {
    case Code::copy: case Code::expand: return a;
    case Code::negate: return both(-x, -u);
    case Code::absolute: return both(std::fabs(x), a.i < 0 ? -u : u);
    case Code::sign:
      return both(std::isnan(x) ? x : x > 0 ? 1 : x < 0 ? -1 : 0, static_cast<std::uint64_t>((a.i > 0) - (a.i < 0)));
    case Code::square: return both(x * x, u * u);
    case Code::sqrt: return both(std::sqrt(x), 0);
    case Code::reciprocal: return both(1 / x, 0);
    case Code::floor: return both(std::floor(x), 0);
    case Code::ceil: return both(std::ceil(x), 0);
    case Code::trunc: return both(std::trunc(x), 0);
    case Code::rint: return both(std::nearbyint(x), 0);
    case Code::copysign: return both(std::copysign(x, y), 0);
    case Code::nextafter:
      return both(in == float32 ? std::nextafter(static_cast<float>(x), static_cast<float>(y)) : std::nextafter(x, y),
                  0);
    case Code::fmod:
      return both(std::fmod(x, y), static_cast<std::uint64_t>(divide_reference(a.i, b.i, false).second));
    case Code::remainder:
      return both(remainder_reference(x, y), static_cast<std::uint64_t>(divide_reference(a.i, b.i, true).second));
    case Code::floor_divide: return both(0, static_cast<std::uint64_t>(divide_reference(a.i, b.i, true).first));
    case Code::gcd: return both(0, gcd_reference(a.i, b.i));
    case Code::bitwise_and: return both(0, u & v);
    case Code::bitwise_or: return both(0, u | v);
    case Code::bitwise_xor: return both(0, u ^ v);
    case Code::invert: return in == bool_ ? Value{0, !a.i} : both(0, ~u);
    case Code::left_shift: return both(0, static_cast<std::uint64_t>(shift_reference(in, a.i, b.i, true)));
    case Code::right_shift: return both(0, static_cast<std::uint64_t>(shift_reference(in, a.i, b.i, false)));
    case Code::is_nan: return {0, std::isnan(x)};
    case Code::is_finite: return {0, std::isfinite(x)};
    case Code::logical_not: return {0, !ta};
    case Code::cast: return round_to(out, cast_reference(in, out, a));
    case Code::add: return both(x + y, u + v);
    case Code::subtract: return both(x - y, u - v);
    case Code::multiply: return both(x * y, u * v);
    case Code::divide: return both(x / y, 0);
    case Code::power: return both(0, static_cast<std::uint64_t>(power_reference(a.i, b.i)));
    case Code::maximum: return fl ? (std::isnan(x) || x > y ? a : b) : (a.i > b.i ? a : b);
    case Code::minimum: return fl ? (std::isnan(x) || x < y ? a : b) : (a.i < b.i ? a : b);
    case Code::equal: return {0, fl ? x == y : a.i == b.i};
    case Code::not_equal: return {0, fl ? x != y : a.i != b.i};
    case Code::less: return {0, fl ? x < y : a.i < b.i};
    case Code::less_equal: return {0, fl ? x <= y : a.i <= b.i};
    case Code::logical_and: return {0, ta && tb};
    case Code::logical_or: return {0, ta || tb};
    case Code::select: return a.i ? b : c;
    default: throw std::logic_error("no reference");
  }
}

inline int operands(Code code) {
  if (code == Code::select) return 3;
  return code >= Code::add && code <= Code::logical_or ? 2 : 1;
}

inline double ulps(DType type, double got, long double wanted) {
  const auto measure = [&](auto zero) {
    using T = decltype(zero);
    const T rounded = static_cast<T>(wanted), size = std::fabs(rounded);
    if (std::isnan(got) || std::isnan(rounded)) return std::isnan(got) == std::isnan(rounded) ? 0.0 : HUGE_VAL;
    if (std::isinf(got) || std::isinf(rounded)) return static_cast<T>(got) == rounded ? 0.0 : HUGE_VAL;
    const T unit = std::nextafter(size, std::numeric_limits<T>::infinity()) - size;
    if (std::isinf(unit)) return static_cast<T>(got) == rounded ? 0.0 : 1.0;
    return static_cast<double>(std::fabs(got - wanted) / unit);
  };
  return type == float32 ? measure(float{}) : measure(double{});
}

}  // namespace kernels_reference
