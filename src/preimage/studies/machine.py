"""What a result depends on besides its trial: versions, device and threads."""

from __future__ import annotations

import platform

import torch


def machine(device: str, batch: int) -> dict[str, str]:
    """Versions of preimage and torch, processor, device, threads and trials in the batch.

    >>> sorted(machine("cpu", 1))
    ['batch', 'device', 'preimage', 'processor', 'threads', 'torch']
    """
    from importlib.metadata import version

    return {
        "preimage": version("preimage"),
        "torch": torch.__version__,
        "processor": platform.machine(),
        "device": device,
        "batch": str(batch),
        "threads": str(torch.get_num_threads()),
    }
