"""The curvature that L-BFGS knows from its last steps, as one matrix of vectors.

A step s changes the gradient by y. The matrix holds s and P y of each of the last steps, one row
after the other, where P is the inverse metric. The two loops of L-BFGS need nothing but the
products of these rows with the gradient and with the latest y: those of earlier y are known. So two
passes over the matrix make a direction, and the loops run over numbers.

`fused.FusedCurvature` makes these passes by compiled code.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from preimage.compiling import has_numba

MEMORY = 8
"""Number of steps that the curvature is estimated from, unless images are too large."""
LARGEST = 2**28
"""The most bytes that the matrix of an image takes, unless a single step takes more."""
LEAST_CURVATURE = 1e-10
"""The least <s, y> of a step that is remembered, relative to <y, y>."""


class Direction(NamedTuple):
    """A direction of descent (D, H, W), its product with the gradient, and its root mean square."""

    step: Tensor
    slope: float
    rms: float


def find_curvature(x: Tensor, gradient: Tensor, smoothed: Tensor) -> Curvature:
    """Return the curvature before the first step, by compiled code if it can take the image `x`."""
    if not has_numba():
        return Curvature(gradient, smoothed)
    from preimage.optimizer.fused import FusedCurvature, serves

    return (FusedCurvature if serves(x) else Curvature)(gradient, smoothed)


class Curvature:
    """The estimated curvature of the energy of one image, and the gradient there.

    Args:
        gradient: the gradient where the search begins, (D, H, W).
        smoothed: P times it.
    """

    def __init__(self, gradient: Tensor, smoothed: Tensor) -> None:
        held = LARGEST // (2 * gradient.numel() * gradient.element_size())
        self._count = min(max(held, 1), MEMORY)
        self._rows = gradient.new_empty(2 * self._count, gradient.numel())
        self._step_change = [[0.0] * self._count for _ in range(self._count)]
        self._change_change = [[0.0] * self._count for _ in range(self._count)]
        self._order: list[int] = []
        self._latest: Tensor | None = None  # the gradient and the latest y, as rows, if y is new
        self.begin(gradient, smoothed)

    def __bool__(self) -> bool:
        return bool(self._order)

    def begin(self, gradient: Tensor, smoothed: Tensor) -> None:
        """Set the gradient, and P times it, where the search begins or begins again."""
        self._gradient, self._smoothed = gradient.clone(), smoothed
        self._latest = None

    def clear(self) -> None:
        """Forget all steps."""
        self._order, self._latest = [], None

    def reweigh(self, factor: float) -> None:
        """Multiply the curvature by a factor."""
        self._used()[1::2] *= factor
        self._step_change = [[factor * n for n in row] for row in self._step_change]
        self._change_change = [[factor**2 * n for n in row] for row in self._change_change]

    def follow(self, x: Tensor, trial: Tensor, gradient: Tensor, smoothed: Tensor) -> None:
        """Move the image `x` to `trial`, in place, where the gradient and P times it are these.

        The step is remembered if the energy is convex along it; then the oldest is forgotten.
        """
        slot = self._order[0] if len(self._order) == self._count else len(self._order)
        if self._remember(slot, x, trial, gradient, smoothed):
            self._order = [n for n in self._order if n != slot] + [slot]

    def direction(self) -> Direction:
        """Return the direction of descent."""
        of_gradient, of_change = self._products()
        new = self._order[-1] if self._order else 0
        for n in self._order if of_change else ():
            self._step_change[n][new] = of_change[2 * n]
            self._change_change[n][new] = self._change_change[new][n] = of_change[2 * n + 1]
        return self._combine(*self._loops(of_gradient))

    def _remember(
        self, slot: int, x: Tensor, trial: Tensor, gradient: Tensor, smoothed: Tensor
    ) -> bool:
        """Move as `follow`; return whether the step was written to the rows at `slot`."""
        gradient = gradient.clone()  # aligned in memory as a lone image's: sums to the same bit
        step, change = trial - x, gradient - self._gradient
        is_convex = _dot(step, change) > LEAST_CURVATURE * _dot(change, change)
        if is_convex:
            self._rows[2 * slot] = step.flatten()
            self._rows[2 * slot + 1] = (smoothed - self._smoothed).flatten()
        x.copy_(trial)
        self._gradient, self._smoothed = gradient, smoothed
        self._latest = torch.stack([gradient.flatten(), change.flatten()]) if is_convex else None
        return is_convex

    def _used(self) -> Tensor:
        """Return the rows of the steps that are remembered, which come first."""
        return self._rows[: 2 * len(self._order)]

    def _products(self) -> tuple[list[float], list[float]]:
        """Return the products of the rows with the gradient, and with the latest y if it is new."""
        if not self._order:
            return [], []
        own = self._gradient.reshape(1, -1)
        vectors = own.clone() if self._latest is None else self._latest  # aligned in any batch
        self._latest = None
        of_gradient, *of_change = (vectors @ self._used().T).tolist()
        return of_gradient, of_change[0] if of_change else []

    def _combine(self, scale: float, coefficients: list[float]) -> Direction:
        """Return the sum of the rows with these coefficients, less `scale` times P g."""
        found = -scale * self._smoothed
        if coefficients:
            found += (found.new_tensor(coefficients) @ self._used()).view_as(found)
        rms = found.square().mean().sqrt().item()
        return Direction(found, _dot(found, self._gradient), rms)

    def _loops(self, of_gradient: list[float]) -> tuple[float, list[float]]:
        """Return what multiplies -P g, and each row, in the direction; g is the gradient."""
        order, sy, yy = self._order, self._step_change, self._change_change
        if not order:
            return 1.0, []
        first: dict[int, float] = {}  # from the newest step to the oldest
        for n in reversed(order):
            removed = sum(weight * sy[n][newer] for newer, weight in first.items())
            first[n] = (of_gradient[2 * n] - removed) / sy[n][n]
        scale = sy[order[-1]][order[-1]] / yy[order[-1]][order[-1]]
        second: dict[int, float] = {}  # and back
        for n in order:
            removed = sum(weight * yy[n][other] for other, weight in first.items())
            added = sum(weight * sy[older][n] for older, weight in second.items())
            product = scale * (of_gradient[2 * n + 1] - removed) + added
            second[n] = first[n] - product / sy[n][n]
        pairs = ((-second[n], scale * first[n]) for n in range(len(order)))
        return scale, [coefficient for pair in pairs for coefficient in pair]


def _dot(a: Tensor, b: Tensor) -> float:
    return torch.dot(a.flatten(), b.flatten()).item()
