"""`preimage reproduce table1` to `table5`, `fig4`, `hoggle` and `list`."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import typer

from preimage.cli.errors import clear_errors, console
from preimage.cli.networks import layers as print_layers
from preimage.cli.notes import say_of_draft
from preimage.cli.options import (
    Ablation,
    DryRun,
    Hoggle,
    Images,
    Layers,
    Limit,
    LossWeight,
    Network,
    OutFile,
    OutFolder,
    Size,
    Steps,
    Weights,
)
from preimage.cli.parsing import (
    choose_layers,
    offer_networks,
    parse_loss_weights,
    parse_size,
    photo_names,
    use_one_thread,
)
from preimage.cli.progress import progress_bar
from preimage.cli.run_options import RunOptions, with_run_options
from preimage.cli.tables import print_table
from preimage.paper.figures import FIGURES

STRUCTURES = {"table1": "alexnet", "table2": "vgg-m", "table3": "vgg-vd-16"}
"""The networks of Tables 1 to 3."""
_CLASSICAL = {
    "table4": "errors of HOG, HOGb and DSIFT",
    "hoggle": "HOGgle, the baseline of Table 4, trained",
    "fig4": "inversions of HOG, HOGb and DSIFT",
}


def structure_command(name: str) -> Callable[[], None]:
    """Return the command that prints the table of a network's structure."""

    def command() -> None:
        print_layers(STRUCTURES[name])

    command.__doc__ = (
        f"Table {name[5:]}: the structure of {STRUCTURES[name]}, as `preimage layers "
        f"{STRUCTURES[name]}` prints it."
    )
    return command


@with_run_options
def table4(
    *,
    images: Images = None,
    limit: Limit = None,
    size: Size = "320",
    hoggle: Hoggle = None,
    out: OutFolder = Path("table4"),
    dry_run: DryRun = False,
    run: RunOptions,
) -> None:
    """Measure the error of HOG, HOGb and DSIFT; run again to go on after a stop."""
    from preimage import hoggle as baseline
    from preimage.cli.plan import print_left
    from preimage.cli.running import carry_out, finish
    from preimage.paper.table4 import NAME, trials
    from preimage.photo_files import photo_paths
    from preimage.reporting.results import check_folder
    from preimage.reporting.table4 import HEADER, format_table4, write_table4
    from preimage.studies.loader import Loader

    start = time.process_time()
    with clear_errors():
        check_folder(out)
        photos = photo_paths(images, Path.cwd())[:limit]
        if hoggle is not None:
            baseline.load(hoggle)  # raises if it cannot be used
        planned = trials(photos, parse_size(size), hoggle)
        if dry_run:
            print_left(planned, out, run, start)
            return
        records = carry_out(out, NAME, planned, run)
        paths = write_table4(out, records, Loader())
    print_table(HEADER, format_table4(records))
    finish(records, paths)


@with_run_options
def fig4(
    *,
    images: Images = None,
    limit: Limit = None,
    size: Size = "320",
    hoggle: Hoggle = None,
    out: OutFolder = Path("figures"),
    dry_run: DryRun = False,
    run: RunOptions,
) -> None:
    """Figure 4: inversions of HOG, HOGb and DSIFT by Algorithm 1, and by the default solver.

    With --hoggle, HOGgle's come first. `preimage demo` is the quickest way to a picture like it.
    """
    from preimage import hoggle as baseline
    from preimage.cli.plan import print_left
    from preimage.cli.running import carry_out, finish
    from preimage.paper.table4 import FIGURE_4, figure4_rows, figure4_trials
    from preimage.photo_files import photo_paths, shipped_photos
    from preimage.reporting.figures import write_figure
    from preimage.reporting.results import check_folder
    from preimage.studies.loader import Loader

    start = time.process_time()
    with clear_errors():
        check_folder(out)
        photos = photo_paths(images or [shipped_photos()["chelsea"]], Path.cwd())[:limit]
        if hoggle is not None:
            baseline.load(hoggle)  # raises if it cannot be used
        planned = figure4_trials(photos, parse_size(size), hoggle)
        if dry_run:
            print_left(planned, out, run, start)
            return
        records = carry_out(out, FIGURE_4, planned, run)
        by_key = {record.trial.key: record for record in records}
        paths = write_figure(out / FIGURE_4, figure4_rows(planned), by_key, Loader())
    finish(records, paths)


def hoggle(
    images: Images = None,
    out: OutFile = Path("hoggle.npz"),
) -> None:
    """Train HOGgle, the baseline of Table 4, for `table4 --hoggle FILE`.

    It takes minutes. After a stop the same command goes on with the pairs that are not finished.
    """
    from preimage import hoggle as baseline
    from preimage.photo_files import photo_paths
    from preimage.reporting.results import check_output

    with clear_errors(), progress_bar() as bar:
        use_one_thread("cpu")
        if out.is_dir():
            raise ValueError(f"{out} is a folder: --out names the file to write")
        check_output(out)
        photos = photo_paths(images, Path.cwd())
        kept = out.with_name(f"{out.name}.unfinished")
        begin = time.perf_counter()
        try:
            report = bar.for_batches("HOGgle")
            dictionaries = baseline.learn(photos, progress=report, kept=kept)
        except KeyboardInterrupt:
            done = f"finished pairs are kept in {kept}, and the same command goes on from them"
            console.print(f"interrupted: {done if kept.is_file() else 'nothing was written'}")
            raise typer.Exit(130) from None
        seconds = time.perf_counter() - begin
        baseline.save(dictionaries, out)
        kept.unlink(missing_ok=True)
    pairs, atoms = dictionaries.image_atoms.shape[:2]
    typer.echo(
        f"{pairs} pairs of dictionaries of {atoms} atoms, each learned without some of "
        f"{len(dictionaries.photos)} photos, in {seconds:.0f} s; wrote {out}"
    )


@with_run_options
def table5(
    *,
    network: Network = None,
    layers: Layers = None,
    weights: Weights = None,
    images: Images = None,
    limit: Limit = None,
    loss_weight: LossWeight = None,
    steps: Steps = None,
    ablation: Ablation = False,
    out: OutFolder = Path("table5"),
    dry_run: DryRun = False,
    run: RunOptions,
) -> None:
    """Measure the error by layer and C; run again to go on after a stop."""
    from preimage.cli.plan import print_left
    from preimage.cli.running import carry_out, finish
    from preimage.paper.table5 import LOSS_WEIGHTS, MODEL, studies
    from preimage.reporting.results import check_folder
    from preimage.reporting.table5 import format_table5, write_table5
    from preimage.studies.expansion import expand
    from preimage.studies.loader import Loader

    start = time.process_time()
    with clear_errors():
        check_folder(out)
        loader = Loader()
        with offer_networks(network is not None):
            chosen = loader.network(network or MODEL, weights)
        plans = studies(
            choose_layers(chosen, layers, lambda network: network.main_layers),
            photo_names(images), ablation=ablation,
            loss_weight=parse_loss_weights(loss_weight) or LOSS_WEIGHTS, weights=weights,
            steps=steps, limit=limit,
        )  # fmt: skip
        trials = [trial for plan in plans for trial in expand(plan, loader)]
        if dry_run:
            print_left(trials, out, run, start)
            return
        records = carry_out(out, plans[0].name, trials, run)
        paths = write_table5(out, records)
    print_table(*format_table5(records))
    say_of_draft(steps)
    finish(records, paths)


def list_experiments() -> None:
    """List what can be reproduced, and whether the paper's weights are here."""
    from preimage.models.zoo_files import is_installed
    from preimage.paper.table5 import MODEL

    made: dict[str, tuple[str, tuple[str, ...]]]
    made = {name: ("the layers of a network", (net,)) for name, net in STRUCTURES.items()}
    made |= {name: (shows, ()) for name, shows in _CLASSICAL.items()}
    trained: dict[str, tuple[str, tuple[str, ...]]]
    trained = {"table5": ("errors by layer and C", (MODEL,))}
    trained |= {name: (figure.shows, tuple(figure.networks)) for name, figure in FIGURES.items()}
    made |= trained
    rows = []
    for name in (*STRUCTURES, "table4", "hoggle", "table5", *(f"fig{n}" for n in range(1, 16))):
        shows, networks = made[name]
        here = "here" if all(map(is_installed, networks)) else "missing"
        rows.append((name, shows, "\n".join(networks), here if name in trained else ""))
    print_table(("name", "shows", "network", "weights"), rows)
    typer.echo("one of them: preimage reproduce NAME; how long it takes: with --dry-run, but for")
    typer.echo("table1 to table3 (seconds) and hoggle (minutes)")
    typer.echo("missing weights: preimage fetch NETWORK, or --weights random")
    typer.echo("other networks: --network, such as --network efficientnet-lite0; their tables of")
    typer.echo("layers: preimage layers NETWORK")
