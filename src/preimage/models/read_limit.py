"""A limit of the memory that a file may take, for formats with compression or references."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from preimage.files import inflated_limit


@dataclass(slots=True)
class ReadLimit:
    """The numbers of bytes and of arrays that may still be read.

    A file of a few bytes can stand for any number of either: by compression, by many references
    to one array, or by an array that is not stored because all its values are equal.
    """

    bytes: int
    arrays: int = 100_000

    @classmethod
    def of(cls, path: Path) -> ReadLimit:
        """Return the limit for a whole file."""
        return cls(inflated_limit(path.stat().st_size))

    def spend(self, *, size: int = 0, arrays: int = 0) -> None:
        """Count what is about to be read; raise ValueError if the limit is passed."""
        self.bytes -= size
        self.arrays -= arrays
        if min(self.bytes, self.arrays) < 0:
            raise ValueError("it holds far more than its size suggests")
