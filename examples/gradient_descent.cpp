/// Gradient descent on one weight: z = w x, mean squared error, w -= rate * dE/dw, with rates that are right, too small
/// and too large. One step multiplies the distance from the best w, 2, by 1 - 22 * rate.

#include <xgrad/xgrad.hpp>

#include <cmath>
#include <cstdio>
#include <vector>

using namespace xgrad;

namespace {

/// w after 1, 2, ..., `steps` updates from 0.
std::vector<double> descend(double rate, int steps) {
  const Tensor x = tensor({1, 2, 3, 4, 5}, {.dtype = float64});
  const Tensor z = 2 * x;
  const Parameter w(Tensor(0, {.dtype = float64}), "w");
  std::vector<double> path;
  for (int step = 0; step < steps; ++step) {
    const Tensor error = mean(square(w * x - z));
    w.assign(w - rate * grad(error, w));
    path.push_back(w.value().item());
  }
  return path;
}

}  // namespace

int main() {
  bool right = true;
  const auto check = [&](double value, double expected) {
    right = right && std::abs(value - expected) < 1e-12 * std::fmax(1, std::abs(expected));
  };

  const std::vector<double> good = descend(0.01, 200);
  const double expected[] = {0.44, 0.7832, 1.050896, 1.25969888, 1.4225651264};
  std::printf("rate 0.01:   ");
  for (int i = 0; i < 5; ++i) {
    std::printf("%.10g, ", good[i]);
    check(good[i], expected[i]);
  }
  std::printf("..., after 200 steps %.10f\n", good.back());
  check(good.back(), 2);

  const std::vector<double> slow = descend(0.0001, 200);
  std::printf("rate 0.0001: after 200 steps only %.10f\n", slow.back());
  check(slow.back(), 2 * (1 - std::pow(1 - 22 * 0.0001, 200)));

  const std::vector<double> wild = descend(0.1, 20);
  std::printf("rate 0.1:    %.4g, %.4g, %.4g, ..., after 20 steps %.4g: it jumps over the minimum, farther each time\n",
              wild[0], wild[1], wild[2], wild.back());
  check(wild[2], 5.456);
  check(wild.back(), 2 - 2 * std::pow(-1.2, 20));

  // At 1/11 every step lands as far on the other side.
  const std::vector<double> edge = descend(1.0 / 11, 4);
  std::printf("rate 1/11:   %.4g, %.4g, %.4g, %.4g\n", edge[0], edge[1], edge[2], edge[3]);
  check(edge[0], 4);
  check(edge[3], 0);

  std::printf(right ? "All values are right.\n" : "Some values are wrong.\n");
  return right ? 0 : 1;
}
