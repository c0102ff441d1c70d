/// A self-organising map (Kohonen 1982): units on a grid, each with a picture of its own, that pictures of clothes pull
/// towards them, winners with their neighbours. Alike things end up side by side, although no label was shown; labels
/// only say afterwards how well the map keeps kinds apart.

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
  const Range first{0, quick ? 5000 : validate ? 50000 : 60000}, last{50000}, all{};
  const Tensor train = pixels(learnt.images, first), train_labels = cast(slice(learnt.labels, {first}), int64);
  const Tensor test = validate ? pixels(learnt.images, last) : pixels(unseen.images, all);
  const Tensor labels = validate ? slice(learnt.labels, {last}) : unseen.labels;

  set_random_seed(1);
  const std::int64_t side = quick ? 8 : 24, units = side * side;
  SelfOrganizingMap map(side, side, {.sigma_end = .4});
  map.fit(train, {.epochs = quick ? 6 : 30});

  // The most frequent kind among the rows that a unit wins is what it stands for.
  const Tensor pairs = map.winner(train) * 10 + train_labels;
  const Tensor kinds = argmax(reshape(bincount(pairs, units * 10, units * 10), {units, 10}), 1);
  const double accuracy = mean(equal(take(kinds, map.winner(test)), labels)).item();

  const Tensor pictures = reshape(map.weights().value(), {-1, 28, 28});
  io::save_png("self_organizing_map.png", report::image_grid(clip(pictures, 0, 1), {.columns = side, .padding = 1}));
  io::save_png("self_organizing_map_distances.png",
               report::image_grid(expand_dims(map.u_matrix(), 0), {.padding = 0, .normalize = true, .scale = 20}));
  std::printf("the map: self_organizing_map.png, its U-matrix: self_organizing_map_distances.png\n");
  std::printf("%s pictures: quantization error %.3f, topographic error %.3f, accuracy of the units' labels %.4f\n",
              validate ? "validation" : "test", map.quantization_error(test), map.topographic_error(test), accuracy);
  return accuracy > (quick ? .6 : .75) && map.topographic_error(test) < .3 ? 0 : 1;
}
