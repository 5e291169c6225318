"""Checks that results can be written, before any work is done for them."""

from __future__ import annotations

import errno
import shutil
import tempfile
from pathlib import Path

from preimage.files import check_replaceable, target_of

_PICTURES = ".png, .jpg, .webp, .tif, .bmp, .gif or .pdf"


def names_file(path: Path) -> bool:
    """Return whether a path looks like a file: no folder, and a letter begins its suffix.

    >>> names_file(Path("result.pgn")), names_file(Path("run.1")), names_file(Path("v0.2"))
    (True, False, False)
    """
    return path.suffix[1:2].isalpha() and not path.is_dir()


def check_writable(folder: Path) -> None:
    """Check that a folder can be made and written, before any work is done for it.

    Raises:
        ValueError: if its name is "-".
        OSError: if it cannot be made or written.
    """
    _check_name(folder)
    there = next(path for path in (folder, *folder.parents) if path.exists())
    try:
        if not there.is_dir():
            check_replaceable(there)
            raise NotADirectoryError(errno.ENOTDIR, "is a file, not a folder")
        with tempfile.TemporaryFile(dir=there):
            pass
    except OSError as error:
        raise OSError(error.errno, error.strerror, str(there)) from None


def check_folder(folder: Path) -> None:
    """Check that results can go into a folder, before any work is done for them.

    Raises:
        ValueError: if its name looks like a file's.
        OSError: if it cannot be made or written.
    """
    if names_file(folder):
        raise ValueError(f"{folder} is the name of a file: give a folder")
    check_writable(folder)


def check_output(path: Path) -> None:
    """Check that a file can be written, before any work is done for it.

    Raises:
        ValueError: if its name is "-".
        OSError: if it cannot be written, or is a folder, a pipe, a socket or a device.
    """
    _check_name(path)
    check_replaceable(path)
    check_writable(target_of(path).parent)


def _check_name(path: Path) -> None:
    """Raise ValueError for "-", which names standard output elsewhere."""
    if str(path) == "-":
        raise ValueError("results cannot go to standard output (-): give a file or folder")


def check_picture(path: Path) -> None:
    """Check that a picture and its sidecar can be written, before any work is done for them.

    Raises:
        ValueError: if Pillow cannot write files with this suffix.
        OSError: if one of them cannot be written, or is a folder, a pipe, a socket or a device.
    """
    from PIL import Image

    if Image.registered_extensions().get(path.suffix.lower()) not in Image.SAVE:
        raise ValueError(f"cannot write {path}: a picture ends in {_PICTURES}")
    for file in (path, path.with_suffix(".json")):
        check_output(file)


def check_room(folder: Path, size: int) -> None:
    """Check that the disk of a folder, which need not exist, has room for `size` bytes.

    Raises:
        OSError: if the disk has less room.
    """
    there = next(path for path in (folder, *folder.absolute().parents) if path.exists())
    free = shutil.disk_usage(there).free
    if size > free:
        reason = f"results take about {format_bytes(size)}, but its disk has {format_bytes(free)}"
        raise OSError(errno.ENOSPC, reason, str(folder))


def format_bytes(size: int) -> str:
    """Return a number of bytes as text.

    >>> format_bytes(999), format_bytes(123456), format_bytes(5 * 10**13)
    ('999 bytes', '123 KB', '50000 GB')
    """
    if size < 1000:
        return f"{size} bytes"
    unit, name = next((u, n) for u, n in ((1e9, "GB"), (1e6, "MB"), (1e3, "KB")) if size >= u)
    return f"{size / unit:.1f} {name}" if size < 10 * unit else f"{size / unit:.0f} {name}"
