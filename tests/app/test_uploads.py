"""Uploads: photos by their contents, within limits, and nothing else."""

from __future__ import annotations

import io
import struct
import tracemalloc
import zlib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from tests.support import encoded

from preimage.app.options import Limits
from preimage.app.uploads import FORMATS, check_upload
from preimage.decoding import ImageError
from preimage.images import load_image

Image.init()
LIMITS = replace(Limits(), bytes=100_000, pixels=1_000_000)
NO_PHOTOS = {
    "program": b"\x7fELF\x02\x01\x01" + bytes(600),
    "Windows program": b"MZ\x90\0" + bytes(600),
    "script": b"#!/bin/sh\nrm -rf /\n",
    "page": b"<!doctype html><script>alert(1)</script>",
    "SVG": b'<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg"><script/></svg>',
    "PostScript": b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n%%EndComments\n",
    "pickle": b"\x80\x04\x95\x0b\0\0\0\0\0\0\0]\x94.",
    "archive": b"PK\x03\x04" + bytes(600),
    "nothing": b"",
}


def _saved(path: Path, data: bytes) -> Path:
    path.write_bytes(data)
    return path


def png_of(width: int, height: int) -> bytes:
    """A PNG of a few bytes whose header states this size."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return (
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        )

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    parts = (chunk(b"IHDR", header), chunk(b"IDAT", zlib.compress(bytes(99))), chunk(b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


def _stating(kind: str, side: int) -> bytes:
    """A small file of a kind whose header is changed to state a square of this side."""
    data = bytearray(encoded(Image.new("RGB", (16, 16)), kind).getvalue())
    if kind == "GIF":
        data[6:10] = struct.pack("<HH", side, side)
    elif kind == "BMP":
        data[18:26] = struct.pack("<ii", side, side)
    elif kind == "JPEG":
        at = data.index(b"\xff\xc0") + 5
        data[at : at + 4] = struct.pack(">HH", side, side)
    return bytes(data)


@pytest.mark.parametrize("kind", list(FORMATS))
def test_photos_of_each_format_are_accepted_whatever_their_name(kind: str, tmp_path: Path) -> None:
    if kind not in Image.SAVE:
        pytest.skip(f"this Pillow does not know {kind}")
    data = encoded(Image.new("RGB", (16, 12), "red"), kind).getvalue()
    for name in ("photo.png", "photo", "photo.exe"):
        check_upload(_saved(tmp_path / name, data), LIMITS)


@pytest.mark.parametrize("kind", list(NO_PHOTOS))
def test_what_is_no_photo_is_refused_whatever_its_name(kind: str, tmp_path: Path) -> None:
    with pytest.raises(ImageError, match=r"^photo\.png: .*(not a photo: give a PNG, JPEG|damaged)"):
        check_upload(_saved(tmp_path / "photo.png", NO_PHOTOS[kind]), LIMITS)


def test_an_array_is_no_photo_in_the_app(tmp_path: Path) -> None:
    file = io.BytesIO()
    np.save(file, np.zeros((8, 8), np.uint8))
    with pytest.raises(ImageError, match="not a photo"):
        check_upload(_saved(tmp_path / "photo.png", file.getvalue()), LIMITS)


def test_a_file_of_too_many_bytes_is_refused(tmp_path: Path) -> None:
    data = encoded(Image.new("RGB", (16, 12)), "PNG").getvalue() + bytes(2_000_000)
    with pytest.raises(
        ImageError, match=r"photo\.png: 2 MB, more than the limit of 0.1 MB: reduce"
    ):
        check_upload(_saved(tmp_path / "photo.png", data), LIMITS)


@pytest.mark.parametrize("kind", ["PNG", "GIF", "BMP", "JPEG", "TIFF", "WEBP", "AVIF"])
def test_a_decompression_bomb_is_refused_before_it_is_decoded(kind: str, tmp_path: Path) -> None:
    if kind not in Image.OPEN:
        pytest.skip(f"this Pillow does not know {kind}")
    if kind == "PNG":
        data = png_of(60_000, 60_000)
    elif kind in ("TIFF", "WEBP", "AVIF"):
        options = {"compression": "tiff_lzw"} if kind == "TIFF" else {}
        data = encoded(Image.new("L", (1200, 1200)), kind, **options).getvalue()
    else:
        data = _stating(kind, 30_000)
    path = _saved(tmp_path / "bomb.png", data)
    tracemalloc.start()
    try:
        with pytest.raises(ImageError, match=r"bomb\.png: .*more than the limit of 1"):
            check_upload(path, LIMITS)
        assert tracemalloc.get_traced_memory()[1] < 3_000_000
    finally:
        tracemalloc.stop()


def test_a_film_is_refused(tmp_path: Path) -> None:
    frames = [Image.new("L", (4, 4), level) for level in (10, 200)]
    file = encoded(frames[0], "GIF", save_all=True, append_images=frames[1:])
    with pytest.raises(ImageError, match="a film or a volume"):
        check_upload(_saved(tmp_path / "film.gif", file.getvalue()), LIMITS)


def test_the_orientation_of_an_uploaded_photo_is_that_of_the_library(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[274] = 6
    file = encoded(Image.new("RGB", (16, 12)), "JPEG", exif=exif)
    path = _saved(tmp_path / "photo.jpg", file.getvalue())
    check_upload(path, LIMITS)
    assert load_image(path).shape == (3, 16, 12)
