#pragma once
/// Optimizer: what every optimizer does around its formula. It knows Tensors and Parameters, not layers.

#include <xgrad/graph/parameter.hpp>
#include <xgrad/optim/constraints.hpp>
#include <xgrad/optim/schedules.hpp>

#include <utility>

namespace xgrad::optimizers {

/// What every optimizer does around its formula, with Keras's names; 0 is off, and at most one of the three limits may
/// be on.
struct Common {
  double weight_decay = 0;     ///< w -= w * weight_decay * learning_rate, before the step
  double clipnorm = 0;         ///< each gradient g becomes g * min(1, clipnorm / |g|)
  double clipvalue = 0;        ///< each element is limited to [-clipvalue, clipvalue]
  double global_clipnorm = 0;  ///< as clipnorm, with the norm of all gradients together
  bool use_ema = false;        ///< keeps a moving average of each Parameter, which is its value after the first step
  double ema_momentum = .99;   ///< average = ema_momentum * average + (1 - ema_momentum) * w, after each step
  std::int64_t ema_overwrite_frequency = 0;  ///< after each so many steps w becomes its average
  double loss_scale_factor = 0;              ///< gradients are divided by it, and `scale_loss` multiplies with it
  /// Gradients of so many steps are added up, and their mean is the gradient of the last of them; 2 or more.
  std::int64_t gradient_accumulation_steps = 0;
};

/// A tensor that a rule keeps for a Parameter.
struct StateSlot {
  std::string_view name;
  Shape shape;
  double value = 0;   ///< of every element at first
  bool copy = false;  ///< the Parameter's own value at first
};

/// A rule: how one Parameter follows its gradient. What it computes is recorded; numbers that change from step to step
/// come as tensors, so that every step records the same graph.
class Rule : public Counted {
 public:
  virtual std::string_view name() const = 0;
  /// The names of the tensors it keeps for each Parameter, zero at first and shaped like it.
  virtual std::vector<std::string_view> slots() const { return {}; }
  /// What it keeps for this Parameter, if that depends on it: by default `slots()`.
  virtual std::vector<StateSlot> state_of(const Parameter& parameter) const;
  /// The weight decay of this Parameter, by default that of all.
  virtual double weight_decay(const Parameter&, double common) const { return common; }
  /// Appends the numbers of step t = 1, 2, ..., of which the formula reads tensors with the Parameter's dtype: by
  /// default the learning rate.
  virtual void numbers(double learning_rate, std::int64_t t, std::vector<double>& out) const;
  /// The new value of w. `slots` may be assigned to; `numbers` are scalars in the order of `numbers()`.
  virtual Tensor update(const Tensor& w, const Tensor& g, std::span<const Parameter> slots,
                        std::span<const Tensor> numbers) const = 0;
};

class OptimizerMap;

using NamedTensors = std::vector<std::pair<std::string, Tensor>>;

/// An optimizer: a rule, a learning rate, limits, and the state of the Parameters it was built for. Copies share all of
/// it.
class Optimizer {
 public:
  /// From Keras's name ("adam", "sgd", "muon", ...; capitals do not matter) with its defaults; another name is a
  /// ValueError that lists the near misses.
  Optimizer(std::string_view name);
  Optimizer(const char* name) : Optimizer(std::string_view(name)) {}
  Optimizer(const std::string& name) : Optimizer(std::string_view(name)) {}
  /// A rule of one's own. Throws ValueError for options out of range and for more than one limit.
  Optimizer(Shared<const Rule> rule, LearningRate learning_rate, const Common& common = {});

  std::string_view name() const;
  /// What it was made with; nothing for a rule of one's own. The learning rate may be another one by now.
  const Made& made() const;
  /// How many updates were recorded; of accumulated gradients only those that changed Parameters count.
  std::int64_t iterations() const;
  /// How often `record` was called and not reverted.
  std::int64_t recorded() const;
  /// The rate the next update will use.
  double learning_rate() const;
  void set_learning_rate(LearningRate learning_rate);
  /// Whether the rate is a schedule.
  bool scheduled() const;
  /// The number or schedule itself.
  const LearningRate& schedule() const;

  /// Makes the state of these Parameters now, and remembers them for `step` and `minimize(loss)`. Those already known
  /// keep theirs; those that are not trainable are left out. Throws DTypeError unless they are floating.
  void build(std::span<const Parameter> parameters);
  const std::vector<Parameter>& parameters() const;
  /// What a Parameter is brought back to after each update of it; an empty constraint takes it away. Not part of the
  /// state that is saved.
  void constrain(const Parameter& parameter, constraints::Constraint constraint);

  /// Parameters, and those in whose names one of these regular expressions is found, do not decay. Throws ValueError
  /// for a text that is no regular expression.
  void exclude_from_weight_decay(std::span<const Parameter> parameters, std::span<const std::string> names = {});
  void exclude_from_weight_decay(std::initializer_list<std::string> names);
  /// What was excluded.
  std::vector<Parameter> undecayed() const;
  const std::vector<std::string>& undecayed_names() const;
  /// The moving averages in the order of `parameters()`; empty without use_ema.
  std::vector<Parameter> averages() const;
  /// Puts the moving averages, if there are any, into the Parameters, at once (Keras's finalize_variable_values).
  void finalize_variable_values();
  /// The loss times the loss scale, whose gradients are to be given to `record`; itself without one.
  Tensor scale_loss(const Tensor& loss) const;

  /// Records one update of each Parameter, in the order accumulation, limits, weight decay, formula, average,
  /// constraint; computes nothing. An undefined gradient leaves its Parameter alone. Throws ShapeError if a gradient
  /// does not fit.
  void record(std::span<const Parameter> parameters, std::span<const Tensor> gradients);
  /// Gives up the update recorded last, if it has not been computed.
  void revert(std::span<const Parameter> parameters);
  /// Records one update and computes it, with everything else that is due, in one plan. After an error all is as
  /// it was before the call.
  void apply(std::span<const Parameter> parameters, std::span<const Tensor> gradients);

  /// Updates the Parameters it was built for from what `backward` added up. Throws ValueError before `build`.
  void step();
  void zero_grad() const;
  /// Differentiates the loss and applies the gradients, in one plan with the loss itself.
  void minimize(const Tensor& loss, std::span<const Parameter> parameters);
  void minimize(const Tensor& loss);

  /// "iterations" (recorded steps) and the state of each Parameter ("m/0", "v/0", "m/1", ...), in the order of
  /// `parameters()`.
  NamedTensors state() const;
  /// Goes back to such a state. Throws ValueError, before anything changes, unless names, shapes and dtypes are those
  /// of `state()`.
  void load_state(const NamedTensors& state);

 protected:
  /// How a loss scale is found: doubled after so many steps whose gradients were finite, halved, without an update,
  /// after one whose were not.
  struct Scaling {
    double scale = 0;
    std::int64_t growth_steps = 0;
    std::int64_t finite_steps = 0;
  };
  /// A copy of another optimizer, with a state of its own, that finds a loss scale.
  Optimizer(const Optimizer& inner, const Scaling& scaling);
  const Scaling& scaling() const;
  void made_with(Made made);
  /// Several optimizers, each for Parameters of its own.
  Optimizer(const OptimizerMap& map, double loss_scale_factor);

 private:
  struct State;
  Shared<State> state_;
};

}  // namespace xgrad::optimizers
