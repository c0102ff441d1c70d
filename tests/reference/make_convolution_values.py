"""Writes convolution_values.json: convolutions and pools of PyTorch with their gradients, over a grid of settings.

A case: "call", "shapes" of the inputs (with channels where the call has them), "options", "out" and "grads". Input k
holds ((37 i + 11 k + i // 7) % 101 - 50) / 32 at its i-th place, and the gradients are those of sum(out * seed), where
the seed is made the same way with k = 5. All in float64.
"""
import itertools
import json
import pathlib

import numpy as np
import torch
import torch.nn.functional as F

torch.set_default_dtype(torch.float64)
cases = []


def filled(shape, k):
    i = np.arange(int(np.prod(shape)))
    return torch.tensor(((37 * i + 11 * k + i // 7) % 101 - 50) / 32).reshape(list(shape))


def to_first(x):
    return x.movedim(-1, 1)


def to_last(x):
    return x.movedim(1, -1)


def kernel_to_torch(w):
    """(...taps, in, out) to (out, in, ...taps)."""
    n = w.dim() - 2
    return w.permute(n + 1, n, *range(n))


def both(pads):
    """F.pad wants the last axis first."""
    return [number for pad in reversed(pads) for number in pad]


def pads_of(padding, lengths, taps, strides, dilation):
    n = len(taps)
    if padding == "valid":
        return [(0, 0)] * n
    if padding == "causal":
        return [((taps[0] - 1) * dilation[0], 0)]
    if padding == "same":
        pads = []
        for length, k, s, d in zip(lengths, taps, strides, dilation):
            whole = max(0, (-(-length // s) - 1) * s + (k - 1) * d + 1 - length)
            pads.append((whole // 2, whole - whole // 2))
        return pads
    return padding


CONV = {1: F.conv1d, 2: F.conv2d, 3: F.conv3d}
TRANSPOSE = {1: F.conv_transpose1d, 2: F.conv_transpose2d, 3: F.conv_transpose3d}
MAX = {1: F.max_pool1d, 2: F.max_pool2d, 3: F.max_pool3d}
ADAPTIVE = {"max": {1: F.adaptive_max_pool1d, 2: F.adaptive_max_pool2d, 3: F.adaptive_max_pool3d},
            "average": {1: F.adaptive_avg_pool1d, 2: F.adaptive_avg_pool2d, 3: F.adaptive_avg_pool3d}}


def case(call, shapes, options, f):
    xs = [filled(shape, k).requires_grad_() for k, shape in enumerate(shapes)]
    out = f(*xs)
    seed = filled(out.shape, 5)
    grads = torch.autograd.grad((out * seed).sum(), xs)
    cases.append({"call": call, "shapes": shapes, "options": options, "out_shape": list(out.shape),
                  "out": out.reshape(-1).tolist(), "grads": [g.reshape(-1).tolist() for g in grads]})


def conv(x_shape, taps, filters, strides, padding, dilation, groups=1, data_format="channels_last"):
    n = len(taps)
    first = data_format == "channels_first"
    channels = x_shape[1 if first else -1]
    lengths = x_shape[2:] if first else x_shape[1:-1]
    pads = pads_of(padding, lengths, taps, strides, dilation)
    if any(a + p[0] + p[1] < (k - 1) * d + 1 for a, p, k, d in zip(lengths, pads, taps, dilation)):
        return

    def run(x, w):
        y = CONV[n](F.pad(x if first else to_first(x), both(pads)), kernel_to_torch(w), None, strides, 0, dilation,
                    groups)
        return y if first else to_last(y)

    case("conv", [x_shape, [*taps, channels // groups, filters]],
         {"strides": strides, "padding": padding, "dilation_rate": dilation, "data_format": data_format}, run)


def transposed(x_shape, taps, filters, strides, cut, more, dilation, groups=1):
    n = len(taps)

    def run(x, w):
        y = TRANSPOSE[n](to_first(x), kernel_to_torch(w), None, strides, cut, more, groups, dilation)
        return to_last(y)

    case("conv_transpose", [x_shape, [*taps, filters // groups, x_shape[-1]]],
         {"strides": strides, "padding": [[c, c] for c in cut], "output_padding": more, "dilation_rate": dilation,
          "groups": groups}, run)


def depthwise(x_shape, taps, times, strides, padding, dilation, pointwise=None):
    n, channels = len(taps), x_shape[-1]
    pads = pads_of(padding, x_shape[1:-1], taps, strides, dilation)

    def run(x, w, p=None):
        w = w.reshape(*taps, 1, channels * times)
        y = CONV[n](F.pad(to_first(x), both(pads)), kernel_to_torch(w), None, strides, 0, dilation, channels)
        return to_last(y if p is None else CONV[n](y, kernel_to_torch(p)))

    shapes = [x_shape, [*taps, channels, times]]
    if pointwise:
        shapes.append([1] * n + [channels * times, pointwise])
    case("separable_conv" if pointwise else "depthwise_conv", shapes,
         {"strides": strides, "padding": padding, "dilation_rate": dilation}, run)


def pooled(kind, x_shape, size, strides, padding):
    n = len(size)
    pads = pads_of(padding, x_shape[1:-1], size, strides, [1] * n)
    if any(a + p[0] + p[1] < k for a, p, k in zip(x_shape[1:-1], pads, size)):
        return

    def run(x):
        x = to_first(x)
        if kind == "max":
            return to_last(MAX[n](F.pad(x, both(pads), value=-torch.inf), size, strides))
        ones = torch.ones(x.shape[1], 1, *size)
        sums = CONV[n](F.pad(x, both(pads)), ones, None, strides, groups=x.shape[1])
        counts = CONV[n](F.pad(torch.ones_like(x), both(pads)), ones, None, strides, groups=x.shape[1])
        return to_last(sums / counts)

    case(f"{kind}_pool", [x_shape], {"size": size, "strides": strides, "padding": padding}, run)


LENGTHS = {1: [7], 2: [5, 4], 3: [3, 4, 3]}
for n in (1, 2, 3):
    shape = lambda channels, batch=2: [batch, *LENGTHS[n], channels]
    fill = lambda number: [number] * n
    small = 2 if n < 3 else 1
    for taps, strides, padding, dilation in itertools.product((1, 2, 3), (1, 2, 3), ("valid", "same"), (1, 2)):
        if n == 3 and (strides == 3 or taps == 3) and (padding == "valid" or dilation == 2):
            continue
        conv(shape(2, small), fill(taps), 2 if n == 3 else 3, fill(strides), padding, fill(dilation))
    for groups, padding in itertools.product((2, 4), ("valid", "same")):
        conv(shape(4, 1), fill(2), 4, fill(1), padding, fill(1), groups)
        conv(shape(4, 1), fill(2), 8 if n < 3 else 4, fill(2), padding, fill(1), groups)
    conv([2, 3, *LENGTHS[n]], fill(2), 2, fill(1), "same", fill(1), data_format="channels_first")
    conv(shape(1), [3, 2, 2][:n], 2, [1, 2, 1][:n], [[2, 1], [0, 2], [1, 0]][:n], [1, 1, 1][:n])
    conv(shape(3, 1), [2, 3, 1][:n], 2, [2, 1, 1][:n], [[0, 1], [3, 1], [0, 0]][:n], [2, 1, 1][:n])
    conv([*shape(1, 3)], fill(3), 1, fill(1), [[1, 1]] * n, fill(1))
    for taps, strides, cut, dilation in itertools.product((1, 2, 3), (1, 2, 3), (0, 1), (1, 2)):
        if n == 3 and (taps == 3 or strides == 3 or dilation == 2 and cut):
            continue
        lengths = [3, 2, 2][:n]
        if (min(lengths) - 1) * strides + (taps - 1) * dilation + 1 - 2 * cut <= 0:
            continue
        transposed([1, *lengths, 2], fill(taps), 3 if n < 3 else 1, fill(strides), fill(cut), fill(strides // 2),
                   fill(dilation))
    transposed([1, *LENGTHS[n], 4], fill(2), 2, fill(2), fill(0), fill(0), fill(1), groups=2)
    transposed([2, *[2] * n, 2], fill(3), 2, fill(2), fill(1), fill(1), fill(1), groups=2)
    for taps, strides, padding, dilation in itertools.product((2, 3), (1, 2), ("valid", "same"), (1, 2)):
        if n == 3 and taps == 3 and dilation == 2:
            continue
        if (taps - 1) * dilation + 1 > min(LENGTHS[n]) and padding == "valid":
            continue
        depthwise(shape(3, 1), fill(taps), 1 + taps % 2, fill(strides), padding, fill(dilation))
    for padding in ("valid", "same"):
        depthwise(shape(2), fill(2), 2, fill(1), padding, fill(1), pointwise=3)
        depthwise(shape(3, 1), fill(2), 1, fill(2), padding, fill(1), pointwise=2)
    for kind, size, strides, padding in itertools.product(("max", "average"), (2, 3), (1, 2), ("valid", "same")):
        pooled(kind, shape(2), fill(size), fill(strides), padding)
    for kind, size in itertools.product(("max", "average"), (1, 2, 3)):
        case(f"adaptive_{kind}_pool", [shape(2)], {"size": fill(size)},
             lambda x: to_last(ADAPTIVE[kind][n](to_first(x), size)))
for size, dilation, padding, stride in (([2, 2], 1, 0, 1), ([2, 3], 1, 1, 2), ([3, 1], 2, 2, 1), ([1, 1], 1, 0, 2),
                                        ([2, 2], 2, 1, 1), ([3, 3], 1, 2, 3)):
    options = {"size": size, "dilation": [dilation] * 2, "padding": [padding] * 2, "stride": [stride] * 2}
    x = filled([2, 2, 5, 4], 0)
    columns = F.unfold(x, size, dilation, padding, stride).shape
    case("unfold", [[2, 2, 5, 4]], options, lambda x: F.unfold(x, size, dilation, padding, stride))
    case("fold", [list(columns)], options | {"output_size": [5, 4]},
         lambda x: F.fold(x, (5, 4), size, dilation, padding, stride))
for shape, block in (([1, 4, 6, 1], 2), ([2, 3, 3, 2], 3), ([2, 2, 4, 3], 1)):
    batch, rows, columns, channels = shape
    small = [batch, rows // block, columns // block, channels * block * block]

    def gathered(x):
        x = x.reshape(batch, rows // block, block, columns // block, block, channels)
        return x.permute(0, 1, 3, 2, 4, 5).reshape(small)

    def spread(x):
        x = x.reshape(batch, rows // block, columns // block, block, block, channels)
        return x.permute(0, 1, 3, 2, 4, 5).reshape(shape)

    # With channels last TensorFlow's order, with channels first PyTorch's.
    case("space_to_depth", [shape], {"block": block, "data_format": "channels_last"}, gathered)
    case("depth_to_space", [small], {"block": block, "data_format": "channels_last"}, spread)
    case("space_to_depth", [[batch, channels, rows, columns]], {"block": block, "data_format": "channels_first"},
         lambda x: F.pixel_unshuffle(x, block))
    case("depth_to_space", [[batch, channels * block * block, rows // block, columns // block]],
         {"block": block, "data_format": "channels_first"}, lambda x: F.pixel_shuffle(x, block))
for dilation in (1, 2, 3):
    conv([2, 8, 2], [3], 3, [1], "causal", [dilation])

path = pathlib.Path(__file__).with_name("convolution_values.json")
text = json.dumps({"torch": torch.__version__, "cases": cases}, separators=(",", ":"))
path.write_text(text.replace('{"call"', '\n{"call"') + "\n")
counts = {}
for one in cases:
    counts[one["call"]] = counts.get(one["call"], 0) + 1
print(counts, len(text))
