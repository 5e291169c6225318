"""Compiled priors: R_alpha and TV^2 with their gradient in one pass over the image.

They are `bounded_range.alpha_norm_and_gradient` and `TotalVariation.add`, for even alpha and
beta = 2. Sums are taken by column, then over the columns in double precision, so that they have
the same bits alone and in a batch. Importing this module needs numba.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from preimage.compiling import compiled

Array = NDArray[Any]


@compiled
def priors(image: Array, gradient: Array, factors: Array, half_alpha: int) -> tuple[float, float]:
    """Return R_alpha and TV^2 of an image (D, H, W), each to be divided by its pixels.

    Args:
        image: the image.
        gradient: the gradient of the sum, overwritten.
        factors: 1 / B; the factor of a scaled pixel times a power in the gradient of R_alpha;
            1 / V; and the factor of scaled differences in the gradient of TV^2.
        half_alpha: alpha / 2.
    """
    depth, height, width = image.shape
    squares, powers = np.empty(width, image.dtype), np.empty(width, image.dtype)
    bounded, variation = np.zeros(width, image.dtype), np.zeros(width, image.dtype)
    gradient[:] = 0
    for y in range(height):
        squares[:] = 0
        for d in range(depth):
            row = image[d, y]
            for x in range(width):
                squares[x] += (row[x] * factors[0]) * (row[x] * factors[0])
        powers[:] = 1
        for _ in range(half_alpha - 1):
            for x in range(width):
                powers[x] *= squares[x]
        for x in range(width):
            bounded[x] += powers[x] * squares[x]
        for d in range(depth):
            row, target = image[d, y], gradient[d, y]
            for x in range(width):
                target[x] += row[x] * factors[0] * (powers[x] * factors[1])
            _vary(image[d], y, factors[2], factors[3], variation, gradient[d])
    return _sum(bounded), _sum(variation)


@compiled
def _vary(
    image: Array, y: int, inverse: Any, slope: Any, variation: Array, gradient: Array
) -> None:
    """Add the squares of row `y` of a channel to `variation`, and the gradient to its rows."""
    height, width = image.shape
    row, target = image[y], gradient[y]
    ahead, behind, difference = row[1:], target[1:], np.empty(width, image.dtype)
    for x in range(width - 1):
        difference[x] = (ahead[x] - row[x]) * inverse
    for x in range(width - 1):
        variation[x] += difference[x] * difference[x]
    for x in range(width - 1):
        target[x] -= difference[x] * slope
    for x in range(width - 1):
        behind[x] += difference[x] * slope
    if y + 1 == height:
        return
    below, target_below = image[y + 1], gradient[y + 1]
    for x in range(width):
        difference[x] = (below[x] - row[x]) * inverse
    for x in range(width):
        variation[x] += difference[x] * difference[x]
    for x in range(width):
        target[x] -= difference[x] * slope
    for x in range(width):
        target_below[x] += difference[x] * slope


@compiled
def _sum(values: Array) -> float:
    total = 0.0
    for x in range(len(values)):
        total += values[x]
    return total
