"""Writes keras_recurrent.json: recurrent layers of Keras and PyTorch in float64 with all gradients.

A case: "class_name" and "config" (as our layers read them), "in" (x, then states), "mask", "weights" (set in the order
of ours), "calls" (outputs of successive calls; more than one for stateful layers), and for the first call "seeds" (one
an output), "grads" (of sum(out * seed) by the inputs) and "weight_grads". Needs keras, jax and torch.
"""
import json
import pathlib

from keras_cases import jax, jnp, keras, np, tensor
import torch

L = keras.layers
rng = np.random.default_rng(5)
cases = []


def x(*shape):
    return rng.normal(size=shape)


def case(config, layer, *ins, mask=None, calls=1):
    name = type(layer).__name__
    ins = [np.asarray(a) for a in ins]
    kwargs = {} if mask is None else {"mask": jnp.asarray(mask)}

    def arguments(xs):
        extra = dict(kwargs)
        if len(xs) > 1:
            extra["initial_state"] = list(xs[1:])
        return xs[0], extra

    first, extra = arguments([jnp.asarray(a) for a in ins])
    layer(first, **extra)
    layer.set_weights([x(*w.shape) * .6 for w in layer.get_weights()])
    if calls > 1:
        layer.reset_state()
    weights = [v.value for v in layer.trainable_variables]
    rest = [v.value for v in layer.non_trainable_variables]

    def run(ws, xs):
        a, more = arguments(xs)
        out, _ = layer.stateless_call(ws, rest, a, **more)
        return list(out) if isinstance(out, (list, tuple)) else [out]

    outs = []
    for _ in range(calls):
        out = layer(first, **extra)
        outs.append([np.asarray(o) for o in (out if isinstance(out, (list, tuple)) else [out])])
    one = {"class_name": name, "config": config, "in": [tensor(a) for a in ins],
           "weights": [tensor(w) for w in weights], "calls": [[tensor(o) for o in out] for out in outs]}
    if mask is not None:
        one["mask"] = tensor(np.asarray(mask))
    if calls == 1:
        seeds = [rng.uniform(-1, 1, o.shape).round(3) for o in outs[0]]
        total = lambda ws, xs: sum(jnp.sum(o * s) for o, s in zip(run(ws, xs), seeds))
        of_weights, of_inputs = jax.grad(total, argnums=(0, 1))(weights, [jnp.asarray(a) for a in ins])
        one |= {"seeds": [tensor(s) for s in seeds], "grads": [tensor(g) for g in of_inputs],
                "weight_grads": [tensor(g) for g in of_weights]}
    cases.append(one)


def layer(name, config, *ins, **more):
    case(config, getattr(L, name)(**config), *ins, **more)


# Samples of all steps, some, the first left out, and none.
mask = np.array([[1, 1, 1, 1], [1, 1, 0, 0], [0, 1, 0, 1], [0, 0, 0, 0]], bool)
kinds = [("SimpleRNN", {}), ("LSTM", {}), ("GRU", {}), ("GRU", {"reset_after": False})]
for name, base in kinds:
    states = [x(4, 3) for _ in range(2 if name == "LSTM" else 1)]
    one = dict(base, units=3)
    layer(name, one, x(4, 4, 2))
    layer(name, one | {"return_sequences": True}, x(4, 4, 2))
    layer(name, one | {"return_sequences": True, "return_state": True, "go_backwards": True}, x(4, 4, 2), *states)
    layer(name, one | {"return_state": True}, x(4, 4, 2), mask=mask)
    layer(name, one | {"return_sequences": True}, x(4, 4, 2), *states, mask=mask)
    layer(name, one | {"return_sequences": True, "zero_output_for_mask": True, "go_backwards": True}, x(4, 4, 2),
          mask=mask)
    odd = {"use_bias": False, "activation": "softsign"}
    if name != "SimpleRNN":
        odd["recurrent_activation"] = "hard_sigmoid"
    layer(name, one | odd, x(2, 3, 4))
    layer(name, one | {"units": 2}, x(1, 1, 1))
    layer(name, one | {"stateful": True, "return_sequences": True}, x(4, 4, 2), calls=3)
    layer(name, one | {"stateful": True}, x(4, 4, 2), mask=mask, calls=2)

# Cells of one's own choice.
cell = lambda name, units, **more: {"class_name": name, "config": dict(more, units=units)}
built = lambda c: getattr(L, c["class_name"])(**c["config"])
stack = [cell("LSTMCell", 3), cell("GRUCell", 2, reset_after=False), cell("SimpleRNNCell", 4)]
stacked = {"class_name": "StackedRNNCells", "config": {"cells": stack}}
one = cell("LSTMCell", 3, use_bias=False)
case({"cell": one, "return_sequences": True}, L.RNN(built(one), return_sequences=True), x(2, 3, 2), mask=mask[1:3, :3])
for more in ({}, {"return_sequences": True}, {"return_sequences": True, "go_backwards": True}):
    case({"cell": stacked} | more, L.RNN(L.StackedRNNCells([built(c) for c in stack]), **more), x(2, 4, 3))
pair = {"class_name": "StackedRNNCells", "config": {"cells": [cell("LSTMCell", 3), cell("LSTMCell", 2)]}}
case({"cell": pair, "return_sequences": True},
     L.RNN(L.StackedRNNCells([built(c) for c in pair["config"]["cells"]]), return_sequences=True), x(4, 4, 2),
     mask=mask)

for mode in ("concat", "sum", "mul", "ave", None):
    for name in ("LSTM", "GRU"):
        inner = {"units": 3, "return_sequences": mode != "sum"}
        case({"layer": {"class_name": name, "config": inner}, "merge_mode": mode},
             L.Bidirectional(getattr(L, name)(**inner), merge_mode=mode), x(4, 4, 2), mask=mask if mode else None)
inner = {"units": 2, "return_sequences": True, "return_state": True}
case({"layer": {"class_name": "LSTM", "config": inner}}, L.Bidirectional(L.LSTM(**inner)), x(2, 3, 2),
     *[x(2, 2) for _ in range(4)])
inner = {"units": 2, "return_state": True}
case({"layer": {"class_name": "SimpleRNN", "config": inner}, "merge_mode": None},
     L.Bidirectional(L.SimpleRNN(**inner), merge_mode=None), x(2, 3, 2))
other = {"units": 3, "go_backwards": True, "return_sequences": True}
case({"layer": {"class_name": "LSTM", "config": {"units": 2, "return_sequences": True}},
      "backward_layer": {"class_name": "GRU", "config": other}},
     L.Bidirectional(L.LSTM(2, return_sequences=True), backward_layer=L.GRU(**other)), x(2, 3, 2))

case({"layer": {"class_name": "Dense", "config": {"units": 3, "activation": "tanh"}}},
     L.TimeDistributed(L.Dense(3, activation="tanh")), x(2, 4, 3))
case({"layer": {"class_name": "LSTM", "config": {"units": 2}}}, L.TimeDistributed(L.LSTM(2)), x(2, 3, 4, 2))
case({"layer": {"class_name": "Flatten", "config": {}}}, L.TimeDistributed(L.Flatten()), x(2, 3, 4, 2),
     mask=mask[:2, :3])


def from_torch(name, module, order, *ins):
    """The same of PyTorch, whose gates stand in another order and whose weights are transposed."""
    wanted = [torch.tensor(a, requires_grad=True) for a in ins]
    state = tuple(s[None] for s in wanted[1:]) if len(wanted) > 1 else ()
    out, last = module(wanted[0], state if len(state) != 1 else state[0])
    last = [s[0] for s in (last if isinstance(last, tuple) else (last,))]
    outs = [out, *last]
    seeds = [rng.uniform(-1, 1, o.shape).round(3) for o in outs]
    sum((o * torch.tensor(s)).sum() for o, s in zip(outs, seeds)).backward()
    parts = lambda w: np.concatenate([np.split(w.numpy(), len(order))[k] for k in order])
    both = lambda f: [parts(f(module.weight_ih_l0)).T, parts(f(module.weight_hh_l0)).T,
                      np.stack([parts(f(module.bias_ih_l0)), parts(f(module.bias_hh_l0))])]
    weights, slopes = both(lambda p: p.detach()), both(lambda p: p.grad)
    if name != "GRU":  # one bias, which is the sum of both
        weights[2], slopes[2] = weights[2].sum(0), slopes[2][0]
    config = {"units": module.hidden_size, "return_sequences": True, "return_state": True}
    cases.append({"class_name": name, "config": config, "in": [tensor(a) for a in ins],
                  "weights": [tensor(w) for w in weights], "calls": [[tensor(o.detach().numpy()) for o in outs]],
                  "seeds": [tensor(s) for s in seeds], "grads": [tensor(w.grad.numpy()) for w in wanted],
                  "weight_grads": [tensor(w) for w in slopes], "source": "torch"})


torch.set_default_dtype(torch.float64)
torch.manual_seed(3)
from_torch("LSTM", torch.nn.LSTM(5, 4, batch_first=True), [0, 1, 2, 3], x(3, 6, 5), x(3, 4), x(3, 4))
from_torch("GRU", torch.nn.GRU(5, 4, batch_first=True), [1, 0, 2], x(3, 6, 5), x(3, 4))
from_torch("SimpleRNN", torch.nn.RNN(5, 4, batch_first=True), [0], x(3, 6, 5), x(3, 4))

# Without masks: Keras on JAX lets a mask run along the last axis in space instead of the batch.
layer("ConvLSTM1D", {"filters": 2, "kernel_size": [3]}, x(2, 3, 6, 2))
layer("ConvLSTM1D", {"filters": 3, "kernel_size": [2], "padding": "same", "strides": [2], "return_sequences": True},
      x(2, 3, 5, 1))
layer("ConvLSTM2D", {"filters": 2, "kernel_size": [2, 3], "return_state": True, "return_sequences": True},
      x(2, 3, 4, 5, 2))
layer("ConvLSTM2D", {"filters": 2, "kernel_size": [2, 2], "padding": "same", "go_backwards": True}, x(4, 3, 3, 4, 1))
layer("ConvLSTM2D", {"filters": 1, "kernel_size": [3, 2], "dilation_rate": [1, 2], "use_bias": False,
                     "recurrent_activation": "hard_sigmoid"}, x(2, 2, 4, 5, 2))
layer("ConvLSTM2D", {"filters": 2, "kernel_size": [2, 2], "padding": "same", "return_sequences": True},
      x(2, 3, 3, 4, 1), x(2, 3, 4, 2), x(2, 3, 4, 2))
layer("ConvLSTM3D", {"filters": 2, "kernel_size": [2, 1, 2], "padding": "same"}, x(2, 2, 2, 3, 2, 1))

path = pathlib.Path(__file__).with_name("keras_recurrent.json")
lines = ",\n".join(json.dumps(c) for c in cases)
path.write_text('{"versions": {"keras": "%s", "torch": "%s"}, "cases": [\n%s\n]}\n' % (
    keras.__version__, torch.__version__, lines))
print(len(cases), path.stat().st_size)
