"""Labelled grids of pictures, as the paper's figures lay them out."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from PIL import Image

_GAP = 8


@dataclass(frozen=True, slots=True)
class Cell:
    """A picture and the words below it."""

    image: Image.Image
    label: str


def draw_grid(rows: Sequence[Sequence[Cell]], font_size: int = 15) -> Image.Image:
    """Rows of labelled pictures on white; a column is as wide as its widest picture or label."""
    from PIL import Image, ImageDraw, ImageFont

    font = ImageFont.load_default(size=font_size)
    columns = max(len(row) for row in rows)
    caption = 2 * font_size

    def width_of(cell: Cell) -> int:
        return max(cell.image.width, math.ceil(font.getlength(cell.label)))

    widths = [max(width_of(row[i]) for row in rows if i < len(row)) for i in range(columns)]
    heights = [max(cell.image.height for cell in row) + caption for row in rows]
    size = (sum(widths) + _GAP * (columns + 1), sum(heights) + _GAP * (len(rows) + 1))
    canvas = Image.new("RGB", size, "white")
    draw = ImageDraw.Draw(canvas)
    y = _GAP
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
