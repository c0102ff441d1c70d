/// A Hopfield network (Hopfield 1982) remembers five pictures of clothes and brings them back from copies in which a
/// quarter of the pixels are wrong. Each update goes downhill in energy. The pictures are too much alike for Hebb's
/// rule alone, so the weights are those of its pseudo-inverse form (Personnaz, Guyon and Dreyfus 1985).

#include <xgrad/xgrad.hpp>

#include <cstdio>

using namespace xgrad;

namespace {

constexpr std::int64_t size = 784, remembered = 5;

Tensor signs(const Tensor& x) { return where(x >= 0, 1., -1.); }

/// Neurons one after another, in a random order, until none changes: how the energy is sure to fall.
Tensor recall(const Tensor& weights, Tensor state, int& sweeps) {
  for (sweeps = 0; sweeps < 20; ++sweeps) {
    const Tensor before = state;
    for (const Tensor& one : split(permutation(size), size))
      state = put_along_axis(state, one, signs(matmul(take(weights, one), state)), 0).eval();
    if (array_equal(before, state).item<bool>()) break;
  }
  return state;
}

double energy(const Tensor& weights, const Tensor& state) { return -0.5 * dot(state, matmul(weights, state)).item(); }

}  // namespace

int main() {
  set_random_seed(3);
  const data::MnistData clothes = data::load_fashion_mnist();
  // The first picture of each of five kinds: trousers, a dress, a sandal, a bag, a boot.
  std::vector<Tensor> chosen;
  for (const int kind : {1, 3, 5, 8, 9})
    chosen.push_back(take(clothes.train.images, take(flatnonzero(equal(clothes.train.labels, kind)), 0)));
  const Tensor patterns = signs(cast(reshape(stack(chosen), {remembered, size}), float64) - 64).eval();
  const Tensor all = matmul(transpose(patterns), matmul(inv(matmul(patterns, transpose(patterns))), patterns));
  const Tensor weights = fill_diagonal(all, 0).eval();

  const Tensor damaged = (patterns * where(uniform({remembered, size}) < .25, -1., 1.)).eval();
  std::vector<Tensor> restored;
  bool right = true;
  for (std::int64_t i = 0; i < remembered; ++i) {
    const Tensor start = take(damaged, i), target = take(patterns, i);
    int sweeps = 0;
    restored.push_back(recall(weights, start, sweeps));
    const auto wrong = [&](const Tensor& state) { return static_cast<int>(sum(not_equal(state, target)).item()); };
    const double before = energy(weights, start), after = energy(weights, restored.back());
    std::printf("picture %lld: %3d wrong pixels, energy %.1f; after %d sweeps %d wrong, energy %.1f\n",
                static_cast<long long>(i), wrong(start), before, sweeps,
                wrong(restored.back()), after);
    right = right && wrong(restored.back()) == 0 && after < before;
  }
  const Tensor rows = (concatenate({patterns, damaged, stack(restored)}) + 1) / 2;
  io::save_png("hopfield_network.png", report::image_grid(reshape(rows, {-1, 28, 28}), {.columns = 5, .scale = 3}));
  std::printf("remembered, damaged and restored: hopfield_network.png\n");
  return right ? 0 : 1;
}
