#pragma once
/// Matrix products through OpenBLAS, one thread a call, split over our pool by shape.

#include <xgrad/kernels/dtype.hpp>

#include <cstdint>
#include <string>

namespace xgrad::kernels {

/// A batch of products C = op(A) op(B), op transposing where asked; row-major, elements of a row side by side.
/// Any dtype: floats go to OpenBLAS (gemv for vectors, own loops when m, n and k are at most 8), others to plain loops.
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
void multiply(const Product& product, const void* a, const void* b, void* c);

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

/// Tells OpenBLAS, once, to use one thread a call and the core type that fits. Whoever calls it or LAPACK does this
/// first.
void prepare_blas();

/// What OpenBLAS was told and which core type it runs, for `about()`.
std::string blas_description();

}  // namespace xgrad::kernels
