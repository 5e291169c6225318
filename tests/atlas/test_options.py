"""The next atlas of a store has the photos and the judge of the last one."""

from __future__ import annotations

from pathlib import Path

import pytest

from preimage.atlas.options import recall, remember
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
