"""Writes keras_layers.json: outputs of Keras's layers, gradients, weights after training calls. Needs keras and jax.

A case: "layer" (class name and Keras's arguments under the names of our configs), "in" (inputs), "weights" (set in the
order of ours, if any), "training", "out", "grad" (of sum(out * seed) by the first input), "after" (the states that
follow a training call). All in float64.
"""
import json
import os
import pathlib

os.environ["KERAS_BACKEND"] = "jax"
import jax

jax.config.update("jax_enable_x64", True)
import keras
import numpy as np
from keras.src.backend.common import dtypes as keras_dtypes

# Keras takes float64 for float32 where dtypes meet: without this, products and moments are single precision.
plain = keras_dtypes.result_type


def double_stays(*given):
    names = [keras.backend.standardize_dtype(d) if d not in (int, float, None) else d for d in given]
    return "float64" if "float64" in names else plain(*given)


keras_dtypes.result_type = double_stays
keras.src.backend.result_type = double_stays

keras.config.set_floatx("float64")
L = keras.layers
rng = np.random.default_rng(7)
cases = []


def packed(x):
    x = np.asarray(x)
    kind = "bool" if x.dtype == bool else str(x.dtype)
    return {"shape": list(x.shape), "dtype": kind, "values": x.reshape(-1).tolist()}


def case(name, layer, config, *xs, weights=None, training=False, masks=None, grad=True):
    xs = [np.asarray(x) for x in xs]
    many = len(xs) > 1
    arg = [jax.numpy.asarray(x) for x in xs] if many else jax.numpy.asarray(xs[0])
    layer(arg) if many else layer(arg)
    if weights is not None:
        layer.set_weights(weights)
    before = layer.get_weights()

    def run(first):
        inputs = [first] + arg[1:] if many else first
        kwargs = {"training": training} if layer._call_has_training_arg else {}
        out, _ = layer.stateless_call(
            [v.value for v in layer.trainable_variables], [v.value for v in layer.non_trainable_variables],
            inputs, **kwargs)
        return out

    first = arg[0] if many else arg
    out = np.asarray(run(first))
    one = {"class_name": name, "config": config, "in": [packed(x) for x in xs], "training": training,
           "weights": [packed(w) for w in before], "out": packed(out)}
    if grad and np.issubdtype(xs[0].dtype, np.floating):
        seed = np.linspace(-1, 1, out.size).reshape(out.shape)
        g = jax.grad(lambda x: jax.numpy.sum(run(x) * seed))(first)
        one["seed"] = packed(seed)
        one["grad"] = packed(g)
    if training and layer.non_trainable_variables:
        layer(arg, training=True)
        one["after"] = [packed(v.value) for v in layer.non_trainable_variables
                        if "seed" not in v.path]
    cases.append(one)


def x(*shape):
    return rng.normal(size=shape)


def pos(*shape):
    return rng.uniform(.5, 2, size=shape)


case("Reshape", L.Reshape((3, -1)), {"target_shape": [3, -1]}, x(2, 6, 2))
case("Permute", L.Permute((2, 1, 3)), {"dims": [2, 1, 3]}, x(2, 3, 4, 2))
case("RepeatVector", L.RepeatVector(3), {"n": 3}, x(2, 4))
case("Flatten", L.Flatten(), {}, x(2, 3, 2))
case("Cropping1D", L.Cropping1D((1, 2)), {"sides": [[1, 2]]}, x(2, 6, 3))
case("Cropping2D", L.Cropping2D(((1, 0), (2, 1))), {"sides": [[1, 0], [2, 1]]}, x(2, 4, 5, 2))
case("Cropping2D", L.Cropping2D(((1, 0), (2, 1)), data_format="channels_first"),
     {"sides": [[1, 0], [2, 1]], "data_format": "channels_first"}, x(2, 2, 4, 5))
case("Cropping3D", L.Cropping3D(1), {"sides": [[1, 1], [1, 1], [1, 1]]}, x(1, 3, 4, 5, 2))
case("ZeroPadding1D", L.ZeroPadding1D((1, 2)), {"sides": [[1, 2]]}, x(2, 3, 2))
case("ZeroPadding2D", L.ZeroPadding2D(((1, 0), (2, 1))), {"sides": [[1, 0], [2, 1]]}, x(2, 3, 2, 2))
case("ZeroPadding3D", L.ZeroPadding3D((1, 0, 2)), {"sides": [[1, 1], [0, 0], [2, 2]]}, x(1, 2, 2, 2, 1))
case("UpSampling1D", L.UpSampling1D(3), {"size": [3]}, x(2, 3, 2))
for how in ("nearest", "bilinear", "bicubic", "lanczos3", "lanczos5"):
    case("UpSampling2D", L.UpSampling2D((2, 3), interpolation=how), {"size": [2, 3], "interpolation": how},
         x(2, 4, 3, 2))
case("UpSampling3D", L.UpSampling3D((2, 1, 2)), {"size": [2, 1, 2]}, x(1, 2, 2, 2, 2))
for name in ("Add", "Subtract", "Multiply", "Average", "Maximum", "Minimum"):
    case(name, getattr(L, name)(), {}, x(2, 3, 4), x(2, 3, 4))
case("Add", L.Add(), {}, x(2, 3, 4), x(2, 1, 4), x(2, 4))
case("Concatenate", L.Concatenate(), {}, x(2, 3, 2), x(2, 3, 4))
case("Concatenate", L.Concatenate(axis=1), {"axis": 1}, x(2, 3, 2), x(2, 1, 2))
case("Dot", L.Dot(axes=1), {"axes": [1, 1]}, x(3, 4), x(3, 4))
case("Dot", L.Dot(axes=(2, 1)), {"axes": [2, 1]}, x(2, 3, 4), x(2, 4, 5))
case("Dot", L.Dot(axes=(1, 2), normalize=True), {"axes": [1, 2], "normalize": True}, x(2, 4, 3), x(2, 5, 4))
case("Identity", L.Identity(), {}, x(2, 3))
case("ActivityRegularization", L.ActivityRegularization(l1=.1, l2=.2), {"l1": .1, "l2": .2}, x(2, 3))
m = x(2, 3, 2)
m[0, 1] = 0
case("Masking", L.Masking(0.), {"mask_value": 0.0}, m, grad=False)
case("Embedding", L.Embedding(5, 3), {"input_dim": 5, "output_dim": 3, "dtype": "float64"},
     rng.integers(0, 5, (2, 4)).astype("int32"), weights=[x(5, 3)])
case("Dense", L.Dense(3, activation="tanh"), {"units": 3, "activation": "tanh"}, x(2, 2, 4), weights=[x(4, 3), x(3)])
case("EinsumDense", L.EinsumDense("abc,cd->abd", (None, 5), bias_axes="d", activation="tanh"),
     {"equation": "abc,cd->abd", "output_shape": [-1, 5], "bias_axes": "d", "activation": "tanh"}, x(2, 3, 4),
     weights=[x(4, 5), x(5)])
case("EinsumDense", L.EinsumDense("...x,xy->...y", 5, bias_axes="y"),
     {"equation": "...x,xy->...y", "output_shape": [5], "bias_axes": "y"}, x(2, 3, 4), weights=[x(4, 5), x(5)])
case("EinsumDense", L.EinsumDense("abc,cde->abde", (None, 2, 3), bias_axes="de"),
     {"equation": "abc,cde->abde", "output_shape": [-1, 2, 3], "bias_axes": "de"}, x(2, 3, 4),
     weights=[x(4, 2, 3), x(2, 3)])
case("EinsumDense", L.EinsumDense("abc,bd->adc", (5, None), bias_axes="d"),
     {"equation": "abc,bd->adc", "output_shape": [5, -1], "bias_axes": "d"}, x(2, 3, 4), weights=[x(3, 5), x(5, 1)])
for training in (False, True):
    case("BatchNormalization", L.BatchNormalization(), {}, x(4, 3), weights=[pos(3), x(3), x(3), pos(3)],
         training=training)
    case("BatchNormalization", L.BatchNormalization(axis=1, momentum=.5, epsilon=.01, scale=False),
         {"axis": 1, "momentum": .5, "epsilon": .01, "scale": False}, x(2, 3, 4, 2), weights=[x(3), x(3), pos(3)],
         training=training)
case("LayerNormalization", L.LayerNormalization(), {}, x(2, 3, 4), weights=[pos(4), x(4)])
case("LayerNormalization", L.LayerNormalization(axis=(1, 3), center=False), {"axis": [1, 3], "center": False},
     x(2, 3, 4, 2), weights=[pos(3, 2)])
case("RMSNormalization", L.RMSNormalization(), {}, x(2, 3, 4), weights=[pos(4)])
case("GroupNormalization", L.GroupNormalization(groups=2), {"groups": 2}, x(2, 3, 4), weights=[pos(4), x(4)])
case("GroupNormalization", L.GroupNormalization(groups=-1, axis=1), {"groups": -1, "axis": 1}, x(2, 3, 4, 2),
     weights=[pos(3), x(3)])
case("UnitNormalization", L.UnitNormalization(), {}, x(2, 3, 4))
case("UnitNormalization", L.UnitNormalization(axis=(1, 2)), {"axis": [1, 2]}, x(2, 3, 4))
case("Rescaling", L.Rescaling(.5, offset=-1), {"scale": .5, "offset": -1.0}, x(2, 3))
for name in ("Dropout", "SpatialDropout1D", "GaussianDropout", "AlphaDropout"):
    case(name, getattr(L, name)(.3), {"rate": .3}, x(2, 3, 4))
case("SpatialDropout2D", L.SpatialDropout2D(.3), {"rate": .3}, x(2, 3, 4, 2))
case("SpatialDropout3D", L.SpatialDropout3D(.3), {"rate": .3}, x(2, 2, 2, 2, 2))
case("GaussianNoise", L.GaussianNoise(.3), {"stddev": .3}, x(2, 3))
case("ReLU", L.ReLU(max_value=1, negative_slope=.1, threshold=.2),
     {"max_value": 1.0, "negative_slope": .1, "threshold": .2}, x(3, 4))
case("LeakyReLU", L.LeakyReLU(), {}, x(3, 4))
case("ELU", L.ELU(.5), {"alpha": .5}, x(3, 4))
case("Softmax", L.Softmax(axis=1), {"axis": [1]}, x(2, 3, 4))
case("PReLU", L.PReLU(shared_axes=[1]), {"shared_axes": [1]}, x(2, 3, 4), weights=[x(1, 4)])
case("Activation", L.Activation("gelu"), {"activation": "gelu"}, x(2, 3))

case("Normalization", L.Normalization(mean=[1., 2., 3.], variance=[.5, 1., 4.]),
     {"mean": [1.0, 2.0, 3.0], "variance": [.5, 1.0, 4.0]}, x(2, 4, 3))
case("Normalization", L.Normalization(axis=None, mean=2., variance=3., invert=True),
     {"axis": [], "mean": [2.0], "variance": [3.0], "invert": True}, x(2, 4))
case("Discretization", L.Discretization(bin_boundaries=[-1., 0., .5]), {"bin_boundaries": [-1.0, 0.0, .5]}, x(3, 4),
     grad=False)
tokens = rng.integers(0, 4, (3, 5))
for mode in ("multi_hot", "count"):
    case("CategoryEncoding", L.CategoryEncoding(4, output_mode=mode), {"num_tokens": 4, "output_mode": mode}, tokens)
case("CategoryEncoding", L.CategoryEncoding(4, output_mode="one_hot"), {"num_tokens": 4, "output_mode": "one_hot"},
     tokens[:, :1])

for n in (1, 2, 3):
    size = [5, 4, 3][:n]
    conv, transpose = getattr(L, f"Conv{n}D"), getattr(L, f"Conv{n}DTranspose")
    k = [3, 2, 2][:n]
    case(f"Conv{n}D", conv(3, k, activation="tanh"), {"filters": 3, "kernel_size": k, "activation": "tanh"},
         x(2, *size, 2), weights=[x(*k, 2, 3), x(3)])
    case(f"Conv{n}D", conv(4, 2, strides=2, padding="same", groups=2, use_bias=False),
         {"filters": 4, "kernel_size": [2] * n, "strides": [2] * n, "padding": "same", "groups": 2, "use_bias": False},
         x(2, *size, 2), weights=[x(*[2] * n, 1, 4)])
    case(f"Conv{n}D", conv(2, 2, padding="same", dilation_rate=2, data_format="channels_first"),
         {"filters": 2, "kernel_size": [2] * n, "padding": "same", "dilation_rate": [2] * n,
          "data_format": "channels_first"}, x(1, 3, *size), weights=[x(*[2] * n, 3, 2), x(2)])
    case(f"Conv{n}DTranspose", transpose(3, k, activation="tanh"),
         {"filters": 3, "kernel_size": k, "activation": "tanh"}, x(2, *size, 2), weights=[x(*k, 3, 2), x(3)])
    for padding in ("valid", "same"):
        case(f"Conv{n}DTranspose", transpose(2, 3, strides=2, padding=padding),
             {"filters": 2, "kernel_size": [3] * n, "strides": [2] * n, "padding": padding}, x(1, *size[:n], 2),
             weights=[x(*[3] * n, 2, 2), x(2)])
        case(f"Conv{n}DTranspose", transpose(1, 4, strides=3, padding=padding, output_padding=1, use_bias=False),
             {"filters": 1, "kernel_size": [4] * n, "strides": [3] * n, "padding": padding, "output_padding": [1] * n,
              "use_bias": False}, x(1, *[2] * n, 2), weights=[x(*[4] * n, 1, 2)])
    case(f"Conv{n}DTranspose", transpose(2, 2, dilation_rate=2, data_format="channels_first"),
         {"filters": 2, "kernel_size": [2] * n, "dilation_rate": [2] * n, "data_format": "channels_first"},
         x(1, 2, *size), weights=[x(*[2] * n, 2, 2), x(2)])
case("Conv1D", L.Conv1D(2, 3, padding="causal", dilation_rate=2),
     {"filters": 2, "kernel_size": [3], "padding": "causal", "dilation_rate": [2]}, x(2, 6, 2),
     weights=[x(3, 2, 2), x(2)])
for n in (1, 2):
    size = [5, 4][:n]
    depthwise, separable = getattr(L, f"DepthwiseConv{n}D"), getattr(L, f"SeparableConv{n}D")
    case(f"DepthwiseConv{n}D", depthwise(2, depth_multiplier=2, activation="tanh"),
         {"kernel_size": [2] * n, "depth_multiplier": 2, "activation": "tanh"}, x(2, *size, 3),
         weights=[x(*[2] * n, 3, 2), x(6)])
    case(f"DepthwiseConv{n}D", depthwise(3, strides=2, padding="same", use_bias=False),
         {"kernel_size": [3] * n, "strides": [2] * n, "padding": "same", "use_bias": False}, x(2, *size, 3),
         weights=[x(*[3] * n, 3, 1)])
    case(f"DepthwiseConv{n}D", depthwise(2, dilation_rate=2, data_format="channels_first"),
         {"kernel_size": [2] * n, "dilation_rate": [2] * n, "data_format": "channels_first"}, x(2, 3, *size),
         weights=[x(*[2] * n, 3, 1), x(3)])
    case(f"SeparableConv{n}D", separable(4, 2, depth_multiplier=2, activation="tanh"),
         {"filters": 4, "kernel_size": [2] * n, "depth_multiplier": 2, "activation": "tanh"}, x(2, *size, 3),
         weights=[x(*[2] * n, 3, 2), x(*[1] * n, 6, 4), x(4)])
    case(f"SeparableConv{n}D", separable(2, 3, strides=2, padding="same", data_format="channels_first"),
         {"filters": 2, "kernel_size": [3] * n, "strides": [2] * n, "padding": "same",
          "data_format": "channels_first"}, x(2, 3, *size), weights=[x(*[3] * n, 3, 1), x(*[1] * n, 3, 2), x(2)])
for n in (1, 2, 3):
    size = [5, 4, 4][:n]
    for kind in ("Max", "Average"):
        pool = getattr(L, f"{kind}Pooling{n}D")
        case(f"{kind}Pooling{n}D", pool(2), {"pool_size": [2] * n}, x(2, *size, 2))
        case(f"{kind}Pooling{n}D", pool(3, strides=2, padding="same"),
             {"pool_size": [3] * n, "strides": [2] * n, "padding": "same"}, x(2, *size, 2))
        case(f"{kind}Pooling{n}D", pool(2, strides=1, data_format="channels_first"),
             {"pool_size": [2] * n, "strides": [1] * n, "data_format": "channels_first"}, x(1, 2, *size))
        full = getattr(L, f"Global{kind}Pooling{n}D")
        case(f"Global{kind}Pooling{n}D", full(), {}, x(2, *size, 3))
        case(f"Global{kind}Pooling{n}D", full(keepdims=True, data_format="channels_first"),
             {"keepdims": True, "data_format": "channels_first"}, x(2, 3, *size))
        adaptive = getattr(L, f"Adaptive{kind}Pooling{n}D")
        case(f"Adaptive{kind}Pooling{n}D", adaptive(2), {"output_size": [2] * n}, x(2, *size, 2))
        case(f"Adaptive{kind}Pooling{n}D", adaptive(3, data_format="channels_first"),
             {"output_size": [3] * n, "data_format": "channels_first"}, x(1, 2, *size))

path = pathlib.Path(__file__).with_name("keras_layers.json")
text = json.dumps({"keras": keras.__version__, "cases": cases})
path.write_text(text.replace('{"class_name"', '\n{"class_name"') + "\n")
print(len(cases), len(text))
