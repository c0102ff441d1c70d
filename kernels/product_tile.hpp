#pragma once
// Internal to kernels/.
/// The innermost part of a matrix product: a few rows times a few vectors of columns, compiled for AVX2 and AVX-512.

#include <cstdint>

namespace xgrad::kernels {

/// c[i][j] = sum over l < k of a[i * a_row + l * a_k] * b[l * b_k + j], or c[i][j] += it: fused multiply-adds from the
/// first l to the last. As many rows and vectors of b as the kernel is for; nothing beyond `columns` is read or
/// written.
template <class T>
struct ProductTile {
  const T* a = nullptr;
  std::int64_t a_row = 0, a_k = 0;
  const T* b = nullptr;
  std::int64_t b_k = 0;
  T* c = nullptr;
  std::int64_t c_row = 0;
  std::int64_t k = 0;
  std::int64_t columns = 0;
  bool add = false;
};

/// out[l * width + j] = b[l * b_k + j * b_column] for l < k and j < columns, zero for the other j < width; one of the
/// two steps is 1, width is whole vectors.
template <class T>
struct ColumnPacking {
  const T* b = nullptr;
  std::int64_t b_k = 0, b_column = 0;
  std::int64_t k = 0, columns = 0, width = 0;
  T* out = nullptr;
};

/// Strip s of some rows of a, from starts[s] to starts[s + 1]: for each term l < k its numbers a[l * a_k + row] side by
/// side, term after term and strip after strip. `a` points at row starts[0].
template <class T>
struct StripPacking {
  const T* a = nullptr;
  std::int64_t a_k = 0, k = 0;
  const std::int64_t* starts = nullptr;
  std::int64_t strips = 0;
  T* out = nullptr;
};

inline constexpr int most_tile_rows = 12;
inline constexpr int most_tile_vectors = 4;

/// The kernels of one instruction set for one type.
template <class T>
struct ProductTiles {
  std::int64_t lanes = 0;         ///< numbers of a vector
  int vectors = 0;                ///< the most a kernel has
  int rows[most_tile_vectors]{};  ///< the most rows of a kernel with one, two, ... vectors
  // [vectors - 1][rows - 1]; in a `cut` one the last vector has numbers that are not columns.
  void (*whole[most_tile_vectors][most_tile_rows])(const ProductTile<T>&){};
  void (*cut[most_tile_vectors][most_tile_rows])(const ProductTile<T>&){};
  void (*pack_columns)(const ColumnPacking<T>&) = nullptr;
  void (*pack_strips)(const StripPacking<T>&) = nullptr;
};

ProductTiles<float> product_tiles_avx2(float);
ProductTiles<double> product_tiles_avx2(double);
ProductTiles<float> product_tiles_avx512(float);
ProductTiles<double> product_tiles_avx512(double);

}  // namespace xgrad::kernels
