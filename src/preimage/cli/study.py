"""`preimage study`: many visualizations, from a file, that lose nothing when they are stopped."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from preimage.cli.options import BatchSize, Device, Retry, Threads, Workers

if TYPE_CHECKING:
    from preimage.cli.running import How
    from preimage.studies.loading import Loader
    from preimage.studies.outcome import Record
    from preimage.studies.trial import Trial

_MOST_ROWS = 60

study = typer.Typer(help="Many visualizations at a time.", no_args_is_help=True)
StoreFolder = Annotated[Path, typer.Argument(metavar="STORE", help="Folder of a study's results.")]
Name = Annotated[str | None, typer.Option("--study", help="Which, where a store holds several.")]


@study.command("run")
def run_study(
    file: Annotated[Path, typer.Argument(help="The study, in TOML.")],
    out: Annotated[
        Path | None, typer.Option(help="Folder for the results. Default: the file's name.")
    ] = None,
    workers: Workers = None,
    threads: Threads = 1,
    batch: BatchSize = 1,
    device: Device = "cpu",
    retry: Retry = False,
    ray: Annotated[
        str | None,
        typer.Option(help="Use the Ray cluster at this address: auto, HOST:PORT, or local."),
    ] = None,
    gpus: Annotated[
        float, typer.Option(min=0, help="Share of a GPU that each worker on Ray takes.")
    ] = 0,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Print the plan and how long it will take.")
    ] = False,
) -> None:
    """Carry out a study; run it again to go on after a stop, or to do what is new in it."""
    from preimage.cli.common import clear_errors
    from preimage.cli.running import How, carry_out, report_failures
    from preimage.reporting.results import check_writable
    from preimage.studies.loading import Loader
    from preimage.studies.study import read_study

    how = How(workers, threads, batch, device, retry, ray, gpus)
    with clear_errors():
        plan = read_study(file)
        loader = Loader()
        trials = plan.trials(loader, file.parent)
        store = Path(file.stem) if out is None else out
        if dry_run:
            _print_plan(_planned(store, plan.name, trials), loader, how)
            return
        check_writable(store)
        records = carry_out(store, plan.name, trials, how)
    _print_means(records)
    _print_counts(plan.name, records)
    if report_failures(records):
        raise typer.Exit(2)


@study.command()
def status(store: StoreFolder) -> None:
    """How far the studies of a store are."""
    from preimage.cli.common import clear_errors
    from preimage.sweeps.store import Store

    with clear_errors(), Store(store) as opened:
        for name in opened.studies():
            _print_counts(name, opened.records(name))


@study.command()
def report(store: StoreFolder, name: Name = None) -> None:
    """Write means, pictures and what failed as report.md, .csv, .tex, .pdf and .png."""
    from preimage.cli.common import clear_errors
    from preimage.reporting.results import check_writable
    from preimage.reporting.study import write_report

    with clear_errors():
        chosen, records = _records(store, name)
        check_writable(store)
        paths = write_report(store, chosen, records)
    _print_means(records)
    typer.echo(f"wrote {', '.join(map(str, paths))}")


@study.command()
def export(
    store: StoreFolder,
    file: Annotated[Path, typer.Argument(help="What to write: .csv or .parquet.")],
    name: Name = None,
) -> None:
    """Write every trial with its numbers, one a row."""
    from preimage.cli.common import clear_errors
    from preimage.reporting.study import write_export

    with clear_errors():
        records = _records(store, name)[1]
        write_export(file, records)
    typer.echo(f"{len(records)} trials; wrote {file}")


def _records(folder: Path, name: str | None) -> tuple[str, list[Record]]:
    """The study of a store that the user means, and its trials."""
    from preimage.sweeps.store import Store

    with Store(folder) as store:
        names = store.studies()
        if name is None and len(names) == 1:
            name = names[0]
        if name not in names:
            listed = ", ".join(names) or "none"
            raise ValueError(f"{folder}: choose one of its studies by --study: {listed}")
        return name, store.records(name)


def _planned(folder: Path, name: str, trials: list[Trial]) -> list[Record]:
    """The trials of a study with what a store, if there is one, knows of them."""
    from preimage.studies.outcome import Record
    from preimage.sweeps.store import Store

    known: dict[str, Record] = {}
    if (folder / "index.sqlite").exists():
        with Store(folder) as store:
            known = {record.trial.key: record for record in store.lookup(trials)}
    return [known.get(trial.key, Record(trial, "missing")) for trial in trials]


def _print_plan(records: list[Record], loader: Loader, how: How) -> None:
    import torch
    from rich.console import Console
    from rich.table import Table

    from preimage.cli.common import check_device
    from preimage.studies.estimate import seconds_each

    torch.set_num_threads(how.threads)
    if how.ray is None:
        check_device(how.device)
    seconds = seconds_each(records, loader, how.device if how.ray is None else "cpu")
    table = Table("representation", "trials", "done", "failed", "each", "left")
    total = 0.0
    for name in dict.fromkeys(record.trial.representation for record in records):
        counts = Counter(r.status for r in records if r.trial.representation == name)
        left = counts["missing"] + (counts["failed"] if how.retry else 0)
        each = seconds.get(name)
        total += (each or 0) * left
        cells = (counts.total(), counts["done"], counts["failed"])
        times = ("?", "?") if each is None else (_duration(each), _duration(each * left))
        table.add_row(name, *map(str, cells), *times)
    Console().print(table)
    untimed = sum(record.trial.representation not in seconds for record in records)
    if untimed:
        typer.echo(f"{untimed} trials could not be timed (?), and do not count below")
    left = sum(record.status == "missing" for record in records)
    workers = how.processes(left)
    typer.echo(
        f"{len(records)} trials, {left} to do: about {_duration(total / workers)} with "
        f"{workers} worker{'s' if workers > 1 else ''}, if each has a core of its own"
    )


def _duration(seconds: float) -> str:
    """Seconds in a unit that fits."""
    if seconds < 100:
        return f"{seconds:.2g} s" if seconds < 10 else f"{seconds:.0f} s"
    if seconds < 100 * 60:
        return f"{seconds / 60:.1f} minutes"
    return f"{seconds / 3600:.1f} hours"


def _print_means(records: list[Record]) -> None:
    from rich.console import Console
    from rich.table import Table

    from preimage.reporting.study import format_study

    header, rows = format_study(records)
    if len(rows) > _MOST_ROWS:
        typer.echo(f"{len(rows)} means; `preimage study report` writes them")
        return
    table = Table(*header)
    table.columns[0].overflow = "fold"  # the end of a name tells layers apart
    for row in rows:
        table.add_row(*row)
    Console().print(table)


def _print_counts(name: str, records: list[Record]) -> None:
    counts = Counter(record.status for record in records)
    typer.echo(
        f"{name}: {len(records)} trials, {counts['done']} done, {counts['failed']} failed, "
        f"{counts['missing']} missing"
    )
