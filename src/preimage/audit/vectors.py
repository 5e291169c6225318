"""A sample of the vectors in a store, drawn with a seed and without reading all of them.

Rows that cannot be vectors are left out and counted by reason, and others are drawn in their place.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

import numpy as np

from preimage.audit.vector_files import Table, open_table

_MOST_DRAWN = 1000
"""Rows that are looked at beyond 20 for each wanted vector, before the search is given up."""


@dataclass(frozen=True, slots=True)
class Vectors:
    """Vectors drawn from a store.

    Attributes:
        values: the vectors in the number type of the store, (N, K).
        rows: the row of each in the store, counted from 0, in ascending order.
        total: the number of rows of the store.
        skipped: how many of the rows that were looked at could not be used, by reason.
        looked_at: the number of rows that were looked at.
        labels: the names of rows, such as paths, if the store has a column of them.
    """

    values: np.ndarray
    rows: tuple[int, ...]
    total: int
    skipped: Mapping[str, int]
    looked_at: int
    labels: Mapping[int, str] = field(default_factory=dict)

    def __str__(self) -> str:
        words = f"{len(self.rows)} of {self.total:,} rows, {self.values.shape[1]} values each"
        return f"{words}; {self.skipped_in_words}" if self.skipped else words

    @property
    def skipped_in_words(self) -> str:
        """The number of rows that could not be used, by reason; empty if all could."""
        if not self.skipped:
            return ""
        reasons = ", ".join(f"{count} {reason}" for reason, count in self.skipped.items())
        return f"skipped, of {self.looked_at:,} rows that were looked at: {reasons}"


def read_vectors(
    path: str | Path, *, column: str | None = None, sample: int = 64, seed: int = 0
) -> Vectors:
    """Draw vectors from a file, or from a folder of `.npy` files.

    Args:
        path: `.npy`, `.npz`, `.parquet`, `.arrow`, `.feather`, `.csv` or `.tsv`, or a folder.
        column: the column of vectors in a table, or the array in an `.npz` file. If None, the only
            one that can be meant.
        sample: the number of vectors; all if there are fewer.
        seed: the seed of the draw.

    Raises:
        OSError: if the file cannot be read.
        ValueError: if it is damaged or of an unknown kind, has no such column, is empty, or if none
            of its rows can be used.
        ModelError: if pyarrow is needed and is not installed.
    """
    table = open_table(Path(path), column)
    if not len(table):
        raise ValueError(f"{path}: holds no vectors")
    found: dict[int, np.ndarray] = {}
    skipped: Counter[str] = Counter()
    length = 0
    order = islice(draw(len(table), seed), 20 * sample + _MOST_DRAWN)
    while len(found) < sample and (rows := sorted(islice(order, sample - len(found)))):
        vectors = _take(table, rows)
        length = length or _usual_length(vectors.values())
        for row, vector in vectors.items():
            if reason := _reason(vector, length):
                skipped[reason] += 1
            else:
                found[row] = vector
    if not found:
        reasons = ", ".join(f"{count} {reason}" for reason, count in skipped.items())
        raise ValueError(f"{path}: no row can be used; of those drawn: {reasons}")
    chosen = sorted(found)
    values = np.stack([found[row] for row in chosen])
    looked_at = len(chosen) + skipped.total()
    return Vectors(values, tuple(chosen), len(table), dict(skipped), looked_at)


def read_all(
    path: str | Path, *, length: int, column: str | None = None, batch: int = 4096
) -> Iterator[Vectors]:
    """Yield all vectors of a file or folder in batches, so that only one is kept in memory.

    Args:
        path: see `read_vectors`.
        length: the number of values that vectors have; others are skipped and counted.
        column: see `read_vectors`.
        batch: the number of rows of a batch.

    Raises:
        OSError, ValueError, ModelError: as `read_vectors`.
    """
    table = open_table(Path(path), column)
    numbered = enumerate(table)
    while rows := list(islice(numbered, batch)):
        reasons = [_reason(vector, length) for _, vector in rows]
        found = [row for row, reason in zip(rows, reasons, strict=True) if not reason]
        if found:
            values = np.stack([vector for _, vector in found])
            skipped = Counter(filter(None, reasons))
            numbers = tuple(n for n, _ in found)
            yield Vectors(values, numbers, len(table), dict(skipped), len(rows))


def draw(count: int, seed: int) -> Iterator[int]:
    """Yield the numbers below `count` in a random order, without a list of all of them.

    >>> sorted(draw(5, seed=0))
    [0, 1, 2, 3, 4]
    """
    generator, moved = random.Random(seed), dict[int, int]()
    for n in range(count):  # a shuffle in which only the numbers that moved are kept
        k = generator.randrange(n, count)
        yield moved.get(k, k)
        moved[k] = moved.pop(n, n)


def _take(table: Table, rows: list[int]) -> dict[int, np.ndarray]:
    return dict(zip(rows, table.take(rows), strict=True))


def _usual_length(vectors: Iterable[np.ndarray]) -> int:
    """Return the most frequent length of vectors that are not empty."""
    lengths = Counter(len(vector) for vector in vectors if len(vector))
    return lengths.most_common(1)[0][0] if lengths else 0


def _reason(vector: np.ndarray, length: int) -> str:
    """Return why a row cannot be used; an empty text if it can."""
    if not len(vector):
        return "empty"
    if len(vector) != length:
        return f"of another length than {length}"
    if not np.isfinite(vector).all():
        return "with NaN or infinite values"
    return "zero or constant" if (vector == vector[0]).all() else ""
