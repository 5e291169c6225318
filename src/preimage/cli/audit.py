"""`preimage audit`: which layers of a network give a photo back."""

from __future__ import annotations

from pathlib import Path

import typer

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

_DEPTHS = (0.05, 0.25, 0.5, 0.75, 0.9, 1)
_STEPS = 100


@with_run_options
def audit(
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
    from preimage.audit.leakage import FEWEST_PHOTOS, NAME, audit_layers, plan_audit
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
        if len(photos) < FEWEST_PHOTOS:
            raise ValueError(
                f"an audit needs at least {FEWEST_PHOTOS} photos, not {len(photos)}: with fewer, "
                "guesses would often be right"
            )
        check_folder(out)
        study = plan_audit(chosen, photos, steps or _STEPS, weights, judge or ())
        records = carry_out(out, NAME, expand(study, loader), run)
        audits = audit_layers(records, loader)
        page = out / "audit.html"
        write_audit(page, network, records, audits, loader)
    for line in conclude(audits, len(photos)):
        typer.echo(line)
    typer.echo(f"wrote {page}")
    exit_if_failed(records)
