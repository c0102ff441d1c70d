#pragma once
/// Model: Keras's habits (compile, fit, evaluate, predict, summary, saving) over any layer.

#include <xgrad/nn/layer.hpp>
#include <xgrad/nn/logs.hpp>
#include <xgrad/nn/losses.hpp>
#include <xgrad/nn/metrics.hpp>
#include <xgrad/optim/optimizers.hpp>

namespace xgrad {

struct CompileOptions {
  optimizers::Optimizer optimizer = "rmsprop";
  losses::Loss loss = {};
  std::vector<metrics::Metric> metrics = {};
};

/// Inputs, targets and, if samples count differently, a weight for each.
struct Dataset {
  Tensor x = {};
  Tensor y = {};
  Tensor sample_weight = {};
};

struct FitOptions {
  std::int64_t batch_size = 32;
  int epochs = 1;
  int verbose = 1;              ///< 0: silent, 1: a progress bar (a line an epoch into files), 2: a line an epoch
  double validation_split = 0;  ///< this share of the rows, the last ones before shuffling, is only evaluated
  Dataset validation_data = {};
  bool shuffle = true;
  std::vector<std::pair<std::int64_t, double>> class_weight = {};  ///< {label, weight}; other labels count 1
  Tensor sample_weight = {};
  int initial_epoch = 0;
  std::optional<std::uint64_t> seed = {};  ///< of the order of the rows; from the thread's generator if not given
  std::ostream* out = nullptr;             ///< where progress is shown; std::cout by default
};

struct EvaluateOptions {
  std::int64_t batch_size = 32;
  int verbose = 0;
  Tensor sample_weight = {};
  std::ostream* out = nullptr;
};

struct PredictOptions {
  std::int64_t batch_size = 32;
};

/// A network with Keras's habits. The network is any layer: a struct of one's own with a call and `each`, or a
/// Sequential, which is a Model itself. Copies share weights, optimizer and metrics; `clone` copies the weights.
///
///     Model model(Net{});
///     model.compile({.optimizer = "adam", .loss = "mse"});
///     History history = model.fit(x, y, {.epochs = 10});
class Model {
 public:
  template <class F>
    requires(!std::derived_from<std::decay_t<F>, Model> && !std::same_as<std::decay_t<F>, Layer> &&
             CallableLayer<std::decay_t<F>>)
  explicit Model(F&& network) : Model(Layer(std::forward<F>(network))) {}
  explicit Model(Layer network);

  /// The network's output in evaluation; records only.
  Tensor operator()(const Tensor& x) const;
  Tensor operator()(const Tensor& x, Call& call) const;
  void each(Visit visit);

  /// Says how to train. Throws ValueError for unknown names.
  void compile(CompileOptions options);
  /// Trains for epochs - initial_epoch epochs: each step records forward pass, loss, gradients, updates and metrics,
  /// and computes them in one plan. The loss (with the penalties) and the metrics are means over the epoch so far. x
  /// may hold integers, which layers convert; its rows and y's belong together. Throws ValueError unless compiled, and
  /// for options out of range; ShapeError if x, y, weights and network do not fit together; ValueError for a Parameter
  /// that the loss uses but `each` does not name, and for labels out of range; NumericError, naming epoch and batch,
  /// when the loss is not finite.
  History fit(const Tensor& x, const Tensor& y, const FitOptions& options = {});
  /// The loss and metrics of the model on x and y, without training.
  Logs evaluate(const Tensor& x, const Tensor& y, const EvaluateOptions& options = {});
  /// The network's output for every row of x, batch by batch, computed. Any number of threads may predict with one
  /// built model at a time.
  Tensor predict(const Tensor& x, const PredictOptions& options = {}) const;

  /// Layers, their output shapes where they are known, and numbers of parameters.
  void summary(std::ostream& out) const;
  void summary() const;  ///< to std::cout

  /// Writes the weights and the state of random generators to a safetensors file, replacing an old one in one step.
  /// Throws IoError, with the old file as it was.
  void save_weights(const std::string& path) const;
  /// Reads them back. Throws ValueError, before anything changes, if the model is not built, or names, shapes or dtypes
  /// are not the model's.
  void load_weights(const std::string& path);
  /// The values of the weights in the order of `each`.
  std::vector<Tensor> get_weights() const;
  /// Throws ValueError or ShapeError, before anything changes, unless they are as many as the weights and fit them.
  void set_weights(std::span<const Tensor> values);
  void set_weights(std::initializer_list<Tensor> values) { set_weights(std::span(values.begin(), values.size())); }

  /// The optimizer it was compiled with. Throws ValueError unless compiled.
  optimizers::Optimizer& optimizer() const;

 protected:
  Layer& network() const;

 private:
  struct State;
  friend struct Training;
  Shared<State> state_;
};

}  // namespace xgrad
