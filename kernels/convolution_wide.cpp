// Convolutions of many channels: sums of a few places by a few vectors stay in registers while their windows pass,
// read where they are.
#include <xgrad/kernels/convolution_parts.hpp>
#include <xgrad/kernels/convolution_tile.hpp>
#include <xgrad/kernels/pool.hpp>

namespace xgrad::kernels {
namespace {

constexpr std::int64_t most_pieces = 16;
constexpr std::int64_t weight_bytes = 256 << 10;  // of a block of weights that many tiles read: in the second cache
constexpr std::int64_t most_tiles = 16;           // that read it one after another
constexpr std::int64_t most_pointers = 4096;

const ConvolutionTiles& tiles() {
  static const ConvolutionTiles chosen = vector_bytes() == 64   ? convolution_tiles_avx512()
                                         : vector_bytes() == 32 ? convolution_tiles_avx2()
                                                                : convolution_tiles_baseline();
  return chosen;
}

/// The gradient by x as a convolution of y's gradient: taps in reverse order, channels exchanged. Stride 1 alone.
Convolution turned(const Convolution& c) {
  Convolution t = c;
  std::swap(t.in, t.out);
  std::swap(t.in_channels, t.out_channels);
  for (std::size_t axis = 0; axis < 3; ++axis)
    t.before[axis] = (c.taps[axis] - 1) * c.dilation[axis] - c.before[axis];
  return t;
}

struct Wide {
  explicit Wide(const Convolution& c) :
      taps(volume(c.taps)), channels(c.in_channels / c.groups), results(c.out_channels / c.groups),
      half(tiles().half_bytes / static_cast<std::int64_t>(size_of(c.type))),
      padded((results + half - 1) / half * half),
      rows(c.batch * volume(c.out)),
      pieces((rows + together - 1) / together, 8, most_pieces) {
    together_tiles = std::clamp<std::int64_t>(most_pointers / (together * taps), 1, most_tiles);
    pointers = together_tiles * together * taps;
    taps_a_chunk = std::max<std::int64_t>(
        1, weight_bytes / (channels * 2 * half * static_cast<std::int64_t>(size_of(c.type))));
    weights = c.groups * taps * channels * padded;
    bytes = static_cast<std::size_t>(pieces.number * pointers) * sizeof(void*) +
            static_cast<std::size_t>(weights + channels) * size_of(c.type);
  }

  static constexpr std::int64_t together = ConvolutionTile<float>::together;
  std::int64_t taps, channels, results, half, padded, rows;
  Pieces pieces;
  std::int64_t together_tiles = 0, pointers = 0, taps_a_chunk = 0, weights = 0;
  std::size_t bytes = 0;
};

/// Weights as tiles read them: groups, blocks of results (two halves, or one at the end), taps, channels.
template <class T>
void pack(const Wide& wide, const Convolution& c, bool backwards, const T* w, T* packed) {
  const std::int64_t blocks = (wide.padded + 2 * wide.half - 1) / (2 * wide.half);
  parallel(c.groups * blocks, [&](std::int64_t number) {
    const std::int64_t group = number / blocks, first = number % blocks * 2 * wide.half;
    const std::int64_t width = std::min(2 * wide.half, wide.padded - first);
    const std::int64_t here = std::min(width, wide.results - first);
    T* to = packed + group * wide.taps * wide.channels * wide.padded + first * wide.taps * wide.channels;
    for (std::int64_t tap = 0; tap < wide.taps; ++tap) {
      for (std::int64_t k = 0; k < wide.channels; ++k, to += width) {
        if (backwards) {
          // w is (taps, results, groups, channels) as the turned convolution sees it.
          const std::int64_t row = (wide.taps - 1 - tap) * wide.results + first;
          const T* from = w + row * c.in_channels + group * wide.channels + k;
          for (std::int64_t j = 0; j < here; ++j) to[j] = from[j * c.in_channels];
        } else {
          std::copy_n(w + (tap * wide.channels + k) * c.out_channels + group * wide.results + first, here, to);
        }
        std::fill(to + here, to + width, T{});
      }
    }
  });
}

/// Where the channels of places [begin, end) lie under each tap; `zeros` outside.
template <class T>
void find_places(const Convolution& c, std::int64_t begin, std::int64_t end, const T* x, const T* zeros,
                 const T** places) {
  constexpr std::int64_t together = Wide::together;
  const std::int64_t taps = volume(c.taps), tiles = (end - begin + together - 1) / together;
  for (std::int64_t row = begin; row < begin + tiles * together; ++row) {
    const T** to = places + (row - begin) / together * together * taps + (row - begin) % together;
    if (row >= end) {
      for (std::int64_t t = 0; t < taps; ++t) to[t * together] = zeros;
      continue;
    }
    const std::int64_t ox = row % c.out[2], oy = row / c.out[2] % c.out[1];
    const std::int64_t oz = row / (c.out[2] * c.out[1]) % c.out[0], image = row / volume(c.out);
    const TapRange z = taps_inside(c, 0, oz), y = taps_inside(c, 1, oy), xs = taps_inside(c, 2, ox);
    std::int64_t t = 0;
    for (std::int64_t tz = 0; tz < c.taps[0]; ++tz) {
      for (std::int64_t ty = 0; ty < c.taps[1]; ++ty) {
        const bool line_inside = tz >= z.first && tz < z.last && ty >= y.first && ty < y.last;
        const std::int64_t line =
            ((image * c.in[0] + z.start + tz * c.dilation[0]) * c.in[1] + y.start + ty * c.dilation[1]) * c.in[2];
        for (std::int64_t tx = 0; tx < c.taps[2]; ++tx, ++t)
          to[t * together] = line_inside && tx >= xs.first && tx < xs.last
                                 ? x + (line + xs.start + tx * c.dilation[2]) * c.in_channels
                                 : zeros;
      }
    }
  }
}

template <class T>
void run(const Convolution& c, bool backwards, const T* x, const T* w, T* y, void* scratch) {
  constexpr std::int64_t together = Wide::together;
  const Wide wide(c);
  const T** pointers = static_cast<const T**>(scratch);
  T* packed = reinterpret_cast<T*>(pointers + wide.pieces.number * wide.pointers);
  T* zeros = packed + wide.weights;
  std::fill_n(zeros, wide.channels, T{});
  pack(wide, c, backwards, w, packed);
  void (*whole)(const ConvolutionTile<T>&) = nullptr;
  void (*half)(const ConvolutionTile<T>&) = nullptr;
  if constexpr (sizeof(T) == 4) {
    whole = tiles().whole_float;
    half = tiles().half_float;
  } else {
    whole = tiles().whole_double;
    half = tiles().half_double;
  }
  parallel(wide.pieces.number, [&](std::int64_t piece) {
    const T** places = pointers + piece * wide.pointers;
    const std::int64_t end = std::min(wide.rows, wide.pieces.begin(piece + 1) * together);
    for (std::int64_t row = wide.pieces.begin(piece) * together; row < end; row += wide.together_tiles * together) {
      const std::int64_t stop = std::min(end, row + wide.together_tiles * together);
      for (std::int64_t group = 0; group < c.groups; ++group) {
        find_places(c, row, stop, x + group * wide.channels, zeros, places);
        const T* weights = packed + group * wide.taps * wide.channels * wide.padded;
        for (std::int64_t first = 0; first < wide.padded; first += 2 * wide.half) {
          const std::int64_t width = std::min(2 * wide.half, wide.padded - first);
          const T* block = weights + first * wide.taps * wide.channels;
          for (std::int64_t tap = 0; tap < wide.taps; tap += wide.taps_a_chunk) {
            ConvolutionTile<T> tile{.places = nullptr,
                                    .zeros = zeros,
                                    .weights = block + tap * wide.channels * width,
                                    .taps = std::min(wide.taps_a_chunk, wide.taps - tap),
                                    .channels = wide.channels,
                                    .y = nullptr,
                                    .y_step = c.out_channels,
                                    .results = std::min(width, wide.results - first),
                                    .count = 0,
                                    .add = tap > 0};
            for (std::int64_t at = row; at < stop; at += together) {
              tile.places = places + (at - row) * wide.taps + tap * together;
              tile.y = y + at * c.out_channels + group * wide.results + first;
              tile.count = static_cast<int>(std::min(together, stop - at));
              (width == 2 * wide.half ? whole : half)(tile);
            }
          }
        }
      }
    }
  });
}

}  // namespace

bool is_wide(ConvolutionOf result, const Convolution& c) {
  const bool strided = c.stride != Three{1, 1, 1};
  if (result == ConvolutionOf::w || (result == ConvolutionOf::x && strided) || volume(c.taps) == 1) return false;
  const Wide wide(result == ConvolutionOf::x ? turned(c) : c);
  // Where a quarter of the vectors would be padding, columns and OpenBLAS are as fast.
  return wide.channels >= 8 && 4 * wide.results >= 3 * wide.padded && wide.taps <= most_pointers / 8;
}

std::size_t wide_scratch(ConvolutionOf result, const Convolution& c) {
  return Wide(result == ConvolutionOf::x ? turned(c) : c).bytes;
}

void convolve_wide(ConvolutionOf result, const Convolution& c, const float* a, const float* w, float* out,
                   void* scratch) {
  const bool backwards = result == ConvolutionOf::x;
  run(backwards ? turned(c) : c, backwards, a, w, out, scratch);
}
void convolve_wide(ConvolutionOf result, const Convolution& c, const double* a, const double* w, double* out,
                   void* scratch) {
  const bool backwards = result == ConvolutionOf::x;
  run(backwards ? turned(c) : c, backwards, a, w, out, scratch);
}

}  // namespace xgrad::kernels
