"""How trials are carried out, as the options say; killed, stopped and crowded runs."""

from __future__ import annotations

import functools
import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest
from tests.cli.runner import run, without_progress
from tests.study_files import count_results, images_of, save_photos

from preimage.cli import running
from preimage.cli.run_options import RunOptions
from preimage.cli.running import choose_engine, count_workers
from preimage.sweeps.engines import in_process, process_pool
from preimage.sweeps.index import VERSION
from preimage.sweeps.ray_engine import ray_actors
from preimage.sweeps.store import Store

STUDY = """
representations = ["hog", "dsift"]
images = ["photos"]
loss_weight = [1, 5, 20]
steps = 20
"""


@pytest.mark.parametrize(("options", "trials", "expected"), [
    (RunOptions(), 100, 8), (RunOptions(threads=3), 100, 2), (RunOptions(threads=16), 100, 1),
    (RunOptions(), 5, 5), (RunOptions(), 0, 1), (RunOptions(workers=12), 100, 12),
    (RunOptions(device="cuda"), 100, 1), (RunOptions(workers=2, device="cuda"), 100, 2),
])  # fmt: skip
def test_workers_share_the_cores_unless_told_otherwise(
    options: RunOptions, trials: int, expected: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(running, "count_cores", lambda: 8)
    assert count_workers(options, trials) == expected


@pytest.mark.parametrize(("options", "function", "address"), [
    (RunOptions(workers=1), in_process, None), (RunOptions(workers=2), process_pool, None),
    (RunOptions(ray="local"), ray_actors, "local"), (RunOptions(ray="auto"), ray_actors, "auto"),
])  # fmt: skip
def test_the_engine_is_the_one_the_options_ask_for(
    options: RunOptions, function: object, address: str | None
) -> None:
    engine = choose_engine(options, 10, lambda _: None)
    assert isinstance(engine, functools.partial)
    assert engine.func is function
    assert engine.keywords.get("address") == address


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    save_photos(tmp_path / "photos", 4)
    (tmp_path / "early.toml").write_text(STUDY)
    return tmp_path


def _command(folder: Path, workers: int) -> list[str]:
    command = [sys.executable, "-m", "preimage", "study", "run", str(folder / "early.toml")]
    return [*command, "--out", str(folder / "store"), "--workers", str(workers)]


def test_two_runs_at_once_on_one_store_do_each_trial_once(folder: Path) -> None:
    runs = [
        subprocess.Popen(_command(folder, 1), stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        for _ in range(2)
    ]
    for process in runs:
        assert without_progress(process.communicate()[1].decode()) == []
        assert process.returncode == 0
    assert run("study", "status", folder / "store").output == [
        "early: 24 trials, 24 done, 0 failed, 0 missing"
    ]
    lines = (folder / "store" / "study.log").read_text().splitlines()
    keys = [line.split()[4] for line in lines if " done " in line]
    assert len(keys) == len(set(keys)) == 24


def _start(folder: Path, out: str, workers: int) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "preimage", "study", "run", str(folder / "study.toml")]
    command += ["--out", str(folder / out), "--workers", str(workers)]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)


@pytest.mark.skipif(os.name == "nt", reason="SIGKILL")
@pytest.mark.parametrize(("workers", "kills"), [(1, 10), (2, 3)])
def test_a_killed_study_ends_as_one_that_was_not(workers: int, kills: int, tmp_path: Path) -> None:
    save_photos(tmp_path / "photos", 5)
    text = STUDY.replace('"dsift"', '"hogb", "dsift"').replace("[1, 5, 20]", "[1, 20, 100, 300]")
    (tmp_path / "study.toml").write_text(text.replace("steps = 20", "steps = 5"))
    chance, counts = random.Random(workers), []
    for _ in range(kills):
        before = count_results(tmp_path / "killed")
        process = _start(tmp_path, "killed", workers)
        goal = min(before + chance.randint(0, 5), 60)
        while count_results(tmp_path / "killed") < goal:
            assert not process.poll()
            time.sleep(0.002)
        time.sleep(chance.random() * 0.03)
        process.send_signal(signal.SIGKILL)
        process.communicate()
        counts.append(count_results(tmp_path / "killed"))
    for out in ("killed", "calm"):
        process = _start(tmp_path, out, workers)
        assert without_progress(process.communicate()[1].decode()) == []
        assert process.returncode == 0
    with Store(tmp_path / "killed") as store:
        statuses = [record.status for record in store.records("study")]
    images = images_of(tmp_path / "killed")
    print(f"done at each kill: {counts}; in the end: {len(images)} images")  # noqa: T201
    assert statuses == ["done"] * 60
    assert len(images) == 60
    assert images == images_of(tmp_path / "calm")
    log = (tmp_path / "killed" / "study.log").read_text().splitlines()
    finished = [line.split()[4] for line in log if " done " in line]
    assert len(set(finished)) == len(finished) <= 60


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="needs /proc")
def test_the_workers_of_a_killed_driver_end_by_themselves(folder: Path) -> None:
    (folder / "early.toml").write_text(STUDY.replace("steps = 20", "steps = 1000"))
    driver = subprocess.Popen(_command(folder, 2), stderr=subprocess.PIPE)
    while not images_of(folder / "store"):
        assert driver.poll() is None
        time.sleep(0.01)
    workers = _children(driver.pid)
    driver.send_signal(signal.SIGKILL)
    driver.communicate()
    _wait_for_end(workers)
    assert len(workers) >= 2


def _wait_for_end(pids: list[int]) -> None:
    until = time.monotonic() + 60
    while any(_is_running(pid) for pid in pids):
        assert time.monotonic() < until
        time.sleep(0.05)


def _children(pid: int) -> list[int]:
    path = Path(f"/proc/{pid}/task/{pid}/children")
    return [int(child) for child in path.read_text().split()]


def _is_running(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


TALKATIVE = """
import sys
from unittest import mock
from preimage.__main__ import main
from preimage.cli.screen import Screen
def report_progress(screen, progress):
    print("progress of", progress.key, file=sys.stderr, flush=True)
with mock.patch.object(Screen, "report_progress", report_progress):
    main()
"""
"""A line for all that a worker reports: it is at work, and the driver in no handler of a signal."""


def _reported(line: str) -> str:
    assert line.startswith("progress of ")
    return line


@pytest.mark.skipif(os.name == "nt", reason="SIGINT")
@pytest.mark.parametrize("workers", [1, 2])
def test_a_second_ctrl_c_stops_at_once_and_leaves_a_valid_store(folder: Path, workers: int) -> None:
    (folder / "early.toml").write_text(STUDY.replace("steps = 20", "steps = 1000000"))
    command = [sys.executable, "-c", TALKATIVE, *_command(folder, workers)[3:]]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None
    at_work: set[str] = set()
    while len(at_work) < workers:
        at_work.add(_reported(process.stderr.readline()))
    process.send_signal(signal.SIGINT)
    while not (line := process.stderr.readline()).startswith("stopping "):
        assert _reported(line) in at_work
    assert _reported(process.stderr.readline()) in at_work
    process.send_signal(signal.SIGINT)
    while not (line := process.stderr.readline()).startswith("interrupted; "):
        assert _reported(line) in at_work
    assert process.communicate()[1] == ""
    assert process.returncode == 130
    assert run("study", "status", folder / "store").output == [
        "early: 24 trials, 0 done, 0 failed, 24 missing"
    ]
    assert list((folder / "store/runs").iterdir()) == []


@pytest.mark.skipif(os.name == "nt", reason="SIGTERM")
@pytest.mark.parametrize("workers", [1, 2])
def test_a_terminated_run_leaves_no_claim_no_part_of_a_file_and_no_worker(
    folder: Path, workers: int
) -> None:
    (folder / "early.toml").write_text(STUDY.replace("steps = 20", "steps = 1000000"))
    command = [sys.executable, "-c", TALKATIVE, *_command(folder, workers)[3:]]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None
    _reported(process.stderr.readline())
    children = _children(process.pid) if Path("/proc/self/task").exists() else []
    process.terminate()
    process.communicate()
    assert process.returncode == 128 + signal.SIGTERM
    _wait_for_end(children)
    assert list((folder / "store" / "runs").iterdir()) == []
    assert not list((folder / "store").rglob(".partial*"))
    assert run("study", "status", folder / "store").output == [
        "early: 24 trials, 0 done, 0 failed, 24 missing"
    ]


@pytest.mark.skipif(os.name == "nt", reason="SIGINT")
def test_ctrl_c_keeps_what_is_done_and_another_run_ends_it(folder: Path) -> None:
    (folder / "early.toml").write_text(STUDY.replace("steps = 20", "steps = 100"))
    command = _command(folder, 2)
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    while not images_of(folder / "store"):
        assert process.poll() is None
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    errors = process.communicate()[1].splitlines()
    assert process.returncode == 130
    assert errors == [
        "stopping when the trials that were begun are done; Ctrl-C again to stop now",
        "interrupted; finished results are kept, and another run goes on from there",
    ]
    kept = images_of(folder / "store")
    assert 1 <= len(kept) < 24
    outcome = run(*_command(folder, 1)[3:])
    assert outcome.output[-1] == "early: 24 trials, 24 done, 0 failed, 0 missing"
    assert kept.items() <= images_of(folder / "store").items()


def test_a_store_of_a_newer_version_is_refused_in_one_line_and_left_as_it_is(folder: Path) -> None:
    assert run(*_command(folder, 1)[3:]).status == 0
    index = folder / "store" / "index.sqlite"
    database = sqlite3.connect(index)
    database.execute(f"PRAGMA user_version = {VERSION + 1}")
    database.close()
    before = index.read_bytes()
    (folder / "early.toml").write_text(STUDY.replace("steps = 20", "steps = 21"))
    for command in (_command(folder, 1)[3:], ("study", "status", str(folder / "store"))):
        outcome = run(*command)
        assert outcome.status == 2
        assert len(outcome.errors) == 1
        assert "but this preimage reads and writes version" in outcome.errors[0]
    assert index.read_bytes() == before


@pytest.mark.skipif(shutil.which("unshare") is None, reason="needs a mount namespace")
def test_a_store_on_a_read_only_disk_is_read_and_not_run(folder: Path) -> None:
    assert run(*_command(folder, 1)[3:]).status == 0
    before = images_of(folder / "store")
    (folder / "early.toml").write_text(STUDY.replace("steps = 20", "steps = 21"))
    mount = 'mount --bind "$0" "$0" && mount -o remount,ro,bind "$0" && exec "$@"'

    def read_only(*command: str) -> subprocess.CompletedProcess[str]:
        wrapped = ["unshare", "-m", "sh", "-c", mount, str(folder / "store"), *command]
        return subprocess.run(wrapped, capture_output=True, text=True, check=False, cwd=folder)

    if read_only("true").returncode:
        pytest.skip("no read-only mount can be made here")
    outcome = read_only(*_command(folder, 1))
    assert outcome.returncode == 2
    assert outcome.stderr.splitlines() == [
        f"error: {folder / 'store'}: Read-only file system"
    ]  # fmt: skip
    preimage = [sys.executable, "-m", "preimage", "study"]
    status = read_only(*preimage, "status", str(folder / "store"))
    assert status.stdout == "early: 24 trials, 24 done, 0 failed, 0 missing\n"
    export = read_only(*preimage, "export", str(folder / "store"), str(folder / "trials.csv"))
    assert export.returncode == 0
    report = read_only(*preimage, "report", str(folder / "store"))
    assert report.returncode == 0
    assert report.stderr.splitlines() == [
        f"warning: {folder / 'store'}: Read-only file system: the report goes to store-report"
    ]
    assert "24 trials: 24 done" in (folder / "store-report" / "report.md").read_text()
    assert images_of(folder / "store") == before


def test_a_photo_without_permission_or_that_is_a_folder_fails_alone(folder: Path) -> None:
    (folder / "photos" / "folder.png").mkdir()
    (folder / "photos" / "empty.png").write_bytes(b"")
    os.symlink(folder / "gone.png", folder / "photos" / "link.png")
    outcome = run(*_command(folder, 1)[3:])
    assert outcome.status == 2
    counts = outcome.output[-1].split(", ")
    assert counts[1] == "24 done"
    assert not any("Traceback" in line for line in outcome.errors)
    assert any("empty.png, C 1, seed 0: " in line for line in outcome.errors)
