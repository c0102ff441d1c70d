/// A convolutional autoencoder: pictures of clothes through 32 numbers and back, by convolutions that halve the sides
/// and transposed ones that double them again.

#include <xgrad/xgrad.hpp>

#include <cstdio>
#include <string_view>

using namespace xgrad;

namespace {

Tensor pixels(const Tensor& images, Range rows = {}) {
  return (cast(reshape(slice(images, {rows}), {-1, 28, 28, 1}), float32) / 255).eval();
}

}  // namespace

int main(int count, char** arguments) {
  const std::string_view mode = count > 1 ? arguments[1] : "";
  const bool quick = mode == "--quick", validate = mode == "--validate";
  const data::MnistData clothes = data::load_fashion_mnist();
  const Tensor train = pixels(clothes.train.images, {0, quick ? 3000 : validate ? 50000 : 60000});
  const Tensor test = validate ? pixels(clothes.train.images, {50000}) : pixels(clothes.test.images);

  set_random_seed(1);
  constexpr std::int64_t codes = 32;
  const ConvLayerOptions halve{.strides = 2, .padding = "same", .activation = "gelu"};
  const ConvTransposeLayerOptions twice{.strides = 2, .padding = "same", .activation = "gelu"};
  Sequential encoder{Input({28, 28, 1}), Conv2D(32, 3, halve), Conv2D(64, 3, halve), Flatten(), Dense(codes)};
  Sequential decoder{Input({codes}), Dense(7 * 7 * 64, {.activation = "gelu"}), Reshape({7, 7, 64}),
                     Conv2DTranspose(32, 3, twice), Conv2DTranspose(16, 3, twice),
                     Conv2D(1, 3, {.padding = "same", .activation = "sigmoid"})};
  Sequential model{encoder, decoder};
  const int epochs = quick ? 4 : 8;
  const std::int64_t batch = 128, steps = epochs * ((train.dim(0) + batch - 1) / batch);
  model.compile({.optimizer = optimizers::Adam({.learning_rate = schedules::CosineDecay(2e-3, steps)}), .loss = "mse"});
  model.fit(train, train, {.batch_size = batch, .epochs = epochs, .verbose = 2});

  const Tensor restored = model.predict(test, {.batch_size = 500});
  const double error = mean(square(restored - test)).item();
  const Range shown{0, 16};
  const Tensor pairs = concatenate({slice(test, {shown}), slice(restored, {shown})});
  io::save_png("convolutional_autoencoder.png", report::image_grid(pairs, {.columns = 16, .scale = 2}));
  std::printf("pictures and what came back: convolutional_autoencoder.png\n");
  std::printf("mean squared error of %s pictures through %d numbers: %.5f (%lld weights)\n",
              validate ? "validation" : "test", static_cast<int>(codes), error,
              static_cast<long long>(count_params(model)));
  return error < (quick ? 0.04 : 0.012) ? 0 : 1;
}
