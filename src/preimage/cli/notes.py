"""Notes beside results that say little."""

from __future__ import annotations

import typer

from preimage.cli.errors import console

ENOUGH = 200
"""The number of steps below which results of layers are drafts: that of the quality "fast"."""


def say_of_preset(name: str | None) -> None:
    """Print on standard error, for the preset "paper", that its constants make no picture."""
    if name == "paper":
        console.print(
            "preset paper: its learning rate hardly moves from noise (docs/deviations.md); the "
            "authors' code: --preset nnpreimage"
        )


def say_of_draft(steps: int | None) -> None:
    """Print that results of so few steps are no basis for a comparison of layers."""
    if steps is not None and steps < ENOUGH:
        typer.echo(
            f"a draft: in fewer than {ENOUGH} steps pictures are noisier and errors larger than "
            "they need be, those of deeper layers most; do not compare layers"
        )
