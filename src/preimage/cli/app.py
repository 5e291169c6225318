"""`preimage app`: pages in a browser on which visualizations are chosen, run and watched."""

from __future__ import annotations

import typer

from preimage.cli.errors import clear_errors
from preimage.cli.options import Host, NamesOfApp, NetworksOfApp, Port, WorkersOfApp


def app(
    network: NetworksOfApp = None,
    host: Host = "127.0.0.1",
    port: Port = 7860,
    workers: WorkersOfApp = None,
    hostname: NamesOfApp = None,
) -> None:
    """Open a page on which to choose, run and watch visualizations.

    Networks whose weights are on this machine can be chosen on the page, and those that --network
    names.
    """
    from preimage.app import AppOptions, serve
    from preimage.workers import count_cores

    with clear_errors():
        count = min(2, count_cores()) if workers is None else workers
        options = AppOptions(tuple(network or ()), host, port, count, tuple(hostname or ()))
        typer.echo("starting, which takes some seconds")
        serve(options, lambda address: typer.echo(f"open {address}; Ctrl-C ends the app"))
