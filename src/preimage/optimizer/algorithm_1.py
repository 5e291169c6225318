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

import torch
from torch import Tensor

from preimage.objective import Objective
from preimage.optimizer.recorder import Recorder
from preimage.parameterizations import parameterization
from preimage.settings import Algorithm1, Settings


def algorithm_1(
    objective: Objective,
    start: Tensor,
    settings: Settings,
    solver: Algorithm1,
    rate: float,
    iterations: int,
    views: Tensor | None,
    recorder: Recorder,
) -> tuple[Tensor, bool]:
    """Minimize the energy of each image by Algorithm 1.

    `start` is x_1, (N, D, H, W), and `rate` is eta_0. `views` come from `draw_views`.

    Returns:
        The images, and whether Ctrl-C ended the run.
    """
    rho = solver.momentum
    kind = parameterization(settings.parameterization, start)
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
            momentum.mul_(rho).sub_(gradient)
            z, last = torch.add(z, momentum, out=last), z
            x = kind.project_(z, settings.max_pixel_norm)
    except KeyboardInterrupt:
        return kind.project_(z, settings.max_pixel_norm), True
    return x, False
