"""`preimage check`: whether a network or one of its layers fits what preimage does with it."""

from __future__ import annotations

import json

import typer

from preimage.cli.errors import clear_errors
from preimage.cli.options import AsJson, CheckedArgument, Device, Size, Weights
from preimage.cli.parsing import check_device, parse_size
from preimage.cli.tables import print_table


def check(
    rep: CheckedArgument,
    weights: Weights = None,
    size: Size = None,
    device: Device = "cpu",
    as_json: AsJson = False,
) -> None:
    """Check in seconds whether a network, or one of its layers, fits what preimage does with it.

    Print one line for each property. The exit status is 2 if one of them does not hold. Of a
    NETWORK without a layer, the class scores are checked.
    """
    from preimage import catalog, checking

    with clear_errors():
        check_device(device)
        model = catalog.network_or_layer(rep, weights)
        report = checking.check(model, size=parse_size(size), device=device)
    if as_json:
        typer.echo(json.dumps(report.to_dict()))
    else:
        rows = [(row.name, row.verdict, row.finding) for row in report]
        print_table(("property", "verdict", "finding"), rows, report.title)
    if not report.ok:
        raise typer.Exit(2)
