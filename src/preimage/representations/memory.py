"""How much memory an evaluation of a representation and its gradient takes."""

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

_STATE = 12
"""Images that solver and priors hold for each image: momenta, gradients and the like."""
_SLACK = 1.2
"""What an operation needs inside itself, over what is seen from outside."""


def peak_bytes(function: Callable[[], object], device: torch.device) -> int:
    """The most that torch holds at a time for a call of `function`, beyond what it held before."""
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
    """Watches which of the tensors that operations return are still alive."""

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


def fit(
    representation: Representation,
    size: tuple[int, int],
    images: int,
    memory: int | None,
    device: torch.device,
) -> int | None:
    """How many images fit in memory at once; where one does not, activations are recomputed.

    To be called inside `representation.frozen`. What one image takes is measured.

    Args:
        representation: Phi.
        size: height and width of the images.
        images: how many there are.
        memory: bytes, for all that is held with the network's weights; None for no limit,
            which None stands for in the answer too.
        device: where they are computed.

    Raises:
        ValueError: if not even one fits.
    """
    if memory is None:
        return None
    shape = (1, representation.preprocessing.channels, *size)

    def evaluate() -> None:
        x = torch.zeros(shape, device=device, requires_grad=True)
        with torch.enable_grad():
            codes = representation(x)
        torch.autograd.grad(codes, x, torch.ones_like(codes))

    image = 4 * shape[1] * size[0] * size[1]
    held = representation.weight_bytes + images * _STATE * image
    for _ in ("kept", "recomputed"):
        evaluate()  # the first call prepares what later ones use
        each = math.ceil(_SLACK * peak_bytes(evaluate, device))
        if held + each <= memory:
            return min((memory - held) // each, images)
        if not representation.recompute():
            break
    needed, given = (f"{bytes_ / 2**20:.0f} MB" for bytes_ in (held + each, memory))
    count = "an image" if images == 1 else f"{images} images"
    raise ValueError(
        f"{representation.name} needs {needed} for {count} of {size[0]} x {size[1]} pixels, "
        f"more than {given}: fewer or smaller ones may fit"
    )
