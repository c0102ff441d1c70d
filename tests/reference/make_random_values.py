"""Writes random_values.json: derivatives of gamma variables by mpmath, and distributions by SciPy: quantiles of
continuous ones and probabilities of discrete ones.

Run in this folder: python3 make_random_values.py
"""
import json

import mpmath as mp
import numpy as np
from scipy import stats

mp.mp.dps = 50
cases = []


def vector(values):
    return {"shape": [len(values)], "dtype": "float64", "values": [float(v) for v in values]}


def slopes(alpha, l):
    """Of l = log z with P(alpha, z) fixed: dl/dalpha = h, dh/dalpha and dh/dl."""
    a, l = mp.mpf(alpha), mp.mpf(l)
    p = lambda t: mp.gammainc(t, 0, mp.e ** l, regularized=True)
    density = mp.e ** (a * l - mp.e ** l - mp.loggamma(a))
    h = -mp.diff(p, a, h=a * mp.mpf(10) ** -16) / density
    second = mp.diff(p, a, 2, h=a * mp.mpf(10) ** -14) / density
    by_a = -second - h * (l - mp.digamma(a))
    by_l = mp.digamma(a) - l - h * (a - mp.e ** l)
    return h, by_a, by_l


for alpha in (1e-4, 0.01, 0.3, 1.0, 2.5, 11.7, 60.0, 200.0):
    ls = []
    for q in (-3, -1, -0.2, 0.5, 1.3, 3.5):
        z = alpha * (1 - 1 / (9 * alpha) + q / (3 * alpha ** 0.5)) ** 3
        u = stats.norm.cdf(q)
        ls.append(np.log(z) if alpha > 0.5 and z > 1e-8 else np.log(u) / alpha if u < 0.9 else np.log(0.3 + q))
    found = list(zip(*[slopes(alpha, l) for l in ls]))
    for name, values in zip(("by_alpha", "by_alpha_twice", "by_alpha_and_l"), found):
        cases.append({"call": name, "in": [vector([alpha] * len(ls)), vector(ls)], "out": vector(values),
                      "seed": None, "grads": None, "dir": None, "second": None})

cells = 20
inner = np.arange(1, cells) / cells
continuous = []
for name, parameters, distribution in (
        ("uniform", (-1, 3), stats.uniform(-1, 4)), ("normal", (2, 3), stats.norm(2, 3)),
        ("exponential", (2,), stats.expon(0, 2)), ("laplace", (1, 2), stats.laplace(1, 2)),
        ("logistic", (1, 2), stats.logistic(1, 2)), ("gumbel", (1, 2), stats.gumbel_r(1, 2)),
        ("cauchy", (1, 2), stats.cauchy(1, 2)),
        *(("gamma", (a, 2), stats.gamma(a, 0, 2)) for a in (0.05, 0.7, 1, 3.5, 80, 1e5)),
        *(("beta", p, stats.beta(*p)) for p in ((0.3, 0.6), (2, 5), (40, 3), (1, 1))),
        *(("dirichlet", (a, b), stats.beta(a, b)) for a, b in ((0.5, 3.5), (1.5, 2.5), (2, 2)))):
    continuous.append({"name": name, "parameters": parameters, "quantiles": list(distribution.ppf(inner))})
discrete = []
for name, parameters, distribution in (
        *(("poisson", (r,), stats.poisson(r)) for r in (0.3, 4, 9.99, 10, 37.5, 1000, 1e6)),
        *(("binomial", p, stats.binom(*p)) for p in ((5, 0.3), (30, 0.9), (100, 0.1), (60, 0.5), (1000, 0.37),
                                                     (100000, 0.002), (10**6, 0.8)))):
    # Cells of several numbers each, all of about the same probability.
    edges = sorted(set(int(distribution.ppf(q)) for q in inner))
    below = distribution.cdf(edges)
    discrete.append({"name": name, "parameters": parameters, "last": edges,
                     "probabilities": list(np.diff(np.concatenate([[0], below, [1]])))})

with open("random_values.json", "w") as file:
    json.dump({"cases": cases, "continuous": continuous, "discrete": discrete}, file, indent=0)
print(len(cases), len(continuous), len(discrete))
