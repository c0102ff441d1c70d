#pragma once
/// Model: Keras's habits (compile, fit, evaluate, predict, summary, saving) over any layer.

#include <xgrad/nn/callback.hpp>
#include <xgrad/nn/compile.hpp>
#include <xgrad/nn/layer.hpp>
#include <xgrad/nn/logs.hpp>
#include <xgrad/optim/optimizers.hpp>

namespace xgrad {

struct CompileOptions {
  optimizers::Optimizer optimizer = "rmsprop";
  OutputLosses loss = {};
  LossWeights loss_weights = {};
  OutputMetrics metrics = {};
  OutputMetrics weighted_metrics = {};  ///< those that sample weights count in
};

/// Inputs, targets and, if samples count differently, a weight for each: one tensor or one for each input or output.
struct Dataset {
  Tensors x = {};
  Tensors y = {};
  Tensors sample_weight = {};
};

/// {label, weight}; other labels count 1.
using ClassWeight = std::vector<std::pair<std::int64_t, double>>;

/// Batches that are not rows of tensors in memory: read from files, drawn, augmented, or a whole graph. Inputs after
/// the first may have a first axis of their own there, as the edges of a graph have.
struct BatchSource {
  /// The batch of a step of an epoch, both counted from 0; nothing when the epoch is over.
  Function<std::optional<Dataset>(std::int64_t epoch, std::int64_t step)> batch = {};
  std::int64_t steps = 0;  ///< how many an epoch has; 0: until `batch` gives nothing
};

struct FitOptions {
  std::int64_t batch_size = 32;
  int epochs = 1;
  int verbose = 1;  ///< 0: silent, 1: a progress bar (a line an epoch into files), 2: a line an epoch
  std::vector<callbacks::CallbackHandle> callbacks = {};  ///< in this order; see nn/callbacks.hpp
  double validation_split = 0;  ///< this share of the rows, the last ones before shuffling, is only evaluated
  Dataset validation_data = {};
  bool shuffle = true;
  ClassWeight class_weight = {};  ///< of a model with one output
  Tensors sample_weight = {};
  int initial_epoch = 0;
  std::int64_t steps_per_epoch = 0;        ///< batches an epoch; 0: all there are. More than that begin anew
  std::int64_t validation_steps = 0;       ///< batches of validation; 0: all
  std::int64_t validation_batch_size = 0;  ///< 0: batch_size
  std::vector<int> validation_freq = {1};  ///< one number n: every n epochs; several: after these epochs (from 1)
  std::optional<std::uint64_t> seed = {};  ///< of the order of the rows; from the thread's generator if not given
  std::ostream* out = nullptr;             ///< where progress is shown; std::cout by default
  BatchSource validation_source = {};      ///< instead of validation_data
};

struct EvaluateOptions {
  std::int64_t batch_size = 32;
  int verbose = 0;
  Tensors sample_weight = {};
  std::int64_t steps = 0;  ///< batches; 0: all
  std::vector<callbacks::CallbackHandle> callbacks = {};
  std::ostream* out = nullptr;
};

struct PredictOptions {
  std::int64_t batch_size = 32;
};

struct TrainOnBatchOptions {
  Tensors sample_weight = {};
  ClassWeight class_weight = {};
};

struct ComputeLossOptions {
  Tensors sample_weight = {};
  bool training = false;
};

struct ModelOptions {
  std::string name = {};
};

struct SummaryOptions {
  bool expand_nested = false;  ///< the layers inside models and layers too
};

/// What a training or test step of one's own gives: scalars whose means over the epoch are the logs.
using StepLogs = std::vector<std::pair<std::string, Tensor>>;
/// A step of one's own: records forward pass, gradients and updates (`Optimizer::record`) of one batch. Everything it
/// records is computed in one plan.
using StepFunction = Function<StepLogs(const Dataset& batch)>;

struct CustomObjects;

/// A network with Keras's habits. The network is any layer: a struct of one's own with a call and `each`, the graph
/// between symbolic inputs and outputs, or a Sequential, which is a Model itself. Copies share weights, optimizer and
/// metrics; `clone` copies the weights. A Model is a layer of other models.
///
///     Model model(Net{});
///     model.compile({.optimizer = "adam", .loss = "mse"});
///     History history = model.fit(x, y, {.epochs = 10});
///
///     Tensor a = Input({8}), b = Input({4});
///     Model two({a, b}, Dense(1)(Concatenate()({Dense(16)(a), Dense(16)(b)})));
class Model {
 public:
  template <class F>
    requires(!std::derived_from<std::decay_t<F>, Model> && !std::same_as<std::decay_t<F>, Layer> &&
             CallableLayer<std::decay_t<F>>)
  explicit Model(F&& network) : Model(Layer(std::forward<F>(network))) {}
  explicit Model(Layer network);
  /// The layers between symbolic tensors. Inputs and outputs may be one or several, also with names; layers that were
  /// called several times are shared, and operations between layers are recorded again for each batch. Throws
  /// ValueError if an output depends on an Input that is not given, or on none.
  Model(const Tensors& inputs, const Tensors& outputs, ModelOptions options = {});

  /// The network's output in evaluation; records only. Of a symbolic tensor a symbolic result, as for any layer.
  Tensor operator()(const Tensor& x) const;
  Tensor operator()(const Tensor& x, Call& call) const;
  /// All outputs for several inputs.
  std::vector<Tensor> operator()(const Tensors& xs) const;
  std::vector<Tensor> operator()(std::span<const Tensor> xs, Call& call) const;
  void each(Visit visit);

  const std::string& name() const;
  void set_name(std::string name);
  /// "Sequential", "Functional", or the type of the network.
  std::string_view kind_name() const;
  /// The names of inputs and outputs: those of the layers they come from ("output_1", ... if the network has no graph).
  std::vector<std::string> input_names() const;
  std::vector<std::string> output_names() const;
  /// The names of the layers, and the layer of a name or number. Throws ValueError, with the near misses, for a name
  /// there is not.
  std::vector<std::string> names() const;
  Layer& get_layer(std::string_view name) const;
  Layer& get_layer(std::size_t index) const;
  /// The shape of the only input without the batch, or rank 0 if it is not known.
  Shape input_shape() const;

  /// Says how to train. Throws ValueError for unknown names.
  void compile(CompileOptions options);
  bool compiled() const;
  /// What it was compiled with. Throws ValueError unless compiled, and for functions of one's own without a name.
  Config get_compile_config() const;
  /// Compiles as such a config says; CustomObjects hold functions of one's own by their names.
  void compile_from_config(const Config& config);
  void compile_from_config(const Config& config, const CustomObjects& custom);
  /// Steps of one's own instead of forward pass, loss and update; an empty one brings the usual step back.
  void set_train_step(StepFunction step);
  void set_test_step(StepFunction step);

  /// Checking mode: each training step computes loss and gradients operation by operation and throws NumericError,
  /// before any weight changes, where a NaN or an infinity first appears; the message names operation, layer and line.
  void enable_check_numerics(bool on = true);

  /// Trains for epochs - initial_epoch epochs: each step records forward pass, loss, gradients, updates and metrics,
  /// and computes them in one plan. The loss (with the penalties) and the metrics are means over the epoch so far. x
  /// may hold integers, which layers convert; its rows and y's belong together. Throws ValueError unless compiled, and
  /// for options out of range; ShapeError if x, y, weights and network do not fit together; ValueError for a Parameter
  /// that the loss uses but `each` does not name, and for labels out of range; NumericError, naming epoch and batch,
  /// when the loss is not finite.
  History fit(const Tensors& x, const Tensors& y, const FitOptions& options = {});
  /// The same with batches from a source; batch_size, shuffle, split and weights are its own business.
  History fit(const BatchSource& source, const FitOptions& options = {});
  /// The loss and metrics of the model on x and y, without training.
  Logs evaluate(const Tensors& x, const Tensors& y, const EvaluateOptions& options = {});
  Logs evaluate(const BatchSource& source, const EvaluateOptions& options = {});
  /// The network's output for every row of x, batch by batch, computed. Any number of threads may predict with one
  /// built model at a time.
  Tensor predict(const Tensor& x, const PredictOptions& options = {}) const;
  /// Every output for several inputs.
  std::vector<Tensor> predict(const Tensors& x, const PredictOptions& options = {}) const;

  /// One step on one batch. The logs are those since `reset_metrics`, as in Keras: of several batches their mean.
  Logs train_on_batch(const Tensors& x, const Tensors& y, const TrainOnBatchOptions& options = {});
  Logs test_on_batch(const Tensors& x, const Tensors& y, const TrainOnBatchOptions& options = {});
  Tensor predict_on_batch(const Tensor& x) const;
  std::vector<Tensor> predict_on_batch(const Tensors& x) const;
  /// The loss of one batch with its penalties, recorded: to differentiate, check or draw.
  Tensor compute_loss(const Tensors& x, const Tensors& y, const ComputeLossOptions& options = {});
  /// Forgets what the metrics have seen.
  void reset_metrics();

  /// Layers, their output shapes where they are known, numbers of parameters, and, for the graph of a functional model,
  /// what each layer is connected to.
  void summary(std::ostream& out, const SummaryOptions& options = {}) const;
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

  /// The architecture: layers with their configs, and the ways between them. Throws ValueError for a layer without
  /// get_config.
  Config get_config() const;
  /// Writes the whole model into one file, replacing an old one in one step: architecture, weights, random generators,
  /// what it was compiled with, optimizer state and the order of rows. See `load_model` in nn/saving.hpp.
  void save(const std::string& path) const;
  /// The training state alone (weights, generators, optimizer), for a model made by the same program.
  void save_checkpoint(const std::string& path, const Config& extra = {}) const;
  /// Goes on from there and gives back `extra`. Throws before anything changes.
  Config load_checkpoint(const std::string& path);

  /// The optimizer it was compiled with. Throws ValueError unless compiled.
  optimizers::Optimizer& optimizer() const;

 protected:
  Layer& network() const;

 private:
  struct State;
  friend struct Training;
  friend struct Saving;
  friend class callbacks::Run;
  Shared<State> state_;
};

}  // namespace xgrad
