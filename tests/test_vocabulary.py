"""One word for one thing: docs/vocabulary.md has all words that users type, and no others."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import typer
from torch import nn

import preimage
from preimage.cli import app
from preimage.preprocessing import GRAY
from preimage.settings import Settings
from preimage.studies.judge import MEASURES
from preimage.studies.study import Study

PAGE = (Path(__file__).parent.parent / "docs/vocabulary.md").read_text()
COLUMNS = ("Python", "command line", "TOML", "sidecar")
FUNCTIONS = (
    preimage.invert,
    preimage.maximize,
    preimage.caricature,
    preimage.top,
    preimage.network,
    preimage.representation,
    preimage.settings_for,
    preimage.Mask,
    preimage.Execution,
)
OF_THE_GALLERY = {
    "input",
    "sha256",
    "weights",
    "weights_sha256",
    "output",
    "probability",
    "top_1",
    "judge",
    *MEASURES,
}


def _tables() -> Iterator[tuple[list[str], list[list[str]]]]:
    """The header and the rows of each table of the page."""
    for block in re.findall(r"(?:^\|.*\|\n)+", PAGE, re.MULTILINE):
        rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in block.splitlines()]
        yield rows[0], rows[2:]


def _words(column: str) -> list[str]:
    """The words of a column of all tables that have it."""
    return [
        word
        for header, rows in _tables()
        if column in header
        for row in rows
        for word in re.findall(r"`([^`]+)`", row[header.index(column)])
    ]


def _parameters(command: Any) -> Iterator[str]:
    """The options and arguments of a command and of those below it."""
    for nested in getattr(command, "commands", {}).values():
        yield from _parameters(nested)
    yield from (parameter.opts[0] for parameter in command.params)


def _described() -> set[str]:
    """The keys of the sidecars of all visualizations."""
    photo = np.random.default_rng(0).random((16, 16))
    layer = preimage.Layer(nn.Sequential(nn.Conv2d(1, 4, 5)), "0", GRAY)
    few = preimage.NNPREIMAGE.with_steps(1)
    mask = preimage.Mask(channels="0")
    results = (
        preimage.invert(layer, photo, settings=few, mask=mask, start=photo),
        preimage.maximize(layer, [0], settings=few, maxima=[1]),
        preimage.caricature(layer, photo, settings=few),
    )
    return {key for result in results for key in result.describe()}


def test_no_word_stands_twice_in_a_column() -> None:
    for column in COLUMNS:
        words = _words(column)
        assert sorted(set(words)) == sorted(words), column


def test_the_page_has_the_parameters_of_the_public_functions() -> None:
    names = {name for function in FUNCTIONS for name in inspect.signature(function).parameters}
    assert set(_words("Python")) == names


def test_the_page_has_the_options_and_arguments_of_all_commands() -> None:
    own = {"--version", "--install-completion", "--show-completion", "--help"}
    assert set(_words("command line")) == set(_parameters(typer.main.get_command(app))) - own


def test_the_page_has_the_keys_of_studies_and_of_sidecars() -> None:
    assert set(_words("TOML")) == set(Study.model_fields)
    assert set(_words("sidecar")) == _described() | OF_THE_GALLERY


def test_the_page_has_all_constants() -> None:
    solvers = [
        settings.constants()
        for settings in (
            Settings(),
            Settings(solver=preimage.SobolevLBFGS(stages=((1, 0),))),
            Settings(solver=preimage.JitteredLBFGS()),
        )
    ]
    constants = {name for values in solvers for name in values}
    words = set(_words("Python and TOML")) | {"loss_weight", "strength", "solver"}
    assert words == constants
