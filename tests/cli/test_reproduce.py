"""`preimage reproduce table4`: the table, the store, and what cannot be measured."""

from __future__ import annotations

import csv
import shutil
from pathlib import Path

import pytest
from tests.cli.runner import Outcome, run, save_photo
from tests.support import pixels_of

from preimage.paper import table4
from preimage.presets import NNPREIMAGE


@pytest.fixture(autouse=True)
def _few_iterations(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(table4, "METHODS", {"algorithm-1": NNPREIMAGE.replace(iterations=4)})


def _photos(folder: Path) -> Path:
    folder.mkdir()
    for seed, name in enumerate(("a.png", "b.png")):
        save_photo(folder / name, seed)
    return folder


def _reproduce(photos: Path, out: Path) -> Outcome:
    return run("reproduce", "table4", "--images", photos, "--out", out, "--size", "48")


def _records(out: Path) -> dict[str, int]:
    return {path.name: path.stat().st_mtime_ns for path in out.glob("*.json")}


def test_table_4_is_printed_beside_the_published_figures_and_saved(tmp_path: Path) -> None:
    photos, out = _photos(tmp_path / "photos"), tmp_path / "out"
    outcome = _reproduce(photos, out)
    assert (outcome.status, outcome.errors) == (0, [])
    printed = "\n".join(outcome.output)
    for figure in ("36.6 ± 17.3", "11.5 ± 4.8", "9.4 ± 8.6", "60.1 ± 11.6"):
        assert figure in printed
    with (out / "table4.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [(row["representation"], row["method"], row["photos"]) for row in rows] == [
        ("hog", "HOGgle", ""),
        ("hog", "paper", ""),
        ("hog", "algorithm-1", "2"),
        ("hogb", "paper", ""),
        ("hogb", "algorithm-1", "2"),
        ("dsift", "paper", ""),
        ("dsift", "algorithm-1", "2"),
    ]
    ours = f"{float(rows[2]['error_mean']):.1f} ± {float(rows[2]['error_std']):.1f}"
    assert ours in printed
    assert ours in (out / "table4.md").read_text()
    assert pixels_of(out / "table4.png").shape[0] > 2 * 40


def test_a_second_run_computes_only_what_is_missing(tmp_path: Path) -> None:
    photos, out = _photos(tmp_path / "photos"), tmp_path / "out"
    _reproduce(photos, out)
    before, table = _records(out), (out / "table4.csv").read_text()
    assert len(before) == 6
    assert _reproduce(photos, out).status == 0
    assert _records(out) == before
    assert (out / "table4.csv").read_text() == table
    deleted = sorted(before)[2]
    (out / deleted).unlink()
    assert _reproduce(photos, out).status == 0
    after = _records(out)
    assert {name for name in after if after[name] != before[name]} == {deleted}


def test_photos_that_cannot_be_measured_are_listed_and_the_others_done(tmp_path: Path) -> None:
    photos, out = _photos(tmp_path / "photos"), tmp_path / "out"
    (photos / "0.png").write_text("no image")
    save_photo(photos / "1.png", size=(20, 20))
    outcome = _reproduce(photos, out)
    assert outcome.status == 2
    assert len(outcome.errors) == 2
    assert outcome.errors[0].startswith(f"error: {photos / '0.png'}: not an image")
    assert outcome.errors[1].startswith(f"error: {photos / '1.png'}: dsift with cells of 8")
    assert "2 photos; wrote" in outcome.output[-1]
    assert (out / "table4.png").exists()


def test_a_copy_among_the_photos_counts_as_a_photo_of_its_own(tmp_path: Path) -> None:
    photos, out = _photos(tmp_path / "photos"), tmp_path / "out"
    shutil.copy(photos / "a.png", photos / "c.png")
    assert _reproduce(photos, out).status == 0
    with (out / "table4.csv").open(newline="") as file:
        assert [row["photos"] for row in csv.DictReader(file) if row["photos"]] == ["3"] * 3


@pytest.mark.parametrize(("name", "problem"), [
    ("gone", "gone: No such file or directory"), ("empty", "empty: no images in this folder"),
])  # fmt: skip
def test_without_photos_there_is_one_clear_line(name: str, problem: str, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    outcome = _reproduce(tmp_path / name, tmp_path / "out")
    assert outcome.status == 2
    assert outcome.errors == [f"error: {tmp_path / problem}"]


def test_if_no_photo_can_be_measured_each_gets_its_line(tmp_path: Path) -> None:
    photos = tmp_path / "photos"
    photos.mkdir()
    for name in ("a.png", "b.png"):
        (photos / name).write_text("no image")
    outcome = _reproduce(photos, tmp_path / "out")
    assert outcome.status == 2
    assert [line.split(": ")[1] for line in outcome.errors] == [
        str(photos / "a.png"), str(photos / "b.png"),
    ]  # fmt: skip


@pytest.mark.parametrize("command", [("demo",), ("reproduce", "table4")])
def test_an_unwritable_output_is_refused_before_any_work(
    command: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(table4, "invert", None)
    (tmp_path / "file").write_text("")
    outcome = run(*command, "--out", tmp_path / "file" / "x.png")
    assert outcome.status == 2
    assert len(outcome.errors) == 1
    assert str(tmp_path / "file") in outcome.errors[0]


@pytest.mark.parametrize("name", ["demo", "demo.xyz", "demo.psd"])
def test_a_demo_that_is_no_picture_is_refused_before_any_work(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("preimage.invert", None)
    outcome = run("demo", "--out", tmp_path / name)
    assert outcome.status == 2
    assert len(outcome.errors) == 1
    assert "cannot write" in outcome.errors[0]
