"""`preimage demo`: what it refuses; test_main runs it."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.cli.runner import run


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
