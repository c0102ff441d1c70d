#!/usr/bin/env python3
"""Writes lbfgs_values.json: a logistic regression with a penalty, and its minimum by Newton's method, checked with
SciPy's BFGS."""
import json
import pathlib

import numpy as np
from scipy.optimize import minimize

rng = np.random.default_rng(3)
x = rng.normal(size=(20, 4)).round(3)
y = (x @ [1.0, -2.0, 0.5, 0.0] + rng.normal(size=20) > 0).astype(float)


def loss(w):
    z = x @ w[:4] + w[4]
    return np.mean(np.logaddexp(0, z) - z * y) + 0.01 * np.sum(w**2)


w = np.zeros(5)
rows = np.hstack([x, np.ones((20, 1))])
for _ in range(30):
    p = 1 / (1 + np.exp(-rows @ w))
    g = rows.T @ (p - y) / 20 + 0.02 * w
    h = rows.T @ (rows * (p * (1 - p))[:, None]) / 20 + 0.02 * np.eye(5)
    w = w - np.linalg.solve(h, g)
assert np.allclose(w, minimize(loss, np.zeros(5), tol=1e-10).x, atol=1e-6)
path = pathlib.Path(__file__).with_name("lbfgs_values.json")
path.write_text(json.dumps({"x": x.ravel().tolist(), "y": y.tolist(), "w": w.tolist(), "loss": loss(w)}, indent=0) + "\n")
