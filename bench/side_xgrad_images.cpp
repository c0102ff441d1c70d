// W3, a convolutional network, in xgrad.
#include "side_parts.hpp"

#include <xgrad/graph/capture.hpp>
#include <xgrad/graph/grad.hpp>
#include <xgrad/nn/conv_layers.hpp>
#include <xgrad/nn/losses.hpp>
#include <xgrad/nn/pooling_layers.hpp>
#include <xgrad/nn/sequential.hpp>
#include <xgrad/ops/reduce.hpp>
#include <xgrad/optim/optimizers.hpp>

#include <memory>

namespace bench {

namespace {

using namespace xgrad;

struct Images {
  std::vector<Tensor> x, y;
  std::size_t at = 0;
  Images() {
    for (std::uint64_t i = 0; i < images::batches; ++i) {
      x.push_back(tensor(numbers(100 + i, images::rows * 784, 1), {images::rows, 28, 28, 1}));
      y.push_back(tensor(labels(500 + i, images::rows), {images::rows}));
    }
  }
  void next() { at = (at + 1) % x.size(); }
};

Sequential make_network() {
  Sequential model{Conv2D(32, 3, {.activation = "relu", .input_shape = {28, 28, 1}}), MaxPooling2D(),
                   Conv2D(64, 3, {.activation = "relu"}), MaxPooling2D(), Flatten(), Dropout(.5), Dense(10)};
  std::vector<Tensor> weights;
  std::uint64_t seed = 0;
  for (const NamedParameter& weight : xgrad::weights(model)) {
    const Shape& shape = weight.parameter.shape();
    weights.push_back(tensor(numbers(seed++, shape.size(), shape.rank() > 1 ? images::scale : 0), shape));
  }
  model.set_weights(weights);
  return model;
}

struct Network {
  Sequential model = make_network();
  std::vector<Parameter> weights = parameters(model);
  optimizers::Adam adam{{.learning_rate = 1e-3, .epsilon = 1e-8}};
  Images batches;
  Network() { adam.build(weights); }
  Tensor step_on(const Tensor& x, const Tensor& y) {
    Call call{.training = true};
    const Tensor z = model(x, call);
    const Tensor loss = mean(losses::sparse_categorical_crossentropy(y, z, true));
    adam.minimize(loss, weights);
    return loss;
  }
};

Workload train() {
  auto plain = std::make_shared<Network>(), kept = std::make_shared<Network>();
  const auto step = [=] {
    plain->batches.next();
    plain->step_on(plain->batches.x[plain->batches.at], plain->batches.y[plain->batches.at]).item();
  };
  auto f = std::make_shared<Captured<Function<Tensor(const Tensor&, const Tensor&)>>>(
      capture(Function<Tensor(const Tensor&, const Tensor&)>(
          [kept](const Tensor& x, const Tensor& y) { return kept->step_on(x, y); })));
  const auto captured = [=] {
    kept->batches.next();
    (*f)(kept->batches.x[kept->batches.at], kept->batches.y[kept->batches.at]).item();
  };
  return {{{"layers and optimizers::Adam", step}, {"layers, captured", captured}},
          [] { return std::vector<std::pair<std::string, double>>{{"peak MB", peak_memory()}}; }};
}

Workload forward() {
  auto model = std::make_shared<Sequential>(make_network());
  auto batches = std::make_shared<Images>();
  const auto run = [=] {
    const NoGrad no_grad;
    batches->next();
    const Tensor z = (*model)(batches->x[batches->at]);
    z.eval();
    (void)z.data<float>()[0];
  };
  const auto check = [=] {
    const NoGrad no_grad;
    return std::vector<std::pair<std::string, double>>{{"sum of outputs", sum((*model)(batches->x[0])).item()},
                                                       {"peak MB", peak_memory()}};
  };
  return {{{"no-gradient scope", run}}, check};
}

}  // namespace

Workload open_images(const std::string& name) {
  if (name == "W3.train") return train();
  if (name == "W3.forward") return forward();
  return {};
}

}  // namespace bench
