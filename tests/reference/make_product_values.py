#!/usr/bin/env python3
"""Writes product_values.json: products of tensors with gradients and second derivatives, by PyTorch in float64.
The format is told in tests/reference_cases.hpp."""
import json
import pathlib

import numpy as np
import torch

random = np.random.default_rng(20)


def plain(values, dtype):
    flat = np.asarray(values).reshape(-1)
    if dtype.startswith("float"):
        return [float(repr(float(v))) if np.isfinite(v) else str(float(v)) for v in flat]
    return [int(v) for v in flat]


def described(array):
    array = np.asarray(array)
    return {"shape": list(array.shape), "dtype": str(array.dtype), "values": plain(array, str(array.dtype))}


def case(call, f, *inputs, second=True, differentiate=None):
    """One case: f takes torch tensors. Every float input is differentiated unless `differentiate` names some."""
    tensors = [torch.tensor(x) for x in inputs]
    floats = [k for k, t in enumerate(tensors) if t.is_floating_point()]
    if differentiate is not None:
        floats = [k for k in floats if k in differentiate]
    for k in floats:
        tensors[k].requires_grad_()
    out = f(*tensors)
    result = {"call": call, "in": [described(x) for x in inputs], "out": described(out.detach().numpy())}
    if not floats or not out.is_floating_point():
        return result
    xs = [tensors[k] for k in floats]
    seed = random.standard_normal(tuple(out.shape))
    grads = torch.autograd.grad(out, xs, torch.tensor(seed), create_graph=second, allow_unused=True)
    grads = [torch.zeros_like(x) if g is None else g for g, x in zip(grads, xs)]

    def spread(values):
        row = [None] * len(inputs)
        for k, v in zip(floats, values):
            row[k] = None if v is None else plain(v.numpy(force=True), "float64")
        return row

    result["seed"] = plain(seed, "float64")
    result["grads"] = spread(grads)
    result["dir"] = result["second"] = None
    if second:
        directions = [torch.tensor(random.standard_normal(tuple(x.shape))) for x in xs]
        slope = sum((g * d).sum() for g, d in zip(grads, directions))
        products = [None] * len(xs)
        if slope.requires_grad:
            products = torch.autograd.grad(slope, xs, allow_unused=True)
        result["dir"] = spread(directions)
        result["second"] = spread([torch.zeros_like(x) if p is None else p for p, x in zip(products, xs)])
    return result


def write(name, cases):
    path = pathlib.Path(__file__).with_name(name)
    path.write_text('{"cases": [\n' + ",\n".join(json.dumps(c) for c in cases) + "\n]}\n")
    print(path.name, len(cases), "cases", path.stat().st_size, "bytes")


def normal(*shape):
    return np.round(random.standard_normal(shape), 6)


def whole(*shape, limit=100, dtype="int64"):
    return random.integers(-limit, limit, shape).astype(dtype)


def conv(a, v, mode):
    """Full convolution by sums of shifted copies, so that it can be differentiated."""
    rows = [torch.nn.functional.pad(a * v[k], (k, len(v) - 1 - k)) for k in range(len(v))]
    full = torch.stack(rows).sum(0)
    longer, shorter = max(len(a), len(v)), min(len(a), len(v))
    if mode == "full":
        return full
    if mode == "valid":
        return full[shorter - 1:longer]
    return full[(shorter - 1) // 2:][:longer]


def corr(a, v, mode):
    full = conv(a, v.flip(0), "full")
    longer, shorter = max(len(a), len(v)), min(len(a), len(v))
    if mode == "full":
        return full
    if mode == "valid":
        return full[shorter - 1:longer]
    start = (shorter - 1) // 2 if len(a) >= len(v) else shorter // 2
    return full[start:][:longer]


def powers(x, exponents):
    return torch.stack([x**n for n in exponents], -1)


EINSUMS = [
    ("i,i->", [(3,), (3,)]), ("ij,jk->ik", [(2, 3), (3, 4)]), ("ij,jk", [(2, 3), (3, 4)]), ("ji,jk->ki", [(3, 2), (3, 4)]),
    ("bij,bjk->bik", [(2, 3, 2), (2, 2, 4)]), ("bij,kj->bki", [(2, 3, 2), (4, 2)]), ("ii->i", [(3, 3)]), ("ii", [(3, 3)]),
    ("iij->ji", [(2, 2, 3)]), ("iijj->ij", [(2, 2, 3, 3)]), ("ijk->", [(2, 3, 2)]), ("ij,ij->i", [(2, 3), (2, 3)]),
    ("i,j->ij", [(2,), (3,)]), ("...ij,...jk->...ik", [(3, 1, 2, 3), (2, 3, 2)]), ("i...,i...->...", [(3, 2, 2), (3, 2, 2)]),
    ("...,...", [(2, 3), (3,)]), ("ij,jk,kl,lm->im", [(2, 3), (3, 4), (4, 2), (2, 3)]), ("ijk,ilm,njm,nlk,abc->", [(2, 3, 2), (2, 2, 3), (2, 3, 3), (2, 2, 2), (1, 2, 1)]),
    ("bhqd,bhkd->bhqk", [(2, 2, 3, 4), (2, 2, 2, 4)]), ("abcd,dcef->baef", [(2, 3, 2, 2), (2, 2, 3, 2)]),
    ("ij,j,i->", [(2, 3), (3,), (2,)]), ("i,i,i->i", [(3,), (3,), (3,)]), ("ab,cd,ef->fdbeca", [(2, 2), (2, 3), (2, 2)]),
    ("cba,Da->bDc", [(2, 3, 2), (3, 2)]), (",ij->ji", [(), (2, 3)]), ("ij,jk", [(2, 1), (3, 2)]),
]


def main():
    cases = []
    for a, b in [((2, 3), (3, 4)), ((3,), (3,)), ((3,), (2, 3, 2)), ((2, 2, 3), (3,)), ((2, 1, 2, 3), (4, 3, 2)), ((2, 3, 2), (2, 2))]:
        cases.append(case("matmul", torch.matmul, normal(*a), normal(*b)))
    cases.append(case("matmul", torch.matmul, whole(3, 2, limit=2**31), whole(2, 2, limit=2**31)))
    for a, b in [((2, 3), (3,)), ((2, 2, 3), (3,)), ((2, 3), (4, 3)), ((3, 1, 2), (3, 2)), ((1, 4), (4,)), ((2, 1, 2, 3), (4, 3))]:
        cases.append(case("matvec", lambda a, x: torch.matmul(a, x[..., None])[..., 0], normal(*a), normal(*b)))
    for a, b in [((3,), (3,)), ((2, 3), (3,)), ((2, 1, 3), (4, 3)), ((2, 3), (2, 3)), ((1,), (1,)), ((3, 2, 2), (1, 2, 2))]:
        cases.append(case("vecdot", lambda a, b: torch.linalg.vecdot(a, b), normal(*a), normal(*b)))
    for a, b in [((3,), (3,)), ((2, 3), (3, 4)), ((2, 3), (3,)), ((2, 3), (2, 3, 2)), ((3,), (2, 3, 2)), ((), (2, 2))]:
        d = max(len(b) - 2, 0)
        cases.append(case("dot", lambda a, b, d=d: a * b if a.dim() == 0 else torch.tensordot(a, b, ([a.dim() - 1], [d])),
                          normal(*a), normal(*b)))
    cases.append(case("dot", lambda a, b: torch.tensor(np.dot(a.numpy(), b.numpy())), whole(2, 3, limit=2**40), whole(3, 2)))
    for a, b in [((3,), (3,)), ((2, 3), (3, 2)), ((6,), (2, 3)), ((), ()), ((1, 4), (4,)), ((2, 2, 2), (8,))]:
        cases.append(case("vdot", lambda a, b: (a.reshape(-1) * b.reshape(-1)).sum(), normal(*a), normal(*b)))
    for a, b in [((3,), (3,)), ((2, 3), (4, 3)), ((2, 3), (3,)), ((2, 2, 3), (2, 3)), ((), (3,)), ((3,), (2, 1, 3))]:
        cases.append(case("inner", torch.inner, normal(*a), normal(*b)))
    for a, b in [((3,), (2,)), ((2, 2), (3,)), ((), (3,)), ((2,), (2, 2)), ((1,), (1,)), ((4,), (5,))]:
        cases.append(case("outer", lambda a, b: torch.outer(a.reshape(-1), b.reshape(-1)), normal(*a), normal(*b)))
    for a, b in [((2, 3), (2, 3)), ((2, 2, 3), (2, 3, 4)), ((3, 2, 2), (2, 2)), ((1, 2), (1, 2, 2)), ((4, 1), (4, 1)), ((2, 3, 1, 2), (1, 2, 3))]:
        cases.append(case("tensordot", lambda a, b: torch.tensordot(a, b, 2), normal(*a), normal(*b)))
    for a, b in [((2, 3, 4), (4, 5, 2)), ((3, 2, 2), (2, 1, 3)), ((2, 1, 3), (3, 2, 2)), ((1, 2, 1), (1, 3, 1)), ((2, 2, 2), (2, 2, 2)), ((4, 2, 3), (3, 1, 4))]:
        cases.append(case("tensordot_axes", lambda a, b: torch.tensordot(a, b, ([2, 0], [0, 2])), normal(*a), normal(*b)))
    for a, b in [((2, 3), (3, 2)), ((2,), (3,)), ((2,), (2, 3)), ((2, 1, 2), (3,)), ((), (2, 2)), ((1, 2), (2, 1))]:
        cases.append(case("kron", torch.kron, normal(*a), normal(*b)))
    for a, b in [((3,), (3,)), ((2, 3), (2, 3)), ((2, 1, 3), (4, 3)), ((1, 3), (3, 3)), ((4, 3), (1, 3)), ((2, 2, 3), (1, 1, 3))]:
        cases.append(case("cross", lambda a, b: torch.linalg.cross(*torch.broadcast_tensors(a, b)), normal(*a), normal(*b)))
    for n in [1, 2, 3, 4, 5, 6]:
        cases.append(case("vander", lambda x: powers(x, range(len(x))[::-1]), normal(n)))
        cases.append(case("vander_increasing", lambda x: powers(x, range(4)), normal(n)))
    cases.append(case("vander", lambda x: powers(x, range(len(x))[::-1]), np.array([0.0, 0.5, -2.0])))
    cases.append(case("vander", lambda x: torch.tensor(np.vander(x.numpy())), whole(5, limit=2000)))
    for shapes in [[(2, 3), (3, 4)], [(3,), (3, 2), (2,)], [(2, 3), (3, 1), (1, 4)], [(3,), (3, 4), (4, 2)],
                   [(2, 2), (2, 5), (5, 1), (1, 3)], [(2, 3), (3, 2), (2, 4), (4, 2), (2,)]]:
        cases.append(case("multi_dot", lambda *t: torch.linalg.multi_dot(t), *[normal(*s) for s in shapes]))
    for m, n in [(3, 3), (5, 2), (2, 5), (6, 4), (1, 3), (4, 1), (7, 3)]:
        for mode in ["full", "same", "valid"]:
            a, v = normal(m), normal(n)
            assert np.allclose(np.convolve(a, v, mode), conv(torch.tensor(a), torch.tensor(v), mode).numpy())
            assert np.allclose(np.correlate(a, v, mode), corr(torch.tensor(a), torch.tensor(v), mode).numpy())
            cases.append(case("convolve_" + mode, lambda a, v: conv(a, v, mode), a, v))
            cases.append(case("correlate_" + mode, lambda a, v: corr(a, v, mode), a, v))
    cases.append(case("convolve_full", lambda a, v: torch.tensor(np.convolve(a.numpy(), v.numpy())), whole(5, limit=2**31), whole(3, limit=2**31)))
    for text, shapes in EINSUMS:
        inputs = [normal(*s) for s in shapes]
        expected = torch.einsum(text, *[torch.tensor(x) for x in inputs]).numpy()
        assert np.allclose(np.einsum(text, *inputs), expected)
        one = case("einsum", lambda *t: torch.einsum(text, *t), *inputs)
        one["call"] = "einsum " + text
        cases.append(one)
    cases.append(dict(case("x", lambda *t: torch.tensor(np.einsum("ij,jk", *[x.numpy() for x in t])),
                           whole(2, 3, limit=2**40), whole(3, 2)), call="einsum ij,jk"))
    write("product_values.json", cases)


if __name__ == "__main__":
    main()
