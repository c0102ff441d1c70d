#include <catch2/catch.hpp>
#include <xgrad/graph/grad.hpp>
#include <xgrad/nn/sequential.hpp>
#include <xgrad/ops/activation.hpp>
#include <xgrad/ops/elementwise.hpp>
#include <xgrad/ops/reduce.hpp>
#include <xgrad/ops/shape.hpp>

#include <cmath>
#include <thread>

using namespace xgrad;

namespace {

constexpr TensorOptions doubles{.dtype = float64};

std::vector<double> values(const Tensor& t) { return t.to_vector<double>(); }

double activation(const char* name, double x) { return Activation(name)(tensor({x}, doubles)).item(); }

}  // namespace

TEST_CASE("Dense is activation(x . kernel + bias)") {
  Dense neuron(1, {.activation = "sigmoid", .input_shape = {2}, .dtype = float64});
  Model(neuron).set_weights({reshape(tensor({.55, .45}, doubles), {2, 1}), tensor({.15}, doubles)});
  CHECK(neuron(tensor({{.5, -.35}}, doubles)).item() == Approx(.566479055968).epsilon(1e-11));
}

TEST_CASE("Dense is built by its first call and takes the input's float dtype") {
  Dense d(3);
  CHECK_FALSE(d.built());
  CHECK(d(zeros({4, 2}, doubles)).shape() == Shape{4, 3});
  CHECK(d.kernel().shape() == Shape{2, 3});
  CHECK(d.kernel().dtype() == float64);
  CHECK(d.kernel().value().computed());
  CHECK(values(d.bias()) == std::vector<double>{0, 0, 0});
  Dense bytes(3);
  CHECK(bytes(zeros({4, 2}, {.dtype = uint8})).dtype() == float32);
  CHECK(bytes.kernel().dtype() == float32);
}

TEST_CASE("Dense acts on the last axis at any rank") {
  Dense d(3, {.use_bias = false});
  const Tensor x = reshape(arange(24, doubles), {2, 3, 4});
  const Tensor y = d(x);
  CHECK(y.shape() == Shape{2, 3, 3});
  CHECK(values(y) == values(d(reshape(x, {6, 4}))));
  CHECK(d(reshape(slice(x, {{0, 1}, {0, 1}}), {4})).shape() == Shape{3});
  CHECK(d(zeros({0, 3, 4}, doubles)).shape() == Shape{0, 3, 3});
  CHECK_FALSE(d.bias().defined());
  CHECK_THROWS_AS(d(Tensor(1.0)), ShapeError);
}

TEST_CASE("Dense names itself, what it expected and what came") {
  Dense d(3, {.input_shape = {784}, .name = "hidden"});
  CHECK_THROWS_WITH(d(zeros({32, 100})), Catch::Contains("'hidden'") && Catch::Contains("784") &&
                                             Catch::Contains("(32, 100)"));
  CHECK_THROWS_AS(Dense(0), ValueError);
  CHECK_THROWS_WITH(Dense(1, {.activation = "rellu"}), Catch::Contains("did you mean 'relu'"));
  CHECK_THROWS_WITH(Dense(1, {.kernel_initializer = "glorot_unifrm"}),
                    Catch::Contains("did you mean 'glorot_uniform'"));
}

TEST_CASE("copies of a layer share its weights, made before or after it is built") {
  Dense a(2);
  Dense b = a;
  a(zeros({1, 3}));
  CHECK(b.built());
  CHECK(a.kernel() == b.kernel());
  Dense c = clone(a);
  CHECK_FALSE(a.kernel() == c.kernel());
  CHECK(values(a.kernel()) == values(c.kernel()));
  a.kernel().assign(zeros({3, 2}));
  CHECK(values(b.kernel()) == std::vector<double>(6, 0));
  CHECK(values(c.kernel()) != std::vector<double>(6, 0));
}

TEST_CASE("one seed gives one network") {
  const auto first = [] {
    set_random_seed(7);
    Dense d(5, {.input_shape = {8}});
    return values(d.kernel());
  };
  CHECK(first() == first());
  Generator generator(3);
  Call call{.generator = &generator};
  Dense d(5);
  d(zeros({1, 8}), call);
  CHECK(generator.next() > 0);
  CHECK(values(d.kernel()) != first());
}

TEST_CASE("activity penalties are collected by the call, weight penalties by the model") {
  Dense d(1, {.kernel_initializer = "ones", .kernel_regularizer = regularizers::l2(.5), .bias_regularizer = "l1",
              .activity_regularizer = regularizers::l1(2)});
  Call call;
  d(tensor({{1, 2}}), call);
  REQUIRE(call.penalties.size() == 1);
  CHECK(call.penalties[0].item() == 6);
  const std::vector<Tensor> of_weights = penalties(d);
  REQUIRE(of_weights.size() == 2);
  CHECK(of_weights[0].item() == 1);
  CHECK(of_weights[1].item() == 0);
}

TEST_CASE("activations have the values of their definitions") {
  const std::pair<const char*, std::vector<double>> golden[] = {
      {"sigmoid", {.0474258731776, .377540668798, .5, .880797077978}},
      {"tanh", {-.995054753687, -.46211715726, 0, .964027580076}},
      {"relu", {0, 0, 0, 2}},
      {"leaky_relu", {-.6, -.1, 0, 2}},
      {"elu", {-.950212931632, -.393469340287, 0, 2}},
      {"selu", {-1.67056872877, -.691758187803, 0, 2.10140197471}},
      {"softplus", {.0485873515737, .47407698418, .69314718056, 2.12692801104}},
      {"softsign", {-.75, -.333333333333, 0, .666666666667}},
      {"silu", {-.142277619533, -.188770334399, 0, 1.76159415596}},
      {"mish", {-.145647461276, -.220743774652, 0, 1.94395895953}},
      {"hard_sigmoid", {0, .416666666667, .5, .833333333333}},
      {"exponential", {.0497870683679, .606530659713, 1, 7.38905609893}},
      {"log_sigmoid", {-3.04858735157, -.97407698418, -.69314718056, -.126928011043}},
      {"relu6", {0, 0, 0, 2}},
      {"linear", {-3, -.5, 0, 2}},
  };
  for (const auto& [name, expected] : golden) {
    INFO(name);
    std::size_t i = 0;
    for (const double x : {-3.0, -.5, 0.0, 2.0}) CHECK(activation(name, x) == Approx(expected[i++]).epsilon(1e-11));
  }
  const std::vector<double> soft = values(Activation("softmax")(tensor({{1, 2, 3, 4}}, doubles)));
  CHECK(soft[0] == Approx(.0320586032801).epsilon(1e-11));
  CHECK(soft[3] == Approx(.643914259888).epsilon(1e-11));
  CHECK(activation("elu", 800) == 800);
  const Tensor far = tensor({800}, doubles);
  CHECK(grad(sum(Activation("elu")(far)), far).item() == 1);
  CHECK(Activation([](const Tensor& x) { return x * 3; })(tensor({2})).item() == 6);
}

TEST_CASE("Dropout keeps the mean and is the identity outside training") {
  Dropout dropout(.3, {.seed = 5});
  const Tensor x = ones({200, 500});
  CHECK(values(dropout(x)) == values(x));
  Call evaluation;
  CHECK(values(dropout(x, evaluation)) == values(x));
  Call training{.training = true};
  const std::vector<double> y = values(dropout(x, training));
  double total = 0;
  std::int64_t kept = 0;
  for (const double v : y) {
    total += v;
    kept += v != 0;
    if (v != 0) REQUIRE(v == Approx(1 / .7));
  }
  // Five standard deviations of a binomial of 100,000.
  CHECK(static_cast<double>(kept) / 1e5 == Approx(.7).margin(.0073));
  CHECK(total / 1e5 == Approx(1).margin(.0104));
}

TEST_CASE("Dropout with one seed draws one series of masks") {
  Call training{.training = true};
  const Tensor x = ones({4, 32});
  Dropout a(.5, {.seed = 1}), b(.5, {.seed = 1}), c(.5, {.seed = 2});
  const std::vector<double> first = values(a(x, training)), second = values(a(x, training));
  CHECK(first == values(b(x, training)));
  CHECK(second == values(b(x, training)));
  CHECK(first != second);
  CHECK(first != values(c(x, training)));
  Dropout copy = a;
  CHECK(values(copy(x, training)) != first);
}

TEST_CASE("Dropout splits its generator off the model's when it is first called") {
  const auto masks = [](std::uint64_t seed) {
    Generator generator(seed);
    Call training{.training = true, .generator = &generator};
    Dropout a(.5), b(.5);
    const Tensor x = ones({4, 32});
    std::vector<double> out = values(a(x, training));
    const std::vector<double> other = values(b(x, training));
    CHECK(out != other);
    out.insert(out.end(), other.begin(), other.end());
    return out;
  };
  CHECK(masks(1) == masks(1));
  CHECK(masks(1) != masks(2));
}

TEST_CASE("the derivative of Dropout is its mask") {
  Dropout dropout(.5, {.seed = 3});
  Call training{.training = true};
  const Tensor x = ones({8, 8}, doubles);
  const Tensor y = dropout(x, training);
  const Tensor dx = grad(sum(y), x);
  eval({y, dx});
  CHECK(values(y) == values(dx));
}

TEST_CASE("a noise shape drops along whole axes") {
  Dropout dropout(.5, {.noise_shape = {-1, 1, 3}, .seed = 4});
  Call training{.training = true};
  const std::vector<double> y = values(dropout(ones({5, 4, 3}), training));
  for (std::size_t i = 0; i < 5; ++i)
    for (std::size_t k = 0; k < 3; ++k)
      for (std::size_t j = 1; j < 4; ++j) CHECK(y[i * 12 + j * 3 + k] == y[i * 12 + k]);
  CHECK_THROWS_AS(Dropout(.5, {.noise_shape = {2, 2}})(ones({5, 4}), training), ShapeError);
}

TEST_CASE("Dropout's ends drop nothing and everything") {
  Call training{.training = true};
  CHECK(values(Dropout(0)(ones({2, 2}), training)) == std::vector<double>(4, 1));
  CHECK(values(Dropout(1)(ones({2, 2}), training)) == std::vector<double>(4, 0));
  CHECK_THROWS_AS(Dropout(1.5), ValueError);
  CHECK_THROWS_AS(Dropout(std::nan("")), ValueError);
}

TEST_CASE("Flatten, Rescaling and Input change shapes and numbers") {
  CHECK(Flatten()(zeros({2, 3, 4})).shape() == Shape{2, 12});
  CHECK(Flatten()(zeros({5})).shape() == Shape{5, 1});
  CHECK(Flatten()(zeros({0, 3, 4})).shape() == Shape{0, 12});
  CHECK(Flatten()(zeros({3, 0, 4})).shape() == Shape{3, 0});
  CHECK_THROWS_AS(Flatten()(Tensor(1.0)), ShapeError);
  const Tensor scaled = Rescaling(1.0 / 255, {.offset = -1})(tensor({0, 255}, {.dtype = uint8}));
  CHECK(scaled.dtype() == float32);
  CHECK(values(scaled) == std::vector<double>{-1, 0});
  CHECK(Input({2}, {.dtype = float32})(zeros({4, 2}, {.dtype = uint8})).dtype() == float32);
  CHECK_THROWS_WITH(Input({28, 28})(zeros({4, 784})),
                    Catch::Contains("(batch, 28, 28)") && Catch::Contains("(4, 784)"));
}

TEST_CASE("initializers keep their limits and moments") {
  Generator generator(11);
  const auto draw = [&](const initializers::Initializer& initializer, const Shape& shape) {
    return values(initializer(shape, float32, generator));
  };
  const auto moments = [](const std::vector<double>& v) {
    double mean = 0, square = 0, largest = 0;
    for (const double x : v) mean += x, square += x * x, largest = std::max(largest, std::abs(x));
    const double n = static_cast<double>(v.size());
    return std::array{mean / n, std::sqrt(square / n - mean / n * (mean / n)), largest};
  };
  const std::pair<const char*, double> limits[] = {
      {"glorot_uniform", .08111071056538}, {"he_uniform", .08748177652797}, {"lecun_uniform", .06185895741317}};
  for (const auto& [name, limit] : limits) {
    INFO(name);
    const auto [mean, deviation, largest] = moments(draw(name, {784, 128}));
    CHECK(mean == Approx(0).margin(5 * limit / std::sqrt(3 * 784 * 128.0)));
    CHECK(deviation == Approx(limit / std::sqrt(3.0)).epsilon(.01));
    CHECK(largest <= limit * (1 + 1e-6));
    CHECK(largest > .999 * limit);
  }
  const std::pair<const char*, double> deviations[] = {{"glorot_normal", std::sqrt(2.0 / (784 + 128))},
                                                       {"he_normal", std::sqrt(2.0 / 784)},
                                                       {"lecun_normal", std::sqrt(1.0 / 784)}};
  for (const auto& [name, expected] : deviations) {
    INFO(name);
    const auto [mean, deviation, largest] = moments(draw(name, {784, 128}));
    CHECK(deviation == Approx(expected).epsilon(.01));
    CHECK(largest <= 2 * expected / .87962566103423978 * (1 + 1e-6));
  }
  const auto [mean, deviation, largest] = moments(draw("random_normal", {300, 300}));
  CHECK(deviation == Approx(.05).epsilon(.02));
  CHECK(largest > .15);
  CHECK(moments(draw("random_uniform", {300, 300}))[2] <= .05 * (1 + 1e-6));
  CHECK(moments(draw("truncated_normal", {300, 300}))[2] <= .1 * (1 + 1e-6));
  CHECK(draw(initializers::Constant{2.5}, {2}) == std::vector<double>{2.5, 2.5});
  CHECK(draw("ones", {2}) == std::vector<double>{1, 1});
  CHECK(draw("zeros", {2}) == std::vector<double>{0, 0});
  CHECK(draw("he_uniform", {}).size() == 1);
}

TEST_CASE("small fans have the limits of the formulas") {
  Generator generator(1);
  const auto largest = [&](const char* name) {
    double out = 0;
    // Many draws of one kernel's shape come close to the limit.
    for (int i = 0; i < 400; ++i)
      for (const double v : initializers::Initializer(name)({8, 5}, float64, generator).to_vector<double>())
        out = std::max(out, std::abs(v));
    return out;
  };
  CHECK(largest("glorot_uniform") == Approx(.6793662204868).epsilon(.001));
  CHECK(largest("he_uniform") == Approx(.8660254037844).epsilon(.001));
  CHECK(largest("lecun_uniform") == Approx(.6123724356958).epsilon(.001));
}

TEST_CASE("an initializer with a seed of its own gives the same values each time") {
  Generator generator(1);
  const initializers::Initializer seeded = initializers::he_normal({.seed = 9});
  const std::vector<double> first = values(seeded({3, 4}, float64, generator));
  CHECK(first == values(seeded({3, 4}, float64, generator)));
  CHECK(generator.next() == 0);
  const initializers::Initializer follows = initializers::he_normal();
  CHECK(values(follows({3, 4}, float64, generator)) != values(follows({3, 4}, float64, generator)));
  CHECK_THROWS_WITH((initializers::VarianceScaling{.mode = "fan_im"}({2, 2}, float32, generator)),
                    Catch::Contains("did you mean 'fan_in'"));
  CHECK_THROWS_AS((initializers::VarianceScaling{.scale = 0}({2, 2}, float32, generator)), ValueError);
}

TEST_CASE("eight threads draw from one built model the same predictions") {
  set_random_seed(3);
  Sequential model{Dense(16, {.activation = "tanh", .input_shape = {4}}), Dropout(.5), Dense(2)};
  const Tensor x = reshape(arange(80, {.dtype = float32}), {20, 4}) / 80;
  x.eval();
  std::vector<std::vector<double>> results(8);
  std::vector<std::thread> threads;
  for (std::vector<double>& result : results)
    threads.emplace_back([&] { result = values(model.predict(x, {.batch_size = 8})); });
  for (std::thread& thread : threads) thread.join();
  // Nobody has called the model before the threads do: what builds it is its input shape.
  const std::vector<double> expected = values(model.predict(x, {.batch_size = 8}));
  for (const std::vector<double>& result : results) CHECK(result == expected);
}
