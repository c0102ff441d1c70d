#pragma once
/// What a Model holds. Internal to nn/.

#include <xgrad/nn/model.hpp>

#include <optional>

namespace xgrad {

struct Model::State : Counted {
  /// What `compile` was told.
  struct Compiled {
    optimizers::Optimizer optimizer;
    losses::Loss loss;
    std::vector<metrics::Metric> metrics;
    metrics::Mean mean_loss{"loss"};
    bool checked = false;  ///< whether `each` names every Parameter that the loss uses
  };

  explicit State(Layer network) : network(std::move(network)) {}
  State(const State& other) : Counted(other), network(other.network) {}
  Counted* copy() const override { return new State(*this); }

  Layer network;
  std::optional<Compiled> compiled;  // a clone has to be compiled anew
};

}  // namespace xgrad
