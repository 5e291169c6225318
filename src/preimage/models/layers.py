"""Layers that compute as MatConvNet and Caffe do, and networks built of them.

MatConvNet pads each side of an image by its own amount; torch pads opposite sides alike. The
layers below are torch's with an additional `pads` = (top, bottom, left, right). No layer works
in place.
The formulas are those of the MatConvNet manual (Vedaldi & Lenc, ACM MM 2015, chapter 4).
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from typing import Any, final

import torch
from torch import Tensor, nn
from torch.nn.functional import pad

from preimage.models import architecture
from preimage.models.architecture import LayerSpec, Pair, Shape, Sides

_NO_EPSILON = 1e-30
"""An epsilon that changes no float32 variance above 1e-22; torch 2.10 refuses zero."""


@final
class PaddedConv2d(nn.Conv2d):
    """A convolution, with torch's arguments, of an image padded with zeros by `pads`.

    >>> import torch
    >>> layer = PaddedConv2d(1, 2, kernel_size=(2, 2), pads=(0, 1, 0, 1))
    >>> layer(torch.ones(1, 1, 4, 4)).shape
    torch.Size([1, 2, 4, 4])
    """

    def __init__(self, *filters: Any, pads: Sides, **options: Any) -> None:
        super().__init__(*filters, **options)
        self.pads = pads

    def forward(self, x: Tensor) -> Tensor:
        """Return maps (N, out_channels, H', W') of maps (N, in_channels, H, W)."""
        return super().forward(_pad(x, self.pads))


@final
class CroppedConvTranspose2d(nn.ConvTranspose2d):
    """A transposed convolution, with torch's arguments, whose result loses `crop` at its sides.

    >>> import torch
    >>> layer = CroppedConvTranspose2d(1, 2, kernel_size=4, stride=2, crop=(1, 0, 1, 0))
    >>> layer(torch.ones(1, 1, 4, 4)).shape
    torch.Size([1, 2, 9, 9])
    """

    def __init__(self, *filters: Any, crop: Sides, **options: Any) -> None:
        super().__init__(*filters, **options)
        self.crop = crop

    def forward(self, x: Tensor, output_size: list[int] | None = None) -> Tensor:
        """Return maps (N, out_channels, H', W') of maps (N, in_channels, H, W)."""
        top, bottom, left, right = self.crop
        y = super().forward(x, output_size)
        return y[:, :, top : y.shape[2] - bottom, left : y.shape[3] - right]


@final
class Scale(nn.Module):
    """x * multipliers + biases; these two are parameters, or else inputs after x.

    >>> import torch
    >>> layer = Scale(None, (2, 1, 1))
    >>> layer(torch.ones(1, 2, 4, 4), torch.ones(1, 2, 1, 1)).shape
    torch.Size([1, 2, 4, 4])
    """

    def __init__(self, multipliers: Shape | None, biases: Shape | None) -> None:
        super().__init__()
        self.weight = None if multipliers is None else nn.Parameter(torch.ones(multipliers))
        self.bias = None if biases is None else nn.Parameter(torch.zeros(biases))

    def forward(self, x: Tensor, *given: Tensor) -> Tensor:
        """Return maps of the shape of `x` (N, D, H, W)."""
        own = [values for values in (self.weight, self.bias) if values is not None]
        factors = [*given, *own]
        return x * factors[0] + factors[1] if len(factors) > 1 else x * factors[0]


@final
class Sum(nn.Module):
    """The sum of several maps."""

    def forward(self, x: Tensor, *others: Tensor) -> Tensor:
        """Return a map of the shape of all maps (N, D, H, W)."""
        for other in others:
            x = x + other
        return x


@final
class Concatenation(nn.Module):
    """Several maps, one after another along `axis`."""

    def __init__(self, axis: int) -> None:
        super().__init__()
        self.axis = axis

    def forward(self, *maps: Tensor) -> Tensor:
        """Return one map of several (N, D, H, W)."""
        return torch.cat(maps, self.axis)


@final
class Crop(nn.Module):
    """The part of a map that is as large as another one, from row and column `offset` on.

    If fewer rows or columns follow the offset, the part ends with the map.
    """

    def __init__(self, offset: Pair) -> None:
        super().__init__()
        self.offset = offset

    def forward(self, x: Tensor, like: Tensor) -> Tensor:
        """Return maps (N, D, H', W') of `x` (N, D, H, W), with H' and W' of `like`."""
        (rows, columns), (height, width) = x.shape[2:], like.shape[2:]
        top, left = min(self.offset[0], rows - height), min(self.offset[1], columns - width)
        return x[:, :, top : top + height, left : left + width]


@final
class PaddedMaxPool2d(nn.MaxPool2d):
    """The largest value in each window of an image padded with -infinity; sizes round down.

    >>> import torch
    >>> layer = PaddedMaxPool2d((2, 2), (2, 2), pads=(0, 1, 0, 1))
    >>> layer(torch.arange(9.0).view(1, 1, 3, 3) - 9).tolist()
    [[[[-5.0, -4.0], [-2.0, -1.0]]]]
    """

    def __init__(self, kernel_size: Pair, stride: Pair, pads: Sides) -> None:
        super().__init__(kernel_size, stride)
        self.pads = pads

    def forward(self, x: Tensor) -> Tensor:
        """Return maps (N, C, H', W') of maps (N, C, H, W)."""
        pooled: Tensor = super().forward(_pad(x, self.pads, float("-inf")))
        return pooled


@final
class PaddedAvgPool2d(nn.AvgPool2d):
    """The mean of each window's values, without the padding; sizes round down.

    >>> import torch
    >>> layer = PaddedAvgPool2d((2, 2), (2, 2), pads=(0, 1, 0, 1))
    >>> layer(torch.ones(1, 1, 3, 3)).tolist()
    [[[[1.0, 1.0], [1.0, 1.0]]]]
    """

    def __init__(self, kernel_size: Pair, stride: Pair, pads: Sides) -> None:
        super().__init__(kernel_size, stride)
        self.pads = pads

    def forward(self, x: Tensor) -> Tensor:
        """Return maps (N, C, H', W') of maps (N, C, H, W)."""
        inside = x.new_ones(1, 1, *x.shape[-2:])
        share = super().forward(_pad(inside, self.pads))
        return super().forward(_pad(x, self.pads)) / share


@final
class LocalResponseNorm(nn.LocalResponseNorm):
    """y = x / (kappa + alpha * sum of x^2 over `size` neighboring channels)^beta.

    The sum for channel k is over channels k - floor((size - 1) / 2) to k + ceil((size - 1) / 2).
    For an odd `size` the result is that of torch's layer with alpha times `size`, but three times
    as fast. For an even `size` torch's window is the mirror image of MatConvNet's.

    >>> import torch
    >>> layer = LocalResponseNorm(size=2, kappa=0, alpha=1, beta=0.5)
    >>> layer(torch.tensor([3.0, 4.0]).view(1, 2, 1, 1)).flatten().tolist()
    [0.6000000238418579, 1.0]
    """

    def __init__(self, size: int, kappa: float, alpha: float, beta: float) -> None:
        super().__init__(size, alpha * size, beta, kappa)

    def forward(self, x: Tensor) -> Tensor:
        """Return maps of the same shape (N, C, H, W)."""
        channels, before = x.shape[1], (self.size - 1) // 2
        squares = pad(x * x, (0, 0, 0, 0, before, self.size - 1 - before))
        energy = squares.narrow(1, 0, channels)
        for first in range(1, self.size):
            energy = energy + squares.narrow(1, first, channels)
        return x * (self.k + self.alpha / self.size * energy) ** -self.beta


def _pad(maps: Tensor, pads: Sides, value: float = 0.0) -> Tensor:
    top, bottom, left, right = pads
    return pad(maps, (left, right, top, bottom), value=value)


def build(layers: Sequence[LayerSpec], channels: int = 3) -> nn.Sequential:
    """Build the network of these layers, with random weights, for images of `channels` channels.

    Under `torch.device("meta")` this takes neither time nor memory.

    >>> build([architecture.Convolution("conv1", (3, 3), 8), architecture.Rectifier("relu1")])
    Sequential(
      (conv1): Conv2d(3, 8, kernel_size=(3, 3), stride=(1, 1))
      (relu1): ReLU()
    )
    """
    modules: OrderedDict[str, nn.Module] = OrderedDict()
    for layer in layers:
        modules[layer.name] = module_of(layer, channels)
        channels = architecture.channels_after(layer, [channels])
    return nn.Sequential(modules)


def module_of(layer: LayerSpec, channels: int) -> nn.Module:
    """Return the module of a layer, with random weights, for maps of `channels` channels."""
    match layer:
        case architecture.Convolution():
            return _convolution(layer, channels)
        case architecture.TransposedConvolution():
            filters = channels, layer.channels, layer.kernel, layer.stride
            return CroppedConvTranspose2d(*filters, groups=layer.groups, crop=layer.crop)
        case architecture.BatchNormalization():  # its deviation contains epsilon already
            return nn.BatchNorm2d(layer.channels, eps=_NO_EPSILON)
        case architecture.Scaling():
            return Scale(layer.multipliers, layer.biases)
        case _:
            return _without_weights(layer)


def _without_weights(layer: LayerSpec) -> nn.Module:
    match layer:
        case architecture.Normalization():
            return LocalResponseNorm(layer.size, layer.kappa, layer.alpha, layer.beta)
        case architecture.Pooling():
            return _pooling(layer)
        case architecture.Concatenation():
            return Concatenation(layer.axis)
        case architecture.Crop():
            return Crop(layer.offset)
        case _:
            return _pointwise(layer)


def _pointwise(layer: LayerSpec) -> nn.Module:
    match layer:
        case architecture.Rectifier():
            return nn.LeakyReLU(layer.leak) if layer.leak else nn.ReLU()
        case architecture.Dropout():
            return nn.Dropout(layer.rate)
        case architecture.Sigmoid():
            return nn.Sigmoid()
        case architecture.Softmax():
            return nn.Softmax(dim=1)
        case _:
            return Sum()


def _convolution(layer: architecture.Convolution, channels: int) -> nn.Module:
    top, bottom, left, right = layer.padding
    filters = channels, layer.channels, layer.kernel, layer.stride
    options: dict[str, Any] = {"dilation": layer.dilation, "groups": layer.groups}
    if (top, left) != (bottom, right):
        return PaddedConv2d(*filters, pads=layer.padding, **options)
    return nn.Conv2d(*filters, padding=(top, left), **options)


def _pooling(layer: architecture.Pooling) -> nn.Module:
    """Return torch's own pooling if it gives the same result: it needs no copy of the maps."""
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
