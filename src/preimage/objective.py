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
    """A loss against a fixed target for each image of a batch.

    Attributes:
        is_joint: whether the loss of an image depends on the others too.
    """

    is_joint: bool

    def __call__(self, codes: Tensor) -> tuple[Tensor, Tensor]:
        """From codes (N, ...) to the loss of each image (N,) and its gradient (N, ...)."""

    def select(self, rows: Sequence[int]) -> Loss:
        """The loss for some images of the batch."""


@dataclass(frozen=True, slots=True)
class Energy:
    """The terms of Eq. 1 for each image (N,), or for each step and image (steps, N).

    Attributes:
        alpha_norm: R_alpha.
        total_variation: R_TV^beta.
        loss: the loss, not yet multiplied by C.
        loss_weight: C, (N,).
    """

    alpha_norm: Tensor
    total_variation: Tensor
    loss: Tensor
    loss_weight: Tensor

    @classmethod
    def from_terms(cls, terms: Tensor, loss_weight: Tensor) -> Energy:
        """Return the energy of stacked `terms`, (3, N) or (3, steps, N), and C, (N,)."""
        alpha_norm, total_variation, loss = terms
        return cls(alpha_norm, total_variation, loss, loss_weight)

    @property
    def terms(self) -> Tensor:
        """The three terms stacked, a new tensor (3, N) or (3, steps, N)."""
        return torch.stack([self.alpha_norm, self.total_variation, self.loss])

    @property
    def total(self) -> Tensor:
        """E, the sum of the terms with the loss times C, (N,) or (steps, N)."""
        return self.alpha_norm + self.total_variation + self.loss_weight * self.loss

    def select(self, rows: Sequence[int]) -> Energy:
        """Return the energy of some of the images, in this order."""
        return Energy.from_terms(self.terms[..., list(rows)], self.loss_weight[list(rows)])


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
        at_once: how many images are computed together at most; all if not given.
    """

    def __init__(
        self,
        representation: Representation,
        loss: Loss,
        settings: Settings,
        loss_weights: Tensor,
        size: tuple[int, int],
        flat: Sequence[FlatRegions | None] | None = None,
        at_once: int | None = None,
    ) -> None:
        self.representation = representation
        self.loss = loss
        self.prior = Prior(
            settings.alpha, settings.beta, settings.pixel_norm, settings.gradient_norm
        )
        self.loss_weights = loss_weights
        self.size = size
        self._flat = [None] * len(loss_weights) if flat is None else list(flat)
        self._at_once = at_once
        self._parts: list[tuple[slice, Objective]] = []

    def select(self, rows: Sequence[int]) -> Objective:
        """The energy of some images of the batch."""
        selected = copy.copy(self)
        selected.loss = self.loss.select(rows)
        selected.loss_weights = self.loss_weights[list(rows)]
        selected._flat = [self._flat[n] for n in rows]
        selected._parts = []
        return selected

    def relaxed(self, softness: float) -> Objective:
        """The energy with a smooth surrogate of the representation, where it has one."""
        relaxed = copy.copy(self)
        relaxed.representation = self.representation.relaxed(softness)
        relaxed._parts = []
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
        if len(x) > self.images_at_once(x):
            return self._in_parts(x, views)
        shifted = views is not None and views.shape[1] == 2
        leaf = (jitter(x, views, self.size) if views is not None and shifted else x).detach()
        with torch.enable_grad():
            leaf.requires_grad_()
            warps = views is not None and not shifted
            seen = affine(leaf, views, self.size) if views is not None and warps else leaf
            codes = self.representation(seen)
        loss, d_codes = self.loss(codes.detach())
        d_codes *= self.loss_weights.view(-1, *[1] * (codes.ndim - 1))
        (d_leaf,) = torch.autograd.grad(codes, leaf, d_codes)
        bounded, variation, gradient = self.prior(x)
        if views is None or not shifted:
            gradient += d_leaf
        else:
            height, width = self.size
            for n, (v, u) in enumerate(views.tolist()):
                gradient[n, :, v : v + height, u : u + width] += d_leaf[n]
        return Energy(bounded, variation, loss, self.loss_weights), self.flatten_(gradient)

    def images_at_once(self, x: Tensor) -> int:
        """Return how many of the images `x` are computed together; of a network on a CPU, one.

        A batch rounds differently than each image does alone, which later steps turn into
        another picture, and takes more memory; what it would save in time is in
        docs/networks.md. If the loss of an image depends on the others, there is no choice.
        """
        if self.loss.is_joint:
            return len(x)
        if self.representation.is_network and x.device.type == "cpu":
            return 1
        return len(x) if self._at_once is None else min(self._at_once, len(x))

    def _in_parts(self, x: Tensor, views: Tensor | None) -> tuple[Energy, Tensor]:
        if not self._parts:
            starts = range(0, len(x), self.images_at_once(x))
            slices = [slice(n, min(n + starts.step, len(x))) for n in starts]
            self._parts = [(rows, self.select(range(rows.start, rows.stop))) for rows in slices]
        terms, gradients = [], []
        for rows, part in self._parts:
            images = x[rows].clone()  # in memory of its own one is aligned as if alone
            energy, gradient = part(images, None if views is None else views[rows])
            terms.append(energy.terms)
            gradients.append(gradient)
        return Energy.from_terms(torch.cat(terms, 1), self.loss_weights), torch.cat(gradients)
