#!/usr/bin/env python3
"""Writes linalg_values.json and decomposition_values.json: linear algebra with gradients and second derivatives, by
PyTorch in float64. Where signs of vectors are arbitrary, functions that do not depend on them are compared."""
import numpy as np
import scipy.linalg
import torch

from make_product_values import case, normal, whole, write

BATCHES = [(), (), (), (2,), (3,), (2, 2)]
SIZES = [1, 2, 4, 3, 2, 2]


def regular(batch, n):
    return np.round(normal(*batch, n, n) + 3 * np.eye(n), 6)


def definite(x):
    """What the C++ side also does with its input: symmetric with separated eigenvalues."""
    n = x.shape[-1]
    return 0.3 * (x + x.mT) + torch.diag(2.0 + 3.0 * torch.arange(n, dtype=torch.float64))


def squares():
    return [regular(b, n) for b, n in zip(BATCHES, SIZES)]


def rectangles():
    return [normal(*s) for s in [(3, 2), (2, 3), (4, 1), (2, 3, 2), (3, 2, 4), (3, 3), (5, 3)]]


def main():
    cases = []
    for a in squares():
        n = a.shape[-1]
        cases.append(case("solve", torch.linalg.solve, a, normal(*a.shape[:-1], 2)))
        cases.append(case("inv", torch.linalg.inv, a))
        cases.append(case("det", torch.linalg.det, a))
        cases.append(case("logabsdet", lambda a: torch.linalg.slogdet(a)[1], a))
        cases.append(case("sign_of_det", lambda a: torch.linalg.slogdet(a)[0], a, differentiate=[]))
        x = normal(*a.shape)
        cases.append(case("cholesky", lambda x: torch.linalg.cholesky(definite(x)), x))
        cases.append(case("cholesky_upper", lambda x: torch.linalg.cholesky(definite(x), upper=True), x))
        cases.append(case("cholesky_solve", lambda b, l: torch.cholesky_solve(b, l.tril()), normal(*a.shape[:-1], 2), a))
        cases.append(case("power_3", lambda a: torch.linalg.matrix_power(a, 3), a))
        cases.append(case("power_minus_2", lambda a: torch.linalg.matrix_power(a, -2), a))
        for upper in [False, True]:
            name = "triangular_" + ("upper" if upper else "lower")
            b = normal(*a.shape[:-1], 2)
            cases.append(case(name, lambda a, b: torch.linalg.solve_triangular(a, b, upper=upper), a, b))
        small = 0.4 * normal(*a.shape)
        assert np.allclose(scipy.linalg.expm(small), torch.linalg.matrix_exp(torch.tensor(small)).numpy(), 1e-13)
        cases.append(case("expm", torch.linalg.matrix_exp, small, second=n < 4))
    for scale in [1e-3, 0.1, 0.5, 1.0, 3.0, 6.0]:
        a = np.round(scale * normal(3, 3), 8)
        one = case("expm", torch.linalg.matrix_exp, a, differentiate=[])
        one["out"]["values"] = [float(v) for v in scipy.linalg.expm(a).reshape(-1)]
        cases.append(one)
    cases.append(case("solve_vector", torch.linalg.solve, regular((), 3), normal(3)))
    cases.append(case("solve_vector", lambda a, b: torch.linalg.solve(a, b.expand(2, 3)), regular((2,), 3), normal(3)))
    for n in [1, 2, 4, 5]:
        cases.append(case("solve_vector", torch.linalg.solve, regular((), n), normal(n)))
    for a in rectangles():
        b = normal(*a.shape[:-1], 2)
        cases.append(case("pinv", torch.linalg.pinv, a))
        cases.append(case("lstsq", lambda a, b: torch.linalg.pinv(a) @ b, a, b))
        cases.append(case("norm_fro", lambda a: torch.linalg.matrix_norm(a), a))
        cases.append(case("norm_nuc", lambda a: torch.linalg.matrix_norm(a, "nuc"), a))
        for name, order in [("norm_2", 2), ("norm_minus_2", -2), ("norm_1", 1), ("norm_minus_1", -1),
                            ("norm_inf", float("inf")), ("norm_minus_inf", -float("inf"))]:
            cases.append(case(name, lambda a: torch.linalg.matrix_norm(a, order), a))
        if min(a.shape[-2:]) > 1:
            cases.append(case("cond_2", torch.linalg.cond, a))
        cases.append(case("rank", lambda a: torch.linalg.matrix_rank(a), a, differentiate=[]))
    low = normal(4, 2) @ normal(2, 3)
    cases.append(case("rank", torch.linalg.matrix_rank, low, differentiate=[]))
    cases.append(case("pinv", torch.linalg.pinv, low, differentiate=[]))
    # The condition of a single number does not change, so it is left out.
    for a in squares()[1:] + [regular((), 3)]:
        cases.append(case("cond_1", lambda a: torch.linalg.matrix_norm(a, 1) * torch.linalg.matrix_norm(torch.linalg.inv(a), 1), a))
        cases.append(case("cond_fro", lambda a: torch.linalg.matrix_norm(a) * torch.linalg.matrix_norm(torch.linalg.inv(a)), a))
    power = whole(3, 3, limit=50)
    cases.append(case("power_3", lambda a: torch.tensor(np.linalg.matrix_power(a.numpy(), 3)), power))
    write("linalg_values.json", cases)

    cases = []
    for a in rectangles():
        cases.append(case("qr_q", lambda a: torch.linalg.qr(a)[0], a))
        cases.append(case("qr_r", lambda a: torch.linalg.qr(a)[1], a))
        cases.append(case("svdvals", torch.linalg.svdvals, a))
        cases.append(case("svd_s", lambda a: torch.linalg.svd(a, full_matrices=False)[1], a))
        cases.append(case("svd_u4", lambda a: torch.linalg.svd(a, full_matrices=False)[0] ** 4, a))
        cases.append(case("svd_vh4", lambda a: torch.linalg.svd(a, full_matrices=False)[2] ** 4, a))

        def root(a):
            u, s, vh = torch.linalg.svd(a, full_matrices=False)
            return (u * s.sqrt()[..., None, :]) @ vh
        cases.append(case("svd_root", root, a))
    # What the columns (rows) of a matrix leave over, as the added vectors of a complete factor span it.
    for shape in [(3, 2), (4, 1), (2, 3, 2), (5, 3), (4, 2), (3, 5, 2)]:
        m, n = shape[-2:]
        a, unit = normal(*shape), torch.eye(m, dtype=torch.float64)
        zeros = torch.zeros(*shape[:-2], m - n, n, dtype=torch.float64)
        cases.append(case("complete_r", lambda a: torch.cat([torch.linalg.qr(a)[1], zeros], -2), a))
        cases.append(case("complete_projector", lambda a: unit - torch.linalg.qr(a)[0] @ torch.linalg.qr(a)[0].mT, a))
        cases.append(case("full_projector", lambda a: unit - torch.linalg.pinv(a) @ a, np.ascontiguousarray(np.swapaxes(a, -1, -2))))
    for a in squares():
        cases.append(case("eigvalsh", lambda a: torch.linalg.eigvalsh(definite(a)), a))
        cases.append(case("eigh_w", lambda a: torch.linalg.eigh(definite(a))[0], a))
        cases.append(case("eigh_v4", lambda a: torch.linalg.eigh(definite(a))[1] ** 4, a))
        cases.append(case("eigh_root", lambda a: (lambda e: (e[1] * e[0].sqrt()[..., None, :]) @ e[1].mT)
                          (torch.linalg.eigh(definite(a))), a))
    write("decomposition_values.json", cases)


if __name__ == "__main__":
    main()
