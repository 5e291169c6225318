"""Standard output, whose errors are told from those of files."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator
from typing import Any

from preimage.files import explain


class OutputError(Exception):
    """An error of standard output; no OSError, so that none is taken for that of a file.

    Attributes:
        is_closed: whether nobody reads the output any more.
    """

    def __init__(self, error: OSError) -> None:
        super().__init__(f"standard output: {explain(error)}")
        self.is_closed = isinstance(error, BrokenPipeError)


class _Output:
    """A stream that raises `OutputError` where another raises OSError."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def write(self, text: str) -> Any:
        """Write a text."""
        try:
            return self._stream.write(text)
        except OSError as error:
            raise OutputError(error) from None

    def flush(self) -> None:
        """Write what is left."""
        try:
            self._stream.flush()
        except OSError as error:
            raise OutputError(error) from None


@contextlib.contextmanager
def guarded_output() -> Iterator[None]:
    """Make errors of standard output within the block, also those of its last flush, OutputErrors.

    After one, Python's own flush at its end writes what is left nowhere.
    """
    stream = sys.stdout
    if stream is None:  # closed before the start: nothing is printed
        yield
        return
    guarded = _Output(stream)
    sys.stdout = guarded
    try:
        yield
        guarded.flush()
    except OutputError:
        with contextlib.suppress(OSError, ValueError):  # a stream of a test has no number
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, stream.fileno())
            os.close(nowhere)
        raise
    finally:
        sys.stdout = stream
