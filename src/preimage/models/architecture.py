"""Chains of layers as plain data: the networks of zoo.py, and those read from SimpleNN files.

`preimage.models.layers.build` makes networks of them. Nothing here imports torch.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal, TypeAlias

Pair: TypeAlias = tuple[int, int]
"""Two values: for the vertical axis and for the horizontal axis."""

Sides: TypeAlias = tuple[int, int, int, int]
"""Four values: for top, bottom, left and right."""


@dataclass(frozen=True, slots=True)
class Convolution:
    """A bank of `channels` filters with biases; fully connected layers are convolutions, too.

    The padding is of zeros, the dilation the distance between the filters' taps. The input
    channels are split into `groups`, each with filters of its own.
    """

    kind: ClassVar[str] = "conv"
    name: str
    kernel: Pair
    channels: int
    stride: Pair = (1, 1)
    padding: Sides = (0, 0, 0, 0)
    dilation: Pair = (1, 1)
    groups: int = 1


@dataclass(frozen=True, slots=True)
class Rectifier:
    """max(x, 0) + leak * min(x, 0)."""

    kind: ClassVar[str] = "relu"
    name: str
    leak: float = 0.0


@dataclass(frozen=True, slots=True)
class Normalization:
    """x / (kappa + alpha * sum of x^2 over `size` channels)^beta."""

    kind: ClassVar[str] = "lrn"
    name: str
    size: int
    kappa: float
    alpha: float
    beta: float


@dataclass(frozen=True, slots=True)
class Pooling:
    """The maximum or the mean over windows; padding is not counted."""

    kind: ClassVar[str] = "pool"
    name: str
    kernel: Pair
    stride: Pair = (1, 1)
    padding: Sides = (0, 0, 0, 0)
    method: Literal["max", "avg"] = "max"


@dataclass(frozen=True, slots=True)
class Dropout:
    """The identity, except during training."""

    kind: ClassVar[str] = "dropout"
    name: str
    rate: float = 0.5


@dataclass(frozen=True, slots=True)
class Softmax:
    """exp(x) / sum of exp(x) over the channels."""

    kind: ClassVar[str] = "softmax"
    name: str


LayerSpec: TypeAlias = Convolution | Rectifier | Normalization | Pooling | Dropout | Softmax
