"""Uploads: files that a browser sends, accepted only if they are photos of an allowed size."""

from __future__ import annotations

from pathlib import Path

from preimage.app.options import Limits
from preimage.decoding import ImageError, inspect_picture

FORMATS = {
    "PNG": "PNG", "JPEG": "JPEG", "WEBP": "WebP", "GIF": "GIF", "BMP": "BMP", "TIFF": "TIFF",
    "AVIF": "AVIF",
}  # fmt: skip
"""The accepted file formats, by Pillow's names: rasters, whose decoders run no other program."""


def check_upload(path: Path, limits: Limits) -> None:
    """Check by its size and its header that an uploaded file is a photo; decode nothing.

    The name of the file plays no part, apart from the message. The photo is decoded later by
    `images.load_image`, which applies the EXIF orientation.

    Raises:
        ImageError: if the file is too large, is of another format, has too many pixels, or holds
            several pictures.
    """
    from PIL import Image

    size = path.stat().st_size
    if size > limits.bytes:
        raise ImageError(f"{path.name}: {too_large(size, limits)}")
    Image.init()
    formats = tuple(name for name in FORMATS if name in Image.OPEN)
    try:
        with path.open("rb") as file:
            inspect_picture(file, formats, limits.pixels)
    except ImageError as error:
        reason = str(error)
        if reason.endswith("not an image that Pillow can open"):
            *known, last = (FORMATS[name] for name in formats)
            reason = f"not a photo: give a {', '.join(known)} or {last} file"
        raise ImageError(f"{path.name}: {reason}") from None


def too_large(size: int, limits: Limits) -> str:
    """Return the message for an upload of too many bytes."""
    return (
        f"{size / 1e6:.3g} MB, more than the limit of {limits.bytes / 1e6:.3g} MB: "
        "reduce the photo first"
    )
