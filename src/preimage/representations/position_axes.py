"""The axes of an output that hold positions, found by changes in two quarters of the image.

The same noise is put into the upper left quarter of a black image and into the lower right one.
Along an axis of positions, such as rows, columns or tokens, the first changes the front more and
the second the back; along an axis of channels neither does. Residual networks keep this difference
through many layers of global attention.

>>> values = torch.zeros(3, 64, 16)
>>> values[1, :32], values[2, 32:] = torch.rand(16), torch.rand(16)
>>> position_axes(values)
(1,)
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

_LEAST = 0.1
"""The least difference between front and back that counts as following the image."""
_DEVIATIONS = 2.2
"""The same in deviations of a mean of random values, unless the difference is above one half."""
_SHARE = (0.4, 0.5)
"""The share of the largest difference below which an axis stays, and above which it follows."""


def quarters(black: Tensor) -> Tensor:
    """Return three images (3, D, H, W): `black` (1, D, H, W), and noise in two of its quarters."""
    images = black.repeat(3, 1, 1, 1)
    height, width = max(black.shape[2] // 2, 1), max(black.shape[3] // 2, 1)
    generator = torch.Generator().manual_seed(0)
    shape = (black.shape[1], height, width)
    noise = torch.randn(shape, generator=generator, dtype=black.dtype, device=black.device)
    images[1, :, :height, :width] += noise
    images[2, :, -height:, -width:] += noise
    return images


def position_axes(outputs: Tensor) -> tuple[int, ...] | None:
    """Return the axes of positions in the outputs (3, ...) for `quarters`; None if it is unclear.

    An axis of length 1 tells nothing and is not returned. It is unclear if no axis follows the
    image, or if one follows it half as much as another.
    """
    changes = (outputs[1:] - outputs[:1]).detach().double().square()
    axes = [axis for axis in range(1, outputs.ndim) if outputs.shape[axis] > 1]
    found = {axis: _difference(changes, axis) for axis in axes}
    most, deviations = max(found.values(), default=(0.0, 0.0))
    if not (most > _LEAST and (deviations > _DEVIATIONS or most > 0.5)):
        return None
    shares = {axis: apart / most for axis, (apart, _) in found.items()}
    if any(_SHARE[0] < share < _SHARE[1] for share in shares.values()):
        return None
    return tuple(axis for axis, share in shares.items() if share >= _SHARE[1])


def _difference(changes: Tensor, axis: int) -> tuple[float, float]:
    """Return how far front and back of an axis differ, 0 to 1, and the same in deviations."""
    one, other = changes.movedim(axis, 1).reshape(2, changes.shape[axis], -1).sum(2)
    ratios = (one - other) / (one + other).clamp_min(torch.finfo(one.dtype).tiny)
    half = len(ratios) // 2
    apart = float((ratios[:half].mean() - ratios[-half:].mean()).abs()) / 2
    deviation = float(ratios.square().mean().sqrt()) / math.sqrt(len(ratios))
    return apart, apart / max(deviation, 1e-30)
