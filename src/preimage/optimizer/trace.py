"""What a minimization tells while it runs and keeps when it ends."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from preimage.objective import Energy

_BLOCK = 25
"""Steps between two looks at whether the energy is finite, each of which waits for a GPU."""


class NonFiniteEnergyError(ArithmeticError):
    """The energy became NaN or infinite.

    Attributes:
        step: the step at which it did, counted from 1.
        last_images: the last images whose energy was finite, (N, D, H, W).
    """

    def __init__(self, step: int, last_images: Tensor) -> None:
        super().__init__(
            f"the energy is not finite at step {step}: a smaller learning rate or loss weight "
            "may help"
        )
        self.step = step
        self.last_images = last_images


@dataclass(frozen=True, slots=True)
class Progress:
    """What a progress callback is told after each step.

    Attributes:
        step: steps done, from 1 to `steps`; a step is one evaluation of the energy and its
            gradient.
        steps: steps in all.
        energy: the energy of `images`.
        images: the images so far, or their canvases; valid during the call only.
    """

    step: int
    steps: int
    energy: Energy
    images: Tensor


class Recorder:
    """Keeps trace and snapshots, and tells the caller how far the steps are.

    Args:
        steps: how many there will be at most.
        loss_weights: C of each image, (N,).
        size: height and width that snapshots are cropped to.
        progress: called after each step.
        snapshot_every: keep the images of every so many steps; 0 keeps none.
    """

    def __init__(
        self,
        steps: int,
        loss_weights: Tensor,
        size: tuple[int, int],
        progress: Callable[[Progress], None] | None,
        snapshot_every: int,
    ) -> None:
        self.steps = steps
        self.step = 0
        self.snapshots: list[tuple[int, Tensor]] = []
        self._size = size
        self._loss_weights = loss_weights
        self._values = loss_weights.new_full((3, steps, len(loss_weights)), torch.nan)
        self._all_finite = loss_weights.new_ones((), dtype=torch.bool)
        self._finite: Tensor | None = None
        self._progress = progress
        self._every = snapshot_every

    def record(self, energy: Energy, images: Tensor) -> None:
        """Notes the energy of `images`, which stay as they are until the next call.

        Only the first step, every 25th after it, and a progress callback wait for a GPU.

        Raises:
            NonFiniteEnergyError: if it is not finite, or was not at an earlier step.
        """
        self.step += 1
        self._values[:, self.step - 1] = energy.terms
        shape = (images.shape[-2], images.shape[-1])
        last = images if self._finite is None else center_crop(self._finite, shape)
        self._all_finite &= energy.total.isfinite().all()
        self._finite = torch.where(self._all_finite, images, last)
        if self._progress is not None or self.step % _BLOCK == 1:
            self._check()
        if self._every and self.step % self._every == 0:
            self.snapshots.append((self.step, center_crop(images, self._size).clone()))
        if self._progress is not None:
            self._progress(Progress(self.step, self.steps, energy, images))

    def _check(self) -> None:
        """Raises NonFiniteEnergyError if the energy of a step so far is not finite."""
        if self._finite is None or bool(self._all_finite):
            return
        finite = self._trace().total.isfinite().all(1)
        step = int(finite.logical_not().nonzero()[0]) + 1
        raise NonFiniteEnergyError(step, center_crop(self._finite, self._size).clone())

    def trace(self) -> Energy:
        """Return the energy of every step so far, each term (steps, N), on the CPU.

        Raises:
            NonFiniteEnergyError: if the energy of a step was not finite.
        """
        self._check()
        return self._trace()

    def _trace(self) -> Energy:
        return Energy.from_terms(self._values[:, : self.step].cpu(), self._loss_weights.cpu())


def center_crop(x: Tensor, size: tuple[int, int]) -> Tensor:
    """The crop of `size` at the center of the canvases `x`, (N, D, H, W).

    >>> center_crop(torch.arange(9.0).reshape(1, 1, 3, 3), (1, 1)).item()
    4.0
    """
    top, left = ((have - want) // 2 for have, want in zip(x.shape[-2:], size, strict=True))
    return x[..., top : top + size[0], left : left + size[1]]
