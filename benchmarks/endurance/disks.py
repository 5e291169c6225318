"""A study on a disk that is full, and on one that cannot be written: what is said, what is kept.

The disks are small ones in memory (tmpfs), which only root can make.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_SMALL, _LARGE = "500k", "64m"
_STUDY = """
representations = ["hog", "dsift", "hogb"]
images = ["photos"]
size = 96
seeds = [0, 1]
steps = 3
"""


def findings(folder: Path) -> Iterator[str]:
    """Yield lines on both disks; `folder` holds the photos of a study."""
    if sys.platform != "linux" or os.geteuid() != 0:
        yield "full and read-only disks: not tried, which takes root on Linux"
        return
    (folder / "disk.toml").write_text(_STUDY)
    yield f"on a large disk: {_study(folder, 'run', 'disk.toml', '--out', 'whole')}"
    whole = images(folder / "whole")
    with _disk(folder / "disk", _SMALL) as disk:
        yield f"on a full disk: {_study(folder, 'run', 'disk.toml', '--out', 'disk/store')}"
        some = images(disk / "store")
        yield f"kept there: {len(some)}, other bits than on the large disk: {_other(some, whole)}"
        _mount(disk, f"remount,ro,size={_LARGE}")
        yield f"read-only: {_study(folder, 'run', 'disk.toml', '--out', 'disk/store')}"
        yield f"status of it: {_study(folder, 'status', 'disk/store')}"
        yield f"export of it: {_study(folder, 'export', 'disk/store', 'trials.csv')}"
        _mount(disk, f"remount,rw,size={_LARGE}")
        yield f"with room again: {_study(folder, 'run', 'disk.toml', '--out', 'disk/store')}"
        some = images(disk / "store")
        yield f"kept there: {len(some)}, other bits than on the large disk: {_other(some, whole)}"
        files = [path.name for path in disk.rglob(".*")]
        yield f"temporary files: {files}; locks: {len(list(disk.glob('store/runs/*')))}"


def images(store: Path) -> dict[str, bytes]:
    """Return the contents of the image files of a store, by name."""
    return {path.name: path.read_bytes() for path in (store / "results").glob("*/[!.]*.npy")}


def _other(some: dict[str, bytes], whole: dict[str, bytes]) -> int:
    return sum(whole.get(name) != value for name, value in some.items())


def _study(folder: Path, *words: str) -> str:
    """Run `preimage study`; return its exit status, its errors and its last line."""
    done = subprocess.run(
        [sys.executable, "-m", "preimage", "study", *words],
        cwd=folder, capture_output=True, text=True, check=False,
    )  # fmt: skip
    errors, lines = done.stderr.strip().splitlines(), done.stdout.strip().splitlines()
    return f"exit status {done.returncode}; {len(errors)} lines of errors {errors}; {lines[-1:]}"


@contextmanager
def _disk(folder: Path, size: str) -> Iterator[Path]:
    """Mount an empty disk of a size at a folder."""
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", folder], check=True)
    try:
        yield folder
    finally:
        subprocess.run(["umount", folder], check=True)


def _mount(folder: Path, options: str) -> None:
    subprocess.run(["mount", "-o", options, folder], check=True)
