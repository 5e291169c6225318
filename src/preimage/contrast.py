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

from preimage.opponent import from_colors, to_colors

NATURAL_DEVIATIONS = (94.4, 29.4, 8.6)
"""Standard deviations of luminance and chromas: means over the shipped photos at 224 x 224."""

_LARGEST_FACTOR = 4.0
"""Limit of the factor, for images that are nearly flat."""


def natural_deviations(channels: int) -> tuple[float, ...]:
    """Return the standard deviation of each color of photos: three, or one if they are gray.

    For images of other channels, of which nothing is known, there are none.

    >>> natural_deviations(3), len(natural_deviations(1)), natural_deviations(5)
    ((94.4, 29.4, 8.6), 1, ())
    """
    gray = NATURAL_DEVIATIONS[0] / math.sqrt(3)
    return {3: NATURAL_DEVIATIONS, 1: (gray,)}.get(channels, ())


def restore_contrast(images: Tensor, luminance: float, chroma: float) -> Tensor:
    """Return images (N, D, H, W) with contrast given back: these shares of what is missing.

    Gray images have luminance alone. Images of other channels than gray or red, green and blue
    are returned as they are.
    """
    natural = natural_deviations(images.shape[1])
    if not natural:
        return images
    return from_colors(_stretch(to_colors(images), natural, (luminance, chroma, chroma)))


def _stretch(x: Tensor, natural: tuple[float, ...], shares: tuple[float, ...]) -> Tensor:
    """Bring the deviation of each channel nearer to the natural one, if it is smaller."""
    stretched = torch.empty_like(x)
    for n, image in enumerate(x):  # one by one: sums of a batch round differently
        for k, channel in enumerate(image):
            mean, own = channel.mean(), channel.std(correction=0)
            factor = (natural[k] / own.clamp(min=1e-6)).pow(shares[k]).clamp(1, _LARGEST_FACTOR)
            stretched[n, k] = mean + (channel - mean) * factor
    return stretched
