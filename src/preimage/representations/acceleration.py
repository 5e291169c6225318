"""Faster passes of a network (compiled, recorded or in bfloat16) for images of one shape."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, TypeAlias

import torch
from torch import Tensor

Outputs: TypeAlias = dict[str, Tensor]
Run: TypeAlias = Callable[[Tensor], Outputs]


_VISIBLE: ContextVar[bool] = ContextVar("_VISIBLE", default=False)


@contextmanager
def visible_operations() -> Iterator[None]:
    """In the block, let autograd see each operation of a network: no recorded pass is used.

    What changes gradients between operations, as `skip_paths` and `redirection` do, needs that.
    """
    token = _VISIBLE.set(True)
    try:
        yield
    finally:
        _VISIBLE.reset(token)


def accelerated(run: Run, accelerate: str) -> Run:
    """Return a faster equivalent of `run`, which computes outputs by name from the input.

    The mode "compile" is `torch.compile`, "graph" CUDA graphs, which launch all kernels of a pass
    at once (both are a `Recorded`), and "bf16" mixed precision; all other modes return `run`.
    """
    if accelerate == "bf16":
        return _in_bfloat16(run)
    if accelerate == "compile":
        return Recorded(run, torch.compile(run))
    return Recorded(run, _graphed(run)) if accelerate == "graph" else run


class Recorded:
    """A pass that runs as recorded, or as it is where a recorded pass would not do.

    That is without gradients, since callers keep the outputs of such a call, which the next
    recorded pass of CUDA graphs overwrites; and with `visible_operations`.
    """

    def __init__(self, run: Run, recorded: Run) -> None:
        self._run, self._recorded = run, recorded
        self.has_run = False
        """True once a recorded pass has run."""

    def __call__(self, x: Tensor) -> Outputs:
        """Return the outputs for `x`, by name."""
        if _VISIBLE.get() or not (torch.is_grad_enabled() and x.requires_grad):
            return self._run(x)
        self.has_run = True
        return self._recorded(x)


def _in_bfloat16(run: Run) -> Run:
    def call(x: Tensor) -> Outputs:
        with torch.autocast(x.device.type, torch.bfloat16):
            return run(x)

    return call


def _graphed(run: Run) -> Run:
    """Return `run` with its forward and backward pass recorded once for each shape of images."""
    graphs: dict[torch.Size, tuple[list[str], Any]] = {}

    def values(x: Tensor) -> tuple[Tensor, ...]:
        return tuple(run(x).values())

    def call(x: Tensor) -> Outputs:
        if x.shape not in graphs:
            sample = x.detach().clone().requires_grad_()
            with torch.no_grad():
                names = list(run(sample))
            with warnings.catch_warnings():  # that a stream of its own is used to record
                warnings.filterwarnings("ignore", "The AccumulateGrad node's stream", UserWarning)
                recorded = torch.cuda.make_graphed_callables(values, (sample,))
            graphs[x.shape] = names, recorded
        names, recorded = graphs[x.shape]
        return dict(zip(names, recorded(x), strict=True))

    return call
