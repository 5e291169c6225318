"""Jittered descent that L-BFGS completes: the solver for layers of networks.

Its pictures are those that other networks believe most (docs/solver.md). Three parts:

1. Algorithm 1 with jitter, x_1. A picture whose code is right at every shift has no patterns that
   excite only one. Layers of a small stride are not jittered; for them L-BFGS, which then descends
   faster.
2. Contrast, x_2: the priors shrink the contrast of an image; a part is given back, see `contrast`,
   unless two evaluations show that the code becomes much worse. Early layers know the contrast.
3. L-BFGS in a Sobolev metric, without jitter, from the center of x_2. The priors are those of the
   change x - x_2: the code's error falls by a small smooth change, and contrast stays. Pixels stay
   within the range of photos and of x_2; the norm of black and white exceeds B_+.

Images that a user starts from take the place of x_2.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from preimage.contrast import restore_contrast
from preimage.objective import Objective
from preimage.optimizer.algorithm_1 import two_stages
from preimage.optimizer.continuation import Continuation
from preimage.optimizer.recorder import Recorder
from preimage.optimizer.sobolev_lbfgs import sobolev_lbfgs
from preimage.priors import project_
from preimage.settings import Settings
from preimage.solver_settings import Algorithm1, JitteredLBFGS, SobolevLBFGS

_FIRST_STEP = 0.1
"""Length, relative to the image, of the first step of L-BFGS."""
_LARGEST_GROWTH = 2.0
"""Limit of the relative growth of the loss by contrast that is given back."""


def jittered_lbfgs(
    objective: Objective,
    start: Tensor,
    settings: Settings,
    solver: JitteredLBFGS,
    generators: Sequence[torch.Generator],
    recorder: Recorder,
    continuation: Continuation,
) -> tuple[Tensor, bool]:
    """Minimize the energy of each image from `start`, which has the margin of the jitter.

    Each image has one of `generators` for its views. `continuation` lets C of some images grow
    during L-BFGS, in place.

    Returns:
        The images, without the margin, and whether Ctrl-C ended the run.
    """
    x = start
    if solver.iterations:
        x, interrupted = _first_part(
            objective, x, settings, solver.iterations, generators, recorder
        )
        if not interrupted:
            x, interrupted = _with_contrast(objective, x, settings, solver)
        if interrupted:
            return x, True
    if not solver.final_iterations:
        return x, False
    final = SobolevLBFGS(stages=((solver.final_iterations, 0.0),))
    around = objective.around(x, solver.change_weight).within_range(x)
    steps = (_FIRST_STEP, _FIRST_STEP)
    return sobolev_lbfgs(around, x, settings, final, recorder, continuation, steps)


def _first_part(
    objective: Objective,
    start: Tensor,
    settings: Settings,
    iterations: int,
    generators: Sequence[torch.Generator],
    recorder: Recorder,
) -> tuple[Tensor, bool]:
    """Run Algorithm 1 with random views or, if there is only one view, L-BFGS."""
    if settings.shifts(objective.representation) > 1 or settings.turns_views:
        jittered = Algorithm1(iterations=iterations, final_iterations=0)
        return two_stages(objective, start, settings, jittered, generators, recorder)
    solver = SobolevLBFGS(stages=((iterations, 0.0),))
    keeps = Continuation((), iterations)
    return sobolev_lbfgs(objective, start, settings, solver, recorder, keeps)


def _with_contrast(
    objective: Objective, x: Tensor, settings: Settings, solver: JitteredLBFGS
) -> tuple[Tensor, bool]:
    """Give back the contrast of each image whose loss allows it.

    Returns:
        The images, and whether Ctrl-C ended the run.
    """
    restored = restore_contrast(x, solver.restored_luminance, solver.restored_chroma)
    restored = project_(restored, settings.max_pixel_norm)
    try:
        before, after = (objective(images)[0].loss for images in (x, restored))
    except KeyboardInterrupt:
        return x, True
    allowed = after <= before + _LARGEST_GROWTH * before.abs()
    return torch.where(allowed[:, None, None, None], restored, x), False
