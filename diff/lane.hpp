#pragma once
/// Packs of numbers for functions given to `map`: arithmetic, comparisons, select. The compiler makes vector
/// instructions of them, of the kind it is told to use (-march); nothing else is needed.

#include <concepts>
#include <cstdint>
#include <cstring>
#include <type_traits>

namespace xgrad {

/// Bytes of a pack: one register of the instruction set this source is compiled for.
#if defined(__AVX512F__)
inline constexpr int lane_bytes = 64;
#elif defined(__AVX__)
inline constexpr int lane_bytes = 32;
#else
inline constexpr int lane_bytes = 16;
#endif

template <class T>
concept number = std::is_arithmetic_v<T>;

/// Answers to a comparison of packs: one for each number.
template <class T, int bytes>
struct LaneMask {
  using Word = std::conditional_t<sizeof(T) == 4, std::int32_t, std::int64_t>;
  typedef Word Vector __attribute__((vector_size(bytes)));
  Vector v;

  friend LaneMask operator&&(LaneMask a, LaneMask b) { return {a.v & b.v}; }
  friend LaneMask operator||(LaneMask a, LaneMask b) { return {a.v | b.v}; }
  friend LaneMask operator&(LaneMask a, LaneMask b) { return {a.v & b.v}; }
  friend LaneMask operator|(LaneMask a, LaneMask b) { return {a.v | b.v}; }
  friend LaneMask operator!(LaneMask a) { return {~a.v}; }
};

/// A pack of numbers of type T (float or double). C++ numbers meet it as packs of equal numbers.
template <class T, int bytes = lane_bytes>
struct Lane {
  using Number = T;
  using Mask = LaneMask<T, bytes>;
  typedef T Vector __attribute__((vector_size(bytes)));
  static constexpr int width = bytes / static_cast<int>(sizeof(T));
  Vector v;

  Lane() = default;
  template <number U>
  Lane(U x) : v(static_cast<T>(x) - Vector{}) {}
  explicit Lane(Vector x) : v(x) {}
  static Lane load(const T* from) {
    Lane x;
    std::memcpy(&x.v, from, sizeof x.v);
    return x;
  }
  void store(T* to) const { std::memcpy(to, &v, sizeof v); }

  friend Lane operator+(Lane a, Lane b) { return Lane(a.v + b.v); }
  friend Lane operator-(Lane a, Lane b) { return Lane(a.v - b.v); }
  friend Lane operator*(Lane a, Lane b) { return Lane(a.v * b.v); }
  friend Lane operator/(Lane a, Lane b) { return Lane(a.v / b.v); }
  friend Lane operator-(Lane a) { return Lane(-a.v); }
  friend Lane operator+(Lane a) { return a; }
  Lane& operator+=(Lane b) { return *this = *this + b; }
  Lane& operator-=(Lane b) { return *this = *this - b; }
  Lane& operator*=(Lane b) { return *this = *this * b; }
  Lane& operator/=(Lane b) { return *this = *this / b; }

  friend Mask operator<(Lane a, Lane b) { return {a.v < b.v}; }
  friend Mask operator<=(Lane a, Lane b) { return {a.v <= b.v}; }
  friend Mask operator>(Lane a, Lane b) { return {a.v > b.v}; }
  friend Mask operator>=(Lane a, Lane b) { return {a.v >= b.v}; }
  friend Mask operator==(Lane a, Lane b) { return {a.v == b.v}; }
  friend Mask operator!=(Lane a, Lane b) { return {a.v != b.v}; }

  /// a where the mask says so, elsewhere b. Both are computed.
  friend Lane select(Mask condition, Lane a, Lane b) { return Lane(condition.v ? a.v : b.v); }
};

/// The same choice between numbers, for functions that run on them.
template <number T, number U>
auto select(bool condition, T a, U b) {
  return condition ? static_cast<std::common_type_t<T, U>>(a) : static_cast<std::common_type_t<T, U>>(b);
}

/// A value and its slope along one direction; nested for higher orders. T is a pack, a number or a Dual.
template <class T>
struct Dual {
  T value, slope;

  Dual() = default;
  Dual(T v, T s) : value(v), slope(s) {}
  template <number U>
  Dual(U x) : value(x), slope(0) {}

  friend Dual operator+(Dual a, Dual b) { return {a.value + b.value, a.slope + b.slope}; }
  friend Dual operator-(Dual a, Dual b) { return {a.value - b.value, a.slope - b.slope}; }
  friend Dual operator*(Dual a, Dual b) { return {a.value * b.value, a.slope * b.value + a.value * b.slope}; }
  friend Dual operator/(Dual a, Dual b) {
    const T q = a.value / b.value;
    return {q, (a.slope - q * b.slope) / b.value};
  }
  friend Dual operator-(Dual a) { return {-a.value, -a.slope}; }
  friend Dual operator+(Dual a) { return a; }
  // Numbers do not move.
  template <number U> friend Dual operator+(Dual a, U b) { return {a.value + T(b), a.slope}; }
  template <number U> friend Dual operator+(U a, Dual b) { return {T(a) + b.value, b.slope}; }
  template <number U> friend Dual operator-(Dual a, U b) { return {a.value - T(b), a.slope}; }
  template <number U> friend Dual operator-(U a, Dual b) { return {T(a) - b.value, -b.slope}; }
  template <number U> friend Dual operator*(Dual a, U b) { return {a.value * T(b), a.slope * T(b)}; }
  template <number U> friend Dual operator*(U a, Dual b) { return {T(a) * b.value, T(a) * b.slope}; }
  template <number U> friend Dual operator/(Dual a, U b) { return {a.value / T(b), a.slope / T(b)}; }
  template <number U> friend Dual operator/(U a, Dual b) {
    const T q = T(a) / b.value;
    return {q, -(q * b.slope) / b.value};
  }
  template <class U> Dual& operator+=(const U& b) { return *this = *this + b; }
  template <class U> Dual& operator-=(const U& b) { return *this = *this - b; }
  template <class U> Dual& operator*=(const U& b) { return *this = *this * b; }
  template <class U> Dual& operator/=(const U& b) { return *this = *this / b; }

  friend auto operator<(Dual a, Dual b) { return a.value < b.value; }
  friend auto operator<=(Dual a, Dual b) { return a.value <= b.value; }
  friend auto operator>(Dual a, Dual b) { return a.value > b.value; }
  friend auto operator>=(Dual a, Dual b) { return a.value >= b.value; }
  friend auto operator==(Dual a, Dual b) { return a.value == b.value; }
  friend auto operator!=(Dual a, Dual b) { return a.value != b.value; }

  template <class Condition>
  friend Dual select(Condition condition, Dual a, Dual b) {
    return {select(condition, a.value, b.value), select(condition, a.slope, b.slope)};
  }
};

/// What a number or a nested Dual is made of.
template <class T>
struct LaneOf {
  using type = T;
};
template <class T>
struct LaneOf<Dual<T>> : LaneOf<T> {};

template <class T>
inline constexpr bool is_lane = false;
template <class T, int bytes>
inline constexpr bool is_lane<Lane<T, bytes>> = true;

/// A pack, or a Dual over packs: [](xgrad::lane auto x) { ... } runs on packs.
template <class T>
concept lane = is_lane<typename LaneOf<T>::type>;
/// A number, or a Dual over numbers: [](xgrad::scalar auto x) { return x > 0 ? x : 0.1 * x; } runs on one at a time.
template <class T>
concept scalar = std::is_floating_point_v<typename LaneOf<T>::type>;

}  // namespace xgrad
