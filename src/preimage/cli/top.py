"""`preimage top`: the parts of photos that channels respond to most."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from preimage.cli.errors import clear_errors, conclude
from preimage.cli.options import (
    Channels,
    Classes,
    Device,
    LayerArgument,
    OutTop,
    Reference,
    Weights,
)
from preimage.cli.parsing import check_device, check_has_classes, parse_names
from preimage.cli.progress import progress_bar
from preimage.cli.stats import group_layers, list_channels, skipped_images
from preimage.names import parse_channels

if TYPE_CHECKING:
    from preimage.representations.layers import Layers

_FIRST = 25


def top(
    layer: LayerArgument,
    channels: Channels = None,
    classes: Classes = None,
    reference: Reference = None,
    weights: Weights = None,
    out: OutTop = None,
    device: Device = "cpu",
) -> None:
    """Show, for each channel, the parts of 9 photos that the channel responds to most.

    Without --channels, the first 25 channels are shown. With --classes, which takes a network
    without a layer, the photos are those that the network takes most for each class.
    """
    from preimage.files import file_name
    from preimage.photo_files import photo_paths
    from preimage.reporting.results import check_picture
    from preimage.reporting.top_responses import draw_top_responses
    from preimage.statistics import load_known, measure
    from preimage.versions import versions
    from preimage.visualizations.saving import write_picture

    with clear_errors(), progress_bar() as bar:
        check_device(device)
        out = out or Path("top") / f"{file_name(layer)}.png"
        check_picture(out)
        several, chosen, names = _choose(layer, weights, channels, classes)
        (phi,) = several.layers.values()
        photos = None if reference is None else photo_paths(reference)
        statistics = known = load_known(phi, photos, least=len(photo_paths()), to_show=True)
        if statistics is None:
            report = bar.for_images(several.name)
            photos = photos or photo_paths()
            (statistics,) = measure(several, photos, device=device, progress=report).values()
        picture, described = draw_top_responses(phi, statistics, chosen, names)
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
    kind = "classes" if names else "channels"
    typer.echo(f"{phi.name}  {len(chosen)} {kind}  {len(statistics.images)} images  -> {out}")
    if names and reference is None:
        typer.echo("the shipped photos show few classes: --reference FOLDER takes photos of these")
    if dead := [channel["channel"] for channel in described if channel["dead"]]:
        typer.echo(f"dead in {phi.name}: {list_channels(dead)}")
    if known is None:
        conclude(skipped_images([statistics]))


def _choose(
    layer: str, weights: str | None, channels: str | None, classes: str | None
) -> tuple[Layers, list[int], dict[int, str]]:
    """Return the layer, its channels, and the names of classes.

    If classes are given, the layer is that of the scores.

    Raises:
        ValueError: if the options contradict each other, or name what does not exist.
    """
    from preimage import catalog

    if classes is None:
        (several,) = group_layers([layer], weights)
        (phi,) = several.layers.values()
        count = phi.code_grid(*phi.default_size).channels
        return several, parse_channels(channels or f"0-{min(count, _FIRST) - 1}", count), {}
    if channels is not None:
        raise ValueError("give --channels or --classes")
    check_has_classes(layer)
    network = catalog.network(layer, weights=weights)
    names = {network.class_index(name): name for name in parse_names(classes)}
    return network.several([network.score_layer]), list(names), names
