"""A memory limit, kept by measuring how much memory one evaluation of a representation takes."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.multiprocessing.reductions import StorageWeakRef
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from preimage.representations.base import Representation
from preimage.representations.session import Session

_STATE = 12
"""The number of image-sized tensors, such as momenta, that solver and priors hold per image."""

_SLACK = 1.2
"""The factor that allows for memory inside operations, which is not measured."""


class MemoryLimitError(ValueError):
    """The error for images that need more memory than the limit of a run."""

    def among(self, workers: int) -> MemoryLimitError:
        """Return the error with what it means for one of several workers."""
        return MemoryLimitError(
            f"{self}, or fewer workers: each of the {workers} has an equal share"
        )


def peak_bytes(function: Callable[[], object], device: torch.device) -> int:
    """Return the most that torch holds at a time during a call, beyond what it held before."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
        torch.cuda.reset_peak_memory_stats(device)
        before = torch.cuda.memory_allocated(device)
        function()
        torch.cuda.synchronize(device)
        return torch.cuda.max_memory_allocated(device) - before
    with _LiveStorages() as live:
        function()
    return live.peak


class _LiveStorages(TorchDispatchMode):
    """A record of the memory of the tensors that operations returned and that still exist."""

    def __init__(self) -> None:
        super().__init__()
        self.peak = 0
        self._storages: dict[StorageWeakRef, int] = {}

    def __torch_dispatch__(
        self, func: Any, types: Any, args: Any = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        result = func(*args, **(kwargs or {}))
        for tensor in tree_leaves(result):
            if isinstance(tensor, Tensor):
                storage = tensor.untyped_storage()
                self._storages[StorageWeakRef(storage)] = storage.nbytes()
        self._storages = {ref: n for ref, n in self._storages.items() if not ref.expired()}
        self.peak = max(self.peak, sum(self._storages.values()))
        return result


def limit_memory(
    representation: Representation,
    session: Session,
    size: tuple[int, int],
    images: int,
    memory: int | None,
    device: torch.device,
) -> int:
    """Return how many of the images can be computed at once within a limit of memory.

    The memory for one image is measured. If it exceeds the limit, the session, which must be
    open, recomputes activations from then on. For `memory` see `Execution`.

    Raises:
        MemoryLimitError: if one image exceeds the limit even then.
    """
    if memory is None:
        return images
    shape = (1, representation.preprocessing.channels, *size)

    def evaluate() -> None:
        x = torch.zeros(shape, device=device, dtype=torch.float32, requires_grad=True)
        with torch.enable_grad():
            codes = representation(x)
        representation.gradient(codes, x, torch.ones_like(codes))

    image = 4 * shape[1] * size[0] * size[1]
    held = session.weight_bytes + images * _STATE * image
    for _ in ("kept", "recomputed"):
        evaluate()  # the first call prepares what later ones use
        each = math.ceil(_SLACK * peak_bytes(evaluate, device))
        if held + each <= memory:
            return min((memory - held) // each, images)
        if not session.recompute():
            break
    needed, given = _in_words(held + each), _in_words(memory)
    count = "an image" if images == 1 else f"{images} images"
    raise MemoryLimitError(
        f"{representation.name} needs {needed} for {count} of {size[0]} x {size[1]} pixels, but "
        f"the limit is {given}: use fewer or smaller images"
    )


def _in_words(size: int) -> str:
    """Return a number of bytes as text, in the units of --memory.

    >>> _in_words(3 * 2**20), _in_words(1500), _in_words(1)
    ('3 MB', '2 KB', '1 KB')
    """
    return f"{size / 2**20:.0f} MB" if size >= 2**20 else f"{math.ceil(size / 2**10)} KB"
