"""Algorithm 1 of section 3.4: gradient descent with momentum and adaptive rates.

    g_t = dE/dx (x_t)
    G_t = rho G_(t-1) + g_t^2                      (component-wise)
    eta_t = 1 / (1 / eta_0 + sqrt(G_t))            (component-wise)
    mu_t = rho mu_(t-1) - eta_t g_t
    x_(t+1) = projection of x_t + mu_t on the pixels of norm at most B_+

With jitter, the representation sees x through a smaller window at a random place. If the image
is not parameterized by its pixels, x stands for its parameters, which the code calls z.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from preimage.denoising import denoise
from preimage.objective import Objective
from preimage.optimizer.recorder import Recorder
from preimage.parameterizations import Fourier, NaturalContrast, Pixels, parameterization
from preimage.settings import Settings
from preimage.solver_settings import Algorithm1
from preimage.views import center_crop, draw_views

_RELIEF = 1.5
"""With natural contrast, the priors see images whose contrast is lower by this factor than before,
so that they are weaker relative to the loss."""
_WEAK_NOISE = 1.5
"""The noise removed after the steps with natural contrast, in gray levels; see `denoise`."""


def two_stages(
    objective: Objective,
    start: Tensor,
    settings: Settings,
    solver: Algorithm1,
    generators: Sequence[torch.Generator],
    recorder: Recorder,
) -> tuple[Tensor, bool]:
    """Run Algorithm 1, then its final stage, if any: without jitter, from the center crop.

    `start` has the margin of the jitter; each image has one of `generators` for its views.

    Returns:
        The images, without the margin, and whether Ctrl-C ended the run.
    """
    rate = solver.learning_rate * settings.pixel_norm**2 / settings.alpha
    if solver.scale_rate_by_area:
        rate *= objective.size[0] * objective.size[1]
    steps, shifts = solver.iterations, settings.shifts(objective.representation)
    last = settings.natural_steps(objective.representation)
    views = draw_views(generators, steps + last, shifts, settings.rotation, settings.zoom)
    x, interrupted = algorithm_1(objective, start, settings, solver, rate, steps, views, recorder)
    if last and not interrupted:
        kind = NaturalContrast(parameterization(settings.parameterization, x), x.shape[1])
        natural = objective.at_contrast(_RELIEF * kind.gains(x))
        views = None if views is None else views[steps:]
        x, interrupted = algorithm_1(
            natural, x, settings, solver, rate, last, views, recorder, kind, slows=True
        )
        x = objective.flatten_(denoise(x, _WEAK_NOISE))
    x = center_crop(x, objective.size)
    final = settings.final_steps(objective.representation)
    if final and not interrupted:
        rate *= solver.final_learning_rate
        x, interrupted = algorithm_1(objective, x, settings, solver, rate, final, None, recorder)
    return x, interrupted


def algorithm_1(
    objective: Objective,
    start: Tensor,
    settings: Settings,
    solver: Algorithm1,
    rate: float,
    iterations: int,
    views: Tensor | None,
    recorder: Recorder,
    kind: Pixels | Fourier | NaturalContrast | None = None,
    slows: bool = False,
) -> tuple[Tensor, bool]:
    """Minimize the energy of each image by Algorithm 1.

    `start` is x_1, (N, D, H, W), and `rate` is eta_0. `views` come from `draw_views`, `kind` from
    `parameterizations`; if None, it is that of the settings. If the run `slows`, its steps become
    shorter until they vanish.

    Returns:
        The images, and whether Ctrl-C ended the run.
    """
    rho = solver.momentum
    kind = parameterization(settings.parameterization, start) if kind is None else kind
    z = kind.encode(objective.flatten_(start.clone()))
    x, last = kind.decode(z), torch.empty_like(z)
    squares, momentum = torch.zeros_like(z), torch.zeros_like(z)
    try:
        for t in range(iterations):
            energy, gradient = objective(x, None if views is None else views[t])
            recorder.record(energy, x)
            gradient = kind.pull_back(gradient)
            squares.mul_(rho).addcmul_(gradient, gradient)
            gradient.div_(squares.sqrt().add_(1 / rate))
            slower = 1 - t / iterations if slows else 1
            momentum.mul_(rho).sub_(gradient, alpha=slower)
            z, last = torch.add(z, momentum, out=last), z
            x = kind.project_(z, settings.max_pixel_norm)
    except KeyboardInterrupt:
        return kind.project_(z, settings.max_pixel_norm), True
    return x, False
