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
// The bits of floats are in the order of their magnitudes, so that a neighbour is one bit pattern further.
struct Nextafter {
  template <class T> T operator()(T a, T b) const {
    using U = std::conditional_t<sizeof(T) == 4, std::uint32_t, std::uint64_t>;
    const U pattern = __builtin_bit_cast(U, a);
    const T neighbour = __builtin_bit_cast(T, static_cast<U>((a < b) == (a > T(0)) ? pattern + 1 : pattern - 1));
    const T moved = a == T(0) ? std::copysign(std::numeric_limits<T>::denorm_min(), b) : neighbour;
    return a != a || b != b ? a + b : a == b ? b : moved;
  }
};

// Below 2^28 the quotient of two floats, taken in double, lies on the right side of every whole number.
inline bool divides_in_double(double quotient, float b) {
  return std::fabs(quotient) < 0x1p28 && std::fabs(b) <= std::numeric_limits<float>::max();
}

inline float fmod_of(float a, float b) {
  const double quotient = std::trunc(static_cast<double>(a) / b);
  if (divides_in_double(quotient, b)) return std::copysign(static_cast<float>(a - quotient * b), a);
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
    if constexpr (std::is_same_v<T, float>) {
      const double quotient = std::floor(static_cast<double>(a) / b);
      if (divides_in_double(quotient, b)) {
        const float left = static_cast<float>(a - quotient * b);
        return left == 0 ? std::copysign(left, b) : left;
      }
    }
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
    if constexpr (std::is_same_v<T, float>) {
      const double quotient = std::floor(static_cast<double>(a) / b);
      if (divides_in_double(quotient, b)) return static_cast<float>(quotient);
    }
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
