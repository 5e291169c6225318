"""The paper's networks in their full size, from a file to the class scores."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from tests.models.simplenn_files import Weights, save_v5, simplenn

from preimage.models import matconvnet, zoo
from preimage.models.architecture import Convolution, LayerSpec


@pytest.fixture
def path(tmp_path: Path) -> Iterator[Path]:
    """Removed at once: pytest would keep hundreds of megabytes."""
    yield tmp_path / "net.mat"
    (tmp_path / "net.mat").unlink()


def cheap_weights(layers: tuple[LayerSpec, ...]) -> Weights:
    """Filters cut from one small block of noise, which is quicker than drawing them all."""
    noise = np.random.default_rng(0).standard_normal(1 << 16, np.float32)
    channels, weights = 3, {}
    for layer in layers:
        if isinstance(layer, Convolution):
            shape = (*layer.kernel, channels // layer.groups, layer.channels)
            filters = np.resize(noise, np.prod(shape)) * np.float32(np.prod(shape[:3]) ** -0.5)
            weights[layer.name] = (filters.reshape(shape), noise[: layer.channels])
            channels = layer.channels
    return weights


@pytest.mark.parametrize(("name", "count"), [("alexnet", 60_965_224), ("vgg-vd-16", 138_357_544)])
def test_the_full_network_loads_and_runs(name: str, count: int, path: Path) -> None:
    network = zoo.get(name)
    weights = cheap_weights(network.layers)
    save_v5(path, simplenn(network.layers, weights, "beta17", network.image_size))
    model = matconvnet.read(path)
    matconvnet.check_layers(model.layers, network.layers, network.name)
    assert sum(parameter.numel() for parameter in model.module.parameters()) == count
    with torch.no_grad():
        scores = model.module(torch.randn(1, 3, *network.image_size) * 50)
    assert scores.shape == (1, 1000, 1, 1)
    assert scores.sum().item() == pytest.approx(1, abs=1e-4)
    assert model.module.state_dict()["fc7.bias"].tolist() == weights["fc7"][1].tolist()
