"""Inputs of commands: photos, saved codes, standard input, and what a run starts from."""

from __future__ import annotations

import functools
import io
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from preimage.files import check_is_file, sha256

if TYPE_CHECKING:
    import numpy as np
    from PIL import Image

    from preimage.visualizations import PreImage


@dataclass(frozen=True, slots=True)
class Content:
    """The content of a source: one photo, or codes of a representation.

    Attributes:
        parts: the photo, or each of the codes.
        is_code: whether the parts are codes.
    """

    parts: Sequence[Image.Image | np.ndarray]
    is_code: bool = False


@dataclass(frozen=True, slots=True)
class Source:
    """The bytes of a photo or of a saved code (.npy).

    Attributes:
        name: as the user gave it.
        stem: beginning of the file names of its results.
        data: the bytes of the file.
    """

    name: str
    stem: str
    data: bytes

    @property
    def is_code(self) -> bool:
        """True for a saved array, which is a code or a photo; False for a picture."""
        return self.name.endswith(".npy") or self.data.startswith(b"\x93NUMPY")

    @property
    def sha256(self) -> str:
        """Checksum of the bytes."""
        return sha256(self.data)

    def photo(self) -> Image.Image | np.ndarray:
        """Return the photo, decoded: a picture, or the saved array of one.

        Raises:
            ImageError: if the file is neither a picture that Pillow can read nor an array.
        """
        return self.code() if self.is_code else _decode(self.data)

    def code(self) -> np.ndarray:
        """Return the saved code.

        Raises:
            ValueError: if it is no array of real numbers.
        """
        from preimage.decoding import read_npy

        return read_npy(io.BytesIO(self.data))


@functools.lru_cache(maxsize=1)
def _decode(data: bytes) -> Image.Image:
    """Decode a picture; the last one is kept for the next representation."""
    from preimage.decoding import open_picture

    return open_picture(io.BytesIO(data))


def read_inputs(inputs: Sequence[str]) -> tuple[list[Source], list[str]]:
    """Read files, the images of folders, and standard input (-).

    Returns:
        The sources, and a line for each input that cannot be read.
    """
    from preimage.decoding import ImageError
    from preimage.photo_files import photo_paths

    sources, failures = [], []
    for name in inputs:
        try:
            if name == "-" and sys.stdin is None:
                failures.append("-: standard input is closed")
                continue
            if name == "-":
                sources.append(Source("-", "stdin", sys.stdin.buffer.read()))
                continue
            sources += [Source(str(p), p.stem, p.read_bytes()) for p in photo_paths(name)]
        except OSError as error:
            failures.append(f"{name}: {error.strerror}")
        except ImageError as error:
            failures.append(str(error))
    return sources, failures


def read_start(path: Path | None) -> Path | PreImage | None:
    """Return the saved result (.npz) to start from, or the path of the photo.

    Raises:
        OSError: if the file cannot be read.
        ValueError: if it is a damaged result.
    """
    if path is None:
        return None
    if path.suffix != ".npz":
        check_is_file(path)
        return path
    from preimage.visualizations import PreImage

    return PreImage.load(path)
