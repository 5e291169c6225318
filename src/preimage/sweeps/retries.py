"""A queue of batches that tries the trials of a dead worker again, a limited number of times."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from preimage.studies.outcome import Failure
from preimage.sweeps.batches import Batch

DEATHS = 3
"""Number of worker deaths after which a trial counts as failed."""


class Queue:
    """Batches to carry out: first those of dead workers, then new ones.

    Args:
        batches: the new ones, drawn one at a time.
    """

    def __init__(self, batches: Iterator[Batch]) -> None:
        self._batches = batches
        self._again: list[Batch] = []
        self._deaths: Counter[str] = Counter()

    def next(self) -> Batch | None:
        """Return the next batch; None if there is none at present."""
        return self._again.pop() if self._again else next(self._batches, None)

    def put_back(self, batch: Batch) -> None:
        """Put a batch back that was lost through no fault of its trials."""
        self._again.append(batch)

    def died(self, batch: Batch, cause: str) -> list[Failure]:
        """Put the trials of a dead worker back, one by one.

        Args:
            batch: the batch of that worker.
            cause: of its death.

        Returns:
            A failure for each trial that `DEATHS` workers have died of.
        """
        failures = []
        for single in batch.split():
            key = single.trials[0].key
            self._deaths[key] += 1
            if self._deaths[key] < DEATHS:
                self._again.append(single)
            else:
                failures.append(Failure(key, f"its worker process died {DEATHS} times ({cause})"))
        return failures
