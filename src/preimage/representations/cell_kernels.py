"""Compiled cell histograms: those of `gradients.cell_histograms` in one pass over the image.

Rows of pixels are processed one by one. Each step is a loop over a few short arrays, which fit into
the fastest cache; compilers turn such loops into vector instructions. Pixels are added to the cells
in a fixed order, so that an image has the same bits alone, in a batch, and with any number of
threads.

Importing this module needs numba.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from preimage.compiling import compiled

Array = NDArray[Any]


class Rule(NamedTuple):
    """A `gradients.Binning` as numbers of the image's dtype.

    Attributes:
        one_sided: whether border pixels have one-sided differences, and others are halved.
        cubic: whether the angle is VLFeat's cubic.
        bins: K.
        scale: bins in a radian.
        softness: width of the ramp.
        tie: distance from the middle of two bins within which hard binning takes the lower.
        rate: bins in a radian over the softness.
        arctangent: coefficients of p in atan(r) = r p(r^2) for r up to tan(pi / 8), the highest
            power first.
    """

    one_sided: bool
    cubic: bool
    bins: int
    scale: np.floating[Any]
    softness: np.floating[Any]
    tie: np.floating[Any]
    rate: np.floating[Any]
    arctangent: Array


class Weights(NamedTuple):
    """A `gradients.CellPooling`: the cells that rows and columns touch, and their weights.

    The cells of columns are multiplied by K + 2, the room for the bins of a cell. A column touches
    an even number of cells; the last may weigh nothing.
    """

    row_cells: Array
    row_weights: Array
    column_cells: Array
    column_weights: Array


@compiled
def pool(
    image: Array, rule: Rule, weights: Weights, slots: Array, shares: Array, cells: Array
) -> None:
    """Write the cells (K, H', W') of an image (H, W).

    Also write what `spread` needs of each pixel: its lower bin, from 0, and the share of the next;
    hard binning needs no shares, and uses the first row of them as room.
    """
    height, width = image.shape
    rows = np.empty((6, width), image.dtype)
    gx, gy, magnitude, angle, spare, part = rows[0], rows[1], rows[2], rows[3], rows[4], rows[5]
    row = np.empty(cells.shape[2] * (rule.bins + 2), image.dtype)
    padded = np.zeros((cells.shape[1], len(row)), image.dtype)
    inset = 0 if rule.one_sided else 1
    for y in range(inset, height - inset):
        _differences(image, y, rule.one_sided, gx, gy)
        for x in range(width):
            magnitude[x] = np.sqrt(gx[x] * gx[x] + gy[x] * gy[x])
        if rule.cubic:
            _cubic_angle(gx, gy, angle)
        else:
            _exact_angle(gx, gy, rule.arctangent, angle, spare, part)
        slot, share = slots[y], shares[y if rule.softness > 0 else 0]
        _bin(angle, rule, slot, share)
        row[:] = 0
        if rule.softness == 0:
            _scatter(magnitude, slot, weights, row)
        else:
            for x in range(width):
                part[x] = magnitude[x] * share[x]
                magnitude[x] -= part[x]
            _scatter_both(magnitude, part, slot, weights, row)
        for r in range(len(weights.row_cells)):
            weight, cell = weights.row_weights[r, y], padded[weights.row_cells[r, y]]
            for i in range(len(row)):
                cell[i] += weight * row[i]
    _fold(padded, cells)


@compiled
def spread(
    image: Array,
    rule: Rule,
    weights: Weights,
    slots: Array,
    shares: Array,
    cells: Array,
    gradient: Array,
) -> None:
    """Write the gradient (H, W) of the image, given that of its cells (K, H', W')."""
    height, width = image.shape
    rows = np.empty((5, width), image.dtype)
    gx, gy, magnitude, lower, upper = rows[0], rows[1], rows[2], rows[3], rows[4]
    padded = np.empty((cells.shape[1], cells.shape[2] * (rule.bins + 2)), image.dtype)
    _unfold(cells, padded)
    row = np.empty(padded.shape[1], image.dtype)
    tiny = image.dtype.type(1e-15)
    gradient[:] = 0
    inset = 0 if rule.one_sided else 1
    for y in range(inset, height - inset):
        _differences(image, y, rule.one_sided, gx, gy)
        for x in range(width):
            length = np.sqrt(gx[x] * gx[x] + gy[x] * gy[x])
            magnitude[x] = length if not length < tiny else tiny
        row[:] = 0
        for r in range(len(weights.row_cells)):
            weight, cell = weights.row_weights[r, y], padded[weights.row_cells[r, y]]
            for i in range(len(row)):
                row[i] += weight * cell[i]
        if rule.softness == 0:
            _gather(row, slots[y], weights, lower)
            for x in range(width):
                along = lower[x] / magnitude[x]
                gx[x] *= along
                gy[x] *= along
        else:
            _gather_both(row, slots[y], weights, lower, upper)
            _turn(gx, gy, magnitude, rule, shares[y], lower, upper)
        _add_differences(gx, gy, y, rule.one_sided, gradient)


@compiled
def _differences(image: Array, y: int, one_sided: bool, gx: Array, gy: Array) -> None:
    height, width = image.shape
    half = image.dtype.type(0.5)
    row, ahead, behind = image[y], image[min(y + 1, height - 1)], image[max(y - 1, 0)]
    left, right, inner = row[: width - 2], row[2:], gx[1 : width - 1]
    for x in range(width - 2):
        inner[x] = right[x] - left[x]
    for x in range(width):
        gy[x] = ahead[x] - behind[x]
    if not one_sided:
        gx[0] = gx[width - 1] = gy[0] = gy[width - 1] = 0
        return
    for x in range(width - 2):
        inner[x] *= half
    gx[0], gx[width - 1] = row[1] - row[0], row[width - 1] - row[width - 2]
    if 0 < y < height - 1:
        for x in range(width):
            gy[x] *= half


@compiled
def _add_differences(gx: Array, gy: Array, y: int, one_sided: bool, gradient: Array) -> None:
    """Apply the transpose of `_differences`; overwrite the arguments."""
    height, width = gradient.shape
    half = gradient.dtype.type(0.5)
    row, ahead, behind = gradient[y], gradient[min(y + 1, height - 1)], gradient[max(y - 1, 0)]
    if one_sided:
        row[1] += gx[0]
        row[0] -= gx[0]
        row[width - 1] += gx[width - 1]
        row[width - 2] -= gx[width - 1]
        for x in range(width):
            gx[x] *= half
        if 0 < y < height - 1:
            for x in range(width):
                gy[x] *= half
    left, right, inner = row[: width - 2], row[2:], gx[1 : width - 1]
    for x in range(width - 2):
        right[x] += inner[x]
    for x in range(width - 2):
        left[x] -= inner[x]
    for x in range(width):
        ahead[x] += gy[x]
        behind[x] -= gy[x]


@compiled
def _exact_angle(
    gx: Array, gy: Array, arctangent: Array, angle: Array, square: Array, value: Array
) -> None:
    """Write atan2(gy, gx); `square` and `value` are overwritten.

    Above tan(pi / 8), the ratio r of the shorter to the longer side is turned by an eighth:
    atan(r) = pi / 4 - atan((1 - r) / (1 + r)).
    """
    number = angle.dtype.type
    zero, eighth, quarter, straight = (
        number(0),
        number(np.pi / 4),
        number(np.pi / 2),
        number(np.pi),
    )
    tiny, bound = number(1e-30), number(np.tan(np.pi / 8))
    for x in range(len(gx)):
        ax, ay = abs(gx[x]), abs(gy[x])
        low = ax if ax < ay else ay
        high = ay if ax < ay else ax
        is_steep = low > high * bound
        above = low - high if is_steep else low
        below = low + high if is_steep else high
        angle[x] = above / (tiny if below < tiny else below)
    for x in range(len(gx)):
        square[x] = angle[x] * angle[x]
    value[:] = arctangent[0]
    for n in range(1, len(arctangent), 2):
        one, other = arctangent[n], arctangent[n + 1]
        for x in range(len(gx)):
            value[x] = (value[x] * square[x] + one) * square[x] + other
    for x in range(len(gx)):
        ax, ay = abs(gx[x]), abs(gy[x])
        low = ax if ax < ay else ay
        high = ay if ax < ay else ax
        value[x] = value[x] * angle[x] + (eighth if low > high * bound else zero)
    for x in range(len(gx)):
        turned = value[x]
        turned = quarter - turned if abs(gx[x]) < abs(gy[x]) else turned
        turned = straight - turned if gx[x] < zero else turned
        angle[x] = -turned if gy[x] < zero else turned


@compiled
def _cubic_angle(gx: Array, gy: Array, angle: Array) -> None:
    """Write VLFeat's approximation; see `gradients._cubic_angle`."""
    number = angle.dtype.type
    zero, epsilon, first, third = number(0), number(1.19209290e-7), number(0.9675), number(0.1821)
    eighth, quarter = number(np.pi / 4), number(np.pi / 2)
    for x in range(len(gx)):
        ax, ay = abs(gx[x]), abs(gy[x]) + epsilon
        r = (ax - ay) / (ax + ay)
        turned = (r * r * third - first) * r - eighth
        turned = quarter + (-turned if gx[x] < zero else turned)
        angle[x] = -turned if gy[x] < zero else turned


@compiled
def _bin(angle: Array, rule: Rule, slot: Array, share: Array) -> None:
    """Write the lower bin, from 0, and the share of the next; see `gradients._ramp`."""
    number = angle.dtype.type
    zero, one, middle, half = number(0), number(1), number(0.5), number(rule.bins // 2)
    for x in range(len(angle)):
        turned = angle[x] * rule.scale
        turned = turned if turned > -half else -half  # NaN gets a bin, its magnitude is NaN
        lower = np.floor(turned)
        share[x] = turned - lower
        slot[x] = np.int32(lower + half)
    if rule.softness == 0:
        for x in range(len(angle)):
            share[x] = one if share[x] > middle + rule.tie else zero
        for x in range(len(angle)):
            slot[x] += np.int32(share[x])
    elif rule.softness != 1:
        for x in range(len(angle)):
            ramp = (share[x] - middle) / rule.softness + middle
            ramp = ramp if ramp > zero else zero
            share[x] = ramp if ramp < one else one


@compiled
def _scatter(magnitude: Array, slot: Array, weights: Weights, row: Array) -> None:
    """Add magnitudes to bins, two cells at a time."""
    for r in range(0, len(weights.column_cells), 2):
        left, right = weights.column_cells[r], weights.column_cells[r + 1]
        of_left, of_right = weights.column_weights[r], weights.column_weights[r + 1]
        for x in range(len(slot)):
            row[np.uint32(left[x] + slot[x])] += magnitude[x] * of_left[x]
            row[np.uint32(right[x] + slot[x])] += magnitude[x] * of_right[x]


@compiled
def _scatter_both(lower: Array, upper: Array, slot: Array, weights: Weights, row: Array) -> None:
    """Add the parts of both bins, two cells at a time."""
    next_bin = np.uint32(1)
    for r in range(0, len(weights.column_cells), 2):
        left, right = weights.column_cells[r], weights.column_cells[r + 1]
        of_left, of_right = weights.column_weights[r], weights.column_weights[r + 1]
        for x in range(len(slot)):
            i, j = np.uint32(left[x] + slot[x]), np.uint32(right[x] + slot[x])
            row[i] += lower[x] * of_left[x]
            row[j] += lower[x] * of_right[x]
            row[i + next_bin] += upper[x] * of_left[x]
            row[j + next_bin] += upper[x] * of_right[x]


@compiled
def _gather(row: Array, slot: Array, weights: Weights, part: Array) -> None:
    """Apply the transpose of `_scatter`."""
    part[:] = 0
    for r in range(0, len(weights.column_cells), 2):
        left, right = weights.column_cells[r], weights.column_cells[r + 1]
        of_left, of_right = weights.column_weights[r], weights.column_weights[r + 1]
        for x in range(len(slot)):
            i, j = np.uint32(left[x] + slot[x]), np.uint32(right[x] + slot[x])
            part[x] += row[i] * of_left[x] + row[j] * of_right[x]


@compiled
def _gather_both(row: Array, slot: Array, weights: Weights, lower: Array, upper: Array) -> None:
    """Apply the transpose of `_scatter_both`."""
    next_bin = np.uint32(1)
    lower[:] = 0
    upper[:] = 0
    for r in range(0, len(weights.column_cells), 2):
        left, right = weights.column_cells[r], weights.column_cells[r + 1]
        of_left, of_right = weights.column_weights[r], weights.column_weights[r + 1]
        for x in range(len(slot)):
            i, j = np.uint32(left[x] + slot[x]), np.uint32(right[x] + slot[x])
            lower[x] += row[i] * of_left[x] + row[j] * of_right[x]
            upper[x] += row[i + next_bin] * of_left[x] + row[j + next_bin] * of_right[x]


@compiled
def _turn(
    gx: Array,
    gy: Array,
    magnitude: Array,
    rule: Rule,
    share: Array,
    lower: Array,
    upper: Array,
) -> None:
    """Turn gradients of both bins into those of gx and gy; see `gradients._CellHistograms`."""
    number = gx.dtype.type
    zero, one, tiny = number(0), number(1), number(1e-15)
    first, third = number(0.9675), number(3 * 0.1821)
    twice = rule.rate + rule.rate
    for x in range(len(gx)):
        slope, inverse = upper[x] - lower[x], one / magnitude[x]
        lower[x] = (lower[x] + share[x] * slope) * inverse
        upper[x] = slope * twice * magnitude[x] if rule.cubic else slope * rule.rate * inverse
    if rule.cubic:
        for x in range(len(gx)):
            ax, ay = abs(gx[x]), abs(gy[x])
            reach = one / (tiny if ax + ay < tiny else ax + ay)
            r = (ax - ay) * reach
            upper[x] *= (first - third * r * r) * reach * reach
    if rule.softness != 1:
        for x in range(len(gx)):
            upper[x] = zero if share[x] == zero or share[x] == one else upper[x]
    for x in range(len(gx)):
        along = gx[x] * lower[x] - gy[x] * upper[x]
        gy[x] = gy[x] * lower[x] + gx[x] * upper[x]
        gx[x] = along


@compiled
def _fold(padded: Array, cells: Array) -> None:
    """Turn (H', W' (K + 2)) with bins -K/2 .. K/2 + 1 into (K, H', W')."""
    bins, height, width = cells.shape
    for k in range(bins):
        slot = (k + bins // 2) % bins
        for i in range(height):
            source, target = padded[i, slot:], cells[k, i]
            for j in range(width):
                target[j] = source[j * (bins + 2)]
            for j in range(width if slot < 2 else 0):
                target[j] += source[j * (bins + 2) + bins]


@compiled
def _unfold(cells: Array, padded: Array) -> None:
    """Apply the transpose of `_fold`."""
    bins, height, width = cells.shape
    for i in range(height):
        for slot in range(bins + 2):
            k = (slot + bins // 2) % bins
            for j in range(width):
                padded[i, j * (bins + 2) + slot] = cells[k, i, j]
