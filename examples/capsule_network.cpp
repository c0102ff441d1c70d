/// A capsule network (Sabour, Frosst and Hinton 2017), made small: two convolutions, 128 primary capsules and ten of 16
/// numbers, one for each kind of clothes, found by dynamic routing. The length of a capsule says whether its kind is
/// there; what its numbers mean is drawn by a decoder, with each of them moved in turn.

#include <xgrad/xgrad.hpp>

#include <cstdio>
#include <string_view>

using namespace xgrad;

namespace {

struct Clothes {
  Tensor images, labels;
};
Clothes rows(const data::LabelledImages& from, Range range = {}) {
  return {(cast(reshape(slice(from.images, {range}), {-1, 28, 28, 1}), float32) / 255).eval(),
          cast(slice(from.labels, {range}), int64).eval()};
}

struct CapsuleNetwork {
  Sequential capsules{Input({28, 28, 1}), Conv2D(32, 5, {.strides = 2, .activation = "relu"}),
                      Conv2D(64, 5, {.strides = 2}), PrimaryCapsule(8), Capsule(10, 16)};
  Sequential decoder{Input({10, 16}), Flatten(), Dense(256, {.activation = "relu"}),
                     Dense(784, {.activation = "sigmoid"}), Reshape({28, 28, 1})};

  /// What the decoder makes of the capsule of this class alone.
  Tensor drawn(const Tensor& found, const Tensor& labels) const {
    return decoder(found * expand_dims(one_hot(labels, 10), -1));
  }
  void each(Visit visit) {
    visit("capsules", capsules);
    visit("decoder", decoder);
  }
};

double accuracy(const CapsuleNetwork& network, const Clothes& test) {
  double right = 0;
  for (std::int64_t at = 0; at < test.images.dim(0); at += 500) {
    const Range part{at, at + 500};
    const Tensor lengths = CapsuleLength()(network.capsules(slice(test.images, {part})));
    right += sum(equal(argmax(lengths, -1), slice(test.labels, {part}))).item();
  }
  return right / static_cast<double>(test.images.dim(0));
}

/// A row for each of 16 numbers of one capsule, which goes from -0.25 to 0.25 around what it is.
Tensor moved(const CapsuleNetwork& network, const Clothes& test) {
  const Tensor label = slice(test.labels, {{0, 1}});
  const Tensor found = network.capsules(slice(test.images, {{0, 1}}));
  const Tensor steps = expand_dims(expand_dims(linspace(-.25, .25, 11), -1), -1);
  std::vector<Tensor> pictures;
  for (std::int64_t i = 0; i < 16; ++i)
    pictures.push_back(network.drawn(found + steps * one_hot(Tensor(i), 16), repeat(label, 11)));
  return concatenate(pictures);
}

}  // namespace

int main(int count, char** arguments) {
  const std::string_view mode = count > 1 ? arguments[1] : "";
  const bool quick = mode == "--quick", validate = mode == "--validate";
  const data::MnistData clothes = data::load_fashion_mnist();
  const Clothes train = rows(clothes.train, {0, quick ? 6000 : validate ? 50000 : 60000});
  const Clothes test = validate ? rows(clothes.train, {50000}) : rows(clothes.test, {0, quick ? 1000 : 10000});

  set_random_seed(1);
  CapsuleNetwork network;
  const int epochs = quick ? 2 : 12;
  const data::Batches batches(train.images.dim(0), 100);
  optimizers::Adam adam({.learning_rate = schedules::CosineDecay(2e-3, epochs * batches.size())});
  auto step = capture([&](const Tensor& chosen) {
    const Tensor x = take(train.images, chosen), labels = take(train.labels, chosen);
    const Tensor found = network.capsules(x);
    const Tensor margin = mean(losses::margin(labels, CapsuleLength()(found)));
    // The decoder's error, small beside the margin's, keeps capsules to what can be seen.
    adam.minimize(margin + .4 * mean(square(network.drawn(found, labels) - x)), parameters(network));
    return margin;
  });
  for (int epoch = 1; epoch <= epochs; ++epoch) {
    double loss = 0;
    for (const Tensor& chosen : batches.epoch(static_cast<std::uint64_t>(epoch)))
      loss += step(chosen).item() / static_cast<double>(batches.size());
    std::printf("epoch %2d: margin loss %.4f\n", epoch, loss);
    std::fflush(stdout);
  }
  io::save_png("capsule_network.png", report::image_grid(moved(network, test), {.columns = 11, .scale = 2}));
  std::printf("a row for each number of a capsule, which moves from left to right: capsule_network.png\n");
  const double right = accuracy(network, test);
  std::printf("%s accuracy %.4f\n", validate ? "validation" : "test", right);
  return right > (quick ? .6 : .89) ? 0 : 1;
}
