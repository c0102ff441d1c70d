#!/usr/bin/env python3
"""Writes scan_values.json and reduce_values.json: scans and reductions with gradients and second derivatives, by PyTorch in float64, and integers by NumPy.
The format is told in tests/reference_cases.hpp."""
import functools

import numpy as np
import torch

from make_product_values import case, normal, random, whole, write

inf, nan = np.inf, np.nan

# Derivatives known to be 0 come as tensors without memory, which are only converted when forced.
torch.Tensor.numpy = functools.partialmethod(torch.Tensor.numpy, force=True)


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


# --- reductions -------------------------------------------------------------------------------------------------------

AXES = [("", None), ("_last", (-1,)), ("_outer", (0, 2))]


def over(f, axes):
    """f of rows: the axes moved behind the others and made one."""
    def call(x):
        if axes is None:
            return f(x.reshape(-1))
        moved = x.movedim([a % x.dim() for a in axes], list(range(-len(axes), 0)))
        return f(moved.reshape(*moved.shape[:x.dim() - len(axes)], -1))
    return call


def numpy_of(f, axes):
    return lambda x: torch.tensor(f(x.numpy(), axis=axes if axes is None or len(axes) > 1 else axes[0]))


def vector(order):
    return lambda x: torch.linalg.vector_norm(x, order, -1)


def product(x):
    out = x[..., 0]
    for k in range(1, x.shape[-1]):
        out = out * x[..., k]
    return out


def without_nan(f, number):
    return lambda x: f(torch.where(torch.isnan(x), torch.full_like(x, number), x))


def nan_var(x, ddof):
    missing = torch.isnan(x)
    n = (~missing).sum(-1)
    x = torch.where(missing, 0.0, x)
    d = torch.where(missing, 0.0, x - (x.sum(-1) / n).unsqueeze(-1))
    return (d * d).sum(-1) / (n - ddof)


def extreme(f):
    """With the share of equal elements as torch.amax has it."""
    return lambda x: f(x, -1)


REDUCTIONS = {
    "mean": lambda x: x.mean(-1), "var": lambda x: x.var(-1, correction=0), "var_1": lambda x: x.var(-1, correction=1),
    "std": lambda x: x.std(-1, correction=0), "prod": product, "max": extreme(torch.amax), "min": extreme(torch.amin),
    "ptp": lambda x: torch.amax(x, -1) - torch.amin(x, -1), "logsumexp": lambda x: torch.logsumexp(x, -1),
    "vector_norm": vector(2.0), "vector_norm_1": vector(1.0), "vector_norm_3": vector(3.0),
    "vector_norm_half": vector(0.5), "vector_norm_inf": vector(inf), "vector_norm_minus_2": vector(-2.0),
    "nansum": lambda x: torch.nansum(x, -1), "nanprod": without_nan(product, 1.0),
    "nanmean": lambda x: torch.nanmean(x, -1), "nanvar_1": lambda x: nan_var(x, 1), "nanstd": lambda x: nan_var(x, 0).sqrt(),
    "nanmax": without_nan(extreme(torch.amax), -inf), "nanmin": without_nan(extreme(torch.amin), inf),
}
METHODS = ["linear", "lower", "higher", "nearest", "midpoint", "inverted_cdf", "averaged_inverted_cdf",
           "closest_observation", "interpolated_inverted_cdf", "hazen", "weibull", "median_unbiased", "normal_unbiased"]


def reductions():
    cases = []
    for name, f in REDUCTIONS.items():
        for suffix, axes in AXES:
            for shape in [(2, 3, 2), (1, 4, 3)] + ([(5,)] if suffix != "_outer" else []):
                x = normal(*shape)
                if name in ("var_1", "nanvar_1", "std", "nanstd"):
                    x = normal(2, 2, 4)
                if name.startswith("nan"):
                    x.reshape(-1)[1] = nan
                cases.append(case(name + suffix, over(f, axes), x))
    for x in [[[0.0, 2.0, 3.0], [0.0, 0.0, 3.0], [1.0, 0.0, -2.0]], [[0.0, 0.0, 0.0]]]:
        cases.append(case("prod_last", over(product, (-1,)), np.array(x)))
        cases.append(case("prod", over(product, None), np.array(x)))
        # PyTorch's second derivative at zeros is NaN.
        cases.append(case("vector_norm", lambda x: torch.linalg.vector_norm(x), np.array(x), second=False))
    for name, f in [("prod", np.prod), ("max", np.max), ("min", np.min), ("ptp", np.ptp), ("sum", np.sum),
                    ("count_nonzero", np.count_nonzero), ("any", np.any), ("all", np.all)]:
        for suffix, axes in AXES:
            if name == "ptp" and suffix == "_outer":
                continue
            for x in [whole(2, 3, 2, limit=3), whole(2, 3, 2, limit=2**61)]:
                cases.append(case(name + suffix, numpy_of(f, axes), x))
    for name, f in [("any", np.any), ("all", np.all), ("sum", np.sum), ("prod", np.prod)]:
        cases.append(case(name + "_last", numpy_of(f, (-1,)), whole(3, 2, limit=2) > 0))
    for name, f in [("argmax", np.argmax), ("argmin", np.argmin)]:
        for x in [whole(3, 5, limit=3), whole(3, 5, limit=2**62), normal(2, 3, 4), np.array([[1.0, nan, 2.0], [inf, -inf, inf]])]:
            one = case(name + "_last", numpy_of(f, (-1,)), x)
            cases.append({k: one[k] for k in ["call", "in", "out"]})
            one = case(name + "_first", numpy_of(f, (0,)), x)
            cases.append({k: one[k] for k in ["call", "in", "out"]})
    for name, order in [("1", 1), ("minus_1", -1), ("inf", inf), ("minus_inf", -inf), ("fro", "fro")]:
        for shape in [(2, 3), (3, 2, 4), (1, 3)]:
            cases.append(case("norm_" + name, lambda x: torch.linalg.matrix_norm(x, order), normal(*shape)))
            if len(shape) == 3:
                cases.append(case("norm_" + name + "_axes", lambda x: torch.linalg.matrix_norm(x, order, (2, 0)), normal(*shape)))
    for shape, weights in [((5,), (5,)), ((2, 4), (4,)), ((2, 2, 3), (3,)), ((2, 3), (2, 3)), ((1, 4), (1, 4)), ((3, 2), (2,))]:
        cases.append(case("average_last", lambda x, w: (x * w).sum(-1) / (w * torch.ones_like(x)).sum(-1), normal(*shape),
                          abs(normal(*weights)) + 0.5))
    def numpy_quantile(x, q, axes, method):
        """NumPy's value as a weighted sum of sorted elements, whose weights NumPy tells for the rows 0 ... n-1."""
        def rows(y):
            n = y.shape[-1]
            weights = torch.stack([torch.tensor(np.quantile((np.arange(n) >= k).astype(float), q, method=method))
                                   for k in range(n)], -1)
            s = torch.sort(y, -1).values
            steps = torch.cat([s[..., :1], s[..., 1:] - s[..., :-1]], -1)
            return (weights * steps).sum(-1)
        out = over(rows, axes)(x)
        ax = None if axes is None else axes if len(axes) > 1 else axes[0]
        assert np.allclose(out.detach().numpy(), np.quantile(x.detach().numpy(), q, axis=ax, method=method), atol=1e-12)
        return out
    for method in METHODS:
        for q in [0.0, 0.1, 0.25, 0.5, 0.7, 1.0]:
            cases.append(case("quantile_" + method, lambda x, _: numpy_quantile(x, q, (-1,), method),
                              normal(2, int(random.integers(1, 8))), np.array(q), differentiate=[0]))
    for suffix, axes in AXES:
        for shape in [(2, 3, 2), (3, 2, 3)]:
            cases.append(case("median" + suffix, lambda x: numpy_quantile(x, 0.5, axes, "linear"), normal(*shape)))
            cases.append(case("quantile" + suffix, lambda x: torch.stack([numpy_quantile(x, q, axes, "linear") for q in [0.2, 0.9, 0.35]]), normal(*shape)))
    write("reduce_values.json", cases)


if __name__ == "__main__":
    scans()
    reductions()
