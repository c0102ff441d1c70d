/// Anomalies found by an autoencoder: it learns pictures of one kind of clothes, so what it cannot restore is something
/// else. For each kind the area under the ROC curve over all test pictures (1: the others all have larger errors).

#include <xgrad/xgrad.hpp>

#include <cstdio>
#include <string_view>

using namespace xgrad;

namespace {

Tensor pixels(const Tensor& images) { return (cast(reshape(images, {-1, 784}), float32) / 255).eval(); }

/// The probability that a picture of another kind has the larger score: the Mann-Whitney statistic.
double area_under_curve(const Tensor& scores, const Tensor& others) {
  const Tensor ranks = cast(argsort(argsort(scores)), float64), positive = cast(others, float64);
  const double n = sum(positive).item(), rest = static_cast<double>(others.size()) - n;
  return (sum((ranks + 1) * positive).item() - n * (n + 1) / 2) / (n * rest);
}

Tensor errors(Sequential& model, const Tensor& x) {
  return mean(square(model.predict(x, {.batch_size = 500}) - x), 1).eval();
}

}  // namespace

int main(int count, char** arguments) {
  const std::string_view mode = count > 1 ? arguments[1] : "";
  const bool quick = mode == "--quick", validate = mode == "--validate";
  const data::MnistData clothes = data::load_fashion_mnist();
  const Tensor all = pixels(clothes.train.images), all_labels = clothes.train.labels;
  const Range learnt{0, quick ? 10000 : validate ? 50000 : 60000}, held_out{50000};
  const Tensor train = slice(all, {learnt}), train_labels = slice(all_labels, {learnt});
  const Tensor test = validate ? slice(all, {held_out}) : pixels(clothes.test.images);
  const Tensor labels = validate ? slice(all_labels, {held_out}) : clothes.test.labels;

  double total = 0;
  std::vector<Tensor> pictures;
  const int kinds = quick ? 2 : 10;
  for (int kind = 0; kind < kinds; ++kind) {
    set_random_seed(static_cast<std::uint64_t>(kind));
    Sequential model{Input({784}), Dense(256, {.activation = "relu"}), Dense(64, {.activation = "relu"}), Dense(8),
                     Dense(64, {.activation = "relu"}), Dense(256, {.activation = "relu"}),
                     Dense(784, {.activation = "sigmoid"})};
    model.compile({.optimizer = "adam", .loss = "mse"});
    const Tensor normal = boolean_mask(train, equal(train_labels, kind));
    model.fit(normal, normal, {.batch_size = 64, .epochs = quick ? 10 : 30, .verbose = 0});
    const Tensor scores = errors(model, test), others = not_equal(labels, kind);
    const double area = area_under_curve(scores, others);
    total += area / kinds;
    std::printf("%-12s %.3f\n", clothes.class_names[static_cast<std::size_t>(kind)].c_str(), area);
    // Of its own kind the least odd and the oddest, of the others those it took for its own.
    const Tensor own = argsort(where(others, 1e3, scores)), strange = argsort(where(others, scores, 1e3));
    const std::int64_t members = sum(equal(labels, kind)).item<std::int64_t>();
    for (const Tensor& places : {slice(own, {{0, 6}}), slice(own, {{members - 6, members}}), slice(strange, {{0, 6}})})
      pictures.push_back(take(test, places).eval());
  }
  io::save_png("anomalies.png", report::image_grid(reshape(concatenate(pictures), {-1, 28, 28}), {.columns = 18}));
  std::printf("a row for each kind, most usual, oddest, and taken for it: anomalies.png\n");
  std::printf("mean area under the ROC curve over %d kinds, %s pictures: %.3f\n", kinds,
              validate ? "validation" : "test", total);
  return total > 0.85 ? 0 : 1;
}
