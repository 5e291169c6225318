"""The gradient of a representation against finite differences.

With f(x) = <w, Phi(x)> for a random w, the slope of f along v is <grad f, v>. It is compared
with (f(x + h v) - f(x - h v)) / 2h, from a copy of the representation that computes in float64.
There h can be so small that hardly any rectifier switches between the two points.
"""

from __future__ import annotations

import copy
import math

import torch
from torch import Tensor

from preimage.checking.subject import Subject
from preimage.representations.base import Representation

_STEPS, _EXACT_STEPS = (4.0, 1.0, 0.25), (1e-3, 1e-6)
"""Root mean squares of h v in gray levels (0 to 255); the h with the smallest error counts."""
_LEAST_SLOPE = 0.01
"""The smallest slope that counts, as a share of the steepest one."""


def in_float64(representation: Representation) -> Representation | None:
    """Return a copy that computes in float64; None if there is none."""
    try:
        copied = copy.deepcopy(representation).double()
        if copied.network_module is not None:
            copied.network_module.double()
    except (RuntimeError, TypeError, ValueError, NotImplementedError):  # the network's own error
        return None
    return copied


def gradient_error(subject: Subject, exact: Representation | None) -> tuple[float, str]:
    """Return the largest relative error of the slopes at some points, and the finding in words.

    `exact` is the representation in float64, if there is such a copy.
    """
    generator = torch.Generator().manual_seed(0)
    shape = subject.codes.shape[1:]
    w = torch.randn(shape, generator=generator, dtype=torch.float32, device="cpu")
    w = w.double().to(subject.codes.device)
    photos, start = subject.photos, subject.start[0]
    rough = photos[0] + 0.02 * start  # noise, because equal pixels have no orientation
    errors = []
    for point, other in ((rough, photos[1]), (start, photos[2])):
        gradient = _gradient(subject.representation, point, w)
        if not bool(gradient.isfinite().all()):
            return math.inf, "the gradient is NaN or infinite"
        for direction in (gradient, (other - point).double()):
            phi = exact or subject.representation
            errors.append(_slope_error(phi, point, direction, gradient, w, exact is not None))
    found = [error for error in errors if error is not None]
    if not found:
        return math.inf, "the gradient is zero"
    if max(found) == math.inf:
        return math.inf, "the gradient is zero, although the code changes with the image"
    words = f"the gradient agrees with {len(found)} finite differences to {100 * max(found):.1g} %"
    return max(found), words if exact is not None else f"{words} (in float32)"


def _value(phi: Representation, image: Tensor, w: Tensor) -> float:
    with torch.no_grad():
        return float((phi(image[None])[0].double() * w).sum())


def _gradient(phi: Representation, point: Tensor, w: Tensor) -> Tensor:
    """Return the gradient of <w, Phi> at a point (D, H, W), in float64."""
    x = point[None].clone().requires_grad_()
    with torch.enable_grad():
        value = (phi(x)[0].double() * w).sum()
    (gradient,) = torch.autograd.grad(value, x)
    return gradient[0].double()


def _slope_error(
    phi: Representation, point: Tensor, direction: Tensor, gradient: Tensor, w: Tensor, exact: bool
) -> float | None:
    """Return the relative error of the slope along a direction; None if it is too small to tell.

    It is infinite if the gradient is zero and the code changes.
    """
    length = float(direction.square().mean().sqrt())
    if length == 0:
        return None
    unit = direction / length
    slope = float((gradient * unit).sum())
    found = []
    for h in _EXACT_STEPS if exact else _STEPS:
        ends = (point + sign * h * unit for sign in (1, -1))
        above, below = (_value(phi, end if exact else end.to(point.dtype), w) for end in ends)
        found.append((above - below) / (2 * h))
    steepest = float(torch.linalg.vector_norm(gradient)) * unit.numel() ** 0.5
    if steepest == 0:
        return math.inf if any(found) else None
    if max(map(abs, (slope, *found))) < _LEAST_SLOPE * steepest:
        return None
    return min(abs(slope - other) / max(abs(slope), abs(other)) for other in found)
