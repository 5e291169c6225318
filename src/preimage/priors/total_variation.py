"""The total variation TV^beta of section 3.2.2."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

import torch
from torch import Tensor

_FLAT = 1e-6
"""Squared gradient below which TV^beta is quadratic, so that its gradient stays finite."""

_FLOOR = 1.0
"""The square of a gray level, which is added to squared gradients if beta < 1."""


def total_variation(x: Tensor, beta: float, gradient_norm: float) -> Tensor:
    """Return R_TV^beta: the mean of (gray-level gradient / V)^beta over the pixels, (N,).

    The values of the channels are added. Differences beyond the last row and column are
    zero. For beta < 2, d^(beta/2), where d is the squared gray-level gradient, has an infinite
    slope at d = 0. Below d = 1e-6 it is therefore replaced by the multiple of d with the same
    slope, and above shifted so that both parts meet. For beta < 1 that slope would be so steep
    that no flat pixel could change; there, (d + 1)^(beta/2) - 1 takes its place.

    >>> total_variation(torch.tensor([[[[0.0, 3.0], [0.0, 3.0]]]]), 2, 3).tolist()
    [0.5]
    """
    right = torch.nn.functional.pad(x[..., :, 1:] - x[..., :, :-1], (0, 1))
    down = torch.nn.functional.pad(x[..., 1:, :] - x[..., :-1, :], (0, 0, 0, 1))
    squares = right**2 + down**2
    if beta < 1:
        squares = (squares + _FLOOR) ** (beta / 2) - _FLOOR ** (beta / 2)
    elif beta < 2:
        steep = squares.clamp(min=_FLAT) ** (beta / 2) - (1 - beta / 2) * _FLAT ** (beta / 2)
        flat = (beta / 2) * _FLAT ** (beta / 2 - 1) * squares
        squares = torch.where(squares > _FLAT, steep, flat)
    elif beta > 2:
        squares = squares ** (beta / 2)
    return squares.sum((1, 2, 3)) / (x.shape[2] * x.shape[3] * gradient_norm**beta)


@dataclass(frozen=True, slots=True)
class TotalVariation:
    """R_TV^beta with its gradient in closed form; the constants are as in `Settings`."""

    beta: float
    gradient_norm: float

    def scaled(self, weight: float) -> TotalVariation:
        """Return this prior times a weight."""
        gradient_norm = self.gradient_norm * weight ** (-1 / self.beta)
        return dataclasses.replace(self, gradient_norm=gradient_norm)

    def add(self, x: Tensor, gradient: Tensor) -> Tensor:
        """Return R_TV^beta (N,), and add its gradient to `gradient` (N, D, H, W)."""
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
            floored = squares.add_(_FLOOR) if self.beta < 1 else squares.clamp_(min=_FLAT)
            factor = floored ** (self.beta / 2 - 1)
            right *= factor[..., :-1]
            down *= factor[..., :-1, :]
            slope = self.beta * scale
        gradient[..., 1:].add_(right, alpha=slope)
        gradient[..., :-1].sub_(right, alpha=slope)
        gradient[..., 1:, :].add_(down, alpha=slope)
        gradient[..., :-1, :].sub_(down, alpha=slope)
        return value

    def precondition(self, gradient: Tensor) -> Tensor:
        """Return the gradient of one image as it is: all of its channels weigh the same."""
        return gradient
