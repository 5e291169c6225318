"""The statistics of a layer's channels, as they are handed out."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, eq=False)
class ChannelStatistics:
    """What the responses of a layer's K channels to some images are.

    They run over all positions of a map, or over all tokens, of all images.

    Attributes:
        network: what a user calls the network.
        layer: the dotted name of the layer.
        images: the files that count.
        skipped: a line for each file that could not be used.
        count: responses of each channel.
        maximum: the largest response, M of section 6, (K,).
        minimum: the smallest, (K,).
        mean: (K,).
        std: the standard deviation of all of them, (K,).
        zeros: the fraction that is exactly zero, (K,).
        top_values: the largest responses of k different images, falling, (K, k).
        top_images: whose they are, as indices of `images`, (K, k).
        top_positions: where they are: row and column of a map (K, k, 2), the token
            (K, k, 1), or nothing (K, k, 0).
    """

    network: str
    layer: str
    images: tuple[str, ...]
    skipped: tuple[str, ...]
    count: int
    maximum: NDArray[np.float64]
    minimum: NDArray[np.float64]
    mean: NDArray[np.float64]
    std: NDArray[np.float64]
    zeros: NDArray[np.float64]
    top_values: NDArray[np.float64]
    top_images: NDArray[np.int64]
    top_positions: NDArray[np.int64]

    @property
    def name(self) -> str:
        """Network and layer, as in "vgg-m/conv4"."""
        return f"{self.network}/{self.layer}"

    @property
    def dead(self) -> NDArray[np.bool_]:
        """Whether a channel's response is the same everywhere in all images, (K,)."""
        return self.maximum == self.minimum
