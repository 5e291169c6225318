"""A folder of results that stays valid even if its writer is killed at any moment.

    STORE/index.sqlite      trials, studies, numbers (SQLite in WAL mode)
    STORE/results/ab/KEY.png, KEY.npy    the picture, and x* in float32
    STORE/runs/ID.lock      held by a process that is carrying out trials

A result counts once its row is committed, and the row is written after its files are complete.
Trials that are being carried out are claimed by a run. A claim holds as long as the run's lock,
which the system frees when the process ends, however it ends. Several processes on one machine can
work on one store.
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import sqlite3
import time
import uuid
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Self

import numpy as np
from filelock import FileLock, Timeout

from preimage.files import remove_partial, write_whole
from preimage.studies.measures import Measures
from preimage.studies.outcome import Failure, Outcome, Record
from preimage.studies.trial import Trial

VERSION = 3
"""Layout version. Stores of other versions are refused, and left as they are."""

_TABLES = """
CREATE TABLE IF NOT EXISTS trials (key TEXT PRIMARY KEY, trial TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS studies (
    name TEXT, position INTEGER, key TEXT NOT NULL, PRIMARY KEY (name, position));
CREATE TABLE IF NOT EXISTS results (
    key TEXT PRIMARY KEY, status TEXT NOT NULL, measures TEXT, versions TEXT, reason TEXT,
    finished REAL NOT NULL);
CREATE TABLE IF NOT EXISTS claims (key TEXT PRIMARY KEY, run TEXT NOT NULL);
"""


class StoreError(ValueError):
    """An error of a store that cannot be used; the message says why."""


class Store:
    """A folder of results (see the module); made if it is missing and `create` is set.

    Raises:
        StoreError: if there is no store, or it is of another version or damaged.
        OSError: if the folder cannot be made or written.
    """

    def __init__(self, folder: Path, *, create: bool = False) -> None:
        self.folder = folder
        index = folder / "index.sqlite"
        if not index.exists() and not create:
            raise StoreError(f"{folder}: no store here; `preimage study run` makes one")
        self._run = uuid.uuid4().hex
        self._lock: FileLock | None = None
        if create:
            for name in ("results", "runs"):
                (folder / name).mkdir(parents=True, exist_ok=True)
        with self._errors():
            self._database = sqlite3.connect(
                _address(index, create), uri=True, timeout=60, isolation_level=None
            )
            version = self._database.execute("PRAGMA user_version").fetchone()[0]
            if version not in (0, VERSION):  # 0: no table is there yet
                remedy = "update preimage" if version > VERSION else "give another folder"
                raise StoreError(
                    f"{folder}: a store of version {version}, but this preimage reads and writes "
                    f"version {VERSION}: {remedy}"
                )
            if create:
                self._database.execute("PRAGMA journal_mode = WAL")
                self._database.executescript(_TABLES)
                self._database.execute(f"PRAGMA user_version = {VERSION}")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Give up claims, and close the index."""
        if self._lock is not None:
            with contextlib.suppress(StoreError), self._transaction():
                self._database.execute("DELETE FROM claims WHERE run = ?", (self._run,))
            self._lock.release()
            self._lock_file(self._run).unlink(missing_ok=True)
            self._lock = None
        self._database.close()

    def plan(self, name: str, trials: Sequence[Trial]) -> None:
        """Make these the trials of a study; the results of other trials stay in the store."""
        with self._transaction():
            rows = [(trial.key, trial.model_dump_json()) for trial in trials]
            self._database.executemany("INSERT OR REPLACE INTO trials VALUES (?, ?)", rows)
            self._database.execute("DELETE FROM studies WHERE name = ?", (name,))
            self._database.executemany(
                "INSERT INTO studies VALUES (?, ?, ?)",
                [(name, position, key) for position, (key, _) in enumerate(rows)],
            )

    def studies(self) -> list[str]:
        """Return the names of the studies, sorted."""
        with self._errors():
            rows = self._database.execute("SELECT DISTINCT name FROM studies ORDER BY name")
            return [name for (name,) in rows]

    def records(self, name: str) -> list[Record]:
        """Return the records of the trials of a study, in order."""
        with self._errors():
            rows = self._database.execute(
                "SELECT trial FROM studies JOIN trials USING (key) WHERE name = ? "
                "ORDER BY position",
                (name,),
            ).fetchall()
        return self.lookup([Trial.model_validate_json(trial) for (trial,) in rows])

    def lookup(self, trials: Sequence[Trial]) -> list[Record]:
        """Return the record of each of these trials."""
        with self._errors():
            rows = self._database.execute("SELECT key, measures, reason FROM results")
            known = {key: values for key, *values in rows}
        return [self._record(trial, *known.get(trial.key, (None, None))) for trial in trials]

    def claim(self, trials: Sequence[Trial], *, retry: bool = False) -> list[Trial]:
        """Claim trials for this process, and return the claimed ones.

        Trials are left out if they are done, if they failed (unless `retry`), or if another
        process has claimed them and still runs.
        """
        if self._lock is None:
            remove_partial(self.folder / "results")
            self._lock = FileLock(self._lock_file(self._run))
            self._lock.acquire()
        with self._transaction():
            mine = [trial for trial in trials if self._is_free(trial.key, retry)]
            self._database.executemany(
                "INSERT OR REPLACE INTO claims VALUES (?, ?)", [(t.key, self._run) for t in mine]
            )
        return mine

    def put(self, result: Outcome | Failure) -> None:
        """Keep the result of a trial: its files first, then its row.

        Raises:
            OSError: if the files cannot be written, for instance because the disk is full.
        """
        if isinstance(result, Failure):
            self._commit(result.key, "failed", None, None, result.reason)
            return
        from PIL import Image

        picture = self._picture(result.key)
        with write_whole(picture) as partial:
            Image.fromarray(result.picture).save(partial)
        with write_whole(picture.with_suffix(".npy")) as partial:
            np.save(partial, result.image)
        measures = json.dumps(dataclasses.asdict(result.measures))
        self._commit(result.key, "done", measures, json.dumps(result.versions), None)

    def _commit(self, key: str, status: str, *values: str | None) -> None:
        """Write the row of a result, which ends its claim."""
        with self._transaction():
            self._database.execute("DELETE FROM claims WHERE key = ?", (key,))
            self._database.execute(
                "INSERT OR REPLACE INTO results VALUES (?, ?, ?, ?, ?, ?)",
                (key, status, *values, time.time()),
            )

    def _is_free(self, key: str, retry: bool) -> bool:
        """Return whether a trial is to be done and no other process has claimed it."""
        query = "SELECT status FROM results WHERE key = ?"
        status = self._database.execute(query, (key,)).fetchone()
        if status is not None and (status[0] == "done" or not retry):
            return False
        claim = self._database.execute("SELECT run FROM claims WHERE key = ?", (key,)).fetchone()
        return claim is None or not self._is_alive(claim[0])

    def _is_alive(self, run: str) -> bool:
        """Return whether the process of a run still lives; remove lock and claims of a dead one."""
        if run == self._run:
            return True
        lock = FileLock(self._lock_file(run))
        try:
            with lock.acquire(timeout=0):
                pass
        except Timeout:
            return True
        self._database.execute("DELETE FROM claims WHERE run = ?", (run,))
        self._lock_file(run).unlink(missing_ok=True)
        return False

    def _lock_file(self, run: str) -> Path:
        """Return the path of the lock of a run."""
        return self.folder / "runs" / f"{run}.lock"

    def _picture(self, key: str) -> Path:
        """Return the path of the picture of a result."""
        return self.folder / "results" / key[:2] / f"{key}.png"

    def _record(self, trial: Trial, measures: str | None, reason: str | None) -> Record:
        """Return the record of a trial from its row."""
        if measures is None:
            return Record(trial, "missing" if reason is None else "failed", reason=reason)
        picture = self._picture(trial.key)
        numbers = Measures(**json.loads(measures))
        return Record(trial, "done", numbers, picture=picture, image=picture.with_suffix(".npy"))

    @contextlib.contextmanager
    def _transaction(self) -> Iterator[None]:
        """Commit the changes of a block together; none of them if it raises."""
        with self._errors():
            self._database.execute("BEGIN IMMEDIATE")
            try:
                yield
                self._database.execute("COMMIT")
            except BaseException:
                if self._database.in_transaction:
                    self._database.execute("ROLLBACK")
                raise

    @contextlib.contextmanager
    def _errors(self) -> Iterator[None]:
        """Turn errors of SQLite into StoreError."""
        try:
            yield
        except sqlite3.Error as error:
            raise StoreError(f"{self.folder / 'index.sqlite'}: {error}") from None


def _address(index: Path, writes: bool) -> str:
    """Return the URI of the index, marked immutable if its folder is read-only."""
    mode = "mode=rwc" if writes else "mode=rw"
    if not writes and not os.access(index.parent, os.W_OK):
        mode = "mode=ro&immutable=1"
    return f"{index.absolute().as_uri()}?{mode}"
