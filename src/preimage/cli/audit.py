"""`preimage audit`: which layers of a network give a photo back."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from preimage.cli.common import clear_errors
from preimage.cli.options import BatchSize, Device, Retry, Threads, Workers
from preimage.cli.reproduce_networks import (
    Images,
    Layers,
    Photos,
    Weights,
)

_DEPTHS = (0.05, 0.25, 0.5, 0.75, 0.9, 1)
_STEPS = 100


def audit(
    model: Annotated[str, typer.Argument(help="A network, as in `preimage models`.")],
    layers: Layers = None,
    weights: Weights = None,
    images: Images = None,
    photos: Photos = None,
    steps: Annotated[int, typer.Option(min=1, help="Iterations.")] = _STEPS,
    out: Annotated[Path, typer.Option(help="Folder for the page and its store.")] = Path("audit"),
    workers: Workers = None,
    threads: Threads = 1,
    batch: BatchSize = 1,
    device: Device = "cpu",
    retry: Retry = False,
) -> None:
    """Reconstruct photos from layers, and say which layers give them back; one page of HTML."""
    from preimage.audit import leakage as audit_experiment
    from preimage.cli.reproduce_networks import choose_layers, choose_photos
    from preimage.cli.running import How, carry_out, report_failures
    from preimage.paper.figures import at_depths
    from preimage.photo_files import shipped_photos
    from preimage.reporting.audit import conclude, write_audit
    from preimage.reporting.results import check_folder
    from preimage.studies.loading import Loader

    with clear_errors():
        loader = Loader()
        network = loader.network(model, weights)
        names = choose_layers(network, layers, at_depths(network.main_layers, _DEPTHS))
        chosen = choose_photos(images, photos, tuple(shipped_photos()))
        if len(chosen) < audit_experiment.FEWEST:
            raise ValueError(
                f"an audit needs at least {audit_experiment.FEWEST} photos, not {len(chosen)}: "
                "of fewer, guesses would often be right"
            )
        plan = audit_experiment.study(names, chosen, steps, weights)
        check_folder(out)
        how = How(workers, threads, batch, device, retry)
        records = carry_out(out, plan.name, plan.trials(loader), how)
        exposures = audit_experiment.expose(records, loader)
        page = out / "audit.html"
        write_audit(page, model, records, exposures, loader)
    for line in conclude(exposures, len(chosen)):
        typer.echo(line)
    typer.echo(f"wrote {page}")
    if report_failures(records):
        raise typer.Exit(2)
