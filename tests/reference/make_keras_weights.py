#!/usr/bin/env python3
"""Writes keras_weights.json: Keras's regularizers, constraints, and the initializers that draw nothing, on JAX in
float64. Keras's STFT takes its angles in single precision, so that is NumPy's, checked against Keras's to 1e-6."""
import scipy.signal

from keras_cases import case, jnp, keras, np, write

R = keras.regularizers
C = keras.constraints
I = keras.initializers
w = np.array([[1.0, -2.0, 0.3], [3.0, 0.5, -0.7]])
kernel = np.sin(np.arange(24.0) + 0.5).reshape(2, 3, 4)
cases = [
    case("l1", R.get("l1"), w, grads=[0]),
    case("l2", R.get("l2"), w, grads=[0]),
    case("l1_l2", R.L1L2(0.02, 0.03), w, grads=[0]),
    case("orthogonal rows", R.OrthogonalRegularizer(), w, grads=[0]),
    case("orthogonal columns", R.OrthogonalRegularizer(0.2, "columns"), w, grads=[0]),
    case("max_norm", C.MaxNorm(), w),
    case("max_norm axes", C.MaxNorm(0.7, axis=[0, 1]), kernel),
    case("min_max_norm", C.MinMaxNorm(), w),
    case("min_max_norm rate", C.MinMaxNorm(0.8, 1.2, 0.25, axis=1), w),
    case("non_neg", C.NonNeg(), w),
    case("unit_norm", C.UnitNorm(), w),
    case("unit_norm axis 1", C.UnitNorm(axis=1), w),
]


def initial(initializer, shape):
    return lambda: initializer(shape, dtype="float64")


cases += [
    case("zeros", initial(I.Zeros(), (2, 3))),
    case("ones", initial(I.Ones(), (2, 3))),
    case("constant", initial(I.Constant(0.3), (2, 3))),
    case("identity", initial(I.Identity(1.5), (3, 4))),
]


def stft(side, window, scaling, periodic, shape):
    length, _, frequencies = shape
    w, divisor = np.ones(length), 1
    if window:
        w = scipy.signal.get_window(window, length, periodic)
        divisor = {None: 1, "density": np.sqrt(np.sum(w**2)), "spectrum": np.sum(np.abs(w))}[scaling]
    angle = -np.pi * np.outer(np.arange(length), np.arange(frequencies)) / (frequencies - 1)
    out = (np.cos if side == "real" else np.sin)(angle) * w[:, None] / divisor
    out = out.reshape(shape)
    theirs = I.STFT(side, window, scaling, periodic)(shape, dtype="float64")
    assert np.allclose(out, theirs, atol=1e-6), (side, window)
    return lambda: out


for window in ["hann", "hamming", "blackman", "nuttall", "blackmanharris", "flattop", "cosine", "bartlett", "boxcar"]:
    for periodic in [False, True]:
        name = f"stft {window}" + (" periodic" if periodic else "")
        cases.append(case(name, stft("real", window, "density", periodic, (6, 1, 4))))
cases += [
    case("stft imag spectrum", stft("imag", "hann", "spectrum", False, (6, 1, 4))),
    case("stft plain", stft("real", None, None, False, (5, 1, 3))),
]
write("keras_weights.json", cases)
