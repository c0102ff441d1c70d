// Regularizers, constraints and initializers: the cases of tests/reference/make_keras_weights.py, what random
// initializers draw, and what optimizers do with constraints.

#include <xgrad/nn/sequential.hpp>
#include <xgrad/nn/dense.hpp>
#include <xgrad/ops/elementwise.hpp>
#include <xgrad/ops/product.hpp>
#include <xgrad/ops/reduce.hpp>
#include <xgrad/ops/shape.hpp>

#include "reference_cases.hpp"

using namespace xgrad;

namespace {

using In = std::span<const Tensor>;
using Values = std::vector<double>;
constexpr TensorOptions doubles{.dtype = float64};

template <class I>
Tensor made(const I& initializer, const Shape& shape, DType dtype = float64) {
  Generator generator(5);
  return initializer(shape, dtype, generator);
}

template <int window, bool periodic>
Tensor stft(In) {
  constexpr const char* names[] = {"hann",    "hamming", "blackman", "nuttall", "blackmanharris",
                                   "flattop", "cosine",  "bartlett", "boxcar"};
  return made(initializers::STFT{.window = names[window], .periodic = periodic}, {6, 1, 4});
}

Tensor largest_error(const Tensor& a, const Tensor& b) { return max(abs(a - b)); }

}  // namespace

TEST_CASE("regularizers, constraints and fixed initializers give Keras's numbers") {
  using namespace regularizers;
  using namespace constraints;
  using namespace initializers;
  reference::check_reference(
      "keras_weights.json",
      {{"l1", [](In x) { return Regularizer("l1")(x[0]); }},
       {"l2", [](In x) { return Regularizer("L2")(x[0]); }},
       {"l1_l2", [](In x) { return l1_l2(.02, .03)(x[0]); }},
       {"orthogonal rows", [](In x) { return Regularizer("orthogonal_regularizer")(x[0]); }},
       {"orthogonal columns", [](In x) { return orthogonal_regularizer(.2, "columns")(x[0]); }},
       {"max_norm", [](In x) { return Constraint("max_norm")(x[0]); }},
       {"max_norm axes", [](In x) { return MaxNorm{.max_value = .7, .axis = {0, 1}}(x[0]); }},
       {"min_max_norm", [](In x) { return Constraint("MinMaxNorm")(x[0]); }},
       {"min_max_norm rate", [](In x) { return MinMaxNorm{.8, 1.2, .25, 1}(x[0]); }},
       {"non_neg", [](In x) { return Constraint("non_neg")(x[0]); }},
       {"unit_norm", [](In x) { return Constraint("unit_norm")(x[0]); }},
       {"unit_norm axis 1", [](In x) { return UnitNorm{.axis = 1}(x[0]); }},
       {"zeros", [](In) { return made(Initializer("zeros"), {2, 3}); }},
       {"ones", [](In) { return made(Initializer("Ones"), {2, 3}); }},
       {"constant", [](In) { return made(Constant{.3}, {2, 3}); }},
       {"identity", [](In) { return made(Identity{1.5}, {3, 4}); }},
       {"stft hann", stft<0, false>},
       {"stft hann periodic", stft<0, true>},
       {"stft hamming", stft<1, false>},
       {"stft hamming periodic", stft<1, true>},
       {"stft blackman", stft<2, false>},
       {"stft blackman periodic", stft<2, true>},
       {"stft nuttall", stft<3, false>},
       {"stft nuttall periodic", stft<3, true>},
       {"stft blackmanharris", stft<4, false>},
       {"stft blackmanharris periodic", stft<4, true>},
       {"stft flattop", stft<5, false>},
       {"stft flattop periodic", stft<5, true>},
       {"stft cosine", stft<6, false>},
       {"stft cosine periodic", stft<6, true>},
       {"stft bartlett", stft<7, false>},
       {"stft bartlett periodic", stft<7, true>},
       {"stft boxcar", stft<8, false>},
       {"stft boxcar periodic", stft<8, true>},
       {"stft imag spectrum", [](In) { return made(STFT{"imag", "hann", "spectrum"}, {6, 1, 4}); }},
       {"stft plain", [](In) { return made(STFT{"real", "", ""}, {5, 1, 3}); }}});
}

TEST_CASE("variance scaling has the limits and the variances of its formula") {
  struct Expected {
    const char* name;
    double limit;
  };
  // sqrt(3 scale / fan) for 784 -> 128
  for (const auto& [name, limit] :
       {Expected{"glorot_uniform", .08111071056538}, Expected{"he_uniform", .08748177652797},
        Expected{"lecun_uniform", .06185895741317}}) {
    INFO(name);
    const Tensor w = made(initializers::Initializer(name), {784, 128});
    CHECK(max(abs(w)).item() <= limit);
    CHECK(max(abs(w)).item() > .999 * limit);
    CHECK(mean(w).item() == Approx(0).margin(4 * limit / std::sqrt(3.0 * 784 * 128)));
    CHECK(var(w).item() == Approx(limit * limit / 3).epsilon(.02));
  }
  for (const auto& [name, variance] :
       {std::pair{"glorot_normal", 2.0 / (784 + 128)}, std::pair{"he_normal", 2.0 / 784},
        std::pair{"lecun_normal", 1.0 / 784}}) {
    INFO(name);
    const Tensor w = made(initializers::Initializer(name), {784, 128});
    CHECK(var(w).item() == Approx(variance).epsilon(.02));
    // Cut off at two of the standard deviations it was drawn with.
    CHECK(max(abs(w)).item() <= 2 * std::sqrt(variance) / .87962566103423978);
  }
  const initializers::VarianceScaling fan_out{3, "fan_out", "untruncated_normal"};
  CHECK(var(made(fan_out, {3, 5, 40, 64})).item() == Approx(3.0 / (3 * 5 * 64)).epsilon(.03));
}

TEST_CASE("plain random initializers have the moments and bounds they are asked for") {
  using namespace initializers;
  const Tensor u = made(Initializer("random_uniform"), {200, 200}), n = made(Initializer("random_normal"), {200, 200}),
               t = made(Initializer("truncated_normal"), {200, 200});
  CHECK(max(abs(u)).item() <= .05);
  CHECK(var(u).item() == Approx(.1 * .1 / 12).epsilon(.02));
  CHECK(var(n).item() == Approx(.05 * .05).epsilon(.03));
  CHECK(max(abs(n)).item() > .15);
  CHECK(max(abs(t)).item() <= .1);
  CHECK(var(t).item() == Approx(.05 * .05 * .87962566103423978 * .87962566103423978).epsilon(.03));
  CHECK(mean(made(RandomNormal{.mean = 3, .stddev = .1}, {100, 100})).item() == Approx(3).margin(.005));
}

TEST_CASE("one seed gives one matrix, and different seeds different ones") {
  using namespace initializers;
  for (const Initializer& pair : {Initializer(RandomUniform{.seed = 3}), Initializer(Orthogonal{.seed = 3}),
                                  Initializer(he_normal({.seed = 3})), Initializer(TruncatedNormal{.seed = 3})}) {
    Generator one(1), other(2);
    CHECK(pair({4, 5}, float64, one).to_vector<double>() == pair({4, 5}, float64, other).to_vector<double>());
  }
  Generator generator(1);
  const Initializer normal("random_normal");
  CHECK(normal({4, 5}, float64, generator).to_vector<double>() !=
        normal({4, 5}, float64, generator).to_vector<double>());
}

TEST_CASE("orthogonal gives orthonormal columns, or rows where there are fewer") {
  using namespace initializers;
  const Tensor tall = made(Orthogonal{}, {7, 4}), wide = made(Orthogonal{.gain = 2}, {4, 7}),
               deep = made(Orthogonal{}, {3, 2, 5});
  const Tensor unit = made(Identity{}, {4, 4});
  CHECK(largest_error(matmul(transpose(tall), tall), unit).item() < 1e-14);
  CHECK(largest_error(matmul(wide, transpose(wide)), 4 * unit).item() < 1e-14);
  const Tensor rows = reshape(deep, {6, 5});
  CHECK(largest_error(matmul(transpose(rows), rows), made(Identity{}, {5, 5})).item() < 1e-14);
  const Tensor single = made(Orthogonal{}, {16, 16}, float32);
  CHECK(single.dtype() == float32);
  CHECK(largest_error(matmul(single, transpose(single)), made(Identity{}, {16, 16}, float32)).item() < 1e-5);
}

TEST_CASE("orthogonal is spread evenly: the mean over many matrices is zero") {
  Tensor total = zeros({2, 2}, doubles);
  Generator generator(9);
  for (int i = 0; i < 400; ++i) total = total + initializers::Orthogonal{}({2, 2}, float64, generator);
  CHECK(max(abs(total / 400)).item() < .15);
}

TEST_CASE("wrong initializers, regularizers and constraints say what was expected") {
  using namespace initializers;
  using namespace regularizers;
  using namespace constraints;
  CHECK_THROWS_WITH(Initializer("orthogonl"), Catch::Contains("did you mean 'orthogonal'"));
  CHECK_THROWS_WITH(Constraint("maxnorm"), Catch::Contains("[constraint]") && Catch::Contains("'max_norm'"));
  CHECK_THROWS_WITH(Regularizer("l3"), Catch::Contains("[regularizer]") && Catch::Contains("'l1'"));
  CHECK_THROWS_WITH(made(Identity{}, {3}), Catch::Contains("[identity]") && Catch::Contains("(3,)"));
  CHECK_THROWS_WITH(made(Orthogonal{}, {3}), Catch::Contains("[orthogonal]"));
  CHECK_THROWS_WITH(made(STFT{.window = "han"}, {6, 1, 4}), Catch::Contains("did you mean 'hann'"));
  CHECK_THROWS_WITH(made(STFT{.side = "left"}, {6, 1, 4}), Catch::Contains("side"));
  CHECK_THROWS_WITH(made(STFT{}, {6, 4}), Catch::Contains("frame length"));
  const Tensor w = ones({2, 2});
  CHECK_THROWS_WITH(L1{-1}(w), Catch::Contains("[L1]") && Catch::Contains("-1"));
  CHECK_THROWS_WITH(L2{std::nan("")}(w), Catch::Contains("[L2]"));
  CHECK_THROWS_WITH(orthogonal_regularizer()(ones({2, 2, 2})), Catch::Contains("matrix"));
  CHECK_THROWS_WITH(orthogonal_regularizer(.1, "diagonal")(w), Catch::Contains("mode"));
  CHECK_THROWS_WITH(MaxNorm{-1}(w), Catch::Contains("[MaxNorm]"));
  CHECK_THROWS_WITH((MinMaxNorm{2, 1}(w)), Catch::Contains("min_value = 2"));
  CHECK_THROWS_WITH((MinMaxNorm{0, 1, 3}(w)), Catch::Contains("rate"));
}

TEST_CASE("an optimizer brings constrained Parameters back after each update") {
  const Parameter w(tensor({{1, -2}, {3, .5}}, doubles), "w"), free(tensor({1, -2}, doubles), "free");
  optimizers::Optimizer sgd = optimizers::SGD(.5);
  sgd.constrain(w, "non_neg");
  const auto step = [&] {
    sgd.apply(std::vector{w, free}, std::vector{ones({2, 2}, doubles), ones({2}, doubles)});
  };
  step();
  CHECK(w.value().to_vector<double>() == Values{.5, 0, 2.5, 0});
  CHECK(free.value().to_vector<double>() == Values{.5, -2.5});
  sgd.constrain(w, {});
  step();
  CHECK(w.value().to_vector<double>() == Values{0, -.5, 2, -.5});
}

TEST_CASE("fit keeps what a layer's constraints say") {
  Sequential model{Dense(3, {.kernel_constraint = constraints::MaxNorm{.max_value = .1},
                             .bias_constraint = "non_neg", .input_shape = {2}})};
  model.compile({.optimizer = optimizers::SGD(1.0), .loss = "mse"});
  const Tensor x = tensor({{1, 2}, {3, -1}, {0, 1}, {2, 2}});
  const Tensor y = tensor({{5, -5, 5}, {5, -5, 5}, {5, -5, 5}, {5, -5, 5}});
  model.fit(x, y, {.epochs = 3, .verbose = 0});
  const std::vector<Tensor> weights = model.get_weights();
  const Tensor norms = sqrt(sum(square(weights[0]), 0));
  CHECK(max(norms).item() <= .1f * 1.000001f);
  CHECK(max(norms).item() > .099);
  CHECK(min(weights[1]).item() >= 0);
  CHECK(max(weights[1]).item() > 0);
}
