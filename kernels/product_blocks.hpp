#pragma once
// Internal to kernels/.
/// Matrix products in tiles, for CPUs with AVX2 or AVX-512.

#include <xgrad/kernels/products.hpp>

#include <cstddef>

namespace xgrad::kernels {

/// Whether this CPU has tiles for products and XGRAD_ARCH allows them.
bool has_product_tiles();

/// Bytes of scratch memory for `multiply_in_tiles`; follows from the product alone.
template <class T>
std::size_t tile_scratch(const Product& product);

/// C = op(A) op(B) for k > 0. Each element is a sum of fused multiply-adds over pieces of k; what m, n, the batch and
/// the number of threads are changes no bit of it.
template <class T>
void multiply_in_tiles(const Product& product, const T* a, const T* b, T* c, T* scratch);

}  // namespace xgrad::kernels
