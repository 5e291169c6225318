"""One entrance to the solvers of Eq. 1."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from preimage.objective import Objective
from preimage.optimizer.algorithm_1 import algorithm_1
from preimage.optimizer.sobolev_lbfgs import sobolev_lbfgs
from preimage.optimizer.trace import Progress, Recorder, Trace, center_crop
from preimage.settings import Settings
from preimage.views import draw_views


@dataclass(frozen=True, slots=True)
class Minimum:
    """Where a minimization ended.

    Attributes:
        images: (N, D, H, W), without the margin of the jitter.
        trace: the energy at every step that was done.
        interrupted: whether Ctrl-C ended it; the images are then the latest ones.
        snapshots: steps and the images of these steps, (N, D, H, W).
    """

    images: Tensor
    trace: Trace
    interrupted: bool
    snapshots: tuple[tuple[int, Tensor], ...]


def minimize(
    objective: Objective,
    start: Tensor,
    settings: Settings,
    generators: Sequence[torch.Generator],
    *,
    progress: Callable[[Progress], None] | None = None,
    snapshot_every: int = 0,
) -> Minimum:
    """Images of low energy, by the solver that the settings name.

    Args:
        objective: the energy.
        start: where to begin, (N, D, H + T - 1, W + T - 1) for a jitter of T.
        settings: the solver, its rates and numbers of steps.
        generators: one stream of random views for each image.
        progress: called after each step.
        snapshot_every: keep the images of every so many steps; 0 keeps none.

    Raises:
        NonFiniteEnergyError: if the energy of an image becomes NaN or infinite.
        ValueError: if the solver cannot jitter and `start` has a margin.
    """
    shifts = start.shape[-1] - objective.size[1] + 1
    views_vary = shifts > 1 or settings.rotation > 0 or settings.zoom > 1
    refines = views_vary or objective.representation.is_network
    final = settings.final_iterations if refines else 0
    steps = settings.steps + (final if settings.solver == "algorithm-1" else 0)
    recorder = Recorder(steps, objective.loss_weights, objective.size, progress, snapshot_every)
    if settings.solver == "sobolev-lbfgs":
        if shifts > 1:
            raise ValueError("the solver sobolev-lbfgs does not jitter: set jitter to 1")
        x, interrupted = sobolev_lbfgs(objective, start, settings, recorder)
    else:
        x, interrupted = _two_stages(objective, start, settings, generators, shifts, recorder)
    return Minimum(x, recorder.trace(), interrupted, tuple(recorder.snapshots))


def _two_stages(
    objective: Objective,
    start: Tensor,
    settings: Settings,
    generators: Sequence[torch.Generator],
    shifts: int,
    recorder: Recorder,
) -> tuple[Tensor, bool]:
    """Algorithm 1; then, where there is a final stage, without jitter from the central crop."""
    rate = settings.learning_rate * settings.pixel_norm**2 / settings.alpha
    if settings.scale_rate_by_area:
        rate *= objective.size[0] * objective.size[1]
    iterations = settings.iterations
    views = draw_views(generators, iterations, shifts, settings.rotation, settings.zoom)
    x, interrupted = algorithm_1(objective, start, settings, rate, iterations, views, recorder)
    x = center_crop(x, objective.size)
    final = recorder.steps - iterations
    if final and not interrupted:
        rate *= settings.final_learning_rate
        x, interrupted = algorithm_1(objective, x, settings, rate, final, None, recorder)
    return x, interrupted
