"""Faster passes of a network (compiled, recorded or in bfloat16) for images of one shape."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

Outputs = dict[str, Tensor]


def accelerated(run: Callable[[Tensor], Outputs], accelerate: str) -> Callable[[Tensor], Outputs]:
    """Return a faster equivalent of `run`, which computes outputs by name from the input.

    The mode "compile" is `torch.compile`, "graph" CUDA graphs, which launch all kernels of a pass
    at once, and "bf16" mixed precision; all other modes return `run` itself.
    """
    if accelerate == "compile":
        return torch.compile(run)
    if accelerate == "bf16":
        return _in_bfloat16(run)
    return _graphed(run) if accelerate == "graph" else run


def _in_bfloat16(run: Callable[[Tensor], Outputs]) -> Callable[[Tensor], Outputs]:
    def call(x: Tensor) -> Outputs:
        with torch.autocast(x.device.type, torch.bfloat16):
            return run(x)

    return call


def _graphed(run: Callable[[Tensor], Outputs]) -> Callable[[Tensor], Outputs]:
    """Return `run` with its forward and backward pass recorded once for each shape of images.

    A recorded pass overwrites its last outputs. Calls without gradients, whose outputs callers
    keep, are therefore not recorded.
    """
    graphs: dict[torch.Size, tuple[list[str], Any]] = {}

    def values(x: Tensor) -> tuple[Tensor, ...]:
        return tuple(run(x).values())

    def call(x: Tensor) -> Outputs:
        if not (torch.is_grad_enabled() and x.requires_grad):
            return run(x)
        if x.shape not in graphs:
            sample = x.detach().clone().requires_grad_()
            with torch.no_grad():
                names = list(run(sample))
            recorded = torch.cuda.make_graphed_callables(values, (sample,))
            graphs[x.shape] = names, recorded
        names, recorded = graphs[x.shape]
        return dict(zip(names, recorded(x), strict=True))

    return call
