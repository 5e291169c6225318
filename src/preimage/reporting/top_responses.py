"""What a channel answers most to: crops of the images with its largest responses.

A crop is what the response depends on by the layer's receptive field, of the image as the
network sees it. Where it reaches beyond the border it shows what the network sees there: the
mean color. A field that is larger than the image is cut at the border.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

from torch.nn.functional import pad

from preimage.reporting.channels import describe_channel
from preimage.reporting.grid import Cell, draw_grid
from preimage.representations.layer import Layer
from preimage.representations.receptive_field import ReceptiveField
from preimage.statistics import ChannelStatistics

if TYPE_CHECKING:
    from PIL import Image

Box: TypeAlias = tuple[int, int, int, int]
"""Left, top, right and bottom in pixels; right and bottom do not belong to it."""

CROPS = 9
"""How many crops of a channel are shown."""

_TILE = 64
_GAP = 2
_COLUMNS = 5


def response_box(
    field: ReceptiveField | None, position: Sequence[int], height: int, width: int
) -> Box:
    """What a response at `position` of a map depends on in an image; all of it without a field.

    >>> response_box(ReceptiveField(size=11, stride=4, offset=3.0), (0, 5), 64, 64)
    (18, -2, 29, 9)
    >>> response_box(ReceptiveField(size=99, stride=4, offset=3.0), (0, 5), 64, 64)
    (0, 0, 64, 53)
    """
    if field is None:
        return (0, 0, width, height)
    (top, bottom), (left, right) = (
        _extent(field, at, side) for at, side in zip(position, (height, width), strict=True)
    )
    return (left, top, right, bottom)


def _extent(field: ReceptiveField, at: int, side: int) -> tuple[int, int]:
    first = round(field.offset + at * field.stride - (field.size - 1) / 2)
    if field.size <= side:
        return first, first + field.size
    return max(first, 0), min(first + field.size, side)


def draw_top_responses(
    layer: Layer, statistics: ChannelStatistics, channels: Iterable[int]
) -> tuple[Image.Image, list[dict[str, Any]]]:
    """A grid of the crops of channels, and a description of each channel with their boxes.

    Args:
        layer: the layer.
        statistics: its statistics.
        channels: which of its channels; a dead one gets an empty cell.

    Raises:
        ImageError: if an image is not there any more.
    """
    described = [describe_channel(statistics, channel, CROPS) for channel in channels]
    tiles = _tiles(layer, [d for d in described if not d["dead"]])
    cells = [Cell(_mosaic(tiles.get(d["channel"], [])), _label(d)) for d in described]
    rows = [cells[i : i + _COLUMNS] for i in range(0, len(cells), _COLUMNS)]
    return draw_grid(rows), described


def _tiles(layer: Layer, described: list[dict[str, Any]]) -> dict[int, list[Image.Image]]:
    """The crops of each channel, their boxes put down; every image is read once."""
    field, prescribed = layer.receptive_field, layer.preprocessing
    tiles: dict[int, list[Image.Image]] = {d["channel"]: [] for d in described}
    responses = [(d["channel"], response) for d in described for response in d["top"]]
    cut: dict[tuple[int, str], Image.Image] = {}
    for path in {response["image"] for _, response in responses}:
        x = prescribed.load(path)
        height, width = x.shape[-2:]
        for channel, response in responses:
            if response["image"] == path:
                box = response_box(field, response["position"], height, width)
                left, top, right, bottom = response["box"] = box
                crop = pad(x, (-left, right - width, -top, bottom - height))
                cut[channel, path] = prescribed.to_pil(crop)
    for channel, response in responses:
        tiles[channel].append(cut[channel, response["image"]])
    return tiles


def _mosaic(tiles: list[Image.Image]) -> Image.Image:
    """Crops at one size, the largest response first, row by row."""
    from PIL import Image, ImageOps

    columns = math.isqrt(CROPS)
    side = columns * (_TILE + _GAP) - _GAP
    mosaic = Image.new("RGB", (side, side), "white" if tiles else "lightgray")
    for index, tile in enumerate(tiles):
        small = max(tile.size) < _TILE
        method = Image.Resampling.BICUBIC if small else Image.Resampling.LANCZOS
        fitted = ImageOps.contain(tile.convert("RGB"), (_TILE, _TILE), method)
        row, column = divmod(index, columns)
        left, top = (place * (_TILE + _GAP) for place in (column, row))
        mosaic.paste(
            fitted, (left + (_TILE - fitted.width) // 2, top + (_TILE - fitted.height) // 2)
        )
    return mosaic


def _label(described: dict[str, Any]) -> str:
    value = "dead" if described["dead"] else f"{described['maximum']:.3g}"
    return f"{described['channel']}: {value}"
