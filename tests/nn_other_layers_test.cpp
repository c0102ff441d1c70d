// Radial-basis units, self-organising maps, spiking neurons, mixtures of experts, layers on graphs, capsules: what they
// mean. Values against PyTorch are in nn_layer_values_test.
#include "data_files/temp_folder.hpp"

#include <xgrad/graph/grad.hpp>
#include <xgrad/nn/boltzmann.hpp>
#include <xgrad/nn/capsules.hpp>
#include <xgrad/nn/graph_layers.hpp>
#include <xgrad/nn/losses.hpp>
#include <xgrad/nn/mixture_of_experts.hpp>
#include <xgrad/nn/radial_basis.hpp>
#include <xgrad/nn/saving.hpp>
#include <xgrad/nn/self_organizing_map.hpp>
#include <xgrad/nn/sequential.hpp>
#include <xgrad/nn/spiking.hpp>
#include <xgrad/ops/activation.hpp>
#include <xgrad/ops/compare.hpp>
#include <xgrad/ops/creation.hpp>
#include <xgrad/ops/elementwise.hpp>
#include <xgrad/ops/indexing.hpp>
#include <xgrad/ops/linalg.hpp>
#include <xgrad/ops/random.hpp>
#include <xgrad/ops/reduce.hpp>
#include <xgrad/ops/shape.hpp>
#include <xgrad/ops/product.hpp>
#include <xgrad/ops/sorting.hpp>
#include <xgrad/optim/lbfgs.hpp>

#include <catch2/catch.hpp>

#include <cmath>

using namespace xgrad;
using Catch::Matchers::Contains;

namespace {

Tensor doubles(const Nested& values) { return tensor(values, {.dtype = float64}); }
Tensor integers(const Nested& values) { return tensor(values, {.dtype = int64}); }

Tensor drawn(const Shape& shape, std::uint64_t seed) {
  Generator generator(seed);
  return normal(shape, 0, 1, {.dtype = float64, .generator = &generator}).eval();
}

void check_values(const Tensor& found, const std::vector<double>& expected, double tolerance = 1e-12) {
  const std::vector<double> values = found.to_vector<double>();
  REQUIRE(values.size() == expected.size());
  for (std::size_t i = 0; i < values.size(); ++i) CHECK(std::fabs(values[i] - expected[i]) <= tolerance);
}

initializers::Initializer given(const Tensor& values) {
  return [values](const Shape&, DType, Generator&) { return values; };
}

}  // namespace

// --- radial-basis units

TEST_CASE("two radial units and a line solve XOR", "[rbf]") {
  const Tensor x = doubles({{0, 0}, {0, 1}, {1, 0}, {1, 1}});
  const RadialBasis basis(2, {.centers_initializer = given(doubles({{0, 0}, {1, 1}}))});
  const Tensor phi = basis(x);
  check_values(phi, {1, std::exp(-2), std::exp(-1), std::exp(-1), std::exp(-1), std::exp(-1), std::exp(-2), 1});
  const Tensor solution = lstsq(concatenate({phi, ones({4, 1}, {.dtype = float64})}, 1), doubles({0, 1, 1, 0})).x;
  check_values(solution, {-2.502650301077, -2.502650301077, 2.841347188416}, 1e-11);
}

TEST_CASE("radial units adapt to clusters", "[rbf]") {
  const Tensor centres = doubles({{0, 0}, {10, 0}, {0, 20}});
  const Tensor x = repeat(centres, 30, 0) + .1 * drawn({90, 2}, 1);
  Generator generator(4);
  RadialBasis basis(3);
  basis.adapt(x, {.neighbors = 1, .overlap = .5, .generator = &generator});
  const Tensor found = basis.centers().value();
  const std::vector<std::int64_t> order = argsort(sum(found * doubles({1, 2}), 1)).to_vector<std::int64_t>();
  check_values(take(found, tensor(order, {3})), {0, 0, 10, 0, 0, 20}, .1);
  // The nearest other centers are 10, 10 and 20 away.
  const std::vector<double> gamma = basis.gamma().value().to_vector<double>();
  const double widths[] = {10, 10, 20};
  for (std::size_t i = 0; i < 3; ++i)
    CHECK(gamma[static_cast<std::size_t>(order[i])] == Approx(.5 / std::pow(.5 * widths[i], 2)).epsilon(.02));
  CHECK_THROWS_WITH(basis.adapt(drawn({5, 3}, 2)), Contains("2 features") && Contains("(5, 3)"));
  CHECK_THROWS_WITH(RadialBasis(9).adapt(drawn({5, 3}, 2)), Contains("1 to 5 clusters"));
  CHECK_THROWS_WITH(RadialBasis(1).adapt(drawn({5, 3}, 2)), Contains("two units"));
  CHECK_THROWS_WITH(RadialBasis(2, {.function = "gausian"}), Contains("gaussian"));
  CHECK_THROWS_WITH(basis(drawn({5, 3}, 2)), Contains("2 features"));
  CHECK_THROWS_AS(RadialBasis(0), ValueError);
}

// --- self-organising maps

TEST_CASE("the winner and its neighbours move towards a row", "[som]") {
  SelfOrganizingMap map(1, 3);
  map(doubles({{0, 0}}));
  map.weights().assign(doubles({{.2, .6}, {.8, .4}, {.5, .9}}));
  const Tensor row = doubles({.45, .5});
  check_values(map(row), {.0725, .1325, .1625});
  map.update(row, .5, 1);
  check_values(map.weights().value(),
               {.325, .55, .6938571345503, .4303265329856, .4966166179191, .8729329433527});
}

TEST_CASE("neighbourhoods, topologies and decays of self-organising maps", "[som]") {
  const auto moved = [](const char* function, const char* topology, double sigma) {
    SelfOrganizingMap map(3, 3, {.neighborhood_function = function, .topology = topology});
    map(doubles({{0}}));
    map.weights().assign(doubles({{9}, {9}, {9}, {9}, {2}, {9}, {9}, {9}, {9}}));
    map.update(doubles({1}), 1, sigma);
    return map.weights().value().to_vector<double>();
  };
  CHECK(moved("bubble", "rectangular", 1) == std::vector<double>{9, 1, 9, 1, 1, 1, 9, 1, 9});
  // In the middle of hexagons the neighbours above and below are those to the right.
  CHECK(moved("bubble", "hexagonal", 1.01) == std::vector<double>{9, 1, 1, 1, 1, 1, 9, 1, 1});
  CHECK(moved("triangle", "rectangular", 2)[1] == Approx(9 - 8 * .5));
  CHECK(moved("mexican_hat", "rectangular", 1)[0] == Approx(9 + 8 * std::exp(-1)));
  CHECK(moved("gaussian", "rectangular", 1)[0] == Approx(9 - 8 * std::exp(-1)));
}

TEST_CASE("a self-organising map spreads over a square, online and in batches", "[som]") {
  Generator generator(3);
  const Tensor x = uniform({1000, 2}, 0, 1, {.dtype = float64, .generator = &generator}).eval();
  for (const char* topology : {"rectangular", "hexagonal"})
    for (const char* decay : {"exponential", "linear", "asymptotic"})
      for (const bool batch : {true, false}) {
        if (!batch && std::string(decay) == "asymptotic") continue;
        INFO(topology << " " << decay << " " << batch);
        SelfOrganizingMap map(6, 6, {.decay = decay, .topology = topology});
        map.fit(x, {.epochs = batch ? 20 : 5, .batch = batch, .init = "random", .generator = &generator});
        CHECK(map.quantization_error(x) < (std::string(decay) == "asymptotic" ? .16 : .08));
        CHECK(map.topographic_error(x) < .1);
        CHECK(sum(map.hits(x)).item<std::int64_t>() == 1000);
        const Tensor winners = map.winner(x);
        CHECK(array_equal(winners, argmin(map(x), 1)).item<bool>());
      }
}

TEST_CASE("the U-matrix shows where a map tears", "[som]") {
  SelfOrganizingMap map(2, 3);
  map(doubles({{0}}));
  map.weights().assign(doubles({{0}, {1}, {10}, {0}, {1}, {10}}));
  // Neighbours: left column 1, 0, 1; middle 1, 9, 0, 1, 9; right 9, 0, 9.
  check_values(map.u_matrix(), {2. / 3, 4, 6, 2. / 3, 4, 6});
  SelfOrganizingMap hexagons(2, 2, {.topology = "hexagonal"});
  hexagons(doubles({{0}}));
  hexagons.weights().assign(doubles({{0}, {2}, {4}, {8}}));
  // 0: 1, 2; 1: 0, 2, 3; 2: 0, 1, 3; 3: 1, 2. (The second row stands half a place to the right.)
  check_values(hexagons.u_matrix(), {3, 10. / 3, 10. / 3, 5});
  check_values(Tensor(map.topographic_error(doubles({{.4}, {9}}))), {0});
  map.weights().assign(doubles({{0}, {5}, {.1}, {5}, {5}, {5}}));
  check_values(Tensor(map.topographic_error(doubles({{0}, {5}}))), {.5});
}

TEST_CASE("a map starts along the principal components, and is saved with a model", "[som]") {
  const Tensor x = drawn({500, 3}, 7) * doubles({3, 1, .1});
  SelfOrganizingMap map(2, 5);
  map.fit(x, {.epochs = 1, .init = "pca"});
  TempFolder folder;
  Sequential model{Input({3}, {.dtype = float64}), map};
  model.save(folder / "map.xgrad");
  Model again = load_model(folder / "map.xgrad");
  CHECK(array_equal(again(x), map(x)).item<bool>());
  const std::vector<double> before = map.weights().value().to_vector<double>();
  map.fit(x, {.epochs = 1, .init = "none"});
  CHECK(map.weights().value().to_vector<double>() != before);
  CHECK_THROWS_WITH(map.fit(drawn({4, 2}, 1)), Contains("3 features"));
  CHECK_THROWS_WITH(map.fit(zeros({0, 3})), Contains("expected rows"));
  CHECK_THROWS_WITH(map.fit(x, {.init = "zero"}), Contains("'zero'"));
  CHECK_THROWS_WITH(map.fit(x / 0), Contains("finite"));
  CHECK_THROWS_WITH(SelfOrganizingMap(2, 2).winner(x), Contains("call fit first"));
  CHECK_THROWS_WITH(SelfOrganizingMap(2, 2, {.neighborhood_function = "mexican_hat"}).fit(x), Contains("batches"));
  CHECK_THROWS_WITH(SelfOrganizingMap(0, 2), Contains("0 x 2"));
  CHECK_THROWS_WITH(SelfOrganizingMap(2, 2, {.decay = "cubic"}), Contains("cubic"));
}

// --- spiking neurons

TEST_CASE("a leaky neuron under a constant current fires at even intervals", "[spiking]") {
  const Tensor current = full({1, 30, 1}, 1.5, {.dtype = float64});
  const std::vector<double> spikes =
      LeakyIntegrateAndFire({.tau = 10, .reset = "zero"})(current).to_vector<double>();
  for (std::size_t t = 0; t < 30; ++t) CHECK(spikes[t] == (t == 10 || t == 21 ? 1 : 0));
  const Tensor potential = LeakyIntegrator({.tau = 10, .return_sequences = true})(current);
  CHECK(potential.to_vector<double>()[9] == Approx(.976982339849).epsilon(1e-11));
  const LeakyIntegrateAndFire neuron({.tau = 10});
  Tensor v;
  double fired = 0;
  for (int t = 0; t < 11; ++t) {
    const auto step = neuron.step(doubles({1.5}), v);
    v = step.potential;
    fired += sum(step.spikes).item();
  }
  CHECK(fired == 1);
  CHECK(v.item() == Approx(1.5 * (1 - std::pow(.9, 11)) - 1));
}

TEST_CASE("codes turn numbers into spikes", "[spiking]") {
  const Tensor x = doubles({{0, .25, 1, .5}});
  const RateCoding rate(4000, {.seed = 3});
  const Tensor train = rate(x);
  CHECK(train.shape() == Shape{1, 4000, 4});
  check_values(mean(train, 1), {0, .25, 1, .5}, .03);
  CHECK(array_equal(RateCoding(4000, {.seed = 3})(x), train).item<bool>());
  CHECK_FALSE(array_equal(rate(x), train).item<bool>());
  const Tensor first = LatencyCoding(5, {.linear = true})(x);
  CHECK(argmax(first, 1).to_vector<int>() == std::vector<int>{0, 3, 0, 2});
  check_values(sum(first, 1), {0, 1, 1, 1});
  CHECK_THROWS_AS(RateCoding(0), ValueError);
  CHECK_THROWS_WITH(LatencyCoding(3, {.threshold = 0}), Contains("threshold"));
}

TEST_CASE("spiking layers say what they do not like", "[spiking]") {
  CHECK_THROWS_WITH(LeakyIntegrateAndFire({.tau = .5}), Contains("got 0.5"));
  CHECK_THROWS_WITH(LeakyIntegrateAndFire({.tau = 1, .learn_tau = true}), Contains("above 1"));
  CHECK_THROWS_WITH(LeakyIntegrateAndFire({.threshold = 0}), Contains("threshold"));
  CHECK_THROWS_WITH(LeakyIntegrateAndFire({.reset = "soft"}), Contains("subtract"));
  CHECK_THROWS_WITH(LeakyIntegrateAndFire({.surrogate = "atan"}), Contains("arctan"));
  CHECK_THROWS_WITH(LeakyIntegrateAndFire()(zeros({3})), Contains("(batch, steps, ...)"));
  CHECK_THROWS_WITH(LeakyIntegrator()(zeros({3, 0, 2})), Contains("(3, 0, 2)"));
  CHECK_THROWS_WITH(spike(zeros({2}), "sigmoid", -1), Contains("slope"));
}

// --- mixtures of experts

TEST_CASE("a gate mixes what experts say", "[moe]") {
  const auto constant = [](double value) { return Layer([value](const Tensor& x) { return zeros_like(x) + value; }); };
  MixtureOfExperts mixture({constant(1.5), constant(-.5)}, {.kernel_initializer = given(doubles({{.2, -.1}}))});
  const Tensor one = doubles({{1}});
  check_values(mixture(one), {.6488850336233}, 1e-12);
  check_values(mixture.gate(one), {.5744425168117, .4255574831883}, 1e-12);
  CHECK_THROWS_WITH(mixture(doubles({{1, 2}})), Contains("1 features"));
  CHECK_THROWS_WITH(MixtureOfExperts({constant(1)}), Contains("two experts"));
  CHECK_THROWS_WITH(MixtureOfExperts({constant(1), constant(2)}, {.top_k = 3}), Contains("got 3"));
  MixtureOfExperts uneven({Layer(Dense(2)), Layer(Dense(3))});
  CHECK_THROWS_WITH(uneven(one), Contains("(1, 2) and (1, 3)"));
}

TEST_CASE("the balancing penalty is smallest where experts are used alike", "[moe]") {
  const auto penalty = [](const Tensor& kernel, std::int64_t top_k) {
    std::vector<Layer> experts(3, Layer([](const Tensor& x) { return x; }));
    MixtureOfExperts mixture(experts,
                             {.top_k = top_k, .load_balancing = .5, .kernel_initializer = given(kernel)});
    Call call;
    mixture(identity(3, {.dtype = float64}), call);
    REQUIRE(call.penalties.size() == 1);
    const Tensor slope = grad(call.penalties[0], mixture.kernel());
    return std::pair(call.penalties[0].item(), sum(abs(slope)).item());
  };
  const Tensor alike = 30 * identity(3, {.dtype = float64});
  const Tensor alone = doubles({{30, 0, 0}, {30, 0, 0}, {30, 0, 0}});
  for (const std::int64_t top_k : {0, 1}) {
    CHECK(penalty(alike, top_k).first == Approx(.5));
    CHECK(penalty(alone, top_k).first == Approx(1.5));
  }
  CHECK(penalty(doubles({{1, 0, 0}, {1, 0, 0}, {0, 1, 0}}), 1).second > .01);
}

TEST_CASE("noise of a gate is there in training alone, and learns", "[moe]") {
  MixtureOfExperts mixture({Layer(Dense(2)), Layer(Dense(2)), Layer(Dense(2))}, {.top_k = 1, .noisy_gate = true});
  const Tensor x = drawn({50, 4}, 3);
  Call call, training{.training = true};
  CHECK(array_equal(mixture(x, call), mixture(x, call)).item<bool>());
  CHECK_FALSE(array_equal(mixture(x, training), mixture(x, training)).item<bool>());
  CHECK(weights(mixture).size() == 2 + 1 + 6);
}

// --- graphs

TEST_CASE("a graph convolution of a path", "[graphs]") {
  const Tensor edges = integers({{0, 1, 1, 2}, {1, 0, 2, 1}});
  const WeightedEdges loops = add_self_loops(edges, 3, {}, float64);
  check_values(symmetric_normalization(loops.edges, 3, loops.weights),
               {.4082482904639, .4082482904639, .4082482904639, .4082482904639, .5, 1. / 3, .5}, 1e-12);
  const GCNConv layer(2, {.activation = "relu", .kernel_initializer = given(doubles({{1, -1}, {.5, 2}}))});
  check_values(layer({doubles({{1, 0}, {0, 1}, {1, 1}}), edges}),
               {.7041241452319, .3164965809277, 1.187287392826, .6666666666667, .9541241452319, 1.316496580928}, 1e-12);
}

TEST_CASE("layers on graphs are steps of functional models", "[graphs]") {
  const Tensor x = Input({3}), edges = Input({4}, {.batch_size = 2, .dtype = int64});
  Model model({x, edges}, {GATConv(2)({GCNConv(5, {.activation = "relu"})({x, edges}), edges})});
  const Tensor nodes = cast(drawn({6, 3}, 5), float32), ends = integers({{0, 1, 2, 3}, {1, 2, 3, 0}});
  CHECK(model(Tensors{nodes, ends})[0].shape() == Shape{6, 2});
  TempFolder folder;
  model.save(folder / "graph.xgrad");
  Model again = load_model(folder / "graph.xgrad");
  CHECK(array_equal(again(Tensors{nodes, ends})[0], model(Tensors{nodes, ends})[0]).item<bool>());
}

TEST_CASE("attention coefficients are dropped in training alone", "[graphs]") {
  const GATConv layer(2, {.heads = 2, .dropout = .5});
  const Tensor x = drawn({4, 3}, 1), edges = integers({{0, 1, 2, 3}, {1, 2, 3, 0}});
  const std::vector<Tensor> inputs{x, edges};
  Call call, training{.training = true};
  CHECK(array_equal(layer(inputs, call), layer(inputs, call)).item<bool>());
  CHECK_FALSE(array_equal(layer(inputs, training), layer(inputs, training)).item<bool>());
}

TEST_CASE("layers on graphs say what they do not like", "[graphs]") {
  const Tensor x = drawn({4, 3}, 1), edges = integers({{0, 1}, {1, 2}});
  CHECK_THROWS_WITH(GCNConv(2)({x, integers({{0, 1}, {1, 2}, {2, 3}})}), Contains("(2, edges), got (3, 2)"));
  CHECK_THROWS_WITH(GCNConv(2)({x, doubles({{0, 1}, {1, 2}})}), Contains("integers"));
  CHECK_THROWS_WITH(GCNConv(2)({x, edges, doubles({1, 2, 3})}), Contains("2 edges"));
  CHECK_THROWS_WITH(GCNConv(2)({x}), Contains("x and edges"));
  CHECK_THROWS_WITH(GCNConv(2)({x, integers({{0, 4}, {1, 2}})}).eval(), Contains("4"));
  CHECK_THROWS_WITH(GCNConv(2)({x, integers({{0, -1}, {1, 2}})}).eval(), Contains("-1"));
  CHECK_THROWS_WITH(GATConv(2)({x, integers({{0, 1}, {1, 7}})}).eval(), Contains("7"));
  CHECK_THROWS_WITH(GATConv(2, {.dropout = 1}), Contains("dropout"));
  CHECK_THROWS_WITH(propagate(x, edges, {}, "median"), Contains("median"));
  CHECK_THROWS_WITH(MessagePassing(Dense(2), Dense(2), {.aggregation = "median"}), Contains("median"));
  CHECK_THROWS_WITH(MessagePassing(Layer([](const Tensor& m) { return sum(m, 1); }), Dense(2))({x, edges}),
                    Contains("(edges, features)"));
  const GCNConv built(2);
  built({x, edges});
  CHECK_THROWS_WITH(built({drawn({4, 5}, 1), edges}), Contains("3 features"));
}

// --- capsules

TEST_CASE("squashing keeps directions and brings lengths below 1", "[capsules]") {
  check_values(squash(doubles({3, 4})), {.5769230769231, .7692307692308}, 1e-12);
  const Tensor zero = doubles({0, 0, 0});
  check_values(squash(zero), {0, 0, 0});
  check_values(grad(sum(squash(zero)), zero), {0, 0, 0});
  check_values(vector_norm(squash(doubles({{1e-3, 0}, {1e3, 0}})), -1), {1e-6, 1}, 1.1e-6);
}

TEST_CASE("routing sends capsules to where they agree", "[capsules]") {
  // Three capsules below predict the same for capsule 0 and cancel each other for capsule 1.
  const Tensor x = doubles({{{1, 0}, {1, 0}, {1, 0}}});
  const Tensor kernel = doubles(
      {{{1, 0, 1, 0}, {0, 0, 0, 0}}, {{1, 0, -1, 0}, {0, 0, 0, 0}}, {{1, 0, 0, .1}, {0, 0, 0, 0}}});
  const auto lengths = [&](int rounds) {
    return CapsuleLength()(Capsule(2, 2, {.routings = rounds, .kernel_initializer = given(kernel)})(x))
        .to_vector<double>();
  };
  CHECK(lengths(3)[0] > lengths(1)[0]);
  CHECK(lengths(3)[1] < .1);
  CHECK_THROWS_WITH(Capsule(2, 0), Contains("dim_capsule"));
  CHECK_THROWS_WITH(Capsule(2, 2, {.routings = 0}), Contains("routings"));
  const Capsule built(2, 2);
  built(x);
  CHECK_THROWS_WITH(built(zeros({1, 4, 2})), Contains("(3, 2, 4)"));
  CHECK_THROWS_WITH(built(zeros({1, 4})), Contains("3 axes"));
  CHECK_THROWS_WITH(PrimaryCapsule(3)(zeros({1, 4})), Contains("capsules of 3"));
}

TEST_CASE("the margin loss of capsules", "[capsules]") {
  const Tensor lengths = doubles({{.8, .3}, {.95, .05}, {.2, .6}});
  check_values(losses::margin(integers({0, 0, 0}), lengths), {.03, 0, .49 + .125}, 1e-12);
  check_values(losses::margin(doubles({{1, 0}, {1, 0}, {1, 1}}), lengths), {.03, 0, .49 + .09}, 1e-12);
  check_values(losses::Loss("margin")(integers({0, 0, 0}), lengths), {(.03 + .49 + .125) / 3}, 1e-12);
  const losses::Margin strict({.m_plus = 1, .m_minus = 0, .lambda = 1, .reduction = "sum"});
  check_values(strict(integers({0, 0, 0}), lengths), {.04 + .09 + .0025 + .0025 + .64 + .36}, 1e-12);
  CHECK_THROWS_WITH(losses::margin(integers({0, 2, 0}), lengths).eval(), Contains("2"));
}

// --- restricted Boltzmann machines

TEST_CASE("free energies are sums over hidden states, and sampling visits states as often as they weigh", "[rbm]") {
  const Tensor kernel = doubles({{1.5, -1}, {-.5, 2}, {1, .5}}), b = doubles({.2, -.4, .1}), c = doubles({-.3, .6});
  const RestrictedBoltzmannMachine machine(2, {.kernel_initializer = given(kernel),
                                               .visible_bias_initializer = given(b),
                                               .hidden_bias_initializer = given(c),
                                               .seed = 5});
  std::vector<double> states;
  for (int state = 0; state < 8; ++state)
    for (int k = 0; k < 3; ++k) states.push_back(state >> k & 1);
  const Tensor v = tensor(states, {8, 3});
  machine(v);
  Tensor total;
  for (int state = 0; state < 4; ++state) {
    const Tensor h = doubles({static_cast<double>(state & 1), static_cast<double>(state >> 1)});
    const Tensor weight = exp(matmul(v, b) + sum(h * c) + matmul(matmul(v, kernel), h));
    total = total.defined() ? total + weight : weight;
  }
  check_values(machine.free_energy(v), (-log(total)).to_vector<double>());

  Tensor chains = zeros({20000, 3}, {.dtype = float64});
  for (int step = 0; step < 60; ++step) chains = machine.gibbs(chains).eval();
  const Tensor numbers = cast(matmul(chains, doubles({1, 2, 4})), int64);
  check_values(bincount(numbers, 8, 8) / 20000., (total / sum(total)).to_vector<double>(), .012);
}

TEST_CASE("contrastive divergence follows the likelihood's gradient", "[rbm]") {
  set_random_seed(2);
  const RestrictedBoltzmannMachine machine(2, {.kernel_initializer = initializers::RandomNormal{.stddev = .5},
                                               .dtype = float64});
  const Tensor data = repeat(doubles({{1, 0, 1}, {0, 1, 1}}), 10000, 0);
  machine(data);
  std::vector<double> states;
  for (int state = 0; state < 8; ++state)
    for (int k = 0; k < 3; ++k) states.push_back(state >> k & 1);
  // Minus the mean log-likelihood, with the sum over all states.
  const Tensor exact = mean(machine.free_energy(data)) + logsumexp(-machine.free_energy(tensor(states, {8, 3})));
  const Parameter chains(zeros({20000, 3}, {.dtype = float64}), "chains", false);
  for (int step = 0; step < 40; ++step) chains.assign(machine.gibbs(chains));
  const Tensor before = chains.value().eval();
  const Tensor estimate = machine.contrastive_divergence(data, 5, chains);
  const std::vector<Parameter> all{machine.kernel(), machine.visible_bias(), machine.hidden_bias()};
  const std::vector<Tensor> found = grad(estimate, all), expected = grad(exact, all);
  for (std::size_t i = 0; i < 3; ++i) check_values(found[i], expected[i].to_vector<double>(), .02);
  CHECK_FALSE(array_equal(before, chains).item<bool>());
  CHECK_THROWS_WITH(machine.contrastive_divergence(data, 0), Contains("steps"));
  CHECK_THROWS_WITH(machine.free_energy(zeros({2, 4})), Contains("3 visible units"));
  CHECK_THROWS_WITH(machine.down(zeros({2, 4})), Contains("2 hidden units"));
  CHECK_THROWS_WITH(RestrictedBoltzmannMachine(2).gibbs(data), Contains("no weights yet"));
  CHECK_THROWS_AS(RestrictedBoltzmannMachine(0), ValueError);
}

// --- losses of two networks against each other, and of autoencoders

TEST_CASE("crossentropies are the losses of two networks against each other", "[gan]") {
  const auto loss = [](double target, double judged) {
    return losses::binary_crossentropy(doubles({target}), doubles({judged})).item();
  };
  CHECK(loss(1, .8) + loss(0, .3) == Approx(.5798184952529).epsilon(1e-12));
  CHECK(loss(1, .3) == Approx(1.203972804326).epsilon(1e-12));
  CHECK(loss(1, .5) + loss(0, .5) == Approx(1.38629436112).epsilon(1e-11));
}

TEST_CASE("a linear autoencoder finds the principal axis", "[autoencoder]") {
  const Tensor x = doubles({{2.5, 2.4}, {.5, .7}, {2.2, 2.9}, {1.9, 2.2}, {3.1, 3}, {2.3, 2.7}, {2, 1.6}, {1, 1.1},
                            {1.5, 1.6}, {1.1, .9}});
  set_random_seed(3);
  Sequential model{Input({2}, {.dtype = float64}), Dense(1), Dense(2, {.name = "decoder"})};
  optimizers::LBFGS().minimize([&] { return mean(square(model(x) - x)); }, parameters(model));
  CHECK(mean(square(model(x) - x)).item() == Approx(.02208752952225).epsilon(1e-9));
  const Tensor axis = ravel(weights(model)[2].parameter.value());
  check_values(abs(axis / norm(axis)), {.677873398528, .735178655544}, 1e-6);
}

TEST_CASE("a model on a graph is fitted with the whole graph as the only batch", "[graphs]") {
  // Two cliques of five with one edge between them; one labelled node in each, by its weight.
  std::vector<std::int64_t> ends[2];
  const auto connect = [&](std::int64_t a, std::int64_t b) {
    for (const auto& [from, to] : {std::pair(a, b), std::pair(b, a)}) {
      ends[0].push_back(from);
      ends[1].push_back(to);
    }
  };
  for (std::int64_t first : {0, 5})
    for (std::int64_t i = first; i < first + 5; ++i)
      for (std::int64_t j = first; j < i; ++j) connect(i, j);
  connect(4, 5);
  const auto m = static_cast<std::int64_t>(ends[0].size());
  const Tensor edges = stack({tensor(ends[0], {m}), tensor(ends[1], {m})});
  const Tensor nodes = identity(10), side = integers({0, 0, 0, 0, 0, 1, 1, 1, 1, 1});
  const Tensor known = tensor({1, 0, 0, 0, 0, 0, 0, 0, 0, 1});

  set_random_seed(1);
  const Tensor x = Input({10}), e = Input({m}, {.batch_size = 2, .dtype = int64});
  Model model({x, e}, GCNConv(2)({GCNConv(4, {.activation = "tanh"})({x, e}), e}));
  model.compile({.optimizer = optimizers::Adam({.learning_rate = .05}),
                 .loss = losses::SparseCategoricalCrossentropy({.from_logits = true})});
  const BatchSource graph{.batch = [&](std::int64_t, std::int64_t) -> std::optional<Dataset> {
                            return Dataset{{nodes, edges}, side, known};
                          },
                          .steps = 1};
  const History history = model.fit(graph, {.epochs = 60, .verbose = 0});
  CHECK(array_equal(argmax(model(Tensors{nodes, edges})[0], -1), side).item<bool>());
}
