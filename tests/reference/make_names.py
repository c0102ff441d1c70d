"""Writes names.json: the public functions of numpy, numpy.linalg and keras.ops. Needs numpy and keras."""
import inspect
import json
import os
import pathlib

os.environ.setdefault("KERAS_BACKEND", "torch")
import keras
import numpy


def functions(module, names):
    found = []
    for name in sorted(set(names)):
        member = getattr(module, name)
        if callable(member) and not inspect.isclass(member) and not name.startswith("_"):
            found.append(name)
    return found


def members(module):
    """Functions and classes, both."""
    return sorted(n for n in dir(module) if not n.startswith("_") and callable(getattr(module, n)))


names = {
    "numpy": functions(numpy, numpy.__all__),
    "numpy.linalg": functions(numpy.linalg, numpy.linalg.__all__),
    "keras.ops": functions(keras.ops, dir(keras.ops)),
    "keras.activations": members(keras.activations),
    "keras.losses": members(keras.losses),
    "keras.metrics": members(keras.metrics),
    "keras.optimizers": members(keras.optimizers),
    "keras.optimizers.schedules": members(keras.optimizers.schedules),
    "keras.initializers": members(keras.initializers),
    "keras.regularizers": members(keras.regularizers),
    "keras.constraints": members(keras.constraints),
    "keras.layers": members(keras.layers),
    "keras.callbacks": members(keras.callbacks),
    "keras.utils": members(keras.utils),
}
versions = {"numpy": numpy.__version__, "keras": keras.__version__}
path = pathlib.Path(__file__).with_name("names.json")
path.write_text(json.dumps({"versions": versions, **names}, indent=0) + "\n")
