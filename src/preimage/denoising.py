"""Noise taken from images: the nearest image of small total variation, in opponent colors.

For each color u of an image, (H, W), the result minimizes

    |v - u|^2 / 2 + amount * sum over pixels of |gradient of v|

by projected gradient ascent in the dual (Chambolle, An algorithm for total variation minimization
and applications, 2004, section 3, with the step of 1/4 that is used in practice). Edges keep
their place; patterns fainter than `amount`, in gray levels, disappear. For chromas, which vary less
in photos, the amount is half that of luminance.
"""

from __future__ import annotations

import torch
from torch import Tensor

from preimage.opponent import from_colors, to_colors

_ITERATIONS = 30
_STEP = 0.25
_CHROMA = 0.5
"""The amount for chromas, relative to that for luminance."""


def denoise(images: Tensor, amount: float) -> Tensor:
    """Return images (N, D, H, W) without the variation of up to `amount` gray levels.

    Images of other channels than red, green and blue are denoised channel by channel.

    >>> import torch
    >>> image = torch.tensor([[[[0.0, 1.0, 0.0, 100.0, 101.0, 100.0]]]])
    >>> denoise(image, 2.0).round().flatten().tolist()
    [1.0, 1.0, 1.0, 100.0, 100.0, 100.0]
    """
    if not amount:
        return images
    colors = to_colors(images)
    amounts = torch.full_like(colors[:1, :, :1, :1], amount)
    if colors is not images:
        amounts[:, 1:] *= _CHROMA
    return from_colors(_least_variation(colors, amounts))


def _least_variation(u: Tensor, amount: Tensor) -> Tensor:
    """Return the minimizer for each channel of `u`, (N, D, H, W), with its `amount`."""
    down, right = torch.zeros_like(u), torch.zeros_like(u)
    scaled = u / amount
    for _ in range(_ITERATIONS):
        v = _divergence(down, right).sub_(scaled)
        step_down, step_right = _gradient(v)
        norm = torch.hypot(step_down, step_right).mul_(_STEP).add_(1)
        down = down.add_(step_down, alpha=_STEP).div_(norm)
        right = right.add_(step_right, alpha=_STEP).div_(norm)
    return u - amount * _divergence(down, right)


def _gradient(v: Tensor) -> tuple[Tensor, Tensor]:
    """Return the differences to the pixels below and to the right, zero at the border."""
    down, right = torch.zeros_like(v), torch.zeros_like(v)
    torch.sub(v[..., 1:, :], v[..., :-1, :], out=down[..., :-1, :])
    torch.sub(v[..., 1:], v[..., :-1], out=right[..., :-1])
    return down, right


def _divergence(down: Tensor, right: Tensor) -> Tensor:
    """Return the negative adjoint of `_gradient`."""
    divergence = down + right
    divergence[..., 1:, :] -= down[..., :-1, :]
    divergence[..., 1:] -= right[..., :-1]
    return divergence
