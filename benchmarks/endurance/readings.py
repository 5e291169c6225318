"""Readings of a process while it works: memory, threads, open files, objects; and their slope.

Memory is read from /proc, so these benchmarks run on Linux alone.
"""

from __future__ import annotations

import gc
import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Reading:
    """The state of a process after some work.

    Attributes:
        done: how much work was done, such as the number of inversions.
        rss: resident memory in MB (10^6 bytes).
        anonymous: the part of it that no file backs, in MB.
        threads: number of its threads.
        files: number of its open files.
        objects: number of objects that Python's collector knows; None for another process.
    """

    done: float
    rss: float
    anonymous: float
    threads: int
    files: int
    objects: int | None

    @property
    def row(self) -> dict[str, Any]:
        """The reading as a row of a table."""
        return asdict(self)


def read(done: float, pid: int | None = None) -> Reading:
    """Return a reading of a process; of this one, after a collection, if `pid` is None."""
    if pid is None:
        gc.collect()
    folder = Path("/proc", str(pid or os.getpid()))
    lines = (folder / "status").read_text().splitlines()
    status = {name: value.split() for name, value in (line.split(":", 1) for line in lines)}
    return Reading(
        done,
        rss=_megabytes(status["VmRSS"]),
        anonymous=_megabytes(status["RssAnon"]),
        threads=int(status["Threads"][0]),
        files=len(list((folder / "fd").iterdir())),
        objects=len(gc.get_objects()) if pid is None else None,
    )


def _megabytes(words: Sequence[str]) -> float:
    return round(int(words[0]) * 1024 / 1e6, 1)


def slope(readings: Sequence[Reading], name: str, begin: float, per: float = 100) -> float:
    """Return the growth of a field per so much work, by least squares, since `begin` was done."""
    late = [reading for reading in readings if reading.done >= begin]
    values = [getattr(reading, name) for reading in late]
    return per * float(np.polyfit([reading.done for reading in late], values, 1)[0])


def describe(readings: Sequence[Reading], begin: float, per: float, unit: str) -> list[str]:
    """Return lines on what grew since `begin` was done, per so much work in that unit."""
    late = [reading for reading in readings if reading.done >= begin]
    lines = []
    for name in ("rss", "anonymous", "threads", "files", "objects"):
        values = [getattr(reading, name) for reading in late]
        if None not in values:
            grown = slope(readings, name, begin, per)
            lines.append(
                f"{name}: {values[0]:g} at {late[0].done:g}, {values[-1]:g} at {late[-1].done:g}, "
                f"{min(values):g} to {max(values):g}; slope {grown:+.3g} per {per:g} {unit}"
            )
    return lines
