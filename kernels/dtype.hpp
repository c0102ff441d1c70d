#pragma once
/// The element types of a Tensor, ordered so that promotion is the larger of two.

#include <cstddef>
#include <cstdint>

namespace xgrad {

/// An element type, known at run time. The order is the promotion order: bool < uint8 < int32 < int64 < float32 <
/// float64.
enum class DType : std::uint8_t { bool_, uint8, int32, int64, float32, float64 };

inline constexpr DType bool_ = DType::bool_;
inline constexpr DType uint8 = DType::uint8;
inline constexpr DType int32 = DType::int32;
inline constexpr DType int64 = DType::int64;
inline constexpr DType float32 = DType::float32;
inline constexpr DType float64 = DType::float64;

inline constexpr int dtype_count = 6;

/// Bytes of one element.
constexpr std::size_t size_of(DType type) {
  constexpr std::size_t sizes[dtype_count] = {1, 1, 4, 8, 4, 8};
  return sizes[static_cast<int>(type)];
}

constexpr bool is_floating(DType type) { return type >= DType::float32; }

/// "float32", "bool", ...
constexpr const char* name_of(DType type) {
  constexpr const char* names[dtype_count] = {"bool", "uint8", "int32", "int64", "float32", "float64"};
  return names[static_cast<int>(type)];
}

/// The DType of a C++ element type.
template <class T>
struct DTypeOf;
template <> struct DTypeOf<bool> { static constexpr DType value = DType::bool_; };
template <> struct DTypeOf<std::uint8_t> { static constexpr DType value = DType::uint8; };
template <> struct DTypeOf<std::int32_t> { static constexpr DType value = DType::int32; };
template <> struct DTypeOf<std::int64_t> { static constexpr DType value = DType::int64; };
template <> struct DTypeOf<float> { static constexpr DType value = DType::float32; };
template <> struct DTypeOf<double> { static constexpr DType value = DType::float64; };
template <class T>
inline constexpr DType dtype_of = DTypeOf<T>::value;

/// Calls f with a value-initialised element of the C++ type that `type` stands for.
template <class F>
constexpr decltype(auto) with_dtype(DType type, F&& f) {
  switch (type) {
    case DType::bool_: return f(bool{});
    case DType::uint8: return f(std::uint8_t{});
    case DType::int32: return f(std::int32_t{});
    case DType::int64: return f(std::int64_t{});
    case DType::float32: return f(float{});
    default: return f(double{});
  }
}

}  // namespace xgrad
