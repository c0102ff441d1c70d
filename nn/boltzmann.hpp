#pragma once
/// RestrictedBoltzmannMachine: visible and hidden units that are 0 or 1 and know each other.

#include <xgrad/nn/initializers.hpp>
#include <xgrad/nn/layer.hpp>

#include <optional>

namespace xgrad {

struct RestrictedBoltzmannMachineOptions {
  initializers::Initializer kernel_initializer = initializers::RandomNormal{.stddev = .01};
  initializers::Initializer visible_bias_initializer = "zeros";
  initializers::Initializer hidden_bias_initializer = "zeros";
  regularizers::Regularizer kernel_regularizer = {};
  std::optional<std::uint64_t> seed = {};
  std::string name = {};
  std::optional<DType> dtype = {};
};

/// A restricted Boltzmann machine of Bernoulli units (Smolensky 1986): p(v, h) is proportional to exp(v . b + h . c + v
/// kernel h) for visible v (n, visible) and hidden h (n, units). As a layer it gives p(h = 1 | v) = sigmoid(v kernel +
/// c). The kernel is (visible, units), the biases b (visible,) and c (units,). It draws from a generator of its own,
/// which is split off the model's when it is built or starts from `seed`, and is saved with the model.
///
///     optimizer.minimize(machine.contrastive_divergence(batch), parameters(machine));
class RestrictedBoltzmannMachine {
 public:
  /// Throws ValueError unless units > 0.
  explicit RestrictedBoltzmannMachine(std::int64_t units, RestrictedBoltzmannMachineOptions options = {});
  Tensor operator()(const Tensor& v) const { return call_alone(*this, v); }
  /// p(h = 1 | v). Throws ShapeError unless the last axis of v has the length the kernel was built for.
  Tensor operator()(const Tensor& v, Call& call) const;
  /// Makes the weights, if they are not there yet, for so many visible units.
  void build(std::int64_t visible, DType dtype, Generator& generator) const;

  /// p(v = 1 | h) = sigmoid(h kernel^T + b) for h (n, units). This and what follows throw ValueError before the weights
  /// are there.
  Tensor down(const Tensor& h) const;
  /// One step of Gibbs sampling from v: hidden units are drawn, then visible ones. No gradient.
  Tensor gibbs(const Tensor& v) const;
  /// -log of the sum over h of exp(v . b + h . c + v kernel h): -v . b - sum softplus(v kernel + c), (n,).
  Tensor free_energy(const Tensor& v) const;
  /// A scalar whose gradient is the estimate of contrastive divergence (Hinton 2002) of minus the log-likelihood's: the
  /// mean free energy of v minus that of `steps` steps of Gibbs sampling from v. With `chains`, a Parameter (m,
  /// visible) that is not trained, sampling goes on from there and is kept there (persistent, Tieleman 2008). Throws
  /// ValueError for fewer than one step.
  Tensor contrastive_divergence(const Tensor& v, int steps = 1, const Parameter& chains = {}) const;

  void each(Visit visit);
  const std::string& name() const;
  const Parameter& kernel() const;  ///< undefined until built
  const Parameter& visible_bias() const;
  const Parameter& hidden_bias() const;
  Config get_config() const;
  static RestrictedBoltzmannMachine from_config(const Config& config);

 private:
  struct State;
  Shared<State> state_;
};

}  // namespace xgrad
