/// A gradient check: every element of a derivative against the central difference (f(x + h) - f(x - h)) / 2h.

#include <xgrad/xgrad.hpp>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <vector>

using namespace xgrad;

namespace {

/// The largest error of grad(f, x) over the largest element of the difference quotients.
template <class F>
double worst_error(F f, const Tensor& x) {
  const std::vector<double> found = grad(f(x), x).template to_vector<double>();
  std::vector<double> at = x.to_vector<double>();
  double worst = 0, largest = 0;
  for (std::size_t i = 0; i < at.size(); ++i) {
    const double middle = at[i];
    // The step that balances rounding against curvature: about the third root of the precision.
    const double h = 6e-6 * std::max(1.0, std::abs(middle));
    const auto value = [&](double moved) {
      at[i] = moved;
      return f(tensor(at, x.shape())).item();
    };
    const double quotient = (value(middle + h) - value(middle - h)) / (2 * h);
    at[i] = middle;
    worst = std::max(worst, std::abs(found[i] - quotient));
    largest = std::max(largest, std::abs(quotient));
  }
  return worst / std::max(largest, 1e-30);
}

}  // namespace

int main() {
  set_random_seed(1);
  const RandomOptions in_double{.dtype = float64};
  const Tensor x = normal({4, 3}, 0, 1, in_double), w = normal({3, 5}, 0, 1, in_double).eval();
  const Tensor labels = tensor({0, 4, 2, 2}, {.dtype = int64});

  const auto norm_of_rows = [](const Tensor& t) {
    const Tensor centred = t - mean(t, 1, true);
    return sum(square(tanh(centred / sqrt(var(t, 1, true) + 1e-3))));
  };
  const auto network = [&](const Tensor& t) {
    return mean(losses::sparse_categorical_crossentropy(labels, matmul(tanh(t), w), true));
  };
  // A derivative is a function too: the length of the gradient, differentiated once more.
  const auto gradient_length = [&](const Tensor& t) { return sum(square(grad(network(t), t))); };
  // What a mistake looks like: the second factor is treated as if it did not depend on t.
  const auto mistaken = [](const Tensor& t) { return sum(t * stop_gradient(exp(t))); };

  bool right = true;
  const auto report = [&](const char* name, double error, bool should_pass) {
    const bool passed = error < 1e-7;
    std::printf("%-28s largest error %.1e  %s\n", name, error, passed ? "passes" : "fails");
    right = right && passed == should_pass;
  };
  report("normalised rows", worst_error(norm_of_rows, x), true);
  report("a layer and cross-entropy", worst_error(network, x), true);
  report("gradient of a gradient", worst_error(gradient_length, x), true);
  report("a wrong derivative", worst_error(mistaken, x), false);
  return right ? 0 : 1;
}
