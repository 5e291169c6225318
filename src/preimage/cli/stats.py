"""`preimage stats`: what the channels of layers do over many images."""

from __future__ import annotations

import contextlib
import itertools
import json
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from preimage.cli.common import check_device, clear_errors, console, percent
from preimage.names import LayerName

if TYPE_CHECKING:
    from preimage.representations.layers import Layers
    from preimage.statistics import ChannelStatistics

_LISTED = 20


def stats(
    layers: Annotated[list[str], typer.Argument(help="Layers, each as NETWORK/LAYER.")],
    images: Annotated[
        Path | None, typer.Option(help="Folder of images; the shipped photos if not given.")
    ] = None,
    weights: Annotated[
        str | None, typer.Option(help="Weight file of the network, or random.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="CSV file to write, a line for each channel.")
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="A JSON object for each channel instead of a table.")
    ] = False,
    device: Annotated[str, typer.Option(help="Where to compute: cpu, cuda.")] = "cpu",
) -> None:
    """Maximum, mean, deviation, zeros and largest responses of channels over many images.

    They are kept; run it again to go on after a stop.
    """
    from preimage.photo_files import photo_paths
    from preimage.reporting.channels import describe_channel, write_channels
    from preimage.reporting.results import check_writable
    from preimage.statistics import measure

    with clear_errors():
        check_device(device)
        if out is not None:
            check_writable(out.parent)
        networks = by_network(layers, weights)
        paths = photo_paths(images)
    with clear_errors(), image_bar() as begin:
        found = [
            statistics
            for several in networks
            for statistics in measure(
                several, paths, device=device, progress=begin(several.name)
            ).values()
        ]
        if out is not None:
            lines = (describe_channel(s, c) for s in found for c in range(len(s.maximum)))
            write_channels(out, lines)
    if as_json:
        for statistics in found:
            for channel in range(len(statistics.maximum)):
                typer.echo(json.dumps(describe_channel(statistics, channel)))
    else:
        _print_tables(found)
    report_skipped(found)


def by_network(names: Sequence[str], weights: str | None) -> list[Layers]:
    """The layers of each network that is named.

    Raises:
        ValueError: if a name is not that of a layer of a network.
    """
    from preimage import catalog

    grouped: dict[str, list[str]] = {}
    for name in names:
        named = LayerName.parse(name)
        if not named.network or not named.layer:
            catalog.representation(name, weights)
            raise ValueError(f"{name} is no layer of a network: name one as NETWORK/LAYER")
        grouped.setdefault(named.network, []).append(named.layer)
    return [catalog.network(name, weights).several(layers) for name, layers in grouped.items()]


@contextlib.contextmanager
def image_bar() -> Iterator[Callable[[str], Callable[[int, int], None]]]:
    """A bar on standard error: give it a name, get a callback for the images that are done."""
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bar

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("images"),
        TimeRemainingColumn(),
    )
    with Bar(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task("", total=None)

        def begin(name: str) -> Callable[[int, int], None]:
            bar.reset(task, description=name, total=None)
            return lambda done, total: bar.update(task, completed=done, total=total)

        yield begin


def dead_channels(channels: Sequence[int]) -> str:
    """Their numbers, of many the first ones."""
    more = f" and {len(channels) - _LISTED} more" if len(channels) > _LISTED else ""
    return ", ".join(map(str, channels[:_LISTED])) + more


def report_skipped(found: Sequence[ChannelStatistics]) -> None:
    """Ends with a line for each image that could not be used, and exit status 2, if any."""
    skipped = dict.fromkeys(line for statistics in found for line in statistics.skipped)
    for line in skipped:
        console.print(f"error: {line}", markup=False)
    if skipped:
        raise typer.Exit(2)


def _print_tables(found: Sequence[ChannelStatistics]) -> None:
    import numpy as np
    from rich.console import Console
    from rich.table import Table

    for network, group in itertools.groupby(found, lambda statistics: statistics.name.network):
        of_network = list(group)
        table = Table(
            *("layer", "channels", "dead", "zeros", "mean", "median max", "max"),
            title=f"{network}, {len(of_network[0].images)} images",
            title_justify="left",
        )
        for statistics in of_network:
            maximum = statistics.maximum
            numbers = (statistics.mean.mean(), np.median(maximum), maximum.max())
            table.add_row(
                statistics.name.layer,
                str(len(maximum)),
                str(statistics.dead.sum()),
                percent(statistics.zeros.mean()),
                *(f"{number:.3g}" for number in numbers),
            )
        Console().print(table)
    for statistics in found:
        if statistics.dead.any():
            listed = dead_channels(np.flatnonzero(statistics.dead).tolist())
            typer.echo(f"dead in {statistics.name}: {listed}")
