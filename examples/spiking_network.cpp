/// A spiking network: pictures of clothes become trains of spikes, bright pixels firing often; leaky neurons fire when
/// enough has come in; ten that never fire add up the answer. Trained through surrogate gradients (Neftci, Mostafa and
/// Zenke 2019).

#include <xgrad/xgrad.hpp>

#include <cstdio>
#include <string_view>

using namespace xgrad;

namespace {

Tensor pixels(const Tensor& images, Range rows) {
  return (cast(reshape(slice(images, {rows}), {-1, 784}), float32) / 255).eval();
}

}  // namespace

int main(int count, char** arguments) {
  const std::string_view mode = count > 1 ? arguments[1] : "";
  const bool quick = mode == "--quick", validate = mode == "--validate";
  const auto [learnt, unseen, names] = data::load_fashion_mnist();
  const Range first{0, quick ? 6000 : validate ? 50000 : 60000}, last{50000}, all{};
  const Tensor train = pixels(learnt.images, first), train_labels = slice(learnt.labels, {first});
  const Tensor test = validate ? pixels(learnt.images, last) : pixels(unseen.images, all);
  const Tensor labels = validate ? slice(learnt.labels, {last}) : unseen.labels;

  set_random_seed(1);
  constexpr std::int64_t steps = 10, neurons = 256;
  Sequential firing{Input({784}), RateCoding(steps), Dense(neurons), LeakyIntegrateAndFire({.surrogate = "arctan"})};
  Sequential model{firing, Dense(10), LeakyIntegrator({.tau = 5})};
  const int epochs = quick ? 3 : 12;
  const std::int64_t batch = 128, updates = epochs * ((train.dim(0) + batch - 1) / batch);
  model.compile({.optimizer = optimizers::Adam({.learning_rate = schedules::CosineDecay(2e-3, updates)}),
                 .loss = losses::SparseCategoricalCrossentropy({.from_logits = true}),
                 .metrics = {"accuracy"}});
  model.fit(train, train_labels, {.batch_size = batch, .epochs = epochs, .verbose = 2});

  const double accuracy = mean(equal(argmax(model.predict(test, {.batch_size = 500}), -1), labels)).item();
  const Tensor spikes = firing.predict(slice(test, {{0, 1000}}));
  // For eight pictures: time from top to bottom, neurons side by side.
  io::save_png("spiking_network.png", report::image_grid(slice(spikes, {{0, 8}}),
                                                         {.columns = 1, .padding = 4, .pad_value = .3, .scale = 4}));
  std::printf("spikes of %d neurons for eight pictures: spiking_network.png\n", static_cast<int>(neurons));
  std::printf("%s accuracy %.4f; a neuron fires in %.1f %% of the steps\n", validate ? "validation" : "test", accuracy,
              100 * mean(spikes).item());
  return accuracy > (quick ? .65 : .86) ? 0 : 1;
}
