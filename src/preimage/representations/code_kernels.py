"""Compiled normalizations: from cells to the codes of HOG and of dense SIFT, and back.

They are `hog.normalize_blocks` and `dsift.normalize_descriptors`, for one image.

Arrays are copied by loops, because numba takes two seconds to compile the message of a copy between
arrays of different shapes. Importing this module needs numba.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from preimage.compiling import compiled

Array = NDArray[Any]


@compiled
def normalize_blocks(cells: Array, clamp: float, epsilon: float, code: Array) -> Array:
    """Write HOG's code (3 n, H', W') of cells (2 n, H', W'); return the blocks' factors."""
    number = cells.dtype.type
    half, most = number(0.5), number(clamp)
    factor = _factors(cells, epsilon)
    for k in range(len(code)):
        value = np.empty(cells.shape[2], cells.dtype)
        for i in range(cells.shape[1]):
            _feature(cells, k, i, value)
            target, above, below = code[k, i], factor[i], factor[i + 1]
            for j in range(len(value)):
                one, two = value[j] * above[j], value[j] * above[j + 1]
                three, four = value[j] * below[j], value[j] * below[j + 1]
                upper = (most if one > most else one) + (most if two > most else two)
                lower = (most if three > most else three) + (most if four > most else four)
                target[j] = (upper + lower) * half
    return factor


@compiled
def _factors(cells: Array, epsilon: float) -> Array:
    """Return the factors of all blocks, (H' + 1, W' + 1)."""
    bins, height, width = cells.shape
    number = cells.dtype.type
    energy = np.zeros((height + 2, width + 2), cells.dtype)
    value = np.empty(width, cells.dtype)
    for k in range(bins // 2):
        for i in range(height):
            _feature(cells, bins + k, i, value)
            inner = energy[i + 1, 1 : width + 1]
            for j in range(width):
                inner[j] += value[j] * value[j]
    for i in range(height):
        energy[i + 1, 0], energy[i + 1, width + 1] = energy[i + 1, 1], energy[i + 1, width]
    for j in range(width + 2):
        energy[0, j], energy[height + 1, j] = energy[1, j], energy[height, j]
    factor = np.empty((height + 1, width + 1), cells.dtype)
    for i in range(height + 1):
        above, below = energy[i], energy[i + 1]
        for j in range(width + 1):
            block = above[j] + above[j + 1] + (below[j] + below[j + 1]) + number(epsilon)
            factor[i, j] = number(1) / np.sqrt(block)
    return factor


@compiled
def _feature(cells: Array, k: int, i: int, value: Array) -> None:
    """Write row `i` of feature `k`: a directed bin, or the sum of two opposite ones."""
    bins = len(cells)
    if k < bins:
        given = cells[k, i]
        for j in range(len(value)):
            value[j] = given[j]
    else:
        one, other = cells[k - bins, i], cells[k - bins // 2, i]
        for j in range(len(value)):
            value[j] = one[j] + other[j]


@compiled
def unnormalize_blocks(
    cells: Array, factor: Array, clamp: float, code: Array, gradient: Array
) -> None:
    """Write the gradient of the cells (2 n, H', W'), given that of the code (3 n, H', W')."""
    bins, height, width = cells.shape
    number = cells.dtype.type
    zero, half, most = number(0), number(0.5), number(clamp)
    of_factor = np.zeros_like(factor)
    value, of_value = np.empty(width, cells.dtype), np.empty(width, cells.dtype)
    gradient[:] = 0
    for k in range(len(code)):
        for i in range(height):
            _feature(cells, k, i, value)
            given = code[k, i]
            of_value[:] = 0
            for corner in range(4):
                f = factor[i + corner // 2, corner % 2 :]
                d = of_factor[i + corner // 2, corner % 2 :]
                for j in range(width):
                    slope = zero if value[j] * f[j] > most else given[j] * half
                    of_value[j] += slope * f[j]
                    d[j] += slope * value[j]
            _add_feature(of_value, k, i, gradient)
    energy = _of_energy(of_factor, factor)
    for k in range(bins // 2):
        for i in range(height):
            _feature(cells, bins + k, i, value)
            for j in range(width):
                of_value[j] = (value[j] + value[j]) * energy[i, j]
            _add_feature(of_value, bins + k, i, gradient)


@compiled
def _add_feature(of_value: Array, k: int, i: int, gradient: Array) -> None:
    """Apply the transpose of `_feature`."""
    bins = len(gradient)
    if k < bins:
        target = gradient[k, i]
        for j in range(len(of_value)):
            target[j] += of_value[j]
        return
    one, other = gradient[k - bins, i], gradient[k - bins // 2, i]
    for j in range(len(of_value)):
        one[j] += of_value[j]
    for j in range(len(of_value)):
        other[j] += of_value[j]


@compiled
def _of_energy(of_factor: Array, factor: Array) -> Array:
    """Return the gradient of the energy of each cell, (H', W'); overwrite `of_factor`."""
    height, width = factor.shape[0] - 1, factor.shape[1] - 1
    minus_half = factor.dtype.type(-0.5)
    padded = np.zeros((height + 2, width + 2), factor.dtype)
    for i in range(height + 1):
        for j in range(width + 1):
            f = factor[i, j]
            of_block = of_factor[i, j] * (f * f * f) * minus_half
            padded[i, j] += of_block
            padded[i, j + 1] += of_block
            padded[i + 1, j] += of_block
            padded[i + 1, j + 1] += of_block
    for j in range(width + 2):
        padded[1, j] += padded[0, j]
        padded[height, j] += padded[height + 1, j]
    for i in range(height + 2):
        padded[i, 1] += padded[i, 0]
        padded[i, width] += padded[i, width + 1]
    return padded[1 : height + 1, 1 : width + 1]


@compiled
def normalize_descriptors(
    cells: Array, window: Array, spacing: tuple[int, int], limits: Array, code: Array
) -> None:
    """Write the codes (16 K, H', W') of dense SIFT, given its cells (K, ..., ...).

    Args:
        cells: the cells of an image.
        window: the weights of the 4 x 4 cells of a descriptor.
        spacing: the spacing of a descriptor's cells and that of descriptors, in cells.
        limits: the clamp and the epsilon of norms.
        code: the codes, overwritten.
    """
    block = np.empty(len(code), cells.dtype)
    for i in range(code.shape[1]):
        for j in range(code.shape[2]):
            _block(cells, window, spacing, i, j, block)
            _to_unit(block, limits[1])
            for c in range(len(block)):
                block[c] = limits[0] if block[c] > limits[0] else block[c]
            _to_unit(block, limits[1])
            for c in range(len(block)):
                code[c, i, j] = block[c]


@compiled
def _block(
    cells: Array, window: Array, spacing: tuple[int, int], i: int, j: int, block: Array
) -> None:
    apart, step = spacing
    bins = len(cells)
    for n in range(16):
        y, x = i * step + (n // 4) * apart, j * step + (n % 4) * apart
        for k in range(bins):
            block[n * bins + k] = cells[k, y, x] * window[n]


@compiled
def _to_unit(block: Array, epsilon: Any) -> Any:
    """Divide a block by its norm plus epsilon; return the norm."""
    norm = np.sqrt(_dot(block, block))
    for c in range(len(block)):
        block[c] /= norm + epsilon
    return norm


@compiled
def _dot(one: Array, other: Array) -> Any:
    """Return the inner product of two blocks, summed in eight parts at once."""
    zero = one.dtype.type(0)
    a, b, c, d, e, f, g, h = zero, zero, zero, zero, zero, zero, zero, zero
    for n in range(0, len(one), 8):
        a += one[n] * other[n]
        b += one[n + 1] * other[n + 1]
        c += one[n + 2] * other[n + 2]
        d += one[n + 3] * other[n + 3]
        e += one[n + 4] * other[n + 4]
        f += one[n + 5] * other[n + 5]
        g += one[n + 6] * other[n + 6]
        h += one[n + 7] * other[n + 7]
    return ((a + b) + (c + d)) + ((e + f) + (g + h))


@compiled
def unnormalize_descriptors(
    cells: Array,
    window: Array,
    spacing: tuple[int, int],
    limits: Array,
    code: Array,
    gradient: Array,
) -> None:
    """Write the gradient of the cells, given that of the codes; see `normalize_descriptors`."""
    apart, step = spacing
    bins = len(cells)
    rows = np.empty((3, len(code)), cells.dtype)
    unit, clamped, slope = rows[0], rows[1], rows[2]
    gradient[:] = 0
    for i in range(code.shape[1]):
        for j in range(code.shape[2]):
            _block(cells, window, spacing, i, j, unit)
            first = _to_unit(unit, limits[1])
            for c in range(len(unit)):
                clamped[c] = limits[0] if unit[c] > limits[0] else unit[c]
            second = _to_unit(clamped, limits[1])
            for c in range(len(slope)):
                slope[c] = code[c, i, j]
            _division_adjoint(slope, clamped, second, limits[1])
            for c in range(len(unit)):
                slope[c] = 0 if unit[c] > limits[0] else slope[c]
            _division_adjoint(slope, unit, first, limits[1])
            for n in range(16):
                y, x = i * step + (n // 4) * apart, j * step + (n % 4) * apart
                for k in range(bins):
                    gradient[k, y, x] += slope[n * bins + k] * window[n]


@compiled
def _division_adjoint(slope: Array, unit: Array, norm: Any, epsilon: Any) -> None:
    """Turn the gradient of v / (|v| + epsilon) into that of v, in place."""
    along = _dot(slope, unit)
    if norm > 0:
        along *= (norm + epsilon) / norm
    for c in range(len(unit)):
        slope[c] = (slope[c] - unit[c] * along) / (norm + epsilon)
