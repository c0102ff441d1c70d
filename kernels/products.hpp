#pragma once
/// Matrix products: our own tiles on CPUs with AVX2 or AVX-512, OpenBLAS with one thread a call on others and for
/// vectors; split over our pool.

#include <xgrad/kernels/dtype.hpp>

#include <cstddef>
#include <cstdint>

namespace xgrad::kernels {

/// A batch of products C = op(A) op(B), op transposing where asked; row-major, elements of a row side by side.
/// Any dtype. Floats: loops when m, n and k are at most 8, gemv when m or n is 1, else tiles or gemm; others: loops.
/// k == 0 gives zeros. Offsets and rows are in elements, so a broadcast operand repeats an offset, and matrices may lie
/// between each other's rows. C fills its memory.
struct Product {
  DType type = DType::float32;
  bool transpose_a = false, transpose_b = false;
  std::int64_t m = 0, n = 0, k = 0;
  std::int64_t batches = 1;
  const std::int64_t* offsets_a = nullptr;       ///< null: batch * m * k
  const std::int64_t* offsets_b = nullptr;       ///< null: batch * k * n
  const std::int64_t* offsets_c = nullptr;       ///< null: batch * m * n
  std::int64_t row_a = 0, row_b = 0, row_c = 0;  ///< from one row in memory to the next; 0: rows lie side by side
};
/// `scratch` holds `product_scratch` bytes, or is null: then a buffer is allocated where one is needed.
void multiply(const Product& product, const void* a, const void* b, void* c, void* scratch = nullptr);

/// Bytes of memory in which a product puts operands into the order it reads them in. Offsets do not matter.
std::size_t product_scratch(const Product& product);

/// One product of floating matrices on this thread, rows `ld` elements apart: C = op(A) op(B), or C += op(A) op(B).
/// Sizes are at most INT_MAX. What its bits are follows from its sizes.
struct Block {
  bool transpose_a = false, transpose_b = false;
  std::int64_t m = 0, n = 0, k = 0;
  std::int64_t lda = 0, ldb = 0, ldc = 0;
  bool add = false;
};
void multiply_block(const Block& block, const float* a, const float* b, float* c);
void multiply_block(const Block& block, const double* a, const double* b, double* c);

}  // namespace xgrad::kernels
