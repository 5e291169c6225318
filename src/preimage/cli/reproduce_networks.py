"""`preimage reproduce table5`, `fig1`, ...: section 5.2 for any network; `list` of all."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeAlias

import typer

from preimage.cli.options import BatchSize, Device, Retry, Threads, Workers
from preimage.names import LayerName
from preimage.paper.figures import FIGURES, Figure

if TYPE_CHECKING:
    from preimage.networks import Network
    from preimage.studies.loading import Loader
    from preimage.studies.outcome import Record
    from preimage.studies.trial import Trial

Model: TypeAlias = Annotated[
    str | None, typer.Option(help="Another network than the paper's, as in `preimage models`.")
]
Layers: TypeAlias = Annotated[
    str | None, typer.Option(help="Layers, as conv1,relu2, or all; if not given, the paper's.")
]
Weights: TypeAlias = Annotated[str | None, typer.Option(help="Weight file, or random.")]
Images: TypeAlias = Annotated[
    Path | None, typer.Option(help="A photo, or a folder of them; if not given, shipped ones.")
]
Photos: TypeAlias = Annotated[int | None, typer.Option(min=1, help="Take so many photos at most.")]
Steps: TypeAlias = Annotated[
    int | None, typer.Option(min=1, help="Iterations, instead of 300; a final stage adds 50.")
]


def table5(
    model: Model = None,
    layers: Layers = None,
    weights: Weights = None,
    images: Images = None,
    photos: Photos = None,
    loss_weight: Annotated[
        list[float] | None, typer.Option(min=0, help="C; if not given, the paper's four.")
    ] = None,
    steps: Steps = None,
    ablation: Annotated[
        bool,
        typer.Option("--ablation", help="Also without the prior of variation, of range, of both."),
    ] = False,
    out: Annotated[Path, typer.Option(help="Folder for the table and its store.")] = Path("table5"),
    workers: Workers = None,
    threads: Threads = 1,
    batch: BatchSize = 1,
    device: Device = "cpu",
    retry: Retry = False,
) -> None:
    """Reconstruction error by layer and C; run again to go on after a stop."""
    from rich.console import Console
    from rich.table import Table

    from preimage.cli.common import clear_errors
    from preimage.cli.running import How, carry_out
    from preimage.paper import table5 as table5_experiment
    from preimage.photo_files import shipped_photos
    from preimage.reporting.results import check_folder
    from preimage.reporting.table5 import format_table5, write_table5
    from preimage.studies.loading import Loader
    from preimage.studies.summary import summarize

    with clear_errors():
        loader = Loader()
        network = loader.network(model or table5_experiment.MODEL, weights)
        names = choose_layers(network, layers, list(network.main_layers))
        plans = table5_experiment.studies(
            names, choose_photos(images, photos, tuple(shipped_photos())), ablation=ablation,
            loss_weights=loss_weight or table5_experiment.LOSS_WEIGHTS, weights=weights,
            steps=steps,
        )  # fmt: skip
        check_folder(out)
        how = How(workers, threads, batch, device, retry)
        trials = _once([plan.trials(loader) for plan in plans])
        records = carry_out(out, plans[0].name, trials, how)
        paths = write_table5(out, records)
    header, rows = format_table5(summarize(records))
    table = Table(*header)
    table.columns[0].overflow = "fold"  # the end of a name tells layers apart
    for row in rows:
        table.add_row(*row)
    Console().print(table)
    _end(records, paths)


def figure_command(name: str) -> Callable[..., None]:
    """The command that makes a figure of section 5.2."""
    figure = FIGURES[name]

    def command(
        model: Model = None,
        layers: Layers = None,
        weights: Weights = None,
        images: Images = None,
        photos: Photos = None,
        steps: Steps = None,
        out: Annotated[Path, typer.Option(help="Folder for the figure and its store.")] = Path(
            "figures"
        ),
        workers: Workers = None,
        threads: Threads = 1,
        batch: BatchSize = 1,
        device: Device = "cpu",
        retry: Retry = False,
    ) -> None:
        from preimage.cli.common import clear_errors
        from preimage.cli.running import How, carry_out
        from preimage.reporting.results import check_folder
        from preimage.studies.loading import Loader

        with clear_errors():
            loader = Loader()
            network = loader.network(model or figure.model, weights)
            names = choose_layers(network, layers, figure.layers_of(network))
            chosen = choose_photos(images, photos, figure.photos)
            parts = figure.parts(names, chosen, loader, weights=weights, steps=steps)
            check_folder(out)
            how = How(workers, threads, batch, device, retry)
            records = carry_out(out, name, _once(parts), how)
            paths = _draw(out / name, figure, parts, records, loader)
        _end(records, paths)

    command.__doc__ = f"Figure {name[3:]}: {figure.shows} ({figure.model} in the paper)."
    return command


def list_experiments() -> None:
    """What can be reproduced, and whether the paper's network for it is here."""
    from rich.console import Console
    from rich.table import Table

    from preimage.paper import table5 as table5_experiment
    from preimage.paper.excitations import FIGURES as EXCITATION_FIGURES

    table = Table("preimage ...", "shows", "network", "weights")
    for name, shows in (
        ("layers NETWORK", "Tables 1-3: the structure of the networks"),
        ("reproduce table4", "errors of HOG, HOGb and DSIFT"),
        ("reproduce hoggle", "trains HOGgle, their baseline"),
        ("demo", "Figure 4: inversions of HOG, HOGb and DSIFT"),
    ):
        table.add_row(name, shows, "", "")
    rows = [(name, figure.shows, (figure.model,)) for name, figure in FIGURES.items()]
    figures = sorted([*rows, *EXCITATION_FIGURES], key=lambda row: int(row[0][3:]))
    table5_row = ("table5", "errors by layer and C", (table5_experiment.MODEL,))
    for name, shows, models in (table5_row, *figures):
        table.add_row(f"reproduce {name}", shows, ", ".join(models), _weights(models))
    table.columns[0].no_wrap = True
    Console().print(table)
    typer.echo("missing weights: preimage fetch NETWORK")
    typer.echo("other networks: --model, as --model efficientnet-lite0")


def _weights(models: Sequence[str]) -> str:
    from preimage.models import zoo_files

    return "here" if all(map(zoo_files.is_installed, models)) else "missing"


def choose_layers(network: Network, layers: str | None, default: Sequence[str]) -> list[str]:
    """The representations that --layers names, or those of the default layers.

    Raises:
        ValueError: if there are none.
    """
    if layers is None:
        chosen = list(default)
    elif layers == "all":
        chosen = list(network.main_layers)
    else:
        chosen = [name.strip() for name in layers.split(",")]
    if not chosen:
        raise ValueError(f"{network.name} has no layers that fit: name some by --layers")
    return [str(LayerName(network.name, layer)) for layer in chosen]


def choose_photos(images: Path | None, most: int | None, default: Sequence[str]) -> list[str]:
    """The photos that --images and --photos name, or those shipped under the default names.

    Raises:
        ImageError: if a folder holds none.
    """
    from preimage.photo_files import shipped_photos
    from preimage.studies.trial_files import photo_paths

    if images is None:
        shipped = shipped_photos()
        paths = [shipped[name] for name in default]
    else:
        paths = photo_paths([str(images)])
    return [str(path) for path in paths[:most]]


def _once(parts: list[list[Trial]]) -> list[Trial]:
    """The trials of all parts, each once."""
    return list({trial.key: trial for part in parts for trial in part}.values())


def _draw(
    stem: Path, figure: Figure, parts: list[list[Trial]], records: list[Record], loader: Loader
) -> list[Path]:
    from preimage.reporting.figures import write_figure

    known = {record.trial.key: record for record in records}
    rows = [row for part in parts for row in figure.rows(part)]
    return write_figure(stem, rows, known, loader)


def _end(records: list[Record], paths: list[Path]) -> None:
    from preimage.cli.running import report_failures

    done = sum(record.status == "done" for record in records)
    typer.echo(f"{done} of {len(records)} trials done; wrote {', '.join(map(str, paths))}")
    if report_failures(records):
        raise typer.Exit(2)
