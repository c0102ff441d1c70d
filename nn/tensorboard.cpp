#include <xgrad/nn/callbacks.hpp>
#include <xgrad/report/events.hpp>

#include <chrono>
#include <memory>

namespace xgrad::callbacks {

struct TensorBoard::State : Counted {
  explicit State(TensorBoardOptions options) : options(std::move(options)) {}
  Counted* copy() const override { return new State(options); }
  /// Made when there is something to write.
  report::EventWriter& in(std::unique_ptr<report::EventWriter>& writer, const char* folder) {
    if (!writer) writer = std::make_unique<report::EventWriter>(options.log_dir + "/" + folder);
    return *writer;
  }

  TensorBoardOptions options;
  std::unique_ptr<report::EventWriter> train, validation;
  std::int64_t steps = 0;
  std::chrono::steady_clock::time_point begin;
  std::int64_t begin_iterations = 0;
};

TensorBoard::TensorBoard(TensorBoardOptions options) : state_(new State(std::move(options))) {
  if (state_->options.histogram_freq < 0 || state_->options.update_freq < 0)
    throw ValueError("[TensorBoard] expected a histogram_freq and update_freq of 0 or more");
}

bool TensorBoard::wants_batches() const { return state_->options.update_freq > 0; }
void TensorBoard::on_train_begin() { state_->steps = run().model().optimizer().iterations(); }

void TensorBoard::on_epoch_begin(int) {
  state_->begin = std::chrono::steady_clock::now();
  state_->begin_iterations = run().model().optimizer().iterations();
}

void TensorBoard::on_train_batch_end(std::int64_t, const Logs& logs) {
  State& s = *state_;
  ++s.steps;
  if (s.options.update_freq == 0 || s.steps % s.options.update_freq != 0) return;
  for (const auto& [name, value] : logs) s.in(s.train, "train").scalar("batch_" + name, value, s.steps);
}

void TensorBoard::on_epoch_end(int epoch, Logs& logs) {
  State& s = *state_;
  report::EventWriter& train = s.in(s.train, "train");
  for (const auto& [name, value] : logs) {
    if (name.starts_with("val_"))
      s.in(s.validation, "validation").scalar("epoch_" + name.substr(4), value, epoch);
    else
      train.scalar("epoch_" + name, value, epoch);
  }
  const optimizers::Optimizer& optimizer = run().model().optimizer();
  if (!logs.contains("learning_rate")) train.scalar("epoch_learning_rate", optimizer.learning_rate(), epoch);
  if (s.options.write_steps_per_second) {
    const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - s.begin).count();
    const auto steps = static_cast<double>(optimizer.iterations() - s.begin_iterations);
    if (seconds > 0) train.scalar("epoch_steps_per_second", steps / seconds, epoch);
  }
  if (s.options.histogram_freq > 0 && epoch % s.options.histogram_freq == 0) {
    Model model = run().model();
    for (const NamedParameter& weight : weights(model))
      train.histogram(weight.name, weight.parameter.value().to_vector<double>(), epoch);
  }
  train.flush();
  if (s.validation) s.validation->flush();
}

void TensorBoard::on_train_end(const Logs&) {
  state_->train.reset();
  state_->validation.reset();
}

}  // namespace xgrad::callbacks
