"""The index of a store: an SQLite database, which can also be read on a read-only disk.

A writer that was killed leaves committed rows in a second file, the write-ahead log. SQLite reads
that log itself if it can write into the folder; otherwise a copy of both files is read.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import sqlite3
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from filelock import FileLock

from preimage.files import write_whole

VERSION = 3
"""Layout version. Stores of other versions are refused, and left as they are."""

_REMEDY = "put it back from a copy, or give another folder"
_TABLES = """
CREATE TABLE trials (key TEXT PRIMARY KEY, trial TEXT NOT NULL);
CREATE TABLE studies (
    name TEXT, position INTEGER, key TEXT NOT NULL, PRIMARY KEY (name, position));
CREATE TABLE results (
    key TEXT PRIMARY KEY, status TEXT NOT NULL, measures TEXT, versions TEXT, reason TEXT,
    finished REAL NOT NULL);
CREATE TABLE claims (key TEXT PRIMARY KEY, run TEXT NOT NULL);
"""


class StoreError(ValueError):
    """The error for a store that cannot be used; the message says why."""


class Index:
    """The database `index.sqlite` of a folder; with `create`, it is made if it is missing.

    Raises:
        StoreError: if the index is missing, of another version, damaged, or empty although the
            folder holds results.
    """

    def __init__(self, folder: Path, *, create: bool) -> None:
        self._path = folder / "index.sqlite"
        self._closing = contextlib.ExitStack()
        if create:
            self._make()
        elif not self._path.exists():
            self._check_no_results()
            raise StoreError(f"{folder}: no store here; `preimage study run` makes one")
        with self._errors(), contextlib.ExitStack() as opened:
            self._database = self._connect(opened, create)
            self._check(create)
            self._closing = opened.pop_all()

    def close(self) -> None:
        """Close the database."""
        self._closing.close()

    def select(self, query: str, parameters: Sequence[Any] = ()) -> list[Any]:
        """Return the rows that a query finds."""
        with self._errors():
            return self._database.execute(query, parameters).fetchall()

    def change(self, statement: str, rows: Iterable[Sequence[Any]]) -> None:
        """Carry out a statement for each row of parameters, within a `transaction`."""
        with self._errors():
            self._database.executemany(statement, rows)

    @contextlib.contextmanager
    def transaction(self) -> Iterator[None]:
        """Commit the changes of a block together; if it raises, commit none of them."""
        with self._errors():
            self._database.execute("BEGIN IMMEDIATE")
            try:
                yield
                self._database.execute("COMMIT")
            except BaseException:
                if self._database.in_transaction:
                    self._database.execute("ROLLBACK")
                raise

    def _make(self) -> None:
        """Make an index with empty tables where there is none yet; no one sees it half made."""
        with self._errors(), FileLock(self._path.with_suffix(".lock")):
            if self._path.exists() and self._path.stat().st_size:
                return
            self._check_no_results()
            with (
                write_whole(self._path) as path,
                contextlib.closing(sqlite3.connect(path, isolation_level=None)) as database,
            ):
                database.execute("PRAGMA journal_mode = WAL")
                database.executescript(_TABLES)
                database.execute(f"PRAGMA user_version = {VERSION}")

    def _connect(self, opened: contextlib.ExitStack, create: bool) -> sqlite3.Connection:
        """Return a connection to the index or to a copy; register its closing with `opened`."""
        path, mode = self._path, "mode=rw"
        if not create and not os.access(path.parent, os.W_OK):
            mode = "mode=ro"
            log, shared = (path.with_name(f"{path.name}-{end}") for end in ("wal", "shm"))
            if not (log.exists() and log.stat().st_size):
                mode += "&immutable=1"
            elif not shared.exists():
                copies = Path(opened.enter_context(tempfile.TemporaryDirectory()))
                for file in (path, log):
                    shutil.copyfile(file, copies / file.name)
                path = copies / path.name
        database = sqlite3.connect(
            f"{path.absolute().as_uri()}?{mode}", uri=True, timeout=60, isolation_level=None
        )
        opened.callback(database.close)
        return database

    def _check(self, create: bool) -> None:
        """Raise if the index cannot be used."""
        folder = self._path.parent
        version = self._database.execute("PRAGMA user_version").fetchone()[0]
        if version not in (0, VERSION):
            remedy = "update preimage" if version > VERSION else "give another folder"
            raise StoreError(
                f"{folder}: a store of version {version}, but this preimage reads and writes "
                f"version {VERSION}: {remedy}"
            )
        if version == 0:  # it has no tables
            self._check_no_results()
            raise StoreError(f"{folder}: its run was stopped before it began: run it again")
        if create and self._database.execute("PRAGMA quick_check(1)").fetchone() != ("ok",):
            raise StoreError(f"{self._path}: damaged: {_REMEDY}")

    def _check_no_results(self) -> None:
        """Raise if there are results, because a new index would not list them."""
        results = self._path.parent / "results"
        if any(results.glob("*/[!.]*.png")):
            raise StoreError(
                f"{self._path}: empty or missing, though {results} holds results: {_REMEDY}"
            )

    @contextlib.contextmanager
    def _errors(self) -> Iterator[None]:
        """Turn errors of SQLite into StoreError."""
        try:
            yield
        except sqlite3.Error as error:
            code = getattr(error, "sqlite_errorcode", 0) & 0xFF  # higher bits tell the operation
            more = ""
            if code in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
                more = f": {_REMEDY}"
            elif code in (sqlite3.SQLITE_IOERR, sqlite3.SQLITE_FULL):
                free = shutil.disk_usage(self._path.parent).free
                more = f" ({free} bytes are left on its disk)"
            raise StoreError(f"{self._path}: {error}{more}") from None
