"""Layers as plain data: those of the networks of zoo.py, and those read from MatConvNet's files.

`preimage.models.layers.build` makes a network of a chain of them, `preimage.models.graph.build`
one of a graph. Nothing here imports torch.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal, TypeAlias

Pair: TypeAlias = tuple[int, int]
"""Two values: for the vertical axis and for the horizontal axis."""

Sides: TypeAlias = tuple[int, int, int, int]
"""Four values: for top, bottom, left and right."""


Shape: TypeAlias = tuple[int, int, int]
"""Numbers of channels, rows and columns."""


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
class TransposedConvolution:
    """The transpose of a convolution with `stride`, whose result loses `crop` at its sides."""

    kind: ClassVar[str] = "convt"
    name: str
    kernel: Pair
    channels: int
    stride: Pair = (1, 1)
    crop: Sides = (0, 0, 0, 0)
    groups: int = 1


@dataclass(frozen=True, slots=True)
class BatchNormalization:
    """(x - mean) / deviation * multiplier + bias, with four numbers for each channel."""

    kind: ClassVar[str] = "bnorm"
    name: str
    channels: int


@dataclass(frozen=True, slots=True)
class Scaling:
    """x * multipliers + biases; one without a shape (D, H, W) here is an input, or is absent."""

    kind: ClassVar[str] = "scale"
    name: str
    multipliers: Shape | None
    biases: Shape | None


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


@dataclass(frozen=True, slots=True)
class Sigmoid:
    """1 / (1 + exp(-x))."""

    kind: ClassVar[str] = "sigmoid"
    name: str


@dataclass(frozen=True, slots=True)
class Sum:
    """The sum of several maps of one shape."""

    kind: ClassVar[str] = "sum"
    name: str


@dataclass(frozen=True, slots=True)
class Concatenation:
    """Several maps, one after another along an axis of (N, D, H, W)."""

    kind: ClassVar[str] = "concat"
    name: str
    axis: int = 1


@dataclass(frozen=True, slots=True)
class Crop:
    """The part of a map from row and column `offset` on that is as large as a second map."""

    kind: ClassVar[str] = "crop"
    name: str
    offset: Pair = (0, 0)


LayerSpec: TypeAlias = (
    Convolution
    | TransposedConvolution
    | BatchNormalization
    | Scaling
    | Rectifier
    | Sigmoid
    | Normalization
    | Pooling
    | Dropout
    | Softmax
    | Sum
    | Concatenation
    | Crop
)


@dataclass(frozen=True, slots=True)
class Node:
    """A layer of a graph, with the names of the maps that it takes and of the one that it makes."""

    layer: LayerSpec
    inputs: tuple[str, ...]
    output: str


def channels_after(layer: LayerSpec, inputs: Sequence[int]) -> int:
    """Return the number of channels of a layer's output, from those of its inputs.

    >>> channels_after(Concatenation("both"), [3, 5]), channels_after(Rectifier("relu"), [3])
    (8, 3)
    """
    if isinstance(layer, Concatenation) and layer.axis == 1:
        return sum(inputs)
    return int(getattr(layer, "channels", inputs[0]))
