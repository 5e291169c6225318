"""Regions that a code proves to be flat, and images held flat there.

The histogram of a cell can be exactly zero (sky, a saturated area). An image has such a code
only if the gradient is exactly zero in every pixel that the cell pools. Descent never reaches
an exact zero, and since descriptors are normalized, any gradient left counts in full.
Therefore each connected region of pixels whose gradients must vanish is tied to a single
value, its mean.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from preimage.compiling import has_numba
from preimage.representations.gradients import CellPooling


class FlatRegions:
    """Regions of an image that are held flat, each at one value.

    Args:
        labels: the region of each pixel (H, W), numbered from 1; 0 for free pixels.
        device: the device of the images.
    """

    def __init__(self, labels: np.ndarray, device: torch.device) -> None:
        pixels = np.flatnonzero(labels)
        self._pixels = torch.from_numpy(pixels).to(device)
        self._regions = torch.from_numpy(labels.ravel()[pixels] - 1).to(device)
        self._sizes = torch.bincount(self._regions)
        self._level: Callable[[Tensor], object] = self._level_eagerly

    def fused(self) -> FlatRegions:
        """Return the regions leveled by compiled code, to the same bits, or as they are."""
        if not has_numba() or self._pixels.device.type != "cpu":
            return self
        from preimage.representations.flat_kernels import level

        arrays = self._pixels.numpy(), self._regions.numpy(), self._sizes.numpy()
        pixels, regions, sizes = (array.astype(np.uint32) for array in arrays)
        fused = copy.copy(self)
        fused._level = lambda values: level(values.numpy(), pixels, regions, sizes)
        return fused

    def flatten_(self, image: Tensor) -> Tensor:
        """Replace each region of a gray image (1, H, W) by its mean, in place."""
        self._level(image.view(-1))
        return image

    def _level_eagerly(self, values: Tensor) -> None:
        sums = values.new_zeros(len(self._sizes))
        sums.index_add_(0, self._regions, values[self._pixels])
        values[self._pixels] = (sums / self._sizes)[self._regions]


def find_flat_regions(empty: Tensor, pooling: CellPooling) -> list[FlatRegions | None]:
    """Return the flat regions of each image; None for an image whose pixels are all free.

    Args:
        empty: True for each cell without any gradient, (N, H', W').
        pooling: the pooling of pixels into these cells.
    """
    rows, columns = pooling.rows.weights, pooling.columns.weights
    return [
        FlatRegions(_label(columns.touched(rows.touched(cells).T).T), empty.device)
        if cells.any()
        else None
        for cells in empty.cpu().numpy()
    ]


def _label(still: np.ndarray) -> np.ndarray:
    """Return labels, from 1, of the connected regions that pixels `still` (H, W) tie together."""
    across, down = still[:, :-1] | still[:, 1:], still[:-1] | still[1:]
    labels = _connect(across, down)
    tied = np.zeros_like(still)
    tied[:, :-1] |= across
    tied[:, 1:] |= across
    tied[:-1] |= down
    tied[1:] |= down
    _, numbered = np.unique(np.where(tied, labels, -1), return_inverse=True)
    numbered = numbered.reshape(still.shape)
    return numbered + 1 if tied.all() else numbered


def _connect(across: np.ndarray, down: np.ndarray) -> np.ndarray:
    """Return the least index of a pixel that each pixel is connected to, by these ties, (H, W)."""
    if has_numba():
        from preimage.representations.flat_kernels import label

        found: np.ndarray = label(across, down)
        return found
    shape = len(across), down.shape[1]
    labels = np.arange(math.prod(shape)).reshape(shape)
    while True:
        before = labels.copy()
        for here, there, linked in (
            (labels[:, :-1], labels[:, 1:], across),
            (labels[:-1], labels[1:], down),
        ):
            least = np.minimum(here, there)
            np.copyto(here, least, where=linked)
            np.copyto(there, np.minimum(least, there), where=linked)
        labels = labels.ravel()[labels]
        if (labels == before).all():
            return labels
