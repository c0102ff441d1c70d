#pragma once
/// What a Model holds. Internal to nn/.

#include <xgrad/nn/model.hpp>

#include <optional>

namespace xgrad {

struct Model::State : Counted {
  /// An output with what is made of it.
  struct Output {
    std::string name;
    losses::Loss loss;
    double weight = 1;
    std::vector<metrics::Metric> metrics, weighted;
    metrics::Mean mean_loss{"loss"};
  };
  /// What `compile` was told.
  struct Compiled {
    CompileOptions options;
    std::vector<Output> outputs = {};  ///< as soon as their number is known
    metrics::Mean mean_loss{"loss"};
    std::vector<metrics::Mean> step_logs = {};  ///< of steps of the user's own
    bool checked = false;  ///< whether `each` names every Parameter that the loss uses
  };

  explicit State(Layer network) : network(std::move(network)) {}
  State(const State& other) : Counted(other), network(other.network), name(other.name) {}
  Counted* copy() const override { return new State(*this); }
  void need_compiled(std::string_view where) const {
    if (!compiled)
      throw ValueError("[" + std::string(where) + "] the model is not compiled: call compile first" + not_compiled);
  }

  Layer network;
  std::string name;
  std::optional<Compiled> compiled;  // a clone has to be compiled anew
  StepFunction train_step, test_step;
  bool check_numerics = false;
  std::string not_compiled;                  ///< why a file could not say what it was compiled with
  optimizers::NamedTensors waiting;          ///< an optimizer state that was loaded before the optimizer was built
  std::string waiting_for;                   ///< the name of the optimizer whose state that is, if it is known
  std::optional<std::uint64_t> order_seed;   ///< of the rows' order in the last fit
  std::vector<std::pair<Shape, DType>> seen;  ///< inputs of a network that does not say them, without the batch
};

}  // namespace xgrad
