"""Layers that compute as MatConvNet and Caffe do, where torch's own differ.

MatConvNet pads each side of an image by its own amount, `pads` = (top, bottom, left,
right); torch's layers pad opposite sides alike. A layer here is a torch layer with
`pads` besides, so that whoever reads kernel, stride and groups finds them as usual.
No layer works in place.

The formulas are those of the MatConvNet manual (Vedaldi & Lenc, ACM MM 2015, chapter 4).
"""

from __future__ import annotations

from typing import TypeAlias, final

from torch import Tensor, nn
from torch.nn.functional import pad

Pair: TypeAlias = tuple[int, int]
"""Along the vertical axis, along the horizontal one."""

Sides: TypeAlias = tuple[int, int, int, int]
"""Top, bottom, left, right."""


@final
class PaddedConv2d(nn.Conv2d):
    """Correlation of an image padded with zeros, by `pads` on its four sides.

    >>> import torch
    >>> layer = PaddedConv2d(1, 2, kernel_size=(2, 2), pads=(0, 1, 0, 1))
    >>> layer(torch.ones(1, 1, 4, 4)).shape
    torch.Size([1, 2, 4, 4])
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: Pair,
        pads: Sides,
        stride: Pair = (1, 1),
        dilation: Pair = (1, 1),
        groups: int = 1,
    ) -> None:
        super().__init__(
            in_channels, out_channels, kernel_size, stride, dilation=dilation, groups=groups
        )
        self.pads = pads

    def forward(self, x: Tensor) -> Tensor:
        """Maps (N, out_channels, H', W') of maps (N, in_channels, H, W)."""
        return super().forward(_pad(x, self.pads))


@final
class PaddedMaxPool2d(nn.MaxPool2d):
    """The largest value in each window of an image padded with -infinity; rounds down.

    >>> import torch
    >>> layer = PaddedMaxPool2d((2, 2), (2, 2), pads=(0, 1, 0, 1))
    >>> layer(torch.arange(9.0).view(1, 1, 3, 3) - 9).tolist()
    [[[[-5.0, -4.0], [-2.0, -1.0]]]]
    """

    def __init__(self, kernel_size: Pair, stride: Pair, pads: Sides) -> None:
        super().__init__(kernel_size, stride)
        self.pads = pads

    def forward(self, x: Tensor) -> Tensor:
        """Maps (N, C, H', W') of maps (N, C, H, W)."""
        pooled: Tensor = super().forward(_pad(x, self.pads, float("-inf")))
        return pooled


@final
class PaddedAvgPool2d(nn.AvgPool2d):
    """The mean of each window's values, those of the padding not counted; rounds down.

    >>> import torch
    >>> layer = PaddedAvgPool2d((2, 2), (2, 2), pads=(0, 1, 0, 1))
    >>> layer(torch.ones(1, 1, 3, 3)).tolist()
    [[[[1.0, 1.0], [1.0, 1.0]]]]
    """

    def __init__(self, kernel_size: Pair, stride: Pair, pads: Sides) -> None:
        super().__init__(kernel_size, stride)
        self.pads = pads

    def forward(self, x: Tensor) -> Tensor:
        """Maps (N, C, H', W') of maps (N, C, H, W)."""
        inside = x.new_ones(1, 1, *x.shape[-2:])
        share = super().forward(_pad(inside, self.pads))
        return super().forward(_pad(x, self.pads)) / share


@final
class LocalResponseNorm(nn.LocalResponseNorm):
    """y = x / (kappa + alpha * sum of x^2 over `size` neighboring channels)^beta.

    Channel k looks at channels k - floor((size - 1) / 2) to k + ceil((size - 1) / 2).
    For an odd `size` this is torch's layer with alpha times `size`, three times as fast;
    for an even one torch's window is the mirror image of MatConvNet's.

    >>> import torch
    >>> layer = LocalResponseNorm(size=2, kappa=0, alpha=1, beta=0.5)
    >>> layer(torch.tensor([3.0, 4.0]).view(1, 2, 1, 1)).flatten().tolist()
    [0.6000000238418579, 1.0]
    """

    def __init__(self, size: int, kappa: float, alpha: float, beta: float) -> None:
        super().__init__(size, alpha * size, beta, kappa)

    def forward(self, x: Tensor) -> Tensor:
        """Maps of the shape of the maps (N, C, H, W)."""
        channels, before = x.shape[1], (self.size - 1) // 2
        squares = pad(x * x, (0, 0, 0, 0, before, self.size - 1 - before))
        energy = squares.narrow(1, 0, channels)
        for first in range(1, self.size):
            energy = energy + squares.narrow(1, first, channels)
        return x * (self.k + self.alpha / self.size * energy) ** -self.beta


def _pad(maps: Tensor, pads: Sides, value: float = 0.0) -> Tensor:
    top, bottom, left, right = pads
    return pad(maps, (left, right, top, bottom), value=value)
