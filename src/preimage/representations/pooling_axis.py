"""The pooling of pixels into cells along one axis, in time and memory linear in its length."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

_CELLS_OF_A_BLOCK = 512
"""Cells of one dense matrix; up to four thousand pixels a side, a single matrix is enough."""


@dataclass(frozen=True, slots=True, eq=False)
class AxisWeights:
    """The cells that each pixel touches, and the weights with which it does.

    Attributes:
        cells: the indices of the cells that each pixel touches, R at most, (R, pixels).
        values: the weight in each of these cells, (R, pixels). A pixel that touches fewer than R
            cells has zeros at the end.
        count: number of cells.
    """

    cells: np.ndarray
    values: np.ndarray
    count: int

    @classmethod
    def from_pixels(cls, pixels: Iterable[dict[int, float]], count: int) -> AxisWeights:
        """Return the weights of pixels, each given as weights by cell; the order is kept."""
        listed = [[(c, w) for c, w in pixel.items() if w and 0 <= c < count] for pixel in pixels]
        most = max(map(len, listed))
        padded = np.array([[*touched, *[(0, 0.0)] * (most - len(touched))] for touched in listed])
        return cls(padded[..., 0].T.astype(np.int64), padded[..., 1].T.copy(), count)

    @classmethod
    def from_dense(cls, matrix: np.ndarray) -> AxisWeights:
        """Return the weights of a matrix (cells, pixels)."""
        pixels = [dict(enumerate(column.tolist())) for column in matrix.T]
        return cls.from_pixels(pixels, len(matrix))

    def touched(self, cells: np.ndarray) -> np.ndarray:
        """Return which pixels touch a marked cell, for a boolean array with cells along axis 0."""
        found = np.zeros((self.cells.shape[1], *cells.shape[1:]), dtype=bool)
        for indices, values in zip(self.cells, self.values, strict=True):
            found |= cells[indices] & (values != 0).reshape(-1, *[1] * (cells.ndim - 1))
        return found


class PoolingAxis:
    """The matrix (cells, pixels) of an axis as dense blocks along its diagonal.

    Args:
        weights: the weights of the pixels.
        like: a tensor of the dtype and device of the blocks.
    """

    def __init__(self, weights: AxisWeights, like: Tensor) -> None:
        self.weights = weights
        self._blocks = [
            self._block(first, min(first + _CELLS_OF_A_BLOCK, weights.count), like)
            for first in range(0, weights.count, _CELLS_OF_A_BLOCK)
        ]

    def __len__(self) -> int:
        return self.weights.count

    def _block(self, first: int, end: int, like: Tensor) -> tuple[slice, slice, Tensor]:
        """Return the cells of a block, the pixels that they see, and the matrix of weights."""
        cells, values = self.weights.cells, self.weights.values
        inside = (values != 0) & (cells >= first) & (cells < end)
        seen = np.flatnonzero(inside.any(0))
        is_whole = end - first == self.weights.count
        low, high = (0, cells.shape[1]) if is_whole else (int(seen[0]), int(seen[-1]) + 1)
        matrix = np.zeros((end - first, high - low))
        taps, pixels = np.nonzero(inside)
        matrix[cells[taps, pixels] - first, pixels - low] = values[taps, pixels]
        return slice(first, end), slice(low, high), torch.from_numpy(matrix).to(like)

    def pool(self, x: Tensor) -> Tensor:
        """Pool the next to last axis of `x` (..., pixels, M) into cells (..., cells, M)."""
        pooled = [block @ x[..., pixels, :] for _, pixels, block in self._blocks]
        return pooled[0] if len(pooled) == 1 else torch.cat(pooled, -2)

    def pool_last(self, x: Tensor) -> Tensor:
        """Pool the last axis of `x` (..., M, pixels) into cells (..., M, cells)."""
        pooled = [x[..., pixels] @ block.T for _, pixels, block in self._blocks]
        return pooled[0] if len(pooled) == 1 else torch.cat(pooled, -1)

    def spread(self, cells: Tensor) -> Tensor:
        """Apply the transpose of `pool`."""
        if len(self._blocks) == 1:
            return self._blocks[0][2].T @ cells
        spread = cells.new_zeros(*cells.shape[:-2], self.weights.cells.shape[1], cells.shape[-1])
        for of_block, pixels, block in self._blocks:
            spread[..., pixels, :] += block.T @ cells[..., of_block, :]
        return spread
