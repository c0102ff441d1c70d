"""Layers for words, integers and numbers of Keras 3.15.1 (TensorFlow 2.21): writes keras_text.json.

Each case names a layer, its config, what it is adapted to, what it is called with and what comes out.
"""

import json
import os

os.environ["KERAS_BACKEND"] = "tensorflow"
os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
os.environ["CUDA_VISIBLE_DEVICES"] = ""

import keras
import numpy as np
import tensorflow as tf
from keras import layers

cases = []


def add(layer, config, x, adapt=None, **calls):
    # A list is a tuple where Keras wants one.
    made = getattr(layers, layer)(**{k: tuple(v) if k in ("ngrams", "axis", "salt") and isinstance(v, list) else v
                                     for k, v in config.items()})
    if adapt is not None:
        made.adapt(tf.constant(adapt) if layer in ("StringLookup", "TextVectorization") else np.asarray(adapt))
    given = tf.constant(x) if not isinstance(x, tuple) else [tf.constant(c) for c in x]
    y = np.asarray(made(given, **calls))
    case = {"layer": layer, "config": config, "x": x if not isinstance(x, tuple) else list(x)}
    if adapt is not None:
        case["adapt"] = adapt
    if "count_weights" in calls:
        case["count_weights"] = calls["count_weights"]
    if y.dtype == object:
        case["words"] = [w.decode() for w in y.ravel()]
    else:
        case["shape"], case["y"] = list(y.shape), [float(v) for v in y.ravel()]
    if layer in ("StringLookup", "IntegerLookup", "TextVectorization") and not config.get("invert"):
        case["vocabulary"] = [v if isinstance(v, str) else int(v) for v in made.get_vocabulary()]
    cases.append(case)


words = ["", "a", "abc", "abcd", "seven77", "eight888", "a word of 16 by", "exactly16 bytes.", "seventeen bytes..",
         "a text of thirty-two bytes, or so", "x" * 33, "sixty-four bytes are one block of the hash of long texts, so it is",
         "y" * 65, "long " * 40, "Grüße", "dog", "cat", "-1"]
for options in [{"num_bins": 3}, {"num_bins": 1000003}, {"num_bins": 7, "salt": 133}, {"num_bins": 1000, "salt": [133, 137]},
                {"num_bins": 5, "mask_value": ""}, {"num_bins": 5, "mask_value": "dog", "salt": 9}, {"num_bins": 1, "mask_value": ""}]:
    add("Hashing", options, words)
numbers = [[0, 1, -1], [2**31 - 1, -(2**31), 12345]]
add("Hashing", {"num_bins": 11}, numbers)
add("Hashing", {"num_bins": 11, "salt": 2}, numbers)
for mode in ["one_hot", "multi_hot", "count"]:
    add("Hashing", {"num_bins": 4, "output_mode": mode}, [w for w in words[:6]])
add("HashedCrossing", {"num_bins": 5}, (["A", "B", "A", "B", "A"], ["101", "101", "101", "102", "102"]))
add("HashedCrossing", {"num_bins": 100003}, (words, words[::-1], [w + "!" for w in words]))
add("HashedCrossing", {"num_bins": 97}, (["A", "B", "A", ""], [101, -7, 0, 2**40]))
add("HashedCrossing", {"num_bins": 97}, ([1, 2, 3], [4, 5, 6]))
add("HashedCrossing", {"num_bins": 4, "output_mode": "one_hot"}, (["A", "B", "A"], ["101", "101", "102"]))

vocabulary = ["a", "b", "c", "d"]
data = [["a", "c", "d", "m"], ["m", "z", "b", "z"], ["a", "a", "d", ""]]
for options in [{}, {"num_oov_indices": 3}, {"mask_token": "m"}, {"mask_token": "m", "num_oov_indices": 2, "oov_token": "?"},
                {"output_mode": "multi_hot"}, {"output_mode": "multi_hot", "mask_token": "m"}, {"output_mode": "count"},
                {"output_mode": "count", "num_oov_indices": 2}, {"output_mode": "count", "pad_to_max_tokens": True, "max_tokens": 9},
                {"output_mode": "tf_idf", "idf_weights": [.1, .2, .3, .8]},
                {"output_mode": "tf_idf", "idf_weights": [.1, .2, .3, .8], "num_oov_indices": 2, "pad_to_max_tokens": True,
                 "max_tokens": 8}]:
    add("StringLookup", {"vocabulary": vocabulary, **options}, data)
add("StringLookup", {"vocabulary": vocabulary, "output_mode": "one_hot"}, ["a", "c", "q"])
add("StringLookup", {"vocabulary": vocabulary, "output_mode": "one_hot", "mask_token": "m"}, ["a", "m", "q"])
learned = [["w", "c", "w", "d"], ["c", "c", "", "b"], ["d", "w", "m", "c"]]
for options in [{}, {"max_tokens": 4}, {"mask_token": "m"}, {"mask_token": "", "max_tokens": 5, "num_oov_indices": 2},
                {"output_mode": "tf_idf"}, {"output_mode": "tf_idf", "max_tokens": 4}, {"output_mode": "count", "max_tokens": 3},
                {"output_mode": "count", "max_tokens": 9, "pad_to_max_tokens": True}]:
    add("StringLookup", options, [["w", "c", "x", "m"], ["d", "b", "", "c"]], adapt=learned)
add("StringLookup", {"vocabulary": vocabulary, "invert": True}, [[0, 1, 4], [3, 2, 1]])
add("StringLookup", {"vocabulary": vocabulary, "invert": True, "mask_token": "m", "num_oov_indices": 2}, [[0, 1, 2, 3, 6]])

tokens = [12, 36, 1138, 42]
seen = [[12, 1138, 42, 36], [42, 7, 36, 7], [-5, 12, 12, 0]]
for options in [{}, {"num_oov_indices": 2}, {"num_oov_indices": 3, "mask_token": 7}, {"mask_token": 0},
                {"output_mode": "multi_hot"}, {"output_mode": "multi_hot", "mask_token": 7}, {"output_mode": "count", "num_oov_indices": 2},
                {"output_mode": "count", "pad_to_max_tokens": True, "max_tokens": 8},
                {"output_mode": "tf_idf", "idf_weights": [.25, .75, .6, .4]}]:
    add("IntegerLookup", {"vocabulary": tokens, **options}, seen)
add("IntegerLookup", {"vocabulary": tokens, "output_mode": "one_hot"}, [12, 36, 99])
add("IntegerLookup", {"vocabulary": tokens, "invert": True}, [[0, 1, 4], [3, 2, 1]])
add("IntegerLookup", {"vocabulary": tokens, "invert": True, "mask_token": 0, "num_oov_indices": 2, "oov_token": -7}, [[0, 1, 2, 3, 6]])
for options in [{}, {"max_tokens": 4}, {"mask_token": 0}, {"output_mode": "tf_idf"}, {"output_mode": "count", "max_tokens": 3}]:
    add("IntegerLookup", options, [[12, 1138, 42, 36], [42, 1000, 36, 7]], adapt=[[12, 1138, 42, 42], [42, 1000, 1000, 7], [12, 12, 0, 7]])

texts = ["Foo, qux? Bar!", "the THE the  tab\tand\nline", "", "don't stop: it's e-mail @ home_1", "ÜBER Straße  über"]
corpus = ["foo bar foo the", "the bar; BAR", "e-mail tab the über", "don't it's"]
for options in [{}, {"output_sequence_length": 3}, {"output_sequence_length": 9}, {"max_tokens": 6}, {"standardize": "lower"},
                {"standardize": "strip_punctuation"}, {"standardize": None}, {"ngrams": 2}, {"ngrams": [2]}, {"ngrams": [1, 3]},
                {"split": "character"}, {"split": None}, {"split": None, "output_mode": "count"}, {"output_mode": "multi_hot"}, {"output_mode": "count"},
                {"output_mode": "tf_idf"}, {"output_mode": "count", "ngrams": 2, "max_tokens": 7},
                {"output_mode": "count", "pad_to_max_tokens": True, "max_tokens": 30}]:
    add("TextVectorization", options, texts, adapt=corpus)
add("TextVectorization", {"vocabulary": ["the", "foo"], "output_mode": "tf_idf", "idf_weights": [.5, .25]}, texts)
add("TextVectorization", {"vocabulary": ["the", "foo"], "output_sequence_length": 4}, texts)

for mode in ["multi_hot", "count"]:
    add("CategoryEncoding", {"num_tokens": 4, "output_mode": mode}, [[0, 1], [0, 0], [1, 2], [3, 1]])
    add("CategoryEncoding", {"num_tokens": 4, "output_mode": mode}, [3, 1, 3])
add("CategoryEncoding", {"num_tokens": 4, "output_mode": "one_hot"}, [3, 2, 0, 1])
add("CategoryEncoding", {"num_tokens": 4, "output_mode": "one_hot"}, [[3], [2]])
add("CategoryEncoding", {"num_tokens": 4, "output_mode": "count"}, [[0, 1], [0, 0], [1, 2], [3, 1]],
    count_weights=[[.1, .2], [.1, .1], [.2, .3], [.4, .2]])

points = [[-1.5, 1.0, 3.4, .5], [0.0, 3.0, 1.3, 0.0]]
for mode in ["int", "multi_hot", "count"]:
    add("Discretization", {"bin_boundaries": [0.0, 1.0, 2.0], "output_mode": mode}, points)
add("Discretization", {"bin_boundaries": [0.0, 1.0, 2.0], "output_mode": "one_hot"}, points[0])
spread = [[float((i * 37 + 11 * k) % 101) / 7 - 5 for k in range(4)] for i in range(60)]
for options in [{"num_bins": 4}, {"num_bins": 10, "epsilon": .05}, {"num_bins": 3, "epsilon": .2}, {"num_bins": 1}]:
    add("Discretization", options, points, adapt=spread)

rows = [[[1.0, 10.0], [2.0, 20.0], [3.0, 60.0]], [[4.0, -1.0], [0.0, 0.5], [2.0, 2.0]]]
for options in [{}, {"axis": None}, {"axis": [1]}, {"axis": [1, 2]}, {"axis": -1, "invert": True}, {"axis": 1}]:
    add("Normalization", options, rows, adapt=rows)
add("Normalization", {"mean": [1.0, 2.0], "variance": [4.0, 0.0]}, rows)
add("Normalization", {"axis": -1, "mean": [3.0, 1.0], "variance": [2.0, 0.5], "invert": True}, rows)

with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "keras_text.json"), "w") as file:
    file.write('{"keras": "%s", "tensorflow": "%s", "cases": [\n' % (keras.__version__, tf.__version__))
    file.write(",\n".join(json.dumps(case, ensure_ascii=False) for case in cases))
    file.write("\n]}\n")
