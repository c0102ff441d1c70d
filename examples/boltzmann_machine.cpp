/// A restricted Boltzmann machine (Smolensky 1986) that learns pictures of clothes by contrastive divergence (Hinton
/// 2002) with chains that go on from step to step (Tieleman 2008), and then dreams: pictures drawn by its own Gibbs
/// sampling.

#include <xgrad/xgrad.hpp>

#include <cstdio>
#include <string_view>

using namespace xgrad;

int main(int count, char** arguments) {
  const std::string_view mode = count > 1 ? arguments[1] : "";
  const bool quick = mode == "--quick", validate = mode == "--validate";
  const data::MnistData clothes = data::load_fashion_mnist();
  const auto pixels = [](const Tensor& images, Range rows = {}) {
    return (cast(reshape(slice(images, {rows}), {-1, 784}), float32) / 255).eval();
  };
  const Tensor train = pixels(clothes.train.images, {0, quick ? 6000 : validate ? 50000 : 60000});
  const Tensor test = validate ? pixels(clothes.train.images, {50000}) : pixels(clothes.test.images);

  set_random_seed(1);
  RestrictedBoltzmannMachine machine(256);
  machine.build(784, float32, default_generator());
  const Parameter chains(cast(bernoulli({100, 784}, .3), float32), "chains", false);
  const int epochs = quick ? 3 : 30;
  const data::Batches batches(train.dim(0), 100, {.drop_remainder = true});
  const schedules::PolynomialDecay rate(.05, epochs * batches.size(), {.end_learning_rate = 0});
  optimizers::SGD sgd({.learning_rate = rate});
  auto step = capture([&](const Tensor& rows) {
    const Tensor data = take(train, rows);  // how likely a pixel is to be on
    const Tensor drawn = cast(uniform_like(data) < data, float32);
    // Energy down where data is, up where the machine dreams.
    sgd.minimize(machine.contrastive_divergence(drawn, 1, chains), parameters(machine));
  });
  // How well a picture comes back after one trip up and down.
  const auto error = [&] { return mean(square(machine.down(machine(test)) - test)).item(); };
  const double before = error();
  for (int epoch = 1; epoch <= epochs; ++epoch) {
    for (const Tensor& rows : batches.epoch(static_cast<std::uint64_t>(epoch))) step(rows);
    if (quick || epoch % 10 == 0) std::printf("epoch %2d: error %.4f\n", epoch, error());
  }

  Tensor dream = chains.value();
  for (int i = 0; i < 1000; ++i) dream = machine.gibbs(dream).eval();
  const Tensor shown = machine.down(machine(slice(dream, {{0, 60}})));
  const Tensor filters = slice(transpose(machine.kernel().value()), {{0, 60}});
  io::save_png("boltzmann_dreams.png", report::image_grid(reshape(shown, {-1, 28, 28}), {.columns = 15, .scale = 2}));
  io::save_png("boltzmann_filters.png",
               report::image_grid(reshape(filters, {-1, 28, 28}),
                                  {.columns = 15, .normalize = true, .value_range = {-1, 1}, .scale = 2}));
  std::printf("dreams and weights: boltzmann_dreams.png, boltzmann_filters.png\n");
  const double after = error();
  std::printf("mean squared error of %s pictures after a trip up and down: %.4f (before training: %.4f)\n",
              validate ? "validation" : "test", after, before);
  return after < (quick ? .06 : .03) ? 0 : 1;
}
