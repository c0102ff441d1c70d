/// Vanishing and exploding gradients: how strongly the output of a chain of k equal neurons (weight 1, bias 0) follows
/// its input 0.5, and what a network of ten layers looks like from inside.

#include <xgrad/xgrad.hpp>

#include <cmath>
#include <cstdio>

using namespace xgrad;

namespace {

/// d out / d x of f(f(...f(x))), k times.
double slope(Tensor (*f)(const Tensor&), int k) {
  const Tensor x(0.5, {.dtype = float64});
  Tensor out = x;
  for (int i = 0; i < k; ++i) out = f(out);
  return grad(out, x).item();
}

}  // namespace

int main() {
  constexpr int lengths[] = {1, 2, 5, 10, 20, 50};
  constexpr double by_sigmoid[] = {0.2350037122015945,    0.05340837521931148,   0.000607986274310637,
                                   3.483115609785166e-07, 1.143095886693207e-13, 4.040424077413806e-33};
  constexpr double by_tanh[] = {0.7864477329659274, 0.6398080218406107, 0.3930039249412959,
                                0.2227595302644143, 0.1072740126086743, 0.03396085323228850};
  bool right = true;
  const auto check = [&](double value, double expected) {
    right = right && std::abs(value - expected) <= 1e-12 * std::abs(expected);
    return value;
  };

  std::printf("neurons      sigmoid         tanh         relu   linear, weight 1.5\n");
  for (int i = 0; i < 6; ++i) {
    const int k = lengths[i];
    const double s = check(slope([](const Tensor& x) { return sigmoid(x); }, k), by_sigmoid[i]);
    const double t = check(slope([](const Tensor& x) { return tanh(x); }, k), by_tanh[i]);
    const double r = check(slope([](const Tensor& x) { return relu(x); }, k), 1);
    const double l = check(slope([](const Tensor& x) { return 1.5 * x; }, k), std::pow(1.5, k));
    std::printf("%7d %12.4g %12.4g %12.4g %12.4g\n", k, s, t, r, l);
  }

  // Why: a sigmoid passes on at most a quarter, and next to nothing where it is flat.
  const Tensor x = tensor({-3, 0, 3}, {.dtype = float64});
  const std::vector<double> steepness = grad(sum(sigmoid(x)), x).to_vector<double>();
  std::printf("the sigmoid's slope at -3, 0, 3: %.4f, %.4f, %.4f\n", steepness[0], steepness[1], steepness[2]);
  check(steepness[0], 0.04517665973091213);
  check(steepness[1], 0.25);
  check(steepness[2], 0.04517665973091213);

  // In a network: the report names the layers that hardly learn.
  const Tensor points = tensor({{-1, 0.5}, {0.2, -0.4}, {0.7, 0.9}, {-0.3, -0.8}});
  const Tensor targets = tensor({{0}, {1}, {1}, {0}});
  for (const char* activation : {"sigmoid", "tanh", "relu"}) {
    set_random_seed(1);
    Sequential deep;
    for (int i = 0; i < 10; ++i)
      deep.add(Dense(8, {.activation = activation, .kernel_initializer = i ? "he_normal" : "glorot_uniform"}));
    deep.add(Dense(1));
    deep.compile({.loss = "mse"});
    const HealthReport report = gradient_health(deep, points, targets);
    const LayerHealth &first = report.layers.front(), &last = report.layers.back();
    std::printf("ten layers of %s: the first layer's gradient is %.2g of the last one's, %zu findings\n", activation,
                first.gradient_rms / last.gradient_rms, report.findings.size());
    if (activation[0] == 's') std::printf("%s", report.text().c_str());
    right = right && (activation[0] == 's') == (report.layers.front().gradient_rms < 1e-3 * last.gradient_rms);
  }

  std::printf(right ? "All values are right.\n" : "Some values are wrong.\n");
  return right ? 0 : 1;
}
