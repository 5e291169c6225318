"""`preimage reproduce fig1` and all other figures: one command for each, for any network."""

from __future__ import annotations

import time
from collections.abc import Callable
from inspect import Parameter
from pathlib import Path
from typing import TYPE_CHECKING, Any

from preimage.cli.errors import clear_errors
from preimage.cli.notes import say_of_draft, say_of_preset
from preimage.cli.options import (
    Channels,
    Classes,
    DryRun,
    Images,
    Layers,
    Limit,
    Network,
    Networks,
    OutFolder,
    Preset,
    Reference,
    Seeds,
    Steps,
    Strength,
    Weights,
)
from preimage.cli.parsing import choose_layers, offer_networks, parse_names, photo_names
from preimage.cli.run_options import RunOptions, set_options, with_run_options
from preimage.paper.figures import FIGURES, SCORES, Figure

if TYPE_CHECKING:
    from preimage.studies.loader import Loader

_OPTIONS: dict[str, Any] = {
    "network": Network,
    "networks": Networks,
    "layers": Layers,
    "weights": Weights,
    "images": Images,
    "limit": Limit,
    "reference": Reference,
    "classes": Classes,
    "channels": Channels,
    "seeds": Seeds,
    "strength": Strength,
    "steps": Steps,
}
"""The options of what figures show; the options of results and run come after these."""


def figure_command(name: str) -> Callable[..., None]:
    """Return the command that makes a figure, with the options that apply to it."""
    figure = FIGURES[name]
    defaults = {"seeds": max(len(variant.get("seeds", [0])) for variant in figure.variants)}
    options: dict[str, tuple[Any, Any]] = {
        **{option: (_OPTIONS[option], defaults.get(option)) for option in _options_of(figure)},
        "preset": (Preset, "nnpreimage"),
        "out": (OutFolder, Path("figures")),
        "dry_run": (DryRun, False),
        "run": (RunOptions, Parameter.empty),
    }

    def command(*, out: Path, dry_run: bool, run: RunOptions, **values: Any) -> None:
        _reproduce(name, out, run, values, dry_run=dry_run)

    networks = ", ".join(figure.networks)
    command.__doc__ = f"Figure {name[3:]}: {figure.shows} ({networks} in the paper)."
    set_options(command, options)
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


def _reproduce(
    name: str, out: Path, run: RunOptions, values: dict[str, Any], *, dry_run: bool
) -> None:
    """Carry out the missing trials of a figure, and draw the figure; or only print the plan."""
    from preimage.cli.plan import print_left
    from preimage.cli.running import carry_out, finish
    from preimage.reporting.figures import write_figure
    from preimage.reporting.results import check_folder
    from preimage.studies.loader import Loader

    start = time.process_time()
    figure = FIGURES[name]
    with clear_errors():
        check_folder(out)
        loader = Loader()
        with offer_networks(bool(values.get("network") or values.get("networks"))):
            keys = _keys(figure, loader, values)
        parts = figure.parts(name, loader, **keys)
        trials = {trial.key: trial for part in parts for trial in part}
        if dry_run:
            print_left(list(trials.values()), out, run, start)
            return
        if figure.visualization == "invert":
            say_of_preset(values["preset"])
        records = carry_out(out, name, list(trials.values()), run)
        rows = [row for part in parts for row in figure.rows(part)]
        by_key = {record.trial.key: record for record in records}
        paths = write_figure(out / name, rows, by_key, loader)
    say_of_draft(values.get("steps"))
    finish(records, paths)


def _keys(figure: Figure, loader: Loader, values: dict[str, Any]) -> dict[str, Any]:
    """Return the values of options as keys of studies."""
    from preimage.photo_files import shipped_photos

    keys = {name: value for name, value in values.items() if value is not None}
    network, networks = keys.pop("network", None), keys.pop("networks", None)
    layers = keys.pop("layers", None)
    keys["representations"] = [
        representation
        for chosen in networks or ([network] if network else figure.networks)
        for representation in choose_layers(
            loader.network(chosen, keys.get("weights")), layers, figure.layers_of
        )
    ]
    if figure.visualization != "maximize":
        shipped = shipped_photos()
        keys.setdefault("images", [shipped[photo] for photo in figure.images])
    for name in ("images", "reference"):
        if name in keys:
            keys[name] = photo_names(keys[name])
    if "classes" in keys:
        keys["classes"] = parse_names(keys["classes"])
    if "seeds" in keys:
        keys["seeds"] = list(range(keys["seeds"]))
    return keys
