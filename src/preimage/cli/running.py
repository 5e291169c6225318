"""Studies carried out with progress on the screen and in a log file."""

from __future__ import annotations

import functools
import logging
import os
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Bar

from preimage.cli.common import check_device, console, percent
from preimage.studies.outcome import Failure, Measures, Outcome, Record
from preimage.studies.trial import Trial
from preimage.sweeps.engines import (
    BatchProgress,
    Engine,
    ReportProgress,
    in_process,
    process_pool,
)
from preimage.sweeps.ray_engine import ray_actors
from preimage.sweeps.run import graceful_stop, run
from preimage.sweeps.store import Store


@dataclass(frozen=True, slots=True)
class How:
    """How trials are carried out, as the options say; none of it changes what they are.

    Attributes:
        workers: processes; None for one a core.
        threads: of each.
        batch: trials at a time.
        device: where to compute.
        retry: whether to try failed trials again.
        ray: address of a Ray cluster, "local" to start one, None to do without.
        gpus: share of a GPU that a worker on it takes.
    """

    workers: int | None = None
    threads: int = 1
    batch: int = 1
    device: str = "cpu"
    retry: bool = False
    ray: str | None = None
    gpus: float = 0

    def engine(self, trials: int, report_progress: ReportProgress) -> Engine:
        """Return what carries out so many trials; Ray does not report progress."""
        workers = self.processes(trials)
        shared: dict[str, Any] = {"threads": self.threads, "device": self.device}
        if self.ray is not None:
            return functools.partial(
                ray_actors, address=self.ray, workers=workers, gpus=self.gpus, **shared
            )
        shared["report_progress"] = report_progress
        if workers == 1:
            return functools.partial(in_process, **shared)
        return functools.partial(process_pool, workers=workers, **shared)

    def processes(self, trials: int) -> int:
        """The number of workers: a core each, or one on a GPU, and no more than trials."""
        workers = self.workers
        if workers is None:
            workers = _cores() // self.threads if self.device == "cpu" else 1
        return max(1, min(workers, trials))


def carry_out(folder: Path, study: str, trials: Sequence[Trial], how: How) -> list[Record]:
    """Carries out what a store lacks of a study; its records, and lines for what failed.

    Raises:
        KeyboardInterrupt: after Ctrl-C, when what was begun is finished, or at once after a
            second one.
    """
    if how.ray is None:
        check_device(how.device)
    with Store(folder, create=True) as store, _log(folder / "study.log") as log:
        store.plan(study, trials)
        wanted = ("missing", "failed") if how.retry else ("missing",)
        todo = [record.trial for record in store.records(study) if record.status in wanted]
        log.info("%s: %d trials, %d to do", study, len(trials), len(todo))
        with _screen(todo, log) as screen, graceful_stop(_announce) as stop:
            engine = how.engine(len(todo), screen.show)
            run(
                store, todo, engine, batch=how.batch, retry=how.retry, report=screen.report,
                stop=stop,
            )  # fmt: skip
        if stop.asked:
            raise KeyboardInterrupt
        return store.records(study)


class _Screen:
    """Trials done and failed, rate and remaining time on standard error and in the log."""

    def __init__(self, bar: Bar, trials: Sequence[Trial], log: logging.Logger) -> None:
        self._bar = bar
        self._task = bar.add_task("", total=len(trials), failed=0, rate="", last="")
        self._begin = time.perf_counter()
        self._names = {trial.key: describe(trial) for trial in trials}
        self._done = self._failed = 0
        self._log = log

    def report(self, result: Outcome | Failure) -> None:
        """Shows and logs one result."""
        name = self._names[result.key]
        if isinstance(result, Failure):
            self._failed += 1
            self._log.error("failed %s %s: %s", result.key, name, result.reason)
            last = f"failed: {name}"
        else:
            numbers = result.measures
            came_to = _came_to(numbers)
            self._log.info("done %s %s: %s, %.2f s", result.key, name, came_to, numbers.seconds)
            last = f"{name}: {came_to}"
        self._done += 1
        rate = f"{60 * self._done / (time.perf_counter() - self._begin):.3g} a minute"
        self._bar.update(self._task, advance=1, failed=self._failed, rate=rate, last=last)

    def show(self, progress: BatchProgress) -> None:
        """Show the state of a trial that is being carried out."""
        name, energy = self._names[progress.key], f"energy {progress.energy:.4g}"
        words = f"{name}: {progress.step} of {progress.steps}, {energy}"
        self._bar.update(self._task, last=words)


def _came_to(measures: Measures) -> str:
    """Error or response, and the energy."""
    if measures.error is not None:
        reached = f"error {percent(measures.error)}"
    else:
        reached = f"response {measures.response or 0:.4g}"
    return f"{reached}, energy {measures.energy or 0:.4g}"


def describe(trial: Trial) -> str:
    """A trial in a few words."""
    words = [trial.representation, trial.subject, f"C {trial.weight:g}"]
    return ", ".join([*words, f"seed {trial.seed}"])


def report_failures(records: Sequence[Record]) -> int:
    """A line for each failed trial; how many there are."""
    failed = [record for record in records if record.status == "failed"]
    for record in failed:
        console.print(f"error: {describe(record.trial)}: {record.reason}", markup=False)
    return len(failed)


def _announce() -> None:
    console.print("stopping when the trials that were begun are done; Ctrl-C again to stop now")


def _cores() -> int:
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:  # where processes are not bound to cores
        return os.cpu_count() or 1


@contextmanager
def _screen(trials: Sequence[Trial], log: logging.Logger) -> Iterator[_Screen]:
    columns = (
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[failed]} failed"),
        TextColumn("{task.fields[rate]}"),
        TimeRemainingColumn(),
        TextColumn("{task.fields[last]}"),
    )
    with Bar(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        yield _Screen(bar, trials, log)


class _QuietHandler(logging.FileHandler):
    """A log that says nothing when it cannot be written: the store will."""

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802
        """Does nothing."""


@contextmanager
def _log(path: Path) -> Iterator[logging.Logger]:
    logger = logging.Logger("preimage.study", logging.INFO)
    handler = _QuietHandler(path, encoding="utf-8")
    handler.setFormatter(logging.Formatter("%(asctime)s %(process)d %(message)s"))
    logger.addHandler(handler)
    try:
        yield logger
    finally:
        handler.close()
