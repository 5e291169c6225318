"""Bad command lines: one line on standard error, exit status 2, and nothing written."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.cli.bad_command_lines import BAD, prepare
from tests.cli.runner import run

LINES = [f"{start} {more}".strip() for start, ends in BAD.items() for more in ends]


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


def _files(folder: Path) -> list[Path]:
    """What a folder holds, without the bytecode that Python keeps of modules in it."""
    return sorted(path for path in folder.rglob("*") if "__pycache__" not in path.parts)
