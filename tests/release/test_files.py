"""The files of wheel and sdist: complete, small, and the same in both."""

from __future__ import annotations

import re
import subprocess
import tarfile
import zipfile
from pathlib import Path

import pytest
from tests.release.environment import ROOT

import preimage

MOST_BYTES = 2_000_000
DATA = {
    "app/static/depth.css",
    "app/static/layers.js",
    "atlas/static/atlas.css",
    "atlas/static/atlas.js",
    "atlas/static/icon.svg",
    "atlas/templates/base.html",
    "models/imagenet_classes.txt",
    "paper/published/table4.csv",
    "photos/SOURCES.md",
    "photos/chelsea.jpg",
    "py.typed",
    "reporting/audit_page/templates/audit.html",
    "reporting/sheet/templates/sheet.css",
    "reporting/sheet/templates/sheet.html",
}
"""Files of each kind that the package reads when it runs."""


def _in_repository(folder: str = ".") -> set[str]:
    """Return the names of the files that git knows; skip in an unpacked sdist."""
    if not (ROOT / ".git").exists():
        pytest.skip("not a clone")
    done = subprocess.run(
        ["git", "ls-files", "--", folder], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return {name for name in done.stdout.splitlines() if name != ".gitignore"}


def _in_wheel(wheel: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(wheel) as opened:
        return {name: opened.read(name) for name in opened.namelist() if not name.endswith("/")}


def _in_sdist(sdist: Path) -> dict[str, bytes]:
    found = {}
    with tarfile.open(sdist) as opened:
        for member in opened:
            file = opened.extractfile(member)
            if file is not None:
                found[member.name.partition("/")[2]] = file.read()
    return found


def test_the_wheel_is_small(wheel: Path) -> None:
    assert wheel.stat().st_size < MOST_BYTES


def test_the_wheel_has_the_package_and_all_its_data(wheel: Path) -> None:
    found = {name for name in _in_wheel(wheel) if ".dist-info/" not in name}
    assert found == {name.removeprefix("src/") for name in _in_repository("src")}
    assert {f"preimage/{name}" for name in DATA} <= found


def test_the_sdist_is_the_repository(sdist: Path) -> None:
    assert set(_in_sdist(sdist)) - {"PKG-INFO", ".gitignore"} == _in_repository()


def test_the_wheel_is_the_package_of_the_sdist(wheel: Path, sdist: Path) -> None:
    source = _in_sdist(sdist)
    for name, content in _in_wheel(wheel).items():
        if ".dist-info/" not in name:
            assert content == source[f"src/{name}"], name


def test_the_metadata_name_version_and_license(wheel: Path) -> None:
    files = _in_wheel(wheel)
    folder = f"preimage-{preimage.__version__}.dist-info"
    lines = files[f"{folder}/METADATA"].decode().splitlines()
    assert f"Version: {preimage.__version__}" in lines
    assert "License-Expression: BSD-3-Clause" in lines
    assert f"{folder}/licenses/LICENSE" in files


def test_the_description_has_no_link_that_leads_nowhere(wheel: Path) -> None:
    files = _in_wheel(wheel)
    text = files[f"preimage-{preimage.__version__}.dist-info/METADATA"].decode()
    assert "# preimage" in text
    assert "](" not in text.replace("](http", "")


def test_changelog_and_citation_name_the_version() -> None:
    heading = re.search(r"^## (\S+)", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
    assert heading is not None
    assert heading[1] == preimage.__version__
    assert f"\nversion: {preimage.__version__}\n" in (ROOT / "CITATION.cff").read_text()
