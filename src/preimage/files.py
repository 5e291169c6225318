"""Files: written whole or not at all, their checksums, names and limits, and the cache folder."""

from __future__ import annotations

import errno
import hashlib
import os
import re
import secrets
import stat
import time
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

_PARTIAL = ".partial-"
_ABANDONED_SECONDS = 3600.0
_LONGEST_NAME = 120
_SECONDS_TO_REPLACE = 2.0
_DEVICE = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?", re.ASCII | re.IGNORECASE | re.DOTALL)


@contextmanager
def write_whole(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Yield a temporary file to write, which takes the place of `path` when the block ends.

    The file lies in the folder of `path`, which is made if missing, and has the same suffix.
    If the block raises, the temporary file is removed and `path` stays as it was. If `path` is a
    link, the file that it leads to is written.

    Raises:
        OSError: if the file cannot be written, or `path` is a folder, a pipe, a socket or a device;
            the error names `path` and the reason.

    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     path = Path(folder, "new", "notes.txt")
    ...     with write_whole(path) as partial:
    ...         characters = partial.write_text("complete")
    ...     path.read_text(), len(list(path.parent.iterdir()))
    ('complete', 1)
    """
    with write_together(path) as (partial,):
        yield partial


@contextmanager
def write_together(*paths: str | os.PathLike[str]) -> Iterator[list[Path]]:
    """Yield a temporary file for each path, as `write_whole` does; if one fails, write none."""
    whole = [Path(path) for path in paths]
    targets = [target_of(path) for path in whole]
    partials = [
        target.with_name(f"{_PARTIAL}{secrets.token_hex(8)}{path.suffix}")
        for path, target in zip(whole, targets, strict=True)
    ]
    try:
        for path, target in zip(whole, targets, strict=True):
            check_replaceable(path)
            target.parent.mkdir(parents=True, exist_ok=True)
        yield partials
        for partial in partials:
            with partial.open("rb+") as file:
                os.fsync(file.fileno())  # wait until the contents have reached the disk
        for partial, target in zip(partials, targets, strict=True):
            _replace(partial, target)
    except OSError as error:
        names = {str(partial): path for partial, path in zip(partials, whole, strict=True)}
        names |= {str(t.parent): path for t, path in zip(targets, whole, strict=True)}
        begun = [partial for partial in partials if os.path.exists(partial)]
        if error.filename is None:
            error = _with_reason(error, (begun[-1:] or partials)[0])
        if error.errno is None or error.filename not in names:
            raise
        raise OSError(error.errno, error.strerror, str(names[error.filename])) from None
    finally:
        for partial in partials:
            with suppress(OSError):
                partial.unlink()


def _replace(partial: Path, target: Path) -> None:
    """Rename a file; on Windows, wait up to two seconds for a program that has `target` open.

    There a file that is open, perhaps for a glance of a virus scanner, cannot be replaced.
    """
    begin = time.monotonic()
    while True:
        try:
            os.replace(partial, target)
        except PermissionError:
            if os.name != "nt" or time.monotonic() - begin > _SECONDS_TO_REPLACE:
                raise
            time.sleep(0.05)
        else:
            return


def _with_reason(error: OSError, partial: Path) -> OSError:
    """Return an error of writing a file with that file's name and a reason.

    Libraries may say that a write failed, but not why. Then a second write is tried, because its
    error tells the reason. If it succeeds, the reason is what the library said.
    """
    if error.errno is None:
        try:
            with partial.open("ab") as file:
                file.write(bytes(2**20))
        except OSError as found:
            error = found
    code = errno.EIO if error.errno is None else error.errno
    return OSError(code, error.strerror or str(error), str(partial))


def explain(error: OSError) -> str:
    """Return the file and the reason of an error, in one line.

    >>> explain(FileNotFoundError(2, "No such file or directory", "gone.png"))
    'gone.png: No such file or directory'
    """
    reason = error.strerror or (os.strerror(error.errno) if error.errno else str(error))
    words = " ".join(reason.split()) or type(error).__name__
    return f"{error.filename}: {words}" if error.filename else words


def check_is_file(path: Path) -> None:
    """Raise unless a path names an ordinary file, which can be read to its end.

    Reading a named pipe would wait for a writer, and a device such as /dev/zero never ends.

    Raises:
        OSError: if nothing has this path, or it names a folder, a pipe, a socket or a device.
    """
    mode = path.stat().st_mode
    if stat.S_ISDIR(mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
    if not stat.S_ISREG(mode):
        kinds = {stat.S_IFIFO: "a named pipe", stat.S_IFSOCK: "a socket"}
        kind = kinds.get(stat.S_IFMT(mode), "a device")
        raise OSError(errno.EINVAL, f"is {kind}, not a file", str(path))


def check_replaceable(path: Path) -> None:
    """Raise unless a path is free, or names an ordinary file or a link to one.

    Raises:
        OSError: if the path names a folder, a pipe, a socket or a device, or a link to one.
    """
    with suppress(FileNotFoundError, NotADirectoryError):
        check_is_file(path)


def target_of(path: Path) -> Path:
    """Return the file that a link leads to, which need not exist; any other path as it is."""
    return Path(os.path.realpath(path)) if path.is_symlink() else path


def is_partial(path: Path) -> bool:
    """Return whether a file is a temporary one of `write_whole`."""
    return path.name.startswith(_PARTIAL)


def remove_partial(folder: Path, seconds: float = _ABANDONED_SECONDS) -> None:
    """Remove temporary files that killed processes left in a folder, so many seconds ago or more.

    A younger file may be one that a living process is writing.
    """
    for path in folder.glob(f"**/{_PARTIAL}*"):
        with suppress(FileNotFoundError):
            if time.time() - path.stat().st_mtime >= seconds:
                path.unlink()


def sha256(source: bytes | Path) -> str:
    """Return the SHA-256 of bytes or of the contents of a file, in hexadecimal.

    >>> sha256(b"")[:8]
    'e3b0c442'
    """
    if isinstance(source, bytes):
        return hashlib.sha256(source).hexdigest()
    check_is_file(source)
    with source.open("rb") as file:
        return hashlib.file_digest(file, hashlib.sha256).hexdigest()


def checksum_of(path: Path) -> str:
    """Return the SHA-256 of a file; of a folder, that of its files' names and checksums."""
    if not path.is_dir():
        return sha256(path)
    files = sorted(one for one in path.rglob("*") if one.is_file())
    lines = (f"{sha256(file)}  {file.relative_to(path).as_posix()}\n" for file in files)
    return sha256("".join(lines).encode())


def md5(path: Path) -> str:
    """Return the MD5 of the contents of a file, in hexadecimal."""
    check_is_file(path)
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
        raise ValueError(
            f"{path}: decompresses to {inflated:,} bytes, far more than its size suggests"
        )


def file_name(text: str) -> str:
    """Return `text` without the characters that file names cannot have or shells interpret.

    Only the last 120 characters are kept. A name that Windows cannot have, since it ends in a dot
    or names a device, is changed on all systems.

    >>> file_name("alexnet/conv3.neuron 5:3,4"), file_name("aux")
    ('alexnet-conv3.neuron-5-3,4', '-aux')
    """
    safe = (c if c.isprintable() and c not in '/\\:*?"<>| ' else "-" for c in text)
    name = "".join(safe)[-_LONGEST_NAME:]
    name = f"{name[:-1]}-" if name.endswith(".") else name
    return f"-{name}" if names_device(name) else name


def names_device(name: str) -> bool:
    """Return whether Windows takes the name of a file for a device, whatever its suffixes are.

    >>> names_device("aux.png"), names_device("auxiliary.png")
    (True, False)
    """
    return _DEVICE.fullmatch(name) is not None


def cache_folder() -> Path:
    """Return the folder of weight files and statistics: $PREIMAGE_CACHE or the platform's own.

    Raises:
        ValueError: if $PREIMAGE_CACHE begins with the home folder of an unknown user.
    """
    if override := os.environ.get("PREIMAGE_CACHE"):
        try:
            return Path(override).expanduser()
        except RuntimeError:
            raise ValueError(
                f"PREIMAGE_CACHE names the folder {override}, but there is no such user: give "
                "the folder in full"
            ) from None
    import platformdirs

    return platformdirs.user_cache_path("preimage")
