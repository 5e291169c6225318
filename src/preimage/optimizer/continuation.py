"""C chosen by measuring: continuation from a small C to a larger one.

C begins at 2 divided by the loss, or at C of the first evaluation if that is larger. It grows
fourfold after each tenth of the evaluations, six times at most, as long as the last tenth lowered
the error by a sixth or more; then it stays. The image goes on from where it is. With a small C, the
noise of the start fades before details appear, so that a larger C adds details and little noise.

No evaluation is spent on the choice, and C of an image does not depend on other images.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from torch import Tensor

from preimage.loss_weight import LossWeight
from preimage.representations.base import Representation
from preimage.solver_settings import JitteredLBFGS, Solver

_LEAST, _UNKNOWN = 1.0, 20.0
"""C of the first evaluation of sobolev-lbfgs, and of jittered-lbfgs if no C is known."""
_LARGEST_FIRST = 4096.0
"""The largest C to begin with."""
_LOSS_AT_START = 2.0
"""C times the loss at the start."""
_FACTOR, _DECISIONS = 4.0, 6
"""The factor by which C grows, and the largest number of times."""
_SHARE = 0.1
"""Evaluations between two decisions, as a share of all."""
_USEFUL = 5 / 6
"""C grows if the error is at most this fraction of the error at the last decision."""


class Continuation:
    """The choice of C for some images of a batch, during a run of `evaluations`.

    `chosen` tells for each image whether its C is chosen.
    """

    def __init__(self, chosen: Sequence[bool], evaluations: int) -> None:
        self._step = 0
        self._growing = [n for n, is_chosen in enumerate(chosen) if is_chosen]
        self._losses: dict[int, float] = {}
        self._due = {max(1, round(k * _SHARE * evaluations)) for k in range(_DECISIONS + 1)}

    def grow(self, losses: Tensor, weights: Tensor) -> dict[int, float]:
        """Change C of the images for which it is time, after one evaluation more.

        `losses` and `weights` are loss and C of all images, (N,); the latter is changed in place.

        Returns:
            The factor of C of each image whose C changed, by the index of the image.
        """
        self._step += 1
        if not self._growing or self._step not in self._due:
            return {}
        found = losses.tolist()
        if self._losses:
            limits = {n: _USEFUL**2 * loss for n, loss in self._losses.items()}
            self._growing = [n for n in self._growing if found[n] <= limits[n]]
            factors = dict.fromkeys(self._growing, _FACTOR)
        else:
            given = weights.tolist()
            factors = {n: max(1.0, first_weight(found[n]) / given[n]) for n in self._growing}
        self._losses = {n: found[n] for n in self._growing}
        for n, factor in factors.items():
            weights[n] *= factor
        return {n: factor for n, factor in factors.items() if factor != 1}


def first_weights(
    weights: Sequence[LossWeight], representation: Representation, solver: Solver
) -> list[float]:
    """Return C of the first evaluation: where it is chosen, it is the same for all images.

    Jittered iterations have the representation's own C.
    """
    first = _LEAST
    if isinstance(solver, JitteredLBFGS):
        own = representation.loss_weight
        first = _UNKNOWN if own is None else own
    return [first if isinstance(weight, str) else weight for weight in weights]


def first_weight(loss: float) -> float:
    """Return C to begin with for the loss of the start, a power of two.

    >>> first_weight(1.3), first_weight(0.02)
    (2.0, 128.0)
    """
    if not loss > _LOSS_AT_START / _LARGEST_FIRST:
        return _LARGEST_FIRST
    return max(_LEAST, 2.0 ** round(math.log2(_LOSS_AT_START / loss)))
