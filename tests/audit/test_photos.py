"""Photos of an audit keep their pictures in its folder."""

from __future__ import annotations

from pathlib import Path

from PIL import Image

from preimage.audit.photos import FOLDER, keep_photos


def test_photos_of_one_name_keep_their_own_pictures(tmp_path: Path) -> None:
    pictures = [Image.new("RGB", (8, 6), color) for color in ("red", "blue")]
    first, second = keep_photos(tmp_path, pictures, [("a.jpg", "1" * 64), ("a.jpg", "2" * 64)])
    assert (first.name, first.sha256, second.name) == ("a.jpg", "1" * 64, "a.jpg")
    for photo, color in ((first, (255, 0, 0)), (second, (0, 0, 255))):
        with Image.open(tmp_path / photo.file) as picture:
            assert (picture.size, picture.getpixel((0, 0))) == ((8, 6), color)


def test_another_size_is_another_picture_and_names_are_safe(tmp_path: Path) -> None:
    for side in (8, 9):
        (photo,) = keep_photos(tmp_path, [Image.new("RGB", (side, side))], [("../<a>?.png", "3")])
        assert (tmp_path / photo.file).resolve().parent == tmp_path / FOLDER
    assert len(list((tmp_path / FOLDER).iterdir())) == 2
