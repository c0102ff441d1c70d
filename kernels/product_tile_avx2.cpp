// Tiles of products, built for the instruction set that this file's compile options name.
#include <xgrad/kernels/product_tile_loops.hpp>

namespace xgrad::kernels {

// Of 16 registers twelve hold sums, two vectors of b and one a number of a.
ProductTiles<float> product_tiles_avx2(float) { return all_tiles<float, 2, 12>(); }
ProductTiles<double> product_tiles_avx2(double) { return all_tiles<double, 2, 12>(); }

}  // namespace xgrad::kernels
