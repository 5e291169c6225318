"""The next atlas of a store has the photos and the judge of the last one."""

from __future__ import annotations

import errno
from pathlib import Path

import pytest

from preimage.atlas import options
from preimage.atlas.options import kept_folder, recall, remember
from preimage.files import cache_folder
from preimage.photo_files import photo_paths


def test_what_was_remembered_is_recalled_without_photos_that_are_gone(tmp_path: Path) -> None:
    photos = photo_paths()[:2]
    remember(tmp_path, [*photos, tmp_path / "gone.png"], ("lite1",))
    assert recall(tmp_path) == (photos, ("lite1",))
    remember(tmp_path, [tmp_path / "gone.png"], ())
    assert recall(tmp_path) == (None, ())


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"reference": 3, "judge": []}', "\udc80"])
def test_a_damaged_file_remembers_nothing(tmp_path: Path, text: str) -> None:
    (tmp_path / "options.json").write_text(text, errors="surrogateescape")
    assert recall(tmp_path) == (None, ())


def test_a_folder_without_an_atlas_remembers_nothing(tmp_path: Path) -> None:
    assert recall(tmp_path / "none") == (None, ())


def test_a_store_that_cannot_be_written_has_its_folder_in_the_cache(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert kept_folder(tmp_path) == tmp_path / "atlas"

    def refuse(folder: Path) -> None:
        raise PermissionError(errno.EACCES, "Permission denied", str(folder))

    monkeypatch.setattr(options, "check_writable", refuse)
    assert kept_folder(tmp_path).is_relative_to(cache_folder())
    assert kept_folder(tmp_path) != kept_folder(tmp_path / "other")
