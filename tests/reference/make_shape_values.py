#!/usr/bin/env python3
"""Writes shape_values.json: functions that move elements, by NumPy, with gradients: each is a choice of elements and
constants, found by moving a numbered array. The format is told in tests/reference_cases.hpp."""
import numpy as np
import torch

from make_product_values import case, normal, whole, write


def moved(f):
    """NumPy's f as a function of torch tensors: an element of the result is one of the input's or a constant. Where f
    puts elements is seen by moving their numbers, where it puts constants by moving two different ones."""
    def call(*xs):
        count = 1
        numbered = []
        for x in xs:
            numbered.append(np.arange(count, count + x.numel(), dtype=np.float64).reshape(x.shape))
            count += x.numel()
        one, two = f(*numbered), f(*[n + 1e6 for n in numbered])
        comes = np.asarray(two - one > 1).reshape(-1)
        flat = torch.cat([x.reshape(-1) for x in xs])
        places = np.where(comes, np.asarray(one).reshape(-1).astype(np.int64) - 1, 0)
        constants = torch.tensor(np.where(comes, 0.0, np.asarray(one).reshape(-1)))
        out = torch.where(torch.tensor(comes), flat[torch.tensor(places)].double(), constants)
        out = out.reshape(np.asarray(one).shape)
        expected = f(*[x.detach().numpy() for x in xs])
        assert np.array_equal(out.detach().numpy(), np.asarray(expected, dtype=np.float64))
        return out if xs[0].is_floating_point() else torch.tensor(np.array(expected))
    return call


SMALL = [(3,), (2, 3), (3, 1, 2), (1, 4), (2, 2, 2, 2), (5, 2)]
MATRICES = [(2, 3), (3, 3), (4, 2), (1, 3), (2, 3, 2), (3, 2, 2)]
VECTORS = [(1,), (2,), (3,), (4,), (5,), (6,)]
ONE = {
    "ravel": (np.ravel, SMALL), "expand_dims": (lambda x: np.expand_dims(x, (0, -1)), SMALL),
    "squeeze": (np.squeeze, [(1, 3), (3, 1, 2), (1, 1), (2, 1, 1, 3), (2,), (1, 4, 1)]),
    "transpose": (np.transpose, SMALL), "moveaxis": (lambda x: np.moveaxis(x, 0, -1), SMALL),
    "moveaxis_two": (lambda x: np.moveaxis(x, [0, -1], [1, 0]), [(2, 3), (2, 3, 4), (3, 1, 2), (2, 2, 3, 2), (1, 2), (4, 2, 3)]),
    "swapaxes": (lambda x: np.swapaxes(x, 0, -1), SMALL), "matrix_transpose": (np.matrix_transpose, MATRICES),
    "atleast_1d": (np.atleast_1d, SMALL + [()]), "atleast_2d": (np.atleast_2d, SMALL + [()]),
    "atleast_3d": (np.atleast_3d, SMALL + [()]),
    "split_2": (lambda x: np.split(x, 3, -1)[1], [(3,), (6,), (2, 3), (2, 9), (1, 2, 6), (3, 3)]),
    "split_at": (lambda x: np.split(x, [1, -1], 0)[1], [(3,), (5,), (2, 3), (4, 2), (6, 1, 2), (1, 3)]),
    "array_split_0": (lambda x: np.array_split(x, 3)[0], [(3,), (5,), (2, 3), (4, 2), (7, 1, 2), (1, 3)]),
    "array_split_2": (lambda x: np.array_split(x, 3)[2], [(3,), (5,), (2, 3), (4, 2), (7, 1, 2), (8,)]),
    "unstack_1": (lambda x: np.unstack(x, axis=-1)[1], [(3,), (2, 3), (3, 1, 2), (1, 4), (2, 2), (2, 3, 2)]),
    "tile": (lambda x: np.tile(x, (2, 1, 3)), [(3,), (2, 3), (3, 1, 2), (1, 4), (), (2, 2)]),
    "tile_one": (lambda x: np.tile(x, 2), SMALL),
    "repeat": (lambda x: np.repeat(x, 2), SMALL), "repeat_axis": (lambda x: np.repeat(x, 3, -1), SMALL),
    "repeat_counts": (lambda x: np.repeat(x, [2, 0, 3], 0), [(3,), (3, 2), (3, 1, 2), (3, 4), (3, 3), (3, 2, 2)]),
    "flip": (np.flip, SMALL), "flip_first": (lambda x: np.flip(x, 0), SMALL), "fliplr": (np.fliplr, MATRICES),
    "flipud": (np.flipud, SMALL), "rot90": (np.rot90, MATRICES), "rot90_3": (lambda x: np.rot90(x, 3, (1, 0)), MATRICES),
    "rot90_2": (lambda x: np.rot90(x, -2), MATRICES),
    "roll": (lambda x: np.roll(x, 2), SMALL), "roll_back": (lambda x: np.roll(x, -3, -1), SMALL),
    "roll_two": (lambda x: np.roll(x, (1, -2), (0, -1)), MATRICES),
    "pad_constant": (lambda x: np.pad(x, 2, constant_values=7), SMALL[:4] + [(1, 1), (4,)]),
    "pad_two": (lambda x: np.pad(x, ((1, 0), (0, 2))), [(2, 3), (3, 3), (4, 2), (1, 3), (1, 1), (2, 2)]),
    "tril": (np.tril, MATRICES), "triu_1": (lambda x: np.triu(x, 1), MATRICES), "triu_minus": (lambda x: np.triu(x, -1), MATRICES),
    "diagonal": (np.diagonal, MATRICES), "diagonal_minus": (lambda x: np.diagonal(x, -1, -1, 0), MATRICES),
    "diag": (np.diag, VECTORS + MATRICES[:4]), "diag_2": (lambda x: np.diag(x, 2), VECTORS),
    "diag_minus": (lambda x: np.diag(x, -1), VECTORS), "diagflat": (np.diagflat, [(2,), (2, 2), (1, 3), (1,), (3, 1), (2, 1, 2)]),
    "slice_back": (lambda x: x[::-2], SMALL), "slice_negative": (lambda x: x[-3:-1], SMALL),
    "slice_ends": (lambda x: x[..., 1:], SMALL),
}
for mode in ["edge", "reflect", "symmetric", "wrap"]:
    ONE["pad_" + mode] = (lambda x, mode=mode: np.pad(x, 1, mode), SMALL[:4] + [(1, 1), (4,)])
    ONE["pad_far_" + mode] = (lambda x, mode=mode: np.pad(x, ((4, 7),), mode), VECTORS)


def filled(x):
    out = x.copy()
    np.fill_diagonal(out, 7)
    return out


ONE["fill_diagonal"] = (filled, [(2, 2), (3, 2), (2, 4), (2, 2, 2), (1, 1), (3, 3)])
MANY = {
    "concatenate": (lambda *x: np.concatenate(x, -1), [[(2,), (3,)], [(2, 3), (2, 1)], [(1,), (1,), (2,)], [(2, 0), (2, 2)], [(3,)], [(2, 1, 2), (2, 1, 3)]]),
    "stack": (lambda *x: np.stack(x, 1), [[(2,), (2,)], [(2, 3), (2, 3)], [(1,), (1,), (1,)], [(3, 1)], [(2, 2), (2, 2)], [(2, 1, 2), (2, 1, 2)]]),
    "hstack": (lambda *x: np.hstack(x), [[(2,), (3,)], [(2, 3), (2, 1)], [(1,), (1,), (2,)], [(), (2,)], [(2, 2)], [(2, 1, 2), (2, 2, 2)]]),
    "vstack": (lambda *x: np.vstack(x), [[(3,), (3,)], [(2, 3), (3,)], [(), ()], [(1, 2), (2, 2)], [(2, 2)], [(2, 1, 2), (1, 1, 2)]]),
    "dstack": (lambda *x: np.dstack(x), [[(3,), (3,)], [(2, 3), (2, 3)], [(), ()], [(1, 2), (1, 2, 2)], [(2, 2)], [(3,), (1, 3, 2)]]),
    "column_stack": (lambda *x: np.column_stack(x), [[(3,), (3,)], [(2, 3), (2,)], [(), ()], [(2, 1), (2, 2)], [(2,)], [(1,), (1, 3)]]),
    "meshgrid_0": (lambda *x: np.meshgrid(*x)[0], [[(2,), (3,)], [(2,), (1,), (2,)], [(3,)], [(1,), (4,)], [(), (2,)], [(3,), (3,)]]),
    "meshgrid_last_ij": (lambda *x: np.meshgrid(*x, indexing="ij")[-1], [[(2,), (3,)], [(2,), (1,), (2,)], [(3,)], [(1,), (4,)], [(), (2,)], [(3,), (3,)]]),
    "broadcast_arrays_1": (lambda *x: np.broadcast_arrays(*x)[1], [[(2, 3), (3,)], [(2, 1), (1, 3)], [(4,), ()], [(2, 2), (2, 2)], [(1, 2), (3, 1), (2,)], [(3, 1, 1), (2, 1)]]),
}


def main():
    cases = []
    for name, (f, shapes) in ONE.items():
        for shape in shapes:
            cases.append(case(name, moved(f), normal(*shape), second=False))
        cases.append(case(name, moved(f), whole(*shapes[0], limit=2**62)))
    for name, (f, lists) in MANY.items():
        for shapes in lists:
            cases.append(case(name, moved(f), *[normal(*s) for s in shapes], second=False))
    for shape in MATRICES:
        cases.append(case("trace", lambda x: torch.diagonal(x, 0, 0, 1).sum(-1), normal(*shape)))
        cases.append(case("trace_1", lambda x: torch.diagonal(x, 1, -2, -1).sum(-1), normal(*shape)))
    spaced = {"linspace": np.linspace, "linspace_open": lambda *a: np.linspace(*a, endpoint=False), "logspace": np.logspace,
              "logspace_2": lambda *a: np.logspace(*a, base=2)}
    for args in [(0, 1, 20), (2, -3, 7), (0, 1, 1), (0, 3, 4), (5, 5, 3), (-1, 1, 2)]:
        for name, f in spaced.items():
            cases.append(case(name, lambda x: torch.tensor(f(*args)), np.array(args)))
    for args in [(1, 1000, 4), (2, 3, 9), (-1, -8, 4), (5, 5, 3), (100, 1, 5), (7, 9, 1)]:
        cases.append(case("geomspace", lambda x: torch.tensor(np.geomspace(*args)), np.array(args)))
    for args in [(3, 3, 0), (2, 4, 1), (4, 2, -1), (1, 1, 0), (3, 3, 5), (2, 3, -1)]:
        cases.append(case("eye", lambda x: torch.tensor(np.eye(*args)), np.array(args)))
        cases.append(case("tri", lambda x: torch.tensor(np.tri(*args)), np.array(args)))
    write("shape_values.json", cases)


if __name__ == "__main__":
    main()
