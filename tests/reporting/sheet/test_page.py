"""The page of a sheet: whole, escaped, and with nothing from outside."""

from __future__ import annotations

import html.parser
import re
from pathlib import Path

from tests.reporting.sheet.sheets import long_sheet, sheet

from preimage.reporting.sheet.content import ERROR, LEAD
from preimage.reporting.sheet.page import render


class _Reader(html.parser.HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.images: list[dict[str, str | None]] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        if tag == "img":
            self.images.append(dict(attrs))

    def handle_data(self, data: str) -> None:
        self.text += data


def _read(page: str) -> _Reader:
    reader = _Reader()
    reader.feed(page)
    return reader


def test_a_page_has_every_picture_and_film_with_words_for_those_who_do_not_see_it(
    tmp_path: Path,
) -> None:
    found = _read(render(sheet(tmp_path)))
    assert len(found.images) == 2 + 3 + 1 + 4  # photos, pictures, films
    for image in found.images:
        assert (image["src"] or "").startswith("data:image/webp;base64,")
        assert image["alt"]
    assert found.tags.count("details") == 4
    assert LEAD in found.text
    assert ERROR in found.text


def test_names_and_reasons_are_text_and_never_markup(tmp_path: Path) -> None:
    found = _read(render(sheet(tmp_path)))
    assert "b" not in found.tags
    assert "<b>&$x$.png" in found.text
    assert "no <luck>" in found.text


def test_a_page_names_no_address_outside_and_has_a_policy(tmp_path: Path) -> None:
    page = render(sheet(tmp_path))
    assert "default-src 'none'; img-src data:" in page
    assert not re.search(r"(?:src|href)=\"(?!data:)", page)
    assert "script" not in _read(page).tags


def test_a_page_has_four_to_six_columns() -> None:
    assert "--n: 6" in render(long_sheet(8))
    assert "--n: 5" in render(long_sheet(4))
    assert "--n: 4" in render(long_sheet(2))
