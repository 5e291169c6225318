"""The commands `preimage` and `python -m preimage`."""

from __future__ import annotations

import ctypes
import gc
import io
import os
import signal
import sys
from types import FrameType

_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3
_KEPT = 2**30
_OBJECTS_BETWEEN_COLLECTIONS = 100_000


def main() -> None:
    """Run the command line, or say what to install for it.

    Imports make many objects that remain to the end. The garbage collector looks through them
    rarely, and not at the end of the process, which takes a quarter off the time of a short run.
    """
    gc.set_threshold(_OBJECTS_BETWEEN_COLLECTIONS)
    signal.signal(signal.SIGINT, _interrupt)
    try:
        from preimage.cli import app
    except ModuleNotFoundError as error:
        if error.name not in ("typer", "rich", "pydantic", "filelock"):
            raise
        from preimage.extras import install_command

        sys.exit(f"error: the command line needs {error.name}: {install_command('cli')}")
    _keep_freed_memory()
    _escape_unprintable()
    signal.signal(signal.SIGTERM, _terminate)
    try:
        app()
    except KeyboardInterrupt:
        sys.exit(130)
    finally:
        gc.freeze()


def _interrupt(signal_number: int, frame: FrameType | None) -> None:
    """Raise KeyboardInterrupt; end at once before torch is loaded or while a module is imported.

    In those cases nothing has been computed yet, and the library that is being imported could
    swallow the exception or turn it into another one.
    """
    caller, is_importing = frame, "torch" not in sys.modules
    while caller is not None and not is_importing:
        is_importing = caller.f_code.co_filename.startswith("<frozen importlib")
        caller = caller.f_back
    if is_importing:
        os.write(2, b"interrupted\n")
        os._exit(130)
    raise KeyboardInterrupt


def _terminate(*_: object) -> None:
    """End this process as an error would, so that partly written files are removed."""
    sys.exit(128 + signal.SIGTERM)


def _keep_freed_memory() -> None:
    """Tell glibc not to hand the memory of large tensors back to the kernel between two steps.

    The kernel would clear the memory again for the next step, which makes a batch at an early
    layer of a network 1.2 times as slow (docs/networks.md). Without glibc, do nothing.
    """
    if sys.platform == "linux":
        mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
        if mallopt is not None:
            mallopt(_M_TRIM_THRESHOLD, _KEPT)
            mallopt(_M_MMAP_THRESHOLD, _KEPT)


def _escape_unprintable() -> None:
    """Print a character that the encoding of standard output lacks as an escape, not as an error.

    On Windows, output that goes to a file or a program is in a code page of 256 characters.
    """
    if isinstance(sys.stdout, io.TextIOWrapper) and sys.stdout.errors == "strict":
        sys.stdout.reconfigure(errors="backslashreplace")


if __name__ == "__main__":
    main()
