"""Compiled passes of L-BFGS over the vectors of one image, block by block, which stay in cache.

Sums are first taken over all blocks for each place in a block, then over the places in double
precision, in an order that depends only on the length. Importing this module needs numba.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from preimage.compiling import compiled

Array = NDArray[Any]

_BLOCK = 4096


@compiled
def remember(
    x: Array,
    trial: Array,
    gradients: tuple[Array, Array],
    smoothed: tuple[Array, Array],
    changes: tuple[Array, Array],
    latest: Array,
    least: float,
) -> bool:
    """Move `x` to `trial`, and write the changes if the energy is convex along the step.

    Args:
        x: the image, overwritten.
        trial: the next image.
        gradients: those of `x` and of `trial`.
        smoothed: P times them.
        changes: the step s and P y, overwritten.
        latest: the gradient of `trial` and its change y, (2, ...), overwritten.
        least: the least <s, y>, relative to <y, y>.
    """
    step = np.empty(_BLOCK, x.dtype)
    along, squares = np.zeros(_BLOCK, x.dtype), np.zeros(_BLOCK, x.dtype)
    for start in range(0, len(x), _BLOCK):
        end = min(start + _BLOCK, len(x))
        _subtract(trial[start:end], x[start:end], step)
        before, after = gradients[0][start:end], gradients[1][start:end]
        kept, change = latest[0, start:end], latest[1, start:end]
        for n in range(end - start):
            kept[n] = after[n]
            change[n] = after[n] - before[n]
        for n in range(end - start):
            along[n] += step[n] * change[n]
        for n in range(end - start):
            squares[n] += change[n] * change[n]
    is_convex = _sum(along) > least * _sum(squares)
    if is_convex:
        _subtract(smoothed[1], smoothed[0], changes[1])
        _move(x, trial, changes[0])
    else:
        for n in range(len(x)):
            x[n] = trial[n]
    return is_convex


@compiled
def combine(
    rows: Array,
    coefficients: Array,
    vectors: tuple[Array, Array, Array],
) -> tuple[float, float]:
    """Write a direction; return its products with the gradient and with itself.

    Args:
        rows: the vectors to add, one a row; an even number.
        coefficients: that of P g, then one for each row.
        vectors: P g, the gradient g, and the direction, overwritten.
    """
    smoothed, gradient, direction = vectors
    slope, squares = np.zeros(_BLOCK, rows.dtype), np.zeros(_BLOCK, rows.dtype)
    for start in range(0, len(gradient), _BLOCK):
        end = min(start + _BLOCK, len(gradient))
        found, here = direction[start:end], gradient[start:end]
        _scale(smoothed[start:end], coefficients[0], found)
        for n in range(0, len(rows), 2):
            one, other = rows[n, start:end], rows[n + 1, start:end]
            _add_two(one, coefficients[n + 1], other, coefficients[n + 2], found)
        for n in range(end - start):
            slope[n] += found[n] * here[n]
        for n in range(end - start):
            squares[n] += found[n] * found[n]
    return _sum(slope), _sum(squares)


@compiled
def _move(x: Array, trial: Array, step: Array) -> None:
    for n in range(len(x)):
        step[n] = trial[n] - x[n]
        x[n] = trial[n]


@compiled
def _subtract(one: Array, other: Array, difference: Array) -> None:
    for n in range(len(one)):
        difference[n] = one[n] - other[n]


@compiled
def _scale(vector: Array, factor: Any, scaled: Array) -> None:
    for n in range(len(vector)):
        scaled[n] = vector[n] * factor


@compiled
def _add_two(one: Array, factor: Any, other: Array, second: Any, total: Array) -> None:
    for n in range(len(total)):
        total[n] += one[n] * factor + other[n] * second


@compiled
def _sum(values: Array) -> float:
    total = 0.0
    for n in range(len(values)):
        total += values[n]
    return total
