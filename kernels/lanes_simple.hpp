#pragma once
// Internal to kernels/.
// Elementwise kernels without transcendental functions: plain loops for the compiler to vectorise.
// Everything here has internal linkage: each instruction set compiles its own copy and no linker may merge them.

#include <xgrad/kernels/lanes.hpp>

#include <cmath>
#include <cstdint>
#include <limits>
#include <type_traits>

namespace xgrad::kernels {
namespace {

template <class T>
inline constexpr bool is_float = std::is_floating_point_v<T>;

// Integers compute in their unsigned type, at least 32 bits wide, where overflow wraps.
template <class T>
using Wide = std::conditional_t<sizeof(T) < 4, std::uint32_t, std::make_unsigned_t<T>>;

template <class T, class F>
inline T wrapping(T a, T b, F f) {
  if constexpr (is_float<T>) {
    return f(a, b);
  } else {
    return static_cast<T>(f(static_cast<Wide<T>>(a), static_cast<Wide<T>>(b)));
  }
}

template <class T>
inline T integer_power(T base, T exponent) {
  if constexpr (std::is_signed_v<T>) {
    if (exponent < 0) return base == 1 ? T(1) : base == -1 ? T((exponent & 1) ? -1 : 1) : T(0);
  }
  Wide<T> factor = static_cast<Wide<T>>(base), result = 1;
  for (auto left = static_cast<Wide<T>>(exponent); left != 0; left >>= 1) {
    if (left & 1) result *= factor;
    factor *= factor;
  }
  return static_cast<T>(result);
}

struct Copy { template <class T> T operator()(T x) const { return x; } };
struct Negate {
  template <class T> T operator()(T x) const {
    if constexpr (is_float<T>) return -x;
    else return static_cast<T>(Wide<T>(0) - static_cast<Wide<T>>(x));
  }
};
struct Absolute {
  template <class T> T operator()(T x) const {
    if constexpr (is_float<T>) return std::fabs(x);
    else if constexpr (std::is_signed_v<T>) return x < 0 ? Negate{}(x) : x;
    else return x;
  }
};
struct Sign {
  template <class T> T operator()(T x) const {
    if constexpr (is_float<T>) {
      const T side = x > T(0) ? T(1) : T(-1);
      return x == T(0) ? T(0) : x != x ? x : side;
    } else {
      return static_cast<T>((x > T(0)) - (x < T(0)));
    }
  }
};
struct Square {
  template <class T> T operator()(T x) const { return wrapping(x, x, [](auto a, auto b) { return a * b; }); }
};
struct Sqrt { template <class T> T operator()(T x) const { return std::sqrt(x); } };
struct Reciprocal { template <class T> T operator()(T x) const { return T(1) / x; } };
struct Floor { template <class T> T operator()(T x) const { return std::floor(x); } };
struct IsNan { template <class T> std::uint8_t operator()(T x) const { return x != x; } };
struct IsFinite {
  template <class T> std::uint8_t operator()(T x) const { return std::fabs(x) <= std::numeric_limits<T>::max(); }
};
struct IsTrue { template <class T> std::uint8_t operator()(T x) const { return x != T(0); } };
struct LogicalNot { template <class T> std::uint8_t operator()(T x) const { return x == T(0); } };

// Conversion as static_cast, but defined for every float: out of range saturates, NaN gives 0.
template <class To>
struct Cast {
  template <class From> To operator()(From x) const {
    if constexpr (is_float<From> && !is_float<To>) {
      constexpr From low = static_cast<From>(std::numeric_limits<To>::min());
      constexpr From high = static_cast<From>(std::numeric_limits<To>::max() / 2 + 1) * From(2);
      const bool inside = x >= low && x < high;
      using Via = std::conditional_t<sizeof(To) < 4, std::int32_t, To>;
      const To value = static_cast<To>(static_cast<Via>(inside ? x : From(0)));
      const To outside = x >= high ? std::numeric_limits<To>::max() : std::numeric_limits<To>::min();
      return inside ? value : x != x ? To(0) : outside;
    } else {
      return static_cast<To>(x);
    }
  }
};

struct Add {
  template <class T> T operator()(T a, T b) const { return wrapping(a, b, [](auto x, auto y) { return x + y; }); }
};
struct Subtract {
  template <class T> T operator()(T a, T b) const { return wrapping(a, b, [](auto x, auto y) { return x - y; }); }
};
struct Multiply {
  template <class T> T operator()(T a, T b) const { return wrapping(a, b, [](auto x, auto y) { return x * y; }); }
};
struct Divide { template <class T> T operator()(T a, T b) const { return a / b; } };
struct Power {
  template <class T> T operator()(T a, T b) const {
    if constexpr (is_float<T>) return std::pow(a, b);
    else return integer_power(a, b);
  }
};
// A NaN in b fails the first comparison and is taken; a NaN in a is caught by the second.
struct Maximum {
  template <class T> T operator()(T a, T b) const {
    const bool left = is_float<T> ? (a > b) | (a != a) : a > b;
    return left ? a : b;
  }
};
struct Minimum {
  template <class T> T operator()(T a, T b) const {
    const bool left = is_float<T> ? (a < b) | (a != a) : a < b;
    return left ? a : b;
  }
};
struct Equal { template <class T> std::uint8_t operator()(T a, T b) const { return a == b; } };
struct NotEqual { template <class T> std::uint8_t operator()(T a, T b) const { return a != b; } };
struct Less { template <class T> std::uint8_t operator()(T a, T b) const { return a < b; } };
struct LessEqual { template <class T> std::uint8_t operator()(T a, T b) const { return a <= b; } };
struct LogicalAnd { template <class T> std::uint8_t operator()(T a, T b) const { return (a != T(0)) & (b != T(0)); } };
struct LogicalOr { template <class T> std::uint8_t operator()(T a, T b) const { return (a != T(0)) | (b != T(0)); } };

struct MultiplyAdd { template <class T> T operator()(T a, T b, T c) const { return a * b + c; } };
struct MultiplySubtract { template <class T> T operator()(T a, T b, T c) const { return a * b - c; } };
struct SubtractMultiplied { template <class T> T operator()(T a, T b, T c) const { return c - a * b; } };
struct Select {
  template <class T> T operator()(std::uint8_t a, T b, T c) const { return a ? b : c; }
};

// An operand: a value for each element, or one value held in a register of the CPU.
template <class T, bool scalar>
class Operand {
 public:
  explicit Operand(const void* data) : data_(static_cast<const T*>(data)) {
    if constexpr (scalar) value_ = *data_;
  }
  T operator[](std::int64_t i) const {
    if constexpr (scalar) return value_;
    else return data_[i];
  }

 private:
  const T* data_;
  T value_{};
};

// A result may be written over an operand of the same place and size, so an iteration depends on itself only.
template <class Op, class In, class Out>
void unary_loop(void* out, const void* a, const void*, const void*, std::int64_t count) {
  auto* result = static_cast<Out*>(out);
  const auto* x = static_cast<const In*>(a);
#pragma GCC ivdep
  for (std::int64_t i = 0; i < count; ++i) result[i] = Op{}(x[i]);
}

template <class Op, class In, class Out, unsigned form>
void binary_loop(void* out, const void* a, const void* b, const void*, std::int64_t count) {
  auto* result = static_cast<Out*>(out);
  const Operand<In, (form & scalar_a) != 0> x(a);
  const Operand<In, (form & scalar_b) != 0> y(b);
#pragma GCC ivdep
  for (std::int64_t i = 0; i < count; ++i) result[i] = Op{}(x[i], y[i]);
}

template <class Op, class A, class In, unsigned form>
void ternary_loop(void* out, const void* a, const void* b, const void* c, std::int64_t count) {
  auto* result = static_cast<In*>(out);
  const Operand<A, (form & scalar_a) != 0> x(a);
  const Operand<In, (form & scalar_b) != 0> y(b);
  const Operand<In, (form & scalar_c) != 0> z(c);
#pragma GCC ivdep
  for (std::int64_t i = 0; i < count; ++i) {
    const In second = y[i], third = z[i];
    result[i] = Op{}(x[i], second, third);
  }
}

template <class Op, class In, class Out = In>
Kernel unary(unsigned form) {
  return form == all_vectors ? unary_loop<Op, In, Out> : nullptr;
}

template <class Op, class In, class Out = In>
Kernel binary(unsigned form) {
  switch (form) {
    case all_vectors: return binary_loop<Op, In, Out, all_vectors>;
    case scalar_a: return binary_loop<Op, In, Out, scalar_a>;
    case scalar_b: return binary_loop<Op, In, Out, scalar_b>;
    default: return nullptr;
  }
}

template <class Op, class A, class In>
Kernel ternary(unsigned form) {
  switch (form) {
    case 0: return ternary_loop<Op, A, In, 0>;
    case 1: return ternary_loop<Op, A, In, 1>;
    case 2: return ternary_loop<Op, A, In, 2>;
    case 3: return ternary_loop<Op, A, In, 3>;
    case 4: return ternary_loop<Op, A, In, 4>;
    case 5: return ternary_loop<Op, A, In, 5>;
    case 6: return ternary_loop<Op, A, In, 6>;
    default: return nullptr;
  }
}

template <class T>
void expand_rows(void* out, const void* a, const void*, const void* c, std::int64_t rows) {
  constexpr std::int64_t step = 16;
  auto* result = static_cast<T*>(out);
  const auto* x = static_cast<const T*>(a);
  const std::int64_t cols = *static_cast<const std::int64_t*>(c);
  std::int64_t r = 0;
  if (cols < step) {
    // A short row is written with what follows it, which the next rows then write over.
    for (std::int64_t left = rows * cols; r < rows && left >= step; ++r, left -= cols, result += cols) {
      const T value = x[r];
      for (std::int64_t i = 0; i < step; ++i) result[i] = value;
    }
  }
  for (; r < rows; ++r, result += cols) {
    const T value = x[r];
    for (std::int64_t i = 0; i < cols; ++i) result[i] = value;
  }
}

}  // namespace
}  // namespace xgrad::kernels
