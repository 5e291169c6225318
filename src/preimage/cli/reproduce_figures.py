"""`preimage reproduce fig1` and all other figures: one command for each, for any network."""

from __future__ import annotations

from collections.abc import Callable
from inspect import Parameter, Signature
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from preimage.cli.options import Images, Layers, Limit, Network, Networks, Steps, Weights
from preimage.cli.run_options import RunOptions, with_run_options
from preimage.paper.figures import FIGURES, SCORES, Figure
from preimage.presets import PRESETS, UPRIGHT_PRESETS

if TYPE_CHECKING:
    from preimage.studies.loader import Loader
    from preimage.studies.study import Study

_OPTIONS: dict[str, Any] = {
    "network": Network,
    "networks": Networks,
    "layers": Layers,
    "weights": Weights,
    "images": Images,
    "limit": Limit,
    "reference": Annotated[
        list[Path] | None,
        typer.Option(
            help="Photos that M is taken from: a file or a folder; repeatable. Default: "
            "shipped photos."
        ),
    ],
    "classes": Annotated[
        str | None, typer.Option(help='Classes, such as "goose,tree frog". Default: the paper\'s.')
    ],
    "channels": Annotated[
        str | None, typer.Option(help="Channels, such as 0-24,31, or all. Default: 0-8.")
    ],
    "seeds": Annotated[int | None, typer.Option(min=1, help="Number of results of each kind.")],
    "strength": Annotated[
        float | None,
        typer.Option(min=0, help="Multiple of 1 / Z. Default: 1 to maximize, 10 for caricatures."),
    ],
    "steps": Steps,
}
"""The options of figures; those of the results and of the run come after them."""


def figure_command(name: str) -> Callable[..., None]:
    """Return the command that makes a figure, with the options that apply to it."""
    figure = FIGURES[name]
    presets = PRESETS if figure.visualization == "maximize" else UPRIGHT_PRESETS
    annotations = {option: _OPTIONS[option] for option in _options_of(figure)}
    annotations["preset"] = Annotated[str, typer.Option(help=f"Constants: {', '.join(presets)}.")]
    annotations["out"] = Annotated[Path, typer.Option(help="Folder for the figure and its store.")]
    defaults = {"preset": "nnpreimage", "out": Path("figures")}

    def command(*, out: Path, run: RunOptions, **keys: Any) -> None:
        _reproduce(name, out, run, keys)

    command.__doc__ = (
        f"Figure {name[3:]}: {figure.shows} ({', '.join(figure.networks)} in the paper)."
    )
    command.__signature__ = Signature(  # type: ignore[attr-defined]
        [
            Parameter(
                option, Parameter.KEYWORD_ONLY, default=defaults.get(option), annotation=annotation
            )
            for option, annotation in [*annotations.items(), ("run", RunOptions)]
        ]
    )
    return with_run_options(command)


def _options_of(figure: Figure) -> list[str]:
    """Return the names of the options that apply to a figure."""
    options = ["network" if len(figure.networks) == 1 else "networks", "weights", "steps"]
    if not (figure.visualization == "maximize" and SCORES in figure.networks.values()):
        options.append("layers")
    if figure.visualization != "invert":
        options.append("strength")
    options += ["reference"] if figure.visualization == "maximize" else ["images", "limit"]
    varied = {key for variant in figure.variants for key in variant}
    return [name for name in _OPTIONS if name in (*options, *varied)]


def _reproduce(name: str, out: Path, run: RunOptions, keys: dict[str, Any]) -> None:
    """Carry out the trials of a figure that its store lacks, and draw it."""
    from preimage.cli.common import clear_errors
    from preimage.cli.running import carry_out, finish
    from preimage.reporting.figures import write_figure
    from preimage.reporting.results import check_folder
    from preimage.studies.expansion import expand
    from preimage.studies.loader import Loader

    figure = FIGURES[name]
    with clear_errors():
        check_folder(out)
        loader = Loader()
        parts = [
            [trial for trial in expand(study, loader) if trial.maximum != 0]  # 0: a dead component
            for study in _studies(name, loader, keys)
        ]
        trials = {trial.key: trial for part in parts for trial in part}
        if not trials:
            raise ValueError("no photo moves any of these components: choose others")
        records = carry_out(out, name, list(trials.values()), run)
        rows = [row for part in parts for row in figure.rows(part)]
        by_key = {record.trial.key: record for record in records}
        paths = write_figure(out / name, rows, by_key, loader)
    finish(records, paths)


def _studies(name: str, loader: Loader, keys: dict[str, Any]) -> list[Study]:
    """Return the studies of a figure, as the options change them."""
    from preimage.cli.common import choose_layers, photo_names
    from preimage.photo_files import shipped_photos

    figure = FIGURES[name]
    given = {key: value for key, value in keys.items() if value is not None}
    networks = given.pop("networks", None) or [given.pop("network", None)]
    layers = given.pop("layers", None)
    given["representations"] = [
        representation
        for network in (networks if any(networks) else figure.networks)
        for representation in choose_layers(
            loader.network(network, given.get("weights")), layers, figure.layers_of
        )
    ]
    if figure.visualization != "maximize":
        shipped = shipped_photos()
        given.setdefault("images", [shipped[photo] for photo in figure.images])
    for key in ("images", "reference"):
        if key in given:
            given[key] = photo_names(given[key])
    if "classes" in given:
        given["classes"] = [word.strip() for word in given["classes"].split(",")]
    if "seeds" in given:
        given["seeds"] = list(range(given["seeds"]))
    return figure.studies(name, **given)
