"""Batches, each of trials that a worker is given together, and a queue of batches."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from preimage.files import explain, sha256
from preimage.studies.outcome import Failure
from preimage.studies.trial import Trial

DEATHS = 3
"""Number of worker deaths after which a trial counts as failed."""


@dataclass(frozen=True, slots=True)
class Batch:
    """Trials of one `batch_key`, and their image files by checksum: all that a worker needs."""

    trials: tuple[Trial, ...]
    photos: dict[str, bytes]

    def split(self) -> list[Batch]:
        """Return a batch for each trial."""
        return [Batch((trial,), self.photos) for trial in self.trials]


def group(trials: Sequence[Trial], most: int) -> Iterator[list[Trial]]:
    """Yield groups of at most `most` trials that can be carried out together, in order.

    Trials with `diversity` are one group for each component, however many they are.
    """
    groups: dict[str, list[Trial]] = {}
    for trial in trials:
        groups.setdefault(trial.batch_key, []).append(trial)
    for alike in groups.values():
        size = len(alike) if alike[0].diversity else most
        for start in range(0, len(alike), size):
            yield alike[start : start + size]


def read_photos(trials: Sequence[Trial]) -> tuple[Batch | None, list[Failure]]:
    """Return a batch of the trials whose photos can be read, and a failure for each other one."""
    photos: dict[str, bytes] = {}
    failures = []
    for trial in trials:
        if not trial.photo:
            continue
        try:
            data = Path(trial.photo).read_bytes()
        except OSError as error:
            failures.append(Failure(trial.key, explain(error)))
            continue
        if sha256(data) == trial.photo_sha256:
            photos[trial.photo_sha256] = data
        else:
            reason = f"{trial.photo}: changed since the study began: run the study again"
            failures.append(Failure(trial.key, reason))
    left = tuple(trial for trial in trials if not trial.photo or trial.photo_sha256 in photos)
    return (Batch(left, photos) if left else None), failures


class Queue:
    """Batches to carry out: first those of dead workers, then new ones."""

    def __init__(self, batches: Iterator[Batch]) -> None:
        self._batches = batches
        self._again: list[Batch] = []
        self._deaths: Counter[str] = Counter()

    def next(self) -> Batch | None:
        """Return the next batch; None if no batch is left at present."""
        return self._again.pop() if self._again else next(self._batches, None)

    def put_back(self, batch: Batch) -> None:
        """Put back a batch that was lost through no fault of its trials."""
        self._again.append(batch)

    def died(self, batch: Batch, cause: str) -> list[Failure]:
        """Put a dead worker's trials back, one by one; fail trials after `DEATHS` such deaths."""
        failures = []
        for single in batch.split():
            key = single.trials[0].key
            self._deaths[key] += 1
            if self._deaths[key] < DEATHS:
                self._again.append(single)
            else:
                failures.append(Failure(key, f"its worker process died {DEATHS} times ({cause})"))
        return failures
