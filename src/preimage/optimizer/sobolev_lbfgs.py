r"""L-BFGS in a Sobolev metric: the fast solver of Eq. 1.

Gradient descent sees the gradient of the energy through the metric of its space. For a
descriptor of gradients the natural one is Sobolev's H^1, in which an image is as long as
its gradient: its inverse P divides each frequency k of the plain gradient by |k|^2, so
that shading over the whole image moves as fast as detail. On top of it, L-BFGS (Nocedal,
Math. Comp. 1980) estimates the curvature from the last steps, with gamma P in place of
the usual gamma times identity:

    P = D F^-1 w^2 F D,   w^2 = 1 / (|k|^2 + 0.005),  |k|^2 = 4 - 2 cos k_y - 2 cos k_x.

Codes normalized by block are curved the more the weaker the contrast. So after the first
stage D, until then the identity, is the square root of the local contrast of the image.

The settings give the stages, each with its number of evaluations and the softness of the
orientation binning (see `gradients`); curvature is forgotten between them. Each image has
its own metric, curvature and line search (backtracking, Armijo), and one that cannot be
improved any more is not evaluated any more.

Where the code ignores contrast, Eq. 1 has no minimum but at no contrast at all: the prior
falls with it and the loss does not change. The last evaluation goes to that direction,
which steps along curved ones find slowly: it tries the image at half its contrast.
"""

from __future__ import annotations

import math
from collections import deque
from typing import NamedTuple

import torch
from torch import Tensor

from preimage.objective import Energy, Objective
from preimage.optimizer.trace import Recorder
from preimage.priors import project_
from preimage.settings import Settings, SobolevLBFGS

_MEMORY = 8
_FIRST_STEPS = (0.67, 0.1)
"""First step of the first stage and of later ones, relative to the image (rms)."""
_LONGEST_STEP = 60.0
_SHORTEST_STEP = 1e-3
"""Root mean square of a step, in gray levels."""
_SUFFICIENT = 1e-4
_FLOOR = 0.005
_CONTRAST_EXPONENT = 0.5
_CONTRAST_CELL = 8
_CONTRAST_FLOOR = 0.01


def sobolev_lbfgs(
    objective: Objective,
    start: Tensor,
    settings: Settings,
    solver: SobolevLBFGS,
    recorder: Recorder,
) -> tuple[Tensor, bool]:
    """Minimizes the energy of each image from `start` (N, D, H, W).

    Returns:
        The images, within the hard bound of Eq. 6, and whether Ctrl-C ended the run.
    """
    x = objective.flatten_(start.clone())
    fades = objective.representation.ignores_contrast and solver.stages[-1][0] > 1
    try:
        for index, (evaluations, softness) in enumerate(solver.stages):
            weights = [local_contrast(image) if index else torch.ones_like(image) for image in x]
            last = index == len(solver.stages) - 1
            stage = objective.relaxed(softness)
            first = _FIRST_STEPS[min(index, 1)]
            count = evaluations - (last and fades)
            energy = _run_stage(stage, x, weights, first, count, recorder)
        if fades:
            _halve_contrast(stage, x, energy, recorder)
    except KeyboardInterrupt:
        return project_(x, settings.max_pixel_norm), True
    return project_(x, settings.max_pixel_norm), False


def _run_stage(
    objective: Objective,
    x: Tensor,
    contrast: list[Tensor],
    first_step: float,
    evaluations: int,
    recorder: Recorder,
) -> Energy:
    """Improves the images `x` in place; their energy."""
    metric = _inverse_laplacian(x)
    energy, gradient = objective(x)
    recorder.record(energy, x)
    terms, totals, weights = energy.terms, energy.total.tolist(), objective.loss_weights
    searches = [
        _Search(
            x[n], totals[n], gradient[n], _Metric(metric, contrast[n], objective, n), first_step
        )
        for n in range(len(x))
    ]
    active, subset = list(range(len(x))), objective
    for _ in range(evaluations - 1):
        still = [n for n in active if not searches[n].done]
        if still and still != active:
            subset = objective.select(still)
        active = still
        if active:
            energy, gradient = subset(torch.stack([searches[n].trial for n in active]))
            for row, (n, total) in enumerate(zip(active, energy.total.tolist(), strict=True)):
                if searches[n].tell(total, gradient[row]):
                    terms[:, n] = energy.terms[:, row]
        recorder.record(Energy.from_terms(terms, weights), x)
    return Energy.from_terms(terms, weights)


def _halve_contrast(objective: Objective, x: Tensor, energy: Energy, recorder: Recorder) -> None:
    """Halves the contrast of the images `x`, in place, whose energy this lowers."""
    halved, _ = objective(x * 0.5)
    lower = halved.total < energy.total
    x[lower] *= 0.5
    terms = torch.where(lower, halved.terms, energy.terms)
    recorder.record(Energy.from_terms(terms, objective.loss_weights), x)


class _Pair(NamedTuple):
    """A step s, the change of gradient y over it, P y, and 1 / <s, y>."""

    step: Tensor
    change: Tensor
    smoothed: Tensor
    inverse: float


class _Search:
    """The descent of one image: give it the energy and gradient of `trial`, again and again.

    Args:
        x: the image (D, H, W); it is replaced in place by every better one.
        value: its energy.
        gradient: its gradient.
        metric: P.
        first_step: length of the first step, relative to the image.
    """

    def __init__(
        self, x: Tensor, value: float, gradient: Tensor, metric: _Metric, first_step: float
    ) -> None:
        self.done = False
        self._first_step = first_step * x.square().mean().sqrt().item()
        self._x, self._value, self._gradient = x, value, gradient.clone()
        self._metric = metric
        self._smoothed = metric(gradient)
        self._pairs: deque[_Pair] = deque(maxlen=_MEMORY)
        self._turn()

    def tell(self, value: float, gradient: Tensor) -> bool:
        """Takes the trial if its energy is low enough, else shortens the step."""
        expected = self._length * self._slope
        if value <= self._value + _SUFFICIENT * expected:
            self._take(value, gradient)
            return True
        shorter = 0.1
        if math.isfinite(value):
            shorter = min(max(-expected / (2 * (value - self._value - expected)), 0.1), 0.5)
        self._length *= shorter
        if self._length * self._rms >= _SHORTEST_STEP:
            self._try()
        elif self._pairs:
            self._pairs.clear()
            self._turn()
        else:
            self.done = True
        return False

    def _take(self, value: float, gradient: Tensor) -> None:
        gradient = gradient.clone()  # alone, it is aligned, and sums in the same order
        smoothed = self._metric(gradient)
        step, change = self.trial - self._x, gradient - self._gradient
        curvature = _dot(step, change).item()
        changed = smoothed - self._smoothed
        if curvature > 1e-10 * _dot(change, changed).item():
            self._pairs.append(_Pair(step, change, changed, 1 / curvature))
        self._x.copy_(self.trial)
        self._value, self._gradient, self._smoothed = value, gradient, smoothed
        self._turn()

    def _turn(self) -> None:
        """A new direction, by the two loops of L-BFGS, and the first trial along it."""
        residual, direction = self._gradient.clone(), self._smoothed.clone()
        weights = []
        for pair in reversed(self._pairs):
            weight = _dot(pair.step, residual) * pair.inverse
            residual.addcmul_(pair.change, weight, value=-1)
            direction.addcmul_(pair.smoothed, weight, value=-1)
            weights.append(weight)
        if self._pairs:
            last = self._pairs[-1]
            direction *= 1 / (last.inverse * _dot(last.change, last.smoothed))
        for pair, weight in zip(self._pairs, reversed(weights), strict=True):
            weight = weight - _dot(pair.change, direction) * pair.inverse
            direction.addcmul_(pair.step, weight)
        self._direction = direction.neg_()
        self._slope = _dot(direction, self._gradient).item()
        self._rms = direction.square().mean().sqrt().item()
        if not (self._slope < 0 and self._rms > 0):
            self.done = True
            return
        first = 1.0 if self._pairs else self._first_step / self._rms
        self._length = min(first, _LONGEST_STEP / self._rms)
        self._try()

    def _try(self) -> None:
        self.trial = torch.add(self._x, self._direction, alpha=self._length)


class _Metric:
    """P for one image: D F^-1 w^2 F D, within the flat regions of the image."""

    def __init__(self, spectrum: Tensor, contrast: Tensor, objective: Objective, n: int) -> None:
        self._spectrum = spectrum
        self._contrast = contrast
        self._objective = objective
        self._n = n

    def __call__(self, gradient: Tensor) -> Tensor:
        transformed = torch.fft.rfft2(gradient * self._contrast) * self._spectrum
        smooth = torch.fft.irfft2(transformed, s=gradient.shape[-2:]) * self._contrast
        return self._objective.flatten_one_(smooth, self._n)


def local_contrast(image: Tensor) -> Tensor:
    """D: the local gradient energy of an image (D, H, W), smoothed over 3 x 3 cells, to a power.

    Scaled to a mean square of 1; the same for all channels, (1, H, W).
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
    """w^2 at the frequencies of `rfft2`, scaled to a mean of 1, (H, W // 2 + 1)."""
    height, width = x.shape[-2:]
    ky = torch.arange(height, device=x.device, dtype=torch.float64) * (2 * math.pi / height)
    kx = torch.arange(width, device=x.device, dtype=torch.float64) * (2 * math.pi / width)
    squares = (2 - 2 * ky.cos())[:, None] + (2 - 2 * kx.cos())
    spectrum = 1 / (squares + _FLOOR)
    return (spectrum / spectrum.mean())[:, : width // 2 + 1].to(x.dtype)


def _dot(a: Tensor, b: Tensor) -> Tensor:
    return torch.dot(a.flatten(), b.flatten())
