r"""The loss of Equation 1: how far a code is from its target (section 3.1).

Inversion uses the squared Euclidean distance, normalized (Eq. 2) and possibly masked (Eq. 3);
activation maximization and caricature use the inner product (Eq. 4). Each loss is here twice.
The functions are the formulas, written for reading. The classes, used by the solvers, hold the
target fixed and also return the gradient with respect to the code: in closed form, because
autograd would take as long as an early layer. `FunctionLoss` alone, of functions that users give,
needs autograd. Their `is_joint` says whether the
loss of an image depends on other images of the batch.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

_LARGEST_EXPONENT = 50
"""The largest power of two, or its negative, of values that are squared and summed as they are."""


def squared_distance(codes: Tensor, target: Tensor, mask: Tensor | None = None) -> Tensor:
    """Return ||(Phi - Phi_0) . M||^2 / ||Phi_0 . M||^2, Eqs. 2 and 3, (N,).

    The codes Phi and Phi_0 are (N, ...). The mask M, of ones and zeros, is broadcast against
    them; None keeps everything.

    >>> squared_distance(torch.zeros(1, 2), torch.tensor([[3.0, 4.0]])).tolist()
    [1.0]
    """
    difference, reference = codes - target, target
    if mask is not None:
        difference, reference = difference * mask, target * mask
    units = squarable(reference)
    return _squared_norm(difference * units) / _squared_norm(reference * units)


def inner_product(codes: Tensor, target: Tensor, normalizer: Tensor) -> Tensor:
    """Return -<Phi, Phi_0> / Z, Eq. 4; `normalizer` is Z, (N,).

    >>> inner_product(torch.ones(1, 2), torch.tensor([[1.0, 3.0]]), torch.tensor([2.0])).tolist()
    [-2.0]
    """
    return -(codes * target).flatten(1).sum(1) / normalizer


def relative_error(codes: Tensor, target: Tensor, mask: Tensor | None = None) -> Tensor:
    """Return ||Phi - Phi_0|| / ||Phi_0||, the reconstruction error of Tables 4 and 5, (N,).

    >>> relative_error(torch.zeros(1, 2), torch.tensor([[3.0, 4.0]])).tolist()
    [1.0]
    """
    return squared_distance(codes, target, mask).sqrt()


def squarable(codes: Tensor) -> Tensor:
    """Return a factor for each code, (N, 1, ...): 1 unless its squares may leave single precision.

    Then the factor is a power of two that brings the code's largest value near 1, which rounds
    nothing.
    """
    largest = codes.flatten(1).abs().amax(1).view(-1, *[1] * (codes.ndim - 1))
    exponent = torch.frexp(largest).exponent
    fits = (exponent.abs() <= _LARGEST_EXPONENT) | (largest == 0) | ~largest.isfinite()
    return torch.where(
        fits, torch.ones_like(largest), torch.ldexp(torch.ones_like(largest), -exponent)
    )


class InnerProduct:
    """The loss -<Phi, Phi_0> of a fixed target (N, ...): Eq. 4 without its Z, as C is 1 / Z."""

    is_joint = False

    def __init__(self, target: Tensor) -> None:
        self.target = target

    def select(self, rows: Sequence[int]) -> InnerProduct:
        """Return the loss of the images at `rows` alone."""
        return InnerProduct(self.target[list(rows)])

    def __call__(self, codes: Tensor) -> tuple[Tensor, Tensor]:
        """Return the loss (N,) and its gradient with respect to `codes`."""
        return -self.response(codes), self.target.neg()

    def response(self, codes: Tensor) -> Tensor:
        """Return <Phi, Phi_0>, (N,), summed image by image as in `_squared_norm`."""
        if self.target.stride() != codes.stride():  # two layouts in memory multiply slowly
            self.target = torch.empty_like(codes).copy_(self.target)
        pairs = zip(codes, self.target, strict=True)
        return torch.stack([(code * target).sum() for code, target in pairs])


class FunctionLoss:
    """The loss -f(Phi) of a function f for each image, which users give.

    Each function gets the code of its image alone, (1, ...), and returns the response, (), so that
    no image depends on others.
    """

    is_joint = False

    def __init__(self, responses: Sequence[Callable[[Tensor], Tensor]]) -> None:
        self._responses = responses

    def select(self, rows: Sequence[int]) -> FunctionLoss:
        """Return the loss of the images at `rows` alone."""
        return FunctionLoss([self._responses[row] for row in rows])

    def __call__(self, codes: Tensor) -> tuple[Tensor, Tensor]:
        """Return the loss (N,) and its gradient with respect to `codes`.

        Raises:
            ValueError: if a function cannot be differentiated by the codes.
        """
        with torch.enable_grad():
            leaf = codes.detach().requires_grad_()
            response = self._respond(leaf)
            if response.requires_grad:
                (gradient,) = torch.autograd.grad(response.sum(), leaf, allow_unused=True)
                if gradient is not None:
                    return -response.detach(), -gradient
        raise ValueError(
            "the function that is maximized cannot be differentiated: compute it from the codes "
            "that it gets, by operations of torch, without detach or item"
        )

    def response(self, codes: Tensor) -> Tensor:
        """Return the responses to images with these codes, (N,)."""
        with torch.no_grad():
            return self._respond(codes)

    def _respond(self, codes: Tensor) -> Tensor:
        pairs = zip(self._responses, codes.split(1), strict=True)
        return torch.stack([respond(code) for respond, code in pairs])


class DiverseInnerProduct:
    """An inner product that also penalizes the likeness of images of the same target.

    The likeness of an image is the mean cosine between its Gram matrix of channels and those
    of the other images of its target (the style loss of Gatys et al. 2016, its sign reversed;
    Olah, Mordvintsev and Schubert, "Feature Visualization", Distill 2017).

    Args:
        loss: the loss of each image, such as an inner product.
        seeds: the number of images of each target, which follow one another.
        weights: the weight of the likeness for each target, (N / seeds,).

    Raises:
        ValueError: if a target has a single image. On a call: if the codes are neither maps
            nor tokens.
    """

    is_joint = True

    def __init__(self, loss: InnerProduct | FunctionLoss, seeds: int, weights: Tensor) -> None:
        if seeds < 2:
            raise ValueError("diversity needs at least two seeds")
        self.loss, self._seeds = loss, seeds
        self._weights = weights.repeat_interleave(seeds)

    def select(self, rows: Sequence[int]) -> DiverseInnerProduct:
        """Raise ValueError: the loss couples all images of a target."""
        raise ValueError("diversity needs Algorithm 1, which changes all images at once")

    def __call__(self, codes: Tensor) -> tuple[Tensor, Tensor]:
        """Return the loss (N,), and the gradient of its sum with respect to `codes`."""
        loss, gradient = self.loss(codes)
        with torch.enable_grad():
            leaf = codes.detach().requires_grad_()
            penalty = self._weights * self.likeness(leaf)
            (of_penalty,) = torch.autograd.grad(penalty.sum(), leaf)
        return loss + penalty.detach(), gradient + of_penalty

    def likeness(self, codes: Tensor) -> Tensor:
        """Return how alike each image is to the others of its target, from 0 to 1, (N,)."""
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
    """The loss `squared_distance` of a fixed target and mask.

    Raises:
        ValueError: if a target is zero wherever the mask keeps it.
    """

    is_joint = False

    def __init__(self, target: Tensor, mask: Tensor | None = None) -> None:
        self.target, self.mask = target, mask
        self._laid_out = target
        kept = target if mask is None else target * mask
        units = squarable(kept)
        self._units = None if bool((units == 1).all()) else units
        self._norm = _squared_norm(kept if self._units is None else kept * units)
        if not bool((self._norm > 0).all()):
            raise ValueError(
                "the target code is zero, like that of a constant image: there is nothing to invert"
            )
        self._slope = (2 / self._norm).view(-1, *[1] * (target.ndim - 1))
        if self._units is not None:
            self._slope *= self._units

    def select(self, rows: Sequence[int]) -> SquaredDistance:
        """Return the loss of the images at `rows` alone."""
        mask = self.mask
        if mask is not None and mask.ndim == self.target.ndim and len(mask) > 1:
            mask = mask[list(rows)]
        return SquaredDistance(self.target[list(rows)], mask)

    def __call__(self, codes: Tensor) -> tuple[Tensor, Tensor]:
        """Return the loss (N,) and its gradient with respect to `codes`."""
        if self._laid_out.stride() != codes.stride():  # two layouts in memory subtract slowly
            self._laid_out = torch.empty_like(codes).copy_(self.target)
        difference = codes - self._laid_out
        if self.mask is not None:
            difference *= self.mask
        if self._units is not None:
            difference *= self._units
        loss = _squared_norm(difference) / self._norm
        return loss, difference.mul_(self._slope)


def _squared_norm(codes: Tensor) -> Tensor:
    """Return the squared norm of each code, (N,), the same to the bit in any batch.

    Each code is summed alone, and as a new tensor of squares, because the order in which
    `torch.dot` adds depends on the alignment of a code in memory. Codes are not flattened,
    because those of a network may have their channels last in memory.
    """
    return torch.stack([(code * code).sum() for code in codes])
