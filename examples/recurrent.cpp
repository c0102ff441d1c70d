/// Recurrent networks on Fashion-MNIST: a picture is read row by row, 28 steps of 28 numbers, by an LSTM, a GRU or a
/// simple recurrent layer. 54,000 pictures are trained on and 6,000 watched; the 10,000 test pictures are looked at
/// once, at the end.
///
///     recurrent [lstm | gru | simple] [--quick]

#include <xgrad/xgrad.hpp>

#include <cstdio>
#include <iostream>
#include <string_view>

using namespace xgrad;

namespace {

struct Variant {
  std::string_view name;
  Layer (*layer)();
  double least;  ///< test accuracy
};

constexpr Variant variants[] = {
    {"lstm", [] { return Layer(LSTM(128)); }, 0.87},
    {"gru", [] { return Layer(GRU(128)); }, 0.87},
    {"simple", [] { return Layer(SimpleRNN(128)); }, 0.80},
};

int run(const Variant& variant, bool quick) {
  auto [train, test, class_names] = data::load_fashion_mnist();
  if (quick) {
    train.images = slice_axis(train.images, 0, {0, 4000}).eval();
    train.labels = slice_axis(train.labels, 0, {0, 4000}).eval();
  }
  set_random_seed(1);
  Sequential model{Input({28, 28}), Rescaling(1 / 255.0), variant.layer(), Dropout(0.3), Dense(10)};
  const std::int64_t epochs = quick ? 2 : 15, batch = quick ? 32 : 128;
  const std::int64_t steps = epochs * (train.images.dim(0) * 9 / 10 / batch + 1);
  const schedules::CosineDecay rate(0.002, steps);
  model.compile({.optimizer = optimizers::Adam({.learning_rate = rate, .clipnorm = 1.0}),
                 .loss = losses::SparseCategoricalCrossentropy({.from_logits = true}),
                 .metrics = {"accuracy"}});
  model.summary();
  model.fit(train.images, train.labels,
            {.batch_size = batch, .epochs = static_cast<int>(epochs), .validation_split = 0.1});

  const Tensor scores = model.predict(test.images, {.batch_size = 500});
  std::cout << report::confusion_table(report::confusion_matrix(test.labels, scores), class_names) << "\n";
  const double accuracy = mean(equal(argmax(scores, -1), test.labels)).item();
  std::printf("test accuracy %.4f\n", accuracy);
  return accuracy >= (quick ? 0.6 : variant.least) ? 0 : 1;
}

}  // namespace

int main(int count, char** arguments) {
  Variant chosen = variants[0];
  bool quick = false;
  for (int i = 1; i < count; ++i) {
    const std::string_view word = arguments[i];
    bool known = word == "--quick";
    quick = quick || known;
    for (const Variant& variant : variants) {
      if (word != variant.name) continue;
      chosen = variant;
      known = true;
    }
    if (!known) {
      std::cerr << "recurrent: expected lstm, gru, simple or --quick, got '" << word << "'\n";
      return 2;
    }
  }
  try {
    return run(chosen, quick);
  } catch (const Error& error) {
    std::cerr << "recurrent: " << error.what() << "\n";
    return 2;
  }
}
