"""The command line: parse, call, print.

Exit status: 0 if all went well, 2 for bad input (one line each on standard error), 130
after Ctrl-C, with what was reached by then saved.
"""

from __future__ import annotations

import warnings
from typing import Annotated

import typer

import preimage
from preimage.cli.audit import audit
from preimage.cli.caricature import caricature
from preimage.cli.common import console
from preimage.cli.demo import demo
from preimage.cli.invert import invert
from preimage.cli.maximize import maximize
from preimage.cli.networks import fetch, layers, models
from preimage.cli.reproduce import hoggle, list_experiments, table4, table5
from preimage.cli.reproduce_figures import figure_command
from preimage.cli.stats import stats
from preimage.cli.study import study
from preimage.cli.top import top
from preimage.paper.figures import FIGURES

app = typer.Typer(
    help="Shows what an image representation keeps and what it throws away.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
_reproduce = typer.Typer(help="Tables and figures of the paper.", no_args_is_help=True)
app.add_typer(_reproduce, name="reproduce")
app.add_typer(study, name="study")
app.command()(invert)
app.command()(maximize)
app.command()(caricature)
app.command()(demo)
app.command()(models)
app.command()(fetch)
app.command()(layers)
app.command()(stats)
app.command()(top)
_reproduce.command()(table4)
_reproduce.command()(hoggle)
app.command()(audit)
_reproduce.command()(table5)
for _name in FIGURES:
    _reproduce.command(_name)(figure_command(_name))
_reproduce.command("list")(list_experiments)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(preimage.__version__)
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool,
        typer.Option(
            "--version", help="Print the version.", callback=_print_version, is_eager=True
        ),
    ] = False,
) -> None:
    warnings.showwarning = _print_warning


def _print_warning(message: Warning | str, *where: object, **more: object) -> None:
    console.print(f"warning: {message}", markup=False)


@app.command()
def representations() -> None:
    """List what can be inverted."""
    from preimage import catalog

    for name, (_, description) in catalog.CLASSICAL.items():
        typer.echo(f"{name:8}{description}")
    typer.echo("NETWORK/LAYER, as efficientnet-lite0/blocks.5: see `preimage models` and")
    typer.echo("        `preimage layers NETWORK`")
