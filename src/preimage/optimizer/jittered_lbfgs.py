"""Jittered descent that L-BFGS completes: the solver for layers of networks.

Its pictures are those that other networks believe most (docs/solver.md). Three parts:

1. Algorithm 1 with jitter, x_1. A picture whose code is right at every shift has no patterns that
   excite only one.
2. Contrast, x_2: the priors shrink the contrast of an image; a part is given back, see `contrast`.
3. L-BFGS in a Sobolev metric, without jitter, from the center of x_2. The priors are those of the
   change x - x_2: the code's error falls by a small smooth change, and contrast stays.

Images that a user starts from take the place of x_2; then x stays within the range of photos.
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
        jittered = Algorithm1(iterations=solver.iterations, final_iterations=0)
        x, interrupted = two_stages(objective, x, settings, jittered, generators, recorder)
        x = restore_contrast(x, solver.restored_luminance, solver.restored_chroma)
        x = project_(x, settings.max_pixel_norm)
        if interrupted:
            return x, True
    if not solver.final_iterations:
        return x, False
    final = SobolevLBFGS(stages=((solver.final_iterations, 0.0),))
    around = objective.around(x, solver.change_weight)
    if not solver.iterations:
        around = around.within_range(x)
    steps = (_FIRST_STEP, _FIRST_STEP)
    return sobolev_lbfgs(around, x, settings, final, recorder, continuation, steps)
