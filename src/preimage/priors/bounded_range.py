"""The bounds of the range: R_alpha of Equation 5, and the hard bound of Equation 6."""

from __future__ import annotations

from torch import Tensor


def alpha_norm(x: Tensor, alpha: float, pixel_norm: float) -> Tensor:
    """Return R_alpha of Eq. 5: the mean over the pixels of (norm of the pixel / B)^alpha, (N,).

    >>> import torch
    >>> alpha_norm(torch.full((1, 1, 2, 2), 80.0), alpha=6, pixel_norm=80).tolist()
    [1.0]
    """
    squares = ((x / pixel_norm) ** 2).sum(1)
    return (squares ** (alpha / 2)).mean((1, 2))


def alpha_norm_and_gradient(x: Tensor, alpha: float, pixel_norm: float) -> tuple[Tensor, Tensor]:
    """Return R_alpha (N,), and its gradient in closed form (N, D, H, W)."""
    scaled = x / pixel_norm
    squares = (scaled * scaled).sum(1, keepdim=True)
    powers = squares ** (alpha / 2 - 1)
    factor = alpha / (x.shape[2] * x.shape[3] * pixel_norm)
    return (powers * squares).mean((1, 2, 3)), scaled.mul_(powers.mul_(factor))


def project(x: Tensor, max_pixel_norm: float) -> Tensor:
    """Return the nearest image in which no pixel's norm exceeds B_+, the hard bound of Eq. 6.

    >>> import torch
    >>> project(torch.full((1, 1, 1, 1), -200.0), 160.0).item()
    -160.0
    """
    return project_(x.clone(), max_pixel_norm)


def project_(x: Tensor, max_pixel_norm: float) -> Tensor:
    """Project images in place; see `project`."""
    if x.shape[1] == 1:
        return x.clamp_(-max_pixel_norm, max_pixel_norm)
    most = max_pixel_norm**2  # squares, because vector_norm is slow across so few channels
    squares = (x * x).sum(1, keepdim=True).clamp_(min=most)
    return x.mul_((most / squares).sqrt_())
