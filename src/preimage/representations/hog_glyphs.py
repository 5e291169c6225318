"""Glyphs of HOG: a code drawn as lines along the edges that it has counted."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import torch
from torch import Tensor

if TYPE_CHECKING:
    import numpy as np


def draw_glyphs(code: Tensor | np.ndarray, orientations: int, side: int = 21) -> Tensor:
    """Draw a line in each cell for each orientation of edges, as bright as what was counted.

    What was counted is the sum of the two directed bins and the undirected bin of an orientation.
    The brightest line has 255; where lines cross, the brighter one is seen.

    Args:
        code: a code of HOG, (3 K, H, W).
        orientations: K, the number of undirected orientations.
        side: side of a cell in the picture, in pixels.

    Returns:
        gray levels, (side H, side W).

    Raises:
        ValueError: if the code has another shape.

    >>> draw_glyphs(torch.rand(27, 4, 6), orientations=9).shape
    torch.Size([84, 126])
    """
    code = torch.as_tensor(code)
    if code.ndim != 3 or len(code) != 3 * orientations:
        expected = f"({3 * orientations}, H, W)"
        raise ValueError(f"a code of HOG has the shape {expected}, not {tuple(code.shape)}")
    _, height, width = code.shape
    counted = code.detach().cpu().float().reshape(3, orientations, height, width).sum(0)
    picture = torch.zeros(height, side, width, side)
    for count, line in zip(counted, _lines(orientations, side), strict=True):
        picture = picture.maximum(count[:, None, :, None] * line[:, None, :])
    brightest = float(picture.max())
    return picture.reshape(height * side, width * side) * (255 / (brightest or 1.0))


def _lines(orientations: int, side: int) -> Tensor:
    """Return a line for each orientation (K, side, side), at right angles to its gradient."""
    places = torch.arange(side) - (side - 1) / 2
    y, x = torch.meshgrid(places, places, indexing="ij")
    angles = (torch.arange(orientations) / orientations * math.pi)[:, None, None]
    along_gradient = x * angles.cos() + y * angles.sin()
    return (1 - along_gradient.abs()).clamp(min=0) * (x**2 + y**2 <= (side / 2) ** 2)
