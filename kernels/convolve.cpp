#include <xgrad/kernels/convolve.hpp>

#include <xgrad/kernels/pool.hpp>

#include <algorithm>
#include <type_traits>
#include <vector>

namespace xgrad::kernels {
namespace {

constexpr std::int64_t block = 1024;  // results that stay in the first cache while all of v passes

/// Calls f with the type sums are made in: integers as unsigned, whose overflow is defined.
template <class F>
void with_sum_type(DType type, F&& f) {
  with_dtype(type, [&]<class T>(T) {
    if constexpr (std::is_signed_v<T> && std::is_integral_v<T>)
      f(std::make_unsigned_t<T>{});
    else
      f(T{});
  });
}

template <class T>
[[gnu::always_inline]] inline void add_products(const T* a, T x, T* __restrict out, std::int64_t count) {
  for (std::int64_t i = 0; i < count; ++i) {
    if constexpr (std::is_same_v<T, bool>)
      out[i] = out[i] | (a[i] & x);
    else
      out[i] = static_cast<T>(out[i] + a[i] * x);
  }
}

template <class T>
void correlate_typed(const T* a, std::int64_t a_length, const T* v, std::int64_t v_length, T* out) {
  const std::int64_t results = a_length - v_length + 1;
  parallel((results + block - 1) / block, [&](std::int64_t chunk) {
    const std::int64_t first = chunk * block, count = std::min(block, results - first);
    std::fill_n(out + first, count, T{});
    for (std::int64_t k = 0; k < v_length; ++k) add_products(a + first + k, v[k], out + first, count);
  });
}

}  // namespace

void correlate_valid(DType type, const void* a, std::int64_t a_length, const void* v, std::int64_t v_length,
                     void* out) {
  with_sum_type(type, [&]<class T>(T) {
    correlate_typed(static_cast<const T*>(a), a_length, static_cast<const T*>(v), v_length, static_cast<T*>(out));
  });
}

void convolve_full(DType type, const void* a, std::int64_t a_length, const void* v, std::int64_t v_length, void* out) {
  with_sum_type(type, [&]<class T>(T) {
    const T* left = static_cast<const T*>(a);
    const T* right = static_cast<const T*>(v);
    T* result = static_cast<T*>(out);
    const std::int64_t results = a_length + v_length - 1;
    parallel((results + block - 1) / block, [&](std::int64_t chunk) {
      const std::int64_t first = chunk * block, end = std::min(results, first + block);
      std::fill(result + first, result + end, T{});
      for (std::int64_t k = std::max<std::int64_t>(0, first - a_length + 1); k < std::min(v_length, end); ++k) {
        const std::int64_t from = std::max(first, k), to = std::min(end, k + a_length);
        if (from < to) add_products(left + from - k, right[k], result + from, to - from);
      }
    });
  });
}

}  // namespace xgrad::kernels
