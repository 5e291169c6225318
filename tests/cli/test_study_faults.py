"""`preimage study` and what goes wrong around it: other runs, killed drivers, bad stores."""

from __future__ import annotations

import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest
from tests.cli.runner import run
from tests.study_files import images_of, save_photos

from preimage.sweeps.store import VERSION

STUDY = """
representations = ["hog", "dsift"]
photos = ["photos"]
loss_weights = [1, 5, 20]
steps = 20
"""


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
        assert process.communicate()[1] == b""
        assert process.returncode == 0
    assert run("study", "status", folder / "store").output == [
        "early: 24 trials, 24 done, 0 failed, 0 missing"
    ]
    lines = (folder / "store" / "study.log").read_text().splitlines()
    keys = [line.split()[4] for line in lines if " done " in line]
    assert len(keys) == len(set(keys)) == 24


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
    until = time.monotonic() + 60
    while any(_is_running(pid) for pid in workers):
        assert time.monotonic() < until
        time.sleep(0.05)
    assert len(workers) >= 2


def _children(pid: int) -> list[int]:
    path = Path(f"/proc/{pid}/task/{pid}/children")
    return [int(child) for child in path.read_text().split()]


def _is_running(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


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
        assert "of a newer preimage than this one" in outcome.errors[0]
    assert index.read_bytes() == before


@pytest.mark.skipif(shutil.which("unshare") is None, reason="needs a mount namespace")
def test_a_store_on_a_read_only_disk_is_read_and_not_run(folder: Path) -> None:
    assert run(*_command(folder, 1)[3:]).status == 0
    before = images_of(folder / "store")
    (folder / "early.toml").write_text(STUDY.replace("steps = 20", "steps = 21"))
    mount = 'mount --bind "$0" "$0" && mount -o remount,ro,bind "$0" && exec "$@"'

    def read_only(*command: str) -> subprocess.CompletedProcess[str]:
        wrapped = ["unshare", "-m", "sh", "-c", mount, str(folder / "store"), *command]
        return subprocess.run(wrapped, capture_output=True, text=True, check=False)

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
