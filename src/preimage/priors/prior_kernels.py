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
    """Return R_alpha and TV^2 of an image (D, H, W), not yet divided by the number of pixels.

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
    right, vertical = np.zeros(width + 1, image.dtype), np.zeros((depth, 2, width), image.dtype)
    inverse, slope = factors[0], factors[0] * factors[1]
    for y in range(height):
        squares[:] = 0
        for d in range(depth):
            row = image[d, y]
            for x in range(width):
                squares[x] += (row[x] * inverse) * (row[x] * inverse)
        powers[:] = 1
        for _ in range(half_alpha - 1):
            for x in range(width):
                powers[x] *= squares[x]
        for x in range(width):
            bounded[x] += powers[x] * squares[x]
            powers[x] *= slope
        for d in range(depth):
            slopes = powers, right, vertical[d, y % 2], vertical[d, 1 - y % 2]
            _vary(image[d], y, factors[2], factors[3], variation, slopes, gradient[d])
    return _sum(bounded), _sum(variation)


@compiled
def _vary(
    image: Array,
    y: int,
    inverse: Any,
    slope: Any,
    variation: Array,
    slopes: tuple[Array, Array, Array, Array],
    gradient: Array,
) -> None:
    """Add the squares of row `y` of a channel to `variation`, and write its gradient.

    `slopes` are the factors of the row in the gradient of R_alpha, room for the differences to the
    right, the differences to the row above, and room for those to the row below.
    """
    height, width = image.shape
    powers, right, upper, lower = slopes
    row, below, target, ahead = image[y], image[min(y + 1, height - 1)], gradient[y], image[y, 1:]
    before, after = right[:width], right[1:]
    for x in range(width - 1):
        after[x] = (ahead[x] - row[x]) * inverse
        variation[x] += after[x] * after[x]
    for x in range(width):
        lower[x] = (below[x] - row[x]) * inverse
        variation[x] += lower[x] * lower[x]
    for x in range(width):
        change = before[x] - after[x] + upper[x] - lower[x]
        target[x] = row[x] * powers[x] + change * slope


@compiled
def _sum(values: Array) -> float:
    total = 0.0
    for x in range(len(values)):
        total += values[x]
    return total
