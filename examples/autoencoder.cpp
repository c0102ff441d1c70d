/// An autoencoder: pictures of clothes through 32 numbers and back (Hinton and Salakhutdinov 2006), beside what 32
/// principal components give. With --validate the last 10,000 training pictures stand for the test pictures.

#include <xgrad/xgrad.hpp>

#include <cstdio>
#include <string_view>

using namespace xgrad;

namespace {

constexpr std::int64_t codes = 32;

Tensor pixels(const Tensor& images, Range rows = {}) {
  return (cast(reshape(slice(images, {rows}), {-1, 784}), float32) / 255).eval();
}

/// The rows from their first principal components.
Tensor pca(const Tensor& train, const Tensor& rows) {
  const Tensor centre = mean(train, 0), centred = train - centre;
  const Tensor vectors = eigh(matmul(transpose(centred), centred)).eigenvectors;
  const Tensor first = slice(vectors, {{}, {-codes}});
  return matmul(matmul(rows - centre, first), transpose(first)) + centre;
}

}  // namespace

int main(int count, char** arguments) {
  const std::string_view mode = count > 1 ? arguments[1] : "";
  const bool quick = mode == "--quick", validate = mode == "--validate";
  const data::MnistData clothes = data::load_fashion_mnist();
  const Tensor train = pixels(clothes.train.images, {0, quick ? 6000 : validate ? 50000 : 60000});
  const Tensor test = validate ? pixels(clothes.train.images, {50000}) : pixels(clothes.test.images);

  set_random_seed(1);
  Sequential encoder{Input({784}), Dense(512, {.activation = "gelu"}), Dense(256, {.activation = "gelu"}),
                     Dense(codes)};
  Sequential decoder{Input({codes}), Dense(256, {.activation = "gelu"}), Dense(512, {.activation = "gelu"}),
                     Dense(784, {.activation = "sigmoid"})};
  Sequential model{encoder, decoder};
  const int epochs = quick ? 5 : 40;
  const std::int64_t batch = 128, steps = epochs * ((train.dim(0) + batch - 1) / batch);
  model.compile({.optimizer = optimizers::Adam({.learning_rate = schedules::CosineDecay(2e-3, steps)}), .loss = "mse"});
  model.fit(train, train, {.batch_size = batch, .epochs = epochs, .verbose = 2});

  const Tensor restored = model.predict(test, {.batch_size = 500});
  const double error = mean(square(restored - test)).item(), linear = mean(square(pca(train, test) - test)).item();
  const Range shown{0, 16};
  const Tensor pairs = concatenate({slice(test, {shown}), slice(restored, {shown})});
  io::save_png("autoencoder.png", report::image_grid(reshape(pairs, {-1, 28, 28}), {.columns = 16, .scale = 2}));
  std::printf("pictures and what came back: autoencoder.png\n");
  std::printf("mean squared error of %s pictures through %d numbers: %.5f (%d principal components: %.5f)\n",
              validate ? "validation" : "test", static_cast<int>(codes), error, static_cast<int>(codes), linear);
  return error < (quick ? 0.03 : 0.012) ? 0 : 1;
}
