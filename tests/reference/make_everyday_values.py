#!/usr/bin/env python3
"""Writes everyday_values.json: statistics, windows, sets, grids, parts of numbers and creation, by NumPy (values) and by
PyTorch in float64 (gradients and second derivatives), and whole numbers up to 2^63 by NumPy. The format is told in
tests/reference_cases.hpp."""
import mpmath
import numpy as np
import torch

from make_product_values import case, described, normal, random, whole, write

inf, nan = np.inf, np.nan
cases = []


def values(call, out, *inputs):
    """A case of values alone."""
    cases.append({"call": call, "in": [described(np.asarray(x)) for x in inputs], "out": described(np.asarray(out))})


def both(call, f, g, *inputs, **options):
    """Values by NumPy's f, which PyTorch's g must agree with, and derivatives by g."""
    made = case(call, g, *inputs, **options)
    expected = np.asarray(f(*inputs), dtype=float)
    found = np.array([float(v) for v in made["out"]["values"]]).reshape(expected.shape)
    assert np.allclose(found, expected, rtol=1e-13, atol=1e-13, equal_nan=True), call
    made["out"] = described(expected)
    cases.append(made)


# --- statistics -------------------------------------------------------------------------------------------------------


def torch_cov(x, ddof=1, weights=None, repeats=None):
    w = torch.ones(x.shape[-1], dtype=x.dtype)
    if repeats is not None:
        w = w * repeats
    if weights is not None:
        w = w * weights
    n = w.sum()
    apart = x - (x * w).sum(-1, keepdim=True) / n
    below = n - ddof * (w * weights).sum() / n if weights is not None else n - ddof
    return (apart @ (apart * w).T / below).squeeze()


for shape in [(2, 5), (3, 4), (1, 6), (4, 2), (2, 3), (5, 7)]:
    x = normal(*shape)
    both("cov", np.cov, torch_cov, x)
    both("cov_columns_biased", lambda x: np.cov(x, rowvar=False, bias=True), lambda x: torch_cov(x.T, 0), x)
    f, a = random.integers(1, 4, shape[1]), random.uniform(0.5, 2, shape[1])
    both("cov_weights", lambda x, f, a: np.cov(x, fweights=f, aweights=a),
         lambda x, f, a: torch_cov(x, 1, a, f), x, f, a)
    if shape[1] > 2:
        def correlation(x):
            c = torch_cov(x)
            d = torch.sqrt(torch.diagonal(c)) if c.dim() else None
            return c / c if d is None else c / d[:, None] / d
        cases.append(case("corrcoef", correlation, x, second=False))
        assert np.allclose(np.array(cases[-1]["out"]["values"]), np.corrcoef(x).ravel())
    both("moments_variance", lambda x: np.var(x, -1), lambda x: x.var(-1, correction=0), x)
    both("moments_mean", lambda x: np.mean(x, -1), lambda x: x.mean(-1), x)
    both("normalize", lambda x: x / np.linalg.norm(x, axis=-1, keepdims=True),
         lambda x: x / torch.sqrt((x * x).sum(-1, keepdim=True)), x)
    both("normalize_3", lambda x: x / np.linalg.norm(x, 3, axis=-1, keepdims=True),
         lambda x: x / (abs(x) ** 3).sum(-1, keepdim=True) ** (1 / 3), x)
    y = normal(*shape)
    both("psnr", lambda x, y: 20 * np.log10(3) - 10 * np.log10(np.mean((x - y) ** 2)),
         lambda x, y: 20 * np.log10(3) - 10 * torch.log10(((x - y) ** 2).mean()), x, y)
    both("cdist", lambda x, y: np.linalg.norm(x[:, None] - y[None], axis=-1),
         lambda x, y: torch.sqrt(((x[:, None] - y[None]) ** 2).sum(-1)), x, normal(3, shape[1]))
    both("trapezoid", lambda y: np.trapezoid(y, dx=0.3, axis=0), lambda y: torch.trapezoid(y, dx=0.3, dim=0), x)
    places = np.sort(normal(shape[1]))
    both("trapezoid_places", np.trapezoid, lambda y, x: torch.trapezoid(y, x, dim=-1), x, places)
    if shape[1] > 3:
        for order in [1, 2]:
            both(f"gradient_{order}", lambda y: np.gradient(y, 0.4, axis=-1, edge_order=order),
                 lambda y: torch.gradient(y, spacing=0.4, dim=-1, edge_order=order)[0], x)
            both(f"gradient_places_{order}", lambda y, p: np.gradient(y, p, axis=-1, edge_order=order),
                 lambda y, p: torch.gradient(y, spacing=(p,), dim=-1, edge_order=order)[0], x, places,
                 differentiate=[0])
    turns = np.cumsum(random.uniform(-3, 5, shape), -1) % (2 * np.pi)
    both("unwrap", lambda x: np.unwrap(x), lambda x: x + torch.tensor(np.unwrap(x.detach().numpy()) - x.detach().numpy()),
         turns)
    both("unwrap_period", lambda x: np.unwrap(x, axis=0, period=3.0, discont=1.8),
         lambda x: x + torch.tensor(np.unwrap(x.detach().numpy(), axis=0, period=3.0, discont=1.8) - x.detach().numpy()), turns)
    both("ediff1d", lambda x: np.ediff1d(x), lambda x: torch.diff(x.reshape(-1)), x)


def torch_interp(x, xp, fp, left=None, right=None):
    k = torch.clamp(torch.searchsorted(xp.detach(), x.detach(), right=True) - 1, 0, len(xp) - 2)
    y = fp[k] + (fp[k + 1] - fp[k]) / (xp[k + 1] - xp[k]) * (x - xp[k])
    y = torch.where(x < xp[0], fp[0] if left is None else torch.tensor(left, dtype=x.dtype), y)
    return torch.where(x > xp[-1], fp[-1] if right is None else torch.tensor(right, dtype=x.dtype), y)


for shape, n in [((6,), 4), ((2, 3), 2), ((), 5), ((3, 1, 2), 3), ((8,), 6), ((4,), 7)]:
    x, xp, fp = normal(*shape), np.sort(normal(n)), normal(n)
    both("interp", np.interp, torch_interp, x, xp, fp)
    both("interp_ends", lambda x, xp, fp: np.interp(x, xp, fp, left=-7, right=9),
         lambda x, xp, fp: torch_interp(x, xp, fp, -7.0, 9.0), x, xp, fp)
    values("interp_period", np.interp(x, xp, fp, period=1.5), x, xp, fp)

# --- windows ----------------------------------------------------------------------------------------------------------

for n in [1, 2, 3, 7, 12, 51]:
    for window in [np.bartlett, np.blackman, np.hamming, np.hanning]:
        values(window.__name__, window(n), np.int64(n))
    for beta in [0.0, 2.5, 14.0]:
        values("kaiser", np.kaiser(n, beta), np.int64(n), beta)
beta = torch.tensor(2.5, dtype=torch.float64)
for n in [3, 4, 7, 12, 5, 9]:
    def kaiser(n, beta):
        across = torch.tensor((2.0 * np.arange(int(n)) + 1 - int(n)) / (int(n) - 1))
        return torch.special.i0(beta * torch.sqrt(torch.clamp(1 - across ** 2, min=0))) / torch.special.i0(beta)
    made = case("kaiser", kaiser, np.int64(n), np.array(2.5))
    assert np.allclose(made["out"]["values"], np.kaiser(n, 2.5), rtol=1e-13)
    cases.append(made)

# --- sets, orders and counts ------------------------------------------------------------------------------------------

for limit, dtype in [(4, np.int64), (9, np.int64), (3, np.float64), (6, np.float64), (2**62, np.int64), (5, np.int32)]:
    a, b = [random.integers(-limit, limit, n).astype(dtype) for n in (9, 7)]
    b[:3] = a[:3]
    for f in [np.union1d, np.intersect1d, np.setdiff1d, np.setxor1d]:
        values(f.__name__, f(a, b), a, b)
    values("in_top_k", [sorted(p)[-2] <= p[k] for p, k in zip(a[:8].reshape(2, 4).astype(float), [1, 3])],
           np.array([1, 3]), a[:8].reshape(2, 4).astype(float))
    keys = [random.integers(0, 3, (2, 6)).astype(dtype) for _ in range(3)]
    values("lexsort", np.lexsort(keys), *keys)
    row = np.array([0, 0, *a[:3], 0, 7, 0]).astype(dtype)
    for trim in ["f", "b", "fb"]:
        values("trim_zeros_" + trim, np.trim_zeros(row, trim), row)
    x, y, w = normal(20), normal(20), random.uniform(0, 2, 20)
    values("histogram2d", np.histogram2d(x, y, [3, 4])[0].astype(np.int64), x, y)
    values("histogram2d_density", np.histogram2d(x, y, [3, 4], weights=w, density=True)[0], x, y, w)
    points = normal(25, 3)
    values("histogramdd", np.histogramdd(points, 2, [(-1, 1)] * 3)[0].astype(np.int64), points)
    values("histogram_bin_edges", np.histogram_bin_edges(a, 5).astype(np.float64), a)
    values("nonzero_1", np.nonzero(a.reshape(3, 3) > 0)[1], a.reshape(3, 3) > 0)
    values("bincount", np.bincount(abs(a.astype(np.int64)) % 6), abs(a.astype(np.int64)) % 6)
    values("array_equal", np.array_equal(a, a.copy()), a, a)
    values("array_equal", np.array_equal(a[:7], b), a[:7], b)
    values("array_equiv", np.array_equiv(a[:1], a[:1].repeat(4).reshape(2, 2)), a[:1], a[:1].repeat(4).reshape(2, 2))
    values("allclose", np.allclose(x, x + 1e-9 * limit), x, x + 1e-9 * limit)

# --- grids ------------------------------------------------------------------------------------------------------------

for n, k, m in [(3, 0, 3), (4, 1, 2), (2, -1, 5), (1, 0, 1), (5, -2, 4), (3, 2, 6)]:
    args = [np.int64(v) for v in (n, k, m)]
    for i in [0, 1]:
        values(f"tril_indices_{i}", np.tril_indices(n, k, m)[i], *args)
        values(f"triu_indices_{i}", np.triu_indices(n, k, m)[i], *args)
        values(f"tril_indices_from_{i}", np.tril_indices_from(np.zeros((n, m)), k)[i], np.zeros((n, m)), args[1])
        values(f"triu_indices_from_{i}", np.triu_indices_from(np.zeros((n, m)), k)[i], np.zeros((n, m)), args[1])
        values(f"indices_{i}", np.indices((n, m))[i], args[0], args[2])
        flat = random.integers(0, n * m, (2, 3))
        values(f"unravel_index_{i}", np.unravel_index(flat, (n, m))[i], flat, args[0], args[2])
        values(f"ix_{i}", np.ix_(np.arange(n), np.arange(m) * 2)[i], np.arange(n), np.arange(m) * 2)
    rows, columns = random.integers(0, n, (2, 3)), random.integers(0, m, 3)
    values("ravel_multi_index", np.ravel_multi_index((rows, columns), (n, m)), rows, columns, args[0], args[2])
    values("diag_indices", np.diag_indices(n, 3)[2], args[0])
    values("diag_indices_from", np.diag_indices_from(np.zeros((n, n)))[1], np.zeros((n, n)))
    values("broadcast_shapes", np.zeros(np.broadcast_shapes((n, 1), (1, m))), args[0], args[2])
    values("eye", np.eye(n, m, k), *args)
    values("tri", np.tri(n, m, k), *args)
    values("identity", np.identity(n), args[0])
    values("zeros", np.zeros((n, m)), args[0], args[2])
    values("ones", np.ones((n, m)), args[0], args[2])
    values("arange", np.arange(n * m), args[0], args[2])
    values("arange_steps", np.arange(n, n + 0.3 * m, 0.25), args[0], args[2])
    values("reshape_like", np.arange(n * m).reshape(m, n), np.arange(n * m), np.zeros((m, n)))
    x = normal(n, 6, 4)
    for i in [0, 1]:
        both(f"hsplit_{i}", lambda x: np.hsplit(x, 2)[i], lambda x: torch.hsplit(x, 2)[i], x)
        both(f"vsplit_{i}", lambda x: np.vsplit(x, 2)[i], lambda x: torch.vsplit(x, 2)[i], np.concatenate([x, x]))
        both(f"dsplit_{i}", lambda x: np.dsplit(x, 2)[i], lambda x: torch.dsplit(x, 2)[i], x)

# --- numbers ----------------------------------------------------------------------------------------------------------

special = np.array([0.0, -0.0, 1.0, -1.0, 0.5, -2.75, inf, -inf, nan, 5e-324, -2.2e-308, 1.7976931348623157e308, 3.0, 1e-3, 2.0**60])
for x in [special, normal(7) * 10, normal(2, 3), np.float64(7.25), 2.0 ** random.integers(-1074, 1023, 9), normal(4) * 1e-310]:
    values("modf_fraction", np.modf(x)[0], x)
    values("modf_whole", np.modf(x)[1], x)
    mantissa, exponent = np.frexp(x)
    values("frexp_mantissa", mantissa, x)
    values("frexp_exponent", exponent.astype(np.int32), x)
    with np.errstate(all="ignore"):
        values("spacing", np.spacing(x), x)
        shifts = random.integers(-2100, 2100, np.shape(x))
        values("ldexp", np.ldexp(x, shifts), x, shifts)
        values("rsqrt", 1 / np.sqrt(x), x)
        values("saturate_cast_float32", np.clip(x, -np.finfo(np.float32).max, np.finfo(np.float32).max).astype(np.float32), x)
for shape in [(4,), (2, 3), (), (1, 5), (3, 1, 2), (6,)]:
    a, b = normal(*shape) * 5, normal(*shape)
    values("divmod_quotient", np.divmod(a, b)[0], a, b)
    values("divmod_remainder", np.divmod(a, b)[1], a, b)
    cases.append(case("rsqrt", lambda x: torch.rsqrt(x), abs(a) + 0.1))
    cases.append(case("divide_no_nan", lambda a, b: torch.where(b > 0, a / torch.where(b > 0, b, 1.0), 0.0), a, abs(b) * (b > 0)))
    cases.append(case("ldexp", lambda x, n: x * 2.0 ** n, a, random.integers(-5, 5, shape)))
    cases.append(case("frexp_mantissa", lambda x: x / 2.0 ** torch.frexp(x.detach()).exponent, a))
    cases.append(case("modf_fraction", lambda x: torch.frac(x), a, second=False))

# --- whole numbers up to 2^63 -----------------------------------------------------------------------------------------

most, least = 2**63 - 1, -2**63
edge = np.array([most, least, most - 1, least + 1, 0, 1, -1, 2**62, -2**62, 2**53 + 1, 12345678901234567, -7], dtype=np.int64)
with np.errstate(all="ignore"):
    for k in range(6):
        a, b = random.permutation(edge), random.permutation(edge)
        c = random.integers(least, most, 12, dtype=np.int64)
        for name in ["add", "subtract", "multiply", "maximum", "minimum", "bitwise_and", "bitwise_or", "bitwise_xor", "equal",
                     "less", "greater_equal", "fmax", "fmin", "not_equal"]:
            values(name, getattr(np, name)(a, c if k % 2 else b), a, c if k % 2 else b)
        for name in ["negative", "positive", "square", "sign", "abs", "invert"]:
            values(name, getattr(np, name)(a), a)
        d = np.where(b == 0, 3, b)
        d = np.where((a == least) & (d == -1), 5, d)
        for name in ["floor_divide", "remainder", "fmod"]:
            values(name, getattr(np, name)(a, d), a, d)
        values("bitwise_count", np.bitwise_count(a), a)
        values("clip", np.clip(a, least + 9, most - 9), a)
        for name in ["sum", "prod", "max", "min", "cumsum", "cumprod", "argmax", "argmin", "sort", "argsort", "diff", "ptp"]:
            options = {"kind": "stable"} if name == "argsort" else {}
            values(name, getattr(np, name)(c, **options), c)
        small = random.integers(-2**31, 2**31 - 1, 12).astype(np.int32)
        for name in ["sum", "prod", "cumsum", "cumprod", "max"]:
            values(name, getattr(np, name)(small), small)
        values("matmul", c.reshape(3, 4) @ a.reshape(4, 3), c.reshape(3, 4), a.reshape(4, 3))
        values("dot", np.dot(c, a), c, a)
        values("trace", np.trace(c[:9].reshape(3, 3)), c[:9].reshape(3, 3))
        values("where", np.where(a > c, a, c), a > c, a, c)
        values("power_3", a**3, a)
        values("einsum", np.einsum("i,i->", c, a), c, a)
        values("outer", np.outer(c, a), c, a)
        values("kron", np.kron(c[:3], a[:2]), c[:3], a[:2])
        values("cross", np.cross(c[:3], a[:3]), c[:3], a[:3])
        values("take", np.take(c, [3, 1]), c)
        values("matrix_power", np.linalg.matrix_power(c[:4].reshape(2, 2), 5), c[:4].reshape(2, 2))
        values("lcm", np.lcm(np.abs(small.astype(np.int64)), np.int64(12)), small.astype(np.int64), np.int64(12))
        values("gcd", np.gcd(a[a != least], np.int64(360)), a[a != least], np.int64(360))
        values("saturate_cast_int32", np.clip(a, -2**31, 2**31 - 1).astype(np.int32), a)

# --- what leaves out NaN ----------------------------------------------------------------------------------------------

methods = ["linear", "lower", "higher", "nearest", "midpoint", "inverted_cdf", "averaged_inverted_cdf",
           "closest_observation", "interpolated_inverted_cdf", "hazen", "weibull", "median_unbiased", "normal_unbiased"]


def torch_nanquantile(x, q):
    rows = []
    for row in x.reshape(-1, x.shape[-1]):
        row = row[~torch.isnan(row)].sort().values
        place = q * (len(row) - 1)
        low = int(np.floor(place))
        rows.append(row[low] + (row[min(low + 1, len(row) - 1)] - row[low]) * (place - low))
    return torch.stack(rows).reshape(x.shape[:-1])


for shape in [(2, 5), (3, 7), (1, 4), (2, 3, 6), (4, 9), (2, 8)]:
    x = normal(*shape)
    x.reshape(-1)[[1, -2]] = nan
    values("nanargmax", np.nanargmax(x, -1), x)
    values("nanargmin", np.nanargmin(x, -1), x)
    values("nanargmax_all", np.nanargmax(x), x)
    both("nanmedian", lambda x: np.nanmedian(x, -1), lambda x: torch_nanquantile(x, 0.5), x)
    both("nanquantile", lambda x: np.nanquantile(x, 0.3, -1), lambda x: torch_nanquantile(x, 0.3), x)
    both("nanpercentile", lambda x: np.nanpercentile(x, 85, -1), lambda x: torch_nanquantile(x, 0.85), x)
    for method in methods:
        values("nanquantile_" + method, np.nanquantile(x, 0.35, -1, method=method), x)

# --- products, segments and linear algebra ----------------------------------------------------------------------------

for left, right in [((2,), (2, 3)), ((4, 2), (2, 3)), ((2,), (4, 2, 3)), ((3, 4), (3, 4, 1)), ((1,), (1, 1)), ((2, 1, 3), (2, 3, 2))]:
    both("vecmat", np.vecmat, lambda x, a: torch.einsum("...k,...kn->...n", x, a), normal(*left), normal(*right))
for n in [1, 2, 3, 4, 5, 6]:
    x = normal(n, n)
    definite = x @ x.T + n * np.eye(n)
    both("cholesky_inverse", np.linalg.inv, lambda a: torch.cholesky_inverse(torch.linalg.cholesky((a + a.T) / 2)), definite)
    regular = normal(n * 2, n * 2) + 3 * n * np.eye(n * 2)
    both("tensorinv", lambda a: np.linalg.tensorinv(a.reshape(2, n, 2 * n)),
         lambda a: torch.linalg.tensorinv(a.reshape(2, n, 2 * n)), regular)
    both("tensorsolve", lambda a, b: np.linalg.tensorsolve(a.reshape(2, n, 2 * n), b),
         lambda a, b: torch.linalg.tensorsolve(a.reshape(2, n, 2 * n), b), regular, normal(2, n))
    ids, data = random.integers(0, 4, 7), normal(7, n)
    for name, reduce, start in [("segment_min", "amin", inf), ("segment_max", "amax", -inf), ("segment_prod", "prod", 1.0)]:
        cases.append(case(name, lambda x, i: torch.full((4, n), start, dtype=x.dtype).scatter_reduce(
            0, i[:, None].expand(-1, n), x, reduce), data, ids, second=False))

    m = normal(3, n)
    for order in ["fro", 1, -1, inf, -inf, "nuc"]:
        cases.append(case(f"matrix_norm_{order}".replace("-", "minus_"), lambda x: torch.linalg.matrix_norm(x, order), m,
                          second=False))
    values("argwhere", np.argwhere(m > 0), m > 0)
    values("one_hot", np.eye(5)[ids % 5], ids % 5)
    cases.append(case("slice_axis", lambda x: x[..., n // 2:], m))
    cases.append(case("scatter_update", lambda x, i, u: x.index_copy(0, i[:, 0], u), m, np.array([[2], [0]]), normal(2, n)))
    cases.append(case("corrcoef", lambda x: torch.corrcoef(x), normal(2, n + 2), second=False))

# --- gradients of functions that other files have values of ---------------------------------------------------------------

for shape in [(4,), (2, 3), (1, 5), (3, 1, 2), (6,), (2, 2)]:
    x, y, p = normal(*shape), normal(*shape), abs(normal(*shape)) + 0.3
    mask = random.integers(0, 2, shape)
    mask.reshape(-1)[0] = 1
    ids = random.integers(0, 6, shape)
    both("square", np.square, torch.square, x)
    both("reciprocal", np.reciprocal, torch.reciprocal, p)
    both("positive", np.positive, torch.positive, x)
    both("fabs", np.fabs, torch.abs, x)
    both("deg2rad", np.deg2rad, torch.deg2rad, x)
    both("rad2deg", np.rad2deg, torch.rad2deg, x)
    both("float_power_both", np.float_power, torch.float_power, p, y)
    both("nan_to_num", np.nan_to_num, torch.nan_to_num, x)
    both("sum", np.sum, torch.sum, x)
    both("sort_last", lambda x: np.sort(x, -1), lambda x: torch.sort(x, -1).values, x)
    both("full_like_value", lambda x, v: np.full_like(x, v), lambda x, v: v * torch.ones_like(x), x, np.array(1.5),
         differentiate=[1])
    both("reshape_like", lambda x, y: x.reshape(y.shape), lambda x, y: x.reshape(y.shape), x.reshape(-1), y, differentiate=[0])
    both("bincount_weights", lambda i, w: np.bincount(i.ravel(), w.ravel(), 6),
         lambda i, w: torch.zeros(6, dtype=w.dtype).index_add(0, i.reshape(-1), w.reshape(-1)), ids, x)
    both("histogram_weights", lambda x, w: np.histogram(x, 3, (-2, 2), weights=w)[0],
         lambda x, w: torch.stack([(w * ((x >= float(lo)) & (x < float(hi)))).sum()
                                   for lo, hi in zip(np.linspace(-2, 2, 4), np.linspace(-2, 2, 4)[1:])]), x, y,
         differentiate=[1])
    both("histogram_bin_edges_4", lambda x: np.histogram_bin_edges(x, 4),
         lambda x: x.min() + (x.max() - x.min()) * torch.tensor([0, 0.25, 0.5, 0.75, 1], dtype=x.dtype), x)
    both("select", lambda m, x, y: np.select([m > 0], [x], y), lambda m, x, y: torch.where(m > 0, x, y), mask, x, y)
    both("choose", lambda m, x, y: np.choose(m, [x, y]), lambda m, x, y: torch.where(m > 0, y, x), mask, x, y)
    both("extract", lambda m, x: np.extract(m, x), lambda m, x: x[m > 0], mask, x)
    both("compress_first", lambda m, x: np.compress(m, x, 0), lambda m, x: x[m > 0], mask.reshape(shape[0], -1)[:, 0], x)
    both("trim_zeros_both", lambda x: np.concatenate([x.ravel()]), lambda x: x.reshape(-1), np.concatenate([x.ravel()]))
    both("unique", np.unique, lambda x: x.reshape(-1).sort().values, x)
    both("cast", lambda x: x.astype(np.float64), lambda x: x.double(), x)
    both("saturate_cast", lambda x: x, lambda x: x.clone(), x)
    both("divmod_remainder", lambda x, y: np.mod(x, y), lambda x, y: torch.remainder(x, y), x, p, second=False)
    cases.append(case("round_1", lambda x: torch.round(x, decimals=1), x, second=False))
    n = int(random.integers(1, 4))
    both("matrix_power_3", lambda a: np.linalg.matrix_power(a, 3), lambda a: a @ a @ a, normal(n, n))

# --- activations ------------------------------------------------------------------------------------------------------

F = torch.nn.functional
ACTIVATIONS = {
    "leaky_relu": lambda x: torch.where(x < 0, 0.2 * x, x), "elu": F.elu, "celu": lambda x: torch.where(x > 0, x, 0.7 * torch.expm1(x / 0.7)), "selu": F.selu,
    "gelu": F.gelu, "gelu_tanh": lambda x: F.gelu(x, approximate="tanh"), "silu": F.silu, "swish": F.silu, "mish": F.mish,
    "relu6": F.relu6, "log_sigmoid": F.logsigmoid, "softsign": F.softsign, "tanh_shrink": F.tanhshrink,
    "squareplus": lambda x: (x + torch.sqrt(x * x + 4)) / 2, "hard_sigmoid": lambda x: torch.clamp(x + 3, 0, 6) / 6,
    "hard_silu": lambda x: x * (torch.clamp(x + 3, 0, 6) / 6), "hard_swish": lambda x: x * (torch.clamp(x + 3, 0, 6) / 6), "hard_tanh": F.hardtanh, "hard_shrink": F.hardshrink, "soft_shrink": F.softshrink,
    "threshold": lambda x: F.threshold(x, 0.3, -1.0),
    "sparse_plus": lambda x: torch.where(x <= -1, 0.0, torch.where(x < 1, (x + 1) ** 2 / 4, x)),
    "sparse_sigmoid": lambda x: torch.clamp((x + 1) / 2, 0, 1), "glu": lambda x: F.glu(x, -1),
}


def torch_sparsemax(z):
    """Martins and Astudillo (2016), algorithm 1."""
    ordered = z.sort(-1, descending=True).values
    k = torch.arange(1, z.shape[-1] + 1, dtype=z.dtype)
    held = (1 + k * ordered > ordered.cumsum(-1)).sum(-1, keepdim=True)
    tau = (ordered.cumsum(-1).gather(-1, held - 1) - 1) / held
    return torch.clamp(z - tau, min=0)


for shape in [(4,), (2, 6), (3, 1, 2), (1, 8), (10,), (5, 4)]:
    for name, f in ACTIVATIONS.items():
        cases.append(case(name, f, normal(*shape) * 2, second=False))
    cases.append(case("sparsemax", torch_sparsemax, normal(*shape), second=False))
    x = normal(*shape)
    values("binary_step", (x >= 0).astype(float), x)

# --- near poles on the negative axis, by mpmath; a case a number, for each counts by its own size --------------------

mpmath.mp.dps = 40
for k in [1, 2, 7, 26, 43, 60]:
    for distance in [2.0**-7, -(2.0**-12) * 1.37, 2.0**-25 * 1.1, -(2.0**-40)]:
        x = -k + distance
        for name, n in [("digamma_near_poles", 0), ("polygamma_1_near_poles", 1), ("polygamma_5_near_poles", 5)]:
            values(name, np.array([float(mpmath.psi(n, mpmath.mpf(x)))]), np.array([x]))

write("everyday_values.json", cases)
