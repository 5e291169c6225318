"""Versions, processor, device, threads, date: what results depend on besides their settings."""

from __future__ import annotations

import os
import platform
import sys
from contextlib import suppress
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

_CGROUP = Path("/sys/fs/cgroup/memory.max")


def versions(device: str | None = None) -> dict[str, str]:
    """Return the versions and machine that results depend on, with `device` if it is given.

    numba is named if it is installed, because compiled code rounds differently.

    >>> sorted(set(versions("cpu")) - {"numba"})
    ['device', 'machine', 'preimage', 'python', 'threads', 'torch']
    """
    import torch

    found = {
        "preimage": version("preimage"),
        "torch": torch.__version__,
        "python": sys.version.split()[0],
        "machine": platform.machine(),
        "threads": str(torch.get_num_threads()),
    }
    with suppress(PackageNotFoundError):
        found["numba"] = version("numba")
    return found if device is None else found | {"device": device}


def when_and_where() -> dict[str, str]:
    """Return the date in UTC, and the system of this machine.

    >>> sorted(when_and_where())
    ['cores', 'date', 'system']
    """
    return {
        "date": f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC",
        "system": platform.platform(),
        "cores": str(os.cpu_count()),
    }


def memory_of_machine() -> int | None:
    """Return the bytes of memory that this machine or its container has; None if unknown."""
    try:
        found = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):  # not a POSIX system
        return None
    try:
        return min(found, int(_CGROUP.read_text(encoding="ascii")))
    except (OSError, ValueError):  # no limit
        return found
