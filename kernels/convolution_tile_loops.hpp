#pragma once
// Internal to kernels/.
/// The loops of convolution_tile.hpp, for sources that are compiled for one instruction set each.

#include <xgrad/kernels/convolution_tile.hpp>
#include <xgrad/kernels/mul_add.hpp>

#include <xsimd/xsimd.hpp>

namespace xgrad::kernels {
namespace {

template <class T, int vectors>
void tile_loops(const ConvolutionTile<T>& tile) {
  using Batch = xsimd::batch<T>;
  constexpr int together = ConvolutionTile<T>::together;
  constexpr std::int64_t lanes = Batch::size, width = vectors * lanes;
  Batch sums[together][vectors];
#pragma GCC unroll 6
  for (int i = 0; i < together; ++i)
#pragma GCC unroll 4
    for (int v = 0; v < vectors; ++v) sums[i][v] = Batch(T{0});
  for (std::int64_t t = 0; t < tile.taps; ++t) {
    const T* const* p = tile.places + t * together;
    const T *p0 = p[0], *p1 = p[1], *p2 = p[2], *p3 = p[3], *p4 = p[4], *p5 = p[5];
    const T* z = tile.zeros;
    if ((p0 == z) & (p1 == z) & (p2 == z) & (p3 == z) & (p4 == z) & (p5 == z)) continue;
    const T* w = tile.weights + t * tile.channels * width;
    for (std::int64_t k = 0; k < tile.channels; ++k, w += width) {
      Batch row[vectors];
#pragma GCC unroll 4
      for (int v = 0; v < vectors; ++v) row[v] = Batch::load_unaligned(w + v * lanes);
      const auto add = [&](int i, T value) __attribute__((always_inline)) {
        const Batch x(value);
#pragma GCC unroll 4
        for (int v = 0; v < vectors; ++v) sums[i][v] = mul_add(x, row[v], sums[i][v]);
      };
      add(0, p0[k]);
      add(1, p1[k]);
      add(2, p2[k]);
      add(3, p3[k]);
      add(4, p4[k]);
      add(5, p5[k]);
    }
  }
#pragma GCC unroll 6
  for (int i = 0; i < together; ++i) {
    if (i >= tile.count) break;
    T* y = tile.y + i * tile.y_step;
    if (tile.results == width) {
#pragma GCC unroll 4
      for (int v = 0; v < vectors; ++v) {
        Batch sum = sums[i][v];
        if (tile.add) sum += Batch::load_unaligned(y + v * lanes);
        sum.store_unaligned(y + v * lanes);
      }
    } else {
      T all[width];
#pragma GCC unroll 4
      for (int v = 0; v < vectors; ++v) sums[i][v].store_unaligned(all + v * lanes);
      for (std::int64_t j = 0; j < tile.results; ++j) y[j] = tile.add ? y[j] + all[j] : all[j];
    }
  }
}

template <int vectors>
constexpr ConvolutionTiles all_tiles() {
  return {tile_loops<float, vectors>, tile_loops<float, vectors / 2>, tile_loops<double, vectors>,
          tile_loops<double, vectors / 2>, static_cast<std::int64_t>(vectors / 2 * sizeof(float)) *
                                               static_cast<std::int64_t>(xsimd::batch<float>::size)};
}

}  // namespace
}  // namespace xgrad::kernels
