"""The record of a minimization: energies, snapshots, and progress for the caller."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from preimage.objective import Energy
from preimage.views import center_crop

_BLOCK = 25
"""Steps between two checks that the energy is finite, each of which waits for a GPU."""


class NonFiniteEnergyError(ArithmeticError):
    """The error of a run whose energy became NaN or infinite.

    Attributes:
        step: the first step with such an energy, counted from 1.
        last_images: the last images whose energy was finite, (N, D, H, W).
    """

    def __init__(self, step: int, last_images: Tensor) -> None:
        super().__init__(
            f"the energy is not finite at step {step}: a smaller learning rate or loss weight "
            "may help"
        )
        self.step = step
        self.last_images = last_images

    def __reduce__(self) -> tuple[type[NonFiniteEnergyError], tuple[int, Tensor]]:
        return type(self), (self.step, self.last_images)


@dataclass(frozen=True, slots=True)
class Progress:
    """The argument of a progress callback, which is called after each step.

    Attributes:
        step: number of steps done: evaluations of the energy and its gradient.
        steps: number of steps in all.
        energy: the energy of `images`.
        images: the images so far, with the margin of the jitter; later steps overwrite them.
    """

    step: int
    steps: int
    energy: Energy
    images: Tensor


class Recorder:
    """A recorder of energies and snapshots that reports progress.

    There are at most `steps` steps; `loss_weights` is C of each image, (N,). `snapshots` holds
    pairs of a step and its images, cropped to `size`.
    """

    def __init__(
        self,
        steps: int,
        loss_weights: Tensor,
        size: tuple[int, int],
        progress: Callable[[Progress], None] | None,
        snapshot_every: int,
    ) -> None:
        self.snapshots: list[tuple[int, Tensor]] = []
        self._step, self._steps = 0, steps
        self._size = size
        self._loss_weights = loss_weights
        self._terms = loss_weights.new_full((3, steps, len(loss_weights)), torch.nan)
        self._all_finite = loss_weights.new_ones((), dtype=torch.bool)
        self._last_finite: Tensor | None = None
        self._progress, self._every = progress, snapshot_every

    def record(self, energy: Energy, images: Tensor, *, stays: bool = False) -> None:
        """Record the energy of `images`, which must not change until the next call.

        Only the first step, every 25th after it, and a progress callback wait for a GPU. With
        `stays`, images whose next energy is not finite stay as they are: no copy is kept.

        Raises:
            NonFiniteEnergyError: if the energy of this or an earlier step is not finite.
        """
        self._step += 1
        self._terms[:, self._step - 1] = energy.terms
        self._all_finite &= energy.total.isfinite().all()
        if stays:
            self._last_finite = images
        else:
            self._keep(images)
        is_checked = self._progress is not None or self._step % _BLOCK == 1
        if is_checked and not bool(self._all_finite):
            self.trace()  # raises NonFiniteEnergyError
        if self._every and self._step % self._every == 0:
            self.snapshots.append((self._step, center_crop(images, self._size).clone()))
        if self._progress is not None:
            self._progress(Progress(self._step, self._steps, energy, images))

    def _keep(self, images: Tensor) -> None:
        """Keep a copy of the images if all energies were finite so far."""
        if images.device.type == "cpu" and self._all_finite:
            self._last_finite = images.clone()
            return
        shape = (images.shape[-2], images.shape[-1])
        last = images if self._last_finite is None else center_crop(self._last_finite, shape)
        self._last_finite = torch.where(self._all_finite, images, last)

    def trace(self) -> Energy:
        """Return the energy of every step so far, each term (steps, N), on the CPU.

        C is that of the last step.

        Raises:
            NonFiniteEnergyError: if the energy of a step is not finite.
        """
        trace = Energy.from_terms(self._terms[:, : self._step].cpu(), self._loss_weights.cpu())
        if self._last_finite is not None and not self._all_finite:
            step = int(trace.total.isfinite().all(1).logical_not().nonzero()[0]) + 1
            raise NonFiniteEnergyError(step, center_crop(self._last_finite, self._size).clone())
        return trace
