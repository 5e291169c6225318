"""Trials whose worker died: tried again, but not forever."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from preimage.studies.outcome import Failure
from preimage.sweeps.batches import Batch

DEATHS = 3
"""A trial that so many worker processes died of is a failed one."""


class Queue:
    """Batches to carry out: those of dead workers, then new ones.

    Args:
        batches: the new ones, drawn one at a time.
    """

    def __init__(self, batches: Iterator[Batch]) -> None:
        self._batches = batches
        self._again: list[Batch] = []
        self._deaths: Counter[str] = Counter()

    def next(self) -> Batch | None:
        """The next batch, or None if there is none at present."""
        return self._again.pop() if self._again else next(self._batches, None)

    def put_back(self, batch: Batch) -> None:
        """A batch whose worker was lost by no fault of its trials."""
        self._again.append(batch)

    def died(self, batch: Batch, how: str) -> list[Failure]:
        """A batch whose worker died: its trials one by one, or failures once it is too often."""
        failures = []
        for single in batch.split():
            key = single.trials[0].key
            self._deaths[key] += 1
            if self._deaths[key] < DEATHS:
                self._again.append(single)
            else:
                failures.append(Failure(key, f"its worker process died {DEATHS} times ({how})"))
        return failures
