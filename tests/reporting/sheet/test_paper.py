"""Paper: lines no wider than their column, parts on pages, and pictures in their place."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from preimage.reporting.sheet.paper import (
    HEIGHT,
    MARGIN,
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
    wrap,
)

SERIF, SANS = Style("serif", 12), Style("sans", 8)
DOTS = 150


def _pixels(figure: object) -> np.ndarray:
    """The figure as gray values."""
    data = io.BytesIO()
    figure.savefig(data, format="png", dpi=DOTS)  # type: ignore[attr-defined]
    with Image.open(data) as picture:
        return np.asarray(picture.convert("L"))


def _dark(pixels: np.ndarray) -> tuple[float, float, float, float]:
    """Top, left, bottom and right of what is dark, in millimeters."""
    rows, columns = np.nonzero(pixels < 200)
    scale = 25.4 / DOTS
    return tuple(float(v) * scale for v in (rows.min(), columns.min(), rows.max(), columns.max()))  # type: ignore[return-value]


@pytest.mark.parametrize("style", [SERIF, SANS])
@pytest.mark.parametrize("width", [18.0, 50.0])
def test_no_line_is_wider_than_its_column(style: Style, width: float) -> None:
    text = "What is left of a photo, and aWordThatIsMuchTooLongForAnyColumnOfPaper besides"
    lines = wrap(text, style, width)
    assert max(map(style.width, lines)) <= width
    assert "".join(lines).replace(" ", "") == text.replace(" ", "")
    assert height_of(text, style, width) == pytest.approx(len(lines) * style.leading)


def test_a_space_that_holds_words_together_ends_no_line() -> None:
    together = "a 7\u00a0x\u00a07"
    assert wrap(together, SANS, SANS.width("7\u00a0x\u00a07")) == ["a", "7\u00a0x\u00a07"]


def test_columns_fill_the_width() -> None:
    assert column_width(1) == WIDTH - 2 * MARGIN
    assert 3 * column_width(3) < 2 * column_width(2) < column_width(1)


def test_a_page_takes_as_many_parts_as_fit_and_at_least_one() -> None:
    blocks = [Block(height, lambda *_: None) for height in (30, 60, 20, 200, 5)]
    pages = [[block.height for block in page] for page in paginate(blocks, 100)]
    assert pages == [[30, 60], [20], [200], [5]]
    assert list(paginate([], 100)) == []


def test_text_begins_at_its_place_and_stays_in_its_column() -> None:
    figure = make_figure(HEIGHT)
    paragraphs = [("What is left of $x$ in words " * 4, SANS), ("and below", SERIF)]
    draw_paragraphs(figure, paragraphs, (40, 60), 50)
    top, left, bottom, right = _dark(_pixels(figure))
    assert 59 < top < 63
    assert 39 < left < 42
    assert right <= 91
    assert 60 + SANS.leading < bottom < 61 + paragraphs_height(paragraphs, 50)


def test_only_the_first_lines_are_drawn_if_asked_for() -> None:
    figure = make_figure(HEIGHT)
    draw_text(figure, "many words " * 30, (40, 60), SANS, 30, most=1)
    assert _dark(_pixels(figure))[2] < 60 + SANS.leading


def test_a_picture_and_a_line_lie_where_they_are_put() -> None:
    figure = make_figure(100)
    draw_picture(figure, Image.new("RGB", (20, 10), "black"), (50, 20), 30, framed=True)
    found = _dark(_pixels(figure))
    assert found == pytest.approx((20, 50, 50, 110), abs=1.2)
    figure = make_figure(100)
    draw_line(figure, (30, 70), 100)
    top, left, bottom, right = _dark(_pixels(figure))
    assert (top, left, bottom, right) == pytest.approx((70, 30, 70, 130), abs=1.2)
