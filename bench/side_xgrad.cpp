// The workloads in xgrad, as a user would write them.
#include "side_parts.hpp"

#include <xgrad/data/batches.hpp>
#include <xgrad/data/mnist.hpp>
#include <xgrad/graph/capture.hpp>
#include <xgrad/graph/grad.hpp>
#include <xgrad/nn/losses.hpp>
#include <xgrad/nn/sequential.hpp>
#include <xgrad/ops/activation.hpp>
#include <xgrad/ops/elementwise.hpp>
#include <xgrad/ops/indexing.hpp>
#include <xgrad/ops/product.hpp>
#include <xgrad/ops/reduce.hpp>
#include <xgrad/optim/optimizers.hpp>

#include <cmath>
#include <memory>
#include <stdexcept>

namespace {

using namespace xgrad;
using bench::Variant;
using bench::Workload;

using Sizes = std::vector<std::int64_t>;

/// A captured function that copies of a step share.
template <class F>
auto share_captured(F f) {
  return std::make_shared<Captured<F>>(capture(std::move(f)));
}

/// Inputs and labels that change from step to step.
struct Batches {
  std::vector<Tensor> x, y;
  std::size_t at = 0;
  Batches(std::int64_t rows, std::int64_t columns, std::uint64_t count) {
    for (std::uint64_t i = 0; i < count; ++i) {
      x.push_back(tensor(bench::numbers(100 + i, rows * columns, 2), {rows, columns}));
      y.push_back(tensor(bench::labels(500 + i, rows), {rows}));
    }
  }
  void next() { at = (at + 1) % x.size(); }
};

Tensor kernel(std::uint64_t layer, std::int64_t in, std::int64_t out) {
  return tensor(bench::numbers(layer, in * out, 1 / std::sqrt(static_cast<float>(in))), {in, out});
}

/// Dense layers with relu between them, all weights the same on every side.
Sequential make_model(const Sizes& sizes) {
  Sequential model;
  for (std::size_t i = 0; i + 1 < sizes.size(); ++i) {
    DenseOptions options;
    if (i + 2 < sizes.size()) options.activation = "relu";
    if (i == 0) options.input_shape = {sizes[0]};
    model.add(Dense(sizes[i + 1], options));
  }
  std::vector<Tensor> weights;
  for (std::size_t i = 0; i + 1 < sizes.size(); ++i) {
    weights.push_back(kernel(i, sizes[i], sizes[i + 1]));
    weights.push_back(zeros({sizes[i + 1]}));
  }
  model.set_weights(weights);
  return model;
}

/// Layers, loss and optimizer of the library.
struct Trained {
  Sequential model;
  std::vector<Parameter> weights;
  optimizers::Adam adam{{.learning_rate = 1e-3, .epsilon = 1e-8}};
  Batches batches;
  Trained(const Sizes& sizes, std::int64_t rows, std::uint64_t count)
      : model(make_model(sizes)), weights(parameters(model)), batches(rows, sizes[0], count) {
    adam.build(weights);
  }
  Tensor step_on(const Tensor& x, const Tensor& y) {
    Call call{.training = true};
    const Tensor z = model(x, call);
    const Tensor loss = mean(losses::sparse_categorical_crossentropy(y, z, true));
    adam.minimize(loss, weights);
    return loss;
  }
  double step() {
    batches.next();
    return step_on(batches.x[batches.at], batches.y[batches.at]).item();
  }
};

/// The same from operations alone, with Adam written out.
struct WrittenOut {
  std::vector<Parameter> weights, m, v;
  Batches batches;
  double steps = 0;
  WrittenOut(const Sizes& sizes, std::int64_t rows, std::uint64_t count) : batches(rows, sizes[0], count) {
    for (std::size_t i = 0; i + 1 < sizes.size(); ++i) {
      weights.emplace_back(kernel(i, sizes[i], sizes[i + 1]), "kernel");
      weights.emplace_back(zeros({sizes[i + 1]}), "bias");
    }
    for (const Parameter& weight : weights) {
      m.emplace_back(zeros(weight.shape()), "m", false);
      v.emplace_back(zeros(weight.shape()), "v", false);
    }
  }
  double step() {
    batches.next();
    Tensor h = batches.x[batches.at];
    for (std::size_t i = 0; i < weights.size(); i += 2) {
      h = matmul(h, weights[i]) + weights[i + 1];
      if (i + 2 < weights.size()) h = relu(h);
    }
    const Tensor loss = -mean(sum(one_hot(batches.y[batches.at], 10) * log_softmax(h), -1));
    const std::vector<Tensor> g = grad(loss, std::span<const Parameter>(weights));
    steps += 1;
    const Tensor alpha(1e-3 * std::sqrt(1 - std::pow(.999, steps)) / (1 - std::pow(.9, steps)));
    for (std::size_t i = 0; i < weights.size(); ++i) {
      m[i].assign(m[i].value() * .9 + g[i] * .1);
      v[i].assign(v[i].value() * .999 + square(g[i]) * .001);
      weights[i].assign(weights[i] - alpha * m[i].value() / (sqrt(v[i].value()) + 1e-8));
    }
    return loss.item();
  }
};

Workload train(const Sizes& sizes, std::int64_t rows, std::uint64_t count) {
  auto layers = std::make_shared<Trained>(sizes, rows, count);
  auto formula = std::make_shared<WrittenOut>(sizes, rows, count);
  const auto loss_after = [=] {
    Trained fresh(sizes, rows, count);
    double loss = 0;
    for (int i = 0; i < 20; ++i) loss = fresh.step();
    return std::vector<std::pair<std::string, double>>{{"loss of step 20", loss}};
  };
  auto third = std::make_shared<Trained>(sizes, rows, count);
  auto f = share_captured([third](const Tensor& x, const Tensor& y) { return third->step_on(x, y); });
  const auto captured = [=] {
    Batches& batches = third->batches;
    batches.next();
    (*f)(batches.x[batches.at], batches.y[batches.at]).item();
  };
  return {{{"layers and optimizers::Adam", [=] { layers->step(); }},
           {"written out", [=] { formula->step(); }},
           {"layers, captured", captured}},
          loss_after};
}

Tensor scalar(double value) { return tensor({value}, {.dtype = float64}); }

constexpr int links = 334;  // of three operations each

Tensor chain(const Tensor& t0, const Tensor& a, const Tensor& b) {
  Tensor t = t0;
  for (int i = 0; i < links; ++i) t = tanh(t * a + b);
  return t;
}

std::vector<Tensor> starts() {
  std::vector<Tensor> out;
  for (int i = 0; i < 64; ++i) out.push_back(scalar(.3 + .001 * i));
  return out;
}

Workload record_chain() {
  const Tensor a = scalar(.9), b = scalar(.1);
  const auto record = [=, t0 = starts(), at = 0]() mutable { chain(t0[++at % 64], a, b); };
  return {{{"record", record, 3.0 * links}}};
}

Workload differentiate_chain() {
  const Tensor a = scalar(.9), b = scalar(.1);
  const auto run = [=](const Tensor& t0) {
    const Tensor t = chain(t0, a, b);
    const auto [dt, da, db] = grad(t, {t0, a, b});
    eval({t, dt, da, db});
    return t.item() + da.item() + db.item();
  };
  const auto check = [=] {
    return std::vector<std::pair<std::string, double>>{{"y + dy/da + dy/db", run(scalar(.3))}};
  };
  auto f = share_captured([=](const Tensor& t0) {
    const Tensor t = chain(t0, a, b);
    const auto [dt, da, db] = grad(t, {t0, a, b});
    return std::array<Tensor, 4>{t, dt, da, db};
  });
  const auto captured = [=, t0 = starts(), at = 0]() mutable {
    const auto [t, dt, da, db] = (*f)(t0[++at % 64]);
    return t.item() + da.item() + db.item();
  };
  return {{{"grad", [=, t0 = starts(), at = 0]() mutable { run(t0[++at % 64]); }, 3.0 * links},
           {"grad, captured", captured, 3.0 * links}},
          check};
}

/// sigmoid(w2 sigmoid(w1 x + b1) + b2), trained towards .25 by gradient descent.
struct TwoNeurons {
  Parameter w1{scalar(.15)}, b1{scalar(.40)}, w2{scalar(.45)}, b2{scalar(.90)};
  std::vector<Parameter> weights{w1, b1, w2, b2};
  optimizers::SGD sgd{{.learning_rate = .4}};
  std::vector<Tensor> xs;
  std::size_t at = 0;
  TwoNeurons() {
    for (int i = 0; i < 64; ++i) xs.push_back(scalar(.1 + .001 * i));
  }
  Tensor error_on(const Tensor& x) {
    const Tensor a2 = sigmoid(w2 * sigmoid(w1 * x + b1) + b2);
    return .5 * square(.25 - a2);
  }
  Tensor error() { return error_on(next()); }
  const Tensor& next() { return xs[at++ % 64]; }
  double layers() {
    const Tensor e = error();
    sgd.minimize(e, weights);
    return e.item();
  }
  double written_out() {
    const Tensor e = error();
    const auto [dw1, db1, dw2, db2] = grad(e, {w1, b1, w2, b2});
    w1.assign(w1 - .4 * dw1);
    b1.assign(b1 - .4 * db1);
    w2.assign(w2 - .4 * dw2);
    b2.assign(b2 - .4 * db2);
    return e.item();
  }
};

Workload two_neurons() {
  auto layers = std::make_shared<TwoNeurons>(), formula = std::make_shared<TwoNeurons>();
  const auto check = [] {
    TwoNeurons fresh;
    double error = 0;
    for (int i = 0; i < 20; ++i) error = fresh.layers();
    return std::vector<std::pair<std::string, double>>{{"error of step 20", error}};
  };
  auto third = std::make_shared<TwoNeurons>();
  auto f = share_captured([third](const Tensor& x) {
    const Tensor e = third->error_on(x);
    third->sgd.minimize(e, third->weights);
    return e;
  });
  return {{{"optimizers::SGD", [=] { layers->layers(); }},
           {"written out", [=] { formula->written_out(); }},
           {"optimizers::SGD, captured", [=] { (*f)(third->next()).item(); }}},
          check};
}

/// One epoch a step.
struct FashionMnist {
  data::MnistData images = data::load_fashion_mnist();
  Sequential model{Flatten({.input_shape = {28, 28}}), Rescaling(1.0 / 255), Dense(128, {.activation = "relu"}),
                   Dropout(.2), Dense(10)};
  int epochs = 0;
  FashionMnist() {
    model.compile({.optimizer = optimizers::Adam(1e-3),
                   .loss = losses::SparseCategoricalCrossentropy({.from_logits = true}),
                   .metrics = {"accuracy"}});
  }
  void epoch() {
    model.fit(images.train.images, images.train.labels,
              {.batch_size = 128, .epochs = epochs + 1, .verbose = 0, .initial_epoch = epochs});
    ++epochs;
  }
  double accuracy() {
    const Tensor z = model.predict(images.test.images, {.batch_size = 1000});
    return mean(cast(equal(argmax(z, -1), cast(images.test.labels, int64)), float64)).item();
  }
};

Workload fashion_mnist() {
  set_random_seed(1);
  auto job = std::make_shared<FashionMnist>();
  const auto values = [=] {
    const double memory = bench::peak_memory();
    return std::vector<std::pair<std::string, double>>{{"test accuracy", job->accuracy()}, {"peak MB", memory}};
  };
  return {{{"fit", [=] { job->epoch(); }}}, values};
}

Workload one_image() {
  auto model = std::make_shared<Sequential>(make_model({784, 128, 10}));
  auto batches = std::make_shared<Batches>(1, 784, 64);
  const auto run = [=] {
    const NoGrad no_grad;
    batches->next();
    const Tensor z = (*model)(batches->x[batches->at]);
    z.eval();
    (void)z.data<float>()[0];
  };
  const auto check = [=] {
    const NoGrad no_grad;
    return std::vector<std::pair<std::string, double>>{{"first output", sum((*model)(batches->x[0])).item()}};
  };
  auto f = share_captured([=](const Tensor& x) { return (*model)(x); });
  const auto captured = [=] {
    const NoGrad no_grad;
    batches->next();
    const Tensor z = (*f)(batches->x[batches->at]);
    (void)z.data<float>()[0];
  };
  return {{{"no-gradient scope", run}, {"captured", captured}}, check};
}

Workload open(const std::string& name) {
  if (name == "W1") return train({784, 128, 10}, 32, 64);
  if (name == "W2") return train({784, 1024, 1024, 10}, 256, 16);
  if (name == "W5") return bench::open_transformer();
  if (name == "W7.record") return record_chain();
  if (name == "W7.chain") return differentiate_chain();
  if (name == "W7.neurons") return two_neurons();
  if (name == "W11") return fashion_mnist();
  if (name == "W13") return one_image();
  if (Workload formula = bench::open_formula(name); !formula.variants.empty()) return formula;
  if (Workload network = bench::open_images(name); !network.variants.empty()) return network;
  if (Workload recurrent = bench::open_recurrent(name); !recurrent.variants.empty()) return recurrent;
  throw std::runtime_error("no workload is called '" + name + "'");
}

}  // namespace

int main(int count, char** words) { return bench::side_main(count, words, open); }
