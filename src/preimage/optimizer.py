"""argmin of Eq. 1: Algorithm 1, gradient descent with momentum and adaptive rates.

    g_t = dE/dx (x_t)
    G_t = rho G_(t-1) + g_t^2                      (component-wise)
    eta_t = 1 / (1 / eta_0 + sqrt(G_t))            (component-wise)
    mu_t = rho mu_(t-1) - eta_t g_t
    x_(t+1) = projection of x_t + mu_t on the pixels of norm at most B_+

With jitter, x is a canvas larger than the image, which the representation sees through a
window at a random place; a second stage then runs without jitter on the central crop.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from preimage.objective import Energy, Objective
from preimage.priors import project_
from preimage.settings import Settings


class NonFiniteEnergyError(ArithmeticError):
    """The energy became NaN or infinite.

    Attributes:
        step: the step at which it did, counted from 1.
        last_images: the last images whose energy was finite, (N, D, H, W).
    """

    def __init__(self, step: int, last_images: Tensor) -> None:
        super().__init__(
            f"the energy is not finite at step {step}: a smaller learning rate or loss weight "
            "may help; the last images with a finite energy are in .last_images"
        )
        self.step = step
        self.last_images = last_images


@dataclass(frozen=True, slots=True)
class Progress:
    """What a progress callback is told after each step.

    Attributes:
        step: steps done, from 1 to `steps`.
        steps: steps in all.
        energy: the energy of the images that the step started from.
        images: these images, or their canvases; valid during the call only.
    """

    step: int
    steps: int
    energy: Energy
    images: Tensor


@dataclass(frozen=True, slots=True)
class Trace:
    """The energy at every step, term by term, each (steps, N)."""

    alpha_norm: Tensor
    total_variation: Tensor
    loss: Tensor
    loss_weight: Tensor

    @property
    def total(self) -> Tensor:
        """E at every step, (steps, N)."""
        return self.alpha_norm + self.total_variation + self.loss_weight * self.loss


@dataclass(frozen=True, slots=True)
class Minimum:
    """Where a minimization ended.

    Attributes:
        images: (N, D, H, W), without the margin of the jitter.
        trace: the energy at every step that was done.
        interrupted: whether it was interrupted; the images are then the latest ones.
        snapshots: steps and the images they started from, (N, D, H, W).
    """

    images: Tensor
    trace: Trace
    interrupted: bool
    snapshots: tuple[tuple[int, Tensor], ...]


class _Recorder:
    """Keeps trace and snapshots, and tells the caller how far the steps are."""

    def __init__(
        self,
        steps: int,
        objective: Objective,
        progress: Callable[[Progress], None] | None,
        snapshot_every: int,
    ) -> None:
        self.steps = steps
        self.step = 0
        self.size = objective.size
        self.loss_weights = objective.loss_weights
        self.values = torch.full((3, steps, len(self.loss_weights)), torch.nan)
        self.snapshots: list[tuple[int, Tensor]] = []
        self._progress = progress
        self._every = snapshot_every

    def record(self, energy: Energy, images: Tensor, last: Tensor) -> None:
        """Notes the energy of `images`; `last` are the ones before them."""
        self.step += 1
        values = torch.stack([energy.alpha_norm, energy.total_variation, energy.loss])
        if not bool(values.isfinite().all()):
            raise NonFiniteEnergyError(self.step, center_crop(last, self.size).clone())
        self.values[:, self.step - 1] = values
        if self._every and self.step % self._every == 0:
            self.snapshots.append((self.step, center_crop(images, self.size).clone()))
        if self._progress is not None:
            self._progress(Progress(self.step, self.steps, energy, images))

    def trace(self) -> Trace:
        bounded, variation, loss = self.values[:, : self.step]
        return Trace(bounded, variation, loss, self.loss_weights.cpu())


def minimize(
    objective: Objective,
    start: Tensor,
    settings: Settings,
    generators: Sequence[torch.Generator],
    *,
    progress: Callable[[Progress], None] | None = None,
    snapshot_every: int = 0,
) -> Minimum:
    """Images of low energy, by Algorithm 1.

    Args:
        objective: the energy.
        start: where to begin, (N, D, H + T - 1, W + T - 1) for a jitter of T.
        settings: rates and numbers of iterations.
        generators: one stream of random shifts for each image.
        progress: called after each step.
        snapshot_every: keep the images of every so many steps; 0 keeps none.

    Raises:
        NonFiniteEnergyError: if the energy of an image becomes NaN or infinite.
    """
    shifts = start.shape[-1] - objective.size[1] + 1
    final = settings.final_iterations if shifts > 1 else 0
    offsets = None
    if shifts > 1:
        draws = [torch.randint(shifts, (settings.iterations, 2), generator=g) for g in generators]
        offsets = torch.stack(draws, 1)
    recorder = _Recorder(settings.iterations + final, objective, progress, snapshot_every)
    rate = settings.learning_rate * settings.pixel_norm**2 / settings.alpha
    if settings.scale_rate_by_area:
        rate *= objective.size[0] * objective.size[1]
    x, interrupted = _algorithm_1(
        objective, start, settings, rate, settings.iterations, offsets, recorder
    )
    x = center_crop(x, objective.size)
    if final and not interrupted:
        rate *= settings.final_learning_rate
        x, interrupted = _algorithm_1(objective, x, settings, rate, final, None, recorder)
    return Minimum(x, recorder.trace(), interrupted, tuple(recorder.snapshots))


def _algorithm_1(
    objective: Objective,
    start: Tensor,
    settings: Settings,
    rate: float,
    iterations: int,
    offsets: Tensor | None,
    recorder: _Recorder,
) -> tuple[Tensor, bool]:
    """Algorithm 1 from `start`; the images, and whether Ctrl-C ended it."""
    rho = settings.momentum
    x, spare = start.clone(), start.clone()
    squares, momentum = torch.zeros_like(x), torch.zeros_like(x)
    try:
        for t in range(iterations):
            energy, gradient = objective(x, None if offsets is None else offsets[t])
            recorder.record(energy, x, spare)
            squares.mul_(rho).addcmul_(gradient, gradient)
            gradient.div_(squares.sqrt().add_(1 / rate))
            momentum.mul_(rho).sub_(gradient)
            x, spare = torch.add(x, momentum, out=spare), x
            project_(x, settings.max_pixel_norm)
    except KeyboardInterrupt:
        return project_(x, settings.max_pixel_norm), True
    return x, False


def center_crop(x: Tensor, size: tuple[int, int]) -> Tensor:
    """The crop of `size` at the center of the canvases `x`, (N, D, H, W).

    >>> center_crop(torch.arange(9.0).reshape(1, 1, 3, 3), (1, 1)).item()
    4.0
    """
    top, left = ((have - want) // 2 for have, want in zip(x.shape[-2:], size, strict=True))
    return x[..., top : top + size[0], left : left + size[1]]
