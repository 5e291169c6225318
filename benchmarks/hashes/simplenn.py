"""A small network as a file of MatConvNet."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import scipy.io


def write_network(name: str) -> Path:
    """Write a SimpleNN of two convolutions in the layout of MatConvNet since 1.0-beta17.

    Weights are random, from a fixed seed.
    """
    generator = np.random.default_rng(0)
    layers = [
        _convolution(generator, "conv1", 5, 3, 8, stride=2),
        {"type": "relu", "name": "relu1", "leak": 0.0},
        {"type": "lrn", "name": "norm1", "param": [5.0, 1.0, 2e-5, 0.75]},
        {"type": "pool", "name": "pool1", "method": "max", "pool": [3.0, 3.0], "stride": [2.0, 2.0],
         "pad": [0.0, 1.0, 0.0, 1.0]},
        _convolution(generator, "conv2", 3, 8, 12, stride=1),
        {"type": "relu", "name": "relu2", "leak": 0.0},
    ]  # fmt: skip
    cells = np.empty((1, len(layers)), object)
    cells[0] = layers
    normalization = {
        "imageSize": [64.0, 64.0, 3.0, 10.0],
        "averageImage": np.array([123.5, 116.25, 104.0], np.float32).reshape(1, 1, 3),
    }
    path = Path(name)
    scipy.io.savemat(path, {"layers": cells, "meta": {"normalization": normalization}})
    return path


def _convolution(
    generator: np.random.Generator, name: str, side: int, inputs: int, outputs: int, stride: int
) -> dict[str, Any]:
    """Describe a convolution: filters (height, width, inputs, outputs) and biases."""
    deviation = np.sqrt(2 / (side * side * inputs))
    weights = np.empty((1, 2), object)
    weights[0, 0] = generator.standard_normal((side, side, inputs, outputs), np.float32) * deviation
    weights[0, 1] = generator.standard_normal((outputs, 1), np.float32)
    strides, pads = [float(stride)] * 2, [float(side // 2)] * 4
    return {"type": "conv", "name": name, "weights": weights, "stride": strides, "pad": pads}
