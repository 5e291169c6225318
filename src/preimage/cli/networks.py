"""`preimage models`, `fetch`, `layers` and `representations`."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import typer

from preimage.cli.errors import clear_errors
from preimage.cli.options import Every, From, NetworkArgument, Weights
from preimage.cli.progress import progress_bar
from preimage.cli.tables import print_table, print_wrapped


def models() -> None:
    """List the networks known by name, and whether their weights are here."""
    from preimage.models import efficientnet_lite as lite
    from preimage.models import zoo
    from preimage.models.zoo_files import is_installed

    known = zoo.NETWORKS
    with clear_errors():
        rows: list[tuple[object, ...]]
        rows = [(n, k.megabytes, _here(is_installed(n)), k.license) for n, k in known.items()]
        absent = [name for name in lite.VARIANTS if lite.find_weight_file(name) is None]
    for name, variant in lite.VARIANTS.items():
        license_ = lite.LICENSE if variant.file else ""
        rows.append((name, variant.megabytes or "", _here(name not in absent), license_))
    print_table(("name", "MB", "weights", "license"), rows)
    cited: dict[str, list[str]] = {}
    for name, network in known.items():
        cited.setdefault(network.citation, []).append(name)
    cited[lite.CITATION] = list(lite.VARIANTS)
    for citation, names in cited.items():
        print_wrapped(f"cite for {', '.join(names)}: {citation}")
    typer.echo("missing weights: preimage fetch NAME")
    for name in absent:
        print_wrapped(f"{name}: {lite.where_to_get(name)}")
    typer.echo("others: matconvnet:FILE.mat, torchvision:NAME, timm:NAME, hf:NAME_OR_FOLDER,")
    typer.echo("        open_clip:MODEL@TAG, pt2:FILE, import:MODULE.FACTORY")


def fetch(
    network: NetworkArgument,
    from_: From = None,
) -> None:
    """Download the weights of a network, or install a file that you have."""
    from preimage.models import sources, zoo
    from preimage.models.errors import ModelError

    with clear_errors(), progress_bar() as bar:
        if from_ is not None:
            path = sources.install(network, from_)
        elif network not in zoo.NETWORKS:
            path = sources.fetch(network)
        else:
            bar.start(network)
            try:
                path = sources.fetch(network, bar.update_bytes)
            except ModelError as error:
                hint = f"preimage fetch {network} --from FILE"
                raise ModelError(f"{error}; if you have the file, install it: {hint}") from error
    typer.echo(path)


def layers(network: NetworkArgument, every: Every = False, weights: Weights = None) -> None:
    """Print the layers of a network as Tables 1-3 do; no weights are needed."""
    import preimage
    from preimage.models.sources import holds_weights

    with clear_errors(), _one_thread():
        untrained = None if holds_weights(network) else "random"
        loaded = preimage.network(network, weights=weights or untrained)
        if every:
            typer.echo("\n".join(loaded.layers))
            return
        table = loaded.layers_table()
        print_table(table.header, table.rows)
    if table.note:
        print_wrapped(table.note)
    inside = len(loaded.layers) - len(loaded.main_layers)
    if inside > 0:
        typer.echo(f"{inside} more layers are inside these: preimage layers {network} --all")


def representations() -> None:
    """List the representations that can be inverted."""
    from preimage import catalog

    width = max(map(len, catalog.CLASSICAL)) + 2
    for name, (_, description) in catalog.CLASSICAL.items():
        typer.echo(f"{name:{width}}{description}")
    typer.echo("NETWORK/LAYER, such as efficientnet-lite0/blocks.5: see `preimage models` and")
    typer.echo("        `preimage layers NETWORK`")


def _here(is_installed: bool) -> str:
    return "here" if is_installed else "missing"


@contextmanager
def _one_thread() -> Iterator[None]:
    """Compute with one thread; for many small operations, several threads mostly wait."""
    import torch

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)
