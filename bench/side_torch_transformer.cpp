// W5 in libtorch: its encoder layers, and the same on scaled_dot_product_attention, as PyTorch's have it.
#include "side_parts.hpp"
#include "side_torch.hpp"

namespace {

using namespace bench::transformer;
using bench::floats;

/// The next weights, (in, out) as rows of numbers; libtorch keeps them transposed.
struct Streams {
  std::uint64_t next = 0;
  at::Tensor kernel(std::int64_t in, std::int64_t out) {
    return floats(next++, {in, out}, 1 / std::sqrt(static_cast<float>(in))).t();
  }
};

void set(torch::nn::Linear& layer, const at::Tensor& weight) {
  layer->weight.copy_(weight);
  layer->bias.zero_();
}

struct SdpaLayerImpl : torch::nn::Module {
  double rate;
  torch::nn::Linear qkv{width, 3 * width}, out{width, width}, up{width, inner}, down{inner, width};
  torch::nn::LayerNorm norm{torch::nn::LayerNormOptions({width})}, last_norm{torch::nn::LayerNormOptions({width})};
  torch::nn::Dropout after_attention{rate}, inside{rate}, after{rate};
  explicit SdpaLayerImpl(double rate) : rate(rate) {
    register_module("qkv", qkv);
    register_module("out", out);
    register_module("up", up);
    register_module("down", down);
    register_module("norm", norm);
    register_module("last_norm", last_norm);
    register_module("after_attention", after_attention);
    register_module("inside", inside);
    register_module("after", after);
  }
  void fill(Streams& s) {
    const torch::NoGradGuard no_grad;
    const at::Tensor q = s.kernel(width, width), k = s.kernel(width, width), v = s.kernel(width, width);
    set(qkv, at::cat({q, k, v}));
    set(out, s.kernel(width, width));
    set(up, s.kernel(width, inner));
    set(down, s.kernel(inner, width));
  }
  at::Tensor forward(const at::Tensor& x) {
    const at::Tensor t = qkv(x).view({rows, positions, 3, heads, width / heads}).permute({2, 0, 3, 1, 4});
    const at::Tensor mixed = at::scaled_dot_product_attention(t[0], t[1], t[2], {}, is_training() ? rate : 0.0);
    const at::Tensor h = norm(x + after_attention(out(mixed.transpose(1, 2).reshape({rows, positions, width}))));
    return last_norm(h + after(down(inside(torch::gelu(up(h))))));
  }
};
TORCH_MODULE(SdpaLayer);

struct SdpaNetImpl : torch::nn::Module {
  SdpaLayer first, second;
  torch::nn::Linear output{width, classes};
  explicit SdpaNetImpl(double rate) : first(rate), second(rate) {
    register_module("first", first);
    register_module("second", second);
    register_module("output", output);
    Streams streams;
    first->fill(streams);
    second->fill(streams);
    const torch::NoGradGuard no_grad;
    set(output, streams.kernel(width, classes));
  }
  at::Tensor forward(const at::Tensor& x) { return output(second(first(x)).mean(1)); }
};
TORCH_MODULE(SdpaNet);

/// The positions come first in libtorch's own layers.
struct OwnNetImpl : torch::nn::Module {
  torch::nn::TransformerEncoder encoder;
  torch::nn::Linear output{width, classes};
  explicit OwnNetImpl(double rate)
      : encoder(torch::nn::TransformerEncoderOptions(torch::nn::TransformerEncoderLayerOptions(width, heads)
                                                         .dim_feedforward(inner)
                                                         .dropout(rate)
                                                         .activation(torch::kGELU),
                                                     2)) {
    register_module("encoder", encoder);
    register_module("output", output);
  }
  at::Tensor forward(const at::Tensor& x) { return output(encoder(x).mean(0)); }
};
TORCH_MODULE(OwnNet);

template <class Net, class Adam>
struct Training {
  Net net;
  Adam adam;
  std::vector<at::Tensor> x, y;
  std::size_t at = 0;
  explicit Training(double rate, bool positions_first = false) : net(rate), adam(net->parameters()) {
    for (std::uint64_t i = 0; i < bench::transformer::batches; ++i) {
      const at::Tensor batch = floats(100 + i, {rows, positions, width}, 2);
      x.push_back(positions_first ? batch.transpose(0, 1).contiguous() : batch);
      y.push_back(bench::label_tensor(500 + i, rows));
    }
  }
  double step() {
    at = (at + 1) % x.size();
    adam.zero_grad();
    const at::Tensor loss = torch::nn::functional::cross_entropy(net->forward(x[at]), y[at]);
    loss.backward();
    adam.step();
    return loss.template item<double>();
  }
};

template <class Net, class Adam>
bench::Variant variant(const char* name, bool positions_first) {
  auto training = std::make_shared<std::unique_ptr<Training<Net, Adam>>>();
  return {name, [=] {
            if (!*training) *training = std::make_unique<Training<Net, Adam>>(dropout, positions_first);
            (*training)->step();
          }};
}

}  // namespace

bench::Workload bench::open_transformer() {
  const auto values = [] {
    const double memory = peak_memory();
    Training<SdpaNet, torch::optim::Adam> fresh(0);
    double loss = 0;
    for (int i = 0; i < 10; ++i) loss = fresh.step();
    return std::vector<std::pair<std::string, double>>{{"loss of step 10 without dropout", loss}, {"peak MB", memory}};
  };
  return {{variant<SdpaNet, torch::optim::Adam>("scaled_dot_product_attention, torch::optim::Adam", false),
           variant<SdpaNet, FusedAdam>("scaled_dot_product_attention, at::_fused_adam_", false),
           variant<OwnNet, torch::optim::Adam>("nn::TransformerEncoder, torch::optim::Adam", true),
           variant<OwnNet, FusedAdam>("nn::TransformerEncoder, at::_fused_adam_", true)},
          values};
}
