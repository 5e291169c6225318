"""Pictures as WebP: written once, small ones together in sheets."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from preimage.atlas.media import COLUMNS, TILE, Media


def _save(path: Path, gray: int, size: tuple[int, int] = (30, 20)) -> Path:
    Image.new("RGB", size, (gray, gray, gray)).save(path)
    return path


def test_a_picture_is_written_once_and_keeps_its_size(tmp_path: Path) -> None:
    file, media = _save(tmp_path / "a.png", 90), Media(tmp_path / "site")
    image = media.add_picture("ab12", file, "a picture")
    assert (image.address, image.width, image.height) == ("assets/pictures/ab/ab12.webp", 30, 20)
    with Image.open(tmp_path / "site" / image.address) as shown:
        assert shown.format == "WEBP"
        assert np.asarray(shown).mean() == pytest.approx(90, abs=2)
    file.unlink()
    assert media.add_picture("ab12", file, "a picture") == image
    assert media.written == 1


def test_a_sheet_has_each_picture_at_its_place(tmp_path: Path) -> None:
    files = [(f"k{n}", _save(tmp_path / f"{n}.png", 2 * n)) for n in range(COLUMNS**2 + 3)]
    media = Media(tmp_path / "site")
    tiles = media.add_sheets(files)
    assert len({tile.address for tile in tiles}) == 2
    for n in (0, 1, 25, 99, 101):
        tile = tiles[n]
        with Image.open(tmp_path / "site" / tile.address) as sheet:
            assert sheet.size == (COLUMNS * TILE, COLUMNS * TILE)
            left, top = tile.column * TILE, tile.row * TILE
            part = np.asarray(sheet.crop((left + 8, top + 8, left + TILE - 8, top + TILE - 8)))
        assert part.mean() == pytest.approx(2 * n, abs=3)
    assert media.add_sheets(files) == tiles
    assert media.written == 2


def test_no_pictures_make_no_sheet(tmp_path: Path) -> None:
    assert Media(tmp_path).add_sheets([]) == []
    assert not list(tmp_path.iterdir())
