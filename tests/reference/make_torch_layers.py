"""Writes torch_layers.json: layers that Keras has not, from their papers' formulas, with gradients by PyTorch in float64.

Cases as in make_keras_layers.py; "weight_grads" holds the gradients of sum(out * seed) by the trainable weights. The
formulas are written out anew here, edge by edge and step by step where the library works on whole arrays.
"""
import json
import math
import pathlib

import numpy as np
import torch

torch.set_default_dtype(torch.float64)
rng = np.random.default_rng(11)
cases = []


def packed(x):
    x = x.detach().numpy() if isinstance(x, torch.Tensor) else np.asarray(x)
    kind = "bool" if x.dtype == bool else str(x.dtype)
    return {"shape": list(x.shape), "dtype": kind, "values": x.reshape(-1).tolist()}


def normal(*shape):
    return rng.normal(size=shape)


def case(class_name, config, run, xs, weights=(), trainable=None, grad=True):
    """run(tensors, weights) -> result; the first input is differentiated."""
    tensors = [torch.tensor(x, requires_grad=k == 0 and grad) for k, x in enumerate(xs)]
    trainable = [True] * len(weights) if trainable is None else trainable
    params = [torch.tensor(w, requires_grad=t) for w, t in zip(weights, trainable)]
    out = run(tensors, params)
    entry = {"class_name": class_name, "config": config, "in": [packed(x) for x in xs], "training": False,
             "weights": [packed(w) for w in weights], "out": packed(out)}
    if grad:
        seed = torch.linspace(-1, 1, out.numel()).reshape(out.shape)
        by = [tensors[0]] + [p for p in params if p.requires_grad]
        found = torch.autograd.grad((out * seed).sum(), by)
        entry["seed"] = packed(seed)
        entry["grad"] = packed(found[0])
        entry["weight_grads"] = [packed(g) for g in found[1:]]
    cases.append(entry)


# --- radial basis
phis = {
    "gaussian": lambda r2: torch.exp(-r2),
    "multiquadric": lambda r2: torch.sqrt(1 + r2),
    "inverse_quadratic": lambda r2: 1 / (1 + r2),
    "inverse_multiquadric": lambda r2: 1 / torch.sqrt(1 + r2),
    "thin_plate_spline": lambda r2: r2 * torch.log(torch.sqrt(r2)),
}
for name, phi in phis.items():
    def run(x, w):
        return torch.stack([phi(w[1][j] * ((x[0] - w[0][j]) ** 2).sum(-1)) for j in range(4)], -1)
    case("RadialBasis", {"units": 4, "function": name}, run, [normal(3, 5)], [normal(4, 5), rng.uniform(.1, .6, 4)])
case("RadialBasis", {"units": 4, "trainable_centers": False}, run_first := (lambda x, w: torch.stack(
    [torch.exp(-w[1][j] * ((x[0] - w[0][j]) ** 2).sum(-1)) for j in range(4)], -1)), [normal(2, 3, 5)],
    [normal(4, 5), rng.uniform(.1, .6, 4)], [False, True])

# --- self-organising map: squared distances
case("SelfOrganizingMap", {"rows": 2, "columns": 3},
     lambda x, w: torch.stack([((x[0] - w[0][j]) ** 2).sum(-1) for j in range(6)], -1), [normal(4, 5)],
     [normal(6, 5)], [False])
case("SelfOrganizingMap", {"rows": 1, "columns": 2, "topology": "hexagonal", "neighborhood_function": "bubble",
                           "decay": "linear", "sigma": 1.5, "learning_rate": .25},
     lambda x, w: torch.stack([((x[0] - w[0][j]) ** 2).sum(-1) for j in range(2)], -1), [normal(2, 3)],
     [normal(2, 3)], [False])

# --- spiking
slopes = {
    "fast_sigmoid": (lambda x, k: 1 / (1 + k * x.abs()) ** 2, 25),
    "arctan": (lambda x, k: (k / 2) / (1 + (math.pi / 2 * k * x) ** 2), 2),
    "sigmoid": (lambda x, k: k * torch.sigmoid(k * x) * (1 - torch.sigmoid(k * x)), 4),
    "triangular": (lambda x, k: torch.clamp(1 - k * x.abs(), min=0), 1),
    "gaussian": (lambda x, k: k * torch.exp(-(k * x) ** 2 / 2) / math.sqrt(2 * math.pi), 2.5),
    "straight_through": (lambda x, k: torch.ones_like(x), 1),
    "none": (lambda x, k: torch.zeros_like(x), 1),
}


class Fire(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, name, k):
        ctx.save_for_backward(x)
        ctx.name, ctx.k = name, k
        return (x >= 0).double()

    @staticmethod
    def backward(ctx, g):
        x, = ctx.saved_tensors
        return g * slopes[ctx.name][0](x, ctx.k), None, None


def lif(x, tau, surrogate="fast_sigmoid", slope=0, threshold=1., reset="subtract", decay_input=True, detach=False,
        sequences=True):
    v = torch.zeros_like(x[:, 0])
    out = []
    for t in range(x.shape[1]):
        h = v - v / tau + (x[:, t] / tau if decay_input else x[:, t])
        s = Fire.apply(h - threshold, surrogate, slope or slopes[surrogate][1])
        counted = s.detach() if detach else s
        v = h - threshold * counted if reset == "subtract" else h * (1 - counted) if reset == "zero" else h
        out.append(s)
    return torch.stack(out, 1) if sequences else out[-1]


current = rng.uniform(0, 4, size=(2, 7, 3))
for name in slopes:
    case("LeakyIntegrateAndFire", {"tau": 2.5, "surrogate": name}, lambda x, w, n=name: lif(x[0], 2.5, n), [current])
case("LeakyIntegrateAndFire", {"reset": "zero", "slope": 3.0, "surrogate": "arctan", "threshold": 0.7},
     lambda x, w: lif(x[0], 2., "arctan", 3., .7, "zero"), [current])
case("LeakyIntegrateAndFire", {"reset": "none", "decay_input": False, "tau": 4.0},
     lambda x, w: lif(x[0], 4., reset="none", decay_input=False), [current / 4])
case("LeakyIntegrateAndFire", {"detach_reset": True, "return_sequences": False, "surrogate": "sigmoid"},
     lambda x, w: lif(x[0], 2., "sigmoid", detach=True, sequences=False), [current])
case("LeakyIntegrateAndFire", {"learn_tau": True, "surrogate": "arctan", "reset": "zero"},
     lambda x, w: lif(x[0], 1 / torch.sigmoid(w[0]), "arctan", reset="zero"), [current], [np.array(-.4)])


def li(x, tau, decay_input=True, sequences=False):
    v = torch.zeros_like(x[:, 0])
    out = []
    for t in range(x.shape[1]):
        v = v - v / tau + (x[:, t] / tau if decay_input else x[:, t])
        out.append(v)
    return torch.stack(out, 1) if sequences else out[-1]


case("LeakyIntegrator", {"tau": 3.0}, lambda x, w: li(x[0], 3.), [normal(2, 6, 3)])
case("LeakyIntegrator", {"tau": 5.0, "decay_input": False, "return_sequences": True},
     lambda x, w: li(x[0], 5., False, True), [normal(2, 6, 2, 2)])


def latency(x, steps, linear=False, tau=5., threshold=.01):
    out = np.zeros((x.shape[0], steps) + x.shape[1:])
    for place in np.ndindex(x.shape):
        v = min(max(x[place], 0.), 1.)
        if v < threshold:
            continue
        t = (1 - v) * (steps - 1) if linear else math.inf if v == threshold else tau * math.log(v / (v - threshold))
        out[(place[0], int(min(np.rint(min(t, 1e6)), steps - 1))) + place[1:]] = 1
    return torch.tensor(out)


levels = np.concatenate([rng.uniform(0, 1, size=10), [0., 1., .005]]).reshape(1, 13)
case("LatencyCoding", {"steps": 8}, lambda x, w: latency(x[0].numpy(), 8), [levels], grad=False)
case("LatencyCoding", {"steps": 12, "linear": True, "threshold": 0.3}, lambda x, w: latency(x[0].numpy(), 12, True,
     threshold=.3), [levels.reshape(13, 1)], grad=False)
case("LatencyCoding", {"steps": 9, "tau": 20.0, "threshold": 0.2}, lambda x, w: latency(x[0].numpy(), 9, tau=20.,
     threshold=.2), [levels], grad=False)

# --- mixture of experts
dense = lambda units: {"class_name": "Dense", "config": {"units": units}}


def mixture(x, w, top_k, bias=True, experts=3):
    kernel, rest = w[0], list(w[1:])
    logits = x.reshape(x.shape[0], -1) @ kernel + (rest.pop(0) if bias else 0)
    if top_k:
        keep = torch.zeros_like(logits)
        for r in range(len(logits)):
            for e in sorted(range(experts), key=lambda e: -logits[r, e].item())[:top_k]:
                keep[r, e] = 1
        logits = torch.where(keep > 0, logits, torch.tensor(-math.inf))
    g = torch.softmax(logits, -1)
    out = 0
    for e in range(experts):
        y = x @ rest[2 * e] + rest[2 * e + 1]
        out = out + g[:, e].reshape([-1] + [1] * (y.ndim - 1)) * y
    return out


for top_k in (0, 1, 2, 3):
    weights = [normal(4, 3), normal(3)] + [v for e in range(3) for v in (normal(4, 2), normal(2))]
    case("MixtureOfExperts", {"experts": [dense(2)] * 3, "top_k": top_k, "load_balancing": .01},
         lambda x, w, k=top_k: mixture(x[0], w, k), [normal(6, 4)], weights)
weights = [normal(12, 3)] + [v for e in range(3) for v in (normal(4, 2), normal(2))]
case("MixtureOfExperts", {"experts": [dense(2)] * 3, "use_bias": False}, lambda x, w: mixture(x[0], w, 0, False),
     [normal(5, 3, 4)], weights)

# --- graphs
edges = np.array([[0, 1, 1, 2, 3, 0, 4, 4, 2], [1, 0, 2, 1, 0, 3, 2, 2, 4]])
nodes = 6  # the last one has no edges


def gcn(x, w, edges, weight=None, loops=True, normalize=True, bias=True, activation=lambda y: y):
    pairs = [(int(a), int(b)) for a, b in edges.T]
    values = [1.] * len(pairs) if weight is None else list(weight)
    if loops:
        pairs += [(i, i) for i in range(nodes)]
        values += [1.] * nodes
    degree = [sum(v for (a, b), v in zip(pairs, values) if b == i) for i in range(nodes)]
    h = x @ w[0]
    rows = [torch.zeros(h.shape[1]) for _ in range(nodes)]
    for (a, b), v in zip(pairs, values):
        scale = v / (degree[a] * degree[b]) ** .5 if normalize and degree[a] > 0 and degree[b] > 0 else 0 if normalize else v
        rows[b] = rows[b] + scale * h[a]
    y = torch.stack(rows)
    return activation(y + w[1] if bias else y)


x = normal(nodes, 3)
case("GCNConv", {"channels": 4}, lambda x, w: gcn(x[0], w, edges), [x, edges], [normal(3, 4), normal(4)])
weight = rng.uniform(.1, 2, size=9)
case("GCNConv", {"channels": 2, "activation": "tanh"}, lambda x, w: gcn(x[0], w, edges, weight, activation=torch.tanh),
     [x, edges, weight], [normal(3, 2), normal(2)])
case("GCNConv", {"channels": 2, "add_self_loops": False, "use_bias": False},
     lambda x, w: gcn(x[0], w, edges, loops=False, bias=False), [x, edges], [normal(3, 2)])
case("GCNConv", {"channels": 2, "normalize": False}, lambda x, w: gcn(x[0], w, edges, weight, normalize=False),
     [x, edges, weight], [normal(3, 2), normal(2)])


def gat(x, w, edges, heads, channels, concat=True, slope=.2, loops=True, bias=True):
    pairs = [(int(a), int(b)) for a, b in edges.T] + ([(i, i) for i in range(nodes)] if loops else [])
    h = (x @ w[0]).reshape(nodes, heads, channels)
    rows = []
    for i in range(nodes):
        by_head = []
        for k in range(heads):
            into = [a for a, b in pairs if b == i]
            if not into:
                by_head.append(torch.zeros(channels))
                continue
            e = torch.stack([torch.nn.functional.leaky_relu(w[1][k] @ h[a, k] + w[2][k] @ h[i, k], slope) for a in into])
            alpha = torch.softmax(e, 0)
            by_head.append(sum(alpha[n] * h[a, k] for n, a in enumerate(into)))
        rows.append(torch.cat(by_head) if concat else sum(by_head) / heads)
    y = torch.stack(rows)
    return y + w[3] if bias else y


case("GATConv", {"channels": 4}, lambda x, w: gat(x[0], w, edges, 1, 4), [x, edges],
     [normal(3, 4), normal(1, 4), normal(1, 4), normal(4)])
case("GATConv", {"channels": 2, "heads": 3, "dropout": 0.5}, lambda x, w: gat(x[0], w, edges, 3, 2), [x, edges],
     [normal(3, 6), normal(3, 2), normal(3, 2), normal(6)])
case("GATConv", {"channels": 2, "heads": 3, "concat": False, "negative_slope": 0.1, "use_bias": False,
                 "add_self_loops": False}, lambda x, w: gat(x[0], w, edges, 3, 2, False, .1, False, False), [x, edges],
     [normal(3, 6), normal(3, 2), normal(3, 2)])


def passing(x, w, edges, kind, extra=None):
    into = [[] for _ in range(nodes)]
    for n, (a, b) in enumerate(edges.T):
        given = torch.cat([x[a], x[b]] + ([] if extra is None else [torch.tensor(extra[n])]))
        into[b].append(torch.tanh(given @ w[0] + w[1]))
    rows = []
    for i in range(nodes):
        if not into[i]:
            together = torch.zeros(w[0].shape[1])
        else:
            m = torch.stack(into[i])
            together = {"sum": m.sum(0), "mean": m.mean(0), "max": m.amax(0), "min": m.amin(0)}[kind]
        rows.append(torch.cat([x[i], together]) @ w[2] + w[3])
    return torch.stack(rows)


for kind in ("sum", "mean", "max", "min"):
    config = {"message": {"class_name": "Dense", "config": {"units": 4, "activation": "tanh"}},
              "update": dense(2), "aggregation": kind}
    case("MessagePassing", config, lambda x, w, k=kind: passing(x[0], w, edges[:, :7], k), [x, edges[:, :7]],
         [normal(6, 4), normal(4), normal(7, 2), normal(2)])
extra = normal(9, 2)
case("MessagePassing", config | {"aggregation": "mean"}, lambda x, w: passing(x[0], w, edges, "mean", extra),
     [x, edges, extra], [normal(8, 4), normal(4), normal(7, 2), normal(2)])


# --- capsules
def squash(s):
    n2 = (s ** 2).sum(-1, keepdim=True)
    return n2 / (1 + n2) * s / torch.sqrt(n2)


def capsules(x, w, num, dim, rounds, shared, stop):
    batch, below, _ = x.shape
    results = []
    for r in range(batch):
        u = torch.stack([(x[r, i] @ (w[0] if shared else w[0][i])).reshape(num, dim) for i in range(below)])
        seen = u.detach() if stop else u
        b = torch.zeros(below, num)
        for k in range(rounds):
            votes = u if k == rounds - 1 else seen
            c = torch.softmax(b, 1)
            v = squash((c[:, :, None] * votes).sum(0))
            if k < rounds - 1:
                b = b + (seen * v[None]).sum(-1)
        results.append(v)
    return torch.stack(results)


for rounds, shared, stop in ((1, False, True), (3, False, True), (3, False, False), (2, True, False)):
    case("Capsule", {"num_capsules": 3, "dim_capsule": 2, "routings": rounds, "share_weights": shared,
                     "stop_gradient": stop},
         lambda x, w, r=rounds, s=shared, t=stop: capsules(x[0], w, 3, 2, r, s, t), [normal(4, 5, 4)],
         [normal(4, 6) if shared else normal(5, 4, 6)])
case("CapsuleLength", {}, lambda x, w: torch.sqrt((x[0] ** 2).sum(-1)), [normal(2, 3, 4)])
case("PrimaryCapsule", {"dim_capsule": 4}, lambda x, w: squash(x[0].reshape(2, -1, 4)), [normal(2, 3, 2, 8)])

# --- a restricted Boltzmann machine: hidden units by brute force over all of their states, where the visible
# biases cancel
def hidden(x, w):
    kernel, b, c = w
    rows = []
    for v in x:
        total, on = 0, [0, 0, 0]
        for state in range(8):
            h = torch.tensor([float(state >> k & 1) for k in range(3)])
            p = torch.exp(h @ c + v @ kernel @ h)
            total = total + p
            on = [s + p * h[k] for k, s in enumerate(on)]
        rows.append(torch.stack(on) / total)
    return torch.stack(rows)


case("RestrictedBoltzmannMachine", {"units": 3}, lambda x, w: hidden(x[0], w) + 0 * w[1].sum(), [normal(4, 5)],
     [normal(5, 3), np.zeros(5), normal(3)])

path = pathlib.Path(__file__).with_name("torch_layers.json")
path.write_text('{"torch": "' + torch.__version__.split("+")[0] + '", "cases": [\n' +
                ",\n".join(json.dumps(c) for c in cases) + "\n]}\n")
print(len(cases), "cases,", path.stat().st_size, "bytes")
