"""The curvature that L-BFGS knows from its last steps, as one matrix of vectors.

A step s changes the gradient by y. The matrix holds s and P y of each of the last steps, where P is
the inverse metric. The two loops of L-BFGS need nothing but the products of these rows with the
gradient and with the latest y: those of earlier y are known. So two passes over the matrix make a
direction, and the loops run over numbers.
"""

from __future__ import annotations

import torch
from torch import Tensor

_MEMORY = 8
"""Number of steps that the curvature is estimated from."""


class Curvature:
    """The estimated curvature of the energy of one image."""

    def __init__(self, image: Tensor) -> None:
        self._rows = image.new_zeros(2 * _MEMORY, image.numel())
        self._step_change = [[0.0] * _MEMORY for _ in range(_MEMORY)]
        self._change_change = [[0.0] * _MEMORY for _ in range(_MEMORY)]
        self._order: list[int] = []

    def __bool__(self) -> bool:
        return bool(self._order)

    def clear(self) -> None:
        """Forget all steps."""
        self._order = []

    def reweigh(self, factor: float) -> None:
        """Multiply the curvature by a factor."""
        self._rows[_MEMORY:] *= factor
        self._step_change = [[factor * n for n in row] for row in self._step_change]
        self._change_change = [[factor**2 * n for n in row] for row in self._change_change]

    def direction(
        self, gradient: Tensor, smoothed: Tensor, latest: tuple[Tensor, Tensor, Tensor] | None
    ) -> Tensor:
        """Return the direction of descent for a gradient and P times it.

        `latest` is the step that led here, the change y of the gradient over it, and P y; the
        oldest of eight steps is then forgotten. It is None if the curvature is to stay as it is.
        """
        vectors = [gradient]
        if latest is not None:
            step, change, smoothed_change = latest
            new = len(self._order) if len(self._order) < _MEMORY else self._order.pop(0)
            self._rows[new], self._rows[_MEMORY + new] = step.flatten(), smoothed_change.flatten()
            self._order.append(new)
            vectors.append(change)
        if not self._order:
            return -smoothed
        products = torch.stack([vector.flatten() for vector in vectors]) @ self._rows.T
        of_gradient, *of_change = products.tolist()
        for n in self._order if of_change else ():
            self._step_change[n][new] = of_change[0][n]
            self._change_change[n][new] = self._change_change[new][n] = of_change[0][_MEMORY + n]
        scale, coefficients = self._loops(of_gradient)
        found = (smoothed.new_tensor(coefficients) @ self._rows).view_as(smoothed)
        return found.sub_(smoothed, alpha=scale)

    def _loops(self, of_gradient: list[float]) -> tuple[float, list[float]]:
        """Return what multiplies -P g, and each row, in the direction; g is the gradient."""
        order, sy, yy = self._order, self._step_change, self._change_change
        first: dict[int, float] = {}  # from the newest step to the oldest
        for n in reversed(order):
            removed = sum(weight * sy[n][newer] for newer, weight in first.items())
            first[n] = (of_gradient[n] - removed) / sy[n][n]
        scale = sy[order[-1]][order[-1]] / yy[order[-1]][order[-1]]
        second: dict[int, float] = {}  # and back
        for n in order:
            removed = sum(weight * yy[n][other] for other, weight in first.items())
            added = sum(weight * sy[older][n] for older, weight in second.items())
            product = scale * (of_gradient[_MEMORY + n] - removed) + added
            second[n] = first[n] - product / sy[n][n]
        coefficients = [0.0] * (2 * _MEMORY)
        for n in order:
            coefficients[n], coefficients[_MEMORY + n] = -second[n], scale * first[n]
        return scale, coefficients
