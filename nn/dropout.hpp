#pragma once
/// Dropout: noise that keeps a network from relying on single units.

#include <xgrad/nn/layer.hpp>

#include <optional>

namespace xgrad {

struct DropoutOptions {
  /// The shape of the mask, which is broadcast over x: -1 is the length of x there, 1 drops along the whole axis.
  std::vector<std::int64_t> noise_shape = {};
  std::optional<std::uint64_t> seed = {};
  std::string name = {};
};

/// In training each element is 0 with probability `rate`, else x / (1 - rate), which keeps the mean; otherwise x
/// itself. (Srivastava et al. 2014.) The layer splits a generator off the model's when it is first called, or starts
/// one from its seed; it is saved with the model. Copies share it.
class Dropout {
 public:
  /// Throws ValueError unless 0 <= rate <= 1.
  explicit Dropout(double rate, DropoutOptions options = {});

  /// Outside training: x.
  Tensor operator()(const Tensor& x) const { return call_alone(*this, x); }
  /// Throws ShapeError if noise_shape does not fit x.
  Tensor operator()(const Tensor& x, Call& call) const;
  void each(Visit visit);
  Config get_config() const;
  static Dropout from_config(const Config& config);

  double rate() const;
  const std::string& name() const;

 private:
  struct State;
  Shared<State> state_;
};

}  // namespace xgrad
