"""The options of a run: how trials are carried out."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from inspect import Parameter
from typing import Any

from preimage.cli.options import Batch, Device, Retry, Threads, Workers


@dataclass(frozen=True, slots=True)
class RunOptions:
    """The way trials are carried out, which changes nothing in the trials themselves.

    Attributes:
        workers: number of processes; None for one per core.
        threads: number of threads of each process.
        batch: largest number of trials that are computed together.
        device: where to compute.
        retry: whether to try failed trials again.
        ray: address of a Ray cluster, "local" to start one, None to do without.
        gpus: number or share of GPUs that each worker on Ray takes.
        film: whether each run is filmed; not on Ray.
    """

    workers: int | None = None
    threads: int = 1
    batch: int = 1
    device: str = "cpu"
    retry: bool = False
    ray: str | None = None
    gpus: float = 0
    film: bool = False


_OPTIONS: dict[str, tuple[Any, Any]] = {
    "workers": (Workers, None),
    "threads": (Threads, 1),
    "batch": (Batch, 1),
    "device": (Device, "cpu"),
    "retry": (Retry, False),
}
"""Type and default of each option that all commands share."""


def with_run_options(command: Callable[..., None]) -> Callable[..., None]:
    """Return the command with the options of a run instead of its parameter `run`.

    The command receives the values of these options together, as `run`, a `RunOptions`.
    """

    @functools.wraps(command)
    def wrapped(**values: Any) -> None:
        run = RunOptions(**{name: values.pop(name) for name in _OPTIONS})
        command(run=run, **values)

    parameters = inspect.signature(command, eval_str=True).parameters
    own = {name: (p.annotation, p.default) for name, p in parameters.items() if name != "run"}
    set_options(wrapped, own | _OPTIONS)
    return wrapped


def set_options(command: Callable[..., None], options: Mapping[str, tuple[Any, Any]]) -> None:
    """Make Typer offer these options for a command that takes any keywords.

    Args:
        command: the command.
        options: type and default of each option.
    """
    parameters = [
        Parameter(name, Parameter.KEYWORD_ONLY, annotation=annotation, default=default)
        for name, (annotation, default) in options.items()
    ]
    command.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
