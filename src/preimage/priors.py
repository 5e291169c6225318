r"""The natural-image prior R of Equation 1 (section 3.2).

- `alpha_norm` bounds the range: R_alpha of Eq. 5. `project` is the hard bound of Eq. 6.
- `total_variation` bounds the variation: R_TV^beta of section 3.2.2.

The third part, the random shift of Eq. 7, is in `views`. `Prior` returns the first two with
their gradient in closed form, as the solvers need them. All functions take images
(N, D, H, W) in the core's units; their values (N,) are one number for each image.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

_FLAT = 1e-6
"""Squared gradient below which TV^beta is quadratic, so that its gradient stays finite."""


def alpha_norm(x: Tensor, alpha: float, pixel_norm: float) -> Tensor:
    """Return R_alpha of Eq. 5: the mean over the pixels of (norm of the pixel / B)^alpha, (N,).

    >>> alpha_norm(torch.full((1, 1, 2, 2), 80.0), alpha=6, pixel_norm=80).tolist()
    [1.0]
    """
    squares = ((x / pixel_norm) ** 2).sum(1)
    return (squares ** (alpha / 2)).mean((1, 2))


def total_variation(x: Tensor, beta: float, gradient_norm: float) -> Tensor:
    """Return R_TV^beta: the mean of (gray-level gradient / V)^beta over the pixels, (N,).

    The values of the channels are added. Differences beyond the last row and column are
    zero. For beta < 2, d^(beta/2), where d is the squared gray-level gradient, has an infinite
    slope at d = 0. Below d = 1e-6 it is therefore replaced by the multiple of d with the same
    slope, and above shifted so that both parts meet.

    >>> total_variation(torch.tensor([[[[0.0, 3.0], [0.0, 3.0]]]]), 2, 3).tolist()
    [0.5]
    """
    right = torch.nn.functional.pad(x[..., :, 1:] - x[..., :, :-1], (0, 1))
    down = torch.nn.functional.pad(x[..., 1:, :] - x[..., :-1, :], (0, 0, 0, 1))
    squares = right**2 + down**2
    if beta < 2:
        steep = squares.clamp(min=_FLAT) ** (beta / 2) - (1 - beta / 2) * _FLAT ** (beta / 2)
        flat = (beta / 2) * _FLAT ** (beta / 2 - 1) * squares
        squares = torch.where(squares > _FLAT, steep, flat)
    elif beta > 2:
        squares = squares ** (beta / 2)
    return squares.sum((1, 2, 3)) / (x.shape[2] * x.shape[3] * gradient_norm**beta)


def project(x: Tensor, max_pixel_norm: float) -> Tensor:
    """Return the nearest image in which no pixel's norm exceeds B_+, the hard bound of Eq. 6.

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


@dataclass(frozen=True, slots=True)
class Prior:
    """R_alpha + R_TV^beta with its gradient in closed form; the constants are as in `Settings`."""

    alpha: float
    beta: float
    pixel_norm: float
    gradient_norm: float

    def __call__(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return R_alpha (N,), R_TV^beta (N,), and the gradient of their sum (N, D, H, W)."""
        bounded, gradient = self._alpha_norm(x)
        return bounded, self._add_total_variation(x, gradient), gradient

    def _alpha_norm(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Return R_alpha and its gradient."""
        scaled = x / self.pixel_norm
        squares = (scaled * scaled).sum(1, keepdim=True)
        powers = squares ** (self.alpha / 2 - 1)
        factor = self.alpha / (x.shape[2] * x.shape[3] * self.pixel_norm)
        return (powers * squares).mean((1, 2, 3)), scaled.mul_(powers.mul_(factor))

    def _add_total_variation(self, x: Tensor, gradient: Tensor) -> Tensor:
        """Return R_TV^beta, and add its gradient to `gradient`."""
        scale = 1 / (x.shape[2] * x.shape[3] * self.gradient_norm**self.beta)
        right, down = x[..., 1:] - x[..., :-1], x[..., 1:, :] - x[..., :-1, :]
        if self.beta == 2:
            value = (right.square().sum((1, 2, 3)) + down.square().sum((1, 2, 3))) * scale
            slope = 2 * scale
        else:
            value = total_variation(x, self.beta, self.gradient_norm)
            squares = torch.zeros_like(x)
            squares[..., :-1] += right.square()
            squares[..., :-1, :] += down.square()
            factor = squares.clamp_(min=_FLAT) ** (self.beta / 2 - 1)
            right *= factor[..., :-1]
            down *= factor[..., :-1, :]
            slope = self.beta * scale
        gradient[..., 1:].add_(right, alpha=slope)
        gradient[..., :-1].sub_(right, alpha=slope)
        gradient[..., 1:, :].add_(down, alpha=slope)
        gradient[..., :-1, :].sub_(down, alpha=slope)
        return value
