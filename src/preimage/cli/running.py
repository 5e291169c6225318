"""The run of a study by a command: engine, store, screen, and what failed."""

from __future__ import annotations

import functools
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import typer

from preimage.cli.errors import console
from preimage.cli.parsing import check_device
from preimage.cli.run_options import RunOptions
from preimage.cli.screen import open_screen
from preimage.files import explain
from preimage.reporting.results import check_room
from preimage.studies.outcome import Failure, Outcome, Record
from preimage.studies.trial import Trial
from preimage.sweeps.engines import Engine, ReportProgress, in_process, process_pool
from preimage.sweeps.ray_engine import ray_actors
from preimage.sweeps.run import graceful_stop, run
from preimage.sweeps.store import Store
from preimage.workers import count_cores


def carry_out(
    folder: Path, study: str, trials: Sequence[Trial], options: RunOptions
) -> list[Record]:
    """Carry out the trials of a study that its store lacks.

    Args:
        folder: the store.
        study: the name of the study in the store.
        trials: the trials of the study.
        options: how to carry them out.

    Returns:
        A record of each trial.

    Raises:
        KeyboardInterrupt: after Ctrl-C, once the trials that were begun are finished; after a
            second Ctrl-C, at once.
    """
    if options.ray is None:
        check_device(options.device)
    with Store(folder, create=True) as store:
        store.plan(study, trials)
        wanted = ("missing", "failed") if options.retry else ("missing",)
        todo = [record.trial for record in store.lookup(trials) if record.status in wanted]
        title = f"{study}: {len(trials)} trials, {len(todo)} to do"
        with (
            open_screen(todo, folder / "study.log", title) as screen,
            graceful_stop(_announce_stop) as stop,
        ):
            engine = choose_engine(options, len(todo), screen.report_progress)
            run(
                store, todo, engine, batch=options.batch, retry=options.retry,
                report=_warn_of_full_disk(screen.report, folder, len(todo)), stop=stop,
            )  # fmt: skip
        if stop.asked:
            raise KeyboardInterrupt
        return store.lookup(trials)


def _warn_of_full_disk(
    report: Callable[[Outcome | Failure], None], folder: Path, trials: int
) -> Callable[[Outcome | Failure], None]:
    """Return `report`, which also warns if the disk has no room for results like the first."""
    checked = False

    def report_and_check(result: Outcome | Failure) -> None:
        nonlocal checked
        report(result)
        if isinstance(result, Outcome) and not checked:
            checked = True
            try:
                check_room(folder, result.image.nbytes * (trials - 1))
            except OSError as error:
                warnings.warn(explain(error), stacklevel=2)

    return report_and_check


def choose_engine(options: RunOptions, trials: int, report_progress: ReportProgress) -> Engine:
    """Return an engine for this number of trials; on Ray, it does not report progress."""
    workers = count_workers(options, trials)
    shared: dict[str, Any] = {"threads": options.threads, "device": options.device}
    if options.ray is not None:
        return functools.partial(
            ray_actors, address=options.ray, workers=workers, gpus=options.gpus, **shared
        )
    shared |= {"report_progress": report_progress, "film": options.film}
    if workers == 1:
        return functools.partial(in_process, **shared)
    return functools.partial(process_pool, workers=workers, **shared)


def count_workers(options: RunOptions, trials: int) -> int:
    """Return the given number of workers; by default, one for each core or one for the GPU.

    There are never more workers than trials.
    """
    workers = options.workers
    if workers is None:
        workers = count_cores() // options.threads if options.device == "cpu" else 1
    return max(1, min(workers, trials))


def finish(records: Sequence[Record], paths: Sequence[Path]) -> None:
    """Print what was done, written and failed; end with exit status 2 if anything failed."""
    done = sum(record.status == "done" for record in records)
    typer.echo(f"{done} of {len(records)} trials done; wrote {', '.join(map(str, paths))}")
    exit_if_failed(records)


def exit_if_failed(records: Sequence[Record]) -> None:
    """Print a line for each failed trial, and end with exit status 2 if there are any."""
    failed = [record for record in records if record.status == "failed"]
    for record in failed:
        console.print(f"error: {record.trial.description}: {record.reason}")
    if failed:
        raise typer.Exit(2)


def _announce_stop() -> None:
    """Print that the run is going to stop."""
    console.print("stopping when the trials that were begun are done; Ctrl-C again to stop now")
