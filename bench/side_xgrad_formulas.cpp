// Formulas in xgrad: an elementwise chain, products, a Hessian's product, Adam, losses and normalisations. All of it is
// composed of operations. Every step takes other inputs, computes all results and looks at one number of each.
#include "side_parts.hpp"

#include <xgrad/diff/transforms.hpp>
#include <xgrad/graph/grad.hpp>
#include <xgrad/nn/losses.hpp>
#include <xgrad/ops/activation.hpp>
#include <xgrad/ops/elementwise.hpp>
#include <xgrad/ops/product.hpp>
#include <xgrad/ops/reduce.hpp>
#include <xgrad/ops/shape.hpp>
#include <xgrad/optim/optimizers.hpp>

#include <cmath>
#include <memory>

namespace {

using namespace xgrad;
using bench::Workload;
using Values = std::vector<std::pair<std::string, double>>;

Tensor floats(std::uint64_t seed, const Shape& shape, float scale, DType dtype = float32) {
  return tensor(bench::numbers(seed, shape.size(), scale), shape, {.dtype = dtype});
}

/// Tensors that are used in turn.
struct Turns {
  std::vector<Tensor> all;
  std::size_t at = 0;
  Turns(std::uint64_t seed, const Shape& shape, float scale, DType dtype = float32) {
    for (std::uint64_t i = 0; i < bench::turns(shape.size()); ++i) all.push_back(floats(seed + i, shape, scale, dtype));
  }
  const Tensor& next() { return all[at++ % all.size()]; }
};

double first(const Tensor& t) { return static_cast<double>(t.data<float>()[0]); }

double total(std::span<const Tensor> tensors) {
  Tensor all = 0.0;
  for (const Tensor& t : tensors) all += sum(square(cast(t, float64)));
  return all.item();
}

Workload elementwise(std::int64_t n) {
  struct Job {
    Turns x;
    Tensor w, b;
    std::array<Tensor, 4> run(const Tensor& x_now) {
      const Tensor y = sum(tanh(x_now * w + b) * exp(-x_now * x_now));
      const auto [dx, dw, db] = grad(y, {x_now, w, b});
      eval({y, dx, dw, db});
      return {y, dx, dw, db};
    }
  };
  auto job = std::make_shared<Job>(Job{{100, {n}, 1}, floats(1, {n}, 1), floats(2, {n}, 1)});
  const auto step = [=] {
    const auto [y, dx, dw, db] = job->run(job->x.next());
    return y.item() + first(dx) + first(dw) + first(db);
  };
  const auto check = [=] {
    const auto all = job->run(job->x.all[0]);
    return Values{{"y", all[0].item()}, {"squares of the gradients", total(std::span(all).subspan(1))}};
  };
  return {{{"grad", step}}, check};
}

Workload product(std::int64_t n, DType dtype) {
  auto a = std::make_shared<Turns>(100, Shape{n, n}, 1.0f, dtype);
  const Tensor b = floats(1, {n, n}, 1, dtype);
  const auto step = [=] {
    const NoGrad no_grad;
    const Tensor c = matmul(a->next(), b);
    c.eval();
    if (dtype == float32) (void)c.data<float>()[0];
    else (void)c.data<double>()[0];
  };
  const auto check = [=] {
    return Values{{"a . b, squares", total(std::vector<Tensor>{matmul(a->all[0], b)})}};
  };
  return {{{"matmul", step}}, check};
}

/// The Hessian of the loss of a 784-128-10 network, multiplied by a vector.
struct Curvature {
  std::vector<Parameter> weights;
  std::vector<Turns> directions;
  std::vector<Tensor> x, y;
  std::size_t at = 0;
  Curvature() {
    weights.emplace_back(floats(0, {784, 128}, 1 / 28.0f), "kernel");
    weights.emplace_back(zeros({128}), "bias");
    weights.emplace_back(floats(1, {128, 10}, 1 / std::sqrt(128.0f)), "kernel");
    weights.emplace_back(zeros({10}), "bias");
    for (std::uint64_t i = 0; i < weights.size(); ++i) directions.emplace_back(900 + 20 * i, weights[i].shape(), 1.0f);
    for (std::uint64_t i = 0; i < 16; ++i) {
      x.push_back(floats(100 + i, {32, 784}, 2));
      y.push_back(tensor(bench::labels(500 + i, 32), {32}));
    }
  }
  std::vector<Tensor> run(bool forward = false) {
    const Tensor h = relu(matmul(x[at % 16], weights[0]) + weights[1]);
    const Tensor z = matmul(h, weights[2]) + weights[3];
    const Tensor loss = mean(losses::sparse_categorical_crossentropy(y[at++ % 16], z, true));
    if (forward) {
      std::vector<Tensor> vectors;
      for (Turns& direction : directions) vectors.push_back(direction.next());
      std::vector<Tensor> products = hvp(loss, std::span<const Parameter>(weights), vectors);
      eval(products);
      return products;
    }
    const std::vector<Tensor> g = grad(loss, std::span<const Parameter>(weights));
    Tensor along = 0.0;
    for (std::size_t i = 0; i < g.size(); ++i) along += sum(g[i] * directions[i].next());
    std::vector<Tensor> products = grad(along, std::span<const Parameter>(weights));
    eval(products);
    return products;
  }
};

Workload hessian() {
  auto job = std::make_shared<Curvature>();
  const auto step = [=](bool forward) {
    double looked_at = 0;
    for (const Tensor& t : job->run(forward)) looked_at += first(t);
    return looked_at;
  };
  const auto check = [] {
    return Values{{"squares of H v", total(Curvature().run())}, {"by hvp", total(Curvature().run(true))}};
  };
  return {{{"grad of grad", [=] { step(false); }}, {"hvp", [=] { step(true); }}}, check};
}

struct Weights {
  std::vector<Parameter> weights;
  std::vector<std::vector<Tensor>> gradients;
  optimizers::Adam adam{{.learning_rate = 1e-3, .epsilon = 1e-8}};
  std::size_t at = 0;
  Weights() {
    const Shape shape{bench::adam_rows, bench::adam_rows};
    for (std::uint64_t i = 0; i < bench::adam_tensors; ++i) weights.emplace_back(floats(i, shape, 1), "w");
    for (std::uint64_t turn = 0; turn < 3; ++turn) {
      gradients.emplace_back();
      for (std::uint64_t i = 0; i < bench::adam_tensors; ++i)
        gradients.back().push_back(floats(100 * (turn + 1) + i, shape, 1));
    }
    adam.build(weights);
  }
  double step() {
    adam.apply(weights, gradients[at++ % gradients.size()]);
    return slice(weights.back(), {{0, 1}, {0, 1}}).item();
  }
};

Workload adam() {
  auto job = std::make_shared<Weights>();
  const auto check = [] {
    Weights fresh;
    double last = 0;
    for (int i = 0; i < 5; ++i) last = fresh.step();
    return Values{{"a weight after step 5", last}};
  };
  return {{{"optimizers::Adam", [=] { job->step(); }}}, check};
}

const Shape table{bench::table_rows, bench::table_columns};

Workload softmax_loss() {
  struct Job {
    Turns z{100, table, 2};
    std::vector<Tensor> labels;
    std::size_t at = 0;
    std::array<Tensor, 2> run() {
      const Tensor& now = z.all[at % z.all.size()];
      const Tensor loss = mean(losses::sparse_categorical_crossentropy(labels[at++ % 3], now, true));
      const Tensor dz = grad(loss, now);
      eval({loss, dz});
      return {loss, dz};
    }
  };
  auto job = std::make_shared<Job>();
  for (std::uint64_t i = 0; i < 3; ++i)
    job->labels.push_back(tensor(bench::labels(500 + i, bench::table_rows), {bench::table_rows}));
  const auto step = [=] {
    const auto [loss, dz] = job->run();
    return loss.item() + first(dz);
  };
  const auto check = [=] {
    job->at = 0;
    const auto all = job->run();
    return Values{{"loss", all[0].item()}, {"squares of the gradient", total(std::span(all).subspan(1))}};
  };
  return {{{"losses::sparse_categorical_crossentropy", step}}, check};
}

/// (x - mean) / sqrt(variance + 1e-5) * gamma + beta over an axis, with an incoming gradient.
struct Normalised {
  Turns x{100, table, 2};
  Tensor incoming = floats(1, table, 1);
  Parameter gamma{ones({bench::table_columns})}, beta{zeros({bench::table_columns})};
  Parameter moving_mean{zeros({bench::table_columns}), "moving_mean", false};
  Parameter moving_variance{ones({bench::table_columns}), "moving_variance", false};
  int axis;
  explicit Normalised(int axis) : axis(axis) {}

  std::array<Tensor, 4> run() {
    const Tensor& now = x.next();
    const Tensor m = mean(now, axis, true);
    const Tensor v = mean(square(now - m), axis, true);
    const Tensor y = (now - m) / sqrt(v + 1e-5) * gamma + beta;
    const auto [dx, dgamma, dbeta] = grad(y, {now, gamma, beta}, {.seed = incoming});
    if (axis == 0) {
      const double rows = bench::table_rows;
      moving_mean.assign(.9 * moving_mean.value() + .1 * reshape(m, {-1}));
      moving_variance.assign(.9 * moving_variance.value() + (.1 * rows / (rows - 1)) * reshape(v, {-1}));
    }
    eval({y, dx, dgamma, dbeta});
    return {y, dx, dgamma, dbeta};
  }
};

Workload normalise(int axis) {
  auto job = std::make_shared<Normalised>(axis);
  const auto step = [=] {
    double looked_at = 0;
    for (const Tensor& t : job->run()) looked_at += first(t);
    return looked_at;
  };
  const auto check = [=] {
    Normalised fresh(axis);
    const auto all = fresh.run();
    Values values{{"squares of y", total(std::span(all).first(1))},
                  {"squares of the gradients", total(std::span(all).subspan(1))}};
    const std::vector<Tensor> moving{fresh.moving_mean.value(), fresh.moving_variance.value()};
    if (axis == 0) values.push_back({"squares of the moving averages", total(moving)});
    return values;
  };
  return {{{"formula", step}}, check};
}

}  // namespace

bench::Workload bench::open_formula(const std::string& name) {
  if (const std::int64_t n = number_after(name, "W6."); n > 0) return elementwise(n);
  if (const std::int64_t n = number_after(name, "W8.float32."); n > 0) return product(n, float32);
  if (const std::int64_t n = number_after(name, "W8.float64."); n > 0) return product(n, float64);
  if (name == "W9") return hessian();
  if (name == "W12.adam") return adam();
  if (name == "W12.softmax") return softmax_loss();
  if (name == "W12.layernorm") return normalise(1);
  if (name == "W12.batchnorm") return normalise(0);
  return {};
}
