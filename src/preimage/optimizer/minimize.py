"""The entry point to the solvers of Equation 1."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from preimage.objective import Energy, Objective
from preimage.optimizer.algorithm_1 import two_stages
from preimage.optimizer.continuation import Continuation
from preimage.optimizer.jittered_lbfgs import jittered_lbfgs
from preimage.optimizer.recorder import Progress, Recorder
from preimage.optimizer.sobolev_lbfgs import sobolev_lbfgs
from preimage.settings import Settings
from preimage.solver_settings import Algorithm1, JitteredLBFGS, SobolevLBFGS


@dataclass(frozen=True, slots=True)
class Minimum:
    """The result of a minimization.

    Attributes:
        images: the images, (N, D, H, W), without the margin of the jitter.
        trace: the energy at every step that was done, each term (steps, N). Algorithm 1
            records the energy of the images before the step, the Sobolev solver the energy of
            the best images so far.
        interrupted: whether Ctrl-C ended the run; the images are then the latest ones.
        snapshots: pairs of a step and its images, (N, D, H, W).
    """

    images: Tensor
    trace: Energy
    interrupted: bool
    snapshots: tuple[tuple[int, Tensor], ...]


def minimize(
    objective: Objective,
    start: Tensor,
    settings: Settings,
    generators: Sequence[torch.Generator],
    *,
    chooses: Sequence[bool] = (),
    progress: Callable[[Progress], None] | None = None,
    snapshot_every: int = 0,
) -> Minimum:
    """Minimize the energy of each image by the solver of the settings.

    Args:
        objective: the energy.
        start: the images to start from, (N, D, H + T - 1, W + T - 1) for T shifts; overwritten.
        settings: all constants.
        generators: one stream of random views for each image.
        chooses: whether the solver chooses C of each image, which then changes in
            `objective.loss_weights`. If empty, it chooses none.
        progress: called after each step.
        snapshot_every: steps between snapshots; 0 keeps none.

    Raises:
        NonFiniteEnergyError: if the energy of an image becomes NaN or infinite.
        ValueError: if the settings ask for jitter, which the solver does not support.
    """
    steps = settings.evaluations(objective.representation)
    recorder = Recorder(steps, objective.loss_weights, objective.size, progress, snapshot_every)
    match settings.solver:
        case Algorithm1() as solver:
            x, interrupted = two_stages(objective, start, settings, solver, generators, recorder)
        case SobolevLBFGS() as solver:
            if settings.shifts(objective.representation) > 1:
                raise ValueError("the solver sobolev-lbfgs does not jitter: set jitter to 1")
            continuation = Continuation(chooses, steps)
            x, interrupted = sobolev_lbfgs(
                objective, start, settings, solver, recorder, continuation
            )
        case JitteredLBFGS() as solver:
            continuation = Continuation(chooses, solver.final_iterations)
            x, interrupted = jittered_lbfgs(
                objective, start, settings, solver, generators, recorder, continuation
            )
    return Minimum(x, recorder.trace(), interrupted, tuple(recorder.snapshots))
