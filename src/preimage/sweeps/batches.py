"""Batches: trials that a worker is given together."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from preimage.files import sha256
from preimage.studies.outcome import Failure
from preimage.studies.trial import Trial


@dataclass(frozen=True, slots=True)
class Batch:
    """Trials to carry out together, with their photos: all that a worker needs.

    Attributes:
        trials: at least one, of the same `batch_key`.
        photos: the image files by checksum.
    """

    trials: tuple[Trial, ...]
    photos: dict[str, bytes]

    def split(self) -> list[Batch]:
        """Return a batch for each trial."""
        return [Batch((trial,), self.photos) for trial in self.trials]


def group(trials: Sequence[Trial], most: int) -> Iterator[list[Trial]]:
    """Yield groups of at most `most` trials that can be carried out together, in order."""
    groups: dict[str, list[Trial]] = {}
    for trial in trials:
        groups.setdefault(trial.batch_key, []).append(trial)
    for alike in groups.values():
        for start in range(0, len(alike), most):
            yield alike[start : start + most]


def read_photos(trials: Sequence[Trial]) -> tuple[Batch | None, list[Failure]]:
    """Return trials with their photos, and a failure for each whose photo cannot be read."""
    photos: dict[str, bytes] = {}
    failures = []
    for trial in trials:
        if not trial.photo:
            continue
        try:
            data = Path(trial.photo).read_bytes()
        except OSError as error:
            failures.append(Failure(trial.key, f"{trial.photo}: {error.strerror}"))
            continue
        if sha256(data) == trial.photo_sha256:
            photos[trial.photo_sha256] = data
        else:
            reason = f"{trial.photo}: changed since the study began: run it again"
            failures.append(Failure(trial.key, reason))
    left = tuple(trial for trial in trials if not trial.photo or trial.photo_sha256 in photos)
    return (Batch(left, photos) if left else None), failures
