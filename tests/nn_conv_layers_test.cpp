#include "reference_cases.hpp"

#include <xgrad/nn/conv_layers.hpp>
#include <xgrad/nn/functional.hpp>
#include <xgrad/nn/gradcheck.hpp>
#include <xgrad/nn/losses.hpp>
#include <xgrad/nn/pooling_layers.hpp>
#include <xgrad/nn/reshape_layers.hpp>
#include <xgrad/nn/saving.hpp>
#include <xgrad/nn/sequential.hpp>
#include <xgrad/ops/creation.hpp>
#include <xgrad/ops/elementwise.hpp>
#include <xgrad/ops/random.hpp>
#include <xgrad/ops/reduce.hpp>
#include <xgrad/optim/optimizers.hpp>

#include <catch2/catch.hpp>

using namespace xgrad;
using Catch::Contains;

namespace {

std::vector<double> values(const Tensor& t) { return t.to_vector<double>(); }

Tensor drawn(const Shape& shape, std::uint64_t seed, DType dtype = float64) {
  Generator generator(seed);
  return normal(shape, 0, 1, {.dtype = dtype, .generator = &generator}).eval();
}

/// Weights from -1/2 to 1/2 in even steps; one number is -1/2.
template <class L>
void even_weights(L& layer) {
  for (const NamedParameter& weight : weights(layer)) {
    const Shape& shape = weight.parameter.shape();
    const Tensor steps = linspace(-.5, .5, shape.size(), true, {.dtype = float64});
    Parameter(weight.parameter).assign(reshape(steps, shape));
  }
}

Tensor ramp() { return reshape(arange(16, {.dtype = float64}), {1, 4, 4, 1}); }

void close(const Tensor& found, const std::vector<double>& expected) {
  reference::check_reals("value", found, expected, 1e-11);
}

}  // namespace

TEST_CASE("small convolutions give the numbers worked out for a ramp") {
  const auto of = [](auto layer) {
    layer(ramp());
    even_weights(layer);
    return layer(ramp());
  };
  close(of(Conv2D(1, 3)), {9.25, 9.25, 9.25, 9.25});
  close(of(Conv2D(1, 3, {.strides = 2, .padding = "same"})), {9.25, 3.25, -10.125, -11.375});
  const Tensor up = of(Conv2DTranspose(1, 3, {.strides = 2, .padding = "same"}));
  CHECK(up.shape() == Shape{1, 8, 8, 1});
  close(sum(up), {-98.75});
  close(AveragePooling2D(3, {.strides = 2, .padding = "same"})(ramp()), {5, 6.5, 11, 12.5});
}

TEST_CASE("defaults of convolutional layers are Keras's") {
  const Config config = Conv2D(4, 3).get_config();
  CHECK(config.at("kernel_size").to_json() == "[3,3]");
  CHECK(config.at("strides").to_json() == "[1,1]");
  CHECK(config.at("padding").text() == "valid");
  CHECK(config.at("data_format").text() == "channels_last");
  CHECK(config.at("groups").integer() == 1);
  CHECK(config.at("use_bias").boolean());
  CHECK(MaxPooling2D().get_config().at("pool_size").to_json() == "[2,2]");
  CHECK(MaxPooling2D().get_config().at("strides").is_nothing());
  CHECK(MaxPooling3D(3)(drawn({1, 6, 6, 6, 2}, 1)).shape() == Shape{1, 2, 2, 2, 2});
}

TEST_CASE("kernels are drawn for the numbers of what flows in and out") {
  set_random_seed(1);
  const auto limit = [](const Parameter& kernel) {
    double largest = 0;
    for (const double v : values(kernel.value())) largest = std::max(largest, std::fabs(v));
    return largest;
  };
  const Conv2D plain(32, {3, 5}, {.groups = 2, .input_shape = {8, 8, 16}});
  CHECK(plain.kernel().shape() == Shape{3, 5, 8, 32});
  CHECK(limit(plain.kernel()) <= std::sqrt(6. / (15 * 8 + 15 * 32)));
  CHECK(limit(plain.kernel()) > .99 * std::sqrt(6. / (15 * 8 + 15 * 32)));
  CHECK(plain.bias().shape() == Shape{32});
  const Conv1DTranspose transposed(24, 4, {.kernel_initializer = "he_uniform", .input_shape = {8, 48}});
  CHECK(transposed.kernel().shape() == Shape{4, 24, 48});
  CHECK(limit(transposed.kernel()) <= std::sqrt(6. / (4 * 24)));
  CHECK(limit(transposed.kernel()) > .98 * std::sqrt(6. / (4 * 24)));
  const SeparableConv1D separable(6, 3, {.depth_multiplier = 2, .input_shape = {8, 5}});
  CHECK(separable.kernel().shape() == Shape{3, 5, 2});
  CHECK(separable.pointwise_kernel().shape() == Shape{1, 10, 6});
  const DepthwiseConv2D depthwise(
      3, {.depth_multiplier = 2, .data_format = "channels_first", .input_shape = {5, 8, 8}});
  CHECK(depthwise.kernel().shape() == Shape{3, 3, 5, 2});
  CHECK(depthwise.bias().shape() == Shape{10});
}

TEST_CASE("regularizers and constraints of kernels and biases take part in training") {
  SeparableConv1D layer(2, 2, {.depthwise_initializer = "ones",
                               .pointwise_initializer = "ones",
                               .bias_initializer = "ones",
                               .depthwise_regularizer = regularizers::l2(.5),
                               .pointwise_regularizer = regularizers::l1(.25),
                               .bias_regularizer = regularizers::l2(3),
                               .activity_regularizer = regularizers::l1(2),
                               .depthwise_constraint = "non_neg",
                               .input_shape = {3, 4}});
  double total = 0;
  for (const Tensor& penalty : penalties(layer)) total += penalty.item();
  CHECK(total == Approx(.5 * 8 + .25 * 8 + 3 * 2));
  Call call{.training = true};
  const Tensor y = layer(ones({1, 3, 4}), call);
  REQUIRE(call.penalties.size() == 1);
  CHECK(call.penalties[0].item() == Approx(2 * sum(abs(y)).item()));

  Sequential model{Conv1D(1, 1, {.use_bias = false, .kernel_initializer = "ones", .kernel_constraint = "non_neg",
                                 .input_shape = {2, 1}})};
  model.compile({.optimizer = optimizers::SGD(10), .loss = "mse"});
  model.train_on_batch(ones({1, 2, 1}), zeros({1, 2, 1}));
  CHECK(values(model.get_weights()[0]) == std::vector<double>{0});
}

TEST_CASE("gradcheck passes for every convolutional and pooling layer") {
  const Tensor x2 = drawn({2, 5, 4, 3}, 2);
  const Layer layers[] = {Conv2D(2, 3, {.strides = 2, .padding = "same", .activation = "tanh"}),
                          Conv2DTranspose(2, 3, {.strides = 2, .activation = "tanh"}),
                          DepthwiseConv2D(2, {.depth_multiplier = 2}),
                          SeparableConv2D(2, 2),
                          MaxPooling2D(2, {.padding = "same"}),
                          AveragePooling2D({2, 3}, {.strides = 1, .padding = "same"}),
                          GlobalAveragePooling2D(),
                          GlobalMaxPooling2D(),
                          AdaptiveAveragePooling2D(3)};
  for (const Layer& layer : layers) {
    INFO(layer.kind_name());
    const GradcheckReport report = gradcheck(layer, x2);
    INFO(report);
    CHECK(report.verdict == Verdict::passed);
  }
}

TEST_CASE("a convolutional network learns, is saved and predicts the same again") {
  set_random_seed(3);
  // Bars across or along, somewhere in the picture.
  const std::int64_t count = 64;
  std::vector<float> pictures(static_cast<std::size_t>(count) * 64);
  std::vector<std::int64_t> kinds(static_cast<std::size_t>(count));
  for (std::int64_t n = 0; n < count; ++n) {
    kinds[static_cast<std::size_t>(n)] = n % 2;
    for (std::int64_t i = 0; i < 8; ++i) {
      const std::int64_t at = n % 2 ? i * 8 + n / 2 % 8 : n / 2 % 8 * 8 + i;
      pictures[static_cast<std::size_t>(n * 64 + at)] = 1;
    }
  }
  const Tensor x = tensor(pictures, {count, 8, 8, 1}), y = tensor(kinds, {count});
  Sequential model{Conv2D(4, 3, {.activation = "relu", .input_shape = {8, 8, 1}}), MaxPooling2D(),
                   SeparableConv2D(4, 2, {.padding = "same"}), GlobalMaxPooling2D(), Dense(2)};
  model.compile({.optimizer = optimizers::Adam(.02),
                 .loss = losses::SparseCategoricalCrossentropy({.from_logits = true}),
                 .metrics = {"accuracy"}});
  model.fit(x, y, {.batch_size = 16, .epochs = 25, .verbose = 0});
  CHECK(model.evaluate(x, y)["accuracy"] > .95);
  const std::string path = "nn_conv_layers_test.xgrad";
  model.save(path);
  Model again = load_model(path);
  CHECK(values(again.predict(x)) == values(model.predict(x)));
  std::remove(path.c_str());
}

TEST_CASE("layers of convolution are steps of a functional model") {
  const Tensor in = Input({6, 6, 2});
  const Tensor out = Conv2DTranspose(1, 2, {.strides = 2})(MaxPooling2D()(Conv2D(3, 3, {.padding = "same"})(in)));
  const Model model(in, out);
  CHECK(model.predict(drawn({3, 6, 6, 2}, 1, float32)).shape() == Shape{3, 6, 6, 1});
}

TEST_CASE("channels first and last are the same layer of transposed images") {
  const Tensor x = drawn({2, 5, 6, 3}, 5);
  Conv2D last(4, 3, {.activation = "relu", .input_shape = {5, 6, 3}, .dtype = float64});
  Conv2D first(4, 3, {.data_format = "channels_first", .activation = "relu", .input_shape = {3, 5, 6},
                      .dtype = float64});
  Parameter(first.kernel()).assign(last.kernel().value());
  Parameter(first.bias()).assign(drawn({4}, 6));
  Parameter(last.bias()).assign(first.bias().value());
  CHECK(values(moveaxis(first(moveaxis(x, -1, 1)), 1, -1)) == values(last(x)));
}

TEST_CASE("the mean over steps leaves out masked ones") {
  Call call;
  call.mask = tensor({{true, true, false}});
  const Tensor x = reshape(arange(6, {.dtype = float64}), {1, 3, 2});
  CHECK(values(GlobalAveragePooling1D()(x, call)) == std::vector<double>{1, 2});
  CHECK(!call.mask.defined());
  CHECK(GlobalAveragePooling1D({.keepdims = true})(x).shape() == Shape{1, 1, 2});
}

TEST_CASE("empty batches pass through convolutions and pools") {
  const Tensor x = zeros({0, 8, 8, 3});
  CHECK(Conv2D(4, 3)(x).shape() == Shape{0, 6, 6, 4});
  CHECK(Conv2DTranspose(4, 3)(x).shape() == Shape{0, 10, 10, 4});
  CHECK(SeparableConv2D(4, 3)(x).eval().shape() == Shape{0, 6, 6, 4});
  CHECK(MaxPooling2D()(x).eval().shape() == Shape{0, 4, 4, 3});
  CHECK(AveragePooling2D(2)(x).eval().shape() == Shape{0, 4, 4, 3});
}

TEST_CASE("wrong options and inputs of convolutional layers are errors that say so") {
  CHECK_THROWS_WITH(Conv2D(0, 3), Contains("[Conv2D] expected filters above 0, got 0"));
  CHECK_THROWS_WITH(Conv2D(1, 0), Contains("[Conv2D] expected kernel_size from 1"));
  CHECK_THROWS_WITH(Conv2D(1, {1, 2, 3}), Contains("one for each of 2 axes in space, got 3"));
  CHECK_THROWS_WITH(Conv2D(3, 3, {.groups = 2}), Contains("groups that divide the 3 filters, got 2"));
  CHECK_THROWS_WITH(Conv2D(2, 3, {.strides = 2, .dilation_rate = 2}), Contains("got both"));
  CHECK_THROWS_WITH(Conv2D(2, 3, {.padding = "causal"}), Contains("'causal'"));
  CHECK_THROWS_WITH(Conv2D(2, 3, {.padding = "sane"}), Contains("same"));
  CHECK_THROWS_WITH(Conv1DTranspose(2, 3, {.padding = "causal"}), Contains("'causal'"));
  CHECK_THROWS_WITH(Conv2D(2, 3, {.data_format = "NHWC"}), Contains("channels_last"));
  CHECK_THROWS_WITH(DepthwiseConv2D(3, {.depth_multiplier = 0}), Contains("depth_multiplier above 0"));
  CHECK_THROWS_WITH(Conv2D(2, 3, {.input_shape = {8, 8}}), Contains("input_shape with 3 axes, got (8, 8)"));
  CHECK_THROWS_WITH(Conv2D(4, 3, {.groups = 2, .input_shape = {8, 8, 3}}), Contains("2 groups divide, got 3"));
  CHECK_THROWS_WITH(Conv2D(2, 3, {.dtype = int32})(zeros({1, 4, 4, 1})), Contains("floating dtype"));
  CHECK_THROWS_WITH(Conv2D(2, 3, {.name = "edges"})(zeros({4, 4, 1})),
                    Contains("[Conv2D 'edges'] expected x with 4 axes, got (4, 4, 1)"));
  const Conv2D built(2, 3, {.input_shape = {8, 8, 3}});
  CHECK_THROWS_WITH(built(zeros({1, 8, 8, 4})), Contains("expected x with 3 channels (the kernel is (3, 3, 3, 2))"));
  CHECK_THROWS_WITH(built(zeros({1, 2, 8, 3})), Contains("as long as the kernel's reach of 3"));
  CHECK_THROWS_WITH(MaxPooling2D(0), Contains("[MaxPooling2D] expected pool_size from 1"));
  CHECK_THROWS_WITH(MaxPooling1D(2, {.padding = "causal"}), Contains("padding"));
  CHECK_THROWS_WITH(GlobalMaxPooling1D()(zeros({2, 3})), Contains("expected x with 3 axes"));
  CHECK_THROWS_WITH(AdaptiveMaxPooling2D({1, 2, 3}), Contains("got 3"));
}
