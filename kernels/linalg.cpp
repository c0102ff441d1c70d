#include <xgrad/kernels/linalg.hpp>

#include <xgrad/kernels/pool.hpp>
#include <xgrad/kernels/blas.hpp>
#include <xgrad/kernels/products.hpp>

#include <algorithm>
#include <cassert>
#include <climits>
#include <cmath>
#include <complex>
#include <iostream>
#include <stdexcept>
#include <string>
#include <vector>

// The configuration comes first: without it the bindings fall back to plain loops, fifty times slower.
#include <xtensor-blas/xblas_config.hpp>

#include <xflens/cxxblas/cxxblas.cxx>
#include <xflens/cxxlapack/cxxlapack.cxx>

namespace xgrad::kernels {
namespace {

constexpr std::int64_t operations_a_chunk = 200'000;

template <class T>
std::size_t count_of(T n) {
  return static_cast<std::size_t>(n);
}

int as_int(std::int64_t n) {
  if (n > INT_MAX)
    throw std::length_error("LAPACK takes sizes up to " + std::to_string(INT_MAX) + ", got " + std::to_string(n));
  return static_cast<int>(n);
}

/// A workspace of the size LAPACK asked for, which it writes as a floating number, and at least `least`.
template <class T>
int workspace(T asked, std::int64_t least) {
  const double wanted = std::max(static_cast<double>(asked) * (1 + 1e-6), static_cast<double>(least));
  if (wanted > INT_MAX) throw std::length_error("LAPACK cannot count the workspace for matrices this large");
  return std::max(1, static_cast<int>(wanted));
}

template <class F>
void with_real(DType type, F&& f) {
  if (type == DType::float32)
    f(float{});
  else
    f(double{});
}

/// Calls f(matrix) for each of the batch; f returns a pivot counted from 1 where it fails, else 0.
template <class F>
Failure for_each_matrix(std::int64_t count, double operations, F&& f) {
  prepare_blas();
  const auto together = static_cast<std::int64_t>(
      std::clamp(static_cast<double>(operations_a_chunk) / std::max(operations, 1.0), 1.0, 4096.0));
  const std::int64_t chunks = (count + together - 1) / together;
  std::vector<Failure> failures(count_of(chunks));
  parallel(chunks, [&](std::int64_t chunk) {
    Failure& failure = failures[count_of(chunk)];
    const std::int64_t end = std::min(count, (chunk + 1) * together);
    for (std::int64_t i = chunk * together; i < end && !failure; ++i)
      if (const std::int64_t pivot = f(i); pivot != 0) failure = {i, pivot - 1};
  });
  for (const Failure& failure : failures)
    if (failure) return failure;
  return {};
}

double cube(std::int64_t n) { return static_cast<double>(n) * static_cast<double>(n) * static_cast<double>(n); }

template <class T>
void transpose(const T* from, std::int64_t rows, std::int64_t columns, T* to) {
  for (std::int64_t i = 0; i < rows; ++i)
    for (std::int64_t j = 0; j < columns; ++j) to[j * rows + i] = from[i * columns + j];
}

template <class T>
bool all_finite(const T* values, std::int64_t n) {
  for (std::int64_t i = 0; i < n; ++i)
    if (!std::isfinite(values[i])) return false;
  return true;
}

template <class T>
std::int64_t zero_on_diagonal(const T* a, std::int64_t n) {
  for (std::int64_t i = 0; i < n; ++i)
    if (a[i * n + i] == 0) return i + 1;
  return 0;
}

/// op(A) X = B for a triangle of a row-major matrix, in place.
template <class T>
void solve_triangle(bool lower, bool transposed, bool unit, std::int64_t n, std::int64_t k, const T* a, T* x) {
  if (n == 0 || k == 0) return;
  cxxblas::trsm(cxxblas::RowMajor, cxxblas::Left, lower ? cxxblas::Lower : cxxblas::Upper,
                transposed ? cxxblas::Trans : cxxblas::NoTrans, unit ? cxxblas::Unit : cxxblas::NonUnit, as_int(n),
                as_int(k), T{1}, a, as_int(n), x, as_int(k));
}

/// Numbers that are no row among n (factors that somebody made up) exchange nothing.
template <class T>
void swap_rows(T* x, std::int64_t n, std::int64_t k, std::int64_t i, T pivot) {
  if (!(pivot >= 0 && pivot < static_cast<T>(n))) return;
  const auto j = static_cast<std::int64_t>(pivot);
  if (i != j) std::swap_ranges(x + i * k, x + (i + 1) * k, x + j * k);
}

/// LAPACK sees a row-major matrix transposed, so what it factors is transposed(A) = P L U. Read by rows again, U is the
/// lower triangle and L, with its diagonal of ones, the upper one: A = U L transposed(P).
template <class T>
void lu_solve_one(bool transposed, std::int64_t n, std::int64_t k, const T* factors, T* x) {
  const T* pivots = factors + n * n;
  if (!transposed) {
    solve_triangle(true, false, false, n, k, factors, x);
    solve_triangle(false, false, true, n, k, factors, x);
    for (std::int64_t i = n; i-- > 0;) swap_rows(x, n, k, i, pivots[i]);
  } else {
    for (std::int64_t i = 0; i < n; ++i) swap_rows(x, n, k, i, pivots[i]);
    solve_triangle(false, true, true, n, k, factors, x);
    solve_triangle(true, true, false, n, k, factors, x);
  }
}

template <class T>
void lu_factor_one(std::int64_t n, const T* a, T* factors) {
  std::copy_n(a, n * n, factors);
  std::vector<int> exchanges(count_of(n));
  if (n > 0) cxxlapack::getrf<int>(as_int(n), as_int(n), factors, as_int(n), exchanges.data());
  for (std::int64_t i = 0; i < n; ++i) factors[n * n + i] = static_cast<T>(exchanges[count_of(i)] - 1);
}

template <class T>
T determinant_one(Determinant what, std::int64_t n, const T* factors) {
  T value = 1, sign = 1, log_size = 0;
  for (std::int64_t i = 0; i < n; ++i) {
    const T u = factors[i * n + i];
    const T turned = factors[n * n + i] == static_cast<T>(i) ? u : -u;
    value *= turned;
    sign *= std::isnan(u) ? u : static_cast<T>((turned > 0) - (turned < 0));
    log_size += std::log(std::fabs(u));
  }
  // Zero without a sign, however many rows were exchanged.
  return (what == Determinant::value ? value : what == Determinant::sign ? sign : log_size) + T{0};
}

/// The columns of Q one after another in `q` (m rows, `columns` of them), after reflections were found for the first
/// `reflections` columns of a column-major matrix.
template <class T>
void make_columns(std::int64_t m, std::int64_t columns, std::int64_t reflections, T* q, const T* tau) {
  if (m == 0 || columns == 0) return;
  T asked = 0;
  cxxlapack::orgqr<int>(as_int(m), as_int(columns), as_int(reflections), q, as_int(m), tau, &asked, -1);
  std::vector<T> work(count_of(workspace(asked, columns)));
  cxxlapack::orgqr<int>(as_int(m), as_int(columns), as_int(reflections), q, as_int(m), tau, work.data(),
                        static_cast<int>(work.size()));
}

/// Reflections that make a column-major matrix upper triangular, in place.
template <class T>
std::vector<T> reflect(std::int64_t m, std::int64_t n, T* a) {
  std::vector<T> tau(count_of(std::max<std::int64_t>(1, std::min(m, n))));
  if (m == 0 || n == 0) return tau;
  T asked = 0;
  cxxlapack::geqrf<int>(as_int(m), as_int(n), a, as_int(m), tau.data(), &asked, -1);
  std::vector<T> work(count_of(workspace(asked, n)));
  cxxlapack::geqrf<int>(as_int(m), as_int(n), a, as_int(m), tau.data(), work.data(), static_cast<int>(work.size()));
  return tau;
}

template <class T>
void qr_one(std::int64_t m, std::int64_t n, const T* a, T* q, T* r) {
  const std::int64_t k = std::min(m, n);
  std::vector<T> columns(count_of(m * n));
  transpose(a, m, n, columns.data());
  const std::vector<T> tau = reflect(m, n, columns.data());
  for (std::int64_t i = 0; i < k; ++i)
    for (std::int64_t j = 0; j < n; ++j) r[i * n + j] = j < i ? T{0} : columns[count_of(j * m + i)];
  make_columns(m, k, k, columns.data(), tau.data());
  transpose(columns.data(), k, m, q);
}

/// Singular values of one matrix, and with u and v also its vectors. LAPACK sees transposed(A) = transposed(V) s
/// transposed(U), whose factors stand by columns where ours stand by rows: nothing is moved.
template <class T>
int svd_one(std::int64_t m, std::int64_t n, const T* a, T* u, T* s, T* v) {
  const std::int64_t least = std::min(m, n), most = std::max(m, n);
  if (least == 0) return 0;
  if (!all_finite(a, m * n)) return 1;
  std::vector<T> copy(a, a + m * n);
  std::vector<int> integers(count_of(8 * least));
  const char job = u ? 'S' : 'N';
  T nothing = 0, asked = 0;
  const auto run = [&](T* work, int size) {
    return cxxlapack::gesdd<int>(job, as_int(n), as_int(m), copy.data(), as_int(n), s, u ? v : &nothing, as_int(n),
                                 u ? u : &nothing, as_int(u ? least : 1), work, size, integers.data());
  };
  run(&asked, -1);
  const std::int64_t enough = u ? least * (6 + 4 * least) + most : 3 * least + std::max(most, 7 * least);
  std::vector<T> work(count_of(workspace(asked, enough)));
  return run(work.data(), static_cast<int>(work.size()));
}

template <class T>
int eigh_one(std::int64_t n, bool upper, const T* a, T* w, T* v) {
  if (n == 0) return 0;
  std::vector<T> copy(a, a + n * n);
  // The triangle that is not read may hold anything.
  for (std::int64_t i = 0; i < n; ++i)
    for (std::int64_t j = 0; j < n; ++j)
      if (upper ? j < i : j > i) copy[count_of(i * n + j)] = 0;
  if (!all_finite(copy.data(), n * n)) return 1;
  T asked = 0;
  int integers_asked = 0;
  // What is the lower triangle by rows is the upper one by columns.
  const auto run = [&](T* work, int size, int* integers, int integers_size) {
    return cxxlapack::syevd<int>(v ? 'V' : 'N', upper ? 'L' : 'U', as_int(n), copy.data(), as_int(n), w, work, size,
                                 integers, integers_size);
  };
  run(&asked, -1, &integers_asked, -1);
  std::vector<T> work(count_of(workspace(asked, v ? 1 + 6 * n + 2 * n * n : 2 * n + 1)));
  std::vector<int> integers(count_of(std::max(integers_asked, 1)));
  const int info = run(work.data(), static_cast<int>(work.size()), integers.data(), static_cast<int>(integers.size()));
  if (v) transpose(copy.data(), n, n, v);
  return info;
}

template <class T>
void singular_cofactors(std::int64_t n, const T* a, T* out) {
  const auto size = count_of(n * n);
  std::vector<T> u(size), v(size), s(count_of(n)), factors(size + count_of(n));
  if (svd_one(n, n, a, u.data(), s.data(), v.data()) != 0) {
    std::fill_n(out, n * n, static_cast<T>(NAN));
    return;
  }
  T turned = 1;
  for (const std::vector<T>* side : {&u, &v}) {
    lu_factor_one(n, side->data(), factors.data());
    turned *= determinant_one(Determinant::sign, n, factors.data());
  }
  for (std::int64_t j = 0; j < n; ++j) {
    T others = turned;
    for (std::int64_t i = 0; i < n; ++i)
      if (i != j) others *= s[count_of(i)];
    for (std::int64_t i = 0; i < n; ++i) u[count_of(i * n + j)] *= others;
  }
  multiply({.type = sizeof(T) == 4 ? DType::float32 : DType::float64, .m = n, .n = n, .k = n}, u.data(), v.data(), out);
}

template <class Solver>
Failure solve_all(const Solve& sizes, std::int64_t a_size, const void* a, const void* b, void* x, Solver&& solve_one) {
  Failure failure;
  with_real(sizes.type, [&]<class T>(T) {
    const std::int64_t size = sizes.n * sizes.k;
    const double operations = static_cast<double>(sizes.n) * static_cast<double>(size);
    failure = for_each_matrix(sizes.count, operations, [&](std::int64_t i) -> std::int64_t {
      const T* left = static_cast<const T*>(a) + (sizes.a_offsets ? sizes.a_offsets[i] : i * a_size);
      const T* right = static_cast<const T*>(b) + (sizes.b_offsets ? sizes.b_offsets[i] : i * size);
      if (const std::int64_t zero = sizes.unit ? 0 : zero_on_diagonal(left, sizes.n)) return zero;
      T* result = static_cast<T*>(x) + i * size;
      std::copy_n(right, size, result);
      solve_one(left, result);
      return 0;
    });
  });
  return failure;
}

}  // namespace

void lu_factor(DType type, std::int64_t n, std::int64_t count, const void* a, void* factors) {
  with_real(type, [&]<class T>(T) {
    for_each_matrix(count, cube(n), [&](std::int64_t i) {
      lu_factor_one(n, static_cast<const T*>(a) + i * n * n, static_cast<T*>(factors) + i * (n + 1) * n);
      return 0;
    });
  });
}

Failure lu_solve(const Solve& sizes, const void* factors, const void* b, void* x) {
  return solve_all(sizes, (sizes.n + 1) * sizes.n, factors, b, x, [&](const auto* one, auto* result) {
    lu_solve_one(sizes.transposed, sizes.n, sizes.k, one, result);
  });
}

Failure triangular_solve(const Solve& sizes, const void* a, const void* b, void* x) {
  return solve_all(sizes, sizes.n * sizes.n, a, b, x, [&](const auto* one, auto* result) {
    solve_triangle(sizes.lower, sizes.transposed, sizes.unit, sizes.n, sizes.k, one, result);
  });
}

void lu_determinant(DType type, Determinant what, std::int64_t n, std::int64_t count, const void* factors, void* out) {
  with_real(type, [&]<class T>(T) {
    for (std::int64_t i = 0; i < count; ++i)
      static_cast<T*>(out)[i] = determinant_one(what, n, static_cast<const T*>(factors) + i * (n + 1) * n);
  });
}

void cofactors(DType type, std::int64_t n, std::int64_t count, const void* a, const void* factors, void* out) {
  with_real(type, [&]<class T>(T) {
    for_each_matrix(count, 2 * cube(n), [&](std::int64_t i) {
      const T* one = static_cast<const T*>(factors) + i * (n + 1) * n;
      T* result = static_cast<T*>(out) + i * n * n;
      if (zero_on_diagonal(one, n)) {
        singular_cofactors(n, static_cast<const T*>(a) + i * n * n, result);
        return 0;
      }
      std::fill_n(result, n * n, T{0});
      const T determinant = determinant_one(Determinant::value, n, one);
      for (std::int64_t j = 0; j < n; ++j) result[j * n + j] = 1;
      lu_solve_one(true, n, n, one, result);
      for (std::int64_t j = 0; j < n * n; ++j) result[j] *= determinant;
      return 0;
    });
  });
}

Failure cholesky(DType type, std::int64_t n, std::int64_t count, const void* a, void* out) {
  Failure failure;
  with_real(type, [&]<class T>(T) {
    failure = for_each_matrix(count, cube(n) / 3, [&](std::int64_t i) -> std::int64_t {
      T* result = static_cast<T*>(out) + i * n * n;
      std::copy_n(static_cast<const T*>(a) + i * n * n, n * n, result);
      for (std::int64_t j = 0; j < n; ++j) std::fill(result + j * n + j + 1, result + (j + 1) * n, T{0});
      if (n == 0) return 0;
      if (const int pivot = cxxlapack::potrf<int>('U', as_int(n), result, as_int(n))) return pivot;
      for (std::int64_t j = 0; j < n; ++j)
        if (!(result[j * (n + 1)] > 0)) return j + 1;  // NaN, which LAPACK may let pass
      return 0;
    });
  });
  return failure;
}

void qr(DType type, std::int64_t m, std::int64_t n, std::int64_t count, const void* a, void* out) {
  const std::int64_t k = std::min(m, n);
  with_real(type, [&]<class T>(T) {
    for_each_matrix(count, 2 * cube(std::max(m, n)), [&](std::int64_t i) {
      T* q = static_cast<T*>(out) + i * k * (m + n);
      qr_one(m, n, static_cast<const T*>(a) + i * m * n, q, q + m * k);
      return 0;
    });
  });
}

void complement(DType type, std::int64_t m, std::int64_t k, std::int64_t count, const void* q, void* out) {
  with_real(type, [&]<class T>(T) {
    for_each_matrix(count, 2 * cube(m), [&](std::int64_t i) {
      std::vector<T> columns(count_of(m * m));
      transpose(static_cast<const T*>(q) + i * m * k, m, k, columns.data());
      const std::vector<T> tau = reflect(m, k, columns.data());
      make_columns(m, m, k, columns.data(), tau.data());
      transpose(columns.data() + m * k, m - k, m, static_cast<T*>(out) + i * m * (m - k));
      return 0;
    });
  });
}

Failure svd(DType type, std::int64_t m, std::int64_t n, std::int64_t count, bool vectors, const void* a, void* out) {
  const std::int64_t k = std::min(m, n), size = vectors ? k * (m + 1 + n) : k;
  Failure failure;
  with_real(type, [&]<class T>(T) {
    failure = for_each_matrix(count, 10 * cube(std::max(m, n)), [&](std::int64_t i) {
      T* result = static_cast<T*>(out) + i * size;
      const T* one = static_cast<const T*>(a) + i * m * n;
      if (!vectors) return svd_one<T>(m, n, one, nullptr, result, nullptr);
      return svd_one(m, n, one, result, result + m * k, result + m * k + k);
    });
  });
  return failure;
}

Failure eigh(DType type, std::int64_t n, std::int64_t count, bool vectors, bool upper, const void* a, void* out) {
  const std::int64_t size = vectors ? n * (n + 1) : n;
  Failure failure;
  with_real(type, [&]<class T>(T) {
    failure = for_each_matrix(count, 10 * cube(n), [&](std::int64_t i) {
      T* result = static_cast<T*>(out) + i * size;
      return eigh_one(n, upper, static_cast<const T*>(a) + i * n * n, result, vectors ? result + n : nullptr);
    });
  });
  return failure;
}

}  // namespace xgrad::kernels
