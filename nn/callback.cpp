#include <xgrad/graph/error.hpp>
#include <xgrad/nn/callback.hpp>
#include <xgrad/nn/model_state.hpp>

#include <algorithm>

namespace xgrad::callbacks {

void Callback::on_train_end(const Logs&) {}
void Callback::on_epoch_begin(int) {}
void Callback::on_epoch_end(int, Logs&) {}
void Callback::on_train_batch_begin(std::int64_t) {}
void Callback::on_train_batch_end(std::int64_t, const Logs&) {}
void Callback::on_test_end(const Logs&) {}
void Callback::on_test_batch_begin(std::int64_t) {}
void Callback::on_test_batch_end(std::int64_t, const Logs&) {}

Run& Callback::run() const {
  if (!run_) throw ValueError("[callback] expected to be part of a running fit: give it in .callbacks");
  return *run_;
}

std::optional<bool> Run::larger_is_better(std::string_view metric) const {
  std::string_view name = metric;
  if (name.starts_with("val_")) name.remove_prefix(4);
  if (name == "loss" || name.ends_with("_loss")) return false;
  const auto& compiled = model_->state_->compiled;
  if (!compiled) return {};
  bool known = false;
  for (const auto& output : compiled->outputs)
    for (const auto* list : {&output.metrics, &output.weighted})
      for (const metrics::Metric& one : *list) {
        if (one.name() != name && name != output.name + "_" + one.name()) continue;
        if (one.direction() != metrics::Direction::unknown) return one.direction() == metrics::Direction::up;
        known = true;
      }
  if (!known) return {};
  for (const std::string_view word : {"acc", "auc", "precision", "recall", "sensitivity", "specificity", "f1", "fbeta",
                                      "iou", "true_", "r2", "cosine", "dice"})
    if (name.find(word) != std::string_view::npos) return true;
  for (const std::string_view word : {"error", "crossentropy", "mse", "mae", "mape", "msle", "hinge", "poisson",
                                      "divergence", "false_", "logcosh", "log_cosh", "huber", "kld"})
    if (name.find(word) != std::string_view::npos) return false;
  return {};
}

}  // namespace xgrad::callbacks
