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


class SquaredDistance:
    """`squared_distance` to a fixed target, with its gradient in closed form.

    Raises:
        ValueError: if a target is zero wherever the mask keeps it.
    """

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
        if mask is not None and len(mask) == len(self.target):
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
