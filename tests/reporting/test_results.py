"""Checks before any work is done: can the result be written?"""

from __future__ import annotations

from pathlib import Path

import pytest

from preimage.reporting.results import check_folder, check_picture, check_writable


def test_a_folder_to_be_made_is_not_made_by_the_check(tmp_path: Path) -> None:
    folder = tmp_path / "a" / "b"
    check_writable(folder)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_made_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("")
    for folder in (file, file / "below"):
        with pytest.raises(OSError, match="is a file, not a folder") as caught:
            check_writable(folder)
        assert caught.value.filename == str(file)


@pytest.mark.parametrize("ending", ["png", "jpg", "webp", "tif", "bmp", "gif", "pdf"])
def test_every_ending_that_is_offered_can_be_written(ending: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=rf"a picture ends in .*\.{ending}"):
        check_picture(tmp_path / "a.pgn")
    check_picture(tmp_path / f"a.{ending}")


def test_a_folder_that_is_called_as_files_are_is_refused_unless_it_is_there(tmp_path: Path) -> None:
    for name in ("run.1", "v0.2", "plain"):
        check_folder(tmp_path / name)
    with pytest.raises(ValueError, match=r"fig8\.png is the name of a file: give a folder"):
        check_folder(tmp_path / "fig8.png")
    (tmp_path / "fig8.png").mkdir()
    check_folder(tmp_path / "fig8.png")
