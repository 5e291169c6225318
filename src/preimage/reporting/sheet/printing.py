"""A sheet to print: pages of A4 landscape as PDF, or one picture of any length as PNG."""

from __future__ import annotations

import io
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from matplotlib.backends.backend_pdf import PdfPages
from matplotlib.figure import Figure

from preimage.grid import in_rows
from preimage.reporting.sheet.content import ERROR, LEAD, TITLE, Panel, Section, Sheet
from preimage.reporting.sheet.paper import (
    GAP,
    HEIGHT,
    MARGIN,
    RESOLUTION,
    SOFT,
    WIDTH,
    Block,
    Style,
    column_width,
    draw_line,
    draw_paragraphs,
    draw_picture,
    draw_text,
    height_of,
    make_figure,
    paginate,
    paragraphs_height,
)

_TITLE = Style("serif", 24)
_NAME = Style("serif", 14, slant="italic", color=SOFT)
_SECTION = Style("serif", 15)
_TEXT = Style("sans", 7.5)
_PANEL = Style("sans", 7.5, weight="bold")
_HEADING = Style("serif", 9.5, slant="italic")
_WORDS = Style("sans", 6.4, color=SOFT)
_FOOT = Style("sans", 5.6, color=SOFT)

_INNER = WIDTH - 2 * MARGIN
_COLUMNS = (5, 6)
"""The number of columns of a section, and that of one with more panels."""

_HEIGHTS = (41, 38, 35, 32)
"""The most height of pictures in millimeters: the first with which all fit on a page."""

_PAGE = HEIGHT - 2 * MARGIN - _FOOT.leading
"""The height of a page without its margins and its foot."""

_AIR = 1.5
"""The distance between a title, pictures and their captions in millimeters."""


_BELOW = 3.0
"""The distance between rows in millimeters."""


@dataclass(frozen=True, slots=True)
class _Row:
    """A row of panels, perhaps behind a column of text, and the section whose first row it is."""

    panels: Sequence[Panel]
    columns: int
    highest: float
    section: Section | None = None
    text: Sequence[str] = ()


def print_sheet(sheet: Sheet, kind: str) -> bytes:
    """Return a sheet as the bytes of a file: "pdf", or "png".

    A page of a PDF is A4 landscape, and has as many rows of pictures as fit. A PNG is one picture,
    at least as high as such a page.
    """
    tries = [list(_blocks(sheet, highest)) for highest in _HEIGHTS]
    blocks = next((found for found in tries if len(list(paginate(found, _PAGE))) == 1), tries[0])
    data = io.BytesIO()
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph")  # a name may have letters that no font has
        if kind == "png":
            height = sum(block.height for block in blocks) + 2 * MARGIN + _FOOT.leading
            _draw(blocks, max(HEIGHT, height), sheet.made).savefig(
                data, format="png", dpi=RESOLUTION
            )
            return data.getvalue()
        facts = {"Title": f"{TITLE}: {sheet.photo}", "CreationDate": None}
        with PdfPages(data, metadata=facts) as pdf:
            for page in paginate(blocks, _PAGE):
                pdf.savefig(_draw(page, HEIGHT, sheet.made))
    return data.getvalue()


def _draw(blocks: Sequence[Block], height: float, foot: str) -> Figure:
    """Return a figure of blocks one below the other, with a line of text at its foot."""
    figure = make_figure(height)
    top = MARGIN
    for block in blocks:
        block.draw(figure, top)
        top += block.height
    draw_text(figure, foot, (MARGIN, height - MARGIN - _FOOT.leading), _FOOT, _INNER)
    return figure


def _blocks(sheet: Sheet, highest: float) -> Iterator[Block]:
    """Yield the title, and each row of pictures; the first one stands beside how to read them."""
    yield Block(_TITLE.leading + 2, lambda figure, top: _draw_title(figure, sheet.photo, top))
    text: tuple[str, ...] = (LEAD, ERROR)
    for section in sheet.sections:
        columns = max(_COLUMNS) if len(section.panels) > min(_COLUMNS) else min(_COLUMNS)
        for n, panels in enumerate(in_rows(section.panels, columns - len(text[:1]))):
            title = section if n == 0 else None
            yield _block(_Row(panels, columns, highest, title, text))
            text = ()


def _draw_title(figure: Figure, photo: str, top: float) -> None:
    """Draw the title with the name of the photo behind it."""
    draw_text(figure, TITLE, (MARGIN, top), _TITLE, _INNER)
    shift = _TITLE.width(f"{TITLE}  ")
    place = MARGIN + shift, top + _TITLE.ascent - _NAME.ascent
    draw_text(figure, photo, place, _NAME, _INNER - shift, most=1)


def _block(row: _Row) -> Block:
    """Return a row of panels as a part of a page."""
    width = column_width(row.columns)
    above = _above(row.section)
    heights = [min(row.highest, _height_of(panel, width)) for panel in row.panels]
    highest = max(heights)
    captions = max(paragraphs_height(_lines(panel), width) for panel in row.panels)
    text = [(words, _TEXT) for words in row.text]

    def draw(figure: Figure, top: float) -> None:
        if row.section is not None:
            _draw_section(figure, row.section, top)
        places = [MARGIN + n * (width + GAP) for n in range(row.columns)]
        if text:
            draw_paragraphs(figure, text, (places.pop(0), top + above), width)
        for left, panel, height in zip(places, row.panels, heights, strict=False):
            if panel.picture is not None:
                place = left, top + above
                draw_picture(figure, panel.picture, place, height, framed=panel.is_photo)
            below = top + above + highest + _AIR
            draw_paragraphs(figure, _lines(panel), (left, below), width)

    content = max(highest + _AIR + captions, paragraphs_height(text, width))
    return Block(above + content + _BELOW, draw)


def _above(section: Section | None) -> float:
    """Return the height of a section's line, title and lead."""
    if section is None:
        return 0.0
    lead = height_of(section.lead, _TEXT, _INNER - _lead_shift(section))
    return 2 * _AIR + max(_SECTION.leading, lead + _SECTION.ascent - _TEXT.ascent)


def _lead_shift(section: Section) -> float:
    """Return the distance of the lead of a section from the beginning of its title."""
    return _SECTION.width(f"{section.title}  ")


def _draw_section(figure: Figure, section: Section, top: float) -> None:
    """Draw a line, and below it the title of a section with its lead behind it."""
    draw_line(figure, (MARGIN, top), _INNER)
    draw_text(figure, section.title, (MARGIN, top + _AIR), _SECTION, _INNER)
    shift = _lead_shift(section)
    place = MARGIN + shift, top + _AIR + _SECTION.ascent - _TEXT.ascent
    draw_text(figure, section.lead, place, _TEXT, _INNER - shift)


def _height_of(panel: Panel, width: float) -> float:
    """Return the height of a panel's picture in a column of this width."""
    if panel.picture is None:
        return 0.0
    return width * panel.picture.height / panel.picture.width


def _lines(panel: Panel) -> list[tuple[str, Style]]:
    """Return the paragraphs below a picture, each with its style."""
    heading = [(panel.heading, _HEADING)] if panel.heading else []
    return [(panel.title, _PANEL), *heading, *((words, _WORDS) for words in panel.words)]
