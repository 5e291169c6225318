"""Runs of a command shared out among workers: the same files and lines as from one process."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from typing import Any

import pytest
import torch
from tests.cli.runner import Outcome, run, save_photo

import preimage
from preimage.cli.progress import ProgressBar
from preimage.cli.runs import share_out
from preimage.representations.execution import Execution
from preimage.visualizations import maximization, responses, sharing
from preimage.visualizations.responses import Measured

LITE0 = "efficientnet-lite0"
SHORT = ("--size", "40x48", "--steps", "4")
NET = ("--weights", "random", "--size", "32x32", "--steps", "3")
ALONE, SHARED = ("--workers", "1", "--threads", "1"), ("--workers", "2")
COMMANDS: dict[str, tuple[str, ...]] = {
    "photos": ("invert", "PHOTOS", "--rep", "hog", "--seeds", "2", *SHORT),
    "layers": ("invert", "PHOTOS", "--rep", LITE0, "--layers", "stem,blocks.0", *NET),
    "caricatures": ("caricature", "PHOTOS", "--rep", f"{LITE0}/stem", *NET),
    "channels": ("maximize", f"{LITE0}/stem.act", "--channels", "8-11", *NET),
    "diversity": (
        "maximize", f"{LITE0}/stem", "--channels", "1,2", "--seeds", "2", "--diversity", "1", *NET,
    ),
    "seeds": ("invert", "PHOTO", "--rep", "hog", "--seeds", "3", *SHORT),
}  # fmt: skip


def _photos(folder: Path, count: int = 3) -> Path:
    folder.mkdir(exist_ok=True)
    for seed in range(count):
        save_photo(folder / f"{seed}.png", seed)
    return folder


def _run(folder: Path, words: tuple[str, ...], *more: str | Path) -> Outcome:
    photos = _photos(folder / "photos")
    names = {"PHOTOS": photos, "PHOTO": photos / "0.png"}
    return run(*(names.get(word, word) for word in words), *more)


def _facts(folder: Path, outcome: Outcome) -> list[dict[str, Any]]:
    """The printed lines without times, each with the bytes of its picture."""
    found = []
    for line in outcome.output:
        if not line.startswith("{"):
            continue
        facts = json.loads(line)
        path = Path(facts.pop("output"))
        assert json.loads(path.with_suffix(".json").read_text())["seed"] == facts["seed"]
        facts |= {"file": path.relative_to(folder).as_posix(), "picture": path.read_bytes()}
        del facts["seconds"], facts["ran"]["at_once"]
        found.append(facts)
    return found


@pytest.mark.parametrize("name", COMMANDS)
def test_workers_write_and_print_the_same_as_one_process(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sharing, "saves_time", lambda *args: True)
    found = []
    for out, words in ((tmp_path / "alone", ALONE), (tmp_path / "shared", SHARED)):
        outcome = _run(tmp_path, COMMANDS[name], "--json", "--out", out, *words)
        assert outcome.status == 0
        facts = _facts(out, outcome)
        files = sorted(path.name for path in out.iterdir())
        dead = sorted(n for line in outcome.errors for n in line.split() if n.isdecimal())
        found.append((facts, files, dead))
    assert len(found[0][0]) > 1
    assert found[0] == found[1]


@pytest.mark.parametrize("workers", [1, 2])
def test_all_runs_of_a_command_share_one_measurement_of_m(
    workers: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = tmp_path / "log"

    def find_ranges(*args: Any) -> Measured:
        with log.open("a") as file:  # which copies of this process write to, too
            file.write(f"{len(args[1])}\n")
        return responses.find_ranges(*args)

    monkeypatch.setattr(maximization, "find_ranges", find_ranges)
    words = ("maximize", f"{LITE0}/stem", "--channels", "0-8", *NET, "--out", tmp_path / "out")
    assert run(*words, "--workers", str(workers)).status == 0
    assert log.read_text() == "9\n"


def test_files_are_written_when_a_run_ends_and_lines_printed_in_the_order_of_the_inputs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    original = preimage.invert
    first = preimage.HOG().preprocessing.load(_photos(tmp_path / "photos") / "0.png")[None]

    def slow(phi: Any, images: Any, **options: Any) -> Any:
        found: Any = original(phi, images, **options)
        if torch.equal(found.originals, first):
            end = time.monotonic() + 60
            while not (tmp_path / "out/2.hog.json").exists() and time.monotonic() < end:
                time.sleep(0.01)
        return found

    monkeypatch.setattr(preimage, "invert", slow)
    words = ("invert", "PHOTOS", "--rep", "hog", *SHORT)
    began = time.monotonic()
    outcome = _run(tmp_path, words, "--out", tmp_path / "out", "--grid", *SHARED)
    assert time.monotonic() - began < 50
    assert outcome.status == 0
    results = [line for line in outcome.output if not line.startswith("grid")]
    assert [Path(line.split()[0]).name for line in results] == ["0.png", "1.png", "2.png"]
    assert (tmp_path / "out/0.hog.grid.png").exists()


def test_results_of_one_name_are_numbered_in_the_order_of_the_inputs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    photos = [save_photo(tmp_path / f"a.{kind}", n) for n, kind in enumerate(("png", "bmp"))]
    original = preimage.invert
    first = preimage.HOG().preprocessing.load(photos[0])[None]

    def slow(phi: Any, images: Any, **options: Any) -> Any:
        found: Any = original(phi, images, **options)
        time.sleep(0.5 if torch.equal(found.originals, first) else 0)
        return found

    monkeypatch.setattr(preimage, "invert", slow)
    outcome = run(
        "invert", *photos, "--rep", "hog", "--json", "--out", tmp_path / "out", *SHORT, *SHARED
    )
    names = [Path(json.loads(line)["output"]).name for line in outcome.output]
    assert names == ["a.hog.png", "a.hog-2.png"]


def test_a_worker_that_dies_and_an_input_that_fails_leave_the_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    original = preimage.invert
    photos = _photos(tmp_path / "photos", 4)
    (photos / "1.png").write_text("no image")
    deadly = preimage.HOG().preprocessing.load(photos / "2.png")[None]

    def invert(phi: Any, images: Any, **options: Any) -> Any:
        found: Any = original(phi, images, **options)
        if torch.equal(found.originals, deadly):
            os.kill(os.getpid(), 9)
        return found

    monkeypatch.setattr(preimage, "invert", invert)
    outcome = run("invert", photos, "--rep", "hog", "--out", tmp_path / "out", *SHORT, *SHARED)
    assert outcome.status == 2
    assert [Path(line.split()[0]).name for line in outcome.output] == ["0.png", "3.png"]
    unreadable, died = outcome.errors
    assert f"{photos / '1.png'}: " in unreadable
    assert f"error: {photos / '2.png'}: a worker process died (killed" in died


def test_ctrl_c_keeps_what_workers_have_reached(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("preimage.workers.process._SECONDS_BETWEEN_REPORTS", 0)
    original = ProgressBar.update
    pressed: list[int] = []

    def press(bar: Any, done: int, total: int | None, words: str = "") -> None:
        original(bar, done, total, words)
        if done >= 1 and words and not pressed:  # a second or third run is under way
            pressed.append(done)
            raise KeyboardInterrupt

    monkeypatch.setattr(ProgressBar, "update", press)
    words = ("invert", "PHOTOS", "--rep", "hog", "--size", "40x48", "--steps", "400", *SHARED)
    outcome = _run(tmp_path, words, "--out", tmp_path / "out", "--json")
    assert outcome.status == 130
    assert outcome.errors == ["interrupted: the pictures are saved as they were then"]
    lines = [json.loads(line) for line in outcome.output]
    assert lines[-1]["interrupted"]
    for line in lines:
        assert Path(line["output"]).exists()
        assert line["interrupted"] or line["steps"] == 400


def test_workers_that_contradict_other_options_are_an_error(tmp_path: Path) -> None:
    words = ("invert", "PHOTOS", "--rep", "hog", "--workers", "2", "--threads", "2")
    outcome = _run(tmp_path, words, "--out", tmp_path / "out")
    assert outcome.status == 2
    assert outcome.errors == ["error: each worker has one thread: give --workers or --threads"]
    with pytest.raises(ValueError, match="leave --workers out on cuda"):
        share_out(2, Execution(), "cuda", 3, bool)


def test_too_little_memory_for_each_worker_suggests_fewer(tmp_path: Path) -> None:
    words = ("invert", "PHOTOS", "--rep", f"{LITE0}/stem", *NET, "--memory", "1KB", *SHARED)
    outcome = _run(tmp_path, words, "--out", tmp_path / "out")
    assert outcome.status == 2
    errors = [line for line in outcome.errors if "seconds left" not in line]  # said if it is slow
    assert errors
    assert all("the limit is 1 KB" in line for line in errors)
    assert all("or fewer workers: each of the 2 has" in line for line in errors)


def test_workers_are_the_default_only_where_they_pay_and_nothing_else_was_asked_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("preimage.workers.count_cores", lambda: 4)
    monkeypatch.setattr("preimage.workers.start_method", lambda **_: "fork")

    def workers(threads: int | None = None, device: str = "cpu", **more: Any) -> int:
        options: dict[str, Any] = {"runs": 8, "saves_time": lambda number: True} | more
        memory = options.pop("memory", None)
        execution = Execution(threads=threads, memory=memory)
        return share_out(None, execution, device, **options).workers

    assert (workers(), workers(runs=3), workers(runs=1)) == (4, 3, 1)
    assert workers(saves_time=lambda number: False) == 1
    assert workers(threads=2) == workers(memory=9) == 1
    assert workers(device="cuda") == 1
    shared = share_out(2, Execution(memory=100), "cpu", 8, bool)
    assert shared.options == {"execution": Execution(threads=1, memory=50)}
    assert share_out(2, Execution(), "cpu", 1, bool).options["workers"] == 2
