"""Files of trials: photos and weights by content, and where weights lie."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.study_files import save_photos

from preimage.images import ImageError
from preimage.studies.trial_files import checksum, checksum_of_all, photo_paths


def test_names_stand_for_files_and_for_those_in_folders_each_once(tmp_path: Path) -> None:
    photos = save_photos(tmp_path / "photos", 2)
    names = ["photos", "photos/01.png", "gone.png"]
    expected = [photos / "00.png", photos / "01.png", tmp_path / "gone.png"]
    assert photo_paths(names, tmp_path) == expected


def test_a_folder_without_photos_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ImageError, match="no images in this folder"):
        photo_paths(["."], tmp_path)


def test_files_that_cannot_be_read_keep_apart(tmp_path: Path) -> None:
    assert checksum(tmp_path / "a.png") != checksum(tmp_path / "b.png")


def test_the_checksum_of_photos_is_of_their_contents(tmp_path: Path) -> None:
    one, other = sorted(save_photos(tmp_path / "photos", 2).iterdir())
    copy = tmp_path / "copy.png"
    copy.write_bytes(other.read_bytes())
    assert checksum_of_all([one, other]) == checksum_of_all([copy, one])
    assert checksum_of_all([one, other]) != checksum_of_all([one])
