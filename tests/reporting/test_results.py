"""Checks before any work is done: can the result be written?"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from preimage.reporting.results import check_folder, check_output, check_picture, check_writable


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


@pytest.mark.parametrize("name", ["a.png", "a.json"])
def test_a_picture_and_its_sidecar_must_be_files(name: str, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / name)
    with pytest.raises(OSError, match="is a named pipe, not a file") as caught:
        check_picture(tmp_path / "a.png")
    assert caught.value.filename == str(tmp_path / name)


def test_a_file_may_be_new_or_a_link_but_no_folder_or_pipe(tmp_path: Path) -> None:
    pipe, link = tmp_path / "pipe", tmp_path / "link.csv"
    os.mkfifo(pipe)
    link.symlink_to(tmp_path / "new" / "a.csv")
    for path in (link, tmp_path / "b.csv"):
        check_output(path)
    with pytest.raises(IsADirectoryError):
        check_output(tmp_path)
    for refuse in (check_output, check_writable, check_folder):
        with pytest.raises(OSError, match="is a named pipe, not a file"):
            refuse(pipe)


def test_a_dash_is_no_name_of_results(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for refuse in (check_output, check_writable, check_folder):
        with pytest.raises(ValueError, match="cannot go to standard output"):
            refuse(Path("-"))
