#pragma once
/// Capsules: vectors whose length says how likely something is there and whose direction says how it is.

#include <xgrad/nn/initializers.hpp>
#include <xgrad/nn/layer.hpp>

#include <optional>

namespace xgrad {

/// s |s| / (1 + |s|^2) along an axis: the direction stays, lengths go from 0 to 1. 0 stays 0, with derivative 0.
Tensor squash(const Tensor& s, int axis = -1);

struct CapsuleOptions {
  int routings = 3;             ///< rounds of routing
  bool share_weights = false;   ///< one matrix for all capsules below, so that there may be any number of them
  bool stop_gradient = true;    ///< the coefficients of the last round are taken as constants by gradients
  initializers::Initializer kernel_initializer = "glorot_uniform";
  regularizers::Regularizer kernel_regularizer = {};
  std::string name = {};
  std::optional<DType> dtype = {};
};

/// Capsules with dynamic routing by agreement (Sabour, Frosst and Hinton 2017): (batch, capsules below, their length)
/// -> (batch, num_capsules, dim_capsule). Each capsule i below predicts u_ij = x_i W_ij. Logits b start at 0; in each
/// round c_i = softmax(b_i) over j, v_j = squash(sum_i c_ij u_ij) and b_ij += u_ij . v_j. The kernel is (capsules
/// below, their length, num_capsules * dim_capsule), with shared weights (their length, num_capsules * dim_capsule).
class Capsule {
 public:
  /// Throws ValueError unless both numbers are above 0 and for fewer than one round.
  Capsule(std::int64_t num_capsules, std::int64_t dim_capsule, CapsuleOptions options = {});
  Tensor operator()(const Tensor& x) const { return call_alone(*this, x); }
  /// Throws ShapeError unless x has three axes and fits the kernel.
  Tensor operator()(const Tensor& x, Call& call) const;
  void each(Visit visit);
  const std::string& name() const;
  const Parameter& kernel() const;  ///< undefined until built
  Config get_config() const;
  static Capsule from_config(const Config& config);

 private:
  struct State;
  Shared<State> state_;
};

struct CapsuleLengthOptions {
  std::string name = {};
};

/// The lengths of capsules: (..., capsules, length) -> (..., capsules). The derivative at 0 is 0.
struct CapsuleLength {
  explicit CapsuleLength(CapsuleLengthOptions options = {}) : name(std::move(options.name)) {}
  Tensor operator()(const Tensor& x) const { return call_alone(*this, x); }
  Tensor operator()(const Tensor& x, Call& call) const;
  Config get_config() const;
  static CapsuleLength from_config(const Config& config);

  std::string name;
};

/// Features as capsules: (batch, ...) -> (batch, capsules, dim_capsule), squashed. Of channels-last pictures each place
/// has channels / dim_capsule capsules: behind a convolution this makes the primary capsules.
struct PrimaryCapsule {
  /// Throws ValueError unless dim_capsule > 0.
  explicit PrimaryCapsule(std::int64_t dim_capsule, CapsuleLengthOptions options = {});
  Tensor operator()(const Tensor& x) const { return call_alone(*this, x); }
  /// Throws ShapeError unless dim_capsule divides the last axis.
  Tensor operator()(const Tensor& x, Call& call) const;
  void check() const;
  Config get_config() const;
  static PrimaryCapsule from_config(const Config& config);

  std::int64_t dim_capsule;
  std::string name;
};

}  // namespace xgrad
