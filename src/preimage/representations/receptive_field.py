"""The part of the image that a component of a layer sees (Tables 1-3).

A chain of layers with kernels k_l and strides s_l has, by the chain rule, the stride
S_l = s_l S_(l-1) and the receptive field r_l = r_(l-1) + (k_l - 1) S_(l-1), with
S_0 = r_0 = 1. Each layer moves the first field's center by
((k_l - 1) / 2 - p_l) S_(l-1), where p_l is the padding at the top and at the left.
Padding and depth can make a field larger than the image.

In other networks `field_tracing` follows which rows of the image each component depends on;
where it cannot, `measure` finds them by gradients.

    >>> trunk = nn.Sequential(nn.Conv2d(3, 8, 11, stride=4), nn.ReLU(), nn.MaxPool2d(3, 2))
    >>> chain_rule(trunk)["2"]
    ReceptiveField(size=19, stride=8, offset=9.0)
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

_WINDOWED = (nn.Conv2d, nn.MaxPool2d, nn.AvgPool2d)
_ACTIVATIONS = (nn.ReLU, nn.ReLU6, nn.LeakyReLU, nn.ELU, nn.GELU, nn.SiLU, nn.Hardswish)
_SQUASHING = (nn.Sigmoid, nn.Tanh, nn.Softmax)
_OTHERS = (nn.Identity, nn.Dropout, nn.Dropout2d, nn.BatchNorm2d, nn.LocalResponseNorm)
_POINTWISE = _ACTIVATIONS + _SQUASHING + _OTHERS

_Code = Callable[[Tensor], Tensor]
_LARGEST_STRIDE = 32
_TRIALS = 3
_ENLARGEMENTS = (1, 2, 4, 8)
_SECONDS = 10.0
"""Time after which `measure` gives up. A taller image takes at least as long as all before it."""


class Box(NamedTuple):
    """A rectangle of pixels; the row `bottom` and the column `right` are the first outside."""

    top: int
    left: int
    bottom: int
    right: int

    def clipped(self, size: tuple[int, int]) -> Box:
        """Return the part that lies inside an image of this height and width.

        >>> Box(-2, 18, 9, 29).clipped((64, 24))
        Box(top=0, left=18, bottom=9, right=24)
        """
        bottom, right = min(self.bottom, size[0]), min(self.right, size[1])
        return Box(max(self.top, 0), max(self.left, 0), bottom, right)

    def moved_into(self, size: tuple[int, int]) -> Box:
        """Return the box moved into an image of this height and width, clipped if it is larger.

        >>> Box(-2, 18, 9, 29).moved_into((64, 24))
        Box(top=0, left=13, bottom=11, right=24)
        """
        height, width = self.bottom - self.top, self.right - self.left
        top = min(max(self.top, 0), max(size[0] - height, 0))
        left = min(max(self.left, 0), max(size[1] - width, 0))
        return Box(top, left, top + min(height, size[0]), left + min(width, size[1]))


@dataclass(frozen=True, slots=True)
class ReceptiveField:
    """The square of the image that one component of a layer depends on, in pixels.

    Attributes:
        size: side of the square.
        stride: distance between the squares of neighboring components; a fraction if the map is
            finer than the image.
        offset: center of the square of the first component along either axis; the first
            pixel's center is 0.
    """

    size: int
    stride: float
    offset: float

    def box(self, position: Sequence[int], side: int | None = None) -> Box:
        """Return the square around a response, which can reach beyond the image.

        Args:
            position: row and column of the response.
            side: side of the square; by default `size`.

        >>> ReceptiveField(size=11, stride=4, offset=3.0).box((0, 5))
        Box(top=-2, left=18, bottom=9, right=29)
        """
        side = self.size if side is None else side
        top, left = (round(self.offset + at * self.stride - (side - 1) / 2) for at in position)
        return Box(top, left, top + side, left + side)


def chain_rule(layers: nn.Sequential) -> dict[str, ReceptiveField]:
    """Return the receptive field of every layer of a chain, by name.

    A layer may have `pads` = (top, bottom, left, right) beside its padding.

    Raises:
        ValueError: if a layer is neither pointwise nor a square convolution or pooling.
    """
    fields: dict[str, ReceptiveField] = {}
    field = ReceptiveField(1, 1, 0.0)
    for name, layer in layers.named_children():
        if isinstance(layer, _WINDOWED):
            field = _after(field, layer, name)
        elif not isinstance(layer, _POINTWISE):
            raise ValueError(
                f"the chain rule does not cover layer {name}, a {type(layer).__name__}"
            )
        fields[name] = field
    return fields


def _after(field: ReceptiveField, layer: Any, name: str) -> ReceptiveField:
    """Return the field after a convolution or a pooling."""
    if isinstance(layer.padding, str):
        raise ValueError(f"layer {name} has padding {layer.padding!r}, not a number of pixels")
    top, _, left, _ = getattr(layer, "pads", (0, 0, 0, 0))
    pad_y, pad_x = _pair(layer.padding)
    padding = _square((pad_y + top, pad_x + left), name)
    stride = _square(layer.stride, name)
    reach = (_square(layer.kernel_size, name) - 1) * _square(getattr(layer, "dilation", 1), name)
    size = field.size + reach * field.stride
    offset = field.offset + (reach / 2 - padding) * field.stride
    return ReceptiveField(round(size), field.stride * stride, offset)


def _pair(value: Any) -> tuple[int, int]:
    return value if isinstance(value, tuple) else (value, value)


def _square(value: Any, name: str) -> int:
    vertical, horizontal = _pair(value)
    if vertical != horizontal:
        raise ValueError(
            f"layer {name} is not square: {vertical} vertically, {horizontal} horizontally"
        )
    return vertical


def grid_stride(code_shape: Callable[[int, int], tuple[int, ...]], size: tuple[int, int]) -> int:
    """Return the image rows per row of a map, from the map's heights for two image heights.

    If the network takes only one size, image and code are compared at that size. A code
    without a grid, or with a single component, has 32, as fc6-fc8 in Tables 1-3.

    Args:
        code_shape: see `Representation.code_shape`: (K, H', W'), (T, K) or (K,).
        size: height and width that the network takes.

    >>> grid_stride(lambda height, width: (8, (height - 3) // 2, (width - 3) // 2), (32, 32))
    2
    """
    height, width = size
    shape = code_shape(height, width)
    if len(shape) == 2:
        return min(max(round((height * width / shape[0]) ** 0.5), 1), _LARGEST_STRIDE)
    if len(shape) != 3 or shape[1] == 1:
        return _LARGEST_STRIDE
    try:
        more = code_shape(2 * height, width)[1] - shape[1]
    except ValueError:
        more = 0
    stride = height / (more if more > 0 else shape[1])
    return min(max(round(stride), 1), _LARGEST_STRIDE)


def measure(code: _Code, size: tuple[int, int], channels: int = 3) -> ReceptiveField | None:
    """Return the receptive field of a map, from the rows that two of its components depend on.

    Noise images are made taller, up to eightfold, until every row that either component
    sees lies inside, or for about ten seconds. Rows whose gradient happens to vanish in all
    images are missed: a field after many rectifiers can come out a little too small.

    Args:
        code: returns the codes of images (N, D, H, W), in the core's units.
        size: height and width of images that the network takes.
        channels: D.

    Returns:
        The receptive field. None if the code is not a map (N, K, H', W'), if a component depends
        on the whole height of every image, if the time runs out, or if the rows that components
        see do not move with them, as in windowed attention.

    >>> torch.manual_seed(0) and measure(nn.Conv2d(1, 4, 5, 2), (32, 32), channels=1)
    ReceptiveField(size=5, stride=2, offset=2.0)
    """
    began = time.perf_counter()
    width = _narrow(code, size, channels)
    for times in _ENLARGEMENTS:
        if 2 * (time.perf_counter() - began) > _SECONDS:
            return None
        try:
            spans = _dependencies(code, (times * size[0], width), channels)
        except (ValueError, RuntimeError, AssertionError):
            return None  # the network takes no other size
        if spans is None:
            return None
        (first, last), (next_first, next_last), row, apart, rows = spans
        if first > 0 and next_last < times * size[0] - 1:
            middle, next_middle = (first + last) / 2, (next_first + next_last) / 2
            stride = max(round((next_middle - middle) / apart), 1)
            if not 1 / 2 <= stride * rows / (times * size[0]) <= 2:
                return None  # both lie in one window, or in two of them
            return ReceptiveField(last - first + 1, stride, middle - row * stride)
    return None


def _narrow(code: _Code, size: tuple[int, int], channels: int) -> int:
    """Return a quarter of the width if the network takes that, else all: only rows matter."""
    width = max(size[1] // 4, min(_LARGEST_STRIDE, size[1]))
    try:
        with torch.no_grad():
            code(torch.zeros(1, channels, size[0], width, dtype=torch.float32, device="cpu"))
    except (ValueError, RuntimeError, AssertionError):
        return size[1]
    return width


_Span = tuple[int, int]
_Spans = tuple[_Span, _Span, int, int, int]


def _dependencies(code: _Code, size: tuple[int, int], channels: int) -> _Spans | None:
    """Return the image rows that two components see, their place, and the number of rows.

    Their place is the row of the first one in the map and the distance to the second.
    None if the code is not a map, has fewer than two rows, or does not depend on the image.
    """
    generator = torch.Generator().manual_seed(0)
    seen = torch.zeros(2, size[0], dtype=torch.bool, device="cpu")
    for _ in range(_TRIALS):
        shape = (1, channels, *size)
        values = torch.rand(shape, generator=generator, dtype=torch.float32, device="cpu")
        noise = 255 * values - 127.5
        with torch.enable_grad():
            codes = code(noise.requires_grad_())
        if codes.ndim != 4 or codes.shape[2] < 2:
            return None
        apart = max(codes.shape[2] // 8, 1)
        row = (codes.shape[2] - apart) // 2
        weights = torch.randn(
            codes.shape[1], generator=generator, dtype=torch.float32, device="cpu"
        )
        for index, at in enumerate((row, row + apart)):
            component = (codes[0, :, at, codes.shape[3] // 2] * weights).sum()
            (gradient,) = torch.autograd.grad(component, noise, retain_graph=index == 0)
            seen[index] |= gradient.abs().sum((0, 1, 3)) > 0
    if not bool(seen.any(1).all()):
        return None
    one, other = (rows.nonzero()[[0, -1], 0].tolist() for rows in seen)
    return (one[0], one[1]), (other[0], other[1]), row, apart, codes.shape[2]
