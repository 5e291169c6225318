"""An estimate of the time and disk space that trials will take, before they are carried out.

A trial of each representation is carried out twice with few steps, and its result kept in a
temporary store. The first time includes what a worker does once, mostly loading the network. The
second time, minus its steps, is the overhead of every trial.
"""

from __future__ import annotations

import contextlib
import heapq
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

import torch

from preimage.settings import Settings
from preimage.solver_settings import Algorithm1
from preimage.studies.loader import Loader
from preimage.studies.measures import Measures
from preimage.studies.outcome import Outcome, Record
from preimage.studies.trial import Trial
from preimage.studies.worker import carry_out
from preimage.sweeps.batches import group, read_photos
from preimage.sweeps.store import Store

_STEPS = (4, 6)
"""Numbers of steps of the first and of the second time that a trial is carried out."""
_ATTEMPTS = 3
"""Largest number of batches that are tried until one can be carried out."""
_ROW = 2500
"""Bytes that a trial and its numbers take in the index of a store."""


@dataclass(frozen=True, slots=True)
class Cost:
    """The time and disk space that the trials of a representation take.

    Attributes:
        once: seconds that a worker needs before its first trial.
        each: seconds that a trial takes in a worker.
        keep: seconds that the process which writes the store needs for each trial.
        size: bytes of a result.
    """

    once: float
    each: float
    keep: float
    size: int


def measure_costs(
    records: Sequence[Record],
    folder: Path,
    *,
    batch: int = 1,
    device: str = "cpu",
    progress: Callable[[str, int, int], None] = lambda name, done, total: None,
) -> tuple[dict[str, Cost], float]:
    """Return the cost of trials by `cost_names`, and the slowdown by other programs.

    If some trials of a name are done, its cost is the median of their times: of the processor time
    with one CPU thread, otherwise of the time by the clock. If none is done, it is
    extrapolated from a few steps of one trial. Names without any trial that can be carried out are
    left out. With one CPU thread, costs are those of an otherwise idle machine. The
    slowdown, at least 1, is the factor by which they grow at the machine's present load.

    Args:
        records: trials that are done, and those left, some of which are carried out.
        folder: an existing folder, on whose disk results are kept temporarily.
        batch: largest number of trials that are computed together.
        device: where to compute.
        progress: called before each name with it, the number of names before it, and that of all.
    """
    single = _is_single(device)
    by_name: dict[str, list[Record]] = {}
    for name, record in zip(cost_names(records), records, strict=True):
        by_name.setdefault(name, []).append(record)
    loader, costs, samples = Loader(), {}, []
    for done, (name, alike) in enumerate(by_name.items()):
        progress(name, done, len(by_name))
        known = [_seconds(r.measures, single) for r in alike if r.measures is not None]
        todo = [record.trial for record in alike if record.measures is None]
        if not todo:
            costs[name] = Cost(once=0, each=median(known), keep=0, size=0)
        for trials in islice(group(todo, batch), _ATTEMPTS):
            with contextlib.suppress(_CannotBeTimedError):
                samples.append(_carry_out_twice(trials, loader, folder, device))
                costs[name] = _cost(trials[0], known, samples[-1], loader)
                break
    lasting = sum(second.lasting for _, second in samples)
    worked = sum(second.worker for _, second in samples)
    return costs, max(1.0, lasting / worked) if samples else 1.0


def cost_names(records: Sequence[Record]) -> list[str]:
    """Return, for each record, the name of the trials that cost as much as its own.

    It is the representation. If the records are of several visualizations, the visualization comes
    before it; if its trials have several solvers or numbers of steps, as in Table 4, these come
    after it.
    """
    several = len({record.trial.visualization for record in records}) > 1
    names, methods = [], []
    for record in records:
        trial = record.trial
        visualization = f"{trial.visualization} " if several else ""
        names.append(f"{visualization}{trial.representation}")
        methods.append(_method(trial.settings))
    known: dict[str, set[str]] = {}
    for name, method in zip(names, methods, strict=True):
        known.setdefault(name, set()).add(method)
    return [
        f"{name}, {method}" if len(known[name]) > 1 else name
        for name, method in zip(names, methods, strict=True)
    ]


def _method(settings: Settings | None) -> str:
    """Return the name and the steps of a solver; HOGgle has neither."""
    if settings is None:
        return "HOGgle"
    solver = settings.solver
    steps = solver.iterations if isinstance(solver, Algorithm1) else solver.evaluations
    return f"{solver.name} {steps}"


def total_seconds(parts: Sequence[tuple[Cost, int]], workers: int, start: float) -> float:
    """Return the seconds of a run whose trials are shared by workers.

    Args:
        parts: costs, each with its number of trials, in the order in which they are carried out.
        workers: number of processes; a single one is the process that writes the store.
        start: seconds until a worker process has loaded the package.
    """
    alone = workers == 1
    free = [(0.0 if alone else start, worker, -1) for worker in range(workers)]
    for part, (cost, count) in enumerate(parts):
        for _ in range(count):  # the first free worker takes the next trial
            at, worker, last = free[0]
            once = cost.once if last != part else 0.0
            spent = once + cost.each + (cost.keep if alone else 0.0)
            heapq.heapreplace(free, (at + spent, worker, part))
    kept = sum(cost.keep * count for cost, count in parts)
    return max(kept, *(at for at, *_ in free)) if any(count for _, count in parts) else 0.0


class _CannotBeTimedError(ValueError):
    """The error for trials that fail, or that take no steps."""


@dataclass(frozen=True, slots=True)
class _Sample:
    """The measured cost of a few steps of some trials, divided by the number of trials.

    Attributes:
        worker: seconds of the worker: processor time with one CPU thread, otherwise wall-clock
            time.
        lasting: wall-clock seconds of the worker.
        step: seconds of a step, measured as `worker` is.
        steps: number of steps.
        besides: seconds of the worker, measured as `worker` is, that no result's time includes.
        keep: wall-clock seconds of claiming the trials and writing their results.
        size: bytes of a result.
    """

    worker: float
    lasting: float
    step: float
    steps: int
    besides: float
    keep: float
    size: int

    @property
    def besides_steps(self) -> float:
        """Seconds of the worker, measured as `worker` is, that do not grow with the steps."""
        return max(0.0, self.worker - self.step * self.steps)


def _carry_out_twice(
    trials: Sequence[Trial], loader: Loader, folder: Path, device: str
) -> tuple[_Sample, _Sample]:
    """Carry out trials twice, in a temporary store."""
    with (
        TemporaryDirectory(dir=folder, prefix=".preimage-") as scratch,
        Store(Path(scratch), create=True) as store,
    ):
        first = _carry_out(trials, _STEPS[0], store, loader, device)
        return first, _carry_out(trials, _STEPS[1], store, loader, device)


def _carry_out(
    trials: Sequence[Trial], steps: int, store: Store, loader: Loader, device: str
) -> _Sample:
    """Carry out trials with few steps, and write their results into the store."""
    begin = time.perf_counter()
    changes = {"settings": _shortened(trials[0], steps)}
    batch, _ = read_photos(store.claim([trial.model_copy(update=changes) for trial in trials]))
    if batch is None:
        raise _CannotBeTimedError
    single = _is_single(device)
    clock = time.process_time if single else time.perf_counter
    times: list[float] = []
    begun, started = time.perf_counter(), clock()
    results = carry_out(batch.trials, batch.photos, loader, device, lambda _: times.append(clock()))
    worker, finished = clock() - started, time.perf_counter()
    outcomes = [result for result in results if isinstance(result, Outcome)]
    if len(outcomes) < len(trials) or len(times) < min(_STEPS):
        raise _CannotBeTimedError
    for outcome in outcomes:
        store.put(outcome)
    end, count = time.perf_counter(), len(trials)
    paths = [path for o in outcomes for path in store.folder.glob(f"results/*/{o.key}.*")]
    return _Sample(
        worker=worker / count,
        lasting=(finished - begun) / count,
        step=(times[-1] - times[1]) / (len(times) - 2) / count,
        steps=len(times),
        besides=worker / count - _seconds(outcomes[0].measures, single),
        keep=((begun - begin) + (end - finished)) / count,
        size=sum(path.stat().st_size for path in paths) // count,
    )


def _cost(
    trial: Trial, known: Sequence[float], samples: tuple[_Sample, _Sample], loader: Loader
) -> Cost:
    """Return the cost of trials like this one; `known` are the seconds of those that are done."""
    first, second = samples
    if known:
        each = median(known) + max(0.0, second.besides)
    else:
        phi = loader.representation(trial.representation, trial.weights)
        steps = 0 if trial.settings is None else trial.settings.evaluations(phi)
        each = second.besides_steps + second.step * steps
    return Cost(
        once=max(0.0, first.besides_steps - second.besides_steps),
        each=each,
        keep=min(first.keep, second.keep) * second.worker / max(second.worker, second.lasting),
        size=second.size + _ROW,
    )


def _is_single(device: str) -> bool:
    """Return whether trials run on a single CPU thread, so that processor time is their cost."""
    return device == "cpu" and torch.get_num_threads() == 1


def _seconds(measures: Measures, single: bool) -> float:
    """Return the processor time of a result on a single thread, otherwise that by the clock."""
    worked = measures.processor_seconds if single else None
    return measures.seconds if worked is None else worked


def _shortened(trial: Trial, steps: int) -> Settings:
    """Return the settings of a trial with few steps."""
    if trial.settings is None:
        raise _CannotBeTimedError
    short = trial.settings.with_steps(steps)
    return short.replace(final_iterations=0) if isinstance(short.solver, Algorithm1) else short
