"""Pictures of images of many channels: chosen bands, or the first principal components."""

from __future__ import annotations

import torch
from torch import Tensor

_SPAN = 2.5
"""Standard deviations of a component between mid-gray and black or white."""


def principal_colors(image: Tensor, like: Tensor) -> Tensor:
    """Return an image (D, H, W) as red, green and blue (3, H, W), 0..255, not clipped.

    The colors are the first three principal components of the pixels of `like` (D, H', W'), each
    spread over 0..255; images shown with the same `like` are comparable. A component that varies
    by less than a thousandth of the first is left at mid-gray.

    >>> flat = torch.full((4, 2, 2), 9.0)
    >>> principal_colors(flat, flat).unique().tolist()
    [127.5]
    """
    pixels = like.flatten(1).double()
    mean = pixels.mean(1, keepdim=True)
    centered = pixels - mean
    variances, axes = torch.linalg.eigh(centered @ centered.T / pixels.shape[1])
    count = min(3, len(variances))
    variances, axes = variances.flip(0)[:count].clamp(min=0), axes.flip(1)[:, :count]
    axes = axes * torch.where(axes.sum(0) < 0, -1.0, 1.0)  # bright means large values
    deviations = variances.sqrt()
    varies = deviations > 1e-3 * deviations[0].clamp(min=1e-6)
    gains = torch.where(varies, 127.5 / (_SPAN * deviations.clamp(min=1e-9)), 0.0)
    components = (axes * gains).T @ (image.flatten(1).double() - mean)
    colors = torch.zeros(3, components.shape[1], dtype=torch.float64, device="cpu")
    colors[:count] = components
    return (colors + 127.5).to(image.dtype).unflatten(1, image.shape[1:])
