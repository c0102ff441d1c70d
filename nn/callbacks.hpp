#pragma once
/// Keras's callbacks, with its names, options and defaults. RemoteMonitor is left out: it would need a network client.
/// Progress and History are part of fit itself.

#include <xgrad/nn/model.hpp>

namespace xgrad::callbacks {

/// Which way a monitored number gets better: "min", "max", or "auto" (down for losses, else the metric's own way).
struct EarlyStoppingOptions {
  std::string monitor = "val_loss";
  double min_delta = 0;
  int patience = 0;
  int verbose = 0;
  std::string mode = "auto";
  std::optional<double> baseline = {};
  bool restore_best_weights = false;
  int start_from_epoch = 0;
};

/// Ends the training when `monitor` has not become better by more than min_delta for `patience` epochs. Throws
/// ValueError if the mode is "auto" and nothing is known of the metric. A metric that is not in the logs is a warning.
class EarlyStopping : public Callback {
 public:
  explicit EarlyStopping(EarlyStoppingOptions options = {});
  void on_train_begin() override;
  void on_epoch_end(int epoch, Logs& logs) override;
  void on_train_end(const Logs& logs) override;
  bool wants_batches() const override { return false; }

  int stopped_epoch() const;  ///< 0: it has not stopped
  int best_epoch() const;
  std::optional<double> best() const;

 private:
  struct State;
  Shared<State> state_;
};

struct ModelCheckpointOptions {
  std::string monitor = "val_loss";
  int verbose = 0;
  bool save_best_only = false;
  bool save_weights_only = false;
  std::string mode = "auto";
  std::int64_t save_freq = 0;  ///< in batches; 0: after each epoch
  std::optional<double> initial_value_threshold = {};
};

/// Saves the model (or its weights alone) in one step: a file that is there is whole. The path may name numbers:
/// "net-{epoch:02d}-{val_loss:.2f}.xgrad", where epochs count from 1.
class ModelCheckpoint : public Callback {
 public:
  explicit ModelCheckpoint(std::string filepath, ModelCheckpointOptions options = {});
  void on_epoch_begin(int epoch) override;
  void on_epoch_end(int epoch, Logs& logs) override;
  void on_train_batch_end(std::int64_t batch, const Logs& logs) override;
  bool wants_batches() const override;
  std::optional<double> best() const;

 private:
  void save(std::optional<std::int64_t> batch, const Logs& logs);
  struct State;
  Shared<State> state_;
};

struct ReduceLROnPlateauOptions {
  std::string monitor = "val_loss";
  double factor = .1;
  int patience = 10;
  int verbose = 0;
  std::string mode = "auto";
  double min_delta = 1e-4;
  int cooldown = 0;
  double min_lr = 0;
};

/// learning_rate *= factor when `monitor` has not become better for `patience` epochs, down to min_lr; then it waits
/// for `cooldown` epochs. Adds "learning_rate" to the logs.
class ReduceLROnPlateau : public Callback {
 public:
  /// Throws ValueError for a factor of 1 or more.
  explicit ReduceLROnPlateau(ReduceLROnPlateauOptions options = {});
  void on_train_begin() override;
  void on_epoch_end(int epoch, Logs& logs) override;
  bool wants_batches() const override { return false; }

 private:
  struct State;
  Shared<State> state_;
};

/// Sets the learning rate of each epoch: schedule(epoch, rate) from the epoch, from 0, and the rate so far.
class LearningRateScheduler : public Callback {
 public:
  explicit LearningRateScheduler(Function<double(int, double)> schedule, int verbose = 0)
      : schedule_(std::move(schedule)), verbose_(verbose) {}
  void on_epoch_begin(int epoch) override;
  void on_epoch_end(int epoch, Logs& logs) override;
  bool wants_batches() const override { return false; }

 private:
  Function<double(int, double)> schedule_;
  int verbose_;
};

struct CSVLoggerOptions {
  std::string separator = ",";
  bool append = false;  ///< to a file that is there, without another header
};

/// A line an epoch in a CSV file: the epoch and the numbers of the logs, sorted by name. What an epoch lacks is "NA".
class CSVLogger : public Callback {
 public:
  explicit CSVLogger(std::string filename, CSVLoggerOptions options = {});
  void on_train_begin() override;
  void on_epoch_end(int epoch, Logs& logs) override;
  bool wants_batches() const override { return false; }

 private:
  struct State;
  Shared<State> state_;
};

/// Ends the training when the loss is NaN or infinite, which is an error otherwise.
class TerminateOnNaN : public Callback {
 public:
  void on_train_begin() override;
  void on_train_batch_end(std::int64_t batch, const Logs& logs) override;
};

/// Functions as a callback.
struct LambdaCallbackOptions {
  Function<void(int)> on_epoch_begin = {};
  Function<void(int, Logs&)> on_epoch_end = {};
  Function<void()> on_train_begin = {};
  Function<void(const Logs&)> on_train_end = {};
  Function<void(std::int64_t)> on_train_batch_begin = {};
  Function<void(std::int64_t, const Logs&)> on_train_batch_end = {};
};

class LambdaCallback : public Callback {
 public:
  explicit LambdaCallback(LambdaCallbackOptions options) : options_(std::move(options)) {}
  void on_epoch_begin(int epoch) override;
  void on_epoch_end(int epoch, Logs& logs) override;
  void on_train_begin() override;
  void on_train_end(const Logs& logs) override;
  void on_train_batch_begin(std::int64_t batch) override;
  void on_train_batch_end(std::int64_t batch, const Logs& logs) override;
  bool wants_batches() const override { return options_.on_train_batch_begin || options_.on_train_batch_end; }

 private:
  LambdaCallbackOptions options_;
};

struct BackupAndRestoreOptions {
  std::int64_t save_freq = 0;  ///< in batches; 0: after each epoch
  bool delete_checkpoint = true;
};

/// Keeps the state of training (weights, generators, optimizer, epoch, order of rows) in a file of `backup_dir`. A fit
/// that was interrupted goes on from there when the program runs again, to the same bits. The file is removed when the
/// training ends.
class BackupAndRestore : public Callback {
 public:
  explicit BackupAndRestore(std::string backup_dir, BackupAndRestoreOptions options = {});
  void on_train_begin() override;
  void on_epoch_begin(int epoch) override;
  void on_epoch_end(int epoch, Logs& logs) override;
  void on_train_batch_end(std::int64_t batch, const Logs& logs) override;
  void on_train_end(const Logs& logs) override;
  bool wants_batches() const override;
  std::string file() const;

 private:
  struct State;
  Shared<State> state_;
};

struct SwapEMAWeightsOptions {
  bool swap_on_epoch = false;  ///< also at the end of each epoch, for what saves the model then
};

/// Puts the optimizer's moving averages (use_ema) into the model while it is evaluated, or with swap_on_epoch from the
/// end of each epoch to the beginning of the next; they stay in when the last epoch is over. Throws ValueError for an
/// optimizer without averages.
class SwapEMAWeights : public Callback {
 public:
  explicit SwapEMAWeights(SwapEMAWeightsOptions options = {});
  void on_train_begin() override;
  void on_epoch_begin(int epoch) override;
  void on_epoch_end(int epoch, Logs& logs) override;
  void on_test_begin() override;
  void on_test_end(const Logs& logs) override;
  bool wants_batches() const override { return false; }

 private:
  void swap(bool finalize = false);
  struct State;
  Shared<State> state_;
};

struct TensorBoardOptions {
  std::string log_dir = "logs";
  int histogram_freq = 0;  ///< every so many epochs the weights' histograms; 0: never
  bool write_steps_per_second = false;
  std::int64_t update_freq = 0;  ///< in batches: their logs too; 0: epochs only
};

/// Writes what TensorBoard shows into log_dir/train and log_dir/validation: "epoch_loss" and the like, the learning
/// rate, and, if asked for, logs of batches and histograms of weights.
class TensorBoard : public Callback {
 public:
  explicit TensorBoard(TensorBoardOptions options = {});
  void on_train_begin() override;
  void on_epoch_begin(int epoch) override;
  void on_epoch_end(int epoch, Logs& logs) override;
  void on_train_batch_end(std::int64_t batch, const Logs& logs) override;
  void on_train_end(const Logs& logs) override;
  bool wants_batches() const override;

 private:
  struct State;
  Shared<State> state_;
};

}  // namespace xgrad::callbacks
