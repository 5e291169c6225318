"""The photos of an audit: what is known of each, and its picture in the folder of the audit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from preimage.files import file_name, write_whole

if TYPE_CHECKING:
    from PIL import Image


FOLDER = "audited-photos"
"""The name of the folder of pictures of photos in that of an audit."""


@dataclass(frozen=True, slots=True)
class Photo:
    """A photo of known contents.

    Attributes:
        name: the name of its file.
        sha256: the checksum of its file.
        file: its picture as the layer sees it, seen from the folder of the audit.
    """

    name: str
    sha256: str
    file: str


def keep_photos(
    folder: Path, pictures: Sequence[Image.Image], files: Sequence[tuple[str, str]]
) -> tuple[Photo, ...]:
    """Write pictures of photos into the folder of an audit; return what is known of the photos.

    Args:
        folder: the folder of the audit.
        pictures: the photos as the layer sees them.
        files: the name and the checksum of each photo's file.
    """
    photos = []
    for picture, (name, checksum) in zip(pictures, files, strict=True):
        size = f"{picture.width}x{picture.height}"
        file = f"{FOLDER}/{file_name(f'{Path(name).stem}-{checksum[:12]}-{size}')}.png"
        with write_whole(folder / file) as partial:
            picture.save(partial)
        photos.append(Photo(name, checksum, file))
    return tuple(photos)
