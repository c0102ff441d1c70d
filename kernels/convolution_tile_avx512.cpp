// Tiles of convolutions, built for the instruction set that this file's compile options name.
#include <xgrad/kernels/convolution_tile_loops.hpp>

namespace xgrad::kernels {

ConvolutionTiles convolution_tiles_avx512() { return all_tiles<4>(); }

}  // namespace xgrad::kernels
