"""`preimage demo`: its picture, and what it refuses; test_main runs it in full."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from tests.cli.runner import run

import preimage
from preimage import grid
from preimage.grid import Cell


def test_the_picture_has_the_photo_first_and_calls_it_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    invert, draw_grid = preimage.invert, grid.draw_grid
    labels: list[str] = []

    def quickly(representation: Any, photo: Any, **_: Any) -> preimage.PreImage:
        return invert(representation, photo, size=64, quality="draft")

    def draw(rows: Sequence[Sequence[Cell]]) -> Image.Image:
        labels.extend(cell.label for row in rows for cell in row)
        return draw_grid(rows)

    monkeypatch.setattr("preimage.invert", quickly)
    monkeypatch.setattr(grid, "draw_grid", draw)
    assert run("demo", "--out", tmp_path / "demo.png").status == 0
    assert labels[0] == "photo"
    assert [label.split(": ")[0] for label in labels[1:]] == ["hog", "hogb", "dsift"]


@pytest.mark.parametrize("name", ["demo", "demo.xyz", "demo.psd"])
def test_a_demo_that_is_no_picture_is_refused_before_any_work(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("preimage.invert", None)
    outcome = run("demo", "--out", tmp_path / name)
    assert (outcome.status, len(outcome.errors)) == (2, 1)
    assert "cannot write" in outcome.errors[0]


def test_an_unwritable_folder_is_refused_before_any_work(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("preimage.invert", None)
    (tmp_path / "file").write_text("")
    outcome = run("demo", "--out", tmp_path / "file" / "x.png")
    assert (outcome.status, len(outcome.errors)) == (2, 1)
    assert str(tmp_path / "file") in outcome.errors[0]
