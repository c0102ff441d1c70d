#!/usr/bin/env python3
"""Writes scan_values.json: scans with gradients and second derivatives, by PyTorch in float64, and integers by NumPy.
The format is told in tests/reference_cases.hpp."""
import numpy as np
import torch

from make_product_values import case, normal, whole, write

inf, nan = np.inf, np.nan


def along(f, axis, reverse=False):
    """f of rows, moved to an axis (None: of everything)."""
    def call(x):
        rows = x.reshape(-1) if axis is None else x.movedim(axis, -1)
        out = f(rows.flip(-1)).flip(-1) if reverse else f(rows)
        return out if axis is None else out.movedim(-1, axis)
    return call


def steps(join):
    """Running results by one operation after another."""
    def call(x):
        parts = [x[..., 0]]
        for k in range(1, x.shape[-1]):
            parts.append(join(parts[-1], x[..., k]))
        return torch.stack(parts, -1)
    return call


def recurrence(a, b):
    parts = [b[..., 0] + 0 * a[..., 0]]
    for k in range(1, b.shape[-1]):
        parts.append(b[..., k] + a[..., k] * parts[-1])
    return torch.stack(parts, -1)


SCANS = {
    "cumsum": lambda x: torch.cumsum(x, -1),
    "cumprod": steps(lambda y, x: y * x),
    "cummax": lambda x: torch.cummax(x, -1).values,
    "cummin": lambda x: torch.cummin(x, -1).values,
    "logcumsumexp": lambda x: torch.stack([torch.logsumexp(x[..., :k + 1], -1) for k in range(x.shape[-1])], -1),
}


def scans():
    cases = []
    for name, f in SCANS.items():
        for suffix, axis, reverse in [("", None, False), ("_last", -1, False), ("_first_back", 0, True)]:
            for shape in [(4,), (2, 3), (3, 1, 4), (1, 5)]:
                cases.append(case(name + suffix, along(f, axis, reverse), normal(*shape)))
    zeros = np.array([[1.5, 0.0, -2.0, 0.0, 3.0], [0.0, 0.0, 1.0, 2.0, 3.0], [2.0, -1.0, 0.5, 4.0, 0.0]])
    for suffix, axis, reverse in [("", None, False), ("_last", -1, False), ("_first_back", 0, True)]:
        cases.append(case("cumprod" + suffix, along(SCANS["cumprod"], axis, reverse), zeros))
    ties = np.array([[1.0, 2.0, 2.0, 1.0, 2.0], [3.0, 3.0, 1.0, 0.0, 4.0]])
    for name in ["cummax", "cummin"]:
        cases.append(case(name + "_last", along(SCANS[name], -1), ties))
        cases.append(case(name + "_last", along(SCANS[name], -1), np.array([1.0, nan, 3.0, inf, -inf]), second=False))
    cases.append(case("logcumsumexp_last", along(SCANS["logcumsumexp"], -1), np.array([-800.0, 0.5, 700.0, 1000.0, 999.0])))
    for name, ufunc in [("cumsum", np.add), ("cumprod", np.multiply), ("cummax", np.maximum), ("cummin", np.minimum)]:
        for limit in [5, 2**62]:
            cases.append(case(name + "_last", lambda x: torch.tensor(ufunc.accumulate(x.numpy(), -1)), whole(2, 6, limit=limit)))
    for suffix, n, axis in [("", 1, -1), ("_2_first", 2, 0), ("_3", 3, -1)]:
        for shape in [(4,), (3, 4), (5, 1), (2, 3, 4)]:
            cases.append(case("diff" + suffix, lambda x: torch.diff(x, n, axis), normal(*shape)))
        cases.append(case("diff" + suffix, lambda x: torch.tensor(np.diff(x.numpy(), n, axis)), whole(4, 5, limit=2**61)))
    for a, b in [((4,), (4,)), ((2, 4), (2, 4)), ((3,), (2, 3)), ((2, 1), (2, 5)), ((), (4,)), ((3, 2, 3), (3,))]:
        for suffix, axis, reverse in [("", -1, False), ("_first_back", 0, True)]:
            def call(a, b):
                a, b = [x.movedim(axis, -1) for x in torch.broadcast_tensors(a, b)]
                out = recurrence(a.flip(-1), b.flip(-1)).flip(-1) if reverse else recurrence(a, b)
                return out.movedim(-1, axis)
            cases.append(case("linear_recurrence" + suffix, call, normal(*a), normal(*b)))
    write("scan_values.json", cases)


if __name__ == "__main__":
    scans()
