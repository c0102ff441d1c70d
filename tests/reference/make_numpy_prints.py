#!/usr/bin/env python3
"""Writes numpy_prints.json: arrays and how NumPy (2.4) prints them. Run in this folder."""
import json
import numpy as np

rng = np.random.default_rng(1)
f8, f4, i8, i4, u1, b1 = np.float64, np.float32, np.int64, np.int32, np.uint8, np.bool_
nan, inf = np.nan, np.inf
arrays = [
    np.array(1.5), np.array(f4(0.1)), np.array(True), np.array(False), np.array(-7), np.array(1e16), np.array(1e-5),
    np.array(123456789012.0), np.array(nan), np.array(-inf), np.array(-0.0), np.array(1e15), np.array(0.0001),
    np.array(f4(16777216)), np.array(f4(1e7)), np.array(f4(1e6)), np.array(f4(999999)), np.array(f4(1e-4)),
    np.array(f4(123456)), np.array(f4(3e-5)), np.array(1e300),
    np.array(9007199254740993, i8),
    np.array([1.0, 2.0, 3.0]), np.array([1.0, 2.5, -3.25]), np.array([0.1, 0.2, 0.3], f4), np.array([1 / 3, 2 / 3]),
    np.array([1 / 3, 200000.0]), np.array([1e-5, 1.0]), np.array([1e8, 1.0]), np.array([1e6, 1.0], f4),
    np.array([999999.0, 1.0], f4), np.array([1e-300, 1e300]), np.array([1e100]), np.array([12345678.9, 1e7]),
    np.array([nan, 1.0]), np.array([inf, -inf, nan]), np.array([-inf, 1.0]), np.array([nan, 1e-9]), np.array([nan]),
    np.array([0.0, -0.0]), np.array([-1.5, 0.0, inf]), np.array([1e-9, nan, -inf]), np.array([1234.5678, 0.5]),
    np.array([1, -20, 300], i8), np.array([[1, 2], [30, -4]], i4), np.array([0, 255], u1), np.array([True, False]),
    np.array([[True], [False]]), np.zeros((0,)), np.zeros((2, 0, 3)), np.zeros((1, 1, 1, 1)),
    np.arange(24.0).reshape(2, 3, 4), np.arange(6, dtype=i8).reshape(3, 2), np.arange(1001, dtype=i8),
    np.arange(1001.0), np.arange(2000, dtype=i8).reshape(2, 1000), np.arange(2000, dtype=i8).reshape(1000, 2),
    np.arange(3000, dtype=i8).reshape(10, 3, 100), np.arange(4096.0).reshape(8, 8, 8, 8),
    np.arange(2100.0, dtype=f4).reshape(3, 7, 100), np.arange(100.0), np.arange(40) / 7, np.arange(1000, dtype=i8),
    rng.normal(size=(3, 4)), rng.normal(size=(20,)).astype(f4), rng.normal(size=(2, 13)) * 1e-4,
    np.exp(rng.normal(size=(5, 5)) * 5), np.exp(rng.normal(size=(3, 5)) * 9).astype(f4), rng.random((2, 2, 9)) > 0.5,
    rng.integers(-1000, 1000, (3, 30)), rng.normal(size=(2, 3, 11)).astype(f4), np.float32(rng.random((2, 2))),
    np.array([1e16, 1.0, 0.123456789]), np.array([0.12345678949, 0.5]), np.array([1e5 / 3, 99.0]),
    rng.normal(size=(6, 4)).astype(f4) * f4(1e-6), np.array([1e-10, 1.5], f4),
    np.array([1e7, 1e7 + 0.25]), np.array([2.5e-8] * 12), np.array([[0.00012, 12.0], [3.0, -0.1]]),
]
cases = []
for a in arrays:
    a = np.asarray(a)
    values = [str(x) if not np.isfinite(x) else (int(x) if a.dtype.kind in "iub" else float(x)) for x in a.ravel()]
    step = a.size > 1 and np.array_equal(a.ravel(), np.arange(a.size))
    cases.append({"dtype": a.dtype.name, "shape": list(a.shape), "values": "range" if step else values, "text": str(a)})
with open("numpy_prints.json", "w") as file:
    json.dump(cases, file, indent=0)

# The same with printing options.
choices = [
    {"precision": 0}, {"precision": 3}, {"precision": 12}, {"threshold": 5}, {"threshold": 0, "edgeitems": 1},
    {"threshold": 20, "edgeitems": 4}, {"linewidth": 20}, {"linewidth": 0}, {"linewidth": 200}, {"suppress": True},
    {"suppress": True, "precision": 4}, {"precision": 2, "threshold": 3, "edgeitems": 2, "linewidth": 12},
]
arrays = [
    np.array(1.23456789), np.array(True), np.array(-3), np.array(1e-9), np.array(nan), np.array([1e-5, 1.0, -2.5]),
    np.array([1e9, 1.0]), np.array([1e-12, 5000.0]), rng.normal(size=(3, 7)), rng.normal(size=(4, 5, 3)).astype(f4),
    np.arange(30, dtype=i8), np.arange(24, dtype=i4).reshape(2, 3, 4) * 1001, rng.random((3, 9)) > 0.5,
    np.array([[nan, 1e-7], [inf, 2.0]]), np.exp(rng.normal(size=12) * 6), np.array([0.5, 1.5, 2.5]), np.zeros((0, 3)),
]
cases = []
for a in arrays:
    values = [str(x) if not np.isfinite(x) else (int(x) if a.dtype.kind in "iub" else float(x)) for x in a.ravel()]
    for options in choices:
        with np.printoptions(**options):
            text = np.array2string(a)
        cases.append({"dtype": a.dtype.name, "shape": list(a.shape), "values": values, "options": options, "text": text})
with open("numpy_print_options.json", "w") as file:
    json.dump(cases, file, separators=(",", ":"))
