#pragma once
// Internal to kernels/.
/// a * b + c for vectors and single numbers, for sources that are compiled for one instruction set each.

#include <xsimd/xsimd.hpp>

#include <cmath>
#include <type_traits>

namespace xgrad::kernels {
namespace {

inline constexpr bool has_fma = std::is_base_of_v<xsimd::avx512f, xsimd::default_arch> ||
                                std::is_same_v<xsimd::default_arch, xsimd::fma3<xsimd::avx2>> ||
                                std::is_same_v<xsimd::default_arch, xsimd::fma3<xsimd::avx>>;

// With one rounding where the hardware has it, alike for lanes and single numbers.
template <class T> requires std::is_floating_point_v<T>
inline T mul_add(T a, T b, T c) {
  if constexpr (has_fma) return std::fma(a, b, c);
  else return a * b + c;
}
template <class T> inline xsimd::batch<T> mul_add(xsimd::batch<T> a, xsimd::batch<T> b, xsimd::batch<T> c) {
#ifdef __AVX512F__
  // xsimd 8.1 multiplies and adds here, with two roundings.
  if constexpr (sizeof(T) == 4) return _mm512_fmadd_ps(a, b, c);
  else return _mm512_fmadd_pd(a, b, c);
#else
  if constexpr (has_fma) return xsimd::fma(a, b, c);
  else return a * b + c;
#endif
}

}  // namespace
}  // namespace xgrad::kernels
