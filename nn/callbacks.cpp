#include <xgrad/graph/error.hpp>
#include <xgrad/nn/callbacks.hpp>
#include <xgrad/nn/monitor.hpp>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <fstream>

namespace xgrad::callbacks {

namespace {

void need_number(const Run& run) {
  if (run.model().optimizer().scheduled())
    throw ValueError(
        "[ReduceLROnPlateau] expected an optimizer whose learning rate is a number, got one with a schedule");
}

}  // namespace

Monitor::Monitor(std::string_view callback, std::string name, std::string mode, double min_delta)
    : callback(callback), name(std::move(name)), mode(std::move(mode)), min_delta(std::abs(min_delta)) {
  if (this->mode != "auto" && this->mode != "min" && this->mode != "max")
    throw ValueError("[" + this->callback + "] expected a mode of 'auto', 'min' or 'max', got '" + this->mode + "'");
}

std::optional<double> Monitor::value(const Run& run, const Logs& logs) const {
  if (logs.contains(name)) return logs[name];
  std::string known;
  for (const auto& [key, number] : logs) known += (known.empty() ? "" : ", ") + key;
  run.out() << "warning: [" << callback << "] the metric '" << name << "' is not among the logs: " << known << "\n";
  return {};
}

bool Monitor::improves(const Run& run, double value, std::optional<double> reference) {
  if (!larger_) {
    if (mode != "auto")
      larger_ = mode == "max";
    else
      larger_ = run.larger_is_better(name);
    if (!larger_)
      throw ValueError("[" + callback + "] expected a mode of 'min' or 'max' for the metric '" + name +
                       "', of which it is not known whether more is better");
  }
  if (!reference) return true;
  return *larger_ ? value - min_delta > *reference : value + min_delta < *reference;
}

// --- EarlyStopping

struct EarlyStopping::State : Counted {
  explicit State(EarlyStoppingOptions o)
      : options(std::move(o)), monitor("EarlyStopping", options.monitor, options.mode, options.min_delta) {}
  Counted* copy() const override { return new State(*this); }
  EarlyStoppingOptions options;
  Monitor monitor;
  int wait = 0, stopped_epoch = 0, best_epoch = 0;
  std::vector<Tensor> best_weights;
};

EarlyStopping::EarlyStopping(EarlyStoppingOptions options) : state_(new State(std::move(options))) {}
int EarlyStopping::stopped_epoch() const { return state_->stopped_epoch; }
int EarlyStopping::best_epoch() const { return state_->best_epoch; }
std::optional<double> EarlyStopping::best() const { return state_->monitor.best; }

void EarlyStopping::on_train_begin() {
  State& s = *state_;
  s.wait = s.stopped_epoch = s.best_epoch = 0;
  s.monitor.best.reset();
  s.best_weights.clear();
}

void EarlyStopping::on_epoch_end(int epoch, Logs& logs) {
  State& s = *state_;
  const std::optional<double> current = s.monitor.value(run(), logs);
  if (!current || epoch < s.options.start_from_epoch) return;
  if (s.options.restore_best_weights && s.best_weights.empty()) {
    s.best_weights = run().model().get_weights();
    s.best_epoch = epoch;
  }
  ++s.wait;
  if (s.monitor.improves(run(), *current, s.monitor.best)) {
    s.monitor.best = current;
    s.best_epoch = epoch;
    if (s.options.restore_best_weights) s.best_weights = run().model().get_weights();
    if (s.monitor.improves(run(), *current, s.options.baseline)) s.wait = 0;
    return;
  }
  if (s.wait >= s.options.patience && epoch > 0) {
    s.stopped_epoch = epoch;
    run().stop_training = true;
  }
}

void EarlyStopping::on_train_end(const Logs&) {
  State& s = *state_;
  if (s.stopped_epoch > 0 && s.options.verbose > 0)
    run().out() << "Epoch " << s.stopped_epoch + 1 << ": early stopping\n";
  if (!s.options.restore_best_weights || s.best_weights.empty()) return;
  if (s.options.verbose > 0)
    run().out() << "Restoring model weights from the end of the best epoch: " << s.best_epoch + 1 << ".\n";
  run().model().set_weights(s.best_weights);
  s.best_weights.clear();
}

// --- ReduceLROnPlateau

struct ReduceLROnPlateau::State : Counted {
  explicit State(ReduceLROnPlateauOptions o)
      : options(std::move(o)), monitor("ReduceLROnPlateau", options.monitor, options.mode, options.min_delta) {}
  Counted* copy() const override { return new State(*this); }
  ReduceLROnPlateauOptions options;
  Monitor monitor;
  int wait = 0, cooldown = 0;
};

ReduceLROnPlateau::ReduceLROnPlateau(ReduceLROnPlateauOptions options) : state_(new State(std::move(options))) {
  if (!(state_->options.factor < 1))
    throw ValueError("[ReduceLROnPlateau] expected a factor below 1, got " + number_text(state_->options.factor));
}

void ReduceLROnPlateau::on_train_begin() {
  need_number(run());
  state_->monitor.best.reset();
  state_->wait = state_->cooldown = 0;
}

void ReduceLROnPlateau::on_epoch_end(int epoch, Logs& logs) {
  State& s = *state_;
  optimizers::Optimizer& optimizer = run().model().optimizer();
  const double rate = optimizer.learning_rate();
  logs.set("learning_rate", rate);
  const std::optional<double> current = s.monitor.value(run(), logs);
  if (!current) return;
  if (s.cooldown > 0) {
    --s.cooldown;
    s.wait = 0;
  }
  if (s.monitor.improves(run(), *current, s.monitor.best)) {
    s.monitor.best = current;
    s.wait = 0;
    return;
  }
  if (s.cooldown > 0 || ++s.wait < s.options.patience || !(rate > s.options.min_lr)) return;
  const double next = std::max(rate * s.options.factor, s.options.min_lr);
  optimizer.set_learning_rate(next);
  if (s.options.verbose > 0)
    run().out() << "\nEpoch " << epoch + 1 << ": ReduceLROnPlateau reducing learning rate to " << number_text(next)
                << ".\n";
  s.cooldown = s.options.cooldown;
  s.wait = 0;
}

// --- LearningRateScheduler

void LearningRateScheduler::on_epoch_begin(int epoch) {
  optimizers::Optimizer& optimizer = run().model().optimizer();
  const double rate = schedule_(epoch, optimizer.learning_rate());
  optimizer.set_learning_rate(rate);
  if (verbose_ > 0)
    run().out() << "\nEpoch " << epoch + 1 << ": LearningRateScheduler setting learning rate to " << number_text(rate)
                << ".\n";
}

void LearningRateScheduler::on_epoch_end(int, Logs& logs) {
  logs.set("learning_rate", run().model().optimizer().learning_rate());
}

// --- CSVLogger

struct CSVLogger::State : Counted {
  State(std::string filename, CSVLoggerOptions options) : filename(std::move(filename)), options(std::move(options)) {}
  Counted* copy() const override { return new State(filename, options); }
  std::string filename;
  CSVLoggerOptions options;
  std::ofstream file;
  std::vector<std::string> keys;
  bool header = true;
};

CSVLogger::CSVLogger(std::string filename, CSVLoggerOptions options)
    : state_(new State(std::move(filename), std::move(options))) {}

void CSVLogger::on_train_begin() {
  State& s = *state_;
  std::error_code none;
  s.header = !(s.options.append && std::filesystem::file_size(s.filename, none) > 0 && !none);
  s.keys.clear();
  if (s.file.is_open()) s.file.close();
  s.file.clear();
  s.file.open(s.filename, s.options.append ? std::ios::app : std::ios::trunc);
  if (!s.file) throw IoError("[CSVLogger] cannot write '" + s.filename + "'");
}

void CSVLogger::on_epoch_end(int epoch, Logs& logs) {
  State& s = *state_;
  if (s.keys.empty()) {
    for (const auto& [name, value] : logs) s.keys.push_back(name);
    std::sort(s.keys.begin(), s.keys.end());
    if (s.header) {
      s.file << "epoch";
      for (const std::string& key : s.keys) s.file << s.options.separator << key;
      s.file << "\n";
    }
  }
  s.file << epoch;
  for (const std::string& key : s.keys)
    s.file << s.options.separator << (logs.contains(key) ? number_text(logs[key]) : std::string("NA"));
  s.file << "\n" << std::flush;
  if (!s.file) throw IoError("[CSVLogger] cannot write '" + s.filename + "'");
}

// --- TerminateOnNaN, LambdaCallback

void TerminateOnNaN::on_train_begin() { run().allow_non_finite = true; }

void TerminateOnNaN::on_train_batch_end(std::int64_t batch, const Logs& logs) {
  if (!logs.contains("loss") || std::isfinite(logs["loss"])) return;
  run().out() << "Batch " << batch << ": Invalid loss, terminating training\n";
  run().stop_training = true;
}

void LambdaCallback::on_epoch_begin(int epoch) {
  if (options_.on_epoch_begin) options_.on_epoch_begin(epoch);
}
void LambdaCallback::on_epoch_end(int epoch, Logs& logs) {
  if (options_.on_epoch_end) options_.on_epoch_end(epoch, logs);
}
void LambdaCallback::on_train_begin() {
  if (options_.on_train_begin) options_.on_train_begin();
}
void LambdaCallback::on_train_end(const Logs& logs) {
  if (options_.on_train_end) options_.on_train_end(logs);
}
void LambdaCallback::on_train_batch_begin(std::int64_t batch) {
  if (options_.on_train_batch_begin) options_.on_train_batch_begin(batch);
}
void LambdaCallback::on_train_batch_end(std::int64_t batch, const Logs& logs) {
  if (options_.on_train_batch_end) options_.on_train_batch_end(batch, logs);
}

// --- SwapEMAWeights

struct SwapEMAWeights::State : Counted {
  explicit State(SwapEMAWeightsOptions options) : options(options) {}
  Counted* copy() const override { return new State(*this); }
  SwapEMAWeightsOptions options;
  bool inside = false;  ///< whether the averages are in the model
};

SwapEMAWeights::SwapEMAWeights(SwapEMAWeightsOptions options) : state_(new State(options)) {}

void SwapEMAWeights::on_train_begin() { state_->inside = false; }

void SwapEMAWeights::swap(bool finalize) {
  const optimizers::Optimizer& optimizer = run().model().optimizer();
  const std::vector<Parameter> averages = optimizer.averages();
  const std::vector<Parameter>& parameters = optimizer.parameters();
  if (averages.size() != parameters.size() || averages.empty())
    throw ValueError("[SwapEMAWeights] expected an optimizer with use_ema, got '" + std::string(optimizer.name()) +
                     "' without averages");
  for (std::size_t i = 0; i < parameters.size(); ++i) {
    const Tensor weight = parameters[i].value();
    if (!finalize) parameters[i].assign(averages[i].value());
    averages[i].assign(weight);
  }
  eval({});
}

void SwapEMAWeights::on_epoch_begin(int) {
  if (!state_->options.swap_on_epoch || !state_->inside) return;
  swap();
  state_->inside = false;
}

void SwapEMAWeights::on_epoch_end(int epoch, Logs&) {
  if (!state_->options.swap_on_epoch || state_->inside) return;
  swap();
  state_->inside = true;
  if (epoch != run().epochs - 1) return;
  swap(true);
  state_->inside = false;
}

void SwapEMAWeights::on_test_begin() {
  if (state_->inside) return;
  swap();
  state_->inside = true;
}

void SwapEMAWeights::on_test_end(const Logs&) {
  if (!state_->inside) return;
  swap();
  state_->inside = false;
}

}  // namespace xgrad::callbacks
