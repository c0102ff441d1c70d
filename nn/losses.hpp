#pragma once
/// Losses, with Keras's names, definitions and defaults: as functions of one batch, and as objects that reduce.

#include <xgrad/graph/basic.hpp>
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
  Reduction(const std::string& name) : Reduction(std::string_view(name)) {}

  Kind kind() const { return kind_; }
  std::string_view name() const;

 private:
  Kind kind_ = Kind::sum_over_batch_size;
};

/// Weights the losses of the samples and reduces them. sum_over_batch_size (= mean) divides the sum of what is left by
/// the number of elements, mean_with_sample_weight by the sum of the weights. Weights of lower rank get axes at the
/// end. Throws ShapeError if they do not broadcast over the losses.
Tensor reduce(const Tensor& losses, const Reduction& reduction, const Tensor& sample_weight = {});

// Losses of the samples. A last axis of length 1 that only one of y_true and y_pred has is given to the other; then the
// shapes must be equal (ShapeError), unless labels are asked for. y_true takes y_pred's dtype. e is y_pred - y_true.

/// mean(e^2) over the last axis
Tensor mean_squared_error(const Tensor& y_true, const Tensor& y_pred);
/// mean(|e|) over the last axis
Tensor mean_absolute_error(const Tensor& y_true, const Tensor& y_pred);
/// 100 mean(|e| / max(|y_true|, 1e-7)) over the last axis
Tensor mean_absolute_percentage_error(const Tensor& y_true, const Tensor& y_pred);
/// mean((ln(max(y_pred, 1e-7) + 1) - ln(max(y_true, 1e-7) + 1))^2) over the last axis
Tensor mean_squared_logarithmic_error(const Tensor& y_true, const Tensor& y_pred);
/// sum(e^2) / 2 over the last axis: the error whose derivative is e. Not one of Keras's.
Tensor half_squared_error(const Tensor& y_true, const Tensor& y_pred);
/// mean of e^2 / 2 where |e| <= delta, else delta |e| - delta^2 / 2, over the last axis (Huber 1964)
Tensor huber(const Tensor& y_true, const Tensor& y_pred, double delta = 1);
/// mean(ln(cosh(e))) over the last axis
Tensor log_cosh(const Tensor& y_true, const Tensor& y_pred);
/// Minus the cosine of the angle between both along an axis; vectors shorter than 1e-7 are divided by that.
Tensor cosine_similarity(const Tensor& y_true, const Tensor& y_pred, int axis = -1);

/// mean(max(1 - y_true y_pred, 0)) over the last axis. Labels are -1 and 1; if all are 0 or 1, 0 stands for -1.
Tensor hinge(const Tensor& y_true, const Tensor& y_pred);
/// hinge with its terms squared
Tensor squared_hinge(const Tensor& y_true, const Tensor& y_pred);
/// max(neg - pos + 1, 0), where pos = sum(y_true y_pred) and neg = max((1 - y_true) y_pred) over the last axis
Tensor categorical_hinge(const Tensor& y_true, const Tensor& y_pred);

/// sum(y_true ln(y_true / y_pred)) over the last axis, both limited to [1e-7, 1]
Tensor kl_divergence(const Tensor& y_true, const Tensor& y_pred);
/// mean(y_pred - y_true ln(y_pred + 1e-7)) over the last axis
Tensor poisson(const Tensor& y_true, const Tensor& y_pred);

struct CrossentropyOptions {
  bool from_logits = false;
  double label_smoothing = 0;
  int axis = -1;  ///< that of the classes
};

/// -mean(y ln p + (1 - y) ln(1 - p)) over an axis, with p limited to [1e-7, 1 - 1e-7], or from logits z the same as
/// softplus(z) - z y. Label smoothing s: y (1 - s) + s / 2.
Tensor binary_crossentropy(const Tensor& y_true, const Tensor& y_pred, const CrossentropyOptions& options = {});
/// -sum(y ln p) over an axis, with p divided by its sum and limited to [1e-7, 1 - 1e-7], or from logits by log_softmax.
/// Label smoothing s: y (1 - s) + s / classes.
Tensor categorical_crossentropy(const Tensor& y_true, const Tensor& y_pred, const CrossentropyOptions& options = {});
/// The same from labels 0 ... classes-1 (any dtype; shaped like y_pred without the axis of classes, or with length 1 at
/// the end). A label out of range is a ValueError when values are computed. Where the label is `ignore_class` the loss
/// is 0.
Tensor sparse_categorical_crossentropy(const Tensor& y_true, const Tensor& y_pred, bool from_logits = false,
                                       std::optional<std::int64_t> ignore_class = {}, int axis = -1);

struct BinaryFocalOptions {
  bool apply_class_balancing = false;  ///< weighs the classes 1 and 0 with alpha and 1 - alpha
  double alpha = .25;
  double gamma = 2;
  bool from_logits = false;
  double label_smoothing = 0;
  int axis = -1;
};
/// Binary crossentropy whose terms are multiplied by (1 - p_t)^gamma, p_t = y p + (1 - y)(1 - p) (Lin et al. 2017).
Tensor binary_focal_crossentropy(const Tensor& y_true, const Tensor& y_pred, const BinaryFocalOptions& options = {});

struct CategoricalFocalOptions {
  double alpha = .25;
  double gamma = 2;
  bool from_logits = false;
  double label_smoothing = 0;
  int axis = -1;
};
/// Categorical crossentropy whose terms are multiplied by alpha (1 - p)^gamma.
Tensor categorical_focal_crossentropy(const Tensor& y_true, const Tensor& y_pred,
                                      const CategoricalFocalOptions& options = {});
/// (1 - p^q) / q, where p is the probability given to the label (Zhang and Sabuncu 2018). Labels as those of
/// sparse_categorical_crossentropy. Throws ValueError unless 0 < q < 1.
Tensor categorical_generalized_cross_entropy(const Tensor& y_true, const Tensor& y_pred, double q = .5);

/// 1 - 2 sum(y_true y_pred) / (sum(y_true) + sum(y_pred) + 1e-7) over axes, by default all.
Tensor dice(const Tensor& y_true, const Tensor& y_pred, Axes axis = {});
/// 1 - I / (I + alpha sum(y_true (1 - y_pred)) + beta sum(y_pred (1 - y_true)) + 1e-7), I = sum(y_true y_pred), over
/// axes, by default all (Salehi et al. 2017).
Tensor tversky(const Tensor& y_true, const Tensor& y_pred, double alpha = .5, double beta = .5, Axes axis = {});

struct CircleOptions {
  Tensor ref_labels = {};      ///< of what is compared with, by default y_true
  Tensor ref_embeddings = {};  ///< what is compared with, by default y_pred
  bool remove_diagonal = true;
  double gamma = 80;
  double margin = .4;
};
/// One loss for each of n unit vectors y_pred (n, size) with integer labels y_true (n,) or (n, 1): softplus of the sum
/// of the log-sum-exps over pairs of one label and of different labels, weighted by how far they are from their margins
/// (Sun et al. 2020). 0 where there are no pairs of one kind.
Tensor circle(const Tensor& y_true, const Tensor& y_pred, const CircleOptions& options = {});
/// -ln of the probability that logits y_pred (batch, time, classes) spell the labels y_true (batch, length), where
/// class 0 is the blank and fills labels up at the end (Graves et al. 2006). As Keras's, which is finite, of the order
/// of 1e5, where there is no way to spell them in time. Throws ShapeError for other ranks and ValueError, when values
/// are computed, for labels out of range.
Tensor ctc(const Tensor& y_true, const Tensor& y_pred);

/// sum_c y max(m_plus - p, 0)^2 + lambda (1 - y) max(p - m_minus, 0)^2 over the last axis, for lengths p of capsules
/// (Sabour, Frosst and Hinton 2017). y_true are rows like y_pred, or labels as those of
/// sparse_categorical_crossentropy.
Tensor margin(const Tensor& y_true, const Tensor& y_pred, double m_plus = .9, double m_minus = .1, double lambda = .5);

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
      Loss(F samples, LossOptions options = {})
      : Loss(Samples(std::move(samples)), std::move(options), Counts()) {}

  bool defined() const { return static_cast<bool>(samples_); }
  const std::string& name() const { return name_; }
  const Reduction& reduction() const { return reduction_; }
  /// What it was made with; nothing for a callable.
  const Made& made() const { return made_; }
  /// Where the mask (shaped like the losses of the samples) is 0, samples do not count.
  Tensor operator()(const Tensor& y_true, const Tensor& y_pred, const Tensor& sample_weight = {},
                    const Tensor& mask = {}) const;

 protected:
  /// From y_true and the losses which samples count (bool, shaped like the losses).
  using Counts = Function<Tensor(const Tensor&, const Tensor&)>;
  Loss(Samples samples, LossOptions options, Counts counts)
      : samples_(std::move(samples)),
        reduction_(options.reduction),
        name_(std::move(options.name)),
        counts_(std::move(counts)) {}

 protected:
  Made made_;

 private:
  Samples samples_;
  Reduction reduction_;
  std::string name_;
  Counts counts_;
};

struct MeanSquaredError : Loss {
  MeanSquaredError(LossOptions options = {});
};

struct MeanAbsoluteError : Loss {
  MeanAbsoluteError(LossOptions options = {});
};

struct MeanAbsolutePercentageError : Loss {
  MeanAbsolutePercentageError(LossOptions options = {});
};

struct MeanSquaredLogarithmicError : Loss {
  MeanSquaredLogarithmicError(LossOptions options = {});
};

struct HalfSquaredError : Loss {
  HalfSquaredError(LossOptions options = {});
};

struct LogCosh : Loss {
  LogCosh(LossOptions options = {});
};

struct Hinge : Loss {
  Hinge(LossOptions options = {});
};

struct SquaredHinge : Loss {
  SquaredHinge(LossOptions options = {});
};

struct CategoricalHinge : Loss {
  CategoricalHinge(LossOptions options = {});
};

struct KLDivergence : Loss {
  KLDivergence(LossOptions options = {});
};

struct Poisson : Loss {
  Poisson(LossOptions options = {});
};

struct CTC : Loss {
  CTC(LossOptions options = {});
};

struct CosineSimilarityOptions {
  int axis = -1;
  Reduction reduction = {};
  std::string name = {};
};

struct CosineSimilarity : Loss {
  CosineSimilarity(CosineSimilarityOptions options = {});
};

struct HuberOptions {
  double delta = 1;
  Reduction reduction = {};
  std::string name = {};
};

struct Huber : Loss {
  Huber(HuberOptions options = {});
};

struct BinaryCrossentropyOptions {
  bool from_logits = false;
  double label_smoothing = 0;
  int axis = -1;
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

struct BinaryFocalCrossentropyOptions {
  bool apply_class_balancing = false;
  double alpha = .25;
  double gamma = 2;
  bool from_logits = false;
  double label_smoothing = 0;
  int axis = -1;
  Reduction reduction = {};
  std::string name = {};
};

struct BinaryFocalCrossentropy : Loss {
  BinaryFocalCrossentropy(BinaryFocalCrossentropyOptions options = {});
};

struct CategoricalFocalCrossentropyOptions {
  double alpha = .25;
  double gamma = 2;
  bool from_logits = false;
  double label_smoothing = 0;
  int axis = -1;
  Reduction reduction = {};
  std::string name = {};
};

struct CategoricalFocalCrossentropy : Loss {
  CategoricalFocalCrossentropy(CategoricalFocalCrossentropyOptions options = {});
};

struct SparseCategoricalCrossentropyOptions {
  bool from_logits = false;
  std::optional<std::int64_t> ignore_class = {};
  Reduction reduction = {};
  int axis = -1;
  std::string name = {};
};

/// Samples of the class to ignore are left out of the mean.
struct SparseCategoricalCrossentropy : Loss {
  SparseCategoricalCrossentropy(SparseCategoricalCrossentropyOptions options = {});
};

struct CategoricalGeneralizedCrossEntropyOptions {
  double q = .5;
  Reduction reduction = {};
  std::string name = {};
};

struct CategoricalGeneralizedCrossEntropy : Loss {
  CategoricalGeneralizedCrossEntropy(CategoricalGeneralizedCrossEntropyOptions options = {});
};

struct MarginOptions {
  double m_plus = .9;
  double m_minus = .1;
  double lambda = .5;
  Reduction reduction = {};
  std::string name = {};
};

struct Margin : Loss {
  Margin(MarginOptions options = {});
};

struct DiceOptions {
  Reduction reduction = {};
  std::string name = {};
  Axes axis = {};
};

struct Dice : Loss {
  Dice(DiceOptions options = {});
};

struct TverskyOptions {
  double alpha = .5;
  double beta = .5;
  Reduction reduction = {};
  std::string name = {};
  Axes axis = {};
};

struct Tversky : Loss {
  Tversky(TverskyOptions options = {});
};

struct CircleLossOptions {
  double gamma = 80;
  double margin = .4;
  bool remove_diagonal = true;
  Reduction reduction = {};
  std::string name = {};
};

/// Samples whose loss is 0 are left out of the mean.
struct Circle : Loss {
  Circle(CircleLossOptions options = {});
};

}  // namespace xgrad::losses
