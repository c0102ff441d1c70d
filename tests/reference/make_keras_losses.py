#!/usr/bin/env python3
"""Writes keras_losses.json: Keras's losses as functions and, with reductions, weights and masks, as classes, on JAX in
float64, with two derivatives by the predictions."""
from keras_cases import case, jnp, keras, np, write
from keras.src.losses.loss import reduce_weighted_values

L = keras.losses
yt = np.array([[0.0, 1.0], [0.5, 0.25], [1.0, 0.0]])
yp = np.array([[0.1, 0.8], [0.4, 0.5], [0.7, 0.2]])
signs = np.array([[-1.0, 1.0], [1.0, 1.0], [1.0, -1.0]])
binary = np.array([[0.0, 1.0], [1.0, 1.0], [1.0, 0.0]])
classes = np.array([1, 2, 0])
hot = np.eye(3)[classes]
p = np.array([[0.05, 0.95, 0.02], [0.1, 0.8, 0.15], [0.7, 0.2, 0.3]])
z = np.array([[0.3, -1.2, 2.1], [4.0, 0.1, -0.6], [0.2, 0.9, -2.0]])
cubes = np.array([0.2, 0.1, 0.7, 0.5, 0.3, 0.9, 0.25, 0.35, 0.15, 0.45, 0.6, 0.05]).reshape(2, 3, 2)
cube_labels = np.array([0.0, 1, 1, 0, 1, 1, 0, 0, 1, 0, 0, 1]).reshape(2, 3, 2)
cube_hot = np.array([[0, 1], [2, 0]])
cases = []


def function(name, y_true, y_pred, label=None, **options):
    f = getattr(L, name)
    cases.append(case(label or name, lambda t, q: f(t, q, **options), y_true, y_pred, grads=[1]))


for name in """mean_squared_error mean_absolute_error mean_absolute_percentage_error mean_squared_logarithmic_error huber
log_cosh cosine_similarity kl_divergence poisson binary_crossentropy binary_focal_crossentropy categorical_crossentropy
categorical_focal_crossentropy dice tversky categorical_hinge""".split():
    function(name, yt, yp)
function("hinge", signs, yp)
function("hinge", binary, yp, "hinge binary")
function("hinge", yt, yp, "hinge other")
function("squared_hinge", signs, yp)
function("huber", yt, yp, "huber 0.15", delta=0.15)
function("cosine_similarity", yt, yp, "cosine_similarity axis 0", axis=0)
function("binary_crossentropy", yt, yp, "binary_crossentropy smooth", label_smoothing=0.1)
function("binary_crossentropy", yt, z[:, :2], "binary_crossentropy logits", from_logits=True)
function("binary_crossentropy", yt, yp, "binary_crossentropy axis 0", axis=0)
function("binary_focal_crossentropy", yt, yp, "binary_focal_crossentropy all", apply_class_balancing=True, alpha=0.3,
         gamma=1.5, label_smoothing=0.2)
function("binary_focal_crossentropy", yt, z[:, :2], "binary_focal_crossentropy logits", from_logits=True)
function("categorical_crossentropy", hot, p, "categorical_crossentropy smooth", label_smoothing=0.1)
function("categorical_crossentropy", hot, z, "categorical_crossentropy logits", from_logits=True)
function("categorical_crossentropy", hot, p, "categorical_crossentropy axis 0", axis=0)
function("categorical_focal_crossentropy", hot, p, "categorical_focal_crossentropy all", alpha=0.3, gamma=1.5,
         label_smoothing=0.2)
function("categorical_focal_crossentropy", hot, z, "categorical_focal_crossentropy logits", from_logits=True)
function("sparse_categorical_crossentropy", classes, p)
function("sparse_categorical_crossentropy", classes[:, None], z, "sparse_categorical_crossentropy logits",
         from_logits=True)
function("sparse_categorical_crossentropy", classes, p, "sparse_categorical_crossentropy ignore", ignore_class=2)
# Keras on JAX takes classes on the last axis alone.
moved = np.moveaxis(np.stack([p, z**2 + 0.1]), -1, 1)
cases.append(case("sparse_categorical_crossentropy axis 1",
                  lambda t, q: L.sparse_categorical_crossentropy(t, jnp.moveaxis(q, 1, -1)),
                  np.array([[0, 1, 2], [2, 2, 0]]), moved, grads=[1]))
function("categorical_generalized_cross_entropy", classes, p, q=0.5)
function("categorical_generalized_cross_entropy", classes, p, "categorical_generalized_cross_entropy 0.8", q=0.8)
function("dice", cube_labels, cubes, "dice axes", axis=(1, 2))
function("tversky", cube_labels, cubes, "tversky axes", alpha=0.3, beta=0.7, axis=(1, 2))

vectors = np.array([[0.6, 0.8, 0.0], [0.0, 0.6, -0.8], [0.48, 0.6, 0.64], [-0.6, 0.0, 0.8], [0.8, -0.6, 0.0]])
kinds = np.array([1, 2, 1, 2, 1])
function("circle", kinds, vectors)
function("circle", kinds, vectors * 0.97, "circle diagonal", remove_diagonal=False, gamma=3.0, margin=0.2)
cases.append(case("circle reference", lambda t, q: L.circle(t, q, ref_labels=np.array([1, 2, 2]),
                                                            ref_embeddings=vectors[:3] * 0.9, gamma=4.0,
                                                            remove_diagonal=False), kinds, vectors, grads=[1]))
spoken = np.sin(np.arange(2 * 6 * 4) * 1.7).reshape(2, 6, 4) * 2
function("ctc", np.array([[1, 2, 2, 3], [3, 1, 0, 0]]), spoken)
cases.append(case("half_squared_error", lambda t, q: jnp.sum((t - q) ** 2, -1) / 2, yt, yp, grads=[1]))

weights = np.array([1.0, 2.0, 0.5])
for reduction in ["sum_over_batch_size", "mean", "mean_with_sample_weight", "sum", "none"]:
    loss = L.MeanSquaredError(reduction=reduction)
    cases.append(case(f"reduction {reduction}", lambda t, q: loss(t, q), yt, yp, grads=[1]))
    cases.append(case(f"reduction {reduction} weights", lambda t, q, w: loss(t, q, sample_weight=w), yt, yp, weights,
                      grads=[1]))
    masked = lambda t, q, w, m: reduce_weighted_values(L.mean_squared_error(t, q), sample_weight=w, mask=m,
                                                       reduction=reduction, dtype="float64")
    cases.append(case(f"reduction {reduction} mask", masked, yt, yp, weights, np.array([1.0, 0.0, 1.0]), grads=[1]))
ignoring = L.SparseCategoricalCrossentropy(ignore_class=2)
cases.append(case("ignoring class", lambda t, q, w: ignoring(t, q, sample_weight=w), classes, p, weights))
circling = L.Circle(gamma=3.0)
lonely = np.array([1, 2, 1, 2, 3])
cases.append(case("circle class", lambda t, q: circling(t, q), lonely, vectors))
write("keras_losses.json", cases)
