#pragma once
/// L-BFGS: minimising a loss of all data by its curvature along the last steps.

#include <xgrad/optim/optimizer.hpp>

#include <string>

namespace xgrad::optimizers {

struct LBFGSOptions {
  std::int64_t max_iterations = 100;
  std::int64_t history_size = 10;     ///< how many steps the curvature is known from
  double tolerance_gradient = 1e-7;   ///< done when no element of the gradient is larger
  double tolerance_change = 1e-12;    ///< done when the loss falls by less, as a part of itself; 0: never
  double sufficient_decrease = 1e-4;  ///< of the line search: the part of the slope's promise that must be kept
  double curvature = .9;              ///< of the line search: the part of the slope that may be left
  std::int64_t max_line_search = 25;  ///< evaluations of one line search
};

struct LBFGSResult {
  double loss = 0;              ///< at the end
  double largest_gradient = 0;  ///< the largest |element| of the gradient there
  std::int64_t iterations = 0;
  std::int64_t evaluations = 0;  ///< of the loss and its gradient
  bool converged = false;
  std::string reason;  ///< why it ended
};

/// Limited-memory BFGS with a line search for the strong Wolfe conditions (Nocedal and Wright, Numerical Optimization,
/// 2006, algorithms 7.4, 3.5 and 3.6). It computes in double precision whatever the Parameters' dtype. The loss must be
/// the same function at every call: no mini-batches, no dropout. Copies share the state.
class LBFGS {
 public:
  using Objective = Function<Tensor()>;
  /// Throws ValueError for options out of range.
  explicit LBFGS(const LBFGSOptions& options = {});

  /// Changes the Parameters until a tolerance is met or the iterations are spent. `loss` records the loss from their
  /// current values. The next call with the same Parameters goes on with what is known of the curvature. Throws
  /// ShapeError unless the loss has one element and NumericError if it is not finite at the start; after an error the
  /// Parameters are as they were.
  LBFGSResult minimize(const Objective& loss, std::span<const Parameter> parameters);

  /// What is known of the curvature: "step/0", "change/0", "step/1", ... in the order of iterations.
  NamedTensors state() const;
  /// Throws ValueError unless names and shapes are those of a `state()`.
  void load_state(const NamedTensors& state);

 private:
  struct State;
  Shared<State> state_;
};

}  // namespace xgrad::optimizers
