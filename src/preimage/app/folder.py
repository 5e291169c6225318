"""The app's own folder: uploads and results, kept for a while and deleted when the app ends."""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from preimage.app.options import Limits

_NEW_SECONDS = 60.0
"""Age below which a file is never deleted to make room: its upload or result may be under way."""


@contextmanager
def own_folder() -> Iterator[Path]:
    """Make a folder that only this user can read, let gradio use it, and delete it at the end.

    Gradio looks for the names of its folders in the environment when components are made.
    """
    folder = Path(tempfile.mkdtemp(prefix="preimage-app-")).resolve()
    names = {"GRADIO_TEMP_DIR": str(folder), "GRADIO_EXAMPLES_CACHE": str(folder / "examples")}
    before = {name: os.environ.get(name) for name in names}
    os.environ.update(names)
    try:
        yield folder
    finally:
        for name, value in before.items():
            os.environ.pop(name, None)
            if value is not None:
                os.environ[name] = value
        shutil.rmtree(folder, ignore_errors=True)


def is_inside(path: str, folder: Path) -> bool:
    """Return whether a path leads to a file in the folder, after links and `..` are followed."""
    try:
        resolved = Path(path).resolve()
    except (OSError, ValueError, RuntimeError):  # a name with a null, too long, a circle of links
        return False
    return resolved.is_relative_to(folder) and resolved.is_file()


def touch(path: str) -> None:
    """Note that a file is used now, so that it is kept for longer."""
    with suppress(OSError):
        os.utime(path)


def clear(folder: Path, limits: Limits) -> None:
    """Delete files that were not used for a while, and the oldest ones if space is short."""
    now = time.time()
    files = []
    for path in folder.rglob("*"):
        with suppress(OSError):  # gradio deletes files, too
            if path.is_file():
                files.append((path.stat().st_mtime, path.stat().st_size, path))
    total = sum(size for _, size, _ in files)
    for changed, size, path in sorted(files):
        age = now - changed
        if age < limits.kept and (total <= limits.folder or age < _NEW_SECONDS):
            break
        total -= size
        with suppress(OSError):
            path.unlink()
            if path.parent != folder:
                path.parent.rmdir()  # if it is empty
