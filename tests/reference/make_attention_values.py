"""Writes attention_values.json: PyTorch's scaled_dot_product_attention, whose heads stand before the positions, and
keras.layers.Softmax with a mask on JAX; in float64, with first and second derivatives. Needs torch, keras and jax."""
import keras_cases
import torch
from keras_cases import keras, rng
from make_product_values import case, write
from torch.nn.attention import SDPBackend, sdpa_kernel

x = lambda *shape: rng.normal(size=shape).round(6)
cases = []


def attend(call, *ins, **options):
    """Attention of ins[0:3]; ins[3] is a bias or a mask."""
    def f(q, k, v, mask=None):
        return torch.nn.functional.scaled_dot_product_attention(
            *(t.transpose(1, 2) for t in (q, k, v)), attn_mask=mask, enable_gqa=True, **options).transpose(1, 2)

    with sdpa_kernel(SDPBackend.MATH):
        cases.append(case(call, f, *ins))


def qkv(b, t, s, n, k, h, v=None):
    return x(b, t, n, h), x(b, s, k, h), x(b, s, k, v or h)


for sizes in ((2, 3, 4, 2, 2, 3), (1, 1, 3, 1, 1, 2), (2, 4, 4, 3, 3, 2, 5), (1, 5, 2, 4, 4, 4), (3, 2, 6, 1, 1, 7),
              (1, 9, 11, 2, 2, 9)):
    attend("dot_product_attention", *qkv(*sizes))
for sizes in ((2, 3, 4, 4, 2, 3), (1, 3, 3, 6, 1, 2), (1, 2, 5, 6, 3, 4)):
    attend("dot_product_attention shared", *qkv(*sizes))
for sizes in ((2, 4, 4, 2, 2, 3), (1, 3, 5, 2, 1, 2)):
    attend("dot_product_attention causal", *qkv(*sizes), is_causal=True)
attend("dot_product_attention scale", *qkv(2, 3, 4, 2, 2, 3), scale=.3)
for shape in ((2, 2, 3, 4), (2, 3, 4), (1, 1, 1, 4)):
    attend("dot_product_attention bias", *qkv(2, 3, 4, 2, 2, 3), x(*shape))
for shape in ((2, 1, 1, 4), (2, 2, 3, 4), (3, 4)):
    mask = rng.uniform(size=shape) < .6
    mask[..., 0] = True  # somebody to attend to
    attend("dot_product_attention mask", *qkv(2, 3, 4, 2, 2, 3), mask)

for axis, name in ((-1, "masked_softmax"), (0, "masked_softmax 0"), ((-2, -1), "masked_softmax two axes")):
    layer = keras.layers.Softmax(axis=axis)
    for shape in ((2, 5), (3, 2, 4), (4, 3)):
        mask = rng.uniform(size=shape) < .6
        if shape[0] == 3:
            mask[1] = False  # nothing at all
        cases.append(keras_cases.case(name, lambda a, m: layer(a, mask=m), 3 * x(*shape), mask, grads=(0,)))
write("attention_values.json", cases)
