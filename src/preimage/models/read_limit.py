"""A limit of what a file may take when it is read, for formats that compress or refer."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from preimage.files import inflated_limit


@dataclass(slots=True)
class ReadLimit:
    """What is left to read: numbers of bytes and of arrays.

    A file of a few bytes can stand for any number of either: compressed, as one array that is
    referred to many times, or as one that is never stored because all of it is equal.
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
