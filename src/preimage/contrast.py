"""Contrast and color of an image, given back after priors shrank them.

In each opponent color the priors take contrast, so that what an image has left lies between its
true contrast and zero. The photo is not known, but the usual contrast of photos is. A share s of
the missing logarithm is given back: deviations from the mean are multiplied by
(usual / own standard deviation)^s.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from preimage.opponent import from_opponent, to_opponent

NATURAL_DEVIATIONS = (94.4, 29.4, 8.6)
"""Standard deviations of luminance and chromas: means over the shipped photos at 224 x 224."""

_LARGEST_FACTOR = 4.0
"""Limit of the factor, for images that are nearly flat."""


def restore_contrast(images: Tensor, luminance: float, chroma: float) -> Tensor:
    """Return images (N, D, H, W) with contrast given back: these shares of what is missing.

    Gray images have luminance alone. Images of other channels than gray or red, green and blue
    are returned as they are.
    """
    channels = images.shape[1]
    if channels == 3:
        shares, natural = (luminance, chroma, chroma), NATURAL_DEVIATIONS
        return from_opponent(_stretch(to_opponent(images), natural, shares))
    if channels == 1:
        return _stretch(images, (NATURAL_DEVIATIONS[0] / math.sqrt(3),), (luminance,))
    return images


def _stretch(x: Tensor, natural: tuple[float, ...], shares: tuple[float, ...]) -> Tensor:
    """Bring the deviation of each channel nearer to the natural one, if it is smaller."""
    stretched = torch.empty_like(x)
    for n, image in enumerate(x):  # one by one: sums of a batch round differently
        for k, channel in enumerate(image):
            mean, own = channel.mean(), channel.std(correction=0)
            factor = (natural[k] / own.clamp(min=1e-6)).pow(shares[k]).clamp(1, _LARGEST_FACTOR)
            stretched[n, k] = mean + (channel - mean) * factor
    return stretched
