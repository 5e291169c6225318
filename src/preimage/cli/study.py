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
from preimage.cli.parsing import check_device
from preimage.cli.run_options import RunOptions, with_run_options
from preimage.cli.tables import print_table
from preimage.cli.usage import Command, Group

if TYPE_CHECKING:
    from preimage.studies.outcome import Record
    from preimage.studies.trial import Trial

_MOST_ROWS = 60
_BUSY = 1.25
"""How many times as long a run takes on a machine that is called busy."""

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
            _print_plan(_known(store, trials), store, options, start)
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

    They go into the store; if it cannot be written, into the folder STORE-report.
    """
    from preimage.reporting.study import write_report

    with clear_errors():
        chosen, records = _records(store, name)
        _print_counts(chosen, records)
        _print_means(records)
        paths = write_report(_report_folder(store), chosen, records)
    typer.echo(f"wrote {', '.join(map(str, paths))}")


@study.command(cls=Command)
def export(
    store: StoreFolder,
    file: ExportFile,
    name: StudyName = None,
) -> None:
    """Write a table with a row for every trial and its numbers."""
    from preimage.reporting.study import write_export

    with clear_errors():
        records = _records(store, name)[1]
        write_export(file, records)
    typer.echo(f"{len(records)} trials; wrote {file}")


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


def _print_plan(records: list[Record], folder: Path, options: RunOptions, start: float) -> None:
    """Print how many trials are to do, about how long they will take, and how large they are.

    `start` is the processor time in which this process had loaded the package.
    """
    import torch

    from preimage.cli.running import count_cores, count_workers
    from preimage.reporting.results import check_room, check_writable, format_bytes
    from preimage.sweeps.estimate import measure_costs, total_seconds

    torch.set_num_threads(options.threads)
    if options.ray is None:
        check_device(options.device)
    expanded = time.process_time()
    check_writable(folder)
    disk = next(path for path in (folder, *folder.absolute().parents) if path.is_dir())
    device = "cpu" if options.ray else options.device
    costs, slower = measure_costs(records, disk, batch=options.batch, device=device)
    counts: dict[str, Counter[str]] = {}
    for record in records:
        counts.setdefault(record.trial.representation, Counter())[record.status] += 1
    left = {n: c["missing"] + (c["failed"] if options.retry else 0) for n, c in counts.items()}
    rows = []
    for name, count in counts.items():
        cells = (count.total(), count["done"], count["failed"])
        each = costs[name].each + costs[name].keep if name in costs else None
        times = ("?", "?") if each is None else (_duration(each), _duration(each * left[name]))
        rows.append((name, *map(str, cells), *times))
    print_table(("representation", "trials", "done", "failed", "each", "left"), rows)
    if untimed := sum(left[name] for name in counts if name not in costs):
        typer.echo(f"{untimed} trials could not be timed (?), and are left out of the sum below")
    workers = count_workers(options, sum(left.values()))
    parts = [(costs[name], left[name]) for name in counts if name in costs]
    total = expanded + total_seconds(parts, workers, start)
    size = sum(cost.size * count for cost, count in parts)
    typer.echo(
        f"{len(records)} trials, {sum(left.values())} to do: about {_duration(total)} with "
        f"{workers} worker{'s' if workers > 1 else ''}, if each has a core of its own, and about "
        f"{format_bytes(size)} on disk"
    )
    if slower > _BUSY:
        slower += (workers - 1) / count_cores()
        typer.echo(f"the machine is busy: at its present load about {_duration(total * slower)}")
    check_room(folder, size)


def _duration(seconds: float) -> str:
    """Return a time as text, in seconds, minutes or hours."""
    if seconds < 100:
        return f"{seconds:.2g} s" if seconds < 10 else f"{seconds:.0f} s"
    if seconds < 100 * 60:
        return f"{seconds / 60:.1f} minutes"
    return f"{seconds / 3600:.1f} hours"


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
