"""The store: what counts as a result, who may work on what, and what it refuses."""

from __future__ import annotations

import errno
import os
import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from tests.study_files import MEASURES, make_outcome, make_trials, save_photos

from preimage.studies.outcome import Failure
from preimage.studies.trial import Trial
from preimage.sweeps.store import VERSION, Store, StoreError


@pytest.fixture
def trials(tmp_path: Path) -> list[Trial]:
    return make_trials(save_photos(tmp_path / "photos", 3))


def test_a_store_knows_what_is_done_what_failed_and_what_is_missing(
    tmp_path: Path, trials: list[Trial]
) -> None:
    with Store(tmp_path / "store", create=True) as store:
        store.plan("a", trials)
        store.put(make_outcome(trials[2]))
        store.put(Failure(trials[0].key, "too small"))
    with Store(tmp_path / "store") as store:
        assert store.studies() == ["a"]
        failed, missing, done = store.records("a")
    assert [record.trial for record in (failed, missing, done)] == trials
    assert (failed.status, failed.reason) == ("failed", "too small")
    assert (missing.status, missing.measures) == ("missing", None)
    assert (done.status, done.measures) == ("done", MEASURES)
    assert done.image is not None
    assert done.picture is not None
    assert np.array_equal(np.load(done.image), make_outcome(trials[2]).image)
    with Image.open(done.picture) as picture:
        assert picture.size == (5, 4)


def test_a_changed_study_forgets_no_result(tmp_path: Path, trials: list[Trial]) -> None:
    with Store(tmp_path / "store", create=True) as store:
        store.plan("a", trials)
        store.put(make_outcome(trials[0]))
        store.plan("a", trials[1:])
        store.plan("b", trials[:1])
        assert [r.status for r in store.records("a")] == ["missing", "missing"]
        assert [r.status for r in store.records("b")] == ["done"]


def test_what_is_done_or_claimed_is_claimed_by_nobody_else(
    tmp_path: Path, trials: list[Trial]
) -> None:
    folder = tmp_path / "store"
    with Store(folder, create=True) as one, Store(folder, create=True) as other:
        one.put(make_outcome(trials[0]))
        assert one.claim(trials[:2]) == [trials[1]]
        assert other.claim(trials) == [trials[2]]
        one.put(make_outcome(trials[1]))
        other.put(Failure(trials[2].key, "why"))
        assert one.claim(trials) == []
        assert one.claim(trials, retry=True) == [trials[2]]


def test_the_claims_of_a_closed_store_are_free(tmp_path: Path, trials: list[Trial]) -> None:
    folder = tmp_path / "store"
    with Store(folder, create=True) as one:
        one.claim(trials)
    with Store(folder, create=True) as other:
        assert other.claim(trials) == trials
    assert list((folder / "runs").iterdir()) == []


def test_the_claims_of_a_killed_process_are_free(tmp_path: Path, trials: list[Trial]) -> None:
    folder = tmp_path / "store"
    code = (
        "import os, sys; from pathlib import Path; from preimage.sweeps.store import Store; "
        "from preimage.studies.trial import Trial; "
        "store = Store(Path(sys.argv[1]), create=True); "
        "claimed = store.claim([Trial.model_validate_json(t) for t in sys.argv[2:]]); "
        "print(len(claimed), flush=True); os.kill(os.getpid(), 9)"
    )
    command = [sys.executable, "-c", code, str(folder), *(t.model_dump_json() for t in trials)]
    killed = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (killed.returncode, killed.stdout) == (-9, "3\n")
    with Store(folder, create=True) as store:
        assert store.claim(trials) == trials


def test_a_full_disk_leaves_neither_file_nor_row(
    tmp_path: Path, trials: list[Trial], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with Store(tmp_path / "store", create=True) as store:
        store.plan("a", trials)
        with monkeypatch.context() as patched:
            patched.setattr(np, "save", fail)
            with pytest.raises(OSError, match="No space left"):
                store.put(make_outcome(trials[0]))
        assert store.records("a")[0].status == "missing"
        assert not list((tmp_path / "store").rglob(".partial*"))
        store.put(make_outcome(trials[0]))
        assert store.records("a")[0].status == "done"


def test_a_disk_that_is_full_for_the_index_costs_no_result(
    tmp_path: Path, trials: list[Trial]
) -> None:
    with Store(tmp_path / "store", create=True) as store:
        store.plan("a", trials)
        store.put(make_outcome(trials[0]))
        pages = store._database.execute("PRAGMA page_count").fetchone()[0]
        store._database.execute(f"PRAGMA max_page_count = {pages}")
        many = [t.model_copy(update={"seed": seed}) for t in trials for seed in range(99)]
        with pytest.raises(StoreError, match=r"index.sqlite: database or disk is full"):
            store.plan("a", many)
    with Store(tmp_path / "store", create=True) as store:
        assert [record.trial for record in store.records("a")] == trials
        assert store.claim(trials) == trials[1:]


def test_what_a_killed_writer_left_behind_is_removed_in_time(
    tmp_path: Path, trials: list[Trial]
) -> None:
    with Store(tmp_path / "store", create=True) as store:
        store.put(make_outcome(trials[0]))
        folder = next((tmp_path / "store/results").iterdir())
        old, young = folder / ".partial-1.png", folder / ".partial-2.png"
        for path in (old, young):
            path.write_bytes(b"half")
        os.utime(old, (0, 0))
        store.claim(trials)
        assert (old.exists(), young.exists()) == (False, True)


def test_a_store_of_a_newer_version_is_left_alone(tmp_path: Path) -> None:
    Store(tmp_path, create=True).close()
    database = sqlite3.connect(tmp_path / "index.sqlite")
    database.execute(f"PRAGMA user_version = {VERSION + 1}")
    database.close()
    for create in (False, True):
        with pytest.raises(
            StoreError,
            match=rf"version {VERSION + 1}, but this .* version {VERSION}: update preimage",
        ):
            Store(tmp_path, create=create)


def test_a_store_of_an_older_version_is_left_alone(tmp_path: Path) -> None:
    Store(tmp_path, create=True).close()
    database = sqlite3.connect(tmp_path / "index.sqlite")
    database.execute(f"PRAGMA user_version = {VERSION - 1}")
    database.close()
    before = (tmp_path / "index.sqlite").read_bytes()
    for create in (False, True):
        with pytest.raises(StoreError, match=rf"version {VERSION - 1}, .*: give another folder"):
            Store(tmp_path, create=create)
    assert (tmp_path / "index.sqlite").read_bytes() == before


def test_a_damaged_index_and_a_missing_store_are_refused(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="no store here"):
        Store(tmp_path)
    (tmp_path / "index.sqlite").write_text("these are words, and not a database of any kind")
    with pytest.raises(StoreError, match=r"index.sqlite: file is not a database"):
        Store(tmp_path)


def test_a_store_that_cannot_be_written_can_be_read(
    tmp_path: Path, trials: list[Trial], monkeypatch: pytest.MonkeyPatch
) -> None:
    with Store(tmp_path / "store", create=True) as store:
        store.plan("a", trials)
        store.put(make_outcome(trials[0]))
    monkeypatch.setattr(os, "access", lambda *_: False)
    before = sorted(path.name for path in (tmp_path / "store").iterdir())
    with Store(tmp_path / "store") as store:
        assert [record.status for record in store.records("a")] == ["done", "missing", "missing"]
        with pytest.raises(StoreError, match="readonly database"):
            store.plan("b", trials)
    assert sorted(path.name for path in (tmp_path / "store").iterdir()) == before
