"""Bad command lines: one line on standard error and nothing written; and help of any width."""

from __future__ import annotations

import itertools
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer
from tests.cli.bad_command_lines import BAD, prepare
from tests.cli.runner import run
from typer.testing import CliRunner

from preimage.cli import app

LINES = [f"{start} {more}".strip() for start, ends in BAD.items() for more in ends]


def _names(command: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """The names of a command and of those below it, as a user types them."""
    yield path
    for name, nested in getattr(command, "commands", {}).items():
        yield from _names(nested, (*path, name))


COMMANDS = list(_names(typer.main.get_command(app)))


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder with the files that the command lines name, which is the current one."""
    folder = tmp_path_factory.mktemp("files")
    prepare(folder)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.setenv("PREIMAGE_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield folder


def test_there_are_300_bad_command_lines() -> None:
    assert len(set(LINES)) == len(LINES) >= 300


@pytest.mark.parametrize("line", LINES)
def test_a_bad_command_line_gets_one_line_and_writes_nothing(line: str, prepared: Path) -> None:
    before = _files(prepared)
    outcome = run(*shlex.split(line))
    assert outcome.status == 2
    (problem,) = outcome.errors
    assert problem.startswith("error: ")
    assert 10 < len(problem) < 400
    assert "Traceback" not in problem
    assert _files(prepared) == before


@pytest.mark.parametrize("values", [("--out", "a", "--steps", "1", "--out", "a"), ("--out=a",) * 3])
def test_an_option_of_one_value_that_is_given_twice_is_named(values: tuple[str, ...]) -> None:
    outcome = run("invert", "missing.png", "--rep", "hog", "--rep", "hogb", *values)
    assert outcome.status == 2
    (problem,) = outcome.errors
    assert problem.startswith("error: --out takes one value, but is given ")


def test_a_list_for_a_repeatable_number_is_told_to_be_repeated() -> None:
    outcome = run("caricature", "missing.png", "--rep", "hog", "--strength", "1,3")
    (problem,) = outcome.errors
    assert "--strength must be a number, not '1,3': repeat --strength for several" in problem


def test_flags_and_repeatable_options_may_be_given_twice() -> None:
    arguments = ("--rep", "hog", "--loss-weight", "1", "--json", "--grid") * 2
    assert run("invert", "missing.png", *arguments).errors == [
        "error: missing.png: No such file or directory"
    ]


@pytest.mark.parametrize("width", [60, 80])
@pytest.mark.parametrize("names", COMMANDS, ids=" ".join)
def test_help_fills_the_screen_and_cuts_no_word(
    names: tuple[str, ...], width: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    result = CliRunner().invoke(app, [*names, "--help"], terminal_width=width)
    lines = result.stdout.splitlines()
    assert max(map(len, lines)) <= width
    assert not any("\u2026" in line for line in lines)
    boxes = [n for n, x in enumerate(lines) if x.startswith("\u256d") or x.endswith("s:")]
    text = [line.strip() for line in lines[: boxes[0]] if "Usage:" not in line]
    for line, following in itertools.pairwise(text):
        if line and following:
            assert len(f"{line} {following.split()[0]}") > width - 4, line


def _files(folder: Path) -> list[Path]:
    """What a folder holds, without the bytecode that Python keeps of modules in it."""
    return sorted(path for path in folder.rglob("*") if "__pycache__" not in path.parts)


@pytest.mark.parametrize(
    ("line", "advice"),
    [
        ("top net/1 --images photos", "by --reference"),
        ("top net/1 --photos photos", "by --reference"),
        ("maximize net/1 --images photos", "by --reference"),
        ("stats net/1 --reference photos", "by --images"),
        ("audit codes a.npy --rep net/1 --images photos", "by --reference or --candidates"),
        ("audit train --images photos --rep net/1", "without an option"),
        ("invert --images photos", "without an option"),
        ("caricature --images photos", "without an option"),
        ("sheet --reference photos", "without an option"),
    ],
)
def test_another_option_for_photos_is_answered_with_the_right_one(line: str, advice: str) -> None:
    outcome = run(*shlex.split(line))
    (problem,) = outcome.errors
    assert outcome.status == 2
    assert problem.startswith("error: No such option: --")
    assert f": give photos {advice}; see " in problem


def test_a_command_without_photos_has_no_advice_about_them() -> None:
    (problem,) = run("layers", "vgg-m", "--images", "photos").errors
    assert problem.startswith("error: No such option: --images; see ")
