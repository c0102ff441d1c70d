// W4 in xgrad: a recurrent layer over 28 steps, its last output to Dense, Adam.
#include "side_parts.hpp"

#include <xgrad/graph/capture.hpp>
#include <xgrad/nn/dense.hpp>
#include <xgrad/nn/losses.hpp>
#include <xgrad/nn/recurrent.hpp>
#include <xgrad/nn/sequential.hpp>
#include <xgrad/ops/reduce.hpp>
#include <xgrad/optim/optimizers.hpp>

#include <memory>

namespace bench {

namespace {

using namespace xgrad;

template <class Recurrent>
struct Trained {
  Sequential model{Recurrent(recurrent_units, {.input_shape = {recurrent_steps, recurrent_features}}), Dense(10)};
  std::vector<Parameter> weights = parameters(model);
  optimizers::Adam adam{{.learning_rate = 1e-3, .epsilon = 1e-8}};
  std::vector<Tensor> x, y;
  std::size_t at = 0;

  Trained() {
    std::vector<Tensor> first;
    for (std::uint64_t i = 0; i < weights.size(); ++i) {
      const Shape& shape = weights[i].shape();
      first.push_back(tensor(numbers(i, shape.size(), recurrent_scale), shape));
    }
    model.set_weights(first);
    adam.build(weights);
    for (std::uint64_t i = 0; i < recurrent_batches; ++i) {
      x.push_back(tensor(numbers(100 + i, recurrent_rows * recurrent_steps * recurrent_features, 1),
                         {recurrent_rows, recurrent_steps, recurrent_features}));
      y.push_back(tensor(labels(500 + i, recurrent_rows), {recurrent_rows}));
    }
  }
  Tensor step_on(const Tensor& images, const Tensor& digits) {
    Call call{.training = true};
    const Tensor loss = mean(losses::sparse_categorical_crossentropy(digits, model(images, call), true));
    adam.minimize(loss, weights);
    return loss;
  }
  void next() { at = (at + 1) % x.size(); }
  double step() {
    next();
    return step_on(x[at], y[at]).item();
  }
};

template <class Recurrent>
Workload train() {
  auto recorded = std::make_shared<Trained<Recurrent>>(), other = std::make_shared<Trained<Recurrent>>();
  auto step = [other](const Tensor& x, const Tensor& y) { return other->step_on(x, y); };
  auto f = std::make_shared<Captured<decltype(step)>>(capture(std::move(step)));
  const auto captured = [=] {
    other->next();
    (*f)(other->x[other->at], other->y[other->at]).item();
  };
  const auto values = [=] {
    const double memory = peak_memory();
    Trained<Recurrent> fresh;
    double loss = 0;
    for (int i = 0; i < 20; ++i) loss = fresh.step();
    return std::vector<std::pair<std::string, double>>{{"loss of step 20", loss}, {"peak MB", memory}};
  };
  return {{{"layers and optimizers::Adam", [=] { recorded->step(); }}, {"layers, captured", captured}}, values};
}

}  // namespace

Workload open_recurrent(const std::string& name) {
  if (name == "W4.lstm") return train<LSTM>();
  if (name == "W4.gru") return train<GRU>();
  return {};
}

}  // namespace bench
