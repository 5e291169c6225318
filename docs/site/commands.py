"""Every command with its arguments and options, from the declarations that run it."""

import inspect
from collections.abc import Iterator
from typing import Any

import typer

from docs.site.markdown import code, table
from preimage.cli import app


def commands() -> str:
    """Return a section for each command: what it does, how it is called, and its options."""
    return "\n\n".join(_sections(typer.main.get_command(app), "preimage"))


def _sections(command: Any, name: str) -> Iterator[str]:
    """Yield the sections of a command, or of all commands of a group."""
    nested = getattr(command, "commands", None)
    if nested is None:
        text = inspect.cleandoc(command.help or "")
        yield f"## {code(name)}\n\n{text}\n\n{_usage(command, name)}\n\n{_options(command)}"
        return
    if command.params:
        yield f"Before the name of a command:\n\n{_options(command)}"
    for key, one in nested.items():
        yield from _sections(one, f"{name} {key}")


def _usage(command: Any, name: str) -> str:
    words = " ".join(command.collect_usage_pieces(typer.Context(command)))
    return f"```text\n{name} {words}\n```"


def _options(command: Any) -> str:
    """Return the table of arguments and options, as the command's `--help` describes them."""
    context = typer.Context(command)
    records = [one.get_help_record(context) for one in command.params]
    rows = [[code(names), meaning] for names, meaning in filter(None, records)]
    return table(["argument or option", "meaning"], rows) if rows else ""
