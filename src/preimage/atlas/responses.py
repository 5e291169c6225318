"""The responses of channels to photos: histograms, and how alike the channels are.

Both are measured in one pass over the photos, after that of `preimage.statistics`, and kept in a
folder: photos that were measured once are not looked at again.
"""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from preimage.files import sha256, write_whole
from preimage.representations.layer import Layer
from preimage.representations.layers import Layers
from preimage.statistics import ChannelStatistics, measure
from preimage.statistics.store import Store, image_set_key, stored_name

BINS = 48
"""Number of bins of a histogram."""

_AT_ONCE = 256
"""Number of channels whose bins are counted at once."""


@dataclass(frozen=True, slots=True)
class Responses:
    """The responses of some channels of a layer to photos.

    Attributes:
        statistics: those of all channels of the layer.
        counts: for each chosen channel, a histogram from its smallest to its largest response,
            (C, BINS).
        correlation: of the responses of each two chosen channels at the same positions, (C, C); 0
            for a channel whose response is always the same.
    """

    statistics: ChannelStatistics
    counts: NDArray[np.int64]
    correlation: NDArray[np.float64]

    def order(self) -> NDArray[np.int64]:
        """Return the place of each chosen channel in an order with similar ones side by side.

        The angle between the first two principal axes of the correlation gives the order:
        M. Friendly, "Corrgrams: exploratory displays for correlation matrices" (2002).
        """
        if len(self.correlation) < 3:
            return np.arange(len(self.correlation))
        _, axes = np.linalg.eigh(self.correlation)
        angles = np.arctan2(axes[:, -2], axes[:, -1])
        order = np.argsort(angles, kind="stable")
        gaps = np.diff(angles[order], append=angles[order[0]] + 2 * np.pi)
        places = np.empty(len(order), np.int64)
        places[np.roll(order, -(int(gaps.argmax()) + 1))] = np.arange(len(order))
        return places


def measure_responses(
    layers: Sequence[Layer],
    channels: Mapping[str, Sequence[int]],
    photos: Sequence[Path],
    folder: Path,
    progress: Callable[[int, int], None] | None = None,
    device: str = "cpu",
) -> dict[str, Responses]:
    """Return the responses of the chosen channels of each layer to photos.

    Args:
        layers: layers of one network.
        channels: the chosen channels of each layer, by its dotted name.
        photos: the photos.
        folder: where to keep what is measured.
        progress: called with the number of photos done and of all photos.
        device: where to compute.

    Raises:
        ImageError: if none of the photos can be used.
        ValueError: as `preimage.statistics.measure`.
        OSError: if the folder, or the cache folder, cannot be written.
    """
    report = progress or (lambda done, total: None)
    statistics = measure(Layers(list(layers)), list(photos), device=device, progress=report)
    files = {
        layer.layer: folder / f"{_key(layer, channels[layer.layer], photos)}.npz"
        for layer in layers
    }
    found = {name: known for name, file in files.items() if (known := _read(file)) is not None}
    lacking = [layer for layer in layers if layer.layer not in found]
    if lacking:
        measured = _measure(lacking, channels, statistics, report, torch.device(device))
        for name, (counts, correlation) in measured.items():
            with write_whole(files[name]) as partial:
                np.savez(partial, counts=counts, correlation=correlation)
        found |= measured
    return {name: Responses(statistics[name], *found[name]) for name in files}


def _key(layer: Layer, channels: Sequence[int], photos: Sequence[Path]) -> str:
    """Return a hash of all that the numbers depend on."""
    network = Store(layer).folder.name  # has a hash of the weights
    images = image_set_key([str(photo.absolute()) for photo in photos])
    return sha256(json.dumps([network, stored_name(layer), images, *channels, BINS]).encode())[:32]


def _read(file: Path) -> tuple[NDArray[np.int64], NDArray[np.float64]] | None:
    """Return the numbers of a file; None if it is missing or damaged."""
    try:
        with np.load(io.BytesIO(file.read_bytes()), allow_pickle=False) as arrays:
            return arrays["counts"], arrays["correlation"]
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
        return None


def _measure(
    layers: Sequence[Layer],
    channels: Mapping[str, Sequence[int]],
    statistics: Mapping[str, ChannelStatistics],
    report: Callable[[int, int], None],
    device: torch.device,
) -> dict[str, tuple[NDArray[np.int64], NDArray[np.float64]]]:
    """Return the histograms and the correlations of each layer, from one pass over the photos."""
    several = Layers(list(layers))
    sums = {layer.layer: _Sums(statistics[layer.layer], channels[layer.layer]) for layer in layers}
    paths = next(iter(statistics.values())).images
    with several.session(device), torch.no_grad():
        for n, path in enumerate(paths):
            report(n, len(paths))
            x = several.preprocessing.load(path)[None]
            grids = several.code_grids(*x.shape[-2:])
            for name, code in several.outputs(x.to(device)).items():
                sums[str(name)].add(grids[str(name)].on_grid(code)[0].T.cpu())
        report(len(paths), len(paths))
    return {name: (found.counts.numpy(), found.correlation()) for name, found in sums.items()}


class _Sums:
    """Histograms of some channels, and the sums that their correlation is made of."""

    def __init__(self, statistics: ChannelStatistics, channels: Sequence[int]) -> None:
        self._channels = torch.tensor(list(channels), dtype=torch.int64)
        chosen = self._channels.numpy()
        low, high, mean = (
            torch.as_tensor(values[chosen]).double()[:, None]
            for values in (statistics.minimum, statistics.maximum, statistics.mean)
        )
        self._low, self._mean = low, mean
        self._width = torch.where(high > low, high - low, torch.ones_like(low)) / BINS
        self.counts = torch.zeros(len(chosen), BINS, dtype=torch.int64)
        self._products = torch.zeros(len(chosen), len(chosen), dtype=torch.float64)

    def add(self, responses: Tensor) -> None:
        """Add the responses (K, positions) to a photo."""
        values = responses.index_select(0, self._channels).double()
        for first in range(0, len(values), _AT_ONCE):
            part = slice(first, first + _AT_ONCE)
            bins = ((values[part] - self._low[part]) / self._width[part]).long()
            bins = bins.clamp_(0, BINS - 1)
            self.counts[part].scatter_add_(1, bins, torch.ones_like(bins))
        centered = values - self._mean
        self._products += centered @ centered.T

    def correlation(self) -> NDArray[np.float64]:
        """Return the correlation of each two channels."""
        norms = self._products.diagonal().sqrt()
        scale = torch.where(norms > 0, 1 / norms, torch.zeros_like(norms))
        return (self._products * scale * scale[:, None]).numpy()
