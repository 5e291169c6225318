"""`preimage reproduce table4`, `hoggle`, `table5` and `list`."""

from __future__ import annotations

import csv
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.cli.runner import Outcome, run, save_photo, without_progress
from tests.study_files import count_results, images_of
from tests.support import pixels_of

from preimage import hoggle, presets
from preimage.extras import install_command
from preimage.paper import table4
from preimage.paper.figures import FIGURES
from preimage.presets import NNPREIMAGE

LITE0 = ("--network", "efficientnet-lite0", "--weights", "random", "--workers", "1")
SHORT = {"algorithm-1": NNPREIMAGE.replace(iterations=4, final_iterations=0)}


@pytest.fixture
def _short(monkeypatch: pytest.MonkeyPatch) -> None:
    """One method of few iterations, and small dictionaries."""
    monkeypatch.setattr(table4, "METHODS", SHORT)
    monkeypatch.setattr(hoggle, "learn", partial(hoggle.learn, atoms=8, patches=40))
    monkeypatch.setitem(presets.PRESETS, "nnpreimage", NNPREIMAGE.replace(final_iterations=0))


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    folder = tmp_path / "photos"
    folder.mkdir()
    for seed, name in enumerate(("a.png", "b.png")):
        save_photo(folder / name, seed, (72, 80))
    return folder


def _table4(photos: Path, out: Path, *options: str | Path) -> Outcome:
    command = ("reproduce", "table4", "--images", photos, "--out", out, "--size", "64")
    return run(*command, "--workers", "1", *options)


def _rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


@pytest.mark.usefixtures("_short")
def test_table_4_is_printed_beside_the_published_figures_and_saved(
    tmp_path: Path, photos: Path
) -> None:
    out = tmp_path / "out"
    outcome = _table4(photos, out)
    assert (outcome.status, outcome.errors) == (0, [])
    assert outcome.output[-1].startswith(f"6 of 6 trials done; wrote {out / 'table4.csv'}")
    printed = "\n".join(outcome.output)
    for figure in ("36.6 ± 17.3", "11.5 ± 4.8", "9.4 ± 8.6", "60.1 ± 11.6"):
        assert figure in printed
    rows = _rows(out / "table4.csv")
    assert [(row["representation"], row["method"], row["photos"]) for row in rows] == [
        ("hog", "HOGgle (published)", ""),
        ("hog", "paper (published)", ""),
        ("hog", "algorithm-1", "2"),
        ("hogb", "paper (published)", ""),
        ("hogb", "algorithm-1", "2"),
        ("dsift", "paper (published)", ""),
        ("dsift", "algorithm-1", "2"),
    ]
    assert rows[2]["error %"] in printed
    assert rows[2]["error %"] in (out / "table4.md").read_text()
    assert pixels_of(out / "table4.png").std() > 10


@pytest.mark.usefixtures("_short")
def test_a_second_run_computes_only_what_is_missing(tmp_path: Path, photos: Path) -> None:
    out = tmp_path / "out"
    _table4(photos, out, "--limit", "1")
    before = images_of(out)
    assert len(before) == 3
    _table4(photos, out)
    after, table = images_of(out), (out / "table4.csv").read_text()
    assert len(after) == 6
    assert before.items() <= after.items()
    assert _table4(photos, out).status == 0
    assert (out / "table4.csv").read_text() == table
    assert (out / "study.log").read_text().count(" done ") == 6


@pytest.mark.skipif(os.name == "nt", reason="SIGKILL")
def test_table_4_killed_at_random_moments_ends_as_one_that_was_not(
    tmp_path: Path, photos: Path
) -> None:
    def start(out: str) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "preimage", "reproduce", "table4", "--size", "48"]
        command += ["--images", str(photos), "--out", str(tmp_path / out), "--workers", "1"]
        return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)

    chance, counts = random.Random(0), []
    for _ in range(3):
        goal = count_results(tmp_path / "killed") + chance.randint(1, 6)
        process = start("killed")
        while count_results(tmp_path / "killed") < goal:
            assert process.poll() is None
            time.sleep(0.002)
        process.send_signal(signal.SIGKILL)
        process.communicate()
        counts.append(count_results(tmp_path / "killed"))
    for out in ("killed", "calm"):
        process = start(out)
        assert without_progress(process.communicate()[1].decode()) == []
        assert process.returncode == 0
    assert 0 < counts[0] < counts[1] < counts[2] < 24
    images = images_of(tmp_path / "killed")
    assert len(images) == 24
    assert images == images_of(tmp_path / "calm")
    log = (tmp_path / "killed" / "study.log").read_text().splitlines()
    finished = [line.split()[4] for line in log if " done " in line]
    assert len(set(finished)) == len(finished) <= 24
    numbers = [
        [(row["method"], row["error %"], row["PSNR dB"], row["SSIM"]) for row in rows]
        for rows in (_rows(tmp_path / out / "table4.csv") for out in ("killed", "calm"))
    ]
    assert numbers[0] == numbers[1]


@pytest.mark.usefixtures("_short")
def test_photos_that_cannot_be_measured_are_listed_and_the_others_done(
    tmp_path: Path, photos: Path
) -> None:
    (photos / "0.png").write_text("no image")
    save_photo(photos / "1.png", size=(20, 20))
    outcome = _table4(photos, tmp_path / "out")
    assert outcome.status == 2
    assert (
        outcome.errors[0] == "error: hog, 0.png, C 100, seed 0: not an image that Pillow can open"
    )
    assert [line.split(", ")[:2] for line in outcome.errors] == [
        ["error: hog", "0.png"],
        ["error: hogb", "0.png"],
        ["error: dsift", "0.png"],
        ["error: dsift", "1.png"],
    ]
    assert outcome.output[-1].startswith("8 of 12 trials done; wrote")
    assert (tmp_path / "out" / "table4.png").exists()


@pytest.mark.usefixtures("_short")
def test_a_copy_among_the_photos_is_the_same_trial(tmp_path: Path, photos: Path) -> None:
    shutil.copy(photos / "a.png", photos / "c.png")
    outcome = _table4(photos, tmp_path / "out")
    assert outcome.output[-1].startswith("6 of 6 trials done")


@pytest.mark.parametrize(("name", "problem"), [
    ("gone", "gone: No such file or directory"), ("empty", "empty: no images in this folder"),
])  # fmt: skip
def test_without_photos_there_is_one_clear_line(name: str, problem: str, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    outcome = _table4(tmp_path / name, tmp_path / "out")
    assert outcome.status == 2
    assert outcome.errors == [f"error: {tmp_path / problem}"]


@pytest.mark.usefixtures("_short")
def test_if_no_photo_can_be_measured_each_trial_gets_its_line(tmp_path: Path, photos: Path) -> None:
    for name in ("a.png", "b.png"):
        (photos / name).write_text(f"no image {name}")
    outcome = _table4(photos, tmp_path / "out")
    assert (outcome.status, len(outcome.errors)) == (2, 6)
    assert "wrote" in outcome.output[-1]


def test_an_unwritable_output_is_refused_before_any_work(tmp_path: Path, photos: Path) -> None:
    (tmp_path / "file").write_text("")
    outcome = _table4(photos, tmp_path / "file" / "out")
    assert (outcome.status, len(outcome.errors)) == (2, 1)
    assert str(tmp_path / "file") in outcome.errors[0]


@pytest.mark.usefixtures("_short")
def test_table_4_has_a_row_and_a_picture_of_hoggle_when_asked(
    tmp_path: Path, photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("sklearn", reason="the extra hoggle")
    file, out = tmp_path / "hoggle.npz", tmp_path / "out"
    outcome = run("reproduce", "hoggle", "--images", photos, "--out", file)
    assert (outcome.status, outcome.errors) == (0, [])
    assert outcome.output[-1].startswith("2 pairs of dictionaries of 8 atoms")
    assert _table4(photos, out).status == 0
    assert not (out / "table4.1.3.png").exists()
    assert _table4(photos, out, "--hoggle", file).status == 0
    assert pixels_of(out / "table4.1.3.png").std() > 10
    (row,) = (r for r in _rows(out / "table4.csv") if r["method"] == "HOGgle (trained by us)")
    assert (row["representation"], row["photos"]) == ("hog", "2")
    assert float(row["processor seconds"]) > 0
    assert row["error %"] in (out / "table4.md").read_text()
    monkeypatch.setattr(hoggle, "invert", None)
    assert _table4(photos, out, "--hoggle", file).status == 0
    assert len(images_of(out)) == 2 * 4


@pytest.mark.usefixtures("_short")
def test_what_keeps_hoggle_from_working_is_one_clear_line(
    tmp_path: Path, photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("sklearn", reason="the extra hoggle")
    bad, gone = tmp_path / "bad.npz", tmp_path / "gone.npz"
    bad.write_text("words")
    for file, problem in ((bad, "not dictionaries as `preimage"), (gone, "No such file")):
        outcome = _table4(photos, tmp_path / "out", "--hoggle", file)
        assert (outcome.status, outcome.output, len(outcome.errors)) == (2, [], 1)
        assert outcome.errors[0].startswith(f"error: {file}: {problem}")
    outcome = run("reproduce", "hoggle", "--out", tmp_path)
    assert (outcome.status, len(outcome.errors)) == (2, 1)
    assert outcome.errors[0].startswith(f"error: {tmp_path} is a folder")
    (photos / "b.png").unlink()
    outcome = run("reproduce", "hoggle", "--images", photos, "--out", gone)
    assert (outcome.status, len(outcome.errors)) == (2, 1)
    assert "at least two photos" in outcome.errors[0]
    monkeypatch.setitem(sys.modules, "sklearn.decomposition", None)
    for command in (("hoggle", "--out", gone), ("table4", "--hoggle", bad, "--out", tmp_path)):
        outcome = run("reproduce", *command)
        assert (outcome.status, len(outcome.errors)) == (2, 1)
        assert install_command("hoggle") in outcome.errors[0]
    assert not gone.is_file()


@pytest.mark.usefixtures("_short")
@pytest.mark.parametrize("finished", [0, 1])
def test_ctrl_c_while_hoggle_learns_keeps_the_finished_pairs_and_says_so(
    finished: int, tmp_path: Path, photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("sklearn", reason="the extra hoggle")
    learn, learn_pair = hoggle.learn, hoggle._learn_pair
    learned = list[int]()

    def interrupted(*arguments: Any) -> Any:
        if len(learned) == finished:
            raise KeyboardInterrupt
        learned.append(1)
        return learn_pair(*arguments)

    file = tmp_path / "hoggle.npz"
    kept = tmp_path / "hoggle.npz.unfinished"
    monkeypatch.setattr(hoggle, "_learn_pair", interrupted)
    outcome = run("reproduce", "hoggle", "--images", photos, "--out", file)
    said = "nothing was written"
    if finished:
        said = f"finished pairs are kept in {kept}, and the same command goes on from them"
    assert (outcome.status, outcome.errors) == (130, [f"interrupted: {said}"])
    assert (file.exists(), kept.exists()) == (False, bool(finished))
    monkeypatch.setattr(hoggle, "_learn_pair", learn_pair)
    assert run("reproduce", "hoggle", "--images", photos, "--out", file).status == 0
    expected = learn(sorted(photos.iterdir()))
    assert np.array_equal(hoggle.load(file).image_atoms, expected.image_atoms)
    assert not kept.exists()


def _table5(out: Path, *options: str) -> Outcome:
    layers = ("--layers", "stem,blocks.1", "--limit", "1", "--steps", "1")
    return run(
        "reproduce", "table5", *LITE0, *layers, "--loss-weight", "20", "--out", out, *options
    )


@pytest.mark.usefixtures("_short")
def test_table_5_is_printed_and_saved_and_goes_on_where_it_was(tmp_path: Path) -> None:
    outcome = _table5(tmp_path)
    assert (outcome.status, outcome.errors) == (0, [])
    assert outcome.output[-1].startswith("2 of 2 trials done; wrote ")
    rows = _rows(tmp_path / "table5.csv")
    assert [row["layer"] for row in rows] == ["stem", "blocks.1"]
    assert any("stem" in line and rows[0]["C = 20"] in line for line in outcome.output)
    before = images_of(tmp_path)
    assert _table5(tmp_path, "--ablation").status == 0
    after = images_of(tmp_path)
    assert (len(before), len(after)) == (2, 8)
    assert before.items() <= after.items()


@pytest.mark.parametrize(("options", "problem"), [
    (("--network", "efficientnet-lite9"), "did you mean 'efficientnet-lite4'"),
    ((*LITE0, "--layers", "blocks.99"), "'blocks.99': did you mean 'blocks.9'"),
    ((*LITE0, "--images", "/gone"), "/gone: No such file or directory"),
    ((), "preimage fetch alexnet"),
])  # fmt: skip
def test_bad_input_gets_one_clear_line(
    options: tuple[str, ...], problem: str, tmp_path: Path
) -> None:
    outcome = run("reproduce", "table5", *options, "--out", tmp_path)
    assert (outcome.status, len(outcome.errors)) == (2, 1)
    assert problem in outcome.errors[0]


def test_the_list_names_every_table_and_figure_in_a_line_and_what_is_missing() -> None:
    lines = run("reproduce", "list").output
    tables = [f"table{number}" for number in range(1, 6)]
    for name in (*tables, *(f"fig{number}" for number in range(1, 16))):
        (row,) = (line for line in lines if line.startswith(f"│ {name} "))
        assert ("missing" in row) == (name in ("table5", *FIGURES))
    rows = [line for line in lines if line.startswith("│")]
    assert sum(line.startswith("│     ") for line in rows) == 3  # more networks of Figures 13, 15
    text = "\n".join(lines)
    assert all(word in text for word in ("fetch", "--weights random", "--dry-run"))
    assert max(map(len, lines)) <= 80


def test_table_1_prints_the_structure_of_its_network() -> None:
    outcome = run("reproduce", "table1")
    assert (outcome.status, outcome.errors) == (0, [])
    assert outcome.output == run("layers", "alexnet").output


@pytest.mark.usefixtures("_short")
def test_figure_4_has_a_row_of_the_papers_method_and_one_of_the_default(
    tmp_path: Path, photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fast = NNPREIMAGE.replace(iterations=3, final_iterations=0)
    monkeypatch.setattr(table4, "METHODS", {**SHORT, "draft": NNPREIMAGE, "fast": fast})
    options = ("--images", photos, "--limit", "1", "--size", "64", "--workers", "1")
    outcome = run("reproduce", "fig4", *options, "--out", tmp_path / "out")
    assert (outcome.status, outcome.errors) == (0, [])
    assert outcome.output[-1].startswith(f"6 of 6 trials done; wrote {tmp_path / 'out/fig4.pdf'}")
    panels = [path.name for path in (tmp_path / "out").glob("fig4.*.*.png")]
    assert sorted(panels) == [f"fig4.{row}.{n}.png" for row in (1, 2) for n in (1, 2, 3, 4)]


@pytest.mark.usefixtures("_short")
@pytest.mark.parametrize(("command", "trials"), [
    (("table4", "--limit", "1", "--size", "48"), 3),
    (("fig4", "--limit", "1", "--size", "48"), 3),
    (("table5", *LITE0, "--layers", "stem", "--limit", "1", "--steps", "6"), 4),
    (("fig14", *LITE0, "--layers", "stem", "--steps", "6"), 1),
])  # fmt: skip
def test_a_dry_run_estimates_the_time_and_writes_nothing(
    command: tuple[str, ...], trials: int, tmp_path: Path
) -> None:
    outcome = run("reproduce", *command, "--out", tmp_path / "out", "--dry-run")
    assert outcome.status == 0
    assert any(
        line.startswith(f"{trials} trials, {trials} to do: about ") for line in outcome.output
    )
    assert not (tmp_path / "out").exists()
