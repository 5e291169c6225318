"""A user's own function as a prior, in place of the total variation."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

import torch
from torch import Tensor

PriorFunction: TypeAlias = Callable[[Tensor], Tensor | tuple[Tensor, Tensor]]
"""A function of images (N, D, H, W): values (N,) by torch functions, or values and their gradient.

The images are in the core's units: 0..255 minus the mean of the preprocessing.
"""


def name_of(function: Any) -> str:
    """Return the name of a function with "()", by which settings and sidecars tell it from ours.

    >>> name_of(len), name_of(torch.nn.Flatten())
    ('len()', 'Flatten()')
    """
    return f"{getattr(function, '__name__', type(function).__name__)}()"


@dataclass(frozen=True, slots=True)
class FunctionPrior:
    """A user's own function, times a weight.

    It is called with one image at a time, (1, D, H, W), so that no image depends on another.
    """

    function: PriorFunction
    weight: float = 1.0

    def scaled(self, weight: float) -> FunctionPrior:
        """Return this prior times a weight."""
        return dataclasses.replace(self, weight=self.weight * weight)

    def add(self, x: Tensor, gradient: Tensor) -> Tensor:
        """Return the values (N,), and add their gradient to `gradient` (N, D, H, W)."""
        values = x.new_empty(len(x))
        for n, image in enumerate(x):
            values[n : n + 1], slope = self._of_one(image[None].clone())
            gradient[n : n + 1].add_(slope, alpha=self.weight)
        return values * self.weight

    def precondition(self, gradient: Tensor) -> Tensor:
        """Return the gradient of one image as it is, because nothing is known of the function."""
        return gradient

    def _of_one(self, image: Tensor) -> tuple[Tensor, Tensor]:
        """Return value and gradient of an image (1, D, H, W); ValueError if they do not fit."""
        with torch.enable_grad():
            found = self.function(image.requires_grad_())
        pair = found if isinstance(found, tuple) else (found, None)
        if len(pair) != 2 or not isinstance(pair[0], Tensor) or pair[0].shape != (1,):
            raise ValueError(
                f"{self._words} must return values of shape (N,), or a pair of them and their "
                f"gradient, for images (N, D, H, W), not {_in_words(found)} for N = 1"
            )
        value, slope = pair
        if slope is None:
            if not value.requires_grad:
                raise ValueError(
                    f"{self._words} returns values that torch cannot differentiate: compute them "
                    "by torch functions, or return a pair of them and their gradient"
                )
            (slope,) = torch.autograd.grad(value, image)
        elif not isinstance(slope, Tensor) or slope.shape != image.shape:
            raise ValueError(
                f"{self._words} must return a gradient of shape {tuple(image.shape)} for images "
                f"of this shape, not {_in_words(slope)}"
            )
        return value.detach(), slope.detach().to(image)

    @property
    def _words(self) -> str:
        return f"the prior {name_of(self.function)}"


def _in_words(found: object) -> str:
    """Return the shape of a tensor, or the type of anything else."""
    if isinstance(found, Tensor):
        return f"a tensor of shape {tuple(found.shape)}"
    if isinstance(found, tuple):
        return f"({', '.join(map(_in_words, found))})"
    return type(found).__name__
