#include <xgrad/graph/error.hpp>
#include <xgrad/nn/callbacks.hpp>
#include <xgrad/nn/monitor.hpp>

#include <cstdio>
#include <filesystem>

namespace xgrad::callbacks {

namespace {

/// One number as "{name:02d}" or "{name:.2f}" wants it.
std::string formatted(const std::string& path, const std::string& format, double value) {
  const bool usual = format.empty() || format.find_first_not_of("0123456789.dfeg") == std::string::npos;
  const std::string letters = "dfeg";
  const char last = format.empty() || letters.find(format.back()) == std::string::npos ? 'g' : format.back();
  std::string flags = format;
  if (!flags.empty() && flags.back() == last) flags.pop_back();
  if (!usual || flags.size() > 8 || flags.find_first_not_of("0123456789.") != std::string::npos)
    throw ValueError("[ModelCheckpoint] expected a format like ':02d' or ':.2f' in '" + path + "', got ':" + format +
                     "'");
  char text[400];
  if (last == 'd')
    std::snprintf(text, sizeof text, ("%" + flags + "lld").c_str(), static_cast<long long>(value));
  else
    std::snprintf(text, sizeof text, ("%" + flags + last).c_str(), value);
  return text;
}

/// The path with the numbers it names.
std::string filled(const std::string& path, int epoch, std::optional<std::int64_t> batch, const Logs& logs) {
  std::string out;
  for (std::size_t i = 0; i < path.size();) {
    if (path[i] != '{') {
      out += path[i++];
      continue;
    }
    const std::size_t end = path.find('}', i);
    if (end == std::string::npos) throw ValueError("[ModelCheckpoint] expected a '}' after '{' in '" + path + "'");
    const std::string inside = path.substr(i + 1, end - i - 1);
    const std::size_t colon = inside.find(':');
    const std::string name = inside.substr(0, colon);
    const std::string format = colon == std::string::npos ? "" : inside.substr(colon + 1);
    double value = 0;
    if (name == "epoch")
      value = epoch + 1;
    else if (name == "batch" && batch)
      value = static_cast<double>(*batch + 1);
    else
      value = logs[name];
    out += formatted(path, format, value);
    i = end + 1;
  }
  return out;
}

void make_folder_of(const std::string& path) {
  const std::filesystem::path folder = std::filesystem::path(path).parent_path();
  std::error_code none;  // what fails here fails with a better message when the file is written
  if (!folder.empty()) std::filesystem::create_directories(folder, none);
}

}  // namespace

// --- ModelCheckpoint

struct ModelCheckpoint::State : Counted {
  State(std::string path, ModelCheckpointOptions o)
      : path(std::move(path)), options(std::move(o)), monitor("ModelCheckpoint", options.monitor, options.mode, 0) {
    monitor.best = options.initial_value_threshold;
  }
  Counted* copy() const override { return new State(*this); }
  std::string path;
  ModelCheckpointOptions options;
  Monitor monitor;
  int epoch = 0;
  std::int64_t batches = 0;
};

ModelCheckpoint::ModelCheckpoint(std::string filepath, ModelCheckpointOptions options)
    : state_(new State(std::move(filepath), std::move(options))) {
  if (state_->options.save_freq < 0)
    throw ValueError("[ModelCheckpoint] expected a save_freq of 0 (each epoch) or more batches, got " +
                     std::to_string(state_->options.save_freq));
}

std::optional<double> ModelCheckpoint::best() const { return state_->monitor.best; }
bool ModelCheckpoint::wants_batches() const { return state_->options.save_freq > 0; }
void ModelCheckpoint::on_epoch_begin(int epoch) { state_->epoch = epoch; }

void ModelCheckpoint::on_train_batch_end(std::int64_t batch, const Logs& logs) {
  if (state_->options.save_freq == 0 || ++state_->batches < state_->options.save_freq) return;
  state_->batches = 0;
  save(batch, logs);
}

void ModelCheckpoint::on_epoch_end(int, Logs& logs) {
  if (state_->options.save_freq == 0) save({}, logs);
}

void ModelCheckpoint::save(std::optional<std::int64_t> batch, const Logs& logs) {
  State& s = *state_;
  const std::string path = filled(s.path, s.epoch, batch, logs);
  const std::string begin = "\nEpoch " + std::to_string(s.epoch + 1) + ": ";
  if (s.options.save_best_only) {
    const std::optional<double> current = s.monitor.value(run(), logs);
    if (current) {
      const std::string before = s.monitor.best ? number_text(*s.monitor.best) : "None";
      if (!s.monitor.improves(run(), *current, s.monitor.best)) {
        if (s.options.verbose > 0) run().out() << begin << s.monitor.name << " did not improve from " << before << "\n";
        return;
      }
      if (s.options.verbose > 0)
        run().out() << begin << s.monitor.name << " improved from " << before << " to " << number_text(*current)
                    << ", saving model to " << path << "\n";
      s.monitor.best = current;
    }
  } else if (s.options.verbose > 0) {
    run().out() << begin << "saving model to " << path << "\n";
  }
  make_folder_of(path);
  if (s.options.save_weights_only)
    run().model().save_weights(path);
  else
    run().model().save(path);
}

// --- BackupAndRestore

struct BackupAndRestore::State : Counted {
  State(std::string folder, BackupAndRestoreOptions options) : folder(std::move(folder)), options(options) {}
  Counted* copy() const override { return new State(*this); }
  std::string folder;
  BackupAndRestoreOptions options;
  int epoch = 0;
  std::int64_t batches = 0;
};

BackupAndRestore::BackupAndRestore(std::string backup_dir, BackupAndRestoreOptions options)
    : state_(new State(std::move(backup_dir), options)) {
  if (state_->folder.empty()) throw ValueError("[BackupAndRestore] expected a backup_dir, got an empty text");
  if (options.save_freq < 0)
    throw ValueError("[BackupAndRestore] expected a save_freq of 0 (each epoch) or more batches, got " +
                     std::to_string(options.save_freq));
}

std::string BackupAndRestore::file() const { return state_->folder + "/latest.xgrad"; }
bool BackupAndRestore::wants_batches() const { return state_->options.save_freq > 0; }

void BackupAndRestore::on_train_begin() {
  make_folder_of(file());
  if (!std::filesystem::exists(file())) return;
  const Config extra = run().model().load_checkpoint(file());
  run().initial_epoch = static_cast<int>(extra.at("epoch").integer());
  run().initial_step = extra.at("step").integer();
  run().seed = static_cast<std::uint64_t>(extra.at("seed").integer());
}

void BackupAndRestore::on_epoch_begin(int epoch) { state_->epoch = epoch; }

void BackupAndRestore::on_epoch_end(int epoch, Logs&) {
  if (state_->options.save_freq > 0) return;
  run().model().save_checkpoint(
      file(), Config::object({{"epoch", epoch + 1}, {"step", 0}, {"seed", static_cast<std::int64_t>(run().seed)}}));
}

void BackupAndRestore::on_train_batch_end(std::int64_t batch, const Logs&) {
  if (state_->options.save_freq == 0 || ++state_->batches < state_->options.save_freq) return;
  state_->batches = 0;
  run().model().save_checkpoint(
      file(),
      Config::object({{"epoch", state_->epoch}, {"step", batch + 1}, {"seed", static_cast<std::int64_t>(run().seed)}}));
}

void BackupAndRestore::on_train_end(const Logs&) {
  std::error_code none;
  if (state_->options.delete_checkpoint) std::filesystem::remove(file(), none);
}

}  // namespace xgrad::callbacks
