r"""L-BFGS in a Sobolev metric: the fast solver of Equation 1.

Gradient descent depends on the metric of its space. For a descriptor of gradients the
natural metric is Sobolev's H^1, in which the length of an image is that of its gradient. The
inverse P of the metric divides each frequency k of the energy's gradient by |k|^2, so that
shading over the whole image changes as fast as detail. In addition, L-BFGS (Nocedal, Math.
Comp. 1980) estimates the curvature from the last steps, with gamma P in place of the usual
gamma times the identity:

    P = D F^-1 w^2 F D,   w^2 = 1 / (|k|^2 + 0.005),  |k|^2 = 4 - 2 cos k_y - 2 cos k_x.

D is the identity in the first stage. If codes are normalized by block, the energy is more
curved where the contrast is weaker, so in later stages D is the square root of the local
contrast of the image.

The settings list the stages, each with its number of evaluations and the softness of the
orientation binning (see `gradients`); each stage estimates the curvature anew. Each image has
its own metric, curvature and line search (backtracking, Armijo). An image that cannot be
improved any more is no longer evaluated.

If the code ignores contrast, Eq. 1 has no minimum except at zero contrast: lower contrast
lowers the prior and does not change the loss. The steps above lower the contrast slowly. So
the last evaluation tries the image at half its contrast.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from preimage.objective import Energy, Objective
from preimage.optimizer.continuation import Continuation
from preimage.optimizer.curvature import find_curvature
from preimage.optimizer.recorder import Recorder
from preimage.settings import Settings
from preimage.solver_settings import SobolevLBFGS

FIRST_STEPS = (0.67, 0.1)
"""The usual `first_steps` of a run that starts from noise."""
_SHORTEST_STEP, _LONGEST_STEP = 1e-3, 60.0
"""Bounds of the root mean square of a step, in gray levels."""
_SUFFICIENT = 1e-4
"""Fraction of the expected decrease of the energy that a step must reach."""
_FLOOR = 0.005
"""The term added to |k|^2, so that the mean of the image can change."""
_CONTRAST_EXPONENT, _CONTRAST_CELL, _CONTRAST_FLOOR = 0.5, 8, 0.01
"""Exponent of D, cell size in pixels, and an energy added to all cells, relative to the mean."""


def sobolev_lbfgs(
    objective: Objective,
    x: Tensor,
    settings: Settings,
    solver: SobolevLBFGS,
    recorder: Recorder,
    continuation: Continuation,
    first_steps: tuple[float, float] = FIRST_STEPS,
) -> tuple[Tensor, bool]:
    """Minimize the energy of each image from `x` (N, D, H, W), in place, in the stages of `solver`.

    `continuation` lets C of some images grow, in place. `first_steps` are the lengths, relative to
    the image, of the first step in the first stage and in later stages.

    Returns:
        The images, within the bounds of the energy, and whether Ctrl-C ended the run.
    """
    objective = objective.exact().fused()
    objective.flatten_(x)
    fades = objective.representation.ignores_contrast and solver.stages[-1][0] > 1
    try:
        for index, (evaluations, softness) in enumerate(solver.stages):
            weights = [local_contrast(image) if index else None for image in x]
            last = index == len(solver.stages) - 1
            stage = objective.relaxed(softness)
            first = first_steps[min(index, 1)]
            count = evaluations - (last and fades)
            energy = _run_stage(stage, x, weights, first, count, recorder, continuation)
        if fades:
            _halve_contrast(stage, x, energy, recorder)
    except KeyboardInterrupt:
        return objective.project_(x, settings.max_pixel_norm), True
    return objective.project_(x, settings.max_pixel_norm), False


def _run_stage(
    objective: Objective,
    x: Tensor,
    contrast: list[Tensor | None],
    first_step: float,
    evaluations: int,
    recorder: Recorder,
    continuation: Continuation,
) -> Energy:
    """Improve the images `x` in place, and return their energy."""
    metric = _inverse_laplacian(x)
    energy, gradient = objective(x)
    recorder.record(energy, x, stays=True)
    terms, totals, weights = energy.terms, energy.total.tolist(), objective.loss_weights
    searches = [
        _Search(
            x[n], totals[n], gradient[n], _Metric(metric, contrast[n], objective, n), first_step
        )
        for n in range(len(x))
    ]
    active, subset = list(range(len(x))), objective
    for _ in range(evaluations - 1):
        factors = continuation.grow(terms[2], weights)
        for n, factor in factors.items():
            searches[n].reweigh(factor)
        still = [n for n, search in enumerate(searches) if not search.done]
        if still and (factors or still != active):
            subset = objective.select(still)
        active = still
        if active:
            trials = [searches[n].trial for n in active]
            energy, gradient = subset(torch.stack(trials) if len(trials) > 1 else trials[0][None])
            for row, (n, total) in enumerate(zip(active, energy.total.tolist(), strict=True)):
                if searches[n].tell(total, gradient[row]):
                    terms[:, n] = energy.terms[:, row]
        recorder.record(Energy.from_terms(terms, weights), x, stays=True)
    return Energy.from_terms(terms, weights)


def _halve_contrast(objective: Objective, x: Tensor, energy: Energy, recorder: Recorder) -> None:
    """Halve the contrast, in place, of each image in `x` whose energy this lowers."""
    halved, _ = objective(x * 0.5)
    lower = halved.total < energy.total
    x[lower] *= 0.5
    terms = torch.where(lower, halved.terms, energy.terms)
    recorder.record(Energy.from_terms(terms, objective.loss_weights), x, stays=True)


class _Search:
    """The descent of one image: its caller evaluates `trial` and calls `tell`, in turn.

    The image `x` (D, H, W) is overwritten by every better image, until the search is `done`. The
    length `first_step` is relative to the image.
    """

    def __init__(
        self, x: Tensor, value: float, gradient: Tensor, metric: _Metric, first_step: float
    ) -> None:
        self.done, self._begins = False, False
        self._first_step = first_step * x.square().mean().sqrt().item()
        self._x, self._value = x, value
        self._metric = metric
        self._curvature = find_curvature(x, gradient, metric(gradient))
        self._turn()

    def tell(self, value: float, gradient: Tensor) -> bool:
        """Take the trial if its energy is low enough, or shorten the step; return if taken."""
        if self._begins:
            self._begins = False
            self._value = value
            self._curvature.begin(gradient, self._metric(gradient))
            self._turn()
            return True
        expected = self._length * self._direction.slope
        if value <= self._value + _SUFFICIENT * expected:
            self._value = value
            del self._direction  # its memory is free for the next
            self._curvature.follow(self._x, self.trial, gradient, self._metric(gradient))
            self._turn()
            return True
        shorter = 0.1
        if math.isfinite(value):
            shorter = min(max(-expected / (2 * (value - self._value - expected)), 0.1), 0.5)
        self._length *= shorter
        if self._length * self._direction.rms >= _SHORTEST_STEP:
            self._try()
        elif self._curvature:
            self._curvature.clear()
            self._turn()
        else:
            self.done = True
        return False

    def reweigh(self, factor: float) -> None:
        """Go on from the image, as C was multiplied by `factor`; the next trial is the image.

        The curvature of the energy is taken to be that of the loss, which grows with C.
        """
        self._curvature.reweigh(factor)
        self.trial = self._x.clone()
        self.done, self._begins = False, True

    def _turn(self) -> None:
        """Choose a new direction and the first trial along it."""
        self._direction = self._curvature.direction()
        _, slope, rms = self._direction
        if not (slope < 0 and rms > 0):
            self.done = True
            return
        first = 1.0 if self._curvature else self._first_step / rms
        self._length = min(first, _LONGEST_STEP / rms)
        self._try()

    def _try(self) -> None:
        """Make the trial at the current length of the step."""
        self.trial = torch.add(self._x, self._direction.step, alpha=self._length)


class _Metric:
    """The inverse metric P = D F^-1 w^2 F D of an image, which keeps the flat regions flat."""

    def __init__(
        self, spectrum: Tensor, contrast: Tensor | None, objective: Objective, n: int
    ) -> None:
        self._spectrum, self._contrast = spectrum, contrast
        self._objective, self._n = objective, n

    def __call__(self, gradient: Tensor) -> Tensor:
        weighted = gradient if self._contrast is None else gradient * self._contrast
        waves = torch.fft.rfft2(weighted).mul_(self._spectrum)
        del weighted
        # The inverse axis by axis, without scaling, takes two thirds of the time of `irfft2`.
        torch.fft.ifft(waves, dim=-2, norm="forward", out=waves)
        smooth = torch.fft.irfft(waves, n=gradient.shape[-1], norm="forward")
        if self._contrast is not None:
            smooth *= self._contrast
        smooth = self._objective.prior.variation.precondition(smooth)
        return self._objective.flatten_one_(smooth, self._n)


def local_contrast(image: Tensor) -> Tensor:
    """Return D (1, H, W), a power of the local gradient energy of an image (channels, H, W).

    The energy is smoothed over 3 x 3 cells. D is scaled to a mean square of 1.
    """
    right, down = torch.zeros_like(image), torch.zeros_like(image)
    right[..., 1:-1] = image[..., 2:] - image[..., :-2]
    down[..., 1:-1, :] = image[..., 2:, :] - image[..., :-2, :]
    energy = (right.square_() + down.square_()).sum(0, keepdim=True)
    functional = torch.nn.functional
    cells = functional.avg_pool2d(energy, _CONTRAST_CELL, ceil_mode=True)
    cells = functional.avg_pool2d(cells, 3, stride=1, padding=1, count_include_pad=False)
    energy = functional.interpolate(cells[None], energy.shape[-2:], mode="bilinear")[0]
    energy += _CONTRAST_FLOOR * energy.mean() + torch.finfo(image.dtype).tiny
    contrast = energy ** (_CONTRAST_EXPONENT / 2)
    return contrast / contrast.square().mean().sqrt()


def _inverse_laplacian(x: Tensor) -> Tensor:
    """Return w^2 at the frequencies of `rfft2`, scaled to a mean of 1 / (H W), (H, W // 2 + 1).

    The division by H W is that of the inverse transform.
    """
    height, width = x.shape[-2:]
    ky = torch.arange(height, device=x.device, dtype=torch.float64) * (2 * math.pi / height)
    columns = torch.arange(width // 2 + 1, device=x.device, dtype=torch.float64)
    spectrum = (2 - 2 * ky.cos())[:, None] + (2 - 2 * (columns * (2 * math.pi / width)).cos())
    spectrum.add_(_FLOOR).reciprocal_()
    mirrored = spectrum[:, 1 : (width + 1) // 2]  # the other half of the frequencies
    return spectrum.div_(spectrum.sum() + mirrored.sum()).to(x.dtype)
