// W5 in xgrad: two encoder layers and their training step.
#include "side_parts.hpp"

#include <xgrad/graph/capture.hpp>
#include <xgrad/nn/attention_layers.hpp>
#include <xgrad/nn/dense.hpp>
#include <xgrad/nn/dropout.hpp>
#include <xgrad/nn/losses.hpp>
#include <xgrad/nn/normalization.hpp>
#include <xgrad/ops/reduce.hpp>
#include <xgrad/optim/optimizers.hpp>

#include <cmath>
#include <memory>

namespace {

using namespace xgrad;
using namespace bench::transformer;

/// One layer with dropout wherever PyTorch's has it: on the weights of attention, in the feed-forward part, behind
/// both.
struct EncoderLayer {
  MultiHeadAttention attention;
  Dropout after_attention, inside, after;
  LayerNormalization norm{{.epsilon = 1e-5}}, last_norm{{.epsilon = 1e-5}};
  Dense up{inner, {.activation = "gelu"}}, down{width};
  explicit EncoderLayer(double rate)
      : attention(heads, width / heads, {.dropout = rate}), after_attention(rate), inside(rate), after(rate) {}
  Tensor operator()(const Tensor& x, Call& call) const {
    const Tensor h = norm(x + after_attention(attention(x, x, {}, call), call), call);
    return last_norm(h + after(down(inside(up(h, call), call), call), call), call);
  }
  void each(Visit visit) {
    visit("attention", attention);
    visit("norm", norm);
    visit("up", up);
    visit("down", down);
    visit("last_norm", last_norm);
    visit("after_attention", after_attention);
    visit("inside", inside);
    visit("after", after);
  }
};

struct Net {
  std::vector<EncoderLayer> layers;
  Dense output{classes};
  explicit Net(double rate) : layers{EncoderLayer(rate), EncoderLayer(rate)} {}
  Tensor operator()(const Tensor& x, Call& call) const {
    Tensor h = x;
    for (const EncoderLayer& layer : layers) h = layer(h, call);
    return output(mean(h, 1), call);
  }
  void each(Visit visit) {
    visit("layers", layers);
    visit("output", output);
  }
};

struct Training {
  Net net;
  std::vector<Parameter> weights;
  optimizers::Adam adam{{.learning_rate = 1e-3, .epsilon = 1e-8}};
  std::vector<Tensor> x, y;
  std::size_t at = 0;
  explicit Training(double rate) : net(rate) {
    for (std::uint64_t i = 0; i < batches; ++i) {
      x.push_back(tensor(bench::numbers(100 + i, rows * positions * width, 2), {rows, positions, width}));
      y.push_back(tensor(bench::labels(500 + i, rows), {rows}));
    }
    Call call;
    net(x[0], call);
    std::uint64_t stream = 0;
    for (NamedParameter& weight : xgrad::weights(net)) {
      Parameter& p = weight.parameter;
      if (p.shape().rank() == 1 || weight.name.ends_with("bias")) continue;
      const std::int64_t in = weight.name.ends_with("attention_output/kernel") ? width : p.shape()[0];
      p.assign(tensor(bench::numbers(stream++, p.size(), 1 / std::sqrt(static_cast<float>(in))), p.shape()));
    }
    weights = parameters(net);
    adam.build(weights);
    eval({});
  }
  Tensor step_on(const Tensor& x_batch, const Tensor& y_batch) {
    Call call{.training = true};
    const Tensor loss = mean(losses::sparse_categorical_crossentropy(y_batch, net(x_batch, call), true));
    adam.minimize(loss, weights);
    return loss;
  }
  double step() {
    at = (at + 1) % x.size();
    return step_on(x[at], y[at]).item();
  }
};

}  // namespace

bench::Workload bench::open_transformer() {
  auto plain = std::make_shared<Training>(dropout), third = std::make_shared<Training>(dropout);
  auto f = std::make_shared<Captured<std::function<Tensor(const Tensor&, const Tensor&)>>>(
      capture(std::function<Tensor(const Tensor&, const Tensor&)>(
          [third](const Tensor& x, const Tensor& y) { return third->step_on(x, y); })));
  const auto captured = [=] {
    third->at = (third->at + 1) % third->x.size();
    (*f)(third->x[third->at], third->y[third->at]).item();
  };
  const auto values = [] {
    const double memory = peak_memory();
    Training fresh(0);
    double loss = 0;
    for (int i = 0; i < 10; ++i) loss = fresh.step();
    return std::vector<std::pair<std::string, double>>{{"loss of step 10 without dropout", loss}, {"peak MB", memory}};
  };
  return {{{"layers and optimizers::Adam", [=] { plain->step(); }}, {"layers, captured", captured}}, values};
}
