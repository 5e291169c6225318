"""The plan of a study: trials, time and disk, and nothing written."""

from __future__ import annotations

import errno
import os
import re
import shutil
import time
from contextlib import nullcontext
from pathlib import Path
from types import SimpleNamespace

import pytest
from tests.cli.runner import Outcome, run
from tests.study_files import save_photos

from preimage.cli import plan
from preimage.sweeps.estimate import Cost

STUDY = """
representations = ["hog", "dsift"]
images = ["photos"]
loss_weight = [1, 20]
steps = 4
[settings]
beta = [1.5, 2]
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    save_photos(tmp_path / "photos", 2)
    (tmp_path / "early.toml").write_text(STUDY)
    return tmp_path


def _run(folder: Path, *options: str) -> Outcome:
    out = folder / "store"
    return run("study", "run", folder / "early.toml", "--out", out, "--workers", "1", *options)


def test_a_dry_run_prints_the_plan_and_writes_nothing(folder: Path) -> None:
    outcome = _run(folder, "--dry-run")
    assert outcome.status == 0
    pattern = (
        r"16 trials, 16 to do: about [\d.]+ (s|minutes) with 1 worker, .* and about [\d.]+ KB on "
        r"disk$"
    )
    assert any(re.match(pattern, line) for line in outcome.output), outcome.output
    row = next(line for line in outcome.output if "dsift" in line)
    assert [cell.strip() for cell in row.split("│")[2:5]] == ["8", "0", "0"]
    assert not (folder / "store").exists()


def test_a_dry_run_tells_a_disk_without_room(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = shutil.disk_usage(folder)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage._replace(free=4000))
    outcome = _run(folder, "--dry-run")
    assert outcome.status == 2
    assert re.fullmatch(
        rf"error: {folder / 'store'}: results take about [\d.]+ KB, but its disk has 4.0 KB",
        outcome.errors[-1],
    )


def test_a_dry_run_tells_how_busy_the_machine_is(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    costs = {name: Cost(once=0, each=5, keep=0, size=1000) for name in ("hog", "dsift")}
    monkeypatch.setattr(plan, "measure_costs", lambda *_, **__: (costs, 3.0))
    monkeypatch.setattr(time, "process_time", lambda: 20.0)
    first, last = _run(folder, "--dry-run").output[-2:]
    assert first.startswith("16 trials, 16 to do: about 1.7 minutes with 1 worker, ")
    assert first.endswith(" and about 16 KB on disk")
    assert last == "the machine is busy: at its present load about 5.0 minutes"


def test_a_bar_tells_what_is_measured(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[tuple[object, ...]] = []
    keep = lambda *state: told.append(state)  # noqa: E731
    bar = SimpleNamespace(start=keep, update=keep)
    monkeypatch.setattr(plan, "progress_bar", lambda: nullcontext(bar))
    assert _run(folder, "--dry-run").status == 0
    assert told == [("estimating the time",), (0, 2, "hog"), (1, 2, "dsift")]


@pytest.mark.filterwarnings("default:no results can be written")
def test_a_plan_is_made_where_nothing_can_be_written(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(path: Path) -> None:
        raise OSError(errno.EROFS, os.strerror(errno.EROFS), str(path))

    monkeypatch.setattr(plan, "check_writable", refuse)
    outcome = _run(folder, "--dry-run")
    assert outcome.status == 0
    assert outcome.errors == [
        f"warning: no results can be written there: {folder}: Read-only file system"
    ]
    assert any("16 trials, 16 to do" in line for line in outcome.output)
    assert sorted(path.name for path in folder.iterdir()) == ["early.toml", "photos"]
