"""Equation 1 with Equation 7: the energy of images, term by term, and its gradient.

    E(x) = R_alpha(x) + R_TV^beta(x) + C loss(Phi(jitter(x; tau)), Phi_0)

Priors and loss return their gradients in closed form. So autograd records only the
representation and, if views are turned or zoomed, the view.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

from preimage.priors import find_prior, project_
from preimage.priors.function import PriorFunction
from preimage.representations.acceleration import visible_operations
from preimage.representations.base import Representation
from preimage.representations.flat_regions import FlatRegions
from preimage.representations.redirection import pass_stopped_gradients
from preimage.representations.skip_paths import weaken_branches
from preimage.settings import Settings
from preimage.views import affine, jitter


class Loss(Protocol):
    """The loss of each image of a batch against a fixed target.

    Attributes:
        is_joint: whether the loss of an image depends on other images of the batch too. If
            so, all are evaluated together, and `select` is not supported.
    """

    is_joint: bool

    def __call__(self, codes: Tensor) -> tuple[Tensor, Tensor]:
        """Return the loss of each image (N,) and its gradient with respect to the codes."""

    def select(self, rows: Sequence[int]) -> Loss:
        """Return the loss of the images at `rows` alone, each with its own target."""


@dataclass(frozen=True, slots=True)
class Energy:
    """The terms of Eq. 1 for each image (N,), or for each step and image (steps, N).

    Attributes:
        alpha_norm: R_alpha.
        total_variation: R_TV^beta, or the value of the prior that stands in its place.
        loss: the loss, not yet multiplied by C.
        loss_weight: C, (N,).
    """

    alpha_norm: Tensor
    total_variation: Tensor
    loss: Tensor
    loss_weight: Tensor

    @classmethod
    def from_terms(cls, terms: Tensor, loss_weight: Tensor) -> Energy:
        """Build the energy from `terms` (3, N) or (3, steps, N), and C (N,)."""
        alpha_norm, total_variation, loss = terms
        return cls(alpha_norm, total_variation, loss, loss_weight)

    @property
    def terms(self) -> Tensor:
        """The three terms stacked, a new tensor (3, N) or (3, steps, N)."""
        return torch.stack([self.alpha_norm, self.total_variation, self.loss])

    @property
    def total(self) -> Tensor:
        """E, the sum of the priors and C times the loss, (N,) or (steps, N)."""
        return self.alpha_norm + self.total_variation + self.loss_weight * self.loss

    def select(self, rows: Sequence[int]) -> Energy:
        """Return the energy of the images at `rows`, in the order of `rows`."""
        return Energy.from_terms(self.terms[..., list(rows)], self.loss_weight[list(rows)])


class Objective:
    """The energy of Eq. 1 as a function of a batch of images.

    Args:
        representation: Phi.
        loss: the loss of each image; see `losses`.
        settings: the constants of the priors.
        loss_weights: C of each image, (N,).
        size: height and width of the image that the representation sees. The images that are
            optimized are larger by the margin of the jitter.
        flat: the regions of each image that are held flat; None if there are none.
        at_once: largest number of images that are computed together; None for no limit.
        wakes: whether gradients pass activations that would stop them; see
            `representations.redirection`.
        prior: a user's own function in place of R_TV^beta; see `priors.function`.
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
        wakes: bool = False,
        prior: PriorFunction | None = None,
    ) -> None:
        self.representation, self.loss = representation, loss
        self.prior = find_prior(settings, prior)
        self.loss_weights, self.size = loss_weights, size
        self._flat = [None] * len(loss_weights) if flat is None else list(flat)
        self._at_once, self._wakes = at_once, wakes
        self._branch_gradient = settings.branch_gradient if representation.is_network else 1.0
        self._has_branches = True  # until the first pass has shown that there are none
        self._anchor: Tensor | None = None
        self._scales: Tensor | None = None
        self._range: tuple[Tensor, Tensor] | None = None
        self._parts: list[tuple[slice, Objective]] = []  # made by the first call that needs them

    def select(self, rows: Sequence[int]) -> Objective:
        """Return the energy of the images at `rows` alone."""
        selected = copy.copy(self)
        selected.loss = self.loss.select(rows)
        selected.loss_weights = self.loss_weights[list(rows)]
        selected._flat = [self._flat[n] for n in rows]
        selected._anchor = None if self._anchor is None else self._anchor[list(rows)]
        selected._scales = None if self._scales is None else self._scales[list(rows)]
        if self._range is not None:
            low, high = self._range
            selected._range = low[list(rows)], high[list(rows)]
        selected._parts = []
        return selected

    def at_contrast(self, factors: Tensor) -> Objective:
        """Return the energy whose priors see each image divided by its factor, (N,)."""
        changed = copy.copy(self)
        changed._scales, changed._parts = factors[:, None, None, None], []
        return changed

    def relaxed(self, softness: float) -> Objective:
        """Return the energy with the representation's smooth surrogate, or itself if none."""
        relaxed = copy.copy(self)
        relaxed.representation = self.representation.relaxed(softness)
        relaxed._parts = []
        return relaxed

    def fused(self) -> Objective:
        """Return the energy by compiled code, if there is any for these terms and numba is here.

        It is the same up to rounding.
        """
        fused = copy.copy(self)
        fused.representation, fused.prior = self.representation.fused(), self.prior.fused()
        fused._flat = [None if flat is None else flat.fused() for flat in self._flat]
        fused._parts = []
        return fused

    def exact(self) -> Objective:
        """Return the energy with its exact gradient, also if that of branches is weakened."""
        exact = copy.copy(self)
        exact._branch_gradient, exact._parts = 1.0, []
        return exact

    def around(self, images: Tensor, weight: float) -> Objective:
        """Return the energy whose priors are those of the change since `images`, (N, D, H, W).

        The variation of the change has `weight` times the weight of that which it replaces.
        """
        around = copy.copy(self)
        around.prior, around._anchor, around._parts = self.prior.of_change(weight), images, []
        return around

    def within_range(self, images: Tensor) -> Objective:
        """Return the energy of images without a margin, whose loss is that within a range.

        The range is that of photos, enlarged so that `images` (N, D, H, W) are within. Values
        beyond it count as its ends, and `project_` brings them there.
        """
        within = copy.copy(self)
        zeros = torch.zeros_like(images[:1, :, :1, :1])
        low = -self.representation.preprocessing.to_255(zeros)
        within._range = torch.minimum(low, images), torch.maximum(low + 255, images)
        within._parts = []
        return within

    def project_(self, x: Tensor, max_pixel_norm: float) -> Tensor:
        """Bring images within the range of `within_range`, or else the bound of Eq. 6, in place."""
        if self._range is None:
            return project_(x, max_pixel_norm)
        return x.clamp_(*self._range)

    def flatten_(self, x: Tensor) -> Tensor:
        """Average each flat region of images (N, D, H, W), in place."""
        for n, image in enumerate(x):
            self.flatten_one_(image, n)
        return x

    def flatten_one_(self, image: Tensor, n: int) -> Tensor:
        """Level the flat regions of image `n`, (D, H, W), in place."""
        flat = self._flat[n]
        return image if flat is None else flat.flatten_(image)

    def __call__(self, x: Tensor, views: Tensor | None = None) -> tuple[Energy, Tensor]:
        """Return the energy of each image, term by term, and its gradient, (N, D, H, W).

        Args:
            x: images, (N, D, H, W), larger than `size` if they have a margin.
            views: the view of each image, (N, 2) or (N, 4) as in `preimage.views`, if any.
        """
        if len(x) > self.images_at_once(x):
            return self._in_parts(x, views)
        shifts = views if views is not None and views.shape[1] == 2 else None
        warps = views if views is not None and views.shape[1] == 4 else None
        seen = x if self._range is None else x.clamp(*self._range)
        leaf = (seen if shifts is None else jitter(seen, shifts, self.size)).detach()
        codes, to_image = self._linearized(leaf, warps)
        loss, d_codes = self.loss(codes)
        d_codes *= self.loss_weights.view(-1, *[1] * (codes.ndim - 1))
        d_leaf = to_image(d_codes)
        del codes, d_codes, to_image
        if self._range is not None:
            d_leaf = d_leaf * (seen == x)
        bounded, variation, gradient = self._priors(x)
        if shifts is None:
            gradient += d_leaf
        else:
            height, width = self.size
            for n, (v, u) in enumerate(shifts.tolist()):
                gradient[n, :, v : v + height, u : u + width] += d_leaf[n]
        return Energy(bounded, variation, loss, self.loss_weights), self.flatten_(gradient)

    def _linearized(
        self, x: Tensor, warps: Tensor | None
    ) -> tuple[Tensor, Callable[[Tensor], Tensor]]:
        """Return the codes of `x`, and the function that turns their gradient into that of `x`."""
        if warps is None and not self._wakes and self._branch_gradient == 1:
            return self.representation.linearized(x)
        weakens = self._branch_gradient != 1 and self._has_branches
        seen = visible_operations() if weakens or self._wakes else nullcontext()
        with torch.enable_grad(), seen:
            x.requires_grad_()
            codes = self.representation(x if warps is None else affine(x, warps, self.size))
        if self._wakes:
            pass_stopped_gradients(codes)
        if weakens:
            self._has_branches = weaken_branches(codes, self._branch_gradient)
        return codes.detach(), lambda d_codes: self.representation.gradient(codes, x, d_codes)

    def _priors(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return both priors (N,), and the gradient of their sum."""
        if self._scales is None:
            return self.prior(x, self._anchor)
        bounded, variation, gradient = self.prior(x / self._scales)
        return bounded, variation, gradient / self._scales

    def images_at_once(self, x: Tensor) -> int:
        """Return how many of the images `x` are computed together: one for a network on a CPU.

        A batch takes more memory than each image alone, and its rounding differs, which later
        steps amplify to another picture; docs/networks.md has the time that it would save. If the
        loss of an image depends on the others, all must be computed together.
        """
        if self.loss.is_joint:
            return len(x)
        if self.representation.is_network and x.device.type == "cpu":
            return 1
        return len(x) if self._at_once is None else min(self._at_once, len(x))

    def _in_parts(self, x: Tensor, views: Tensor | None) -> tuple[Energy, Tensor]:
        """Return energy and gradient as a call does, computed in parts of the batch."""
        if not self._parts:
            starts = range(0, len(x), self.images_at_once(x))
            slices = [slice(n, min(n + starts.step, len(x))) for n in starts]
            self._parts = [(rows, self.select(range(rows.start, rows.stop))) for rows in slices]
        terms, gradients = [], []
        for rows, part in self._parts:
            images = x[rows].clone()  # a copy is aligned in memory like a separate batch
            energy, gradient = part(images, None if views is None else views[rows])
            terms.append(energy.terms)
            gradients.append(gradient)
        return Energy.from_terms(torch.cat(terms, 1), self.loss_weights), torch.cat(gradients)
