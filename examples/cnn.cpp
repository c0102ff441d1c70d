/// A convolutional network on Fashion-MNIST: two convolutions with pooling, trained on 54,000 pictures and watched on
/// 6,000 that are held out of the training pictures. The 10,000 test pictures are looked at once, at the end.

#include <xgrad/xgrad.hpp>

#include <cstdio>
#include <iostream>
#include <string_view>

using namespace xgrad;

namespace {

Sequential network() {
  return {
      Input({28, 28}),
      Rescaling(1 / 255.0),
      Reshape({28, 28, 1}),
      Conv2D(32, 3, {.padding = "same", .activation = "relu"}),
      MaxPooling2D(),
      Conv2D(64, 3, {.padding = "same", .activation = "relu"}),
      MaxPooling2D(),
      Flatten(),
      Dropout(0.4),
      Dense(128, {.activation = "relu"}),
      Dropout(0.4),
      Dense(10),
  };
}

int run(bool quick) {
  auto [train, test, class_names] = data::load_fashion_mnist();
  if (quick) {
    train.images = slice_axis(train.images, 0, {0, 3000}).eval();
    train.labels = slice_axis(train.labels, 0, {0, 3000}).eval();
  }
  set_random_seed(1);
  Sequential model = network();
  const std::int64_t epochs = quick ? 1 : 12, batch = quick ? 32 : 128;
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
  return accuracy >= (quick ? 0.65 : 0.91) ? 0 : 1;
}

}  // namespace

int main(int count, char** arguments) {
  try {
    return run(count > 1 && std::string_view(arguments[1]) == "--quick");
  } catch (const Error& error) {
    std::cerr << "cnn: " << error.what() << "\n";
    return 2;
  }
}
