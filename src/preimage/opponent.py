"""Opponent colors: luminance and two chromas on orthonormal axes.

The luminance lies along (1, 1, 1), the chromas along (1, 0, -1), red against blue, and (1, -2, 1),
both against green. The axes have length 1, so that the norm of a color is the same in both systems.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor


def to_opponent(images: Tensor) -> Tensor:
    """Return luminance and chromas of red, green and blue (..., 3, H, W), in the same units.

    >>> to_opponent(torch.ones(3, 1, 1)).flatten().tolist()[1:]
    [0.0, 0.0]
    """
    red, green, blue = images.unbind(-3)
    return torch.stack([
        (red + green + blue) / math.sqrt(3),
        (red - blue) / math.sqrt(2),
        (red - 2 * green + blue) / math.sqrt(6),
    ], dim=-3)  # fmt: skip


def to_colors(images: Tensor) -> Tensor:
    """Return the opponent colors of images (N, D, H, W) if they have three channels.

    Other images are returned as they are: a gray image is its own luminance, in other units.
    """
    return to_opponent(images) if images.shape[1] == 3 else images


def from_colors(colors: Tensor) -> Tensor:
    """Return the images (N, D, H, W) that `to_colors` gave these colors of."""
    return from_opponent(colors) if colors.shape[1] == 3 else colors


def from_opponent(colors: Tensor) -> Tensor:
    """Return red, green and blue of luminance and chromas (..., 3, H, W).

    >>> from_opponent(to_opponent(torch.ones(3, 1, 1))).flatten().round().tolist()
    [1.0, 1.0, 1.0]
    """
    luminance, blue, green = colors.unbind(-3)
    gray, blue, green = luminance / math.sqrt(3), blue / math.sqrt(2), green / math.sqrt(6)
    return torch.stack([gray + blue + green, gray - 2 * green, gray - blue + green], dim=-3)
