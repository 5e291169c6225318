"""The prior by compiled kernels, where they serve: even alpha, TV^2, an image on a CPU.

Importing this module needs numba.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from preimage.priors.prior import Prior
from preimage.priors.prior_kernels import priors
from preimage.priors.total_variation import TotalVariation


@dataclass(frozen=True, slots=True)
class FusedPrior(Prior):
    """A `Prior` whose values and gradient are computed together, image by image."""

    def __call__(self, x: Tensor, anchor: Tensor | None = None) -> tuple[Tensor, Tensor, Tensor]:
        """Return R_alpha (N,), the other prior (N,), and the gradient of their sum (N, D, H, W)."""
        variation = self.variation
        if not (
            isinstance(variation, TotalVariation)
            and variation.beta == 2
            and self.alpha in range(2, 100, 2)
            and x.device.type == "cpu"
            and x.dtype in (torch.float32, torch.float64)
        ):
            return Prior.__call__(self, x, anchor)
        images = (x if anchor is None else x - anchor).contiguous()
        gradient = torch.empty_like(images)
        pixels = x.shape[2] * x.shape[3]
        numbers = (
            1 / self.pixel_norm,
            self.alpha / (pixels * self.pixel_norm),
            1 / variation.gradient_norm,
            2 / (pixels * variation.gradient_norm),
        )
        factors = np.array(numbers, images.numpy().dtype)
        pairs = zip(images.numpy(), gradient.numpy(), strict=True)
        sums = [priors(*pair, factors, int(self.alpha) // 2) for pair in pairs]
        values = torch.tensor([[value / pixels for value in pair] for pair in sums], dtype=x.dtype)
        return values[:, 0], values[:, 1], gradient
