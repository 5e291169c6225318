"""`preimage audit`: which layers give a photo back, and what stored vectors give away."""

from __future__ import annotations

from pathlib import Path

import typer

from preimage.cli.audit_codes import codes
from preimage.cli.audit_train import train
from preimage.cli.errors import clear_errors
from preimage.cli.options import (
    Images,
    Judges,
    Layers,
    Limit,
    NetworkArgument,
    OutFolder,
    Steps,
    Weights,
)
from preimage.cli.parsing import choose_layers
from preimage.cli.run_options import RunOptions, with_run_options
from preimage.cli.usage import Command, Group

audit = typer.Typer(
    help="What layers, or stored vectors, give away of photos.", no_args_is_help=True, cls=Group
)
audit.command(cls=Command)(codes)
audit.command(cls=Command)(train)

_DEPTHS = (0.05, 0.25, 0.5, 0.75, 0.9, 1)
_STEPS = 100


@audit.command("layers", cls=Command)
@with_run_options
def audit_layers(
    network: NetworkArgument,
    *,
    layers: Layers = None,
    weights: Weights = None,
    images: Images = None,
    limit: Limit = None,
    steps: Steps = _STEPS,
    judge: Judges = None,
    out: OutFolder = Path("audit"),
    run: RunOptions,
) -> None:
    """Reconstruct photos from layers; write a page (HTML) on which layers give them back."""
    from preimage.audit import leakage
    from preimage.cli.running import carry_out, exit_if_failed
    from preimage.paper.figures import at_depths
    from preimage.photo_files import photo_paths
    from preimage.reporting.audit import conclude, write_audit
    from preimage.reporting.results import check_folder
    from preimage.studies.expansion import expand
    from preimage.studies.loader import Loader

    with clear_errors():
        loader = Loader()
        chosen = choose_layers(
            loader.network(network, weights), layers,
            lambda network: at_depths(network.main_layers, _DEPTHS),
        )  # fmt: skip
        photos = photo_paths(images, Path.cwd())[:limit]
        if len(photos) < leakage.FEWEST_PHOTOS:
            raise ValueError(
                f"an audit needs at least {leakage.FEWEST_PHOTOS} photos, not {len(photos)}: with "
                "fewer, guesses would often be right"
            )
        check_folder(out)
        study = leakage.plan_audit(chosen, photos, steps or _STEPS, weights, judge or ())
        records = carry_out(out, leakage.NAME, expand(study, loader), run)
        audits = leakage.audit_layers(records, loader)
        page = out / "audit.html"
        write_audit(page, network, records, audits, loader)
    for line in conclude(audits, len(photos)):
        typer.echo(line)
    typer.echo(f"wrote {page}")
    exit_if_failed(records)
