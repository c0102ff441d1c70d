#pragma once
/// Layers around a layer: Bidirectional and TimeDistributed.

#include <xgrad/nn/layer.hpp>

#include <optional>

namespace xgrad {

struct CustomObjects;

struct BidirectionalOptions {
  /// How the two outputs become one: "concat" on the last axis, "sum", "mul" or "ave"; nothing: they stay two.
  std::optional<std::string> merge_mode = "concat";
  std::optional<Layer> backward_layer = {};  ///< by default one like the first that goes the other way
  std::string name = {};
};

/// A recurrent layer taken through the steps in both directions, each with weights of its own; with return_sequences
/// the second's outputs are brought back into the order of the steps, and steps that a mask rules out give 0. Further
/// inputs are states to begin with: the first half forward, the second backward. With return_state the states of both
/// follow the output. (Schuster and Paliwal 1997.)
class Bidirectional {
 public:
  /// Throws ValueError for another merge_mode, for a layer that is not recurrent (its config has go_backwards and
  /// return_sequences), and unless the two go different ways and return the same things.
  explicit Bidirectional(Layer layer, BidirectionalOptions options = {});
  Tensor operator()(const Tensor& x) const { return call_alone(*this, x); }
  /// Throws ValueError if there are several results: call it with {x}.
  Tensor operator()(const Tensor& x, Call& call) const;
  std::vector<Tensor> operator()(std::span<const Tensor> xs, Call& call) const;
  std::vector<Tensor> operator()(std::span<const Tensor> xs) const { return call_all(*this, xs); }
  std::vector<Tensor> operator()(std::initializer_list<Tensor> xs) const {
    return (*this)(std::span<const Tensor>(xs.begin(), xs.size()));
  }
  void each(Visit visit);
  Shape input_shape() const;
  const std::string& name() const;
  Layer& forward_layer() const;
  Layer& backward_layer() const;
  Config get_config() const;
  static Bidirectional from_config(const Config& config, const CustomObjects& custom);

 private:
  struct State;
  Shared<State> state_;
};

struct TimeDistributedOptions {
  std::string name = {};
};

/// A layer applied to each step of x (batch, steps, ...) with the same weights: batch and steps go through it as one
/// axis.
class TimeDistributed {
 public:
  explicit TimeDistributed(Layer layer, TimeDistributedOptions options = {});
  Tensor operator()(const Tensor& x) const { return call_alone(*this, x); }
  /// Throws ShapeError unless x has three axes or more and a mask, if there is one, fits batch and steps.
  Tensor operator()(const Tensor& x, Call& call) const;
  void each(Visit visit);
  const std::string& name() const;
  Layer& layer() const;
  Config get_config() const;
  static TimeDistributed from_config(const Config& config, const CustomObjects& custom);

 private:
  struct State;
  Shared<State> state_;
};

}  // namespace xgrad
