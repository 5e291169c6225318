"""A small network, a folder of photos, and statistics that are computed the plain way."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import torch
from tests.cli.runner import save_photo
from torch import Tensor, nn

from preimage.preprocessing import Preprocessing
from preimage.representations.layer import Layer
from preimage.representations.layers import Layers
from preimage.statistics import ChannelStatistics

SMALL = Preprocessing(mean=(127.5,) * 3, std=(64.0,), size=(24, 24))


class Tokens(nn.Module):
    """A map (N, K, H, W) as tokens (N, H W, K)."""

    def forward(self, x: Tensor) -> Tensor:
        return x.flatten(2).transpose(1, 2)


class Mean(nn.Module):
    """Of tokens (N, T, K), (N, K)."""

    def forward(self, x: Tensor) -> Tensor:
        return x.mean(1)


def convolution(seed: int = 0) -> nn.Conv2d:
    """Six channels, the last of them dead."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        conv = nn.Conv2d(3, 6, 5, 2)
    with torch.no_grad():
        conv.weight[5] = 0
    return conv


def network(conv: nn.Conv2d | None = None) -> nn.Sequential:
    """Maps "0" and "1", tokens "2" and vectors "3"."""
    return nn.Sequential(conv or convolution(), nn.ReLU(inplace=True), Tokens(), Mean())


def layers(model: nn.Module, *names: str) -> Layers:
    """Layers of it."""
    return Layers([Layer(model, name, SMALL, name=f"small/{name}") for name in names])


def photos(folder: Path, count: int) -> list[Path]:
    """So many photos of noise."""
    folder.mkdir(exist_ok=True)
    return [save_photo(folder / f"{index:02}.png", seed=index) for index in range(count)]


def responses(layer: Layer, paths: list[Path]) -> np.ndarray:
    """All responses at once, in float64, (channels, images, positions)."""
    with torch.no_grad():
        codes = layer(torch.stack([layer.preprocessing.load(path) for path in paths])).double()
    if codes.ndim == 3:
        codes = codes.transpose(1, 2)
    return codes.reshape(*codes.shape[:2], -1).transpose(0, 1).numpy()


def assert_equal(one: ChannelStatistics, other: ChannelStatistics) -> None:
    """Bit for bit."""
    for field in dataclasses.fields(ChannelStatistics):
        mine, its = getattr(one, field.name), getattr(other, field.name)
        assert np.array_equal(mine, its), field.name


def factory() -> tuple[nn.Module, dict[str, object]]:
    """The network with its preprocessing, for `import:tests.statistics.networks.factory`."""
    return network(), {"mean": (127.5,) * 3, "std": (64,) * 3, "size": (24, 24)}
