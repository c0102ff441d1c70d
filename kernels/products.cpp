#include <xgrad/kernels/products.hpp>

#include <xgrad/kernels/blas.hpp>
#include <xgrad/kernels/buffer.hpp>
#include <xgrad/kernels/pool.hpp>
#include <xgrad/kernels/product_blocks.hpp>

#include <cblas.h>

#include <algorithm>
#include <array>
#include <bit>
#include <climits>
#include <cstring>
#include <stdexcept>
#include <string>
#include <type_traits>

namespace xgrad::kernels {
namespace {

// ---- one part of one product

/// Rows m0 to m1 and columns n0 to n1 of C.
struct Part {
  std::int64_t m0, m1, n0, n1;
};

constexpr std::int64_t tiny = 8;
bool is_tiny(const Product& p) { return p.m <= tiny && p.n <= tiny && p.k <= tiny; }

bool takes_tiles(const Product& p) {
  static const bool there_are = has_product_tiles();
  return there_are && is_floating(p.type) && !is_tiny(p) && p.m > 1 && p.n > 1 && p.k > 0;
}

void gemm(bool ta, bool tb, int m, int n, int k, const float* a, int lda, const float* b, int ldb, float* c, int ldc) {
  cblas_sgemm(CblasRowMajor, ta ? CblasTrans : CblasNoTrans, tb ? CblasTrans : CblasNoTrans, m, n, k, 1.0F, a, lda, b,
              ldb, 0.0F, c, ldc);
}

void gemm(bool ta, bool tb, int m, int n, int k, const double* a, int lda, const double* b, int ldb, double* c,
          int ldc) {
  cblas_dgemm(CblasRowMajor, ta ? CblasTrans : CblasNoTrans, tb ? CblasTrans : CblasNoTrans, m, n, k, 1.0, a, lda, b,
              ldb, 0.0, c, ldc);
}

// y += op(matrix) x; adding to zeros does not depend on how a library treats beta = 0.
void gemv(bool t, int rows, int cols, const float* matrix, int ld, const float* x, int step_x, float* y, int step_y) {
  cblas_sgemv(CblasRowMajor, t ? CblasTrans : CblasNoTrans, rows, cols, 1.0F, matrix, ld, x, step_x, 1.0F, y, step_y);
}

void gemv(bool t, int rows, int cols, const double* matrix, int ld, const double* x, int step_x, double* y,
          int step_y) {
  cblas_dgemv(CblasRowMajor, t ? CblasTrans : CblasNoTrans, rows, cols, 1.0, matrix, ld, x, step_x, 1.0, y, step_y);
}

/// A vector's elements, `step` apart.
template <class T>
struct Line {
  T* data;
  std::int64_t step;
};

/// Elements out0 to out1 of y = op(matrix) x, where op(matrix) has k columns.
template <class T>
void matrix_vector(bool transposed, std::int64_t out0, std::int64_t out1, std::int64_t k, const T* matrix,
                   std::int64_t row, Line<const T> x, Line<T> y) {
  const auto count = static_cast<int>(out1 - out0), depth = static_cast<int>(k), ld = static_cast<int>(row);
  const auto step_x = static_cast<int>(x.step), step_y = static_cast<int>(y.step);
  T* out = y.data + out0 * y.step;
  for (std::int64_t i = 0; i < count; ++i) out[i * y.step] = T{0};
  if (transposed) {
    gemv(true, depth, count, matrix + out0, ld, x.data, step_x, out, step_y);
  } else {
    gemv(false, count, depth, matrix + out0 * row, ld, x.data, step_x, out, step_y);
  }
}

template <class T>
void float_part(const Product& p, const Part& part, const T* a, const T* b, T* c) {
  if (p.n == 1)
    return matrix_vector<T>(p.transpose_a, part.m0, part.m1, p.k, a, p.row_a, {b, p.transpose_b ? 1 : p.row_b},
                            {c, p.row_c});
  if (p.m == 1)
    return matrix_vector<T>(!p.transpose_b, part.n0, part.n1, p.k, b, p.row_b, {a, p.transpose_a ? p.row_a : 1},
                            {c, 1});
  gemm(p.transpose_a, p.transpose_b, static_cast<int>(part.m1 - part.m0), static_cast<int>(part.n1 - part.n0),
       static_cast<int>(p.k), a + (p.transpose_a ? part.m0 : part.m0 * p.row_a), static_cast<int>(p.row_a),
       b + (p.transpose_b ? part.n0 * p.row_b : part.n0), static_cast<int>(p.row_b), c + part.m0 * p.row_c + part.n0,
       static_cast<int>(p.row_c));
}

/// All of a product with m, n, k <= 8, n <= width. Rows of op(B) are padded, so that a row of C is whole vectors.
template <int width, class T>
void tiny_product(const Product& p, const T* a, const T* b, T* c) {
  typedef T Vector __attribute__((vector_size(16)));
  constexpr int lanes = 16 / sizeof(T);
  constexpr int vectors = width / lanes;
  std::array<T, tiny * width> padded;
  const bool in_place = !p.transpose_b && p.row_b == width && p.n == width;
  if (!in_place) {
    const std::int64_t k_step = p.transpose_b ? 1 : p.row_b;
    const std::int64_t column_step = p.transpose_b ? p.row_b : 1;
    padded.fill(T{0});
    for (std::int64_t l = 0; l < p.k; ++l) {
      for (std::int64_t j = 0; j < p.n; ++j) {
        padded[static_cast<std::size_t>(l * width + j)] = b[l * k_step + j * column_step];
      }
    }
    b = padded.data();
  }
  const std::int64_t row_step = p.transpose_a ? 1 : p.row_a;
  const std::int64_t k_step = p.transpose_a ? p.row_a : 1;
  for (std::int64_t i = 0; i < p.m; ++i) {
    Vector sums[vectors] = {};
    for (std::int64_t l = 0; l < p.k; ++l) {
      const T x = a[i * row_step + l * k_step];
      for (int v = 0; v < vectors; ++v) {
        Vector row;
        std::memcpy(&row, b + l * width + v * lanes, sizeof row);
        sums[v] += x * row;
      }
    }
    std::array<T, width> row;
    std::memcpy(row.data(), sums, sizeof sums);
    std::copy_n(row.data(), p.n, c + i * p.row_c);
  }
}

// ---- integers and booleans

template <class T>
struct Walk {
  const T* data;
  std::int64_t outer, inner;  // steps
};

/// c[j] += x * row[j], wrapping around; for bool c[j] |= x && row[j].
template <class T>
[[gnu::always_inline]] inline void add_scaled(T x, const T* __restrict row, T* __restrict c, std::int64_t count) {
  for (std::int64_t j = 0; j < count; ++j) {
    if constexpr (std::is_same_v<T, bool>) {
      c[j] = c[j] | (x & row[j]);
    } else {
      c[j] = static_cast<T>(c[j] + x * row[j]);
    }
  }
}

constexpr std::int64_t block_k = 64;
constexpr std::int64_t block_n = 256;

/// C (rows of `ldc` elements, zero at first) += A B, block by block; a block of B whose rows are not contiguous is
/// copied first.
template <class T>
[[gnu::always_inline]] inline void plain_loops(std::int64_t m, std::int64_t n, std::int64_t k, Walk<T> a, Walk<T> b,
                                               T* c, std::int64_t ldc) {
  std::array<T, block_k * block_n> copied;
  for (std::int64_t k0 = 0; k0 < k; k0 += block_k) {
    const std::int64_t depth = std::min(block_k, k - k0);
    for (std::int64_t n0 = 0; n0 < n; n0 += block_n) {
      const std::int64_t width = std::min(block_n, n - n0);
      const T* block = b.data + k0 * b.outer + n0 * b.inner;
      std::int64_t step = b.outer;
      if (b.inner != 1) {
        for (std::int64_t j = 0; j < width; ++j) {
          for (std::int64_t l = 0; l < depth; ++l) {
            copied[static_cast<std::size_t>(l * width + j)] = block[l * b.outer + j * b.inner];
          }
        }
        block = copied.data();
        step = width;
      }
      for (std::int64_t i = 0; i < m; ++i) {
        const T* row = a.data + i * a.outer + k0 * a.inner;
        for (std::int64_t l = 0; l < depth; ++l) {
          add_scaled(row[l * a.inner], block + l * step, c + i * ldc + n0, width);
        }
      }
    }
  }
}

template <class T>
[[gnu::target("avx2")]] void plain_loops_avx2(std::int64_t m, std::int64_t n, std::int64_t k, Walk<T> a, Walk<T> b,
                                              T* c, std::int64_t ldc) {
  plain_loops(m, n, k, a, b, c, ldc);
}

template <class T>
void plain_loops_baseline(std::int64_t m, std::int64_t n, std::int64_t k, Walk<T> a, Walk<T> b, T* c,
                          std::int64_t ldc) {
  plain_loops(m, n, k, a, b, c, ldc);
}

template <class T>
void integer_part(const Product& p, const Part& part, const T* a, const T* b, T* c) {
  static const bool has_avx2 = __builtin_cpu_supports("avx2") != 0;
  const auto loops = has_avx2 ? plain_loops_avx2<T> : plain_loops_baseline<T>;
  Walk<T> left = p.transpose_a ? Walk<T>{a + part.m0, 1, p.row_a} : Walk<T>{a + part.m0 * p.row_a, p.row_a, 1};
  Walk<T> right = p.transpose_b ? Walk<T>{b + part.n0 * p.row_b, 1, p.row_b} : Walk<T>{b + part.n0, p.row_b, 1};
  std::int64_t rows = part.m1 - part.m0;
  std::int64_t cols = part.n1 - part.n0;
  c += part.m0 * p.row_c + part.n0;
  for (std::int64_t i = 0; i < rows; ++i) std::fill_n(c + i * p.row_c, cols, T{});
  if (p.row_c == 1) {
    // The inner loop runs over a column of C: the transposed product has it as a row.
    std::swap(left, right);
    std::swap(left.outer, left.inner);
    std::swap(right.outer, right.inner);
    std::swap(rows, cols);
  }
  loops(rows, cols, p.k, left, right, c, p.row_c);
}

// ---- splitting

constexpr std::int64_t operations_worth_splitting = 4'000'000;
constexpr std::int64_t operations_a_part = 8'000'000;         // of the first few parts
constexpr std::int64_t operations_a_large_part = 64'000'000;  // of more: every part packs its operands again
constexpr std::int64_t few_parts = 8;
constexpr std::int64_t operations_a_vector_part = 250'000;
constexpr std::int64_t operations_a_chunk = 1'000'000;
constexpr std::int64_t most_parts = 16;

std::int64_t saturating_operations(const Product& p) {
  std::int64_t operations = 0;
  if (__builtin_mul_overflow(p.m * 2, p.n, &operations) || __builtin_mul_overflow(operations, p.k, &operations)) {
    return INT64_MAX;
  }
  return operations;
}

/// How C is cut for OpenBLAS and for integers: a function of the product's shape only, since it decides the bits.
struct Grid {
  std::int64_t rows = 1, cols = 1;

  std::int64_t size() const { return rows * cols; }

  Part part(const Product& p, std::int64_t number) const {
    const std::int64_t row = number / cols;
    const std::int64_t col = number % cols;
    return {cut(p.m, row, rows), cut(p.m, row + 1, rows), cut(p.n, col, cols), cut(p.n, col + 1, cols)};
  }

 private:
  /// Inner cuts are at multiples of 16, the widest step of a matrix kernel.
  static std::int64_t cut(std::int64_t length, std::int64_t index, std::int64_t parts) {
    return index == parts ? length : length / parts * index / 16 * 16;
  }
};

Grid grid_of(const Product& p, std::int64_t operations) {
  const bool vector = p.m == 1 || p.n == 1;
  const std::int64_t worth = vector ? 2 * operations_a_vector_part : operations_worth_splitting;
  if (is_tiny(p) || operations < worth) return {};
  const std::int64_t asked =
      vector ? operations / operations_a_vector_part
             : std::max(std::min(operations / operations_a_part, few_parts), operations / operations_a_large_part);
  const auto wanted = static_cast<std::uint64_t>(std::clamp<std::int64_t>(asked, 2, most_parts));
  Grid best;
  for (auto parts = static_cast<std::int64_t>(std::bit_floor(wanted)); parts > 1 && best.size() == 1; parts /= 2) {
    double least = 0;
    for (std::int64_t rows = 1; rows <= parts; rows *= 2) {
      const Grid grid{rows, parts / rows};
      if ((grid.rows > 1 && p.m / grid.rows < 16) || (grid.cols > 1 && p.n / grid.cols < 32)) continue;
      // Each row of parts packs B again, each column of parts packs A again.
      const double packed = static_cast<double>(grid.rows) * static_cast<double>(p.n) +
                            static_cast<double>(grid.cols) * static_cast<double>(p.m);
      if (best.size() == 1 || packed < least) {
        best = grid;
        least = packed;
      }
    }
  }
  return best;
}

void check(const Product& p) {
  const auto text = [&] {
    return "m = " + std::to_string(p.m) + ", n = " + std::to_string(p.n) + ", k = " + std::to_string(p.k) +
           ", batches = " + std::to_string(p.batches);
  };
  if (p.m < 0 || p.n < 0 || p.k < 0 || p.batches < 0) {
    throw std::invalid_argument("multiply: expected sizes of at least 0, got " + text());
  }
  if (is_floating(p.type) && std::max({p.m, p.n, p.k, p.row_a, p.row_b, p.row_c}) > INT_MAX) {
    throw std::length_error("multiply: OpenBLAS takes sizes up to " + std::to_string(INT_MAX) + ", got " + text());
  }
}

template <class T>
void multiply_typed(const Product& p, const T* a, const T* b, T* c) {
  const std::int64_t operations = saturating_operations(p);
  const Grid grid = grid_of(p, operations);
  const bool own_loops = is_tiny(p);
  const std::int64_t parts = grid.size();
  const auto run_part = [&](std::int64_t task) {
    const std::int64_t batch = task / parts;
    const T* left = a + (p.offsets_a != nullptr ? p.offsets_a[batch] : batch * p.m * p.k);
    const T* right = b + (p.offsets_b != nullptr ? p.offsets_b[batch] : batch * p.k * p.n);
    T* out = c + (p.offsets_c != nullptr ? p.offsets_c[batch] : batch * p.m * p.n);
    if constexpr (std::is_floating_point_v<T>) {
      if (own_loops) return p.n <= 4 ? tiny_product<4>(p, left, right, out) : tiny_product<8>(p, left, right, out);
      float_part(p, grid.part(p, task % parts), left, right, out);
    } else {
      integer_part(p, grid.part(p, task % parts), left, right, out);
    }
  };
  if constexpr (std::is_floating_point_v<T>) {
    if (!own_loops) prepare_blas();
  }
  // Each product of a batch has the bits it has alone; only how many share a chunk is free.
  const std::int64_t tasks = p.batches * parts;
  const std::int64_t together =
      std::max<std::int64_t>(1, operations_a_chunk / std::max<std::int64_t>(operations / parts, 1 << 9));
  const std::int64_t chunks = (tasks + together - 1) / together;
  parallel(chunks, [&](std::int64_t chunk) {
    const std::int64_t end = std::min(tasks, (chunk + 1) * together);
    for (std::int64_t task = chunk * together; task < end; ++task) run_part(task);
  });
}

/// The product with the steps from row to row that "side by side" stands for.
Product with_rows(const Product& given) {
  Product product = given;
  if (product.row_a == 0) product.row_a = product.transpose_a ? product.m : product.k;
  if (product.row_b == 0) product.row_b = product.transpose_b ? product.k : product.n;
  if (product.row_c == 0) product.row_c = product.n;
  return product;
}

template <class T>
void multiply_any(const Product& p, const T* a, const T* b, T* c, void* scratch) {
  if constexpr (std::is_floating_point_v<T>) {
    if (takes_tiles(p)) return multiply_in_tiles(p, a, b, c, static_cast<T*>(scratch));
  }
  multiply_typed(p, a, b, c);
}

/// Memory for the time of a call.
class Scratch {
 public:
  explicit Scratch(std::size_t bytes) : buffer_(bytes == 0 ? nullptr : allocate(bytes)) {}
  ~Scratch() { release(buffer_); }
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;
  void* data() const { return buffer_ == nullptr ? nullptr : buffer_->data; }

 private:
  Buffer* buffer_;
};

}  // namespace

std::size_t product_scratch(const Product& given) {
  const Product product = with_rows(given);
  if (!takes_tiles(product) || product.batches == 0) return 0;
  return product.type == DType::float32 ? tile_scratch<float>(product) : tile_scratch<double>(product);
}

void multiply(const Product& given, const void* a, const void* b, void* c, void* scratch) {
  const Product product = with_rows(given);
  check(product);
  const std::int64_t results = product.batches * product.m * product.n;
  if (results == 0) return;
  if (product.k == 0) {
    std::memset(c, 0, static_cast<std::size_t>(results) * size_of(product.type));
    return;
  }
  const Scratch own(scratch == nullptr ? product_scratch(product) : 0);
  if (scratch == nullptr) scratch = own.data();
  with_dtype(product.type, [&]<class T>(T) {
    if constexpr (std::is_signed_v<T> && std::is_integral_v<T>) {
      using Bits = std::make_unsigned_t<T>;  // whose overflow is defined
      multiply_typed(product, static_cast<const Bits*>(a), static_cast<const Bits*>(b), static_cast<Bits*>(c));
    } else {
      multiply_any(product, static_cast<const T*>(a), static_cast<const T*>(b), static_cast<T*>(c), scratch);
    }
  });
}

void multiply_block(const Block& p, const float* a, const float* b, float* c) {
  prepare_blas();
  cblas_sgemm(CblasRowMajor, p.transpose_a ? CblasTrans : CblasNoTrans, p.transpose_b ? CblasTrans : CblasNoTrans,
              static_cast<int>(p.m), static_cast<int>(p.n), static_cast<int>(p.k), 1.0F, a, static_cast<int>(p.lda), b,
              static_cast<int>(p.ldb), p.add ? 1.0F : 0.0F, c, static_cast<int>(p.ldc));
}
void multiply_block(const Block& p, const double* a, const double* b, double* c) {
  prepare_blas();
  cblas_dgemm(CblasRowMajor, p.transpose_a ? CblasTrans : CblasNoTrans, p.transpose_b ? CblasTrans : CblasNoTrans,
              static_cast<int>(p.m), static_cast<int>(p.n), static_cast<int>(p.k), 1.0, a, static_cast<int>(p.lda), b,
              static_cast<int>(p.ldb), p.add ? 1.0 : 0.0, c, static_cast<int>(p.ldc));
}

}  // namespace xgrad::kernels
