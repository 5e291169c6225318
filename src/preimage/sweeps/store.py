"""A folder of results that stays valid even if its writer is killed at any moment.

    STORE/index.sqlite      trials, studies, numbers (SQLite in WAL mode)
    STORE/index.lock        held by a process that makes the index
    STORE/results/ab/KEY.png, KEY.npy    the picture, and x* in float32
    STORE/results/ab/KEY.webp            the film of the run, if it was filmed
    STORE/runs/ID.lock      held by a process that is carrying out trials

A result counts once its row is committed, and the row is written after its files are complete. It
no longer counts once one of its files is gone. Trials that are being carried out are claimed by a
run. A claim holds as long as the run's lock, which the system frees when the process ends, however
it ends. Several processes on one machine can work on one store.
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import time
import uuid
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Self

import numpy as np
from filelock import FileLock, Timeout

from preimage.files import remove_partial, write_together
from preimage.studies.measures import Measures
from preimage.studies.outcome import Failure, Outcome, Record
from preimage.studies.trial import Trial, UnreadableTrialError
from preimage.sweeps.index import Index, StoreError
from preimage.visualizations.saving import save_picture

_CHOSEN = "key IN (SELECT value FROM json_each(?))"


class Store:
    """A folder of results (see the module); made if it is missing and `create` is set.

    Raises:
        StoreError: if there is no store, or it is of another version or damaged.
        OSError: if the folder cannot be made or written.
    """

    def __init__(self, folder: Path, *, create: bool = False) -> None:
        self.folder = folder
        self._run = uuid.uuid4().hex
        self._lock: FileLock | None = None
        if create:
            for name in ("results", "runs"):
                (folder / name).mkdir(parents=True, exist_ok=True)
        self._index = Index(folder, create=create)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Give up claims, and close the index."""
        if self._lock is not None:
            with contextlib.suppress(StoreError), self._index.transaction():
                self._index.change("DELETE FROM claims WHERE run = ?", [(self._run,)])
            self._lock.release()
            self._lock_file(self._run).unlink(missing_ok=True)
            self._lock = None
        self._index.close()

    def plan(self, name: str, trials: Sequence[Trial]) -> None:
        """Make `trials` the trials of a study; the results of other trials stay in the store.

        Raises:
            ValueError: if a trial has a constant that could not be read back.
        """
        for trial in {trial.settings: trial for trial in trials}.values():
            try:
                Trial.from_json(trial.model_dump_json(warnings=False), trial.key)
            except UnreadableTrialError as error:
                raise ValueError(f"{name}: {trial.description}: {error}") from None
        rows = [(trial.key, trial.model_dump_json()) for trial in trials]
        with self._index.transaction():
            self._index.change("INSERT OR REPLACE INTO trials VALUES (?, ?)", rows)
            self._index.change("DELETE FROM studies WHERE name = ?", [(name,)])
            self._index.change(
                "INSERT INTO studies VALUES (?, ?, ?)",
                [(name, position, key) for position, (key, _) in enumerate(rows)],
            )

    def studies(self) -> list[str]:
        """Return the names of the studies, sorted."""
        rows = self._index.select("SELECT DISTINCT name FROM studies ORDER BY name")
        return [name for (name,) in rows]

    def records(self, name: str) -> list[Record]:
        """Return the records of the trials of a study, in order.

        Trials that cannot be read are left out; a warning says how many, and why the first.
        """
        rows = self._index.select(
            "SELECT key, trial FROM studies LEFT JOIN trials USING (key) WHERE name = ? "
            "ORDER BY position",
            (name,),
        )
        trials, unreadable = [], []
        for key, text in rows:
            try:
                trials.append(Trial.from_json(text or "", key))
            except UnreadableTrialError as error:
                unreadable.append(f"{key}: {error}")
        if unreadable:
            warnings.warn(
                f"{self.folder}: {len(unreadable)} of {len(rows)} trials of the study {name} "
                f"cannot be read and are left out ({unreadable[0]}); run the study again",
                stacklevel=2,
            )
        return self.lookup(trials)

    def lookup(self, trials: Sequence[Trial]) -> list[Record]:
        """Return the record of each of these trials."""
        known = self._results([trial.key for trial in trials])
        records = []
        for trial in trials:
            measures, reason = known.get(trial.key, (None, None))
            if measures is not None:
                picture = self._picture(trial.key)
                image, film = picture.with_suffix(".npy"), picture.with_suffix(".webp")
                records.append(Record(
                    trial, "done", measures, picture=picture, image=image,
                    film=film if film.exists() else None,
                ))  # fmt: skip
            else:
                records.append(
                    Record(trial, "missing" if reason is None else "failed", reason=reason)
                )
        return records

    def claim(self, trials: Sequence[Trial], *, retry: bool = False) -> list[Trial]:
        """Claim trials for this process, and return the claimed ones.

        Trials are left out if they are done, if they failed (unless `retry`), or if another
        process has claimed them and still runs.
        """
        keys = [trial.key for trial in trials]
        with self._index.transaction():  # at most one process at a time
            if self._lock is None:
                self._lock = FileLock(self._lock_file(self._run))
                self._lock.acquire()
                self._remove_leftovers()
            results = self._results(keys)
            taken = {key for key, (measures, _) in results.items() if measures or not retry}
            claims = self._index.select(
                f"SELECT key, run FROM claims WHERE {_CHOSEN}", (json.dumps(keys),)
            )
            alive = {run for run in {run for _, run in claims} if self._is_alive(run)}
            taken |= {key for key, run in claims if run in alive}
            mine = [trial for trial in trials if trial.key not in taken]
            self._index.change(
                "INSERT OR REPLACE INTO claims VALUES (?, ?)", [(t.key, self._run) for t in mine]
            )
        return mine

    def _remove_leftovers(self) -> None:
        """Remove what killed runs left: locks, claims, and temporary files.

        While another run lives, young temporary files may be its own, and stay.
        """
        others = {file.stem for file in (self.folder / "runs").glob("*.lock")} - {self._run}
        alive = [run for run in others if self._is_alive(run)]
        if alive:
            remove_partial(self.folder / "results")
        else:
            remove_partial(self.folder / "results", 0)

    def put(self, result: Outcome | Failure) -> None:
        """Keep the result of a trial: its files first, then its row.

        Raises:
            OSError: if the files cannot be written, for instance because the disk is full.
            StoreError: if the row cannot be written; then the files are removed again.
        """
        if isinstance(result, Failure):
            self._commit(result.key, "failed", None, None, result.reason)
            return
        from PIL import Image

        picture = self._picture(result.key)
        paths = [picture, picture.with_suffix(".npy")]
        if result.film is not None:
            paths.append(picture.with_suffix(".webp"))
        with write_together(*paths) as (shown, image, *film):
            save_picture(Image.fromarray(result.picture), shown)
            np.save(image, result.image)
            for file in film:
                file.write_bytes(result.film or b"")
        measures = json.dumps(dataclasses.asdict(result.measures))
        try:
            self._commit(result.key, "done", measures, json.dumps(result.versions), None)
        except StoreError:  # after an interruption the row may be committed, and needs its files
            for path in paths:
                path.unlink(missing_ok=True)
            raise

    def _commit(self, key: str, status: str, *values: str | None) -> None:
        """Write the row of a result, which ends its claim."""
        with self._index.transaction():
            self._index.change("DELETE FROM claims WHERE key = ?", [(key,)])
            self._index.change(
                "INSERT OR REPLACE INTO results VALUES (?, ?, ?, ?, ?, ?)",
                [(key, status, *values, time.time())],
            )

    def _results(self, keys: Sequence[str]) -> dict[str, tuple[Measures | None, str | None]]:
        """Return the numbers of finished trials and the reasons of failed ones, by key.

        Results whose files are gone, and rows that cannot be read, are left out.
        """
        rows = self._index.select(
            f"SELECT key, measures, reason FROM results WHERE {_CHOSEN}", (json.dumps(keys),)
        )
        found: dict[str, tuple[Measures | None, str | None]] = {}
        for key, measures, reason in rows:
            if measures is None:
                found[key] = None, reason
            elif self._has_files(key):
                with contextlib.suppress(ValueError, TypeError):
                    found[key] = Measures.from_dict(json.loads(measures)), None
        return found

    def _has_files(self, key: str) -> bool:
        """Return whether the files of a result exist and are not empty."""
        stem = f"{self.folder}/results/{key[:2]}/{key}"
        try:
            return all(os.stat(f"{stem}{suffix}").st_size for suffix in (".png", ".npy"))
        except OSError:
            return False

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
        self._index.change("DELETE FROM claims WHERE run = ?", [(run,)])
        self._lock_file(run).unlink(missing_ok=True)
        return False

    def _lock_file(self, run: str) -> Path:
        """Return the path of the lock of a run."""
        return self.folder / "runs" / f"{run}.lock"

    def _picture(self, key: str) -> Path:
        """Return the path of the picture of a result."""
        return self.folder / "results" / key[:2] / f"{key}.png"
