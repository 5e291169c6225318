"""Attacks: ways to get pictures out of stored codes, each with what an attacker must have for it.

>>> from preimage.presets import settings_for
>>> from preimage.representations.hog import HOG
>>> codes = HOG()(torch.rand(1, 1, 32, 32) * 255)
>>> attack = Inversion(settings_for(HOG(), "draft"), size=(32, 32))
>>> attack.reconstruct(codes, HOG(), seed=0).shape
torch.Size([1, 3, 32, 32])
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

from preimage.optimizer import Progress
from preimage.preprocessing import Preprocessing
from preimage.representations.base import Representation
from preimage.representations.execution import AUTO, Execution
from preimage.settings import Settings
from preimage.visualizations import PreImage, invert
from preimage.visualizations.starting import Rough


class Attack(Protocol):
    """A way to get pictures out of codes.

    Attributes:
        name: such as "inversion".
        knowledge: a sentence that says what an attacker must have for it.
    """

    @property
    def name(self) -> str:
        """See `Attack`."""

    @property
    def knowledge(self) -> str:
        """See `Attack`."""

    def reconstruct(
        self,
        codes: Tensor,
        representation: Representation,
        *,
        seed: int,
        progress: Callable[[Progress], None] | None = None,
    ) -> Tensor:
        """Return images (N, 3, H, W), 0..255, of codes (N, ...) of a representation.

        An image has the same bits whatever other codes are in the batch. H and W are those of the
        images that the representation takes. `progress` is called after each step, by attacks that
        take steps.

        Raises:
            KeyboardInterrupt: after Ctrl-C.
            ValueError: if codes do not fit.
        """


@dataclass(frozen=True, slots=True)
class Inversion:
    """The natural pre-image of each code (docs/solver.md).

    Attributes:
        settings: all constants; if None, those of quality "fast".
        size: height and width of the images; if None, they follow from the codes.
        device: where to compute.
        execution: how a network runs.
        workers: number of processes that share the codes; see `invert`.
    """

    settings: Settings | None = None
    size: tuple[int, int] | None = None
    device: str | torch.device = "cpu"
    execution: Execution = AUTO
    workers: int | None = None

    @property
    def name(self) -> str:
        """See `Attack.name`."""
        return "inversion"

    @property
    def knowledge(self) -> str:
        """See `Attack.knowledge`."""
        return "The attacker has the vectors and the weights of the network."

    def reconstruct(
        self,
        codes: Tensor,
        representation: Representation,
        *,
        seed: int,
        progress: Callable[[Progress], None] | None = None,
        start: Rough | None = None,
    ) -> Tensor:
        """See `Attack.reconstruct`; `start` takes the place of noise."""
        found = invert(
            representation, codes=codes, seeds=[seed], size=self.size, settings=self.settings,
            device=self.device, execution=self.execution, workers=self.workers, progress=progress,
            start=start,
        )  # fmt: skip
        return pictures_of(found)


@dataclass(frozen=True, slots=True)
class StartedInversion:
    """The pre-image of each code that is found from the picture of another attack.

    The picture takes the place of noise, and no part of the solver is left out (`Rough`).

    Attributes:
        first: the other attack.
        inversion: the inversion that follows it.
    """

    first: Attack
    inversion: Inversion = Inversion()

    @property
    def name(self) -> str:
        """See `Attack.name`."""
        return f"{self.first.name} + {self.inversion.name}"

    @property
    def knowledge(self) -> str:
        """See `Attack.knowledge`."""
        return self.first.knowledge

    def reconstruct(
        self,
        codes: Tensor,
        representation: Representation,
        *,
        seed: int,
        progress: Callable[[Progress], None] | None = None,
    ) -> Tensor:
        """See `Attack.reconstruct`."""
        pictures = self.first.reconstruct(codes, representation, seed=seed)
        start = Rough([picture.clamp(0, 255) / 255 for picture in pictures])
        return self.inversion.reconstruct(
            codes, representation, seed=seed, progress=progress, start=start
        )


def pictures_of(found: PreImage) -> Tensor:
    """Return the images of an inversion in 0..255, (N, 3, H, W).

    Raises:
        KeyboardInterrupt: if Ctrl-C ended the inversion.
    """
    if found.interrupted:
        raise KeyboardInterrupt
    return to_pictures(found.shown, found.preprocessing)


def image_size(representation: Representation, codes: Tensor) -> tuple[int, int]:
    """Return height and width of the images of codes (N, ...).

    Raises:
        ValueError: if they do not follow from the codes.
    """
    return representation.default_size or representation.image_size(tuple(codes.shape[1:]))


def to_pictures(images: Tensor, preprocessing: Preprocessing) -> Tensor:
    """Return images of the core (N, D, H, W) as red, green and blue in 0..255, clipped.

    Raises:
        ValueError: if D is neither 1 nor 3.
    """
    if preprocessing.channels not in (1, 3):
        raise ValueError(
            f"pictures of stored codes have 1 or 3 channels, not {preprocessing.channels}"
        )
    values = preprocessing.to_255(images.detach().cpu()).clamp(0, 255)
    return values.expand(-1, 3, -1, -1)
