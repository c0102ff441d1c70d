/// A model of one's own: a layer, a network with two inputs that share it, a loss, a schedule and a training loop. It
/// learns to tell whether two points lie on the same side of a circle, from pairs alone.

#include <xgrad/xgrad.hpp>

#include <algorithm>
#include <cmath>
#include <cstdio>

using namespace xgrad;

namespace {

/// exp(-steepness * |x - centre|^2) for each centre: (n, inputs) -> (n, units).
struct RadialBasis {
  Parameter centres, steepness;

  RadialBasis(std::int64_t inputs, std::int64_t units)
      : centres(normal({units, inputs}), "centres"), steepness(ones({units}), "steepness") {}
  Tensor operator()(const Tensor& x) const {
    return exp(-steepness * sum(square(expand_dims(x, 1) - centres), -1));
  }
  void each(Visit visit) {
    visit("centres", centres);
    visit("steepness", steepness);
  }
};

/// The distance between the codes of two points. Both go through the same layers.
struct Twins {
  RadialBasis basis{2, 16};
  Dense code{2, {.input_shape = {16}}};

  Tensor operator()(const Tensor& a, const Tensor& b) const {
    return sqrt(sum(square(code(basis(a)) - code(basis(b))), -1) + 1e-6);
  }
  void each(Visit visit) {
    visit("basis", basis);
    visit("code", code);
  }
};

/// Pulls equal pairs together and pushes others at least 1 apart (Hadsell, Chopra and LeCun 2006).
Tensor contrastive(const Tensor& same, const Tensor& distance) {
  return mean(same * square(distance) + (1 - same) * square(relu(1 - distance)));
}

Tensor inside(const Tensor& points) { return sum(square(points), -1) < 1.2; }

}  // namespace

int main() {
  set_random_seed(7);
  constexpr std::int64_t pairs = 4000, kept = 3000;
  const Tensor a = uniform({pairs, 2}, -1.5, 1.5), b = uniform({pairs, 2}, -1.5, 1.5);
  const Tensor same = cast(equal(inside(a), inside(b)), float32);
  eval({a, b, same});

  Twins twins;
  // Warms up over 200 steps, then falls with the square root of the step.
  const auto rate = [](std::int64_t t) { return 0.02 * std::min((t + 1) / 200.0, std::sqrt(200.0 / (t + 1))); };
  optimizers::Adam adam({.learning_rate = rate});
  const data::Batches batches(kept, 50);
  for (int epoch = 0; epoch < 30; ++epoch) {
    double total = 0;
    for (const Tensor& rows : batches.epoch(epoch)) {
      const Tensor distance = twins(take(a, rows), take(b, rows));
      const Tensor loss = contrastive(take(same, rows), distance);
      adam.minimize(loss, parameters(twins));
      total += loss.item();
    }
    if (epoch % 10 == 9) std::printf("epoch %2d: loss %.4f\n", epoch + 1, total / batches.size());
  }

  const auto rest = [](const Tensor& x) { return slice(x, {{kept}}); };
  const double accuracy = mean(equal(twins(rest(a), rest(b)) < 0.5, rest(same) > 0.5)).item();
  std::printf("right for %.1f%% of the pairs never seen\n", 100 * accuracy);
  return accuracy > 0.85 ? 0 : 1;
}
