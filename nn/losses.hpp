#pragma once
/// Losses, with Keras's names, definitions and defaults: as functions of one batch, and as objects that reduce.

#include <xgrad/graph/tensor.hpp>
#include <xgrad/optim/shared.hpp>

#include <optional>

namespace xgrad::losses {

/// How the losses of the samples become one number. From a name ("sum_over_batch_size", "mean",
/// "mean_with_sample_weight", "sum", "none"); an unknown one is a ValueError that lists the near misses.
class Reduction {
 public:
  enum class Kind : std::uint8_t { sum_over_batch_size, mean_with_sample_weight, sum, none };
  Reduction(Kind kind = Kind::sum_over_batch_size) : kind_(kind) {}
  Reduction(std::string_view name);
  Reduction(const char* name) : Reduction(std::string_view(name)) {}

  Kind kind() const { return kind_; }

 private:
  Kind kind_ = Kind::sum_over_batch_size;
};

/// Weights the losses of the samples and reduces them. sum_over_batch_size (= mean) divides the sum of what is left by
/// the number of elements, mean_with_sample_weight by the sum of the weights. Weights of lower rank get axes at the
/// end. Throws ShapeError if they do not broadcast over the losses.
Tensor reduce(const Tensor& losses, const Reduction& reduction, const Tensor& sample_weight = {});

/// mean((y_true - y_pred)^2) over the last axis. Here and below, a last axis of length 1 that only one side has is
/// given to the other; then the shapes must be equal (ShapeError).
Tensor mean_squared_error(const Tensor& y_true, const Tensor& y_pred);
/// mean(|y_true - y_pred|) over the last axis
Tensor mean_absolute_error(const Tensor& y_true, const Tensor& y_pred);

struct CrossentropyOptions {
  bool from_logits = false;
  double label_smoothing = 0;
};

/// -mean(y ln p + (1 - y) ln(1 - p)) over the last axis, with p limited to [1e-7, 1 - 1e-7], or from logits z the same
/// as softplus(z) - z y. Label smoothing s: y (1 - s) + s / 2.
Tensor binary_crossentropy(const Tensor& y_true, const Tensor& y_pred, const CrossentropyOptions& options = {});
/// -sum(y ln p) over the last axis, with p divided by its sum and limited to [1e-7, 1 - 1e-7], or from logits by
/// log_softmax. Label smoothing s: y (1 - s) + s / classes.
Tensor categorical_crossentropy(const Tensor& y_true, const Tensor& y_pred, const CrossentropyOptions& options = {});
/// The same from labels 0 ... classes-1 (any dtype; shaped like y_pred without its last axis, or with length 1 there).
/// A label out of range is a ValueError when values are computed. Where the label is `ignore_class` the loss is 0.
Tensor sparse_categorical_crossentropy(const Tensor& y_true, const Tensor& y_pred, bool from_logits = false,
                                       std::optional<std::int64_t> ignore_class = {});

struct LossOptions {
  Reduction reduction = {};
  std::string name = {};
};

/// A loss: (y_true, y_pred, sample_weight) to a number. From Keras's name ("mse", "binary_crossentropy", ...; an
/// unknown one is a ValueError that lists the near misses), from any callable (y_true, y_pred), whose result is
/// reduced, or one of the objects below.
class Loss {
 public:
  using Samples = Function<Tensor(const Tensor&, const Tensor&)>;
  Loss() = default;
  Loss(std::string_view name);
  Loss(const char* name) : Loss(std::string_view(name)) {}
  Loss(const std::string& name) : Loss(std::string_view(name)) {}
  template <class F>
    requires(!std::derived_from<F, Loss> && std::is_invocable_r_v<Tensor, const F&, const Tensor&, const Tensor&>)
  Loss(F samples, LossOptions options = {}) : Loss(Samples(std::move(samples)), std::move(options), {}) {}

  bool defined() const { return static_cast<bool>(samples_); }
  const std::string& name() const { return name_; }
  Tensor operator()(const Tensor& y_true, const Tensor& y_pred, const Tensor& sample_weight = {}) const;

 protected:
  /// Labels equal to `ignored` do not count as samples.
  Loss(Samples samples, LossOptions options, std::optional<std::int64_t> ignored)
      : samples_(std::move(samples)),
        reduction_(options.reduction),
        name_(std::move(options.name)),
        ignored_(ignored) {}

 private:
  Samples samples_;
  Reduction reduction_;
  std::string name_;
  std::optional<std::int64_t> ignored_;
};

struct MeanSquaredError : Loss {
  MeanSquaredError(LossOptions options = {});
};

struct MeanAbsoluteError : Loss {
  MeanAbsoluteError(LossOptions options = {});
};

struct BinaryCrossentropyOptions {
  bool from_logits = false;
  double label_smoothing = 0;
  Reduction reduction = {};
  std::string name = {};
};

struct BinaryCrossentropy : Loss {
  BinaryCrossentropy(BinaryCrossentropyOptions options = {});
};

using CategoricalCrossentropyOptions = BinaryCrossentropyOptions;

struct CategoricalCrossentropy : Loss {
  CategoricalCrossentropy(CategoricalCrossentropyOptions options = {});
};

struct SparseCategoricalCrossentropyOptions {
  bool from_logits = false;
  std::optional<std::int64_t> ignore_class = {};
  Reduction reduction = {};
  std::string name = {};
};

/// Samples of the class to ignore are left out of the mean.
struct SparseCategoricalCrossentropy : Loss {
  SparseCategoricalCrossentropy(SparseCategoricalCrossentropyOptions options = {});
};

}  // namespace xgrad::losses
