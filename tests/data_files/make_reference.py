"""Writes reference.safetensors with the public safetensors package, to be read by tests/io_test.cpp."""
import numpy as np
from safetensors.numpy import save_file

save_file(
    {
        "layer.kernel": np.array([[1.5, -2.0, 0.25], [3.0, np.inf, -0.0]], dtype=np.float32),
        "layer.bias": np.array([1e-300, np.pi], dtype=np.float64),
        "step": np.array(2**53 + 1, dtype=np.int64),
        "sizes": np.array([-7, 2**31 - 1], dtype=np.int32),
        "pixels": np.array([[0, 255, 7]], dtype=np.uint8),
        "mask": np.array([True, False, True]),
        "empty": np.zeros((0, 3), dtype=np.float32),
    },
    "reference.safetensors",
    metadata={"format": "np", "note": "größe"},
)
