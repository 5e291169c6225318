"""The command line: parse, call, print.

The modules of the commands import what a command needs when it runs, so that help and completion
answer at once. `errors` says how commands end.
"""

from __future__ import annotations

import platform
import warnings
from importlib import metadata
from typing import Annotated, Any

import typer

import preimage
from preimage.cli.app import app as app_command
from preimage.cli.atlas import atlas
from preimage.cli.audit import audit
from preimage.cli.caricature import caricature
from preimage.cli.check import check
from preimage.cli.demo import demo
from preimage.cli.errors import console, show_tracebacks
from preimage.cli.invert import invert
from preimage.cli.maximize import maximize
from preimage.cli.networks import fetch, layers, models, representations
from preimage.cli.reproduce import (
    STRUCTURES,
    fig4,
    hoggle,
    list_experiments,
    structure_command,
    table4,
    table5,
)
from preimage.cli.reproduce_figures import figure_command
from preimage.cli.sheet import sheet
from preimage.cli.stats import stats
from preimage.cli.study import study
from preimage.cli.top import top
from preimage.cli.usage import Command, Group
from preimage.paper.figures import FIGURES


class _Commands(Group):
    """All commands; `--traceback` may also follow a command's name."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Move `--traceback` to the front, where it is an option of all commands."""
        own = [arg for arg in args if arg != "--traceback"]
        return super().parse_args(ctx, ["--traceback"] * (len(own) < len(args)) + own)


app = typer.Typer(
    cls=_Commands,
    help="Show what an image representation keeps and what it throws away.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
_reproduce = typer.Typer(help="Tables and figures of the paper.", no_args_is_help=True, cls=Group)
app.add_typer(_reproduce, name="reproduce")
app.add_typer(study, name="study")
app.add_typer(audit, name="audit")
app.add_typer(atlas, name="atlas")
for _command in (
    *(invert, maximize, caricature, demo),
    *(representations, models, fetch, layers),
    *(check, stats, top, sheet, app_command),
):
    app.command(cls=Command)(_command)
for _name in STRUCTURES:
    _reproduce.command(_name, cls=Command)(structure_command(_name))
for _command in (table4, hoggle, table5, fig4):
    _reproduce.command(cls=Command)(_command)
for _name in FIGURES:
    _reproduce.command(_name, cls=Command)(figure_command(_name))
_reproduce.command("list", cls=Command)(list_experiments)


def _print_version(wanted: bool) -> None:
    if wanted:
        torch, python = metadata.version("torch"), platform.python_version()
        typer.echo(f"preimage {preimage.__version__}, torch {torch}, Python {python}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool,
        typer.Option(
            "--version",
            help="Print the versions of preimage, torch and Python.",
            callback=_print_version,
            is_eager=True,
        ),
    ] = False,
    traceback: Annotated[
        bool, typer.Option("--traceback", help="Show errors with Python's full traceback.")
    ] = False,
) -> None:
    show_tracebacks(traceback)
    warnings.showwarning = _print_warning
    # torch says so of its thread for gradients, and goes on.
    warnings.filterwarnings("ignore", "Attempting to run cuBLAS, but there was no current CUDA")


def _print_warning(message: Warning | str, *where: object, **more: object) -> None:
    """Print a warning as one line, without the place in the code that it comes from."""
    console.print(f"warning: {message}")
