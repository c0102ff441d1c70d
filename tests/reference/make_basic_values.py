#!/usr/bin/env python3
"""Writes basic_values.json: arithmetic, comparisons, activations and shapes with gradients and second derivatives, by
PyTorch in float64; integers too. The format is told in tests/reference_cases.hpp."""
import numpy as np
import torch

from make_product_values import case, normal, whole, write

PAIRS = [((2, 3), (2, 3)), ((3,), (2, 3)), ((2, 1), (1, 4)), ((), (3,)), ((), ()), ((0, 2), (1, 2)), ((2, 1, 3), (4, 1))]
SHAPES = [(5,), (2, 3), (), (2, 1, 3), (0, 2), (4, 2)]
ROWS = [(5,), (2, 3), (3, 1), (2, 2, 3), (0, 2), (4, 2)]
BIG = np.array([2**62 + 3, -(2**62) - 5, 2**53 + 1, -7, 0, 9])


def away_from_zero(x):
    return np.where(np.abs(x) < 0.2, x + 0.5, x)


def main():
    cases = []
    for a, b in PAIRS:
        x, y = normal(*a), normal(*b)
        cases.append(case("add", torch.add, x, y))
        cases.append(case("subtract", torch.subtract, x, y))
        cases.append(case("multiply", torch.multiply, x, y))
        cases.append(case("divide", torch.divide, x, away_from_zero(y)))
        cases.append(case("pow", torch.pow, np.abs(x) + 0.5, y))
        i, j = np.round(x), np.round(y)
        for name in ["equal", "not_equal", "less", "less_equal", "greater", "greater_equal"]:
            torch_name = {"equal": "eq", "not_equal": "ne"}.get(name, name)
            cases.append(case(name, getattr(torch, torch_name), i, j))
        cases.append(case("logical_and", torch.logical_and, i > 0, j > 0))
        cases.append(case("logical_or", torch.logical_or, i > 0, j > 0))
        cases.append(case("where", lambda c, x, y: torch.where(c, x, y), i > 0, x, y))
        cases.append(case("bitwise_and", torch.bitwise_and, whole(*a), whole(*b)))
        cases.append(case("bitwise_or", torch.bitwise_or, whole(*a), whole(*b)))
        cases.append(case("bitwise_xor", torch.bitwise_xor, whole(*a), whole(*b)))
        cases.append(case("gcd", torch.gcd, whole(*a), whole(*b)))
        cases.append(case("lcm", torch.lcm, whole(*a), whole(*b)))
        cases.append(case("left_shift", torch.bitwise_left_shift, whole(*a), np.abs(whole(*b, limit=50))))
        cases.append(case("right_shift", torch.bitwise_right_shift, whole(*a), np.abs(whole(*b, limit=50))))
        cases.append(case("sum_like", lambda x, y: (x * torch.ones_like(y)).sum_to_size(y.shape), x + 0 * y, y,
                          differentiate=[0]))
        cases.append(case("broadcast_like", lambda x, y: torch.broadcast_to(x, (x + y).shape), x, x + y,
                          differentiate=[0]))
        cases.append(case("isclose", lambda x, y: torch.isclose(x, y, rtol=1e-5, atol=1e-8), i, j + 1e-9))
    for f, name in [(torch.add, "add"), (torch.subtract, "subtract"), (torch.multiply, "multiply")]:
        cases.append(case(name, f, BIG, BIG[::-1].copy()))
    for shape in SHAPES:
        x = normal(*shape)
        smooth = [("negative", torch.negative), ("sin", torch.sin), ("cos", torch.cos), ("sigmoid", torch.sigmoid),
                  ("softplus", torch.nn.functional.softplus), ("relu", torch.relu)]
        for name, f in smooth:
            cases.append(case(name, f, x))
        cases.append(case("sigmoid", torch.sigmoid, 20 * x))
        cases.append(case("bitwise_not", torch.bitwise_not, whole(*shape)))
        cases.append(case("fix", torch.fix, 3 * x))
        cases.append(case("cast_int64", lambda x: x.to(torch.int64), 3 * x))
        cases.append(case("cast_float64", lambda x: x.to(torch.float64), whole(*shape)))
        cases.append(case("cast_bool", lambda x: x.to(torch.bool), np.round(x)))
        cases.append(case("zeros_like", torch.zeros_like, x, second=False, differentiate=[]))
        cases.append(case("ones_like", torch.ones_like, x, second=False, differentiate=[]))
        cases.append(case("full_like", lambda x: torch.full_like(x, 2.5), x, second=False, differentiate=[]))
        cases.append(case("reshape", lambda x: x.reshape(-1, 1), x) if x.size else case("reshape", torch.neg, -x))
        cases.append(case("broadcast_to", lambda x: torch.broadcast_to(x, (3, *x.shape)), x))
        cases.append(case("one_hot", lambda x: torch.nn.functional.one_hot(x, 5).double(), whole(*shape) % 5)
                     if x.size else case("negative", torch.negative, x))
    for shape in ROWS:
        x = 3 * normal(*shape)
        cases.append(case("softmax", lambda x: torch.softmax(x, -1), x))
        cases.append(case("log_softmax", lambda x: torch.log_softmax(x, -1), x))
        if x.size:
            cases.append(case("variance", lambda x: torch.var(x, -1, correction=0), x))
            cases.append(case("amax", lambda x: torch.amax(x, -1), x, second=False))
            cases.append(case("amin", lambda x: torch.amin(x, -1), x, second=False))
            cases.append(case("percentile_30", lambda x: torch.quantile(x, 0.3, dim=-1), x, second=False))
        else:
            for name in ["variance", "amax", "amin", "percentile_30"]:
                f = {"variance": lambda x: torch.var(x, 0, correction=0), "amax": lambda x: torch.amax(x, 0),
                     "amin": lambda x: torch.amin(x, 0), "percentile_30": lambda x: torch.quantile(x, 0.3, dim=0)}[name]
                cases.append(case(name + "_first", f, 3 * normal(3, 2), second=name == "variance"))
        cases.append(case("nancumsum", lambda x: torch.cumsum(torch.nan_to_num(x), -1), x))
        cases.append(case("nancumprod", lambda x: torch.cumprod(torch.nan_to_num(x), -1), x, second=False))
        cases.append(case("flatten", lambda x: torch.flatten(x), x))
        cases.append(case("permute_dims", lambda x: torch.permute(x, tuple(reversed(range(x.ndim)))), x))
        if shape[-1] > 1:
            cases.append(case("top_2", lambda x: torch.topk(x, 2, dim=-1).values, x, second=False))
            cases.append(case("slice_axis", lambda x: x[..., 1:], x))
    write("basic_values.json", cases)


main()
