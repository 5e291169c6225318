"""The index of a store: versions, damage, logs of killed writers, folders that are read-only."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
from tests.study_files import make_outcome, make_trials, save_photos

from preimage.studies.trial import Trial
from preimage.sweeps.index import VERSION, StoreError
from preimage.sweeps.store import Store


@pytest.fixture
def trials(tmp_path: Path) -> list[Trial]:
    return make_trials(save_photos(tmp_path / "photos", 3))


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
    for create in (False, True):
        with pytest.raises(StoreError, match=r"index.sqlite: file is not a database: put it back"):
            Store(tmp_path, create=create)


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


@pytest.mark.parametrize("left", [None, b"", b"S", b"\0" * 4096])
def test_an_index_that_was_lost_is_not_begun_afresh_over_results(
    left: bytes | None, tmp_path: Path, trials: list[Trial]
) -> None:
    folder = tmp_path / "store"
    with Store(folder, create=True) as store:
        store.plan("a", trials)
        store.put(make_outcome(trials[0]))
    index = folder / "index.sqlite"
    index.unlink()
    if left is not None:
        index.write_bytes(left)
    for create in (False, True):
        with pytest.raises(StoreError, match=r"index.sqlite: .*put it back from a copy"):
            Store(folder, create=create)
    assert (index.read_bytes() if index.exists() else None) == left
    assert len(list(folder.rglob(f"{trials[0].key}.*"))) == 2


def test_an_index_with_a_damaged_page_is_refused(tmp_path: Path, trials: list[Trial]) -> None:
    with Store(tmp_path / "store", create=True) as store:
        store.plan("a", trials)
    index = tmp_path / "store" / "index.sqlite"
    content = index.read_bytes()
    index.write_bytes(content[:4096] + b"garbled!" * (len(content[4096:]) // 8))
    with pytest.raises(StoreError, match=r"index.sqlite: .*(damaged|malformed).*: put it back"):
        Store(tmp_path / "store", create=True)
    with Store(tmp_path / "store") as store, pytest.raises(StoreError, match="malformed: put it"):
        store.records("a")


def test_an_empty_index_without_results_is_begun(tmp_path: Path, trials: list[Trial]) -> None:
    (tmp_path / "store" / "results").mkdir(parents=True)
    (tmp_path / "store" / "index.sqlite").touch()
    with pytest.raises(StoreError, match="stopped before it began: run it again"):
        Store(tmp_path / "store")
    with Store(tmp_path / "store", create=True) as store:
        store.plan("a", trials)
        assert [record.status for record in store.records("a")] == ["missing"] * 3


KILLED = """
import os, sys
from pathlib import Path
from preimage.studies.trial import Trial
from preimage.sweeps.store import Store
store = Store(Path(sys.argv[1]), create=True)
store.plan("b", [Trial.model_validate_json(text) for text in sys.argv[2:]])
os.kill(os.getpid(), 9)
"""


@pytest.mark.parametrize("copied", [False, True])
def test_what_a_killed_writer_committed_is_read_also_where_nothing_can_be_written(
    copied: bool, tmp_path: Path, trials: list[Trial], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "store"
    with Store(folder, create=True) as store:
        store.plan("a", trials)
    texts = [trial.model_dump_json() for trial in trials]
    subprocess.run([sys.executable, "-c", KILLED, str(folder), *texts], check=False)
    assert (folder / "index.sqlite-wal").stat().st_size > 0
    if copied:  # a copy of a store may lack what the processes share
        (folder / "index.sqlite-shm").unlink()
    kept = [folder / "index.sqlite", folder / "index.sqlite-wal"]
    before = [path.read_bytes() for path in kept]
    with monkeypatch.context() as patched:
        patched.setattr(os, "access", lambda *_: False)
        with Store(folder) as store:
            assert store.studies() == ["a", "b"]
            assert [record.trial for record in store.records("b")] == trials
            with pytest.raises(StoreError, match="readonly database"):
                store.plan("c", trials)
    assert [path.read_bytes() for path in kept] == before
    with Store(folder) as store:
        assert store.studies() == ["a", "b"]


def test_two_processes_may_make_a_store_at_once(tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from preimage.sweeps.index import Index; "
        "sys.stdin.readline(); "
        "[Index(Path(folder), create=True).close() for folder in sys.argv[1:]]"
    )
    folders = [tmp_path / str(number) for number in range(20)]
    for folder in folders:
        folder.mkdir()
    command = [sys.executable, "-c", code, *map(str, folders)]
    pipe = subprocess.PIPE
    makers = [subprocess.Popen(command, stdin=pipe, stderr=pipe, text=True) for _ in range(3)]
    for maker in makers:
        assert maker.stdin is not None
        maker.stdin.write("go\n")
        maker.stdin.flush()
    assert [maker.communicate()[1] for maker in makers] == ["", "", ""]
    for folder in folders:
        Store(folder).close()
