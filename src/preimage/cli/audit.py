"""`preimage audit`: which layers give a photo back, and what stored vectors give away."""

from __future__ import annotations

from pathlib import Path

import typer

from preimage.cli.audit_codes import codes
from preimage.cli.audit_report import choose_output, exit_if_above, print_audit
from preimage.cli.audit_train import train
from preimage.cli.errors import clear_errors
from preimage.cli.options import (
    AsJson,
    FailAbove,
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
    fail_above: FailAbove = None,
    as_json: AsJson = False,
    out: OutFolder = Path("audit"),
    run: RunOptions,
) -> None:
    """Reconstruct photos from layers, and say what each layer gives away of them.

    Writes a page (HTML), all numbers (CSV, JSON) and pictures. With --fail-above, the exit status
    is 3 if a measure of a layer is shown to be above the value.
    """
    from preimage.audit import leakage
    from preimage.audit.independence import check_independent
    from preimage.audit.result import Audit, find_limits
    from preimage.audit.thresholds import parse_thresholds
    from preimage.audit.verdict import LEAST_PHOTOS
    from preimage.catalog import network as find_network
    from preimage.cli.running import carry_out, exit_if_failed
    from preimage.paper.figures import at_depths
    from preimage.photo_files import photo_paths
    from preimage.reporting.audit import write_audit
    from preimage.reporting.results import check_folder
    from preimage.reporting.stored import write_result
    from preimage.studies.expansion import expand
    from preimage.studies.loader import Loader
    from preimage.versions import versions

    with clear_errors():
        thresholds = parse_thresholds(fail_above or (), has_judge=bool(judge))
        loader, judges = Loader(), [find_network(name) for name in judge or ()]
        audited = loader.network(network, weights)
        check_independent(judges, audited.module)
        chosen = choose_layers(
            audited, layers, lambda network: at_depths(network.main_layers, _DEPTHS)
        )
        photos = photo_paths(images, Path.cwd())[:limit]
        if len(photos) < LEAST_PHOTOS:
            raise ValueError(
                f"an audit needs at least {LEAST_PHOTOS} photos, not {len(photos)}: with fewer, "
                "nothing can be told from chance"
            )
        check_folder(out)
        study = leakage.plan_audit(chosen, photos, steps or _STEPS, weights)
        records = carry_out(out, leakage.NAME, expand(study, loader), run)
        found = Audit(
            layers=tuple(leakage.audit_layers(records, loader, judges, out)),
            photos=tuple(path.name for path in photos),
            judges=tuple(one.name for one in judges),
            warnings=tuple(find_limits(len(photos), len(judges))),
            about={"network": network, "weights": weights, "steps": steps, "versions": versions()},
        )
        page = out / "audit.html"
        write_audit(page, network, found, records, loader)
        written = [page, *write_result(out, found)]
    print_audit(found, as_json=as_json)
    choose_output(as_json)(f"wrote {', '.join(map(str, written))}")
    exit_if_failed(records)
    exit_if_above(found, thresholds)
