// Activations as functions, names and layers: the cases of tests/reference/make_keras_activations.py.

#include <xgrad/nn/activation_layers.hpp>
#include <xgrad/nn/activations.hpp>
#include <xgrad/nn/sequential.hpp>
#include <xgrad/ops/activation.hpp>
#include <xgrad/ops/elementwise.hpp>

#include "reference_cases.hpp"

using namespace xgrad;

namespace {

using In = std::span<const Tensor>;
using Values = std::vector<double>;

constexpr const char* keras_names[] = {
    "celu",        "elu",        "exponential",    "gelu",   "hard_shrink", "hard_sigmoid", "hard_silu",
    "hard_swish",  "hard_tanh",  "leaky_relu",     "linear", "log_sigmoid", "mish",         "relu",
    "relu6",       "selu",       "sigmoid",        "silu",   "soft_shrink", "softplus",     "softsign",
    "sparse_plus", "squareplus", "sparse_sigmoid", "swish",  "tanh",        "tanh_shrink",  "softmax",
    "log_softmax", "glu",        "sparsemax"};

template <std::size_t i>
void add_named(reference::Calls& calls) {
  calls[keras_names[i]] = [](In x) { return ActivationFunction(keras_names[i])(x[0]); };
}

template <int slope, int top, int least>
Tensor relu_of(In x) {
  ReLUOptions options{.negative_slope = slope / 4.0, .threshold = least / 2.0};
  if (top != 0) options.max_value = top;
  return ReLU(options)(x[0]);
}

PReLU with_slopes(const Tensor& alpha, const Shape& input, std::vector<int> shared) {
  PReLU layer({.shared_axes = std::move(shared), .input_shape = input, .dtype = float64});
  layer.alpha().assign(alpha);
  return layer;
}

}  // namespace

TEST_CASE("activations give Keras's numbers and derivatives") {
  reference::Calls calls = {
      {"sparsemax axis 0", [](In x) { return sparsemax(x[0], 0); }},
      {"softmax axis 0", [](In x) { return softmax(x[0], 0); }},
      {"log_softmax axis 0", [](In x) { return log_softmax(x[0], 0); }},
      {"glu axis 0", [](In x) { return glu(x[0], 0); }},
      {"elu 0.7", [](In x) { return elu(x[0], .7); }},
      {"celu 0.7", [](In x) { return celu(x[0], .7); }},
      {"gelu tanh", [](In x) { return gelu(x[0], true); }},
      {"leaky_relu 0.1", [](In x) { return leaky_relu(x[0], .1); }},
      {"hard_shrink 1", [](In x) { return hard_shrink(x[0], 1); }},
      {"soft_shrink 1", [](In x) { return soft_shrink(x[0], 1); }},
      {"squareplus 2", [](In x) { return squareplus(x[0], 2); }},
      {"threshold", [](In x) { return threshold(x[0], .4, -20); }},
      {"relu 0 none 0", relu_of<0, 0, 0>},
      {"relu 0 none 0.5", relu_of<0, 0, 1>},
      {"relu 0 2 0", relu_of<0, 2, 0>},
      {"relu 0 2 0.5", relu_of<0, 2, 1>},
      {"relu 0.25 none 0", relu_of<1, 0, 0>},
      {"relu 0.25 none 0.5", relu_of<1, 0, 1>},
      {"relu 0.25 2 0", relu_of<1, 2, 0>},
      {"relu 0.25 2 0.5", relu_of<1, 2, 1>},
      {"layer ReLU", [](In x) { return ReLU({.max_value = 2, .negative_slope = .25, .threshold = .5})(x[0]); }},
      {"layer LeakyReLU", [](In x) { return LeakyReLU()(x[0]); }},
      {"layer ELU", [](In x) { return ELU({.alpha = .7})(x[0]); }},
      {"layer Softmax", [](In x) { return Softmax({.axis = 0})(x[0]); }},
      {"layer Softmax masked", [](In x) { return Softmax()(x[0], x[1]); }},
      {"layer PReLU",
       [](In x) {
         // The layer's formula with the slopes given, so that there is a derivative by them.
         const Tensor y = with_slopes(x[1], {3, 4}, {})(x[0]);
         const Tensor formula = relu(x[0]) - x[1] * relu(-x[0]);
         CHECK(y.to_vector<double>() == formula.to_vector<double>());
         return formula;
       }},
      {"layer PReLU shared", [](In x) {
         const Tensor y = with_slopes(x[1], {3, 4}, {1})(x[0]);
         const Tensor formula = relu(x[0]) - x[1] * relu(-x[0]);
         CHECK(y.to_vector<double>() == formula.to_vector<double>());
         return formula;
       }}};
  [&]<std::size_t... i>(std::index_sequence<i...>) { (add_named<i>(calls), ...); }
  (std::make_index_sequence<std::size(keras_names)>());
  reference::check_reference("keras_activations.json", calls);
}

TEST_CASE("activations in single precision agree with those in double") {
  std::vector<double> points;
  for (int i = 0; i < 40; ++i) points.push_back(-5.13 + .257 * i);
  for (const char* name : keras_names) {
    INFO(name);
    const ActivationFunction f(name);
    const Tensor one = f(tensor(points, {40}, {.dtype = float32})), two = f(tensor(points, {40}));
    CHECK(one.dtype() == float32);
    CHECK(two.dtype() == float64);
    const Values a = one.to_vector<double>(), b = two.to_vector<double>();
    for (std::size_t i = 0; i < a.size(); ++i) CHECK(a[i] == Approx(b[i]).epsilon(1e-5).margin(1e-6));
  }
}

TEST_CASE("an axis of softmax may be several") {
  const Tensor x = reshape(tensor({.1, -2, 3, .5, 1, 0, .7, -.4}, {.dtype = float64}), {2, 2, 2});
  const Values several = Softmax({.axis = {1, 2}})(x).to_vector<double>();
  const Values flat = softmax(reshape(x, {2, 4})).to_vector<double>();
  for (std::size_t i = 0; i < 8; ++i) CHECK(several[i] == Approx(flat[i]).epsilon(1e-14));
  // A row that is masked out as a whole is a row of zeros.
  const Tensor nothing = Softmax()(tensor({{1, 2}, {3, 4}}), tensor({{0, 0}, {1, 0}}));
  CHECK(nothing.to_vector<double>() == Values{0, 0, 1, 0});
}

TEST_CASE("PReLU learns its slopes and names them") {
  Sequential model{PReLU({.alpha_initializer = initializers::Constant{.25}, .input_shape = {3}, .name = "slopes"})};
  CHECK(weights(model).at(0).name == "slopes/alpha");
  model.compile({.optimizer = optimizers::SGD(.1), .loss = "mse"});
  const Tensor x = tensor({{-1, -2, 3}, {-3, 1, -1}});
  model.fit(x, x * .5, {.epochs = 300, .verbose = 0});
  for (const double slope : model.get_weights()[0].to_vector<double>()) CHECK(slope == Approx(.5).epsilon(1e-3));
}

TEST_CASE("activation layers refuse what makes no sense, by name") {
  CHECK_THROWS_WITH(ReLU({.max_value = -1}), Catch::Contains("[ReLU]") && Catch::Contains("max_value"));
  CHECK_THROWS_WITH(ReLU({.negative_slope = -1, .name = "r"}), Catch::Contains("[ReLU 'r']"));
  CHECK_THROWS_WITH(ReLU({.threshold = -1}), Catch::Contains("threshold"));
  CHECK_THROWS_WITH(LeakyReLU({.negative_slope = -1}), Catch::Contains("[LeakyReLU]"));
  CHECK_THROWS_WITH(PReLU({.shared_axes = {0}}), Catch::Contains("0 is the batch"));
  CHECK_THROWS_WITH(PReLU({.shared_axes = {1, 1}}), Catch::Contains("twice"));
  CHECK_THROWS_WITH(PReLU({.shared_axes = {3}, .input_shape = {2}}), Catch::Contains("shared_axes"));
  CHECK_THROWS_WITH(PReLU({.input_shape = {2}})(zeros({4, 3})), Catch::Contains("(4, 3)"));
  CHECK_THROWS_WITH(Softmax()(zeros({2, 3}), zeros({2})), Catch::Contains("[Softmax]"));
  CHECK_THROWS_WITH(Activation("sparsmax"), Catch::Contains("did you mean 'sparsemax'"));
}
