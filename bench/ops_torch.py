#!/usr/bin/env python3
"""ops_torch.py PROGRAM [threads]: runs bench/ops (the program) and PyTorch's functions on (1000, 1000) float32 in turns
and prints, for each operation, both times in microseconds and PyTorch's divided by xgrad's (above 1: xgrad is faster)."""
import os
import subprocess
import sys
import time

import ops_arrays
import torch

threads = int(sys.argv[2]) if len(sys.argv) > 2 else 1
torch.set_num_threads(threads)
t, s = torch, torch.special
functions = {
    "add": t.add, "multiply": t.mul, "divide": t.div, "reciprocal": t.reciprocal, "arcsin": t.asin, "arccos": t.acos,
    "arctan": t.atan, "arcsinh": t.asinh, "arccosh": t.acosh, "arctanh": t.atanh, "arctan2": t.atan2, "power": t.pow,
    "rint": t.round, "clip": lambda x: t.clamp(x, -1, 1), "lerp": lambda x, y: t.lerp(x, y, 0.3),
    "less": t.lt, "softplus": t.nn.functional.softplus,
    "polygamma": lambda x: s.polygamma(1, x), "i0e": s.i0e, "i1": s.i1,
    "left_shift": t.bitwise_left_shift, **ops_arrays.functions,
}
unary = set("""exp expm1 exp2 log log1p log2 log10 sqrt square reciprocal abs sign sin cos tan arcsin arccos arctan sinh cosh
tanh arcsinh arccosh arctanh floor ceil trunc rint sinc nan_to_num clip isfinite isinf signbit sigmoid softplus relu erf
erfc erfinv lgamma digamma polygamma i0 i0e i1""".split())
positive = set("divide log log1p log2 log10 sqrt reciprocal power remainder fmod floor_divide xlogy lgamma digamma".split())
ranges = {"arccosh": (1.1, 3), "tan": (-1, 1), "lgamma": (0.1, 9), "digamma": (0.1, 9), "polygamma": (0.5, 9),
          "i0": (-9, 9), "i0e": (-9, 9), "i1": (-9, 9), "bitwise_and": (0, 90), "left_shift": (0, 9), "gcd": (1, 90),
          "remainder": (0.5, 9), "fmod": (0.5, 9), "floor_divide": (0.5, 9)}
for name, bound in {"arcsin": 1, "arccos": 1, "arctanh": 0.9, "erfinv": 0.99}.items():
    ranges[name] = (-bound, bound)


def measure(name):
    f = functions.get(name) or getattr(t, name)
    low, high = ranges.get(name, (0.5, 2) if name in positive else (-2, 2))
    xs = [t.empty(1000, 1000).uniform_(low, high) for _ in range(2)]
    if name in ("bitwise_and", "left_shift", "gcd"):
        xs = [x.int() for x in xs]
    xs = xs[:1] if name in unary else xs
    best = 1e9
    for _ in range(15):
        start = time.perf_counter()
        f(*xs)
        best = min(best, time.perf_counter() - start)
    return best * 1e6


environment = dict(os.environ, XGRAD_NUM_THREADS=str(threads))
listed = subprocess.run([sys.argv[1]], capture_output=True, text=True, env=environment, check=True).stdout.split()
best = dict(zip(listed[::2], map(float, listed[1::2])))
for name, ours in best.items():
    again = subprocess.run([sys.argv[1], name], capture_output=True, text=True, env=environment, check=True).stdout
    ours = min(ours, float(again.split()[1]))
    theirs = min(measure(name), measure(name))
    print(f"{name:14s} {ours:9.1f} {theirs:9.1f} {theirs / ours:6.2f}", flush=True)
