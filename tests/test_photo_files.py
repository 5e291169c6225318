"""The shipped photos and the photos of a folder."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from preimage.decoding import ImageError
from preimage.files import write_whole
from preimage.photo_files import listed_photos, photo_paths, shipped_photos


def test_every_shipped_photo_has_a_license_and_every_license_a_photo() -> None:
    photos = shipped_photos()
    sources = (photos["chelsea"].parent / "SOURCES.md").read_text().splitlines()
    rows = [[cell.strip() for cell in row.split("|")] for row in sources if ".jpg |" in row]
    assert sorted(row[1] for row in rows) == sorted(path.name for path in photos.values())
    assert {row[3] for row in rows} <= {"CC0", "CC0 1.0", "public domain", "CC BY 4.0", "CC BY 2.0"}
    assert all(row[4] for row in rows)


def test_the_images_of_a_folder_are_listed_in_order_and_nothing_else(tmp_path: Path) -> None:
    for name in ("b.jpg", "a.PNG", "c.tiff"):
        Image.new("L", (2, 2)).save(tmp_path / name)
    (tmp_path / "notes.txt").write_text("no image")
    (tmp_path / "folder.png").mkdir()
    assert [path.name for path in photo_paths(tmp_path)] == ["a.PNG", "b.jpg", "c.tiff"]


def test_a_folder_without_images_and_a_missing_one_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ImageError, match="no images in this folder"):
        photo_paths(tmp_path)
    with pytest.raises(ImageError, match="gone: No such file or directory"):
        photo_paths(tmp_path / "gone")


def test_a_picture_that_is_being_written_is_no_photo_of_the_folder(tmp_path: Path) -> None:
    (tmp_path / "a.png").touch()
    with write_whole(tmp_path / "b.png") as partial:
        partial.touch()
        assert photo_paths(tmp_path) == [tmp_path / "a.png"]


def test_files_and_folders_may_be_given_together_and_each_file_counts_once(tmp_path: Path) -> None:
    for name in ("a.png", "b.png", "notes.txt"):
        (tmp_path / name).touch()
    given: list[str | Path] = [tmp_path / "notes.txt", str(tmp_path), tmp_path / "b.png"]
    names = [path.name for path in photo_paths(given)]
    assert names == ["notes.txt", "a.png", "b.png"]
    assert photo_paths(["b.png"], tmp_path) == photo_paths(tmp_path / "b.png")
    assert photo_paths([]) == []


def test_without_any_the_shipped_photos_are_taken() -> None:
    assert photo_paths() == photo_paths(None) == list(shipped_photos().values())


def test_a_parameter_takes_a_photo_a_folder_or_a_list_of_both(tmp_path: Path) -> None:
    for name in ("a.png", "b.png"):
        Image.new("L", (2, 2)).save(tmp_path / name)
    inside, other = [tmp_path / "a.png", tmp_path / "b.png"], tmp_path / "gone.png"
    for folder in (tmp_path, str(tmp_path)):
        assert listed_photos("images", folder) == inside
        assert listed_photos("images", [other, folder]) == [other, *inside]
    assert listed_photos("images", other) == listed_photos("images", str(other)) == [other]
    with pytest.raises(ImageError, match="not an empty name"):
        listed_photos("images", "")


@pytest.mark.parametrize("images", [5, None, b"a.png", [None], np.zeros((2, 3, 3)), ["a.png", 5]])
def test_what_is_no_path_is_no_photo_of_a_parameter(images: Any) -> None:
    with pytest.raises(TypeError, match=r"^images must be the path of a photo or of a folder"):
        listed_photos("images", images)
