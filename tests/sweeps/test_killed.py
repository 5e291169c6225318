"""A study killed with SIGKILL at random moments loses nothing and repeats nothing."""

from __future__ import annotations

import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest
from tests.study_files import images_of, save_photos

from preimage.sweeps.store import Store

STUDY = """
representations = ["hog", "hogb", "dsift"]
photos = ["photos"]
loss_weights = [1, 20, 100, 300]
steps = 5
"""


def _start(folder: Path, out: str, workers: int) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "preimage", "study", "run", str(folder / "study.toml")]
    command += ["--out", str(folder / out), "--workers", str(workers)]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)


def _done(store: Path) -> int:
    if not (store / "index.sqlite").exists():
        return 0
    database = sqlite3.connect(store / "index.sqlite", timeout=60)
    try:
        return int(database.execute("SELECT count(*) FROM results").fetchone()[0])
    except sqlite3.OperationalError:  # killed before it had tables
        return 0
    finally:
        database.close()


@pytest.mark.skipif(os.name == "nt", reason="SIGKILL")
@pytest.mark.parametrize(("workers", "kills"), [(1, 10), (2, 3)])
def test_a_killed_study_ends_as_one_that_was_not(workers: int, kills: int, tmp_path: Path) -> None:
    save_photos(tmp_path / "photos", 5)
    (tmp_path / "study.toml").write_text(STUDY)
    chance, counts = random.Random(workers), []
    for _ in range(kills):
        before = _done(tmp_path / "killed")
        process = _start(tmp_path, "killed", workers)
        goal = before + chance.randint(0, 5)
        while _done(tmp_path / "killed") < goal:
            assert process.poll() is None
            time.sleep(0.002)
        time.sleep(chance.random() * 0.03)
        process.send_signal(signal.SIGKILL)
        process.communicate()
        counts.append(_done(tmp_path / "killed"))
    for out in ("killed", "calm"):
        process = _start(tmp_path, out, workers)
        assert process.communicate()[1] == b""
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
