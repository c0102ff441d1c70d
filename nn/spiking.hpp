#pragma once
/// Spiking neurons: surrogate gradients, LeakyIntegrateAndFire, LeakyIntegrator, and codes that turn numbers into
/// spikes.

#include <xgrad/nn/initializers.hpp>
#include <xgrad/nn/layer.hpp>

#include <optional>

namespace xgrad {

/// 1 where x >= 0, else 0. What stands for its derivative, with k the slope (0: the default of each): "fast_sigmoid" 1
/// / (1 + k |x|)^2, k = 25 (Zenke and Ganguli 2018); "arctan" (k / 2) / (1 + (pi k x / 2)^2), k = 2 (Fang et al. 2021);
/// "sigmoid" k s (1 - s) with s = sigmoid(k x), k = 4; "triangular" max(1 - k |x|, 0), k = 1 (Bellec et al. 2018);
/// "gaussian" k exp(-(k x)^2 / 2) / sqrt(2 pi), k = 2.5 (Yin et al. 2021); "straight_through" 1; "none" 0. Throws
/// ValueError for another word or a slope below 0.
Tensor spike(const Tensor& x, std::string_view surrogate = "fast_sigmoid", double slope = 0);

struct LeakyIntegrateAndFireOptions {
  double tau = 2;             ///< how many steps the potential remembers
  bool decay_input = true;    ///< the input counts 1 / tau, so that a constant one is what the potential tends to
  double threshold = 1;
  std::string reset = "subtract";  ///< after a spike: "subtract" the threshold, "zero", or "none"
  std::string surrogate = "fast_sigmoid";
  double slope = 0;             ///< of the surrogate; 0: its default
  bool detach_reset = false;    ///< no gradient goes through the reset
  bool learn_tau = false;       ///< one tau for the layer is trained: 1 / tau = sigmoid(w) (Fang et al. 2021)
  bool return_sequences = true;  ///< spikes of every step; else only of the last
  std::string name = {};
  std::optional<DType> dtype = {};
};

/// Leaky integrate-and-fire neurons over currents x (batch, steps, ...): v <- v - v / tau + x_t (times 1 / tau with
/// decay_input), a spike where v reaches the threshold, then the reset; v starts at 0. Spikes, 0 and 1, have x's shape.
/// Gradients go through spikes by their surrogate and through time. (Gerstner and Kistler 2002; Neftci, Mostafa and
/// Zenke 2019.)
class LeakyIntegrateAndFire {
 public:
  /// Throws ValueError unless tau >= 1 (above 1 to be learnt) and threshold > 0, and for other words.
  explicit LeakyIntegrateAndFire(LeakyIntegrateAndFireOptions options = {});
  Tensor operator()(const Tensor& x) const { return call_alone(*this, x); }
  /// Throws ShapeError for fewer than two axes or no steps.
  Tensor operator()(const Tensor& x, Call& call) const;

  struct Step {
    Tensor spikes, potential;  ///< the potential after the reset
  };
  /// One step of currents x (batch, ...) from a potential of that shape; an undefined one is 0. For loops of one's own.
  Step step(const Tensor& x, const Tensor& potential) const;
  void each(Visit visit);
  const std::string& name() const;
  Config get_config() const;
  static LeakyIntegrateAndFire from_config(const Config& config);

 private:
  struct State;
  Shared<State> state_;
};

struct LeakyIntegratorOptions {
  double tau = 2;
  bool decay_input = true;
  bool return_sequences = false;  ///< the potential of every step; else only of the last
  std::string name = {};
};

/// The potential of neurons that never fire: v <- v - v / tau + x_t (times 1 / tau with decay_input), over x (batch,
/// steps, ...). What reads a spiking network.
struct LeakyIntegrator {
  /// Throws ValueError unless tau >= 1.
  explicit LeakyIntegrator(LeakyIntegratorOptions options = {});
  Tensor operator()(const Tensor& x) const { return call_alone(*this, x); }
  Tensor operator()(const Tensor& x, Call& call) const;
  void check() const;
  Config get_config() const;
  static LeakyIntegrator from_config(const Config& config);

  double tau;
  bool decay_input, return_sequences;
  std::string name;
};

struct RateCodingOptions {
  std::optional<std::uint64_t> seed = {};
  std::string name = {};
};

/// Numbers x (batch, ...) as trains of spikes (batch, steps, ...): at each step 1 with probability x, limited to [0,
/// 1], in evaluation too. The layer draws as Dropout does.
class RateCoding {
 public:
  /// Throws ValueError for fewer than one step.
  explicit RateCoding(std::int64_t steps, RateCodingOptions options = {});
  Tensor operator()(const Tensor& x) const { return call_alone(*this, x); }
  Tensor operator()(const Tensor& x, Call& call) const;
  void each(Visit visit);
  const std::string& name() const;
  Config get_config() const;
  static RateCoding from_config(const Config& config);

 private:
  struct State;
  Shared<State> state_;
};

struct LatencyCodingOptions {
  bool linear = false;
  double tau = 5;          ///< of the neuron that codes, in steps; not of linear coding
  double threshold = .01;  ///< numbers below never fire
  std::string name = {};
};

/// Numbers x (batch, ...) from 0 to 1 as one spike each in (batch, steps, ...), the sooner the larger: after
/// tau log(x / (x - threshold)) steps, when a leaky neuron under the constant current x reaches the threshold, or, with
/// linear, after (1 - x) (steps - 1); rounded to whole steps, the last of which also has those that would come later.
/// (Thorpe, Delorme and Van Rullen 2001.) No gradient.
struct LatencyCoding {
  /// Throws ValueError for fewer than one step and unless tau > 0 and 0 < threshold < 1.
  explicit LatencyCoding(std::int64_t steps, LatencyCodingOptions options = {});
  Tensor operator()(const Tensor& x) const { return call_alone(*this, x); }
  Tensor operator()(const Tensor& x, Call& call) const;
  void check() const;
  Config get_config() const;
  static LatencyCoding from_config(const Config& config);

  std::int64_t steps;
  bool linear;
  double tau, threshold;
  std::string name;
};

}  // namespace xgrad
