#pragma once
// Internal to kernels/.
// From an instruction and its types to its kernel. Internal linkage, as in lanes_simple.hpp.

#include <xgrad/kernels/lanes.hpp>
#include <xgrad/kernels/lanes_erf.hpp>
#include <xgrad/kernels/lanes_math.hpp>
#include <xgrad/kernels/lanes_random.hpp>
#include <xgrad/kernels/lanes_reduce.hpp>
#include <xgrad/kernels/lanes_simple.hpp>
#include <xgrad/kernels/lanes_trig.hpp>
#include <xgrad/kernels/lanes_whole.hpp>

#include <cstdint>
#include <type_traits>

namespace xgrad::kernels {
namespace {

// Kernels that move elements as they are know only how large they are.
template <class F>
Kernel with_size(DType type, F f) {
  switch (size_of(type)) {
    case 1: return f(std::uint8_t{});
    case 4: return f(std::uint32_t{});
    default: return f(std::uint64_t{});
  }
}

// A bool is stored as a byte that is 0 or 1.
template <class F>
Kernel with_stored(DType type, F f) {
  switch (type) {
    case DType::int32: return f(std::int32_t{});
    case DType::int64: return f(std::int64_t{});
    case DType::float32: return f(float{});
    case DType::float64: return f(double{});
    default: return f(std::uint8_t{});
  }
}

template <class From>
Kernel find_cast(DType out, unsigned form) {
  switch (out) {
    case DType::bool_: return unary<IsTrue, From, std::uint8_t>(form);
    case DType::uint8: return unary<Cast<std::uint8_t>, From, std::uint8_t>(form);
    case DType::int32: return unary<Cast<std::int32_t>, From, std::int32_t>(form);
    case DType::int64: return unary<Cast<std::int64_t>, From, std::int64_t>(form);
    case DType::float32: return unary<Cast<float>, From, float>(form);
    default: return unary<Cast<double>, From, double>(form);
  }
}

// A wrapping sum does not need the sign.
template <class T>
using Summand = typename std::conditional_t<is_float<T>, std::type_identity<T>, std::make_unsigned<T>>::type;

template <class T>
Kernel find_float_pair(Code code, unsigned form) {
  switch (code) {
    case Code::divide: return binary<Divide, T>(form);
    case Code::arctan2: return math_pair<Arctan2, T>(form);
    case Code::hypot: return math_pair<Hypot, T>(form);
    case Code::log_add_exp: return math_pair<LogAddExp, T>(form);
    case Code::copysign: return binary<Copysign, T>(form);
    case Code::nextafter: return binary<Nextafter, T>(form);
    default: return nullptr;
  }
}

template <class T>
Kernel find_float(Code code, unsigned form) {
  if (const Kernel kernel = find_float_pair<T>(code, form)) return kernel;
  if (form != all_vectors) return nullptr;
  switch (code) {
    case Code::sqrt: return unary_loop<Sqrt, T, T>;
    case Code::reciprocal: return unary_loop<Reciprocal, T, T>;
    case Code::floor: return unary_loop<Floor, T, T>;
    case Code::ceil: return unary_loop<Ceil, T, T>;
    case Code::trunc: return unary_loop<Trunc, T, T>;
    case Code::rint: return unary_loop<Rint, T, T>;
    case Code::is_nan: return unary_loop<IsNan, T, std::uint8_t>;
    case Code::is_finite: return unary_loop<IsFinite, T, std::uint8_t>;
    case Code::exp: return math_loop<Exp, T>;
    case Code::expm1: return math_loop<Expm1, T>;
    case Code::exp2: return math_loop<Exp2, T>;
    case Code::log: return math_loop<Log, T>;
    case Code::log1p: return math_loop<Log1p, T>;
    case Code::log2: return math_loop<Log2, T>;
    case Code::log10: return math_loop<Log10, T>;
    case Code::cbrt: return math_loop<Cbrt, T>;
    case Code::sin: return math_loop<Sin, T>;
    case Code::cos: return math_loop<Cos, T>;
    case Code::tan: return math_loop<Tan, T>;
    case Code::arcsin: return math_loop<Arcsin, T>;
    case Code::arccos: return math_loop<Arccos, T>;
    case Code::arctan: return math_loop<Arctan, T>;
    case Code::sinh: return math_loop<Sinh, T>;
    case Code::cosh: return math_loop<Cosh, T>;
    case Code::tanh: return math_loop<Tanh, T>;
    case Code::arcsinh: return math_loop<Arcsinh, T>;
    case Code::arccosh: return math_loop<Arccosh, T>;
    case Code::arctanh: return math_loop<Arctanh, T>;
    case Code::erf: return math_loop<Erf, T>;
    case Code::erfc: return math_loop<Erfc, T>;
    case Code::erfinv: return math_loop<Erfinv, T>;
    case Code::sigmoid: return math_loop<Sigmoid, T>;
    case Code::softplus: return math_loop<Softplus, T>;
    case Code::uniform: return uniform_loop<T>;
    default: return nullptr;
  }
}

// Integers and, stored as 0 and 1, bool.
template <class T>
Kernel find_bits(Code code, unsigned form) {
  switch (code) {
    case Code::bitwise_and: return binary<BitwiseAnd, T>(form);
    case Code::bitwise_or: return binary<BitwiseOr, T>(form);
    case Code::bitwise_xor: return binary<BitwiseXor, T>(form);
    default: return nullptr;
  }
}

template <class T>
Kernel find_integer(Code code, unsigned form) {
  switch (code) {
    case Code::invert: return unary<Invert, T>(form);
    case Code::left_shift: return binary<LeftShift, T>(form);
    case Code::right_shift: return binary<RightShift, T>(form);
    case Code::gcd: return binary<Gcd, T>(form);
    default: return find_bits<T>(code, form);
  }
}

inline Kernel find_bool(Code code, unsigned form) {
  switch (code) {
    case Code::add: return binary<BitwiseOr, std::uint8_t>(form);
    case Code::multiply: return binary<BitwiseAnd, std::uint8_t>(form);
    case Code::invert: return unary<LogicalNot, std::uint8_t>(form);
    default: return find_bits<std::uint8_t>(code, form);
  }
}

// Arithmetic: every type but bool.
template <class T>
Kernel find_arithmetic(Code code, unsigned form) {
  switch (code) {
    case Code::negate: return unary<Negate, T>(form);
    case Code::absolute: return unary<Absolute, T>(form);
    case Code::sign: return unary<Sign, T>(form);
    case Code::square: return unary<Square, T>(form);
    case Code::add: return binary<Add, T>(form);
    case Code::subtract: return binary<Subtract, T>(form);
    case Code::multiply: return binary<Multiply, T>(form);
    case Code::power: return binary<Power, T>(form);
    case Code::floor_divide: return binary<FloorDivide, T>(form);
    case Code::remainder: return binary<Remainder, T>(form);
    case Code::fmod: return binary<Fmod, T>(form);
    case Code::row_sum: return form == all_vectors ? fold_rows<FoldSum, Summand<T>> : nullptr;
    default: break;
  }
  if constexpr (is_float<T>) return find_float<T>(code, form);
  else return find_integer<T>(code, form);
}

// What every type has.
template <class T>
Kernel find_any(Code code, unsigned form) {
  switch (code) {
    case Code::maximum: return binary<Maximum, T>(form);
    case Code::minimum: return binary<Minimum, T>(form);
    case Code::equal: return binary<Equal, T, std::uint8_t>(form);
    case Code::not_equal: return binary<NotEqual, T, std::uint8_t>(form);
    case Code::less: return binary<Less, T, std::uint8_t>(form);
    case Code::less_equal: return binary<LessEqual, T, std::uint8_t>(form);
    case Code::logical_and: return binary<LogicalAnd, T, std::uint8_t>(form);
    case Code::logical_or: return binary<LogicalOr, T, std::uint8_t>(form);
    case Code::logical_not: return unary<LogicalNot, T, std::uint8_t>(form);
    case Code::row_max: return form == all_vectors ? fold_rows<FoldExtreme<true>, T> : nullptr;
    case Code::row_min: return form == all_vectors ? fold_rows<FoldExtreme<false>, T> : nullptr;
    default: return nullptr;
  }
}

inline bool gives_bool(Code code) {
  switch (code) {
    case Code::equal: case Code::not_equal: case Code::less: case Code::less_equal:
    case Code::logical_and: case Code::logical_or: case Code::logical_not: case Code::is_nan: case Code::is_finite:
      return true;
    default:
      return false;
  }
}

inline Kernel find_kernel(Code code, DType in, DType out, unsigned form) {
  if (code == Code::cast) return with_stored(in, [=](auto x) { return find_cast<decltype(x)>(out, form); });
  if (code == Code::uniform) in = out;
  if (out != (gives_bool(code) ? DType::bool_ : in)) return nullptr;
  if (is_special(code)) return find_special(code, in, form);
  switch (code) {
    case Code::copy:
      return with_size(in, [=](auto x) { return unary<Copy, decltype(x)>(form); });
    case Code::select:
      return with_size(in, [=](auto x) { return ternary<Select, std::uint8_t, decltype(x)>(form); });
    case Code::expand:
      return with_size(in, [=](auto x) -> Kernel { return form == all_vectors ? expand_rows<decltype(x)> : nullptr; });
    default: break;
  }
  return with_stored(in, [=](auto x) {
    if (const Kernel kernel = find_any<decltype(x)>(code, form)) return kernel;
    return in == DType::bool_ ? find_bool(code, form) : find_arithmetic<decltype(x)>(code, form);
  });
}

template <class T>
Kernel find_pair_of(Pair pair, unsigned form) {
  switch (pair) {
    case Pair::multiply_add: return ternary<MultiplyAdd, T, T>(form);
    case Pair::multiply_subtract: return ternary<MultiplySubtract, T, T>(form);
    case Pair::subtract_multiplied: return ternary<SubtractMultiplied, T, T>(form);
    default: return nullptr;
  }
}

inline Kernel find_pair(Pair pair, DType type, unsigned form) {
  if (type == DType::float32) return find_pair_of<float>(pair, form);
  if (type == DType::float64) return find_pair_of<double>(pair, form);
  return nullptr;
}

}  // namespace
}  // namespace xgrad::kernels
