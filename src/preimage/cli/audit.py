"""`preimage audit`: which layers give a photo back, and what stored vectors give away."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

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
    LimitOfAudit,
    NetworkArgument,
    OutFolder,
    Steps,
    Weights,
)
from preimage.cli.parsing import choose_layers
from preimage.cli.run_options import RunOptions, with_run_options
from preimage.cli.usage import Command, Group, command_line

if TYPE_CHECKING:
    from preimage.audit.result import Audit
    from preimage.networks import Network
    from preimage.studies.loader import Loader
    from preimage.studies.outcome import Record

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
    context: typer.Context,
    network: NetworkArgument,
    *,
    layers: Layers = None,
    weights: Weights = None,
    images: Images = None,
    limit: LimitOfAudit = None,
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
    from preimage.audit.thresholds import parse_thresholds
    from preimage.catalog import network as find_network
    from preimage.cli.running import carry_out, exit_if_failed
    from preimage.paper.figures import at_depths
    from preimage.reporting.results import check_folder
    from preimage.studies.expansion import expand
    from preimage.studies.loader import Loader

    with clear_errors():
        thresholds = parse_thresholds(fail_above or (), has_judge=bool(judge))
        loader, judges = Loader(), [find_network(name) for name in judge or ()]
        audited = loader.network(network, weights)
        check_independent(judges, audited.module)
        chosen = choose_layers(
            audited, layers, lambda network: at_depths(network.main_layers, _DEPTHS)
        )
        photos = _choose_photos(images, limit)
        check_folder(out)
        study = leakage.plan_audit(chosen, photos, steps or _STEPS, weights)
        records = carry_out(out, leakage.NAME, expand(study, loader), run)
        about: dict[str, Any] = {"command": command_line(context), "network": network}
        about |= {"weights": weights, "steps": steps or _STEPS, "usual_steps": _STEPS}
        about |= leakage.describe_trials(records)
        found, written = _conclude(out, records, loader, photos, judges, about)
    print_audit(found, as_json=as_json)
    choose_output(as_json)(f"wrote {', '.join(map(str, written))}")
    exit_if_failed(records)
    exit_if_above(found, thresholds)


def _choose_photos(images: Sequence[Path] | None, limit: int | None) -> list[Path]:
    """Return the photos to reconstruct; raise ValueError if there are too few."""
    from preimage.audit.verdict import LEAST_PHOTOS
    from preimage.photo_files import photo_paths

    photos = photo_paths(images, Path.cwd())[:limit]
    if len(photos) < LEAST_PHOTOS:
        raise ValueError(
            f"an audit needs at least {LEAST_PHOTOS} photos, not {len(photos)}: with fewer, "
            "nothing can be told from chance"
        )
    return photos


def _conclude(
    out: Path,
    records: Sequence[Record],
    loader: Loader,
    photos: Sequence[Path],
    judges: Sequence[Network],
    about: Mapping[str, Any],
) -> tuple[Audit, list[Path]]:
    """Return the result of the trials, and the files written of it."""
    from preimage.audit.leakage import audit_layers
    from preimage.audit.result import Audit, find_limits
    from preimage.reporting.audit_page import write_page
    from preimage.reporting.stored import write_result
    from preimage.versions import versions, when_and_where

    audit = Audit(
        layers=tuple(audit_layers(records, loader, judges, out)),
        photos=tuple(path.name for path in photos),
        judges=tuple(one.name for one in judges),
        warnings=tuple(find_limits(len(photos), len(judges))),
        about={**about, "versions": versions(), "made": when_and_where()},
    )
    written = write_result(out, audit)
    return audit, [write_page(out, audit), *written]
