"""`preimage top`: the parts of images that channels answer most to."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from preimage.cli.common import check_device, clear_errors
from preimage.cli.stats import by_network, dead_channels, image_bar, report_skipped
from preimage.names import parse_channels
from preimage.versions import versions

_FIRST = 25


def top(
    layer: Annotated[str, typer.Argument(help="A layer, as NETWORK/LAYER.")],
    channels: Annotated[
        str | None, typer.Option(help=f"As 0-24 or 3,7,9-12; the first {_FIRST} if not given.")
    ] = None,
    images: Annotated[
        Path | None,
        typer.Option(
            help="Folder of images; if not given, the largest set that `preimage stats` has "
            "been through, or else the shipped photos."
        ),
    ] = None,
    weights: Annotated[
        str | None, typer.Option(help="Weight file of the network, or random.")
    ] = None,
    out: Annotated[Path, typer.Option(help="The picture to write.")] = Path("top.png"),
    device: Annotated[str, typer.Option(help="Where to compute: cpu, cuda.")] = "cpu",
) -> None:
    """For each channel, the parts of 9 images that it answers most to."""
    from preimage.photo_files import photo_paths
    from preimage.reporting.results import check_picture
    from preimage.reporting.top_responses import draw_top_responses
    from preimage.statistics import load_known, measure
    from preimage.visualizations.saving import write_picture

    with clear_errors():
        check_device(device)
        check_picture(out)
        (several,) = by_network([layer], weights)
        (phi,) = several.layers.values()
        wanted = None if channels is None else parse_channels(channels)
        paths = None if images is None else photo_paths(images)
    with clear_errors(), image_bar() as begin:
        statistics = known = load_known(phi, paths)
        if statistics is None:
            run = begin(several.name)
            found = measure(several, photo_paths(images), device=device, progress=run)
            (statistics,) = found.values()
        there = range(len(statistics.maximum))
        chosen = list(there[:_FIRST]) if wanted is None else wanted
        if max(chosen) not in there:
            raise ValueError(f"{phi.name} has channels 0-{there[-1]}, not {max(chosen)}")
        picture, described = draw_top_responses(phi, statistics, chosen)
        field = phi.receptive_field
        sidecar: dict[str, Any] = {
            "representation": phi.name,
            "weights": weights,
            "images": len(statistics.images),
            "receptive_field": None if field is None else field.size,
            "channels": described,
            "versions": versions(),
        }
        write_picture(out, picture, sidecar)
    typer.echo(f"{phi.name}  {len(chosen)} channels  {len(statistics.images)} images  -> {out}")
    if dead := [d["channel"] for d in described if d["dead"]]:
        typer.echo(f"dead in {phi.name}: {dead_channels(dead)}")
    if known is None:
        report_skipped([statistics])
