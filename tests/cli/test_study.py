"""`preimage study`: plan, run, go on, report, export, and what is wrong in one line."""

from __future__ import annotations

import csv
import errno
import os
import shutil
from pathlib import Path

import numpy as np
import pytest
from tests.cli.runner import Outcome, run, save_photo
from tests.study_files import images_of, save_photos
from tests.support import pixels_of

from preimage.reporting import results
from preimage.sweeps import engines

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


@pytest.mark.filterwarnings("default:.*results take about")
def test_a_run_warns_once_that_the_disk_will_be_full(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = shutil.disk_usage(folder)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage._replace(free=4000))
    outcome = _run(folder)
    assert outcome.status == 0
    assert outcome.errors == [
        f"warning: {folder / 'store'}: results take about 38 KB, but its disk has 4.0 KB"
    ]


@pytest.mark.parametrize("command", ["invert", "maximize"])
def test_more_seeds_than_memory_holds_are_refused(command: str) -> None:
    outcome = run(command, "hog", "--seeds", "1000000000")
    assert outcome.status == 2
    assert "10000" in " ".join(outcome.errors).partition("--seeds")[2]


def test_a_study_is_run_once_and_its_state_told(folder: Path) -> None:
    assert _run(folder).output[-1] == "early: 16 trials, 16 done, 0 failed, 0 missing"
    before = images_of(folder / "store")
    times = [path.stat().st_mtime_ns for path in (folder / "store/results").glob("*/*")]
    assert _run(folder).status == 0
    assert images_of(folder / "store") == before
    assert [p.stat().st_mtime_ns for p in (folder / "store/results").glob("*/*")] == times
    assert run("study", "status", folder / "store").output == [
        "early: 16 trials, 16 done, 0 failed, 0 missing"
    ]
    assert any("16 trials, 0 to do" in line for line in _run(folder, "--dry-run").output)


def test_what_is_new_in_a_study_is_all_that_is_done(folder: Path) -> None:
    _run(folder)
    before = images_of(folder / "store")
    save_photo(folder / "photos" / "new.png", 5, (25, 25))
    assert _run(folder).output[-1] == "early: 24 trials, 24 done, 0 failed, 0 missing"
    after = images_of(folder / "store")
    assert before.items() <= after.items()
    log = (folder / "store" / "study.log").read_text()
    assert "early: 24 trials, 8 to do" in log
    assert log.count(" done ") == 24


def test_failures_are_told_kept_and_tried_again_on_demand(folder: Path) -> None:
    bad = folder / "photos" / "bad.png"
    bad.write_text("no image")
    outcome = _run(folder)
    assert outcome.status == 2
    assert len(outcome.errors) == 8
    assert outcome.errors[0] == (
        "error: hog, bad.png, C 1, seed 0: not an image that Pillow can open"
    )
    assert outcome.output[-1] == "early: 24 trials, 16 done, 8 failed, 0 missing"
    log = (folder / "store" / "study.log").read_text()
    assert log.count(" failed ") == 8
    _run(folder)
    assert (folder / "store" / "study.log").read_text().count(" failed ") == 8
    _run(folder, "--retry")
    assert (folder / "store" / "study.log").read_text().count(" failed ") == 16


def test_a_report_holds_the_means_a_plot_and_what_failed(folder: Path) -> None:
    (folder / "photos" / "bad.png").write_text("no image")
    _run(folder)
    store = folder / "store"
    outcome = run("study", "report", store)
    assert outcome.status == 0
    with (store / "report.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [(r["representation"], r["C"], r["beta"], r["n"]) for r in rows[:3]] == [
        ("hog", "1", "1.5", "2"), ("hog", "20", "1.5", "2"), ("hog", "1", "2.0", "2"),
    ]  # fmt: skip
    assert len(rows) == 8
    export = folder / "trials.csv"
    exported = run("study", "export", store, export)
    assert exported.status == 0
    assert exported.output == [f"16 of 24 trials done; wrote {export}, a row for each"]
    with export.open(newline="") as file:
        trials = list(csv.DictReader(file))
    assert len(trials) == 24
    errors = [
        100 * float(t["error"]) for t in trials
        if (t["representation"], t["loss_weight"], t["beta"]) == ("hog", "20.0", "2.0")
        and t["status"] == "done"
    ]  # fmt: skip
    mean = sum(errors) / 2
    deviation = abs(errors[0] - errors[1]) / 2**0.5
    assert rows[3]["error %"] == f"{mean:.1f} ± {deviation:.1f}"
    text = (store / "report.md").read_text()
    assert "24 trials: 16 done, 8 failed, 0 missing." in text
    assert "not an image that Pillow can open" in text
    assert f"| hog | 20 | 2.0 | {mean:.1f} ± {deviation:.1f} |" in text
    assert (
        rf"hog & 20 & 2.0 & {mean:.1f} $\pm$ {deviation:.1f} &"
        in (store / "report.tex").read_text()
    )
    assert pixels_of(store / "report.png").std() > 0
    assert (store / "report.pdf").read_bytes().startswith(b"%PDF")


@pytest.mark.filterwarnings("default:.*Read-only file system")
def test_the_report_of_a_store_that_is_read_only_goes_to_the_current_folder(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(path: Path) -> None:
        if path == folder / "store":
            raise OSError(errno.EROFS, os.strerror(errno.EROFS), str(path))

    _run(folder)
    monkeypatch.chdir(folder)
    monkeypatch.setattr(results, "check_writable", refuse)
    outcome = run("study", "report", folder / "store")
    assert outcome.status == 0
    assert outcome.errors == [
        f"warning: {folder / 'store'}: Read-only file system: the report goes to store-report"
    ]
    assert "16 trials: 16 done" in (folder / "store-report" / "report.md").read_text()
    assert not list((folder / "store").glob("report*"))


def test_results_that_were_deleted_are_missing_and_made_again(folder: Path) -> None:
    _run(folder)
    before = images_of(folder / "store")
    for path in list((folder / "store" / "results").glob("*/*.png"))[:3]:
        path.unlink()
    assert run("study", "status", folder / "store").output == [
        "early: 16 trials, 13 done, 0 failed, 3 missing"
    ]
    assert any("16 trials, 3 to do" in line for line in _run(folder, "--dry-run").output)
    assert _run(folder).output[-1] == "early: 16 trials, 16 done, 0 failed, 0 missing"
    assert images_of(folder / "store") == before


def test_a_study_of_channels_is_planned_run_reported_and_exported(folder: Path) -> None:
    (folder / "early.toml").write_text("""
        visualization = "maximize"
        representations = ["efficientnet-lite0/stem"]
        weights = "random"
        reference = ["photos"]
        channels = "0-2"
        seeds = [0, 1]
        steps = 2
    """)
    assert any("6 trials, 6 to do: about " in line for line in _run(folder, "--dry-run").output)
    assert _run(folder).output[-1] == "early: 6 trials, 6 done, 0 failed, 0 missing"
    before = images_of(folder / "store")
    assert _run(folder).status == 0
    assert images_of(folder / "store") == before
    assert run("study", "report", folder / "store").status == 0
    assert run("study", "export", folder / "store", folder / "trials.csv").status == 0
    with (folder / "trials.csv").open(newline="") as file:
        trials = list(csv.DictReader(file))
    with (folder / "store" / "report.csv").open(newline="") as file:
        means = list(csv.DictReader(file))
    assert [trial["component"] for trial in trials] == ["0", "0", "1", "1", "2", "2"]
    assert [(mean["component"], mean["n"]) for mean in means] == [
        ("0", "2"),
        ("1", "2"),
        ("2", "2"),
    ]
    for index, mean in enumerate(means):
        pair = trials[2 * index : 2 * index + 2]
        expected = sum(float(t["response"]) / float(t["maximum"]) for t in pair) / 2
        assert float(mean["times M"].split()[0]) == pytest.approx(expected, rel=0.01)
    pixels = pixels_of(folder / "store" / "report.efficientnet-lite0-stem.png")
    assert pixels.std() > 10
    log = (folder / "store" / "study.log").read_text()
    assert "efficientnet-lite0/stem, 2, strength 40, seed 1: response " in log


def test_a_study_of_caricatures_is_run_and_reported(folder: Path) -> None:
    text = STUDY.replace("loss_weight = [1, 20]", 'visualization = "caricature"')
    (folder / "early.toml").write_text(text)
    outcome = _run(folder)
    assert outcome.output[-1] == "early: 8 trials, 8 done, 0 failed, 0 missing"
    assert run("study", "report", folder / "store").status == 0
    with (folder / "store" / "report.csv").open(newline="") as file:
        means = list(csv.DictReader(file))
    assert [(mean["representation"], mean["beta"], mean["n"]) for mean in means] == [
        ("hog", "1.5", "2"), ("hog", "2.0", "2"), ("dsift", "1.5", "2"), ("dsift", "2.0", "2"),
    ]  # fmt: skip
    assert all(float(mean["times the photo's"].split()[0]) > 0 for mean in means)
    pixels = pixels_of(folder / "store" / "report.hog.png")
    assert pixels.std() > 10
    assert pixels.shape[1] > pixels.shape[0]  # two photos and four results: two rows of three


def test_parquet_and_csv_hold_the_same_trials(folder: Path) -> None:
    parquet = pytest.importorskip("pyarrow.parquet")
    _run(folder)
    for name in ("trials.csv", "trials.parquet"):
        assert run("study", "export", folder / "store", folder / name).status == 0
    with (folder / "trials.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    table = parquet.read_table(folder / "trials.parquet").to_pylist()
    assert [row["key"] for row in table] == [row["key"] for row in rows]
    assert [row["error"] for row in table] == [float(row["error"]) for row in rows]


@pytest.mark.parametrize(("text", "problem"), [
    ("representations = 1 2", "early.toml: not TOML: "),
    ('representations = ["hog"]\nsed = 1', "early.toml: unknown key 'sed': did you mean 'seeds'"),
    ('representations = ["hgo"]', "unknown representation 'hgo': did you mean 'hog'"),
    ('representations = ["hog"]\nimages = ["empty"]', "empty: no images in this folder"),
])  # fmt: skip
def test_a_bad_study_gets_one_clear_line_before_any_work(
    folder: Path, text: str, problem: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engines, "carry_out", None)
    (folder / "empty").mkdir()
    (folder / "early.toml").write_text(text)
    outcome = _run(folder)
    assert outcome.status == 2
    assert len(outcome.errors) == 1
    assert problem in outcome.errors[0]


def test_commands_on_what_is_no_store_get_one_clear_line(folder: Path) -> None:
    for command in (("status",), ("report",), ("export", "x.csv")):
        outcome = run("study", command[0], folder / "photos", *command[1:])
        assert outcome.status == 2
        assert len(outcome.errors) == 1
        assert "no store here" in outcome.errors[0]
    assert run("study", "run", folder / "gone.toml").errors == [
        f"error: {folder / 'gone.toml'}: No such file or directory"
    ]
    _run(folder)
    outcome = run("study", "export", folder / "store", folder / "x.xls")
    assert outcome.errors == [
        f"error: cannot write {folder / 'x.xls'}: an export ends in .csv or .parquet"
    ]
    outcome = run("study", "report", folder / "store", "--study", "late")
    assert "choose one of its studies by --study: early" in outcome.errors[0]


def test_an_unwritable_store_is_refused_before_any_work(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engines, "carry_out", None)
    (folder / "file").write_text("")
    outcome = run("study", "run", folder / "early.toml", "--out", folder / "file" / "store")
    assert outcome.status == 2
    assert len(outcome.errors) == 1
    assert str(folder / "file") in outcome.errors[0]


def test_a_full_disk_gets_one_clear_line_and_costs_no_result(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def save(file: Path, image: np.ndarray) -> None:
        calls.append(1)
        with file.open("wb") as opened:
            if len(calls) == 4:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            np.lib.format.write_array(opened, image)

    calls: list[int] = []
    with monkeypatch.context() as patched:
        patched.setattr(np, "save", save)
        outcome = _run(folder)
    assert outcome.status == 2
    assert len(outcome.errors) == 1
    assert outcome.errors[0].endswith(".npy: No space left on device")
    kept = images_of(folder / "store")
    assert len(kept) == 3
    assert _run(folder).output[-1] == "early: 16 trials, 16 done, 0 failed, 0 missing"
    assert kept.items() <= images_of(folder / "store").items()
