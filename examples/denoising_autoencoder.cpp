/// A denoising autoencoder (Vincent, Larochelle, Bengio and Manzagol 2008): pictures of clothes with noise added to
/// every pixel go in, the pictures without it are what it learns to give. Each epoch has noise of its own.

#include <xgrad/xgrad.hpp>

#include <cstdio>
#include <string_view>

using namespace xgrad;

namespace {

Tensor pixels(const Tensor& images, Range rows = {}) {
  return (cast(reshape(slice(images, {rows}), {-1, 784}), float32) / 255).eval();
}

Tensor noisy(const Tensor& x) { return clip(x + 0.4 * normal_like(x), 0, 1); }

}  // namespace

int main(int count, char** arguments) {
  const std::string_view mode = count > 1 ? arguments[1] : "";
  const bool quick = mode == "--quick", validate = mode == "--validate";
  const data::MnistData clothes = data::load_fashion_mnist();
  const Tensor train = pixels(clothes.train.images, {0, quick ? 6000 : validate ? 50000 : 60000});
  const Tensor test = validate ? pixels(clothes.train.images, {50000}) : pixels(clothes.test.images);

  set_random_seed(1);
  Sequential model{Input({784}), Dense(1024, {.activation = "relu"}), Dense(256, {.activation = "relu"}),
                   Dense(1024, {.activation = "relu"}), Dense(784, {.activation = "sigmoid"})};
  const int epochs = quick ? 4 : 30;
  const std::int64_t batch = 128;
  const data::Batches batches(train.dim(0), batch);
  const schedules::CosineDecay rate(1e-3, epochs * batches.size());
  model.compile({.optimizer = optimizers::Adam({.learning_rate = rate}), .loss = "mse"});
  data::Epoch order;
  const BatchSource source{.batch = [&](std::int64_t epoch, std::int64_t step) -> std::optional<Dataset> {
                             if (step == 0) order = batches.epoch(static_cast<std::uint64_t>(epoch));
                             const Tensor clean = take(train, order[step]);
                             return Dataset{noisy(clean), clean};
                           },
                           .steps = batches.size()};
  model.fit(source, {.epochs = epochs, .verbose = 2});

  const Tensor given = noisy(test).eval(), cleaned = model.predict(given, {.batch_size = 500});
  const double before = mean(square(given - test)).item(), after = mean(square(cleaned - test)).item();
  const Range shown{0, 16};
  const Tensor rows = concatenate({slice(given, {shown}), slice(cleaned, {shown}), slice(test, {shown})});
  io::save_png("denoising_autoencoder.png",
               report::image_grid(reshape(rows, {-1, 28, 28}), {.columns = 16, .scale = 2}));
  std::printf("noisy, cleaned and true pictures: denoising_autoencoder.png\n");
  std::printf("mean squared error of %s pictures: %.4f with noise, %.4f cleaned\n", validate ? "validation" : "test",
              before, after);
  return after < before * (quick ? 0.4 : 0.2) ? 0 : 1;
}
