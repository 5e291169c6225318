"""The images of one run, shared out among worker processes.

Each worker minimizes Eq. 1 for some of the images, with one thread, while this process does
everything else. As images of a batch do not influence each other, they are the same, bit for bit,
as those of one process with one thread.
"""

from __future__ import annotations

import contextlib
import dataclasses
import itertools
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch

from preimage.checks import MOST_THREADS, whole
from preimage.objective import Energy
from preimage.optimizer import Progress
from preimage.priors.function import PriorFunction
from preimage.representations.base import Representation
from preimage.representations.execution import Execution
from preimage.representations.memory import MemoryLimitError
from preimage.representations.session import Session
from preimage.settings import Settings
from preimage.views import center_crop
from preimage.visualizations.pre_image import PER_RESULT, PreImage
from preimage.visualizations.progress_bar import ProgressLike, watched
from preimage.visualizations.solve import Problem, solve, trial_evaluation
from preimage.workers import Died, Failed, Reporter, WorkerError, share, start_method

_START = {"fork": 0.0, "forkserver": 3.0, "spawn": 5.0}
"""Seconds until the first worker can start, roughly: what workers save must be more."""
_EACH = 0.05
"""Seconds that each worker takes to start then, and to send its images."""


def choose_workers(
    workers: int | None, images: int, device: torch.device, execution: Execution
) -> tuple[int, Execution]:
    """Return the number of workers for this number of images, 1 for this process, and how to run.

    Workers have one thread each unless `execution` gives another number.

    Raises:
        ValueError: if it is no positive whole number, or the device is not the CPU.
    """
    workers = 1 if workers is None else whole("workers", workers, least=1, most=MOST_THREADS)
    if workers > 1 and device.type != "cpu":
        raise ValueError(
            f"workers share the cores of a CPU: leave workers out on {device}, which computes "
            "images together"
        )
    workers = min(workers, images)
    if workers == 1:
        return 1, execution
    return workers, dataclasses.replace(execution, threads=execution.threads or 1)


def solve_shared(
    workers: int,
    representation: Representation,
    session: Session,
    problem: Problem,
    settings: Settings,
    device: torch.device,
    execution: Execution,
    progress: ProgressLike,
    snapshot_every: int,
    prior: PriorFunction | None,
) -> PreImage:
    """Return what `solve` finds, by several workers if that saves time.

    Raises:
        WorkerError: if a worker died; its `finished` holds the images of the others, if any.
    """
    name = f"{problem.visualization} {representation.name}"
    with watched(progress, name) as report:
        return _solve_shared(
            workers, representation, session, problem, settings, device, execution, report,
            snapshot_every, prior,
        )  # fmt: skip


def _solve_shared(
    workers: int,
    representation: Representation,
    session: Session,
    problem: Problem,
    settings: Settings,
    device: torch.device,
    execution: Execution,
    progress: Callable[[Progress], None] | None,
    snapshot_every: int,
    prior: PriorFunction | None,
) -> PreImage:
    """Do the work of `solve_shared`, once it is known which function is told of the steps."""
    began = time.perf_counter()
    workers = 1 if problem.loss.is_joint else min(workers, len(problem.seeds))
    threads = execution.threads or 1
    method = start_method(threads, can_copy=execution.accelerate != "compile")
    count = len(problem.seeds)
    if workers == 1 or not saves_time(
        workers, representation, problem.size, count, settings, method
    ):
        return solve(
            representation, session, problem, settings, device, execution, progress,
            snapshot_every, prior,
        )  # fmt: skip
    if execution.memory is not None:
        execution = dataclasses.replace(execution, memory=max(1, execution.memory // workers))
    solver = _Solver(
        representation, problem, settings, device, execution, snapshot_every, prior,
        progress is not None,
    )  # fmt: skip
    parts = _parts(count, workers)
    watch = _Watch(len(parts), progress)
    shared = share(solver, parts, workers=workers, threads=threads, method=method, watch=watch)
    found: dict[int, PreImage] = {}
    died: list[WorkerError] = []
    with contextlib.closing(shared) as ends:
        for part, end in ends:
            if isinstance(end, Failed):
                if isinstance(end.error, MemoryLimitError):
                    raise end.error.among(workers)
                raise end.error
            if isinstance(end, Died):
                died.append(end.error)
            else:
                found[part] = end.value
    joined = _join([found[part] for part in sorted(found)], began) if found else None
    if died:
        died[0].finished = joined
        raise died[0]
    if joined is None:
        raise KeyboardInterrupt
    return joined


def saves_time(
    workers: int,
    representation: Representation,
    size: tuple[int, int],
    images: int,
    settings: Settings,
    method: str,
) -> bool:
    """Tell whether workers save more time than they take to start, from a timed evaluation.

    It is the second one: the first prepares what copies of this process then need not do again.
    """
    evaluate = trial_evaluation(representation, size, 1, settings)
    evaluate()
    began = time.perf_counter()
    evaluate()
    seconds = time.perf_counter() - began
    evaluations = settings.evaluations(representation) * images
    return seconds * evaluations * (1 - 1 / workers) > _START[method] + _EACH * workers


def _parts(count: int, workers: int) -> list[range]:
    """Return the rows of each worker, as equal in number as can be.

    >>> _parts(5, 2)
    [range(0, 3), range(3, 5)]
    """
    ends = [-(-count * n // workers) for n in range(workers + 1)]
    return [range(first, end) for first, end in itertools.pairwise(ends)]


@dataclass(frozen=True, slots=True)
class _Solver:
    """The work of a worker: the images of a problem at some rows."""

    representation: Representation
    problem: Problem
    settings: Settings
    device: torch.device
    execution: Execution
    snapshot_every: int
    prior: PriorFunction | None
    is_watched: bool

    def __call__(self, rows: Sequence[int], reporter: Reporter) -> PreImage:
        def report(progress: Progress) -> None:
            is_last = progress.step == progress.steps
            reporter(lambda: progress if self.is_watched else None, always=is_last)

        with self.representation.session(self.device, self.execution) as session:
            return solve(
                self.representation, session, self.problem.select(rows), self.settings,
                self.device, self.execution, report, self.snapshot_every, self.prior,
            )  # fmt: skip


class _Watch:
    """The caller's progress, called with the last state of all parts once each has reported."""

    def __init__(self, parts: int, progress: Callable[[Progress], None] | None) -> None:
        self._last: list[Progress | None] = [None] * parts
        self._progress = progress

    def __call__(self, part: int, state: Progress | None) -> None:
        self._last[part] = state
        known = [last for last in self._last if last is not None]
        if self._progress is None or len(known) < len(self._last):
            return
        size = (min(p.images.shape[-2] for p in known), min(p.images.shape[-1] for p in known))
        self._progress(
            Progress(
                min(p.step for p in known),
                known[0].steps,
                _join_energies([p.energy for p in known]),
                torch.cat([center_crop(p.images, size) for p in known]),
            )
        )


def _join(parts: Sequence[PreImage], began: float) -> PreImage:
    """Return the results of all parts as one; each part has the same fields."""

    def joined(name: str) -> Any:
        values = [getattr(part, name) for part in parts]
        if values[0] is None:
            return None
        if isinstance(values[0], tuple):
            return tuple(value for part in values for value in part)
        return torch.cat(values)

    steps = [[step for step, _ in part.snapshots] for part in parts]
    kept = min(steps, key=len)  # they differ if the run was interrupted
    result = dataclasses.replace(
        parts[0],
        **{name: joined(name) for name in PER_RESULT},
        trace=_join_energies(_of_one_length([part.trace for part in parts])),
        snapshots=tuple(
            (step, torch.cat([part.snapshots[n][1] for part in parts]))
            for n, step in enumerate(kept)
        ),
        interrupted=any(part.interrupted for part in parts),
        ran=next((part.ran for part in parts if part.ran.fallback), parts[0].ran),
    )
    return dataclasses.replace(result, seconds=(time.perf_counter() - began) / len(result))


def _join_energies(energies: Sequence[Energy]) -> Energy:
    terms = torch.cat([energy.terms for energy in energies], -1)
    return Energy.from_terms(terms, torch.cat([energy.loss_weight for energy in energies]))


def _of_one_length(traces: Sequence[Energy]) -> list[Energy]:
    """Return traces of the length of the longest; the last energy of others is repeated.

    They differ only if the run was interrupted. A trace without steps leaves none to the others.
    """
    lengths = [len(trace.loss) for trace in traces]
    steps = max(lengths) if min(lengths) else 0
    return [
        Energy.from_terms(
            trace.terms[:, [min(n, length - 1) for n in range(steps)]], trace.loss_weight
        )
        for trace, length in zip(traces, lengths, strict=True)
    ]
