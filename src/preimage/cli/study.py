"""`preimage study`: many visualizations from a file; a stopped run loses nothing."""

from __future__ import annotations

import dataclasses
import errno
import time
import warnings
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from preimage.cli.errors import clear_errors
from preimage.cli.options import (
    DryRun,
    ExportFile,
    Gpus,
    OutStudy,
    Ray,
    StoreFolder,
    StudyFile,
    StudyName,
)
from preimage.cli.run_options import RunOptions, with_run_options
from preimage.cli.tables import print_table
from preimage.cli.usage import Command, Group

if TYPE_CHECKING:
    from preimage.studies.outcome import Record
    from preimage.studies.trial import Trial

_MOST_ROWS = 60

study = typer.Typer(help="Run and report many visualizations.", no_args_is_help=True, cls=Group)


@study.command("run", cls=Command)
@with_run_options
def run_study(
    file: StudyFile,
    *,
    out: OutStudy = None,
    ray: Ray = None,
    gpus: Gpus = 0,
    dry_run: DryRun = False,
    run: RunOptions,
) -> None:
    """Carry out a study; run it again to go on after a stop, or with new values."""
    from preimage.cli.plan import print_plan
    from preimage.cli.running import carry_out, exit_if_failed
    from preimage.reporting.results import check_writable
    from preimage.studies.expansion import expand
    from preimage.studies.loader import Loader
    from preimage.studies.study import read_study

    options = dataclasses.replace(run, ray=ray, gpus=gpus)
    start = time.process_time()
    with clear_errors():
        plan = read_study(file)
        trials = expand(plan, Loader(), file.parent)
        store = Path(file.stem) if out is None else out
        if dry_run:
            print_plan(_known(store, trials), store, options, start)
            return
        check_writable(store)
        records = carry_out(store, plan.name, trials, options)
    _print_means(records)
    _print_counts(plan.name, records)
    exit_if_failed(records)


@study.command(cls=Command)
def status(store: StoreFolder) -> None:
    """Print how many trials of each study of a store are done, failed and missing."""
    from preimage.sweeps.store import Store

    with clear_errors(), Store(store) as opened:
        for name in opened.studies():
            _print_counts(name, opened.records(name))


@study.command(cls=Command)
def report(store: StoreFolder, name: StudyName = None) -> None:
    """Write means, pictures and failures as report.md, .csv, .tex, .pdf and .png.

    The files go into the store or, if it cannot be written, into the folder STORE-report.
    """
    from preimage.reporting.study import StudyReport

    with clear_errors():
        chosen, records = _records(store, name)
        _print_counts(chosen, records)
        _print_means(records)
        paths = StudyReport(chosen, records).write(_report_folder(store))
    typer.echo(f"wrote {', '.join(map(str, paths))}")


@study.command(cls=Command)
def export(
    store: StoreFolder,
    file: ExportFile,
    name: StudyName = None,
) -> None:
    """Write a table with a row for every trial and its numbers."""
    from preimage.reporting.results import check_output
    from preimage.reporting.study import write_export

    with clear_errors():
        check_output(file)
        records = _records(store, name)[1]
        write_export(file, records)
    done = sum(record.status == "done" for record in records)
    typer.echo(f"{done} of {len(records)} trials done; wrote {file}, a row for each")


def _report_folder(store: Path) -> Path:
    """Return the store, or a folder STORE-report in the current one if the store is read-only."""
    from preimage.reporting.results import check_writable

    try:
        check_writable(store)
    except OSError as error:
        if error.errno not in (errno.EACCES, errno.EPERM, errno.EROFS):
            raise
        folder = Path(f"{store.absolute().name}-report")
        warnings.warn(f"{store}: {error.strerror}: the report goes to {folder}", stacklevel=2)
        check_writable(folder)
        folder.mkdir(exist_ok=True)
        return folder
    return store


def _records(folder: Path, name: str | None) -> tuple[str, list[Record]]:
    """Return the name of the study that the user means, and its records."""
    from preimage.sweeps.store import Store

    with Store(folder) as store:
        names = store.studies()
        if name is None and len(names) == 1:
            name = names[0]
        if name not in names:
            listed = ", ".join(names) or "none"
            raise ValueError(f"{folder}: choose one of its studies by --study: {listed}")
        return name, store.records(name)


def _known(folder: Path, trials: list[Trial]) -> list[Record]:
    """Return the records of trials in a store; without a store, all are "missing"."""
    from preimage.studies.outcome import Record
    from preimage.sweeps.store import Store

    if not (folder / "index.sqlite").exists():
        return [Record(trial, "missing") for trial in trials]
    with Store(folder) as store:
        return store.lookup(trials)


def _print_means(records: Sequence[Record]) -> None:
    """Print the means of a study, unless there are too many."""
    from preimage.reporting.study import format_study

    header, rows = format_study(records)
    if len(rows) > _MOST_ROWS:
        typer.echo(f"{len(rows)} means; `preimage study report` writes them")
    else:
        print_table(header, rows)


def _print_counts(name: str, records: Sequence[Record]) -> None:
    """Print how many trials of a study are done, failed and missing."""
    counts = Counter(record.status for record in records)
    typer.echo(
        f"{name}: {len(records)} trials, {counts['done']} done, {counts['failed']} failed, "
        f"{counts['missing']} missing"
    )
