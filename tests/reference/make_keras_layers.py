"""Writes keras_layers.json: outputs of Keras's layers, gradients, weights after training calls. Needs keras and jax.

A case: "layer" (class name and Keras's arguments under the names of our configs), "in" (inputs), "weights" (set in the
order of ours, if any), "training", "out", "other" (the result for the other side, where one is drawn), "grad" (of
sum(out * seed) by the first input), "weight_grads" (by each trainable weight), "after" (the states that follow a
training call). All in float64. Random layers have factors that leave nothing to chance.
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


def case(name, layer, config, *xs, weights=None, training=False, masks=None, grad=True, sides=None):
    xs = [np.asarray(x) for x in xs]
    many = len(xs) > 1
    arg = [jax.numpy.asarray(x) for x in xs] if many else jax.numpy.asarray(xs[0])
    layer(arg) if many else layer(arg)
    if weights is not None:
        layer.set_weights(weights)
    before = layer.get_weights()

    def run(first, trained=None):
        inputs = [first] + arg[1:] if many else first
        kwargs = {"training": training} if layer._call_has_training_arg else {}
        trained = [v.value for v in layer.trainable_variables] if trained is None else trained
        out, _ = layer.stateless_call(trained, [v.value for v in layer.non_trainable_variables], inputs, **kwargs)
        return out

    first = arg[0] if many else arg
    if sides:
        layer.get_random_transformation = lambda *a, **k: sides[1]
        other = np.asarray(run(first))
        layer.get_random_transformation = lambda *a, **k: sides[0]
    out = np.asarray(run(first))
    one = {"class_name": name, "config": config, "in": [packed(x) for x in xs], "training": training,
           "weights": [packed(w) for w in before], "out": packed(out)}
    if sides:
        one["other"] = packed(other)
    seed = np.linspace(-1, 1, out.size).reshape(out.shape)
    if layer.trainable_variables:
        one["seed"] = packed(seed)
        slopes = jax.grad(lambda w: jax.numpy.sum(run(first, w) * seed))([v.value for v in layer.trainable_variables])
        one["weight_grads"] = [packed(g) for g in slopes]
    if grad and np.issubdtype(xs[0].dtype, np.floating):
        g = jax.grad(lambda x: jax.numpy.sum(run(x) * seed))(first)
        one["seed"] = packed(seed)
        one["grad"] = packed(g)
    if training and layer.non_trainable_variables:
        layer(arg, training=True)
        one["after"] = [packed(v.value) for v in layer.non_trainable_variables
                        if "seed" not in v.path]
    # Ours names the vector after the layer's weights.
    if name == "SpectralNormalization":
        one["weights"].append(one["weights"].pop(1))
    # Some image layers of Keras go through single precision, whatever they are given; so do matrices that move images.
    one["single"] = bool(out.dtype == np.float64 and (out == out.astype("float32")).all()) or name in (
        "RandomTranslation", "RandomZoom", "RandomShear")
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
dense = L.Dense(3)
case("SpectralNormalization", L.SpectralNormalization(dense, power_iterations=3),
     {"layer": {"class_name": "Dense", "config": {"units": 3}}, "power_iterations": 3}, x(2, 4), training=True)

images = rng.uniform(0, 255, (1, 4, 5, 3)).round(1)
two = rng.uniform(0, 255, (2, 3, 4, 3)).round(1)
for how in ("nearest", "bilinear", "bicubic", "lanczos3", "lanczos5"):
    for height, width in ((3, 4), (8, 9)):
        case("Resizing", L.Resizing(height, width, interpolation=how),
             {"height": height, "width": width, "interpolation": how}, images, grad=how != "nearest")
for size in ((2, 6), (10, 4)):
    case("Resizing", L.Resizing(*size, crop_to_aspect_ratio=True),
         {"height": size[0], "width": size[1], "crop_to_aspect_ratio": True}, images)
case("Resizing", L.Resizing(8, 3, pad_to_aspect_ratio=True, fill_value=7.0),
     {"height": 8, "width": 3, "pad_to_aspect_ratio": True, "fill_value": 7.0}, images)
case("Resizing", L.Resizing(2, 2, antialias=True), {"height": 2, "width": 2, "antialias": True}, images)
for size in ((3, 4), (5, 3), (9, 9)):
    case("CenterCrop", L.CenterCrop(*size), {"height": size[0], "width": size[1]}, images)
both = lambda f: [f, f]
for mode in ("reflect", "wrap", "nearest", "constant"):
    for how in ("bilinear", "nearest"):
        shared = {"fill_mode": mode, "interpolation": how, "fill_value": 9.0}
        smooth = how == "bilinear"
        case("RandomTranslation", L.RandomTranslation((.3, .3), (-.2, -.2), **shared),
             {"height_factor": both(.3), "width_factor": both(-.2), **shared}, images, training=True, grad=smooth)
        case("RandomRotation", L.RandomRotation((.13, .13), **shared), {"factor": both(.13), **shared}, images,
             training=True, grad=smooth)
        case("RandomZoom", L.RandomZoom((.3, .3), (-.2, -.2), **shared),
             {"height_factor": both(.3), "width_factor": both(-.2), **shared}, images, training=True, grad=smooth)
case("RandomZoom", L.RandomZoom((-.3, -.3)), {"height_factor": both(-.3)}, images, training=True)
sheared = [{"shear_factor": side * np.array([[.3, .1]]), "input_shape": images.shape} for side in (1, -1)]
case("RandomShear", L.RandomShear((.3, .3), (.1, .1)), {"x_factor": both(.3), "y_factor": both(.1)}, images,
     training=True, sides=sheared, grad=False)
small = images / 255
case("RandomBrightness", L.RandomBrightness((.21, .21)), {"factor": both(.21)}, images, training=True)
case("RandomBrightness", L.RandomBrightness((-.4, -.4), value_range=(0, 1)),
     {"factor": both(-.4), "value_range": [0.0, 1.0]}, small, training=True)
case("AutoContrast", L.AutoContrast(), {}, images, grad=False)
case("AutoContrast", L.AutoContrast(value_range=(0, 1)), {"value_range": [0.0, 1.0]}, small * .5 + .2, grad=False)
case("Equalization", L.Equalization(), {}, two, training=True, grad=False)
case("Equalization", L.Equalization(bins=16), {"bins": 16}, two, training=True, grad=False)
case("Solarization", L.Solarization(), {}, images, training=True)
case("Solarization", L.Solarization(value_range=(0, 1)), {"value_range": [0.0, 1.0]}, small, training=True)
for bits in (1, 3, 8):
    case("RandomPosterization", L.RandomPosterization((bits, bits)), {"factor": both(float(bits))}, images,
         training=True, grad=False)
case("RandomGrayscale", L.RandomGrayscale(1.0), {"factor": 1.0}, images, training=True)
case("RandomInvert", L.RandomInvert((1.0, 1.0)), {"factor": both(1.0)}, images, training=True)
case("RandomColorDegeneration", L.RandomColorDegeneration((.3, .3)), {"factor": both(.3)}, images, training=True)
case("RandomHue", L.RandomHue((1.0, 1.0)), {"factor": both(1.0)}, images, training=True)
case("RandomHue", L.RandomHue((.4, .4)), {"factor": both(.4)}, images, training=True, grad=False,
     sides=[{"factor": np.full(1, side * .2)} for side in (1, -1)])
for f in (.2, .5, .8):
    case("RandomSaturation", L.RandomSaturation((f, f)), {"factor": both(f)}, images, training=True)
case("RandomSharpness", L.RandomSharpness((.1, .1)), {"factor": both(.1)}, images, training=True)
case("RandomSharpness", L.RandomSharpness((.9, .9)), {"factor": both(.9)}, images, training=True)
case("RandomGaussianBlur", L.RandomGaussianBlur((1.0, 1.0), kernel_size=(5, 3), sigma=(.7, .7)),
     {"factor": both(1.0), "kernel_size": [5, 3], "sigma": both(.7)}, images, training=True)
jitter = L.RandomColorJitter(brightness_factor=(.1, .1), saturation_factor=(.4, .4), hue_factor=(1.0, 1.0))
case("RandomColorJitter", jitter,
     {"brightness_factor": both(.1), "saturation_factor": both(.4), "hue_factor": both(1.0)}, images, training=True,
     grad=False)

path = pathlib.Path(__file__).with_name("keras_layers.json")
text = json.dumps({"keras": keras.__version__, "cases": cases})
path.write_text(text.replace('{"class_name"', '\n{"class_name"') + "\n")
print(len(cases), len(text))
