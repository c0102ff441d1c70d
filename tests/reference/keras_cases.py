"""What the scripts make_keras_*.py share: Keras on JAX in float64, and cases as tests/reference_cases.hpp reads them."""
import json
import math
import os
import pathlib

os.environ["KERAS_BACKEND"] = "jax"
import jax

jax.config.update("jax_enable_x64", True)
import keras
import jax.numpy as jnp
import numpy as np

from keras.src.backend.common import dtypes

keras.config.set_floatx("float64")
# Keras takes means and some functions in single precision, whatever it is given, unless this table lets it be.
dtypes.BIT64_TO_BIT32_DTYPE["float64"] = "float64"
rng = np.random.default_rng(11)


def plain(a):
    a = np.asarray(a)
    if a.dtype.kind == "f":
        return [float(x) if math.isfinite(x) else str(float(x)) for x in a.ravel()]
    return [int(x) for x in a.ravel()]


def tensor(a):
    a = np.asarray(a)
    return {"shape": list(a.shape), "dtype": a.dtype.name, "values": plain(a)}


def case(call, f, *ins, grads=(), second=True):
    """f(*ins) with its derivatives by the inputs numbered in `grads`."""
    ins = [np.asarray(x) for x in ins]
    out = np.asarray(f(*[jnp.asarray(x) for x in ins]))
    one = {"call": call, "in": [tensor(x) for x in ins], "out": tensor(out)}
    if not grads:
        return one
    seed = rng.uniform(-1, 1, out.shape).round(3)
    dirs = {k: rng.uniform(-1, 1, ins[k].shape).round(3) for k in grads}

    def first(*xs):
        def total(*moving):
            full = [jnp.asarray(x) for x in ins]
            for k, x in zip(grads, moving):
                full[k] = x
            return jnp.sum(f(*full) * seed)

        return jax.grad(total, argnums=tuple(range(len(grads))))(*xs)

    points = [jnp.asarray(ins[k]) for k in grads]
    slopes = dict(zip(grads, first(*points)))
    pick = lambda table: [plain(table[k]) if k in table else None for k in range(len(ins))]
    one |= {"seed": plain(seed), "grads": pick(slopes)}
    if second:
        _, turns = jax.jvp(first, tuple(points), tuple(jnp.asarray(dirs[k]) for k in grads))
        one |= {"dir": pick(dirs), "second": pick(dict(zip(grads, turns)))}
    return one


def write(name, cases):
    path = pathlib.Path(__file__).with_name(name)
    lines = ",\n".join(json.dumps(c) for c in cases)
    path.write_text('{"versions": {"keras": "%s"}, "cases": [\n%s\n]}\n' % (keras.__version__, lines))
