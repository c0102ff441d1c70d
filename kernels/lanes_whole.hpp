#pragma once
// Internal to kernels/.
// Rounding, division with a remainder, bits and signs: one number at a time, with the same results for every
// instruction set. Internal linkage, as in lanes_simple.hpp.

#include <xgrad/kernels/lanes_simple.hpp>

namespace xgrad::kernels {
namespace {

struct Ceil { template <class T> T operator()(T x) const { return std::ceil(x); } };
struct Trunc { template <class T> T operator()(T x) const { return std::trunc(x); } };
struct Rint { template <class T> T operator()(T x) const { return std::nearbyint(x); } };
struct Copysign { template <class T> T operator()(T a, T b) const { return std::copysign(a, b); } };
struct Nextafter { template <class T> T operator()(T a, T b) const { return std::nextafter(a, b); } };

inline float fmod_of(float a, float b) {
  // A quotient below 2^28 is truncated rightly in double, and its product with b is exact there.
  const double q = std::trunc(static_cast<double>(a) / b);
  if (std::fabs(q) < 0x1p28 && std::fabs(b) <= std::numeric_limits<float>::max()) {
    return std::copysign(static_cast<float>(a - q * b), a);
  }
  return std::fmod(a, b);
}
inline double fmod_of(double a, double b) {
  const double x = std::fabs(a), y = std::fabs(b);
  if (x < y) return a;
  if (x < 2 * y && y <= std::numeric_limits<double>::max()) return std::copysign(x - y, a);  // exact
  return std::fmod(a, b);
}

struct Fmod {
  template <class T> T operator()(T a, T b) const {
    if constexpr (is_float<T>) {
      return fmod_of(a, b);
    } else {
      if (b == 0) return T(0);
      if constexpr (std::is_signed_v<T>) {
        if (b == -1) return T(0);
      }
      return static_cast<T>(a % b);
    }
  }
};
struct Remainder {
  template <class T> T operator()(T a, T b) const {
    const T left = Fmod{}(a, b);
    if constexpr (is_float<T>) {
      if (left == 0) return std::copysign(left, b);
    }
    if (left != 0 && (left < 0) != (b < 0)) return static_cast<T>(left + b);
    return left;
  }
};
struct FloorDivide {
  template <class T> T operator()(T a, T b) const {
    if constexpr (is_float<T>) {
      if (b == 0) return a / b;
      const T left = fmod_of(a, b);
      T quotient = (a - left) / b;
      if (left != 0 && (left < 0) != (b < 0)) quotient -= T(1);
      if (quotient == 0) return std::copysign(quotient, a / b);
      // The quotient is whole but for a rounding.
      const T whole = std::floor(quotient);
      return quotient - whole > T(0.5) ? whole + T(1) : whole;
    } else {
      if (b == 0) return T(0);
      if constexpr (std::is_signed_v<T>) {
        if (b == -1) return Negate{}(a);
      }
      const T quotient = static_cast<T>(a / b);
      return static_cast<T>(quotient - ((a % b != 0) & ((a < 0) != (b < 0))));
    }
  }
};

struct Gcd {
  template <class T> T operator()(T a, T b) const {
    using U = Wide<T>;
    U x = static_cast<U>(Absolute{}(a)), y = static_cast<U>(Absolute{}(b));
    while (y != 0) {
      const U left = x % y;
      x = y;
      y = left;
    }
    return static_cast<T>(x);
  }
};

struct Invert { template <class T> T operator()(T x) const { return static_cast<T>(~x); } };
struct BitwiseAnd { template <class T> T operator()(T a, T b) const { return static_cast<T>(a & b); } };
struct BitwiseOr { template <class T> T operator()(T a, T b) const { return static_cast<T>(a | b); } };
struct BitwiseXor { template <class T> T operator()(T a, T b) const { return static_cast<T>(a ^ b); } };

template <class T>
inline bool within_bits(T shift) {
  return static_cast<std::uint64_t>(shift) < sizeof(T) * 8;
}
struct LeftShift {
  template <class T> T operator()(T a, T b) const {
    const T kept = within_bits(b) ? b : T(0);
    const T shifted = static_cast<T>(static_cast<Wide<T>>(a) << kept);
    return within_bits(b) ? shifted : T(0);
  }
};
struct RightShift {
  template <class T> T operator()(T a, T b) const {
    const T shifted = static_cast<T>(a >> (within_bits(b) ? b : T(0)));
    return within_bits(b) ? shifted : a < T(0) ? static_cast<T>(-1) : T(0);
  }
};

}  // namespace
}  // namespace xgrad::kernels
