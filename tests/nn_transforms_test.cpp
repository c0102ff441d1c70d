// Transforms through whole models and their losses, penalties included.

#include <xgrad/diff/checkpoint.hpp>
#include <xgrad/diff/custom.hpp>
#include <xgrad/diff/gradcheck.hpp>
#include <xgrad/diff/map.hpp>
#include <xgrad/diff/transforms.hpp>
#include <xgrad/diff/vmap.hpp>
#include <xgrad/graph/basic.hpp>
#include <xgrad/graph/capture.hpp>
#include <xgrad/nn/dense.hpp>
#include <xgrad/nn/losses.hpp>
#include <xgrad/nn/sequential.hpp>
#include <xgrad/nn/visit.hpp>
#include <xgrad/ops/elementwise.hpp>
#include <xgrad/ops/indexing.hpp>
#include <xgrad/ops/product.hpp>
#include <xgrad/ops/random.hpp>
#include <xgrad/ops/reduce.hpp>
#include <xgrad/ops/shape.hpp>

#include <catch2/catch.hpp>

#include <cmath>
#include <sstream>

using namespace xgrad;

namespace {

void check_close(const Tensor& found, const Tensor& expected, double tolerance) {
  REQUIRE(to_string(found.shape()) == to_string(expected.shape()));
  const auto a = found.to_vector<double>(), b = expected.to_vector<double>();
  for (std::size_t i = 0; i < a.size(); ++i) {
    INFO("entry " << i << ": " << a[i] << ", expected " << b[i]);
    CHECK(std::fabs(a[i] - b[i]) <= tolerance * std::max(1.0, std::fabs(b[i])));
  }
}

/// A classifier in double precision, with penalties on its weights and on what a layer gives.
struct Job {
  Sequential model{Dense(6, {.activation = "tanh", .kernel_regularizer = regularizers::l2(0.01)}),
                   Dense(3, {.kernel_regularizer = regularizers::l1(0.02),
                             .activity_regularizer = regularizers::l2(0.03)})};
  Tensor x = normal({5, 4}, 0, 1, {.dtype = float64}).eval();
  Tensor y = tensor({0, 2, 1, 1, 0}, {.dtype = int64});

  Tensor loss(const Tensor& inputs, const Tensor& labels) {
    Call call{.training = true};
    const Tensor logits = model(inputs, call);
    Tensor total = mean(losses::sparse_categorical_crossentropy(labels, logits, true));
    for (const Tensor& penalty : penalties(model)) total = total + penalty;
    for (const Tensor& penalty : call.penalties) total = total + penalty;
    return total;
  }
  std::vector<Parameter> weights() {
    loss(x, y);
    return parameters(model);
  }
};

}  // namespace

TEST_CASE("products with the Hessian of a model's loss agree with differences of its gradient") {
  set_random_seed(3);
  Job job;
  const std::vector<Parameter> weights = job.weights();
  REQUIRE(weights.size() == 4);
  std::vector<Tensor> v, before;
  for (const Parameter& w : weights) {
    v.push_back(normal(w.shape(), 0, 1, {.dtype = w.dtype()}).eval());
    before.push_back(w.value());
  }
  const std::vector<Tensor> products = hvp(job.loss(job.x, job.y), std::span(weights), std::span(v));
  eval(products);
  const auto gradient_at = [&](double step) {
    for (std::size_t k = 0; k < weights.size(); ++k) weights[k].assign(before[k] + step * v[k]);
    std::vector<Tensor> g = grad(job.loss(job.x, job.y), std::span(weights));
    eval(g);
    return g;
  };
  const std::vector<Tensor> up = gradient_at(1e-5), down = gradient_at(-1e-5);
  for (std::size_t k = 0; k < weights.size(); ++k) check_close(products[k], (up[k] - down[k]) / 2e-5, 1e-6);
}

TEST_CASE("vmap of a model's gradient gives each example's, penalties included") {
  set_random_seed(4);
  Job job;
  const std::vector<Parameter> weights = job.weights();
  const auto each = [&](const Tensor& row, const Tensor& label) {
    return grad(job.loss(expand_dims(row, 0), expand_dims(label, 0)), std::span(weights));
  };
  const std::vector<Tensor> all = vmap(each)(job.x, job.y);
  for (std::int64_t i = 0; i < 5; ++i) {
    const std::vector<Tensor> one = each(take(job.x, i), take(job.y, i));
    for (std::size_t k = 0; k < weights.size(); ++k) check_close(take(all[k], i), one[k], 1e-13);
  }
}

TEST_CASE("a Jacobian of a model's outputs by a weight is the same in both modes") {
  set_random_seed(5);
  Job job;
  const Parameter kernel = job.weights()[0];
  const Tensor out = job.model(job.x);
  check_close(jacobian(out, kernel, {.mode = JacobianMode::forward}),
              jacobian(out, kernel, {.mode = JacobianMode::reverse}), 1e-13);
}

TEST_CASE("a checkpointed model learns the same bits") {
  const auto trained = [](bool checkpointed) {
    set_random_seed(6);
    Job job;
    const std::vector<Parameter> weights = job.weights();
    for (int step = 0; step < 3; ++step) {
      const auto loss = [&](const Tensor& x) { return job.loss(x, job.y); };
      const Tensor total = checkpointed ? checkpoint(loss, job.x) : loss(job.x);
      const std::vector<Tensor> g = grad(total, std::span(weights));
      for (std::size_t k = 0; k < weights.size(); ++k) weights[k].assign(weights[k] - 0.5 * g[k]);
      weights[0].value().eval();
    }
    return weights[0].value().to_vector<double>();
  };
  CHECK(trained(true) == trained(false));
}

TEST_CASE("user operations pass the gradient check, and a wrong rule is named") {
  const auto f = [](const Tensor& x) { return map<"own_mish">([](auto a) { return a * tanh(softplus(a)); }, x); };
  const Tensor x = normal({7}, 0, 1, {.dtype = float64}).eval();
  const GradcheckReport good = gradcheck(f, {x});
  INFO(good);
  CHECK(good.verdict == Verdict::passed);
  const auto cube = [](double factor) {
    return custom_op<"cube">({.run =
                                  [](std::span<const View> in, const View& out) {
                                    const auto from = elements<const double>(in[0]);
                                    const auto to = elements<double>(out);
                                    for (std::size_t i = 0; i < to.size(); ++i) to[i] = from[i] * from[i] * from[i];
                                  },
                              .reverse = [factor](std::span<const Tensor> in, const Tensor&, const Tensor& g) {
                                return std::vector{factor * g * in[0] * in[0]};
                              }});
  };
  CHECK(gradcheck([&](const Tensor& a) { return sin(cube(3)(a)); }, {x}).verdict == Verdict::passed);
  const GradcheckReport wrong = gradcheck([&](const Tensor& a) { return sin(cube(3.01)(a)); }, {x});
  CHECK(wrong.verdict == Verdict::failed);
  std::ostringstream text;
  text << wrong;
  CHECK(text.str().find("cube") != std::string::npos);
}

TEST_CASE("captured functions may hold user operations") {
  int runs = 0;
  const auto twice = custom_op<"twice">({.run =
                                             [&runs](std::span<const View> in, const View& out) {
                                               ++runs;
                                               const auto from = elements<const double>(in[0]);
                                               const auto to = elements<double>(out);
                                               for (std::size_t i = 0; i < to.size(); ++i) to[i] = 2 * from[i];
                                             },
                                         .reverse = [](std::span<const Tensor>, const Tensor&,
                                                       const Tensor& g) { return std::vector{2 * g}; }});
  const double factor = 3;
  auto step = capture([&](const Tensor& x) {
    const Tensor y = map([factor](auto a) { return factor * a * a; }, twice(x));
    return grad(sum(y), x);
  });
  for (const double at : {1.0, 2.0, 5.0})
    CHECK(step(tensor({at}, {.dtype = float64})).item() == 24 * at);
  CHECK(runs == 3);
}
