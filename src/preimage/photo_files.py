"""Files of photos: those that the user names, or those that the package ships."""

from __future__ import annotations

import os
from collections.abc import Sequence
from importlib import resources
from pathlib import Path

from preimage.decoding import ImageError
from preimage.files import check_is_file, is_partial


def shipped_photos() -> dict[str, Path]:
    """Return the photos that the package ships, by name; photos/SOURCES.md names their authors.

    >>> "chelsea" in shipped_photos()
    True
    """
    folder = Path(str(resources.files("preimage") / "photos"))
    return {path.stem: path for path in sorted(folder.glob("*.jpg"))}


def photo_paths(
    images: str | os.PathLike[str] | Sequence[str | os.PathLike[str]] | None = None,
    folder: str | os.PathLike[str] = "",
) -> list[Path]:
    """Return the given image files and those in given folders, each once, or the shipped photos.

    Args:
        images: files and folders. If None, the shipped photos are returned.
        folder: the folder that relative paths start from.

    Raises:
        ImageError: if a file does not exist, or a folder holds no images.

    >>> [path.name for path in photo_paths()][:2]
    ['astronaut.jpg', 'chelsea.jpg']
    """
    if images is None:
        return list(shipped_photos().values())
    given = [images] if isinstance(images, str | os.PathLike) else images
    found: list[Path] = []
    if "" in map(str, given):
        raise ImageError("a photo must be a file or a folder, not an empty name")
    for path in (Path(folder, name) for name in given):
        found += _images_of(path) if path.is_dir() else [_existing(path)]
    return list(dict.fromkeys(found))


def _existing(path: Path) -> Path:
    try:
        check_is_file(path)
    except OSError as error:
        raise ImageError(f"{path}: {error.strerror}") from None
    return path


def _images_of(folder: Path) -> list[Path]:
    """Return the pictures in a folder or, if there are none, its arrays (.npy), sorted."""
    from PIL import Image

    known = Image.registered_extensions()
    try:
        files = sorted(path for path in folder.iterdir() if path.is_file())
    except OSError as error:
        raise ImageError(f"{folder}: {error.strerror}") from None
    files = [path for path in files if not is_partial(path)]
    found = [path for path in files if path.suffix.lower() in known]
    found = found or [path for path in files if path.suffix == ".npy"]
    if not found:
        raise ImageError(f"{folder}: no images in this folder")
    return found
