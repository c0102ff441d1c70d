#include <catch2/catch.hpp>
#include <xgrad/nn/color_layers.hpp>
#include <xgrad/nn/saving.hpp>
#include <xgrad/nn/sequential.hpp>
#include <xgrad/ops/elementwise.hpp>
#include <xgrad/ops/random.hpp>
#include <xgrad/ops/reduce.hpp>
#include <xgrad/ops/shape.hpp>

#include <filesystem>

using namespace xgrad;

namespace {

std::vector<double> values(const Tensor& t) { return t.to_vector<double>(); }

Tensor images(const Shape& shape) {
  Generator generator(1);
  return uniform(shape, 0, 255, {.dtype = float64, .generator = &generator});
}

void check_close(const Tensor& a, const Tensor& b) {
  REQUIRE(a.shape() == b.shape());
  const std::vector<double> x = values(a), y = values(b);
  for (std::size_t i = 0; i < x.size(); ++i) CHECK(x[i] == Approx(y[i]).margin(1e-8));
}

}  // namespace

TEST_CASE("images are resized and cropped as Keras does") {
  const Tensor x = reshape(arange(0, 16, 1, {.dtype = float64}), {1, 4, 4, 1});
  CHECK(values(Resizing(2, 2)(x)) == std::vector<double>{2.5, 4.5, 10.5, 12.5});
  CHECK(values(Resizing(2, 2, {.interpolation = "nearest"})(x)) == std::vector<double>{5, 7, 13, 15});
  CHECK(values(CenterCrop(2, 2)(x)) == std::vector<double>{5, 6, 9, 10});
  CHECK(Resizing(2, 4, {.crop_to_aspect_ratio = true})(x).shape() == Shape{1, 2, 4, 1});
  CHECK(CenterCrop(8, 8)(x).shape() == Shape{1, 8, 8, 1});
  CHECK(layer_config(layer_from_config(layer_config(Layer(Resizing(3, 2))))) == layer_config(Layer(Resizing(3, 2))));
  CHECK_THROWS_WITH(Resizing(0, 2), Catch::Contains("above 0"));
  CHECK_THROWS_WITH(CenterCrop(2, 2)(ones({4, 4})), Catch::Contains("(batch, height, width, channels)"));
}

TEST_CASE("random changes of a fixed size are what they say") {
  Call call{.training = true};
  const Tensor x = images({3, 4, 4, 2});
  check_close(RandomTranslation(Factor(.25, .25), Factor(0, 0), {.fill_mode = "wrap"})(x, call), roll(x, 1, 1));
  check_close(RandomTranslation(Factor(0, 0), Factor(-.25, -.25), {.fill_mode = "wrap"})(x, call), roll(x, -1, 2));
  // A quarter of a turn, counterclockwise.
  check_close(RandomRotation(Factor(.25, .25))(x, call), rot90(x, 1, {1, 2}));
  check_close(RandomRotation(Factor(.5, .5))(x, call), flip(x, {1, 2}));
  check_close(RandomZoom(Factor(0, 0))(x, call), x);
  const Tensor moved =
      RandomTranslation(Factor(.5, .5), Factor(0, 0), {.fill_mode = "constant", .fill_value = 7})(x, call);
  CHECK(values(slice_axis(moved, 1, {0, 2})) == std::vector<double>(3 * 2 * 4 * 2, 7.0));
  const Tensor mirrored = RandomTranslation(Factor(.25, .25), Factor(0, 0))(x, call);
  check_close(slice_axis(mirrored, 1, {0, 1}), slice_axis(x, 1, {0, 1}));
  const Tensor centre = mean(x, {1, 2}, true);
  const Tensor contrast = RandomContrast(Share(.2, .4), {.value_range = {-1e6, 1e6}})(x, call);
  const Tensor ratio = (contrast - centre) / (x - centre), first = slice_axis(slice_axis(ratio, 1, {0, 1}), 2, {0, 1});
  check_close(ratio, slice_axis(first, 3, {0, 1}) + zeros_like(ratio));
  CHECK((min(ratio).item() >= .8 - 1e-9 && max(ratio).item() <= 1.4 + 1e-9));
  check_close(RandomBrightness(Factor(.1, .1))(x, call), minimum(x + 25.5, 255));
}

TEST_CASE("random changes rest outside training, and differ from image to image in it") {
  const Tensor x = images({40, 4, 4, 1});
  Call rest, call{.training = true};
  const RandomFlip mirror("horizontal", {.seed = 3});
  CHECK(values(mirror(x, rest)) == values(x));
  const std::vector<double> y = values(mirror(x, call)), plain = values(x), turned = values(flip(x, 2));
  int flipped = 0;
  for (std::size_t i = 0; i < 40; ++i) {
    const auto image = [&](const std::vector<double>& v) {
      return std::vector<double>(v.begin() + static_cast<long>(16 * i), v.begin() + static_cast<long>(16 * i + 16));
    };
    const bool is_flipped = image(y) == image(turned);
    CHECK((is_flipped || image(y) == image(plain)));
    flipped += is_flipped;
  }
  CHECK(flipped > 8);
  CHECK(flipped < 32);
  const RandomCrop crop(2, 2, {.seed = 4});
  CHECK(crop(x, call).shape() == Shape{40, 2, 2, 1});
  CHECK(values(crop(x, rest)) == values(CenterCrop(2, 2)(x)));
  CHECK(values(RandomZoom(.3, {}, {.seed = 5})(x, call)) != values(x));
  CHECK_THROWS_WITH(RandomFlip("sideways"), Catch::Contains("unknown name"));
  CHECK_THROWS_WITH(RandomRotation(.1, {.fill_mode = "reflekt"}), Catch::Contains("did you mean 'reflect'"));
}

TEST_CASE("rectangles are erased, chances are kept, and sizes out of range are errors") {
  const Tensor x = images({200, 8, 8, 3});
  Call call{.training = true};
  set_random_seed(3);
  const Tensor erased = equal(RandomErasing(Share(1, 1), {.scale = {.1, .5}, .fill_value = 7})(x, call), 7.0);
  const std::vector<double> shares = values(mean(cast(erased, float64), {1, 2, 3}));
  for (const double share : shares) CHECK((share >= 4. / 64 && share <= 36. / 64));
  // All channels of a pixel, and only pixels of one rectangle.
  const Tensor rows = any(erased, {2, 3}), columns = any(erased, {1, 3});
  const Tensor area = sum(cast(rows, float64), -1) * sum(cast(columns, float64), -1) / 64;
  check_close(area, mean(cast(erased, float64), {1, 2, 3}));
  const auto changed = [&](const Layer& layer) {
    return mean(cast(any(not_equal(layer(x, call), x), {1, 2, 3}), float64)).item();
  };
  CHECK(changed(RandomErasing(Share(.3, .3))) == Approx(.3).margin(.12));
  CHECK(changed(RandomInvert(Share(.6, .6))) == Approx(.6).margin(.12));
  CHECK(changed(RandomGrayscale(.25)) == Approx(.25).margin(.12));
  CHECK(changed(RandomGaussianBlur(Share(.5, .5))) == Approx(.5).margin(.12));
  CHECK_THROWS_WITH(RandomErasing(1.5), Catch::Contains("between 0 and 1"));
  CHECK_THROWS_WITH(RandomPosterization(9), Catch::Contains("from 1 to 8"));
  CHECK_THROWS_WITH(RandomGaussianBlur(1.0, {.kernel_size = {4, 3}}), Catch::Contains("odd"));
  CHECK_THROWS_WITH(RandomHue(.1)(ones({1, 2, 2, 1})), Catch::Contains("3 channels"));
  CHECK_THROWS_WITH(Resizing(2, 2, {.crop_to_aspect_ratio = true, .pad_to_aspect_ratio = true}),
                    Catch::Contains("both"));
  CHECK_THROWS_WITH(Equalization({.bins = 0}), Catch::Contains("bins above 0"));
}

TEST_CASE("random image layers come back from a file and draw on where they were") {
  set_random_seed(5);
  const Tensor x = images({4, 6, 6, 3});
  Sequential model{RandomFlip("horizontal"),
                   RandomRotation(.1),
                   RandomZoom(Factor(.2)),
                   RandomTranslation(.1, .2),
                   RandomShear(.2, .1),
                   RandomContrast(.3),
                   RandomBrightness(.1),
                   RandomCrop(4, 4),
                   Solarization(.1, .5),
                   RandomPosterization(5),
                   RandomGrayscale(),
                   RandomInvert(),
                   RandomColorDegeneration(.5),
                   RandomHue(.2),
                   RandomSaturation(.5),
                   RandomSharpness(.5),
                   RandomGaussianBlur(),
                   RandomErasing(),
                   RandomColorJitter({.brightness_factor = .2, .hue_factor = .1}),
                   AutoContrast(),
                   Equalization(),
                   Flatten(),
                   Dense(2)};
  model.compile({.optimizer = "sgd", .loss = "mse"});
  model.fit(x, ones({4, 2}), {.verbose = 0, .seed = 1});
  const std::string path = (std::filesystem::temp_directory_path() / "xgrad_images.xgrad").string();
  model.save(path);
  Model loaded = load_model(path);
  std::filesystem::remove(path);
  CHECK(loaded.get_config() == model.get_config());
  for (Model* m : {static_cast<Model*>(&model), &loaded}) m->fit(x, ones({4, 2}), {.verbose = 0, .seed = 2});
  for (std::size_t i = 0; i < 2; ++i) CHECK(values(loaded.get_weights()[i]) == values(model.get_weights()[i]));
}
