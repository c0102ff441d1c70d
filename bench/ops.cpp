// ops [name...]: for each operation, the microseconds of one evaluation on (1000, 1000) float32, the best of several.
// bench/ops_torch.py runs it and PyTorch in turns and prints the ratios.
#include "ops_arrays.hpp"

#include <xgrad/graph/basic.hpp>
#include <xgrad/ops/activation.hpp>
#include <xgrad/ops/bitwise.hpp>
#include <xgrad/ops/elementwise.hpp>
#include <xgrad/ops/special.hpp>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <functional>
#include <vector>

using namespace xgrad;

namespace {

struct Case {
  const char* name;
  std::function<Tensor(const Tensor&, const Tensor&)> call;
  double low, high;
  DType dtype = float32;
};

template <Tensor (*f)(const Arg&)>
Tensor one(const Tensor& x, const Tensor&) {
  return f(x);
}
template <Tensor (*f)(const Arg&, const Arg&)>
Tensor two(const Tensor& x, const Tensor& y) {
  return f(x, y);
}

std::vector<Case> cases() {
  std::vector<Case> all = {
      {"add", two<add>, -2, 2},
      {"multiply", two<multiply>, -2, 2},
      {"divide", two<divide>, 0.5, 2},
      {"exp", one<xgrad::exp>, -2, 2},
      {"expm1", one<xgrad::expm1>, -2, 2},
      {"exp2", one<xgrad::exp2>, -2, 2},
      {"log", one<xgrad::log>, 0.1, 4},
      {"log1p", one<xgrad::log1p>, 0.1, 4},
      {"log2", one<xgrad::log2>, 0.1, 4},
      {"log10", one<xgrad::log10>, 0.1, 4},
      {"sqrt", one<xgrad::sqrt>, 0.1, 4},
      {"square", one<square>, -2, 2},
      {"reciprocal", one<reciprocal>, 0.5, 2},
      {"abs", one<xgrad::abs>, -2, 2},
      {"sign", one<sign>, -2, 2},
      {"sin", one<xgrad::sin>, -3, 3},
      {"cos", one<xgrad::cos>, -3, 3},
      {"tan", one<xgrad::tan>, -1, 1},
      {"arcsin", one<arcsin>, -1, 1},
      {"arccos", one<arccos>, -1, 1},
      {"arctan", one<arctan>, -3, 3},
      {"sinh", one<xgrad::sinh>, -3, 3},
      {"cosh", one<xgrad::cosh>, -3, 3},
      {"tanh", one<xgrad::tanh>, -3, 3},
      {"arcsinh", one<arcsinh>, -3, 3},
      {"arccosh", one<arccosh>, 1.1, 3},
      {"arctanh", one<arctanh>, -0.9, 0.9},
      {"arctan2", two<arctan2>, -2, 2},
      {"hypot", two<xgrad::hypot>, -2, 2},
      {"power", two<power>, 0.5, 2},
      {"logaddexp", two<logaddexp>, -2, 2},
      {"floor", one<xgrad::floor>, -9, 9},
      {"ceil", one<xgrad::ceil>, -9, 9},
      {"trunc", one<xgrad::trunc>, -9, 9},
      {"rint", one<xgrad::rint>, -9, 9},
      {"remainder", two<xgrad::remainder>, 0.5, 9},
      {"fmod", two<xgrad::fmod>, 0.5, 9},
      {"floor_divide", two<floor_divide>, 0.5, 9},
      {"copysign", two<xgrad::copysign>, -2, 2},
      {"nextafter", two<xgrad::nextafter>, -2, 2},
      {"heaviside", two<heaviside>, -2, 2},
      {"sinc", one<sinc>, -2, 2},
      {"xlogy", two<xlogy>, 0.5, 2},
      {"maximum", two<maximum>, -2, 2},
      {"fmax", two<xgrad::fmax>, -2, 2},
      {"nan_to_num", [](const Tensor& x, const Tensor&) { return nan_to_num(x); }, -2, 2},
      {"clip", [](const Tensor& x, const Tensor&) { return clip(x, -1, 1); }, -2, 2},
      {"lerp", [](const Tensor& x, const Tensor& y) { return xgrad::lerp(x, y, 0.3); }, -2, 2},
      {"isfinite", one<xgrad::isfinite>, -2, 2},
      {"isinf", one<xgrad::isinf>, -2, 2},
      {"signbit", one<xgrad::signbit>, -2, 2},
      {"less", two<less>, -2, 2},
      {"logical_xor", two<logical_xor>, -2, 2},
      {"sigmoid", one<sigmoid>, -3, 3},
      {"softplus", one<softplus>, -3, 3},
      {"relu", one<relu>, -3, 3},
      {"erf", one<xgrad::erf>, -3, 3},
      {"erfc", one<xgrad::erfc>, -3, 3},
      {"erfinv", one<erfinv>, -0.99, 0.99},
      {"lgamma", one<xgrad::lgamma>, 0.1, 9},
      {"digamma", one<digamma>, 0.1, 9},
      {"polygamma", [](const Tensor& x, const Tensor&) { return polygamma(1, x); }, 0.5, 9},
      {"i0", one<i0>, -9, 9},
      {"i0e", one<i0e>, -9, 9},
      {"i1", one<i1>, -9, 9},
      {"bitwise_and", two<bitwise_and>, 0, 90, int32},
      {"left_shift", two<left_shift>, 0, 9, int32},
      {"gcd", two<xgrad::gcd>, 1, 90, int32},
  };
  for (const bench::ArrayCase& one : bench::array_cases()) all.push_back({one.name, one.call, -2, 2});
  return all;
}

Tensor numbers(double low, double high, DType dtype, unsigned seed) {
  std::vector<double> values(1'000'000);
  for (double& v : values) {
    seed = seed * 1664525u + 1013904223u;
    v = low + (high - low) * (seed >> 8) / 16777216.0;
  }
  return tensor(values, Shape{1000, 1000}, {.dtype = dtype}).eval();
}

}  // namespace

int main(int argc, char** argv) {
  for (const Case& one : cases()) {
    const auto named = [&](const char* name) { return std::strcmp(name, one.name) == 0; };
    if (argc > 1 && std::none_of(argv + 1, argv + argc, named)) continue;
    const Tensor x = numbers(one.low, one.high, one.dtype, 1), y = numbers(one.low, one.high, one.dtype, 2);
    double best = 1e9;
    for (int i = 0; i < 15; ++i) {
      const auto start = std::chrono::steady_clock::now();
      const Tensor out = one.call(x, y);
      out.eval();
      const auto end = std::chrono::steady_clock::now();
      best = std::min(best, std::chrono::duration<double, std::micro>(end - start).count());
    }
    std::printf("%s %.1f\n", one.name, best);
    std::fflush(stdout);
  }
}
