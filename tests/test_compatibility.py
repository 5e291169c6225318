"""The matrix of versions: it has what pyproject.toml promises, and the docs show what was run."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from tests.matrix import COMBINATIONS, NOT_CORE, ROWS

ROOT = Path(__file__).parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
PAGE = (ROOT / "docs/compatibility.md").read_text()


def _table() -> dict[str, dict[str, str]]:
    """The table on the page: of each combination, its versions and counts."""
    lines = [
        [c.strip() for c in line.split("|")[1:-1]] for line in PAGE.splitlines() if "|" in line
    ]
    first = next(n for n, cells in enumerate(lines) if cells[0] == "" and len(cells) > 2)
    rows = [row for row in lines[first : first + len(ROWS) + 1] if row[0] != "---"]
    return {
        name: {row[0]: row[column] for row in rows} for column, name in enumerate(rows[0]) if column
    }


def test_every_python_that_is_promised_is_in_the_matrix_with_oldest_and_newest() -> None:
    prefix = "Programming Language :: Python :: "
    promised = [c.removeprefix(prefix) for c in PROJECT["classifiers"] if c.startswith(prefix)]
    names = {f"{python}-{versions}" for python in promised for versions in ("oldest", "newest")}
    assert {combination.name for combination in COMBINATIONS} == names
    assert PROJECT["requires-python"] == f">={promised[0]}"


def test_the_page_shows_every_combination_and_none_that_failed() -> None:
    table = _table()
    assert list(table) == [combination.name for combination in COMBINATIONS]
    for found in table.values():
        assert list(found) == list(ROWS)
        assert found["failed"] in ("0", "not run")


@pytest.mark.parametrize(
    "requirement",
    [
        *PROJECT["dependencies"],
        *PROJECT["optional-dependencies"]["cli"],
        *PROJECT["optional-dependencies"]["fast"],
    ],
)
def test_the_oldest_version_that_is_promised_is_one_that_was_run(requirement: str) -> None:
    name, _, bound = requirement.partition(">=")
    if not name.startswith("preimage["):
        version = _table()["3.11-oldest"][name]
        assert re.fullmatch(rf"{re.escape(bound)}(\.0)*", version)


def test_what_is_left_out_of_the_core_exists() -> None:
    assert [name for name in NOT_CORE if not (ROOT / "tests" / name).exists()] == []


def test_an_unknown_combination_is_refused_with_the_known_ones() -> None:
    command = [sys.executable, "tests/matrix.py", "3.9-oldest"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "there are 3.11-oldest, 3.12-oldest" in done.stderr


def test_of_a_test_with_parameters_the_first_case_runs(tmp_path: Path) -> None:
    (tmp_path / "test_a.py").write_text(
        "import pytest\n"
        "@pytest.mark.parametrize('n', [0, 1])\n"
        "def test_n(n): assert n == 0\n"
        "def test_other(): pass\n"
    )
    words = ("-m", "pytest", "-p", "tests.one_case", "-c", "/dev/null", "-q", str(tmp_path))
    done = subprocess.run(
        [sys.executable, *words], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert "2 passed, 1 deselected" in done.stdout
