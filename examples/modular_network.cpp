/// A modular network: eight small experts and a gate that sends each picture of clothes to two of them (Jacobs, Jordan,
/// Nowlan and Hinton 1991; Shazeer et al. 2017). Beside it one expert alone. A picture shows which expert answers for
/// which kind.

#include <xgrad/xgrad.hpp>

#include <cstdio>
#include <string_view>

using namespace xgrad;

namespace {

Tensor pixels(const Tensor& images, Range rows) {
  return (cast(reshape(slice(images, {rows}), {-1, 784}), float32) / 255).eval();
}

Layer expert() { return Sequential{Dense(16, {.activation = "relu"}), Dense(10)}; }

}  // namespace

int main(int count, char** arguments) {
  const std::string_view mode = count > 1 ? arguments[1] : "";
  const bool quick = mode == "--quick", validate = mode == "--validate";
  const auto [learnt, unseen, names] = data::load_fashion_mnist();
  const Range first{0, quick ? 6000 : validate ? 50000 : 60000}, last{50000}, all{};
  const Tensor train = pixels(learnt.images, first), train_labels = slice(learnt.labels, {first});
  const Tensor test = validate ? pixels(learnt.images, last) : pixels(unseen.images, all);
  const Tensor labels = cast(validate ? slice(learnt.labels, {last}) : unseen.labels, int64);
  const int epochs = quick ? 3 : 20;
  const auto accuracy_of = [&](Sequential model) {
    const std::int64_t batch = 128, steps = epochs * ((train.dim(0) + batch - 1) / batch);
    model.compile({.optimizer = optimizers::Adam({.learning_rate = schedules::CosineDecay(2e-3, steps)}),
                   .loss = losses::SparseCategoricalCrossentropy({.from_logits = true}),
                   .metrics = {"accuracy"}});
    model.fit(train, train_labels, {.batch_size = batch, .epochs = epochs, .verbose = 0});
    return mean(equal(argmax(model.predict(test, {.batch_size = 500}), -1), labels)).item();
  };

  set_random_seed(1);
  constexpr std::int64_t experts = 8;
  std::vector<Layer> all_experts;
  for (std::int64_t i = 0; i < experts; ++i) all_experts.push_back(expert());
  MixtureOfExperts mixture(all_experts, {.top_k = 2, .load_balancing = .05, .noisy_gate = true});
  const double together = accuracy_of({Input({784}), mixture});
  const double alone = accuracy_of({Input({784}), expert()});

  // How much each expert counts for each kind.
  const Tensor kinds = one_hot(labels, 10);
  const Tensor shares = matmul(transpose(kinds), mixture.gate(test)) / expand_dims(sum(kinds, 0), 1);
  for (std::int64_t kind = 0; kind < 10; ++kind) {
    std::printf("%-12s", names[static_cast<std::size_t>(kind)].c_str());
    for (const double share : take(shares, Tensor(kind)).to_vector<double>()) std::printf(" %5.2f", share);
    std::printf("\n");
  }
  io::save_png("modular_network.png", report::image_grid(expand_dims(shares, 0), {.padding = 0, .scale = 32}));
  std::printf("a row for each kind, a column for each expert: modular_network.png\n");
  std::printf("%s accuracy %.4f with %d experts, %.4f with one\n", validate ? "validation" : "test", together,
              static_cast<int>(experts), alone);
  return together > (quick ? .7 : .87) && together > alone ? 0 : 1;
}
