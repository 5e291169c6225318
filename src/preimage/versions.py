"""Versions, processor, device and threads: what results depend on besides their settings."""

from __future__ import annotations

import platform
import sys
from importlib.metadata import version


def versions(device: str | None = None) -> dict[str, str]:
    """Return the versions and machine that results depend on, with `device` if it is given.

    >>> sorted(versions("cpu"))
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
    return found if device is None else found | {"device": device}
