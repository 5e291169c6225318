"""Paper with text that wraps, pictures and lines, placed in millimeters from the top left."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, Literal

import numpy as np
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.lines import Line2D
from matplotlib.patches import Rectangle
from matplotlib.textpath import text_to_path

if TYPE_CHECKING:
    from PIL import Image

WIDTH, HEIGHT = 297.0, 210.0
"""A4 landscape in millimeters."""

MARGIN, GAP = 10.0, 5.0
RESOLUTION = 220
"""Dots of an inch of paper."""

BLACK, SOFT = "#111111", "#4a4a4a"

_BETWEEN = 0.6
"""The distance between paragraphs in millimeters."""

_INCH = 25.4
_POINT = _INCH / 72
_FAMILIES = {"serif": ("STIXGeneral", "DejaVu Serif"), "sans": ("DejaVu Sans",)}


@dataclass(frozen=True)
class Style:
    """The look of a text: "serif" or "sans", and its size in points."""

    family: str
    size: float
    weight: str = "normal"
    slant: Literal["normal", "italic"] = "normal"
    color: str = BLACK

    @cached_property
    def font(self) -> FontProperties:
        """The font as matplotlib takes it."""
        return FontProperties(
            family=list(_FAMILIES[self.family]), size=self.size, weight=self.weight,
            style=self.slant,
        )  # fmt: skip

    @property
    def leading(self) -> float:
        """The height of a line in millimeters."""
        return 1.32 * self.size * _POINT

    @property
    def ascent(self) -> float:
        """The distance from the top of a line to what its letters stand on, in millimeters."""
        return 0.95 * self.size * _POINT

    def width(self, text: str) -> float:
        """Return the width of a text in one line, in millimeters."""
        return _width(self, text)


@lru_cache(maxsize=4096)
def _width(style: Style, text: str) -> float:
    width, _, _ = text_to_path.get_text_width_height_descent(text, style.font, ismath=False)
    return float(width) * _POINT


@dataclass(frozen=True, slots=True)
class Block:
    """A part of a page: its height in millimeters, and a function that draws it from a top on."""

    height: float
    draw: Callable[[Figure, float], None]


def column_width(columns: int) -> float:
    """Return the width of one of several columns between the margins."""
    return (WIDTH - 2 * MARGIN - (columns - 1) * GAP) / columns


def paginate(blocks: Sequence[Block], height: float) -> Iterator[list[Block]]:
    """Yield the blocks of each page: as many as fit into this height, and at least one."""
    page: list[Block] = []
    for block in blocks:
        if page and sum(one.height for one in page) + block.height > height:
            yield page
            page = []
        page.append(block)
    if page:
        yield page


def wrap(text: str, style: Style, width: float) -> list[str]:
    """Return a text as lines no wider than `width`; a word that is too long is broken.

    >>> wrap("one two three", Style("sans", 10), 15)
    ['one two', 'three']
    """
    lines = [""]
    for word in text.split(" "):
        longer = f"{lines[-1]} {word}".strip()
        if style.width(longer) <= width:
            lines[-1] = longer
            continue
        if lines[-1]:
            lines.append("")
        for letter in word:
            if lines[-1] and style.width(lines[-1] + letter) > width:
                lines.append("")
            lines[-1] += letter
    return lines


def height_of(text: str, style: Style, width: float) -> float:
    """Return the height of a text in lines no wider than `width`, in millimeters."""
    return len(wrap(text, style, width)) * style.leading


def make_figure(height: float) -> Figure:
    """Return an empty figure as wide as A4 landscape."""
    return Figure((WIDTH / _INCH, height / _INCH))


def _place(figure: Figure, left: float, top: float) -> tuple[float, float]:
    """Return a place in millimeters as matplotlib takes it, in shares of the figure."""
    return left / WIDTH, 1 - top / (figure.get_figheight() * _INCH)


def draw_text(
    figure: Figure,
    text: str,
    place: tuple[float, float],
    style: Style,
    width: float,
    most: int | None = None,
) -> None:
    """Draw a text from `place` on, left and top, in lines no wider than `width`.

    If it has more than `most` lines, an ellipsis ends the last of these.
    """
    left, top = place
    lines = wrap(text, style, width)
    if most is not None and len(lines) > most:
        lines = [*lines[: most - 1], f"{lines[most - 1][:-2]}\u2026"]
    for n, line in enumerate(lines):
        x, y = _place(figure, left, top + n * style.leading + style.ascent)
        figure.text(
            x, y, line, fontproperties=style.font, color=style.color, va="baseline",
            parse_math=False,
        )  # fmt: skip


def paragraphs_height(paragraphs: Sequence[tuple[str, Style]], width: float) -> float:
    """Return the height of texts one below the other, each in its style."""
    return sum(height_of(text, style, width) + _BETWEEN for text, style in paragraphs)


def draw_paragraphs(
    figure: Figure,
    paragraphs: Sequence[tuple[str, Style]],
    place: tuple[float, float],
    width: float,
) -> None:
    """Draw texts one below the other, each in its style."""
    left, top = place
    for text, style in paragraphs:
        draw_text(figure, text, (left, top), style, width)
        top += height_of(text, style, width) + _BETWEEN


def draw_line(figure: Figure, place: tuple[float, float], width: float) -> None:
    """Draw a thin line to the right."""
    (x0, y), (x1, _) = _place(figure, *place), _place(figure, place[0] + width, place[1])
    figure.add_artist(Line2D((x0, x1), (y, y), color=SOFT, linewidth=0.5))


def draw_picture(
    figure: Figure,
    picture: Image.Image,
    place: tuple[float, float],
    height: float,
    *,
    framed: bool = False,
) -> None:
    """Draw a picture of this height, perhaps with a thin frame."""
    from PIL import Image

    width = height * picture.width / picture.height
    dots = [max(1, round(side / _INCH * RESOLUTION)) for side in (width, height)]
    pixels = picture.convert("RGB").resize((dots[0], dots[1]), Image.Resampling.LANCZOS)
    left, bottom = _place(figure, place[0], place[1] + height)
    right, top = _place(figure, place[0] + width, place[1])
    axes = figure.add_axes((left, bottom, right - left, top - bottom))
    axes.set_axis_off()
    axes.imshow(np.asarray(pixels), interpolation="none", aspect="auto")
    if framed:
        frame = Rectangle((left, bottom), right - left, top - bottom, fill=False)
        frame.set(edgecolor=BLACK, linewidth=1.2, transform=figure.transFigure)
        figure.add_artist(frame)
