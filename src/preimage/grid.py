"""Labelled grids of pictures, laid out as in the paper's figures."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from PIL import Image

    from preimage.representations.receptive_field import Box

T = TypeVar("T")

_GAP = 8
_SMALLEST = 112
"""Smallest longer side of a picture in a grid, in pixels."""


_MOST_PIXELS = 500_000_000
"""The most pixels of a grid."""


@dataclass(frozen=True, slots=True)
class Cell:
    """A picture and the words below it.

    Attributes:
        image: the picture.
        label: the words.
        others: words that stand at the same place in other grids; this one gets room for them, so
            that all are of one size.
    """

    image: Image.Image
    label: str
    others: Sequence[str] = ()


def draw_grid(
    rows: Sequence[Sequence[Cell]], font_size: int = 15, heading: str = ""
) -> Image.Image:
    """Draw rows of labelled pictures on white; small pictures are enlarged.

    A column is as wide as its widest picture or label. Rows may differ in length. A heading stands
    above all rows.

    Raises:
        ValueError: if the grid would be too large.
    """
    from PIL import Image, ImageDraw, ImageFont

    rows = [[replace(cell, image=enlarge(cell.image)) for cell in row] for row in rows]
    font = ImageFont.load_default(size=font_size)
    columns = max(len(row) for row in rows)
    caption = 2 * font_size

    def width_of(cell: Cell) -> int:
        words = max(font.getlength(label) for label in (cell.label, *cell.others))
        return max(cell.image.width, math.ceil(words))

    widths = [max(width_of(row[i]) for row in rows if i < len(row)) for i in range(columns)]
    heights = [max(cell.image.height for cell in row) + caption for row in rows]
    top = caption if heading else _GAP
    size = (
        max(sum(widths) + _GAP * (columns + 1), math.ceil(font.getlength(heading)) + 2 * _GAP),
        sum(heights) + _GAP * len(rows) + top,
    )
    if math.prod(size) > _MOST_PIXELS:
        raise ValueError(
            f"a picture of {sum(map(len, rows))} results side by side would have {size[0]} x "
            f"{size[1]} pixels: ask for fewer, or write each into a folder (--out)"
        )
    canvas = Image.new("RGB", size, "white")
    draw = ImageDraw.Draw(canvas)
    draw.text((_GAP, _GAP), heading, fill="black", font=font)
    y = top
    for row, height in zip(rows, heights, strict=True):
        x = _GAP
        for cell, width in zip(row, widths, strict=False):
            left = x + (width - cell.image.width) // 2
            canvas.paste(cell.image.convert("RGB"), (left, y))
            middle = (x + width / 2, y + height - caption + font_size * 0.4)
            draw.text(middle, cell.label, fill="black", font=font, anchor="ma")
            x += width + _GAP
        y += height + _GAP
    return canvas


COLUMNS = 5
"""The most pictures in a row of a grid, unless it would then be higher than wide."""


def even_columns(count: int, most: int = COLUMNS) -> int:
    """Return a number of columns for so many cells that leaves few gaps in the last row.

    It is at least that of a square, and at most `most`. Among equals, the rows are the fewest.

    >>> [even_columns(count) for count in (1, 3, 6, 7, 8, 9, 10, 11)]
    [1, 3, 3, 4, 4, 3, 5, 4]
    """
    least = min(math.ceil(math.sqrt(max(1, count))), most)
    return min(range(least, most + 1), key=lambda columns: (-count % columns, -columns))


def in_rows(cells: Sequence[T], columns: int | None = None) -> list[Sequence[T]]:
    """Return cells as rows of so many columns; by default, of about equal length.

    >>> [len(row) for row in in_rows("abcde", 2)]
    [2, 2, 1]
    """
    columns = columns or even_columns(len(cells))
    return [cells[start : start + columns] for start in range(0, len(cells), columns)]


def arrange(groups: Sequence[Sequence[T]], columns: int | None = None) -> list[Sequence[T]]:
    """Return groups of cells as rows: a row for each if they are as long and short enough.

    Otherwise, and with a given number of columns, all cells follow each other as in `in_rows`.

    >>> arrange(["abc", "def"]), arrange(["ab", "c"]), arrange(["abc", "def"], 2)
    (['abc', 'def'], [['a', 'b', 'c']], [['a', 'b'], ['c', 'd'], ['e', 'f']])
    """
    lengths = {len(group) for group in groups}
    if columns is None and len(groups) > 1 and len(lengths) == 1 and 1 < max(lengths) <= COLUMNS:
        return list(groups)
    return in_rows([cell for group in groups for cell in group], columns)


def enlarge(picture: Image.Image) -> Image.Image:
    """Return a small picture enlarged by a whole factor; a larger one as it is."""
    from PIL import Image

    factor = -(-_SMALLEST // max(picture.size))
    size = (factor * picture.width, factor * picture.height)
    return picture if factor == 1 else picture.resize(size, Image.Resampling.NEAREST)


def draw_box(picture: Image.Image, box: Box | None) -> Image.Image:
    """Return the picture with a white frame around a box (Figure 9); without a box, unchanged.

    Dark lines on both sides show the frame at the picture's edge, on a white page, too.
    """
    from PIL import ImageDraw

    if box is None:
        return picture
    picture = picture.convert("RGB")
    top, left, bottom, right = box.clipped((picture.height, picture.width))
    ends = (left, top, right - 1, bottom - 1)  # Pillow draws the last row and column too
    draw = ImageDraw.Draw(picture)
    if min(right - left, bottom - top) > 4:
        draw.rectangle(ends, outline="black", width=4)
        ends = (left + 1, top + 1, right - 2, bottom - 2)
    draw.rectangle(ends, outline="white", width=2)
    return picture
