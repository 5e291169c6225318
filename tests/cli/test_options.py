"""Every option has one type and one help text, whatever the command."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import typer

from preimage.cli import app, options

DECLARED = {
    id(value): name for name, value in vars(options).items() if hasattr(value, "__metadata__")
}


def _commands(group: typer.Typer) -> Iterator[Callable[..., Any]]:
    for command in group.registered_commands:
        if command.callback is not None:
            yield command.callback
    for nested in group.registered_groups:
        if nested.typer_instance is not None:
            yield from _commands(nested.typer_instance)


COMMANDS = list(_commands(app))


def _annotations(command: Callable[..., Any]) -> dict[str, Any]:
    signature = inspect.signature(command, eval_str=True)
    found = {name: parameter.annotation for name, parameter in signature.parameters.items()}
    return {name: kind for name, kind in found.items() if kind is not typer.Context}


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: str(command.__doc__)[:30])
def test_a_command_declares_no_option_of_its_own(command: Callable[..., Any]) -> None:
    own = {name for name, kind in _annotations(command).items() if id(kind) not in DECLARED}
    assert own == set()


def test_every_declared_option_is_used() -> None:
    used = {id(kind) for command in COMMANDS for kind in _annotations(command).values()}
    assert {name for key, name in DECLARED.items() if key not in used} == set()
