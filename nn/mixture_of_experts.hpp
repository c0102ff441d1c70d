#pragma once
/// MixtureOfExperts: networks that share the work, and one that says who does it.

#include <xgrad/nn/initializers.hpp>
#include <xgrad/nn/layer.hpp>

#include <optional>

namespace xgrad {

struct CustomObjects;

struct MixtureOfExpertsOptions {
  std::int64_t top_k = 0;  ///< so many experts answer for a row; 0: all
  double load_balancing = 0;  ///< times the penalty on unequal use, into the loss; .01 is usual with top_k
  bool noisy_gate = false;    ///< in training, noise whose strength is learnt is added to the gate's logits
  bool use_bias = true;       ///< of the gate
  initializers::Initializer kernel_initializer = "glorot_uniform";
  initializers::Initializer bias_initializer = "zeros";
  regularizers::Regularizer kernel_regularizer = {};
  std::string name = {};
  std::optional<DType> dtype = {};
};

/// sum_e g_e(x) expert_e(x), where g = softmax(x kernel + bias) is the gate over rows x (batch, ..., features): a
/// modular network (Jacobs, Jordan, Nowlan and Hinton 1991). With top_k the softmax is over the k largest logits and
/// the other experts get 0 (Shazeer et al. 2017); every expert is computed for every row either way. Experts are layers
/// whose results have one shape, (batch, ...). Rows of more than one axis are flattened for the gate.
///
/// The penalty is load_balancing * n sum_e f_e p_e with p_e the mean probability of expert e in the batch and f_e the
/// share of rows it answers for (Fedus, Zoph and Shazeer 2022); without top_k f = p. It is load_balancing where all
/// experts are used alike and n load_balancing where one does everything. The noise is normal with standard deviation
/// softplus(x noise_kernel).
class MixtureOfExperts {
 public:
  /// Throws ValueError for fewer than two experts, and unless 0 <= top_k <= experts.
  explicit MixtureOfExperts(std::vector<Layer> experts, MixtureOfExpertsOptions options = {});
  Tensor operator()(const Tensor& x) const { return call_alone(*this, x); }
  /// Throws ShapeError unless the experts' results have one shape, and for other features than before.
  Tensor operator()(const Tensor& x, Call& call) const;
  /// How much each expert counts for each row in evaluation: (batch, experts). Throws ValueError before the first call.
  Tensor gate(const Tensor& x) const;
  void each(Visit visit);
  const std::string& name() const;
  const Parameter& kernel() const;  ///< of the gate; undefined until built
  Config get_config() const;
  static MixtureOfExperts from_config(const Config& config, const CustomObjects& custom);

 private:
  struct State;
  Shared<State> state_;
};

}  // namespace xgrad
