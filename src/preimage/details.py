r"""Weak details of an image, removed.

In photos most details are weak or absent, and few are strong. Descent leaves details of middling
strength everywhere, which look like hair. With b the image blurred by a Gaussian and u = x - b its
details, a vector of colors at each pixel,

    u' = u |u|^2 / (|u|^2 + t^2)

takes those away that are weak compared with t, and keeps those that are strong.
"""

from __future__ import annotations

import torch
from torch import Tensor

_BLUR = 3.0
"""Standard deviation of the Gaussian, in pixels."""

_WEAK = 9.0
"""t: of a detail of so many gray levels, half remains."""


def remove_weak_details(images: Tensor) -> Tensor:
    """Return images (N, D, H, W), in gray levels, without their weak details.

    >>> noise = torch.rand(1, 3, 8, 8)
    >>> bool(remove_weak_details(noise).std() < noise.std() / 2)
    True
    """
    blurred = torch.cat([_blur(image[None]) for image in images])  # one by one: batches round
    details = images - blurred
    squares = details.square().sum(1, keepdim=True)
    return blurred + details * (squares / (squares + _WEAK**2))


def _blur(image: Tensor) -> Tensor:
    """Return an image (1, D, H, W) blurred, as if it went on with the values of its border."""
    reach = round(3 * _BLUR)
    places = torch.arange(-reach, reach + 1, dtype=image.dtype, device=image.device)
    window = torch.exp(-(places**2) / (2 * _BLUR**2))
    window = (window / window.sum()).repeat(image.shape[1], 1, 1, 1)
    padded = torch.nn.functional.pad(image, [reach] * 4, mode="replicate")
    rows = torch.nn.functional.conv2d(padded, window, groups=image.shape[1])
    return torch.nn.functional.conv2d(rows, window.transpose(2, 3), groups=image.shape[1])
