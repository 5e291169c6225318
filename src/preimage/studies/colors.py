"""Colors of pictures in CIELAB, where distances are about as large as they look.

Pictures are tensors (3, H, W) of sRGB values, 0..255.
"""

from __future__ import annotations

import torch
from torch import Tensor

_TO_XYZ = (
    (0.412453, 0.357580, 0.180423),
    (0.212671, 0.715160, 0.072169),
    (0.019334, 0.119193, 0.950227),
)
"""The matrix that takes linear RGB to XYZ; its rows add up to the white of daylight, D65."""


def to_lab(picture: Tensor) -> Tensor:
    """Return a picture in CIELAB: L in 0..100, and the chromas a and b, 0 for gray.

    >>> to_lab(torch.full((3, 1, 1), 255.0)).round().abs().flatten().tolist()
    [100.0, 0.0, 0.0]
    """
    values = picture.double() / 255
    linear = torch.where(values > 0.04045, ((values + 0.055) / 1.055) ** 2.4, values / 12.92)
    matrix = torch.tensor(_TO_XYZ, dtype=torch.float64, device=picture.device)
    xyz = torch.einsum("ij,jhw->ihw", matrix / matrix.sum(1, keepdim=True), linear)
    cubic = xyz.clamp(min=0) ** (1 / 3)
    x, y, z = torch.where(xyz > (6 / 29) ** 3, cubic, xyz * (29 / 6) ** 2 / 3 + 4 / 29)
    return torch.stack([116 * y - 16, 500 * (x - y), 200 * (y - z)])


def color_error(picture: Tensor, photo: Tensor) -> float:
    """Return the mean distance of a picture's colors from a photo's of its size (Delta E 76).

    >>> color_error(torch.zeros(3, 1, 1), torch.full((3, 1, 1), 255.0))
    100.0
    """
    return float((to_lab(picture) - to_lab(photo)).square().sum(0).sqrt().mean())


def saturation(picture: Tensor) -> float:
    """Return the mean of the absolute chromas a and b; 0 for a gray picture."""
    return float(to_lab(picture)[1:].abs().mean())
