// W3, a convolutional network, in libtorch: in its usual layout of images and with channels last.
#include "side_parts.hpp"
#include "side_torch.hpp"

namespace bench {

namespace {

struct Images {
  std::vector<at::Tensor> x, y;
  std::size_t at = 0;
  explicit Images(at::MemoryFormat format) {
    for (std::uint64_t i = 0; i < images::batches; ++i) {
      x.push_back(floats(100 + i, {images::rows, 1, 28, 28}, 1).contiguous(format));
      y.push_back(label_tensor(500 + i, images::rows));
    }
  }
  void next() { at = (at + 1) % x.size(); }
};

struct Net : torch::nn::Module {
  torch::nn::Conv2d first{nullptr}, second{nullptr};
  torch::nn::Dropout dropout{nullptr};
  torch::nn::Linear dense{nullptr};
  explicit Net(at::MemoryFormat format) {
    first = register_module("first", torch::nn::Conv2d(1, 32, 3));
    second = register_module("second", torch::nn::Conv2d(32, 64, 3));
    dropout = register_module("dropout", torch::nn::Dropout(.5));
    dense = register_module("dense", torch::nn::Linear(1600, 10));
    const torch::NoGradGuard no_grad;
    // Kernels of xgrad are (rows, columns, in, out), its images have channels last when they are flattened.
    first->weight.copy_(floats(0, {3, 3, 1, 32}, images::scale).permute({3, 2, 0, 1}));
    second->weight.copy_(floats(2, {3, 3, 32, 64}, images::scale).permute({3, 2, 0, 1}));
    dense->weight.copy_(floats(4, {5, 5, 64, 10}, images::scale).permute({3, 2, 0, 1}).reshape({10, 1600}));
    first->bias.zero_();
    second->bias.zero_();
    dense->bias.zero_();
    first->weight.set_data(first->weight.contiguous(format));
    second->weight.set_data(second->weight.contiguous(format));
  }
  at::Tensor forward(const at::Tensor& x) {
    const at::Tensor h = torch::max_pool2d(torch::relu(first->forward(x)), 2);
    return dense->forward(dropout->forward(torch::max_pool2d(torch::relu(second->forward(h)), 2).flatten(1)));
  }
};

template <class Adam>
struct Trained {
  std::shared_ptr<Net> model;
  Adam adam;
  Images batches;
  explicit Trained(at::MemoryFormat format)
      : model(std::make_shared<Net>(format)), adam(model->parameters()), batches(format) {}
  double step() {
    batches.next();
    adam.zero_grad();
    at::Tensor loss =
        torch::nn::functional::cross_entropy(model->forward(batches.x[batches.at]), batches.y[batches.at]);
    loss.backward();
    adam.step();
    return loss.item<double>();
  }
};

Workload train(at::MemoryFormat format, const char* layout) {
  auto adam = std::make_shared<Trained<torch::optim::Adam>>(format);
  auto fused = std::make_shared<Trained<FusedAdam>>(format);
  return {{{std::string("torch::optim::Adam") + layout, [=] { adam->step(); }},
           {std::string("at::_fused_adam_") + layout, [=] { fused->step(); }}},
          [] { return std::vector<std::pair<std::string, double>>{{"peak MB", peak_memory()}}; }};
}

Workload forward(at::MemoryFormat format, const char* layout) {
  auto model = std::make_shared<Net>(format);
  model->eval();
  auto batches = std::make_shared<Images>(format);
  const auto run = [=] {
    const c10::InferenceMode inference;
    batches->next();
    model->forward(batches->x[batches->at]).data_ptr<float>()[0];
  };
  const auto check = [=] {
    const c10::InferenceMode inference;
    return std::vector<std::pair<std::string, double>>{
        {"sum of outputs", model->forward(batches->x[0]).sum().item<double>()}, {"peak MB", peak_memory()}};
  };
  return {{{std::string("InferenceMode") + layout, run}}, check};
}

}  // namespace

Workload open_images(const std::string& name) {
  if (name == "W3.train") return train(at::MemoryFormat::Contiguous, "");
  if (name == "W3.train.last") return train(at::MemoryFormat::ChannelsLast, ", channels last");
  if (name == "W3.forward") return forward(at::MemoryFormat::Contiguous, "");
  if (name == "W3.forward.last") return forward(at::MemoryFormat::ChannelsLast, ", channels last");
  return {};
}

}  // namespace bench
