"""Eq. 1 (with Eq. 7): the energy of an image, term by term, and its gradient.

    E(x) = R_alpha(x) + R_TV^beta(x) + C loss(Phi(jitter(x; tau)), Phi_0)

The priors and the loss bring their gradients in closed form, so that autograd records the
representation (and, where it is turned or zoomed, the view) alone.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

from preimage.priors import Prior
from preimage.representations.base import Representation
from preimage.representations.flat_regions import FlatRegions
from preimage.settings import Settings
from preimage.views import affine, jitter


class Loss(Protocol):
    """A loss against a fixed target for each image of a batch."""

    def __call__(self, codes: Tensor) -> tuple[Tensor, Tensor]:
        """From codes (N, ...) to the loss of each image (N,) and its gradient (N, ...)."""

    def select(self, rows: Sequence[int]) -> Loss:
        """The loss for some images of the batch."""


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

    @classmethod
    def of(cls, terms: Tensor, loss_weights: Tensor) -> Energy:
        """From the three terms on top of each other, (3, N), and C, (N,)."""
        bounded, variation, loss = terms
        return cls(bounded, variation, loss, loss_weights)

    @property
    def terms(self) -> Tensor:
        """The three terms on top of each other, a new tensor (3, N)."""
        return torch.stack([self.alpha_norm, self.total_variation, self.loss])

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
        flat: the regions of each image that are held flat, or None for each.
    """

    def __init__(
        self,
        representation: Representation,
        loss: Loss,
        settings: Settings,
        loss_weights: Tensor,
        size: tuple[int, int],
        flat: Sequence[FlatRegions | None] | None = None,
    ) -> None:
        self.representation = representation
        self.loss = loss
        self.prior = Prior(
            settings.alpha, settings.beta, settings.pixel_norm, settings.gradient_norm
        )
        self.loss_weights = loss_weights
        self.size = size
        self._flat = [None] * len(loss_weights) if flat is None else list(flat)

    def select(self, rows: Sequence[int]) -> Objective:
        """The energy of some images of the batch."""
        selected = copy.copy(self)
        selected.loss = self.loss.select(rows)
        selected.loss_weights = self.loss_weights[list(rows)]
        selected._flat = [self._flat[n] for n in rows]
        return selected

    def relaxed(self, softness: float) -> Objective:
        """The energy with a smooth surrogate of the representation, where it has one."""
        relaxed = copy.copy(self)
        relaxed.representation = self.representation.relaxed(softness)
        return relaxed

    def flatten_(self, x: Tensor) -> Tensor:
        """Levels the flat regions of the images (N, D, H, W), in place."""
        for n, image in enumerate(x):
            self.flatten_one_(image, n)
        return x

    def flatten_one_(self, image: Tensor, n: int) -> Tensor:
        """Levels the flat regions of image `n`, (D, H, W), in place."""
        flat = self._flat[n]
        return image if flat is None else flat.flatten_(image)

    def __call__(self, x: Tensor, views: Tensor | None = None) -> tuple[Energy, Tensor]:
        """Energy of each image and its gradient.

        Args:
            x: images, or canvases where they are jittered, (N, D, H, W).
            views: the window of each image, (N, 2) or (N, 4) as in `views`; None for images
                without margin.

        Returns:
            The energy, term by term, and its gradient, (N, D, H, W).
        """
        leaves, parts = [], []
        groups = self._groups(x)
        for rows in groups:
            images = x[rows] if groups[1:] else x
            leaf, part = self._codes(images, None if views is None else views[rows])
            leaves.append(leaf)
            parts.append(part)
        loss, d_codes = self.loss(torch.cat([part.detach() for part in parts]))
        d_codes *= self.loss_weights.view(-1, *[1] * (d_codes.ndim - 1))
        d_parts = [d_codes[rows].clone() for rows in groups] if groups[1:] else [d_codes]
        d_leaves = torch.cat(torch.autograd.grad(parts, leaves, d_parts))
        bounded, variation, gradient = self.prior(x)
        if views is None or views.shape[1] > 2:
            gradient += d_leaves
        else:
            height, width = self.size
            for n, (v, u) in enumerate(views.tolist()):
                gradient[n, :, v : v + height, u : u + width] += d_leaves[n]
        return Energy(bounded, variation, loss, self.loss_weights), self.flatten_(gradient)

    def _groups(self, x: Tensor) -> list[slice]:
        """The images that the representation computes together.

        All of them; but of a network on a CPU each alone. There a batch is no faster, takes
        more memory, and would round differently than each image does alone.
        """
        if len(x) > 1 and self.representation.is_network and x.device.type == "cpu":
            return [slice(n, n + 1) for n in range(len(x))]
        return [slice(None)]

    def _codes(self, x: Tensor, views: Tensor | None) -> tuple[Tensor, Tensor]:
        """Codes of images or canvases through their windows, and what they are computed from."""
        if views is not None and views.shape[1] == 2:
            leaf, views = jitter(x, views, self.size).detach(), None
        else:
            leaf = x.detach() if x._base is None else x.detach().clone()  # alone, it is aligned
        with torch.enable_grad():
            leaf.requires_grad_()
            return leaf, self.representation(
                leaf if views is None else affine(leaf, views, self.size)
            )
