/// Two networks against each other (Goodfellow et al. 2014): one draws clothes from noise, the other learns to tell
/// them from real ones. The figure is the Frechet distance between drawn and test pictures, both taken as normal
/// distributions over 64 principal components of the training pictures (Heusel et al. 2017 do so with other features).

#include <xgrad/xgrad.hpp>

#include <cstdio>
#include <string_view>

using namespace xgrad;

namespace {

constexpr std::int64_t noise = 64, batch = 128;

Tensor pixels(const Tensor& images, Range rows = {}) {
  return (cast(reshape(slice(images, {rows}), {-1, 784}), float32) / 127.5 - 1).eval();
}

struct Gaussian {
  Tensor mean, covariance;
};
Gaussian gaussian_of(const Tensor& features) {
  const Tensor x = cast(features, float64);
  return {mean(x, 0).eval(), cov(transpose(x)).eval()};
}

/// |m1 - m2|^2 + tr(C1 + C2 - 2 (C1 C2)^(1/2))
double frechet(const Gaussian& a, const Gaussian& b) {
  const auto [values, vectors] = eigh(a.covariance);
  const Tensor root = matmul(vectors * sqrt(maximum(values, 0)), transpose(vectors));
  const Tensor shared = sum(sqrt(maximum(eigvalsh(matmul(matmul(root, b.covariance), root)), 0)));
  return (sum(square(a.mean - b.mean)) + trace(a.covariance) + trace(b.covariance) - 2 * shared).item();
}

Dense hidden(std::int64_t units) { return Dense(units, {.kernel_initializer = "he_normal"}); }

}  // namespace

int main(int count, char** arguments) {
  const std::string_view mode = count > 1 ? arguments[1] : "";
  const bool quick = mode == "--quick", validate = mode == "--validate";
  const data::MnistData clothes = data::load_fashion_mnist();
  const Tensor train = pixels(clothes.train.images, {0, quick ? 6000 : validate ? 50000 : 60000});
  const Tensor test = validate ? pixels(clothes.train.images, {50000}) : pixels(clothes.test.images);
  const Tensor components = slice(eigh(cov(transpose(train))).eigenvectors, {{}, {-64}}).eval();
  const Gaussian real = gaussian_of(matmul(test, components));

  set_random_seed(1);
  Sequential generator{Input({noise}), hidden(256), BatchNormalization({.momentum = .9}), LeakyReLU(),
                       hidden(512), BatchNormalization({.momentum = .9}), LeakyReLU(),
                       Dense(784, {.activation = "tanh"})};
  Sequential discriminator{Input({784}), hidden(512), LeakyReLU(), Dropout(.3),
                           hidden(256), LeakyReLU(), Dropout(.3), Dense(1)};
  const optimizers::AdamOptions slow{.learning_rate = 2e-4, .beta_1 = .5};
  optimizers::Adam draws(slow), judges(slow);
  const auto drawn = [&](std::int64_t n) { return generator.predict(normal({n, noise}), {.batch_size = 500}); };
  const auto distance = [&] { return frechet(gaussian_of(matmul(drawn(test.dim(0)), components)), real); };

  auto step = capture([&](const Tensor& rows) {
    Call training{.training = true};
    const Tensor fake = generator(normal({batch, noise}), training);
    const Tensor on_real = discriminator(take(train, rows), training);
    const Tensor on_fake = discriminator(stop_gradient(fake), training);
    // softplus(-z) is the cross-entropy of "real", softplus(z) that of "drawn".
    const Tensor judge_loss = mean(softplus(-on_real)) + mean(softplus(on_fake));
    judges.minimize(judge_loss, parameters(discriminator));
    const Tensor draw_loss = mean(softplus(-discriminator(fake, training)));
    draws.minimize(draw_loss, parameters(generator));
    return std::array{judge_loss, draw_loss};
  });
  const double before = distance();
  const int epochs = quick ? 6 : 80;
  const data::Batches batches(train.dim(0), batch, {.drop_remainder = true});
  for (int epoch = 1; epoch <= epochs; ++epoch) {
    double judge = 0, draw = 0;
    for (const Tensor& rows : batches.epoch(static_cast<std::uint64_t>(epoch))) {
      const auto both = step(rows);
      judge += both[0].item() / static_cast<double>(batches.size());
      draw += both[1].item() / static_cast<double>(batches.size());
    }
    if (quick || epoch % 10 == 0)
      std::printf("epoch %3d: loss of the judge %.3f, of the drawer %.3f, distance %.2f\n", epoch, judge, draw,
                  distance());
  }
  const double after = distance();
  io::save_png("gan.png", report::image_grid((reshape(drawn(80), {-1, 28, 28}) + 1) / 2, {.columns = 10, .scale = 2}));
  std::printf("80 drawn pictures: gan.png\n");
  std::printf("Frechet distance to %s pictures: %.2f (noise before training: %.2f, training pictures: %.2f)\n",
              validate ? "validation" : "test", after, before, frechet(gaussian_of(matmul(train, components)), real));
  return after < before * (quick ? 0.6 : 0.15) ? 0 : 1;
}
