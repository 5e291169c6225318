"""A network together with what its source says about its images and its scores."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from torch import nn

from preimage.preprocessing import Preprocessing


@dataclass(frozen=True, slots=True)
class Loaded:
    """A network, its preprocessing and its classes, as every source of networks returns them.

    The network is put into evaluation mode and its parameters are frozen.

    Attributes:
        module: the network; its input is (rgb - mean) / std, with rgb in 0..255.
        preprocessing: how photos are resized, cropped and normalized for it.
        classes: the name of each class score, synonyms separated by ", "; empty if unknown.
        loss_weights: C by layer, see `preimage.networks.Network`; empty if there is no table.
        inputs: further inputs that the network's `forward` requires, by keyword.
        scores: the layer of the class scores; None for one to be found.
        channel_axis: see `preimage.networks.Network`.
    """

    module: nn.Module
    preprocessing: Preprocessing
    classes: tuple[str, ...] = ()
    loss_weights: tuple[tuple[str, float], ...] = ()
    inputs: Mapping[str, Any] = field(default_factory=dict)
    scores: str | None = None
    channel_axis: int | Mapping[str, int] | None = None

    def __post_init__(self) -> None:
        self.module.eval().requires_grad_(False)


def times_255(values: Sequence[float]) -> tuple[float, ...]:
    """Return means or deviations of images in 0..1 as those of images in 0..255."""
    return tuple(255.0 * value for value in values)
