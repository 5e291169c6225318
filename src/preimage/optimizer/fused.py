"""The curvature of L-BFGS by compiled kernels; importing this module needs numba."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from preimage.optimizer import step_kernels
from preimage.optimizer.curvature import LEAST_CURVATURE, Curvature, Direction


def serves(x: Tensor) -> bool:
    """Return whether the kernels take `x`: contiguous, float32 or float64, on a CPU."""
    is_known = x.device.type == "cpu" and x.dtype in (torch.float32, torch.float64)
    return is_known and x.is_contiguous()


class FusedCurvature(Curvature):
    """A `Curvature` with few passes over its vectors, of images for which `serves` is true."""

    def begin(self, gradient: Tensor, smoothed: Tensor) -> None:
        """See `Curvature.begin`."""
        self._gradient, self._smoothed = gradient.contiguous(), smoothed.contiguous()
        self._latest = None

    def _remember(
        self, slot: int, x: Tensor, trial: Tensor, gradient: Tensor, smoothed: Tensor
    ) -> bool:
        rows, latest = self._rows.numpy(), gradient.new_empty(2, gradient.numel())
        is_convex: bool = step_kernels.remember(
            _flat(x),
            _flat(trial),
            (_flat(self._gradient), _flat(gradient)),
            (_flat(self._smoothed), _flat(smoothed)),
            (rows[2 * slot], rows[2 * slot + 1]),
            latest.numpy(),
            LEAST_CURVATURE,
        )
        self.begin(gradient, smoothed)
        self._latest = latest if is_convex else None
        return is_convex

    def _combine(self, scale: float, coefficients: list[float]) -> Direction:
        found = torch.empty_like(self._gradient)
        factors = np.array([-scale, *coefficients], found.numpy().dtype)
        vectors = _flat(self._smoothed), _flat(self._gradient), _flat(found)
        slope, squares = step_kernels.combine(self._used().numpy(), factors, vectors)
        return Direction(found, slope, math.sqrt(squares / found.numel()))


def _flat(vector: Tensor) -> NDArray[Any]:
    return vector.contiguous().view(-1).numpy()
