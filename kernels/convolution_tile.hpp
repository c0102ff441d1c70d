#pragma once
// Internal to kernels/.
/// The innermost part of a convolution: a few places times a few vectors of results, compiled for each instruction set.

#include <cstdint>

namespace xgrad::kernels {

/// y of a few places: sums over taps t and channels k of places[t * together + i][k] weights[t][k][:].
template <class T>
struct ConvolutionTile {
  static constexpr int together = 6;  ///< places: with four vectors each the sums fill the registers of AVX-512

  const T* const* places = nullptr;  ///< where the channels of each place under each tap lie
  const T* zeros = nullptr;          ///< what stands for places outside; a tap without any place inside is left out
  const T* weights = nullptr;        ///< rows of all vectors' results
  std::int64_t taps = 0, channels = 0;
  T* y = nullptr;
  std::int64_t y_step = 0, results = 0;  ///< from place to place; how many results there are
  int count = 0;                         ///< how many places there are
  bool add = false;                      ///< to what is in y
};

/// For one instruction set: kernels of `vectors` vectors and of half as many, and the numbers a vector has.
struct ConvolutionTiles {
  void (*whole_float)(const ConvolutionTile<float>&);
  void (*half_float)(const ConvolutionTile<float>&);
  void (*whole_double)(const ConvolutionTile<double>&);
  void (*half_double)(const ConvolutionTile<double>&);
  std::int64_t half_bytes;  ///< of results in half of a kernel's vectors
};

ConvolutionTiles convolution_tiles_baseline();
ConvolutionTiles convolution_tiles_avx2();
ConvolutionTiles convolution_tiles_avx512();

}  // namespace xgrad::kernels
