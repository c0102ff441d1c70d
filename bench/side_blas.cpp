// OpenBLAS alone: the products of W8 as cblas calls, with as many threads of its own as OPENBLAS_NUM_THREADS says.
#include "side_parts.hpp"

#include <cblas.h>

#include <memory>

namespace {

using bench::Workload;

template <class T>
Workload product(std::int64_t n) {
  struct Job {
    std::vector<std::vector<T>> a;
    std::vector<T> b, c;
    std::size_t at = 0;
  };
  auto job = std::make_shared<Job>();
  const auto fill = [n](std::uint64_t seed) {
    const std::vector<float> values = bench::numbers(seed, n * n, 1);
    return std::vector<T>(values.begin(), values.end());
  };
  for (std::uint64_t i = 0; i < bench::turns(n * n); ++i) job->a.push_back(fill(100 + i));
  job->b = fill(1);
  job->c.resize(job->b.size());
  const auto run = [=](const std::vector<T>& a) {
    const int size = static_cast<int>(n);
    if constexpr (std::is_same_v<T, float>)
      cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, size, size, size, 1, a.data(), size, job->b.data(), size,
                  0, job->c.data(), size);
    else
      cblas_dgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, size, size, size, 1, a.data(), size, job->b.data(), size,
                  0, job->c.data(), size);
  };
  const auto check = [=] {
    run(job->a[0]);
    double squares = 0;
    for (const T value : job->c) squares += static_cast<double>(value) * static_cast<double>(value);
    return std::vector<std::pair<std::string, double>>{{"a . b, squares", squares}};
  };
  return {{{"gemm", [=] { run(job->a[job->at++ % job->a.size()]); }}}, check};
}

}  // namespace

bench::Workload bench::open_formula(const std::string& name) {
  if (const std::int64_t n = number_after(name, "W8.float32."); n > 0) return product<float>(n);
  if (const std::int64_t n = number_after(name, "W8.float64."); n > 0) return product<double>(n);
  throw std::runtime_error("no workload is called '" + name + "'");
}

int main(int count, char** words) { return bench::side_main(count, words, bench::open_formula); }
