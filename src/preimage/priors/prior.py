"""R of Equation 1: R_alpha, and a prior of the variation that the settings name."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Protocol, Self

from torch import Tensor

from preimage.compiling import has_numba
from preimage.priors.bounded_range import alpha_norm_and_gradient
from preimage.priors.function import FunctionPrior, PriorFunction
from preimage.priors.opponent_variation import OpponentVariation
from preimage.priors.total_variation import TotalVariation
from preimage.settings import Settings


class Variation(Protocol):
    """A prior of the variation of images, with its gradient."""

    def scaled(self, weight: float) -> Self:
        """Return this prior times a weight."""

    def add(self, x: Tensor, gradient: Tensor) -> Tensor:
        """Return the value of each image (N,), and add the gradient to `gradient` (N, D, H, W)."""

    def precondition(self, gradient: Tensor) -> Tensor:
        """Return the gradient of an image (D, H, W), each color divided by its weight."""


@dataclass(frozen=True, slots=True)
class Prior:
    """The sum of R_alpha and a prior of the variation; the constants are as in `Settings`."""

    alpha: float
    pixel_norm: float
    variation: Variation

    def __call__(self, x: Tensor, anchor: Tensor | None = None) -> tuple[Tensor, Tensor, Tensor]:
        """Return R_alpha (N,), the other prior (N,), and the gradient of their sum (N, D, H, W).

        With an `anchor` (N, D, H, W), both are those of the change x - anchor. A user's own
        function remains that of x, because it need not suit anything else than images.
        """
        change = x if anchor is None else x - anchor
        bounded, gradient = alpha_norm_and_gradient(change, self.alpha, self.pixel_norm)
        seen = x if isinstance(self.variation, FunctionPrior) else change
        return bounded, self.variation.add(seen, gradient), gradient

    def fused(self) -> Prior:
        """Return the prior computed by compiled code, or itself if numba is missing."""
        if not has_numba():
            return self
        from preimage.priors.fused import FusedPrior

        return FusedPrior(self.alpha, self.pixel_norm, self.variation)

    def of_change(self, weight: float) -> Prior:
        """Return the prior to use with an anchor: the variation of the change times a weight."""
        if isinstance(self.variation, FunctionPrior):
            return self
        return dataclasses.replace(self, variation=self.variation.scaled(weight))


def find_prior(settings: Settings, function: PriorFunction | None = None) -> Prior:
    """Return the prior that settings name, or one with a user's own `function`.

    Raises:
        ValueError: if the settings name a user's function, and `function` is not given.
    """
    return Prior(settings.alpha, settings.pixel_norm, _find_variation(settings, function))


def _find_variation(settings: Settings, function: PriorFunction | None) -> Variation:
    if function is not None:
        return FunctionPrior(function)
    plain = TotalVariation(settings.beta, settings.gradient_norm)
    match settings.prior:
        case "tv":
            return plain
        case "opponent-tv":
            return OpponentVariation(plain, settings.chroma_weight)
    raise ValueError(
        f"{settings.prior} is a prior of your own, of which settings keep only the name: give the "
        "function itself, prior=FUNCTION"
    )
