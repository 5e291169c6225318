"""The plan of a study, which `preimage study run --dry-run` prints: trials, time and disk."""

from __future__ import annotations

import tempfile
import time
import warnings
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

import torch
import typer

from preimage.cli.parsing import check_device
from preimage.cli.progress import progress_bar
from preimage.cli.run_options import RunOptions
from preimage.cli.running import count_workers
from preimage.cli.tables import print_table
from preimage.files import explain
from preimage.reporting.results import check_room, check_writable, format_bytes
from preimage.studies.outcome import Record
from preimage.studies.trial import Trial
from preimage.sweeps.estimate import Cost, cost_names, measure_costs, total_seconds
from preimage.sweeps.store import Store
from preimage.workers import count_cores

_BUSY = 1.25
"""Ratio of a run's time to that on an idle machine from which the machine is called busy."""


def print_left(trials: Sequence[Trial], folder: Path, options: RunOptions, start: float) -> None:
    """Print how long the trials that a store lacks will take, unless it has them all.

    The arguments are those of `print_plan`; the store need not exist.

    Raises:
        OSError: as `print_plan`.
    """
    trials = list({trial.key: trial for trial in trials}.values())
    records = [Record(trial, "missing") for trial in trials]
    if (folder / "index.sqlite").exists():
        with Store(folder) as store:
            records = store.lookup(trials)
    if any(record.status == "missing" for record in records):
        print_plan(records, folder, options, start)
    else:
        typer.echo(f"{len(trials)} trials, none to do")


def print_plan(records: Sequence[Record], folder: Path, options: RunOptions, start: float) -> None:
    """Print how many trials are left, how long they will take, and how large results will be.

    Args:
        records: the trials.
        folder: the store.
        options: how the trials are to be carried out.
        start: the processor time, in seconds, that this process took to load the package.

    Raises:
        OSError: if the disk has no room for the results.
    """
    torch.set_num_threads(options.threads)
    if options.ray is None:
        check_device(options.device)
    begun = time.process_time()
    device = "cpu" if options.ray else options.device
    with progress_bar() as bar:
        bar.start("estimating the time")
        costs, slower = measure_costs(
            records, _disk(folder), batch=options.batch, device=device,
            progress=lambda name, done, total: bar.update(done, total, name),
        )  # fmt: skip
    left = _print_counts(records, costs, retry=options.retry)
    workers = count_workers(options, sum(left.values()))
    parts = [(costs[name], count) for name, count in left.items() if name in costs]
    total = begun + total_seconds(parts, workers, start)
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


def _print_counts(
    records: Sequence[Record], costs: Mapping[str, Cost], *, retry: bool
) -> dict[str, int]:
    """Print a row for each representation; return how many trials each has left."""
    counts: dict[str, Counter[str]] = {}
    for name, record in zip(cost_names(records), records, strict=True):
        counts.setdefault(name, Counter())[record.status] += 1
    left = {n: c["missing"] + (c["failed"] if retry else 0) for n, c in counts.items()}
    rows = []
    for name, count in counts.items():
        cells = (count.total(), count["done"], count["failed"])
        each = costs[name].each + costs[name].keep if name in costs else None
        times = ("?", "?") if each is None else (_duration(each), _duration(each * left[name]))
        rows.append((name, *map(str, cells), *times))
    print_table(("representation", "trials", "done", "failed", "each", "left"), rows)
    if untimed := sum(count for name, count in left.items() if name not in costs):
        typer.echo(f"{untimed} trials could not be timed (?) and are left out of the sum below")
    return left


def _disk(folder: Path) -> Path:
    """Return an existing folder on a store's disk, or elsewhere if nothing can be written there."""
    there = next(path for path in (folder, *folder.absolute().parents) if path.is_dir())
    try:
        check_writable(there)
    except OSError as error:
        warnings.warn(f"no results can be written there: {explain(error)}", stacklevel=2)
        return Path(tempfile.gettempdir())
    return there


def _duration(seconds: float) -> str:
    """Return a time as text, in seconds, minutes or hours."""
    if seconds < 100:
        return f"{seconds:.2g} s" if seconds < 10 else f"{seconds:.0f} s"
    if seconds < 100 * 60:
        return f"{seconds / 60:.1f} minutes"
    return f"{seconds / 3600:.1f} hours"
