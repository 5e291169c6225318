"""The end of an audit on the screen: measures, verdicts, and thresholds that are exceeded."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import typer

from preimage.cli.audit_defenses import print_defenses
from preimage.cli.errors import console
from preimage.cli.tables import print_table

if TYPE_CHECKING:
    from preimage.audit.result import Audit, LayerResult
    from preimage.audit.thresholds import Threshold

ABOVE = 3
"""The exit status of an audit in which a measure is above its threshold."""


def choose_output(as_json: bool) -> Callable[[str], None]:
    """Return the function that prints lines: on standard error if JSON is on standard output."""
    return console.print if as_json else typer.echo


def print_audit(audit: Audit, *, as_json: bool) -> None:
    """Print an audit as JSON, or as tables and sentences."""
    from preimage.reporting.verdicts import conclude

    if as_json:
        typer.echo(json.dumps(audit.describe()))
        return
    for layer in audit.layers:
        _print_measures(layer)
    if audit.defenses is not None:
        print_defenses(audit.defenses)
    for line in conclude(audit):
        typer.echo(line)


def exit_if_above(audit: Audit, thresholds: Sequence[Threshold]) -> None:
    """Print a line for each measure above its threshold, and end with exit status 3 if any is."""
    from preimage.audit.thresholds import exceeded

    above, perhaps = exceeded(audit.layers, thresholds)
    for line in (*perhaps, *above):
        console.print(line)
    if above:
        raise typer.Exit(ABOVE)


def _print_measures(layer: LayerResult) -> None:
    """Print a table of all measures of a layer, a column for each attack."""
    from preimage.reporting.verdicts import format_estimate

    first = layer.attacks[0].estimates
    header = ["measure", *(attack.attack for attack in layer.attacks), "chance"]
    rows = []
    for n, one in enumerate(first):
        found = [attack.estimates[n] for attack in layer.attacks]
        chances = {format_estimate(each, "chance") for each in found}
        rows.append([one.words, *map(format_estimate, found), " / ".join(sorted(chances))])
    print_table(header, rows, f"{layer.representation}, {len(layer.photos)} photos")
