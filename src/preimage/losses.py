r"""The loss of Eq. 1: how far a code is from its target (section 3.1).

Inversion uses the squared Euclidean distance, normalized (Eq. 2) and perhaps masked
(Eq. 3); activation maximization and caricature the inner product (Eq. 4). A loss returns
one value for each image, (N,), and on request its gradient with respect to the code: in
closed form, because through autograd it costs as much as an early layer.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor


def squared_distance(codes: Tensor, target: Tensor, mask: Tensor | None = None) -> Tensor:
    """||(Phi - Phi_0) . M||^2 / ||Phi_0 . M||^2, Eqs. 2 and 3.

    Args:
        codes: Phi, (N, ...).
        target: Phi_0, (N, ...).
        mask: M, of ones and zeros, broadcast against the codes; None keeps everything.

    Returns:
        One value per image, (N,).

    >>> squared_distance(torch.zeros(1, 2), torch.tensor([[3.0, 4.0]])).tolist()
    [1.0]
    """
    difference, reference = codes - target, target
    if mask is not None:
        difference, reference = difference * mask, target * mask
    return _squared_norm(difference) / _squared_norm(reference)


def inner_product(codes: Tensor, target: Tensor, normalizer: Tensor) -> Tensor:
    """-<Phi, Phi_0> / Z, Eq. 4; `normalizer` is Z, (N,).

    >>> inner_product(torch.ones(1, 2), torch.tensor([[1.0, 3.0]]), torch.tensor([2.0])).tolist()
    [-2.0]
    """
    return -(codes * target).flatten(1).sum(1) / normalizer


def relative_error(codes: Tensor, target: Tensor, mask: Tensor | None = None) -> Tensor:
    """||Phi - Phi_0|| / ||Phi_0||, the reconstruction error of Tables 4 and 5, (N,).

    >>> relative_error(torch.zeros(1, 2), torch.tensor([[3.0, 4.0]])).tolist()
    [1.0]
    """
    return squared_distance(codes, target, mask).sqrt()


class InnerProduct:
    """-<Phi, Phi_0>, Eq. 4 without its Z, with its gradient in closed form; C is 1 / Z.

    Args:
        target: Phi_0, (N, ...).
    """

    is_joint = False

    def __init__(self, target: Tensor) -> None:
        self.target = target

    def select(self, rows: Sequence[int]) -> InnerProduct:
        """The loss for some images of the batch."""
        return InnerProduct(self.target[list(rows)])

    def __call__(self, codes: Tensor) -> tuple[Tensor, Tensor]:
        """The loss (N,) and its gradient with respect to `codes`."""
        return -self.response(codes), self.target.neg()

    def response(self, codes: Tensor) -> Tensor:
        """<Phi, Phi_0> of each image, (N,), summed image by image as `_squared_norm`."""
        if self.target.stride() != codes.stride():  # two layouts in memory multiply slowly
            self.target = torch.empty_like(codes).copy_(self.target)
        pairs = zip(codes, self.target, strict=True)
        return torch.stack([(code * target).sum() for code, target in pairs])


class Diverse:
    """A loss plus what makes the images of one target alike, so that they become diverse.

    The mean cosine between an image's Gram matrix of channels and those of the others of
    its target (the style loss of Gatys et al. 2016, turned around; Olah, Mordvintsev and
    Schubert, "Feature Visualization", Distill 2017).

    Args:
        loss: the loss of each image alone.
        seeds: how many images each target has, one after another.
        weights: of each target, (N / seeds,).

    Raises:
        ValueError: if there is one image for each target. On a call: if the codes are
            neither maps nor tokens.
    """

    is_joint = True

    def __init__(self, loss: InnerProduct, seeds: int, weights: Tensor) -> None:
        if seeds < 2:
            raise ValueError("diversity needs at least two seeds")
        self.loss = loss
        self._seeds = seeds
        self._weights = weights.repeat_interleave(seeds)

    def select(self, rows: Sequence[int]) -> Diverse:
        """Not for some of the images: each counts for the others."""
        raise ValueError("diversity belongs to Algorithm 1, which changes all images at once")

    def __call__(self, codes: Tensor) -> tuple[Tensor, Tensor]:
        """The loss (N,), and the gradient of the sum of all losses with respect to `codes`."""
        loss, gradient = self.loss(codes)
        with torch.enable_grad():
            leaf = codes.detach().requires_grad_()
            alike = self._weights * self.likeness(leaf)
            (of_likeness,) = torch.autograd.grad(alike.sum(), leaf)
        return loss + alike.detach(), gradient + of_likeness

    def likeness(self, codes: Tensor) -> Tensor:
        """The mean cosine between each image's Gram matrix and its target's others, (N,)."""
        if codes.ndim not in (3, 4):
            raise ValueError("diversity compares the channels of maps or tokens")
        features = codes.flatten(2) if codes.ndim == 4 else codes.transpose(1, 2)
        grams = features @ features.transpose(1, 2)
        units = torch.nn.functional.normalize(grams.flatten(1), dim=1)
        groups = units.unflatten(0, (-1, self._seeds))
        cosines = groups @ groups.transpose(1, 2)
        others = cosines.sum(2) - cosines.diagonal(dim1=1, dim2=2)
        return others.flatten() / (self._seeds - 1)


class SquaredDistance:
    """`squared_distance` to a fixed target, with its gradient in closed form.

    Raises:
        ValueError: if a target is zero wherever the mask keeps it.
    """

    is_joint = False

    def __init__(self, target: Tensor, mask: Tensor | None = None) -> None:
        self.target = target
        self.mask = mask
        kept = target if mask is None else target * mask
        self._norm = _squared_norm(kept)
        if not bool((self._norm > 0).all()):
            raise ValueError(
                "the target code is zero, as that of a constant image is: nothing to invert"
            )

    def select(self, rows: Sequence[int]) -> SquaredDistance:
        """The loss for some images of the batch."""
        mask = self.mask
        if mask is not None and mask.ndim == self.target.ndim and len(mask) > 1:
            mask = mask[list(rows)]
        return SquaredDistance(self.target[list(rows)], mask)

    def __call__(self, codes: Tensor) -> tuple[Tensor, Tensor]:
        """The loss (N,) and its gradient with respect to `codes`."""
        difference = codes - self.target
        if self.mask is not None:
            difference *= self.mask
        loss = _squared_norm(difference) / self._norm
        scale = (2 / self._norm).view(-1, *[1] * (codes.ndim - 1))
        return loss, difference.mul_(scale)


def _squared_norm(code: Tensor) -> Tensor:
    """Summed image by image, so that a batch adds in the order that one image does.

    The order in which `torch.dot` adds depends on the alignment of a row: hence the sum of
    squares, a new tensor for each row. Rows are not flattened: those of a network's code
    may have their channels last in memory.
    """
    return torch.stack([(row * row).sum() for row in code])
