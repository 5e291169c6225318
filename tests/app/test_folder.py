"""The app's folder: nobody else's, nothing outside it, and empty in the end."""

from __future__ import annotations

import os
import time
from dataclasses import replace
from pathlib import Path

import pytest

from preimage.app.folder import clear, is_inside, own_folder, touch
from preimage.app.options import Limits


def _file(path: Path, age: float = 0, size: int = 10) -> Path:
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(bytes(size))
    os.utime(path, (time.time() - age,) * 2)
    return path


def test_the_folder_is_for_this_user_alone_and_gone_afterwards() -> None:
    with own_folder() as folder:
        assert folder.stat().st_mode & 0o077 == 0
        assert os.environ["GRADIO_TEMP_DIR"] == str(folder)
        _file(folder / "a" / "photo.png")
    assert not folder.exists()
    assert "GRADIO_TEMP_DIR" not in os.environ


def test_the_folder_goes_after_an_error_and_the_environment_is_as_before(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("GRADIO_TEMP_DIR", "/elsewhere")
    with pytest.raises(SystemExit), own_folder() as folder:
        raise SystemExit(143)
    assert not folder.exists()
    assert os.environ["GRADIO_TEMP_DIR"] == "/elsewhere"


def test_a_path_is_inside_only_after_links_and_dots_are_followed(tmp_path: Path) -> None:
    folder, secret = tmp_path / "own", _file(tmp_path / "secret.txt")
    photo = _file(folder / "photo.png")
    (folder / "link.png").symlink_to(secret)
    (folder / "circle").symlink_to(folder / "circle")
    (tmp_path / "own-too").mkdir()
    assert is_inside(str(photo), folder)
    assert is_inside(f"{folder}/../own/photo.png", folder)
    for outside in (
        str(secret), f"{folder}/../secret.txt", str(folder / "link.png"), str(folder),
        str(folder / "gone.png"), str(folder / "circle"), "photo.png\0.txt", "x" * 5000, "",
        str(_file(tmp_path / "own-too" / "photo.png")),
    ):  # fmt: skip
        assert not is_inside(outside, folder), outside


def test_files_go_after_a_while_but_not_those_that_are_used(tmp_path: Path) -> None:
    old, used, new = (_file(tmp_path / name / "x.png", age=100) for name in ("old", "used", "new"))
    touch(str(used))
    touch(str(tmp_path / "gone.png"))
    _file(new)
    clear(tmp_path, Limits(kept=90))
    assert (old.exists(), used.exists(), new.exists()) == (False, True, True)
    assert not old.parent.exists()


def test_the_oldest_files_make_room_for_new_ones(tmp_path: Path) -> None:
    files = [_file(tmp_path / f"{n}.png", age=1000 - n, size=100) for n in range(5)]
    clear(tmp_path, replace(Limits(), folder=250))
    assert [file.exists() for file in files] == [False, False, False, True, True]


def test_a_file_of_this_minute_is_not_taken_away_for_room(tmp_path: Path) -> None:
    files = [_file(tmp_path / f"{n}.png", size=100) for n in range(5)]
    clear(tmp_path, replace(Limits(), folder=250))
    assert all(file.exists() for file in files)
