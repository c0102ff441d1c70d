/// A transformer on the pictures of Fashion-MNIST: each picture is a sequence of 16 patches of 7 x 7, embedded, told
/// where it stands, and passed through two encoder blocks. 54,000 pictures are learnt from and 6,000 watched; the
/// 10,000 test pictures are looked at once, at the end. (Dosovitskiy et al. 2021.)

#include <xgrad/xgrad.hpp>

#include <cstdio>
#include <iostream>
#include <string_view>

using namespace xgrad;

namespace {

constexpr std::int64_t side = 7, patches = 28 / side, width = 64;

Model network() {
  const Tensor x = Input({28, 28});
  const Tensor squares = Reshape({patches, side, patches, side})(Rescaling(1 / 255.0)(x));
  const Tensor sequence = Reshape({patches * patches, side * side})(Permute({1, 3, 2, 4})(squares));
  const Tensor embedded = Dense(width)(sequence);
  Tensor h = Add()({embedded, PositionEmbedding(patches * patches)(embedded)});
  for (int i = 0; i < 2; ++i)
    h = TransformerEncoder(2 * width, 4, {.dropout = 0.1, .activation = "gelu", .normalize_first = true})(h);
  return Model(x, Dense(10)(GlobalAveragePooling1D()(LayerNormalization()(h))));
}

int run(bool quick) {
  auto [train, test, class_names] = data::load_fashion_mnist();
  if (quick) {
    train.images = slice_axis(train.images, 0, {0, 4000}).eval();
    train.labels = slice_axis(train.labels, 0, {0, 4000}).eval();
  }
  set_random_seed(1);
  Model model = network();
  const std::int64_t epochs = quick ? 2 : 12, batch = quick ? 32 : 128;
  const std::int64_t steps = epochs * (train.images.dim(0) * 9 / 10 / batch + 1);
  model.compile({.optimizer = optimizers::Adam(schedules::CosineDecay(0.002, steps)),
                 .loss = losses::SparseCategoricalCrossentropy({.from_logits = true}),
                 .metrics = {"accuracy"}});
  model.summary();
  model.fit(train.images, train.labels,
            {.batch_size = batch, .epochs = static_cast<int>(epochs), .validation_split = 0.1});

  const Tensor scores = model.predict(test.images, {.batch_size = 500});
  std::cout << report::confusion_table(report::confusion_matrix(test.labels, scores), class_names) << "\n";
  const double accuracy = mean(equal(argmax(scores, -1), test.labels)).item();
  std::printf("test accuracy %.4f\n", accuracy);
  return accuracy >= (quick ? 0.6 : 0.87) ? 0 : 1;
}

}  // namespace

int main(int count, char** arguments) {
  try {
    return run(count > 1 && std::string_view(arguments[1]) == "--quick");
  } catch (const Error& error) {
    std::cerr << "patch_transformer: " << error.what() << "\n";
    return 2;
  }
}
