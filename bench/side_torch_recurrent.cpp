// W4 in libtorch: with its Adam and the fused kernel, steps second (as a user has the images) and steps first.
#include "side_parts.hpp"
#include "side_torch.hpp"

namespace bench {

namespace {

/// The weights of the other side: gates stand in another order in GRUs, and the layers are transposed.
at::Tensor gates(std::uint64_t stream, std::int64_t in, const std::vector<std::int64_t>& order) {
  const at::Tensor all = floats(stream, {in, static_cast<std::int64_t>(order.size()) * recurrent_units},
                                recurrent_scale);
  std::vector<at::Tensor> parts;
  for (std::int64_t k : order) parts.push_back(all.slice(1, k * recurrent_units, (k + 1) * recurrent_units));
  return at::cat(parts, 1).t();
}

template <class Recurrent, class Adam>
struct Trained {
  static constexpr bool lstm = std::is_same_v<Recurrent, torch::nn::LSTM>;
  Recurrent recurrent{nullptr};
  torch::nn::Linear dense{recurrent_units, 10};
  std::vector<at::Tensor> weights, x, y;
  std::unique_ptr<Adam> adam;
  std::size_t at = 0;

  /// libtorch's LSTM has two biases, whose steps add up; with one of them left alone it takes Keras's steps.
  explicit Trained(bool steps_first, bool one_bias = false) {
    if constexpr (lstm)
      recurrent = Recurrent(torch::nn::LSTMOptions(recurrent_features, recurrent_units).batch_first(!steps_first));
    else
      recurrent = Recurrent(torch::nn::GRUOptions(recurrent_features, recurrent_units).batch_first(!steps_first));
    const std::vector<std::int64_t> order = lstm ? std::vector<std::int64_t>{0, 1, 2, 3}
                                                 : std::vector<std::int64_t>{1, 0, 2};
    weights = recurrent->parameters();
    for (const at::Tensor& weight : dense->parameters()) weights.push_back(weight);
    {
      const torch::NoGradGuard no_grad;
      weights[0].copy_(gates(0, recurrent_features, order));
      weights[1].copy_(gates(1, recurrent_units, order));
      if (lstm) {
        weights[2].copy_(floats(2, {weights[2].numel()}, recurrent_scale));
        weights[3].zero_();
      } else {
        const at::Tensor both = floats(2, {2, 3, recurrent_units}, recurrent_scale)
                                    .index_select(1, torch::tensor(order, at::kLong)).reshape({2, -1});
        weights[2].copy_(both[0]);
        weights[3].copy_(both[1]);
      }
      weights[4].copy_(floats(3, {recurrent_units, 10}, recurrent_scale).t());
      weights[5].copy_(floats(4, {10}, recurrent_scale));
    }
    if (lstm && one_bias) weights.erase(weights.begin() + 3);
    adam = std::make_unique<Adam>(weights);
    for (std::uint64_t i = 0; i < recurrent_batches; ++i) {
      at::Tensor images = floats(100 + i, {recurrent_rows, recurrent_steps, recurrent_features}, 1);
      x.push_back(steps_first ? images.transpose(0, 1).contiguous() : images);
      y.push_back(label_tensor(500 + i, recurrent_rows));
    }
  }
  double step() {
    at = (at + 1) % x.size();
    adam->zero_grad();
    const at::Tensor out = std::get<0>(recurrent->forward(x[at]));
    const bool first = out.size(0) == recurrent_steps;
    const at::Tensor last = out.select(first ? 0 : 1, recurrent_steps - 1);
    at::Tensor loss = torch::nn::functional::cross_entropy(dense(last), y[at]);
    loss.backward();
    adam->step();
    return loss.template item<double>();
  }
};

template <class Recurrent>
Workload train() {
  auto adam = std::make_shared<Trained<Recurrent, torch::optim::Adam>>(false);
  auto fused = std::make_shared<Trained<Recurrent, FusedAdam>>(false);
  auto first = std::make_shared<Trained<Recurrent, FusedAdam>>(true);
  const auto values = [=] {
    const double memory = peak_memory();
    Trained<Recurrent, torch::optim::Adam> fresh(false, true);
    double loss = 0;
    for (int i = 0; i < 20; ++i) loss = fresh.step();
    return std::vector<std::pair<std::string, double>>{{"loss of step 20", loss}, {"peak MB", memory}};
  };
  return {{{"torch::optim::Adam", [=] { adam->step(); }},
           {"at::_fused_adam_", [=] { fused->step(); }},
           {"at::_fused_adam_, steps first", [=] { first->step(); }}},
          values};
}

}  // namespace

Workload open_recurrent(const std::string& name) {
  if (name == "W4.lstm") return train<torch::nn::LSTM>();
  if (name == "W4.gru") return train<torch::nn::GRU>();
  return {};
}

}  // namespace bench
