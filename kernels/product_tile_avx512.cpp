// Tiles of products, built for the instruction set that this file's compile options name.
#include <xgrad/kernels/product_tile_loops.hpp>

namespace xgrad::kernels {

// Of 32 registers 24 hold sums, four vectors of b and one a number of a.
ProductTiles<float> product_tiles_avx512(float) { return all_tiles<float, 4, 24>(); }
ProductTiles<double> product_tiles_avx512(double) { return all_tiles<double, 4, 24>(); }

}  // namespace xgrad::kernels
