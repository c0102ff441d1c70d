#include <xgrad/data/shuffle.hpp>
#include <xgrad/graph/grad.hpp>
#include <xgrad/nn/functional.hpp>
#include <xgrad/nn/training.hpp>

#include <algorithm>
#include <cmath>
#include <iostream>

namespace xgrad {

namespace {

using Callbacks = std::span<const callbacks::CallbackHandle>;

void check_least(const std::string& where, const char* what, std::int64_t value, std::int64_t least) {
  if (value < least)
    throw ValueError(where + "expected " + what + " of " + std::to_string(least) + " or more, got " +
                     std::to_string(value));
}

void compute(const Dataset& data) {
  std::vector<Tensor> all = data.x.values();
  all.insert(all.end(), data.y.begin(), data.y.end());
  all.insert(all.end(), data.sample_weight.begin(), data.sample_weight.end());
  eval(all);
}

/// Callbacks know their run while this object lives.
class Listening {
 public:
  Listening(Callbacks callbacks, callbacks::Run& run) : callbacks_(callbacks) {
    for (const auto& callback : callbacks_) callback->set_run(&run);
  }
  ~Listening() {
    for (const auto& callback : callbacks_) callback->set_run(nullptr);
  }
  Listening(const Listening&) = delete;
  Listening& operator=(const Listening&) = delete;

  template <class F>
  void tell(F&& f) const {
    for (const auto& callback : callbacks_) f(*callback);
  }
  template <class F>
  void tell_of_batch(F&& f) const {
    for (const auto& callback : callbacks_)
      if (callback->wants_batches()) f(*callback);
  }
  bool batches_wanted() const {
    return std::any_of(callbacks_.begin(), callbacks_.end(), [](const auto& c) { return c->wants_batches(); });
  }

 private:
  Callbacks callbacks_;
};

/// Batches one after the other, from rows in memory or from a source.
struct Feed {
  const Training* training = nullptr;
  const Dataset* data = nullptr;
  std::optional<RowBatches> rows = {};
  std::vector<std::int64_t> numbers = {};  ///< of the rows that `rows` numbers; empty: the same numbers
  const BatchSource* source = nullptr;
  std::int64_t steps = 0;  ///< 0: until the source ends

  bool given() const { return rows || source; }
  std::optional<Dataset> batch(std::int64_t epoch, std::int64_t step) {
    if (!rows) {
      std::optional<Dataset> next = source->batch(epoch, step);
      if (next) training->check_rows(*next, true);
      return next;
    }
    const Training::Numbers chosen = rows->batch(epoch * steps + step);
    if (numbers.empty()) return training->gather(*data, chosen);
    std::vector<std::int64_t> shifted;
    for (const std::int64_t i : chosen) shifted.push_back(numbers[static_cast<std::size_t>(i)]);
    return training->gather(*data, shifted);
  }
};

/// The numbers are only collected when they are drawn, but the bar counts every step.
void show(report::Progress& progress, const Training& training, std::int64_t steps) {
  if (progress.due())
    progress.update(steps, training.logs().entries());
  else
    progress.update(steps);
}

void train_epoch(Training& training, Feed& feed, int epoch, report::Progress& progress, const Listening& listening,
                 callbacks::Run& run) {
  const bool tell = listening.batches_wanted();
  const std::int64_t first = epoch == run.initial_epoch ? run.initial_step : 0;
  for (std::int64_t step = first; feed.steps == 0 || step < feed.steps; ++step) {
    std::optional<Dataset> batch = feed.batch(epoch, step);
    if (!batch) {
      if (step == first)
        throw ValueError(training.where + "expected batches from the source, got none in epoch " +
                         std::to_string(epoch + 1));
      break;
    }
    if (tell) listening.tell_of_batch([&](callbacks::Callback& c) { c.on_train_batch_begin(step); });
    const double rate = training.compiled.options.optimizer.learning_rate();
    training.train_step(*batch);
    const double loss = training.compiled.mean_loss.result();
    if (!std::isfinite(loss) && !run.allow_non_finite)
      throw NumericError(training.where + "the loss became " + (std::isnan(loss) ? "NaN" : "infinite") + " in epoch " +
                         std::to_string(epoch + 1) + ", batch " + std::to_string(step + 1) +
                         (feed.steps ? " of " + std::to_string(feed.steps) : "") + " (learning rate " +
                         number_text(rate) + ")");
    if (tell) {
      const Logs logs = training.logs();
      listening.tell_of_batch([&](callbacks::Callback& c) { c.on_train_batch_end(step, logs); });
    }
    show(progress, training, step + 1);
    if (run.stop_training) break;
  }
}

void evaluate_all(Training& training, Feed& feed, report::Progress* progress, const Listening& listening) {
  const bool tell = listening.batches_wanted();
  training.reset_metrics();
  listening.tell([](callbacks::Callback& c) { c.on_test_begin(); });
  for (std::int64_t step = 0; feed.steps == 0 || step < feed.steps; ++step) {
    std::optional<Dataset> batch = feed.batch(0, step);
    if (!batch) break;
    if (tell) listening.tell_of_batch([&](callbacks::Callback& c) { c.on_test_batch_begin(step); });
    training.test_step(*batch);
    if (tell) {
      const Logs logs = training.logs();
      listening.tell_of_batch([&](callbacks::Callback& c) { c.on_test_batch_end(step, logs); });
    }
    if (progress) show(*progress, training, step + 1);
  }
  const Logs logs = training.logs();
  listening.tell([&](callbacks::Callback& c) { c.on_test_end(logs); });
}

bool validates_after(const std::vector<int>& frequency, int epoch) {
  if (frequency.size() == 1) return (epoch + 1) % frequency[0] == 0;
  return std::find(frequency.begin(), frequency.end(), epoch + 1) != frequency.end();
}

/// Brings data into the order of the network's inputs and outputs, if those are known.
void order_data(const char* where, const Layer& network, Dataset& data) {
  const auto* graph = network.get_if<LayerGraph>();
  if (!graph) return;
  std::vector<std::string> inputs;
  for (const LayerGraph::Input& input : graph->state->inputs) inputs.push_back(input.name);
  if (data.x.defined()) data.x = data.x.ordered(where, "input", inputs);
  if (!data.y.names().empty()) data.y = data.y.ordered(where, "target", graph->state->output_names);
  if (!data.sample_weight.names().empty())
    data.sample_weight = data.sample_weight.ordered(where, "sample_weight", graph->state->output_names);
}

Dataset first_rows(const Training& training, const Dataset& data, std::int64_t count) {
  return training.gather(data, data::plain_order(std::min(count, data.x[0].dim(0))));
}

History run_fit(Training& training, Feed feed, Feed validation, const FitOptions& options, callbacks::Run& run,
                std::optional<std::uint64_t>& order_seed) {
  std::ostream& out = options.out ? *options.out : std::cout;
  if (training.named.empty())
    (options.out ? out : std::cerr) << "warning: " << training.where
                                    << "the model has no parameters: nothing will be trained "
                                    << "(does its each() name them?)\n";
  training.build_optimizer();
  const Listening listening(options.callbacks, run);
  listening.tell([](callbacks::Callback& c) { c.on_train_begin(); });
  order_seed = run.seed;
  if (feed.rows) {
    const std::int64_t rows =
        feed.numbers.empty() ? feed.data->x[0].dim(0) : static_cast<std::int64_t>(feed.numbers.size());
    feed.rows.emplace(rows, options.batch_size, options.shuffle, run.seed);
  }
  History history;
  Logs logs;
  for (int epoch = run.initial_epoch; epoch < options.epochs && !run.stop_training; ++epoch) {
    report::Progress progress(epoch + 1, options.epochs, feed.steps, {.verbose = options.verbose, .out = options.out});
    training.reset_metrics();
    listening.tell([&](callbacks::Callback& c) { c.on_epoch_begin(epoch); });
    train_epoch(training, feed, epoch, progress, listening, run);
    logs = training.logs();
    if (validation.given() && validates_after(options.validation_freq, epoch)) {
      evaluate_all(training, validation, nullptr, listening);
      for (const auto& [name, value] : training.logs("val_")) logs.add(name, value);
    }
    listening.tell([&](callbacks::Callback& c) { c.on_epoch_end(epoch, logs); });
    progress.finish(logs.entries());
    history.add(epoch, logs);
  }
  listening.tell([&](callbacks::Callback& c) { c.on_train_end(logs); });
  return history;
}

void check_options(const std::string& where, const FitOptions& options) {
  check_least(where, "a batch_size", options.batch_size, 1);
  check_least(where, "epochs", options.epochs, 0);
  check_least(where, "an initial_epoch", options.initial_epoch, 0);
  check_least(where, "steps_per_epoch", options.steps_per_epoch, 0);
  check_least(where, "validation_steps", options.validation_steps, 0);
  check_least(where, "a validation_batch_size", options.validation_batch_size, 0);
  if (options.validation_freq.empty()) throw ValueError(where + "expected a validation_freq, got an empty list");
  for (const int n : options.validation_freq) check_least(where, "a validation_freq", n, 1);
  if (!(options.validation_split >= 0 && options.validation_split < 1))
    throw ValueError(where + "expected a validation_split from 0 to below 1, got " +
                     number_text(options.validation_split));
}

}  // namespace

History Model::fit(const Tensors& x, const Tensors& y, const FitOptions& options) {
  state_->need_compiled("fit");
  Training training("fit", *state_);
  const std::string& where = training.where;
  check_options(where, options);
  Dataset data{x, y, options.sample_weight};
  order_data("fit", state_->network, data);
  training.check_rows(data);
  const Tensors plain_weights = data.sample_weight;
  data.sample_weight = with_class_weights(where, data, options.class_weight);
  compute(data);
  const std::int64_t n = data.x[0].dim(0);
  const auto kept = static_cast<std::int64_t>(std::floor(static_cast<double>(n) * (1 - options.validation_split)));
  if (kept == 0)
    throw ValueError(where + "a validation_split of " + number_text(options.validation_split) + " leaves none of " +
                     std::to_string(n) + " rows to train on");

  Dataset validation_data = options.validation_data;
  Feed validation{.training = &training, .data = &validation_data};
  const std::int64_t validation_batch =
      options.validation_batch_size ? options.validation_batch_size : options.batch_size;
  if (options.validation_source.batch) {
    validation.source = &options.validation_source;
    validation.steps = options.validation_steps ? options.validation_steps : options.validation_source.steps;
  } else if (validation_data.x.defined() || validation_data.y.defined()) {
    order_data("fit", state_->network, validation_data);
    training.check_rows(validation_data);
    compute(validation_data);
    validation.rows.emplace(validation_data.x[0].dim(0), validation_batch, false, 0);
  } else if (kept < n) {
    validation_data = {data.x, data.y, plain_weights};
    for (std::int64_t i = kept; i < n; ++i) validation.numbers.push_back(i);
    validation.rows.emplace(n - kept, validation_batch, false, 0);
  }
  if (validation.rows) {
    const std::int64_t all = validation.rows->steps();
    validation.steps = options.validation_steps ? std::min(options.validation_steps, all) : all;
  }
  training.check_fit(first_rows(training, data, options.batch_size));

  std::ostream& out = options.out ? *options.out : std::cout;
  callbacks::Run run(*this, out);
  run.epochs = options.epochs;
  run.initial_epoch = options.initial_epoch;
  run.verbose = options.verbose;
  // A training that goes on keeps the order of rows it would have had.
  run.seed = options.seed                                                  ? *options.seed
             : options.initial_epoch > 0 && state_->order_seed.has_value() ? *state_->order_seed
                                                                           : default_generator().split().seed();
  Feed feed{.training = &training, .data = &data};
  feed.rows.emplace(kept, options.batch_size, options.shuffle, run.seed);
  if (kept < n) feed.numbers = data::plain_order(kept);
  feed.steps = options.steps_per_epoch ? options.steps_per_epoch : feed.rows->steps();
  run.steps = feed.steps;
  return run_fit(training, std::move(feed), std::move(validation), options, run, state_->order_seed);
}

History Model::fit(const BatchSource& source, const FitOptions& options) {
  state_->need_compiled("fit");
  Training training("fit", *state_);
  check_options(training.where, options);
  if (!source.batch) throw ValueError(training.where + "expected a source of batches, got an empty one");
  if (options.validation_split > 0 || options.sample_weight.defined() || !options.class_weight.empty())
    throw ValueError(training.where + "expected a source that splits and weighs its batches itself, got " +
                     "validation_split, sample_weight or class_weight");
  std::optional<Dataset> first = source.batch(options.initial_epoch, 0);
  if (!first) throw ValueError(training.where + "expected batches from the source, got none");
  order_data("fit", state_->network, *first);
  training.check_rows(*first, true);
  training.check_fit(*first);

  Dataset validation_data = options.validation_data;
  Feed validation{.training = &training, .data = &validation_data};
  if (options.validation_source.batch) {
    validation.source = &options.validation_source;
    validation.steps = options.validation_steps ? options.validation_steps : options.validation_source.steps;
  } else if (validation_data.x.defined()) {
    order_data("fit", state_->network, validation_data);
    training.check_rows(validation_data);
    compute(validation_data);
    validation.rows.emplace(validation_data.x[0].dim(0),
                            options.validation_batch_size ? options.validation_batch_size : options.batch_size, false,
                            0);
    const std::int64_t all = validation.rows->steps();
    validation.steps = options.validation_steps ? std::min(options.validation_steps, all) : all;
  }
  std::ostream& out = options.out ? *options.out : std::cout;
  callbacks::Run run(*this, out);
  run.epochs = options.epochs;
  run.initial_epoch = options.initial_epoch;
  run.verbose = options.verbose;
  Feed feed{.training = &training, .source = &source};
  feed.steps = options.steps_per_epoch ? options.steps_per_epoch : source.steps;
  run.steps = feed.steps;
  return run_fit(training, std::move(feed), std::move(validation), options, run, state_->order_seed);
}

Logs Model::evaluate(const Tensors& x, const Tensors& y, const EvaluateOptions& options) {
  state_->need_compiled("evaluate");
  Training training("evaluate", *state_);
  check_least(training.where, "a batch_size", options.batch_size, 1);
  check_least(training.where, "steps", options.steps, 0);
  Dataset data{x, y, options.sample_weight};
  order_data("evaluate", state_->network, data);
  training.check_rows(data);
  compute(data);
  training.check_fit(first_rows(training, data, options.batch_size));
  Feed feed{.training = &training, .data = &data};
  feed.rows.emplace(data.x[0].dim(0), options.batch_size, false, 0);
  feed.steps = options.steps ? std::min(options.steps, feed.rows->steps()) : feed.rows->steps();
  report::Progress progress(1, 0, feed.steps, {.verbose = options.verbose, .out = options.out});
  callbacks::Run run(*this, options.out ? *options.out : std::cout);
  const Listening listening(options.callbacks, run);
  evaluate_all(training, feed, &progress, listening);
  const Logs logs = training.logs();
  progress.finish(logs.entries());
  return logs;
}

Logs Model::evaluate(const BatchSource& source, const EvaluateOptions& options) {
  state_->need_compiled("evaluate");
  Training training("evaluate", *state_);
  if (!source.batch) throw ValueError(training.where + "expected a source of batches, got an empty one");
  std::optional<Dataset> first = source.batch(0, 0);
  if (!first) throw ValueError(training.where + "expected batches from the source, got none");
  training.check_rows(*first, true);
  training.check_fit(*first);
  Feed feed{.training = &training, .source = &source};
  feed.steps = options.steps ? options.steps : source.steps;
  report::Progress progress(1, 0, feed.steps, {.verbose = options.verbose, .out = options.out});
  callbacks::Run run(*this, options.out ? *options.out : std::cout);
  const Listening listening(options.callbacks, run);
  evaluate_all(training, feed, &progress, listening);
  const Logs logs = training.logs();
  progress.finish(logs.entries());
  return logs;
}

namespace {

/// One batch, checked, with its weights.
Dataset batch_of(const char* where, const Layer& network, Training& training, const Tensors& x, const Tensors& y,
                 const TrainOnBatchOptions& options) {
  Dataset batch{x, y, options.sample_weight};
  order_data(where, network, batch);
  training.check_rows(batch);
  batch.sample_weight = with_class_weights(training.where, batch, options.class_weight);
  training.check_fit(batch);
  return batch;
}

}  // namespace

Logs Model::train_on_batch(const Tensors& x, const Tensors& y, const TrainOnBatchOptions& options) {
  state_->need_compiled("train_on_batch");
  Training training("train_on_batch", *state_);
  const Dataset batch = batch_of("train_on_batch", state_->network, training, x, y, options);
  training.build_optimizer();
  training.train_step(batch);
  return training.logs();
}

Logs Model::test_on_batch(const Tensors& x, const Tensors& y, const TrainOnBatchOptions& options) {
  state_->need_compiled("test_on_batch");
  Training training("test_on_batch", *state_);
  const Dataset batch = batch_of("test_on_batch", state_->network, training, x, y, options);
  training.test_step(batch);
  return training.logs();
}

void Model::enable_check_numerics(bool on) { state_->check_numerics = on; }

Tensor Model::compute_loss(const Tensors& x, const Tensors& y, const ComputeLossOptions& options) {
  state_->need_compiled("compute_loss");
  Training training("compute_loss", *state_);
  Dataset batch{x, y, options.sample_weight};
  order_data("compute_loss", state_->network, batch);
  training.check_rows(batch);
  training.check_fit(batch);
  return training.loss_of(batch, options.training);
}

void Model::reset_metrics() {
  state_->need_compiled("reset_metrics");
  Training("reset_metrics", *state_).reset_metrics();
}

}  // namespace xgrad
