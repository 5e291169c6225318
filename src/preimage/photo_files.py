"""Files of photos: those that the user names, or those that the package ships."""

from __future__ import annotations

import os
from collections.abc import Sequence
from importlib import resources
from pathlib import Path
from typing import Any, TypeAlias

from preimage.decoding import ImageError
from preimage.files import check_is_file, is_partial

PathLike: TypeAlias = str | os.PathLike[str]
Photos: TypeAlias = PathLike | Sequence[PathLike]
"""A photo, a folder of photos, or a list of both, as paths."""


def shipped_photos() -> dict[str, Path]:
    """Return the photos that the package ships, by name; photos/SOURCES.md names their authors.

    >>> "chelsea" in shipped_photos()
    True
    """
    folder = Path(str(resources.files("preimage") / "photos"))
    return {path.stem: path for path in sorted(folder.glob("*.jpg"))}


def photo_paths(
    images: Photos | None = None,
    folder: PathLike = "",
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
    _check_names(given)
    for path in (Path(folder, name) for name in given):
        found += _images_of(path) if path.is_dir() else [_existing(path)]
    return list(dict.fromkeys(found))


def listed_photos(name: str, images: Any) -> list[Path]:
    """Return the files that a parameter of a function names: a photo, a folder, or a list of both.

    Files are not opened, so that one of many may be missing. `name` is that of the parameter.

    Raises:
        ImageError: if a folder holds no images, or a name is empty.
        TypeError: if something is no path.

    >>> [path.name for path in listed_photos("images", "mine/photo.jpg")]
    ['photo.jpg']
    """
    given = [images] if isinstance(images, str | os.PathLike) else images
    is_list = isinstance(given, Sequence) and not isinstance(given, bytes)
    wrong = [path for path in given if not isinstance(path, str | os.PathLike)] if is_list else []
    if not is_list or wrong:
        kind = type(wrong[0] if wrong else given).__name__
        raise TypeError(
            f"{name} must be the path of a photo or of a folder of photos, or a list of paths, not "
            f"{'a list with ' if wrong else ''}a {kind}: save arrays and tensors with numpy.save, "
            "and give the .npy files"
        )
    _check_names(given)
    found: list[Path] = []
    for path in map(Path, given):
        found += _images_of(path) if path.is_dir() else [path]
    return found


def _check_names(given: Sequence[PathLike]) -> None:
    if "" in map(str, given):
        raise ImageError("a photo must be a file or a folder, not an empty name")


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
