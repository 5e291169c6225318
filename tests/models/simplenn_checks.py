"""SimpleNN files that tests read, and what they compare."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.io
import scipy.io.matlab
import torch
from tests.models.simplenn_files import (
    save_v5,
    save_v73,
)

from preimage.models import matconvnet
from preimage.models.architecture import (
    Convolution,
    Dropout,
    LayerSpec,
    Normalization,
    Pooling,
    Rectifier,
    Softmax,
)
from preimage.models.errors import ModelError
from preimage.models.matconvnet import NetworkFile

Save = Callable[[Path, dict[str, Any]], Path]


FORMATS = pytest.mark.parametrize("save", [save_v5, save_v73], ids=["v5", "v73"])


GENERATIONS = pytest.mark.parametrize("generation", ["beta11", "beta16", "beta17"])


def image(height: int, width: int, channels: int = 3) -> np.ndarray:
    return np.random.default_rng(5).uniform(-120, 130, (height, width, channels))


def outputs(model: NetworkFile, pixels: np.ndarray) -> dict[str, np.ndarray]:
    """The output (H', W', C) of every layer."""
    x = torch.from_numpy(pixels.transpose(2, 0, 1)[None].astype(np.float32))
    found = {}
    for name, layer in model.module.named_children():
        x = layer(x)
        found[name] = x[0].permute(1, 2, 0).double().numpy()
    return found


def assert_close(found: dict[str, np.ndarray], expected: dict[str, np.ndarray]) -> None:
    assert list(found) == list(expected)
    for name, values in expected.items():
        assert found[name].shape == values.shape, name
        error = np.abs(found[name] - values).max() / np.abs(values).max()
        assert error < 1e-4, (name, error)


SMALL: list[LayerSpec] = [
    Convolution("conv1", (3, 5), 8, (2, 1), (0, 1, 2, 0), (1, 2)),
    Rectifier("relu1", 0.1),
    Normalization("norm1", 4, 1.5, 1e-3, 0.6),
    Pooling("pool1", (3, 2), (2, 3), (1, 1, 0, 1), "avg"),
    Convolution("conv2", (3, 3), 6, padding=(1, 1, 1, 1), groups=2),
    Pooling("pool2", (3, 3), (2, 2), (1, 0, 0, 1)),
    Dropout("drop2", 0.3),
    Convolution("fc3", (1, 1), 5),
    Softmax("prob"),
]


def bare(*layers: dict[str, Any]) -> dict[str, Any]:
    return {"layers": list(layers)}


def filters(*shape: int) -> np.ndarray:
    return np.random.default_rng(0).standard_normal(shape).astype(np.float32)


def conv(name: str, weights: np.ndarray, biases: Any, **fields: Any) -> dict[str, Any]:
    return {"type": "conv", "name": name, "weights": [weights, biases]} | fields


def a_conv(**fields: Any) -> dict[str, Any]:
    rng = np.random.default_rng(0)
    weights = [rng.standard_normal((3, 3, 3, 4)), rng.standard_normal((1, 4))]
    return {"type": "conv", "name": "conv1", "weights": weights} | fields


def message(path: Path) -> str:
    """The error of reading a file, which is one line that names it."""
    with pytest.raises(ModelError) as caught:
        matconvnet.read(path)
    text = str(caught.value)
    assert text.startswith(str(path))
    assert "\n" not in text
    assert len(text) < len(str(path)) + 250
    return text.removeprefix(f"{path}: ")


def save_v7(path: Path, tree: dict[str, Any]) -> Path:
    """Compressed, as the zoo's files are."""
    save_v5(path, tree)
    variables = scipy.io.loadmat(path, struct_as_record=True)
    kept = {name: value for name, value in variables.items() if not name.startswith("_")}
    scipy.io.savemat(path, kept, do_compression=True)
    return path
