#pragma once
/// What both sources of the libtorch side use.

#include "side.hpp"

#include <ATen/ops/_fused_adam.h>
#include <torch/torch.h>

namespace bench {

inline at::Tensor floats(std::uint64_t seed, std::vector<std::int64_t> shape, float scale) {
  at::Tensor out = torch::empty(shape);
  const std::vector<float> values = numbers(seed, out.numel(), scale);
  std::copy(values.begin(), values.end(), out.data_ptr<float>());
  return out;
}

inline at::Tensor label_tensor(std::uint64_t seed, std::int64_t count) {
  std::vector<std::int64_t> values = labels(seed, count);
  return torch::from_blob(values.data(), {count}, at::kLong).clone();
}

/// Adam by the fused kernel, for which libtorch has no class.
struct FusedAdam {
  std::vector<at::Tensor> weights, m, v, none, steps;
  explicit FusedAdam(std::vector<at::Tensor> parameters) : weights(std::move(parameters)) {
    for (const at::Tensor& weight : weights) {
      m.push_back(at::zeros_like(weight));
      v.push_back(at::zeros_like(weight));
      steps.push_back(at::zeros({}, at::kFloat));
    }
  }
  void zero_grad() {
    for (at::Tensor& weight : weights) weight.mutable_grad() = at::Tensor();
  }
  void step() {
    const torch::NoGradGuard no_grad;
    std::vector<at::Tensor> gradients;
    for (const at::Tensor& weight : weights) gradients.push_back(weight.grad());
    at::_foreach_add_(steps, 1);
    at::_fused_adam_(weights, gradients, m, v, none, steps, 1e-3, 0.9, 0.999, 0.0, 1e-8, false, false);
  }
};

}  // namespace bench
