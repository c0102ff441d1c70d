"""Writes transformer.json: PyTorch's TransformerEncoderLayer and TransformerDecoderLayer with the weights in our order
(float64, gradients of inputs and weights), KerasHub's encodings of positions, and rotations by complex numbers in NumPy.
Needs torch, keras, jax and keras-hub (its position layers alone)."""
import importlib.util
import json
import pathlib
import sys
import types

import numpy as np
import torch
from keras_cases import jnp, keras, plain, rng, tensor

# The layers without the rest of the package and what that needs.
for name in ("keras_hub", "keras_hub.src", "keras_hub.src.layers", "keras_hub.src.layers.modeling"):
    module = types.ModuleType(name)
    module.__path__ = [str(pathlib.Path(importlib.util.find_spec("keras").origin).parent.parent / name.replace(".", "/"))]
    sys.modules[name] = module
from keras_hub.src.layers.modeling.rotary_embedding import RotaryEmbedding
from keras_hub.src.layers.modeling.sine_position_encoding import SinePositionEncoding

x = lambda *shape: rng.normal(size=shape).round(6)
E, N, F = 8, 2, 12


def heads_of(attention):
    """Kernels and biases as Keras has them, from tensors so that gradients flow."""
    out = []
    for k in range(3):
        w = attention.in_proj_weight[k * E:(k + 1) * E]
        out += [w.T.reshape(E, N, E // N), attention.in_proj_bias[k * E:(k + 1) * E].reshape(N, E // N)]
    return out + [attention.out_proj.weight.T.reshape(N, E // N, E), attention.out_proj.bias]


def gradient_of(attention):
    class Slopes:
        in_proj_weight, in_proj_bias = attention.in_proj_weight.grad, attention.in_proj_bias.grad

        class out_proj:
            weight, bias = attention.out_proj.weight.grad, attention.out_proj.bias.grad
    return heads_of(Slopes)


def norm(layer, grad):
    return [layer.weight.grad, layer.bias.grad] if grad else [layer.weight, layer.bias]


def dense(layer, grad):
    return [(layer.weight.grad if grad else layer.weight).T, layer.bias.grad if grad else layer.bias]


def weights_of(layer, decoder, cross, grad=False):
    mha = gradient_of if grad else heads_of
    out = mha(layer.self_attn) + norm(layer.norm1, grad)
    if cross:
        out += mha(layer.multihead_attn) + norm(layer.norm2, grad)
    last = layer.norm3 if cross else layer.norm2
    feed = dense(layer.linear1, grad) + dense(layer.linear2, grad)
    return out + feed + norm(last, grad) if decoder else out + norm(last, grad) + feed


def case(decoder, cross, activation, first, padded, causal, length=5, other=4):
    torch.manual_seed(len(cases))
    kind = torch.nn.TransformerDecoderLayer if cross else torch.nn.TransformerEncoderLayer
    layer = kind(E, N, F, dropout=0.0, activation=activation, batch_first=True, norm_first=first, dtype=torch.float64)
    with torch.no_grad():
        for p in layer.parameters():
            p.copy_(torch.tensor(x(*p.shape)))
    inputs = {"x": x(2, length, E)} | ({"encoded": x(2, other, E)} if cross else {})
    given = {k: torch.tensor(v, requires_grad=True) for k, v in inputs.items()}
    masks = {}
    keep = lambda n: np.arange(n)[None] < np.array([[n], [n - 2]])
    if padded:
        masks["padding_mask"] = keep(length)
        if cross:
            masks["encoded_mask"] = keep(other)
    off = lambda m: ~torch.tensor(masks[m]) if m in masks else None
    future = torch.triu(torch.ones(length, length, dtype=torch.bool), 1) if causal else None
    if cross:
        out = layer(given["x"], given["encoded"], tgt_mask=future, tgt_key_padding_mask=off("padding_mask"),
                    memory_key_padding_mask=off("encoded_mask"))
    else:
        out = layer(given["x"], src_mask=future, src_key_padding_mask=off("padding_mask"))
    seed = rng.uniform(-1, 1, tuple(out.shape)).round(3)
    (out * torch.tensor(seed)).sum().backward()
    number = lambda t: t.detach().numpy()
    cases.append({"class_name": "TransformerDecoder" if decoder else "TransformerEncoder",
                  "config": {"intermediate_dim": F, "num_heads": N, "activation": activation, "normalize_first": first},
                  "causal": causal, "in": {k: tensor(v) for k, v in (inputs | masks).items()},
                  "weights": [tensor(number(w)) for w in weights_of(layer, decoder, cross)], "out": tensor(number(out)),
                  "seed": plain(seed), "grads": {k: plain(number(v.grad)) for k, v in given.items()},
                  "weight_grads": [plain(number(g)) for g in weights_of(layer, decoder, cross, True)]})


cases = []
for first in (False, True):
    case(False, False, "relu", first, False, False)
    case(False, False, "gelu", first, True, False)
    case(True, False, "gelu", first, False, True)
    case(True, True, "relu", first, False, True)
    case(True, True, "gelu", first, True, True)
    case(True, True, "gelu", first, False, False)

positions = []


def position(name, config, given, out, tolerance, **arguments):
    positions.append({"class_name": name, "config": config, "in": tensor(given), "out": tensor(out),
                      "tolerance": tolerance, "arguments": {k: plain(v) if isinstance(v, np.ndarray) else v
                                                            for k, v in arguments.items()}})


for config, shape, more in (({}, (2, 5, 6), {}), ({"max_wavelength": 50.0}, (3, 4, 7), {"start_index": 3}),
                            ({}, (2, 4, 6), {"positions": np.array([[0, 2, 5, 9], [7, 1, 1, 0]])})):
    given = x(*shape)
    out = SinePositionEncoding(**config)(given, **more)
    position("SinePositionEncoding", config, given, out, 1e-12, **more)

for config, shape, more in (({}, (2, 5, 6), {}), ({"max_wavelength": 100.0}, (2, 4, 3, 8), {"start_index": 2}),
                            ({"scaling_factor": 4.0, "rope_type": "dynamic"}, (2, 5, 8), {}),
                            ({"scaling_factor": 2.0}, (1, 6, 4), {"positions": np.array([3, 1, 4, 1, 5, 9])}),
                            ({"sequence_axis": 2, "feature_axis": 1}, (2, 6, 5), {}),
                            ({"sequence_axis": 2}, (2, 3, 5, 4), {}), ({"denominator_dim": 16}, (1, 5, 4), {}),
                            ({"scaling_factor": 8.0, "rope_type": "yarn", "original_max_position_embeddings": 64},
                             (2, 9, 16), {}),
                            ({"scaling_factor": 8.0, "rope_type": "yarn", "truncate": False, "beta_fast": 8.0,
                              "original_max_position_embeddings": 32}, (2, 9, 16), {})):
    given = x(*shape)
    # KerasHub has its angles in single precision.
    position("RotaryEmbedding", config, given, RotaryEmbedding(**config)(jnp.asarray(given), **more), 1e-5, **more)
for n, length in ((6, 40), (16, 9)):
    given = x(2, length, n)
    angle = np.arange(length)[:, None] * 10000.0 ** (-2 * np.arange(n // 2) / n)
    turned = (given[..., :n // 2] + 1j * given[..., n // 2:]) * np.exp(1j * angle)
    position("RotaryEmbedding", {}, given, np.concatenate([turned.real, turned.imag], -1), 1e-13)

path = pathlib.Path(__file__).with_name("transformer.json")
lines = lambda rows: ",\n".join(json.dumps(c) for c in rows)
path.write_text('{"cases": [\n' + lines(cases) + '\n], "positions": [\n' + lines(positions) + "\n]}\n")
print(len(cases), len(positions), path.stat().st_size)
