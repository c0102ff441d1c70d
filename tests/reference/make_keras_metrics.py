#!/usr/bin/env python3
"""Writes keras_metrics.json: results of Keras's metrics after each of three batches, with and without weights, on JAX in
float64. Keras computes intersections over unions in single precision, and counts with whole weights unless told
otherwise: those are NumPy's, checked against Keras's to 1e-6."""
import json
import pathlib

from keras_cases import keras, np, rng, tensor

M = keras.metrics
cases = []


def stream(call, make, batches, result=None):
    metric = make()
    one = {"call": call, "batches": [], "results": []}
    seen = []
    for batch in batches:
        metric.update_state(*batch)
        seen.append(batch)
        theirs = np.asarray(metric.result(), dtype="float64")
        if result:
            exact = np.asarray(result(seen))
            assert np.allclose(exact, theirs, rtol=1e-6, atol=1e-7), (call, exact, theirs)
            theirs = exact
        one["batches"].append([tensor(x) for x in batch])
        one["results"].append(tensor(theirs))
    cases.append(one)


def both(call, make, data, **more):
    stream(call, make, [b[:2] for b in data], **more)
    stream(call + " weights", make, data, **more)


def numbers(low, high, columns=3, rows=(5, 4, 3)):
    shape = lambda n: (n, columns) if columns else (n,)
    return [rng.uniform(low, high, shape(n)).round(3) for n in rows]


def weights(rows=(5, 4, 3)):
    return [rng.uniform(0.2, 2, n).round(2) for n in rows]


def labels(classes, rows=(5, 4, 3)):
    return [rng.integers(0, classes, n) for n in rows]


hot = [np.eye(4)[c] for c in labels(4)]
probabilities = [p / p.sum(-1, keepdims=True) for p in numbers(0.05, 1, 4)]
zipped = lambda *lists: list(zip(*lists))
regression = zipped(numbers(0.1, 2), numbers(0.1, 2), weights())
bits = [rng.integers(0, 2, (n, 3)).astype("float64") for n in (5, 4, 3)]
binary = zipped(bits, numbers(0, 1), weights())
rows = zipped(hot, probabilities, weights())
sparse = zipped([h.argmax(-1) for h in hot], probabilities, weights())
single = zipped([rng.integers(0, 2, n).astype("float64") for n in (9, 7, 8)], numbers(0, 1, 0, (9, 7, 8)),
                weights((9, 7, 8)))

for name in """MeanSquaredError RootMeanSquaredError MeanAbsoluteError MeanAbsolutePercentageError
MeanSquaredLogarithmicError LogCoshError CosineSimilarity Hinge SquaredHinge CategoricalHinge KLDivergence Poisson
R2Score PearsonCorrelation ConcordanceCorrelation""".split():
    both(name, getattr(M, name), regression)
both("CosineSimilarity axis 0", lambda: M.CosineSimilarity(axis=0), [b[:2] + (np.array([1.0, 2.0, 0.5]),)
                                                                   for b in regression])
both("R2Score none", lambda: M.R2Score(class_aggregation=None), regression)
both("R2Score variance", lambda: M.R2Score(class_aggregation="variance_weighted_average", num_regressors=2), regression)
for name in ["BinaryAccuracy", "BinaryCrossentropy", "TruePositives", "TrueNegatives", "FalsePositives",
             "FalseNegatives", "Precision", "Recall", "AUC"]:
    both(name, getattr(M, name), binary)
    if name != "BinaryCrossentropy":  # one loss for a vector, which takes no weights in Keras
        both(name + " single", getattr(M, name), single)
both("BinaryAccuracy 0.3", lambda: M.BinaryAccuracy(threshold=0.3), binary)
both("BinaryCrossentropy all", lambda: M.BinaryCrossentropy(from_logits=True, label_smoothing=0.1), binary)
same = zipped(bits, [np.where(rng.uniform(size=b.shape) < 0.3, 1 - b, b) for b in bits], weights())
both("Accuracy", M.Accuracy, same)
for name in ["CategoricalAccuracy", "CategoricalCrossentropy"]:
    both(name, getattr(M, name), rows)
both("TopKCategoricalAccuracy", lambda: M.TopKCategoricalAccuracy(k=2), rows)
both("CategoricalCrossentropy all", lambda: M.CategoricalCrossentropy(from_logits=True, label_smoothing=0.1), rows)
for name in ["SparseCategoricalAccuracy", "SparseCategoricalCrossentropy"]:
    both(name, getattr(M, name), sparse)
both("SparseTopKCategoricalAccuracy", lambda: M.SparseTopKCategoricalAccuracy(k=2), sparse)
ranked = zipped([s[0] for s in sparse], [np.argsort(-s[1], -1).astype("float64") for s in sparse], weights())
both("SparseTopKCategoricalAccuracy sorted", lambda: M.SparseTopKCategoricalAccuracy(k=2, from_sorted_ids=True), ranked)
both("SparseCategoricalCrossentropy logits", lambda: M.SparseCategoricalCrossentropy(from_logits=True), sparse)

for name in ["TruePositives", "FalseNegatives", "Precision", "Recall"]:
    both(name + " thresholds", lambda: getattr(M, name)(thresholds=[0.2, 0.55, 0.8]), binary)
    both(name + " even", lambda: getattr(M, name)(thresholds=[0.0, 0.25, 0.5, 0.75, 1.0]), binary)
for name in ["Precision", "Recall"]:
    both(name + " top 2", lambda: getattr(M, name)(top_k=2), rows)
    both(name + " class 1", lambda: getattr(M, name)(class_id=1), binary)
    both(name + " top 2 class 0", lambda: getattr(M, name)(top_k=2, class_id=0, thresholds=0.2), rows)
for name in ["SensitivityAtSpecificity", "SpecificityAtSensitivity", "PrecisionAtRecall", "RecallAtPrecision"]:
    both(name, lambda: getattr(M, name)(0.6), single)
    both(name + " few", lambda: getattr(M, name)(0.4, num_thresholds=7, class_id=1), binary)
    both(name + " one", lambda: getattr(M, name)(0.4, num_thresholds=1), binary)
for curve in ["ROC", "PR", "PRGAIN"]:
    for method in ["interpolation", "minoring", "majoring"]:
        both(f"AUC {curve} {method}", lambda: M.AUC(curve=curve, summation_method=method, num_thresholds=20), single)
    both(f"AUC {curve} labels", lambda: M.AUC(curve=curve, multi_label=True, num_labels=3, num_thresholds=20), binary)
both("AUC thresholds", lambda: M.AUC(thresholds=[0.6, 0.1, 0.35]), single)
both("AUC label weights", lambda: M.AUC(label_weights=[1.0, 0.5, 2.0]), binary)
both("AUC labels weighted", lambda: M.AUC(multi_label=True, num_labels=3, label_weights=[1.0, 0.5, 2.0],
                                         thresholds=[0.2, 0.7]), binary)
both("AUC logits", lambda: M.AUC(from_logits=True), single)

for average in [None, "micro", "macro", "weighted"]:
    both(f"F1Score {average or 'none'}", lambda: M.F1Score(average=average), rows)
    both(f"FBetaScore {average or 'none'}", lambda: M.FBetaScore(average=average, beta=2.0, threshold=0.5), binary)


def iou(classes, targets, ignore=None, convert=lambda t, p: (t, p)):
    def result(seen):
        table = np.zeros((classes, classes))
        for batch in seen:
            t, p = (np.asarray(x).astype(int) for x in convert(*batch[:2]))
            w = np.broadcast_to(batch[2] if len(batch) > 2 else 1.0, t.shape)
            for i, j, k in zip(t, p, w):
                if 0 <= i < classes and 0 <= j < classes and i != ignore:
                    table[i, j] += k
        hits = np.diag(table)[targets]
        union = (table.sum(0) + table.sum(1) - np.diag(table))[targets]
        occurs = union > 1e-9
        return np.where(occurs, hits / (union + 1e-7), 0).sum() / (occurs.sum() + 1e-7)

    return result


maps = zipped(labels(4, (9, 7, 8)), labels(5, (9, 7, 8)), weights((9, 7, 8)))
f8 = {"dtype": "float64"}
both("IoU", lambda: M.IoU(4, [1, 3], **f8), maps, result=iou(4, [1, 3]))
both("IoU ignore", lambda: M.IoU(4, [1, 3], ignore_class=0, **f8), maps, result=iou(4, [1, 3], 0))
both("MeanIoU", lambda: M.MeanIoU(4, **f8), maps, result=iou(4, [0, 1, 2, 3]))
cut = lambda t, p: (t, p >= 0.5)
both("BinaryIoU", lambda: M.BinaryIoU(**f8), single, result=iou(2, [0, 1], convert=cut))
both("BinaryIoU 0", lambda: M.BinaryIoU([0], 0.3, **f8), single, result=iou(2, [0], convert=lambda t, p: (t, p >= 0.3)))
largest = lambda t, p: (t.argmax(-1), p.argmax(-1))
both("OneHotIoU", lambda: M.OneHotIoU(4, [0, 2], **f8), rows, result=iou(4, [0, 2], convert=largest))
both("OneHotMeanIoU", lambda: M.OneHotMeanIoU(4, **f8), rows, result=iou(4, [0, 1, 2, 3], convert=largest))
# Predictions at thresholds themselves, at both ends among them.
edges = [(np.array([0.0, 1, 0, 1, 1, 0]), np.array([0.0, 0, 1, 1, 0.5, 0.25]), np.array([1.0, 2, 0.5, 1, 3, 1]))]
both("AUC edges", lambda: M.AUC(num_thresholds=5), edges)
both("Precision edges", lambda: M.Precision(thresholds=[0.0, 0.25, 0.5, 0.75, 1.0]), edges)
values = zipped(numbers(-1, 1), weights())
for name in ["Mean", "Sum"]:
    stream(name, getattr(M, name), [b[:1] for b in values])
    stream(name + " weights", getattr(M, name), values)
path = pathlib.Path(__file__).with_name("keras_metrics.json")
lines = ",\n".join(json.dumps(c) for c in cases)
path.write_text('{"versions": {"keras": "%s"}, "cases": [\n%s\n]}\n' % (keras.__version__, lines))
