"""Crops of the images with the largest responses of a channel.

A crop is the receptive field of a response, in the image as the network sees it. Beyond the border
it shows what the network sees there: the mean color. A field that is longer than the image is cut
at the border.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from torch.nn.functional import pad

from preimage.checks import whole
from preimage.grid import Cell, draw_grid, in_rows
from preimage.names import parse_channels
from preimage.photo_files import Photos, photo_paths
from preimage.reporting.channels import describe_channel
from preimage.representations.layer import Layer
from preimage.representations.receptive_field import Box, ReceptiveField
from preimage.statistics import ChannelStatistics, load_known, measure

if TYPE_CHECKING:
    from PIL import Image

CROPS = 9
"""Number of crops of a channel."""

_TILE = 64
_GAP = 2


def top(
    layer: Layer,
    channels: int | Sequence[int] | str,
    *,
    reference: Photos | None = None,
    device: str = "cpu",
) -> Image.Image:
    """Return a picture of the parts of 9 photos that each channel responds to most.

    It is the picture of `preimage top`: each channel has a square, the strongest part first, with
    its number and largest response M below. Where a part reaches beyond the photo's border, it is
    filled with the mean color, which the network sees there. The statistics are kept in the cache
    folder, so that the same photos are looked at once; see `preimage.statistics.measure`.

    Args:
        layer: a layer of a network.
        channels: the number of a channel, several numbers, or a text such as "0-24,31" or "all".
        reference: the path of a photo or of a folder of photos, or a list of paths. By default,
            the photos are those from which `preimage.maximize` takes M.
        device: where to compute.

    Raises:
        ImageError: if none of the photos can be used.
        TypeError: if `layer` is no layer, or one of the photos is no path.
        ValueError: if the layer has no such channels.

    >>> import os, torch
    >>> from tempfile import TemporaryDirectory
    >>> from unittest.mock import patch
    >>> from preimage.preprocessing import Preprocessing
    >>> network = torch.nn.Sequential(torch.nn.Conv2d(3, 4, 3))
    >>> conv = Layer(network, "0", Preprocessing(mean=(127.5,) * 3, size=(34, 34)))
    >>> with TemporaryDirectory() as folder, patch.dict(os.environ, PREIMAGE_CACHE=folder):
    ...     picture = top(conv, [0, 3])
    >>> picture.width > 2 * 3 * 64  # of two channels, three photos in a row
    True
    """
    if not isinstance(layer, Layer):
        raise TypeError(f"top takes a layer, as network.layer(NAME), not a {type(layer).__name__}")
    chosen = _numbers(channels, layer.code_grid(*layer.default_size).channels)
    statistics = load_known(layer, reference, least=len(photo_paths()), to_show=True)
    if statistics is None:
        (statistics,) = measure(layer, reference, device=device).values()
    return draw_top_responses(layer, statistics, chosen)[0]


def _numbers(channels: int | Sequence[int] | str, count: int) -> list[int]:
    """Return the numbers of channels of a layer that has `count` of them.

    Raises:
        ValueError: if the layer has no such channel.

    >>> _numbers("1,3-4", 6), _numbers(5, 6), _numbers(range(2), 6)
    ([1, 3, 4], [5], [0, 1])
    """
    if isinstance(channels, str):
        return parse_channels(channels, count)
    several = channels if isinstance(channels, Iterable) else [channels]
    return [whole("a channel", channel, most=count - 1) for channel in several]


def response_box(
    field: ReceptiveField | None, position: Sequence[int], size: tuple[int, int]
) -> Box:
    """Return the part of an image that a response depends on; without a field, all of it.

    >>> response_box(ReceptiveField(size=11, stride=4, offset=3.0), (0, 5), (64, 64))
    Box(top=-2, left=18, bottom=9, right=29)
    >>> response_box(ReceptiveField(size=99, stride=4, offset=3.0), (0, 5), (64, 64))
    Box(top=0, left=0, bottom=53, right=64)
    """
    if field is None:
        return Box(0, 0, *size)
    box = field.box(position)
    cut = box.clipped(size)
    top, bottom = (box.top, box.bottom) if field.size <= size[0] else (cut.top, cut.bottom)
    left, right = (box.left, box.right) if field.size <= size[1] else (cut.left, cut.right)
    return Box(top, left, bottom, right)


def draw_top_responses(
    layer: Layer,
    statistics: ChannelStatistics,
    channels: Iterable[int],
    classes: Mapping[int, str] = MappingProxyType({}),
) -> tuple[Image.Image, list[dict[str, Any]]]:
    """Return a grid of the crops of channels, and a description of each channel with its boxes.

    A dead channel, whose response is the same in all images, gets an empty cell. Of a layer of
    class scores, `classes` has the names of channels.

    Raises:
        ImageError: if an image cannot be read any more.
    """
    described = [describe_channel(statistics, channel, CROPS) for channel in channels]
    tiles = _tiles(layer, [d for d in described if not d["dead"]])
    cells = [Cell(_mosaic(tiles.get(d["channel"], [])), _label(d, classes)) for d in described]
    return draw_grid(in_rows(cells)), described


def _tiles(layer: Layer, described: list[dict[str, Any]]) -> dict[int, list[Image.Image]]:
    """Return the crops of each channel; add their boxes to `described`; read images once."""
    field, prescribed = layer.receptive_field, layer.preprocessing
    tiles: dict[int, list[Image.Image]] = {d["channel"]: [] for d in described}
    responses = [(d["channel"], response) for d in described for response in d["top"]]
    cut: dict[tuple[int, str], Image.Image] = {}
    for path in {response["image"] for _, response in responses}:
        x = prescribed.load(path)
        height, width = x.shape[-2:]
        for channel, response in responses:
            if response["image"] == path:
                box = response_box(field, response["position"], (height, width))
                top, left, bottom, right = response["box"] = box
                crop = pad(x, (-left, right - width, -top, bottom - height))
                cut[channel, path] = prescribed.to_pil(crop)
    for channel, response in responses:
        tiles[channel].append(cut[channel, response["image"]])
    return tiles


def _mosaic(tiles: list[Image.Image]) -> Image.Image:
    """Return a square of crops of one size, the largest response first, row by row."""
    from PIL import Image, ImageOps

    columns = math.isqrt(CROPS)
    side = columns * (_TILE + _GAP) - _GAP
    mosaic = Image.new("RGB", (side, side), "white" if tiles else "lightgray")
    for index, tile in enumerate(tiles):
        small = max(tile.size) < _TILE
        method = Image.Resampling.BICUBIC if small else Image.Resampling.LANCZOS
        fitted = ImageOps.contain(tile.convert("RGB"), (_TILE, _TILE), method)
        row, column = divmod(index, columns)
        left = column * (_TILE + _GAP) + (_TILE - fitted.width) // 2
        top = row * (_TILE + _GAP) + (_TILE - fitted.height) // 2
        mosaic.paste(fitted, (left, top))
    return mosaic


def _label(described: dict[str, Any], classes: Mapping[int, str]) -> str:
    """Return the number of a channel, or the name of its class, and its largest response."""
    name = classes.get(described["channel"], str(described["channel"]))
    if described["dead"]:
        return f"{name}: dead"
    words = "score up to" if described["channel"] in classes else "M ="
    return f"{name}: {words} {described['maximum']:.3g}"
