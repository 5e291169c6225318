"""Jittered descent that L-BFGS completes: the solver for layers of networks.

Its pictures are those that other networks believe most (docs/solver.md). Three parts:

1. Algorithm 1 with jitter, x_1. A picture whose code is right at every shift has no patterns that
   excite only one. For a stride of 1 or 2, without jitter, L-BFGS, which there descends faster.
2. Noise that the code does not ask for is removed, see `denoising`; and a part of the contrast that
   the priors took is given back, see `contrast`: x_2. No noise is removed without jitter, and no
   contrast given back if two evaluations show that the code becomes much worse.
3. L-BFGS in a Sobolev metric, without jitter, from the center of x_2. The priors are those of the
   change x - x_2: the code's error falls by a small smooth change, and contrast stays. Pixels stay
   within the range of photos and of x_2; the norm of black and white exceeds B_+. After jitter,
   part 2 comes once more before the last two fifths: noise removed, color given back.

Images that a user starts from take the place of x_2.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from preimage.contrast import restore_contrast
from preimage.denoising import denoise
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
_FINE = 2
"""The largest stride of layers that L-BFGS alone inverts, if the view is fixed."""
_LARGEST_GROWTH = 2.0
"""Limit of the relative growth of the loss by contrast that is given back."""

_LAST_SHARE, _LAST_DENOISING = 0.4, 0.6
"""The share of the evaluations of L-BFGS after noise is removed once more, and how much of it,
relative to the first time."""


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
    x, interrupted, amount = start, False, 0.0
    if solver.iterations:
        phi, count = objective.representation, solver.iterations
        is_jittered = settings.shifts(phi) > 1 or settings.turns_views
        if is_jittered or phi.stride > _FINE:
            jittered = Algorithm1(iterations=count, final_iterations=0)
            x, interrupted = two_stages(objective, x, settings, jittered, generators, recorder)
        else:
            still, keeps = SobolevLBFGS(stages=((count, 0.0),)), Continuation((), count)
            x, interrupted = sobolev_lbfgs(objective, x, settings, still, recorder, keeps)
        amount = solver.denoising if is_jittered else 0
        if not interrupted:
            shares = (solver.restored_luminance, solver.restored_chroma)
            x, interrupted = _clean(objective, x, settings, amount, shares)
        if interrupted:
            return x, True
    parts = [(solver.final_iterations, 0.0)]
    if amount:
        last = int(_LAST_SHARE * solver.final_iterations)
        parts = [(solver.final_iterations - last, 0.0), (last, _LAST_DENOISING * amount)]
    for count, again in parts:
        if again and count:
            x, interrupted = _clean(objective, x, settings, again, (0, solver.restored_chroma))
        if count and not interrupted:
            around = objective.around(x.clone(), solver.change_weight).within_range(x)
            final = SobolevLBFGS(stages=((count, 0.0),))
            x, interrupted = sobolev_lbfgs(
                around, x, settings, final, recorder, continuation, (_FIRST_STEP, _FIRST_STEP)
            )
        if interrupted:
            break
    return x, interrupted


def _clean(
    objective: Objective,
    x: Tensor,
    settings: Settings,
    amount: float,
    shares: tuple[float, float],
) -> tuple[Tensor, bool]:
    """Remove noise, and give back these shares of contrast to each image whose loss allows it.

    Returns:
        The images, and whether Ctrl-C ended the run.
    """
    clean = denoise(x, amount)
    restored = project_(restore_contrast(clean, *shares), settings.max_pixel_norm)
    try:
        before, after = (objective(images)[0].loss for images in (clean, restored))
    except KeyboardInterrupt:
        return x, True
    allowed = after <= before + _LARGEST_GROWTH * before.abs()
    return torch.where(allowed[:, None, None, None], restored, clean), False
