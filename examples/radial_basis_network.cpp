/// A radial-basis network (Broomhead and Lowe 1988; Moody and Darken 1989): units around clusters of pictures of
/// clothes, read out by least squares; then everything, centers too, is trained by gradients.

#include <xgrad/xgrad.hpp>

#include <cstdio>
#include <string_view>

using namespace xgrad;

namespace {

Tensor pixels(const Tensor& images, Range rows) {
  return (cast(reshape(slice(images, {rows}), {-1, 784}), float32) / 255).eval();
}

Tensor with_ones(const Tensor& x) { return concatenate({x, ones({x.dim(0), 1})}, 1).eval(); }

}  // namespace

int main(int count, char** arguments) {
  const std::string_view mode = count > 1 ? arguments[1] : "";
  const bool quick = mode == "--quick", validate = mode == "--validate";
  const auto [learnt, unseen, names] = data::load_fashion_mnist();
  const Range first{0, quick ? 6000 : validate ? 50000 : 60000}, last{50000}, all{};
  const Tensor train = pixels(learnt.images, first), train_labels = slice(learnt.labels, {first});
  const Tensor test = validate ? pixels(learnt.images, last) : pixels(unseen.images, all);
  const Tensor labels = validate ? slice(learnt.labels, {last}) : unseen.labels;
  const auto accuracy = [&](const Tensor& scores) { return mean(equal(argmax(scores, -1), labels)).item(); };

  set_random_seed(1);
  const std::int64_t units = quick ? 60 : 600;
  RadialBasis basis(units, {.trainable_gamma = false});
  basis.adapt(slice(train, {{0, quick ? 2000 : 10000}}), {.max_iter = 20});
  Sequential layer{Input({784}), basis};
  const Tensor targets = one_hot(train_labels, 10);
  const Tensor weights = lstsq(with_ones(layer.predict(train, {.batch_size = 1000})), targets).x;
  const double before = accuracy(matmul(with_ones(layer.predict(test, {.batch_size = 1000})), weights));

  Dense readout(10, {.input_shape = {units}});
  readout.kernel().assign(slice(weights, {{0, -1}}));
  readout.bias().assign(take(weights, Tensor(units)));
  Sequential model{Input({784}), basis, readout};
  const int epochs = quick ? 4 : 10;
  const std::int64_t batch = 128, steps = epochs * ((train.dim(0) + batch - 1) / batch);
  model.compile({.optimizer = optimizers::Adam({.learning_rate = schedules::CosineDecay(1e-2, steps)}),
                 .loss = losses::SparseCategoricalCrossentropy({.from_logits = true}),
                 .metrics = {"accuracy"}});
  model.fit(train, train_labels, {.batch_size = batch, .epochs = epochs, .verbose = 2});

  const double after = accuracy(model.predict(test, {.batch_size = 500}));
  const Tensor centers = reshape(slice(basis.centers().value(), {{0, 60}}), {-1, 28, 28});
  io::save_png("radial_basis_network.png", report::image_grid(clip(centers, 0, 1), {.columns = 15, .scale = 2}));
  std::printf("what 60 units answer to: radial_basis_network.png\n");
  std::printf("%s accuracy of %d units: %.4f by k-means and least squares, %.4f after training\n",
              validate ? "validation" : "test", static_cast<int>(units), before, after);
  return after > (quick ? .7 : .86) && before > .6 ? 0 : 1;
}
