/// A variational autoencoder (Kingma and Welling 2014): each picture of clothes becomes a normal distribution over two
/// numbers, of which a sample is decoded. It says how many nats the picture and the code take, and draws two maps: what
/// stands where in the plane, and where the test pictures of each class lie.

#include <xgrad/xgrad.hpp>

#include <cstdio>
#include <string_view>

using namespace xgrad;

namespace {

constexpr std::int64_t codes = 2;

Tensor pixels(const Tensor& images, Range rows = {}) {
  return (cast(reshape(slice(images, {rows}), {-1, 784}), float32) / 255).eval();
}

struct Terms {
  Tensor reconstruction, kl, error;  ///< per picture: nats, nats, mean squared difference of pixels
};

struct Variational {
  Sequential encoder{Input({784}), Dense(512, {.activation = "relu"}), Dense(256, {.activation = "relu"}),
                     Dense(2 * codes)};
  Sequential decoder{Input({codes}), Dense(256, {.activation = "relu"}), Dense(512, {.activation = "relu"}),
                     Dense(784)};

  Terms operator()(const Tensor& x) const {
    const std::vector<Tensor> code = split(encoder(x), 2, 1);
    const Tensor &mu = code[0], &log_variance = code[1];
    const Tensor logits = decoder(mu + exp(0.5 * log_variance) * normal_like(mu));
    return {784 * mean(losses::binary_crossentropy(x, logits, {.from_logits = true})),
            -0.5 * mean(sum(1 + log_variance - square(mu) - exp(log_variance), 1)), mean(square(sigmoid(logits) - x))};
  }
  void each(Visit visit) {
    visit("encoder", encoder);
    visit("decoder", decoder);
  }
};

/// What is decoded from a grid of points, spread as the normal distribution is.
Tensor map_of_pictures(const Variational& model, std::int64_t side) {
  const Tensor places = 1.41421356 * erfinv(2 * linspace(0.02, 0.98, side) - 1);
  const std::vector<Tensor> grid = meshgrid({places, places});
  const Tensor pictures = sigmoid(model.decoder(stack({ravel(grid[0]), ravel(grid[1])}, 1)));
  return report::image_grid(reshape(pictures, {-1, 28, 28}), {.columns = side, .padding = 0});
}

/// The means of pictures as dots, coloured by class.
Tensor map_of_classes(const Variational& model, const Tensor& x, const Tensor& labels) {
  const Tensor colours = tensor({{31, 119, 180}, {255, 127, 14}, {44, 160, 44}, {214, 39, 40}, {148, 103, 189},
                                 {140, 86, 75}, {227, 119, 194}, {127, 127, 127}, {188, 189, 34}, {23, 190, 207}},
                                {.dtype = uint8});
  const Tensor mu = slice_axis(model.encoder(x), 1, {0, codes});
  const Tensor low = min(mu, 0), dots = cast((mu - low) / (max(mu, 0) - low) * 299, int64);
  const Tensor picture =
      scatter_update(full({300, 300, 3}, 255, {.dtype = uint8}), dots, take(colours, cast(labels, int64)));
  return report::image_grid(expand_dims(picture, 0), {.padding = 0, .scale = 2});
}

}  // namespace

int main(int count, char** arguments) {
  const std::string_view mode = count > 1 ? arguments[1] : "";
  const bool quick = mode == "--quick", validate = mode == "--validate";
  const data::MnistData clothes = data::load_fashion_mnist();
  const Tensor train = pixels(clothes.train.images, {0, quick ? 6000 : validate ? 50000 : 60000});
  const Range held_out{50000};
  const Tensor test = validate ? pixels(clothes.train.images, held_out) : pixels(clothes.test.images);
  const Tensor labels = validate ? slice(clothes.train.labels, {held_out}) : clothes.test.labels;

  set_random_seed(1);
  Variational model;
  const int epochs = quick ? 5 : 60;
  const data::Batches batches(train.dim(0), 128);
  optimizers::Adam adam({.learning_rate = schedules::CosineDecay(1e-3, epochs * batches.size())});
  auto step = capture([&](const Tensor& rows) {
    const Terms terms = model(take(train, rows));
    adam.minimize(terms.reconstruction + terms.kl, parameters(model));
    return std::array{terms.reconstruction, terms.kl};
  });
  const auto first = model(test);
  const double before = (first.reconstruction + first.kl).item();
  for (int epoch = 1; epoch <= epochs; ++epoch) {
    double reconstruction = 0, kl = 0;
    for (const Tensor& rows : batches.epoch(static_cast<std::uint64_t>(epoch))) {
      const auto terms = step(rows);
      reconstruction += terms[0].item() / static_cast<double>(batches.size());
      kl += terms[1].item() / static_cast<double>(batches.size());
    }
    if (quick || epoch % 10 == 0) std::printf("epoch %2d: reconstruction %.2f, KL %.3f\n", epoch, reconstruction, kl);
  }

  const Terms last = model(test);
  io::save_png("variational_pictures.png", map_of_pictures(model, 20));
  io::save_png("variational_classes.png", map_of_classes(model, test, labels));
  std::printf("maps of the plane: variational_pictures.png and variational_classes.png\n");
  std::printf("%s pictures: reconstruction %.2f nats (mean squared error %.4f), KL %.3f nats\n",
              validate ? "validation" : "test", last.reconstruction.item(), last.error.item(), last.kl.item());
  return (last.reconstruction + last.kl).item() < (quick ? 0.6 * before : 265) ? 0 : 1;
}
