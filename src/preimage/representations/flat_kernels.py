"""Compiled means of flat regions; importing this module needs numba."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from preimage.compiling import compiled

Array = NDArray[Any]


@compiled
def level(values: Array, pixels: Array, regions: Array, sizes: Array) -> None:
    """Replace each region by its mean.

    Args:
        values: the values of an image, (pixels,), overwritten.
        pixels: the indices of the pixels that belong to a region.
        regions: the region of each of these, from 0.
        sizes: the number of pixels of each region.
    """
    means = np.zeros(len(sizes), values.dtype)
    for n in range(len(pixels)):
        means[regions[n]] += values[pixels[n]]
    for n in range(len(sizes)):
        means[n] /= values.dtype.type(sizes[n])
    for n in range(len(pixels)):
        values[pixels[n]] = means[regions[n]]


@compiled
def label(across: Array, down: Array) -> Array:
    """Return, for each pixel, the least index of the pixels that it is connected to, (H, W).

    Args:
        across: whether a pixel is tied to its right neighbor, (H, W - 1).
        down: whether a pixel is tied to the one below, (H - 1, W).
    """
    height, width = down.shape[0] + 1, across.shape[1] + 1
    parents = np.arange(height * width)
    for i in range(height):
        for j in range(width):
            if j + 1 < width and across[i, j]:
                _join(parents, i * width + j, i * width + j + 1)
            if i + 1 < height and down[i, j]:
                _join(parents, i * width + j, (i + 1) * width + j)
    for n in range(len(parents)):
        parents[n] = parents[parents[n]]
    return parents.reshape(height, width)


@compiled
def _join(parents: Array, one: int, other: int) -> None:
    """Join the trees of two pixels; the index of a parent never exceeds that of its child."""
    one, other = _root(parents, one), _root(parents, other)
    parents[max(one, other)] = min(one, other)


@compiled
def _root(parents: Array, pixel: int) -> int:
    while parents[pixel] != pixel:
        parents[pixel] = parents[parents[pixel]]
        pixel = parents[pixel]
    return pixel
