// map with a lambda over packs beside the same loops written by hand with xsimd, built with the same flags, one thread.

#include <xgrad/diff/map.hpp>
#include <xgrad/graph/basic.hpp>
#include <xgrad/kernels/pool.hpp>

#include "side.hpp"

#include <cstdio>
#include <xsimd/xsimd.hpp>

using namespace xgrad;

namespace {

template <class T>
using Batch = xsimd::batch<T>;

/// x tanh(x) exp(-x^2 / 2), and its derivative times g.
const auto bump = [](auto x) { return x * tanh(x) * exp(-0.5 * x * x); };

template <class T>
void by_hand(const T* x, T* y, std::size_t n) {
  for (std::size_t i = 0; i < n; i += Batch<T>::size) {
    const Batch<T> a = xsimd::load_unaligned(x + i);
    xsimd::store_unaligned(y + i, a * xsimd::tanh(a) * xsimd::exp(Batch<T>(T(-0.5)) * a * a));
  }
}
template <class T>
void by_hand_backward(const T* x, const T* g, T* out, std::size_t n) {
  for (std::size_t i = 0; i < n; i += Batch<T>::size) {
    const Batch<T> a = xsimd::load_unaligned(x + i), t = xsimd::tanh(a), e = xsimd::exp(Batch<T>(T(-0.5)) * a * a);
    const Batch<T> slope = e * (t + a * (Batch<T>(T(1)) - t * t) - a * a * t);
    xsimd::store_unaligned(out + i, slope * Batch<T>(xsimd::load_unaligned(g + i)));
  }
}

template <class F>
std::pair<double, double> timed(F&& f) {
  for (int i = 0; i < 3; ++i) f();
  std::vector<double> times;
  for (int i = 0; i < 60; ++i) {
    const double start = bench::now();
    f();
    times.push_back(bench::now() - start);
  }
  std::sort(times.begin(), times.end());
  return {times[0], times[times.size() / 2]};
}

template <class T>
void compare(const char* type) {
  constexpr std::size_t n = 1'000'000;
  std::vector<T> values(n), weights(n);
  for (std::size_t i = 0; i < n; ++i) {
    values[i] = static_cast<T>(bench::number(1, i, 4));
    weights[i] = static_cast<T>(bench::number(2, i, 1));
  }
  const Tensor x = tensor(values, Shape{n}).eval(), g = tensor(weights, Shape{n}).eval();
  const T *from = x.data<T>().data(), *seed = g.data<T>().data();
  // The loop by hand gets warm memory of its own, as a result does from the pool.
  std::vector<T> out(n), slope(n);
  const auto print = [&](const char* what, auto own, auto hand) {
    std::printf("%s %-22s map %7.1f us (median %7.1f)  by hand %7.1f us (median %7.1f)  ratio %.2f (%.2f)\n", type,
                what, 1e6 * own.first, 1e6 * own.second, 1e6 * hand.first, 1e6 * hand.second, own.first / hand.first,
                own.second / hand.second);
  };
  for (int turn = 0; turn < 2; ++turn) {
    const auto forward = timed([&] { map<"bump">(bump, x).eval(); });
    print("forward", forward, timed([&] { by_hand(from, out.data(), n); }));
    const auto both = timed([&] {
      const Tensor y = map<"bump">(bump, x);
      const Tensor dx = grad(y, x, {.seed = g});
      eval({y, dx});
    });
    print("forward and backward", both, timed([&] {
            by_hand(from, out.data(), n);
            by_hand_backward(from, seed, slope.data(), n);
          }));
  }
  double worst = 0;
  const Tensor y = map<"bump">(bump, x), dx = grad(y, x, {.seed = g});
  eval({y, dx});
  for (std::size_t i = 0; i < n; ++i)
    worst = std::max({worst, std::fabs(double(y.template data<T>()[i]) - double(out[i])),
                      std::fabs(double(dx.template data<T>()[i]) - double(slope[i]))});
  std::printf("%s largest difference %.2g\n", type, worst);
}

}  // namespace

int main() {
  kernels::set_num_threads(1);
  compare<float>("float32");
  compare<double>("float64");
}
