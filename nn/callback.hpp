#pragma once
/// Callback: what is told of a training's course and may change it.

#include <xgrad/nn/logs.hpp>
#include <xgrad/optim/shared.hpp>

#include <optional>

namespace xgrad {

class Model;

namespace callbacks {

/// A running fit (or evaluate), as callbacks see it.
class Run {
 public:
  Run(Model& model, std::ostream& out) : model_(&model), out_(&out) {}

  Model& model() const { return *model_; }
  std::ostream& out() const { return *out_; }  ///< where messages go

  int epochs = 1;
  std::int64_t steps = 0;  ///< batches an epoch; 0 if not known
  int verbose = 0;
  bool stop_training = false;      ///< set it, and training ends after this batch
  int initial_epoch = 0;           ///< may be set when training begins: to go on from a backup
  std::int64_t initial_step = 0;   ///< in the first epoch, likewise
  std::uint64_t seed = 0;          ///< of the order of the rows; may be set when training begins
  bool allow_non_finite = false;   ///< set it, and a loss that is not finite is no error
  /// Whether the metric (with or without "val_") is better when larger: nothing if it is not known.
  std::optional<bool> larger_is_better(std::string_view metric) const;

 private:
  Model* model_;
  std::ostream* out_;
};

/// Base of callbacks: override what is wanted. Epochs and batches count from 0. Logs given at the end of an epoch may
/// be added to: History takes what is left in them.
class Callback {
 public:
  virtual ~Callback() = default;
  virtual void on_train_begin() {}
  virtual void on_train_end(const Logs& logs);
  virtual void on_epoch_begin(int epoch);
  virtual void on_epoch_end(int epoch, Logs& logs);
  virtual void on_train_batch_begin(std::int64_t batch);
  virtual void on_train_batch_end(std::int64_t batch, const Logs& logs);
  virtual void on_test_begin() {}
  virtual void on_test_end(const Logs& logs);
  virtual void on_test_batch_begin(std::int64_t batch);
  virtual void on_test_batch_end(std::int64_t batch, const Logs& logs);
  /// Whether the ends of batches are told: their logs are work.
  virtual bool wants_batches() const { return true; }

  void set_run(Run* run) { run_ = run; }

 protected:
  /// The running fit. Throws ValueError outside.
  Run& run() const;

 private:
  Run* run_ = nullptr;
};

/// A callback in a list: a copy of any object derived from Callback, or a pointer to one that lives longer than the
/// training. Copies of the callbacks of nn/callbacks.hpp share their state, so it can be read afterwards.
class CallbackHandle {
 public:
  template <std::derived_from<Callback> C>
  CallbackHandle(C callback) : held_(new Held<C>(std::move(callback))) {
    pointer_ = &static_cast<Held<C>*>(held_.get())->callback;
  }
  CallbackHandle(Callback* callback) : pointer_(callback) {}
  Callback& operator*() const { return *pointer_; }
  Callback* operator->() const { return pointer_; }

 private:
  template <class C>
  struct Held final : Counted {
    explicit Held(C callback) : callback(std::move(callback)) {}
    Counted* copy() const override { return new Held(callback); }
    C callback;
  };
  Shared<Counted> held_;
  Callback* pointer_ = nullptr;
};

}  // namespace callbacks

}  // namespace xgrad
