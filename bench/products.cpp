// products [threads] [seconds]: matrix products of the sizes that networks have, through xgrad's tiles and through
// OpenBLAS, with their operands plain and transposed. Each side is a process of its own, since OpenBLAS's threads go on
// spinning after a call; the best of several rounds counts.
#include <xgrad/kernels/blas.hpp>
#include <xgrad/kernels/pool.hpp>
#include <xgrad/kernels/products.hpp>

#include <cblas.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <new>
#include <string>
#include <tuple>
#include <type_traits>
#include <vector>

using namespace xgrad;

namespace {

constexpr std::array<std::array<std::int64_t, 3>, 13> sizes{{{32, 128, 784},
                                                             {784, 128, 32},
                                                             {32, 784, 128},
                                                             {128, 128, 784},
                                                             {128, 512, 128},
                                                             {128, 512, 3584},
                                                             {256, 1024, 784},
                                                             {784, 1024, 256},
                                                             {1024, 1024, 256},
                                                             {256, 256, 256},
                                                             {512, 512, 512},
                                                             {1024, 1024, 1024},
                                                             {2048, 2048, 2048}}};

double now() { return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count(); }

template <class T>
struct Aligned {
  using value_type = T;
  template <class Other>
  Aligned(const Aligned<Other>&) {}
  Aligned() = default;
  T* allocate(std::size_t count) { return static_cast<T*>(::operator new (count * sizeof(T), std::align_val_t{64})); }
  void deallocate(T* place, std::size_t) { ::operator delete (place, std::align_val_t{64}); }
  bool operator==(const Aligned&) const { return true; }
};

template <class T>
double best_time(bool own, std::array<std::int64_t, 3> size, int flags, double seconds) {
  const auto [m, n, k] = size;
  // Aligned as the library's arrays are.
  const auto array = [](std::int64_t count) { return std::vector<T, Aligned<T>>(static_cast<std::size_t>(count)); };
  auto a = array(m * k), b = array(k * n), c = array(m * n);
  for (std::size_t i = 0; i < a.size(); ++i) a[i] = static_cast<T>(std::sin(static_cast<double>(i)));
  for (std::size_t i = 0; i < b.size(); ++i) b[i] = static_cast<T>(std::cos(static_cast<double>(i)));
  const bool ta = (flags & 1) != 0, tb = (flags & 2) != 0;
  const kernels::Product product{.type = dtype_of<T>, .transpose_a = ta, .transpose_b = tb, .m = m, .n = n, .k = k};
  auto scratch = array(static_cast<std::int64_t>(kernels::product_scratch(product) / sizeof(T)) + 1);
  const auto through_openblas = [&](auto gemm) {
    const int lda = static_cast<int>(ta ? m : k), ldb = static_cast<int>(tb ? k : n);
    gemm(CblasRowMajor, ta ? CblasTrans : CblasNoTrans, tb ? CblasTrans : CblasNoTrans, static_cast<int>(m),
         static_cast<int>(n), static_cast<int>(k), T{1}, a.data(), lda, b.data(), ldb, T{0}, c.data(),
         static_cast<int>(n));
  };
  const auto run = [&] {
    if (own) return kernels::multiply(product, a.data(), b.data(), c.data(), scratch.data());
    if constexpr (std::is_same_v<T, float>) {
      through_openblas(cblas_sgemm);
    } else {
      through_openblas(cblas_dgemm);
    }
  };
  const auto repeats = std::max<std::int64_t>(1, 1'000'000'000 / (2 * m * n * k));
  double best = 1e9;
  for (const double end = now() + seconds; now() < end;) {
    const double start = now();
    for (std::int64_t i = 0; i < repeats; ++i) run();
    best = std::min(best, (now() - start) / static_cast<double>(repeats));
  }
  return best;
}

int measure(bool own, int threads, double seconds) {
  kernels::prepare_blas();
  kernels::set_num_threads(threads);
  openblas_set_num_threads(own ? 1 : threads);
  for (std::size_t s = 0; s < sizes.size(); ++s) {
    for (int flags = 0; flags < 4; ++flags) {
      std::printf("%zu %d 4 %.9g\n", s, flags, best_time<float>(own, sizes[s], flags, seconds));
      std::printf("%zu %d 8 %.9g\n", s, flags, best_time<double>(own, sizes[s], flags, seconds));
    }
  }
  return 0;
}

}  // namespace

int main(int count, char** words) {
  const int threads = count > 1 ? std::atoi(words[1]) : 2;
  const double seconds = count > 2 ? std::atof(words[2]) : .03;
  if (count > 3) return measure(std::string(words[3]) == "xgrad", threads, seconds);
  std::map<std::tuple<int, std::size_t, int>, std::array<double, 2>> best;
  for (int round = 0; round < 3; ++round) {
    for (const bool own : {false, true}) {
      const std::string command = std::string(words[0]) + " " + std::to_string(threads) + " " +
                                  std::to_string(seconds) + (own ? " xgrad" : " OpenBLAS");
      FILE* pipe = popen(command.c_str(), "r");
      if (pipe == nullptr) return 1;
      std::size_t size = 0;
      int flags = 0, bytes = 0;
      double time = 0;
      while (std::fscanf(pipe, "%zu %d %d %lf", &size, &flags, &bytes, &time) == 4) {
        double& least = best[{bytes, size, flags}][own];
        least = least == 0 ? time : std::min(least, time);
      }
      if (pclose(pipe) != 0) return 1;
    }
  }
  std::printf("%d threads, %s; GFLOP/s of xgrad and of OpenBLAS, and their ratio\n", threads,
              kernels::blas_description().c_str());
  std::printf("%-26s %-18s %-18s %-18s %-18s", "m n k", "A B", "A' B", "A B'", "A' B'");
  for (const auto& [key, times] : best) {
    const auto& [bytes, size, flags] = key;
    const auto [m, n, k] = sizes[size];
    const double operations = 2e-9 * static_cast<double>(m * n * k);
    if (flags == 0)
      std::printf("\nfloat%d %5lld %5lld %5lld ", bytes * 8, static_cast<long long>(m), static_cast<long long>(n),
                  static_cast<long long>(k));
    std::printf("  %4.0f %4.0f %5.2f  ", operations / times[1], operations / times[0], times[0] / times[1]);
  }
  std::printf("\n");
}
