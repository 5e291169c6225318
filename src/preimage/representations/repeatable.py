"""Settings of torch with which a GPU rounds as a CPU does and repeats its results bit for bit.

By default torch rounds the factors of convolutions to 11 bits on a GPU (TF32), and some operations
add in an order that changes from run to run. Both would be seen: a faster copy of a network would
differ from the network a thousand times more than on a CPU, and a seed would have many pictures.

>>> with repeatable(torch.device("cpu")):  # nothing to set
...     torch.are_deterministic_algorithms_enabled()
False
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import torch

_LOCK = threading.Lock()
_OPEN: list[torch.device] = []
"""The device of each block that is open, in any thread."""
_UNDO = ExitStack()
"""Functions that give torch its earlier settings when the last open block ends."""


@contextmanager
def repeatable(device: torch.device) -> Iterator[None]:
    """Compute in full float32 and in an order that repeats, if `device` is a GPU.

    The settings are those of the whole process, as long as such a block is open in any thread.
    An operation that torch cannot repeat still runs; torch warns once, and names it. Source:
    docs.pytorch.org, "Reproducibility" and "CUDA semantics".
    """
    if device.type != "cuda":
        yield
        return
    with _LOCK:
        if not _OPEN:
            _set_all()
        _OPEN.append(device)
    try:
        yield
    finally:
        with _LOCK:
            _OPEN.remove(device)
            if not _OPEN:
                _UNDO.close()


def _set_all() -> None:
    cudnn: Any = torch.backends.cudnn
    for kind in (cudnn.conv, cudnn.rnn, torch.backends.cuda.matmul):
        _set(kind, "fp32_precision", "ieee")
    _set(cudnn, "deterministic", True)
    _set(cudnn, "benchmark", False)
    _set(torch.utils.deterministic, "fill_uninitialized_memory", False)
    # Without it torch warns of every product; cuBLAS reads it when a process first multiplies.
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    before = torch.are_deterministic_algorithms_enabled()
    warns = torch.is_deterministic_algorithms_warn_only_enabled()
    _UNDO.callback(torch.use_deterministic_algorithms, before, warn_only=warns)
    torch.use_deterministic_algorithms(True, warn_only=True)


def _set(owner: Any, name: str, value: object) -> None:
    _UNDO.callback(setattr, owner, name, getattr(owner, name))
    setattr(owner, name, value)
