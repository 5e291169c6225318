"""Files of photos: those of a folder, or those that the package ships."""

from __future__ import annotations

from importlib import resources
from pathlib import Path

from preimage.files import is_partial
from preimage.images import ImageError


def shipped_photos() -> dict[str, Path]:
    """The photos that the package ships, by name; photos/SOURCES.md says whose they are.

    >>> "chelsea" in shipped_photos()
    True
    """
    folder = Path(str(resources.files("preimage") / "photos"))
    return {path.stem: path for path in sorted(folder.glob("*.jpg"))}


def list_images(folder: Path) -> list[Path]:
    """The files of a folder that look like images by their name, sorted.

    Raises:
        ImageError: if there are none.
    """
    from PIL import Image

    known = Image.registered_extensions()
    try:
        files = sorted(path for path in folder.iterdir() if path.is_file())
    except OSError as error:
        raise ImageError(f"{folder}: {error.strerror}") from None
    found = [p for p in files if p.suffix.lower() in known and not is_partial(p)]
    if not found:
        raise ImageError(f"{folder}: no images in this folder")
    return found
