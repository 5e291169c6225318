"""The total variation of luminance and chroma, in which chroma weighs more.

In photos, most edges are edges of luminance, and chroma varies slowly. In red, green and blue each
channel has both, and noise of the three colors costs no more than an edge. In the orthonormal
colors of `opponent`,

    R(x) = TV^beta(luminance) + w TV^beta(chromas).
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

import torch
from torch import Tensor

from preimage.opponent import from_opponent, to_opponent
from preimage.priors.total_variation import TotalVariation


@dataclass(frozen=True, slots=True)
class OpponentVariation:
    """The prior R with its gradient in closed form.

    Images of other than three channels have no chroma; theirs is TV^beta of each channel.

    Attributes:
        luminance: TV^beta of a channel.
        chroma_weight: w.
    """

    luminance: TotalVariation
    chroma_weight: float

    def scaled(self, weight: float) -> OpponentVariation:
        """Return this prior times a weight."""
        return dataclasses.replace(self, luminance=self.luminance.scaled(weight))

    def add(self, x: Tensor, gradient: Tensor) -> Tensor:
        """Return R (N,), and add its gradient to `gradient` (N, D, H, W)."""
        if x.shape[1] != 3:
            return self.luminance.add(x, gradient)
        colors = to_opponent(x)
        of_colors = torch.zeros_like(colors)
        chroma = self.luminance.scaled(self.chroma_weight)
        value = self.luminance.add(colors[:, :1], of_colors[:, :1])
        value += chroma.add(colors[:, 1:], of_colors[:, 1:])
        gradient += from_opponent(of_colors)
        return value

    def precondition(self, gradient: Tensor) -> Tensor:
        """Return the gradient of one image (D, H, W) with its chromas divided by w."""
        if len(gradient) != 3:
            return gradient
        colors = to_opponent(gradient)
        colors[1:] /= self.chroma_weight
        return from_opponent(colors)
