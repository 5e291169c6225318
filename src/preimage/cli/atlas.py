"""`preimage atlas`: a network to look at, as pages that need no server."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from preimage.cli.errors import clear_errors
from preimage.cli.options import (
    Channels,
    Classes,
    Depths,
    Diversity,
    DryRun,
    Images,
    Judges,
    Layers,
    Limit,
    LossWeight,
    NetworkOrStore,
    OutSite,
    Reference,
    Seeds,
    Steps,
    StoreOfSite,
    Weights,
)
from preimage.cli.run_options import RunOptions, with_run_options
from preimage.cli.usage import Command, Group

if TYPE_CHECKING:
    from preimage.atlas.options import Options
    from preimage.atlas.plan import Wishes
    from preimage.cli.progress import ProgressBar
    from preimage.studies.loader import Loader
    from preimage.studies.trial import Trial

atlas = typer.Typer(
    help="Pages that show what a network's layers respond to and keep.",
    no_args_is_help=True,
    cls=Group,
)


@atlas.command(cls=Command)
@with_run_options
def build(
    source: NetworkOrStore,
    *,
    out: OutSite = Path("site"),
    store: StoreOfSite = None,
    layers: Layers = None,
    channels: Channels = None,
    classes: Classes = None,
    images: Images = None,
    limit: Limit = 4,
    reference: Reference = None,
    depths: Depths = 8,
    seeds: Seeds = 1,
    diversity: Diversity = 0,
    loss_weight: LossWeight = None,
    steps: Steps = None,
    weights: Weights = None,
    judge: Judges = None,
    dry_run: DryRun = False,
    run: RunOptions,
) -> None:
    """Make an atlas: pages of a network, its layers and channels; open OUT/index.html.

    Run it again to go on after a stop, or to add layers, channels or another network to the same
    folder: no picture is computed twice. A folder of a study's results is shown as it is.
    """
    from preimage.atlas.naming import check_judge
    from preimage.atlas.options import Options, kept_folder, recall
    from preimage.atlas.pages import make_environment
    from preimage.atlas.plan import Wishes
    from preimage.cli.parsing import parse_loss_weights, parse_names, photo_names
    from preimage.cli.plan import print_left
    from preimage.photo_files import photo_paths
    from preimage.reporting.results import check_folder
    from preimage.studies.loader import Loader

    start = time.process_time()
    with clear_errors():
        make_environment()  # raises if Jinja2 is missing
        check_folder(out)
        folder = store or out.absolute().with_name(f"{out.absolute().name}-store")
        given = {"layers": layers, "channels": channels, "classes": classes, "images": images,
                 "diversity": diversity or None, "loss-weight": loss_weight, "steps": steps,
                 "weights": weights}  # fmt: skip
        is_store = (Path(source) / "index.sqlite").exists()
        if is_store:
            folder = Path(source)
            _check_network_is_needed(given)
        last_photos, last_judge = recall(kept_folder(folder))
        photos = photo_paths(last_photos if reference is None else reference)
        judges = last_judge if judge is None else tuple(judge)
        loader = Loader()
        check_judge(judges, loader)
        if not is_store:
            wishes = Wishes(
                layers=parse_names(layers) if layers else (), channels=channels,
                classes=parse_names(classes) if classes else (), images=photo_names(images),
                limit=limit, reference=photo_names(photos), depths=depths, seeds=seeds, steps=steps,
                diversity=diversity, loss_weight=parse_loss_weights(loss_weight), weights=weights,
            )  # fmt: skip
            plans = _plan(source, wishes, loader)
            print_left([trial for trials in plans.values() for trial in trials], folder, run, start)
            if dry_run:
                return
            _carry_out(plans, folder, run)
        _write(out, folder, Options(kept_folder(folder), photos, judges, run.device), loader)


def _check_network_is_needed(given: Mapping[str, object]) -> None:
    """Raise ValueError if options were given that only an atlas of a network has."""
    if named := [f"--{name}" for name, value in given.items() if value is not None]:
        raise ValueError(
            f"{', '.join(named)}: not for a folder of results, which is shown as it is: name the "
            "network instead, and the folder by --store"
        )


def _plan(source: str, wishes: Wishes, loader: Loader) -> dict[str, list[Trial]]:
    """Return the trials of an atlas of a network or descriptor, by the names of their studies."""
    from preimage.atlas.plan import plan_classical, plan_network
    from preimage.paper.table4 import REPRESENTATIONS
    from preimage.photo_files import photo_paths

    if source in REPRESENTATIONS:
        photos = photo_paths(wishes.images, Path.cwd())[: wishes.limit]
        return plan_classical([source], photos)
    return plan_network(source, wishes, loader)


def _carry_out(plans: dict[str, list[Trial]], folder: Path, run: RunOptions) -> None:
    """Carry out the trials that the store lacks; failures are told on the pages."""
    from preimage.cli.running import carry_out
    from preimage.sweeps.store import Store

    with Store(folder, create=True) as store:
        for name, trials in plans.items():
            store.plan(name, trials)
    for name, trials in plans.items():
        carry_out(folder, name, trials, run)


def _write(out: Path, folder: Path, options: Options, loader: Loader) -> None:
    """Write the pages of all studies of a store, and print what was written."""
    from preimage.atlas.build import write_atlas
    from preimage.atlas.options import remember
    from preimage.cli.progress import progress_bar
    from preimage.sweeps.store import Store

    with Store(folder) as store:
        records = [record for name in store.studies() for record in store.records(name)]
    with progress_bar() as bar:
        reported = dataclasses.replace(options, progress=_report(bar))
        written = write_atlas(out, records, loader, reported)
    remember(options.kept, options.reference, options.judge)
    if failed := sum(record.status == "failed" for record in records):
        typer.echo(f"{failed} of {len(records)} trials failed; the pages of their layers say why")
    typer.echo(f"{written.pages} pages, {written.pictures} new pictures; open {out / 'index.html'}")


def _report(bar: ProgressBar) -> Callable[[str, int, int], None]:
    """Return a function that shows the progress of each thing on the bar."""
    shown = ""

    def report(what: str, done: int, total: int) -> None:
        nonlocal shown
        if what != shown:
            bar.start(what)
            shown = what
        bar.update(done, total)

    return report
