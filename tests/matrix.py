"""Runs the core of the suite in an environment for each of several Pythons and sets of versions.

Usage: python tests/matrix.py [--quick] [--folder FOLDER] [NAME ...]

NAME is, for example, 3.12-oldest; without names, all of `COMBINATIONS` are run. uv makes the
environments, and finds or installs the Pythons. The core is all of tests/ but what is in
`NOT_CORE`; of a test with parameters, only the first case runs. With `--quick` only the first test
of each file runs, a quick look at everything. The last lines are a table in Markdown, and the exit
status is 1 if a combination was not green.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from xml.etree import ElementTree

ROOT = Path(__file__).parent.parent
TOOLS = ("h5py", "hypothesis", "pytest", "scikit-image", "scipy")
"""Packages that the tests import."""

NOT_CORE = (
    "app", "atlas", "audit",  # of extras of their own
    "release", "test_docs.py", "test_examples.py", "test_site.py", "test_tree.py",
    "test_vocabulary.py",  # of the repository, not of what is installed
)  # fmt: skip
"""Tests of other extras, and of pages and files of the repository, which are not run."""

SHOWN = (
    "python", "torch", "numpy", "pillow", "platformdirs", "typer", "rich", "pydantic", "filelock",
    "matplotlib", "numba",
)  # fmt: skip
"""Whose versions the table shows."""

ROWS = ("", *SHOWN, "first test of each", "passed", "skipped", "failed", "processor time")


@dataclass(frozen=True, slots=True)
class Combination:
    """A Python, and which versions of what pyproject.toml asks for are installed for it.

    Attributes:
        python: its version.
        versions: "oldest" or "newest": of each package that is asked for by name, the oldest or
            newest that pyproject.toml allows and PyPI has a wheel of for this Python.
        extras: the extras that are installed.
    """

    python: str
    versions: str
    extras: str = "cli,demo,judge"

    @property
    def name(self) -> str:
        """The name on the command line."""
        return f"{self.python}-{self.versions}"


COMBINATIONS = tuple(
    Combination(python, versions)
    for versions in ("oldest", "newest")
    for python in ("3.11", "3.12", "3.13")
)


@dataclass(frozen=True, slots=True)
class Outcome:
    """The result of a combination: a column of the table, and whether all of it is green."""

    column: tuple[str, ...]
    is_green: bool


class Environment:
    """An environment of a combination, made if it is missing."""

    def __init__(self, combination: Combination, folder: Path) -> None:
        self.combination = combination
        self.folder = folder.absolute() / combination.name
        self.python = self.folder / ("Scripts" if os.name == "nt" else "bin") / "python"

    def make(self) -> None:
        """Install the package, then tools of the tests that leave its dependencies as they are."""
        _uv("venv", "--allow-existing", "--python", self.combination.python, self.folder)
        wanted = {"oldest": "lowest-direct", "newest": "highest"}[self.combination.versions]
        package = f"{ROOT}[{self.combination.extras}]"
        self._install("--resolution", wanted, "--no-binary", "preimage", "--editable", package)
        frozen = self.folder / "frozen.txt"
        found = self._installed().items()
        others = (f"{name}=={version}\n" for name, version in found if name not in _OWN)
        frozen.write_text("".join(others), encoding="utf-8")
        self._install("--constraint", frozen, *TOOLS)

    def test(self, first_of: str) -> Outcome:
        """Run the core of the suite, of it the first test of each "function" or "file"."""
        report, before = self.folder / "report.xml", os.times()
        report.unlink(missing_ok=True)
        ignored = [f"--ignore=tests/{name}" for name in NOT_CORE]
        words = ("-m", "pytest", "-p", "tests.one_case", "--first-of", first_of, *ignored)
        plain = ("-p", "no:cacheprovider", "-o", "addopts=--import-mode=importlib -q")
        command = [str(self.python), *words, *plain, f"--junitxml={report}", "tests"]
        done = subprocess.run(command, cwd=ROOT, check=False)
        after = os.times()
        seconds = sum(after[2:4]) - sum(before[2:4])  # of processes that have ended
        counts = _counts(report)
        found = self._installed()
        versions = (found.get(name, "") for name in SHOWN)
        time = f"{seconds / 60:.1f} min"
        column = (self.combination.name, *versions, first_of, *map(str, counts), time)
        return Outcome(column, done.returncode == 0)

    def _install(self, *words: str | Path) -> None:
        _uv("pip", "install", "--only-binary", ":all:", "--python", self.python, *words)

    def _installed(self) -> dict[str, str]:
        """Return the versions of Python and of what is installed, by name."""
        lines = self._run(_LIST).splitlines()
        found = (line.split("==") for line in lines)
        return {name: version.partition("+")[0] for name, version in found}

    def _run(self, code: str) -> str:
        return subprocess.run(
            [self.python, "-c", code], capture_output=True, text=True, check=True
        ).stdout.strip()


_OWN = ("preimage", "python")
_LIST = """
import platform
from importlib.metadata import distributions
print(f"python=={platform.python_version()}")
for one in distributions():
    print(f"{one.metadata['name'].lower()}=={one.version}")
"""


def _uv(*words: str | Path) -> None:
    subprocess.run([sys.executable, "-m", "uv", "--quiet", *words], check=True)


def _counts(report: Path) -> tuple[int, int, int]:
    """Return how many tests passed, were skipped and failed, by a report in JUnit's format."""
    if not report.exists():
        return 0, 0, 0
    (suite,) = ElementTree.parse(report).getroot().iter("testsuite")
    tests, skipped, failures, errors = (
        int(suite.attrib[name]) for name in ("tests", "skipped", "failures", "errors")
    )
    return tests - skipped - failures - errors, skipped, failures + errors


def _run(combination: Combination, folder: Path, first_of: str) -> Outcome:
    """Make an environment and run the core in it."""
    print(f"{combination.name}: {datetime.now(UTC):%H:%M:%S} UTC", flush=True)
    environment = Environment(combination, folder)
    try:
        environment.make()
        return environment.test(first_of)
    except subprocess.CalledProcessError as error:
        print(f"{combination.name}: {error}")
        return Outcome((combination.name, *[""] * (len(ROWS) - 1)), is_green=False)


def main() -> None:
    """Run the combinations that the command line names, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("names", nargs="*", metavar="NAME")
    parser.add_argument("--folder", type=Path, default=ROOT / ".venv-matrix")
    parser.add_argument("--quick", action="store_true", help="the first test of each file")
    given = parser.parse_args()
    known = {combination.name: combination for combination in COMBINATIONS}
    if unknown := set(given.names) - set(known):
        parser.error(f"unknown: {', '.join(unknown)}; there are {', '.join(known)}")
    chosen = [known[name] for name in given.names or known]
    first_of = "file" if given.quick else "function"
    outcomes = [_run(combination, given.folder, first_of) for combination in chosen]
    head, *rows = zip(ROWS, *(outcome.column for outcome in outcomes), strict=True)
    for row in (head, ["---"] * len(head), *rows):
        print("|", " | ".join(row), "|")
    sys.exit(not all(outcome.is_green for outcome in outcomes))


if __name__ == "__main__":
    main()
