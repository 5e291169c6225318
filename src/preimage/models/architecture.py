"""A chain of layers as plain data, and the `nn.Sequential` that it describes.

Both the networks that are known by name (networks.py) and those read from a file
(matconvnet.py) are lists of the layers below.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal, TypeAlias

from torch import nn

from preimage.models.layers import (
    LocalResponseNorm,
    PaddedAvgPool2d,
    PaddedConv2d,
    PaddedMaxPool2d,
    Pair,
    Sides,
)


@dataclass(frozen=True, slots=True)
class Convolution:
    """A bank of `channels` filters with biases; a fully connected layer is one, too.

    Attributes:
        kernel: height and width of the filters.
        channels: number of filters.
        stride: vertical and horizontal steps.
        padding: zeros added at top, bottom, left and right.
        dilation: vertical and horizontal distances between the filters' taps.
        groups: the input channels are split into as many groups, each with its filters.
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
    """The maximum or the mean over windows; padding never counts."""

    kind: ClassVar[str] = "pool"
    name: str
    kernel: Pair
    stride: Pair = (1, 1)
    padding: Sides = (0, 0, 0, 0)
    method: Literal["max", "avg"] = "max"


@dataclass(frozen=True, slots=True)
class Dropout:
    """Nothing, unless the network is being trained."""

    kind: ClassVar[str] = "dropout"
    name: str
    rate: float = 0.5


@dataclass(frozen=True, slots=True)
class Softmax:
    """exp(x) / sum of exp(x) over the channels."""

    kind: ClassVar[str] = "softmax"
    name: str


LayerSpec: TypeAlias = Convolution | Rectifier | Normalization | Pooling | Dropout | Softmax


def build(layers: Sequence[LayerSpec], channels: int = 3) -> nn.Sequential:
    """The network of these layers, under their names, with random weights.

    Under `torch.device("meta")` it takes neither time nor memory.

    Args:
        layers: the layers in order.
        channels: channels of the image.

    >>> build([Convolution("conv1", (3, 3), 8), Rectifier("relu1")])
    Sequential(
      (conv1): Conv2d(3, 8, kernel_size=(3, 3), stride=(1, 1))
      (relu1): ReLU()
    )
    """
    modules: OrderedDict[str, nn.Module] = OrderedDict()
    for layer in layers:
        modules[layer.name] = _module(layer, channels)
        if isinstance(layer, Convolution):
            channels = layer.channels
    return nn.Sequential(modules)


def _module(layer: LayerSpec, channels: int) -> nn.Module:
    match layer:
        case Convolution():
            return _convolution(layer, channels)
        case Rectifier(leak=leak):
            return nn.LeakyReLU(leak) if leak else nn.ReLU()
        case Normalization():
            return LocalResponseNorm(layer.size, layer.kappa, layer.alpha, layer.beta)
        case Pooling():
            return _pooling(layer)
        case Dropout(rate=rate):
            return nn.Dropout(rate)
        case Softmax():
            return nn.Softmax(dim=1)


def _convolution(layer: Convolution, channels: int) -> nn.Module:
    top, bottom, left, right = layer.padding
    if (top, left) != (bottom, right):
        return PaddedConv2d(
            channels,
            layer.channels,
            layer.kernel,
            layer.padding,
            layer.stride,
            layer.dilation,
            layer.groups,
        )
    return nn.Conv2d(
        channels,
        layer.channels,
        layer.kernel,
        layer.stride,
        (top, left),
        layer.dilation,
        layer.groups,
    )


def _pooling(layer: Pooling) -> nn.Module:
    """The pooling of torch itself where it equals the padded one: it copies nothing."""
    (height, width), (down, across) = layer.kernel, layer.stride
    is_max = layer.method == "max"
    if layer.padding == (0, 0, 0, 0):
        return (nn.MaxPool2d if is_max else nn.AvgPool2d)(layer.kernel, layer.stride)
    if not is_max:
        return PaddedAvgPool2d(layer.kernel, layer.stride, layer.padding)
    rounds_up = layer.padding == (0, down - 1, 0, across - 1)
    if rounds_up and down <= height and across <= width:
        return nn.MaxPool2d(layer.kernel, layer.stride, ceil_mode=True)
    return PaddedMaxPool2d(layer.kernel, layer.stride, layer.padding)
