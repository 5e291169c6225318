"""`preimage reproduce hoggle`, and its row and picture in Table 4."""

from __future__ import annotations

import csv
import sys
from functools import partial
from pathlib import Path

import pytest
from tests.cli.runner import run, save_photo
from tests.support import pixels_of

from preimage.paper import hoggle, table4
from preimage.presets import NNPREIMAGE

pytest.importorskip("sklearn", reason="the extra hoggle")


@pytest.fixture(autouse=True)
def _small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(table4, "METHODS", {"algorithm-1": NNPREIMAGE.replace(iterations=4)})
    monkeypatch.setattr(hoggle, "learn", partial(hoggle.learn, atoms=8, patches=40))


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    folder = tmp_path / "photos"
    folder.mkdir()
    for seed in range(2):
        save_photo(folder / f"{seed}.png", seed, size=(72, 80))
    return folder


def test_table_4_has_a_row_and_a_picture_of_hoggle_when_asked(
    tmp_path: Path, photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file, out = tmp_path / "hoggle.npz", tmp_path / "out"
    outcome = run("reproduce", "hoggle", "--images", photos, "--out", file)
    assert (outcome.status, outcome.errors) == (0, [])
    assert outcome.output[-1].startswith("2 pairs of dictionaries of 8 atoms")
    table = ("reproduce", "table4", "--images", photos, "--out", out, "--size", "64")
    assert run(*table).status == 0
    width = pixels_of(out / "table4.png").shape[1]
    assert run(*table, "--hoggle", file).status == 0
    assert pixels_of(out / "table4.png").shape[1] > width + 64
    with (out / "table4.csv").open(newline="") as opened:
        rows = [row for row in csv.DictReader(opened) if row["method"] == "HOGgle (trained by us)"]
    assert [(row["representation"], row["photos"]) for row in rows] == [("hog", "2")]
    assert float(rows[0]["seconds"]) > 0
    error = f"{float(rows[0]['error_mean']):.1f} ± {float(rows[0]['error_std']):.1f}"
    assert error in (out / "table4.md").read_text()
    monkeypatch.setattr(hoggle, "invert", None)
    assert run(*table, "--hoggle", file).status == 0
    assert len(list(out.glob("*.json"))) == 2 * 4


def test_what_keeps_hoggle_from_working_is_one_clear_line(
    tmp_path: Path, photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bad, gone = tmp_path / "bad.npz", tmp_path / "gone.npz"
    bad.write_text("words")
    for file, problem in ((bad, "not dictionaries as `preimage"), (gone, "No such file")):
        outcome = run("reproduce", "table4", "--hoggle", file, "--out", tmp_path / "out")
        assert (outcome.status, outcome.output, len(outcome.errors)) == (2, [], 1)
        assert outcome.errors[0].startswith(f"error: {file}: {problem}")
    outcome = run("reproduce", "hoggle", "--out", tmp_path)
    assert (outcome.status, len(outcome.errors)) == (2, 1)
    assert outcome.errors[0].startswith(f"error: {tmp_path} is a folder")
    (photos / "1.png").unlink()
    outcome = run("reproduce", "hoggle", "--images", photos, "--out", gone)
    assert (outcome.status, len(outcome.errors)) == (2, 1)
    assert "at least two photos" in outcome.errors[0]
    monkeypatch.setitem(sys.modules, "sklearn.decomposition", None)
    for command in (("hoggle", "--out", gone), ("table4", "--hoggle", bad, "--out", tmp_path)):
        outcome = run("reproduce", *command)
        assert (outcome.status, len(outcome.errors)) == (2, 1)
        assert 'pip install "preimage[hoggle]"' in outcome.errors[0]
    assert not gone.is_file()


def test_ctrl_c_writes_nothing_and_says_so(
    tmp_path: Path, photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(hoggle, "learn", interrupted)
    file = tmp_path / "hoggle.npz"
    outcome = run("reproduce", "hoggle", "--images", photos, "--out", file)
    assert (outcome.status, outcome.errors) == (130, ["interrupted: nothing was written"])
    assert not file.exists()
