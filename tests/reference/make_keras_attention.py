"""Writes keras_attention.json: Keras's attention layers in float64 on JAX: results, scores, gradients of inputs and
weights. Needs keras and jax.

A case: "class_name" and "config" (Keras's arguments under our names), "in" (query, value, key and masks by name),
"flags", "weights" (in our order, which is Keras's), "out", "scores", "seeds" for both, "grads" of
sum(out * seed) + sum(scores * seed) by the inputs, "weight_grads" by the weights."""
import jax
from keras_cases import jnp, keras, np, plain, rng, tensor, write

L = keras.layers
x = lambda *shape: rng.normal(size=shape).round(6)
cases = []


def case(layer, config, query, value, key=None, weights=None, listed=False, **kwargs):
    inputs = {"query": query, "value": value} | ({} if key is None else {"key": key})
    masks = {k: v for k, v in kwargs.items() if isinstance(v, np.ndarray)}
    flags = {k: v for k, v in kwargs.items() if isinstance(v, bool)}

    def call(run, tensors):
        given = [tensors["query"], tensors["value"]] + ([tensors["key"]] if "key" in tensors else [])
        if listed:  # Attention and AdditiveAttention take lists
            mask = None
            if masks:
                mask = [None if m is None else jnp.asarray(m) for m in (masks.get("query_mask"), masks.get("value_mask"))]
            return run(given, mask=mask, return_attention_scores=True, training=False, **flags)
        return run(*given, return_attention_scores=True, training=False,
                   **{k: jnp.asarray(m) for k, m in masks.items()}, **flags)

    call(layer, {k: jnp.asarray(a) for k, a in inputs.items()})
    if weights is None:
        weights = [x(*w.shape) for w in layer.trainable_variables]
    for v, w in zip(layer.trainable_variables, weights):
        v.assign(w)
    variables = [v.value for v in layer.trainable_variables]
    state = [v.value for v in layer.non_trainable_variables]

    def run(tensors, weights):
        return call(lambda *a, **k: layer.stateless_call(weights, state, *a, **k)[0], tensors)

    tensors = {k: jnp.asarray(a) for k, a in inputs.items()}
    out, scores = run(tensors, variables)
    seeds = [rng.uniform(-1, 1, r.shape).round(3) for r in (out, scores)]
    total = lambda t, w: sum(jnp.sum(r * s) for r, s in zip(run(t, w), seeds))
    by_inputs, by_weights = jax.grad(total, argnums=(0, 1))(tensors, variables)
    cases.append({"class_name": type(layer).__name__.replace("Grouped", "Group"), "config": config,
                  "in": {k: tensor(a) for k, a in (inputs | masks).items()}, "flags": flags,
                  "weights": [tensor(w) for w in variables], "out": tensor(out), "scores": tensor(scores),
                  "seeds": [plain(s) for s in seeds], "grads": {k: plain(g) for k, g in by_inputs.items()},
                  "weight_grads": [plain(g) for g in by_weights]})


def mask(*shape):
    m = rng.uniform(size=shape) < .6
    m[..., 0] = True
    return m


def plain_layer(kind, config, *inputs, **kwargs):
    case(getattr(L, kind)(**config), config, *inputs, listed=True, **kwargs)


for config in ({}, {"use_scale": True}, {"score_mode": "concat"}, {"score_mode": "concat", "use_scale": True},
               {"dropout": .4, "seed": 3}):
    plain_layer("Attention", config, x(2, 3, 4), x(2, 5, 4))
plain_layer("Attention", {}, x(2, 3, 4), x(2, 5, 6), x(2, 5, 4))
plain_layer("Attention", {}, x(2, 3, 4), x(2, 5, 4), use_causal_mask=True)
plain_layer("Attention", {}, x(2, 3, 4), x(2, 5, 4), query_mask=mask(2, 3), value_mask=mask(2, 5))
plain_layer("Attention", {}, x(2, 3, 4), x(2, 3, 4), query_mask=mask(2, 3), value_mask=mask(2, 3), use_causal_mask=True)
for config in ({}, {"use_scale": False}):
    plain_layer("AdditiveAttention", config, x(2, 3, 4), x(2, 5, 4))
plain_layer("AdditiveAttention", {}, x(2, 3, 4), x(2, 5, 2), x(2, 5, 4), use_causal_mask=True)
plain_layer("AdditiveAttention", {}, x(2, 3, 4), x(2, 5, 4), query_mask=mask(2, 3), value_mask=mask(2, 5))


def heads(config, *inputs, kind="MultiHeadAttention", **kwargs):
    # Keras gives "query_mask" by the tensors alone.
    case(getattr(L, "GroupQueryAttention" if kind != "MultiHeadAttention" else kind)(**config), config, *inputs, **kwargs)


two = {"num_heads": 2, "key_dim": 3}
heads(two, x(2, 3, 4), x(2, 5, 4))
heads(two, x(2, 3, 4), x(2, 5, 6), x(2, 5, 3))
for more in ({"value_dim": 5}, {"use_bias": False}, {"output_shape": [7]}, {"output_shape": [2, 3]}, {"use_gate": True},
             {"use_gate": True, "use_bias": False, "value_dim": 2}, {"sliding_window": 2}, {"dropout": .3, "seed": 1},
             {"value_dim": 2, "output_shape": [3], "dropout": .1}):
    heads(two | more, x(2, 4, 4), x(2, 4, 4))
heads(two, x(2, 4, 4), x(2, 4, 4), use_causal_mask=True)
heads(two, x(2, 3, 4), x(2, 5, 4), use_causal_mask=True)
heads(two | {"sliding_window": 2}, x(2, 5, 4), x(2, 5, 4), use_causal_mask=True)
heads(two, x(2, 3, 4), x(2, 5, 4), attention_mask=mask(2, 3, 5))
heads(two, x(2, 3, 4), x(2, 5, 4), attention_mask=mask(3, 5))
heads(two, x(2, 3, 4), x(2, 5, 4), attention_mask=mask(2, 2, 3, 5))
heads(two, x(2, 3, 4), x(2, 3, 4), attention_mask=mask(2, 3, 3), use_causal_mask=True)
heads(two, x(2, 3, 4), x(2, 5, 4), value_mask=mask(2, 5))
heads(two, x(2, 3, 4), x(2, 5, 4), x(2, 5, 4), value_mask=mask(2, 5), key_mask=mask(2, 5), use_causal_mask=True)
nothing = mask(2, 3, 5)
nothing[0, 1] = False
heads(two, x(2, 3, 4), x(2, 5, 4), attention_mask=nothing)
for axes, shape in (([1], (2, 3, 2, 4)), ([2], (2, 2, 3, 4)), ([1, 2], (2, 2, 3, 4)), ([-2], (2, 2, 3, 4)),
                    ([], (2, 2, 3, 4)), ([1, 3], (2, 2, 2, 3, 4))):
    config = two | ({"attention_axes": axes} if axes else {})
    heads(config, x(*shape), x(*shape))
heads(two | {"attention_axes": [1, 2]}, x(2, 2, 3, 4), x(2, 2, 3, 4), attention_mask=mask(2, 2, 3, 2, 3))
group = {"head_dim": 3, "num_query_heads": 4, "num_key_value_heads": 2}
for more in ({}, {"num_key_value_heads": 1}, {"num_key_value_heads": 4}, {"use_bias": False}, {"use_gate": True},
             {"sliding_window": 2}, {"dropout": .3}):
    heads(group | more, x(2, 4, 4), x(2, 4, 4), kind="Group")
heads(group, x(2, 3, 4), x(2, 5, 4), x(2, 5, 4), kind="Group", use_causal_mask=True)
heads(group, x(2, 3, 4), x(2, 5, 4), kind="Group", attention_mask=mask(2, 3, 5))
heads(group, x(2, 3, 4), x(2, 5, 4), kind="Group", query_mask=np.ones((2, 3), bool), value_mask=mask(2, 5))
write("keras_attention.json", cases)
print(len(cases))
