"""The options of a run: how trials are carried out."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from dataclasses import dataclass
from inspect import Parameter
from typing import Any

from preimage.cli.options import BatchSize, Device, Retry, Threads, Workers


@dataclass(frozen=True, slots=True)
class RunOptions:
    """The way trials are carried out; it does not change what they are.

    Attributes:
        workers: number of processes; None for one per core.
        threads: number of threads of each.
        batch: largest number of trials that are computed together.
        device: where to compute.
        retry: whether to try failed trials again.
        ray: address of a Ray cluster, "local" to start one, None to do without.
        gpus: share of a GPU that each worker on it takes.
    """

    workers: int | None = None
    threads: int = 1
    batch: int = 1
    device: str = "cpu"
    retry: bool = False
    ray: str | None = None
    gpus: float = 0


_OPTIONS: dict[str, tuple[Any, Any]] = {
    "workers": (Workers, None),
    "threads": (Threads, 1),
    "batch": (BatchSize, 1),
    "device": (Device, "cpu"),
    "retry": (Retry, False),
}
"""Type and default of each option that all commands share."""


def with_run_options(command: Callable[..., None]) -> Callable[..., None]:
    """Return the command with the options of a run instead of its parameter `run`.

    The command receives their values together, as `run`, a `RunOptions`.
    """
    signature = inspect.signature(command, eval_str=True)
    own = [p.replace(kind=Parameter.KEYWORD_ONLY) for p in signature.parameters.values()]
    shared = [
        Parameter(name, Parameter.KEYWORD_ONLY, default=default, annotation=annotation)
        for name, (annotation, default) in _OPTIONS.items()
    ]

    @functools.wraps(command)
    def wrapped(**values: Any) -> None:
        run = RunOptions(**{name: values.pop(name) for name in _OPTIONS})
        command(run=run, **values)

    parameters = [*(p for p in own if p.name != "run"), *shared]
    wrapped.__signature__ = signature.replace(parameters=parameters)  # type: ignore[attr-defined]
    return wrapped
