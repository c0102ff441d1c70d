#include <xgrad/graph/op.hpp>
#include <xgrad/nn/ctc.hpp>
#include <xgrad/nn/losses.hpp>
#include <xgrad/nn/pairs.hpp>
#include <xgrad/ops/activation.hpp>
#include <xgrad/ops/creation.hpp>
#include <xgrad/ops/elementwise.hpp>
#include <xgrad/ops/indexing.hpp>
#include <xgrad/ops/product.hpp>
#include <xgrad/ops/reduce.hpp>
#include <xgrad/ops/shape.hpp>

#include <numbers>

namespace xgrad::losses {

namespace {

constexpr double epsilon = 1e-7;

/// The mean over an axis: one loss for each sample.
Tensor by_sample(const Tensor& x, int axis = -1) { return x.rank() == 0 ? x : mean(x, axis); }

Tensor limited(const Tensor& p) { return clip(p, epsilon, 1 - epsilon); }

/// ln p of rows of probabilities or logits.
Tensor log_probabilities(const Tensor& y_pred, bool from_logits, int axis) {
  if (from_logits) return log_softmax(y_pred, axis);
  return log(limited(y_pred / sum(y_pred, axis, true)));
}

void need_classes(const char* where, const Tensor& y_pred) {
  if (y_pred.rank() == 0)
    throw ShapeError("[" + std::string(where) + "] expected y_pred with an axis of classes, got a scalar");
}

/// Rows of numbers for classes on both sides, and labels moved towards equal parts.
Pair rows_of_classes(const char* where, const Tensor& y_true, const Tensor& y_pred, double smoothing, int axis) {
  check_smoothing(where, smoothing);
  need_classes(where, y_pred);
  if (y_true.shape() != y_pred.shape())
    throw ShapeError("[" + std::string(where) + "] expected y_true as rows of " + std::to_string(y_pred.dim(axis)) +
                     " numbers like y_pred " + to_string(y_pred.shape()) + ", got " + to_string(y_true.shape()) +
                     " (labels as integers need sparse_categorical_crossentropy, or to_categorical)");
  Pair pair = same_shape(where, y_true, y_pred);
  if (smoothing > 0) pair.y_true = pair.y_true * (1 - smoothing) + smoothing / static_cast<double>(y_pred.dim(axis));
  return pair;
}

/// Two classes in one number, and labels moved towards one half.
Pair smoothed(const char* where, const Tensor& y_true, const Tensor& y_pred, double smoothing) {
  check_smoothing(where, smoothing);
  Pair pair = same_shape(where, y_true, y_pred);
  if (smoothing > 0) pair.y_true = pair.y_true * (1 - smoothing) + smoothing / 2;
  return pair;
}

/// -(y ln p + (1 - y) ln(1 - p)), element by element.
Tensor binary_terms(const Tensor& y, const Tensor& y_pred) {
  const Tensor p = limited(y_pred);
  return -(y * log(p) + (1 - y) * log(1 - p));
}

/// Labels 0 and 1 as -1 and 1, if there are no others.
Tensor signs(const Tensor& y) {
  const Tensor binary = all(logical_or(equal(y, 0), equal(y, 1)));
  return where(binary, 2 * y - 1, y);
}

/// Labels checked when values are computed, without a line of the library in the message.
Tensor checked_labels(const char* where, const Tensor& labels, std::int64_t classes) {
  const NameScope scope(where);
  return check_labels(Arg(labels, Location()), classes);
}

}  // namespace

Tensor mean_squared_error(const Tensor& y_true, const Tensor& y_pred) {
  const Pair y = same_shape("mean_squared_error", y_true, y_pred);
  return by_sample(square(y.y_true - y.y_pred));
}

Tensor mean_absolute_error(const Tensor& y_true, const Tensor& y_pred) {
  const Pair y = same_shape("mean_absolute_error", y_true, y_pred);
  return by_sample(abs(y.y_true - y.y_pred));
}

Tensor mean_absolute_percentage_error(const Tensor& y_true, const Tensor& y_pred) {
  const Pair y = same_shape("mean_absolute_percentage_error", y_true, y_pred);
  return 100 * by_sample(abs((y.y_true - y.y_pred) / maximum(abs(y.y_true), epsilon)));
}

Tensor mean_squared_logarithmic_error(const Tensor& y_true, const Tensor& y_pred) {
  const Pair y = same_shape("mean_squared_logarithmic_error", y_true, y_pred);
  return by_sample(square(log(maximum(y.y_pred, epsilon) + 1) - log(maximum(y.y_true, epsilon) + 1)));
}

Tensor half_squared_error(const Tensor& y_true, const Tensor& y_pred) {
  const Pair y = same_shape("half_squared_error", y_true, y_pred);
  const Tensor halves = 0.5 * square(y.y_true - y.y_pred);
  return halves.rank() == 0 ? halves : sum(halves, -1);
}

Tensor huber(const Tensor& y_true, const Tensor& y_pred, double delta) {
  if (!(delta >= 0)) throw ValueError("[huber] expected delta of 0 or more, got " + number_text(delta));
  const Pair y = same_shape("huber", y_true, y_pred);
  const Tensor error = y.y_pred - y.y_true;
  const Tensor size = abs(error);
  return by_sample(where(size <= delta, 0.5 * square(error), delta * size - 0.5 * delta * delta));
}

Tensor log_cosh(const Tensor& y_true, const Tensor& y_pred) {
  const Pair y = same_shape("log_cosh", y_true, y_pred);
  const Tensor error = y.y_pred - y.y_true;
  return by_sample(error + softplus(-2 * error) - std::numbers::ln2);
}

Tensor cosine_similarity(const Tensor& y_true, const Tensor& y_pred, int axis) {
  const Pair y = same_shape("cosine_similarity", y_true, y_pred);
  return -sum(normalized(y.y_true, axis) * normalized(y.y_pred, axis), axis);
}

Tensor hinge(const Tensor& y_true, const Tensor& y_pred) {
  const Pair y = same_shape("hinge", y_true, y_pred);
  return by_sample(maximum(1 - signs(y.y_true) * y.y_pred, 0));
}

Tensor squared_hinge(const Tensor& y_true, const Tensor& y_pred) {
  const Pair y = same_shape("squared_hinge", y_true, y_pred);
  return by_sample(square(maximum(1 - signs(y.y_true) * y.y_pred, 0)));
}

Tensor categorical_hinge(const Tensor& y_true, const Tensor& y_pred) {
  need_classes("categorical_hinge", y_pred);
  const Pair y = same_shape("categorical_hinge", y_true, y_pred);
  const Tensor positive = sum(y.y_true * y.y_pred, -1), negative = max((1 - y.y_true) * y.y_pred, -1);
  return maximum(negative - positive + 1, 0);
}

Tensor kl_divergence(const Tensor& y_true, const Tensor& y_pred) {
  need_classes("kl_divergence", y_pred);
  const Pair y = same_shape("kl_divergence", y_true, y_pred);
  const Tensor t = clip(y.y_true, epsilon, 1), p = clip(y.y_pred, epsilon, 1);
  return sum(t * log(t / p), -1);
}

Tensor poisson(const Tensor& y_true, const Tensor& y_pred) {
  const Pair y = same_shape("poisson", y_true, y_pred);
  return by_sample(y.y_pred - y.y_true * log(y.y_pred + epsilon));
}

Tensor binary_crossentropy(const Tensor& y_true, const Tensor& y_pred, const CrossentropyOptions& options) {
  const Pair pair = smoothed("binary_crossentropy", y_true, y_pred, options.label_smoothing);
  if (options.from_logits) return by_sample(softplus(pair.y_pred) - pair.y_pred * pair.y_true, options.axis);
  return by_sample(binary_terms(pair.y_true, pair.y_pred), options.axis);
}

Tensor binary_focal_crossentropy(const Tensor& y_true, const Tensor& y_pred, const BinaryFocalOptions& o) {
  const Pair pair = smoothed("binary_focal_crossentropy", y_true, y_pred, o.label_smoothing);
  const Tensor& y = pair.y_true;
  const Tensor p = o.from_logits ? sigmoid(pair.y_pred) : pair.y_pred;
  const Tensor right = y * p + (1 - y) * (1 - p);
  Tensor terms = power(1 - right, o.gamma) * binary_terms(y, p);
  if (o.apply_class_balancing) terms = (y * o.alpha + (1 - y) * (1 - o.alpha)) * terms;
  return by_sample(terms, o.axis);
}

Tensor categorical_crossentropy(const Tensor& y_true, const Tensor& y_pred, const CrossentropyOptions& options) {
  const Pair pair = rows_of_classes("categorical_crossentropy", y_true, y_pred, options.label_smoothing, options.axis);
  return -sum(pair.y_true * log_probabilities(pair.y_pred, options.from_logits, options.axis), options.axis);
}

Tensor categorical_focal_crossentropy(const Tensor& y_true, const Tensor& y_pred, const CategoricalFocalOptions& o) {
  const Pair pair = rows_of_classes("categorical_focal_crossentropy", y_true, y_pred, o.label_smoothing, o.axis);
  const Tensor given = o.from_logits ? softmax(pair.y_pred, o.axis) : pair.y_pred;
  const Tensor p = limited(given / sum(given, o.axis, true));
  return sum(o.alpha * power(1 - p, o.gamma) * (-pair.y_true * log(p)), o.axis);
}

Tensor sparse_categorical_crossentropy(const Tensor& y_true, const Tensor& y_pred, bool from_logits,
                                       std::optional<std::int64_t> ignore_class, int axis) {
  need_classes("sparse_categorical_crossentropy", y_pred);
  const bool last = axis == -1 || axis == y_pred.rank() - 1;
  const Pair pair =
      labels_and_rows("sparse_categorical_crossentropy", y_true, last ? y_pred : moveaxis(y_pred, {axis}, {-1}));
  const std::int64_t classes = pair.y_pred.dim(-1);
  Tensor labels = pair.y_true;
  Tensor ignored;
  if (ignore_class) {
    // In int64, where every class has its own number.
    labels = cast(labels, int64);
    ignored = equal(labels, *ignore_class);
    labels = where(ignored, 0, labels);
  }
  labels = checked_labels("sparse_categorical_crossentropy", labels, classes);
  // A choice, not a product: classes ruled out by a logit of -inf must not make a NaN.
  const Tensor chosen = one_hot(labels, classes, bool_);
  const Tensor losses = -sum(where(chosen, log_probabilities(pair.y_pred, from_logits, -1), 0), -1);
  return ignore_class ? where(ignored, 0, losses) : losses;
}

Tensor categorical_generalized_cross_entropy(const Tensor& y_true, const Tensor& y_pred, double q) {
  constexpr const char* where = "categorical_generalized_cross_entropy";
  if (!(q > 0 && q < 1))
    throw ValueError("[" + std::string(where) + "] expected q between 0 and 1, got " + number_text(q));
  need_classes(where, y_pred);
  const Pair pair = labels_and_rows(where, y_true, y_pred);
  const std::int64_t classes = pair.y_pred.dim(-1);
  const Tensor chosen = one_hot(checked_labels(where, pair.y_true, classes), classes, pair.y_pred.dtype());
  return (1 - power(sum(pair.y_pred * chosen, -1), q)) / q;
}

Tensor margin(const Tensor& y_true, const Tensor& y_pred, double m_plus, double m_minus, double lambda) {
  need_classes("margin", y_pred);
  Tensor y = y_true, p = y_pred;
  if (y_true.shape() == y_pred.shape()) {
    const Pair pair = same_shape("margin", y_true, y_pred);
    y = pair.y_true;
    p = pair.y_pred;
  } else {
    const Pair pair = labels_and_rows("margin", y_true, y_pred);
    p = pair.y_pred;
    y = one_hot(checked_labels("margin", pair.y_true, p.dim(-1)), p.dim(-1), p.dtype());
  }
  return sum(y * square(relu(m_plus - p)) + lambda * (1 - y) * square(relu(p - m_minus)), -1);
}

Tensor dice(const Tensor& y_true, const Tensor& y_pred, Axes axis) {
  const Pair y = same_shape("dice", y_true, y_pred);
  const Tensor both = sum(y.y_true * y.y_pred, axis);
  return 1 - 2 * both / (sum(y.y_true, axis) + sum(y.y_pred, axis) + epsilon);
}

Tensor tversky(const Tensor& y_true, const Tensor& y_pred, double alpha, double beta, Axes axis) {
  const Pair y = same_shape("tversky", y_true, y_pred);
  const Tensor both = sum(y.y_true * y.y_pred, axis);
  const Tensor missed = sum((1 - y.y_pred) * y.y_true, axis), wrong = sum(y.y_pred * (1 - y.y_true), axis);
  return 1 - both / (both + missed * alpha + wrong * beta + epsilon);
}

namespace {

Tensor label_vector(const char* what, const Tensor& labels, const Tensor& vectors) {
  if (labels.size() != vectors.dim(0) || labels.rank() == 0 || labels.dim(0) != labels.size())
    throw ShapeError("[circle] expected " + std::string(what) + " with one label for each of " +
                     std::to_string(vectors.dim(0)) + " vectors, got " + to_string(labels.shape()));
  return cast(reshape(labels, {-1}), int64);
}

}  // namespace

Tensor circle(const Tensor& y_true, const Tensor& y_pred, const CircleOptions& o) {
  const Tensor vectors = is_floating(y_pred.dtype()) ? y_pred : cast(y_pred, float32);
  const Tensor others = o.ref_embeddings.defined() ? cast(o.ref_embeddings, vectors.dtype()) : vectors;
  if (vectors.rank() != 2 || others.rank() != 2 || vectors.dim(1) != others.dim(1))
    throw ShapeError("[circle] expected y_pred and ref_embeddings as rows of vectors of one length, got " +
                     to_string(vectors.shape()) + " and " + to_string(others.shape()));
  const Tensor labels = label_vector("y_true", y_true, vectors);
  const Tensor other_labels = o.ref_labels.defined()       ? label_vector("ref_labels", o.ref_labels, others)
                              : o.ref_embeddings.defined() ? label_vector("y_true", y_true, others)
                                                           : labels;
  const Tensor alike = equal(expand_dims(labels, 1), expand_dims(other_labels, 0));
  Tensor positive = alike;
  if (o.remove_diagonal) {
    const Tensor diagonal = eye(vectors.dim(0), others.dim(0), 0, {.dtype = bool_});
    positive = logical_and(alike, logical_not(diagonal));
  }
  const Tensor distance = maximum(1 - matmul(vectors, transpose(others)), 0);
  // Pairs that do not count are left out by a number far below all others; an infinity would have no gradient.
  const double out = -1e30;
  const Tensor near = -o.gamma * maximum(o.margin + distance, 0) * (o.margin - distance);
  const Tensor far = o.gamma * maximum(1 + o.margin - distance, 0) * (1 - o.margin - distance);
  return softplus(logsumexp(where(positive, near, out), 1) + logsumexp(where(alike, out, far), 1));
}

Tensor ctc(const Tensor& y_true, const Tensor& y_pred) {
  if (y_true.rank() != 2 || y_pred.rank() != 3 || y_true.dim(0) != y_pred.dim(0))
    throw ShapeError("[ctc] expected labels (batch, length) and logits (batch, time, classes), got y_true " +
                     to_string(y_true.shape()) + " and y_pred " + to_string(y_pred.shape()));
  const Tensor labels = checked_labels("ctc", cast(y_true, int64), y_pred.dim(2));
  return ctc_loss(labels, y_pred, count_nonzero(labels, 1), full({y_pred.dim(0)}, y_pred.dim(1), {.dtype = int64}));
}

}  // namespace xgrad::losses
