#pragma once
/// Training and evaluating a model: steps and their bookkeeping. Internal to nn/.

#include <xgrad/nn/model_state.hpp>
#include <xgrad/report/progress.hpp>

namespace xgrad {

/// Training and evaluating one model on rows or batches.
struct Training {
  using Numbers = std::span<const std::int64_t>;

  Training(const char* where, Model::State& state);

  /// Names for messages: "[fit] ".
  std::string where;
  std::string_view what;  ///< "fit"
  Model::State& state;
  Model::State::Compiled& compiled;
  std::vector<NamedParameter> named;
  std::vector<Parameter> trained;
  std::vector<Generator*> random;         ///< what a step may draw from
  std::vector<Generator> random_before;   ///< the same as they were before the running step

  /// Of a whole batch, inputs after the first may have a first axis of their own: the edges of a graph.
  void check_rows(Dataset& data, bool whole_batch = false) const;
  /// Records one pass that is never computed: layers are built, and shapes that do not fit are found.
  void check_fit(const Dataset& batch);
  void check_named(const Tensor& loss);
  /// Makes the optimizer's state, and brings back one that was loaded.
  void build_optimizer();
  Dataset gather(const Dataset& data, Numbers rows) const;

  void record_step(const Dataset& batch);
  void record_evaluation(const Dataset& batch);
  /// Records, computes, and on failure brings everything back.
  template <class Record>
  void run(bool updates, Record&& record);
  Tensor loss_of(const Dataset& batch, bool training);
  void train_step(const Dataset& batch);
  void test_step(const Dataset& batch);

  void reset_metrics();
  Logs logs(std::string_view prefix = {}) const;

 private:
  struct Forward {
    std::vector<Tensor> outputs, masks;
    std::vector<Tensor> losses;  ///< of each output, undefined without a loss
    Tensor total;
  };
  void prepare(std::size_t outputs);
  Forward forward(const Dataset& batch, Call& call);
  Tensor weight_of(const Dataset& batch, const Forward& pass, std::size_t output) const;
  void update_metrics(const Dataset& batch, const Forward& pass);
  void keep_step_logs(const StepLogs& logs, const Dataset& batch);
  void revert(bool updated);
};

/// The batches of rows in memory: which rows step after step, going on from one epoch to the next.
class RowBatches {
 public:
  RowBatches(std::int64_t rows, std::int64_t batch_size, bool shuffle, std::uint64_t seed)
      : rows_(rows), batch_size_(batch_size), shuffle_(shuffle), seed_(seed) {}
  std::int64_t steps() const { return (rows_ + batch_size_ - 1) / batch_size_; }
  /// The rows of step number `step` since the first epoch.
  Training::Numbers batch(std::int64_t step);

 private:
  std::int64_t rows_, batch_size_;
  bool shuffle_;
  std::uint64_t seed_;
  std::int64_t pass_ = -1;
  std::vector<std::int64_t> order_;
};

/// sample_weight times the weight of each row's class.
Tensors with_class_weights(const std::string& where, const Dataset& data, const ClassWeight& class_weight);

}  // namespace xgrad
