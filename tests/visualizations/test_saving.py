"""Files of results: whole or not at all, and a clear line for those that are none."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from tests.support import full_disk, pixels_of

from preimage.visualizations import PreImage
from preimage.visualizations.saving import write_picture


def test_a_picture_is_written_beside_its_sidecar_and_nothing_else(tmp_path: Path) -> None:
    write_picture(tmp_path / "a.png", Image.new("L", (3, 2), 7), {"seed": 1})
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.json", "a.png"]
    assert pixels_of(tmp_path / "a.png").tolist() == [[7, 7, 7]] * 2
    assert json.loads((tmp_path / "a.json").read_text()) == {"seed": 1}


def test_a_picture_that_cannot_be_written_leaves_nothing_behind(tmp_path: Path) -> None:
    with pytest.raises((OSError, ValueError)):
        write_picture(tmp_path / "a.xbm", Image.new("L", (3, 2)), {})
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("sidecar", [{}, {"words": "x" * 9999}])
def test_on_a_full_disk_neither_picture_nor_sidecar_is_written(
    sidecar: dict[str, str], tmp_path: Path
) -> None:
    picture = Image.new("L", (9, 9)) if sidecar else Image.effect_noise((99, 99), 99)
    failing = tmp_path / ("a.json" if sidecar else "a.png")
    with full_disk(), pytest.raises(OSError, match="File too large") as caught:
        write_picture(tmp_path / "a.png", picture, sidecar)
    assert caught.value.filename == str(failing)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("ending", ["png", "jpg", "webp", "tif", "bmp", "gif", "pdf"])
def test_a_picture_that_a_full_disk_takes_in_part_is_not_written(
    ending: str, tmp_path: Path
) -> None:
    picture = Image.effect_noise((299, 299), 99)
    with full_disk(), pytest.raises(OSError, match=rf"File too large: .*a\.{ending}"):
        write_picture(tmp_path / f"a.{ending}", picture, {})
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("ending", ["png", "jpg", "webp", "tif", "bmp", "gif", "pdf"])
def test_gray_and_color_can_be_written_with_every_usual_ending(ending: str, tmp_path: Path) -> None:
    for mode in ("L", "RGB"):
        write_picture(tmp_path / f"a.{ending}", Image.new(mode, (3, 2)), {})


def test_a_picture_cannot_be_loaded_as_a_result(tmp_path: Path) -> None:
    write_picture(tmp_path / "a.png", Image.new("L", (3, 2)), {})
    with pytest.raises(ValueError, match=r"a\.png is no \.npz file: a picture holds 8 bits only"):
        PreImage.load(tmp_path / "a.png")


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04", b"no archive"])
def test_a_file_that_is_no_result_is_refused(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "a.npz"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=r"was not written by result\.save, or is damaged"):
        PreImage.load(path)
    np.savez(path, x=np.zeros(3))
    with pytest.raises(ValueError, match=r"was not written by result\.save"):
        PreImage.load(path)
    with pytest.raises(FileNotFoundError):
        PreImage.load(tmp_path / "gone.npz")
