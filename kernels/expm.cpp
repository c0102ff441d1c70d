#include <xgrad/kernels/linalg.hpp>
#include <xgrad/kernels/pool.hpp>
#include <xgrad/kernels/products.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <span>
#include <vector>

namespace xgrad::kernels {
namespace {

using Matrix = std::vector<double>;

/// A Pade approximant of e^A: the largest norm of A for which it is exact to rounding, and its coefficients.
struct Approximant {
  double largest_norm;
  std::span<const double> coefficients;
};

constexpr std::array<double, 4> third = {120, 60, 12, 1};
constexpr std::array<double, 6> fifth = {30240, 15120, 3360, 420, 30, 1};
constexpr std::array<double, 8> seventh = {17297280, 8648640, 1995840, 277200, 25200, 1512, 56, 1};
constexpr std::array<double, 10> ninth = {17643225600, 8821612800, 2075673600, 302702400, 30270240,
                                          2162160,     110880,     3960,       90,        1};
constexpr std::array<double, 14> thirteenth = {64764752532480000,
                                               32382376266240000,
                                               7771770303897600,
                                               1187353796428800,
                                               129060195264000,
                                               10559470521600,
                                               670442572800,
                                               33522128640,
                                               1323241920,
                                               40840800,
                                               960960,
                                               16380,
                                               182,
                                               1};
constexpr std::array<Approximant, 4> small = {{{1.495585217958292e-2, third},
                                               {2.539398330063230e-1, fifth},
                                               {9.504178996162932e-1, seventh},
                                               {2.097847961257068, ninth}}};
constexpr double largest_norm = 5.371920351148152;

class Exponential {
 public:
  explicit Exponential(std::int64_t n) : n_(n) {}

  Matrix of(Matrix a) const {
    const double norm = one_norm(a);
    if (!std::isfinite(norm)) return Matrix(a.size(), NAN);
    for (const Approximant& one : small)
      if (norm <= one.largest_norm) return approximate(a, one.coefficients);
    const int halvings = std::max(0, static_cast<int>(std::ceil(std::log2(norm / largest_norm))));
    for (double& x : a) x = std::ldexp(x, -halvings);
    Matrix result = approximate_thirteenth(a);
    for (int i = 0; i < halvings; ++i) result = times(result, result);
    return result;
  }

 private:
  double one_norm(const Matrix& a) const {
    double most = 0;
    for (std::int64_t j = 0; j < n_; ++j) {
      double sum = 0;
      for (std::int64_t i = 0; i < n_; ++i) sum += std::fabs(a[static_cast<std::size_t>(i * n_ + j)]);
      most = sum > most || std::isnan(sum) ? sum : most;
      if (std::isnan(most)) break;
    }
    return most;
  }
  Matrix times(const Matrix& a, const Matrix& b) const {
    Matrix c(a.size());
    multiply({.type = DType::float64, .m = n_, .n = n_, .k = n_}, a.data(), b.data(), c.data());
    return c;
  }
  /// to += factor * x
  static void add(Matrix& to, double factor, const Matrix& x) {
    for (std::size_t i = 0; i < to.size(); ++i) to[i] += factor * x[i];
  }
  Matrix unit(double factor) const {
    Matrix result(static_cast<std::size_t>(n_ * n_), 0.0);
    for (std::int64_t i = 0; i < n_; ++i) result[static_cast<std::size_t>(i * (n_ + 1))] = factor;
    return result;
  }
  /// (even - odd) X = even + odd
  Matrix quotient(const Matrix& odd, const Matrix& even) const {
    Matrix above = even, below = even, factors(static_cast<std::size_t>((n_ + 1) * n_)), result(odd.size());
    add(above, 1, odd);
    add(below, -1, odd);
    lu_factor(DType::float64, n_, 1, below.data(), factors.data());
    lu_solve({.type = DType::float64, .n = n_, .k = n_, .count = 1}, factors.data(), above.data(), result.data());
    return result;
  }
  Matrix approximate(const Matrix& a, std::span<const double> b) const {
    const Matrix square = times(a, a);
    Matrix odd = unit(b[1]), even = unit(b[0]), power = square;
    for (std::size_t i = 2; i < b.size(); i += 2) {
      if (i > 2) power = times(power, square);
      add(even, b[i], power);
      add(odd, b[i + 1], power);
    }
    return quotient(times(a, odd), even);
  }
  /// Degree 13 with six products.
  Matrix approximate_thirteenth(const Matrix& a) const {
    const auto& b = thirteenth;
    const Matrix a2 = times(a, a), a4 = times(a2, a2), a6 = times(a2, a4);
    const auto half = [&](std::size_t from) {
      Matrix high(a.size(), 0.0), low = unit(b[from]);
      add(high, b[from + 12], a6);
      add(high, b[from + 10], a4);
      add(high, b[from + 8], a2);
      add(low, b[from + 6], a6);
      add(low, b[from + 4], a4);
      add(low, b[from + 2], a2);
      add(low, 1, times(a6, high));
      return low;
    };
    return quotient(times(a, half(1)), half(0));
  }

  std::int64_t n_;
};

}  // namespace

void expm(DType type, std::int64_t n, std::int64_t count, const void* a, void* out) {
  const std::int64_t size = n * n;
  if (size == 0) return;
  parallel(count, [&](std::int64_t i) {
    const Exponential exponential(n);
    const auto run = [&]<class T>(const T* from, T* to) {
      const Matrix result = exponential.of(Matrix(from + i * size, from + (i + 1) * size));
      std::transform(result.begin(), result.end(), to + i * size, [](double x) { return static_cast<T>(x); });
    };
    if (type == DType::float32)
      run(static_cast<const float*>(a), static_cast<float*>(out));
    else
      run(static_cast<const double*>(a), static_cast<double*>(out));
  });
}

}  // namespace xgrad::kernels
