"""Files: written whole or not at all, their checksums, names and limits, and the cache folder."""

from __future__ import annotations

import hashlib
import os
import secrets
import time
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_PARTIAL = ".partial-"
_ABANDONED_SECONDS = 3600.0
_LONGEST_NAME = 120


@contextmanager
def write_whole(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Yield a temporary file to write, which takes the place of `path` when the block ends.

    The file lies in the folder of `path`, which is made if missing, and has the same suffix.
    If the block raises, the temporary file is removed and `path` stays as it was.

    Raises:
        OSError: if the file cannot be written; the error names `path`.

    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     path = Path(folder, "new", "notes.txt")
    ...     with write_whole(path) as partial:
    ...         characters = partial.write_text("complete")
    ...     path.read_text(), len(list(path.parent.iterdir()))
    ('complete', 1)
    """
    path = Path(path)
    partial = path.with_name(f"{_PARTIAL}{secrets.token_hex(8)}{path.suffix}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            yield partial
            with partial.open("rb+") as file:
                os.fsync(file.fileno())  # wait until the contents have reached the disk
            os.replace(partial, path)
        finally:
            partial.unlink(missing_ok=True)
    except OSError as error:
        if error.errno is None or error.filename not in (None, str(partial), str(path.parent)):
            raise
        raise OSError(error.errno, error.strerror, str(path)) from None


def is_partial(path: Path) -> bool:
    """Return whether a file is a temporary one of `write_whole`."""
    return path.name.startswith(_PARTIAL)


def remove_partial(folder: Path) -> None:
    """Remove temporary files that killed processes left in a folder over an hour ago."""
    for path in folder.glob(f"**/{_PARTIAL}*"):
        if time.time() - path.stat().st_mtime > _ABANDONED_SECONDS:
            path.unlink(missing_ok=True)


def sha256(source: bytes | Path) -> str:
    """Return the SHA-256 of bytes or of the contents of a file, in hexadecimal.

    >>> sha256(b"")[:8]
    'e3b0c442'
    """
    if isinstance(source, bytes):
        return hashlib.sha256(source).hexdigest()
    with source.open("rb") as file:
        return hashlib.file_digest(file, hashlib.sha256).hexdigest()


def md5(path: Path) -> str:
    """Return the MD5 of the contents of a file, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()


def inflated_limit(size: int) -> int:
    """Return the number of bytes that a file of `size` bytes may take when it is decompressed.

    Weights and pictures hardly shrink when they are compressed; a file that grows a hundredfold is
    damaged, or made to fill the memory.

    >>> inflated_limit(2 * 10**6) // 10**6
    288
    """
    return 2**28 + 10 * size


def check_archive(path: Path) -> None:
    """Raise ValueError if a zip file, such as .npz or .pth, holds far more than its size suggests.

    Files of other kinds pass.
    """
    if not zipfile.is_zipfile(path):
        return
    with zipfile.ZipFile(path) as archive:
        inflated = sum(entry.file_size for entry in archive.infolist())
    if inflated > inflated_limit(path.stat().st_size):
        raise ValueError(f"{path}: holds {inflated:,} bytes, far more than its size suggests")


def file_name(text: str) -> str:
    """Return `text` without the characters that file names cannot have or shells interpret.

    Only the last 120 characters are kept.

    >>> file_name("alexnet/conv3.neuron 5:3,4")
    'alexnet-conv3.neuron-5-3,4'
    """
    safe = (c if c.isprintable() and c not in '/\\:*?"<>| ' else "-" for c in text)
    return "".join(safe)[-_LONGEST_NAME:]


def cache_folder() -> Path:
    """Return the folder of weight files and statistics: $PREIMAGE_CACHE or the platform's own."""
    if override := os.environ.get("PREIMAGE_CACHE"):
        return Path(override).expanduser()
    import platformdirs

    return platformdirs.user_cache_path("preimage")
