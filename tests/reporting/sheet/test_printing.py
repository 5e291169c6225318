"""A sheet to print: one page if it fits, more in a PDF, or a longer picture."""

from __future__ import annotations

import io
import re
from pathlib import Path

import numpy as np
from PIL import Image
from tests.reporting.sheet.sheets import long_sheet, sheet

from preimage.reporting.sheet.paper import HEIGHT, WIDTH
from preimage.reporting.sheet.printing import print_sheet


def _pages(pdf: bytes) -> int:
    return len(re.findall(rb"/Type /Page\b", pdf))


def _size(png: bytes) -> tuple[int, int]:
    with Image.open(io.BytesIO(png)) as picture:
        return picture.size


def test_a_small_sheet_is_one_page(tmp_path: Path) -> None:
    found = sheet(tmp_path)
    assert _pages(print_sheet(found, "pdf")) == 1
    width, height = _size(print_sheet(found, "png"))
    assert abs(width / height - WIDTH / HEIGHT) < 0.01


def test_a_long_sheet_has_more_pages_or_is_a_longer_picture() -> None:
    long = long_sheet(16)
    assert _pages(print_sheet(long, "pdf")) == 2
    width, height = _size(print_sheet(long, "png"))
    assert height > 1.3 * width * HEIGHT / WIDTH


def test_the_same_sheet_gives_the_same_file() -> None:
    short = long_sheet(1)
    assert print_sheet(short, "pdf") == print_sheet(short, "pdf")


def test_letters_that_no_font_has_are_no_reason_to_fail(tmp_path: Path) -> None:
    name = "\u732b \U0001f431 $\\frac{1}$.png"
    assert _pages(print_sheet(sheet(tmp_path, name), "pdf")) == 1


def test_pictures_are_on_the_paper() -> None:
    with Image.open(io.BytesIO(print_sheet(long_sheet(1), "png"))) as picture:
        pixels = np.asarray(picture.convert("RGB")).reshape(-1, 3)
    assert (pixels == (0, 128, 128)).all(1).sum() > 1000
