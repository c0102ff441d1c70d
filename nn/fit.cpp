#include <xgrad/data/shuffle.hpp>
#include <xgrad/graph/grad.hpp>
#include <xgrad/graph/op.hpp>
#include <xgrad/nn/model_state.hpp>
#include <xgrad/ops/elementwise.hpp>
#include <xgrad/ops/indexing.hpp>
#include <xgrad/ops/reduce.hpp>
#include <xgrad/ops/shape.hpp>
#include <xgrad/report/progress.hpp>

#include <algorithm>
#include <cmath>
#include <iostream>
#include <unordered_set>

namespace xgrad {

/// Training and evaluating one model on one set of rows.
struct Training {
  /// Rows of x, y and weights: those numbered by `order`.
  struct Rows {
    const Dataset& data;
    std::vector<std::int64_t> order;
    std::int64_t size() const { return static_cast<std::int64_t>(order.size()); }
  };
  using Numbers = std::span<const std::int64_t>;

  Training(const char* where, Model::State& state)
      : where(std::string("[") + where + "] "), state(state), compiled(*state.compiled) {}

  void check_rows(const Dataset& data) const;
  void check_fit(const Dataset& data, std::int64_t batch_size);
  void check_named(const Tensor& loss);
  Dataset gather(const Dataset& data, Numbers rows) const;
  Tensor loss_of(const Dataset& batch, const Tensor& y_pred, const Call& call) const;
  void update_metrics(const Dataset& batch, const Tensor& y_pred, const Tensor& loss);
  void record_step(const Dataset& data, Numbers rows);
  void record_evaluation(const Dataset& data, Numbers rows);
  void revert(bool updated);
  template <class Record>
  void run(bool updates, Record&& record);
  void train(const Rows& rows, std::int64_t batch_size, int epoch, report::Progress& progress);
  void evaluate(const Rows& rows, std::int64_t batch_size, report::Progress* progress);
  void show(report::Progress& progress, std::int64_t steps) const;
  void reset_metrics();
  Logs logs(std::string_view prefix = {}) const;

  std::string where;
  Model::State& state;
  Model::State::Compiled& compiled;
  std::vector<NamedParameter> named;
  std::vector<Parameter> trained;
};

namespace {

Shape with_rows(const Shape& shape, std::int64_t rows) {
  Shape out = shape;
  out.set(0, rows);
  return out;
}

Dataset computed(Dataset data) {
  std::vector<Tensor> all = {data.x, data.y};
  if (data.sample_weight.defined()) all.push_back(data.sample_weight);
  eval(all);
  return data;
}

/// sample_weight times the weight of each row's class.
Tensor with_class_weights(const Dataset& data, std::span<const std::pair<std::int64_t, double>> class_weight) {
  if (class_weight.empty()) return data.sample_weight;
  const NoGrad no_grad;
  Tensor labels = data.y;
  if (labels.rank() >= 2) labels = labels.dim(-1) > 1 ? argmax(labels) : squeeze(labels, -1);
  labels = cast(labels, int64);
  Tensor weights = ones(labels.shape());
  for (const auto& [label, weight] : class_weight) weights = where(equal(labels, label), weight, weights);
  return data.sample_weight.defined() ? data.sample_weight * weights : weights;
}

void check_positive(const std::string& where, const char* what, std::int64_t value, std::int64_t least) {
  if (value < least)
    throw ValueError(where + "expected " + what + " of " + std::to_string(least) + " or more, got " +
                     std::to_string(value));
}

}  // namespace

void Training::check_rows(const Dataset& data) const {
  if (!data.x.defined() || !data.y.defined()) throw ValueError(where + "expected x and y, got an undefined tensor");
  for (const auto& [name, tensor] : {std::pair("x", &data.x), std::pair("y", &data.y)})
    if (tensor->rank() == 0) throw ShapeError(where + "expected " + name + " with a batch axis, got a scalar");
  const std::int64_t n = data.x.dim(0);
  const auto misfit = [&](const char* name, const Tensor& other) {
    throw ShapeError(where + "expected x and " + name + " with equally many rows, got x " + to_string(data.x.shape()) +
                     " and " + name + " " + to_string(other.shape()));
  };
  if (data.y.dim(0) != n) misfit("y", data.y);
  if (data.sample_weight.defined() && (data.sample_weight.rank() == 0 || data.sample_weight.dim(0) != n))
    misfit("sample_weight", data.sample_weight);
  if (n == 0) throw ValueError(where + "expected at least one row, got x " + to_string(data.x.shape()));
}

void Training::check_fit(const Dataset& data, std::int64_t batch_size) {
  // One recorded pass, never computed: layers are built, and shapes that do not fit are found before anything changes.
  const NoGrad no_grad;
  const std::int64_t rows = std::min(batch_size, data.x.dim(0));
  Dataset batch{zeros(with_rows(data.x.shape(), rows), {.dtype = data.x.dtype()}),
                zeros(with_rows(data.y.shape(), rows), {.dtype = data.y.dtype()})};
  if (data.sample_weight.defined())
    batch.sample_weight = zeros(with_rows(data.sample_weight.shape(), rows), {.dtype = data.sample_weight.dtype()});
  Call call;
  const Tensor y_pred = state.network(batch.x, call);
  if (y_pred.rank() == 0 || y_pred.dim(0) != rows)
    throw ShapeError(where + "expected the model to give one output for each of " + std::to_string(rows) +
                     " rows, got " + to_string(y_pred.shape()) +
                     (data.x.rank() == 1 ? ": x " + to_string(data.x.shape()) +
                                               " has no axis of features; expand_dims(x, -1) gives it one"
                                         : ""));
  loss_of(batch, y_pred, call);
  named = weights(state.network);
  for (const NamedParameter& weight : named) {
    if (weight.parameter.name() != weight.name) weight.parameter.set_name(weight.name);
    if (weight.parameter.trainable()) trained.push_back(weight.parameter);
  }
}

void Training::check_named(const Tensor& loss) {
  if (compiled.checked) return;
  std::unordered_set<const Slot*> known;
  for (const NamedParameter& weight : named) known.insert(weight.parameter.slot());
  for (const Parameter& used : parameters_of(loss))
    if (!known.contains(used.slot()))
      throw ValueError(where + "the loss uses the Parameter " +
                       (used.name().empty() ? std::string("without a name") : "'" + std::string(used.name()) + "'") +
                       " " + to_string(used.shape()) + ", which the model's each() does not name: it would not be " +
                       "trained or saved");
  compiled.checked = true;
}

Dataset Training::gather(const Dataset& data, Numbers rows) const {
  const Tensor numbers = tensor(rows, {static_cast<std::int64_t>(rows.size())});
  Dataset batch{take(data.x, numbers), take(data.y, numbers)};
  if (data.sample_weight.defined()) batch.sample_weight = take(data.sample_weight, numbers);
  return batch;
}

Tensor Training::loss_of(const Dataset& batch, const Tensor& y_pred, const Call& call) const {
  if (!compiled.loss.defined()) throw ValueError(where + "expected a loss: compile({.loss = ...})");
  Tensor loss = compiled.loss(batch.y, y_pred, batch.sample_weight);
  for (const Tensor& penalty : call.penalties) loss = loss + penalty;
  for (const Tensor& penalty : penalties(state.network)) loss = loss + penalty;
  if (loss.size() != 1)
    throw ShapeError(where + "expected a loss with one element, got " + to_string(loss.shape()) +
                     " (with reduction \"none\" a loss cannot be trained on)");
  return loss;
}

void Training::update_metrics(const Dataset& batch, const Tensor& y_pred, const Tensor& loss) {
  const NoGrad no_grad;
  const double rows = static_cast<double>(batch.x.dim(0));
  compiled.mean_loss.update_state(cast(loss, float64), Tensor(rows, {.dtype = float64}));
  for (metrics::Metric& metric : compiled.metrics) metric.update_state(batch.y, y_pred);
}

void Training::record_step(const Dataset& data, Numbers rows) {
  const Dataset batch = gather(data, rows);
  Call call{.training = true};
  const Tensor y_pred = state.network(batch.x, call);
  const Tensor loss = loss_of(batch, y_pred, call);
  check_named(loss);
  compiled.optimizer.record(trained, grad(loss, trained));
  update_metrics(batch, y_pred, loss);
}

void Training::record_evaluation(const Dataset& data, Numbers rows) {
  const NoGrad no_grad;
  const Dataset batch = gather(data, rows);
  Call call;
  const Tensor y_pred = state.network(batch.x, call);
  update_metrics(batch, y_pred, loss_of(batch, y_pred, call));
}

void Training::revert(bool updated) {
  if (updated) compiled.optimizer.revert(trained);
  compiled.mean_loss.revert();
  for (metrics::Metric& metric : compiled.metrics) metric.revert();
}

template <class Record>
void Training::run(bool updates, Record&& record) {
  const std::int64_t before = compiled.optimizer.iterations();
  try {
    {
      // The step is computed as a whole, right after it is recorded.
      const Quiet quiet;
      record();
    }
    eval({});
  } catch (...) {
    revert(updates && compiled.optimizer.iterations() > before);
    throw;
  }
}

void Training::train(const Rows& rows, std::int64_t batch_size, int epoch, report::Progress& progress) {
  const std::int64_t steps = (rows.size() + batch_size - 1) / batch_size;
  for (std::int64_t step = 0; step < steps; ++step) {
    const std::int64_t begin = step * batch_size;
    const Numbers batch = Numbers(rows.order).subspan(begin, std::min(batch_size, rows.size() - begin));
    const double rate = compiled.optimizer.learning_rate();
    run(true, [&] { record_step(rows.data, batch); });
    const double loss = compiled.mean_loss.result();
    if (!std::isfinite(loss))
      throw NumericError(where + "the loss became " + (std::isnan(loss) ? "NaN" : "infinite") + " in epoch " +
                         std::to_string(epoch + 1) + ", batch " + std::to_string(step + 1) + " of " +
                         std::to_string(steps) + " (learning rate " + number_text(rate) + ")");
    show(progress, step + 1);
  }
}

void Training::evaluate(const Rows& rows, std::int64_t batch_size, report::Progress* progress) {
  const std::int64_t steps = (rows.size() + batch_size - 1) / batch_size;
  for (std::int64_t step = 0; step < steps; ++step) {
    const std::int64_t begin = step * batch_size;
    const Numbers batch = Numbers(rows.order).subspan(begin, std::min(batch_size, rows.size() - begin));
    run(false, [&] { record_evaluation(rows.data, batch); });
    if (progress) show(*progress, step + 1);
  }
}

void Training::show(report::Progress& progress, std::int64_t steps) const {
  // The bar counts every step, but the numbers are only collected when they are drawn.
  if (progress.due()) progress.update(steps, logs().entries());
  else progress.update(steps);
}

void Training::reset_metrics() {
  compiled.mean_loss.reset_state();
  for (metrics::Metric& metric : compiled.metrics) metric.reset_state();
}

Logs Training::logs(std::string_view prefix) const {
  std::vector<std::pair<std::string, double>> all = {{std::string(prefix) + "loss", compiled.mean_loss.result()}};
  for (const metrics::Metric& metric : compiled.metrics)
    all.emplace_back(std::string(prefix) + metric.name(), metric.result());
  std::stable_sort(all.begin(), all.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
  Logs out;
  for (const auto& [name, value] : all) out.add(name, value);
  return out;
}

History Model::fit(const Tensor& x, const Tensor& y, const FitOptions& options) {
  if (!state_->compiled) throw ValueError("[fit] the model is not compiled: call compile first");
  Training training("fit", *state_);
  const auto& where = training.where;
  check_positive(where, "a batch_size", options.batch_size, 1);
  check_positive(where, "epochs", options.epochs, 0);
  check_positive(where, "an initial_epoch", options.initial_epoch, 0);
  if (!(options.validation_split >= 0 && options.validation_split < 1))
    throw ValueError(where + "expected a validation_split from 0 to below 1, got " +
                     number_text(options.validation_split));

  Dataset data{x, y, options.sample_weight};
  training.check_rows(data);
  data.sample_weight = with_class_weights(data, options.class_weight);
  data = computed(data);
  const std::int64_t n = x.dim(0);
  const auto kept = static_cast<std::int64_t>(std::floor(static_cast<double>(n) * (1 - options.validation_split)));
  if (kept == 0)
    throw ValueError(where + "a validation_split of " + number_text(options.validation_split) +
                     " leaves none of " + std::to_string(n) + " rows to train on");

  Dataset validation_data = options.validation_data;
  std::vector<std::int64_t> validation_rows;
  if (validation_data.x.defined() || validation_data.y.defined()) {
    training.check_rows(validation_data);
    validation_data = computed(validation_data);
    validation_rows = data::plain_order(validation_data.x.dim(0));
  } else if (kept < n) {
    validation_data = {data.x, data.y, options.sample_weight};
    for (std::int64_t i = kept; i < n; ++i) validation_rows.push_back(i);
  }
  training.check_fit(data, options.batch_size);
  std::ostream& out = options.out ? *options.out : std::cout;
  if (training.named.empty())
    (options.out ? out : std::cerr) << "warning: " << where << "the model has no parameters: nothing will be trained "
                                    << "(does its each() name them?)\n";
  state_->compiled->optimizer.build(training.trained);
  constrain(state_->compiled->optimizer, state_->network);

  const Training::Rows validation{validation_data, std::move(validation_rows)};
  const std::uint64_t seed = options.seed ? *options.seed : default_generator().split().seed();
  const std::int64_t steps = (kept + options.batch_size - 1) / options.batch_size;
  History history;
  for (int epoch = options.initial_epoch; epoch < options.epochs; ++epoch) {
    report::Progress progress(epoch + 1, options.epochs, steps, {.verbose = options.verbose, .out = options.out});
    training.reset_metrics();
    const auto number = static_cast<std::uint64_t>(epoch);
    const Training::Rows rows{
        data, options.shuffle ? data::shuffled_order(kept, seed, number) : data::plain_order(kept)};
    training.train(rows, options.batch_size, epoch, progress);
    Logs logs = training.logs();
    if (validation.size() > 0) {
      training.reset_metrics();
      training.evaluate(validation, options.batch_size, nullptr);
      for (const auto& [name, value] : training.logs("val_")) logs.add(name, value);
    }
    progress.finish(logs.entries());
    history.add(epoch, logs);
  }
  return history;
}

Logs Model::evaluate(const Tensor& x, const Tensor& y, const EvaluateOptions& options) {
  if (!state_->compiled) throw ValueError("[evaluate] the model is not compiled: call compile first");
  Training training("evaluate", *state_);
  check_positive(training.where, "a batch_size", options.batch_size, 1);
  Dataset data{x, y, options.sample_weight};
  training.check_rows(data);
  data = computed(data);
  training.check_fit(data, options.batch_size);
  training.reset_metrics();
  const std::int64_t steps = (x.dim(0) + options.batch_size - 1) / options.batch_size;
  report::Progress progress(1, 0, steps, {.verbose = options.verbose, .out = options.out});
  training.evaluate({data, data::plain_order(x.dim(0))}, options.batch_size, &progress);
  const Logs logs = training.logs();
  progress.finish(logs.entries());
  return logs;
}

}  // namespace xgrad
