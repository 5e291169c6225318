"""Eq. 1 (with Eq. 7): the energy of an image, term by term, and its gradient.

    E(x) = R_alpha(x) + R_TV^beta(x) + C loss(Phi(jitter(x; tau)), Phi_0)

The priors and the loss bring their gradients in closed form, so that autograd records the
representation alone.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

import torch
from torch import Tensor

from preimage.priors import Prior, jitter
from preimage.representations.base import Representation
from preimage.settings import Settings

Loss: TypeAlias = Callable[[Tensor], tuple[Tensor, Tensor]]
"""From codes (N, ...) to the loss of each image (N,) and its gradient (N, ...)."""


@dataclass(frozen=True, slots=True)
class Energy:
    """The terms of Eq. 1 for each image, each (N,).

    Attributes:
        alpha_norm: R_alpha.
        total_variation: R_TV^beta.
        loss: the loss, not yet multiplied by C.
        loss_weight: C.
    """

    alpha_norm: Tensor
    total_variation: Tensor
    loss: Tensor
    loss_weight: Tensor

    @property
    def total(self) -> Tensor:
        """E, the sum with the loss weighted by C, (N,)."""
        return self.alpha_norm + self.total_variation + self.loss_weight * self.loss


class Objective:
    """The energy of Eq. 1 as a function of a batch of images.

    Args:
        representation: Phi.
        loss: the loss against its target; see `losses`.
        settings: the constants of the priors.
        loss_weights: C of each image, (N,).
        size: height and width of the image that the representation sees; a canvas larger
            than this is cropped by the jitter.
    """

    def __init__(
        self,
        representation: Representation,
        loss: Loss,
        settings: Settings,
        loss_weights: Tensor,
        size: tuple[int, int],
    ) -> None:
        self.representation = representation
        self.loss = loss
        self.prior = Prior(
            settings.alpha, settings.beta, settings.pixel_norm, settings.gradient_norm
        )
        self.loss_weights = loss_weights
        self.size = size

    def __call__(self, x: Tensor, offsets: Tensor | None = None) -> tuple[Energy, Tensor]:
        """Energy of each image and its gradient.

        Args:
            x: images, or canvases where they are jittered, (N, D, H, W).
            offsets: tau, the shift of each image, (N, 2); None for images without margin.

        Returns:
            The energy, term by term, and its gradient, (N, D, H, W).
        """
        seen = (x if offsets is None else jitter(x, offsets, self.size)).detach()
        with torch.enable_grad():
            seen.requires_grad_()
            codes = self.representation(seen)
        loss, d_codes = self.loss(codes.detach())
        d_codes *= self.loss_weights.view(-1, *[1] * (codes.ndim - 1))
        (d_seen,) = torch.autograd.grad(codes, seen, d_codes)
        bounded, variation, gradient = self.prior(x)
        if offsets is None:
            gradient += d_seen
        else:
            height, width = self.size
            for n, (v, u) in enumerate(offsets.tolist()):
                gradient[n, :, v : v + height, u : u + width] += d_seen[n]
        return Energy(bounded, variation, loss, self.loss_weights), gradient
