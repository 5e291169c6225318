"""Files of trials: photos and weights by content, and where weights lie."""

from __future__ import annotations

from pathlib import Path

from tests.study_files import save_photos

from preimage.studies.trial_files import checksum, checksum_of_all


def test_files_that_cannot_be_read_keep_apart(tmp_path: Path) -> None:
    assert checksum(tmp_path / "a.png") != checksum(tmp_path / "b.png")


def test_the_checksum_of_photos_is_of_their_contents(tmp_path: Path) -> None:
    one, other = sorted(save_photos(tmp_path / "photos", 2).iterdir())
    copy = tmp_path / "copy.png"
    copy.write_bytes(other.read_bytes())
    assert checksum_of_all([one, other]) == checksum_of_all([copy, one])
    assert checksum_of_all([one, other]) != checksum_of_all([one])
