#!/usr/bin/env python3
"""Writes elementwise_values.json and special_values.json: values by NumPy and SciPy, derivatives by mpmath with 50 digits
(rounded to float64), each checked against PyTorch's where PyTorch has the function. tests/reference_cases.hpp says what
is in a case. Run in this folder."""
import json
import math

import mpmath as mp
import numpy as np
import scipy.special as sp
import torch

mp.mp.dps = 50
rng = np.random.default_rng(7)
np.seterr(all="ignore")


def tensor(a):
    a = np.asarray(a)
    if a.dtype.kind == "f":
        values = [float(x) if math.isfinite(x) else str(float(x)) for x in a.ravel()]
    else:
        values = [int(x) for x in a.ravel()]
    return {"shape": list(a.shape), "dtype": a.dtype.name, "values": values}


def floats(a, scale=0.0):
    # Below 1e-25 of the values is what mpmath's differences leave of a derivative that is 0.
    return [float(x) if abs(x) > 1e-25 * scale else 0.0 for x in np.ravel(a)]


def derivatives(f, xs, out_shape, torch_f):
    """seed, grads, dir, second of an elementwise function of broadcast arguments."""
    xs = [np.asarray(x, float) for x in xs]
    wide = [np.broadcast_to(x, out_shape) for x in xs]
    seed = rng.uniform(-1, 1, out_shape).round(3)
    dirs = [rng.uniform(-1, 1, x.shape).round(3) for x in xs]
    n = len(xs)
    first = [np.zeros(out_shape) for _ in xs]
    second = [np.zeros(out_shape) for _ in xs]
    for at in np.ndindex(*out_shape):
        point = [mp.mpf(float(w[at])) for w in wide]
        for k in range(n):
            order = tuple(int(i == k) for i in range(n))
            first[k][at] = float(seed[at] * mp.diff(f, tuple(point), order))
            for j in range(n):
                twice = tuple(int(i == k) + int(i == j) for i in range(n))
                turn = np.broadcast_to(dirs[j], out_shape)[at]
                second[k][at] += float(seed[at] * turn * mp.diff(f, tuple(point), twice))

    def back(a, shape):
        extra = a.ndim - len(shape)
        a = a.sum(tuple(range(extra)))
        axes = tuple(i for i, d in enumerate(shape) if d == 1 and a.shape[i] != 1)
        return a.sum(axes, keepdims=True)

    grads = [back(g, x.shape) for g, x in zip(first, xs)]
    second = [back(g, x.shape) for g, x in zip(second, xs)]
    if torch_f:
        ts = [torch.tensor(x, requires_grad=True) for x in xs]
        out = (torch_f(*ts) * torch.tensor(seed)).sum()
        found = torch.autograd.grad(out, ts, create_graph=True, allow_unused=True)
        for ours, theirs in zip(grads, found):
            theirs = 0 * ours if theirs is None else theirs.detach().numpy()
            assert np.allclose(ours, theirs, rtol=1e-9, atol=1e-9), (torch_f, xs, ours, theirs)
    scale = max([abs(float(f(*[mp.mpf(float(w[at])) for w in wide]))) for at in np.ndindex(*out_shape)])
    return {"seed": floats(seed), "grads": [floats(g, scale) for g in grads], "dir": [floats(d) for d in dirs],
            "second": [floats(s, scale) for s in second]}


unary_shapes = [[(4,)], [(2, 2)], [()], [(1, 3)], [(3, 1, 2)]]
binary_shapes = [[(4,), (4,)], [(2, 3), (3,)], [(2, 1), (1, 2)], [(), (3,)], [(), ()], [(2, 1, 2), (2, 1)]]
odd_values = [math.nan, math.inf, -math.inf, 0.0, -0.0, 1.0, -1.0, 0.5, -0.5, 2.5, 5e-324, -1e-300]


def cases(name, value, exact, ranges, torch_f=None, odd=odd_values):
    """A function's cases: samples in `ranges` (lists of (low, high), one an argument), odd values, float32."""
    shapes = unary_shapes if len(ranges[0]) == 1 else binary_shapes
    result = []
    for i, shape in enumerate(shapes):
        for one in (ranges if i < 2 else ranges[:1]):
            xs = [rng.uniform(low, high, s).round(4) for s, (low, high) in zip(shape, one)]
            out = np.asarray(value(*xs))
            case = {"call": name, "in": [tensor(x) for x in xs], "out": tensor(out)}
            if exact:
                case.update(derivatives(exact, xs, out.shape, torch_f))
                for at in np.ndindex(*out.shape):
                    point = [mp.mpf(float(np.broadcast_to(x, out.shape)[at])) for x in xs]
                    assert abs(out[at] - exact(*point)) <= 1e-12 * max(1, abs(out[at])), (name, point, out[at])
            result.append(case)
    count = len(ranges[0])
    if odd:
        xs = [np.array(odd)] if count == 1 else [np.array(odd)[:, None], np.array(odd)[None, :]]
        result.append({"call": name, "in": [tensor(x) for x in xs], "out": tensor(value(*xs))})
    xs = [rng.uniform(low, high, 3).astype(np.float32) for low, high in ranges[0]]
    result.append({"call": name, "in": [tensor(x) for x in xs], "out": tensor(value(*xs))})
    return result


t = torch
s = torch.special


def logaddexp(a, b):
    return mp.log(mp.exp(a) + mp.exp(b))


elementwise = [
    ("tan", np.tan, mp.tan, [[(-1.4, 1.4)], [(-30, 30)]], t.tan),
    ("arcsin", np.arcsin, mp.asin, [[(-0.9, 0.9)], [(0.9, 0.9999)]], t.asin),
    ("arccos", np.arccos, mp.acos, [[(-0.9, 0.9)], [(-0.9999, -0.9)]], t.acos),
    ("arctan", np.arctan, mp.atan, [[(-2, 2)], [(5, 50)]], t.atan),
    ("sinh", np.sinh, mp.sinh, [[(-2, 2)], [(-9, 9)]], t.sinh),
    ("cosh", np.cosh, mp.cosh, [[(-2, 2)], [(-9, 9)]], t.cosh),
    ("tanh", np.tanh, mp.tanh, [[(-2, 2)], [(-0.01, 0.01)]], t.tanh),
    ("arcsinh", np.arcsinh, mp.asinh, [[(-2, 2)], [(-90, 90)]], t.asinh),
    ("arccosh", np.arccosh, mp.acosh, [[(1.1, 3)], [(5, 90)]], t.acosh),
    ("arctanh", np.arctanh, mp.atanh, [[(-0.9, 0.9)], [(-0.01, 0.01)]], t.atanh),
    ("exp", np.exp, mp.exp, [[(-2, 2)], [(-9, 9)]], t.exp),
    ("exp2", np.exp2, lambda x: mp.power(2, x), [[(-2, 2)], [(-9, 9)]], t.exp2),
    ("expm1", np.expm1, mp.expm1, [[(-2, 2)], [(-0.01, 0.01)]], t.expm1),
    ("log", np.log, mp.log, [[(0.1, 3)], [(3, 900)]], t.log),
    ("log1p", np.log1p, mp.log1p, [[(-0.9, 3)], [(-0.01, 0.01)]], t.log1p),
    ("log2", np.log2, lambda x: mp.log(x, 2), [[(0.1, 3)], [(3, 900)]], t.log2),
    ("log10", np.log10, mp.log10, [[(0.1, 3)], [(3, 900)]], t.log10),
    ("sqrt", np.sqrt, mp.sqrt, [[(0.1, 3)], [(3, 900)]], t.sqrt),
    ("cbrt", np.cbrt, lambda x: mp.sign(x) * mp.cbrt(abs(x)), [[(0.1, 3)], [(-900, -3)]], None),
    ("square", np.square, lambda x: x * x, [[(-2, 2)]], t.square),
    ("reciprocal", np.reciprocal, lambda x: 1 / x, [[(0.3, 2)]], t.reciprocal),
    ("abs", np.abs, abs, [[(0.2, 2)], [(-2, -0.2)]], t.abs),
    ("sign", np.sign, mp.sign, [[(0.2, 2)], [(-2, -0.2)]], t.sign),
    ("sinc", np.sinc, lambda x: mp.sin(mp.pi * x) / (mp.pi * x) if x else mp.mpf(1), [[(0.01, 2)], [(-4, -2)]], t.sinc),
    ("deg2rad", np.deg2rad, lambda x: x * mp.pi / 180, [[(-200, 200)]], t.deg2rad),
    ("rad2deg", np.rad2deg, lambda x: x * 180 / mp.pi, [[(-4, 4)]], t.rad2deg),
    ("floor", np.floor, mp.floor, [[(1.1, 1.9)], [(-3.9, -3.1)]], t.floor),
    ("ceil", np.ceil, mp.ceil, [[(1.1, 1.9)], [(-3.9, -3.1)]], t.ceil),
    ("trunc", np.trunc, lambda x: mp.sign(x) * mp.floor(abs(x)), [[(1.1, 1.9)], [(-3.9, -3.1)]], t.trunc),
    ("rint", np.rint, mp.nint, [[(1.1, 1.4)], [(-3.9, -3.6)]], t.round),
    ("round_2", lambda x: np.round(x, 2), None, [[(-2, 2)]], None),
    ("nan_to_num", np.nan_to_num, lambda x: x, [[(-2, 2)]], t.nan_to_num),
    ("positive", np.positive, lambda x: x, [[(-2, 2)]], None),
    ("fabs", np.fabs, abs, [[(0.2, 2)]], None),
    ("isinf", np.isinf, None, [[(-2, 2)]], None),
    ("isnan", np.isnan, None, [[(-2, 2)]], None),
    ("isfinite", np.isfinite, None, [[(-2, 2)]], None),
    ("isposinf", np.isposinf, None, [[(-2, 2)]], None),
    ("isneginf", np.isneginf, None, [[(-2, 2)]], None),
    ("signbit", np.signbit, None, [[(-2, 2)]], None),
    ("logical_not", np.logical_not, None, [[(-2, 2)]], None),
    ("arctan2", np.arctan2, mp.atan2, [[(-2, 2), (0.2, 2)], [(0.2, 2), (-2, -0.2)]], t.atan2),
    ("hypot", np.hypot, mp.hypot, [[(-2, 2), (0.2, 2)]], t.hypot),
    ("power", np.power, mp.power, [[(0.2, 2), (-2, 2)]], t.pow),
    ("logaddexp", np.logaddexp, logaddexp, [[(-2, 2), (-2, 2)], [(3, 6), (-1, 2)]], t.logaddexp),
    ("logaddexp2", np.logaddexp2, lambda a, b: mp.log(mp.power(2, a) + mp.power(2, b), 2), [[(-2, 2), (-2, 2)]],
     t.logaddexp2),
    ("floor_divide", np.floor_divide, lambda a, b: mp.floor(a / b), [[(6.2, 7.8), (3.95, 5)], [(-7.8, -6.2), (4, 5)]],
     None),
    ("remainder", np.remainder, lambda a, b: a - b * mp.floor(a / b), [[(6.2, 7.8), (4, 6)], [(-7.8, -6.2), (4, 6)]],
     t.remainder),
    ("fmod", np.fmod, lambda a, b: a - b * mp.sign(a / b) * mp.floor(abs(a / b)),
     [[(6.2, 7.8), (4, 6)], [(-7.8, -6.2), (4, 6)]], t.fmod),
    ("copysign", np.copysign, lambda a, b: abs(a) * mp.sign(b), [[(0.2, 2), (-2, -0.2)], [(-2, -0.2), (0.2, 2)]],
     t.copysign),
    ("nextafter", np.nextafter, None, [[(-2, 2), (-2, 2)]], None),
    ("heaviside", np.heaviside, lambda x, v: mp.mpf(0) if x < 0 else mp.mpf(1), [[(0.2, 2), (-2, 2)]], None),
    ("fmax", np.fmax, lambda a, b: a if a > b else b, [[(-2, -0.1), (0.1, 2)]], t.fmax),
    ("fmin", np.fmin, lambda a, b: a if a < b else b, [[(-2, -0.1), (0.1, 2)]], t.fmin),
    ("maximum", np.maximum, lambda a, b: a if a > b else b, [[(-2, -0.1), (0.1, 2)]], t.maximum),
    ("minimum", np.minimum, lambda a, b: a if a < b else b, [[(-2, -0.1), (0.1, 2)]], t.minimum),
    ("float_power", np.float_power, None, [[(0.2, 2), (-2, 2)]], None),
    ("logical_xor", np.logical_xor, None, [[(-2, 2), (-2, 2)]], None),
    ("lerp_half", lambda a, b: a + 0.4 * (b - a), lambda a, b: a + mp.mpf(0.4) * (b - a), [[(-2, 2), (-2, 2)]], None,
     []),
    ("clip_low", lambda x, low: np.clip(x, low, 3), lambda x, low: x if x > low else low, [[(1, 2), (-1, 0)]], None),
]

# SciPy has NaN for i0(inf) and -inf for gammaln(-inf), takes the smallest numbers for 0, and polygamma(-inf) for a pole.
finite = [math.nan, 0.0, -0.0, 1.0, -1.0, 0.5, -0.5, 2.5, -1e-300]

special = [
    ("erf", sp.erf, mp.erf, [[(-2, 2)], [(2, 4)]], t.erf),
    ("erfc", sp.erfc, mp.erfc, [[(-2, 2)], [(4, 6)], [(20, 25)]], t.erfc),
    ("erfinv", sp.erfinv, mp.erfinv, [[(-0.9, 0.9)], [(0.9, 0.999)]], t.erfinv),
    ("lgamma", sp.gammaln, lambda x: mp.log(abs(mp.gamma(x))), [[(0.1, 5)], [(9, 90)], [(-3.9, -3.1)]], t.lgamma, finite),
    ("digamma", sp.digamma, mp.digamma, [[(0.1, 5)], [(9, 90)], [(-3.9, -3.1)]], t.digamma),
    ("polygamma_1", lambda x: sp.polygamma(1, x).astype(x.dtype), lambda x: mp.polygamma(1, x), [[(0.2, 5)], [(9, 90)]],
     lambda x: s.polygamma(1, x), finite),
    ("polygamma_4", lambda x: sp.polygamma(4, x).astype(x.dtype), lambda x: mp.polygamma(4, x), [[(0.2, 5)], [(9, 30)]],
     lambda x: s.polygamma(4, x), finite),
    ("i0", sp.i0, lambda x: mp.besseli(0, x), [[(-4, 4)], [(9, 12)]], t.i0, finite),
    ("i0e", sp.i0e, lambda x: mp.besseli(0, x) * mp.exp(-abs(x)), [[(0.2, 4)], [(9, 90)]], s.i0e),
    ("i1", sp.i1, lambda x: mp.besseli(1, x), [[(-4, 4)], [(9, 12)]], s.i1, finite),
    ("i1e", sp.i1e, lambda x: mp.besseli(1, x) * mp.exp(-abs(x)), [[(0.2, 4)], [(9, 90)]], s.i1e),
    ("xlogy", sp.xlogy, lambda x, y: x * mp.log(y), [[(-2, 2), (0.2, 2)]], t.xlogy),
]

big = 2**62 + 12345
numbers = np.array([7, -7, 0, 12, -12, 1, -1, big, -big, 2**53 + 1, 2**63 - 1, -(2**63)], np.int64)
others = np.array([3, -3, 2, 5, 1, 64, 0], np.int64)


def whole(name, f, a=numbers, b=others):
    xs = [a] if b is None else [a[:, None], b[None, :]]
    return {"call": name, "in": [tensor(x) for x in xs], "out": tensor(f(*xs))}


def integer_cases():
    result = []
    for kind in (np.int64, np.int32, np.uint8):
        if kind == np.uint8:
            a, b = np.array([0, 1, 7, 128, 200, 255], kind), np.array([0, 1, 2, 3, 7, 9, 255], kind)
        elif kind == np.int32:
            a = np.array([7, -7, 0, 12, 2**31 - 1, -(2**31), 123456789], kind)
            b = others.astype(kind)
        else:
            a, b = numbers, others
        for name, f in [("floor_divide", np.floor_divide), ("remainder", np.remainder), ("fmod", np.fmod),
                        ("bitwise_and", np.bitwise_and), ("bitwise_or", np.bitwise_or),
                        ("bitwise_xor", np.bitwise_xor), ("gcd", np.gcd)]:
            if kind == np.int64 and name in ("floor_divide", "remainder", "fmod"):
                result.append(whole(name, f, a, b))
                result.append(whole(name, f, a, b[:4]))
            else:
                result.append(whole(name, f, a, b))
        result.append(whole("left_shift", np.left_shift, a, np.abs(b)))
        result.append(whole("right_shift", np.right_shift, a, np.abs(b)))
        result.append(whole("bitwise_not", np.bitwise_not, a, None))
        result.append(whole("lcm", np.lcm, a[:5], b[:4]))
        result.append(whole("round_minus_1", lambda x: np.round(x, -1), a[:4], None))
        result.append(whole("abs", np.abs, a[:5], None))
        result.append(whole("maximum", np.maximum, a, b))
    yes = np.array([True, True, False, False])
    no = np.array([True, False, True, False])
    for name, f in [("bitwise_and", np.bitwise_and), ("bitwise_or", np.bitwise_or), ("bitwise_xor", np.bitwise_xor),
                    ("add", np.add), ("multiply", np.multiply), ("maximum", np.maximum),
                    ("logical_xor", np.logical_xor)]:
        result.append({"call": name, "in": [tensor(yes), tensor(no)], "out": tensor(f(yes, no))})
    result.append({"call": "bitwise_not", "in": [tensor(yes)], "out": tensor(np.invert(yes))})
    return result


def write(file, rows):
    with open(file, "w") as out:
        out.write('{"cases": [\n' + ",\n".join(json.dumps(row) for row in rows) + "\n]}\n")
    print(file, len(rows))


write("elementwise_values.json", [case for row in elementwise for case in cases(*row)] + integer_cases())
write("special_values.json", [case for row in special for case in cases(*row)])
