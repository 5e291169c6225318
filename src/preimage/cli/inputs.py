"""Inputs of `invert` and `caricature`: photos, saved codes and standard input."""

from __future__ import annotations

import io
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from preimage.files import sha256

if TYPE_CHECKING:
    import numpy as np


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
        """True for a saved code, false for a photo."""
        return self.name.endswith(".npy")

    @property
    def sha256(self) -> str:
        """Checksum of the bytes."""
        return sha256(self.data)

    def pixels(self) -> np.ndarray:
        """Return the photo, decoded, as an array for the visualizations.

        Raises:
            ImageError: if it is no image that Pillow can read.
        """
        from preimage.images import read_pixels

        return read_pixels(io.BytesIO(self.data))

    def code(self) -> np.ndarray:
        """Return the saved code.

        Raises:
            ValueError: if it is no array of real numbers.
        """
        import numpy as np

        try:
            array = np.load(io.BytesIO(self.data), allow_pickle=False)
        except (ValueError, EOFError, TypeError):
            raise ValueError("not an array of numbers saved by numpy.save, or damaged") from None
        if not isinstance(array, np.ndarray) or array.dtype.kind not in "fiu":
            raise ValueError("not an array of real numbers")
        return array.astype(np.float32)


def read_inputs(inputs: Sequence[str]) -> tuple[list[Source], list[str]]:
    """Read files, the images of folders, and standard input (-).

    Returns:
        The sources, and a line for each input that cannot be read.
    """
    from preimage.images import ImageError
    from preimage.photo_files import photo_paths

    sources, failures = [], []
    for name in inputs:
        try:
            if name == "-":
                sources.append(Source("-", "stdin", sys.stdin.buffer.read()))
                continue
            sources += [Source(str(p), p.stem, p.read_bytes()) for p in photo_paths(name)]
        except OSError as error:
            failures.append(f"{name}: {error.strerror}")
        except ImageError as error:
            failures.append(str(error))
    return sources, failures
