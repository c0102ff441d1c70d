"""Writes indexing_values.json: gathering, scattering, sorting, searching and counting by NumPy and PyTorch in float64.

Run in this folder: python3 make_indexing_values.py
"""
import json

import numpy as np
import torch

random = np.random.default_rng(5)
cases = []


def written(a):
    a = np.asarray(a)
    def number(v):
        if a.dtype == bool:
            return bool(v)
        if a.dtype.kind in "iu":
            return int(v)
        return str(float(v)) if not np.isfinite(v) else float(v)
    return {"shape": list(a.shape), "dtype": str(a.dtype), "values": [number(v) for v in a.ravel()]}


def listed(t):
    return [float(v) for v in t.detach().numpy().ravel()]


def values(call, inputs, out):
    """A case without derivatives, from NumPy."""
    cases.append({"call": call, "in": [written(a) for a in inputs], "out": written(out),
                  "seed": None, "grads": None, "dir": None, "second": None})


def differentiable(call, inputs, f):
    """f takes torch tensors; float64 inputs get first and second derivatives."""
    ts = [torch.tensor(a, requires_grad=a.dtype == np.float64) for a in map(np.asarray, inputs)]
    moving = [k for k, t in enumerate(ts) if t.requires_grad]
    out = f(*ts)
    seed = torch.tensor(random.normal(size=out.shape))
    # The seed depends on nothing, so what is linear has second derivatives of zero.
    grads = torch.autograd.grad((out * seed).sum(), [ts[k] for k in moving], create_graph=True, allow_unused=True)
    grads = [torch.zeros_like(ts[k]) if g is None else g for k, g in zip(moving, grads)]
    dirs = [torch.tensor(random.normal(size=ts[k].shape)) for k in moving]
    slope = sum((g * d).sum() for g, d in zip(grads, dirs))
    seconds = ([None] * len(moving) if not slope.requires_grad else
               torch.autograd.grad(slope, [ts[k] for k in moving], allow_unused=True))
    row = {"call": call, "in": [written(a) for a in inputs], "out": written(out.detach().numpy()), "seed": listed(seed)}
    for name, found in (("grads", grads), ("dir", dirs), ("second", seconds)):
        row[name] = [None] * len(inputs)
        for k, t in zip(moving, found):
            row[name][k] = listed(t if t is not None else torch.zeros_like(ts[k]))
    cases.append(row)


def real(*shape):
    return random.normal(size=shape)


def index(high, *shape, low=None):
    return random.integers(-high if low is None else low, high, size=shape)


def wrapped(i, n):
    return torch.where(i < 0, i + n, i)


# --- taking and putting ----------------------------------------------------------------------------------------------
for axis, shape, indices in ((0, (4, 3), (5,)), (1, (3, 4), (2, 2)), (-1, (2, 3, 4), (3,)), (1, (2, 5, 2), ()),
                             (0, (6,), (2, 3)), (-2, (3, 2, 2), (4,)), (0, (3, 2), (0,))):
    x, i = real(*shape), index(shape[axis], *indices)
    def take(a, j, axis=axis, n=shape[axis]):
        flat = torch.index_select(a * a, axis, wrapped(j, n).reshape(-1))
        at = axis % a.dim()
        return flat.reshape(a.shape[:at] + j.shape + a.shape[at + 1:])
    assert np.array_equal(np.take(x * x, i, axis), take(torch.tensor(x), torch.tensor(i)).numpy())
    differentiable(f"take_squares_{axis % len(shape)}", [x, i], take)

for axis, shape, length in ((0, (4, 3), 2), (1, (3, 4), 6), (-1, (2, 3, 4), 3), (1, (2, 3, 4), 1), (0, (5,), 8),
                            (-1, (3, 5), 0), (0, (2, 2, 2, 2), 3)):
    x = real(*shape)
    ishape = list(shape)
    ishape[axis] = length
    i = index(shape[axis], *ishape)
    def along(a, j, axis=axis, n=shape[axis]):
        return torch.take_along_dim(torch.sin(a), wrapped(j, n), axis)
    assert np.allclose(np.take_along_axis(np.sin(x), i, axis), along(torch.tensor(x), torch.tensor(i)).numpy())
    differentiable(f"take_along_axis_{axis % len(shape)}", [x, i], along)

for axis, shape, length in ((0, (4, 3), 2), (1, (3, 4), 3), (-1, (2, 3, 4), 2), (1, (2, 3, 4), 1), (0, (5,), 4),
                            (-1, (3, 5), 0)):
    x = real(*shape)
    ishape = list(shape)
    ishape[axis] = length
    i = np.argsort(real(*shape), axis).take(range(length), axis)  # no index twice
    v = real(*ishape)
    def put(a, j, b, axis=axis):
        return torch.scatter(a * a, axis % a.dim(), j, b ** 3)
    expected = x * x
    np.put_along_axis(expected, i, v ** 3, axis)
    assert np.allclose(expected, put(torch.tensor(x), torch.tensor(i), torch.tensor(v)).numpy(), atol=1e-15)
    differentiable(f"put_along_axis_{axis % len(shape)}", [x, i, v], put)

# Values that meet: NumPy keeps the last one.
x, i, v = real(4), np.array([1, 1, -3, 0]), real(4)
expected = x.copy()
np.put_along_axis(expected, i, v, 0)
values("put_along_axis_meeting", [x, i, v], expected)
big = np.array([2**63 - 1, -2**63, 2**53 + 1, 5])
expected = big.copy()
np.put_along_axis(expected, np.array([0, 3]), np.array([2**62 + 1, -7]), 0)
values("put_along_axis_meeting", [big, np.array([0, 3]), np.array([2**62 + 1, -7])], expected)

# --- index tuples ----------------------------------------------------------------------------------------------------
for shape, tuples, width in (((4, 3), (5,), 2), ((4, 3), (2, 2), 1), ((2, 3, 2), (4,), 2), ((2, 3, 2), (3,), 3),
                             ((5,), (2, 1), 1), ((3, 2), (0,), 1)):
    x = real(*shape)
    i = np.stack([index(n, *tuples) for n in shape[:width]], -1)
    differentiable("gather_nd", [x, i], lambda a, j: torch.exp(a)[tuple(j.unbind(-1))])
for shape, tuples, width in (((2, 4, 3), (2, 5), 2), ((3, 4), (3, 2), 1), ((2, 3, 2), (2, 2, 2), 1)):
    x = real(*shape)
    i = np.stack([index(n, *tuples) for n in shape[1:1 + width]], -1)
    differentiable("gather_nd_batch", [x, i], lambda a, j: torch.stack(
        [torch.exp(a[b])[tuple(j[b].unbind(-1))] for b in range(a.shape[0])]))

def places_of(shape, tuples, width, twice=True):
    count = int(np.prod(shape[:width]))
    chosen = random.choice(count, size=tuples, replace=twice)
    return np.stack(np.unravel_index(chosen, shape[:width]), -1).reshape(*tuples, width)

layouts = (((4, 3), (5,), 2), ((4, 3), (2, 2), 1), ((2, 3, 2), (4,), 2), ((2, 3, 2), (3,), 3), ((5,), (7,), 1),
           ((3, 2), (0,), 1))
for shape, tuples, width in layouts:
    x, i = real(*shape), places_of(shape, tuples, width)
    once = places_of(shape, tuples, width, False) if np.prod(tuples) <= np.prod(shape[:width]) else None
    u = real(*tuples, *shape[width:])
    def add(a, j, b):
        return torch.index_put(torch.sin(a), tuple(j.unbind(-1)), b * b, accumulate=True)
    differentiable("scatter_add", [x, i, u], add)
    differentiable("scatter", [i, u, x], lambda j, b, a: torch.index_put(torch.zeros_like(a), tuple(j.unbind(-1)),
                                                                         b * b, accumulate=True) + 0 * a)
    if once is not None:
        differentiable("scatter_update", [x, once, u], lambda a, j, b: torch.index_put(
            torch.sin(a), tuple(j.unbind(-1)), b * b))
    for how, reduce in (("multiply", "prod"), ("max", "amax"), ("min", "amin")):
        def reduced(a, j, b, reduce=reduce, shape=shape, width=width):
            """One place after the other, with operations that PyTorch differentiates twice."""
            strides = torch.tensor([int(np.prod(shape[k + 1:width])) for k in range(width)])
            flat = (j * strides).sum(-1).reshape(-1)
            rows, updates = list((a * a).reshape(-1, *shape[width:]).unbind(0)), b.reshape(-1, *shape[width:])
            for k, place in enumerate(flat.tolist()):
                rows[place] = (rows[place] * updates[k] if reduce == "prod" else
                               torch.maximum(rows[place], updates[k]) if reduce == "amax" else
                               torch.minimum(rows[place], updates[k]))
            return torch.stack(rows).reshape(shape)
        differentiable(f"scatter_{how}", [x, i, u], reduced)

# A zero among factors.
x, i, u = np.array([2.0, 3.0, 5.0]), np.array([[0], [1], [1], [0], [2], [2]]), np.array([0.0, 4.0, 0.0, 7.0, 0.0, 0.0])
t = torch.tensor(x, requires_grad=True), torch.tensor(u, requires_grad=True)
flat = torch.tensor(i[:, 0])
out = torch.stack([t[0][p] * torch.prod(t[1][flat == p]) for p in range(3)])
seed = torch.tensor([1.5, -2.0, 3.0], dtype=torch.float64)
grads = torch.autograd.grad((out * seed).sum(), t)
cases.append({"call": "scatter_multiply_zero", "in": [written(x), written(i), written(u)],
              "out": written(out.detach().numpy()), "seed": listed(seed), "grads": [listed(grads[0]), None, listed(grads[1])],
              "dir": None, "second": None})

for shape, ids in (((6,), (6,)), ((6, 2), (6,)), ((4, 3, 2), (4,)), ((2, 3), (2, 3)), ((2, 3, 2), (2, 3)), ((0, 2), (0,))):
    x, i = real(*shape), index(3, *ids, low=0)
    def total(a, j):
        return torch.zeros(4, *a.shape[j.dim():], dtype=torch.float64).index_add(
            0, j.reshape(-1), (a * a).reshape(-1, *a.shape[j.dim():]))
    differentiable("segment_sum", [x, i], total)
    def largest(a, j):
        rows = (a * a).reshape(-1, *a.shape[j.dim():])
        parts = [rows[j.reshape(-1) == k] for k in range(4)]
        return torch.stack([p.amax(0) if len(p) else torch.full(a.shape[j.dim():], -9.0, dtype=torch.float64)
                            for p in parts])
    if x.size:
        differentiable("segment_max", [x, i], largest)
values("segment_sum_integers", [np.array([2**62, 2**62 - 1, -5, 2**53 + 1]), np.array([1, 1, 0, 3])],
       np.array([-5, 2**63 - 1, 0, 2**53 + 1]))

# --- masks and choices -----------------------------------------------------------------------------------------------
for shape, mask in (((3, 4), (3, 4)), ((3, 4), (3,)), ((2, 3, 2), (2, 3)), ((5,), (5,)), ((4, 2), (4,)), ((0, 2), (0,))):
    x, m = real(*shape), random.random(mask) < 0.5
    differentiable("boolean_mask", [x, m], lambda a, b: (a ** 3)[b])
for shape, axis, length in (((3, 4), 1, 4), ((3, 4), 0, 2), ((5,), 0, 5), ((2, 3, 2), 1, 3), ((2, 2), 1, 1), ((4,), 0, 0)):
    x, c = real(*shape), random.random(length) < 0.6
    values(f"compress_{axis}", [c, x], np.compress(c, x, axis))
for shape in ((3, 4), (5,), (2, 2, 2), (), (0,), (2, 0)):
    c, x = random.random(shape) < 0.5, real(*shape)
    values("extract", [np.asarray(c), np.asarray(x)], np.extract(c, x))
    values("flatnonzero", [np.asarray(c)], np.flatnonzero(c))
    if shape != ():
        values("argwhere", [np.asarray(c)], np.argwhere(c))
for a, choices in (((3, 2), ((3, 2), (3, 2), (3, 2))), ((4,), ((2, 4), (4,), ())), ((), ((2,), (2,), (2,))),
                   ((2, 1), ((3,), (3,), (1,))), ((0,), ((0,), (0,), (0,))), ((5,), ((5,), (5,), (5,)))):
    i, c = np.asarray(index(3, *a, low=0)), [np.asarray(real(*s)) for s in choices]
    values("choose", [i, *c], np.choose(i, c))
    values("choose_clip", [i * 3 - 2, *c], np.choose(i * 3 - 2, c, mode="clip"))
for conditions, choices in (((3, 2), (3, 2)), ((4,), (2, 4)), ((), (2,)), ((2, 1), (3,)), ((0,), (0,)), ((5,), ())):
    cs = [np.asarray(random.random(conditions) < 0.5) for _ in range(2)]
    vs = [np.asarray(real(*choices)) for _ in range(2)]
    values("select", [*cs, *vs], np.select(cs, vs, 7.5))

# --- sorting ---------------------------------------------------------------------------------------------------------
special = np.array([2.0, np.nan, -0.0, 0.0, np.inf, -np.inf, 5e-324, -5e-324, np.nan, 2.0])
for shape, axis in (((7,), 0), ((3, 5), 1), ((3, 5), 0), ((2, 3, 4), 1), ((2, 0), 1), ((300,), 0), ((2, 250), 1)):
    x = real(*shape)
    f = lambda a, axis=axis: torch.sort(a ** 3, dim=axis, stable=True)[0]
    if np.prod(shape) < 100:
        differentiable(f"sort_cubes_{axis}", [x], f)
    rounded = np.round(x * 2) / 2
    values(f"sort_{axis}", [rounded], np.sort(rounded, axis, kind="stable"))
    values(f"argsort_{axis}", [rounded], np.argsort(rounded, axis, kind="stable"))
    values(f"argsort_descending_{axis}", [rounded], np.argsort(-rounded, axis, kind="stable"))
values("sort_0", [special], np.sort(special, kind="stable"))
values("argsort_0", [special], np.argsort(special, kind="stable"))
values("argsort_descending_0", [special], np.argsort(-special, kind="stable"))
integers = np.array([2**63 - 1, -2**63, 2**53 + 1, 2**53, 0, -1, 2**63 - 2])
values("sort_0", [integers], np.sort(integers))
values("argsort_0", [integers], np.argsort(integers, kind="stable"))
values("sort_0", [integers.astype(np.int32)], np.sort(integers.astype(np.int32)))
values("sort_0", [integers.astype(np.uint8)], np.sort(integers.astype(np.uint8)))
for shape, axis in (((7,), 0), ((3, 5), 1), ((5, 3), 0), ((2, 4, 3), 1), ((3, 3), 1), ((9,), 0)):
    x = real(*shape)
    differentiable(f"top_3_{axis}", [x], lambda a, axis=axis: torch.topk(a ** 3, 3, dim=axis)[0])
    values(f"top_3_indices_{axis}", [x], torch.topk(torch.tensor(x), 3, dim=axis)[1].numpy())
values("top_3_indices_0", [np.array([1.0, 3.0, 3.0, 2.0, 3.0, 3.0])], np.array([1, 2, 4]))
values("top_3_indices_0", [integers], np.array([0, 6, 2]))

# --- searching and counting ------------------------------------------------------------------------------------------
for n, shape in ((5, (3, 4)), (1, (6,)), (0, (3,)), (8, ()), (20, (2, 3, 2)), (3, (0,))):
    s, x = np.sort(np.round(real(n), 1)), np.round(real(*shape), 1)
    x = np.asarray(x)
    for side in ("left", "right"):
        values(f"searchsorted_{side}", [s, x], np.searchsorted(s, x, side))
    for right in (False, True):
        values(f"digitize_{'right' if right else 'left'}", [x, s], np.digitize(x, s, right))
        values(f"digitize_{'right' if right else 'left'}", [x, s[::-1].copy()], np.digitize(x, s[::-1], right))
    values("isin", [x, s], np.isin(x, s))
values("searchsorted_left", [np.sort(integers), integers], np.searchsorted(np.sort(integers), integers))
values("searchsorted_right", [np.sort(special), special], np.searchsorted(np.sort(special), special, "right"))
values("searchsorted_left", [np.sort(special), special], np.searchsorted(np.sort(special), special))
values("digitize_left", [integers, np.sort(integers)[::-1].copy()], np.digitize(integers, np.sort(integers)[::-1]))
values("isin", [special, np.array([np.nan, 0.0, 2.0])], np.isin(special, [np.nan, 0.0, 2.0]))
for x in (np.round(real(9)), integers, special, index(3, 2, 3), np.zeros(0), np.asarray(real()),
          np.array([True, False, True]), np.round(real(400))):
    found, first, inverse, counts = np.unique(x, True, True, True)
    values("unique_values", [x], found)
    values("unique_index", [x], first)
    values("unique_inverse", [x], inverse.reshape(x.shape))
    values("unique_counts", [x], counts)
for n, high, least in ((8, 5, 0), (8, 2, 6), (1, 3, 0), (0, 3, 2), (50, 4, 0), (3, 1, 2)):
    x, w = index(high, n, low=0), real(n)
    values(f"bincount_{least}", [x], np.bincount(x, minlength=least))
    if n:  # else NumPy counts in integers
        values(f"bincount_weights_{least}", [x, w], np.bincount(x, w, least))
for x in (real(30), real(5, 4), np.zeros(0), np.array([2.0, 2.0]), np.array([0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 1.0]),
          index(9, 40).astype(np.int64), np.array([0, 4])):
    w = real(*x.shape)
    counts, edges = np.histogram(x)
    values("histogram_10", [x], counts)
    values("histogram_edges_10", [x], edges)
    values("histogram_range", [x], np.histogram(x, 4, (-1.0, 1.0))[0])
    values("histogram_uneven", [x], np.histogram(x, [-1.0, -0.25, 0.5, 2.0])[0])
    if x.size:
        values("histogram_density", [x, np.abs(w)], np.histogram(x, 5, density=True, weights=np.abs(w))[0])

with open("indexing_values.json", "w") as file:
    file.write('{"cases": [\n' + ",\n".join(json.dumps(c) for c in cases) + "\n]}\n")
print(len(cases), "cases")
