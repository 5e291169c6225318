"""`preimage reproduce table4`, `hoggle`, `table5` and `list`."""

from __future__ import annotations

from pathlib import Path

import typer

from preimage.cli.errors import clear_errors, console
from preimage.cli.options import (
    Ablation,
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

_OTHERS = {
    "layers NETWORK": "Tables 1-3: the structure of the networks",
    "reproduce table4": "errors of HOG, HOGb and DSIFT",
    "reproduce hoggle": "trains HOGgle, the baseline of Table 4",
    "demo": "Figure 4: inversions of HOG, HOGb and DSIFT",
}


@with_run_options
def table4(
    *,
    images: Images = None,
    limit: Limit = None,
    size: Size = "320",
    hoggle: Hoggle = None,
    out: OutFolder = Path("table4"),
    run: RunOptions,
) -> None:
    """Measure the error of HOG, HOGb and DSIFT; run again to go on after a stop."""
    from preimage import hoggle as baseline
    from preimage.cli.running import carry_out, finish
    from preimage.paper.table4 import NAME, trials
    from preimage.photo_files import photo_paths
    from preimage.reporting.results import check_folder
    from preimage.reporting.table4 import HEADER, format_table4, write_table4
    from preimage.studies.loader import Loader

    with clear_errors():
        check_folder(out)
        photos = photo_paths(images, Path.cwd())[:limit]
        if hoggle is not None:
            baseline.load(hoggle)  # raises if it cannot be used
        records = carry_out(out, NAME, trials(photos, parse_size(size), hoggle), run)
        paths = write_table4(out, records, Loader())
    print_table(HEADER, format_table4(records))
    finish(records, paths)


def hoggle(
    images: Images = None,
    out: OutFile = Path("hoggle.npz"),
) -> None:
    """Train HOGgle, the baseline of Table 4, for `table4 --hoggle FILE`."""
    import time

    from preimage import hoggle as baseline
    from preimage.photo_files import photo_paths
    from preimage.reporting.results import check_output

    with clear_errors(), progress_bar() as bar:
        use_one_thread("cpu")
        if out.is_dir():
            raise ValueError(f"{out} is a folder: --out names the file to write")
        check_output(out)
        photos = photo_paths(images, Path.cwd())
        bar.start("HOGgle")
        begin = time.perf_counter()
        try:
            dictionaries = baseline.learn(
                photos, progress=lambda done, total: bar.update(done, total, "batches of patches")
            )
        except KeyboardInterrupt:
            console.print("interrupted: nothing was written")
            raise typer.Exit(130) from None
        seconds = time.perf_counter() - begin
        baseline.save(dictionaries, out)
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
    run: RunOptions,
) -> None:
    """Measure the error by layer and C; run again to go on after a stop."""
    from preimage.cli.running import carry_out, finish
    from preimage.paper.table5 import LOSS_WEIGHTS, MODEL, studies
    from preimage.reporting.results import check_folder
    from preimage.reporting.table5 import format_table5, write_table5
    from preimage.studies.expansion import expand
    from preimage.studies.loader import Loader
    from preimage.studies.summary import summarize

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
        records = carry_out(out, plans[0].name, trials, run)
        paths = write_table5(out, records)
    print_table(*format_table5(summarize(records)))
    finish(records, paths)


def list_experiments() -> None:
    """List what can be reproduced, and whether the paper's weights are here."""
    from preimage.models.zoo_files import is_installed
    from preimage.paper.table5 import MODEL

    rows = [(name, shows, "", "") for name, shows in _OTHERS.items()]
    made = {"table5": ("errors by layer and C", [MODEL])}
    made |= {name: (figure.shows, list(figure.networks)) for name, figure in FIGURES.items()}
    for name, (shows, networks) in made.items():
        here = "here" if all(map(is_installed, networks)) else "missing"
        rows.append((f"reproduce {name}", shows, ", ".join(networks), here))
    print_table(("command", "shows", "network", "weights"), rows)
    typer.echo("missing weights: preimage fetch NETWORK")
    typer.echo("other networks: --network, such as --network efficientnet-lite0")
