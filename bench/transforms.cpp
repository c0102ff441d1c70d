// What transforms cost: a product with a Hessian against one gradient, and a Jacobian of 100 outputs by one batched
// pass against 100 passes. bench/transforms_torch.py does the same with torch.func.

#include <xgrad/diff/transforms.hpp>
#include <xgrad/diff/vmap.hpp>
#include <xgrad/graph/basic.hpp>
#include <xgrad/kernels/pool.hpp>
#include <xgrad/nn/losses.hpp>
#include <xgrad/ops/activation.hpp>
#include <xgrad/ops/elementwise.hpp>
#include <xgrad/ops/indexing.hpp>
#include <xgrad/ops/product.hpp>
#include <xgrad/ops/reduce.hpp>

#include "side.hpp"

#include <cmath>
#include <cstdio>

using namespace xgrad;

namespace {

Tensor floats(std::uint64_t seed, const Shape& shape, float scale) {
  std::vector<float> values(static_cast<std::size_t>(shape.size()));
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = bench::number(seed, i, scale);
  return tensor(values, shape).eval();
}

struct Way {
  const char* name;
  std::function<void()> step;
  std::vector<double> times = {};
};

/// Runs the ways in turns, so that what disturbs one disturbs all, and prints their best and median times.
void measure(const char* title, std::vector<Way> ways, int rounds) {
  for (Way& way : ways)
    for (int i = 0; i < 5; ++i) way.step();
  for (int i = 0; i < rounds; ++i)
    for (Way& way : ways) {
      const double start = bench::now();
      way.step();
      way.times.push_back(bench::now() - start);
    }
  std::printf("%s\n", title);
  for (Way& way : ways) {
    std::sort(way.times.begin(), way.times.end());
    std::sort(ways[0].times.begin(), ways[0].times.end());
    const auto median = [](const std::vector<double>& t) { return t[t.size() / 2]; };
    std::printf("  %-44s best %9.1f us  median %9.1f us  as multiples of the first %5.2f %5.2f\n", way.name,
                1e6 * way.times[0], 1e6 * median(way.times), way.times[0] / ways[0].times[0],
                median(way.times) / median(ways[0].times));
  }
}

void hessian_product() {
  const Parameter w1(floats(0, {784, 128}, 1 / 28.0f), "w1"), b1(zeros({128}), "b1");
  const Parameter w2(floats(1, {128, 10}, 1 / std::sqrt(128.0f)), "w2"), b2(zeros({10}), "b2");
  const Parameter weights[] = {w1, b1, w2, b2};
  const Tensor x = floats(2, {32, 784}, 1);
  std::vector<std::int64_t> numbers(32);
  for (std::size_t i = 0; i < 32; ++i) numbers[i] = static_cast<std::int64_t>(i * 7 % 10);
  const Tensor y = tensor(numbers, Shape{32}).eval();
  std::vector<Tensor> along;
  for (const Parameter& w : weights) along.push_back(floats(7, w.shape(), 1));
  const auto loss = [&] {
    const Tensor h = relu(matmul(x, w1) + b1);
    return mean(losses::sparse_categorical_crossentropy(y, matmul(h, w2) + b2, true));
  };
  measure("W9: 784-128-10, batch 32, softmax cross-entropy, one thread",
          {{"one gradient", [&] { eval(grad(loss(), std::span(weights))); }},
           {"hvp: forward over reverse", [&] { eval(hvp(loss(), std::span(weights), std::span(along))); }},
           {"reverse over reverse",
            [&] {
              const std::vector<Tensor> g = grad(loss(), std::span(weights));
              Tensor total = sum(g[0] * along[0]);
              for (std::size_t i = 1; i < 4; ++i) total = total + sum(g[i] * along[i]);
              eval(grad(total, std::span(weights)));
            }}},
          1000);
}

void jacobian_of_100() {
  const Tensor x = floats(3, {200}, 1), w1 = floats(4, {200, 256}, 0.1f), w2 = floats(5, {256, 100}, 0.1f);
  const auto f = [&](const Tensor& t) { return tanh(matmul(tanh(matmul(t, w1)), w2)); };
  const auto backward = [&](JacobianMode mode) { jacobian(f, 0, {.mode = mode})(x).eval(); };
  measure("Jacobian of 100 outputs by 200 inputs, tanh(tanh(x W1) W2), one thread",
          {{"reverse, one batched pass", [&] { backward(JacobianMode::reverse); }},
           {"forward, one batched pass", [&] { backward(JacobianMode::forward); }},
           {"100 backward passes",
            [&] {
              const Tensor y = f(x);
              std::vector<Tensor> rows;
              for (std::int64_t i = 0; i < 100; ++i) {
                std::vector<float> unit(100);
                unit[static_cast<std::size_t>(i)] = 1;
                rows.push_back(grad(y, x, {.seed = tensor(unit, Shape{100})}));
              }
              eval(rows);
            }}},
          200);
}

void per_example() {
  const Tensor w1 = floats(0, {784, 128}, 1 / 28.0f), w2 = floats(1, {128, 10}, 0.08f), x = floats(2, {32, 784}, 1);
  std::vector<std::int64_t> numbers(32);
  for (std::size_t i = 0; i < 32; ++i) numbers[i] = static_cast<std::int64_t>(i * 7 % 10);
  const Tensor y = tensor(numbers, Shape{32}).eval();
  const auto loss = [&](const Tensor& image, const Tensor& label) {
    return losses::sparse_categorical_crossentropy(label, matmul(relu(matmul(image, w1)), w2), true);
  };
  const auto each = [&](const Tensor& image, const Tensor& label) { return grad(loss(image, label), {w1, w2}); };
  measure("gradients of each of 32 examples, 784-128-10, one thread",
          {{"vmap of a gradient", [&] {
              const auto [a, b] = vmap(each)(x, y);
              eval({a, b});
            }},
           {"one example after the other", [&] {
              std::vector<Tensor> all;
              for (std::int64_t i = 0; i < 32; ++i)
                for (const Tensor& g : each(take(x, i), take(y, i))) all.push_back(g);
              eval(all);
            }}},
          100);
}

}  // namespace

int main() {
  kernels::set_num_threads(1);
  hessian_product();
  jacobian_of_100();
  per_example();
}
