#pragma once
// Internal to kernels/.
/// The loops of product_tile.hpp, for sources that are compiled for one instruction set each.

#include <xgrad/kernels/mul_add.hpp>
#include <xgrad/kernels/product_tile.hpp>

#include <xsimd/xsimd.hpp>

#include <immintrin.h>
#include <cstring>
#include <type_traits>
#include <utility>

namespace xgrad::kernels {
namespace {

/// Reads and writes the first few numbers of a vector and touches no other memory.
template <class T>
class Part {
 public:
  using Batch = xsimd::batch<T>;
  static constexpr std::int64_t lanes = Batch::size;

#ifdef __AVX512F__
  explicit Part(std::int64_t count) : count_(count), mask_((1U << count) - 1) {}
  Batch load(const float* p) const { return _mm512_maskz_loadu_ps(static_cast<__mmask16>(mask_), p); }
  Batch load(const double* p) const { return _mm512_maskz_loadu_pd(static_cast<__mmask8>(mask_), p); }
  void store(float* p, __m512 x) const {
    __m256 low = _mm512_castps512_ps256(x);
    if ((count_ & 8) != 0) {
      _mm256_storeu_ps(p, low);
      p += 8;
      low = _mm512_extractf32x8_ps(x, 1);
    }
    store_rest(p, low);
  }
  void store(double* p, __m512d x) const {
    __m256d low = _mm512_castpd512_pd256(x);
    if ((count_ & 4) != 0) {
      _mm256_storeu_pd(p, low);
      p += 4;
      low = _mm512_extractf64x4_pd(x, 1);
    }
    store_rest(p, low);
  }
#else
  explicit Part(std::int64_t count) : count_(count) {
    std::conditional_t<sizeof(T) == 4, std::int32_t, std::int64_t> chosen[lanes];
    for (std::int64_t i = 0; i < lanes; ++i) chosen[i] = i < count ? -1 : 0;
    std::memcpy(&mask_, chosen, sizeof mask_);
  }
  Batch load(const float* p) const { return _mm256_maskload_ps(p, mask_); }
  Batch load(const double* p) const { return _mm256_maskload_pd(p, mask_); }
  void store(float* p, __m256 x) const { store_rest(p, x); }
  void store(double* p, __m256d x) const { store_rest(p, x); }
#endif

 private:
  // By halves and quarters: masked stores are slow on some CPUs.
  void store_rest(float* p, __m256 x) const {
    __m128 low = _mm256_castps256_ps128(x);
    if ((count_ & 4) != 0) {
      _mm_storeu_ps(p, low);
      p += 4;
      low = _mm256_extractf128_ps(x, 1);
    }
    if ((count_ & 2) != 0) {
      _mm_storel_pi(reinterpret_cast<__m64*>(p), low);
      p += 2;
      low = _mm_movehl_ps(low, low);
    }
    if ((count_ & 1) != 0) _mm_store_ss(p, low);
  }
  void store_rest(double* p, __m256d x) const {
    __m128d low = _mm256_castpd256_pd128(x);
    if ((count_ & 2) != 0) {
      _mm_storeu_pd(p, low);
      p += 2;
      low = _mm256_extractf128_pd(x, 1);
    }
    if ((count_ & 1) != 0) _mm_store_sd(p, low);
  }

  std::int64_t count_;
#ifdef __AVX512F__
  unsigned mask_;
#else
  __m256i mask_;
#endif
};

/// `whole`: the last vector of columns is not cut off.
template <class T, int rows, int vectors, bool whole>
void tile_product(const ProductTile<T>& tile) {
  using Batch = xsimd::batch<T>;
  constexpr std::int64_t lanes = Batch::size;
  constexpr int uncut = whole ? vectors : vectors - 1;
  const Part<T> part(whole ? lanes : tile.columns - uncut * lanes);
  Batch sums[rows][vectors];
#pragma GCC unroll 12
  for (int i = 0; i < rows; ++i)
#pragma GCC unroll 4
    for (int v = 0; v < vectors; ++v) sums[i][v] = Batch(T{0});
  for (int i = 0; i < rows; ++i) {
    for (int v = 0; v < vectors; ++v) __builtin_prefetch(tile.c + i * tile.c_row + v * lanes, 1);
  }
  // A pointer for three rows each: the middle and the last one are reached by the row's step and twice that.
  constexpr int leaders = (rows + 2) / 3;
  const T* lead[leaders];
#pragma GCC unroll 4
  for (int i = 0; i < leaders; ++i) lead[i] = tile.a + 3 * i * tile.a_row;
  const T* b = tile.b;
  const std::int64_t a_row = tile.a_row, a_k = tile.a_k, b_k = tile.b_k;
  for (std::int64_t l = 0; l < tile.k; ++l) {
    Batch row[vectors];
#pragma GCC unroll 4
    for (int v = 0; v < uncut; ++v) row[v] = Batch::load_unaligned(b + v * lanes);
    if constexpr (!whole) row[uncut] = part.load(b + uncut * lanes);
    b += b_k;
#pragma GCC unroll 12
    for (int i = 0; i < rows; ++i) {
      const Batch x(lead[i / 3][i % 3 * a_row]);
#pragma GCC unroll 4
      for (int v = 0; v < vectors; ++v) sums[i][v] = mul_add(x, row[v], sums[i][v]);
    }
#pragma GCC unroll 4
    for (int i = 0; i < leaders; ++i) lead[i] += a_k;
  }
  T* c = tile.c;
#pragma GCC unroll 12
  for (int i = 0; i < rows; ++i, c += tile.c_row) {
#pragma GCC unroll 4
    for (int v = 0; v < uncut; ++v) {
      Batch sum = sums[i][v];
      if (tile.add) sum += Batch::load_unaligned(c + v * lanes);
      sum.store_unaligned(c + v * lanes);
    }
    if constexpr (!whole) {
      Batch sum = sums[i][uncut];
      if (tile.add) sum += part.load(c + uncut * lanes);
      part.store(c + uncut * lanes, sum);
    }
  }
}

// ---- putting a matrix into the order in which the kernels read it

typedef float Eight __attribute__((vector_size(32)));
typedef double Four __attribute__((vector_size(32)));

/// The transpose of 8 x 8 numbers whose rows are `step` apart, to rows `width` apart.
[[gnu::always_inline]] inline void transpose_block(const float* in, std::int64_t step, float* out, std::int64_t width) {
  Eight r[8], s[8];
#pragma GCC unroll 8
  for (int i = 0; i < 8; ++i) std::memcpy(&r[i], in + i * step, sizeof r[i]);
#pragma GCC unroll 4
  for (int i = 0; i < 8; i += 2) {
    s[i] = __builtin_shufflevector(r[i], r[i + 1], 0, 8, 1, 9, 4, 12, 5, 13);
    s[i + 1] = __builtin_shufflevector(r[i], r[i + 1], 2, 10, 3, 11, 6, 14, 7, 15);
  }
#pragma GCC unroll 2
  for (int i = 0; i < 8; i += 4) {
    r[i] = __builtin_shufflevector(s[i], s[i + 2], 0, 1, 8, 9, 4, 5, 12, 13);
    r[i + 1] = __builtin_shufflevector(s[i], s[i + 2], 2, 3, 10, 11, 6, 7, 14, 15);
    r[i + 2] = __builtin_shufflevector(s[i + 1], s[i + 3], 0, 1, 8, 9, 4, 5, 12, 13);
    r[i + 3] = __builtin_shufflevector(s[i + 1], s[i + 3], 2, 3, 10, 11, 6, 7, 14, 15);
  }
#pragma GCC unroll 4
  for (int i = 0; i < 4; ++i) {
    s[i] = __builtin_shufflevector(r[i], r[i + 4], 0, 1, 2, 3, 8, 9, 10, 11);
    s[i + 4] = __builtin_shufflevector(r[i], r[i + 4], 4, 5, 6, 7, 12, 13, 14, 15);
  }
#pragma GCC unroll 8
  for (int i = 0; i < 8; ++i) std::memcpy(out + i * width, &s[i], sizeof s[i]);
}

/// The same for 4 x 4 numbers.
[[gnu::always_inline]] inline void transpose_block(const double* in, std::int64_t step, double* out,
                                                   std::int64_t width) {
  Four r[4], s[4];
#pragma GCC unroll 4
  for (int i = 0; i < 4; ++i) std::memcpy(&r[i], in + i * step, sizeof r[i]);
#pragma GCC unroll 2
  for (int i = 0; i < 4; i += 2) {
    s[i] = __builtin_shufflevector(r[i], r[i + 1], 0, 4, 2, 6);
    s[i + 1] = __builtin_shufflevector(r[i], r[i + 1], 1, 5, 3, 7);
  }
  r[0] = __builtin_shufflevector(s[0], s[2], 0, 1, 4, 5);
  r[1] = __builtin_shufflevector(s[1], s[3], 0, 1, 4, 5);
  r[2] = __builtin_shufflevector(s[0], s[2], 2, 3, 6, 7);
  r[3] = __builtin_shufflevector(s[1], s[3], 2, 3, 6, 7);
#pragma GCC unroll 4
  for (int i = 0; i < 4; ++i) std::memcpy(out + i * width, &r[i], sizeof r[i]);
}

template <class T>
void pack_columns(const ColumnPacking<T>& p) {
  constexpr std::int64_t side = 32 / sizeof(T), lanes = xsimd::batch<T>::size;
  if (p.b_column == 1) {
    const std::int64_t uncut = p.columns / lanes * lanes;
    const Part<T> part(p.columns - uncut);
    for (std::int64_t l = 0; l < p.k; ++l) {
      const T* b = p.b + l * p.b_k;
      T* out = p.out + l * p.width;
      for (std::int64_t j = 0; j < uncut; j += lanes) {
        xsimd::batch<T>::load_unaligned(b + j).store_unaligned(out + j);
      }
      if (uncut < p.width) part.load(b + uncut).store_unaligned(out + uncut);
    }
    return;
  }
  std::int64_t j = 0;
  for (; j + side <= p.columns; j += side) {
    const T* b = p.b + j * p.b_column;
    std::int64_t l = 0;
    for (; l + side <= p.k; l += side) transpose_block(b + l, p.b_column, p.out + l * p.width + j, p.width);
    for (; l < p.k; ++l) {
      for (std::int64_t i = 0; i < side; ++i) p.out[l * p.width + j + i] = b[i * p.b_column + l];
    }
  }
  for (; j < p.width; ++j) {
    for (std::int64_t l = 0; l < p.k; ++l) {
      p.out[l * p.width + j] = j < p.columns ? p.b[j * p.b_column + l] : T{0};
    }
  }
}

template <class T>
void pack_strips(const StripPacking<T>& p) {
  using Batch = xsimd::batch<T>;
  constexpr std::int64_t lanes = Batch::size, at_once = 64;
  for (std::int64_t l0 = 0; l0 < p.k; l0 += at_once) {
    const std::int64_t end = l0 + at_once < p.k ? l0 + at_once : p.k;
    for (std::int64_t s = 0; s < p.strips; ++s) {
      const std::int64_t first = p.starts[s] - p.starts[0], count = p.starts[s + 1] - p.starts[s];
      const std::int64_t uncut = count / lanes * lanes, size = count * p.k;
      const Part<T> part(count - uncut);
      T* const strip = p.out + first * p.k;
      for (std::int64_t l = l0; l < end; ++l) {
        const T* from = p.a + l * p.a_k + first;
        const std::int64_t place = l * count;
        for (std::int64_t i = 0; i < uncut; i += lanes) {
          Batch::load_unaligned(from + i).store_unaligned(strip + place + i);
        }
        if (uncut == count) continue;
        // A whole vector is quicker to write than a part; what is too much is written over by the next term.
        const Batch rest = part.load(from + uncut);
        if (place + uncut + lanes <= size) {
          rest.store_unaligned(strip + place + uncut);
        } else {
          part.store(strip + place + uncut, rest);
        }
      }
    }
  }
}

/// Kernels of `vectors` vectors whose sums take at most `registers` registers.
template <class T, int vectors, int registers>
void add_kernels(ProductTiles<T>& tiles) {
  constexpr int rows = registers / vectors < most_tile_rows ? registers / vectors : most_tile_rows;
  tiles.rows[vectors - 1] = rows;
  [&]<int... row>(std::integer_sequence<int, row...>) {
    ((tiles.whole[vectors - 1][row] = tile_product<T, row + 1, vectors, true>), ...);
    ((tiles.cut[vectors - 1][row] = tile_product<T, row + 1, vectors, false>), ...);
  }
  (std::make_integer_sequence<int, rows>{});
}

template <class T, int vectors, int registers>
ProductTiles<T> all_tiles() {
  ProductTiles<T> tiles;
  tiles.lanes = xsimd::batch<T>::size;
  tiles.vectors = vectors;
  tiles.pack_columns = pack_columns<T>;
  tiles.pack_strips = pack_strips<T>;
  [&]<int... less>(std::integer_sequence<int, less...>) { (add_kernels<T, less + 1, registers>(tiles), ...); }
  (std::make_integer_sequence<int, vectors>{});
  return tiles;
}

}  // namespace
}  // namespace xgrad::kernels
