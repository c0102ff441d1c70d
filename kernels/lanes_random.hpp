#pragma once
// Internal to kernels/.
// Uniform draws: several Philox counters at a time, one in each 64-bit lane. Internal linkage, as in lanes_simple.hpp.

#include <xgrad/kernels/lanes.hpp>
#include <xgrad/kernels/philox.hpp>

#include <immintrin.h>
#include <xsimd/xsimd.hpp>

#include <cstdint>
#include <cstring>

namespace xgrad::kernels {
namespace {

template <int bytes>
struct Words {
  typedef std::uint64_t Type __attribute__((vector_size(bytes)));
  typedef float Floats __attribute__((vector_size(bytes)));
  typedef double Doubles __attribute__((vector_size(bytes)));
  typedef std::int32_t Ints __attribute__((vector_size(bytes)));
};

// Low halves times low halves, 64-bit products.
template <int bytes, class V>
inline V multiply_low(V a, V b) {
  if constexpr (bytes == 16) return (V)_mm_mul_epu32((__m128i)a, (__m128i)b);
  else if constexpr (bytes == 32) return (V)_mm256_mul_epu32((__m256i)a, (__m256i)b);
  else return (V)_mm512_mul_epu32((__m512i)a, (__m512i)b);
}

// The keys of the rounds, and the words of the counter that stay, in every lane.
template <int bytes>
struct PhiloxKeys {
  using V = typename Words<bytes>::Type;
  V key[philox_rounds][2], number[2];

  explicit PhiloxKeys(const DrawState& draw) {
    auto k0 = static_cast<std::uint32_t>(draw.seed), k1 = static_cast<std::uint32_t>(draw.seed >> 32);
    for (auto& k : key) {
      k[0] = V{} + k0;
      k[1] = V{} + k1;
      k0 += philox_weyl_0;
      k1 += philox_weyl_1;
    }
    number[0] = V{} + (draw.number & 0xffffffffu);
    number[1] = V{} + (draw.number >> 32);
  }
};

// The words of a few blocks from `block` on, in order. Two sets of lanes hide the multiplications' latency.
template <int bytes>
struct PhiloxLanes {
  using V = typename Words<bytes>::Type;
  static constexpr int lanes = bytes / 8, sets = 2, blocks = lanes * sets;
  V words[2 * sets];

  PhiloxLanes(const PhiloxKeys<bytes>& keys, std::uint64_t block) {
    V places{};
    for (int i = 0; i < lanes; ++i) places[i] = static_cast<std::uint64_t>(i);
    V c0[sets], c1[sets], c2[sets], c3[sets];
    for (int s = 0; s < sets; ++s) {
      c0[s] = places + (block + static_cast<std::uint64_t>(s * lanes));
      c1[s] = c0[s] >> 32;
      c2[s] = keys.number[0];
      c3[s] = keys.number[1];
    }
    const V m0 = V{} + philox_multiplier_0, m1 = V{} + philox_multiplier_1;
    for (const auto& k : keys.key) {
      for (int s = 0; s < sets; ++s) {
        // High halves hold what the shifts left; products and results read low halves only.
        const V p0 = multiply_low<bytes>(c0[s], m0), p1 = multiply_low<bytes>(c2[s], m1);
        c0[s] = (p1 >> 32) ^ (c1[s] ^ k[0]);
        c2[s] = (p0 >> 32) ^ (c3[s] ^ k[1]);
        c1[s] = p1;
        c3[s] = p0;
      }
    }
    V front{}, back{};
    for (int i = 0; i < lanes / 2; ++i) {
      front[2 * i] = static_cast<std::uint64_t>(i);
      front[2 * i + 1] = static_cast<std::uint64_t>(lanes + i);
      back[2 * i] = static_cast<std::uint64_t>(lanes / 2 + i);
      back[2 * i + 1] = static_cast<std::uint64_t>(lanes + lanes / 2 + i);
    }
    const V low = V{} + 0xffffffffu;
    for (int s = 0; s < sets; ++s) {
      const V first = (c0[s] & low) | (c1[s] << 32), second = (c2[s] & low) | (c3[s] << 32);
      words[2 * s] = __builtin_shuffle(first, second, front);
      words[2 * s + 1] = __builtin_shuffle(first, second, back);
    }
  }
};

template <int bytes>
inline void to_uniform(float* out, typename Words<bytes>::Type words) {
  using Ints = typename Words<bytes>::Ints;
  // The low 8 bits of each half are shifted out; what is left fits a signed integer.
  const Ints high = (Ints)((words >> 8) & (typename Words<bytes>::Type{} + 0x00ffffff00ffffffu));
  const auto result = __builtin_convertvector(high, typename Words<bytes>::Floats) * 0x1p-24f;
  std::memcpy(out, &result, bytes);
}

template <int bytes>
inline void to_uniform(double* out, typename Words<bytes>::Type words) {
  using V = typename Words<bytes>::Type;
  using Doubles = typename Words<bytes>::Doubles;
  // An integer below 2^52 becomes a double by its bits; the bit below is added apart. All of it is exact.
  const V exponent = V{} + 0x4330000000000000u;
  const Doubles high = (Doubles)((words >> 12) | exponent) - 0x1p52;
  const Doubles low = (Doubles)(((words >> 11) & (V{} + 1u)) | exponent) - 0x1p52;
  const Doubles result = (high + high + low) * 0x1p-53;
  std::memcpy(out, &result, bytes);
}

template <class T>
void uniform_loop(void* out, const void* a, const void*, const void*, std::int64_t count) {
  constexpr int bytes = int(sizeof(xsimd::batch<float>));
  constexpr int per_block = 16 / int(sizeof(T));
  constexpr int blocks = PhiloxLanes<bytes>::blocks;
  constexpr int step = blocks * per_block;
  auto* result = static_cast<T*>(out);
  const DrawState draw = *static_cast<const DrawState*>(a);
  const auto first = static_cast<std::uint64_t>(draw.first);
  std::uint64_t block = first / per_block;
  auto skip = static_cast<std::int64_t>(first % per_block);
  T values[step];
  const PhiloxKeys<bytes> keys(draw);
  for (std::int64_t i = 0; i < count; block += blocks) {
    const PhiloxLanes<bytes> random(keys, block);
    const bool whole = skip == 0 && count - i >= step;
    T* const to = whole ? result + i : values;
    constexpr int parts = sizeof(random.words) / bytes;
    for (int v = 0; v < parts; ++v) to_uniform<bytes>(to + v * (step / parts), random.words[v]);
    if (whole) {
      i += step;
    } else {
      const std::int64_t take = step - skip < count - i ? step - skip : count - i;
      for (std::int64_t j = 0; j < take; ++j) result[i + j] = values[skip + j];
      i += take;
      skip = 0;
    }
  }
}

}  // namespace
}  // namespace xgrad::kernels
