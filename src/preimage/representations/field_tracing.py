"""Receptive fields in any network, traced through one forward pass.

A map is computed from an image that is several times taller than wide, and from one that is
wider than tall. In the middle of the map, component i sees the rows from f_i to l_i. With the
stride S, the receptive field is the smallest square that covers them all: from min (f_i - S i)
to max (l_i - S i). After an upsampling or within windows, the
number of rows differs between neighboring components. Elsewhere all see equally many, and the
field agrees with the chain rule, whatever paths lead from the image to the map.

    >>> branches = [torch.nn.Conv2d(1, 2, 3, 2, 1), torch.nn.Conv2d(1, 2, 7, 2, 3)]
    >>> def outputs(x: Tensor) -> dict[str, Tensor]:
    ...     return {"sum": branches[0](x) + branches[1](x), "mean": x.mean((2, 3))}
    >>> trace(outputs, (32, 32), channels=1)
    {'sum': ReceptiveField(size=7, stride=2, offset=0.0), 'mean': None}
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from functools import partial
from typing import NamedTuple, TypeVar

import torch
from torch import Tensor

from preimage.representations.dependence import Dependence
from preimage.representations.receptive_field import ReceptiveField, measure

Name = TypeVar("Name")
_Outputs = Callable[[Tensor], Mapping[Name, Tensor]]
_NARROWEST = 32
_SURE = 4
"""Number of components in the middle that must see equally many rows."""
_LENGTHS = (8, 2)
"""Lengths of the images along the traced axis, as multiples of the network's own; the first that
the network takes."""


class _Span(NamedTuple):
    """The first and last rows that the first component would see in an image without borders."""

    first: int
    last: int
    stride: float
    is_sure: bool
    """True if several components were compared and all see equally many rows."""


def trace(
    outputs: _Outputs[Name],
    size: tuple[int, int],
    channels: int = 3,
    device: torch.device | None = None,
) -> dict[Name, ReceptiveField | None]:
    """Return the receptive fields of several maps, by name.

    Args:
        outputs: returns the codes of images (N, D, H, W), in the core's units, by name.
        size: height and width of images that the network takes.
        channels: D.
        device: where the network is; by default the CPU.

    Returns:
        The field of each map (N, K, H', W') or grid of tokens (N, T, K); None if a component sees
        the whole image, if the code is a vector, or if rows and columns differ in stride. Codes
        whose dependence on the image cannot be followed are left out.
    """
    rows = _spans(outputs, size, channels, 2, device)
    if not any(rows.values()):
        return dict.fromkeys(rows)
    columns = _spans(outputs, size, channels, 3, device)
    return {name: _square(span, columns[name]) for name, span in rows.items() if name in columns}


def find_field(
    code: Callable[[Tensor], Tensor],
    size: tuple[int, int],
    channels: int = 3,
    device: torch.device | None = None,
) -> ReceptiveField | None:
    """Return the receptive field of a map by `trace` or, if that cannot follow it, by `measure`."""
    found = trace(lambda image: {"code": code(image)}, size, channels, device)
    return found["code"] if found else measure(code, size, channels)


def _square(rows: _Span | None, columns: _Span | None) -> ReceptiveField | None:
    """Return the smallest field that covers both spans."""
    if rows is None or columns is None or rows.stride != columns.stride:
        return None
    first, last = min(rows.first, columns.first), max(rows.last, columns.last)
    return ReceptiveField(last - first + 1, rows.stride, (first + last) / 2)


def _spans(
    outputs: _Outputs[Name],
    size: tuple[int, int],
    channels: int,
    axis: int,
    device: torch.device | None,
) -> dict[Name, _Span | None]:
    """Return the span of each map along an axis: 2 for rows, 3 for columns."""
    along, across = size if axis == 2 else size[::-1]

    def run(times: int, width: int) -> _Found[Name] | None:
        shape = (times * along, width) if axis == 2 else (width, times * along)
        image = torch.zeros(1, channels, *shape, dtype=torch.float32, device=device or "cpu")
        try:
            with torch.no_grad(), Dependence(image, axis) as dependence:
                codes = outputs(image)
        except (ValueError, RuntimeError, AssertionError, IndexError):
            return None  # the network takes no images of this size
        ends = {name: dependence.rows(code) for name, code in codes.items()}
        return {
            name: _span(rows, codes[name], times * along)
            for name, rows in ends.items()
            if rows is not None
        }

    narrow = min(_NARROWEST, across)
    for width in dict.fromkeys((narrow, across // 4, across // 3, across // 2, across)):
        if width >= narrow and (own := run(1, width)) is not None:
            return _longer(own, partial(run, width=width))
    return {}


_Found = dict[Name, tuple[_Span | None, int]]
"""The span of each map, and its number of components along the axis."""


def _longer(
    own: _Found[Name], run: Callable[[int], _Found[Name] | None]
) -> dict[Name, _Span | None]:
    """Return the spans in longer images, as far as the network takes them.

    A map whose length stays the same, as after an adaptive pooling, keeps its span in an image of
    the network's own size.
    """
    found = {name: span for name, (span, _) in own.items()}
    if all(span is not None and span.is_sure for span in found.values()):
        return found
    longer = next(filter(None, map(run, _LENGTHS)), {})
    counts = {name: count for name, (_, count) in own.items()}
    return found | {n: span for n, (span, count) in longer.items() if count > counts.get(n, 0)}


def _span(rows: tuple[Tensor, Tensor], code: Tensor, length: int) -> tuple[_Span | None, int]:
    """Return the span in an image of `length` rows, and the number of components along them.

    The span is None if a component in the middle sees a border of the image. `rows` are the
    first and the last that each component of `code` depends on.
    """
    ends = _along(*rows, code, length)
    if ends is None:
        return None, 0
    count = len(ends[0])
    start, end = 3 * count // 8, max(5 * count // 8, 3 * count // 8 + 2)
    top, bottom = ends[0][start:end], ends[1][start:end]
    if float(top.min()) <= 0 or float(bottom.max()) >= length - 1:
        return None, count
    index = torch.arange(start, end, dtype=top.dtype, device=top.device)
    steps = torch.cat([top.diff(), bottom.diff()])
    is_uniform = bool((steps == steps[0]).all() and steps[0] > 0)  # 0 within one window
    finer = round(count / length)  # more than 1 after an upsampling beyond the image
    coarser = max(round(float(steps[0]) if is_uniform else length / count), 1)
    stride = 1 / finer if finer > 1 else coarser
    first = math.floor((top - stride * index).min())
    last = math.ceil((bottom - stride * index).max())
    return _Span(first, last, stride, is_uniform and len(index) >= _SURE), count


def _along(first: Tensor, last: Tensor, code: Tensor, length: int) -> tuple[Tensor, Tensor] | None:
    """Return the rows that the components see, along the one axis of a code where they differ.

    The axis is searched for, because a map can have its channels last. The tokens of one row of
    their grid see the same rows of the image and count as one. None if there is no such axis.
    """
    if code.ndim == 3:
        return _rows_of_tokens(first, last, code.shape[1], length)
    for axis in range(1, code.ndim if code.ndim == 4 else 0):
        others = [n for n in range(code.ndim) if n != axis]
        top, bottom = first.amin(others), last.amax(others)
        if len(top) == len(bottom) > 2 and bool((top.diff() > 0).any()):
            return top, bottom
    return None


def _rows_of_tokens(
    first: Tensor, last: Tensor, count: int, length: int
) -> tuple[Tensor, Tensor] | None:
    """Return the rows of the image that each row of tokens sees; None for fewer than three.

    Tokens that see nothing or the whole image, such as a class token, belong to no row.
    """
    ends = torch.stack([first.amin((0, 2)).expand(count), last.amax((0, 2)).expand(count)], 1)
    in_grid = ends.isfinite().all(1) & (ends[:, 1] - ends[:, 0] < length - 1)
    rows = ends[in_grid].unique(dim=0)
    return None if len(rows) < 3 else (rows[:, 0], rows[:, 1])
