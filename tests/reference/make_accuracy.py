#!/usr/bin/env python3
"""Measures how accurate elementwise functions are, and writes docs/accuracy.md and accuracy_points.txt.

    cmake --preset bench && cmake --build --preset bench --target bench_accuracy
    python3 tests/reference/make_accuracy.py build/bench/bench/accuracy [arguments looked at, 200000 without]

bench/accuracy looks for the worst arguments with numbers of 113 bits; their errors are measured here with mpmath at 50
digits (70 where digits cancel). Needs mpmath.
"""
import os
import pathlib
import subprocess
import sys

import mpmath
from mpmath import mp, mpf

mp.dps = 70

BOUND = {"erf": 4, "erfc": 4, "power": 4, "lgamma": 4, "digamma": 4, "digamma below 0": 4, "sinc": 4, "trigamma": 8,
         "polygamma 2": 16, "polygamma 3": 16, "i0": 6, "i0e": 6, "i1": 6, "i1e": 6}
COMMON = 2.5

# What the values are, where it is not the function of that name in mpmath.
FUNCTIONS = {
    "exp2": lambda x: mpf(2) ** x, "log2": lambda x: mp.log(x) / mp.log(2), "reciprocal": lambda x: 1 / x,
    "cbrt": lambda x: mp.sign(x) * mp.root(abs(x), 3), "arcsin": mp.asin, "arccos": mp.acos, "arctan": mp.atan,
    "arctan2": mp.atan2, "arcsinh": mp.asinh, "arccosh": mp.acosh, "arctanh": mp.atanh,
    "sigmoid": lambda x: 1 / (1 + mp.exp(-x)), "softplus": lambda x: mp.log1p(mp.exp(x)),
    "sinc": lambda x: mp.sincpi(x), "logaddexp": lambda a, b: max(a, b) + mp.log1p(mp.exp(-abs(a - b))),
    "logaddexp2": lambda a, b: max(a, b) + mp.log1p(mpf(2) ** -abs(a - b)) / mp.log(2),
    "power": lambda a, b: mp.power(a, b), "xlogy": lambda x, y: x * mp.log(y) if x else mpf(0),
    "lgamma": mp.loggamma, "digamma below 0": mp.digamma, "trigamma": lambda x: mp.psi(1, x),
    "polygamma 2": lambda x: mp.psi(2, x), "polygamma 3": lambda x: mp.psi(3, x),
    "i0": lambda x: mp.besseli(0, x), "i1": lambda x: mp.besseli(1, x),
    "i0e": lambda x: mp.besseli(0, x) * mp.exp(-abs(x)), "i1e": lambda x: mp.besseli(1, x) * mp.exp(-abs(x)),
}
TWO = {"arctan2", "hypot", "logaddexp", "logaddexp2", "power", "xlogy"}
RANGE = {"lgamma": "x > 0", "digamma": "x > 0", "digamma below 0": "-1e15 < x < 0", "trigamma": "x > 0",
         "polygamma 2": "x > 0", "polygamma 3": "x > 0", "logaddexp": "a, b >= 0", "logaddexp2": "a, b >= 0",
         "power": "a >= 0"}
DIGITS = {"float32": (24, -126, 128), "float64": (53, -1022, 1024)}
ARCHS = ["baseline", "avx2", "avx512"]


def value(name, a, b):
    f = FUNCTIONS.get(name) or getattr(mp, name)
    return f(mpf(a), mpf(b)) if name in TWO else f(mpf(a))


def ulps(name, dtype, got, wanted):
    """None where the value is no normal number. Digamma near its zeros: 1e-16 counts as 4."""
    bits, low, high = DIGITS[dtype]
    if not mp.isfinite(wanted) or abs(wanted) < mpf(2) ** low or abs(wanted) >= mpf(2) ** high:
        return None
    if not mp.isfinite(mpf(got)):
        return mpf("inf")
    unit = mpf(2) ** (mp.floor(mp.log(abs(wanted), 2)) - bits + 1)
    error = abs(mpf(got) - wanted)
    if name.startswith("digamma") and dtype == "float64" and abs(wanted) < 0.25:
        unit = max(unit, mpf("2.5e-17"))
    return error / unit


def main():
    tool, count = sys.argv[1], sys.argv[2] if len(sys.argv) > 2 else "200000"
    root = pathlib.Path(__file__).resolve().parents[2]
    names = subprocess.run([tool, "list"], capture_output=True, text=True, check=True).stdout.split("\n")[:-1]
    rows, points = [], []
    for name in names:
        row = {}
        for dtype in DIGITS:
            found = {}
            for arch in ARCHS:
                text = subprocess.run([tool, "hunt", name, dtype, count, "1"], capture_output=True, text=True,
                                      check=True, env=dict(os.environ, XGRAD_ARCH=arch)).stdout
                worst = mpf(0)
                for line in text.splitlines():
                    a, b, got, _ = (float.fromhex(word) if i < 3 else word for i, word in enumerate(line.split()))
                    wanted = value(name, a, b)
                    error = ulps(name, dtype, got, wanted)
                    if error is None:
                        continue
                    worst = max(worst, error)
                    found[(a, b)] = (max(error, found.get((a, b), (0,))[0]), wanted)
                row[dtype, arch] = worst
            hardest = sorted(found.items(), key=lambda item: -item[1][0])[:16]
            bound = BOUND.get(name, COMMON)
            points.append(f"{name.replace(' ', '_')} {dtype} {bound} {len(hardest)}")
            for (a, b), (_, wanted) in hardest:
                high = float(wanted)
                points.append(f"{a.hex()} {b.hex()} {high.hex()} {float(wanted - mpf(high)).hex()}")
        print(name, {key: f"{float(error):.2f}" for key, error in row.items()}, flush=True)
        rows.append((name, row))
    (root / "tests/reference/accuracy_points.txt").write_text("\n".join(points) + "\n")
    write_page(root / "docs/accuracy.md", rows, int(count))


def write_page(path, rows, count):
    lines = [
        "# Accuracy",
        "",
        "The largest errors found in elementwise functions, in units in the last place of the exact result (ulp), against",
        "references of 50 digits. Made by",
        "",
        "```",
        "cmake --preset bench && cmake --build --preset bench --target bench_accuracy",
        "python3 tests/reference/make_accuracy.py build/bench/bench/accuracy",
        "```",
        "",
        f"which looks at {count:,} arguments of each function, element type and instruction set with arithmetic of 113 bits:",
        "bit patterns of all exponents, the usual range, and the neighbourhood of zeros, poles and changes of method. The 40",
        "worst are measured again with mpmath at 50 digits or more. An error counts wherever the exact result is a normal",
        "number, so a function that overflows too early or loses the digits of a small result shows here. It is a search, not",
        "a proof: arguments that are a little worse exist. `tests/ops_accuracy_test.cpp` keeps the 16 worst of each row",
        "within the bound. Kernels without fused multiply and add are `baseline`; `avx2` and `avx512` have it.",
        "",
        "| function | float32 baseline | avx2 | avx512 | float64 baseline | avx2 | avx512 | at most | arguments |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for name, row in rows:
        errors = " | ".join(f"{float(row[dtype, arch]):.2f}" for dtype in DIGITS for arch in ARCHS)
        lines.append(f"| {name} | {errors} | {BOUND.get(name, COMMON)} | {RANGE.get(name, 'all finite')} |")
    lines += [
        "",
        "* `digamma` in float64 is good to 1e-16 absolutely around its zeros (at 1.4616... and between the poles below 0);",
        "  there 1e-16 counts as 4. In float32 no exception is needed.",
        "* `logaddexp` and `logaddexp2` of two negative numbers can be near 0, where digits cancel: the error is then",
        "  2 ulp of the larger argument.",
        "* `lgamma` below 0 is the C library's: near its zeros there it is good absolutely, not in ulp.",
        "* `add`, `subtract`, `multiply`, `divide`, `sqrt`, `abs`, `negative`, `floor`, `ceil`, `trunc`, `rint`, `fmod`,",
        "  `remainder`, `copysign`, `nextafter`, comparisons, `maximum`, `minimum` and `clip` are rounded once or exact.",
        "* float32 of the gamma and Bessel functions is computed in float64 and rounded.",
    ]
    path.write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
