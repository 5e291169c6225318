"""`preimage stats`: maximum, mean and other statistics of channels over many photos."""

from __future__ import annotations

import itertools
import json
from collections.abc import Sequence
from typing import TYPE_CHECKING

import typer

from preimage.cli.errors import clear_errors, conclude
from preimage.cli.options import AsJson, Device, Images, LayerArguments, OutTable, Weights
from preimage.cli.parsing import check_device
from preimage.cli.progress import progress_bar
from preimage.cli.tables import percent, print_table
from preimage.names import LayerName

if TYPE_CHECKING:
    from preimage.representations.layers import Layers
    from preimage.statistics import ChannelStatistics

_MOST_LISTED = 20


def stats(
    layers: LayerArguments,
    images: Images = None,
    weights: Weights = None,
    out: OutTable = None,
    as_json: AsJson = False,
    device: Device = "cpu",
) -> None:
    """Measure maximum, mean, deviation, zeros and largest responses of channels over photos.

    The statistics are kept for `maximize` and `top`. After a stop, the same command continues.
    """
    from preimage.photo_files import photo_paths
    from preimage.reporting.channels import describe_channel, write_channels
    from preimage.reporting.results import check_output
    from preimage.statistics import measure

    with clear_errors(), progress_bar() as bar:
        check_device(device)
        if out is not None:
            check_output(out)
        networks = group_layers(layers, weights)
        photos = photo_paths(images)
        found: list[ChannelStatistics] = []
        for several in networks:
            report = bar.for_images(several.name)
            found += measure(several, photos, device=device, progress=report).values()
        lines = [describe_channel(s, c) for s in found for c in range(len(s.maximum))]
        if out is not None:
            write_channels(out, lines)
    if as_json:
        for line in lines:
            typer.echo(json.dumps(line))
    else:
        _print_tables(found)
    conclude(skipped_images(found))


def group_layers(names: Sequence[str], weights: str | None) -> list[Layers]:
    """Return the layers of these names, grouped by network.

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
    return [
        catalog.network(name, weights=weights).several(layers) for name, layers in grouped.items()
    ]


def list_channels(channels: Sequence[int]) -> str:
    """Return the numbers of channels as text; of many, the first ones and how many follow."""
    more = len(channels) - _MOST_LISTED
    listed = ", ".join(map(str, channels[:_MOST_LISTED]))
    return f"{listed} and {more} more" if more > 0 else listed


def skipped_images(found: Sequence[ChannelStatistics]) -> list[str]:
    """Return a line for each image that could not be used."""
    return list(dict.fromkeys(line for statistics in found for line in statistics.skipped))


def _print_tables(found: Sequence[ChannelStatistics]) -> None:
    """Print a table for each network, and the dead channels of each layer."""
    header = ("layer", "channels", "dead", "zeros", "mean", "median max", "max")
    for network, group in itertools.groupby(found, lambda statistics: statistics.name.network):
        of_network = list(group)
        title = f"{network}, {len(of_network[0].images)} images"
        print_table(header, [_row(statistics) for statistics in of_network], title)
    for statistics in found:
        if statistics.dead.any():
            dead = list_channels(statistics.dead.nonzero()[0].tolist())
            typer.echo(f"dead in {statistics.name}: {dead}")


def _row(statistics: ChannelStatistics) -> list[object]:
    """Return the row of a layer in the table."""
    import numpy as np

    maximum = statistics.maximum
    numbers = (statistics.mean.mean(), np.median(maximum), maximum.max())
    return [
        statistics.name.layer,
        len(maximum),
        statistics.dead.sum(),
        percent(statistics.zeros.mean()),
        *(f"{number:.3g}" for number in numbers),
    ]
