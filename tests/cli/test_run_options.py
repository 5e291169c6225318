"""The options of a run: a command takes them all, and gets one value."""

from __future__ import annotations

from typing import Annotated

import typer
from typer.testing import CliRunner

from preimage.cli.run_options import RunOptions, with_run_options


def test_a_command_gets_the_options_of_a_run_as_one_value() -> None:
    received: list[tuple[str, int, RunOptions]] = []

    @with_run_options
    def command(
        name: Annotated[str, typer.Argument()],
        *,
        size: Annotated[int, typer.Option()] = 3,
        run: RunOptions,
    ) -> None:
        """Do something."""
        received.append((name, size, run))

    app = typer.Typer()
    app.command()(command)
    runner = CliRunner()
    assert runner.invoke(app, ["a"]).exit_code == 0
    options = ["--workers", "2", "--threads", "4", "--batch", "8", "--device", "cuda", "--retry"]
    assert runner.invoke(app, ["b", "--size", "5", *options]).exit_code == 0
    assert received == [
        ("a", 3, RunOptions()),
        ("b", 5, RunOptions(workers=2, threads=4, batch=8, device="cuda", retry=True)),
    ]
    text = runner.invoke(app, ["--help"]).stdout
    assert "Do something." in text
    assert "--run" not in text
