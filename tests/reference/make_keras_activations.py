#!/usr/bin/env python3
"""Writes keras_activations.json: Keras's activations, and its layers made of them, with two derivatives, on JAX in
float64. Keras's sparsemax is left to NumPy: its threshold sums running sums, so that its rows do not add up to 1."""
from keras_cases import case, jnp, keras, np, write

A = keras.activations
L = keras.layers
x = np.array([-3.5, -2.25, -1.1, -0.7, -0.3, -1e-3, 1e-3, 0.3, 0.45, 0.8, 1.7, 2.5, 3.5, 7.5])
rows = np.array([[0.3, -1.2, 2.5, 0.31], [1.0, 0.5, 0.2, -0.3], [-4.0, 0.1, 0.6, 0.9]])


def sparsemax(x, axis=-1):
    """Martins and Astudillo 2016, algorithm 1."""
    z = jnp.flip(jnp.sort(x, axis=axis), axis=axis)
    shape = [1] * x.ndim
    shape[axis] = -1
    k = jnp.arange(1, x.shape[axis] + 1).reshape(shape)
    inside = 1 + k * z > jnp.cumsum(z, axis=axis)
    count = jnp.sum(inside, axis=axis, keepdims=True)
    tau = (jnp.sum(jnp.where(inside, z, 0), axis=axis, keepdims=True) - 1) / count
    return jnp.maximum(x - tau, 0)


named = """celu elu exponential gelu hard_shrink hard_sigmoid hard_silu hard_swish hard_tanh leaky_relu linear
log_sigmoid mish relu relu6 selu sigmoid silu soft_shrink softplus softsign sparse_plus sparse_sigmoid squareplus swish
tanh tanh_shrink""".split()
cases = [case(name, getattr(A, name), x, grads=[0]) for name in named]
cases += [case(name, getattr(A, name), rows, grads=[0]) for name in ["softmax", "log_softmax", "glu"]]
cases += [
    case("sparsemax", sparsemax, rows, grads=[0]),
    case("sparsemax axis 0", lambda x: sparsemax(x, 0), rows, grads=[0]),
    case("softmax axis 0", lambda x: A.softmax(x, axis=0), rows, grads=[0]),
    case("log_softmax axis 0", lambda x: A.log_softmax(x, axis=0), rows, grads=[0]),
    case("glu axis 0", lambda x: A.glu(x, axis=0), rows[:2], grads=[0]),
    case("elu 0.7", lambda x: A.elu(x, alpha=0.7), x, grads=[0]),
    case("celu 0.7", lambda x: A.celu(x, alpha=0.7), x, grads=[0]),
    case("gelu tanh", lambda x: A.gelu(x, approximate=True), x, grads=[0]),
    case("leaky_relu 0.1", lambda x: A.leaky_relu(x, negative_slope=0.1), x, grads=[0]),
    case("hard_shrink 1", lambda x: A.hard_shrink(x, threshold=1.0), x, grads=[0]),
    case("soft_shrink 1", lambda x: A.soft_shrink(x, threshold=1.0), x, grads=[0]),
    case("squareplus 2", lambda x: A.squareplus(x, b=2.0), x, grads=[0]),
    case("threshold", lambda x: A.threshold(x, 0.4, -20.0), x, grads=[0]),
]
for slope in [0.0, 0.25]:
    for top in [None, 2.0]:
        for least in [0.0, 0.5]:
            name = f"relu {slope:g} {'none' if top is None else f'{top:g}'} {least:g}"
            f = lambda x, s=slope, m=top, t=least: A.relu(x, negative_slope=s, max_value=m, threshold=t)
            cases.append(case(name, f, x, grads=[0]))
layers = [
    ("ReLU", L.ReLU(max_value=2.0, negative_slope=0.25, threshold=0.5)),
    ("LeakyReLU", L.LeakyReLU()),
    ("ELU", L.ELU(alpha=0.7)),
    ("Softmax", L.Softmax(axis=0)),
]
cases += [case("layer " + name, layer, rows, grads=[0]) for name, layer in layers]


def prelu(shared):
    def f(x, alpha):
        layer = L.PReLU(shared_axes=shared)
        layer.build(x.shape)
        return layer.stateless_call([alpha], [], x)[0]

    return f


pictures = np.linspace(-1, 1, 24).reshape(2, 3, 4) + 0.013
alphas = np.linspace(0.1, 0.9, 12).reshape(3, 4)
cases.append(case("layer PReLU", prelu(None), pictures, alphas, grads=[0, 1]))
cases.append(case("layer PReLU shared", prelu([1]), pictures, alphas[:1], grads=[0, 1]))


def masked_softmax(x, mask):
    return L.Softmax()(x, mask=mask)


keep = np.array([[True, True, False, True], [True, False, True, True], [True, True, True, True]])
cases.append(case("layer Softmax masked", masked_softmax, rows, keep, grads=[0]))
write("keras_activations.json", cases)
