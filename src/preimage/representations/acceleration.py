"""Compiled and recorded calls of a network, for runs of many calls on images of one shape."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    import torch
    from torch import Tensor

ACCELERATIONS = ("auto", "none", "compile", "graph", "bf16")
"""How a network may be run many times; see `accelerated`."""

Outputs: TypeAlias = "dict[str, Tensor]"


def check_acceleration(accelerate: str, device: torch.device) -> None:
    """Fails for what there is not.

    Raises:
        ValueError: if there is no such way, or not on this device.
    """
    if accelerate not in ACCELERATIONS:
        known = ", ".join(ACCELERATIONS)
        raise ValueError(f"unknown acceleration {accelerate!r}: there are {known}")
    if accelerate == "graph" and device.type != "cuda":
        raise ValueError(f"accelerate='graph' records CUDA graphs: it needs cuda, not {device}")


def accelerated(run: Callable[[Tensor], Outputs], accelerate: str) -> Callable[[Tensor], Outputs]:
    """What computes the same as `run`.

    Args:
        run: from the network's input to outputs by name.
        accelerate: "compile" for `torch.compile`, whose first call takes from seconds to
            minutes; "graph" for CUDA graphs, which launch all kernels of a pass at once;
            "bf16" for convolutions and products in bfloat16, which only processors with units
            for it do fast; otherwise `run` itself.
    """
    import torch

    if accelerate == "compile":
        return torch.compile(run)
    if accelerate == "bf16":
        return _in_bfloat16(run)
    return _graphed(run) if accelerate == "graph" else run


def _in_bfloat16(run: Callable[[Tensor], Outputs]) -> Callable[[Tensor], Outputs]:
    """With automatic mixed precision; priors and solver stay as they are."""
    import torch

    def call(x: Tensor) -> Outputs:
        with torch.autocast(x.device.type, torch.bfloat16):
            return run(x)

    return call


def _graphed(run: Callable[[Tensor], Outputs]) -> Callable[[Tensor], Outputs]:
    """Records a pass, forward and backward, the first time that images have a new shape.

    The outputs of a recorded pass are overwritten by the next one. So only passes that a
    gradient follows are recorded: what is computed without one is kept by others.
    """
    import torch

    graphs: dict[torch.Size, tuple[list[str], Any]] = {}

    def call(x: Tensor) -> Outputs:
        if not (torch.is_grad_enabled() and x.requires_grad):
            return run(x)
        if x.shape not in graphs:
            sample = x.detach().clone().requires_grad_()
            with torch.no_grad():
                names = list(run(sample))
            recorded = torch.cuda.make_graphed_callables(
                lambda given: tuple(run(given).values()), (sample,)
            )
            graphs[x.shape] = names, recorded
        names, recorded = graphs[x.shape]
        return dict(zip(names, recorded(x), strict=True))

    return call
