"""Result files, each complete or not there."""

from __future__ import annotations

import os
import time
from pathlib import Path

import numpy as np

_PARTIAL = ".partial"
_ABANDONED = 3600.0


def write_files(picture: Path, pixels: np.ndarray, image: np.ndarray) -> None:
    """Writes a picture (8 bits) and, beside it as .npy, an image (float32).

    Each reaches the disk under another name first, so that neither is ever seen in part.

    Raises:
        OSError: if they cannot be written; what was begun is removed.
    """
    from PIL import Image

    picture.parent.mkdir(parents=True, exist_ok=True)
    for path in (picture, picture.with_suffix(".npy")):
        partial = path.with_name(f".{path.name}.{os.getpid()}{_PARTIAL}")
        try:
            with partial.open("wb") as file:
                if path is picture:
                    Image.fromarray(pixels).save(file, "PNG")
                else:
                    np.save(file, image)
                file.flush()
                os.fsync(file.fileno())
            partial.replace(path)
        except OSError as error:
            partial.unlink(missing_ok=True)
            raise OSError(error.errno, error.strerror, str(path)) from None


def remove_partial(folder: Path) -> None:
    """Removes what killed processes left half-written more than an hour ago."""
    for path in folder.glob(f"*/.*{_PARTIAL}"):
        if time.time() - path.stat().st_mtime > _ABANDONED:
            path.unlink(missing_ok=True)
