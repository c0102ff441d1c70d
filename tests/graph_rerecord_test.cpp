#include "planned.hpp"

#include <xgrad/graph/grad.hpp>
#include <xgrad/graph/parameter.hpp>
#include <xgrad/graph/rerecord.hpp>
#include <xgrad/ops/activation.hpp>
#include <xgrad/ops/elementwise.hpp>
#include <xgrad/ops/indexing.hpp>
#include <xgrad/ops/product.hpp>
#include <xgrad/ops/random.hpp>
#include <xgrad/ops/reduce.hpp>
#include <xgrad/ops/shape.hpp>

#include <catch2/catch.hpp>

#include <cstring>

using namespace xgrad;

namespace {

const Planned planned;

std::vector<double> numbers(std::int64_t count, int seed) {
  std::vector<double> result;
  for (std::int64_t i = 0; i < count; ++i) result.push_back(static_cast<double>((i * 37 + seed * 11) % 101) / 50 - 1);
  return result;
}

Tensor made(const Shape& shape, DType dtype, int seed) {
  return tensor(numbers(shape.size(), seed), shape, {.dtype = dtype});
}

/// The same bits, shape and dtype.
bool same(const Tensor& a, const Tensor& b) {
  if (!(a.shape() == b.shape()) || a.dtype() != b.dtype()) return false;
  return with_dtype(a.dtype(), [&]<class T>(T) {
    return std::memcmp(a.data<T>().data(), b.data<T>().data(), a.data<T>().size_bytes()) == 0;
  });
}

struct Mlp {
  Tensor w1, b1, w2, b2;
  explicit Mlp(DType dtype)
      : w1(made({6, 9}, dtype, 1)), b1(made({9}, dtype, 2)), w2(made({9, 4}, dtype, 3)), b2(made({4}, dtype, 4)) {}
  std::vector<Tensor> leaves() const { return {w1, b1, w2, b2}; }

  /// The loss and its gradients by the weights.
  std::vector<Tensor> operator()(const Tensor& x, const Tensor& labels) const {
    Generator generator(9);
    const Tensor h = relu(matmul(x, w1) + b1);
    const Tensor logits = matmul(h * bernoulli_like(h, 0.8, &generator) / 0.8, w2) + b2;
    const Tensor hot = one_hot(labels, 4, x.dtype());
    const Tensor loss = -mean(sum(hot * log_softmax(logits), -1)) + 1e-3 * mean(square(var(logits, 0)));
    std::vector<Tensor> result = grad(loss, std::span<const Tensor>(leaves()));
    result.push_back(loss);
    result.push_back(softmax(logits));
    return result;
  }
};

Tensor labels(std::int64_t n) {
  std::vector<std::int64_t> values;
  for (std::int64_t i = 0; i < n; ++i) values.push_back(i * 7 % 4);
  return tensor(values, {n});
}

}  // namespace

TEST_CASE("a graph recorded again with another batch size is what recording afresh gives, bit for bit") {
  const Mlp model(float32);
  const Tensor x = made({5, 6}, float32, 5), y = labels(5);
  const std::vector<Tensor> graph = model(x, y);
  for (const std::int64_t rows : {1, 3, 5, 8, 70}) {
    const Tensor other = made({rows, 6}, float32, 6), with = labels(rows);
    const Substitution both[] = {{x, other}, {y, with}};
    const std::vector<Tensor> again = rerecord(std::span<const Tensor>(graph), both);
    const std::vector<Tensor> afresh = model(other, with);
    for (std::size_t k = 0; k < graph.size(); ++k) {
      CAPTURE(rows, k);
      CHECK(same(again[k], afresh[k]));
    }
  }
}

TEST_CASE("a float32 graph recorded again in float64 is the float64 recording, bit for bit") {
  const Mlp small(float32), large(float64);
  const Tensor x = made({5, 6}, float32, 5), x64 = made({5, 6}, float64, 5), y = labels(5);
  const auto graph_of = [&](const Mlp& m, const Tensor& in) {
    const Tensor h = sigmoid(matmul(in, m.w1) + m.b1);
    const Tensor logits = (matmul(h, m.w2) + m.b2) * 0.3 + 1.0 / 3;
    const Tensor loss = mean(logsumexp(logits, -1)) + 0.1 * sum(square(m.w1)) + xgrad::std(logits);
    std::vector<Tensor> result = grad(loss, std::span<const Tensor>(m.leaves()));
    const Tensor second = grad(sum(square(result[0])), m.w2);
    result.push_back(loss);
    result.push_back(second);
    return result;
  };
  const std::vector<Tensor> graph = graph_of(small, x);
  std::vector<Substitution> all{{x, x64}};
  for (std::size_t k = 0; k < 4; ++k) all.push_back({small.leaves()[k], large.leaves()[k]});
  const std::vector<Tensor> again = rerecord(std::span<const Tensor>(graph), all);
  const std::vector<Tensor> afresh = graph_of(large, x64);
  for (std::size_t k = 0; k < graph.size(); ++k) {
    CAPTURE(k);
    CHECK(again[k].dtype() == float64);
    CHECK(same(again[k], afresh[k]));
  }
}

TEST_CASE("constants shaped like a tensor take its new dtype when they are recorded again") {
  const Tensor x = made({3}, float32, 1), x64 = made({3}, float64, 1);
  const auto graph_of = [](const Tensor& in) { return ones_like(in) * 0.1 + zeros_like(in) / 3.0 + count(in) * 0.7; };
  CHECK(same(rerecord(graph_of(x), {{x, x64}}), graph_of(x64)));
  CHECK(rerecord(ones_like(x), {{x, x64}}).dtype() == float64);
}

TEST_CASE("draws keep their numbers when they are recorded again") {
  Generator generator(4);
  const Tensor x = made({3, 4}, float32, 1), noise = normal({3, 4}, 0, 1, {.generator = &generator});
  Tensor y = uniform_like(x, &generator);
  y = x * noise + y;
  const Tensor other = made({3, 4}, float32, 2);
  const Tensor again = rerecord(y, {{x, other}});
  Generator same_seed(4);
  const Tensor same_noise = normal({3, 4}, 0, 1, {.generator = &same_seed});
  const Tensor expected = other * same_noise + uniform_like(other, &same_seed);
  CHECK(same(again, expected));
  CHECK(generator == same_seed);
}

TEST_CASE("what depends on no substitution stays the node it is, computed or not") {
  const Tensor a = tensor({1, 2}), b = tensor({3, 4});
  const Tensor kept = exp(a), y = kept * b;
  const Tensor again = rerecord(y, {{b, tensor({5, 6})}});
  CHECK(rerecord(kept, {{b, tensor({5, 6})}}).node() == kept.node());
  CHECK_FALSE(kept.computed());
  again.eval();
  CHECK(again.to_vector<float>()[0] == Approx(5 * std::exp(1.0)));
}

TEST_CASE("an interior value can be replaced, and names go with the graph") {
  const Tensor x = tensor({1, 2});
  const Tensor h = (exp(x)).named("h"), y = (h * h + x).named("y");
  const Tensor again = rerecord(y, {{h, tensor({3, 4})}});
  CHECK(again.to_vector<float>() == std::vector<float>{10, 18});
  CHECK(again.name() == "y");
}

TEST_CASE("recording again reports shapes that do not fit and undefined tensors") {
  const Tensor x = tensor({1, 2}), y = x * tensor({3, 4});
  CHECK_THROWS_AS(rerecord(y, {{x, tensor({1, 2, 3})}}), ShapeError);
  CHECK_THROWS_AS(rerecord(y, {{x, Tensor()}}), ValueError);
  CHECK_THROWS_AS(rerecord(Tensor(), {}), ValueError);
}

TEST_CASE("recording again through a history that has ended is an error") {
  const Parameter w(tensor({1, 2}), "w");
  const Tensor x = tensor({3, 4}), y = sum(w * x);
  w.assign(w * 2);
  w.value().eval();
  CHECK_THROWS_AS(rerecord(y, {{x, tensor({5, 6})}}), GradientError);
}
