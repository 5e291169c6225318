"""`preimage sheet`: an estimate, inversions that are kept, and a page of any kind."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from tests.atlas.sites import TINY
from tests.cli.runner import run, unless_given
from tests.reporting.sheet.sheets import save_color
from tests.study_files import count_results

from preimage.cli import plan
from preimage.studies import worker
from preimage.studies.trial import Trial

SMALL = ("--network", TINY, "--layers", "conv1,score", "--steps", "2", "--workers", "1")


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    return save_color(tmp_path / "cat.png")


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """No time is measured for the estimate."""
    monkeypatch.setattr(plan, "measure_costs", lambda *_, **__: ({}, 1.0))


def test_a_dry_run_prints_an_estimate_and_writes_nothing(tmp_path: Path, photo: Path) -> None:
    outcome = run("sheet", photo, "--out", tmp_path / "a.html", *SMALL, "--dry-run")
    assert (outcome.status, outcome.errors) == (0, [])
    assert any(re.match(r"5 trials, 5 to do: about .* with 1 worker", x) for x in outcome.output)
    assert list(tmp_path.iterdir()) == [photo]


@pytest.mark.usefixtures("quick")
def test_another_kind_of_page_computes_nothing_again(tmp_path: Path, photo: Path) -> None:
    outcome = run("sheet", photo, "--out", tmp_path / "a.html", *SMALL)
    assert (outcome.status, outcome.errors) == (0, [])
    assert outcome.output[-1] == f"5 of 5 trials done; wrote {tmp_path / 'a.html'}"
    assert (tmp_path / "a.html").read_text().count("<details>") == 5
    for ending in ("pdf", "png"):
        outcome = run("sheet", photo, "--out", tmp_path / f"a.{ending}", *SMALL)
        assert outcome.output[0] == "5 trials, none to do"
    assert count_results(tmp_path / "a-store") == 5
    outcome = run("sheet", photo, "--out", tmp_path / "a.pdf", *SMALL, "--seed", "1")
    assert any(line.startswith("5 trials, 5 to do") for line in outcome.output)


@pytest.mark.usefixtures("quick")
def test_ctrl_c_keeps_what_is_done(
    tmp_path: Path, photo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = worker.visualize
    done: list[str] = []

    def visualize(trials: list[Trial], *args: Any, **options: Any) -> Any:
        if len(done) == 2:
            raise KeyboardInterrupt
        done.extend(trial.key for trial in trials)
        return real(trials, *args, **options)

    monkeypatch.setattr(worker, "visualize", visualize)
    outcome = run("sheet", photo, "--out", tmp_path / "a.png", *SMALL)
    assert outcome.status == 130
    assert "finished results are kept" in outcome.errors[-1]
    assert count_results(tmp_path / "a-store") == 2
    monkeypatch.setattr(worker, "visualize", real)
    outcome = run("sheet", photo, "--out", tmp_path / "a.png", *SMALL)
    assert any("5 trials, 3 to do" in line for line in outcome.output)
    assert (tmp_path / "a.png").exists()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--layers", "conv9"), "unknown layer of Sequential 'conv9': did you mean"),
        (("--network", "efficientnet-lite9"), "unknown network 'efficientnet-lite9'"),
        (("--out", "sheet.doc"), "a sheet ends in .html, .pdf or .png, not sheet.doc"),
        (("--out", "-"), "a sheet ends in"),
        (("--steps", "0"), "--steps must be at least 1"),
    ],
)
def test_mistakes_are_told_before_any_work(
    tmp_path: Path, photo: Path, options: tuple[str, str], message: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)
    outcome = run("sheet", photo, *unless_given(SMALL, options))
    assert outcome.status == 2
    assert message in outcome.errors[-1]
    assert list(tmp_path.iterdir()) == [photo]


@pytest.mark.parametrize("kind", ["text", "missing", "folder"])
def test_a_photo_that_is_none_is_told_before_any_work(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "cat.png"
    if kind == "text":
        path.write_text("no photo")
    elif kind == "folder":
        path.mkdir()
    outcome = run("sheet", path, "--out", tmp_path / "a.pdf", *SMALL)
    assert outcome.status == 2
    assert str(path) in outcome.errors[-1]
    assert not (tmp_path / "a-store").exists()
